"""A request's row is decoded into what the fields ask for, and into arrays."""

import time
from typing import Any

import msgspec
import numpy as np
import pytest
from taxi_ride_duration.serving.fields import Field, column, columns_of, row_type

FIELDS = [
    Field(name="a name with spaces", kind="int", ge=1, le=9),
    Field(name="price", kind="float", gt=0, optional=True),
    Field(name="colour", kind="str", choices=["red", "blue"]),
    Field(name="code", kind="str", pattern="^[A-Z]+$", max_length=3, optional=True),
    Field(name="at", kind="datetime"),
]
ROW = {"a name with spaces": 3, "colour": "red", "at": "2025-01-31T08:30:00"}
DECODER: Any = msgspec.json.Decoder(row_type(FIELDS))


def decode(**changes: Any) -> Any:
    return DECODER.decode(msgspec.json.encode(ROW | changes))


def test_rows_become_one_array_for_each_field() -> None:
    columns = columns_of([decode(price=1.5), decode(price=None)], FIELDS)
    assert columns["a name with spaces"].tolist() == [3, 3]
    assert columns["price"][0] == 1.5
    assert np.isnan(columns["price"][1])
    assert columns["at"][0] == np.datetime64("2025-01-31T08:30:00")
    assert columns["code"].tolist() == [None, None]


@pytest.mark.parametrize(
    "changes",
    [
        {"a name with spaces": 0},
        {"a name with spaces": 10},
        {"a name with spaces": "3"},
        {"a name with spaces": None},
        {"price": 0},
        {"colour": "green"},
        {"code": "abc"},
        {"code": "ABCD"},
        {"at": "yesterday"},
        {"at": "2025-01-31T08:30:00Z"},
    ],
    ids=str,
)
def test_what_breaks_a_field_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match=next(iter(changes))):
        decode(**changes)


def test_a_number_too_large_for_an_array_is_refused() -> None:
    decoder = msgspec.json.Decoder(row_type([Field(name="n", kind="int")]))
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(b'{"n": 9223372036854775808}')


def test_times_with_an_offset_are_compared_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    field = Field(name="at", kind="datetime", timezone=True)
    decoder: Any = msgspec.json.Decoder(row_type([field]))
    rows = [decoder.decode(b'{"at": "2025-01-31T08:30:00+02:00"}')]
    with monkeypatch.context() as elsewhere:  # where the service stands does not matter
        elsewhere.setenv("TZ", "America/New_York")
        time.tzset()
        columns = columns_of(rows, [field])
    time.tzset()
    assert columns["at"][0] == np.datetime64("2025-01-31T06:30:00")


def test_missing_whole_numbers_become_nan() -> None:
    values = column([1, None], Field(name="n", kind="int", optional=True))
    assert np.isnan(values[1])


def test_other_fields_are_forbidden_if_the_schema_says_so() -> None:
    decoder = msgspec.json.Decoder(row_type([], forbid_others=True))
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(b'{"more": 1}')
