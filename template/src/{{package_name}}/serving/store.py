"""The prediction log's database: SQLite, or PostgreSQL if DATABASE_URL names one."""

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
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
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from ..errors import UserError
from .bundle import LIVE
from .records import Feedback, Outcome, Prediction, Score
from .tables import feedback, joined, metadata, predictions, row_formats

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")
BUSY_SECONDS = 5.0  # how long SQLite waits for another process that writes
CONNECT_SECONDS = 5  # the limit for connecting to PostgreSQL, and for noticing a dead network
IDS_AT_ONCE = 500
ROWS_AT_ONCE = 100  # in a statement that inserts
PRUNED_AT_ONCE = 5_000  # rows in a transaction, so that the service can write in between
FREE_PAGES_AT_ONCE = 2_000
UNFIT = (TypeError, ValueError, OverflowError)  # raised for values that no column can hold
OUTCOMES = select(predictions, feedback.c.actual, feedback.c.time.label("actual_time"))
OUTCOMES = OUTCOMES.select_from(joined)


class StoreError(Exception):
    """The database failed, and nothing was written. Open the store again."""


class RecordError(StoreError):
    """The database works, but can never store these records."""


class Store:
    """A connection to the database, for one thread.

    After a `StoreError` that is not a `RecordError` it must be closed. The tables are created if
    they are missing; columns that a log of an earlier version lacks are added.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        self.url = url
        self._engine = engine
        self._file = None if url.startswith(POSTGRESQL) else Path(url.removeprefix(SQLITE))
        self._formats: dict[tuple[str, ...], int] = {}
        self._names: dict[int, list[str]] = {}
        insert = import_module(f"sqlalchemy.dialects.{engine.dialect.name}").insert
        added = insert(predictions).on_conflict_do_nothing(index_elements=["id"])
        self._add_predictions = added.compile(engine)
        self._add_format = insert(row_formats).on_conflict_do_nothing(index_elements=["names"])
        received = insert(feedback)
        self._add_feedback = received.on_conflict_do_update(
            index_elements=["id"],
            set_={name: received.excluded[name] for name in ("time", "actual")}
            | {"score": None, "shadow_score": None},
            where=received.excluded.time >= feedback.c.time,
        )
        with reported(url):
            self._connection = engine.connect()
        self._identity = self._file and file_identity(self._file)
        self.create_tables(metadata)

    def create_tables(self, tables: MetaData) -> None:
        """Create tables, indexes and columns that are missing."""
        for last in (False, True):
            try:
                with self.transaction() as connection:
                    create_tables(connection, tables)
                return
            except StoreError:
                # In PostgreSQL, "if not exists" fails if another process creates the table
                # meanwhile; both processes may also add the same column.
                if last:
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
            for some in parts(rows, ROWS_AT_ONCE):
                self._insert(connection, some)
            if labels:
                connection.execute(self._add_feedback, labels)
            found: list[Outcome] = []
            for ids in parts(list({one.id for one in received}), IDS_AT_ONCE):
                found += self._read(connection, OUTCOMES.where(predictions.c.id.in_(ids)))
        if self._file and file_identity(self._file) != self._identity:
            # SQLite would continue to write into a file that no other process can open.
            raise StoreError(f"{self._file} was moved, deleted or replaced")
        return found

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

    def outcomes(self, start: float | None = None, end: float | None = None) -> list[Outcome]:
        """Read the predictions made from `start` up to `end`, excluding it, in order of time."""
        chosen = OUTCOMES.where(
            predictions.c.time >= (-inf if start is None else start),
            predictions.c.time < (inf if end is None else end),
        )
        with self.transaction() as connection:
            return list(
                self._read(connection, chosen.order_by(predictions.c.time, predictions.c.id))
            )

    def unscored(self, limit: int) -> list[Outcome]:
        """Read outcomes with ground truth but without a score, at most so many."""
        missing = OUTCOMES.where(feedback.c.id.is_not(None), feedback.c.score.is_(None))
        with self.transaction() as connection:
            return list(self._read(connection, missing.limit(limit)))

    def prune(self, before: float) -> int:
        """Delete predictions made before a time, with their feedback; return their number.

        Feedback that was received before that time and has no prediction is deleted, too.
        """
        old = select(predictions.c.id).where(predictions.c.time < before)
        old = old.order_by(predictions.c.time).limit(PRUNED_AT_ONCE)
        deleted = 0
        while True:
            with self.transaction() as connection:
                ids = connection.scalars(old).all()
                for some in parts(ids, IDS_AT_ONCE):
                    for table in (feedback, predictions):
                        connection.execute(delete(table).where(table.c.id.in_(some)))
            deleted += len(ids)
            if len(ids) < PRUNED_AT_ONCE:
                break
        unmatched = feedback.c.id.not_in(select(predictions.c.id))
        with self.transaction() as connection:
            connection.execute(delete(feedback).where(feedback.c.time < before, unmatched))
        return deleted

    def release_space(self) -> None:
        """Return the space of deleted rows, in steps between which others can write.

        SQLite's file shrinks. PostgreSQL's tables keep their size and reuse the space.
        """
        with reported(self.url), self._engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            if self._file is None:
                for table in metadata.sorted_tables:
                    connection.execute(text(f"vacuum (analyze) {table.name}"))
                return
            if connection.scalar(text("pragma auto_vacuum")) != 2:
                # A log of an earlier version is rewritten once, which blocks writing meanwhile.
                connection.execute(text("pragma auto_vacuum = incremental"))
                connection.execute(text("vacuum"))
            driver: Any = connection.connection.driver_connection
            while connection.scalar(text("pragma freelist_count")):
                # Each page is a result without columns, which SQLAlchemy would not fetch.
                driver.execute(f"pragma incremental_vacuum({FREE_PAGES_AT_ONCE})").fetchall()
            connection.execute(text("pragma wal_checkpoint(truncate)"))

    def close(self) -> None:
        """Close the connection."""
        with suppress(SQLAlchemyError):
            self._connection.close()
        self._engine.dispose()

    def _insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert predictions by the driver's own interface, which takes half the time.

        For each statement, SQLite's driver lets other threads run, so one statement has many rows.
        """
        statement = str(self._add_predictions)
        if self._file is None:
            names = predictions.columns.keys()
            named = [dict(zip(names, row, strict=True)) for row in rows]
            connection.exec_driver_sql(statement, named)
            return
        one = f"({', '.join('?' * len(rows[0]))})"
        statement = statement.replace(one, ", ".join([one] * len(rows)))
        connection.exec_driver_sql(statement, tuple(value for row in rows for value in row))

    def _columns_of(self, prediction: Prediction) -> tuple[Any, ...]:
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

    def _read(self, connection: Connection, query: Select[Any]) -> Iterator[Outcome]:
        """Read outcomes, each as the columns of `OUTCOMES`."""
        rows = connection.execute(query).all()
        if any(row.row_format not in self._names for row in rows):
            found = connection.execute(select(row_formats)).all()
            self._names = {id: msgspec.json.decode(names) for id, names in found}
        for row in rows:
            yield outcome_of(row, self._names.get(row.row_format))


@contextmanager
def reported(url: str) -> Iterator[None]:
    """Turn errors of the database into a `StoreError` without the password."""
    try:
        yield
    except (DataError, IntegrityError, *UNFIT) as error:
        raise RecordError(without_secrets(error, url)) from None
    except SQLAlchemyError as error:
        raise StoreError(without_secrets(error, url)) from None


def create_tables(connection: Connection, tables: MetaData) -> None:
    """Create what is missing of the tables."""
    for table in tables.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        present = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                definition = CreateColumn(column).compile(connection)
                connection.execute(text(f"alter table {table.name} add column {definition}"))
        known = {index["name"] for index in inspect(connection).get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in known:  # PostgreSQL lets only a table's owner ask for one
                connection.execute(CreateIndex(index, if_not_exists=True))


def store_url() -> str:
    """Return DATABASE_URL, or the URL of a SQLite file in the folder of the release."""
    url = os.environ.get("DATABASE_URL") or f"{SQLITE}{LIVE}/predictions.db"
    if not url.startswith((SQLITE, *POSTGRESQL)):  # it may hold a password
        raise UserError(
            "DATABASE_URL: this kind of database is not supported. Set it to "
            "postgresql://user:password@host/database or sqlite:///path, or leave it out"
        )
    return url


def open_store(url: str) -> Store:
    """Connect to a URL of `store_url`, and create the tables if they are missing."""
    engine = postgresql_engine(url) if url.startswith(POSTGRESQL) else sqlite_engine(url)
    try:
        return Store(engine, url)
    except StoreError as error:
        engine.dispose()
        where = "" if url.startswith(POSTGRESQL) else f"{url.removeprefix(SQLITE)}: "
        raise StoreError(f"{where}{error}") from None


@contextmanager
def reading() -> Iterator[Store]:
    """Provide the store of DATABASE_URL to a command; its failure is a `UserError`."""
    try:
        with closing(open_store(store_url())) as store:
            yield store
    except StoreError as error:
        raise UserError(f"the prediction log cannot be read: {error}") from error


def sqlite_engine(url: str) -> Engine:
    """Return an engine for a file, which can be read while one process writes."""
    file = Path(url.removeprefix(SQLITE))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{file}: {error}") from None
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("pragma auto_vacuum = incremental")  # has an effect on a new file only
        with suppress(sqlite3.OperationalError):  # busy: another process does it
            connection.execute("pragma journal_mode = wal")  # one writes while others read
        connection.execute("pragma synchronous = normal")

    return engine


def postgresql_engine(url: str) -> Engine:
    """Return an engine for a database on a server; libpq reads the URL."""
    import psycopg  # not needed for SQLite

    limits = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": 1000 * CONNECT_SECONDS}
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url, **limits),  # type: ignore[arg-type]
        poolclass=NullPool,
    )


def file_identity(file: Path) -> tuple[int, int] | None:
    """Return what distinguishes a file from another one with its name; None without a file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def without_secrets(error: Exception, url: str) -> str:
    """Return the driver's message without the password, which it may quote from a wrong URL."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    message = " ".join(str(cause).split()) or type(cause).__name__
    given = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    asked = parse_qs(urlsplit(url.replace("[", "").replace("]", "")).query).get("password", [])
    pieces = [given, *re.split("[@/?#:]", given), *asked]
    for secret in sorted({*pieces, *map(unquote, pieces)} - {""}, key=len, reverse=True):
        message = message.replace(secret, "***")
    return message


def parts(items: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    """Yield the items in order, so many at a time."""
    for start in range(0, len(items), most):
        yield items[start : start + most]


def to_json(value: Any) -> str:
    """Return the value as JSON text."""
    return msgspec.json.encode(value).decode()


def from_json(value: str | None) -> Any:
    """Return the value of JSON text."""
    return None if value is None else msgspec.json.decode(value)


def outcome_of(columns: Any, names: list[str] | None) -> Outcome:
    """Return the outcome in a row of `OUTCOMES`; `names` are those of the row's values."""
    values = from_json(columns.row)
    prediction = Prediction(
        id=columns.id,
        time=columns.time,
        version=columns.version,
        variant=columns.variant,
        unit=columns.unit or columns.id,
        row=values if names is None else dict(zip(names, values, strict=True)),
        prediction=from_json(columns.prediction),
        label=from_json(columns.label),
        shadow_version=columns.shadow_version,
        shadow_prediction=from_json(columns.shadow_prediction),
        weight=1.0 if columns.weight is None else columns.weight,
    )
    return Outcome(prediction, from_json(columns.actual), columns.actual_time)
