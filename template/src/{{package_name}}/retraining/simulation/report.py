"""What became of the story: promises kept or broken, a page, a figure and a file for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from textwrap import shorten

import msgspec
import numpy as np

from ... import problem
from ..journal import Line
from .plots import MARKS, UNEVENTFUL, as_svg, story_figure
from .story import POISONED_DAYS, STORY, Told, day_of

REPORTS = Path("reports")
DAY = timedelta(days=1)
METRIC = problem.METRIC.replace("_", " ")
CLEARLY = 0.05  # of the mean score
LONGEST = 160  # characters of a decision in a chapter; the record has all of it
QUIET, SHIFT, DRIFT, FEED, EXTRACT, SHOCK, AFTER = range(len(STORY))
TOLD = {*MARKS, "asked", "trained", "expired", "trusted", "failed", "not promoted"}


@dataclass(frozen=True)
class Promise:
    """Something that the loop must have done, and whether it has."""

    words: str
    kept: bool


@dataclass(frozen=True)
class Tale:
    """All that the page shows. `policy` says where the story's policy is not the project's."""

    days: list[Told]
    lines: list[Line]
    requests: int
    failures: list[str]
    whole: bool  # whether the record of decisions is as it was written
    trained: int  # models, the first one included
    policy: list[str]
    seconds: float

    def within(self, *chapters: int) -> list[Told]:
        """The days of the chapters."""
        return [told for told in self.days if told.chapter in chapters]

    def decided(self, *chapters: int) -> list[Line]:
        """The decisions that the days of the chapters led to, each on the day after."""
        days = {told.day + DAY for told in self.within(*chapters)}
        return [line for line in self.lines if day_of(line) in days]

    def count(self, kind: str) -> int:
        return sum(line.kind == kind for line in self.lines)


def mean_scores(days: Sequence[Told]) -> tuple[float, float]:
    """The mean scores over all rows: as served, and of the first champion alone."""
    rows = [told.rows for told in days]
    served, alone = [told.served for told in days], [told.alone for told in days]
    return float(np.average(served, weights=rows)), float(np.average(alone, weights=rows))


def loss_beside_alone(days: Sequence[Told]) -> float:
    """How much worse the loop did than the first champion alone; negative if better."""
    if not days:
        return 0.0
    served, alone = mean_scores(days)
    return served - alone if problem.LOWER_IS_BETTER else alone - served


def promises(tale: Tale) -> list[Promise]:
    """What the story promises. Each can be broken, and is then told."""
    calm, drift = tale.within(QUIET, SHIFT), tale.decided(DRIFT)
    promoted = [day_of(line) for line in drift if line.kind == "promoted"]
    after_promotion = [told for told in tale.within(DRIFT) if promoted and told.day > promoted[0]]
    promoted_in = {
        chapter: any(line.kind == "promoted" for line in tale.decided(chapter))
        for chapter in range(len(STORY))
    }
    return [
        Promise("no request failed", not tale.failures),
        Promise(
            "while nothing was wrong, no model was promoted that does clearly worse",
            loss_beside_alone(calm) <= CLEARLY * abs(mean_scores(calm)[1]),
        ),
        Promise(
            "the drift was found, and answered with a better model",
            loss_beside_alone(after_promotion) < 0,
        ),
        Promise(
            "the days with wrong true values were kept out",
            sum(line.kind == "guard" for line in tale.decided(FEED)) >= POISONED_DAYS
            and loss_beside_alone(tale.within(FEED)) < 0,
        ),
        Promise(
            "the challenger from a broken extract was refused",
            refused_after_asking(tale.decided(EXTRACT)) and not promoted_in[EXTRACT],
        ),
        Promise("the shock was believed", promoted_in[SHOCK]),
        Promise(
            "the model that had learned the shock was rolled back",
            any(line.kind == "rolled back" for line in tale.decided(AFTER)),
        ),
        Promise(
            "over all days, the loop did better than the first model alone",
            loss_beside_alone(tale.days) < 0,
        ),
        Promise("the record of decisions is whole", tale.whole),
    ]


def refused_after_asking(lines: Sequence[Line]) -> bool:
    """Whether a retraining was asked for, and its challenger refused."""
    kinds = [line.kind for line in lines]
    return "asked" in kinds and bool(
        {"refused", "expired", "not promoted"} & {*kinds[kinds.index("asked") :]}
    )


def shown(score: float) -> str:
    """A score with the digits that a person reads."""
    return f"{score:,.0f}" if abs(score) >= 100 else f"{score:#.3g}"


def gist(tale: Tale) -> str:
    """The story in a line."""
    served, alone = mean_scores(tale.days)
    return (
        f"{len(tale.days)} days, mean {METRIC} {shown(served)} with the loop, "
        f"{shown(alone)} without"
    )


def in_words(tale: Tale) -> str:
    """What the loop did about each mishap, as far as it did."""
    sentences = []
    answered = days_until("promoted", tale, DRIFT)
    if answered is not None:
        sentences.append(f"A drift was answered with a better model after {counted(answered)}.")
    if tale.count("guard"):
        out = counted(tale.count("guard"))
        sentences.append(f"Wrong true values were kept out, {out} of them.")
    if refused_after_asking(tale.decided(EXTRACT)):
        sentences.append("A model trained on a broken extract was refused.")
    back = days_until("rolled back", tale, AFTER)
    if back is not None:
        sentences.append(
            f"A shock was learned, and {counted(back)} after its end the model before served again."
        )
    failed = f"{len(tale.failures)} of them failed" if tale.failures else "none failed"
    return " ".join([*sentences, f"There were {tale.requests:,} requests; {failed}."])


def counted(days: int) -> str:
    return f"{days} day" if days == 1 else f"{days} days"


def days_until(kind: str, tale: Tale, chapter: int) -> int | None:
    """How many days of the chapter passed until the loop first made a decision of the kind."""
    days = [day_of(line) for line in tale.decided(chapter) if line.kind == kind]
    return (days[0] - tale.within(chapter)[0].day).days if days else None


def header(tale: Tale, judged: Sequence[Promise]) -> str:
    """What happened in words, and the figures that everyone asks for first."""
    rows = sum(told.rows for told in tale.days)
    facts = {
        "requests": f"{tale.requests:,}",
        "failed": f"{len(tale.failures):,}",
        "models trained": f"{tale.trained:,}",
        "promoted": f"{tale.count('promoted'):,}",
        "rolled back": f"{tale.count('rolled back'):,}",
        "days kept out": f"{tale.count('guard'):,}",
    }
    listed = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    broken = "".join(
        f'<p class="broken">Not kept: {escape(one.words)}.</p>' for one in judged if not one.kept
    )
    what = (
        f"A simulation: {len(tale.days)} days and {rows:,} predictions on a clock that runs fast. "
        "Service, log, registry and loop are the real ones; requests are drawn from the project's "
        "own rows."
    )
    return (
        f'<header class="{"bad" if broken else "good"}"><p>{escape(what)}</p>'
        f"<h1>{escape(gist(tale))}</h1><p>{escape(in_words(tale))}</p>{broken}"
        f"<dl>{listed}</dl></header>"
    )


def section(title: str, words: str, body: str) -> str:
    """A part of the page."""
    return f"<section><h2>{escape(title)}</h2><p>{escape(words)}</p>{body}</section>"


def figure_section(tale: Tale) -> str:
    drawn = "".join(
        f'<figure class="{name}" aria-label="{escape(METRIC)} per day">'
        f"{as_svg(story_figure(tale.days, tale.lines, METRIC, wide), name)}</figure>"
        for name, wide in (("wide", True), ("narrow", False))
    )
    better = "Lower" if problem.LOWER_IS_BETTER else "Higher"
    words = (
        f"{better} is better. Both lines are scored on the same rows by what is really true, "
        "whatever the feed told. Each mark leads to its line in the record below."
    )
    return section(f"{METRIC[0].upper()}{METRIC[1:]} per day", words, drawn)


def chapter_section(tale: Tale) -> str:
    cards = []
    for number, chapter in enumerate(STORY):
        days = tale.within(number)
        if not days:
            continue
        served, alone = mean_scores(days)
        decided = [line for line in tale.decided(number) if line.kind in TOLD]
        points = "".join(
            f'<li>{short(day_of(line))}: <a href="#line-{line.number}">{escape(line.kind)}</a>, '
            f"{escape(shorten(line.words, LONGEST, placeholder=' …'))}</li>"
            for line in decided
            if line.kind != "trained"
        )
        cards.append(
            f"<li><h3>{number + 1}. {escape(chapter.title)}, {short(days[0].day)} to "
            f"{short(days[-1].day)}</h3><p>{escape(chapter.happens)}</p>"
            f"<p>With the loop {shown(served)}, without {shown(alone)}.</p>"
            f"<ul>{points or '<li>The loop let everything be.</li>'}</ul></li>"
        )
    return section("What happened", "", f'<ol class="chapters">{"".join(cards)}</ol>')


def promise_section(judged: Sequence[Promise]) -> str:
    listed = "".join(
        f'<li class="{"kept" if one.kept else "broken"}"><b>{"✓" if one.kept else "✗"}</b>'
        f"{escape(one.words)}{'' if one.kept else ' (not kept)'}</li>"
        for one in judged
    )
    words = "If one of them is not kept, make simulate ends with an error: it is a test, too."
    return section("What was promised", words, f'<ul class="promises">{listed}</ul>')


def record_section(tale: Tale) -> str:
    heading = "<tr><th>line</th><th>day</th><th>decision</th><th>in words</th></tr>"
    words = "Every decision of the loop, in order, as make audit shows it of the real one."
    body = "".join(record_rows(tale.lines))
    return section(
        "The record", words, f"<table><thead>{heading}</thead><tbody>{body}</tbody></table>"
    )


def record_rows(lines: Sequence[Line]) -> list[str]:
    """A row for each line; uneventful ones that follow each other share one."""
    rows = []
    for uneventful, some in groupby(lines, key=lambda line: line.kind == UNEVENTFUL):
        own = list(some)
        if uneventful and len(own) > 1:
            words = f"{len(own)} days, the last {short(day_of(own[-1]))}: {own[-1].words}"
            rows.append(record_row(own[0], words, "less"))
        else:
            rows += [record_row(line, line.words, "less" * (line.kind not in TOLD)) for line in own]
    return rows


def record_row(line: Line, words: str, look: str) -> str:
    return (
        f'<tr id="line-{line.number}" class="{look}"><td>{line.number}</td>'
        f"<td>{short(day_of(line))}</td><td>{escape(line.kind)}</td><td>{escape(words)}</td></tr>"
    )


def policy_section(tale: Tale) -> str:
    if not tale.policy:
        return section("The policy", "The story went by retraining.yaml as it is.", "")
    words = "The story went by retraining.yaml, but for this, so that it fits in a few months:"
    listed = "".join(f"<li>{escape(text)}</li>" for text in tale.policy)
    return section("The policy", words, f"<ul>{listed}</ul>")


def short(day: date) -> str:
    return f"{day.day} {day:%b}"


def page(tale: Tale) -> str:
    """The page: one file that needs nothing else."""
    judged = promises(tale)
    sections = [
        figure_section(tale),
        chapter_section(tale),
        promise_section(judged),
        record_section(tale),
        policy_section(tale),
    ]
    form = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    return form.substitute(
        title=escape(METRIC),
        header=header(tale, judged),
        sections="\n".join(sections),
        footer=f"Made by make simulate, in {tale.seconds:.0f} seconds.",
    )


def write_reports(tale: Tale, folder: Path = REPORTS) -> list[Path]:
    """Write page, figure and file; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"simulation.{ending}" for ending in ("html", "png", "json")]
    paths[0].write_text(page(tale), encoding="utf-8")
    figure = story_figure(tale.days, tale.lines, METRIC, wide=True)
    figure.savefig(paths[1], dpi=160)
    told = {
        "metric": problem.METRIC,
        "chapters": [chapter.title for chapter in STORY],
        "promises": promises(tale),
        **{name: getattr(tale, name) for name in tale.__dataclass_fields__},
    }
    paths[2].write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    return paths
