"""Train the model of a version again, from its commit alone: `make reproduce VERSION=3`.

The commit is checked out into a temporary folder, with the environment of its `uv.lock` and the
present data. Exits with code 1 if the data or the metric is another one.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from .. import problem
from ..errors import UserError, run
from . import registry
from .tracking import NAME, metric_name, newest_run, tracking_store

TOLERANCE = 1e-9  # relative: sums of many numbers depend on the number of threads


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


def changes_of(tracked: Run) -> list[str]:
    """Return the parameters of a run as changes of `params.yaml`; its search is not repeated."""
    parts = ("data.", "split.", "model.")
    values = {name: value for name, value in tracked.data.params.items() if name.startswith(parts)}
    changes = [f"{name}={value}" for name, value in values.items() if value != "None"]
    return [*changes, "search.trials=0"]


def train_again(tracked: Run, folder: Path) -> Run:
    """Run the pipeline of the checked-out commit with the parameters of a run."""
    store = f"sqlite:///{folder}/mlruns/mlflow.db"
    (folder / "mlruns").mkdir(exist_ok=True)
    own = ("VIRTUAL_ENV", "UV_ENV_FILE")  # of this project; what .env sets is in the environment
    environment = {name: value for name, value in os.environ.items() if name not in own}
    module = [sys.executable.rpartition("/")[2], "-m", f"{NAME}.pipelines"]
    command = [
        "uv",
        "run",
        "--locked",
        "--all-extras",
        *module,
        "--force",
        "--set",
        *changes_of(tracked),
    ]
    environment |= {"MLFLOW_TRACKING_URI": store}
    if subprocess.run(command, cwd=folder, env=environment).returncode != 0:
        raise UserError("the pipeline of that commit failed, as shown above")
    again = newest_run(MlflowClient(store))
    assert again is not None  # the pipeline has succeeded
    return again


def main() -> None:
    """Reproduce a version and compare data and metric."""
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
        again = train_again(tracked, Path(folder))
    names = ("data_version", metric_name(problem.METRIC))
    then, now = (
        (one.data.tags[names[0]], one.data.metrics.get(names[1])) for one in (tracked, again)
    )
    if then[0] != now[0]:
        raise UserError(f"the data is another one: version {now[0]}, then {then[0]}")
    if then[1] is None or now[1] is None or abs(then[1] - now[1]) > TOLERANCE * abs(then[1]):
        raise UserError(f"the same data gave {problem.METRIC} {now[1]}, then {then[1]}")
    print(f"version {version.version} is reproduced: the same data, {problem.METRIC} {now[1]:.6g}")


if __name__ == "__main__":
    run(main)
