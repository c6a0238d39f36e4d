"""Comparison of champion and challenger by day, from the prediction log.

In a shadow deployment both models predict every row, and their means are over the same rows. In an
A/B test (a split) each row has one prediction, and the means are over two groups of rows. Days are
in UTC, and a row belongs to the day of its prediction.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import inf, isfinite
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, case, func, select

from .. import problem
from ..errors import UserError
from ..serving.records import CHALLENGER, CHAMPION
from ..serving.store import Store
from ..serving.tables import feedback, joined, predictions, scored, weight
from .plan import Experiment
from .sequential import Evidence, Verdict, block_means, decide, weigh


@dataclass(frozen=True)
class Trial:
    """A running experiment: its plan, the versions of both models, and its start."""

    plan: Experiment
    champion: str
    challenger: str
    started: datetime

    @property
    def first_day(self) -> date:
        """The first whole day."""
        started = self.started.astimezone(UTC)
        return (started + timedelta(days=1) - timedelta(microseconds=1)).date()


@dataclass(frozen=True)
class Day:
    """A day that counts: the mean score of each model, and its number of rows."""

    date: date
    champion: float
    challenger: float
    champion_rows: int
    challenger_rows: int


@dataclass(frozen=True)
class Comparison:
    """The days that count, those left out with the reason, and why the next day waits."""

    days: list[Day]
    left_out: dict[date, str]
    waiting: str | None

    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean scores of champion and challenger by day, each of shape (days,)."""
        pairs = np.array([(day.champion, day.challenger) for day in self.days]).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def gains(self) -> np.ndarray:
        """Return the gain of each day relative to the champion's mean score, of shape (days,)."""
        champion, challenger = self.scores()
        level = abs(champion.mean()) if self.days else 1.0
        return better_by(champion, challenger) / (level or 1.0)

    def blocks(self, plan: Experiment) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much the challenger was better in each block, and the champion's mean."""
        champion, challenger = (block_means(daily, plan.block_days) for daily in self.scores())
        return better_by(champion, challenger), champion


@dataclass(frozen=True)
class Totals:
    """The predictions of a model on a day: all, those that are scored, and the sum of scores."""

    rows: float
    scored: float
    sum: float

    @property
    def share(self) -> float:
        """The share of the predictions that is scored."""
        return self.scored / self.rows if self.rows else 0.0

    @property
    def mean(self) -> float:
        """The mean score."""
        if not isfinite(self.sum):
            raise UserError(f"the mean {problem.METRIC} of a day is {self.sum}. Check score_rows")
        return self.sum / self.scored


def totals_of(
    store: Store, start: float, variant: str, version: str, shadow: str | None = None
) -> tuple[Totals, Totals]:
    """Return the totals of a model on the day from `start` on, and of its shadow challenger.

    With a shadow, only rows with scores of both count as scored: a challenger that fails at
    difficult rows must not win on the others.
    """
    counted: ColumnElement[bool] = scored
    if shadow is not None:
        both = feedback.c.shadow_score < inf
        counted = and_(scored, both, predictions.c.shadow_version == shadow)
    columns: list[ColumnElement[Any]] = [
        weight,
        case((counted, weight)),
        case((counted, weight * feedback.c.score)),
        case((counted, weight * feedback.c.shadow_score)),
    ]
    query = select(*[func.coalesce(func.sum(one), 0.0) for one in columns]).select_from(joined)
    query = query.where(predictions.c.time >= start, predictions.c.time < start + 86_400)
    query = query.where(predictions.c.variant == variant, predictions.c.version == version)
    with store.transaction() as connection:
        rows, known, own, other = connection.execute(query).one()
    return Totals(rows, known, own), Totals(rows, known, other)


def both_totals(store: Store, trial: Trial, start: float) -> tuple[Totals, Totals]:
    """Return the totals of champion and challenger on the day from `start` on."""
    if trial.plan.mode == "shadow":
        return totals_of(store, start, CHAMPION, trial.champion, trial.challenger)
    champion, _ = totals_of(store, start, CHAMPION, trial.champion)
    challenger, _ = totals_of(store, start, CHALLENGER, trial.challenger)
    return champion, challenger


def compare(store: Store, trial: Trial, now: datetime) -> Comparison:
    """Return the days of the trial in order, up to the first that still waits.

    A day counts when it is over and enough of its rows are scored, because ground truth that
    arrives early is often that of easy rows. Later days wait for it; a day that waits too long is
    left out.
    """
    plan = trial.plan
    days: list[Day] = []
    left_out: dict[date, str] = {}
    for number in range(plan.max_days):
        today = trial.first_day + timedelta(days=number)
        start = datetime(today.year, today.month, today.day, tzinfo=UTC)
        end = start + timedelta(days=1)
        if now < end:
            return Comparison(days, left_out, f"{today} is not over")
        champion, challenger = both_totals(store, trial, start.timestamp())
        if not champion.rows or not challenger.rows:
            left_out[today] = "no rows" if not champion.rows else "no rows of the challenger"
            continue
        share = min(champion.share, challenger.share)
        if share >= plan.min_labelled:
            rows = round(champion.scored), round(challenger.scored)
            days.append(Day(today, champion.mean, challenger.mean, *rows))
            continue
        reason = f"{share:.0%} of the rows have a score, {plan.min_labelled:.0%} required"
        if now < end + timedelta(days=plan.label_wait_days):
            return Comparison(days, left_out, f"{today}: {reason}")
        left_out[today] = reason
    return Comparison(days, left_out, None)


def better_by(champion: np.ndarray, challenger: np.ndarray) -> np.ndarray:
    """Return by how much the challenger's scores are better; negative where they are worse."""
    return champion - challenger if problem.LOWER_IS_BETTER else challenger - champion


def evidence_of(comparison: Comparison, plan: Experiment) -> Evidence:
    """Return the evidence after each block."""
    return weigh(*comparison.blocks(plan), plan.rule)


def verdict_of(comparison: Comparison, plan: Experiment) -> Verdict:
    """Return the verdict."""
    settled = len(comparison.days) + len(comparison.left_out)
    return decide(*comparison.blocks(plan), plan.rule, settled)


def autocorrelation(daily: np.ndarray) -> float:
    """Return the correlation of each day with the day before; 0 for fewer than three days."""
    deviations = daily - daily.mean() if len(daily) > 2 else daily[:0]
    squares = float(deviations @ deviations)
    return float(deviations[1:] @ deviations[:-1]) / squares if squares else 0.0
