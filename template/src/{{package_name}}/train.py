"""Train a model on the problem's rows and save it as a new version: `make train`."""

from typing import Any

import pandas as pd

from . import model_file, problem
from .dataset import load_rows, split_rows, validate_rows
from .errors import UserError, describe_error, run
from .evaluate import evaluate
from .lineage import data_version, environment, git_commit
from .trained_model import TrainedModel, check_classifier


def fit(rows: pd.DataFrame, **params: Any) -> TrainedModel:
    """Fit the problem's model to the rows."""
    features, target = pd.DataFrame(problem.features(rows)), rows[problem.TARGET].to_numpy()
    try:
        estimator = problem.build_model(**params)
        estimator.fit(features, target)
    except (TypeError, ValueError) as error:  # such as a hyperparameter out of its range
        raise UserError(
            f"problem.py: the model cannot be fitted: {describe_error(error)}"
        ) from error
    check_classifier(estimator, problem)
    return TrainedModel(estimator, problem)


def main() -> None:
    """Train, evaluate and save a model."""
    rows = validate_rows(load_rows())
    split = split_rows(rows)
    model = fit(split.train)
    evaluation = evaluate(model, split.train, split.test)
    folder = model_file.save(
        model,
        {
            "metrics": evaluation.metrics(),
            "train_rows": len(split.train),
            "test_rows": len(split.test),
            "data_version": data_version(rows),
            "git_commit": git_commit(),
            "environment": environment(),
        },
        model_file.MODELS,
    )
    print(f"{len(split.train)} rows in the training set, {len(split.test)} in the test set")
    print(evaluation.report())
    print(f"wrote {folder}")


if __name__ == "__main__":
    run(main)
