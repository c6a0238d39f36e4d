"""Search for better hyperparameters on the training set, with Optuna: https://optuna.org"""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import mlflow
import numpy as np
import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from sklearn.model_selection import KFold, TimeSeriesSplit

from .. import problem
from ..errors import UserError
from ..evaluate import scores_of
from ..train import fit
from .parameters import Params
from .tracking import metric_name, process_tags


def distribution(name: str, values: Any) -> BaseDistribution:
    """Return Optuna's distribution for an entry of `SEARCH_SPACE`."""
    if isinstance(values, BaseDistribution):
        return values
    if isinstance(values, (list, tuple)):
        return CategoricalDistribution(list(values))
    kind = getattr(getattr(values, "dist", None), "name", "")
    if kind in ("loguniform", "reciprocal", "uniform", "randint"):
        low, high = values.support()
        if kind == "randint":
            return IntDistribution(int(low), int(high))
        return FloatDistribution(float(low), float(high), log=kind != "uniform")
    raise UserError(
        f"problem.py: SEARCH_SPACE[{name!r}] is {type(values).__name__}. Use a list of values or a "
        "distribution of optuna.distributions"
    )


def create_study(trials: int) -> tuple[optuna.Study, dict[str, BaseDistribution], int]:
    """Return a study of the search space, and the number of its trials.

    If the space has no more points than trials, each of them is tried once.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {name: distribution(name, values) for name, values in problem.SEARCH_SPACE.items()}
    direction: Any = "minimize" if problem.LOWER_IS_BETTER else "maximize"
    sampler = optuna.samplers.TPESampler(seed=0)
    study = optuna.create_study(direction=direction, sampler=sampler)
    lists = [one.choices for one in space.values() if isinstance(one, CategoricalDistribution)]
    if len(lists) < len(space) or prod(map(len, lists)) > trials:
        return study, space, trials
    for values in product(*lists):
        study.enqueue_trial(dict(zip(space, values, strict=True)))
    return study, space, prod(map(len, lists))


def folds(rows: pd.DataFrame, count: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield training and validation sets; with a time, each validation set is newer."""
    if problem.TIME is None:
        splitter: Any = KFold(count, shuffle=True, random_state=0)
    else:
        rows, splitter = rows.sort_values(problem.TIME, kind="stable"), TimeSeriesSplit(count)
    for train, validation in splitter.split(rows):
        yield rows.iloc[train], rows.iloc[validation]


def cross_validate(rows: pd.DataFrame, model: dict[str, Any], count: int) -> np.ndarray:
    """Return the mean score of each fold's validation set."""
    return np.array(
        [
            scores_of(fit(train, **model), validation).mean()
            for train, validation in folds(rows, count)
        ]
    )


def best_hyperparameters(rows: pd.DataFrame, params: Params) -> dict[str, Any]:
    """Return the hyperparameters with the best mean score in cross-validation.

    Those of `params.yaml` take part, so that a search never makes the score on these rows worse.
    Each trial is a child run with the mean and the standard deviation of the folds' scores.
    """
    study, space, trials = create_study(params.search.trials)
    best, best_score = params.model, evaluate_trial(rows, params.model, params.search.folds)
    is_better = np.less if problem.LOWER_IS_BETTER else np.greater
    for _ in range(trials):
        trial = study.ask(space)
        model = params.model | trial.params
        score = evaluate_trial(rows, model, params.search.folds)
        study.tell(trial, score)
        if is_better(score, best_score):
            best, best_score = model, score
    return best


def evaluate_trial(rows: pd.DataFrame, model: dict[str, Any], count: int) -> float:
    """Cross-validate hyperparameters in a child run, and return the mean score."""
    with mlflow.start_run(nested=True, tags={"role": "search", **process_tags()}):
        scores = cross_validate(rows, model, count)
        mlflow.log_params({f"model.{name}": value for name, value in model.items()})
        mlflow.log_metric(metric_name(f"validation_{problem.METRIC}"), float(scores.mean()))
        mlflow.log_metric(metric_name(f"validation_{problem.METRIC}_std"), float(scores.std()))
    return float(scores.mean())
