"""Write a registered model as a bundle: all that the service needs, in one folder."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
from mlflow.entities.model_registry import ModelVersion

from ... import model_file
from ...dataset import Split
from ...evaluate import scores_of
from ...monitoring.production import columns_of
from ...monitoring.profile import PROFILE, profile_of, write_profile
from ...pipelines.training import code_version
from ...trained_model import TrainedModel, classes_of
from ..bundle import MANIFEST, Manifest, sha256
from ..deployment import EXAMPLES
from ..fields import Field
from ..runtimes import ONNX_MODEL, PROBLEM, REQUEST_TIME, SKOPS_MODEL
from .onnx_export import Inputs, export_model, ways_in
from .request_time import NotExportableError, request_time_source
from .schema_export import RowSchema, row_schema

EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class Registered:
    """A version of the model in the registry, with rows it learned from and rows it did not."""

    version: ModelVersion
    model: TrainedModel
    split: Split


def request_rows(rows: pd.DataFrame, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """The rows as a client would send them; what is missing is left out."""
    columns = {field.name: rows[field.name].tolist() for field in fields if field.name in rows}
    records = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return [
        {name: request_value(value) for name, value in record.items() if not pd.isna(value)}
        for record in records
    ]


def request_value(value: Any) -> Any:
    """A value of a table as JSON has it."""
    return value.isoformat() if isinstance(value, datetime) else value


def write_bundle(registered: Registered, folder: Path, runtime: str, inputs: Inputs) -> Manifest:
    """Write the bundle into a new folder; the manifest comes last.

    Raises:
        NotExportableError: the model, the features or the schema cannot do without Python.
    """
    folder.mkdir(parents=True)
    problem, estimator = registered.model.problem, registered.model.estimator
    schema = row_schema(problem.SCHEMA, problem.TARGET)
    source = Path(str(problem.__file__)).read_text(encoding="utf-8")
    (folder / PROBLEM).write_text(source, encoding="utf-8")
    if runtime == "onnx":
        if schema.needs_schema:
            raise NotExportableError("problem.SCHEMA has checks that only pandera can make")
        (folder / REQUEST_TIME).write_text(request_time_source(source), encoding="utf-8")
        features = problem.features(registered.split.test)
        (folder / ONNX_MODEL).write_bytes(export_model(estimator, features, inputs))
    else:
        model_file.write_estimator(estimator, folder / SKOPS_MODEL, problem)
    examples = request_rows(registered.split.test.head(EXAMPLE_ROWS), schema.fields)
    (folder / EXAMPLES).write_bytes(msgspec.json.encode(examples))
    train = columns_of(registered.split.train, schema.fields)
    write_profile(profile_of(train), folder / PROFILE)
    manifest = manifest_of(registered, folder, schema, runtime, inputs)
    write_manifest(manifest, folder)
    return manifest


def write_manifest(manifest: Manifest, folder: Path) -> None:
    text = msgspec.json.format(msgspec.json.encode(manifest))
    (folder / MANIFEST).write_bytes(text + b"\n")


def manifest_of(
    registered: Registered, folder: Path, schema: RowSchema, runtime: Any, inputs: Inputs
) -> Manifest:
    """What is in the folder, and where it comes from."""
    version = registered.version
    problem, estimator = registered.model.problem, registered.model.estimator
    classes = classes_of(problem)
    return Manifest(
        version=str(version.version),
        run_id=str(version.run_id),
        data_version=version.tags["data_version"],
        git_commit=version.tags["git_commit"],
        trained_until=version.tags["trained_until"],
        code_version=code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        runtime=runtime,
        why_python=None,
        inputs=inputs,
        fields=schema.fields,
        target=schema.target,
        forbid_other_fields=schema.forbid_others,
        needs_schema=schema.needs_schema,
        classes=classes,
        columns=classes and [classes.index(one) for one in estimator.classes_.tolist()],
        threshold=getattr(problem, "THRESHOLD", 0.5),
        metric=problem.METRIC,
        lower_is_better=problem.LOWER_IS_BETTER,
        reference_score=float(scores_of(registered.model, registered.split.test).mean()),
        files={file.name: sha256(file) for file in sorted(folder.iterdir())},
    )


def export(registered: Registered, folder: Path, agrees: Callable[[Path], str | None]) -> Manifest:
    """Write the bundle that serves cheapest and still agrees with the registered model.

    `agrees(folder)` returns None, or in words how the bundle's predictions differ. A model that
    cannot be exported, or would then predict something else, is served as scikit-learn has it.
    """
    reasons = []
    for inputs in ways_in(registered.model.problem.features(registered.split.test)):
        try:
            manifest = write_bundle(registered, folder, "onnx", inputs)
            difference = agrees(folder)
            if difference is None:
                return manifest
            reasons.append(difference)
        except NotExportableError as error:
            reasons.append(str(error))
        shutil.rmtree(folder)
    manifest = write_bundle(registered, folder, "python", "columns")
    manifest = msgspec.structs.replace(manifest, why_python=reasons[0])
    write_manifest(manifest, folder)
    return manifest
