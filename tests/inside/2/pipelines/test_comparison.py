"""Tests of the comparison with a champion of another schema."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from taxi_ride_duration import problem
from taxi_ride_duration.dataset import validate_rows
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.pipelines import registry
from taxi_ride_duration.pipelines.comparison import compare, origin
from taxi_ride_duration.pipelines.gate import Scores
from taxi_ride_duration.pipelines.parameters import GateParams, Params
from taxi_ride_duration.pipelines.promotion import promote
from taxi_ride_duration.pipelines.registry import numbered
from taxi_ride_duration.pipelines.training import train_and_register

PARAMS = Params(gate=GateParams(min_test_rows=5))  # there may be few rows


@pytest.fixture
def with_champion(client: MlflowClient, few_rows: pd.DataFrame) -> MlflowClient:
    if registry.champion(client) is None:
        train_and_register(PARAMS, force=False)
        promote(client, numbered(client, None), PARAMS)
    return client


def test_without_any_version_the_error_says_what_to_do(client: MlflowClient) -> None:
    with pytest.raises(UserError, match="make pipeline"):
        numbered(client, None)


def test_a_version_that_does_not_exist_is_refused(with_champion: MlflowClient) -> None:
    with pytest.raises(UserError, match="no version 99"):
        numbered(with_champion, "99")


def test_a_champion_whose_column_is_gone_is_scored_on_the_rows_as_loaded(
    with_champion: MlflowClient, few_rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The column is no longer in the schema, but `load` still has it."""
    column = next(
        name for name in problem.SCHEMA.columns if name not in (problem.TARGET, problem.TIME)
    )
    scores = comparison_with_champion(with_champion, few_rows)
    if problem.TIME is None:
        pytest.skip("without a time, another schema selects another test set")
    smaller = problem.SCHEMA.remove_columns([column])
    monkeypatch.setattr(problem, "SCHEMA", smaller)
    again = comparison_with_champion(with_champion, few_rows)
    assert again.failure is None
    np.testing.assert_array_equal(again.champion, scores.champion)


def test_a_champion_that_cannot_be_scored_is_named_and_can_be_ignored(
    with_champion: MlflowClient, few_rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    column = next(
        name for name in problem.SCHEMA.columns if name not in (problem.TARGET, problem.TIME)
    )
    monkeypatch.setattr(problem, "SCHEMA", problem.SCHEMA.remove_columns([column]))
    scores = comparison_with_champion(with_champion, few_rows.drop(columns=column))
    assert scores.champion is None
    assert "cannot be scored" in str(scores.failure)
    assert (column if problem.TIME else "another test set") in str(scores.failure)
    assert comparison_with_champion(with_champion, few_rows, with_champion=False).failure is None


def comparison_with_champion(
    client: MlflowClient, rows: pd.DataFrame, with_champion: bool = True
) -> Scores:
    """Compare a model that knows only the baseline with the champion."""
    current = registry.champion(client)
    assert current is not None
    constant = np.asarray(problem.baseline(rows[problem.TARGET].to_numpy()))
    model: Any = SimpleNamespace(
        problem=problem,
        predict=lambda rows: np.broadcast_to(constant, (len(rows), *constant.shape)),
    )
    valid = validate_rows(rows)
    scores, _ = compare(client, model, origin(current), valid, lambda: rows, with_champion)
    return scores


def test_without_rows_that_are_new_to_the_champion_nothing_is_promoted(
    with_champion: MlflowClient, few_rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    if problem.TIME is None:
        pytest.skip("without a time, a row is new to every model or to none")
    older = few_rows.sort_values(problem.TIME).head(len(few_rows) // 2)
    monkeypatch.setattr(problem, "load", lambda start, end: older)
    train_and_register(PARAMS, force=True)
    with pytest.raises(UserError, match="0 fresh rows are too few"):
        promote(with_champion, numbered(with_champion, None), PARAMS)
