"""The fields of a request's row: what `problem.SCHEMA` asks of them, without pandas.

`make deploy` translates the schema into fields, which travel in the bundle; from them the service
makes the type that it decodes requests into.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

Kind = Literal["int", "float", "bool", "str", "datetime"]
TYPES: dict[Kind, type] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "datetime": datetime,
}
ARRAYS: dict[Kind, str] = {
    "int": "int64",
    "float": "float64",
    "bool": "bool",
    "str": "object",
    "datetime": "datetime64[us]",
}
INT64 = np.iinfo(np.int64)
EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)
NOT_A_TIME = int(INT64.min)  # NumPy's own mark for a missing time


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A column of the schema. A bound that is None does not bind."""

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
    timezone: bool = False  # whether a datetime carries an offset; it must, or must not
    choices: list[Any] | None = None


def value_type(field: Field) -> Any:
    """The type that msgspec decodes the field's value into, constraints included."""
    if field.choices is not None and field.kind in ("int", "str"):
        chosen: Any = Literal[tuple(field.choices)]
    else:
        chosen = Annotated[TYPES[field.kind], msgspec.Meta(**constraints(field))]
    return chosen | None if field.optional else chosen


def constraints(field: Field) -> dict[str, Any]:
    """The constraints in msgspec's words. Whole numbers must fit into 64 bits, as in an array."""
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
    """The type of a row. Attributes are numbered, because a column may have any name."""
    required = [pair for pair in enumerate(fields) if not pair[1].optional]
    optional = [pair for pair in enumerate(fields) if pair[1].optional]
    return msgspec.defstruct(
        "Row",
        [(f"field_{i}", value_type(field)) for i, field in required]
        + [(f"field_{i}", value_type(field), None) for i, field in optional],
        rename={f"field_{i}": field.name for i, field in enumerate(fields)},
        forbid_unknown_fields=forbid_others,
        frozen=True,
        gc=False,
    )


def columns_of(rows: Sequence[Any], fields: Sequence[Field]) -> dict[str, np.ndarray]:
    """An array of shape (rows,) for each field; what is missing is NaN, NaT or None."""
    columns = {}
    for i, field in enumerate(fields):
        attribute = f"field_{i}"
        columns[field.name] = column([getattr(row, attribute) for row in rows], field)
    return columns


def column(values: list[Any], field: Field) -> np.ndarray:
    """One array of the field's type; whole numbers and truth values widen to hold a missing one."""
    if field.timezone:
        values = [value and value.astimezone(UTC).replace(tzinfo=None) for value in values]
    if field.kind == "datetime":
        return times(values)
    if field.optional and field.kind in ("int", "bool") and None in values:
        return np.array(values, dtype=float if field.kind == "int" else object)
    return np.array(values, dtype=ARRAYS[field.kind])


def times(values: list[datetime | None]) -> np.ndarray:
    """Times as NumPy has them. It could convert them itself, in four times the time."""
    since_epoch = [
        NOT_A_TIME if value is None else (value - EPOCH) // MICROSECOND for value in values
    ]
    return np.array(since_epoch, dtype="int64").view(ARRAYS["datetime"])
