"""The quality gate between a challenger and the champion's place: a decision that can refuse."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .. import problem
from ..evaluate import slice_masks
from .parameters import GateParams


@dataclass(frozen=True)
class Scores:
    """The score of each fresh row by each model, in arrays of shape (rows,)."""

    challenger: np.ndarray
    baseline: np.ndarray
    champion: np.ndarray | None
    failure: str | None = None

    def by_model(self) -> dict[str, np.ndarray]:
        """Return the scores of the models that have some."""
        champion = {} if self.champion is None else {"champion": self.champion}
        return {"challenger": self.challenger, **champion, "baseline": self.baseline}


def gain(new: float, old: float) -> float:
    """Return by which share of the old mean score the new one is better; negative if worse."""
    better_by = old - new if problem.LOWER_IS_BETTER else new - old
    if better_by == 0:
        return 0.0
    return float(better_by / abs(old)) if old else float(np.copysign(np.inf, better_by))


def in_words(gain: float) -> str:
    """Return a gain as people say it."""
    return f"{abs(gain):.1%} {'worse' if gain < 0 else 'better'}"


def block_means(differences: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """Return mean differences by day, or row by row without a time.

    Rows of the same day have much in common, such as its weather. Only days are independent enough
    for the test's error bound to hold.
    """
    if problem.TIME is None:
        return differences
    days = rows[problem.TIME].dt.date.to_numpy()
    return pd.Series(differences).groupby(days).mean().to_numpy()


def failed_checks(scores: Scores, rows: pd.DataFrame, params: GateParams) -> list[str]:
    """Return every failed check of the challenger; if there is none, it may be promoted.

    A challenger that is truly no better than the champion passes with a probability of at most
    `alpha`: a one-sided paired t-test on the means of days. The rows are new to all models.
    """
    if len(rows) < params.min_test_rows:
        return [
            f"{len(rows)} fresh rows are too few: at least {params.min_test_rows} are required "
            "(gate.min_test_rows in params.yaml)"
        ]
    undefined = not_finite(scores, rows)
    if undefined:
        return undefined
    found = [] if scores.failure is None else [scores.failure]
    over_baseline = gain(scores.challenger.mean(), scores.baseline.mean())
    if over_baseline < params.min_gain_over_baseline:
        required = params.min_gain_over_baseline
        found.append(f"{in_words(over_baseline)} than the baseline, {required:.1%} required")
    if scores.champion is not None:
        found += failed_checks_against(scores.champion, scores.challenger, rows, params)
    return found


def not_finite(scores: Scores, rows: pd.DataFrame) -> list[str]:
    """Return a failed check for each model with a score that is NaN or infinite."""
    found = []
    for name, values in scores.by_model().items():
        is_bad = ~np.isfinite(values)
        if is_bad.any():
            at = int(is_bad.argmax())
            found.append(
                f"{problem.METRIC} of the {name} is {values[at]} in row {rows.index[at]}"
                f" and {is_bad.sum() - 1} others"
            )
    return found


def failed_checks_against(
    champion: np.ndarray, challenger: np.ndarray, rows: pd.DataFrame, params: GateParams
) -> list[str]:
    """Return the failed checks of a comparison with the champion on the same rows."""
    found = []
    over_champion = gain(challenger.mean(), champion.mean())
    if over_champion < params.min_gain_over_champion:
        required = params.min_gain_over_champion
        found.append(f"{in_words(over_champion)} than the champion, {required:.1%} required")
    differences = champion - challenger if problem.LOWER_IS_BETTER else challenger - champion
    if over_champion >= 0 and p_value(block_means(differences, rows)) >= params.alpha:
        found.append(
            f"the gain over the champion may be chance (one-sided test, alpha {params.alpha:g})"
        )
    for name, mask in slice_masks(rows).items():
        loss = -gain(challenger[mask].mean(), champion[mask].mean())
        if mask.sum() >= params.min_slice_rows and loss > params.max_slice_loss:
            found.append(f"{loss:.1%} worse than the champion on {name}")
    return found


def p_value(differences: np.ndarray) -> float:
    """Return the probability of such differences without a true gain: a one-sided t-test."""
    if len(differences) < 2:
        return 1.0
    if np.ptp(differences) == 0:
        return 0.0 if differences[0] > 0 else 1.0
    from scipy.stats import ttest_1samp  # takes half a second

    return float(ttest_1samp(differences, 0, alternative="greater").pvalue)
