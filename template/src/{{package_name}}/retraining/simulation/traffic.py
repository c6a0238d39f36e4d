"""Simulated requests and their ground truth, drawn from the project's own rows.

A day is a draw from the rows of its weekday, moved to the simulated date if rows have a time.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors
from sklearn.base import is_regressor

from ... import problem
from ...dataset import validate_rows
from ..candidates import moved_target
from ..state import Reference

ROWS_A_DAY = (360, 420)  # enough for the loop to tell that ground truth is of other rows
RISE = 1.4  # of the target, if it is a number
SHOCK = 0.02  # spread of the level of a day
WRONG_UNIT = 60  # as if minutes were sent in seconds
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
        among = np.arange(len(self.rows))
        if problem.TIME is not None:
            same = among[(self.rows[problem.TIME].dt.day_of_week == day.weekday()).to_numpy()]
            among = same if len(same) else among
        drawn = rng.choice(among, rng.integers(*ROWS_A_DAY))
        target = self.target[drawn]
        if self.numeric:
            by = changed * np.log(RISE) + rng.normal(0, SHOCK)
            target = moved_target(target, by, self.unit)
        elif changed % 2:
            # Each label is now the next one, and the last the first. If fewer changed, predictions
            # could look as good as shuffled ones, which the loop takes for those of other rows.
            labels = np.unique(self.target)
            target = np.roll(labels, -1)[np.searchsorted(labels, target)]
        rows = self.rows.iloc[drawn].assign(**{problem.TARGET: target})
        if problem.TIME is not None:
            rows = moved(rows, day).sort_values(problem.TIME)
        return fitting(rows.reset_index(drop=True))

    def wrong(self, target: np.ndarray) -> np.ndarray:
        """Return the target as a broken feed sends it: in another unit, or of other rows."""
        if self.positive:
            return moved_target(target, np.log(WRONG_UNIT), self.unit)
        return np.random.default_rng(0).permutation(target)


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
