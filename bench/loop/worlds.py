"""Cities in NumPy, whose ground truth is known: rows day by day, and what can happen to them.

A row's log value is linear in distance, hour, place and weekend. To that come the level of its
day, which no model can know, and noise. What happens to a city changes the coefficients of days,
or what the log holds of its features; so all scenarios of a seed share the same rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, lru_cache

import holidays
import numpy as np

ROWS = 2_000  # a day
JUDGED = 250  # rows of a day by which models are judged: with their noise averaged out, few tell
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
    heavy_tails: bool = False  # of the levels of days: Student's t with 3 degrees of freedom
    noise: float = NOISE
    weekend: float = 0.0  # the level of weekends
    weekdays: tuple[float, ...] = (0.0,) * 7  # levels beside it, from Monday on
    weekend_hours: int = 0  # by which requests come later
    season: float = 0.0  # its largest level
    holiday: float = 0.0
    label_days: int = 0  # by which the ground truth is late
    rows: int = ROWS  # on the first day
    growth: float = 0.0  # of the number of rows, a day
    outliers: tuple[float, float] = (
        0.0,
        NOISE,
    )  # share of rows with other noise, and its deviation
    country: str | None = (
        None  # on whose public holidays, and from 23 December to 2 January, `feast`
    )
    feast: float = 0.0  # is the level

    @property
    def noises(self) -> list[tuple[float, float]]:
        """Return the share of rows with each standard deviation of noise."""
        share, deviation = self.outliers
        return [(1 - share, self.noise), (share, deviation)] if share else [(1.0, self.noise)]


DAY = World("day", shock=0.04, likeness=0.5, weekend=-0.10, weekend_hours=2)
ROUGH = World("rough", shock=0.08, likeness=0.7, weekend=-0.10, weekend_hours=2)
CITY = World(
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
)
HEAVY_TAILS = World(
    "heavy tails",
    shock=0.12,
    likeness=0.3,
    heavy_tails=True,
    weekend=-0.10,
    weekend_hours=2,
    label_days=3,
    noise=0.15,
    outliers=(0.05, 1.0),
)
WORLDS = {
    world.name: world
    for world in [
        World("iid"),
        DAY,
        ROUGH,
        CITY,
        replace(DAY, name="growth", rows=600, growth=0.005),
        replace(DAY, name="small", rows=80),
        replace(DAY, name="holidays", country="US", feast=float(np.log(0.82))),
        HEAVY_TAILS,
    ]
}
HOLIDAYS = 13  # a year
FAULTY = 10  # days of a fault of the feature feed
BINS = 10  # of a numeric feature, by which its drift is measured
MILES_TO_KM = 1.609

# What a fault of the feature feed, or an extract, makes of a day's rows.
Fault = Callable[[np.ndarray], np.ndarray]


def kilometres(design: np.ndarray) -> np.ndarray:
    """Return the rows with kilometres in place of miles."""
    found = design.copy()
    found[:, DISTANCE] += np.log(MILES_TO_KM)
    return found


def one_place(design: np.ndarray) -> np.ndarray:
    """Return the rows with the same place in all of them."""
    found = design.copy()
    found[:, PLACE] = np.arange(len(PLACE)) == 0
    return found


@dataclass(frozen=True)
class Scenario:
    """What happens to a city from its onset on.

    `level` gives the change of log durations by the number of days since the onset; `columns` says
    whose. With other demand, there are more long ones, and more from some places, but each takes as
    long as it always did. A fault changes what is logged of the features for `FAULTY` days.
    """

    level: Callable[[np.ndarray], np.ndarray] = np.zeros_like
    columns: tuple[float, ...] = tuple(LEVEL)
    other_demand: bool = False
    fault: Fault | None = None
    judged: int = 60  # days from the onset on


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
    "slow drift": Scenario(lambda since: np.log(1.005) * np.clip(since + 1, 0, 70), judged=70),
    "kilometres": Scenario(fault=kilometres),
    "one place": Scenario(fault=one_place),
}


@dataclass(frozen=True, eq=False)
class Demand:
    """What is asked when and where in a city, and what nobody can foresee.

    design  what a linear model sees of each row; (days, rows, COEFFICIENTS)
    noise   of log durations; (days, rows)
    rows    how many of them there are on each day; (days,). More may be there, to judge models by
    levels  of days by weekday and season; (days,)
    shocks  levels of days that no model is asked to know, holidays among them; (days,)
    """

    world: World
    seed: int
    first: date
    onset: int
    design: np.ndarray
    noise: np.ndarray
    rows: np.ndarray
    levels: np.ndarray
    shocks: np.ndarray

    @property
    def days(self) -> int:
        """Return the number of days."""
        return len(self.design)


@dataclass(frozen=True, eq=False)
class Path:
    """A scenario in a city: the coefficients of each day, without its shock; (days, ...)."""

    demand: Demand
    truth: np.ndarray
    fault: Fault | None = None

    @property
    def label_days(self) -> int:
        """Return by how many days the ground truth is late."""
        return self.demand.world.label_days

    def rows(self, day: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a day's rows as they were, and as the log has them; (rows, COEFFICIENTS)."""
        rows = self.demand.design[day, : self.demand.rows[day]]
        faulty = self.demand.onset <= day < self.demand.onset + FAULTY
        return rows, self.fault(rows) if self.fault and faulty else rows

    def noise(self, day: int) -> np.ndarray:
        """Return the noise of a day's rows; (rows,)."""
        found: np.ndarray = self.demand.noise[day, : self.demand.rows[day]]
        return found

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
    return Path(demand, truth + np.outer(change, scenario.columns), scenario.fault)


def feature_counts(path: Path) -> dict[str, np.ndarray]:
    """Return how many logged rows of each day each bin of a feature has; (days, bins)."""
    taught = path.demand.design[:TAUGHT, :, DISTANCE]
    edges = np.quantile(taught, np.linspace(0, 1, BINS + 1)[1:-1])
    found: dict[str, list[np.ndarray]] = {"hour": [], "place": [], "distance": []}
    for day in range(path.demand.days):
        logged = path.rows(day)[1]
        places = logged[:, PLACE].sum(axis=0)
        bins = np.searchsorted(edges, logged[:, DISTANCE])
        found["hour"].append(logged[:, HOUR].sum(axis=0))
        found["place"].append(np.append(places, len(logged) - places.sum()))
        found["distance"].append(np.bincount(bins, minlength=BINS))
    return {name: np.array(counts) for name, counts in found.items()}


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
    weekday = (first.weekday() + np.arange(days)) % 7
    levels = np.array(world.weekdays)[weekday]
    levels += world.season * np.sin(2 * np.pi * (np.arange(days) / 365 + rng.random()))
    chosen = rng.choice(365, HOLIDAYS, replace=False)
    shocks = day_shocks(world, days, rng)
    shocks += world.holiday * np.isin(np.arange(days) % 365, chosen)
    if world.country:
        shocks += world.feast * feasts(world.country, first, days)
    unusual = np.arange(days) >= (onset_of(seed) if other_demand else days)
    rows = np.rint(world.rows * (1 + world.growth) ** np.arange(days)).astype(int)
    shape = days, max(JUDGED, int(rows.max()))
    design = design_of(world, weekday >= 5, unusual, shape, rng)
    noise = world.noise * rng.standard_normal(shape, dtype=np.float32)
    share, deviation = world.outliers
    if share:
        noise[rng.random(shape, dtype=np.float32) < share] *= deviation / world.noise
    return Demand(world, seed, first, onset_of(seed), design, noise, rows, levels, shocks)


def onset_of(seed: int) -> int:
    """Return the day from which on something is different."""
    return FIRST_ONSET + seed % (LAST_ONSET + 1 - FIRST_ONSET)


def feasts(country: str, first: date, days: int) -> np.ndarray:
    """Return which days are public holidays, or from 23 December to 2 January; (days,)."""
    calendar = holidays.country_holidays(country)
    dates = [first + timedelta(days=day) for day in range(days)]
    return np.array([day in calendar or not "01-02" < f"{day:%m-%d}" < "12-23" for day in dates])


def day_shocks(world: World, days: int, rng: np.random.Generator) -> np.ndarray:
    """Levels of days that resemble their neighbours: an autoregression of order 1; (days,)."""
    new = rng.standard_t(3, days) / np.sqrt(3) if world.heavy_tails else rng.standard_normal(days)
    shocks = new.copy()
    for day in range(1, days):
        before = world.likeness * shocks[day - 1]
        shocks[day] = before + np.sqrt(1 - world.likeness**2) * new[day]
    return world.shock * shocks


def design_of(
    world: World,
    weekend: np.ndarray,
    unusual: np.ndarray,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the rows of each day; `weekend` and `unusual` say which days are, both (days,)."""
    hour = drawn(rng, DEMAND, shape)
    hour[weekend] = (hour[weekend] + world.weekend_hours) % len(HOUR)
    place = drawn(rng, np.ones(1 + len(PLACE), dtype=int), shape)
    busy = np.where(np.arange(1 + len(PLACE)) < 3, 3, 1)
    place[unusual] = drawn(rng, busy, (int(unusual.sum()), shape[1]))
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
