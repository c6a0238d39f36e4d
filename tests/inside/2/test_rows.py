"""Tests of rows that cannot be used, and of how they are named."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from taxi_ride_duration import lineage, problem
from taxi_ride_duration.dataset import (
    load_rows,
    read_table,
    row_name,
    split_rows,
    validate_rows,
)
from taxi_ride_duration.errors import UserError


def test_too_few_rows_are_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="1 rows are too few"):
        split_rows(rows.head(1))


def test_a_row_is_named_as_people_write_it() -> None:
    assert row_name(("a.csv", np.int64(6))) == "a.csv, 6"
    assert (row_name(7), row_name(np.int64(7)), row_name("x")) == ("7", "7", "x")


def test_an_invalid_row_of_a_file_is_named(rows: pd.DataFrame) -> None:
    index = pd.MultiIndex.from_product([["a.csv"], range(len(rows))])
    broken = rows.set_axis(index).astype({problem.TARGET: object})
    broken.iloc[3, broken.columns.get_loc(problem.TARGET)] = None
    with pytest.raises(UserError, match=f"row a.csv, 3: {problem.TARGET}"):
        validate_rows(broken)


def test_a_missing_column_is_named(rows: pd.DataFrame) -> None:
    with pytest.raises(UserError, match=f"column {problem.TARGET} is missing"):
        validate_rows(rows.drop(columns=problem.TARGET))


def test_a_window_without_rows_is_refused(
    rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problem, "load", lambda start, end: rows.head(0))
    with pytest.raises(UserError, match="no rows"):
        load_rows()


@pytest.mark.parametrize("name", ["absent.csv", "absent.parquet", "rows.xlsx"])
def test_a_table_that_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=name):
        read_table(tmp_path / name)


def test_a_file_that_is_no_parquet_is_told(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    file.write_text("not parquet")
    with pytest.raises(UserError, match="cannot be read"):
        read_table(file)


def test_the_commit_checked_out_wins_over_that_of_an_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_COMMIT", "abc")
    assert lineage.git_commit() not in ("abc", "unknown")
    monkeypatch.chdir(tmp_path)
    assert lineage.git_commit() == "abc"
    monkeypatch.delenv("GIT_COMMIT")
    assert lineage.git_commit() == "unknown"


def test_the_environment_is_named() -> None:
    assert any(line.startswith("scikit-learn==") for line in lineage.environment())
