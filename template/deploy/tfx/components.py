"""What runs inside TFX's components: examples to tables, and calls of the project's own Python."""

import glob
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import tensorflow as tf
from tfx import v1 as tfx
from tfx.types import artifact_utils

InputArtifact = tfx.dsl.components.InputArtifact
OutputArtifact = tfx.dsl.components.OutputArtifact
artifacts = tfx.types.standard_artifacts


def call_project(*arguments: str) -> None:
    """Run a step in the project's environment."""
    own = ("PYTHONHOME", "VIRTUAL_ENV")  # of this environment
    variables = {name: value for name, value in os.environ.items() if name not in own}
    package = f"{os.environ['PACKAGE']}.tfx.steps"
    command = [os.environ["PROJECT_PYTHON"], "-m", package, *arguments]
    subprocess.run(command, env=variables, check=True)


def value_of(feature: tf.train.Feature) -> Any:
    """Return the value of an example's feature, or None."""
    kind = feature.WhichOneof("kind")
    values = getattr(feature, kind).value if kind else []
    if not values:
        return None
    if kind == "bytes_list":
        return values[0].decode()
    # An example has 32 bits for a number; the shortest text for them is the number it came from.
    return float(str(tf.constant(values[0]).numpy())) if kind == "float_list" else values[0]


def write_tables(folder: str, patterns: dict[str, list[str]]) -> None:
    """Write the examples of each split as a table."""
    for split, paths in patterns.items():
        files = sorted(file for path in paths for file in glob.glob(path))
        rows = []
        for record in tf.data.TFRecordDataset(files, compression_type="GZIP"):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            rows.append({name: value_of(feature) for name, feature in features.items()})
        pd.DataFrame(rows).to_parquet(os.path.join(folder, f"{split}.parquet"))


def run_fn(arguments: tfx.components.FnArgs) -> None:
    """Train: Trainer calls it."""
    with tempfile.TemporaryDirectory() as folder:
        write_tables(folder, {"train": arguments.train_files, "eval": arguments.eval_files})
        about = arguments.custom_config["about"]
        call_project("train", folder, about, arguments.serving_model_dir)


@tfx.dsl.components.component
def Evaluator(  # noqa: N802 (the name of a component)
    examples: InputArtifact[artifacts.Examples],
    model: InputArtifact[artifacts.Model],
    evaluation: OutputArtifact[artifacts.ModelEvaluation],
    blessing: OutputArtifact[artifacts.ModelBlessing],
    baseline_model: InputArtifact[artifacts.Model] = None,
) -> None:
    """Bless a model that the project's gate lets pass, against the model that was blessed last."""
    report = os.path.join(evaluation.uri, "evaluation.json")
    os.makedirs(evaluation.uri, exist_ok=True)
    blessed = "" if baseline_model is None else os.path.join(baseline_model.uri, "Format-Serving")
    with tempfile.TemporaryDirectory() as folder:
        uris = {
            split: artifact_utils.get_split_uris([examples], split) for split in ("train", "eval")
        }
        write_tables(
            folder, {split: [f"{uri}/*" for uri in found] for split, found in uris.items()}
        )
        call_project("judge", folder, os.path.join(model.uri, "Format-Serving"), blessed, report)
    with open(report, encoding="utf-8") as file:
        is_blessed = not json.load(file)["failed_checks"]
    os.makedirs(blessing.uri, exist_ok=True)
    (Path(blessing.uri) / ("BLESSED" if is_blessed else "NOT_BLESSED")).touch()
    # What Pusher and the resolver of the last blessed model read.
    blessing.set_int_custom_property("blessed", int(is_blessed))
    blessing.set_int_custom_property("current_model_id", model.id)
    blessing.set_string_custom_property("current_model", model.uri)
