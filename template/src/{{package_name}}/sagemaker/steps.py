"""The entry points of the containers: `prepare`, `train`, `evaluate` and `register`.

Each calls functions of `pipelines/` between folders that SageMaker fills before it starts a
container, and keeps afterwards. One MLflow run goes through all of them.
"""

import json
import os
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow import MlflowClient

from .. import model_file
from ..dataset import Split, sample_rows
from ..errors import UserError, run
from ..pipelines import steps, training
from ..pipelines.parameters import PARAMS, Params, read_params
from ..pipelines.tracking import NAME, metric_name, newest_run, tracking_store
from ..trained_model import TrainedModel

ROOT = Path(os.environ.get("SAGEMAKER_ROOT", "/opt/ml"))  # make sagemaker-local uses another
INPUT = ROOT / "processing/input"
ROWS, ORIGIN = "rows.parquet", "origin.json"


def read_prepared(folder: Path) -> tuple[pd.DataFrame, Split, Params, dict[str, Any]]:
    """Return what `prepare` has left: valid rows, their split, and what the run is made from."""
    origin = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))
    params = Params.model_validate(origin["params"])
    rows = steps.validate(pd.read_parquet(folder / ROWS))  # for types that Parquet lacks
    return rows, steps.split(rows, params), params, origin


def write_json(file: Path, values: dict[str, Any]) -> None:
    """Write values into a folder that may not exist."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def load(params: Params) -> pd.DataFrame:
    """Load the rows as `make pipeline` does."""
    return sample_rows() if os.environ["SAMPLE"] == "true" else steps.ingest(params)


@contextmanager
def tracked(**options: Any) -> Iterator[tuple[MlflowClient, str]]:
    """Start or resume a run, and yield its ID; afterwards it waits for the next container."""
    with tracking_store() as client, mlflow.start_run(**options) as active:
        yield client, active.info.run_id
        mlflow.end_run("SCHEDULED")


def read_model() -> tuple[TrainedModel, str]:
    """Return the model that `train` has left, and the ID of its run."""
    folder = ROOT / "processing/model"
    with tarfile.open(INPUT / "model/model.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    version = model_file.newest(folder)
    about = json.loads((version / model_file.ABOUT).read_text(encoding="utf-8"))
    return model_file.load(version), about["run_id"]


def prepare() -> None:
    """Load, validate and split the rows, and find out whether they are something new."""
    changes = [] if os.environ["SET"] == "none" else os.environ["SET"].split()
    params = read_params(INPUT / "project" / PARAMS, changes)
    rows = steps.validate(load(params))
    tags = training.origin_tags(rows, steps.split(rows, params), params)
    with tracking_store() as client:
        same = newest_run(client, f"tags.fingerprint = '{tags['fingerprint']}'")
    known = same.info.run_id if same and os.environ["FORCE"] != "true" else None
    origin = {"params": params.model_dump(mode="json"), "tags": tags, "known": known}
    write_json(ROOT / "processing/rows" / ORIGIN, origin)
    rows.reset_index(drop=True).to_parquet(ROOT / "processing/rows" / ROWS)
    if known:
        print(f"nothing new: run {known} had the same data, parameters and code")


def train() -> None:
    """Train, after a search for hyperparameters if there is one."""
    _, parts, params, origin = read_prepared(ROOT / "input/data/rows")
    if origin["known"]:
        write_json(ROOT / "model" / ORIGIN, origin)  # no artifact is empty
        return
    name = f"{params.data} {origin['tags']['git_commit'][:7]}"
    with tracked(run_name=name) as (_, run_id):
        training.log_origin(origin["tags"], parts)
        if params.search.trials:
            params = steps.search(parts.train, params)
        mlflow.log_params(params.flat())
        mlflow.log_dict(params.model_dump(mode="json", exclude={"search"}), PARAMS.name)
        model = steps.train(parts.train, params)
        model_file.save(model, {"run_id": run_id}, ROOT / "model")


def evaluate() -> None:
    """Evaluate the model, record the results, and say whether to register it."""
    rows, parts, params, origin = read_prepared(INPUT / "rows")
    file = ROOT / "processing/evaluation/evaluation.json"
    if origin["known"]:
        write_json(file, {"decision": "nothing new", "run_id": origin["known"]})
        return
    model, run_id = read_model()
    with tracked(run_id=run_id) as (client, _):
        found = steps.evaluate(client, model, rows, parts, params, lambda: load(params))
        steps.record(model, parts, found)
        mlflow.log_metrics({metric_name(name): one for name, one in found.metrics().items()})
    is_refused = os.environ["GATE"] == "true" and bool(found.failed)
    if is_refused:
        client.set_terminated(run_id)  # there is no next container
    decision = {"decision": "refuse" if is_refused else "register", "run_id": run_id}
    write_json(file, {**decision, "failed_checks": found.failed, "metrics": found.metrics()})
    checks = [f"  the gate would refuse it: {check}" for check in found.failed]
    print("\n".join([found.evaluation.report(), *checks]))


def register() -> None:
    """Register the model as a version."""
    (_, parts, _, _), (model, run_id) = read_prepared(INPUT / "rows"), read_model()
    with tracked(run_id=run_id) as (client, _):
        version = steps.register(client, model, parts)
    client.set_terminated(run_id)
    print(f"run {run_id} is version {version.version} of {NAME}")


def main() -> None:
    """Run a step, and leave the reason of a failure where SageMaker looks for it."""
    try:
        {step.__name__: step for step in (prepare, train, evaluate, register)}[sys.argv[1]]()
    except UserError as error:
        (ROOT / "output").mkdir(parents=True, exist_ok=True)
        for name in ("failure", "message"):  # of a training job, and of a processing job
            (ROOT / "output" / name).write_text(str(error), encoding="utf-8")
        raise


if __name__ == "__main__":
    run(main)
