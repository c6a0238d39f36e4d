"""Predict for a file of rows: `make predict IN=rows.csv OUT=predictions.csv`."""

import argparse
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from . import model_file, problem
from .dataset import read_table, validate_rows
from .errors import UserError, run
from .trained_model import TrainedModel, aligned, classes_of, labels_of


def predict(model: TrainedModel, rows: pd.DataFrame) -> np.ndarray:
    """Return the predictions of a model in the terms of the project's present problem."""
    own, classes = classes_of(model.problem), classes_of(problem)
    if (own is None) != (classes is None):
        raise UserError("the model was trained for another TASK than that of problem.py")
    predicted = model.predict(rows)
    return predicted if own is None or own == classes else aligned(predicted, own, classes or [])


def prediction_columns(predicted: np.ndarray, problem: ModuleType) -> dict[str, np.ndarray]:
    """Return the columns that `make predict` adds: the prediction, and any probabilities."""
    column, classes = f"predicted_{problem.TARGET}", classes_of(problem)
    if classes is None:
        return {column: predicted}
    probabilities = {f"probability_{label}": predicted[:, at] for at, label in enumerate(classes)}
    return {column: labels_of(predicted, problem), **probabilities}


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV or Parquet file, by the suffix of its name; nothing half-written remains."""
    if path.suffix not in {".csv", ".parquet"}:
        raise UserError(f"{path}: is neither a .csv nor a .parquet file")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            table.to_csv(part, index=False)
        else:
            table.to_parquet(part, index=False)
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error}") from error


def predict_file(model: TrainedModel, version: str, source: Path, target: Path) -> None:
    """Predict for the rows of a file; the output has all its columns, predictions and version."""
    table = read_table(source, model.problem)
    rows = validate_rows(table, with_target=False, problem=model.problem)
    added = prediction_columns(model.predict(rows), model.problem)
    write_table(table.assign(**added, model_version=version), target)
    print(f"predicted {len(rows)} rows with {version} and wrote {target}")


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the files to read and to write."""
    columns = ", ".join(name for name in problem.SCHEMA.columns if name != problem.TARGET)
    parser.add_argument("rows", type=Path, help=f"a .csv or .parquet file with {columns}")
    parser.add_argument("predictions", type=Path, help="the .csv or .parquet file to write")


def main() -> None:
    """Predict with a model in `models/`."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_file_arguments(parser)
    parser.add_argument("--model", type=Path, help="a folder in models/; by default the newest")
    arguments = parser.parse_args()
    folder = arguments.model or model_file.newest(model_file.MODELS)
    model = model_file.load(folder)
    predict_file(model, folder.name, arguments.rows, arguments.predictions)


if __name__ == "__main__":
    run(main)
