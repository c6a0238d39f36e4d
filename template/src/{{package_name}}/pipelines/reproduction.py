"""Train the model of a version again, from its commit alone: `make reproduce VERSION=3`.

The commit is checked out into a temporary folder, with the environment of its `uv.lock`, the
parameters of the run and the present data. Exits with code 1 if the data or the metric differs.
"""

import argparse
import os
import subprocess
import tarfile
import tempfile
from io import BytesIO
from math import isclose
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run

from .. import problem
from ..errors import UserError, run
from . import registry
from .parameters import PARAMS
from .tracking import NAME, metric_name, newest_run, tracking_store

TOLERANCE = 1e-9  # sums of many numbers depend on the number of threads


def check_out(commit: str, folder: Path) -> None:
    """Write the files of the commit into the folder, and link the data files that it lacks."""
    archive = subprocess.run(["git", "archive", "--format=tar", commit], capture_output=True)
    if archive.returncode != 0:
        raise UserError(f"commit {commit} is not in this repository: run git fetch")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    if not (folder / "uv.lock").exists():
        raise UserError(f"commit {commit} has no uv.lock, so that its environment is unknown")
    for file in Path("data").glob("*"):
        link = folder / "data" / file.name
        if not link.exists():
            link.symlink_to(file.resolve())


def train_again(tracked: Run, folder: Path) -> Run:
    """Run the pipeline of the checked-out commit with the parameters of a run."""
    mlflow.artifacts.download_artifacts(
        run_id=tracked.info.run_id, artifact_path=PARAMS.name, dst_path=str(folder)
    )
    (folder / "mlruns").mkdir(exist_ok=True)
    store = f"sqlite:///{folder}/mlruns/mlflow.db"
    own = ("VIRTUAL_ENV", "UV_ENV_FILE")  # of this project; what .env sets is in the environment
    variables = {name: value for name, value in os.environ.items() if name not in own}
    command = ["uv", "run", "--locked", "--all-extras", "python", "-m", f"{NAME}.pipelines"]
    finished = subprocess.run(
        [*command, "--force"], cwd=folder, env=variables | {"MLFLOW_TRACKING_URI": store}
    )
    if finished.returncode != 0:
        raise UserError("the pipeline of that commit failed, as shown above")
    again = newest_run(MlflowClient(store))
    assert again is not None  # the pipeline has succeeded
    return again


def compare(then: Run, now: Run) -> str:
    """Return the metric of both runs, as text; refuse different data or another metric."""
    data = [one.data.tags["data_version"] for one in (then, now)]
    if data[0] != data[1]:
        raise UserError(f"the data has changed: its version was {data[0]} and is {data[1]}")
    name = metric_name(problem.METRIC)
    old, new = (one.data.metrics.get(name, float("nan")) for one in (then, now))
    if not isclose(old, new, rel_tol=TOLERANCE):
        raise UserError(f"the same data gave {problem.METRIC} {new}, and {old} then")
    return f"{problem.METRIC} {new:.6g}"


def main() -> None:
    """Reproduce a version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="the number of a version; by default the champion")
    with tracking_store() as client:
        version = registry.champion_or(client, parser.parse_args().version)
        tracked = client.get_run(str(version.run_id))
        commit = tracked.data.tags["git_commit"]
        if commit == "unknown" or commit.endswith("-dirty"):
            raise UserError(f"version {version.version} was trained on uncommitted code")
        with tempfile.TemporaryDirectory() as folder:
            check_out(commit, Path(folder))
            metric = compare(tracked, train_again(tracked, Path(folder)))
    print(f"version {version.version} is reproduced: the same data, {metric}")


if __name__ == "__main__":
    run(main)
