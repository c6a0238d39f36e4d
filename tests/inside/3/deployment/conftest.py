"""A registry with a champion."""

from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from taxi_ride_duration.pipelines import registry, tracking
from taxi_ride_duration.pipelines.parameters import Params
from taxi_ride_duration.pipelines.training import train_and_register


@pytest.fixture(scope="session")
def trained_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tracking store for all tests, whose versions all are the same run."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def with_champion(
    trained_store: Path, few_rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> MlflowClient:
    """Return a client of the tracking store; version 1 is the champion."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(tracking, "STORE", trained_store)
    with tracking.tracking_store() as client:
        if registry.champion(client) is None:
            train_and_register(Params(), force=False)
            client.set_registered_model_alias(tracking.NAME, registry.CHAMPION, "1")
        return client
