"""The challengers: the champion moved to a new level, and a model trained anew."""

import inspect
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_regressor
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from .. import problem
from ..deployment.schema import row_schema
from ..errors import UserError
from ..predict import predict
from ..trained_model import TrainedModel
from .detector import moved, reference_of, residuals
from .observations import Taught, loss_of_rows
from .state import Change, Fit, Model, Reference

MOVED = "champion"  # the name of a recalibrated model inside what moves it
FEWEST_DAYS = 2  # whose means tell how much days differ


def candidate(
    role: str,
    version: str,
    load: Callable[[str], TrainedModel],
    order: Fit,
    taught: Taught,
    champion: Model,
) -> Model:
    """Return a challenger's version, with what its residuals are when nothing changes."""
    if role == "recalibrated" and order.change is not None:
        days = (order.through - order.change.day).days + 1
        return Model(version, order.through, moved(champion.reference, days), champion.first)
    reference = in_sample_reference(load(version), taught, order.change)
    return Model(version, order.through, reference, order.first)


def recalibrated(champion: TrainedModel, shift: float, reference: Reference) -> TrainedModel | None:
    """Return the champion moved by the mean residual; None where that has no meaning.

    Residuals that are ratios move by a factor, differences by a term. It is built of scikit-learn
    alone, so that it is kept, exported and served as any other model; a champion that has been
    moved before is moved further, not wrapped again.
    """
    if reference.kind == "loss":
        return None
    first_steps, last = split_pipeline(champion.estimator)
    model, factor, term = unwrapped(last)
    if reference.kind == "ratio":
        factor, term = factor * np.exp(shift), term * np.exp(shift)
    else:
        term += shift * reference.scale
    level = LinearRegression()
    level.coef_, level.intercept_ = np.array([factor], dtype=float), float(term)
    level.n_features_in_ = 1
    stacked = StackingRegressor([(MOVED, model)], LinearRegression(), cv="prefit")
    # What fit would set, as far as predict asks for it: skops does not trust the rest.
    stacked.estimators_ = [model]
    stacked.final_estimator_, stacked.stack_method_ = level, ["predict"]
    moved = Pipeline([*first_steps, (MOVED, stacked)]) if first_steps else stacked
    return TrainedModel(moved, champion.problem)


def split_pipeline(model: Any) -> tuple[list[tuple[str, Any]], Any]:
    """Return the steps of a pipeline but the last, and the last; another model has no steps.

    Only the last is moved: what comes before it takes text, which a moved model could not export.
    """
    if isinstance(model, Pipeline):
        return model.steps[:-1], model.steps[-1][1]
    return [], model


def unwrapped(model: Any) -> tuple[Any, float, float]:
    """Return the model inside a recalibrated one, its factor and term; another one as it is."""
    if isinstance(model, StackingRegressor) and [name for name, _ in model.estimators] == [MOVED]:
        level = model.final_estimator_
        return model.estimators_[0], float(level.coef_[0]), float(level.intercept_)
    return model, 1.0, 0.0


def retrained(
    taught: Taught,
    change: Change | None,
    reference: Reference | None,
    weight: float,
    params: Mapping[str, Any],
) -> TrainedModel:
    """Return the problem's model, fitted to the rows.

    After a change, rows from before it still tell how one row differs from another, and the few
    new ones what the level is: the old ones are moved by its shift, in units of the champion's
    residuals, and weigh less. Where a model takes no weights, a share of them stands for all.
    """
    rows = taught.rows
    target = rows[problem.TARGET].to_numpy()
    if change is None:
        return fit_weighted(rows, target, None, params)
    old = taught.days < np.datetime64(change.day)
    if old.all():
        raise UserError(f"there are no rows with ground truth since the change on {change.day}")
    if reference is not None:
        target = np.where(old, moved_target(target, change.shift, reference), target)
    weights = np.where(old, weight, 1.0)
    if weights_argument(problem.build_model(**params)):
        return fit_weighted(rows, target, weights, params)
    kept = np.random.default_rng(0).random(len(rows)) < weights
    return fit_weighted(rows[kept], target[kept], None, params)


def fit_weighted(
    rows: pd.DataFrame, target: np.ndarray, weights: np.ndarray | None, params: Mapping[str, Any]
) -> TrainedModel:
    """Return the problem's model, fitted to the target, with these weights or all alike."""
    model = problem.build_model(**params)
    given = {} if weights is None else {weights_argument(model): weights}
    try:
        model.fit(pd.DataFrame(problem.features(rows)), target, **given)
        return TrainedModel(model, problem)
    except ValueError as error:
        raise UserError(f"the model cannot learn from these {len(rows)} rows: {error}") from error


def weights_argument(model: Any) -> str:
    """Return the name of `fit`'s weights, in a pipeline those of its last step; or nothing."""
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        inner = weights_argument(last)
        return f"{name}__{inner}" if inner else ""
    takes = "sample_weight" in inspect.signature(model.fit).parameters
    return "sample_weight" if takes else ""


def moved_target(target: np.ndarray, shift: float, reference: Reference) -> np.ndarray:
    """Return the target as it would be after the shift, within what the schema allows.

    Whole numbers stay whole; labels, whose residuals are losses, stay what they are.
    """
    if reference.kind == "loss":
        return target
    whole = target.dtype.kind in "iu"
    if reference.kind == "ratio":
        values = target * np.exp(shift)
    else:
        values = target + shift * reference.scale
    return np.clip(np.rint(values) if whole else values, *limits(whole)).astype(target.dtype)


def limits(whole: bool) -> tuple[float, float]:
    """Return the smallest and the largest value of the target that the schema allows."""
    field = row_schema(problem.SCHEMA, problem.TARGET).target
    low = -np.inf if field.ge is None else field.ge
    high = np.inf if field.le is None else field.le
    if field.gt is not None:
        low = max(low, np.floor(field.gt) + 1 if whole else np.nextafter(field.gt, np.inf))
    if field.lt is not None:
        high = min(high, np.ceil(field.lt) - 1 if whole else np.nextafter(field.lt, -np.inf))
    return low, high


def unseen(model: Any, actual: np.ndarray, predicted: np.ndarray, losses: np.ndarray) -> Reference:
    """Return a reference of no days, which says of which kind the model's residuals are.

    Ratios, if the rows say that values are positive; differences otherwise; losses for a model
    that gives labels. All arrays have the shape (rows,).
    """
    if not is_regressor(model):
        return Reference("loss", float(abs(losses.mean())) or 1.0, 0.0, 0.0, 0)
    if (actual > 0).all() and (predicted > 0).all():
        return Reference("ratio", 1.0, 0.0, 0.0, 0)
    return Reference("difference", float(np.std(actual)) or 1.0, 0.0, 0.0, 0)


def in_sample_reference(model: TrainedModel, taught: Taught, change: Change | None) -> Reference:
    """Return what residuals are on the rows since the change that the model has learned from.

    Only of which kind they are, where there are fewer than two days of them, or where residuals
    are losses: those are smaller on rows learned from than on any others.
    """
    new = taught.days >= np.datetime64(change.day if change else date.min)
    rows, days = taught.rows[new], taught.days[new]
    actual, predicted = rows[problem.TARGET].to_numpy(), predict(model, rows)
    losses = loss_of_rows(actual, predicted, rows)
    blank = unseen(model.estimator, actual, predicted, losses)
    names = np.unique(days)
    if blank.kind == "loss" or len(names) < FEWEST_DAYS:
        return blank
    found = residuals(actual, predicted, losses, blank)
    return reference_of(blank, {day.item(): float(found[days == day].mean()) for day in names})
