"""Tests of the tracking store."""

import shutil
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.pipelines import tracking


@pytest.mark.usefixtures("client")
def test_a_project_that_has_moved_is_told_so(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = shutil.copytree(store, tmp_path / "moved")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(tracking, "STORE", moved)
    with pytest.raises(UserError, match="has been moved"), tracking.tracking_store():
        pass


def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match="tracking store") as told, tracking.tracking_store():
        pass
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "name",
    ["error/size/c\u2013d", 'error/it\'s "x" $', "error/kind/", "error//x", "error/..", "e" * 999],
)
def test_a_metric_is_recorded_whatever_a_slice_is_called(client: MlflowClient, name: str) -> None:
    with mlflow.start_run() as run:
        mlflow.log_metrics({tracking.metric_name(name): 1.0})
    assert list(client.get_run(run.info.run_id).data.metrics.values()) == [1.0]


def test_a_usual_name_of_a_metric_stays() -> None:
    name = "absolute_error/time of day/late"
    assert tracking.metric_name(name) == name
