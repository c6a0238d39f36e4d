"""Translate `problem.SCHEMA` into the fields of a request's row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from ...errors import UserError
from ..fields import Field, Kind

KINDS: dict[str, Kind] = {"i": "int", "u": "int", "f": "float", "b": "bool", "M": "datetime"}
TEXT = ("object", "str", "string", "category")


@dataclass(frozen=True)
class RowSchema:
    """A request's row and the target, and whether the schema asks for more than fields can say."""

    fields: list[Field]
    target: Field
    forbid_others: bool
    needs_schema: bool


def row_schema(schema: pa.DataFrameSchema, target: str) -> RowSchema:
    """The schema in fields.

    Raises:
        UserError: a column is of a type that JSON has no word for.
    """
    translated = {name: field_of(str(name), column) for name, column in schema.columns.items()}
    partly = [name for name, (_, whole) in translated.items() if not whole and name != target]
    return RowSchema(
        fields=[field for name, (field, _) in translated.items() if name != target],
        target=translated[target][0],
        forbid_others=schema.strict is True,
        needs_schema=bool(partly or schema.checks or schema.unique),
    )


def field_of(name: str, column: pa.Column) -> tuple[Field, bool]:
    """The column as a field, and whether the field says all that the column asks."""
    bounds: dict[str, Any] = {}
    whole = not column.unique
    for check in column.checks:
        said = bounds_of(check)
        whole = whole and said is not None
        bounds |= said or {}
    kind = kind_of(name, column)
    if "choices" in bounds and kind not in ("int", "str"):
        del bounds["choices"]
        whole = False
    optional = bool(column.nullable or not column.required)
    timezone = isinstance(dtype_of(column), pd.DatetimeTZDtype)
    return Field(name=name, kind=kind, optional=optional, timezone=timezone, **bounds), whole


def dtype_of(column: pa.Column) -> Any:
    """The column's type in pandas."""
    return getattr(column.dtype, "type", column.dtype)


def kind_of(name: str, column: pa.Column) -> Kind:
    """What JSON calls the column's type."""
    dtype = dtype_of(column)
    if str(dtype).partition("[")[0] in TEXT:
        return "str"
    letter = getattr(dtype, "kind", None) or np.dtype(str(dtype).lower()).kind
    if letter not in KINDS:
        raise UserError(
            f"the service cannot take column {name} of problem.SCHEMA: {column.dtype} has no "
            "counterpart in JSON. Numbers, text, truth values and times have one"
        )
    return KINDS[letter]


def bounds_of(check: pa.Check) -> dict[str, Any] | None:
    """The check in a field's words; None if they cannot say it."""
    told = {name: plain(value) for name, value in (check.statistics or {}).items()}
    match check.name:
        case "in_range":
            low = "ge" if told.get("include_min", True) else "gt"
            high = "le" if told.get("include_max", True) else "lt"
            return {low: told["min_value"], high: told["max_value"]}
        case "greater_than_or_equal_to":
            return {"ge": told["min_value"]}
        case "greater_than":
            return {"gt": told["min_value"]}
        case "less_than_or_equal_to":
            return {"le": told["max_value"]}
        case "less_than":
            return {"lt": told["max_value"]}
        case "isin":
            return {"choices": sorted(told["allowed_values"], key=str)}
        case "equal_to":
            return {"choices": [told["value"]]}
        case "str_matches":
            return {"pattern": f"^(?:{told['pattern']})"}  # pandas matches from the start
        case "str_length":
            lengths = {"min_length": told.get("min_value"), "max_length": told.get("max_value")}
            return {name: value for name, value in lengths.items() if value is not None}
    return None


def plain(value: Any) -> Any:
    """A number or a collection as JSON knows it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (set, frozenset, tuple, list)):
        return [plain(each) for each in value]
    return value
