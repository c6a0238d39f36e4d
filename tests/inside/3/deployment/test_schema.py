"""`problem.SCHEMA` is said in fields, or it is said that they cannot say it all."""

from typing import Any

import pandera.pandas as pa
import pytest
from taxi_ride_duration import problem
from taxi_ride_duration.deployment.schema import field_of, row_schema
from taxi_ride_duration.errors import UserError


@pytest.mark.parametrize(
    ("dtype", "check", "expected"),
    [
        ("int64", pa.Check.in_range(1, 9), {"kind": "int", "ge": 1, "le": 9}),
        ("float64", pa.Check.in_range(0, 1, include_max=False), {"ge": 0, "lt": 1}),
        ("float64", pa.Check.gt(0), {"kind": "float", "gt": 0}),
        ("float64", pa.Check.ge(0), {"ge": 0}),
        ("int64", pa.Check.lt(5), {"lt": 5}),
        ("int64", pa.Check.le(5), {"le": 5}),
        ("int64", pa.Check.eq(5), {"choices": [5]}),
        ("str", pa.Check.isin(["b", "a"]), {"kind": "str", "choices": ["a", "b"]}),
        ("str", pa.Check.str_matches("[A-Z]"), {"pattern": "^(?:[A-Z])"}),
        ("str", pa.Check.str_length(1, 3), {"min_length": 1, "max_length": 3}),
        ("bool", None, {"kind": "bool"}),
        ("datetime64[ns]", None, {"kind": "datetime", "timezone": False}),
        ("datetime64[ns, UTC]", None, {"kind": "datetime", "timezone": True}),
    ],
    ids=str,
)
def test_columns_become_fields(
    dtype: str, check: pa.Check | None, expected: dict[str, Any]
) -> None:
    field, whole = field_of("x", pa.Column(dtype, check))
    assert whole
    assert {name: getattr(field, name) for name in expected} == expected


@pytest.mark.parametrize(
    "column",
    [
        pa.Column("float64", pa.Check(lambda values: values > values.mean())),
        pa.Column("int64", pa.Check.notin([3])),
        pa.Column("float64", pa.Check.isin([0.5, 1.5])),
        pa.Column("int64", unique=True),
    ],
    ids=["own function", "not in", "some numbers", "unique"],
)
def test_what_fields_cannot_say_is_left_to_the_schema(column: pa.Column) -> None:
    schema = pa.DataFrameSchema({"x": column, "y": pa.Column("float64")})
    assert row_schema(schema, "y").needs_schema


def test_columns_that_may_be_missing_are_optional() -> None:
    assert field_of("x", pa.Column("float64", nullable=True))[0].optional
    assert field_of("x", pa.Column("float64", required=False))[0].optional
    assert not field_of("x", pa.Column("float64"))[0].optional


def test_a_type_without_counterpart_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="column x"):
        field_of("x", pa.Column("complex128"))


def test_the_problem_has_a_row_and_a_target() -> None:
    schema = row_schema(problem.SCHEMA, problem.TARGET)
    assert schema.target.name == problem.TARGET
    names = {field.name for field in schema.fields}
    assert names == set(problem.SCHEMA.columns) - {problem.TARGET}
