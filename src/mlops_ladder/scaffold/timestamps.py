"""Read columns of times in the usual formats."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.tseries.api import guess_datetime_format

SECONDS = (1e8, 1e10)  # since 1970: the years 1973 to 2286
UNITS = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}


@dataclass(frozen=True)
class TimeReading:
    """Times, and how to read them.

    Parameters
    ----------
    values
        The known times without a time zone, in UTC if they had one.
    arguments
        The arguments of `pd.to_datetime`.
    cast
        Methods that convert numbers before; pandas reads integers with missing values as floats.
    is_ambiguous
        True if day and month could be exchanged.
    """

    values: pd.Series
    arguments: dict[str, Any]
    cast: str = ""
    is_ambiguous: bool = False


def read_times(column: pd.Series) -> TimeReading | None:
    """Read a column as times; return None if a known value of it is not a time."""
    known = column.dropna()
    if known.empty or pd.api.types.is_bool_dtype(known):
        return None
    if pd.api.types.is_numeric_dtype(known):
        return read_numbers(known)
    if isinstance(known.dtype, pd.DatetimeTZDtype):
        return TimeReading(remove_time_zone(known), {"utc": True})
    if pd.api.types.is_datetime64_dtype(known):
        return TimeReading(known, {})
    readings = [
        (values, arguments)
        for arguments in guess_arguments(known)
        if (values := convert(known, arguments)) is not None
    ]
    if not readings:
        return None
    values, arguments = readings[0]
    return TimeReading(values, arguments, is_ambiguous=len(readings) > 1)


def guess_arguments(known: pd.Series) -> list[dict[str, Any]]:
    """Return the arguments of `pd.to_datetime` that the first value allows.

    These are ISO 8601, or a format with the month first and one with the day first.
    """
    first = str(known.iloc[0]).strip()
    if convert(known, {"format": "ISO8601"}) is not None:
        return [{"format": "ISO8601"}]
    if convert(known, {"format": "ISO8601", "utc": True}) is not None:
        return [{"format": "ISO8601", "utc": True}]
    has_dots = "." in first[:3]  # the day is always first in 31.12.2025
    found: list[dict[str, Any]] = []
    for day_first in [True] if has_dots else [False, True]:
        pattern = guess_datetime_format(first, dayfirst=day_first)
        arguments = {"format": pattern} | ({"utc": True} if pattern and "%z" in pattern else {})
        if pattern and arguments not in found:
            found.append(arguments)
    return found


def convert(known: pd.Series, arguments: dict[str, Any]) -> pd.Series | None:
    """Convert the values to times; return None if `pd.to_datetime` cannot."""
    try:
        values = pd.to_datetime(known, **arguments)
    except (ValueError, TypeError, OverflowError):
        return None
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return remove_time_zone(values) if "utc" in arguments else None
    return values if pd.api.types.is_datetime64_dtype(values) else None


def read_numbers(known: pd.Series) -> TimeReading | None:
    """Read integers as years, as dates such as 20251231, or as the time since 1970."""
    low, high = float(known.min()), float(known.max())
    if not (known == known.round()).all():
        return None
    integers = known.astype("int64")
    candidates: list[dict[str, Any]] = []
    if low >= 1900 and high <= 2100:
        candidates = [{"format": "%Y"}]
    elif low >= 19_000_101 and high <= 21_001_231:
        candidates = [{"format": "%Y%m%d"}]
    for unit, per_second in UNITS.items():
        if SECONDS[0] * per_second <= low and high <= SECONDS[1] * per_second:
            candidates.append({"unit": unit})
    for arguments in candidates:
        is_text = "format" in arguments
        values = convert(integers.astype(str) if is_text else integers, arguments)
        if values is not None:
            cast = '.astype("int64").astype(str)' if is_text else '.astype("int64")'
            return TimeReading(values, arguments, cast)
    return None


def remove_time_zone(times: pd.Series) -> pd.Series:
    """Convert the times to UTC, without a time zone in their type."""
    return times.dt.tz_convert("UTC").dt.tz_localize(None)
