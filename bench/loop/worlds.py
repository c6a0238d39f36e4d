"""Four cities in NumPy, in which the truth is known: rows day by day, and what can happen to them.

A row's log value is linear in distance, hour, place and weekend. To that come the level of its
day, which no model can know, and noise. Everything that can happen to a city only changes the
coefficients of days; so all scenarios of a seed share the same rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache

import numpy as np

ROWS = 2_000  # a day
TAUGHT = 28  # days, from which the first champion learned
FIRST_ONSET, LAST_ONSET = 60, 87  # four weeks, so that all weekdays and phases are met
LOOKED_AHEAD = 14  # days beyond the last played, by which a promotion is judged
NOISE = 0.28  # standard deviation of a row's log value

HOUR = np.arange(24)
PLACE = np.arange(24, 35)  # eleven columns for twelve places
DISTANCE, WEEKEND = 35, 36
COEFFICIENTS = 37
RUSH_HOURS = np.array([7, 8, 9, 10, 16, 17, 18, 19])  # of three rows in five, at workdays
DEMAND = np.array([1, 1, 1, 1, 1, 1, 3, 8, 10, 9, 7, 5, 5, 5, 5, 6, 9, 10, 10, 8, 5, 4, 3, 2])

LEVEL = np.zeros(COEFFICIENTS)  # added to coefficients, it moves all rows
LEVEL[HOUR] = 1.0
RUSH = np.zeros(COEFFICIENTS)  # moves rows of the rush hours
RUSH[RUSH_HOURS] = 1.0


@dataclass(frozen=True)
class World:
    """What days are like in a city; levels are shares of the duration."""

    name: str
    shock: float = 0.0  # standard deviation of the level of a day
    likeness: float = 0.0  # correlation of a day's level with that of the day before
    heavy_tails: bool = False
    weekend: float = 0.0  # the level of weekends
    weekdays: tuple[float, ...] = (0.0,) * 7  # levels beside it, from Monday on
    weekend_hours: int = 0  # by which requests come later
    season: float = 0.0  # its largest level
    holiday: float = 0.0
    label_days: int = 0  # by which true values are late


WORLDS = {
    world.name: world
    for world in [
        World("iid"),
        World("day", shock=0.04, likeness=0.5, weekend=-0.10, weekend_hours=2),
        World("rough", shock=0.08, likeness=0.7, weekend=-0.10, weekend_hours=2),
        World(
            "city",
            shock=0.05,
            likeness=0.4,
            heavy_tails=True,
            weekend=-0.10,
            weekdays=(0.0, 0.01, 0.02, 0.03, 0.04, 0.03, -0.04),
            weekend_hours=2,
            season=0.07,
            holiday=-0.20,
            label_days=1,
        ),
    ]
}
HOLIDAYS = 13  # a year


@dataclass(frozen=True)
class Scenario:
    """What happens to a city from its onset on.

    `level` gives the change of log durations by the number of days since the onset; `columns` says
    whose. With other demand, there are more long ones, and more from some places, but each takes as
    long as it always did.
    """

    level: Callable[[np.ndarray], np.ndarray] = np.zeros_like
    columns: tuple[float, ...] = tuple(LEVEL)
    other_demand: bool = False


def lasting(factor: float, days: float = np.inf) -> Scenario:
    """All values are so many times as large, for so many days."""
    return Scenario(lambda since: np.log(factor) * ((since >= 0) & (since < days)))


SCENARIOS = {
    "quiet": Scenario(),
    "x1.4": lasting(1.4),
    "x1.2": lasting(1.2),
    "gradual": Scenario(lambda since: np.log1p(0.4 * np.clip((since + 1) / 30, 0, 1))),
    "shape": Scenario(lasting(1.6).level, columns=tuple(RUSH)),
    "strike of 3 days": lasting(1.4, days=3),
    "strike of 7 days": lasting(1.4, days=7),
    "other requests": Scenario(other_demand=True),
}


@dataclass(frozen=True, eq=False)
class Demand:
    """What is asked when and where in a city, and what nobody can foresee.

    design  what a linear model sees of each row; (days, ROWS, COEFFICIENTS)
    noise   of log durations; (days, ROWS)
    levels  of days by weekday and season; (days,)
    shocks  levels of days that no model is asked to know, holidays among them; (days,)
    """

    world: World
    seed: int
    first: date
    onset: int
    design: np.ndarray
    noise: np.ndarray
    levels: np.ndarray
    shocks: np.ndarray

    @property
    def days(self) -> int:
        """Return the number of days."""
        return len(self.design)


@dataclass(frozen=True, eq=False)
class Path:
    """A scenario in a city: the true coefficients of each day, without its shock; (days, ...)."""

    demand: Demand
    truth: np.ndarray

    @cached_property
    def coefficients(self) -> np.ndarray:
        """What durations of each day follow, its shock included; (days, COEFFICIENTS)."""
        return self.truth + np.outer(self.demand.shocks, LEVEL)

    def date(self, day: int) -> date:
        """Return the date of a day."""
        return self.demand.first + timedelta(days=day)


def path_of(world: World, scenario: Scenario, seed: int, days: int) -> Path:
    """So many days of a scenario to play, and those that judge the last promotions."""
    demand = demand_of(world, seed, days + LOOKED_AHEAD, scenario.other_demand)
    change = scenario.level(np.arange(demand.days) - demand.onset)
    truth = true_coefficients(world) + np.outer(demand.levels, LEVEL)
    return Path(demand, truth + np.outer(change, scenario.columns))


def true_coefficients(world: World) -> np.ndarray:
    """Return what a row's log value follows on a day without any level; (COEFFICIENTS,)."""
    truth = np.zeros(COEFFICIENTS)
    morning, evening = np.exp(-((HOUR - 8.0) ** 2) / 4), np.exp(-((HOUR - 17.5) ** 2) / 6)
    truth[HOUR] = 1.8 + 0.3 * morning + 0.35 * evening
    truth[PLACE] = np.linspace(-0.2, 0.2, len(PLACE))
    truth[DISTANCE] = 0.7
    truth[WEEKEND] = world.weekend
    return truth


@lru_cache(maxsize=1)  # of a year: 120 MB
def demand_of(world: World, seed: int, days: int, other_demand: bool) -> Demand:
    """Return the requests of a seed; first day, onset, season and holidays vary with it."""
    rng = np.random.default_rng(seed)
    first = date(2026, 1, 1) + timedelta(days=int(rng.integers(365)))
    onset = FIRST_ONSET + seed % (LAST_ONSET + 1 - FIRST_ONSET)
    weekday = (first.weekday() + np.arange(days)) % 7
    levels = np.array(world.weekdays)[weekday]
    levels += world.season * np.sin(2 * np.pi * (np.arange(days) / 365 + rng.random()))
    holidays = rng.choice(365, HOLIDAYS, replace=False)
    shocks = day_shocks(world, days, rng)
    shocks += world.holiday * np.isin(np.arange(days) % 365, holidays)
    unusual = np.arange(days) >= (onset if other_demand else days)
    design = design_of(world, weekday >= 5, unusual, rng)
    noise = NOISE * rng.standard_normal((days, ROWS), dtype=np.float32)
    return Demand(world, seed, first, onset, design, noise, levels, shocks)


def day_shocks(world: World, days: int, rng: np.random.Generator) -> np.ndarray:
    """Levels of days that resemble their neighbours: an autoregression of order 1; (days,)."""
    new = rng.standard_t(3, days) / np.sqrt(3) if world.heavy_tails else rng.standard_normal(days)
    shocks = new.copy()
    for day in range(1, days):
        before = world.likeness * shocks[day - 1]
        shocks[day] = before + np.sqrt(1 - world.likeness**2) * new[day]
    return world.shock * shocks


def design_of(
    world: World, weekend: np.ndarray, unusual: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the rows of each day; `weekend` and `unusual` say which days are, both (days,)."""
    shape = (len(weekend), ROWS)
    hour = drawn(rng, DEMAND, shape)
    hour[weekend] = (hour[weekend] + world.weekend_hours) % len(HOUR)
    place = drawn(rng, np.ones(1 + len(PLACE), dtype=int), shape)
    busy = np.where(np.arange(1 + len(PLACE)) < 3, 3, 1)
    place[unusual] = drawn(rng, busy, (int(unusual.sum()), ROWS))
    distance = 0.8 + 0.6 * rng.standard_normal(shape, dtype=np.float32)
    distance[unusual] += 0.3
    design = np.empty((*shape, COEFFICIENTS), dtype=np.float32)
    design[..., : len(HOUR)] = hour[..., None] == np.arange(len(HOUR), dtype=np.uint8)
    design[..., PLACE[0] : DISTANCE] = place[..., None] == np.arange(len(PLACE), dtype=np.uint8)
    design[..., DISTANCE] = distance
    design[..., WEEKEND] = weekend[:, None]
    return design


def drawn(rng: np.random.Generator, odds: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Small whole numbers from 0 on, by their odds."""
    numbers = np.repeat(np.arange(len(odds), dtype=np.uint8), odds)
    found: np.ndarray = numbers[rng.integers(len(numbers), size=shape, dtype=np.uint8)]
    return found
