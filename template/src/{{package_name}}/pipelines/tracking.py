"""The tracking store: SQLite in `mlruns/`, or the server that MLFLOW_TRACKING_URI names."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from ..errors import UserError

STORE = Path("mlruns")
NAME = __name__.partition(".")[0]  # the package names its experiment and its registered model
LONGEST_NAME = 250  # of a metric


@contextmanager
def tracking_store() -> Iterator[MlflowClient]:
    """A client of the store, which is made if it is a local one and not there yet.

    Raises:
        UserError: the store does not answer or refuses, or the project has moved.
    """
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)  # uv brings no pip
    local = f"sqlite:///{STORE}/mlflow.db"
    store = os.environ.get("MLFLOW_TRACKING_URI") or local
    STORE.mkdir(exist_ok=True)
    mlflow.set_tracking_uri(store)
    try:
        client = MlflowClient()
        # A server decides for itself where artifacts are kept.
        artifacts = (STORE / "artifacts").resolve().as_uri() if store == local else None
        known = client.get_experiment_by_name(NAME)
        if known is None:
            client.create_experiment(NAME, artifact_location=artifacts)
        elif artifacts and known.artifact_location != artifacts:
            raise UserError(
                f"the models in {STORE}/ were recorded as {known.artifact_location}, and the "
                f"project has moved since. Move it back, or delete {STORE}/mlflow.db to start anew"
            )
        mlflow.set_experiment(NAME)
        yield client
    except MlflowException as error:
        # The address may hold a password, which is nobody's to read.
        message = str(error.message).replace(store, "MLFLOW_TRACKING_URI")
        raise UserError(f"the tracking store did not do its part: {message}") from error


def metric_name(name: str) -> str:
    """The name as MLflow takes it: where it lets no such letter stand, or nothing, `_` does."""
    parts = re.sub(r"[^\w\- .:/]", "_", name).split("/")
    return "/".join(part if part.strip(".") else "_" for part in parts)[:LONGEST_NAME]


def newest_run(client: MlflowClient, query: str = "") -> Run | None:
    """The newest finished run, of those that the query describes, if there is one."""
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None  # tracking_store has made it
    whole = ["attributes.status = 'FINISHED'", "tags.fingerprint != ''"]  # no trials of a search
    finished = " and ".join(filter(None, [*whole, query]))
    runs = client.search_runs([experiment.experiment_id], finished, max_results=1)
    return runs[0] if runs else None
