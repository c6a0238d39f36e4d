"""Export a fitted scikit-learn model to ONNX: https://onnx.ai/sklearn-onnx/"""

import warnings
from typing import Any, Literal

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (
    BooleanTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)

from .request_time import NotExportableError

OPSET = {"": 18, "ai.onnx.ml": 3}  # what onnxruntime 1.20 and later can read
TENSORS = {"f": FloatTensorType, "i": Int64TensorType, "u": Int64TensorType, "b": BooleanTensorType}
Inputs = Literal["matrix", "columns"]


def ways_in(features: dict[str, np.ndarray]) -> list[Inputs]:
    """How the features may go in, the cheapest way first: text does not fit into a matrix."""
    numbers = all(values.dtype.kind in TENSORS for values in features.values())
    return ["matrix", "columns"] if numbers else ["columns"]


def export_model(model: Any, features: dict[str, np.ndarray], inputs: Inputs) -> bytes:
    """The model as ONNX; its features go in as one matrix, or each as a column of its own.

    Raises:
        NotExportableError: some part of the model has no counterpart.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = to_onnx(
                model,
                initial_types=input_types(features, inputs),
                target_opset=OPSET,
                options=label_options(model),
            )
    except Exception as error:  # skl2onnx raises whatever it meets
        first_line = str(error).strip().partition("\n")[0]
        raise NotExportableError(f"skl2onnx says of the model: {first_line}") from error
    return converted.SerializeToString()


def input_types(features: dict[str, np.ndarray], inputs: Inputs) -> list[tuple[str, Any]]:
    """The names and types of what goes in."""
    if inputs == "columns":
        return [
            (name, TENSORS.get(values.dtype.kind, StringTensorType)([None, 1]))
            for name, values in features.items()
        ]
    return [("features", FloatTensorType([None, len(features)]))]


def label_options(model: Any) -> dict[int, dict[str, bool]] | None:
    """Classifiers answer with arrays: a list of dictionaries would be slow and is not asked for."""
    return {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
