"""Columns of times: in which of the usual ways they are written, and how pandas reads them."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.tseries.api import guess_datetime_format

SECONDS = (1e8, 1e10)  # since 1970: the years 1973 to 2286
UNITS = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}


@dataclass(frozen=True)
class TimeReading:
    """The times without a time zone, in UTC if they had one, and how they are read."""

    values: pd.Series
    arguments: dict[str, Any]
    cast: str = ""  # what numbers need first: a missing one made floats of them
    ambiguous: bool = False


def read_times(column: pd.Series) -> TimeReading | None:
    """The column as times, if every known value of it is one; missing ones are left out."""
    known = column.dropna()
    if known.empty or pd.api.types.is_bool_dtype(known):
        return None
    if pd.api.types.is_numeric_dtype(known):
        return read_numbers(known)
    if isinstance(known.dtype, pd.DatetimeTZDtype):
        return TimeReading(without_zone(known), {"utc": True})
    if pd.api.types.is_datetime64_dtype(known):
        return TimeReading(known, {})
    fitting = [
        (values, arguments)
        for arguments in ways(known)
        if (values := converted(known, arguments)) is not None
    ]
    if not fitting:
        return None
    values, arguments = fitting[0]
    return TimeReading(values, arguments, ambiguous=len(fitting) > 1)


def ways(known: pd.Series) -> list[dict[str, Any]]:
    """The ways in which the first value may be meant: as ISO 8601, or day and month both ways."""
    first = str(known.iloc[0]).strip()
    if converted(known, {"format": "ISO8601"}) is not None:
        return [{"format": "ISO8601"}]
    if converted(known, {"format": "ISO8601", "utc": True}) is not None:
        return [{"format": "ISO8601", "utc": True}]
    day_first = "." in first[:3]  # 31.12.2025 is never written month first
    found: list[dict[str, Any]] = []
    for order in [True] if day_first else [False, True]:
        form = guess_datetime_format(first, dayfirst=order)
        arguments = {"format": form} | ({"utc": True} if form and "%z" in form else {})
        if form and arguments not in found:
            found.append(arguments)
    return found


def converted(known: pd.Series, arguments: dict[str, Any]) -> pd.Series | None:
    """The values as times; None if one of them is not written that way."""
    try:
        values = pd.to_datetime(known, **arguments)
    except (ValueError, TypeError, OverflowError):
        return None
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return without_zone(values) if "utc" in arguments else None
    return values if pd.api.types.is_datetime64_dtype(values) else None


def read_numbers(known: pd.Series) -> TimeReading | None:
    """Whole numbers as years, as 20251231, or as the time since 1970."""
    low, high = float(known.min()), float(known.max())
    if not (known == known.round()).all():
        return None
    whole = known.astype("int64")
    ways: list[dict[str, Any]] = []
    if low >= 1900 and high <= 2100:
        ways = [{"format": "%Y"}]
    elif low >= 19_000_101 and high <= 21_001_231:
        ways = [{"format": "%Y%m%d"}]
    for unit, per_second in UNITS.items():
        if SECONDS[0] * per_second <= low and high <= SECONDS[1] * per_second:
            ways.append({"unit": unit})
    for arguments in ways:
        written = "format" in arguments
        values = converted(whole.astype(str) if written else whole, arguments)
        if values is not None:
            cast = '.astype("int64").astype(str)' if written else '.astype("int64")'
            return TimeReading(values, arguments, cast)
    return None


def without_zone(times: pd.Series) -> pd.Series:
    """The times in UTC, without saying so."""
    return times.dt.tz_convert("UTC").dt.tz_localize(None)
