"""Tests of runs: repeated, forced, searched, killed."""

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from taxi_ride_duration import problem
from taxi_ride_duration.pipelines import registry
from taxi_ride_duration.pipelines.parameters import Params
from taxi_ride_duration.pipelines.tracking import NAME
from taxi_ride_duration.pipelines.training import train_and_register


def runs(client: MlflowClient) -> list[Run]:
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], "tags.fingerprint != ''"))


@pytest.fixture
def trained(client: MlflowClient, few_rows: pd.DataFrame) -> MlflowClient:
    train_and_register(Params(), force=False)
    return client


def test_registering_a_run_again_gives_the_same_version(trained: MlflowClient) -> None:
    version = registry.versions(trained)[0]
    assert registry.register(trained, str(version.run_id)).version == version.version


def test_forced_training_learns_the_same_again(trained: MlflowClient) -> None:
    train_and_register(Params(), force=True)
    again = runs(trained)[0]
    same = again.data.tags["fingerprint"]
    first = [run for run in runs(trained) if run.data.tags["fingerprint"] == same][-1]
    assert again.info.run_id != first.info.run_id
    assert again.data.metrics[problem.METRIC] == first.data.metrics[problem.METRIC]


def test_a_search_decides_the_parameters_that_the_run_records(trained: MlflowClient) -> None:
    train_and_register(Params.model_validate({"search": {"trials": 1, "folds": 2}}), force=False)
    run = next(run for run in runs(trained) if run.data.params.get("search.trials") == "1")
    assert f"validation_{problem.METRIC}" not in run.data.metrics
    assert "seconds/search" in run.data.metrics


def test_another_gate_is_nothing_to_learn_from(trained: MlflowClient) -> None:
    before = len(runs(trained))
    train_and_register(Params.model_validate({"gate": {"alpha": 0.01}}), force=False)
    assert len(runs(trained)) == before


def test_a_run_whose_process_was_killed_is_closed_by_the_next(trained: MlflowClient) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    experiment = trained.get_experiment_by_name(NAME)
    assert experiment is not None
    tags = {"host": platform.node(), "process": str(ended.pid)}
    killed = trained.create_run(experiment.experiment_id, tags=tags)
    elsewhere = trained.create_run(experiment.experiment_id, tags=tags | {"host": "elsewhere"})
    train_and_register(Params(), force=False)
    assert trained.get_run(killed.info.run_id).info.status == "KILLED"
    assert trained.get_run(elsewhere.info.run_id).info.status == "RUNNING"


def test_requirements_are_named_where_the_package_itself_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(registry, "requires", nowhere)
    names = [line.partition("==")[0] for line in registry.requirements()]
    assert {"numpy", "pandas", "scikit-learn", "skops"} <= set(names)
