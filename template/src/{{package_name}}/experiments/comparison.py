"""Comparison of champion and challenger by day, from the prediction log.

In a shadow deployment both models predict every row, and their means are over the same rows. In an
A/B test (a split) each row has one prediction, and the means are over two groups of rows. Days are
in UTC, and a row belongs to the day of its prediction.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Any

import numpy as np
from sqlalchemy import Select, and_, func, select

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
    """A day that counts: the mean score of each model, and its number of scored rows."""

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

    def scores(self) -> np.ndarray:
        """Return the mean scores of champion and challenger, of shape (2, days)."""
        return np.array([(day.champion, day.challenger) for day in self.days]).reshape(-1, 2).T

    def differences(self) -> np.ndarray:
        """Return by how much the challenger was better on each day; negative if it was worse."""
        champion, challenger = self.scores()
        return champion - challenger if problem.LOWER_IS_BETTER else challenger - champion

    def gains(self) -> np.ndarray:
        """Return the differences as shares of the champion's mean score."""
        level = abs(self.scores()[0].mean()) if self.days else 1.0
        return self.differences() / (level or 1.0)


def evidence_of(comparison: Comparison, plan: Experiment) -> Evidence:
    """Return the evidence after each block."""
    daily, size = (comparison.differences(), comparison.scores()[0]), plan.block_days
    differences, champion = (block_means(values, size) for values in daily)
    return weigh(differences, champion, plan.alpha)


def verdict_of(comparison: Comparison, plan: Experiment) -> Verdict:
    """Return the verdict."""
    settled = len(comparison.days) + len(comparison.left_out)
    return decide(evidence_of(comparison, plan), plan, settled)


def compare(store: Store, trial: Trial, now: datetime) -> Comparison:
    """Return the days of the trial in order, up to the first that still waits.

    A day counts when it is over and enough of its rows are scored, because ground truth that
    arrives early is often that of easy rows. Later days wait for it; a day that waits too long is
    left out.
    """
    plan, query = trial.plan, sums_of(trial)
    days: list[Day] = []
    left_out: dict[date, str] = {}
    for number in range(plan.max_days):
        today = trial.first_day + timedelta(days=number)
        start = datetime(today.year, today.month, today.day, tzinfo=UTC)
        end = start + timedelta(days=1)
        if now < end:
            return Comparison(days, left_out, f"{today} is not over")
        time = predictions.c.time
        of_day = query.where(time >= start.timestamp(), time < end.timestamp())
        with store.transaction() as connection:
            sums = np.array(connection.execute(of_day).one()).reshape(2, 3)
        rows, known, scores = sums.T  # each of champion and challenger
        if not rows.all():
            left_out[today] = "no rows of the challenger" if rows[0] else "no rows"
        elif (share := min(known / rows)) >= plan.min_labelled:
            champion, challenger = means_of(scores, known)
            days.append(Day(today, champion, challenger, *map(round, known.tolist())))
        else:
            reason = f"{share:.0%} of the rows have a score, {plan.min_labelled:.0%} required"
            if now < end + timedelta(days=plan.label_wait_days):
                return Comparison(days, left_out, f"{today}: {reason}")
            left_out[today] = reason
    return Comparison(days, left_out, None)


def means_of(sums: np.ndarray, rows: np.ndarray) -> list[float]:
    """Return the mean scores."""
    means: list[float] = (sums / rows).tolist()
    if not np.isfinite(means).all():
        raise UserError(f"the mean {problem.METRIC} of a day is {max(means)}. Check score_rows")
    return means


def sums_of(trial: Trial) -> Select[Any]:
    """Return a query of the rows, scored rows and sum of scores of champion and challenger.

    In a shadow only rows with scores of both count as scored: a challenger that fails at difficult
    rows must not win on the others.
    """
    variant, version = predictions.c.variant, predictions.c.version
    own = and_(variant == CHAMPION, version == trial.champion)
    other = and_(variant == CHALLENGER, version == trial.challenger)
    groups = [(own, scored, feedback.c.score), (other, scored, feedback.c.score)]
    if trial.plan.mode == "shadow":
        same = predictions.c.shadow_version == trial.challenger
        both = and_(scored, feedback.c.shadow_score < inf, same)
        groups = [(own, both, feedback.c.score), (own, both, feedback.c.shadow_score)]
    sums = [
        func.coalesce(func.sum(value).filter(condition), 0.0)
        for made, known, score in groups
        for condition, value in [
            (made, weight),
            (and_(made, known), weight),
            (and_(made, known), weight * score),
        ]
    ]
    return select(*sums).select_from(joined)


def autocorrelation(daily: np.ndarray) -> float:
    """Return the correlation of each day with the day before; 0 for fewer than three days."""
    deviations = daily - daily.mean() if len(daily) > 2 else daily[:0]
    squares = float(deviations @ deviations)
    return float(deviations[1:] @ deviations[:-1]) / squares if squares else 0.0
