"""The sequential test of an experiment: its verdict is valid however often it is looked at.

It tests the mean gain of blocks of days with an e-process. Under the hypothesis of no gain its mean
never exceeds 1, so it reaches 1/p with a probability of at most p (Ville 1939).

The e-process is the mixture martingale of the t-statistic: the likelihood of the blocks with a
standardised mean from N(0, 1/prior), over their likelihood with a mean of zero, for any variance.
Mixtures: Robbins 1970, "Statistical methods related to the law of the iterated logarithm". Unknown
variance: Lai 1976, "On confidence sequences"; with this prior: Wang and Ramdas 2023, "Anytime-valid
t-tests and confidence sequences for Gaussian means with unknown variance".

The test is two-sided. Without a gain, a better and a worse challenger are equally likely to be
shown first, so 1/(2 alpha) in the challenger's favour is reached first with a probability of at
most alpha. This requires independent, roughly normal blocks; with neighbouring days that correlate
by more than a block absorbs, the bound does not hold.
"""

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from .plan import Experiment

PRIOR = 4.0  # a small one finds large effects in fewer blocks, and small ones later
LARGEST_LOG = 700.0  # its exponential still is a float


@dataclass(frozen=True)
class Evidence:
    """The evidence after 1, 2, ... blocks, in arrays of shape (blocks,).

    The gain and its bounds are relative to the champion's mean score, which is taken as known. Both
    bounds hold at all times with a probability of 1 - 2 alpha.
    """

    log_e: np.ndarray
    gain: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """A decision with its reason, after so many blocks."""

    decision: Literal["promote", "keep", "go on"]
    reason: str
    blocks: int


def block_means(daily: np.ndarray, block_days: int) -> np.ndarray:
    """Return the means of consecutive blocks of days; an incomplete last block is left out."""
    blocks = len(daily) // block_days
    return daily[: blocks * block_days].reshape(blocks, block_days).mean(axis=1)


def running_mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of the first 1, 2, ... values, over the last axis."""
    return np.cumsum(values, axis=-1) / np.arange(1, values.shape[-1] + 1)


def running_squares(values: np.ndarray) -> np.ndarray:
    """Return the sum of squared deviations of the first 1, 2, ... values, over the last axis."""
    moved = values - values[..., :1]  # far from zero, the squares would be lost in rounding
    number = np.arange(1, values.shape[-1] + 1)
    squares = np.cumsum(moved**2, axis=-1) - number * running_mean(moved) ** 2
    return np.maximum(squares, 0)


def magnitude(values: np.ndarray) -> float:
    """Return a scale with which squares stay within the range of floats; refuse NaN."""
    if not np.isfinite(values).all():
        raise ValueError("a block's mean is not a finite number")
    return float(np.abs(values).max(initial=0)) or 1.0


def log_e_values(values: np.ndarray, prior: float = PRIOR) -> np.ndarray:
    """Return the log e-value against a mean of zero after 1, 2, ... values, over the last axis.

    With k values, their sum S, the sum of their squares V and the prior c:
    log(c / (c + k)) / 2 + k/2 log(V / (V - S² / (k + c))).
    """
    values = values / magnitude(values)
    number = np.arange(1, values.shape[-1] + 1)
    explained = number * running_mean(values) ** 2  # S² / k
    total = running_squares(values) + explained  # V
    share = np.divide(explained, total, out=np.zeros_like(total), where=total > 0)
    share *= number / (number + prior)  # below 1, as the prior is above 0
    return -0.5 * np.log1p(number / prior) - 0.5 * number * np.log1p(-share)


def radius(values: np.ndarray, alpha: float, prior: float = PRIOR) -> np.ndarray:
    """Return the half-width of the confidence interval of the mean after 1, 2, ... values.

    It inverts the e-process: the interval has all m for which the values minus m stay below
    1/(2 alpha). With k values and the sum Q of their squared deviations, that bounds
    D = k (mean - m)² by D < reach (Q + D) / k; for k within reach, D has no bound.
    """
    scale = magnitude(values)
    number = np.arange(1, values.shape[-1] + 1)
    needed = np.log1p(number / prior) / 2 - np.log(2 * alpha)
    reach = -(number + prior) * np.expm1(-2 * needed / number)
    squares = running_squares(values / scale)
    found = np.full_like(squares, np.inf)
    np.divide(reach * squares, number * (number - reach), out=found, where=number > reach)
    return scale * np.sqrt(found)


def fewest_blocks(alpha: float, prior: float = PRIOR) -> int:
    """Return the first block in which a promotion is possible, if all blocks gain the same."""
    return next(k for k in count(2) if (k - 1) / 2 * np.log1p(k / prior) >= -np.log(2 * alpha))


def weigh(differences: np.ndarray, champion: np.ndarray, alpha: float) -> Evidence:
    """Return the evidence of blocks, both of shape (blocks,).

    `differences` are by how much the challenger's mean score is better in each block, and
    `champion` is the champion's mean score in it.
    """
    mean, level = running_mean(differences), running_mean(champion)
    bound = radius(differences, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):  # a champion without errors
        shares = [
            np.where((part == 0) & (level == 0), 0, part / np.abs(level))
            for part in (mean, mean - bound, mean + bound)
        ]
    return Evidence(log_e_values(differences), *shares)


def decide(evidence: Evidence, plan: "Experiment", settled: int) -> Verdict:
    """Return the verdict; the first block that ends the experiment ends it.

    A promotion requires evidence of a gain, and an estimated gain of at least the smallest effect,
    like the quality gate. A challenger is given up when a gain of the smallest effect is ruled out
    at the same alpha. `settled` is the number of days that count or were left out.
    """
    days = plan.block_days * np.arange(1, len(evidence.gain) + 1)
    shown = (evidence.log_e >= np.log(plan.threshold)) & (evidence.gain > 0)
    enough = (evidence.gain >= plan.smallest_effect) & (days >= plan.min_days)
    futile = evidence.upper < plan.smallest_effect
    ends = np.flatnonzero(shown & enough | futile)
    if ends.size and futile[ends[0]]:
        reason = f"a gain of {plan.smallest_effect:.1%} or more is ruled out"
        return Verdict("keep", reason, int(ends[0]) + 1)
    if ends.size:
        reason = "the challenger is better, by at least the smallest effect"
        return Verdict("promote", reason, int(ends[0]) + 1)
    if settled >= plan.max_days:
        return Verdict("keep", f"{plan.max_days} days have not shown a gain", len(days))
    if not len(days):
        return Verdict("go on", f"the first block of {plan.block_days} days is not complete", 0)
    gain, effect = evidence.gain[-1], plan.smallest_effect
    reasons = {
        "the challenger is not better": gain <= 0,
        "its gain may be chance": gain > 0 and not shown[-1],
        f"its gain is below {effect:.1%}": 0 < gain < effect,
        f"{plan.min_days} complete days are required": days[-1] < plan.min_days,
    }
    missing = ", ".join(reason for reason, holds in reasons.items() if holds)
    return Verdict("go on", missing, len(days))
