"""Champion and challenger side by side, day by day, from what the service remembers.

In a shadow both answer every row: a day's difference is that of two means over the same rows.
In a split each row has one answer: it is that of the means of two groups of rows, which takes
far more rows to tell. Days are those of UTC, and a row belongs to the day of its prediction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from .. import problem
from ..errors import UserError
from ..evaluate import row_scores
from ..serving.records import CHALLENGER, CHAMPION, Outcome
from .plan import Experiment
from .sequential import Evidence, Verdict, block_means, decide, weigh

# The outcomes of predictions from a start up to, but without, an end; both in POSIX seconds.
Outcomes = Callable[[float, float], Sequence[Outcome]]


@dataclass(frozen=True)
class Trial:
    """An experiment that runs: who takes part, by version, and since when."""

    plan: Experiment
    champion: str
    challenger: str
    started: datetime

    @property
    def first_day(self) -> date:
        """The first day that the trial covers from midnight on."""
        started = self.started.astimezone(UTC)
        return (started + timedelta(days=1) - timedelta(microseconds=1)).date()


@dataclass(frozen=True)
class Day:
    """A day that counts: each model's mean score, and on how many rows."""

    date: date
    champion: float
    challenger: float
    champion_rows: int
    challenger_rows: int


@dataclass(frozen=True)
class Comparison:
    """The days that count, those that do not with the reason, and what the next one waits for."""

    days: list[Day]
    left_out: dict[date, str]
    waiting: str | None

    @property
    def settled(self) -> int:
        """How many days are done with: they count, or never will."""
        return len(self.days) + len(self.left_out)


@dataclass(frozen=True)
class Pairs:
    """One model's answers and the truth, where it is known, and how many rows it was asked for."""

    actual: list[object]
    predicted: list[object]
    rows: list[Any]
    asked: int

    @property
    def share(self) -> float:
        """The share of the rows that can be judged."""
        return len(self.actual) / self.asked

    def score(self) -> float:
        """The mean score.

        Raises:
            UserError: a score is not a number, such as for a true value that was told wrong.
        """
        rows = pd.DataFrame.from_records(self.rows)
        score = row_scores(np.asarray(self.actual), np.asarray(self.predicted), rows).mean()
        if not np.isfinite(score):
            raise UserError(
                f"the mean {problem.METRIC} of a day is {score}: some true value or prediction "
                "in the prediction log is not what problem.score_rows takes"
            )
        return float(score)


def better_by(champion: np.ndarray, challenger: np.ndarray) -> np.ndarray:
    """By how much the challenger's scores are better; negative where they are worse."""
    return champion - challenger if problem.LOWER_IS_BETTER else challenger - champion


def shadow_pairs(outcomes: Sequence[Outcome], trial: Trial) -> tuple[Pairs, Pairs]:
    """What both models said to the champion's rows.

    Rows that the challenger gave no answer to cannot be judged, and count as asked: a challenger
    that fails at the difficult rows must not win on the others.
    """
    asked = [o for o in outcomes if answered_by(o, CHAMPION, trial.champion)]
    both = [o for o in asked if o.known and o.prediction.shadow_version == trial.challenger]
    actual, rows = [o.actual for o in both], [o.prediction.row for o in both]
    return (
        Pairs(actual, [o.prediction.prediction for o in both], rows, len(asked)),
        Pairs(actual, [o.prediction.shadow_prediction for o in both], rows, len(asked)),
    )


def split_pairs(outcomes: Sequence[Outcome], trial: Trial) -> tuple[Pairs, Pairs]:
    """What each model said to the rows that it served."""
    sides = []
    for variant, version in ((CHAMPION, trial.champion), (CHALLENGER, trial.challenger)):
        asked = [o for o in outcomes if answered_by(o, variant, version)]
        known = [o for o in asked if o.known]
        actual, answers = [o.actual for o in known], [o.prediction.prediction for o in known]
        sides.append(Pairs(actual, answers, [o.prediction.row for o in known], len(asked)))
    return sides[0], sides[1]


def answered_by(outcome: Outcome, variant: str, version: str) -> bool:
    """Whether this version answered, and in this part."""
    prediction = outcome.prediction
    return prediction.variant == variant and prediction.version == version


def compare(outcomes: Outcomes, trial: Trial, now: datetime) -> Comparison:
    """The days of the trial so far, in order, up to the first that still waits.

    A day counts when it is over and enough of its rows can be judged. Before, only what is known
    early could be, which is often what was easy. Therefore later days wait for an earlier one, and
    one that waits too long is left out as a whole.
    """
    plan = trial.plan
    pairs_of = shadow_pairs if plan.mode == "shadow" else split_pairs
    days: list[Day] = []
    left_out: dict[date, str] = {}
    for number in range(plan.max_days):
        today = trial.first_day + timedelta(days=number)
        start = datetime(today.year, today.month, today.day, tzinfo=UTC)
        end = start + timedelta(days=1)
        if now < end:
            return Comparison(days, left_out, f"{today} is not over")
        champion, challenger = pairs_of(outcomes(start.timestamp(), end.timestamp()), trial)
        if not champion.asked or not challenger.asked:
            left_out[today] = "no rows" if not champion.asked else "no rows of the challenger"
            continue
        share = min(champion.share, challenger.share)
        if share >= plan.min_labelled:
            scores = champion.score(), challenger.score()
            days.append(Day(today, *scores, len(champion.actual), len(challenger.actual)))
            continue
        found = f"{share:.0%} of its rows can be judged, {plan.min_labelled:.0%} asked"
        if now < end + timedelta(days=plan.label_wait_days):
            return Comparison(days, left_out, f"{today}: {found}")
        left_out[today] = found
    return Comparison(days, left_out, None)


def daily_scores(days: Sequence[Day]) -> tuple[np.ndarray, np.ndarray]:
    """The mean scores of champion and challenger by day, each of shape (days,)."""
    return np.array([day.champion for day in days]), np.array([day.challenger for day in days])


def blocks_of(comparison: Comparison, plan: Experiment) -> tuple[np.ndarray, np.ndarray]:
    """By how much the challenger was better in each block, and the champion's mean score there."""
    champion, challenger = (
        block_means(daily, plan.block_days) for daily in daily_scores(comparison.days)
    )
    return better_by(champion, challenger), champion


def evidence_of(comparison: Comparison, plan: Experiment) -> Evidence:
    """What the blocks have shown, one after the other."""
    return weigh(*blocks_of(comparison, plan), plan.rule)


def verdict_of(comparison: Comparison, plan: Experiment) -> Verdict:
    """What they decide."""
    return decide(*blocks_of(comparison, plan), plan.rule, comparison.settled)


def gains(days: Sequence[Day]) -> np.ndarray:
    """By which share of the champion's mean score the challenger was better each day; (days,)."""
    champion, challenger = daily_scores(days)
    return better_by(champion, challenger) / (abs(champion.mean()) or 1.0) if days else champion


def likeness(daily: np.ndarray) -> float:
    """How much each day's value resembles the day before's: their correlation, 0 for too few."""
    away = daily - daily.mean() if len(daily) > 2 else daily[:0]
    squares = float(away @ away)
    return float(away[1:] @ away[:-1]) / squares if squares else 0.0
