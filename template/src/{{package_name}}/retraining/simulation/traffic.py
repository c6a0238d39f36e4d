"""A simulated day's requests and their true values, drawn from the project's own rows.

Whatever `problem.py` is about, a day is a draw from its rows: those of the same weekday, moved to
the simulated date, if rows have a time. What may happen to any problem is then made with them: the
inputs shift, the truth changes, the truth is told wrongly.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors
from sklearn.base import is_regressor
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from ... import problem
from ...dataset import load_rows, validate_rows
from ...deployment.schema import field_of
from ...pipelines.parameters import DataWindow
from ...serving.fields import Field

ROWS_A_DAY = (210, 270)
RISE = 1.4  # of the truth, where it is a number
SHOCK, MEMORY = (
    0.02,
    0.5,
)  # of the level of a day: its spread, and how much of it the next day keeps
TILT = 3.0  # powers of two between the rows that come most often and those that come least
RELABELLED = 0.3  # of the rows get another label, where the truth is a label
WRONG_UNIT = 60  # as if minutes were told in seconds
RATED_ROWS = 2_000  # are enough to see which feature tells most
EPOCH = date(2025, 1, 6)  # the first simulated day where rows have no time: a Monday
LONGEST = 400  # days


@dataclass(frozen=True)
class World:
    """How things are on a day: how often the truth has changed, and whether the inputs shift.

    A truth that is a label has two rules, which take turns.
    """

    changed: int = 0
    shifted: bool = False


class Traffic:
    """Draws days from valid rows. The same seed and day give the same rows, in any order."""

    def __init__(self, rows: pd.DataFrame, seed: int = 0) -> None:
        self.rows = rows.reset_index(drop=True)
        self.seed = seed
        self.target: Field = field_of(problem.TARGET, problem.SCHEMA.columns[problem.TARGET])[0]
        self.first = EPOCH if problem.TIME is None else day_after(rows[problem.TIME])
        self.numeric = bool(is_regressor(problem.build_model()))
        self.shocks = autoregression(np.random.default_rng(seed))

    def day(self, day: date, world: World) -> pd.DataFrame:
        """The rows of a day in the order of time, with their true values and an own index.

        All of them fit `problem.SCHEMA`.
        """
        rng = np.random.default_rng([self.seed, day.toordinal()])
        drawn = self._draw(day, world, rng)
        truth = self._truths(world.changed)[drawn]
        if self.numeric:
            truth = self._within(self._raised(truth, self.shocks[(day - self.first).days]))
        rows = self.rows.iloc[drawn].assign(**{problem.TARGET: truth})
        if problem.TIME is not None:
            rows = moved(rows, day).sort_values(problem.TIME)
        return fitting(rows.reset_index(drop=True))

    def told_wrongly(self, truth: np.ndarray) -> np.ndarray:
        """The true values of a day as a broken feed tells them, each one still valid by itself.

        A positive number comes in another unit; anything else belongs to another row.
        """
        if self.positive:
            return self._within(truth * WRONG_UNIT)
        return np.random.default_rng(self.seed).permutation(truth)

    @cached_property
    def positive(self) -> bool:
        """Whether true values are positive numbers, whose level is a factor."""
        return self.numeric and bool((self.rows[problem.TARGET] > 0).all())

    @cached_property
    def ranks(self) -> dict[str, np.ndarray]:
        """Where each row stands in each feature, from 0 to 1; the most telling feature first."""
        features = pd.DataFrame(problem.features(self.rows))
        coded = features.apply(lambda one: one if is_number(one) else pd.factorize(one)[0])
        ranks = coded.astype(float).rank(pct=True).fillna(0)
        some = ranks.sample(min(len(ranks), RATED_ROWS), random_state=self.seed)
        rate = mutual_info_regression if self.numeric else mutual_info_classif
        told = rate(some, self.rows.loc[some.index, problem.TARGET], random_state=self.seed)
        return {
            ranks.columns[place]: ranks.iloc[:, place].to_numpy() for place in np.argsort(-told)
        }

    def _draw(self, day: date, world: World, rng: np.random.Generator) -> np.ndarray:
        """The places of a day's rows."""
        among = np.arange(len(self.rows))
        if problem.TIME is not None:
            same = among[(self.rows[problem.TIME].dt.day_of_week == day.weekday()).to_numpy()]
            among = same if len(same) else among
        # A model that gives labels is heard by its errors alone, which must not change by this.
        ranks = list(self.ranks.values())[0 if self.numeric else -1][among]
        weights = 2 ** (TILT * ranks) if world.shifted else np.ones(len(among))
        return rng.choice(among, rng.integers(*ROWS_A_DAY), p=weights / weights.sum())

    def _truths(self, changed: int) -> np.ndarray:
        """The true value of every row after so many changes."""
        truth = self.rows[problem.TARGET].to_numpy()
        if self.numeric:
            return self._raised(truth, changed * np.log(RISE))
        return self.relabelled if changed % 2 else truth

    def _raised(self, truth: np.ndarray, by: float) -> np.ndarray:
        """Numbers with their level raised: by a factor of e to the power, or in spreads."""
        if self.positive:
            return truth * np.exp(by)
        return truth + by * self.rows[problem.TARGET].std()

    @cached_property
    def relabelled(self) -> np.ndarray:
        """Labels by another rule, one that is easily learned.

        Rows that stand high in the most telling feature, from somewhere on, all get the label that
        is usual at the top: the border between two labels moves. Where no border moves enough of
        them, as many rows stand lowest, the two labels change places.
        """
        ranks = next(iter(self.ranks.values()))
        lowest, highest = ranks.min(), ranks.max()
        labels = self.rows[problem.TARGET].to_numpy()
        usual = most_frequent(labels[ranks <= max(0.25, lowest)])
        others = labels[(ranks >= min(0.75, highest)) & (labels != usual)]
        top = most_frequent(others if len(others) else labels[labels != usual])
        for border in np.maximum(np.arange(0.9, 0.3, -0.05), lowest):
            moving = (ranks > border) & (labels != top)
            if moving.mean() >= RELABELLED:
                return np.where(moving, top, labels)
        return np.select([labels == usual, labels == top], [top, usual], labels)

    def _within(self, values: np.ndarray) -> np.ndarray:
        """The numbers as the schema's bounds allow them, in the type of the target."""
        lowest = self.target.ge if self.target.gt is None else np.nextafter(self.target.gt, np.inf)
        highest = (
            self.target.le if self.target.lt is None else np.nextafter(self.target.lt, -np.inf)
        )
        if self.target.kind == "int":
            lowest = lowest if lowest is None else np.ceil(lowest)
            highest = highest if highest is None else np.floor(highest)
            values = np.rint(values)
        bounded = np.clip(values, lowest, highest)
        return bounded.astype(self.rows[problem.TARGET].dtype)


def project_traffic(window: DataWindow) -> Traffic:
    """Traffic from the rows that the pipeline learns from.

    Raises:
        UserError: they cannot be loaded or are not valid.
    """
    return Traffic(validate_rows(load_rows(window.start, window.end)))


def autoregression(rng: np.random.Generator) -> np.ndarray:
    """The shocks of many days, each of which remembers the one before; shape (days,)."""
    shocks = np.zeros(LONGEST)
    for day, news in enumerate(rng.normal(0, SHOCK * np.sqrt(1 - MEMORY**2), LONGEST - 1), 1):
        shocks[day] = MEMORY * shocks[day - 1] + news
    return shocks


def day_after(times: pd.Series) -> date:
    """The day after the newest of the times."""
    newest: date = times.max().date()
    return newest + timedelta(days=1)


def moved(rows: pd.DataFrame, day: date) -> pd.DataFrame:
    """The rows with the date of their time moved to the day, and other times by as much."""
    times = rows[problem.TIME]
    by = pd.Timestamp(day) - times.dt.tz_localize(None).dt.normalize()
    dated = rows.select_dtypes(["datetime", "datetimetz"]).columns
    return rows.assign(**{name: rows[name] + by for name in dated})


def fitting(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that fit the schema, which may ask for more than bounds."""
    try:
        return problem.SCHEMA.validate(rows, lazy=True)
    except SchemaErrors as errors:
        unfit = errors.failure_cases["index"].dropna().unique()
    return validate_rows(rows.drop(index=unfit).reset_index(drop=True))


def most_frequent(labels: np.ndarray) -> Any:
    """The label that comes most often."""
    return pd.Series(labels).mode().iloc[0]


def is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values)
