"""The figure of an experiment: the gain with its confidence bounds."""

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from .comparison import Comparison, Trial
from .scores import metric_name
from .sequential import Evidence, Verdict

rcParams["date.converter"] = "concise"
# Colours that remain distinct in grey and for the colour-blind: https://jfly.uni-koeln.de/color
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#767676"


def experiment_figure(
    comparison: Comparison, trial: Trial, evidence: Evidence, verdict: Verdict
) -> Figure:
    """Plot the gain by day; there must be a day that counts.

    The lower bound is above 0 exactly when the e-value reaches its threshold.
    """
    plan, daily = trial.plan, comparison.gains()
    days = np.array([day.date for day in comparison.days], dtype="datetime64[D]")
    ends = days[plan.block_days - 1 :: plan.block_days]
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    label = f"{1 - plan.alpha:.0%} confidence bounds"
    bounded = np.isfinite(evidence.lower)
    bounds = (values[bounded] for values in (ends, evidence.lower, evidence.upper))
    axes.fill_between(*bounds, color=BLUE, alpha=0.2, linewidth=0, label=label)
    axes.plot(days, daily, "o", color=GREY, alpha=0.5, markersize=4, label="day")
    axes.plot(ends, evidence.gain, "o-", color=BLUE, label="all days so far")
    axes.axhline(0, color="black", linewidth=1)
    label = f"smallest effect: {plan.smallest_effect:.1%}"
    axes.axhline(plan.smallest_effect, color=ORANGE, linestyle="--", label=label)
    if verdict.blocks and verdict.decision != "go on":
        axes.axvline(ends[verdict.blocks - 1], color="black", linestyle=":", label="decision")
    room = 0.1 * np.ptp(daily) + 0.01  # the first bounds are too wide to set the scale
    axes.set_ylim(min(daily.min(), 0) - room, max(daily.max(), 0) + room)
    axes.set_xlim(days[0] - 1, max(days[-1], days[0] + 7) + 1)  # at least a week
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set(xlabel="day (UTC)", ylabel=f"relative gain in {metric_name()}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    versions = f"version {trial.challenger} against version {trial.champion}"
    title = f"{verdict.decision.capitalize()}: {verdict.reason}"
    figure.suptitle(f"{title}\n{plan.name}: {plan.mode}, {versions}")
    return figure
