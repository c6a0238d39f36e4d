"""Evaluate a model: overall, by slice, and beside a baseline that uses no feature.

`make evaluate` shows it for a trained model, on the rows that no training has used.
"""

import argparse
import inspect
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from . import model_file, problem
from .dataset import Split, load_rows, split_rows, validate_rows
from .errors import UserError, run
from .metrics import standard_metrics
from .predict import predict
from .trained_model import TrainedModel


@dataclass(frozen=True)
class Evaluation:
    """Predictions for rows that the model was not trained on, their scores, and metrics."""

    predicted: np.ndarray
    scores: np.ndarray
    baseline: float
    slices: dict[str, float]
    others: dict[str, float]

    @property
    def score(self) -> float:
        """Get the metric: the mean of the scores."""
        return float(self.scores.mean())

    def metrics(self) -> dict[str, float]:
        """Return all metrics by name, as they are printed and tracked."""
        return {
            problem.METRIC: self.score,
            f"baseline_{problem.METRIC}": self.baseline,
            **{name: value for name, value in self.others.items() if name != problem.METRIC},
            **{f"{problem.METRIC}/{name}": score for name, score in self.slices.items()},
        }

    def report(self) -> str:
        """Return the metrics as lines of text."""
        return "\n".join(f"  {name:45} {value:10.4f}" for name, value in self.metrics().items())


def row_scores(actual: np.ndarray, predicted: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """Return the score of each row by `problem.score_rows`, which may take the rows, too."""
    takes_rows = len(inspect.signature(problem.score_rows).parameters) > 2
    scores = np.asarray(problem.score_rows(actual, predicted, *([rows] if takes_rows else [])))
    if scores.shape != actual.shape:
        raise UserError(
            f"problem.py: score_rows() returned an array of shape {scores.shape} for "
            f"{len(actual)} rows. Return one score per row"
        )
    return scores.astype(float)


def scores_of(model: TrainedModel, rows: pd.DataFrame) -> np.ndarray:
    """Return the score of each row, of which there may be none."""
    if rows.empty:
        return np.empty(0)
    return row_scores(rows[problem.TARGET].to_numpy(), predict(model, rows), rows)


def baseline_scores(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Return the score of each test row if `problem.baseline` of the training set is predicted."""
    constant = np.asarray(problem.baseline(train[problem.TARGET].to_numpy()))
    predicted = np.broadcast_to(constant, (len(test), *constant.shape))
    return row_scores(test[problem.TARGET].to_numpy(), predicted, test)


def slice_masks(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return for each slice which rows are in it."""
    return {
        f"{kind}/{group}": groups == group
        for kind, groups in problem.slices(rows).items()
        for group in np.unique(groups)
    }


def mean_by_slice(scores: np.ndarray, rows: pd.DataFrame) -> dict[str, float]:
    """Return the mean score in each slice."""
    return {name: float(scores[mask].mean()) for name, mask in slice_masks(rows).items()}


def evaluate(model: TrainedModel, train: pd.DataFrame, test: pd.DataFrame) -> Evaluation:
    """Evaluate a model on the test set; the baseline comes from the training set."""
    actual, predicted = test[problem.TARGET].to_numpy(), predict(model, test)
    scores = row_scores(actual, predicted, test)
    return Evaluation(
        predicted=predicted,
        scores=scores,
        baseline=float(baseline_scores(train, test).mean()),
        slices=mean_by_slice(scores, test),
        others=standard_metrics(actual, predicted, problem),
    )


def print_evaluation(model: TrainedModel, name: str, split: Split) -> None:
    """Evaluate the model on the test set and print the metrics."""
    print(f"{name} on {len(split.test)} rows of the test set")
    print(evaluate(model, split.train, split.test).report())


def main() -> None:
    """Evaluate a model in `models/`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a folder in models/; by default the newest")
    folder = parser.parse_args().model or model_file.newest(model_file.MODELS)
    split = split_rows(validate_rows(load_rows()))
    print_evaluation(model_file.load(folder), str(folder), split)


if __name__ == "__main__":
    run(main)
