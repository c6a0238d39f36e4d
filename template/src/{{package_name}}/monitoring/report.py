"""Monitoring report of data drift and the metric by day: `make monitor`.

It writes reports/monitoring.html, one page that loads nothing else, and prints a summary.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..errors import UserError, run
from ..experiments.plan import read_experiment
from ..experiments.scores import metric_name, score_missing
from ..serving import bundle
from ..serving.store import reading
from . import plots, production, profile, summary

PAGE = Path("reports/monitoring.html")
MOST_FEATURES = 6  # whose distributions are shown


@dataclass(frozen=True)
class Report:
    """The page, its headline, and the PSI of each feature."""

    page: str
    headline: str
    drift: pd.Series


def read_served(live: Path) -> tuple[bundle.Manifest | None, profile.Profile]:
    """Read what is deployed; before the first deployment it is nothing, with an empty profile."""
    release = bundle.read_release(live)
    if release is None:
        return None, profile.Profile(rows=0, fields={})
    folder = bundle.bundle_folder(live, release.champion)
    return bundle.read_manifest(folder), profile.read_profile(folder / profile.PROFILE)


def read_log(
    days: int, now: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[pd.Timestamp]]:
    """Return sums of the last days, a sample of predictions with its rows, and silent hours."""
    with reading() as store:
        score_missing(store)
        totals = production.read_totals(store, days, now)
        if totals.empty:
            raise UserError(
                f"the prediction log has no prediction of the last {days} days. Send requests to "
                "make serve, or look further back with make monitor DAYS=..."
            )
        sample, rows = production.read_sample(store, totals)
        return totals, sample, rows, production.silent_hours(store, sample, now)


def make_report(days: int, now: float) -> Report:
    """Summarise the predictions of the last days, today's included."""
    served, trained = read_served(bundle.LIVE)
    totals, sample, rows, silent = read_log(days, now)
    moment, min_labelled = pd.Timestamp(now, unit="s"), read_experiment().min_labelled
    fitting = production.fitting_rows(rows)
    own, scores = totals, sample.loc[fitting.index].dropna(subset="score")
    if served:
        own, scores = (table[table["version"] == served.version] for table in (own, scores))

    def metric_of(some: pd.DataFrame) -> pd.DataFrame:
        return summary.metric_by_day(some, moment.normalize(), min_labelled)

    reference = served.reference_score if served else None
    headline = summary.headline(metric_of(own), reference)
    drift, recent, counts = summary.drift_by_day(rows, sample["day"], trained)
    largest = recent.dropna()
    makers = "version " + totals["version"] + ", " + totals["variant"]
    made = totals["predictions"].groupby([totals["day"], makers]).sum().unstack(fill_value=0)
    slices = summary.metric_by_slice(scores, fitting.loc[scores.index])
    versions = {name: metric_of(some) for name, some in totals.groupby("version")}
    figures = {
        "days": plots.by_day(versions, metric_of(totals)["share"], made, reference, min_labelled),
        "slices": plots.heatmap(*slices, metric_name()),
        "drift": plots.heatmap(drift, largest, "PSI", **plots.PSI),
        "missing": plots.heatmap(*summary.missing_by_day(rows, sample["day"]), "share of rows"),
    }
    features = largest.head(MOST_FEATURES).index
    page = render(
        served=served,
        trained=trained,
        headline=headline,
        days=metric_of(totals),
        min_labelled=min_labelled,
        silent=silent,
        unfit=len(rows) - len(fitting),
        figures=figures,
        distributions={n: plots.distribution(trained.fields[n], counts[n]) for n in features},
        now=moment,
    )
    return Report(page, headline, recent)


def render(**values: Any) -> str:
    """Return the page with these values."""
    folder = FileSystemLoader(Path(__file__).parent)
    pages = Environment(autoescape=True, undefined=StrictUndefined, loader=folder)
    pages.filters |= {"shown": summary.shown, "data_uri": plots.data_uri}
    pages.globals |= {"production": production, "profile": profile, "summary": summary}
    return pages.get_template("page.html").render(metric=metric_name(), **values)


def main() -> None:
    """Write the report and print a summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="days to look back")
    days = parser.parse_args().days
    if days < 1:
        raise UserError(f"DAYS: {days} must be at least 1")
    report = make_report(days, time.time())
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(report.page, encoding="utf-8")
    print(report.headline)
    for name, index in report.drift.head(3).items():
        print(f"  PSI of {name}: {'too few rows' if pd.isna(index) else f'{index:.2f}'}")
    print(PAGE)


if __name__ == "__main__":
    run(main)
