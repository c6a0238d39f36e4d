"""The fields of a request's row: `problem.SCHEMA` without pandas.

`make deploy` translates the schema into fields, which are part of the bundle. The service makes
one type of them, which decodes, validates and describes requests.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

Kind = Literal["int", "float", "bool", "str", "datetime"]
TYPES: dict[Kind, type] = dict(int=int, float=float, bool=bool, str=str, datetime=datetime)
ARRAYS: dict[Kind, str] = {"int": "int64", "float": "float64", "bool": "bool", "str": "object"}
INT64 = np.iinfo(np.int64)  # its minimum is NumPy's value of a missing time
EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A column of the schema. A bound of None does not apply."""

    name: str
    kind: Kind
    optional: bool = False  # may be left out or null
    ge: float | int | None = None
    gt: float | int | None = None
    le: float | int | None = None
    lt: float | int | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    timezone: bool = False  # whether a datetime must, or must not, have an offset
    choices: list[Any] | None = None


def value_type(field: Field) -> Any:
    """Return the type, with its constraints, that msgspec decodes a value into."""
    if field.choices is not None and field.kind in ("int", "str"):
        chosen: Any = Literal[tuple(field.choices)]
    else:
        chosen = Annotated[TYPES[field.kind], msgspec.Meta(**constraints(field))]
    return chosen | None if field.optional else chosen


def constraints(field: Field) -> dict[str, Any]:
    """Return the constraints for msgspec. Integers must fit into 64 bits, as in an array."""
    if field.kind == "datetime":
        form = "date-time" if field.timezone else "local-date-time"
        return {"tz": field.timezone, "extra_json_schema": {"format": form}}
    names = ("ge", "gt", "le", "lt", "pattern", "min_length", "max_length")
    found = {name: value for name in names if (value := getattr(field, name)) is not None}
    if field.kind == "int":
        if not found.keys() & {"ge", "gt"}:
            found["ge"] = int(INT64.min)
        if not found.keys() & {"le", "lt"}:
            found["le"] = int(INT64.max)
    return found


def row_type(fields: Sequence[Field], forbid_others: bool = False) -> type[msgspec.Struct]:
    """Return the type of a row. Its attributes are numbered: a column may have any name."""
    return msgspec.defstruct(
        "Row",
        [
            (f"field_{i}", value_type(field), *([None] if field.optional else []))
            for i, field in enumerate(fields)
        ],
        rename={f"field_{i}": field.name for i, field in enumerate(fields)},
        forbid_unknown_fields=forbid_others,
        frozen=True,
        kw_only=True,
        gc=False,
    )


def one_or_many(one: Any, most: int) -> "msgspec.json.Decoder[Any]":
    """Return a decoder for one object of a type, or a list of at most so many."""
    return msgspec.json.Decoder(one | Annotated[list[one], msgspec.Meta(max_length=most)])


def feedback_type(target: Field) -> Any:
    """Return the type of feedback: the id of a prediction, and its ground truth."""
    identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    return msgspec.defstruct(
        "Feedback", [("id", identifier), ("actual", value_type(target))], frozen=True, gc=False
    )


def columns_of(rows: Sequence[Any], fields: Sequence[Field]) -> dict[str, np.ndarray]:
    """Return an array of shape (rows,) for each field; missing values are NaN, NaT or None."""
    return {
        field.name: column([getattr(row, f"field_{i}") for row in rows], field)
        for i, field in enumerate(fields)
    }


def column(values: list[Any], field: Field) -> np.ndarray:
    """Return an array of the field's type; integers and booleans widen for missing values."""
    if field.timezone:
        values = [value and value.astimezone(UTC).replace(tzinfo=None) for value in values]
    if field.kind == "datetime":  # four times as fast as NumPy's own conversion
        times = [INT64.min if one is None else (one - EPOCH) // MICROSECOND for one in values]
        return np.array(times, dtype="int64").view("datetime64[us]")
    if field.optional and field.kind in ("int", "bool") and None in values:
        return np.array(values, dtype=float if field.kind == "int" else object)
    return np.array(values, dtype=ARRAYS[field.kind])
