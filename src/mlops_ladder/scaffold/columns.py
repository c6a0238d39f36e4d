"""The kind and the values of a column, inferred from the values."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd

from .timestamps import read_times

Kind = Literal["number", "integer", "boolean", "category", "time", "other"]
LARGEST_INTEGER = 2**53  # beyond it, float64 does not hold every integer


@dataclass(frozen=True)
class Column:
    """A column of the file.

    Parameters
    ----------
    name
        The clean name.
    kind
        What the values are.
    values
        The values in one type; a missing value is NaN.
    has_whitespace
        True if some categories have leading or trailing whitespace, or are blank.
    has_infinite
        True if some numbers are infinite; these count as missing.
    """

    name: str
    kind: Kind
    values: pd.Series
    has_whitespace: bool = False
    has_infinite: bool = False

    @property
    def is_numeric(self) -> bool:
        """Tell whether the values are floats."""
        return self.kind in ("number", "integer", "boolean")

    @property
    def has_missing(self) -> bool:
        """Tell whether some values are missing."""
        return bool(self.values.isna().any())

    @property
    def n_distinct(self) -> int:
        """Count the different values."""
        return int(self.values.nunique())


def column_of(name: str, values: pd.Series) -> Column:
    """Infer the kind of a column from its values, because pandas' types are often `object`."""
    known = values.dropna()
    if pd.api.types.is_bool_dtype(known) or (len(known) and known.map(type).eq(bool).all()):
        floats = values.astype(object).map(float, na_action="ignore") * 1.0
        return Column(name, "boolean", floats)
    if pd.api.types.is_datetime64_any_dtype(known):
        return Column(name, "time", values)
    if pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_complex_dtype(known):
        return numeric_column(name, values)
    if len(known) and known.map(lambda value: isinstance(value, Decimal)).all():
        return numeric_column(name, values)
    is_text = pd.api.types.is_string_dtype(known) or isinstance(known.dtype, pd.CategoricalDtype)
    if is_text or known.map(lambda value: isinstance(value, str | int | float)).all():
        return text_column(name, values)
    return Column(name, "time" if read_times(values) else "other", values)


def numeric_column(name: str, values: pd.Series) -> Column:
    """Return a column of integers or other numbers."""
    floats = pd.Series(values.to_numpy(dtype=float, na_value=np.nan), index=values.index)
    finite = floats.where(np.isfinite(floats))
    known = finite.dropna()
    is_integer = bool((known == known.round()).all() and (known.abs() < LARGEST_INTEGER).all())
    has_infinite = bool(np.isinf(floats).any())
    return Column(name, "integer" if is_integer else "number", finite, has_infinite=has_infinite)


def text_column(name: str, values: pd.Series) -> Column:
    """Return a column of categories, or of times if all values can be read as times."""
    text = values.astype(object).map(str, na_action="ignore")
    stripped = text.map(str.strip, na_action="ignore")
    known = stripped.dropna()
    if len(known) and read_times(known.head(50)) and read_times(known):
        return Column(name, "time", values)
    has_whitespace = bool((text.dropna() != known).any() or (known == "").any())
    categories = stripped.replace("", np.nan)
    return Column(name, "category", categories, has_whitespace=has_whitespace)


def allowed_range(column: Column) -> tuple[float, float]:
    """Return round limits for new values of a numeric column.

    They exceed the observed range by half of its width on both sides, so that values may grow but
    not change their unit. If no value is negative, the lower limit is not either.
    """
    low, high = float(column.values.min()), float(column.values.max())
    if column.kind == "boolean" or (column.kind == "integer" and low >= 0 and high <= 1):
        return 0, 1
    width = high - low
    step = 10.0 ** math.floor(math.log10(width)) if width else max(1.0, abs(high))
    if column.kind == "integer":
        step = max(1.0, step)
    lowest = math.floor((low - width / 2) / step)
    highest = math.ceil((high + width / 2) / step)
    lower = round_product(max(0, lowest) if low >= 0 else lowest, step)
    return lower, round_product(highest, step)


def round_product(count: int, step: float) -> float:
    """Return `count * step` with six significant digits, as an integer if it is one."""
    value = float(f"{count * step:.6g}")
    return int(value) if value == int(value) else value
