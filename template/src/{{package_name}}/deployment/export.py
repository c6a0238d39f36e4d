"""Write a registered model as a bundle: exported to ONNX (https://onnx.ai/sklearn-onnx/)."""

import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (
    BooleanTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)

from .. import model_file
from ..dataset import Split
from ..errors import UserError
from ..evaluate import scores_of
from ..monitoring.production import columns_of
from ..monitoring.profile import PROFILE, profile_of, write_profile
from ..pipelines.training import code_version
from ..serving.bundle import EXAMPLES, MANIFEST, Manifest, sha256
from ..serving.fields import Field
from ..serving.runtimes import ONNX_MODEL, PROBLEM, REQUEST_TIME, SKOPS_MODEL
from ..trained_model import TrainedModel, classes_of
from .request_time import NotExportableError, request_time_source
from .schema import row_schema

EXAMPLE_ROWS = 5
OPSET = {"": 18, "ai.onnx.ml": 3}  # for onnxruntime 1.20 and later
TENSORS = {"f": FloatTensorType, "i": Int64TensorType, "u": Int64TensorType, "b": BooleanTensorType}
Runtime = Literal["onnx", "python"]
Inputs = Literal["matrix", "columns"]


@dataclass(frozen=True)
class Registered:
    """A registered version of the model, with its training set and a test set."""

    version: ModelVersion
    model: TrainedModel
    split: Split


def export(registered: Registered, folder: Path, agrees: Callable[[Path], str | None]) -> Manifest:
    """Write the cheapest bundle whose predictions equal those of the registered model.

    `agrees(folder)` returns None, or how the predictions differ. A model that cannot be exported,
    or would predict something else, is served by scikit-learn.
    """
    features = registered.model.problem.features(registered.split.test)
    numbers = all(values.dtype.kind in TENSORS for values in features.values())
    attempts: list[tuple[Runtime, Inputs]] = [("onnx", "columns"), ("python", "columns")]
    if numbers:  # a matrix has no text
        attempts.insert(0, ("onnx", "matrix"))
    reasons: list[str] = []
    for runtime, inputs in attempts:
        try:
            manifest = write_bundle(registered, folder, runtime, inputs, reasons)
            difference = agrees(folder)
        except NotExportableError as error:
            difference = str(error)
        if difference is None:
            return manifest
        reasons.append(difference)
        shutil.rmtree(folder)
    raise UserError(reasons[-1])


def write_bundle(
    registered: Registered, folder: Path, runtime: Runtime, inputs: Inputs, reasons: Sequence[str]
) -> Manifest:
    """Write the bundle into a new folder, the manifest last."""
    folder.mkdir(parents=True)
    version, split = registered.version, registered.split
    problem, estimator = registered.model.problem, registered.model.estimator
    schema = row_schema(problem.SCHEMA, problem.TARGET)
    source = Path(str(problem.__file__)).read_text(encoding="utf-8")
    (folder / PROBLEM).write_text(source, encoding="utf-8")
    if runtime == "onnx":
        if schema.needs_schema:
            raise NotExportableError("problem.SCHEMA has checks that only pandera can make")
        (folder / REQUEST_TIME).write_text(request_time_source(source), encoding="utf-8")
        onnx = export_model(estimator, problem.features(split.test), inputs)
        (folder / ONNX_MODEL).write_bytes(onnx)
    else:
        model_file.write_estimator(estimator, folder / SKOPS_MODEL, problem)
    examples = request_rows(split.test.head(EXAMPLE_ROWS), schema.fields)
    (folder / EXAMPLES).write_bytes(msgspec.json.encode(examples))
    write_profile(profile_of(columns_of(split.train, schema.fields)), folder / PROFILE)
    classes = classes_of(problem)
    manifest = Manifest(
        version=str(version.version),
        run_id=str(version.run_id),
        data_version=version.tags["data_version"],
        git_commit=version.tags["git_commit"],
        trained_until=version.tags["trained_until"],
        code_version=code_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        runtime=runtime,
        why_python=reasons[0] if runtime == "python" else None,
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
        reference_score=float(scores_of(registered.model, split.test).mean()),
        files={file.name: sha256(file) for file in sorted(folder.iterdir())},
    )
    content = msgspec.json.format(msgspec.json.encode(manifest))
    (folder / MANIFEST).write_bytes(content + b"\n")
    return manifest


def request_rows(rows: pd.DataFrame, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Return the rows as clients send them, without missing values."""
    names = [field.name for field in fields if field.name in rows]
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in record.items()
            if not pd.isna(value)
        }
        for record in rows[names].to_dict("records")
    ]


def export_model(model: Any, features: dict[str, np.ndarray], inputs: Inputs) -> bytes:
    """Return the model as ONNX; its features are one matrix, or a column each."""
    if inputs == "columns":
        types = [
            (name, TENSORS.get(values.dtype.kind, StringTensorType)([None, 1]))
            for name, values in features.items()
        ]
    else:
        types = [("features", FloatTensorType([None, len(features)]))]
    # A classifier returns an array: a list of dictionaries would be slow.
    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = to_onnx(model, initial_types=types, target_opset=OPSET, options=options)
    except Exception as error:  # skl2onnx raises anything
        first_line = str(error).strip().partition("\n")[0]
        raise NotExportableError(f"skl2onnx: {first_line}") from error
    return converted.SerializeToString()
