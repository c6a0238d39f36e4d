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
SOONER = 30.0  # times less evidence is needed soon after a change: a slow drift continues
ENOUGH = 1e12  # evidence that grows while nobody acts on it stays a number
SURE = 1.645  # 95 % of a normal distribution lie below
LOOKED_BACK = 14  # days, for the first day of a change
FINDABLE = 30  # days, within which a drift that is told to be findable is found
# Within so many robust standard deviations of their median count the days that tell the noise and
# the level after a change, so that one odd day widens the band and moves a model by little only.
# Normal noise has 0.3 % of its days beyond the first. Less raised more alarms in a seasonal world.
WITHIN, WITHIN_LEVEL = 3.0, 1.5
FEWEST_DAYS_OF_NOISE = 5  # whose median deviation means something
ROBUST = 1.4826  # times the median absolute deviation is the standard deviation, if it is normal
LEVEL_DAYS = 10  # of a new level count: in a slow drift, older ones differ from today
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
        """Get the residual from which evidence counts."""
        return self.tolerance + self.slack


def band_of(reference: Reference, squares: float, freedom: int, settings: Detector) -> Band:
    """Return the band for this noise of day means and this reference."""
    noise, largest = deviation(squares, freedom), largest_deviation(squares, freedom)
    return Band(
        tolerance=max(settings.tolerance, settings.tolerance_in_noise * noise),
        slack=SURE * largest / np.sqrt(max(reference.days, 1)),
        unit=noise or settings.tolerance,
        two_sided=reference.kind != "loss",
    )


def updated(statistic: Sequence[float], residual: float, band: Band) -> list[float]:
    """Return the statistic after one more day: R becomes (1 + R) e, for each size and side.

    Under "nothing has changed" e = exp(size z - size² / 2) has a mean of at most 1, where z is how
    far the residual is beyond the band, in units of it.
    """
    sides = [residual, -residual] if band.two_sided else [residual]
    before = np.array(statistic or [0.0] * len(SIZES) * len(sides)).reshape(len(sides), -1)
    beyond = np.clip((np.array(sides) - band.edge) / band.unit, -LARGEST, LARGEST)
    e_values = np.exp(SIZES * beyond[:, None] - SIZES**2 / 2)
    return np.minimum((1 + before) * e_values, ENOUGH).ravel().tolist()


def days_between_false_alarms(settings: Detector) -> float:
    """Return the least average number of days between alarms, if nothing changes."""
    return 365 / settings.false_alarms_per_year


def asked(settings: Detector, soon: bool = False) -> float:
    """Return the evidence that raises an alarm; `soon` after an accepted change less is enough."""
    return days_between_false_alarms(settings) / (SOONER if soon else 1)


def alarmed(statistic: Sequence[float], settings: Detector, soon: bool = False) -> bool:
    """Return whether the evidence for a change is enough."""
    return float(np.mean(statistic)) >= asked(settings, soon)


def side_of(statistic: Sequence[float]) -> int:
    """Return the side of the evidence: 1 if residuals are larger than they were, else -1."""
    up, down = sum(statistic[: len(SIZES)]), sum(statistic[len(SIZES) :])
    return 1 if up >= down else -1


def change_in(recent: Sequence[tuple[date, float]], side: int) -> Change:
    """Return the most likely first day of a change, and the mean residual since.

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
    """Return the smallest lasting shift that is found within 30 days without noise."""
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
    """Return the residual of each row, in units of the reference; arrays of shape (rows,)."""
    if reference.kind == "loss":
        return losses / reference.scale
    if reference.kind == "difference":
        return (actual - predicted) / reference.scale
    least = np.finfo(float).tiny
    ratio = np.log(np.maximum(actual, least)) - np.log(np.maximum(predicted, least))
    return np.clip(ratio, -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)


def reference_of(blank: Reference, means: Mapping[date, float]) -> Reference:
    """Return the reference of these day means, of the kind and scale of the blank one."""
    values = np.array(list(means.values()), dtype=float)
    weekend = np.array([is_weekend(day) for day in means], dtype=bool)
    if not len(values):
        return blank
    two_levels = len(values) >= FEWEST_DAYS_OF_TWO_LEVELS and weekend.any() and not weekend.all()
    if not two_levels:
        level = float(values.mean())
        squares = squares_of(values - level)
        return Reference(
            blank.kind, blank.scale, level, level, len(values), squares, len(values) - 1
        )
    levels = float(values[~weekend].mean()), float(values[weekend].mean())
    squares = squares_of(values - np.where(weekend, levels[1], levels[0]))
    return Reference(blank.kind, blank.scale, *levels, len(values), squares, len(values) - 2)


def squares_of(deviations: np.ndarray) -> float:
    """Return the sum of squares of days' deviations, of which a few odd ones are cut."""
    return float((winsorised(deviations, WITHIN) ** 2).sum())


def level_of(residuals: Sequence[float]) -> float:
    """Return the level that the last of these days show, whatever a single odd one says."""
    return float(winsorised(np.array(residuals[-LEVEL_DAYS:]), WITHIN_LEVEL).mean())


def winsorised(values: np.ndarray, within: float) -> np.ndarray:
    """Return the values, none farther from their median than so many robust deviations."""
    if len(values) < FEWEST_DAYS_OF_NOISE:
        return values
    median = np.median(values)
    most = within * ROBUST * np.median(abs(values - median))
    return np.clip(values, median - most, median + most)


def is_weekend(day: date) -> bool:
    """Return whether it is a Saturday or a Sunday."""
    return day.weekday() >= 5


def adjusted(residual: float, day: date, reference: Reference) -> float:
    """Return a day's mean residual without the level that such days have."""
    return residual - (reference.weekend if is_weekend(day) else reference.weekday)


def moved(reference: Reference, days: int) -> Reference:
    """Return the reference of the same model, corrected by the shift that so many days show."""
    return Reference(reference.kind, reference.scale, reference.weekday, reference.weekend, days)


def deviation(squares: float, freedom: int) -> float:
    """Return the standard deviation of day means."""
    return float(np.sqrt(squares / freedom))


def largest_deviation(squares: float, freedom: int) -> float:
    """Return the upper 95 % limit of that deviation, if day means are about normal."""
    return float(np.sqrt(squares / chdtri(freedom, 0.95)))  # SciPy's chi2 is slow to import
