"""The model registry: every registered model is a version, and one version is the champion.

`make register RUN_ID=...` registers the model of an earlier run by hand.
"""

import argparse
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as installed
from pathlib import Path

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from packaging.requirements import Requirement

from .. import model_file, problem
from ..errors import UserError, run
from ..lineage import environment
from ..trained_model import TrainedModel
from .tracking import NAME, newest_run, tracking_store

CHAMPION = "champion"
LINEAGE = ["data_version", "git_commit", "trained_until", "test_share"]


def register(client: MlflowClient, run_id: str) -> ModelVersion:
    """Return the version of the run's model, a new one unless the run has been registered.

    Its tags name the data, the code and the split of the run.
    """
    known = client.search_model_versions(f"name = '{NAME}' and run_id = '{run_id}'")
    if known:
        return known[0]
    tracked = client.get_run(run_id)
    if tracked.outputs is None or not tracked.outputs.model_outputs:
        raise UserError(f"run {run_id} has no model to register")
    model = client.get_logged_model(tracked.outputs.model_outputs[0].model_id)
    tags = {name: value for name, value in tracked.data.tags.items() if name in LINEAGE}
    with suppress(MlflowException):  # it exists
        client.create_registered_model(NAME)
    return client.create_model_version(
        NAME, model.artifact_location, run_id, tags, model_id=model.model_id
    )


def versions(client: MlflowClient) -> list[ModelVersion]:
    """Return all versions, the newest first."""
    found = client.search_model_versions(f"name = '{NAME}'")
    return sorted(found, key=lambda version: int(version.version), reverse=True)


def champion(client: MlflowClient) -> ModelVersion | None:
    """Return the champion, if a version has been promoted."""
    return by_alias(client, CHAMPION)


def by_alias(client: MlflowClient, alias: str) -> ModelVersion | None:
    """Return the version with the alias, if there is one."""
    try:
        return client.get_model_version_by_alias(NAME, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


def numbered(client: MlflowClient, number: str | None) -> ModelVersion:
    """Return the version of that number, or the newest."""
    known = versions(client)
    if not known:
        raise UserError("the registry has no version: run make pipeline")
    for version in known:
        if number in (None, str(version.version)):
            return version
    numbers = ", ".join(str(version.version) for version in known)
    raise UserError(f"{NAME} has no version {number}, only {numbers}")


def champion_or(client: MlflowClient, number: str | None) -> ModelVersion:
    """Return the version of that number, or the champion."""
    found = champion(client) if number is None else numbered(client, number)
    if found is None:
        raise UserError("there is no champion: run make promote, or name a version with VERSION=")
    return found


def load_model(version: ModelVersion) -> TrainedModel:
    """Load the model of a version with the `problem.py` it was trained with."""
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{NAME}/{version.version}"))
    return model_file.load(folder)


def requirements() -> list[str]:
    """Return the packages that this one depends on, with the installed versions.

    Where the package itself is not installed, as in an image, they are all that are installed.
    """
    try:
        needed = [Requirement(text) for text in requires(NAME) or []]
    except PackageNotFoundError:
        return environment()[1:]
    return [f"{need.name}=={installed(need.name)}" for need in needed if need.marker is None]


def trained_until(rows: pd.DataFrame) -> str:
    """Return the time of the newest row of a training set; empty without times."""
    if problem.TIME is None:
        return ""
    return str(rows[problem.TIME].max().isoformat())


def main() -> None:
    """Register the model of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", help="the ID of a run; by default the newest finished one")
    arguments = parser.parse_args()
    with tracking_store() as client:
        finished = client.get_run(arguments.run) if arguments.run else newest_run(client)
        if finished is None:
            raise UserError("there is no finished run to register: run make pipeline")
        version = register(client, finished.info.run_id)
    print(f"run {finished.info.run_id} is version {version.version} of {NAME}")


if __name__ == "__main__":
    run(main)
