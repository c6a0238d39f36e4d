"""Translate `problem.SCHEMA` into the fields of a request's row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from ..errors import UserError
from ..serving.fields import Field, Kind

KINDS: dict[str, Kind] = {"i": "int", "u": "int", "f": "float", "b": "bool", "M": "datetime"}
TEXT = ("object", "str", "string", "category")


@dataclass(frozen=True)
class RowSchema:
    """The fields of a row and the target; whether the schema has checks beyond them."""

    fields: list[Field]
    target: Field
    forbid_others: bool
    needs_schema: bool


def row_schema(schema: pa.DataFrameSchema, target: str) -> RowSchema:
    """Translate the schema; a type without a counterpart in JSON is an error."""
    translated = {name: field_of(str(name), column) for name, column in schema.columns.items()}
    partly = [name for name, (_, whole) in translated.items() if not whole and name != target]
    return RowSchema(
        fields=[field for name, (field, _) in translated.items() if name != target],
        target=translated[target][0],
        forbid_others=schema.strict is True,
        needs_schema=bool(partly or schema.checks or schema.unique),
    )


def field_of(name: str, column: pa.Column) -> tuple[Field, bool]:
    """Return the column as a field, and whether the field has all its checks."""
    bounds: dict[str, Any] = {}
    whole = not column.unique
    for check in column.checks:
        found = bounds_of(check)
        whole = whole and found is not None
        bounds |= found or {}
    dtype = getattr(column.dtype, "type", column.dtype)  # the type in pandas
    kind = kind_of(name, dtype)
    if "choices" in bounds and kind not in ("int", "str"):
        del bounds["choices"]
        whole = False
    optional = bool(column.nullable or not column.required)
    timezone = isinstance(dtype, pd.DatetimeTZDtype)
    return Field(name=name, kind=kind, optional=optional, timezone=timezone, **bounds), whole


def kind_of(name: str, dtype: Any) -> Kind:
    """Return the type in JSON of a type in pandas."""
    if str(dtype).partition("[")[0] in TEXT:
        return "str"
    letter = getattr(dtype, "kind", None) or np.dtype(str(dtype).lower()).kind
    if letter not in KINDS:
        raise UserError(
            f"problem.SCHEMA: column {name}: {dtype} has no counterpart in JSON. Use numbers, "
            "text, booleans or times"
        )
    return KINDS[letter]


def bounds_of(check: pa.Check) -> dict[str, Any] | None:
    """Return the check as bounds of a field; None if they cannot express it."""
    given = {name: plain(value) for name, value in (check.statistics or {}).items()}
    match check.name:
        case "in_range":
            low = "ge" if given.get("include_min", True) else "gt"
            high = "le" if given.get("include_max", True) else "lt"
            return {low: given["min_value"], high: given["max_value"]}
        case "greater_than_or_equal_to":
            return {"ge": given["min_value"]}
        case "greater_than":
            return {"gt": given["min_value"]}
        case "less_than_or_equal_to":
            return {"le": given["max_value"]}
        case "less_than":
            return {"lt": given["max_value"]}
        case "isin":
            return {"choices": sorted(given["allowed_values"], key=str)}
        case "equal_to":
            return {"choices": [given["value"]]}
        case "str_matches":
            return {"pattern": f"^(?:{given['pattern']})"}  # pandas matches from the start
        case "str_length":
            lengths = {"min_length": given.get("min_value"), "max_length": given.get("max_value")}
            return {name: value for name, value in lengths.items() if value is not None}
    return None


def plain(value: Any) -> Any:
    """Return a number or a collection as JSON has it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (set, frozenset, tuple, list)):
        return [plain(each) for each in value]
    return value
