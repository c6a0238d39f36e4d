"""The steps of the training pipeline: what each needs comes in, what it makes goes out."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import infer_signature

from .. import model_file, problem
from ..dataset import Split, load_rows, split_rows, validate_rows
from ..evaluate import Evaluation
from ..evaluate import evaluate as evaluate_model
from ..lineage import requirements
from ..train import fit
from . import registry
from .comparison import Origin, compare
from .gate import objections
from .parameters import Params
from .plots import figures
from .search import best_parameters


@dataclass(frozen=True)
class Judgement:
    """How the trained model did, and what the gate would hold against it today."""

    evaluation: Evaluation
    champion: float | None
    objections: list[str]

    def metrics(self) -> dict[str, float]:
        """All scores by name, as they are printed and tracked."""
        beside = {} if self.champion is None else {f"champion_{problem.METRIC}": self.champion}
        return self.evaluation.metrics() | beside


def ingest(params: Params) -> pd.DataFrame:
    """The rows of the window that the parameters name, as they come."""
    return load_rows(params.data.start, params.data.end)


def validate(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in the schema's types; a bad row stops the pipeline here and is named."""
    return validate_rows(rows)


def split(rows: pd.DataFrame, params: Params) -> Split:
    """Rows to learn from and newer rows to judge by."""
    return split_rows(rows, params.split.test_share)


def search(rows: pd.DataFrame, params: Params) -> Params:
    """The parameters with the best model parameters found on the training rows."""
    return params.model_copy(update={"model": best_parameters(rows, params)})


def train(rows: pd.DataFrame, params: Params) -> Any:
    """A fitted model, which has been written and read back in the safe format."""
    model = fit(rows, **params.model)
    with tempfile.TemporaryDirectory() as folder:
        model_file.dump(model, Path(folder) / "model.skops")
    return model


def evaluate(
    client: MlflowClient, model: Any, rows: pd.DataFrame, parts: Split, params: Params
) -> Judgement:
    """Judge the model overall, by slice, beside a constant, and beside the champion."""
    evaluation = evaluate_model(model, parts.train, parts.test)
    origin = Origin(registry.trained_until(parts.train), params.split.test_share)
    scores, fresh = compare(client, model, origin, rows)
    if not fresh.empty:
        for name, figure in figures(scores, fresh).items():
            mlflow.log_figure(figure, f"plots/{name}")
    rival = scores.champion
    return Judgement(
        evaluation=evaluation,
        champion=None if rival is None or fresh.empty else float(rival.mean()),
        objections=objections(scores, fresh, params.gate),
    )


def register(client: MlflowClient, model: Any, parts: Split) -> ModelVersion:
    """Log the model to the active run, and make it a version in the registry."""
    inputs = pd.DataFrame(problem.features(parts.test.head(100)))
    logged = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(inputs, model.predict(inputs)),
        pip_requirements=requirements(),
        serialization_format="skops",
        skops_trusted_types=problem.TRUSTED_TYPES,
    )
    return registry.register(client, logged.run_id)
