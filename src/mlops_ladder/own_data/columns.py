"""What the columns of a file hold."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd

from .times import read_times

Kind = Literal["number", "whole", "truth", "category", "time", "other"]
EXACT = 2**53  # beyond it a float cannot tell whole numbers apart


@dataclass(frozen=True)
class Column:
    """A column's name, what it holds, and its values in one type; a missing one is NaN."""

    name: str
    kind: Kind
    values: pd.Series
    blanks: bool = False  # whether blanks stand around some of its words, or for one
    infinite: bool = False  # whether some of its numbers are; they count as missing

    @property
    def numeric(self) -> bool:
        return self.kind in ("number", "whole", "truth")

    @property
    def gaps(self) -> bool:
        """Whether some values are missing."""
        return bool(self.values.isna().any())

    @property
    def distinct(self) -> int:
        """How many different values there are."""
        return int(self.values.nunique())


def column_of(name: str, values: pd.Series) -> Column:
    """The column, by the values that it holds and not by what pandas calls their type."""
    known = values.dropna()
    if pd.api.types.is_bool_dtype(known) or (len(known) and known.map(type).eq(bool).all()):
        return Column(name, "truth", values.astype(object).map(float, na_action="ignore") * 1.0)
    if pd.api.types.is_datetime64_any_dtype(known):
        return Column(name, "time", values)
    if pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_complex_dtype(known):
        return numbers(name, values)
    if len(known) and known.map(lambda value: isinstance(value, Decimal)).all():
        return numbers(name, values)
    words = pd.api.types.is_string_dtype(known) or isinstance(known.dtype, pd.CategoricalDtype)
    if words or known.map(lambda value: isinstance(value, str | int | float)).all():
        return text(name, values)
    return Column(name, "time" if read_times(values) else "other", values)


def numbers(name: str, values: pd.Series) -> Column:
    """A column of numbers, whole ones told from others."""
    floats = pd.Series(values.to_numpy(dtype=float, na_value=np.nan), index=values.index)
    finite = floats.where(np.isfinite(floats))
    known = finite.dropna()
    whole = bool((known == known.round()).all() and (known.abs() < EXACT).all())
    infinite = bool(np.isinf(floats).any())
    return Column(name, "whole" if whole else "number", finite, infinite=infinite)


def text(name: str, values: pd.Series) -> Column:
    """A column of words; times that are written out are told from others."""
    words = values.astype(object).map(str, na_action="ignore")
    stripped = words.map(str.strip, na_action="ignore")
    known = stripped.dropna()
    if len(known) and read_times(known.head(50)) and read_times(known):
        return Column(name, "time", values)
    blanks = bool((words.dropna() != known).any() or (known == "").any())
    return Column(name, "category", stripped.replace("", np.nan), blanks=blanks)


def allowed_range(column: Column) -> tuple[float, float]:
    """The limits for new values: half as wide again on both sides as what was seen, and round.

    What was never negative stays so. Such limits let growth through, and stop a value in another
    unit.
    """
    low, high = float(column.values.min()), float(column.values.max())
    if column.kind == "truth" or (column.kind == "whole" and low >= 0 and high <= 1):
        return 0, 1
    width = high - low
    step = 10.0 ** math.floor(math.log10(width)) if width else max(1.0, abs(high))
    if column.kind == "whole":
        step = max(1.0, step)
    lowest = math.floor((low - width / 2) / step)
    highest = math.ceil((high + width / 2) / step)
    return rounded(max(0, lowest) if low >= 0 else lowest, step), rounded(highest, step)


def rounded(steps: int, step: float) -> float:
    """So many steps, as a number that is short to write."""
    value = float(f"{steps * step:.6g}")
    return int(value) if value == int(value) else value
