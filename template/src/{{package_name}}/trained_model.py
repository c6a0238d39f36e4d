"""A trained model: a fitted estimator and the `problem.py` it was trained with."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from .errors import UserError, describe_error


@dataclass(frozen=True)
class TrainedModel:
    """A fitted estimator that computes features as they were when it was trained."""

    estimator: Any
    problem: ModuleType

    def features(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the features of the rows."""
        try:
            return pd.DataFrame(self.problem.features(rows))
        except Exception as error:  # whatever the owner's code raises
            reason = describe_error(error)
            raise UserError(f"problem.py: features() failed on these rows: {reason}") from error

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the predictions, of shape (rows,).

        For classification, they are probabilities of shape (rows, classes), ordered as `CLASSES`.
        """
        return self.predict_features(self.features(rows))

    def predict_features(self, features: pd.DataFrame) -> np.ndarray:
        """Return the predictions for features, as `predict` does for rows."""
        classes = classes_of(self.problem)
        if features.empty:  # of which scikit-learn refuses to predict anything
            return np.empty(0 if classes is None else (0, len(classes)))
        if classes is None:
            return np.asarray(self.estimator.predict(features))
        probabilities = self.estimator.predict_proba(features)
        return aligned(probabilities, self.estimator.classes_.tolist(), classes)


def classes_of(problem: ModuleType) -> list[Any] | None:
    """Return the classes of a problem, or None for regression."""
    is_classification = getattr(problem, "TASK", "regression") == "classification"
    return list(problem.CLASSES) if is_classification else None


def labels_of(probabilities: np.ndarray, problem: ModuleType) -> np.ndarray:
    """Return the predicted class of each row of probabilities.

    Of two classes it is the second one if its probability is at least `THRESHOLD`, by default 0.5;
    of more, the most probable one.
    """
    classes = np.array(problem.CLASSES)
    if len(classes) == 2:
        return classes[(probabilities[:, 1] >= getattr(problem, "THRESHOLD", 0.5)).astype(int)]
    return classes[probabilities.argmax(axis=1)]


def aligned(probabilities: np.ndarray, own: list[Any], classes: list[Any]) -> np.ndarray:
    """Return probabilities of a model's own classes in the order of other classes."""
    columns = {label: probabilities[:, at] for at, label in enumerate(own)}
    nothing = np.zeros(len(probabilities))
    return np.column_stack([columns.get(label, nothing) for label in classes])


def check_classifier(estimator: Any, problem: ModuleType) -> None:
    """Check that a fitted classifier gives probabilities of the problem's classes."""
    classes = classes_of(problem)
    if classes is None:
        return
    if not hasattr(estimator, "predict_proba"):
        raise UserError(
            f"problem.py: build_model() returns {type(estimator).__name__}, which predicts no "
            "probabilities. Wrap it in sklearn.calibration.CalibratedClassifierCV"
        )
    unknown = [label for label in estimator.classes_.tolist() if label not in classes]
    if unknown:
        raise UserError(f"problem.py: CLASSES lacks {unknown[0]!r}, which the target contains")


def load_problem(file: Path) -> ModuleType:
    """Load a copy of `problem.py` under its own name, without replacing the present one."""
    package = __name__.rpartition(".")[0]
    spec = importlib.util.spec_from_file_location(f"{package}.problem", file)
    assert spec is not None and spec.loader is not None  # a Python file always has a loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the owner's code raises
        raise UserError(f"{file} cannot be loaded: {describe_error(error)}") from error
    return module
