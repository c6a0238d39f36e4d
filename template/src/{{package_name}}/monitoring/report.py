"""What the service saw and how it did, day by day: `make monitor`.

Writes reports/monitoring.html, one page that needs nothing else, and prints the gist of it.
"""

import argparse
import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import problem
from ..errors import UserError, run
from ..evaluate import mean_by_slice
from ..experiments.plan import read_experiment
from ..serving import bundle
from ..serving.records import Outcome
from ..serving.store import reading
from . import plots
from .production import (
    FEWEST_DAYS,
    Level,
    columns_of,
    day_table,
    fitting_rows,
    prediction_table,
    recent_level,
    silences,
)
from .profile import PROFILE, Profile, index_by_chance, read_profile, stability_index

PAGE = Path("reports/monitoring.html")
DAY = 86_400.0
RECENT_ROWS = 5_000  # whose distributions are compared with those of the training rows
DRIFT = "Drift of the inputs"
METRIC = problem.METRIC.replace("_", " ")


@dataclass(frozen=True)
class Serving:
    """What serves: the manifest of the champion, and the profile of its training rows."""

    manifest: bundle.Manifest
    profile: Profile


@dataclass(frozen=True)
class Report:
    """All that the page shows, computed once."""

    outcomes: Sequence[Outcome]
    table: pd.DataFrame
    now: pd.Timestamp
    min_labelled: float
    serving: Serving | None

    @cached_property
    def days(self) -> pd.DataFrame:
        """The table of days, of all predictions."""
        return day_table(self.table, self.now.normalize(), self.min_labelled)

    @cached_property
    def level(self) -> Level | None:
        """How the version that serves did in the last complete days."""
        rows = self.table[self.of_champion]
        return recent_level(day_table(rows, self.now.normalize(), self.min_labelled))

    @cached_property
    def of_champion(self) -> np.ndarray:
        """Which predictions the version that serves made."""
        if self.serving is None:
            return np.ones(len(self.table), dtype=bool)
        return (self.table["version"] == self.serving.manifest.version).to_numpy()


def read_serving(live: Path) -> Serving | None:
    """What is live; None before the first deployment."""
    release = bundle.read_release(live)
    if release is None:
        return None
    folder = bundle.bundle_folder(live, release.champion)
    return Serving(bundle.read_manifest(folder), read_profile(folder / PROFILE))


def read_outcomes(days: int, now: float) -> list[Outcome]:
    """The predictions of the last days, today's included.

    Raises:
        UserError: the log cannot be read, or there is nothing in it.
    """
    start = (now // DAY - days + 1) * DAY
    with reading() as store:
        outcomes = store.outcomes(start)
    if not outcomes:
        raise UserError(
            f"there is no prediction of the last {days} days to report on: run make serve and ask "
            "the service, or look further back with make monitor DAYS=..."
        )
    return outcomes


def make_report(outcomes: Sequence[Outcome], serving: Serving | None, now: float) -> Report:
    """Turn outcomes, in order of time, into what the page shows."""
    return Report(
        outcomes=outcomes,
        table=prediction_table(outcomes),
        now=pd.Timestamp(now, unit="s"),
        min_labelled=read_experiment().min_labelled,
        serving=serving,
    )


def shown(score: float) -> str:
    """A score with the digits that a person reads."""
    return f"{score:,.0f}" if abs(score) >= 100 else f"{score:#.3g}"


def state(report: Report) -> str:
    """In words: how what serves does, against what it did on held-out rows at training."""
    known, level = int(report.table["known"].sum()), report.level
    if not known:
        return (
            f"No feedback yet: of {len(report.table):,} predictions none has its true value, "
            "so that nobody knows how good they are."
        )
    if level is None:
        return (
            f"Too early to tell: {known:,} of {len(report.table):,} predictions have their true "
            f"value, but fewer than {FEWEST_DAYS} days are complete."
        )
    interval = f"{shown(level.mean)} (95% interval {shown(level.low)} to {shown(level.high)})"
    over = f"over the last {level.days} complete days, mean {METRIC} {interval}"
    if report.serving is None:
        return f"{over[0].upper()}{over[1:]}. Nothing is deployed to compare it with."
    reference = report.serving.manifest.reference_score
    verdict = level.against(reference)
    return f"{verdict[0].upper()}{verdict[1:]}: {over}, against {shown(reference)}."


def tone(report: Report) -> str:
    """The class of the page's headline: good, bad, or neither."""
    if report.level is None or report.serving is None:
        return ""
    worse = report.level.against(report.serving.manifest.reference_score).startswith("worse")
    return "bad" if worse else "good"


def header(report: Report) -> str:
    """What serves and how it does, and the figures that everyone asks for first."""
    serving, table, level = report.serving, report.table, report.level
    facts = {
        "predictions": f"{len(table):,}",
        "with true value": f"{table['known'].mean():.0%}",
        "days, complete": f"{len(report.days)}, {int(report.days['complete'].sum())}",
    }
    what = "Nothing is deployed"
    if serving is not None:
        about = serving.manifest
        facts[f"{METRIC} at training"] = shown(about.reference_score)
        until = f", trained on data until {about.trained_until[:10]}" if about.trained_until else ""
        what = f"Version {about.version} serves{until}, made ready {about.created[:10]}"
    if level is not None:
        facts[f"{METRIC}, last {level.days} complete days"] = shown(level.mean)
    listed = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return (
        f'<header class="{tone(report)}"><p>{escape(what)}</p>'
        f"<h1>{escape(state(report))}</h1><dl>{listed}</dl></header>"
    )


def image(figure: Figure, shows: str) -> str:
    """The figure as a part of the page; `shows` is for those who cannot see it."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=200)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escape(shows)}" src="data:image/png;base64,{data}">'


def section(title: str, words: str, body: str = "", wide: bool = False) -> str:
    """A part of the page."""
    opening = '<section class="wide">' if wide else "<section>"
    return f"{opening}<h2>{escape(title)}</h2><p>{escape(words)}</p>{body}</section>"


def traffic_section(report: Report) -> str:
    return section(
        "Traffic",
        "Predictions per day, by version and variant. The days are those of UTC.",
        image(plots.traffic(report.table), "predictions per day"),
    )


def score_section(report: Report) -> str:
    title = f"{METRIC[0].upper()}{METRIC[1:]} per day"
    if report.table["score"].isna().all():
        return section(title, "No feedback yet: tell the service true values at /feedback.")
    days = {
        str(version): day_table(rows, report.now.normalize(), report.min_labelled)
        for version, rows in report.table.groupby("version")
    }
    reference = report.serving.manifest.reference_score if report.serving else None
    better = "Lower" if problem.LOWER_IS_BETTER else "Higher"
    words = f"{better} is better. Hollow: the day is not over, or too few true values are known."
    return section(title, words, image(plots.score_by_day(days, reference, METRIC), title))


def labelled_section(report: Report) -> str:
    title = "True values known"
    if not report.table["known"].any():
        return section(title, "No feedback yet.")
    words = (
        f"The share of a day's predictions. From {report.min_labelled:.0%} on, a day that is over "
        "is complete (min_labelled in experiment.yaml); until then its mean tells of those whose "
        "truth comes early."
    )
    figure = plots.labelled_by_day(report.days, report.min_labelled)
    return section(title, words, image(figure, title))


def slice_section(report: Report, rows: pd.DataFrame) -> str:
    title = f"{METRIC[0].upper()}{METRIC[1:]} by slice"
    scores = report.table["score"].where(report.of_champion)
    scored = rows[scores.loc[rows.index].notna()]
    if scored.empty:
        return section(title, "No feedback yet for the version that serves.")
    known = scores.loc[scored.index].to_numpy()
    means = pd.Series(mean_by_slice(known, scored), dtype=float)
    if means.empty:
        return section(title, "problem.slices names no groups.")
    words = f"{len(known):,} predictions of the version that serves. The line is their mean."
    figure = plots.score_by_slice(means, float(known.mean()), METRIC)
    return section(title, words, image(figure, title))


def drift_sections(report: Report, rows: pd.DataFrame) -> tuple[list[str], dict[str, float]]:
    """The sections about the inputs, and the index of each field, the most drifted first."""
    if report.serving is None:
        return [section(DRIFT, "Nothing is deployed to compare the inputs with.")], {}
    profile, recent = report.serving.profile, rows.tail(RECENT_ROWS)
    columns = columns_of(recent, report.serving.manifest.fields)
    indices = stability_index(profile, columns)
    indices = dict(sorted(indices.items(), key=lambda pair: -pair[1]))
    if not indices:
        return [section(DRIFT, "There is no field that could be compared.")], {}
    chance = max(index_by_chance(profile, name, len(recent)) for name in indices)
    left_out = f" Left out, as dates always move on: {', '.join(profile.left_out)}."
    words = (
        f"The last {len(recent):,} rows against the {profile.rows:,} training rows. By custom, 0.1 "
        f"is worth a look and 0.25 is much; chance alone gives up to about {chance:.2g} here. "
        "Drift is a hint, not an alarm: what it does to the error, the error shows."
    )
    bars = section(
        DRIFT,
        words + (left_out if profile.left_out else ""),
        image(plots.drift(indices), "stability index of each field"),
    )
    shown = list(indices)[: plots.MOST_BARS]
    pictures = "".join(
        f"<figure><h3>{escape(name)}</h3>"
        + image(
            plots.distribution(
                profile.fields[name],
                profile.fields[name].counts(columns[name]) / len(recent),
            ),
            f"distribution of {name}",
        )
        + "</figure>"
        for name in shown
    )
    words = "Shares of the rows: numbers in bins that split the training rows evenly."
    body = f'<div class="many">{pictures}</div>'
    return [bars, section("What the inputs look like", words, body, wide=True)], indices


def gap_section(report: Report, rows: pd.DataFrame) -> str:
    unfit = len(report.outcomes) - len(rows)
    points = [
        f"No prediction from {start:%d %b %H:%M} to {end:%d %b %H:%M} UTC."
        for start, end in silences(report.table["time"], report.now)
    ] or ["No silence of more than an hour."]
    points.append(
        f"{unfit:,} rows do not fit problem.SCHEMA as it is now, and are left out of slices and "
        "drift."
        if unfit
        else "Every row fits problem.SCHEMA as it is now."
    )
    listed = "".join(f"<li>{escape(point)}</li>" for point in points)
    words = (
        "A silence may be a quiet night, or a service or a store that was gone. What the log had "
        "to drop is counted by Prometheus: prediction_log_dropped_total."
    )
    return section("Gaps", words, f"<ul>{listed}</ul>")


def write_page(report: Report) -> tuple[str, dict[str, float]]:
    """Write the page; return the state in words, and the drift of each field."""
    rows = fitting_rows(report.outcomes)
    drift, indices = drift_sections(report, rows)
    sections = [
        score_section(report),
        labelled_section(report),
        traffic_section(report),
        slice_section(report, rows),
        gap_section(report, rows),
        *drift,
    ]
    page = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    PAGE.parent.mkdir(exist_ok=True)
    text = page.substitute(
        title=escape(METRIC),
        header=header(report),
        sections="\n".join(sections),
        footer=f"Made {report.now:%Y-%m-%d %H:%M} UTC by make monitor.",
    )
    PAGE.write_text(text, encoding="utf-8")
    return state(report), indices


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="how far back to look")
    arguments = parser.parse_args()
    if arguments.days < 1:
        raise UserError(f"DAYS={arguments.days} is no number of days to look back: 1 or more is")
    now = time.time()
    outcomes = read_outcomes(arguments.days, now)
    report = make_report(outcomes, read_serving(bundle.LIVE), now)
    words, indices = write_page(report)
    print(words)
    for name, index in list(indices.items())[:3]:
        print(f"  drift of {name}: {index:.2f}")
    print(PAGE)


if __name__ == "__main__":
    run(main)
