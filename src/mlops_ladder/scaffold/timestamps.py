"""Read columns of times in the usual formats."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

SECONDS = (1e8, 1e10)  # since 1970: the years 1973 to 2286
UNITS = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}
SAMPLE = 50
MONTH_FIRST, DAY_FIRST = "%m{0}%d{0}%", "%d{0}%m{0}%"
DATES = [
    *("%d-%b-%y", "%d-%b-%Y", "%d %b %y", "%d %b %Y", "%d %B %Y", "%d/%b/%Y", "%d-%B-%Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%a, %d %b %Y", "%A, %B %d, %Y"),
    *("%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%B-%y", "%b %y", "%Y %b", "%Y-%b", "%Y %B"),
    *("%m/%Y", "%Y/%m", "%m-%Y", "%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y_%m_%d"),
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Z %Y", "%d/%b/%Y:%H:%M:%S %z"),
]
SHAPE = re.compile(
    r"(?P<date>.+?)(?:(?P<gap>[ T]|, )(?P<clock>\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)"
    r"(?P<half> ?[AaPp][Mm])?)?"
    r"(?P<zone> ?(?:UTC|GMT|Z|[+-]\d\d:?\d\d))?"
)
CLOCK_FIRST = re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?P<gap>,? )")
CLOCKS = ["", "", "%H:%M", "%H:%M:%S"]  # by the number of their parts
QUARTER = r"\d{4}[- ]?Q[1-4]|[1-4]Q\d{4}"
QUARTER_FIRST = r"Q([1-4])[-/ ]?(\d{4})"
WEEK = r"\d{4}-?W\d\d"
YEAR_AND_MONTH = r"(\d{1,2})-(\d{2})"


@dataclass(frozen=True)
class TimeReading:
    """Times, and how to read them.

    Parameters
    ----------
    values
        The known times without a time zone, in UTC if they had one.
    expression
        Python source that reads them, in which `{}` stands for the column.
    zoned
        True if they were converted to UTC.
    alternatives
        Formats that also fit all values, if day and month could be exchanged.
    remark
        What a reader should know about it, for the user.
    """

    values: pd.Series
    expression: str
    zoned: bool = False
    alternatives: tuple[str, ...] = ()
    remark: str = ""


def read_times(column: pd.Series, date_format: str | None = None) -> TimeReading | None:
    """Read a column as times; return None if a known value of it is not a time."""
    known = column.dropna()
    if known.empty or pd.api.types.is_bool_dtype(known):
        return None
    if date_format is not None:
        return read_text(known.astype("str").str.strip(), [{"format": date_format}])
    if pd.api.types.is_numeric_dtype(known):
        return read_numbers(known)
    if isinstance(known.dtype, pd.DatetimeTZDtype):
        zone = "pd.to_datetime({}, utc=True).dt.tz_localize(None)"
        return TimeReading(remove_time_zone(known), zone, zoned=True)
    if pd.api.types.is_datetime64_dtype(known):
        return TimeReading(known, "pd.to_datetime({})")
    if not known.map(lambda value: isinstance(value, str) or hasattr(value, "year")).all():
        return None
    text = known.astype("str").str.strip()
    if not text.head(SAMPLE).str.contains(r"\d").all():
        return None
    return read_text(text, candidates(text)) or read_periods(text) or read_year_and_month(text)


def read_text(text: pd.Series, attempts: list[dict[str, Any]]) -> TimeReading | None:
    """Read text with the first of the arguments of `pd.to_datetime` that fit."""
    fitting = [
        (values, arguments)
        for arguments in attempts
        if convert(text.head(SAMPLE), arguments) is not None
        and (values := convert(text, arguments)) is not None
    ]
    if not fitting:
        return None
    ordered = sorted((f for f in fitting if is_ordered(f[0])), key=lambda f: irregularity(f[0]))
    fitting = ordered[:1] or fitting
    values, arguments = fitting[0]
    formats = tuple(str(arguments["format"]) for _, arguments in fitting)
    zoned = "utc" in arguments
    written = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    end = ".dt.tz_localize(None)" if zoned else ""
    expression = f"pd.to_datetime({{}}.str.strip(), {written}){end}"
    differ = len({tuple(found.head(SAMPLE)) for found, _ in fitting}) > 1
    return TimeReading(values, expression, zoned, formats if differ else ())


def is_ordered(times: pd.Series) -> bool:
    """Tell whether the times only increase, or only decrease, and not all are the same."""
    return times.nunique() > 2 and (times.is_monotonic_increasing or times.is_monotonic_decreasing)


def irregularity(times: pd.Series) -> float:
    """Return how much the steps between ordered times differ, relative to their mean."""
    steps = times.diff().dropna().dt.total_seconds().abs()
    return float(steps.std() / steps.mean())


def candidates(text: pd.Series) -> list[dict[str, Any]]:
    """Return the arguments of `pd.to_datetime` by which the first value is a time."""
    first = str(text.iloc[0])
    for arguments in ({"format": "ISO8601"}, {"format": "ISO8601", "utc": True}):
        if re.match(r"\d{4}-?\d\d", first) and convert(text.head(SAMPLE), arguments) is not None:
            return [arguments]
    clock = CLOCK_FIRST.match(first)
    date = first[clock.end() :] if clock else first
    separator = next(iter(re.findall(r"^\d{1,2}([/.-])\d{1,2}\1\d", date)), None)
    dates = [*DATES, "%Y-%m-%d"]
    if separator:
        year = "Y" if re.match(r"\d{1,2}\D\d{1,2}\D\d{4}", date) else "y"
        orders = [DAY_FIRST] if separator == "." else [MONTH_FIRST, DAY_FIRST]
        dates = [order.format(separator) + year for order in orders]
    end = clock_format(first)
    start = CLOCKS[len(clock[0].split(":"))] + clock["gap"] if clock else ""
    patterns = dict.fromkeys(
        pattern
        for day in dates
        for pattern in ((day,) if "%H" in day else (start + day, day + end, day))
    )
    return [
        {"format": pattern} | ({"utc": True} if "%z" in pattern.lower() else {})
        for pattern in patterns
        if fits(first, pattern)
    ]


def clock_format(text: str) -> str:
    """Return the format of what follows the date: the time of day and the time zone."""
    shape = SHAPE.fullmatch(text)
    if shape is None:
        return ""
    clock = ""
    if shape["clock"]:
        clock = shape["gap"] + CLOCKS[min(3, len(shape["clock"].split(":")))]
        clock += ".%f" if "." in shape["clock"] else ""
    if shape["half"]:
        clock = clock.replace("%H", "%I") + shape["half"].rstrip("AaPpMm") + "%p"
    if not shape["zone"]:
        return clock
    gap = " " if shape["zone"].startswith(" ") else ""
    return clock + gap + ("%Z" if shape["zone"].strip().isalpha() else "%z")


def fits(text: str, pattern: str) -> bool:
    """Tell whether a text has a format."""
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return False
    return True


def convert(known: pd.Series, arguments: dict[str, Any]) -> pd.Series | None:
    """Convert the values to times; return None if `pd.to_datetime` cannot."""
    try:
        values = pd.to_datetime(known, **arguments)
    except (ValueError, TypeError, OverflowError):
        return None
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return remove_time_zone(values) if "utc" in arguments else None
    return values if pd.api.types.is_datetime64_dtype(values) else None


def read_periods(text: pd.Series) -> TimeReading | None:
    """Read quarters such as 2018Q1, and weeks such as 2018-W03."""
    if text.str.fullmatch(WEEK).all():
        dashes = text.str.replace("-", "")
        values = convert(dashes + "1", {"format": "%GW%V%u"})
        expression = 'pd.to_datetime({}.str.strip().str.replace("-", "") + "1", format="%GW%V%u")'
        remark = "a week is its Monday"
        return values if values is None else TimeReading(values, expression, remark=remark)
    change = ""
    if text.str.fullmatch(QUARTER_FIRST).all():
        text = text.str.replace(QUARTER_FIRST, r"\2Q\1", regex=True)
        change = f'.str.replace(r"{QUARTER_FIRST}", r"\\2Q\\1", regex=True)'
    elif not text.str.fullmatch(QUARTER).all():
        return None
    elif text.str.contains(" ").any():
        text, change = text.str.replace(" ", ""), '.str.replace(" ", "")'
    quarters = pd.PeriodIndex(text, freq="Q").to_timestamp()
    values = pd.Series(quarters, index=text.index)
    expression = f'pd.PeriodIndex({{}}.str.strip(){change}, freq="Q").to_timestamp()'
    return TimeReading(values, expression, remark="a quarter is its first day")


def read_year_and_month(text: pd.Series) -> TimeReading | None:
    """Read the month of a numbered year, such as 1-01, if the rows are in that order."""
    parts = text.str.extract(f"^{YEAR_AND_MONTH}$")
    if parts.isna().any(axis=None):
        return None
    months = parts.astype(int)
    order = months[0] * 12 + months[1]
    if not months[1].between(1, 12).all() or not is_ordered(order):
        return None
    values = pd.to_datetime("20" + parts[0].str.zfill(2) + "-" + parts[1], format="%Y-%m")
    expression = 'pd.to_datetime("20" + {}.str.strip().str.zfill(5), format="%Y-%m")'
    remark = f"{text.iloc[0]} is the month {parts[1].iloc[0]} of the year {parts[0].iloc[0]}"
    return TimeReading(values, expression, remark=f"{remark}, here {values.iloc[0]:%Y-%m}")


def read_numbers(known: pd.Series) -> TimeReading | None:
    """Read integers as years, as dates such as 20251231, or as the time since 1970."""
    low, high = float(known.min()), float(known.max())
    if not (known == known.round()).all():
        return None
    integers = known.astype("int64")
    attempts: list[dict[str, Any]] = []
    if low >= 1800 and high <= 2100:
        attempts = [{"format": "%Y"}]
    elif low >= 190_001 and high <= 210_012:
        attempts = [{"format": "%Y%m"}]
    elif low >= 19_000_101 and high <= 21_001_231:
        attempts = [{"format": "%Y%m%d"}]
    for unit, per_second in UNITS.items():
        if SECONDS[0] * per_second <= low and high <= SECONDS[1] * per_second:
            attempts.append({"unit": unit})
    for arguments in attempts:
        is_text = "format" in arguments
        values = convert(integers.astype("str") if is_text else integers, arguments)
        if values is not None:
            cast = '.astype("int64").astype("str")' if is_text else '.astype("int64")'
            written = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
            return TimeReading(values, f"pd.to_datetime({{}}{cast}, {written})")
    return None


def remove_time_zone(times: pd.Series) -> pd.Series:
    """Convert the times to UTC, without a time zone in their type."""
    return times.dt.tz_convert("UTC").dt.tz_localize(None)
