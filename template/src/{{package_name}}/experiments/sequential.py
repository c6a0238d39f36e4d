"""When an experiment may end, and with whom: a test that anybody may look at every day.

What is tested are block means: how much better the challenger did in each block of days. The
evidence against "it is no better" is an e-process: under that hypothesis its mean never exceeds
1, and so the chance that it ever reaches 1/p is at most p (Ville 1939). Looking often, or
stopping when one likes, costs nothing.

The e-process is the mixture martingale of the t-statistic: the likelihood of the blocks with
their standardised mean drawn from N(0, 1/prior), over that without a mean, whatever their
variance. Mixtures: Robbins 1970, "Statistical methods related to the law of the iterated
logarithm". Unknown variance: Lai 1976, "On confidence sequences"; with this prior: Wang and
Ramdas 2023, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown
variance".

It looks both ways, for a better challenger and a worse one. Under no gain both are equally
likely to be shown first, so 1/(2 alpha) in the challenger's favour is reached first with a
probability of at most alpha. That asks for blocks that are independent and roughly normal;
where days resemble their neighbours by more than a block absorbs, the bound fails.
"""

from dataclasses import dataclass
from itertools import count
from typing import Literal

import numpy as np

PRIOR = 4.0
LARGEST_LOG = 700.0  # its exponential still is a float


@dataclass(frozen=True)
class Rule:
    """What must be shown, and by when.

    A promotion takes proof of a gain, and a gain measured that reaches the smallest effect: the
    same as at the gate before it. Proof that the gain is beyond that effect is not asked: a gain
    of twice the effect would take about twice the days. Given up is a challenger whose gain is
    proven to be below the smallest effect, at the same alpha.

    A small `prior` expects a large effect: it finds one in fewer blocks, and a small one later.
    """

    alpha: float = 0.05
    smallest_effect: float = 0.01
    block_days: int = 3
    min_days: int = 14
    max_days: int = 84
    prior: float = PRIOR

    @property
    def threshold(self) -> float:
        """The e-value that is evidence enough."""
        return 1 / (2 * self.alpha)


@dataclass(frozen=True)
class Evidence:
    """What the first 1, 2, ... blocks have shown; arrays of shape (blocks,).

    The gain and its bounds are shares of the champion's mean score, which is taken as known. Both
    bounds hold at all times together with a probability of 1 - 2 alpha, each for half of it.
    """

    log_e: np.ndarray
    gain: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """A decision, and what it rests on: `blocks` blocks of together `days` complete days."""

    decision: Literal["promote", "keep", "go on"]
    reason: str
    threshold: float
    blocks: int = 0
    days: int = 0
    e_value: float = 1.0
    gain: float = 0.0
    lower: float = -np.inf
    upper: float = np.inf


def block_means(daily: np.ndarray, block_days: int) -> np.ndarray:
    """Return the means of consecutive blocks of days; an incomplete last block is left out."""
    blocks = len(daily) // block_days
    return daily[: blocks * block_days].reshape(blocks, block_days).mean(axis=1)


def running_mean(values: np.ndarray) -> np.ndarray:
    """The mean of the first 1, 2, ... values, over the last axis."""
    return np.cumsum(values, axis=-1) / np.arange(1, values.shape[-1] + 1)


def running_squares(values: np.ndarray) -> np.ndarray:
    """The sum of squares of the first 1, 2, ... values about their mean, over the last axis."""
    moved = values - values[..., :1]  # far from zero, rounding would drown the squares
    number = np.arange(1, values.shape[-1] + 1)
    squares = np.cumsum(moved**2, axis=-1) - number * running_mean(moved) ** 2
    return np.maximum(squares, 0)


def magnitude(values: np.ndarray) -> float:
    """What to divide by so that squares stay within the range of floats.

    Raises:
        ValueError: a value is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("a block's mean is not a finite number")
    return float(np.abs(values).max(initial=0)) or 1.0


def log_e_values(values: np.ndarray, prior: float = PRIOR) -> np.ndarray:
    """Log e-value against a mean of zero after 1, 2, ... values, over the last axis.

    With k values, S their sum, V the sum of their squares and c the prior:
    log(c / (c + k)) / 2 + k/2 log(V / (V - S² / (k + c))). Zeros alone say nothing for a mean.

    Raises:
        ValueError: a value is not finite.
    """
    values = values / magnitude(values)
    number = np.arange(1, values.shape[-1] + 1)
    explained = number * running_mean(values) ** 2  # S² / k
    total = running_squares(values) + explained  # V
    share = np.divide(explained, total, out=np.zeros_like(total), where=total > 0)
    share *= number / (number + prior)  # below 1, as the prior is above 0
    return -0.5 * np.log1p(number / prior) - 0.5 * number * np.log1p(-share)


def radius(values: np.ndarray, alpha: float, prior: float = PRIOR) -> np.ndarray:
    """How far from the mean of the first 1, 2, ... values the true mean may lie, either way.

    The e-process turned round: all m for which the values minus m stay below 1/(2 alpha). With k
    values and Q their squares about their mean, that is a bound on D = k (mean - m)² alone,
    D < reach (Q + D) / k; as long as k is within reach, D is without bound.

    Raises:
        ValueError: a value is not finite.
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
    """The number of blocks before which nothing can be shown, even if all gain the same."""
    return next(k for k in count(2) if (k - 1) / 2 * np.log1p(k / prior) >= -np.log(2 * alpha))


def weigh(differences: np.ndarray, champion: np.ndarray, rule: Rule) -> Evidence:
    """The evidence of blocks, given as in `decide`."""
    mean, level = running_mean(differences), running_mean(champion)
    bound = radius(differences, rule.alpha, rule.prior)
    with np.errstate(divide="ignore", invalid="ignore"):  # a champion that is never wrong
        shares = [
            np.where((part == 0) & (level == 0), 0, part / np.abs(level))
            for part in (mean, mean - bound, mean + bound)
        ]
    return Evidence(log_e_values(differences, rule.prior), *shares)


def decide(differences: np.ndarray, champion: np.ndarray, rule: Rule, settled: int) -> Verdict:
    """The verdict after these blocks, and after `settled` days, used or left out.

    The first block that ends the experiment ends it: what comes later changes nothing.

    Args:
        differences: by how much the challenger's mean score was better in each block; (blocks,)
        champion: the champion's mean score in each block; (blocks,)
    """
    evidence = weigh(differences, champion, rule)
    days = rule.block_days * np.arange(1, len(differences) + 1)
    shown = (evidence.log_e >= np.log(rule.threshold)) & (evidence.gain > 0)
    enough = (evidence.gain >= rule.smallest_effect) & (days >= rule.min_days)
    futile = evidence.upper < rule.smallest_effect
    ends = np.flatnonzero(shown & enough | futile)
    blocks = int(ends[0]) + 1 if ends.size else len(differences)
    decision: Literal["promote", "keep", "go on"]
    if ends.size and futile[blocks - 1]:
        decision, reason = "keep", f"a gain of {rule.smallest_effect:.1%} or more is ruled out"
    elif ends.size:
        decision, reason = "promote", "the challenger is better, and by enough"
    elif settled >= rule.max_days:
        decision, reason = "keep", f"{rule.max_days} days have not shown the challenger better"
    else:
        decision, reason = "go on", missing(evidence, rule, blocks)
    if not blocks:
        return Verdict(decision, reason, rule.threshold)
    last = blocks - 1
    return Verdict(
        decision,
        reason,
        rule.threshold,
        blocks=blocks,
        days=int(days[last]),
        e_value=float(np.exp(min(evidence.log_e[last], LARGEST_LOG))),
        gain=float(evidence.gain[last]),
        lower=float(evidence.lower[last]),
        upper=float(evidence.upper[last]),
    )


def missing(evidence: Evidence, rule: Rule, blocks: int) -> str:
    """What a promotion still lacks, in words."""
    if not blocks:
        return f"the first block of {rule.block_days} complete days is not there yet"
    lacks = []
    gain, log_e = evidence.gain[-1], evidence.log_e[-1]
    if gain <= 0:
        lacks.append("the challenger is not ahead")
    elif log_e < np.log(rule.threshold):
        lacks.append("its lead may still be luck")
    if 0 < gain < rule.smallest_effect:
        lacks.append(f"its gain is below {rule.smallest_effect:.1%}")
    if blocks * rule.block_days < rule.min_days:
        lacks.append(f"{rule.min_days} days have to be complete")
    return ", ".join(lacks)
