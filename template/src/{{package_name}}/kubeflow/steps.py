"""The components of the pipeline: functions of `pipelines/`, each in a process, between files."""

import json
import sys
from functools import partial
from math import isfinite
from pathlib import Path

import mlflow
import pandas as pd
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from .. import model_file
from ..dataset import Split
from ..errors import UserError
from ..lineage import data_version
from ..pipelines import steps
from ..pipelines.parameters import PARAMS, Params, validated
from ..pipelines.tracking import NAME, metric_name, newest_run, tracking_store
from ..pipelines.training import log_origin, origin_tags

NOTHING_NEW = "nothing new"
WAITING = "SCHEDULED"  # the status of an MLflow run between steps; only the last one finishes it


def exit_with_message() -> None:
    """Let a `UserError` end the process without a traceback."""
    show = sys.excepthook
    sys.excepthook = lambda *raised: (
        print(f"error: {raised[1]}") if isinstance(raised[1], UserError) else show(*raised)
    )


def read_params(text: str, gate: str = "{}") -> Params:
    """Return the parameters."""
    try:
        values = {**json.loads(text), "gate": json.loads(gate)}
    except (TypeError, ValueError) as error:
        raise UserError(f"inputs: params and gate must be objects in JSON: {error}") from error
    return validated(Params, values, Path("inputs"), None)


def read_rows(file: Artifact) -> pd.DataFrame:
    """Read valid rows; validation restores types that Parquet lacks."""
    return steps.validate(pd.read_parquet(file.path))


def read_parts(train_set: Artifact, test_set: Artifact) -> Split:
    """Read both parts of the rows."""
    return Split(read_rows(train_set), read_rows(test_set))


def check(params: str, force: bool) -> str:
    """Return what a run would be made from, unless an earlier one had the same."""
    used = read_params(params)
    rows = steps.validate(steps.ingest(used))
    tags = origin_tags(rows, steps.split(rows, used), used)
    with tracking_store() as client:
        known = newest_run(client, f"tags.fingerprint = '{tags['fingerprint']}'")
    if known and not force:
        print(f"{NOTHING_NEW}: run {known.info.run_id} had the same data, parameters and code.")
        return NOTHING_NEW
    return json.dumps(tags)


def ingest(params: str, origin: str, rows: Output[Dataset]) -> None:
    """Load and validate the rows."""
    valid = steps.validate(steps.ingest(read_params(params)))
    if data_version(valid) != json.loads(origin)["data_version"]:
        raise UserError("the data has changed since the pipeline began. Start it again")
    valid.to_parquet(rows.path)


def split(
    params: str, rows: Input[Dataset], train_set: Output[Dataset], test_set: Output[Dataset]
) -> None:
    """Split the rows into a training set and a test set."""
    parts = steps.split(read_rows(rows), read_params(params))
    parts.train.to_parquet(train_set.path)
    parts.test.to_parquet(test_set.path)


def start(params: str, origin: str, train_set: Input[Dataset], test_set: Input[Dataset]) -> str:
    """Start a run of experiment tracking, and return its ID."""
    tags = json.loads(origin)
    name = f"{read_params(params).data} {tags['git_commit'][:7]}"
    with tracking_store(), mlflow.start_run(run_name=name) as run:
        log_origin(tags, read_parts(train_set, test_set))
        mlflow.end_run(WAITING)
    return str(run.info.run_id)


def search(params: str, run_id: str, train_set: Input[Dataset]) -> str:
    """Return the parameters, with the best hyperparameters if there is a search."""
    used = read_params(params)
    if used.search.trials:
        with tracking_store(), mlflow.start_run(run_id=run_id):
            used = steps.search(read_rows(train_set), used)
            mlflow.end_run(WAITING)
    return used.model_dump_json(exclude={"gate"})


def train(params: str, train_set: Input[Dataset], trained: Output[Model]) -> None:
    """Train a model."""
    model = steps.train(read_rows(train_set), read_params(params))
    Path(trained.path).mkdir(parents=True, exist_ok=True)
    model_file.write_estimator(model.estimator, Path(trained.path) / model_file.MODEL)


def evaluate(
    params: str,
    gate: str,
    run_id: str,
    rows: Input[Dataset],
    train_set: Input[Dataset],
    test_set: Input[Dataset],
    trained: Input[Model],
    metrics: Output[Metrics],
) -> str:
    """Evaluate and record the model, and return the decision of the gate."""
    used, parts = read_params(params, gate), read_parts(train_set, test_set)
    model, reload = model_file.load(Path(trained.path)), partial(steps.ingest, used)
    with tracking_store() as client, mlflow.start_run(run_id=run_id):
        mlflow.log_params(used.flat())
        mlflow.log_dict(used.model_dump(mode="json", exclude={"search"}), PARAMS.name)
        found = steps.evaluate(client, model, read_rows(rows), parts, used, reload)
        steps.record(model, parts, found)
        measured = {metric_name(name): value for name, value in found.metrics().items()}
        mlflow.log_metrics(measured)
        mlflow.set_tag("gate", "; ".join(found.failed) or "passed")
        mlflow.end_run(WAITING)
    print(found.evaluation.report())
    metrics.metadata.update({name: value for name, value in measured.items() if isfinite(value)})
    return "refused" if found.failed else "passed"


def register(
    run_id: str, train_set: Input[Dataset], test_set: Input[Dataset], trained: Input[Model]
) -> None:
    """Register the model as a version, which finishes the run."""
    model, parts = model_file.load(Path(trained.path)), read_parts(train_set, test_set)
    with tracking_store() as client, mlflow.start_run(run_id=run_id):
        version = steps.register(client, model, parts)
    print(f"run {run_id} is version {version.version} of {NAME}")


def refuse(run_id: str) -> None:
    """Fail with the checks of the gate that failed, and so does the run."""
    with tracking_store() as client, mlflow.start_run(run_id=run_id):
        checks = client.get_run(run_id).data.tags["gate"]
        raise UserError(f"the gate would refuse it: {checks}")
