"""Figures of an evaluation, for the run's page in the tracking store."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.figure import Figure

from .. import problem
from ..evaluate import mean_by_slice
from .gate import Scores

rcParams["text.parse_math"] = False  # a slice's name may hold dollars
COLOURS = {"challenger": "#0072b2", "champion": "#d55e00", "baseline": "#999999"}


def by_model(scores: Scores) -> dict[str, np.ndarray]:
    """The scores of those models that there are, best known first."""
    named = {
        "challenger": scores.challenger,
        "champion": scores.champion,
        "baseline": scores.baseline,
    }
    return {name: values for name, values in named.items() if values is not None}


def score_by_slice(scores: Scores, rows: pd.DataFrame) -> Figure:
    """A group of bars for each slice, a bar for each model."""
    table = pd.DataFrame(
        {name: mean_by_slice(values, rows) for name, values in by_model(scores).items()}
    )
    figure = Figure(figsize=(8, 1 + 0.5 * len(table)), layout="constrained")
    axes = figure.subplots()
    table.iloc[::-1, ::-1].plot.barh(ax=axes, color=COLOURS, width=0.8)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1])
    axes.set(xlabel=f"mean {problem.METRIC}", title="How good, on which rows")
    return figure


def score_by_day(scores: Scores, rows: pd.DataFrame) -> Figure:
    """A line for each model over the days of the fresh rows."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    days = rows[problem.TIME].dt.normalize().to_numpy()
    for name, values in by_model(scores).items():
        daily = pd.Series(values).groupby(days).mean()
        axes.plot(daily.index, daily, marker="o", color=COLOURS[name], label=name)
    axes.set(ylabel=f"mean {problem.METRIC}", ylim=(0, None), title="How good, day by day")
    axes.legend()
    figure.autofmt_xdate()
    return figure


def figures(scores: Scores, rows: pd.DataFrame) -> dict[str, Figure]:
    """Every figure by the name of its file."""
    found = {}
    if problem.slices(rows):
        found["score_by_slice.png"] = score_by_slice(scores, rows)
    if problem.TIME is not None:
        found["score_by_day.png"] = score_by_day(scores, rows)
    return found
