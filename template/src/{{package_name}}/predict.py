"""Score a file with a trained model: `make predict IN=rows.csv OUT=predictions.csv`."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import model_file, problem
from .dataset import read_table, validate_rows
from .errors import UserError, run


def predict(model: Any, rows: pd.DataFrame) -> np.ndarray:
    """One prediction per row, in the order of the rows."""
    return np.asarray(model.predict(pd.DataFrame(problem.features(rows))))


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write CSV or Parquet by the ending of the name; whole, or not at all."""
    if path.suffix not in {".csv", ".parquet"}:
        raise UserError(f"{path} is neither a .csv nor a .parquet file")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            table.to_csv(part, index=False)
        else:
            table.to_parquet(part, index=False)
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path} could not be written: {error}") from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    columns = ", ".join(name for name in problem.SCHEMA.columns if name != problem.TARGET)
    parser.add_argument("rows", type=Path, help=f"a .csv or .parquet file with {columns}")
    parser.add_argument("predictions", type=Path, help="the .csv or .parquet file to write")
    parser.add_argument("--model", type=Path, help="a file in models/; without it, the newest")
    arguments = parser.parse_args()

    table = read_table(arguments.rows)
    rows = validate_rows(table, with_target=False)
    path = arguments.model or model_file.newest(model_file.MODELS)
    predictions = predict(model_file.load(path), rows)
    write_table(table.assign(**{f"predicted_{problem.TARGET}": predictions}), arguments.predictions)
    print(f"scored {len(rows)} rows with {path} and wrote {arguments.predictions}")


if __name__ == "__main__":
    run(main)
