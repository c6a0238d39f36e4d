"""The figure of an experiment: the gain with its confidence bounds, and the evidence."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from .comparison import Comparison, Trial, evidence_of
from .scores import metric_name
from .sequential import LARGEST_LOG, Verdict

# Colours that remain distinct in grey and for the colour-blind: https://jfly.uni-koeln.de/color
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#767676"


def experiment_figure(comparison: Comparison, trial: Trial, verdict: Verdict) -> Figure:
    """Plot the gain and the evidence by day; there must be a day that counts."""
    rule, evidence = trial.plan.rule, evidence_of(comparison, trial.plan)
    days = np.array([day.date for day in comparison.days], dtype="datetime64[D]")
    daily, ends = comparison.gains(), days[rule.block_days - 1 :: rule.block_days]
    figure = Figure(figsize=(9, 7), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=[3, 2])

    bounded = np.isfinite(evidence.lower)
    bounds = (one[bounded] for one in (ends, evidence.lower, evidence.upper))
    label = f"{1 - rule.alpha:.0%} confidence bounds"
    above.fill_between(*bounds, color=BLUE, alpha=0.2, linewidth=0, label=label)
    above.plot(days, daily, "o", color=GREY, alpha=0.5, markersize=4, label="day")
    above.plot(ends, evidence.gain, "o-", color=BLUE, label="all days so far")
    above.axhline(0, color="black", linewidth=1)
    label = f"smallest effect: {rule.smallest_effect:.1%}"
    above.axhline(rule.smallest_effect, color=ORANGE, linestyle="--", label=label)
    room = 0.1 * np.ptp(daily) + 0.01  # the first bounds are too wide to set the scale
    above.set_ylim(min(daily.min(), 0) - room, max(daily.max(), 0) + room)
    above.yaxis.set_major_formatter(PercentFormatter(1))
    above.set_ylabel(f"relative gain in {metric_name()}")

    e_values = np.exp(np.minimum(evidence.log_e, LARGEST_LOG))
    below.plot(ends, e_values, "o-", color=BLUE, label="e-value")
    label = f"threshold: {rule.threshold:g}"
    below.axhline(rule.threshold, color=ORANGE, linestyle="--", label=label)
    below.set_yscale("log")
    below.yaxis.set_major_formatter("{x:g}")
    below.set(xlabel="day (UTC)", ylabel="e-value")

    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        if verdict.blocks and verdict.decision != "go on":
            axes.axvline(ends[verdict.blocks - 1], color="black", linestyle=":", label="decision")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, frameon=False)
    below.set_xlim(days[0] - 1, max(days[-1], days[0] + 7) + 1)  # at least a week
    figure.autofmt_xdate()
    versions = f"version {trial.challenger} against version {trial.champion}"
    title = f"{verdict.decision.capitalize()}: {verdict.reason}"
    figure.suptitle(f"{title}\n{trial.plan.name}: {trial.plan.mode}, {versions}")
    return figure
