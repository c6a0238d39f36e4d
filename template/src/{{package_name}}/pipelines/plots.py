"""The figures of an evaluation, for the run's page in the tracking store."""

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
)

from .. import problem
from ..evaluate import mean_by_slice
from ..trained_model import TrainedModel, classes_of, labels_of
from .gate import Scores
from .importance import feature_importance

matplotlib.use("Agg")  # draws without a screen
matplotlib.rcParams["text.parse_math"] = False  # a slice's name may contain dollars
COLOURS = {"challenger": "#0072b2", "champion": "#d55e00", "baseline": "#999999"}


def subplots(width: float, height: float, **grid: Any) -> tuple[Figure, Any]:
    """Return a new figure of that size, in inches, and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(**grid)


def score_by_slice(scores: Scores, rows: pd.DataFrame) -> Figure:
    """Plot the metric of each model in each slice."""
    table = pd.DataFrame(
        {name: mean_by_slice(values, rows) for name, values in scores.by_model().items()}
    )
    figure, axes = subplots(8, 1 + 0.5 * len(table))
    table.iloc[::-1, ::-1].plot.barh(ax=axes, color=COLOURS, width=0.8)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1])
    axes.set(xlabel=f"mean {problem.METRIC}", title="Metric by slice")
    return figure


def score_by_day(scores: Scores, rows: pd.DataFrame) -> Figure:
    """Plot the metric of each model over the days of the fresh rows."""
    figure, axes = subplots(8, 4)
    days = rows[problem.TIME].dt.normalize().to_numpy()
    for name, values in scores.by_model().items():
        daily = pd.Series(values).groupby(days).mean()
        axes.plot(daily.index, daily, marker="o", color=COLOURS[name], label=name)
    axes.set(ylabel=f"mean {problem.METRIC}", ylim=(0, None), title="Metric by day")
    axes.legend()
    figure.autofmt_xdate()
    return figure


def regression_figures(actual: np.ndarray, predicted: np.ndarray) -> dict[str, Figure]:
    """Plot the ground truth and the residuals against the predictions."""
    figure, (left, right) = subplots(10, 5, ncols=2)
    for axes, kind in [(left, "actual_vs_predicted"), (right, "residual_vs_predicted")]:
        PredictionErrorDisplay.from_predictions(
            actual, predicted, kind=kind, ax=axes, random_state=0, scatter_kwargs={"alpha": 0.3}
        )
    left.set(title="Ground truth and prediction")
    right.set(title="Residuals")
    return {"predictions": figure}


def classification_figures(actual: np.ndarray, predicted: np.ndarray) -> dict[str, Figure]:
    """Plot the curves of each class against the rest, of two classes the second, and the errors."""
    classes = classes_of(problem) or []
    curves, (roc, precision, calibration) = subplots(14, 5, ncols=3)
    for at in range(1 if len(classes) == 2 else 0, len(classes)):
        is_class, probability = actual == classes[at], predicted[:, at]
        if is_class.all() or not is_class.any():
            continue
        name = str(classes[at])
        RocCurveDisplay.from_predictions(is_class, probability, name=name, ax=roc)
        PrecisionRecallDisplay.from_predictions(is_class, probability, name=name, ax=precision)
        CalibrationDisplay.from_predictions(
            is_class, probability, n_bins=10, strategy="quantile", name=name, ax=calibration
        )
    roc.plot([0, 1], [0, 1], color="#999999", linestyle=":")
    roc.set(title="ROC curve")
    precision.set(title="Precision and recall")
    calibration.set(title="Calibration")
    errors, axes = subplots(5, 5)
    labels = [str(label) for label in classes]
    truth, chosen = actual.astype(str), labels_of(predicted, problem).astype(str)
    ConfusionMatrixDisplay.from_predictions(
        truth, chosen, labels=labels, ax=axes, cmap="Blues", colorbar=False
    )
    axes.set(title="Confusion matrix")
    return {"curves": curves, "confusion_matrix": errors}


def importance_figure(importance: pd.DataFrame) -> Figure:
    """Plot by how much the metric gets worse if a feature is shuffled."""
    shown = importance.head(20).iloc[::-1]
    figure, axes = subplots(8, 1 + 0.3 * len(shown))
    axes.barh(shown.index, shown["mean"], xerr=shown["std"], color=COLOURS["challenger"])
    axes.set(title="Permutation importance", xlabel=f"{problem.METRIC} worse by")
    return figure


def figures(
    model: TrainedModel,
    test: pd.DataFrame,
    predicted: np.ndarray,
    scores: Scores,
    fresh: pd.DataFrame,
) -> dict[str, Figure]:
    """Return every figure by name."""
    actual = test[problem.TARGET].to_numpy()
    found = {"importance": importance_figure(feature_importance(model, test))}
    if classes_of(problem) is not None:
        found |= classification_figures(actual, predicted)
    elif predicted.dtype.kind in "if":
        found |= regression_figures(actual, predicted)
    if not fresh.empty and problem.slices(fresh):
        found["score_by_slice"] = score_by_slice(scores, fresh)
    if not fresh.empty and problem.TIME is not None:
        found["score_by_day"] = score_by_day(scores, fresh)
    return found
