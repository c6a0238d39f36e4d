"""The model registry: every trained model is a version, one of them is the champion.

`make register RUN=...` registers the model of an earlier run by hand.
"""

import argparse
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from .. import model_file, problem
from ..errors import UserError, run
from .tracking import NAME, newest_run, tracking_store

CHAMPION = "champion"
LINEAGE = ["data_version", "git_commit", "trained_until", "test_share"]


def register(client: MlflowClient, run_id: str) -> ModelVersion:
    """The version of the run's model, new or, if the run has been registered before, the same.

    Its tags say which data, code and split it comes from.

    Raises:
        UserError: the run has no model.
    """
    known = client.search_model_versions(f"name = '{NAME}' and run_id = '{run_id}'")
    if known:
        return known[0]
    tracked = client.get_run(run_id)
    if tracked.outputs is None or not tracked.outputs.model_outputs:
        raise UserError(f"run {run_id} has no model to register")
    model = client.get_logged_model(tracked.outputs.model_outputs[0].model_id)
    tags = tracked.data.tags
    tags = {name: tags[name] for name in LINEAGE if name in tags}
    with suppress(MlflowException):  # it is there already
        client.create_registered_model(NAME)
    return client.create_model_version(
        NAME, model.artifact_location, run_id, tags, model_id=model.model_id
    )


def versions(client: MlflowClient) -> list[ModelVersion]:
    """All versions, the newest first."""
    found = client.search_model_versions(f"name = '{NAME}'")
    return sorted(found, key=lambda version: int(version.version), reverse=True)


def champion(client: MlflowClient) -> ModelVersion | None:
    """The version that serves, if one has been promoted."""
    return by_alias(client, CHAMPION)


def by_alias(client: MlflowClient, alias: str) -> ModelVersion | None:
    """The version that has the alias, if there is one."""
    try:
        return client.get_model_version_by_alias(NAME, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


def load_model(version: ModelVersion) -> Any:
    """The model itself, opened with the types that `problem.py` trusts and no others."""
    folder = mlflow.artifacts.download_artifacts(f"models:/{NAME}/{version.version}")
    return model_file.load(Path(folder) / "model.skops")


def trained_until(rows: pd.DataFrame) -> str:
    """The time of the newest of the rows that a model learned from; empty without times."""
    if problem.TIME is None:
        return ""
    newest: datetime = rows[problem.TIME].max()
    return newest.isoformat()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", help="the id of a run; without it, the newest finished one")
    arguments = parser.parse_args()
    with tracking_store() as client:
        finished = client.get_run(arguments.run) if arguments.run else newest_run(client)
        if finished is None:
            raise UserError("there is no finished run to register: run make pipeline")
        version = register(client, finished.info.run_id)
    print(f"run {finished.info.run_id} is version {version.version} of {NAME}")


if __name__ == "__main__":
    run(main)
