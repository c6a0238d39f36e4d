"""Monitoring report of data drift and the metric by day: `make monitor`.

It writes reports/monitoring.html, one page that loads nothing else, and prints a summary.
"""

import argparse
import base64
import time
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..errors import UserError, run
from ..experiments.plan import read_experiment
from ..experiments.scores import metric_name, score_missing
from ..serving import bundle
from ..serving.store import reading
from . import plots
from .production import ROWS_PER_DAY, read_days
from .profile import FEWEST_ROWS, LARGE, NOTABLE, PROFILE, Profile, read_profile
from .summary import (
    FEWEST_DAYS,
    RECENT_DAYS,
    Level,
    Summary,
    metric_by_day,
    recent_level,
    summarise,
)

PAGE = Path("reports/monitoring.html")
LONGEST_GAPS = 5
FEW = f"too few rows (fewer than {FEWEST_ROWS})"


@dataclass(frozen=True)
class Served:
    """The manifest of the champion, and the profile of its training set."""

    manifest: bundle.Manifest
    profile: Profile


def read_served(live: Path) -> Served | None:
    """Read what is deployed; None before the first deployment."""
    release = bundle.read_release(live)
    if release is None:
        return None
    folder = bundle.bundle_folder(live, release.champion)
    return Served(bundle.read_manifest(folder), read_profile(folder / PROFILE))


@dataclass(frozen=True)
class Report:
    """The summary, and what it is compared with."""

    summary: Summary
    served: Served | None
    now: pd.Timestamp
    min_labelled: float

    def days(self, version: str | None = None) -> pd.DataFrame:
        """Return the metric by day, of a version or of all."""
        totals = self.summary.totals
        chosen = totals if version is None else totals[totals["version"] == version]
        return metric_by_day(chosen, self.now.normalize(), self.min_labelled)

    def level(self) -> Level | None:
        """Return the recent level of the champion's metric."""
        return recent_level(self.days(self.served.manifest.version if self.served else None))

    def headline(self) -> str:
        """Return how the champion's metric compares with the reference score."""
        made, labelled = self.summary.totals[["predictions", "labelled"]].sum()
        if not labelled:
            return f"No ground truth yet for {made:,.0f} predictions, so the metric is unknown."
        level = self.level()
        if level is None:
            return (
                f"Too early to tell: {labelled:,.0f} of {made:,.0f} predictions have ground "
                f"truth, and fewer than {FEWEST_DAYS} days are complete."
            )
        interval = f"{shown(level.mean)} (95% interval {shown(level.low)} to {shown(level.high)})"
        over = f"{metric_name()} {interval} over the last {level.days} complete days"
        if self.served is None:
            return f"{over}. Nothing is deployed to compare it with."
        reference = self.served.manifest.reference_score
        return f"{level.against(reference).capitalize()}: {over}, {shown(reference)} at training."


def shown(score: float) -> str:
    """Return a score with three digits or no decimals."""
    return f"{score:,.0f}" if abs(score) >= 100 else f"{score:#.3g}"


def image(figure: Figure, alt: str) -> str:
    """Return a figure as a part of the page."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'


def section(title: str, words: str, *figures: Figure) -> str:
    """Return a section of the page."""
    images = "".join(image(figure, title) for figure in figures)
    return f"<section><h2>{escape(title)}</h2><p>{escape(words)}</p>{images}</section>"


def metric_sections(report: Report) -> list[str]:
    """Return the sections about the metric and its ground truth."""
    totals, name = report.summary.totals, metric_name()
    if not totals["labelled"].any():
        return [section(f"{name} by day", "No ground truth yet: send it to /feedback.")]
    tables = {f"version {v}": report.days(v) for v in sorted(totals["version"].unique())}
    means = pd.DataFrame({version: table["mean"] for version, table in tables.items()})
    complete = pd.DataFrame({version: table["complete"] for version, table in tables.items()})
    complete = complete.reindex(means.index).eq(True)
    reference = report.served.manifest.reference_score if report.served else None
    found = [
        section(
            f"{name} by day",
            "Hollow: the day is not over, or too few predictions have ground truth.",
            plots.lines_by_day(means, complete, name, reference),
        ),
        section(
            "Ground truth by day",
            f"A day is complete from {report.min_labelled:.0%} on (min_labelled in "
            "experiment.yaml). The metric before is that of rows with early ground truth.",
            plots.bars_by_day(
                report.days()[["labelled"]].rename(columns={"labelled": "with ground truth"}),
                "share of predictions",
                report.min_labelled,
            ),
        ),
    ]
    slices, overall = report.summary.slices, report.summary.overall
    if not overall.empty:
        mean = float(totals["score"].sum() / totals["scored"].sum())
        words = "Predictions of the champion. The line is the mean of all predictions."
        found.append(section(f"{name} by slice", words, plots.bars(overall, name, mean)))
        words = f"Of at most about {ROWS_PER_DAY:,} predictions a day, chosen at random."
        figure = plots.heatmap(slices, name)
        found.append(section(f"{name} by slice and day", words, figure))
    return found


def traffic_section(report: Report) -> str:
    """Return the section about predictions and hours without them."""
    totals, hours = report.summary.totals, pd.Series(report.summary.silent, dtype="datetime64[ns]")
    names = "version " + totals["version"] + ", " + totals["variant"]
    table = totals.groupby(["day", names])["predictions"].sum().unstack(fill_value=0)
    runs = hours.groupby((hours.diff() != pd.Timedelta(hours=1)).cumsum()).agg(["min", "size"])
    gaps = [
        f"{start:%d %b %H:%M} ({size} hours)"
        for start, size in runs.nlargest(LONGEST_GAPS, "size").itertuples(index=False)
    ]
    words = f"Longest gaps in UTC: {', '.join(gaps)}." if gaps else "No hour without predictions."
    return section("Predictions by day", words, plots.bars_by_day(table, "predictions"))


def drift_sections(report: Report) -> list[str]:
    """Return the sections about data drift and missing values."""
    summary, title = report.summary, "Data drift by feature"
    unfit = f"{summary.unfit:,} sampled rows do not fit problem.SCHEMA." if summary.unfit else ""
    words = f"Of at most about {ROWS_PER_DAY:,} rows a day. {unfit or 'Every row fits the schema.'}"
    shares = summary.missing.loc[:, summary.missing.any()]
    figures = [] if shares.empty else [plots.heatmap(shares, "share of rows")]
    found = [section("Missing values by day", words if figures else f"None. {words}", *figures)]
    if report.served is None:
        return [*found, section(title, "Nothing is deployed to compare the inputs with.")]
    profile, drift = report.served.profile, summary.recent_drift.dropna()
    if drift.empty:
        return [*found, section(title, f"PSI is not computed: {FEW} in {RECENT_DAYS} days.")]
    words = (
        f"Population stability index (PSI) of the last {RECENT_DAYS} days against the training set "
        f"of {profile.rows:,} rows. By custom, {NOTABLE} is notable and {LARGE} is large. Drift "
        "need not affect the metric."
    )
    most = drift.head(plots.MOST_BARS)
    found.append(section(title, words, plots.bars(most, "PSI", NOTABLE, LARGE)))
    by_day = plots.heatmap(summary.drift[most.index], "PSI", **plots.DRIFT)
    found.append(section("Data drift by feature and day", f"Grey: {FEW}.", by_day))
    shown = {name: (profile.fields[name], summary.counts[name]) for name in most.index}
    parts = [section(name, "", plots.distribution(*one)) for name, one in shown.items()]
    return [*found, f'<div class="many wide">{"".join(parts)}</div>']


def header(report: Report) -> str:
    """Return the head of the page: what serves, how well, and the main figures."""
    served, totals, days = report.served, report.summary.totals, report.days()
    facts = {
        "predictions": f"{totals['predictions'].sum():,.0f}",
        "with ground truth": f"{totals['labelled'].sum() / totals['predictions'].sum():.0%}",
        "complete days": f"{int(days['complete'].sum())} of {len(days)}",
    }
    what, tone, level = "Nothing is deployed", "", report.level()
    if served is not None:
        about = served.manifest
        facts[f"{metric_name()} at training"] = shown(about.reference_score)
        until = f", trained on data until {about.trained_until[:10]}" if about.trained_until else ""
        what = f"Version {about.version} serves{until}, exported {about.created[:10]}"
        if level is not None:
            tone = "bad" if level.against(about.reference_score).startswith("worse") else "good"
    listed = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    words = f"<p>{escape(what)}</p><h1>{escape(report.headline())}</h1>"
    return f'<header class="{tone}">{words}<dl>{listed}</dl></header>'


def write_page(report: Report) -> None:
    """Write the page."""
    page = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    sections = [*metric_sections(report), traffic_section(report), *drift_sections(report)]
    PAGE.parent.mkdir(exist_ok=True)
    text = page.substitute(
        title=escape(metric_name()),
        header=header(report),
        sections="\n".join(sections),
        footer=f"{report.now:%Y-%m-%d %H:%M} UTC, make monitor",
    )
    PAGE.write_text(text, encoding="utf-8")


def make_report(days: int, now: float) -> Report:
    """Summarise the predictions of the last days, today's included."""
    served, experiment = read_served(bundle.LIVE), read_experiment()
    with reading() as store:
        score_missing(store)
        summary = summarise(
            read_days(store, days, now),
            served.manifest.version if served else None,
            served.profile if served else None,
        )
    if summary.totals.empty:
        raise UserError(
            f"the prediction log has no prediction of the last {days} days. Send requests to make "
            "serve, or look further back with make monitor DAYS=..."
        )
    return Report(summary, served, pd.Timestamp(now, unit="s"), experiment.min_labelled)


def main() -> None:
    """Write the report and print a summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="days to look back")
    days = parser.parse_args().days
    if days < 1:
        raise UserError(f"DAYS: {days} must be at least 1")
    report = make_report(days, time.time())
    write_page(report)
    print(report.headline())
    for name, index in report.summary.recent_drift.head(3).items():
        print(f"  PSI of {name}: {FEW if np.isnan(index) else f'{index:.2f}'}")
    print(PAGE)


if __name__ == "__main__":
    run(main)
