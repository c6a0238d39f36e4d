"""Standard metrics, which describe a model; the one that decides is `problem.METRIC`."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from sklearn import metrics as sk

from .trained_model import classes_of, labels_of


def standard_metrics(
    actual: np.ndarray, predicted: np.ndarray, problem: ModuleType
) -> dict[str, float]:
    """Return the standard metrics of the problem's task, and the owner's `METRICS`.

    `actual` is the ground truth, of shape (rows,), and `predicted` what `TrainedModel.predict`
    returns. A metric that is undefined, such as the ROC AUC of a single class, is left out.
    """
    classes = classes_of(problem)
    finite = predicted.dtype.kind in "iuf" and bool(np.isfinite(predicted).all())
    found = {}
    if finite and classes is not None:
        found = classification_metrics(actual, predicted, labels_of(predicted, problem), classes)
    elif finite:
        found = regression_metrics(actual.astype(float), predicted)
    for name, metric in getattr(problem, "METRICS", {}).items():
        found[name] = metric(actual, predicted)
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def regression_metrics(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the metrics of predicted numbers."""
    return {
        "MAE": sk.mean_absolute_error(actual, predicted),
        "RMSE": sk.root_mean_squared_error(actual, predicted),
        "median_absolute_error": sk.median_absolute_error(actual, predicted),
        "R2": sk.r2_score(actual, predicted) if len(actual) > 1 else np.nan,
    }


def classification_metrics(
    actual: np.ndarray, predicted: np.ndarray, labels: np.ndarray, classes: Sequence[Any]
) -> dict[str, float]:
    """Return the metrics of probabilities, of shape (rows, classes), and of predicted labels.

    The second of two classes is the positive one. With more, ROC AUC, average precision and F1 are
    means over the classes, each against the rest.
    """
    every = list(range(len(classes)))
    codes, predicted_codes = encode(actual, classes), encode(labels, classes)
    is_binary = len(classes) == 2
    truth = codes if is_binary else np.eye(len(classes))[codes]
    scores = predicted[:, 1] if is_binary else predicted
    average = "binary" if is_binary else "macro"
    found = {
        "log_loss": sk.log_loss(codes, predicted, labels=every),
        "brier_score": sk.brier_score_loss(codes, predicted, labels=every),
        "balanced_accuracy": sk.recall_score(codes, predicted_codes, average="macro", labels=every),
        "f1": sk.f1_score(codes, predicted_codes, average=average, zero_division=0),
    }
    if set(codes) == set(every):
        found["roc_auc"] = sk.roc_auc_score(truth, scores)
        found["average_precision"] = sk.average_precision_score(truth, scores)
    return found


def encode(labels: np.ndarray, classes: Sequence[Any]) -> np.ndarray:
    """Return the position of each label among the classes."""
    positions = {label: at for at, label in enumerate(classes)}
    return np.array([positions[label] for label in labels.tolist()], dtype=int)
