"""The steps that TFX's components call: `export`, `train`, `judge` and `register`.

TFX needs Python 3.10 and older libraries. Its components start these commands with the project's
own Python, so that a model is trained, judged and registered by the functions of `pipelines/`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from .. import model_file
from ..dataset import Split, read_table, sample_rows
from ..errors import UserError, run
from ..evaluate import baseline_scores, evaluate, scores_of
from ..pipelines import steps, training
from ..pipelines.comparison import Origin, fresh_split
from ..pipelines.gate import Scores, failed_checks
from ..pipelines.parameters import PARAMS, Params, read_params
from ..pipelines.tracking import NAME, metric_name, newest_run, tracking_store

NUMBER = "row_number"  # a column for the order of the rows, which ExampleGen changes
SPLITS = ("train", "eval")


def export(folder: str, force: str, sample: str, *changes: str) -> None:
    """Write the training set and the test set for ExampleGen; exit with 3 if nothing is new."""
    params = read_params(changes=changes)
    rows = steps.validate(sample_rows() if sample else steps.ingest(params))
    parts = steps.split(rows, params)
    tags = training.origin_tags(rows, parts, params)
    with tracking_store() as client:
        known = newest_run(client, f"tags.fingerprint = '{tags['fingerprint']}'")
    if known and not force:
        print(f"nothing new: run {known.info.run_id} had the same data, parameters and code")
        sys.exit(3)
    numbered = rows.assign(**{NUMBER: range(len(rows))})
    for name, part in zip(SPLITS, (parts.train, parts.test), strict=True):
        (Path(folder) / name).mkdir(parents=True, exist_ok=True)
        numbered.loc[part.index].to_csv(Path(folder) / name / "rows.csv", index=False)
    about = {"params": params.model_dump(mode="json"), "tags": tags}
    (Path(folder) / "about.json").write_text(json.dumps(about), encoding="utf-8")


def read_parts(folder: Path) -> Split:
    """Return the rows as they were exported, from the export itself or from TFX's examples."""
    files = [folder / f"{name}.parquet" for name in SPLITS]
    if not files[0].exists():
        files = [folder / name / "rows.csv" for name in SPLITS]
    parts = [read_table(file).set_index(NUMBER).sort_index() for file in files]
    rows = steps.validate(pd.concat(parts).sort_index())
    return Split(rows.loc[parts[0].index], rows.loc[parts[1].index])


def read_about(folder: Path) -> tuple[Params, dict[str, Any]]:
    """Return the parameters of a run and its tags."""
    about = json.loads((folder / model_file.ABOUT).read_text(encoding="utf-8"))
    return Params.model_validate(about["params"]), about["tags"]


def train(examples: str, about: str, model: str) -> None:
    """Train a model, and write its files for Pusher."""
    folder = Path(model)
    params, tags = read_about(Path(about))
    parts = read_parts(Path(examples))
    if params.search.trials:
        raise UserError("the search for hyperparameters needs make pipeline: set search.trials=0")
    trained = steps.train(parts.train, params)
    model_file.save(trained, {"params": params.model_dump(mode="json"), "tags": tags}, folder)


def judge(examples: str, model: str, blessed: str, report: str) -> None:
    """Let the gate compare the model with the last blessed one, on rows that are new to both."""
    own, parts = model_file.newest(Path(model)), read_parts(Path(examples))
    params, tags = read_about(own)
    trained = model_file.load(own)
    origins = [Origin(tags["trained_until"], params.split.test_share)]
    rows, rival = pd.concat([parts.train, parts.test]).sort_index(), None
    if blessed:
        past = model_file.newest(Path(blessed))
        rival, (before, old) = model_file.load(past), read_about(past)
        origins.append(Origin(old["trained_until"], before.split.test_share))
    split = fresh_split(rows, params.split.test_share, *origins)
    theirs = None if rival is None else scores_of(rival, split.test)
    scores = Scores(
        scores_of(trained, split.test), baseline_scores(split.train, split.test), theirs
    )
    failed = failed_checks(scores, split.test, params.gate)
    found = evaluate(trained, parts.train, parts.test)
    written = {"failed_checks": failed, "metrics": found.metrics()}
    Path(report).write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print("\n".join([found.report(), *(f"  not blessed: {check}" for check in failed)]))


def register(pushed: str, export: str) -> None:
    """Record what was pushed of an export as a run of MLflow, and register it as a version."""
    own = max((one.parent for one in Path(pushed).glob("*/*/" + model_file.MODEL)), default=None)
    if own is None or read_about(own) != read_about(Path(export)):
        print("the model is not blessed: nothing was pushed, and nothing is registered")
        return
    (params, tags), parts = read_about(own), read_parts(Path(export))
    model, rows = model_file.load(own), pd.concat([parts.train, parts.test]).sort_index()
    name = f"{params.data} {tags['git_commit'][:7]}"
    with tracking_store() as client, mlflow.start_run(run_name=name) as active:
        training.log_origin(tags, parts)
        mlflow.log_params(params.flat())
        mlflow.log_dict(params.model_dump(mode="json", exclude={"search"}), PARAMS.name)
        found = steps.evaluate(client, model, rows, parts, params, lambda: rows)
        steps.record(model, parts, found)
        mlflow.log_metrics({metric_name(name): it for name, it in found.metrics().items()})
        version = steps.register(client, model, parts)
    print(f"run {active.info.run_id} is version {version.version} of {NAME}")


def main() -> None:
    """Run a command with its arguments."""
    command, *arguments = sys.argv[1:]
    commands: list[Callable[..., None]] = [export, train, judge, register]
    {step.__name__: step for step in commands}[command](*arguments)


if __name__ == "__main__":
    run(main)
