"""The tracking store: SQLite in `mlruns/`, or the server that MLFLOW_TRACKING_URI names."""

import logging
import os
import platform
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
    """Yield a client of the store; a local store is created if it does not exist."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)  # uv installs no pip
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
                f"{STORE}/ was created as {known.artifact_location}, and the project has been "
                f"moved since. Move it back, or delete {STORE}/mlflow.db to start again"
            )
        mlflow.set_experiment(NAME)
        yield client
    except MlflowException as error:
        # The address may contain a password.
        message = str(error.message).replace(store, "MLFLOW_TRACKING_URI")
        raise UserError(f"tracking store: {message}") from error


def process_tags() -> dict[str, str]:
    """Return the tags by which `close_killed_runs` finds the process of a run."""
    return {"host": platform.node(), "process": str(os.getpid())}


def close_killed_runs(client: MlflowClient) -> None:
    """Set the status of runs whose process on this machine was killed, from RUNNING to KILLED."""
    if os.name != "posix":  # elsewhere a process cannot be looked up without a library
        return
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None  # tracking_store has created it
    query = f"attributes.status = 'RUNNING' and tags.host = '{platform.node()}'"
    for run in client.search_runs([experiment.experiment_id], query):
        try:
            os.kill(int(run.data.tags["process"]), 0)  # sends no signal
        except ProcessLookupError:
            client.set_terminated(run.info.run_id, "KILLED")
        except (KeyError, ValueError, PermissionError):
            continue


def metric_name(name: str) -> str:
    """Return the name as MLflow accepts it, with `_` for other characters."""
    parts = re.sub(r"[^\w\- .:/]", "_", name).split("/")
    return "/".join(part if part.strip(".") else "_" for part in parts)[:LONGEST_NAME]


def newest_run(client: MlflowClient, query: str = "") -> Run | None:
    """Return the newest finished run that matches the query, if there is one."""
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None  # tracking_store has created it
    whole = ["attributes.status = 'FINISHED'", "tags.fingerprint != ''"]  # no trials of a search
    finished = " and ".join(filter(None, [*whole, query]))
    runs = client.search_runs([experiment.experiment_id], finished, max_results=1)
    return runs[0] if runs else None
