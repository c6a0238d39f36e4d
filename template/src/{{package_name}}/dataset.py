"""Rows as the model needs them: loaded, valid, and split so that the test rows are the newest."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors

from . import problem
from .errors import UserError

BAD_ROWS_SHOWN = 10


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and newer ones to judge by."""

    train: pd.DataFrame
    test: pd.DataFrame


def load_rows(start: date | None = None, end: date | None = None) -> pd.DataFrame:
    """The problem's rows from `start` up to, but without, `end`.

    Raises:
        UserError: the data cannot be read, or there is none in that window.
    """
    try:
        rows = problem.load(start, end)
    except (OSError, ValueError) as error:
        raise UserError(f"the data could not be loaded: {error}") from error
    if rows.empty:
        raise UserError(f"there are no rows from {start or 'the first'} to {end or 'the last'}")
    return rows


def read_table(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file, by the ending of its name.

    Raises:
        UserError: it is missing, or is not what its name says.
    """
    if path.suffix not in {".csv", ".parquet"}:
        raise UserError(f"{path} is neither a .csv nor a .parquet file")
    try:
        return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} could not be read: {error}") from error


def validate_rows(rows: pd.DataFrame, with_target: bool = True) -> pd.DataFrame:
    """The rows with the schema's columns and types.

    Raises:
        UserError: some rows break the schema; the message names the first of them.
    """
    schema = problem.SCHEMA if with_target else problem.SCHEMA.remove_columns([problem.TARGET])
    try:
        return schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        raise UserError(describe_failures(errors.failure_cases, len(rows))) from errors


def describe_failures(failures: pd.DataFrame, row_count: int) -> str:
    """Which columns and rows are bad and why, from pandera's table of failure cases."""
    of_rows = failures.dropna(subset="index").drop_duplicates(subset=["index", "column"])
    of_columns = failures[failures["index"].isna() & ~failures["column"].isin(of_rows["column"])]
    reasons = [
        f"column {case.failure_case} is missing"
        if case.check == "column_in_dataframe"
        else f"column {case.column} breaks {case.check}: {case.failure_case}"
        for case in of_columns.itertuples()
    ]
    shown = of_rows.head(BAD_ROWS_SHOWN)
    for row, column, value, check in zip(
        shown["index"], shown["column"], shown["failure_case"], shown["check"], strict=True
    ):
        reasons.append(f"row {row}: {column} is {value}, which breaks {check}")
    if len(of_rows) > BAD_ROWS_SHOWN:
        reasons.append(f"and {len(of_rows) - BAD_ROWS_SHOWN} more")
    bad_rows = of_rows["index"].nunique()
    heading = f"the data is not valid: {bad_rows} of {row_count} rows break problem.SCHEMA"
    return "\n  ".join([heading, *reasons])


def split_rows(rows: pd.DataFrame, test_share: float = 0.2, salt: int = 0) -> Split:
    """The newest `test_share` of the rows for the test; without a time, a fixed random share.

    Without a time, a row's own content decides where it goes: it stays on its side when other
    rows arrive, so that no model is ever judged by a row that an earlier one learned from.
    Another `salt` draws other rows.

    Raises:
        UserError: one of the sides would be empty.
    """
    if problem.TIME is None:
        contents = pd.util.hash_pandas_object(rows, index=False).to_numpy()
        draws = pd.util.hash_array(contents ^ np.uint64(salt)) / np.iinfo(np.uint64).max
        in_test = draws < test_share
    else:
        in_test = (rows[problem.TIME] > rows[problem.TIME].quantile(1 - test_share)).to_numpy()
    split = Split(train=rows[~in_test], test=rows[in_test])
    if split.train.empty or split.test.empty:
        raise UserError(f"{len(rows)} rows are too few to train on some and test on the others")
    return split
