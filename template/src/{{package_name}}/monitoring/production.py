"""The prediction log by UTC day: totals from the database, and a sample of the rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors
from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from .. import problem
from ..serving.fields import Field, column
from ..serving.store import Store
from ..serving.tables import feedback, joined, predictions, row_formats, scored, weight

DAY, HOUR = 86_400, 3_600
ROWS_PER_DAY = 2_000  # whose features and slices are computed; a day with more is sampled
MAKER = (predictions.c.version, predictions.c.variant)
SUMS = (
    func.sum(weight).label("predictions"),
    func.sum(case((feedback.c.time.is_not(None), weight), else_=0.0)).label("labelled"),
    func.sum(case((scored, weight), else_=0.0)).label("scored"),
    func.sum(case((scored, weight * feedback.c.score))).label("score"),
)
RANGE = (func.min(MAKER[0]), func.max(MAKER[0]), func.min(MAKER[1]), func.max(MAKER[1]))
ROWS = select(
    predictions.c.time,
    predictions.c.row,
    predictions.c.row_format,
    predictions.c.version,
    weight.label("weight"),
    case((scored, feedback.c.score)).label("score"),
).select_from(joined)


@dataclass(frozen=True)
class Day:
    """The predictions of a day.

    `totals` has a row for each version and variant, with the sum of its scores. `rows` are the
    values of a sample of predictions, and `sample` has their version and score. `silent` are the
    starts of hours without a prediction.
    """

    date: pd.Timestamp
    totals: pd.DataFrame
    rows: pd.DataFrame
    sample: pd.DataFrame
    silent: list[pd.Timestamp]


def read_days(store: Store, days: int, now: float) -> Iterator[Day]:
    """Read the last days, today's included, from the first with a prediction on."""
    today = int(now // DAY) * DAY
    since = predictions.c.time >= today - (days - 1) * DAY
    with store.transaction() as connection:
        first = connection.scalar(select(func.min(predictions.c.time)).where(since))
        known = connection.execute(select(row_formats)).all()
    formats = {one.id: msgspec.json.decode(one.names) for one in known}
    for start in range(int((now if first is None else first) // DAY) * DAY, today + 1, DAY):
        with store.transaction() as connection:
            totals = totals_of(connection, start)
            sample = sample_of(connection, start, totals["predictions"].sum())
            begin, end = max(start, first or now), min(start + DAY, now)
            silent = silent_hours(connection, begin, end, set(sample["time"] // HOUR))
        date = pd.Timestamp(start, unit="s")
        yield Day(date, totals, decode_rows(sample, formats), sample, silent)


def totals_of(connection: Connection, start: float) -> pd.DataFrame:
    """Return the sums of a day by version and variant."""
    day = within(start, start + DAY)
    query = select(*RANGE, *SUMS).select_from(joined).where(*day)
    version, last_version, variant, last_variant, *sums = connection.execute(query).one()
    if (version, variant) == (last_version, last_variant):  # grouping would sort all rows
        rows = [] if version is None else [[version, variant, *sums]]
        return pd.DataFrame(rows, columns=["version", "variant", *(one.name for one in SUMS)])
    grouped = select(*MAKER, *SUMS).select_from(joined).where(*day).group_by(*MAKER)
    return table_of(connection, grouped)


def table_of(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    """Return the result of a query as a table."""
    result = connection.execute(query)
    columns = zip(*result.all(), strict=True)  # from rows, pandas takes ten times as long
    return pd.DataFrame(dict(zip(result.keys(), columns, strict=False)), columns=[*result.keys()])


def sample_of(connection: Connection, start: float, rows: float) -> pd.DataFrame:
    """Return logged rows of a day at random, at most about `ROWS_PER_DAY` of so many."""
    query = ROWS.where(*within(start, start + DAY))
    if (every := ceil(rows / ROWS_PER_DAY)) > 1:
        query = query.where(one_in(every, connection))
    found = table_of(connection, query)
    if found["weight"].nunique() > 1:  # the log itself is a sample: draw a row per prediction
        found = found.sample(len(found), weights="weight", replace=True, random_state=0)
    return found.reset_index(drop=True)


def within(start: float, end: float) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions of predictions made from `start` up to `end`, excluding it."""
    return predictions.c.time >= start, predictions.c.time < end


def one_in(every: int, connection: Connection) -> ColumnElement[bool]:
    """Return a condition that is true at random, for one row in so many."""
    if connection.dialect.name == "sqlite":
        return func.random() % every == 0  # an integer of 64 bits; elsewhere from 0 to 1
    return func.random() * every < 1


def silent_hours(
    connection: Connection, start: float, end: float, known: set[float]
) -> list[pd.Timestamp]:
    """Return the starts of whole hours without a prediction; `known` are numbers of others."""
    found = []
    for hour in set(range(ceil(start / HOUR), int(end // HOUR))) - known:
        query = select(predictions.c.id).where(*within(hour * HOUR, (hour + 1) * HOUR)).limit(1)
        if connection.execute(query).first() is None:
            found.append(pd.Timestamp(hour * HOUR, unit="s"))
    return sorted(found)


def decode_rows(found: pd.DataFrame, formats: dict[int, list[str]]) -> pd.DataFrame:
    """Return logged rows as a table of their values."""
    parts = []
    for number, some in found.groupby("row_format", dropna=False):
        values = msgspec.json.decode(f"[{','.join(some['row'])}]")
        names = formats.get(number)  # a row without a format is an object
        parts.append(pd.DataFrame(values, columns=names, index=some.index, dtype=object))
    return pd.concat(parts).sort_index() if parts else pd.DataFrame()


def fitting_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that fit the current `problem.SCHEMA`, in its types."""
    schema = problem.SCHEMA.remove_columns([problem.TARGET])
    try:
        return schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        unfit = errors.failure_cases["index"].dropna()
    try:
        return schema.validate(rows.drop(index=unfit.unique()), lazy=True)
    except SchemaErrors:
        return rows.iloc[:0]


def columns_of(rows: pd.DataFrame, fields: Sequence[Field]) -> dict[str, np.ndarray]:
    """Return an array for each field of valid rows but times, as the service has them."""
    return {
        field.name: column([None if pd.isna(v) else v for v in rows[field.name].tolist()], field)
        for field in fields
        if field.kind != "datetime" and field.name in rows
    }
