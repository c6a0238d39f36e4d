"""Tests of the search for hyperparameters."""

from inspect import signature

import optuna
import pandas as pd
import pytest
import scipy.stats
from mlflow import MlflowClient
from optuna.distributions import CategoricalDistribution, FloatDistribution
from taxi_ride_duration import problem
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.pipelines import search
from taxi_ride_duration.pipelines.parameters import Params
from taxi_ride_duration.pipelines.tracking import NAME

TWO_TRIALS = Params.model_validate({"search": {"trials": 2, "folds": 2}})


def test_the_search_space_names_arguments_of_the_model() -> None:
    assert problem.SEARCH_SPACE.keys() <= signature(problem.build_model).parameters.keys()
    assert search.search_space().keys() == problem.SEARCH_SPACE.keys()


def test_a_search_space_has_lists_and_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    space = {"list": [1, 2], "distribution": FloatDistribution(0, 1)}
    monkeypatch.setattr(problem, "SEARCH_SPACE", space)
    expected = {"list": CategoricalDistribution([1, 2]), "distribution": FloatDistribution(0, 1)}
    assert search.search_space() == expected


@pytest.mark.parametrize("values", [5, "abc", scipy.stats.loguniform(0.01, 1)])
def test_another_kind_of_values_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, values: object
) -> None:
    monkeypatch.setattr(problem, "SEARCH_SPACE", {"x": values})
    with pytest.raises(UserError, match=r"SEARCH_SPACE\['x'\]"):
        search.search_space()


def test_a_grid_with_fewer_points_than_trials_is_tried_once(
    monkeypatch: pytest.MonkeyPatch, rows: pd.DataFrame
) -> None:
    tried: list[object] = []

    def cross_validate(rows: pd.DataFrame, model: dict[str, object], folds: int) -> float:
        tried.append(tuple(model.items()))
        return 1.0

    monkeypatch.setattr(problem, "SEARCH_SPACE", {"a": [1, 2], "b": [3, 4]})
    monkeypatch.setattr(search, "cross_validate", cross_validate)
    search.best_hyperparameters(rows, Params.model_validate({"search": {"trials": 50}}))
    assert len(tried) == len(set(tried)) == 5  # with those of params.yaml


def test_the_best_trial_wins_and_each_is_a_child_run(
    client: MlflowClient, rows: pd.DataFrame
) -> None:
    if not problem.SEARCH_SPACE:
        pytest.skip("the problem has nothing to search")
    best = search.best_hyperparameters(rows, TWO_TRIALS)
    found = search.cross_validate(rows, best, 2)
    before = search.cross_validate(rows, {}, 2)
    assert found <= before if problem.LOWER_IS_BETTER else found >= before
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    children = client.search_runs([experiment.experiment_id], "tags.role = 'search'")
    assert 4 <= len(children) <= 5
    measured = children[0].data.metrics.keys()
    assert {f"validation_{problem.METRIC}", f"validation_{problem.METRIC}_std"} <= measured


def test_validation_sets_are_newer_than_their_training_sets(rows: pd.DataFrame) -> None:
    for train, validation in search.folds(rows.sample(frac=1, random_state=0), 3):
        assert not set(train.index) & set(validation.index)
        if problem.TIME is not None:
            assert train[problem.TIME].max() <= validation[problem.TIME].min()


def test_the_hyperparameters_of_the_file_win_where_none_is_better(
    rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "cross_validate", lambda rows, model, folds: 1.0)
    assert search.best_hyperparameters(rows, TWO_TRIALS) == TWO_TRIALS.model


def test_the_same_search_twice_tries_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem, "SEARCH_SPACE", {"x": FloatDistribution(0, 1)})
    space = search.search_space()
    drawn = []
    for _ in range(2):
        study, _ = search.create_study(space, 3)
        drawn.append(study.ask(space).params)
    assert drawn[0] == drawn[1]
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
