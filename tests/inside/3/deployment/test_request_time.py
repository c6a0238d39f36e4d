"""What a request needs is taken out of `problem.py`, whole, and nothing besides."""

from typing import Any

import pytest
from taxi_ride_duration.deployment.request_time import (
    NotExportableError,
    request_time_source,
)

SOURCE = '''
"""A problem."""
import math
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

SCALE = 10
UNUSED = pd.Timestamp("2025-01-01")
TABLE: dict[str, int] = {}
TABLE["a"] = 3

def doubled(function):
    return lambda *args: [2 * value for value in function(*args)]

def helper(value: pd.Series) -> float:
    return math.floor(value) * SCALE

@doubled
def features(rows: pd.DataFrame) -> list[float]:
    return [helper(value) + TABLE["a"] for value in rows]

def score_rows(actual, predicted):
    return np.abs(actual - predicted)

def build_model():
    return Ridge()
'''


def run(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(request_time_source(source), "request_time", "exec"), names)
    return names


def test_the_same_functions_come_out_with_all_they_use() -> None:
    assert run(SOURCE)["features"]([1.5]) == [26]


def test_what_they_do_not_use_stays_behind() -> None:
    source = request_time_source(SOURCE)
    assert "Ridge" not in source
    assert "import pandas" not in source
    assert "pd.Series" in source  # an annotation is not looked up


def test_the_variable_of_a_comprehension_is_no_name_of_the_module() -> None:
    source = SOURCE + "\nSCHEMA = {value: pd.Series for value in (1, 2)}\n"
    assert run(source)["features"]([1.5]) == [26]


@pytest.mark.parametrize("line", ["pd.to_numeric(rows)", "UNUSED", "Ridge"])
def test_a_package_that_the_service_lacks_is_named(line: str) -> None:
    source = SOURCE.replace("return [helper", f"{line}\n    return [helper")
    with pytest.raises(NotExportableError, match=r"pandas|sklearn"):
        request_time_source(source)


def test_an_import_inside_a_function_is_seen() -> None:
    source = SOURCE.replace("return [helper", "import scipy.stats\n    return [helper")
    with pytest.raises(NotExportableError, match="scipy"):
        request_time_source(source)
