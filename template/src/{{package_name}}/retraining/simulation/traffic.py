"""A simulated day's requests and their ground truth, drawn from the project's own rows.

A day is a draw from the rows of its weekday, moved to the simulated date if rows have a time. What
may happen to any problem is then done to them: the target changes, or is told wrongly.
"""

from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors
from sklearn.base import is_regressor
from sklearn.feature_selection import mutual_info_classif

from ... import problem
from ...dataset import load_rows, validate_rows
from ...pipelines.parameters import DataWindow
from ..candidates import moved_target
from ..state import Reference

ROWS_A_DAY = (210, 270)
RISE = 1.4  # of the target, where it is a number
SHOCK = 0.02  # spread of the level of a day
RELABELLED = 0.22  # of the rows get another label, where the target is a label
WRONG_UNIT = 60  # as if minutes were told in seconds
RATED_ROWS = 2_000  # are enough to see which feature is most informative
EPOCH = date(2025, 1, 6)  # the first simulated day where rows have no time: a Monday


class Traffic:
    """Draws days from valid rows. The same day gives the same rows, in any order."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows.reset_index(drop=True)
        self.target = rows[problem.TARGET].to_numpy()
        self.first = EPOCH
        if problem.TIME is not None:
            self.first = rows[problem.TIME].max().date() + timedelta(days=1)
        self.numeric = bool(is_regressor(problem.build_model()))
        self.positive = self.numeric and bool((self.target > 0).all())
        spread = float(np.std(self.target)) if self.numeric else 1.0
        self.unit = Reference("ratio" if self.positive else "difference", spread, 0, 0, 0)

    def day(self, day: date, changed: int = 0) -> pd.DataFrame:
        """Return the rows of a day, which fit the schema, with their ground truth.

        `changed` is how often the target has changed; labels have two rules, which take turns.
        """
        rng = np.random.default_rng(day.toordinal())
        drawn = self._draw(day, rng)
        target = (self.relabelled if changed % 2 and not self.numeric else self.target)[drawn]
        if self.numeric:
            by = changed * np.log(RISE) + rng.normal(0, SHOCK)
            target = moved_target(target, by, self.unit)
        rows = self.rows.iloc[drawn].assign(**{problem.TARGET: target})
        if problem.TIME is not None:
            rows = moved(rows, day).sort_values(problem.TIME)
        return fitting(rows.reset_index(drop=True))

    def told_wrongly(self, target: np.ndarray) -> np.ndarray:
        """Return the target as a broken feed tells it: in another unit, or of other rows."""
        if self.positive:
            return moved_target(target, np.log(WRONG_UNIT), self.unit)
        return np.random.default_rng(0).permutation(target)

    @cached_property
    def ranks(self) -> np.ndarray:
        """The rank of each row in the most informative feature, from 0 to 1."""
        features = pd.DataFrame(problem.features(self.rows))
        number = pd.api.types.is_numeric_dtype
        coded = features.apply(lambda one: one if number(one) else pd.factorize(one)[0])
        ranks = coded.astype(float).rank(pct=True).fillna(0)
        some = ranks.sample(min(len(ranks), RATED_ROWS), random_state=0)
        informative = mutual_info_classif(some, self.target[some.index], random_state=0)
        return ranks.iloc[:, int(informative.argmax())].to_numpy()

    def _draw(self, day: date, rng: np.random.Generator) -> np.ndarray:
        """Return the places of a day's rows."""
        among = np.arange(len(self.rows))
        if problem.TIME is not None:
            same = among[(self.rows[problem.TIME].dt.day_of_week == day.weekday()).to_numpy()]
            among = same if len(same) else among
        return rng.choice(among, rng.integers(*ROWS_A_DAY))

    @cached_property
    def relabelled(self) -> np.ndarray:
        """Labels by another rule that is easily learned: the border between two labels moves.

        Where no border moves enough of them, as many rows are alike, the two labels swap places.
        """
        ranks = self.ranks
        lowest, highest = ranks.min(), ranks.max()
        usual = most_frequent(self.target[ranks <= max(0.25, lowest)])
        others = self.target[(ranks >= min(0.75, highest)) & (self.target != usual)]
        top = most_frequent(others if len(others) else self.target[self.target != usual])
        for border in np.maximum(np.arange(0.9, 0.3, -0.05), lowest):
            moving = (ranks > border) & (self.target != top)
            if moving.mean() >= RELABELLED:
                return np.where(moving, top, self.target)
        swapped = [self.target == usual, self.target == top]
        return np.select(swapped, [top, usual], self.target)


def project_traffic(window: DataWindow) -> Traffic:
    """Return traffic from the rows that the pipeline learns from."""
    return Traffic(validate_rows(load_rows(window.start, window.end)))


def moved(rows: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return the rows with the date of their time moved to the day, and other times by as much."""
    times = rows[problem.TIME]
    by = pd.Timestamp(day) - times.dt.tz_localize(None).dt.normalize()
    dated = rows.select_dtypes(["datetime", "datetimetz"]).columns
    return rows.assign(**{name: rows[name] + by for name in dated})


def fitting(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that fit the schema, which may ask for more than bounds."""
    try:
        return problem.SCHEMA.validate(rows, lazy=True)
    except SchemaErrors as errors:
        unfit = errors.failure_cases["index"].dropna().unique()
    return validate_rows(rows.drop(index=unfit).reset_index(drop=True))


def most_frequent(labels: np.ndarray) -> Any:
    """Return the label that comes most often."""
    return pd.Series(labels).mode().iloc[0]
