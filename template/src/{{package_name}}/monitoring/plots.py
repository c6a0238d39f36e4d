"""Figures of the monitoring report."""

import base64
from collections.abc import Mapping
from io import BytesIO
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..experiments.scores import metric_name
from .profile import LARGE, NOTABLE, Distribution

rcParams.update(
    {
        "axes.spines.right": False,
        "axes.spines.top": False,
        "date.converter": "concise",
        "figure.constrained_layout.use": True,
        "legend.frameon": False,
        "text.parse_math": False,  # names may contain dollars
    }
)
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
GREY = "#9aa7b4"
PSI = {
    "cmap": ListedColormap(["#56b4e9", "#e69f00", "#d55e00"]),
    "norm": BoundaryNorm([0, NOTABLE, LARGE, 1], 3, clip=True),
}
ABOVE = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 4}  # of a legend
MOST_ROWS = 20  # of a heatmap
MOST_BARS = 12  # of a distribution


def by_day(
    versions: Mapping[str, pd.DataFrame],
    labelled: pd.Series,
    made: pd.DataFrame,
    reference: float | None,
    min_labelled: float,
) -> Figure:
    """Plot the metric of each version, the share with ground truth, and predictions.

    The metric is hollow on days that are not complete.
    """
    figure = Figure(figsize=(8, 7))
    above, middle, below = figure.subplots(3, sharex=True, height_ratios=[3, 1, 2])
    for (version, days), colour in zip(versions.items(), cycle(COLOURS), strict=False):
        means = days["mean"].asfreq("D")
        faces = np.where(days["complete"], colour, "white")
        above.plot(means.index, means, color=colour, label=f"version {version}")
        above.scatter(days.index, days["mean"], c=faces, edgecolors=colour, s=20, zorder=3)
    if reference is not None:
        above.axhline(reference, color=GREY, linestyle="--", label="at training")
    above.set_ylim(bottom=min(0, above.get_ylim()[0]))
    above.set_ylabel(metric_name())

    middle.bar(labelled.index, labelled, color=COLOURS[0])
    middle.axhline(min_labelled, color=GREY, linestyle="--", label="required of a complete day")
    middle.yaxis.set_major_formatter(PercentFormatter(1))
    middle.set_ylabel("ground truth")

    bottoms = made.cumsum(axis=1) - made
    for name, colour in zip(made, cycle(COLOURS), strict=False):
        below.bar(made.index, made[name], bottom=bottoms[name], color=colour, label=name)
    below.yaxis.set_major_formatter("{x:,.0f}")
    below.set_ylabel("predictions")
    for axes in (above, middle, below):
        axes.legend(**ABOVE)
    below.set_xlabel("day (UTC)")
    return figure


def heatmap(by_day: pd.DataFrame, overall: pd.Series, label: str, **colours: Any) -> Figure | None:
    """Plot a table with days as rows: a line for each of its columns, in the order of `overall`.

    `overall` has the value of each column over all days. Return None if it is empty.
    """
    if overall.empty:
        return None
    overall = overall.head(MOST_ROWS)
    table = by_day[overall.index].asfreq("D")
    names = [f"{str(name)[:24]}  {value:.3g}" for name, value in overall.items()]
    figure = Figure(figsize=(8, 1.2 + 0.24 * len(names)))
    axes = figure.subplots()
    axes.set_facecolor("#e4e9ee")  # of days without a value
    edges = pd.date_range(table.index[0], periods=len(table) + 1) - pd.Timedelta(hours=12)
    mesh = axes.pcolormesh(edges, range(len(names) + 1), table.T, **{"cmap": "Blues", **colours})
    figure.colorbar(mesh, ax=axes, label=label)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.invert_yaxis()
    axes.set_xlabel("day (UTC)")
    return figure


def distribution(field: Distribution, counts: pd.Series) -> Figure:
    """Plot the shares of the training set beside those of recent rows."""
    shares = pd.DataFrame({"training set": field.shares, "recent rows": counts / counts.sum()})
    if field.edges is None:
        most = shares.max(axis=1).nlargest(MOST_BARS).index
        shares = shares[shares.index.isin(most)]
    figure = Figure(figsize=(4, 1 + 0.22 * len(shares)))
    axes = figure.subplots()
    shares.plot.barh(ax=axes, color=[GREY, COLOURS[0]], width=0.8)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(**ABOVE)
    return figure


def data_uri(figure: Figure) -> str:
    """Return a figure as a PNG image within a page."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
