"""Linear models of log durations in closed form: as `challengers.py` trains them, but in no time.

Least squares needs of a day's rows only sums of products, and those of all scenarios of a seed
follow from the same ones, as durations are linear in coefficients, too. So a model of any window
of days costs a system of 37 equations.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from weakref import WeakKeyDictionary

import numpy as np
from taxi_ride_duration.retraining.detector import reference_of
from taxi_ride_duration.retraining.state import Change, Reference

from .worlds import COEFFICIENTS, DISTANCE, HOUR, LEVEL, MILES_TO_KM, Demand, Fault, Path

RIDGE = 1e-3
BLANK = Reference("ratio", 1.0, 0.0, 0.0, 0)

# What an extract makes of a day's rows: an array of shape (rows, COEFFICIENTS) of another one.
Extract = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def right(design: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the rows as they were."""
    return design


def shuffled(design: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each row with the value of another one."""
    return rng.permutation(design)


def broken(design: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Kilometres for miles, and the clock of another place."""
    extracted = design.copy()
    extracted[:, HOUR] = np.roll(design[:, HOUR], 8, axis=1)
    extracted[:, DISTANCE] += np.log(MILES_TO_KM)
    return extracted


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of products over each day's rows, with X as extracted and Z as they were.

    grams  X'X; (days, COEFFICIENTS, COEFFICIENTS)
    cross  X'Z; alike
    noise  X' noise; (days, COEFFICIENTS)
    """

    grams: np.ndarray
    cross: np.ndarray
    noise: np.ndarray


# They live as long as their rows do, which are large.
KNOWN_SUMS: WeakKeyDictionary[Demand, dict[tuple[Extract, Fault | None], Sums]] = (
    WeakKeyDictionary()
)


def sums_of(path: Path, extract: Extract) -> Sums:
    """Return the sums of all days of an extract."""
    known = KNOWN_SUMS.setdefault(path.demand, {})
    if (extract, path.fault) not in known:
        known[extract, path.fault] = new_sums(path, extract)
    return known[extract, path.fault]


def new_sums(path: Path, extract: Extract) -> Sums:
    """Return the sums of all days of an extract, which takes a while."""
    days = path.demand.days
    rng = np.random.default_rng(path.demand.seed)
    shape = (days, COEFFICIENTS, COEFFICIENTS)
    sums = Sums(np.empty(shape), np.empty(shape), np.empty(shape[:2]))
    for day in range(days):
        seen, logged = path.rows(day)
        extracted = extract(logged, rng)
        sums.grams[day] = extracted.T @ extracted
        sums.cross[day] = extracted.T @ seen
        sums.noise[day] = extracted.T @ path.noise(day)
    return sums


@dataclass(frozen=True, eq=False)
class Taught:
    """The rows that a model learns from, as sums.

    grams    X'X of each day; (days, COEFFICIENTS, COEFFICIENTS)
    moments  X'y of each day, with y the log durations; (days, COEFFICIENTS)
    """

    path: Path
    grams: np.ndarray
    moments: np.ndarray


def taught_by(path: Path, extract: Extract = right) -> Taught:
    """Return what all days of a path teach, by way of an extract."""
    sums = sums_of(path, extract)
    moments = (sums.cross @ path.coefficients[..., None])[..., 0] + sums.noise
    return Taught(path, sums.grams, moments)


def retrained(
    taught: Taught,
    first: int,
    through: int,
    change: Change | None = None,
    weight: float = 1.0,
    refused: Collection[date] = (),
) -> np.ndarray:
    """Return a model of these days, the last included, but for refused ones; (COEFFICIENTS,).

    Rows before the change weigh so much, and have their target moved by its shift.
    """
    days = trusted(taught.path, first, through, refused)
    grams, moments = taught.grams[days], taught.moments[days]
    if change is not None:
        old = np.array([taught.path.date(day) < change.day for day in days.tolist()])
        moments = moments + np.where(old, change.shift, 0.0)[:, None] * (grams @ LEVEL)
        weights = np.where(old, weight, 1.0)
        grams, moments = weights[:, None, None] * grams, weights[:, None] * moments
    return np.linalg.solve(grams.sum(axis=0) + RIDGE * np.eye(COEFFICIENTS), moments.sum(axis=0))


def recalibrated(model: np.ndarray, shift: float) -> np.ndarray:
    """Return the model, moved by the shift of the level; (COEFFICIENTS,)."""
    return model + shift * LEVEL


def trusted(path: Path, first: int, through: int, refused: Collection[date]) -> np.ndarray:
    """Return the days from the first to the last, but for refused ones; (days,)."""
    return np.array([day for day in range(first, through + 1) if path.date(day) not in refused])


def in_sample_reference(
    taught: Taught, model: np.ndarray, first: int, through: int, refused: Collection[date] = ()
) -> Reference:
    """Return what the model's residuals are on days that it has learned from."""
    days = trusted(taught.path, first, through, refused)
    rows = taught.grams[days] @ LEVEL @ LEVEL
    means = (taught.moments[days] - taught.grams[days] @ model) @ LEVEL / rows
    return reference_of(
        BLANK, {taught.path.date(day): mean for day, mean in zip(days.tolist(), means, strict=True)}
    )
