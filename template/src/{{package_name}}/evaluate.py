"""How good a model is: overall, in each slice, and beside a constant that ignores the features."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import problem
from .predict import predict


@dataclass(frozen=True)
class Evaluation:
    """Mean scores on rows that the model has not seen, in the unit of `problem.METRIC`."""

    rows: int
    score: float
    baseline: float
    slices: dict[str, float]

    def metrics(self) -> dict[str, float]:
        """The scores by name, as they are printed and tracked."""
        return {
            problem.METRIC: self.score,
            f"baseline_{problem.METRIC}": self.baseline,
            **{f"{problem.METRIC}/{name}": score for name, score in self.slices.items()},
        }


def scores_of(model: object, rows: pd.DataFrame) -> np.ndarray:
    """The score of each row, in the order of the rows, which may be none."""
    if rows.empty:
        return np.empty(0)
    return problem.score_rows(rows[problem.TARGET].to_numpy(), predict(model, rows))


def baseline_scores(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """The score of each test row if the best constant of the train rows is all one predicts."""
    constant = np.full(len(test), problem.baseline(train[problem.TARGET].to_numpy()))
    return problem.score_rows(test[problem.TARGET].to_numpy(), constant)


def slice_masks(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """For each group of each kind of slice, which rows are in it."""
    return {
        f"{kind}/{group}": groups == group
        for kind, groups in problem.slices(rows).items()
        for group in np.unique(groups)
    }


def mean_by_slice(scores: np.ndarray, rows: pd.DataFrame) -> dict[str, float]:
    """The mean score in each group of each kind of slice."""
    return {name: float(scores[mask].mean()) for name, mask in slice_masks(rows).items()}


def evaluate(model: object, train: pd.DataFrame, test: pd.DataFrame) -> Evaluation:
    """Judge the model on the test rows; the baseline is the best constant of the train rows."""
    scores = scores_of(model, test)
    return Evaluation(
        rows=len(test),
        score=float(scores.mean()),
        baseline=float(baseline_scores(train, test).mean()),
        slices=mean_by_slice(scores, test),
    )
