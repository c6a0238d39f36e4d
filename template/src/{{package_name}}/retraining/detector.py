"""When the champion counts as worse than it was: an e-detector on the means of days.

For each day that a change may have begun, an e-process collects evidence against "nothing has
changed by more than the tolerance"; their sum, the Shiryaev-Roberts statistic, raises the alarm
when it reaches the average number of days between false alarms that the policy allows. That bound
holds at any length: Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for
sequential change detection", 2022. It asks for day means that do not depend on each other, given
the level; the tolerance pays for the dependence that there is.

Days are the unit because rows of a day share its weather: a test on rows would fire every week.
It listens to residuals, not scores: large values have larger errors even for a perfect model, and
nothing is wrong with it when there are more of them. Only where a model gives labels there is
nothing but its score to listen to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import chdtri

from .policy import Detector
from .state import Change, Reference

# How many standard deviations beyond the band a change may be, each tried. What is larger still
# shows within a day or two, and larger sizes would let one odd day of a noisy world raise alarms.
SIZES = np.array([0.25, 0.5, 0.75, 1.0])
LARGEST = 10.0  # standard deviations of a single day, so that one alone proves nothing absurd
ENOUGH = 1e12  # evidence that grows while nobody acts on it stays a number
SURE = 1.645  # 95 % of a normal distribution lie below
LOOKED_BACK = 14  # days, for the first day of a change
FINDABLE = 30  # days, within which a drift that is told to be findable is found
FEWEST_DAYS_OF_TWO_LEVELS = 14  # two weekends: before, weekdays and weekends share a level
LARGEST_LOG_RATIO = np.log(1_000)  # so that no single row makes a day's mean


@dataclass(frozen=True)
class Band:
    """What a day's residual may be without evidence, and the unit of what it is beyond that."""

    tolerance: float
    slack: float  # how wrong the reference itself may be
    unit: float
    two_sided: bool

    @property
    def edge(self) -> float:
        return self.tolerance + self.slack


def band_of(reference: Reference, squares: float, freedom: int, settings: Detector) -> Band:
    """The band that the noise of day means and the age of the reference ask for."""
    noise, largest = deviation(squares, freedom), largest_deviation(squares, freedom)
    return Band(
        tolerance=max(settings.tolerance, settings.tolerance_in_noise * noise),
        slack=SURE * largest / np.sqrt(max(reference.days, 1)),
        unit=noise or settings.tolerance,
        two_sided=reference.kind != "loss",
    )


def updated(statistic: Sequence[float], residual: float, band: Band) -> list[float]:
    """The statistic after one more day: R becomes (1 + R) e, for each size and side.

    Under "nothing has changed" e = exp(size z - size² / 2) has a mean of at most 1, where z is how
    far the residual is beyond the band, in units of it.
    """
    sides = [residual, -residual] if band.two_sided else [residual]
    before = np.array(statistic or [0.0] * len(SIZES) * len(sides)).reshape(len(sides), -1)
    beyond = np.clip((np.array(sides) - band.edge) / band.unit, -LARGEST, LARGEST)
    e_values = np.exp(SIZES * beyond[:, None] - SIZES**2 / 2)
    return np.minimum((1 + before) * e_values, ENOUGH).ravel().tolist()


def days_between_false_alarms(settings: Detector) -> float:
    """On average, at least, if nothing changes."""
    return 365 / settings.false_alarms_per_year


def alarmed(statistic: Sequence[float], settings: Detector) -> bool:
    """Whether the evidence for a change is enough."""
    return float(np.mean(statistic)) >= days_between_false_alarms(settings)


def side_of(statistic: Sequence[float]) -> int:
    """To which side the evidence points: 1 if residuals are larger than they were, else -1."""
    up, down = sum(statistic[: len(SIZES)]), sum(statistic[len(SIZES) :])
    return 1 if up >= down else -1


def change_in(recent: Sequence[tuple[date, float]], side: int) -> Change:
    """The most likely first day of a change among the last days, and the mean residual since.

    It maximises S² / n over the days since, with S the sum of n residuals: the likelihood of a
    shifted mean. Only shifts to the given side count.
    """
    last = recent[-LOOKED_BACK:]
    values = np.array([value for _, value in last])[::-1]
    number = np.arange(1, len(values) + 1)
    sums = np.cumsum(values)
    score = np.where(np.sign(sums) == side, sums**2 / number, -np.inf)
    days = int(score.argmax()) + 1
    return Change(last[-days][0], float(sums[days - 1] / days))


def smallest_findable(band: Band, settings: Detector) -> float:
    """The smallest lasting shift that is found within 30 days if every day shows it exactly."""
    low, high = band.edge, band.edge + LARGEST * band.unit
    for _ in range(40):
        middle = (low + high) / 2
        statistic: list[float] = []
        for _ in range(FINDABLE):
            statistic = updated(statistic, middle, band)
        low, high = (low, middle) if alarmed(statistic, settings) else (middle, high)
    return high


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
    return float(np.sqrt(squares / chdtri(freedom, 0.95)))  # SciPy's chi2 is slow to import
