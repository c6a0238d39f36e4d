"""Search for better hyperparameters on the training set, with Optuna (https://optuna.org)."""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import mlflow
import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution
from sklearn.model_selection import KFold, TimeSeriesSplit

from .. import problem
from ..errors import UserError
from ..evaluate import scores_of
from ..train import fit
from .parameters import Params
from .tracking import metric_name, process_tags


def search_space() -> dict[str, BaseDistribution]:
    """Return `SEARCH_SPACE` as distributions of Optuna; a list is a choice of its values."""
    space: dict[str, BaseDistribution] = {}
    for name, values in problem.SEARCH_SPACE.items():
        if isinstance(values, (list, tuple)):
            values = CategoricalDistribution(list(values))
        if not isinstance(values, BaseDistribution):
            raise UserError(
                f"problem.py: SEARCH_SPACE[{name!r}] is {type(values).__name__}. Use a list of "
                "values, or a distribution of optuna.distributions"
            )
        space[name] = values
    return space


def create_study(space: dict[str, BaseDistribution], trials: int) -> tuple[optuna.Study, int]:
    """Return a study and the number of its trials.

    If the space has no more points than trials, each of them is tried once.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    direction: Any = "minimize" if problem.LOWER_IS_BETTER else "maximize"
    study = optuna.create_study(direction=direction, sampler=optuna.samplers.TPESampler(seed=0))
    lists = [one.choices for one in space.values() if isinstance(one, CategoricalDistribution)]
    points = prod(map(len, lists))
    if len(lists) < len(space) or points > trials:
        return study, trials
    for values in product(*lists):
        study.enqueue_trial(dict(zip(space, values, strict=True)))
    return study, points


def folds(rows: pd.DataFrame, count: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield training and validation sets; with a time, each validation set is newer."""
    if problem.TIME is None:
        splitter: Any = KFold(count, shuffle=True, random_state=0)
    else:
        rows, splitter = rows.sort_values(problem.TIME, kind="stable"), TimeSeriesSplit(count)
    for train, validation in splitter.split(rows):
        yield rows.iloc[train], rows.iloc[validation]


def cross_validate(rows: pd.DataFrame, model: dict[str, Any], count: int) -> float:
    """Return the mean score over the folds, and record it in a child run."""
    with mlflow.start_run(nested=True, tags={"role": "search", **process_tags()}):
        mlflow.log_params({f"model.{name}": value for name, value in model.items()})
        pairs = folds(rows, count)
        means = [scores_of(fit(train, **model), validation).mean() for train, validation in pairs]
        mlflow.log_metric(metric_name(f"validation_{problem.METRIC}"), float(np.mean(means)))
        mlflow.log_metric(metric_name(f"validation_{problem.METRIC}_std"), float(np.std(means)))
    return float(np.mean(means))


def best_hyperparameters(rows: pd.DataFrame, params: Params) -> dict[str, Any]:
    """Return the hyperparameters with the best mean score in cross-validation.

    Those of `params.yaml` take part, so that a search never makes the score on these rows worse.
    """
    space = search_space()
    study, trials = create_study(space, params.search.trials)
    best, best_score = params.model, cross_validate(rows, params.model, params.search.folds)
    is_better = np.less if problem.LOWER_IS_BETTER else np.greater
    for _ in range(trials):
        trial = study.ask(space)
        model = params.model | trial.params
        score = cross_validate(rows, model, params.search.folds)
        study.tell(trial, score)
        if is_better(score, best_score):
            best, best_score = model, score
    return best
