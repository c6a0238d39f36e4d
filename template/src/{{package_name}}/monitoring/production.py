"""The prediction log: sums of all predictions by hour, and a sample of the rows of each day."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors
from sqlalchemy import ColumnElement, Select, case, func, select

from .. import problem
from ..serving.fields import Field, column
from ..serving.store import Store
from ..serving.tables import feedback, joined, predictions, row_formats, scored, weight

DAY, HOUR = 86_400, 3_600
ROWS_PER_DAY = 1_000  # in the sample, about; a day with fewer is read completely
MAKER = (predictions.c.version, predictions.c.variant)
SUMS = {
    "rows": func.count(),
    "predictions": func.sum(weight),
    "labelled": func.sum(case((feedback.c.time.is_not(None), weight))),
    "scored": func.sum(case((scored, weight))),
    "score": func.sum(case((scored, weight * feedback.c.score))),
}
SAMPLED = {
    "version": predictions.c.version,
    "score": case((scored, feedback.c.score)),
    "weight": weight,
    "row": predictions.c.row,
    "format": predictions.c.row_format,
}


def read_totals(store: Store, days: int, now: float) -> pd.DataFrame:
    """Return sums of the last days, today's included: for each hour, version and variant.

    `rows` are in the log, and stand for `predictions`. Of these, `labelled` have ground truth,
    `scored` have a score, and `score` is the sum of the scores.
    """
    since = predictions.c.time >= (now // DAY - days + 1) * DAY
    query = select(*MAKER, *SUMS.values()).select_from(joined).group_by(*MAKER)
    with store.transaction() as connection:
        first = connection.scalar(select(func.min(predictions.c.time)).where(since))
        hours = range(int((first or now) // HOUR) * HOUR, int(now) + 1, HOUR)
        found = [
            (pd.Timestamp(hour, unit="s"), *sums)
            for hour in hours
            for sums in connection.execute(within(query, hour, HOUR))
        ]
    totals = pd.DataFrame(found, columns=["hour", "version", "variant", *SUMS]).fillna(0.0)
    return totals.assign(day=pd.DatetimeIndex(totals["hour"]).normalize())


def read_sample(store: Store, totals: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read predictions of each day at random: their day, version and score, and their rows."""
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
    return sample[["day", "version", "score"]], rows


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
    """Return the rows that fit the current `problem.SCHEMA`, in its types."""
    schema = problem.SCHEMA.remove_columns([problem.TARGET])
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
