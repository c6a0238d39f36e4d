"""The kind and the values of a column, inferred from the values."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd

from .numerals import NumberFormat, find_number_format, is_percentage
from .timestamps import read_times

Kind = Literal["number", "integer", "boolean", "category", "time", "other"]
LARGEST_INTEGER = 2**53  # beyond it, float64 does not hold every integer
FEWEST_MARKS, SHARE_OF_MARKS = 5, 0.005
FEWEST_OTHERS = 8  # different values beside a mark; fewer are a code of their own
MOST_ZEROS = 0.3
MOST_MARKS = 3  # different ones in a column
VERY_FAR = 3  # times the range of the other values
MARKS = {
    *(-1, -9, -99, -999, -9999, -99999, -100, -200, -888, -8888, -1000, -32768),
    *(99, 999, 9999, 99999, 999999, 888, 8888, 32767, 65535, 0),
}
# What a name says about the values that are possible.
DOMAINS: list[tuple[str, float, float]] = [
    ("hour|hr|hours?_of_day|hour_of_the_day", 0, 23),
    ("minute", 0, 59),
    ("month|mnth|month_of_year", 1, 12),
    ("day_of_month|day", 1, 31),
    ("weekday|day_of_week|dow|wday", 0, 7),
    ("quarter|qtr", 1, 4),
    ("lat|latitude", -90, 90),
    ("lon|lng|long|longitude", -180, 180),
]
NEVER_NEGATIVE = re.compile(
    r"(^|_)(age|count|counts|number|num|n|qty|quantity|price|size|area|weight|height|length|width"
    r"|depth|distance|duration|rooms?|bedrooms?|bathrooms?|population|carat|sqft|miles|km|years?"
    r"|minutes|hours|seconds|calls|children|siblings|rainfall|precipitation|mileage|horsepower)($|_)"
)


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
    written
        How the numbers are written, if not as Python writes them.
    marks
        Numbers that mark missing values, and the number of rows with each.
    """

    name: str
    kind: Kind
    values: pd.Series
    has_whitespace: bool = False
    has_infinite: bool = False
    written: NumberFormat | None = None
    marks: tuple[tuple[float, int], ...] = ()

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


def numeric_column(name: str, values: pd.Series, written: NumberFormat | None = None) -> Column:
    """Return a column of integers or other numbers."""
    floats = pd.Series(values.to_numpy(dtype=float, na_value=np.nan), index=values.index)
    finite = floats.where(np.isfinite(floats))
    marks = find_marks(finite.dropna())
    finite = finite.mask(finite.isin([mark for mark, _ in marks])) if marks else finite
    known = finite.dropna()
    is_integer = bool((known == known.round()).all() and (known.abs() < LARGEST_INTEGER).all())
    kind: Kind = "integer" if is_integer else "number"
    has_infinite = bool(np.isinf(floats).any())
    return Column(name, kind, finite, False, has_infinite, written, tuple(marks))


def find_marks(known: pd.Series) -> list[tuple[float, int]]:
    """Find numbers that are likely to mark missing values: frequent, and far from the rest."""
    values, counts = np.unique(known.to_numpy(), return_counts=True)
    fewest = max(FEWEST_MARKS, SHARE_OF_MARKS * counts.sum())
    marks: list[tuple[float, int]] = []
    while len(marks) < MOST_MARKS and len(values) > FEWEST_OTHERS:
        found = next((at for at in (0, -1) if is_mark(values, counts, at, fewest)), None)
        if found is None:
            break
        marks.append((float(values[found]), int(counts[found])))
        keep = slice(1, None) if found == 0 else slice(None, -1)
        values, counts = values[keep], counts[keep]
    return marks


def is_mark(values: np.ndarray, counts: np.ndarray, at: int, fewest: float) -> bool:
    """Tell whether the lowest or the highest of the sorted values marks missing values."""
    value = values[at]
    if counts[at] < fewest or value != round(value):
        return False
    rest, times = (values[1:], counts[1:]) if at == 0 else (values[:-1], counts[:-1])
    gap = abs(value - rest[0 if at == 0 else -1])
    shares = np.cumsum(times) / times.sum()
    low, lower, upper, high = (rest[np.searchsorted(shares, q)] for q in (0.01, 0.25, 0.75, 0.99))
    if gap > VERY_FAR * (high - low) and gap > 1 and high > low and value != 0:
        return True
    if value not in MARKS:
        return False
    if value < 0 and rest[0] >= 0:
        return True
    if value == 0 and counts[at] > MOST_ZEROS * counts.sum():
        return False  # as in amounts that are often nothing
    return bool(gap > 1.1 * (upper - lower) and gap > 1 and upper > lower)


def text_column(name: str, values: pd.Series) -> Column:
    """Return a column of categories, or of numbers or times if all values can be read as such."""
    text = values.astype(object).map(str, na_action="ignore")
    stripped = text.map(str.strip, na_action="ignore")
    known = stripped.dropna()
    known = known[known != ""]
    written = find_number_format(known.head(200)) and find_number_format(known)
    if written:
        return numeric_column(name, written.read(stripped), written)
    if len(known) and read_times(known.head(50)) and read_times(known):
        return Column(name, "time", values)
    has_whitespace = bool((text.dropna() != stripped.dropna()).any() or (stripped == "").any())
    categories = stripped.replace("", np.nan)
    return Column(name, "category", categories, has_whitespace=has_whitespace)


def hard_limits(column: Column) -> tuple[float | None, float | None]:
    """Return the limits that no value can exceed, whatever the future brings."""
    low, high = float(column.values.min()), float(column.values.max())
    if column.kind == "boolean" or (column.kind == "integer" and low >= 0 and high <= 1):
        return 0, 1
    unit = column.written.unit if column.written else ""
    if is_percentage(column.name, unit) and low >= 0 and 1 < high <= 100:
        return 0, 100
    for names, lowest, highest in DOMAINS:
        if re.fullmatch(rf"(.*_)?({names})", column.name) and lowest <= low and high <= highest:
            return lowest, highest
    return (0 if low >= 0 and NEVER_NEGATIVE.search(column.name) else None), None


def dtype_of(column: Column) -> str:
    """Return the pandas type of a column."""
    match column.kind:
        case "integer":
            return "float64" if column.has_missing else "int64"
        case "boolean":
            return "boolean"  # "bool" converts any text to True, and a missing value to False
        case "category":
            return "str"
    return "float64"


def short_number(value: float) -> str:
    """Return a number with four significant digits, as people write it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
