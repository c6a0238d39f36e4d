"""Figures of the monitoring report, each small enough for a phone."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from .profile import LARGE, NOTABLE, Numbers, Values

rcParams["text.parse_math"] = False  # names may contain dollars
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
GREY = "#9aa7b4"
DRIFT = {
    "cmap": ListedColormap(["#56b4e9", "#e69f00", "#d55e00"]).with_extremes(bad="#e4e9ee"),
    "norm": BoundaryNorm([0, NOTABLE, LARGE, 1], 3, clip=True),
}
MOST_BARS = 12


def new_figure(height: float = 2.6, width: float = 4.8) -> tuple[Figure, Axes]:
    """Return a figure of a size in inches, and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def label_days(axes: Axes, days: pd.Index) -> None:
    """Label the positions of days, but not each of many."""
    places = range(0, len(days), 1 + len(days) // 6)
    axes.set_xticks(places, [f"{days[place]:%d %b}" for place in places])
    axes.set_xlabel("day (UTC)", fontsize=8)


def add_legend(figure: Figure) -> Figure:
    """Add a legend above the axes."""
    figure.legend(loc="outside upper left", ncols=2, fontsize=8, frameon=False)
    return figure


def bars_by_day(table: pd.DataFrame, label: str, line: float | None = None) -> Figure:
    """Plot stacked bars of a table with days as rows, and a horizontal line."""
    figure, axes = new_figure()
    bottom = np.zeros(len(table))
    for number, name in enumerate(table):
        values, colour = table[name].to_numpy(), COLOURS[number % len(COLOURS)]
        axes.bar(range(len(table)), values, bottom=bottom, color=colour, label=name)
        bottom += values
    if line is not None:
        axes.axhline(line, color=GREY, linestyle="--")
    axes.set_ylabel(label, fontsize=8)
    label_days(axes, table.index)
    return add_legend(figure)


def lines_by_day(
    table: pd.DataFrame, complete: pd.DataFrame, label: str, reference: float | None
) -> Figure:
    """Plot a line for each column; values that are not complete are hollow."""
    figure, axes = new_figure()
    for number, name in enumerate(table):
        colour, known = COLOURS[number % len(COLOURS)], np.flatnonzero(table[name].notna())
        values = table[name].to_numpy()[known]
        axes.plot(known, values, color=colour, label=name)
        faces = np.where(complete[name].to_numpy()[known], colour, "white").tolist()
        axes.scatter(known, values, c=faces, edgecolors=colour, s=20, zorder=3)
    if reference is not None:
        axes.axhline(reference, color=GREY, linestyle="--", label="reference score")
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.set_ylabel(label, fontsize=8)
    label_days(axes, table.index)
    return add_legend(figure)


def bars(values: pd.Series, label: str, *lines: float) -> Figure:
    """Plot a bar for each name, and vertical lines."""
    figure, axes = new_figure(height=0.9 + 0.26 * len(values))
    axes.barh(values.index[::-1], values[::-1], color=COLOURS[0], height=0.7)
    for line in lines:
        axes.axvline(line, color=GREY, linestyle="--")
    axes.set_xlabel(label, fontsize=8)
    return figure


def heatmap(table: pd.DataFrame, label: str, **colours: Any) -> Figure:
    """Plot a table with days as rows: a line for each of its columns, a cell for each day."""
    figure, axes = new_figure(height=1.2 + 0.24 * table.shape[1])
    image = axes.imshow(table.T.to_numpy(float), aspect="auto", **{"cmap": "Blues", **colours})
    figure.colorbar(image, ax=axes, label=label)
    axes.set_yticks(range(table.shape[1]), [str(name)[:24] for name in table.columns])
    label_days(axes, table.index)
    return figure


def distribution(field: Numbers | Values, counts: np.ndarray) -> Figure:
    """Plot the shares of the training set beside those of recent rows."""
    trained, seen = np.array(field.shares), counts / max(1, counts.sum())
    used = np.flatnonzero((trained > 0) | (seen > 0))
    if isinstance(field, Values) and len(used) > MOST_BARS:
        most = np.argsort(-np.maximum(trained, seen)[used], kind="stable")[:MOST_BARS]
        used = used[np.sort(most)]
    figure, axes = new_figure(height=0.9 + 0.2 * len(used), width=3.4)
    places = np.arange(len(used))[::-1]
    axes.barh(places + 0.2, trained[used], height=0.38, color=GREY, label="training set")
    axes.barh(places - 0.2, seen[used], height=0.38, color=COLOURS[0], label="recent rows")
    axes.set_yticks(places, [field.names[place][:24] for place in used])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return add_legend(figure)
