"""Run the training pipeline from data to a registered model: `make pipeline`.

With the same data, parameters and code as a run before, there is nothing to learn, and nothing
is trained.
"""

import argparse
import hashlib
import json
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities.model_registry import ModelVersion

from .. import problem
from ..dataset import Split
from ..errors import run
from ..lineage import code_version, data_version, environment, git_commit
from . import steps
from .parameters import Params, read_params
from .registry import trained_until
from .tracking import NAME, metric_name, newest_run, tracking_store


@contextmanager
def timed(step: str, seconds: dict[str, float]) -> Iterator[None]:
    """Note how long a step takes, and say that it runs."""
    print(f"{step} ...", flush=True)
    start = time.perf_counter()
    yield
    seconds[f"seconds/{step}"] = time.perf_counter() - start


def fingerprint(data: str, params: Params) -> str:
    """One name for all that a run learns from: data, code, and all parameters but the gate's."""
    learned = {name: value for name, value in params.flat().items() if not name.startswith("gate.")}
    parts = json.dumps([data, code_version(), learned], sort_keys=True, default=str)
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def origin_tags(rows: pd.DataFrame, parts: Split, params: Params) -> dict[str, str]:
    """What a run was made from, as its tags say it."""
    data = data_version(rows)
    return {
        "data_version": data,
        "git_commit": git_commit(),
        "fingerprint": fingerprint(data, params),
        "trained_until": trained_until(parts.train),
        "test_share": str(params.split.test_share),
    }


def log_origin(tags: dict[str, str], parts: Split) -> None:
    """Record with the run what it was made from, before anything can go wrong."""
    mlflow.set_tags(tags)
    mlflow.log_text("\n".join(environment()) + "\n", "environment.txt")
    rows = from_pandas(parts.train, name="train", targets=problem.TARGET)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer column")
        mlflow.log_input(rows, context="training")


def learn(
    client: MlflowClient,
    rows: pd.DataFrame,
    parts: Split,
    params: Params,
    seconds: dict[str, float],
) -> tuple[ModelVersion, steps.Judgement]:
    """The steps from rows to a registered model, inside the active run, which records them."""
    if params.search.trials:
        with timed("search", seconds):
            params = steps.search(parts.train, params)
    mlflow.log_params(params.flat())
    with timed("train", seconds):
        model = steps.train(parts.train, params)
    with timed("evaluate", seconds):
        judgement = steps.evaluate(client, model, rows, parts, params)
    with timed("register", seconds):
        version = steps.register(client, model, parts)
    measured = judgement.metrics() | seconds
    mlflow.log_metrics({metric_name(name): value for name, value in measured.items()})
    return version, judgement


def report(version: ModelVersion, judgement: steps.Judgement) -> None:
    """Print what a person wants to know of the new model."""
    for name, value in judgement.metrics().items():
        print(f"  {name:45} {value:10.4f}")
    print(f"run {version.run_id} is version {version.version} of {NAME}")
    for objection in judgement.objections:
        print(f"  the gate would refuse it: {objection}")
    if not judgement.objections:
        print("  the gate would let it pass: make promote")


def train_and_register(params: Params, force: bool) -> None:
    """All steps in their order; the values that pass between them are the pipeline's edges."""
    seconds: dict[str, float] = {}
    with timed("ingest", seconds):
        raw = steps.ingest(params)
    with timed("validate", seconds):
        rows = steps.validate(raw)
    with timed("split", seconds):
        parts = steps.split(rows, params)
    tags = origin_tags(rows, parts, params)
    with tracking_store() as client:
        known = newest_run(client, f"tags.fingerprint = '{tags['fingerprint']}'")
        if known and not force:
            print(
                f"nothing new: run {known.info.run_id} had the same data, parameters and code. "
                "Nothing was trained; make pipeline FORCE=1 does it anyway."
            )
            return
        with mlflow.start_run():
            log_origin(tags, parts)
            version, judgement = learn(client, rows, parts, params, seconds)
    report(version, judgement)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="train even if nothing is new")
    train_and_register(read_params(), parser.parse_args().force)


if __name__ == "__main__":
    run(main)
