"""Rows for the model: loaded, validated, and split so that the test set has the newest rows."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from . import problem as current_problem
from .errors import UserError, describe_error

BAD_ROWS_SHOWN = 10
UTC_OFFSET = r"\d\d:\d\d.*(?:Z|[+-]\d\d:?\d\d)$"


@dataclass(frozen=True)
class Split:
    """A training set and a test set of newer rows."""

    train: pd.DataFrame
    test: pd.DataFrame


def load_rows(start: date | None = None, end: date | None = None) -> pd.DataFrame:
    """Load the problem's rows from `start` up to `end`, excluding it; by default all."""
    try:
        rows = current_problem.load(start, end)
    except Exception as error:  # a database or a cloud store raises errors of its own
        raise UserError(f"problem.py: load() failed: {describe_error(error)}") from error
    if rows.empty:
        raise UserError(f"there are no rows from {start or 'the first'} to {end or 'the last'}")
    return rows


def sample_rows() -> pd.DataFrame:
    """Return the rows of `problem.sample`, or of `problem.load` if there is none."""
    sample = getattr(current_problem, "sample", None)
    return load_rows() if sample is None else sample()


def read_table(path: Path, problem: ModuleType = current_problem) -> pd.DataFrame:
    """Read a CSV or Parquet file, by the suffix of its name; text of the schema stays text."""
    if path.suffix not in {".csv", ".parquet"}:
        raise UserError(f"{path}: is neither a .csv nor a .parquet file")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        columns = problem.SCHEMA.columns.items()
        return pd.read_csv(path, dtype={n: "str" for n, c in columns if str(c.dtype) == "str"})
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {describe_error(error)}") from error


def validate_rows(
    rows: pd.DataFrame, with_target: bool = True, problem: ModuleType = current_problem
) -> pd.DataFrame:
    """Return the rows with the columns and types of the problem's schema."""
    schema = problem.SCHEMA
    if not with_target:
        schema = schema.remove_columns([problem.TARGET])
    refuse_utc_offsets(rows, schema)
    try:
        valid = schema.validate(rows.reset_index(drop=True), lazy=True)
    except SchemaErrors as errors:
        found = errors.failure_cases
        names = found["index"].map(lambda at: row_name(rows.index[int(at)]), na_action="ignore")
        raise UserError(describe_failures(found.assign(index=names), len(rows))) from errors
    return valid.set_axis(rows.index[valid.index])


def refuse_utc_offsets(rows: pd.DataFrame, schema: pa.DataFrameSchema) -> None:
    """Refuse times with a UTC offset where the schema has none: it would be dropped silently."""
    for name, column in schema.columns.items():
        is_local = str(column.dtype).startswith("datetime64") and "," not in str(column.dtype)
        if not is_local or name not in rows or is_naive(rows[name]):
            continue
        has_offset = rows[name].astype(str).str.contains(UTC_OFFSET).to_numpy()
        if has_offset.any():
            at = int(has_offset.argmax())
            raise UserError(
                f"row {row_name(rows.index[at])}: {name} {rows[name].iloc[at]} has a UTC offset, "
                "and problem.SCHEMA has none. Convert all times to one clock and remove the offset"
            )


def is_naive(times: pd.Series) -> bool:
    """Return whether a column has times without a UTC offset."""
    return times.dtype.kind == "M" and times.dt.tz is None


def row_name(label: object) -> str:
    """Return the label of a row as people write it; an index may have several levels."""
    return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def describe_failures(failures: pd.DataFrame, row_count: int) -> str:
    """Describe invalid columns and rows, from pandera's table of failure cases."""
    of_rows = failures.dropna(subset="index").drop_duplicates(subset=["index", "column"])
    of_columns = failures[failures["index"].isna() & ~failures["column"].isin(of_rows["column"])]
    reasons = [
        f"column {case.failure_case} is missing"
        if case.check == "column_in_dataframe"
        else f"column {case.column} violates {case.check}: {case.failure_case}"
        for case in of_columns.itertuples()
    ]
    shown = of_rows.head(BAD_ROWS_SHOWN)
    for row, column, value, check in shown[["index", "column", "failure_case", "check"]].to_numpy():
        reasons.append(f"row {row}: {column} is {value}, which violates {check}")
    if len(of_rows) > BAD_ROWS_SHOWN:
        reasons.append(f"and {len(of_rows) - BAD_ROWS_SHOWN} more")
    bad_rows = of_rows["index"].nunique()
    heading = f"the data is invalid: {bad_rows} of {row_count} rows violate problem.SCHEMA"
    return "\n  ".join([heading, *reasons])


def split_rows(rows: pd.DataFrame, test_share: float = 0.2) -> Split:
    """Split off the newest `test_share` of the rows; without a time, a fixed random share.

    Without a time, a hash of its values decides about a row: it stays in its set when other rows
    arrive, so that no model is evaluated on a row that an earlier one was trained on.
    """
    time = current_problem.TIME
    if time is None:
        contents = pd.util.hash_pandas_object(rows, index=False).to_numpy()
        draws = pd.util.hash_array(contents) / np.iinfo(np.uint64).max
        in_test = draws < test_share
    else:
        in_test = (rows[time] > rows[time].quantile(1 - test_share)).to_numpy()
    split = Split(train=rows[~in_test], test=rows[in_test])
    if split.train.empty or split.test.empty:
        raise UserError(f"{len(rows)} rows are too few for a training set and a test set")
    return split
