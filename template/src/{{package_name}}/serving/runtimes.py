"""A bundle's model in memory: exported to ONNX, or as scikit-learn has it."""

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from .bundle import Manifest

ONNX_MODEL = "model.onnx"
SKOPS_MODEL = "model.skops"
PROBLEM = "problem.py"
REQUEST_TIME = "request_time.py"  # the part of problem.py that requests need


class Runtime:
    """A model that predicts; a `slow` one must not run in the event loop's thread."""

    slow = False
    problem: Any  # has `features` and `score_rows` of the bundle

    def predict(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """Return predictions of shape (rows,), or probabilities of shape (rows, classes)."""
        raise NotImplementedError

    def objection(self, columns: dict[str, np.ndarray]) -> str | None:
        """Return what violates the schema's checks that fields cannot express."""
        return None


@contextmanager
def contained() -> Iterator[None]:
    """Turn a `SystemExit` of a bundle's code into an error that ends no thread."""
    try:
        yield
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"the bundle's code raised {type(error).__name__}") from error


class OnnxRuntime(Runtime):
    """An exported model, which needs neither scikit-learn nor pandas."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # threads cost more than they save for a few rows
        options.log_severity_level = 3
        self.problem = SimpleNamespace(**runpy.run_path(str(folder / REQUEST_TIME)))
        self.session = onnxruntime.InferenceSession(
            folder / ONNX_MODEL, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = [put.name for put in self.session.get_inputs()]
        self.outputs = [self.session.get_outputs()[-1].name]  # probabilities come after labels
        self.columns = manifest.columns  # of probabilities; None for regression
        self.classes = len(manifest.classes or [])
        self.as_matrix = manifest.inputs == "matrix"

    def predict(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """Run the exported model."""
        features = self.problem.features(columns)
        if self.as_matrix:
            matrix = np.array(list(features.values()), dtype=np.float32).T
            feed = {self.inputs[0]: matrix}
        else:
            feed = {
                name: np.asarray(values, dtype=onnx_type(values)).reshape(-1, 1)
                for name, values in features.items()
            }
        values = self.session.run(self.outputs, feed)[0]
        if self.columns is None:
            return values.reshape(-1)
        probabilities = np.zeros((len(values), self.classes))
        probabilities[:, self.columns] = values
        return probabilities


def onnx_type(values: np.ndarray) -> Any:
    """Return the type of a feature in an exported model."""
    if values.dtype.kind == "f":
        return np.float32
    return {"i": np.int64, "u": np.int64, "b": np.bool_}.get(values.dtype.kind, object)


class PythonRuntime(Runtime):
    """A model that could not be exported, with scikit-learn and pandas."""

    slow = True

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        import pandas as pd

        from ..model_file import read_estimator, trusted_types
        from ..trained_model import TrainedModel, load_problem

        self.problem = load_problem(folder / PROBLEM)
        estimator = read_estimator(folder / SKOPS_MODEL, trusted_types(self.problem))
        self.model = TrainedModel(estimator, self.problem)
        self.table = pd.DataFrame

    def predict(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """Run the estimator."""
        return self.model.predict_features(self.table(self.problem.features(columns)))

    def objection(self, columns: dict[str, np.ndarray]) -> str | None:
        """Return the first line of pandera's error."""
        from pandera.errors import SchemaError

        schema = self.problem.SCHEMA.remove_columns([self.problem.TARGET])
        try:
            schema.validate(self.table(columns))
        except SchemaError as error:
            return str(error).partition("\n")[0]
        return None


def load_runtime(folder: Path, manifest: Manifest) -> Runtime:
    """Load the bundle's model."""
    kind = OnnxRuntime if manifest.runtime == "onnx" else PythonRuntime
    with contained():
        return kind(folder, manifest)
