"""What the loop is held to: each figure with what is allowed, in each of the four worlds.

The allowances were set before the loop was written, by simulating its policy on its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .cases import BAD_CHAMPION
from .scoring import Figures

BEYOND = "error beyond the oracle's"
WORLD_ORDER = ("iid", "day", "rough", "city")


@dataclass(frozen=True)
class Measure:
    """A figure of all runs of a case, in one number."""

    case: str
    name: str
    unit: Literal["days", "a year", "share"]
    value: Callable[[Sequence[Figures]], float]


@dataclass(frozen=True)
class Goal:
    """A measure, and the most that it may be in each of the worlds."""

    measure: Measure
    allowed: tuple[float, ...]


def quantile(case: str, what: str, figure: str, share: float) -> Measure:
    """Days that so many of the runs do not exceed."""

    def value(runs: Sequence[Figures]) -> float:
        values = np.array([getattr(one, figure) for one in runs], dtype=float)
        return float(np.quantile(values, share, method="inverted_cdf"))

    of = "median" if share == 0.5 else f"{10 * share:.0f} in 10"
    return Measure(case, f"{what}, {of}", "days", value)


def a_year(case: str, what: str, figure: str) -> Measure:
    """How many there are in a year."""

    def value(runs: Sequence[Figures]) -> float:
        return sum(getattr(one, figure) for one in runs) / sum(one.years for one in runs)

    return Measure(case, f"{what} a year", "a year", value)


def share_of(case: str, what: str, figure: str) -> Measure:
    """Return the share of runs in which there is any."""

    def value(runs: Sequence[Figures]) -> float:
        return float(np.mean([getattr(one, figure) > 0 for one in runs]))

    return Measure(case, what, "share", value)


def share_within(case: str, what: str, figure: str, days: int) -> Measure:
    """Return the share of runs that it takes so many days at most."""

    def value(runs: Sequence[Figures]) -> float:
        return float(np.mean([getattr(one, figure) <= days for one in runs]))

    return Measure(case, f"{what} within {days} days", "share", value)


def mean(case: str, what: str, figure: str, unit: Literal["days", "share"]) -> Measure:
    """Return the mean over all runs."""
    return Measure(
        case, what, unit, lambda runs: float(np.mean([getattr(o, figure) for o in runs]))
    )


ANY = np.inf
GOALS = [
    Goal(quantile("x1.4", "days to the alarm", "to_alarm", 0.5), (1, 2, 5, 5)),
    Goal(quantile("x1.2", "days to the alarm", "to_alarm", 0.5), (2, 5, 18, 18)),
    Goal(quantile("x1.4", "days to the promotion", "to_promotion", 0.5), (5, 6, 9, 9)),
    Goal(quantile("x1.4", "days to the promotion", "to_promotion", 0.9), (5, 8, 16, 14)),
    Goal(quantile("x1.2", "days to the promotion", "to_promotion", 0.5), (5, 9, 21, 22)),
    Goal(quantile("x1.2", "days to the promotion", "to_promotion", 0.9), (6, 15, ANY, ANY)),
    Goal(quantile("x1.4", "bad days", "bad_days", 0.5), (5, 6, 10, 9)),
    Goal(quantile("x1.4", "bad days", "bad_days", 0.9), (6, 9, 20, 16)),
    Goal(quantile("x1.2", "bad days", "bad_days", 0.5), (6, 9, 20, 18)),
    Goal(quantile("gradual", "bad days", "bad_days", 0.5), (4, 16, 24, 27)),
    Goal(quantile("shape", "bad days", "bad_days", 0.5), (9, 9, 14, 13)),
    Goal(a_year("quiet", "alarms", "alarms"), (0.1, 0.2, 0.6, 0.7)),
    Goal(a_year("quiet", "false promotions", "false"), (0.2, 0.5, 0.9, 0.3)),
    Goal(a_year("quiet", "harmful promotions", "harmful"), (0.1, 0.1, 0.3, 0.1)),
    Goal(a_year("quiet", "rollbacks", "rollbacks"), (0.1, 0.1, 0.3, 0.1)),
    Goal(mean("quiet", BEYOND, "excess", "share"), (0.001, 0.003, 0.008, 0.025)),
    Goal(a_year("quiet, shuffled", "promotions of its models", "extracted"), (0, 0, 0, 0)),
    Goal(a_year("quiet, broken", "promotions of its models", "extracted"), (0, 0, 0, 0)),
    Goal(a_year("x1.4, shuffled", "promotions of its models", "extracted"), (0, 0, 0, 0)),
    Goal(a_year("x1.4, broken", "promotions of its models", "extracted"), (0, 0, 0, 0)),
    Goal(share_of("strike of 3 days", "chased", "chased"), (0.02, 0.05, 0.08, 0.05)),
    Goal(share_within("other requests", "an alarm", "to_alarm", 30), (0.05, 0.05, 0.05, 0.05)),
    Goal(quantile(BAD_CHAMPION, "days to the rollback", "to_rollback", 0.9), (2, 2, 2, 2)),
]

# By what the loop and the baselines are held against each other: less is better.
CONTESTS = [
    mean("x1.4", "bad days", "bad_days", "days"),
    mean("x1.2", "bad days", "bad_days", "days"),
    mean("gradual", "bad days", "bad_days", "days"),
    mean("shape", "bad days", "bad_days", "days"),
    mean("strike of 3 days", "bad days", "bad_days", "days"),
    mean("strike of 7 days", "bad days", "bad_days", "days"),
    mean("quiet", BEYOND, "excess", "share"),
    a_year("quiet", "harmful promotions", "harmful"),
    a_year("quiet, broken", "promotions", "promotions"),
    mean("quiet, broken", BEYOND, "excess", "share"),
]
