"""The story in one figure: error per day with and without the loop, and each of its decisions."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from io import StringIO
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ... import problem
from ..journal import Line
from .story import STORY, Told, day_of

# The colour-blind tell these apart; on the page, each has a counterpart for dark screens.
LOOP, ALONE, GOOD, BAD, INK, BAND, GRID, PAPER = (
    "#0072b2",
    "#c45500",
    "#009e73",
    "#d0312d",
    "#3d4a57",
    "#eef2f6",
    "#dde4ea",
    "#ffffff",
)
NAMES = {
    LOOP: "loop",
    ALONE: "alone",
    GOOD: "good",
    BAD: "bad",
    INK: "ink",
    BAND: "band",
    GRID: "grid",
    PAPER: "paper",
}
# What each kind of decision looks like; the others are dots at the foot.
MARKS = {
    "alarm": ("alarm", "o", PAPER),
    "promoted": ("promoted", "^", GOOD),
    "rolled back": ("rolled back", "v", BAD),
    "guard": ("day kept out", "s", INK),
    "refused": ("refused", "X", INK),
}
UNEVENTFUL = "quiet"
WIDE, NARROW = (10.0, 4.6), (4.4, 4.6)  # inches


def story_figure(days: Sequence[Told], lines: Sequence[Line], metric: str, wide: bool) -> Figure:
    """Two lines over the days, a band for each chapter, and marks; there must be a day."""
    figure = Figure(figsize=WIDE if wide else NARROW, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    days_at = [at(told.day) for told in days]
    served, alone = [told.served for told in days], [told.alone for told in days]
    axes.plot(days_at, alone, color=ALONE, linewidth=1.4, linestyle="--", label="without the loop")
    axes.plot(days_at, served, color=LOOP, linewidth=2, label="with the loop")
    better = (np.array(served) < np.array(alone)) == problem.LOWER_IS_BETTER
    for where, colour in ((better, LOOP), (~better, ALONE)):
        axes.fill_between(
            days_at, served, alone, where, color=colour, alpha=0.1, linewidth=0, interpolate=True
        )
    top = max(*served, *alone) * 1.18
    draw_chapters(axes, days, top, wide)
    served_on = {told.day: told.served for told in days}
    draw_decisions(axes, served_on, lines, size=66 if wide else 36)
    axes.set_xlim(days_at[0] - 0.7, days_at[-1] + 0.7)
    axes.set_ylim(min(-0.02 * top, *served, *alone), top)
    axes.set_ylabel(f"mean {metric} of the day", fontsize=9, color=INK)
    name_months(axes, [told.day for told in days])
    figure.legend(
        loc="outside lower left",
        ncols=8 if wide else 3,
        fontsize=9,
        frameon=False,
        labelcolor=INK,
        columnspacing=1.4,
        handletextpad=0.5,
    )
    return figure


def at(day: date) -> float:
    """Where a day stands on the axis of time."""
    return float(day.toordinal())


def draw_chapters(axes: Axes, days: Sequence[Told], top: float, wide: bool) -> None:
    """A band behind every other chapter, and its number, with its title if there is room."""
    for number, chapter in enumerate(STORY):
        own = [at(told.day) for told in days if told.chapter == number]
        if not own:
            continue
        if number % 2:
            axes.axvspan(own[0] - 0.5, own[-1] + 0.5, color=BAND, linewidth=0, zorder=0)
        name = f"{number + 1} {fill(chapter.title, 10)}" if wide else str(number + 1)
        middle = (own[0] + own[-1]) / 2
        axes.text(middle, top * 0.985, name, ha="center", va="top", fontsize=8, color=INK)


def draw_decisions(
    axes: Axes, served: Mapping[date, float], lines: Sequence[Line], size: float
) -> None:
    """A mark for each decision that is not about nothing; on the page it leads to the record."""
    shown = [line for line in lines if day_of(line) in served]
    for kind, (name, shape, colour) in MARKS.items():
        own = [line for line in shown if line.kind == kind]
        if own:
            heights = [served[day_of(line)] for line in own]
            places = [at(day_of(line)) for line in own]
            marks = axes.scatter(places, heights, marker=shape, s=size, label=name, zorder=3)
            marks.set(facecolor=colour, edgecolor=INK, linewidth=1.2)
            marks.set_urls([f"#line-{line.number}" for line in own])
    others = [at(day_of(line)) for line in shown if line.kind not in (*MARKS, UNEVENTFUL)]
    if others:
        foot = [0.0] * len(others)
        axes.scatter(others, foot, marker=".", s=14, color=INK, label="other decisions")


def name_months(axes: Axes, days: Sequence[date]) -> None:
    """Name the first day and the first of each month that is not too close to it."""
    named = [days[0], *(day for day in days[8:] if day.day == 1)]
    axes.set_xticks([at(day) for day in named], [f"{day.day} {day:%b}" for day in named])


def as_svg(figure: Figure, salt: str) -> str:
    """The figure as a part of a page: in the page's own font and colours, by their names.

    Another salt gives its parts other names, for a page that holds two figures.
    """
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}), StringIO() as text:
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace("'DejaVu San'", "system-ui, sans-serif")
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'<g id="[^"]*"', "<g", drawn)  # the same in every figure, and of no use here
    for colour, name in NAMES.items():
        drawn = drawn.replace(colour, f"var(--{name})")
    return drawn
