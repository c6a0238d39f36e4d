"""Figures of the monitoring report. Each is small, so that a phone shows it at a legible size."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from .profile import LARGE, NOTABLE, Numbers, Values

rcParams["text.parse_math"] = False  # a field, a value or a slice may hold dollars
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
QUIET, INK = "#9aa7b4", "#3d4a57"
MOST_BARS = 12


def new_figure(height: float = 2.6, width: float = 4.8) -> tuple[Figure, Axes]:
    """A figure with as few lines as possible. Sizes are in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.tick_params(colors=INK, labelsize=8, length=0)
    axes.set_axisbelow(True)
    return figure, axes


def by_day(axes: Axes, days: pd.DatetimeIndex) -> None:
    """Let the axis of time reach from the first day to the last, with a few days named."""
    first, last = days.min(), days.max()
    named = pd.date_range(first, last, freq=f"{1 + (last - first).days // 5}D")
    axes.set_xticks(named, [f"{day:%d %b}" for day in named])
    axes.set_xlim(first - pd.Timedelta(hours=16), last + pd.Timedelta(hours=16))
    axes.grid(axis="y", color="#e4e9ee", linewidth=0.8)


def traffic(table: pd.DataFrame) -> Figure:
    """Predictions per day, by who made them."""
    figure, axes = new_figure()
    makers = "version " + table["version"] + ", " + table["variant"]
    counts = table.groupby(["day", makers]).size().unstack(fill_value=0)
    bottom = np.zeros(len(counts))
    for place, maker in enumerate(counts):
        colour = COLOURS[place % len(COLOURS)]
        axes.bar(counts.index, counts[maker], bottom=bottom, color=colour, label=maker, width=0.8)
        bottom += counts[maker].to_numpy()
    by_day(axes, counts.index)
    legend(figure, axes)
    return figure


def score_by_day(days: Mapping[str, pd.DataFrame], reference: float | None, metric: str) -> Figure:
    """The mean score per day, a line for each version; days that are not complete are hollow."""
    figure, axes = new_figure()
    for place, (version, table) in enumerate(days.items()):
        colour, scored = COLOURS[place % len(COLOURS)], table.dropna(subset="score")
        name = f"version {version}"
        axes.plot(scored.index, scored["score"], color=colour, linewidth=1.5, label=name)
        for complete, face in ((True, colour), (False, "white")):
            shown = scored[scored["complete"] == complete]
            axes.plot(shown.index, shown["score"], "o", ms=4.5, mfc=face, mec=colour)
    if reference is not None:
        axes.axhline(reference, color=INK, linestyle="--", linewidth=1, label="at training")
    by_day(axes, pd.DatetimeIndex(np.concatenate([table.index for table in days.values()])))
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.set_ylabel(metric, fontsize=8, color=INK)
    legend(figure, axes)
    return figure


def labelled_by_day(days: pd.DataFrame, min_labelled: float) -> Figure:
    """The share of predictions per day whose true value is known."""
    figure, axes = new_figure()
    colours = np.where(days["complete"], COLOURS[2], QUIET).tolist()
    axes.bar(days.index, days["labelled"], color=colours, width=0.8)
    axes.axhline(min_labelled, color=INK, linestyle="--", linewidth=1)
    by_day(axes, days.index)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return figure


def score_by_slice(scores: pd.Series, overall: float, metric: str) -> Figure:
    """A bar for each slice, and where the mean over all of them is."""
    figure, axes = new_figure(height=0.8 + 0.26 * len(scores))
    axes.barh(scores.index[::-1], scores[::-1], color=COLOURS[0], height=0.7)
    axes.axvline(overall, color=INK, linestyle="--", linewidth=1)
    axes.set_xlabel(metric, fontsize=8, color=INK)
    axes.grid(axis="x", color="#e4e9ee", linewidth=0.8)
    return figure


def drift(indices: Mapping[str, float]) -> Figure:
    """A bar for each field, the most drifted first, and the two customary marks."""
    shown = pd.Series(indices).nlargest(MOST_BARS)[::-1]
    figure, axes = new_figure(height=0.9 + 0.26 * len(shown))
    marks = np.select([shown < NOTABLE, shown < LARGE], [COLOURS[0], COLOURS[4]], COLOURS[1])
    axes.barh(shown.index, shown, color=marks.tolist(), height=0.7)
    for mark in (NOTABLE, LARGE):
        axes.axvline(mark, color=INK, linestyle="--", linewidth=1)
    axes.set_xlim(0, max(1.2 * LARGE, 1.05 * shown.max()))
    axes.set_xlabel("population stability index", fontsize=8, color=INK)
    return figure


def distribution(field: Numbers | Values, seen: np.ndarray) -> Figure:
    """The shares of the training rows beside those of recent rows, bin by bin."""
    trained = np.array(field.shares)
    used = np.flatnonzero((trained > 0) | (seen > 0))
    if isinstance(field, Values) and len(used) > MOST_BARS:  # the rest would not be legible
        most = np.argsort(-np.maximum(trained, seen)[used], kind="stable")[:MOST_BARS]
        used = used[np.sort(most)]
    figure, axes = new_figure(height=0.8 + 0.2 * len(used), width=3.4)
    places = np.arange(len(used))[::-1]
    axes.barh(places + 0.2, trained[used], height=0.38, color=QUIET, label="training")
    axes.barh(places - 0.2, seen[used], height=0.38, color=COLOURS[0], label="recent")
    axes.set_yticks(places, [field.names[place][:24] for place in used])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="x", color="#e4e9ee", linewidth=0.8)
    legend(figure, axes)
    return figure


def legend(figure: Figure, axes: Axes) -> None:
    """A legend above the figure, where it covers nothing."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles[:8],
        labels[:8],
        loc="outside upper left",
        ncols=2,
        fontsize=8,
        frameon=False,
        labelcolor=INK,
    )
