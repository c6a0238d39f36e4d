"""The report of a simulation: a page, a figure, and a file for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from jinja2 import Template
from matplotlib.figure import Figure

from ... import problem
from ...experiments.scores import metric_name
from ...monitoring.summary import shown
from .. import backtest
from ..journal import Line
from .scenario import CHAPTERS, DAY, Told, day_of

REPORTS = Path("reports")
CLEARLY = 0.05  # of the mean score
QUIET, DRIFT, FEED, SHOCK, AFTER = range(len(CHAPTERS))
MARKS = backtest.MARKS | {"guard": ("s", "#3d4a57")}
NOTED = {*MARKS, "asked", "training", "expired", "refused", "trusted", "failed", "not promoted"}


class Promise(NamedTuple):
    """What the loop must have done, and whether it has."""

    words: str
    kept: bool


@dataclass(frozen=True)
class Outcome:
    """All that the page shows; `whole` is whether the journal is as it was written."""

    days: list[Told]
    lines: list[Line]
    requests: int
    failures: list[str]
    whole: bool
    seconds: float

    def within(self, chapter: int) -> list[Told]:
        """Return the days of a chapter."""
        return [told for told in self.days if told.chapter == chapter]

    def decided(self, chapter: int, kind: str) -> list[Line]:
        """Return the decisions of a kind to which the days of a chapter led."""
        days = {told.day + DAY for told in self.within(chapter)}
        return [one for one in self.lines if day_of(one) in days and kind in ("", one.kind)]


def mean_scores(days: Sequence[Told]) -> tuple[float, float]:
    """Return the mean scores over all rows: with the loop, and without."""
    scores = np.array([(told.served, told.alone) for told in days])
    served, alone = np.average(scores, axis=0, weights=[told.rows for told in days])
    return float(served), float(alone)


def loss(days: Sequence[Told]) -> float:
    """Return how much worse the loop was than the first champion; negative if better."""
    served, alone = mean_scores(days) if days else (0.0, 0.0)
    return served - alone if problem.LOWER_IS_BETTER else alone - served


def promises(outcome: Outcome) -> list[Promise]:
    """Return what the simulation promises."""
    calm, promoted = outcome.within(QUIET), outcome.decided(DRIFT, "promoted")
    after = [told for told in outcome.within(DRIFT) if promoted and told.day > day_of(promoted[0])]
    quiet = loss(calm) <= CLEARLY * abs(mean_scores(calm)[1])
    guarded = outcome.decided(FEED, "guard")
    kept_out = len(guarded) >= len(CHAPTERS[FEED].poisoned) and loss(outcome.within(FEED)) < 0
    back = bool(outcome.decided(AFTER, "rolled back"))
    return [
        Promise("no request failed", not outcome.failures),
        Promise("while nothing was wrong, no clearly worse model was promoted", quiet),
        Promise("the drift was found, and answered with a better model", loss(after) < 0),
        Promise("the days with wrong ground truth were kept out", kept_out),
        Promise("the shock was believed", bool(outcome.decided(SHOCK, "promoted"))),
        Promise("the model that had learned the shock was rolled back", back),
        Promise("over all days, the loop was better than the first model", loss(outcome.days) < 0),
        Promise("the journal is whole", outcome.whole),
    ]


def headline(outcome: Outcome) -> str:
    """Return the result in a line."""
    served, alone = map(shown, mean_scores(outcome.days))
    return f"{len(outcome.days)} days, mean {metric_name()} {served} with the loop, {alone} without"


def plot(outcome: Outcome) -> Figure:
    """Plot the score of each day with and without the loop, its decisions, and the chapters."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots()
    days: list[Any] = [told.day for told in outcome.days]  # matplotlib knows dates
    axes.plot(days, [told.alone for told in outcome.days], "--", color="#c45500", label="without")
    axes.plot(days, [told.served for told in outcome.days], color="#0072b2", label="with the loop")
    served = {told.day: told.served for told in outcome.days}
    for kind, (shape, colour) in MARKS.items():
        own: list[Any] = [day_of(one) for one in outcome.lines if one.kind == kind]
        own = [day for day in own if day in served]
        heights, edge = [served[day] for day in own], "#3d4a57"
        axes.scatter(own, heights, 60, colour, marker=shape, edgecolor=edge, label=kind, zorder=3)
    for number in range(len(CHAPTERS)):
        start: Any = outcome.within(number)[0].day
        axes.axvline(start, color="#d8dee6", zorder=0)
        axes.text(start, 1.01, f" {number + 1}", transform=axes.get_xaxis_transform())
    axes.set(ylabel=f"mean {metric_name()} of the day", xlim=(days[0], days[-1] + DAY))
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower left", ncols=6, frameon=False)
    return figure


def page(outcome: Outcome, figure: Figure) -> str:
    """Return the page: one file that needs nothing else."""
    svg = StringIO()
    figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    form = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    return Template(form, "[%", "%]", "[[", "]]", autoescape=True, trim_blocks=True).render(
        headline=headline(outcome),
        metric=metric_name(),
        better="Lower" if problem.LOWER_IS_BETTER else "Higher",
        svg=svg.getvalue()[svg.getvalue().index("<svg") :],
        chapters=CHAPTERS,
        scores=lambda number: [shown(score) for score in mean_scores(outcome.within(number))],
        promises=promises(outcome),
        outcome=outcome,
        day_of=day_of,
        noted=NOTED,
    )


def write_reports(outcome: Outcome, folder: Path = REPORTS) -> list[Path]:
    """Write page, figure and file; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"simulation.{ending}" for ending in ("html", "png", "json")]
    figure = plot(outcome)
    paths[0].write_text(page(outcome, figure), encoding="utf-8")
    figure.savefig(paths[1], dpi=160)
    told = {
        "metric": problem.METRIC,
        "chapters": [chapter.title for chapter in CHAPTERS],
        "promises": [promise._asdict() for promise in promises(outcome)],
        **{name: getattr(outcome, name) for name in asdict(outcome)},
    }
    paths[2].write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    return paths
