"""A bundle's model in memory, ready to answer: exported, or as scikit-learn has it."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import onnxruntime

from .bundle import Manifest

ONNX_MODEL = "model.onnx"
SKOPS_MODEL = "model.skops"
PROBLEM = "problem.py"
REQUEST_TIME = "request_time.py"  # what of problem.py a request needs
PACKAGE = __name__.partition(".")[0]


class Runtime(Protocol):
    """A model that answers. `slow` ones must not be asked on the event loop's thread."""

    slow: bool
    problem: ModuleType  # offers features and score_rows, as they were when the bundle was made

    def predict(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """One prediction per row, from one array of shape (rows,) for each field.

        For a classifier, probabilities of shape (rows, classes).
        """

    def objection(self, columns: dict[str, np.ndarray]) -> str | None:
        """What the schema holds against the rows that their fields' types cannot say."""


def load_module(path: Path) -> ModuleType:
    """The bundle's own copy of some of the project's code, apart from all other copies."""
    name = f"{PACKAGE}.bundle_{path.parent.name.replace('.', '_')}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # the manifest has a hash of this file
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


class OnnxRuntime:
    """An exported model: needs neither scikit-learn nor pandas."""

    slow = False

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # threads cost more than they save at a few rows a time
        options.log_severity_level = 3
        self.problem = load_module(folder / REQUEST_TIME)
        self.session = onnxruntime.InferenceSession(
            folder / ONNX_MODEL, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = [put.name for put in self.session.get_inputs()]
        self.outputs = [self.session.get_outputs()[-1].name]  # after labels, the probabilities
        self.columns = manifest.columns  # of probabilities; None for a model of numbers
        self.classes = len(manifest.classes or [])
        self.as_matrix = manifest.inputs == "matrix"

    def predict(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        features = self.problem.features(columns)
        if self.as_matrix:
            matrix = np.array(list(features.values()), dtype=np.float32).T
            feed = {self.inputs[0]: matrix}
        else:
            feed = onnx_columns(features)
        values = self.session.run(self.outputs, feed)[0]
        if self.columns is None:
            return values.reshape(-1)
        probabilities = np.zeros((len(values), self.classes))
        probabilities[:, self.columns] = values
        return probabilities

    def objection(self, columns: dict[str, np.ndarray]) -> str | None:
        return None


def onnx_columns(features: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each feature as an exported model takes it: a column of shape (rows, 1)."""
    return {
        name: np.asarray(values, dtype=onnx_type(values)).reshape(-1, 1)
        for name, values in features.items()
    }


def onnx_type(values: np.ndarray) -> Any:
    """32-bit numbers, whole numbers or text: what exported models are made of."""
    if values.dtype.kind == "f":
        return np.float32
    return {"i": np.int64, "u": np.int64, "b": np.bool_}.get(values.dtype.kind, object)


class PythonRuntime:
    """A model that could not be exported: scikit-learn and pandas come along."""

    slow = True

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        import pandas as pd

        from ..model_file import read_estimator, trusted_types
        from ..trained_model import TrainedModel, load_problem

        self.problem = load_problem(folder / PROBLEM)
        estimator = read_estimator(folder / SKOPS_MODEL, trusted_types(self.problem))
        self.model = TrainedModel(estimator, self.problem)
        self.table = pd.DataFrame
        self.needs_schema = manifest.needs_schema

    def predict(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        return self.model.predict_features(self.table(self.problem.features(columns)))

    def objection(self, columns: dict[str, np.ndarray]) -> str | None:
        if not self.needs_schema:
            return None
        from pandera.errors import SchemaError

        schema = self.problem.SCHEMA.remove_columns([self.problem.TARGET])
        try:
            schema.validate(self.table(columns))
        except SchemaError as error:
            return str(error).partition("\n")[0]
        return None


def load_runtime(folder: Path, manifest: Manifest) -> Runtime:
    """The bundle's model, which has answered once: the first answer is the slowest."""
    made = OnnxRuntime if manifest.runtime == "onnx" else PythonRuntime
    return made(folder, manifest)


def predictions_of(runtime: Runtime, columns: dict[str, np.ndarray]) -> Sequence[Any]:
    """Predictions as JSON knows them.

    Raises:
        ValueError: there is not one finite prediction for each row.
    """
    rows = len(next(iter(columns.values())))
    if not rows:  # of which scikit-learn refuses to predict anything
        return []
    values = runtime.predict(columns)
    if values.shape[:1] != (rows,):
        raise ValueError(f"{rows} rows got predictions of shape {values.shape}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("the model gave a prediction that is no finite number")
    return values.tolist()
