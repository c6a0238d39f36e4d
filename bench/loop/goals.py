"""Goals of the loop: each figure with its interval, and with what is allowed in a world.

The allowances of the first four worlds were set before the loop was written, by simulating its
policy on its own; those of the others were set when the loop was seen to fail there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betaincinv, gammaincinv

from .cases import BAD_CHAMPION, FOUR_WORLDS, LABELS
from .scoring import Figures

BEYOND = "error beyond the oracle's"
LOW, HIGH = 0.025, 0.975  # quantiles: each interval is one of 95 %
SAMPLES = 1_000  # of the bootstrap

Interval = tuple[float, float]


@dataclass(frozen=True)
class Measure:
    """A figure of all runs of a case, in one number."""

    case: str
    name: str
    unit: Literal["days", "a year", "share"]
    value: Callable[[Sequence[Figures]], float]
    interval: Callable[[Sequence[Figures]], Interval]


@dataclass(frozen=True)
class Goal:
    """A measure, and the most that it may be in each of the worlds."""

    measure: Measure
    allowed: Mapping[str, float]


def in_four(measure: Measure, *allowed: float) -> Goal:
    """Return a goal in the first four worlds."""
    return Goal(measure, dict(zip(FOUR_WORLDS, allowed, strict=True)))


def bootstrapped(of: Callable[[np.ndarray], float], figure: str) -> Callable[..., Interval]:
    """Return what gives the interval of a statistic over runs: its quantiles over resamples."""

    def interval(runs: Sequence[Figures]) -> Interval:
        values, rng = values_of(runs, figure), np.random.default_rng(0)
        found = [of(rng.choice(values, len(values))) for _ in range(SAMPLES)]
        low, high = np.quantile(found, [LOW, HIGH], method="inverted_cdf")
        return float(low), float(high)

    return interval


def values_of(runs: Sequence[Figures], figure: str) -> np.ndarray:
    """Return a figure of all runs; (runs,)."""
    return np.array([getattr(one, figure) for one in runs], dtype=float)


def of_share(count: int, runs: int) -> Interval:
    """Return the interval of a probability after so many of the runs (Clopper and Pearson 1934)."""
    low = betaincinv(count, runs - count + 1, LOW) if count else 0.0
    high = betaincinv(count + 1, runs - count, HIGH) if count < runs else 1.0
    return float(low), float(high)


def of_rate(count: int, years: float) -> Interval:
    """Return the interval of a rate of events, of which there were so many (Garwood 1936)."""
    low = gammaincinv(count, LOW) if count else 0.0
    return float(low / years), float(gammaincinv(count + 1, HIGH) / years)


def quantile(case: str, what: str, figure: str, share: float) -> Measure:
    """Return the days that so many of the runs do not exceed."""

    def of(values: np.ndarray) -> float:
        return float(np.quantile(values, share, method="inverted_cdf"))

    name = "median" if share == 0.5 else f"{10 * share:.0f} in 10"
    return Measure(
        case,
        f"{what}, {name}",
        "days",
        lambda runs: of(values_of(runs, figure)),
        bootstrapped(of, figure),
    )


def a_year(case: str, what: str, figure: str) -> Measure:
    """Return how many there are in a year."""

    def count(runs: Sequence[Figures]) -> tuple[int, float]:
        return int(values_of(runs, figure).sum()), float(values_of(runs, "years").sum())

    return Measure(
        case,
        f"{what} a year",
        "a year",
        lambda runs: count(runs)[0] / count(runs)[1],
        lambda runs: of_rate(*count(runs)),
    )


def share_within(case: str, what: str, figure: str, low: float, high: float) -> Measure:
    """Return the share of runs in which a figure is within these limits."""

    def inside(runs: Sequence[Figures]) -> np.ndarray:
        values = values_of(runs, figure)
        return (values >= low) & (values <= high)

    return Measure(
        case,
        what,
        "share",
        lambda runs: float(inside(runs).mean()),
        lambda runs: of_share(int(inside(runs).sum()), len(runs)),
    )


def mean(case: str, what: str, figure: str, unit: Literal["days", "share"]) -> Measure:
    """Return the mean over all runs."""
    return Measure(
        case,
        what,
        unit,
        lambda runs: float(values_of(runs, figure).mean()),
        bootstrapped(lambda values: float(values.mean()), figure),
    )


ANY = np.inf
GOALS = [
    in_four(quantile("x1.4", "days to the alarm", "to_alarm", 0.5), 1, 2, 5, 5),
    in_four(quantile("x1.2", "days to the alarm", "to_alarm", 0.5), 2, 5, 18, 18),
    in_four(quantile("x1.4", "days to the promotion", "to_promotion", 0.5), 5, 6, 9, 9),
    in_four(quantile("x1.4", "days to the promotion", "to_promotion", 0.9), 5, 8, 16, 14),
    in_four(quantile("x1.2", "days to the promotion", "to_promotion", 0.5), 5, 9, 21, 22),
    in_four(quantile("x1.2", "days to the promotion", "to_promotion", 0.9), 6, 15, ANY, ANY),
    in_four(quantile("x1.4", "bad days", "bad_days", 0.5), 5, 6, 10, 9),
    in_four(quantile("x1.4", "bad days", "bad_days", 0.9), 6, 9, 20, 16),
    in_four(quantile("x1.2", "bad days", "bad_days", 0.5), 6, 9, 20, 18),
    in_four(quantile("gradual", "bad days", "bad_days", 0.5), 4, 16, 24, 27),
    in_four(quantile("shape", "bad days", "bad_days", 0.5), 9, 9, 14, 13),
    in_four(a_year("quiet", "alarms", "alarms"), 0.1, 0.2, 0.6, 0.7),
    in_four(a_year("quiet", "false promotions", "false"), 0.2, 0.5, 0.9, 0.3),
    in_four(a_year("quiet", "harmful promotions", "harmful"), 0.1, 0.1, 0.3, 0.1),
    in_four(a_year("quiet", "rollbacks", "rollbacks"), 0.1, 0.1, 0.3, 0.1),
    in_four(mean("quiet", BEYOND, "excess", "share"), 0.001, 0.003, 0.008, 0.025),
    in_four(a_year("quiet, all history", "alarms", "alarms"), ANY, ANY, ANY, ANY),
    in_four(a_year("quiet, all history", "harmful promotions", "harmful"), 0.1, 0.1, 0.3, 0.1),
    in_four(mean("quiet, all history", BEYOND, "excess", "share"), 0.001, 0.003, 0.008, 0.025),
    in_four(a_year("quiet, shuffled", "promotions of its models", "extracted"), 0, 0, 0, 0),
    in_four(a_year("quiet, broken", "promotions of its models", "extracted"), 0, 0, 0, 0),
    in_four(a_year("x1.4, shuffled", "promotions of its models", "extracted"), 0, 0, 0, 0),
    in_four(a_year("x1.4, broken", "promotions of its models", "extracted"), 0, 0, 0, 0),
    in_four(share_within("strike of 3 days", "chased", "chased", 1, 1), 0.02, 0.05, 0.08, 0.05),
    in_four(
        share_within("other requests", "an alarm within 30 days", "to_alarm", 0, 30),
        0.05,
        0.05,
        0.05,
        0.05,
    ),
    in_four(quantile(BAD_CHAMPION, "days to the rollback", "to_rollback", 0.9), 2, 2, 2, 2),
    in_four(mean("slow drift", "bad days", "bad_days", "days"), 5, 5, ANY, ANY),
    *(
        in_four(share_within(case, "a promotion after an alarm", "answered", 1, ANY), 0, 0, 0, 0)
        for case in ("kilometres", "one place")
    ),
]

# The same in the other worlds.
OTHER_GOALS = [
    Goal(
        mean("x1.4", "bad days", "bad_days", "days"), {"growth": 7, "small": 8, "heavy tails": 12}
    ),
    Goal(
        quantile("x1.4", "days to the promotion", "to_promotion", 0.5),
        {"growth": 6, "small": 7, "heavy tails": 12},
    ),
    *(
        Goal(measure, dict.fromkeys(("growth", "small", "heavy tails", LABELS), allowed))
        for measure, allowed in (
            (a_year("quiet", "alarms", "alarms"), 0.5),
            (a_year("quiet", "harmful promotions", "harmful"), 0.1),
        )
    ),
    *(
        Goal(measure, {"holidays": allowed})
        for case, alarms, harmful in (("quiet, calendar", 0.5, 0.1), ("quiet", ANY, ANY))
        for measure, allowed in (
            (a_year(case, "alarms", "alarms"), alarms),
            (a_year(case, "harmful promotions", "harmful"), harmful),
        )
    ),
    *(
        Goal(mean(case, "bad days", "bad_days", "days"), {LABELS: allowed})
        for case, allowed in (("odds x2.7", 10), ("odds /2.7", ANY))
    ),
]

# By what the loop and the baselines are held against each other: less is better.
CONTESTS = [
    mean("x1.4", "bad days", "bad_days", "days"),
    mean("x1.2", "bad days", "bad_days", "days"),
    mean("gradual", "bad days", "bad_days", "days"),
    mean("shape", "bad days", "bad_days", "days"),
    mean("slow drift", "bad days", "bad_days", "days"),
    mean("strike of 3 days", "bad days", "bad_days", "days"),
    mean("strike of 7 days", "bad days", "bad_days", "days"),
    mean("quiet", BEYOND, "excess", "share"),
    a_year("quiet", "harmful promotions", "harmful"),
    a_year("quiet, broken", "promotions", "promotions"),
    mean("quiet, broken", BEYOND, "excess", "share"),
]

OTHER_CONTESTS = [
    mean("x1.4", "bad days", "bad_days", "days"),
    a_year("quiet", "harmful promotions", "harmful"),
]
