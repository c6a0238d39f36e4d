"""Search for better model parameters, on the training rows alone."""

from typing import Any

import mlflow
import pandas as pd
from sklearn.model_selection import ParameterGrid, ParameterSampler

from .. import problem
from ..dataset import Split, split_rows
from ..evaluate import scores_of
from ..train import fit
from .parameters import Params
from .tracking import metric_name


def candidates(trials: int) -> list[dict[str, Any]]:
    """Points of `problem.SEARCH_SPACE`: all of them if there are no more than `trials`."""
    every = ParameterGrid(problem.SEARCH_SPACE)
    if len(every) <= trials:
        return list(every)
    return list(ParameterSampler(problem.SEARCH_SPACE, trials, random_state=0))


def inner_split(rows: pd.DataFrame, params: Params) -> Split:
    """Training rows to try parameters on, and others, the newest if there is a time, to compare."""
    return split_rows(rows, params.split.test_share, salt=1)


def validation_score(split: Split, parameters: dict[str, Any]) -> float:
    """The mean score on the split's test rows of a model fitted to its training rows."""
    return float(scores_of(fit(split.train, **parameters), split.test).mean())


def best_parameters(rows: pd.DataFrame, params: Params) -> dict[str, Any]:
    """The model parameters that score best on the newest of the rows; a child run for each trial.

    What `params.yaml` says takes part, so that a search never makes things worse on these rows.
    The rows must not hold those that judge the model later.
    """
    split = inner_split(rows, params)
    trials = [params.model, *(params.model | tried for tried in candidates(params.search.trials))]
    scores = []
    for tried in trials:
        with mlflow.start_run(nested=True, tags={"role": "search"}):
            scores.append(validation_score(split, tried))
            mlflow.log_params({f"model.{name}": value for name, value in tried.items()})
            mlflow.log_metric(metric_name(f"validation_{problem.METRIC}"), scores[-1])
    best = min(scores) if problem.LOWER_IS_BETTER else max(scores)
    return trials[scores.index(best)]
