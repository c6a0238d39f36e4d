"""The steps of the training pipeline: functions from what a step needs to what it makes."""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import infer_signature

from .. import model_file, problem
from ..dataset import Split, load_rows, split_rows, validate_rows
from ..evaluate import Evaluation
from ..evaluate import evaluate as evaluate_model
from ..predict import prediction_columns
from ..train import fit
from ..trained_model import TrainedModel, classes_of
from . import registry
from .comparison import Origin, compare
from .gate import Scores, failed_checks
from .parameters import Params


@dataclass(frozen=True)
class Assessment:
    """The evaluation of a trained model, and the checks of the gate that it fails today."""

    evaluation: Evaluation
    scores: Scores
    fresh: pd.DataFrame
    failed: list[str]

    def metrics(self) -> dict[str, float]:
        """Return all metrics by name, as they are tracked."""
        fresh = {}
        if self.scores.champion is not None and not self.fresh.empty:
            fresh = {
                f"fresh_rows/{problem.METRIC}": float(self.scores.challenger.mean()),
                f"fresh_rows/champion_{problem.METRIC}": float(self.scores.champion.mean()),
            }
        return self.evaluation.metrics() | fresh


def ingest(params: Params) -> pd.DataFrame:
    """Load the rows of the window."""
    return load_rows(params.data.start, params.data.end)


def validate(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the schema's types; an invalid row stops the pipeline."""
    return validate_rows(rows)


def split(rows: pd.DataFrame, params: Params) -> Split:
    """Split the rows into a training set and a test set of newer rows."""
    return split_rows(rows, params.split.test_share)


def search(rows: pd.DataFrame, params: Params) -> Params:
    """Return the parameters with the best hyperparameters found on the training set."""
    from .search import best_hyperparameters  # Optuna takes half a second

    return params.model_copy(update={"model": best_hyperparameters(rows, params)})


def train(rows: pd.DataFrame, params: Params) -> TrainedModel:
    """Return a trained model that can be written and read in the safe format."""
    model = fit(rows, **params.model)
    with tempfile.TemporaryDirectory() as folder:
        model_file.write_estimator(model.estimator, Path(folder) / model_file.MODEL)
    return model


def evaluate(
    client: MlflowClient,
    model: TrainedModel,
    rows: pd.DataFrame,
    parts: Split,
    params: Params,
    reload: Callable[[], pd.DataFrame],
) -> Assessment:
    """Evaluate the model overall, by slice, and beside the baseline and the champion."""
    evaluation = evaluate_model(model, parts.train, parts.test)
    origin = Origin(registry.trained_until(parts.train), params.split.test_share)
    scores, fresh = compare(client, model, origin, rows, reload)
    return Assessment(evaluation, scores, fresh, failed_checks(scores, fresh, params.gate))


def record(model: TrainedModel, parts: Split, assessment: Assessment) -> None:
    """Record the predictions of the test set and the figures with the active run."""
    from .plots import figures  # matplotlib takes half a second

    evaluation = assessment.evaluation
    columns = prediction_columns(evaluation.predicted, problem)
    table = parts.test.assign(**columns, score=evaluation.scores)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "test_predictions.parquet"
        table.reset_index(drop=True).to_parquet(file)
        mlflow.log_artifact(str(file))
    drawn = figures(model, parts.test, evaluation.predicted, assessment.scores, assessment.fresh)
    for name, figure in drawn.items():
        mlflow.log_figure(figure, f"plots/{name}.png")


def register(client: MlflowClient, model: TrainedModel, parts: Split) -> ModelVersion:
    """Log the model with its `problem.py` to the active run, and register it as a version."""
    inputs = model.features(parts.test.head(100))
    answer = "predict" if classes_of(model.problem) is None else "predict_proba"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*integer column.*")
        signature = infer_signature(inputs, getattr(model.estimator, answer)(inputs))
    logged = mlflow.sklearn.log_model(
        model.estimator,
        name="model",
        signature=signature,
        pip_requirements=registry.requirements(),
        pyfunc_predict_fn=answer,
        serialization_format="skops",
        skops_trusted_types=model_file.trusted_types(model.problem),
    )
    client.log_model_artifact(logged.model_id, str(model.problem.__file__))
    return registry.register(client, logged.run_id)
