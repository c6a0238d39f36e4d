"""The prediction log's database: SQLite, or PostgreSQL if DATABASE_URL names one."""

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    NullPool,
    Select,
    bindparam,
    create_engine,
    delete,
    event,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from ..errors import UserError
from .bundle import LIVE
from .records import Feedback, Outcome, Prediction, Score
from .tables import feedback, joined, metadata, predictions, row_formats

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")
BUSY_SECONDS = 5.0  # how long SQLite waits for another process that writes
CONNECT_SECONDS = 5  # the limit for connecting to PostgreSQL, and for noticing a dead network
ATTEMPTS = 5  # to create tables while other processes do; each finds more of them
PRUNED_AT_ONCE = 5_000  # rows in a transaction, so that the service can write in between
FREE_PAGES_AT_ONCE = 2_000
UNFIT = (DataError, IntegrityError, TypeError, ValueError, OverflowError)  # no column can hold it
OUTCOMES = select(
    predictions, row_formats.c.names, feedback.c.actual, feedback.c.time.label("actual_time")
).select_from(joined.join(row_formats, row_formats.c.id == predictions.c.row_format))


class StoreError(Exception):
    """The database failed, and nothing was written. Open the store again."""


class RecordError(StoreError):
    """The database works, but can never store these records."""


class Store:
    """A connection to the database, for one thread.

    After a `StoreError` that is not a `RecordError` it must be closed.
    """

    def __init__(self, connection: Connection, url: str) -> None:
        self.url = url
        self._connection = connection
        self._file = file_of(url)
        self._identity = identity_of(self._file)
        self._formats: dict[tuple[str, ...], int] = {}
        insert = import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert
        added = insert(predictions).on_conflict_do_nothing(index_elements=["id"])
        self._add_predictions = str(added.compile(connection))
        self._add_format = insert(row_formats).on_conflict_do_nothing(index_elements=["names"])
        received = insert(feedback)
        self._add_feedback = received.on_conflict_do_update(
            index_elements=["id"],
            set_={name: received.excluded[name] for name in ("time", "actual")}
            | {"score": None, "shadow_score": None},
            where=received.excluded.time >= feedback.c.time,
        )

    def create_tables(self, tables: MetaData) -> None:
        """Create missing tables, which other processes may be creating, too."""
        for left in reversed(range(ATTEMPTS)):
            try:
                with self.transaction() as connection:
                    tables.create_all(connection)
                return
            except StoreError:
                if not left:
                    raise

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Provide the connection; commit at the end, or roll back after an error."""
        with reported(self.url), self._connection.begin():
            yield self._connection

    def write(self, made: Sequence[Prediction], received: Sequence[Feedback]) -> list[Outcome]:
        """Write all records or none; return the outcomes that the feedback made known.

        Writing a record twice changes nothing: of predictions with the same id the first is kept,
        of ground truth the value received last. Ground truth that comes before its prediction is
        kept, too. `RecordError` means that one of the records can never be written.
        """
        with reported(self.url):
            rows = [self._columns_of(prediction) for prediction in made]
            labels = [{"id": o.id, "time": o.time, "actual": to_json(o.actual)} for o in received]
        with self.transaction() as connection:
            if rows:  # by the driver itself, which takes half the time
                connection.exec_driver_sql(self._add_predictions, rows)
            if labels:
                connection.execute(self._add_feedback, labels)
        if identity_of(self._file) != self._identity:
            # SQLite would continue to write into a file that no other process can open.
            raise StoreError(f"{self._file} was moved, deleted or replaced")
        ids = {one.id for one in received}
        return self._read(OUTCOMES.where(predictions.c.id.in_(ids))) if ids else []

    def write_scores(self, scores: Sequence[Score]) -> None:
        """Store the scores of predictions whose ground truth is known."""
        if not scores:
            return
        statement = update(feedback).where(feedback.c.id == bindparam("known_id"))
        values = [
            {"known_id": one.id, "score": one.score, "shadow_score": one.shadow_score}
            for one in scores
        ]
        with self.transaction() as connection:
            connection.execute(statement, values)

    def outcomes(self, start: float = -inf, end: float = inf) -> list[Outcome]:
        """Read the predictions made from `start` up to `end`, excluding it, in order of time."""
        chosen = OUTCOMES.where(predictions.c.time >= start, predictions.c.time < end)
        return self._read(chosen.order_by(predictions.c.time, predictions.c.id))

    def unscored(self, limit: int) -> list[Outcome]:
        """Read outcomes with ground truth but without a score, at most so many."""
        missing = OUTCOMES.where(feedback.c.id.is_not(None), feedback.c.score.is_(None))
        return self._read(missing.limit(limit))

    def prune(self, before: float) -> int:
        """Delete predictions made before a time, with their feedback; return their number.

        Feedback that was received before that time and has no prediction is deleted, too.
        """
        old = select(predictions.c.id).where(predictions.c.time < before)
        some = old.order_by(predictions.c.time, predictions.c.id).limit(PRUNED_AT_ONCE)
        total, deleted = 0, PRUNED_AT_ONCE
        while deleted == PRUNED_AT_ONCE:
            with self.transaction() as connection:
                connection.execute(delete(feedback).where(feedback.c.id.in_(some)))
                chosen = delete(predictions).where(predictions.c.id.in_(some))
                deleted = connection.execute(chosen).rowcount
            total += deleted
        unmatched = feedback.c.id.not_in(select(predictions.c.id))
        with self.transaction() as connection:
            connection.execute(delete(feedback).where(feedback.c.time < before, unmatched))
        return total

    def release_space(self) -> None:
        """Return the space of deleted rows, in steps between which others can write.

        SQLite's file shrinks. PostgreSQL's tables keep their size and reuse the space.
        """
        with reported(self.url), self._connection.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            if self._file is None:
                connection.execute(text("vacuum (analyze) predictions, feedback"))
                return
            driver: Any = connection.connection.driver_connection
            while connection.scalar(text("pragma freelist_count")):
                # Each page is a result without columns, which SQLAlchemy would not fetch.
                driver.execute(f"pragma incremental_vacuum({FREE_PAGES_AT_ONCE})").fetchall()
            connection.execute(text("pragma wal_checkpoint(truncate)"))

    def close(self) -> None:
        """Close the connection."""
        with suppress(SQLAlchemyError):
            self._connection.close()

    def _columns_of(self, prediction: Prediction) -> tuple[Any, ...]:
        """Return the values of a prediction in the order of the table's columns."""
        row, beside = prediction.row, prediction.shadow_version is not None
        if isinstance(row, msgspec.Struct):
            names, values = row.__struct_encode_fields__, msgspec.structs.astuple(row)
        else:
            names, values = tuple(row), tuple(row.values())
        return (
            prediction.id,
            prediction.time,
            prediction.version,
            prediction.variant,
            "" if prediction.unit == prediction.id else prediction.unit,
            to_json(values),
            to_json(prediction.prediction),
            None if prediction.label is None else to_json(prediction.label),
            prediction.shadow_version,
            to_json(prediction.shadow_prediction) if beside else None,
            self._format_of(names),
            None if prediction.weight == 1 else prediction.weight,
        )

    def _format_of(self, names: tuple[str, ...]) -> int:
        if names not in self._formats:
            encoded = to_json(names)
            known = select(row_formats.c.id).where(row_formats.c.names == encoded)
            with self.transaction() as connection:  # its own: a batch may be rolled back
                connection.execute(self._add_format, {"names": encoded})
                self._formats[names] = connection.execute(known).scalar_one()
        return self._formats[names]

    def _read(self, query: Select[Any]) -> list[Outcome]:
        with self.transaction() as connection:
            return [outcome_of(columns) for columns in connection.execute(query)]


@contextmanager
def reported(url: str) -> Iterator[None]:
    """Turn errors of the database into a `StoreError` without the password."""
    try:
        yield
    except UNFIT as error:
        raise RecordError(described(error, url)) from None
    except (SQLAlchemyError, OSError) as error:
        raise StoreError(described(error, url)) from None


def described(error: Exception, url: str) -> str:
    """Return the driver's message without the password, which it may quote from a wrong URL."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    message = " ".join(str(cause).split()) or type(cause).__name__
    if file := file_of(url):
        return f"{file}: {message}"
    given = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    asked = parse_qs(urlsplit(url.replace("[", "").replace("]", "")).query).get("password", [])
    pieces = [given, *re.split("[@/?#:]", given), *asked]
    for secret in sorted({*pieces, *map(unquote, pieces)} - {""}, key=len, reverse=True):
        message = message.replace(secret, "***")
    return message


def store_url() -> str:
    """Return DATABASE_URL, or the URL of a SQLite file in the folder of the release."""
    url = os.environ.get("DATABASE_URL") or f"{SQLITE}{LIVE}/predictions.db"
    if not url.startswith((SQLITE, *POSTGRESQL)):  # it may hold a password
        raise UserError(
            "DATABASE_URL: this kind of database is not supported. Set it to "
            "postgresql://user:password@host/database or sqlite:///path, or leave it out"
        )
    return url


def file_of(url: str) -> Path | None:
    """Return the file of SQLite; None for PostgreSQL."""
    return None if url.startswith(POSTGRESQL) else Path(url.removeprefix(SQLITE))


def identity_of(file: Path | None) -> tuple[int, int] | None:
    """Return what distinguishes a file from another one with its name; None without a file."""
    try:
        found = file and file.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def open_store(url: str) -> Store:
    """Connect to a URL of `store_url`, and create the tables if they are missing."""
    with reported(url):
        store = Store(engine_of(url).connect(), url)
    try:
        store.create_tables(metadata)
    except StoreError:
        store.close()
        raise
    return store


@contextmanager
def reading() -> Iterator[Store]:
    """Provide the store of DATABASE_URL to a command; its failure is a `UserError`."""
    try:
        with closing(open_store(store_url())) as store:
            yield store
    except StoreError as error:
        raise UserError(f"the prediction log cannot be read: {error}") from error


def engine_of(url: str) -> Engine:
    """Return an engine; libpq reads a URL of PostgreSQL."""
    if url.startswith(POSTGRESQL):
        import psycopg  # not needed for SQLite

        limits = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": 1000 * CONNECT_SECONDS}
        return create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(url, **limits),  # type: ignore[arg-type]
            paramstyle="format",
            poolclass=NullPool,
        )
    Path(url.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("pragma auto_vacuum = incremental")  # has an effect on a new file only
        with suppress(sqlite3.OperationalError):  # busy: another process does it
            connection.execute("pragma journal_mode = wal")  # one writes while others read
        connection.execute("pragma synchronous = normal")

    return engine


def to_json(value: Any) -> str:
    """Return the value as JSON text."""
    return msgspec.json.encode(value).decode()


def from_json(value: str | None) -> Any:
    """Return the value of JSON text."""
    return None if value is None else msgspec.json.decode(value)


names_of = lru_cache(from_json)  # there are as few as schemas


def outcome_of(columns: Any) -> Outcome:
    """Return the outcome in a row of `OUTCOMES`."""
    prediction = Prediction(
        id=columns.id,
        time=columns.time,
        version=columns.version,
        variant=columns.variant,
        unit=columns.unit or columns.id,
        row=dict(zip(names_of(columns.names), from_json(columns.row), strict=True)),
        prediction=from_json(columns.prediction),
        label=from_json(columns.label),
        shadow_version=columns.shadow_version,
        shadow_prediction=from_json(columns.shadow_prediction),
        weight=1.0 if columns.weight is None else columns.weight,
    )
    return Outcome(prediction, from_json(columns.actual), columns.actual_time)
