"""The training pipeline: its steps in order, tracked as a run.

A run with the same data, parameters and code as an earlier one trains nothing.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities.model_registry import ModelVersion

from .. import problem
from ..dataset import Split, sample_rows
from ..lineage import data_version, environment, git_commit
from . import steps
from .parameters import PARAMS, Params
from .registry import trained_until
from .tracking import NAME, close_killed_runs, metric_name, newest_run, process_tags, tracking_store


@contextmanager
def timed(step: str, seconds: dict[str, float]) -> Iterator[None]:
    """Print the name of a step and record how long it takes."""
    print(f"{step} ...", flush=True)
    start = time.perf_counter()
    yield
    seconds[f"seconds/{step}"] = time.perf_counter() - start


def code_version() -> str:
    """Return a hash of the package's source files."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def fingerprint(data: str, commit: str, params: Params) -> str:
    """Return a hash of what a model depends on: data, code, and parameters without the gate's.

    The same code, once committed, is trained again: only then can the model be reproduced.
    """
    used = {name: value for name, value in params.flat().items() if not name.startswith("gate.")}
    is_committed = not commit.endswith("-dirty")
    parts = json.dumps([data, code_version(), is_committed, used], sort_keys=True, default=str)
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def origin_tags(rows: pd.DataFrame, parts: Split, params: Params) -> dict[str, str]:
    """Return the tags that say what a run was made from."""
    data, commit = data_version(rows), git_commit()
    tags = {
        "data_version": data,
        "git_commit": commit,
        "fingerprint": fingerprint(data, commit, params),
        "trained_until": trained_until(parts.train),
        "test_share": str(params.split.test_share),
        "train_rows": str(len(parts.train)),
        "test_rows": str(len(parts.test)),
    }
    if problem.TIME is not None:
        times = parts.test[problem.TIME]
        tags["test_window"] = f"{times.min()} to {times.max()}"
    return tags


def log_origin(tags: dict[str, str], parts: Split) -> None:
    """Record what a run is made from, before anything can fail."""
    mlflow.set_tags(tags)
    mlflow.log_text("\n".join(environment()) + "\n", "environment.txt")
    source = CodeDatasetSource({"train_rows": str(len(parts.train)), "target": problem.TARGET})
    # MLflow's own digest and schema of a table take longer than the training of millions of rows.
    rows = MetaDataset(source, name="train", digest=tags["data_version"])  # type: ignore[abstract]
    mlflow.log_input(rows, context="training")


def learn(
    client: MlflowClient,
    rows: pd.DataFrame,
    parts: Split,
    params: Params,
    seconds: dict[str, float],
    reload: Callable[[], pd.DataFrame],
) -> tuple[ModelVersion, steps.Assessment]:
    """Run the steps from rows to a registered model inside the active run."""
    if params.search.trials:
        with timed("search", seconds):
            params = steps.search(parts.train, params)
    mlflow.log_params(params.flat())
    # Those of a training without the search, for `make reproduce`.
    mlflow.log_dict(params.model_dump(mode="json", exclude={"search"}), PARAMS.name)
    with timed("train", seconds):
        model = steps.train(parts.train, params)
    with timed("evaluate", seconds):
        assessment = steps.evaluate(client, model, rows, parts, params, reload)
    with timed("record", seconds):
        steps.record(model, parts, assessment)
    with timed("register", seconds):
        version = steps.register(client, model, parts)
    measured = assessment.metrics() | seconds
    mlflow.log_metrics({metric_name(name): value for name, value in measured.items()})
    return version, assessment


def report(version: ModelVersion, parts: Split, assessment: steps.Assessment) -> None:
    """Print the metrics, and what the gate would decide."""
    print(f"{len(parts.train)} rows in the training set, {len(parts.test)} in the test set")
    print(assessment.evaluation.report())
    scores = assessment.scores
    if scores.champion is not None and not assessment.fresh.empty:
        print(
            f"{problem.METRIC} on the {len(scores.champion)} test rows that the champion was not "
            f"trained on: {scores.challenger.mean():.4f}, champion {scores.champion.mean():.4f}"
        )
    print(f"run {version.run_id} is version {version.version} of {NAME}")
    for check in assessment.failed:
        print(f"  the gate would refuse it: {check}")
    if not assessment.failed:
        print("  the gate would let it pass: make promote")


def write_summary(version: ModelVersion, assessment: steps.Assessment) -> None:
    """Append a table to the job summary, if the pipeline runs as a job of GitHub Actions."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    rows = [f"| {name} | {value:.4f} |" for name, value in assessment.metrics().items()]
    checks = [f"- {check}" for check in assessment.failed] or ["All checks of the gate passed."]
    heading = f"### Version {version.version} of {NAME}"
    text = "\n".join([heading, "", "| metric | value |", "|---|---|", *rows, "", *checks, ""])
    with Path(summary).open("a", encoding="utf-8") as file:
        file.write(text)


def train_and_register(
    params: Params, force: bool = False, sample: bool = False, gate: bool = False
) -> None:
    """Run all steps in order; the values passed between them are the edges of the pipeline."""
    seconds: dict[str, float] = {}

    def load() -> pd.DataFrame:
        return sample_rows() if sample else steps.ingest(params)

    with timed("ingest", seconds):
        raw = load()
    with timed("validate", seconds):
        rows = steps.validate(raw)
    with timed("split", seconds):
        parts = steps.split(rows, params)
    tags = origin_tags(rows, parts, params)
    with tracking_store() as client:
        close_killed_runs(client)
        known = newest_run(client, f"tags.fingerprint = '{tags['fingerprint']}'")
        if known and not force:
            print(
                f"nothing new: run {known.info.run_id} had the same data, parameters and code. "
                "Nothing was trained; make pipeline FORCE=1 trains anyway."
            )
            return
        name = f"{params.data} {tags['git_commit'][:7]}"
        with mlflow.start_run(run_name=name, tags=process_tags()):
            log_origin(tags, parts)
            version, assessment = learn(client, rows, parts, params, seconds, load)
    report(version, parts, assessment)
    write_summary(version, assessment)
    if gate and assessment.failed:
        sys.exit(1)
