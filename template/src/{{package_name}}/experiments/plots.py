"""The figure of an experiment: what the days show, and whether it is enough."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from .. import problem
from .comparison import Comparison, Trial, evidence_of, gains
from .sequential import LARGEST_LOG, Evidence, Rule, Verdict

# The colour-blind tell these apart, and so does who prints in grey: https://jfly.uni-koeln.de/color
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#767676"
WEEK = 7  # the least to draw, so that the axis counts days and not hours


def experiment_figure(comparison: Comparison, trial: Trial, verdict: Verdict) -> Figure:
    """Above, the gain with its bounds; below, the evidence on its way to the threshold.

    There must be a day to draw.
    """
    plan, rule = trial.plan, trial.plan.rule
    dates = np.array([day.date for day in comparison.days], dtype="datetime64[D]")
    ends = dates[rule.block_days - 1 :: rule.block_days]
    evidence = evidence_of(comparison, plan)

    figure = Figure(figsize=(9, 7), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=[3, 2])
    draw_days(above, dates, gains(comparison.days))
    draw_gain(above, ends, evidence, rule)
    draw_evidence(below, ends, evidence, rule)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        if verdict.blocks and verdict.decision != "go on":
            axes.axvline(ends[verdict.blocks - 1], color="black", linestyle=":", label="decided")
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=5, frameon=False, columnspacing=1
        )
    below.set_xlim(dates[0] - 1, max(dates[-1], dates[0] + WEEK) + 1)
    figure.autofmt_xdate()
    figure.suptitle(f"{verdict.decision.capitalize()}: {verdict.reason}", fontweight="bold")
    figure.supxlabel(
        f"{plan.name}: version {trial.challenger} in a {plan.mode} test beside version "
        f"{trial.champion}, judged by {problem.METRIC}",
        fontsize="medium",
    )
    return figure


def draw_days(axes: Axes, dates: np.ndarray, shares: np.ndarray) -> None:
    """A dot for each day; they set the scale, which the first, wide bounds may leave."""
    axes.plot(dates, shares, "o", color=GREY, alpha=0.5, markersize=4, label="day")
    room = 0.1 * np.ptp(shares) + 0.01
    axes.set_ylim(min(shares.min(), 0) - room, max(shares.max(), 0) + room)


def draw_gain(axes: Axes, ends: np.ndarray, evidence: Evidence, rule: Rule) -> None:
    """The mean gain after each block, between bounds that hold at all times together."""
    bounded = np.isfinite(evidence.lower)
    axes.fill_between(
        ends[bounded],
        evidence.lower[bounded],
        evidence.upper[bounded],
        color=BLUE,
        alpha=0.2,
        linewidth=0,
        label=f"{1 - rule.alpha:.0%} bounds",
    )
    axes.plot(ends, evidence.gain, "o-", color=BLUE, label="all days so far")
    axes.axhline(0, color="black", linewidth=1)
    label = f"worth a switch: {rule.smallest_effect:.1%}"
    axes.axhline(rule.smallest_effect, color=ORANGE, linestyle="--", label=label)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylabel("challenger better by")


def draw_evidence(axes: Axes, ends: np.ndarray, evidence: Evidence, rule: Rule) -> None:
    """The e-value after each block, hollow where it speaks against the challenger."""
    e_values, ahead = np.exp(np.minimum(evidence.log_e, LARGEST_LOG)), evidence.gain > 0
    axes.plot(ends, e_values, "-", color=BLUE, zorder=1)
    for side, fill, label in ((ahead, BLUE, "challenger ahead"), (~ahead, "white", "behind")):
        axes.scatter(ends[side], e_values[side], color=fill, edgecolor=BLUE, zorder=2, label=label)
    label = f"enough for a promotion: {rule.threshold:g}"
    axes.axhline(rule.threshold, color=ORANGE, linestyle="--", label=label)
    axes.set_yscale("log")
    axes.set_ylim(e_values.min(initial=0.2) / 2, max(e_values.max(initial=1), rule.threshold) * 3)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("evidence of a difference")
