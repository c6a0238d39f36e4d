"""The prediction log: sums of all predictions by day, and a sample of the rows of each day."""

from collections.abc import Mapping, Sequence
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
ROWS_PER_DAY = 1_000  # in the sample, about; a day with fewer is read completely
MAKER = (predictions.c.version, predictions.c.variant)
RANGE = (func.min(MAKER[0]), func.max(MAKER[0]), func.min(MAKER[1]), func.max(MAKER[1]))
SUMS = {
    "rows": func.count(),
    "predictions": func.sum(weight),
    "labelled": func.sum(case((feedback.c.time.is_not(None), weight))),
    "scored": func.sum(case((scored, weight))),
    "score": func.sum(case((scored, weight * feedback.c.score))),
}
SAMPLED = {
    "time": predictions.c.time,
    "version": predictions.c.version,
    "score": case((scored, feedback.c.score)),
    "weight": weight,
    "row": predictions.c.row,
    "format": predictions.c.row_format,
}


def read_totals(store: Store, days: int, now: float) -> pd.DataFrame:
    """Return sums of the last days, today's included: for each day, version and variant.

    `rows` are in the log, and stand for `predictions`. Of these, `labelled` have ground truth,
    `scored` have a score, and `score` is the sum of the scores.
    """
    today = int(now // DAY) * DAY
    with store.transaction() as connection:
        found = [
            (pd.Timestamp(start, unit="s"), *sums)
            for start in range(today - (days - 1) * DAY, today + 1, DAY)
            for sums in sums_of(connection, start)
        ]
    return pd.DataFrame(found, columns=["day", "version", "variant", *SUMS]).fillna(0.0)


def sums_of(connection: Connection, start: int) -> Sequence[Sequence[Any]]:
    """Return the sums of a day by version and variant."""
    sums = within(select(*RANGE, *SUMS.values()).select_from(joined), start, DAY)
    first, last, variant, last_variant, *values = connection.execute(sums).one()
    if first is None:
        return []
    if (first, variant) == (last, last_variant):  # grouping would sort all rows
        return [(first, variant, *values)]
    grouped = select(*MAKER, *SUMS.values()).select_from(joined).group_by(*MAKER)
    return connection.execute(within(grouped, start, DAY)).all()


def read_sample(store: Store, totals: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read predictions of each day at random: time, day, version and score, and their rows."""
    found: list[tuple[Any, ...]] = []
    with store.transaction() as connection:
        draw: ColumnElement[Any] = func.random()  # from 0 to 1
        if connection.dialect.name == "sqlite":  # an integer of 64 bits
            draw = func.abs(draw / 2.0**63)
        query = select(*SAMPLED.values()).select_from(joined)
        for day, rows in totals.groupby("day")["rows"].sum().items():
            chosen = query.where(draw < ROWS_PER_DAY / rows) if rows > ROWS_PER_DAY else query
            result = connection.execute(within(chosen, day.timestamp(), DAY))
            found += [(day, *row) for row in result]
        known = connection.execute(select(row_formats)).all()
    sample = pd.DataFrame(found, columns=["day", *SAMPLED]).astype({"score": float})
    if sample["weight"].nunique() > 1:  # the log is a sample itself: draw rows by their weight
        by_day, weights = sample.groupby("day"), sample["weight"]
        sample = by_day.sample(frac=1, replace=True, weights=weights, random_state=0)
        sample = sample.reset_index(drop=True)
    rows = decode_rows(sample, {one.id: msgspec.json.decode(one.names) for one in known})
    return sample[["time", "day", "version", "score"]], rows


def silent_hours(store: Store, sample: pd.DataFrame, now: float) -> list[pd.Timestamp]:
    """Return the starts of hours without a prediction, from the first sampled one on."""
    hours = pd.to_datetime(sample["time"], unit="s").dt.floor("h")
    end = pd.Timestamp(now, unit="s").floor("h")
    past = pd.date_range(hours.min(), end, freq="h", inclusive="left")
    query = select(predictions.c.id).limit(1)
    with store.transaction() as connection:
        return [
            hour
            for hour in past.difference(pd.DatetimeIndex(hours))
            if connection.execute(within(query, hour.timestamp(), HOUR)).first() is None
        ]


def decode_rows(sample: pd.DataFrame, formats: Mapping[int, list[str]]) -> pd.DataFrame:
    """Return logged rows as a table of their values."""
    parts = []
    for number, some in sample.groupby("format", dropna=False):
        values = msgspec.json.decode(f"[{','.join(some['row'])}]")
        names = formats.get(number)  # a row without a format is an object
        parts.append(pd.DataFrame(values, columns=names, index=some.index, dtype=object))
    return pd.concat(parts).sort_index()


def within(query: Select[Any], start: float, seconds: int) -> Select[Any]:
    """Return a query of the predictions made in so many seconds from `start` on."""
    return query.where(predictions.c.time >= start, predictions.c.time < start + seconds)


def fitting_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that fit `problem.SCHEMA`, in its types; they may lack the target."""
    schema = problem.SCHEMA.remove_columns(list({problem.TARGET} - {*rows}))
    while len(rows):
        try:
            return schema.validate(rows, lazy=True)
        except SchemaErrors as errors:  # first of types, then of checks
            unfit = errors.failure_cases["index"].dropna().unique()
            rows = rows.drop(index=unfit) if len(unfit) else rows.iloc[:0]
    return rows


def columns_of(rows: pd.DataFrame, fields: Sequence[Field]) -> dict[str, np.ndarray]:
    """Return an array for each field of valid rows but times, as the service has them."""
    return {
        field.name: column([None if pd.isna(v) else v for v in rows[field.name].tolist()], field)
        for field in fields
        if field.kind != "datetime" and field.name in rows
    }
