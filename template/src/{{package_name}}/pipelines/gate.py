"""The gate between a challenger and the champion's place: a decision that can refuse."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from .. import problem
from ..evaluate import slice_masks
from .parameters import GateParams


@dataclass(frozen=True)
class Scores:
    """The score of each fresh row, by each model; arrays of shape (rows,)."""

    challenger: np.ndarray
    baseline: np.ndarray
    champion: np.ndarray | None


def gain(new: float, old: float) -> float:
    """By which share of the old mean score the new one is better; negative if it is worse."""
    better_by = old - new if problem.LOWER_IS_BETTER else new - old
    if better_by == 0:
        return 0.0
    return float(better_by / abs(old)) if old else float(np.copysign(np.inf, better_by))


def in_words(gain: float) -> str:
    """A gain as people say it."""
    return f"{abs(gain):.1%} {'worse' if gain < 0 else 'better'}"


def block_means(differences: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """Mean differences by day, or row by row without a time.

    Rows of the same day have much in common, such as its weather. Only days are independent
    enough for the test's error bound to hold.
    """
    if problem.TIME is None:
        return differences
    days = rows[problem.TIME].dt.date.to_numpy()
    return pd.Series(differences).groupby(days).mean().to_numpy()


def objections(scores: Scores, rows: pd.DataFrame, params: GateParams) -> list[str]:
    """Every reason against the challenger; none means that it may be the champion.

    `rows` are the fresh rows that the scores belong to: no model compared has learned from them.
    A challenger that is truly no better than the champion passes with a probability of at most
    `alpha`: a one-sided paired t-test on the day means.
    """
    if len(rows) < params.min_test_rows:
        return [
            f"{len(rows)} fresh rows are too few to judge by: {params.min_test_rows} at least "
            "(gate: min_test_rows in params.yaml)"
        ]
    found = []
    over_baseline = gain(scores.challenger.mean(), scores.baseline.mean())
    if over_baseline < params.min_gain_over_baseline:
        asked = params.min_gain_over_baseline
        found.append(f"{in_words(over_baseline)} than a constant, {asked:.1%} better asked")
    if scores.champion is not None:
        found += objections_beside_champion(scores.challenger, scores.champion, rows, params)
    return found


def objections_beside_champion(
    challenger: np.ndarray, champion: np.ndarray, rows: pd.DataFrame, params: GateParams
) -> list[str]:
    """The reasons that a comparison with the champion on the same rows gives."""
    found = []
    over_champion = gain(challenger.mean(), champion.mean())
    if over_champion < params.min_gain_over_champion:
        asked = params.min_gain_over_champion
        found.append(f"{in_words(over_champion)} than the champion, {asked:.1%} better asked")
    differences = champion - challenger if problem.LOWER_IS_BETTER else challenger - champion
    if probability_of_luck(block_means(differences, rows)) >= params.alpha:
        found.append(f"the gain over the champion may be luck (one-sided test at {params.alpha:g})")
    for name, mask in slice_masks(rows).items():
        loss = -gain(challenger[mask].mean(), champion[mask].mean())
        if mask.sum() >= params.min_slice_rows and loss > params.max_slice_loss:
            found.append(f"{loss:.1%} worse than the champion on {name}")
    return found


def probability_of_luck(differences: np.ndarray) -> float:
    """How likely gains as large as these are if the truth is no gain: p of a one-sided t-test."""
    if len(differences) < 2:
        return 1.0
    if np.ptp(differences) == 0:
        return 0.0 if differences[0] > 0 else 1.0
    return float(ttest_1samp(differences, 0, alternative="greater").pvalue)
