"""Replay the past through the policy: what would the loop have done to you? `make backtest`.

The rows are those of `problem.load`, within `data` of params.yaml, and after them those of the
prediction log. Writes reports/backtest.png and reports/backtest.json.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from .. import problem
from ..errors import UserError, run
from ..experiments.scores import metric_name
from ..monitoring.summary import shown
from ..pipelines.parameters import read_params
from ..serving.store import reading
from ..serving.tables import predictions
from . import observations
from .decisions import WEEK
from .observations import Complete, Taught
from .policy import POLICY, Policy, read_policy
from .replay import DAY, EVENTS, RULES, Past, Replayed

REPORTS = Path("reports")
COLOURS = {"loop": "#0072b2", "monthly": "#009e73", "threshold": "#cc79a7", "never": "#c45500"}
# Decisions that a figure marks, by the shape and the colour of their marks.
MARKS = {"alarm": ("o", "white"), "promoted": ("^", "#009e73"), "rolled back": ("v", "#d0312d")}


def past_rows(policy: Policy) -> Taught:
    """Return the rows with ground truth, about `max_rows`; those before the log began are loaded.

    Days of the log with rows that do not fit the schema are left out, as the loop does.
    """
    known = days_logged() if policy.data.source == "log" else {}
    loaded, logged = observations.NOTHING, list[Complete]()
    if problem.TIME is not None:
        window = read_params().data
        ends = [*list(known)[:1], *([window.end] if window.end else [])]
        loaded = observations.loaded_rows(window.start, min(ends, default=None))
    share = observations.share_of(len(loaded.days) + sum(known.values()), policy.data.max_rows)
    if known:
        with reading() as store:
            days = [observations.read_day(store, day, share) for day in known]
        logged = [
            one
            for one in days
            if len(one.rows) and one.dropped <= observations.MOST_UNFIT * one.read
        ]
    if not len(loaded.days) and not logged:
        raise UserError(
            "neither problem.load nor the prediction log has rows with ground truth and a time: "
            "there is no past to replay. Serve, and send ground truth to /feedback"
        )
    return observations.sampled(loaded, logged, share)


def days_logged() -> dict[date, int]:
    """Count the rows with ground truth of each day in the prediction log that is over."""
    with reading() as store:
        with store.transaction() as connection:
            begun = connection.execute(select(func.min(predictions.c.time))).scalar()
        if begun is None:
            return {}
        first, today = datetime.fromtimestamp(begun, UTC).date(), datetime.now(UTC).date()
        return observations.known_rows(store, first, today - DAY, ())


def table(past: Past, results: Sequence[Replayed]) -> Table:
    """Return what each rule did, and how well its models predicted."""
    name, still = metric_name(), past.mean(results[-1].scores)
    found = Table(box=None, pad_edge=False)
    for heading in ("", "alarms", "trainings", "promotions", "rollbacks", name, "beside never"):
        found.add_column(heading, justify="right" if heading else "left")
    for one in results:
        score = past.mean(one.scores)
        change = f"{(score - still) / abs(still or 1):+.1%}" if one is not results[-1] else ""
        alarms, promotions, rollbacks = (str(one.count(kind)) for kind in EVENTS)
        found.add_row(
            one.name, alarms, str(one.trainings), promotions, rollbacks, shown(score), change
        )
    return found


def plot(results: Sequence[Replayed]) -> Figure:
    """Plot the mean score of a week under each rule, and what the loop did."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots()
    for one in reversed(results):  # the loop comes last, so that it is on top
        scores = pd.Series(one.scores).rolling(WEEK, min_periods=1).mean()
        style = "-" if one is results[0] else "--"
        axes.plot(scores.index, scores, style, color=COLOURS[one.name], label=one.name)
    for kind, (shape, colour) in MARKS.items():
        at = scores.reindex([event.day for event in results[0].events if event.kind == kind])
        look: dict[str, Any] = {"color": colour, "markeredgecolor": "#3d4a57", "markersize": 9}
        axes.plot(at.index, at, shape, label=f"loop: {kind}", **look)
    axes.set(ylabel=f"mean {metric_name()} of the last {WEEK} days")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower left", ncols=7, frameon=False)
    return figure


def main() -> None:
    """Replay, print what each rule did, and write the reports."""
    console = Console(file=sys.stdout, markup=False, highlight=False, soft_wrap=True)
    policy = read_policy()
    past = Past(past_rows(policy), policy, read_params().model)
    console.print(f"Replaying {len(past.days)} days, {past.days[0]} to {past.days[-1]}")
    results = [rule(past) for rule in RULES]
    console.print(*results[0].decided, table(past, results), sep="\n")
    if results[0].left_out:
        console.print(
            f"The loop left out {results[0].left_out} of {len(past.days)} days: fewer than "
            f"{policy.data.min_rows} rows (data: min_rows in {POLICY})"
        )
    REPORTS.mkdir(exist_ok=True)
    plot(results).savefig(REPORTS / "backtest.png", dpi=160)
    body = msgspec.json.encode({"metric": problem.METRIC, "rules": results}, enc_hook=str)
    (REPORTS / "backtest.json").write_bytes(msgspec.json.format(body) + b"\n")
    console.print(REPORTS / "backtest.png", REPORTS / "backtest.json", sep="\n")


if __name__ == "__main__":
    run(main)
