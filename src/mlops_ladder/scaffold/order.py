"""Find what orders the rows in time, and which parts of the time are features."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile

import pandas as pd

from ..errors import RefusedError, UsageError
from .columns import Column
from .leakage import is_afterwards
from .names import free_name
from .target import Target, python_value
from .timestamps import TimeReading, read_times

TEST_SHARE = 0.2  # as the project splits
FEWEST_AFTER_SPLIT = 0.1  # of the rows, if many have the time at which the test set begins
DAYS_FOR_MONTH = 730  # in two years every month occurs twice
FEWEST_TIMES = 4
# The columns that are parts of a time, by their names, and the values that they may have.
# What is before or after says of which time: `arrival_month`, `month_sold`.
PART_NAME = r"(?:(?P<before>.+?)_)?(?<!of_)(?:{})(?:_(?P<after>[a-z]+))?"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
PARTS: dict[str, tuple[str, int, int]] = {
    "year": (r"year|yr|yyyy", 1800, 2100),
    "month": (r"month|mon|mnth|mo", 1, 12),
    "day": (r"day|dy|dom|mday|day_of_month", 1, 31),
    "hour": (r"hour|hr", 0, 23),
}


@dataclass(frozen=True)
class Time:
    """The column that orders the rows in time.

    Parameters
    ----------
    name
        The clean name of the column.
    reading
        How to read it.
    parts
        The name of the feature for each part of the time: `hour`, `weekday`, `month`.
    columns
        What each column of the file is: the time, or its `year`, `month`, `day` or `hour`.
    """

    name: str
    reading: TimeReading
    parts: dict[str, str]
    columns: dict[str, str]

    @property
    def is_composed(self) -> bool:
        """Tell whether the time consists of several columns of the file."""
        return "time" not in self.columns.values()

    def of_rows(self, rows: pd.Index) -> "Time":
        """Return the time of some of the rows."""
        return replace(self, reading=replace(self.reading, values=self.reading.values[rows]))

    def describe(self) -> list[str]:
        """Describe the use of the time."""
        parts = " and ".join(self.parts) or "nothing"
        what = ", ".join(self.columns) if self.is_composed else self.name
        orders = f"{what} order" if self.is_composed else f"{what} orders"
        found = [f"{orders} the rows: the newest fifth is the test set; features of it: {parts}"]
        if self.is_composed:
            found.append(
                f"a file to predict for, and a request, have {self.name} instead of {what}"
            )
        if self.reading.zoned:
            found.append(f"{self.name} has a time zone: it is converted to UTC")
        if self.reading.remark:
            found.append(f"{self.name}: {self.reading.remark}")
        return found


def find_time(
    rows: pd.DataFrame,
    given: str | None,
    date_format: str | None,
    find_column: Callable[[str], str | None],
) -> Time | None:
    """Read what `--time` names: a column, or several such as `year,month,day`.

    Returns
    -------
    Time or None
        None if nothing is given, or the file has no such column.

    Raises
    ------
    RefusedError
        The values are not times, day and month cannot be told apart, or too few rows are newer
        than the training set.
    UsageError
        A format is given without a time.
    """
    if given is None:
        if date_format is not None:
            raise UsageError("--date-format needs --time COLUMN, whose times it describes")
        return None
    name = find_column(given)
    if name is None:
        names = [find_column(part) for part in given.split(",")]
        if len(names) < 2 or None in names:
            return None
        return composed_time(rows, [str(one) for one in names])
    if rows[name].isna().all():
        raise RefusedError(f"{name}: is empty in every row. Choose another column as time")
    reading = read_times(rows[name], date_format)
    if reading is None:
        some = ", ".join(repr(str(value)) for value in rows[name].dropna().unique()[:3])
        how = f"as {date_format}" if date_format else "as times: name their format, --date-format"
        raise RefusedError(
            f"--time {given}: {some} cannot all be read {how}"
            + ("" if date_format else " '%Y-%m-%d %H:%M', or write them so")
        )
    if reading.alternatives:
        formats = " or ".join(f"--date-format '{one}'" for one in reading.alternatives)
        first = rows[name].dropna().iloc[0]
        raise RefusedError(
            f"--time {given}: {first} could have the day or the month first, and no value tells "
            f"which. Add {formats}"
        )
    check_newer_rows(given, reading)
    parts = find_time_parts(reading.values, set(rows))
    return Time(name, reading, parts, {name: "time"})


def composed_time(rows: pd.DataFrame, names: list[str]) -> Time:
    """Read a time from the columns of its year, month, day and hour.

    Raises
    ------
    RefusedError
        A column is not such a part, or there is no year.
    """
    columns: dict[str, str] = {}
    for name in names:
        part = part_of_time(name, rows[name])
        if part is None or part[0] in columns.values():
            raise RefusedError(
                f"--time {','.join(names)}: {name} is not the year, month, day or hour of a time"
            )
        columns[name] = part[0]
    if "year" not in columns.values():
        raise RefusedError(f"--time {','.join(names)}: no column is named year. Add it")
    values = composed_values(rows, columns)
    taken = set(map(str, rows)) - set(columns)
    time = free_name("time", taken)
    found = {part: name for name, part in columns.items()}
    items = [f'"{part}": {part_source(rows[found[part]])}' for part in PARTS if part in found]
    items += [f'"{part}": 1' for part in ("month", "day") if part not in found]
    reading = TimeReading(values, f"pd.to_datetime({{{', '.join(items)}}})")
    check_newer_rows(",".join(names), reading)
    return Time(time, reading, find_time_parts(values, taken), columns)


def composed_values(rows: pd.DataFrame, columns: Mapping[str, str]) -> pd.Series:
    """Return the times that the columns are parts of; invalid ones are left out."""
    parts = pd.DataFrame({part: part_numbers(rows[name]) for name, part in columns.items()})
    return pd.to_datetime(
        parts.assign(**{one: 1 for one in ("month", "day") if one not in parts}), errors="coerce"
    ).dropna()


def part_numbers(values: pd.Series) -> pd.Series:
    """Return a part of times as numbers; the names of months count from 1."""
    if pd.api.types.is_numeric_dtype(values):
        return values
    return values.str[:3].map({name: number for number, name in enumerate(MONTHS, 1)})


def part_source(values: pd.Series) -> str:
    """Return the source that reads a part of times."""
    column = f'rows["{values.name}"]'
    if pd.api.types.is_numeric_dtype(values):
        return column
    return f'pd.to_datetime({column}.str[:3], format="%b").dt.month'


def part_of_time(name: str, values: pd.Series) -> tuple[str, str] | None:
    """Return which part of a time a column is, by its name and its values, and of which time."""
    known = values.dropna()
    for part, (pattern, low, high) in PARTS.items():
        match = re.fullmatch(PART_NAME.format(pattern), name)
        if match is None or known.empty or pd.api.types.is_bool_dtype(values):
            continue
        if part == "month" and pd.api.types.is_string_dtype(values):
            is_part = bool(known.str.fullmatch(f"({'|'.join(MONTHS)})[a-z]*").all())
        else:
            is_part = (
                pd.api.types.is_numeric_dtype(values)
                and bool(known.between(low, high).all())
                and bool((known == known.round()).all())
            )
        if is_part:
            return part, match["before"] or match["after"] or ""
    return None


def newer_share(times: pd.Series) -> float:
    """Return the share of the rows that would be the test set."""
    return float((times > times.quantile(1 - TEST_SHARE)).mean())


def check_newer_rows(given: str, reading: TimeReading) -> None:
    """Check that enough rows are newer than the training set.

    Raises
    ------
    RefusedError
        They are not.
    """
    newer = newer_share(reading.values)
    if newer < FEWEST_AFTER_SPLIT:
        raise RefusedError(
            f"--time {given}: many rows share the newest times, which leaves {newer:.0%} of the "
            "rows for the test set. Choose a column with finer times, or omit --time"
        )


def check_order(target: Target, times: pd.Series) -> None:
    """Check that every class occurs in the training set.

    Raises
    ------
    RefusedError
        A class occurs in newer rows only.
    """
    if target.classes is None:
        return
    is_older = times <= times.quantile(1 - TEST_SHARE)
    known = set(target.column.values[is_older])
    values = target.column.values.unique()
    new = [python_value(target.column, value) for value in values if value not in known]
    if new:
        raise RefusedError(
            f"{target.name}: is {new[0]!r} only in the newest fifth of the rows, the test set. "
            "Omit --time, or remove this class"
        )


def find_time_parts(times: pd.Series, taken: set[str]) -> dict[str, str]:
    """Return the parts of the time that vary and recur, with the names of their features."""
    is_month_start, is_month_end = times.dt.is_month_start.all(), times.dt.is_month_end.all()
    days_vary = not (is_month_start or is_month_end) and times.dt.normalize().nunique() > 1
    varies = {
        "hour": (times.dt.hour * 60 + times.dt.minute).nunique() > 1,
        "weekday": days_vary and times.dt.day_of_week.nunique() > 1,
        "month": times.dt.month.nunique() > 1
        and times.max() - times.min() >= pd.Timedelta(days=DAYS_FOR_MONTH),
    }
    return {part: free_name(part, taken) for part, found in varies.items() if found}


def propose_time(columns: Mapping[str, Column], rows: pd.DataFrame, target: str) -> str | None:
    """Return what could order the rows: a column of times, or those of year, month, day, hour.

    Of several, it is the one with the most different times.
    """
    found: dict[str, pd.Series] = {}
    for name, column in columns.items():
        if name == target or is_afterwards(name) or rows[name].isna().mean() > TEST_SHARE / 2:
            continue
        if column.kind == "time":
            reading = read_times(rows[name])
            if reading and not re.search(r"birth|dob", name):
                found[name] = reading.values
    for parts in times_in_parts(columns, rows, target):
        found[", ".join(parts)] = composed_values(rows, parts)
    usable = {
        name: times
        for name, times in found.items()
        if times.nunique() >= FEWEST_TIMES and newer_share(times) >= FEWEST_AFTER_SPLIT
    }
    return max(usable, key=lambda name: usable[name].nunique(), default=None)


def times_in_parts(
    columns: Mapping[str, Column], rows: pd.DataFrame, target: str
) -> Iterator[dict[str, str]]:
    """Yield the columns of each time that has a year and what follows it; a part is there once."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in columns:
        if name != target and (part := part_of_time(name, rows[name])):
            found.setdefault(part[1], []).append((part[0], name))
    for of, pairs in found.items():
        parts = dict(pairs)
        upto = list(takewhile(parts.__contains__, PARTS))
        # a year alone, such as that of a building, need not be the order of the rows
        if len(parts) == len(pairs) and len(upto) > bool(of):
            yield {parts[part]: part for part in upto}
