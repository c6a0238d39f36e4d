"""What the detector listens to: the champion's residuals, day by day, beside what they were.

Residuals, not scores: large values have larger errors even for a perfect model, and nothing is
wrong with it when there are more of them. Only where a model gives labels there is nothing but its
score to listen to.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import numpy as np
from scipy.stats import chi2
from sklearn.base import is_regressor

from .state import Reference

FEWEST_DAYS_OF_TWO_LEVELS = 14  # two weekends: before, weekdays and weekends share a level
LARGEST_LOG_RATIO = np.log(1_000)  # so that no single row makes a day's mean

Kind = Literal["ratio", "difference", "loss"]


def unseen(model: Any, actual: np.ndarray, predicted: np.ndarray, losses: np.ndarray) -> Reference:
    """A reference that says of which kind the model's residuals are, before a day has been seen.

    Ratios, if the rows say that values are positive; differences otherwise; losses for a model
    that gives labels. All arrays have the shape (rows,).
    """
    if not is_regressor(model):
        return Reference("loss", float(abs(losses.mean())) or 1.0, 0.0, 0.0, 0)
    if (actual > 0).all() and (predicted > 0).all():
        return Reference("ratio", 1.0, 0.0, 0.0, 0)
    return Reference("difference", float(np.std(actual)) or 1.0, 0.0, 0.0, 0)


def residuals(
    actual: np.ndarray, predicted: np.ndarray, losses: np.ndarray, reference: Reference
) -> np.ndarray:
    """The residual of each row, in units of the reference; arrays of shape (rows,)."""
    if reference.kind == "loss":
        return losses / reference.scale
    if reference.kind == "difference":
        return (actual - predicted) / reference.scale
    least = np.finfo(float).tiny
    ratio = np.log(np.maximum(actual, least)) - np.log(np.maximum(predicted, least))
    return np.clip(ratio, -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)


def reference_of(blank: Reference, means: Mapping[date, float]) -> Reference:
    """The reference that day means of residuals give, of the kind and scale of the blank one."""
    values = np.array(list(means.values()), dtype=float)
    weekend = np.array([is_weekend(day) for day in means], dtype=bool)
    if not len(values):
        return blank
    two_levels = len(values) >= FEWEST_DAYS_OF_TWO_LEVELS and weekend.any() and not weekend.all()
    if not two_levels:
        level = float(values.mean())
        squares = float(((values - level) ** 2).sum())
        return Reference(
            blank.kind, blank.scale, level, level, len(values), squares, len(values) - 1
        )
    levels = float(values[~weekend].mean()), float(values[weekend].mean())
    squares = float(((values - np.where(weekend, levels[1], levels[0])) ** 2).sum())
    return Reference(blank.kind, blank.scale, *levels, len(values), squares, len(values) - 2)


def is_weekend(day: date) -> bool:
    """Whether it is a Saturday or a Sunday."""
    return day.weekday() >= 5


def adjusted(residual: float, day: date, reference: Reference) -> float:
    """A day's mean residual without the level that such days have."""
    return residual - (reference.weekend if is_weekend(day) else reference.weekday)


def moved(reference: Reference, shift: float, days: int) -> Reference:
    """The reference of the same model, corrected by the shift that so many days have shown."""
    return Reference(reference.kind, reference.scale, reference.weekday, reference.weekend, days)


def deviation(squares: float, freedom: int) -> float:
    """The standard deviation of day means."""
    return float(np.sqrt(squares / freedom))


def largest_deviation(squares: float, freedom: int) -> float:
    """What the standard deviation is at most, 95 % sure, if day means are about normal."""
    return float(np.sqrt(squares / chi2.ppf(0.05, freedom)))
