"""Where predictions and true values are kept: SQLite, or PostgreSQL if DATABASE_URL says so.

One SQL text serves both. Values are JSON, so that any problem's rows and labels fit.
"""

import os
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from math import inf
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from ..errors import UserError
from .bundle import LIVE
from .records import Feedback, Outcome, Prediction

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")
BUSY_SECONDS = 5.0  # how long SQLite waits for another process that writes
BUSY_PAUSE_SECONDS = 0.01  # between two attempts at what it does not wait for
CONNECT_SECONDS = 5  # how long PostgreSQL may take to let us in, and a dead network to be noticed
IDS_AT_ONCE = 500
PREDICTIONS_AT_ONCE = 100  # for each statement, SQLite makes the threads of Python take turns
UNFIT = (TypeError, ValueError, OverflowError)  # what values that no column can hold raise

TABLES = (
    """create table if not exists predictions (
        id text primary key, time double precision not null, version text not null,
        variant text not null, unit text not null, row text not null, prediction text not null,
        label text, shadow_version text, shadow_prediction text)""",
    "create index if not exists predictions_by_time on predictions (time)",
    """create table if not exists feedback (
        id text primary key, time double precision not null, actual text not null)""",
)
ADD_PREDICTIONS = """insert into predictions
    (id, time, version, variant, unit, row, prediction, label, shadow_version, shadow_prediction)
    values {rows} on conflict (id) do nothing"""
PREDICTION = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADD_LABEL = "alter table predictions add column label text"  # which tables once had not
ADD_FEEDBACK = """insert into feedback (id, time, actual) values (?, ?, ?)
    on conflict (id) do update set time = excluded.time, actual = excluded.actual
    where excluded.time >= feedback.time"""
OUTCOMES = """select predictions.id, predictions.time, version, variant, unit, predictions.row,
    prediction, label, shadow_version, shadow_prediction, actual, feedback.time
    from predictions left join feedback on feedback.id = predictions.id"""
IN_WINDOW = " where predictions.time >= ? and predictions.time < ?"
IN_ORDER = " order by predictions.time, predictions.id"


class StoreError(Exception):
    """The store did not do its part; what was to be written was not. Open it anew."""


class RecordError(StoreError):
    """The store works, but does not take these records, now or later."""


class Store:
    """A connection to the store, for one thread.

    After a `StoreError` that is no `RecordError` it is of no more use.
    """

    def __init__(self, driver: ModuleType, connection: Any, url: str) -> None:
        self._driver = driver
        self._connection = connection
        self.url = url
        self._file = None if url.startswith(POSTGRESQL) else Path(url.removeprefix(SQLITE))
        self._identity = self._file and file_identity(self._file)
        self.make_tables(TABLES, "select id from feedback where 1 = 0")
        self.make_tables([ADD_LABEL], "select label from predictions where 1 = 0")

    def write(
        self, predictions: Sequence[Prediction], feedback: Sequence[Feedback]
    ) -> list[Outcome]:
        """Write all or nothing; return what is now known of the predictions told about.

        Writing again what was written changes nothing: of predictions with the same id the first
        is kept, of true values the one told last. A true value whose prediction is not there yet
        is kept too, and joined as soon as it is.

        Raises:
            RecordError: something in the records can never be written.
            StoreError: the store did not take them, but may later.
        """
        try:
            told = [(one.id, one.time, to_json(one.actual)) for one in feedback]
            predicted = [columns_of(prediction) for prediction in predictions]
        except UNFIT as error:
            raise RecordError(f"a value cannot be written as JSON: {error}") from None
        with self.transaction() as cursor:
            for some in parts(predicted, PREDICTIONS_AT_ONCE):
                statement = ADD_PREDICTIONS.format(rows=", ".join([PREDICTION] * len(some)))
                cursor.execute(self.sql(statement), [value for row in some for value in row])
            if told:
                cursor.executemany(self.sql(ADD_FEEDBACK), told)
            ids = list({one.id for one in feedback})
            found = []
            for some in parts(ids, IDS_AT_ONCE):
                among = f" where predictions.id in ({', '.join('?' * len(some))})"
                found += self._select(cursor, among, some)
        if self._file and file_identity(self._file) != self._identity:
            # SQLite would go on writing into a file that nobody can open any more.
            raise StoreError(f"{self._file} was moved, deleted or replaced")
        return found

    def outcomes(self, start: float | None = None, end: float | None = None) -> list[Outcome]:
        """Predictions made from `start` up to, but without, `end`, in order of time.

        Raises:
            StoreError: the store did not answer.
        """
        window = (-inf if start is None else start, inf if end is None else end)
        with self.transaction() as cursor:
            return self._select(cursor, IN_WINDOW + IN_ORDER, window)

    def close(self) -> None:
        """Let go of the connection."""
        with suppress(self._driver.Error):
            self._connection.close()

    def _select(self, cursor: Any, rest: str, values: Sequence[Any]) -> list[Outcome]:
        cursor.execute(self.sql(OUTCOMES + rest), values)
        return [outcome_of(columns) for columns in cursor.fetchall()]

    def sql(self, text: str) -> str:
        return text if self._driver is sqlite3 else text.replace("?", "%s")

    def make_tables(self, statements: Sequence[str], last: str) -> None:
        """Make the tables if they are missing: `last` reads what the last statement makes."""
        if self._answers(last):
            return
        try:
            with self.transaction() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        except StoreError:
            # On PostgreSQL, "if not exists" fails where another process is making the same table.
            if not self._answers(last):
                raise

    def _answers(self, query: str) -> bool:
        try:
            with self.transaction() as cursor:
                cursor.execute(query)
        except StoreError:
            return False
        return True

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A cursor; what is done with it is committed, or undone if it fails."""
        try:
            cursor = self._connection.cursor()
            yield cursor
            self._connection.commit()
        except (self._driver.DataError, self._driver.IntegrityError, *UNFIT) as error:
            self._undo()
            raise RecordError(without_secrets(error, self.url)) from None
        except self._driver.Error as error:
            self._undo()
            raise StoreError(without_secrets(error, self.url)) from None

    def _undo(self) -> None:
        with suppress(self._driver.Error):
            self._connection.rollback()


def store_url() -> str:
    """What DATABASE_URL says; without it, a SQLite file beside what is live.

    Raises:
        UserError: the address is of no kind that is known.
    """
    url = os.environ.get("DATABASE_URL") or f"{SQLITE}{LIVE}/predictions.db"
    check_kind(url)
    return url


def check_kind(url: str) -> None:
    """Refuse an address of another kind. It may hold a password: only its kind is told."""
    if not url.startswith((SQLITE, *POSTGRESQL)):
        kind = re.match(r"[a-z0-9+.-]{1,20}://", url)
        raise UserError(
            f"DATABASE_URL cannot start with {kind[0] if kind else 'what it does'}. Set it to "
            "postgresql://user:password@host/database, or to sqlite:///path, or leave it out"
        )


def open_store(url: str) -> Store:
    """Connect, and make the tables if they are missing.

    Raises:
        UserError: the address is of no kind that is known.
        StoreError: the store cannot be reached or used.
    """
    check_kind(url)
    return open_postgresql(url) if url.startswith(POSTGRESQL) else open_sqlite(url)


@contextmanager
def reading() -> Iterator[Store]:
    """The store that the environment names, for a command that reads it.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with closing(open_store(store_url())) as store:
            yield store
    except StoreError as error:
        raise UserError(f"the prediction log cannot be read: {error}") from error


def open_sqlite(url: str) -> Store:
    """A file that readers can read while one process writes; it is made if it is missing."""
    file = Path(url.removeprefix(SQLITE))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, timeout=BUSY_SECONDS)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{file}: {error}") from None
    try:
        write_ahead(connection)
        connection.execute("pragma synchronous = normal")
        return Store(sqlite3, connection, url)
    except (sqlite3.Error, StoreError) as error:
        connection.close()
        raise StoreError(f"{file}: {error}") from None


def write_ahead(connection: sqlite3.Connection) -> None:
    """Let others read while one writes.

    For the change SQLite needs the file alone, and does not wait as it does for all else: where
    several open a new store at once, only trying again helps.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(BUSY_PAUSE_SECONDS)


def open_postgresql(url: str) -> Store:
    """A database on a server; only its tables are made."""
    import psycopg  # who keeps the log in SQLite need not load it

    try:
        connection = psycopg.connect(
            url, connect_timeout=CONNECT_SECONDS, tcp_user_timeout=1000 * CONNECT_SECONDS
        )
    except psycopg.Error as error:
        raise StoreError(without_secrets(error, url)) from None
    try:
        return Store(psycopg, connection, url)
    except StoreError:
        connection.close()
        raise


def file_identity(file: Path) -> tuple[int, int] | None:
    """What tells a file from another one that took its name; None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def without_secrets(error: Exception, url: str) -> str:
    """What the driver says, without the password, which it may quote from a mistyped address."""
    said = " ".join(str(error).split()) or type(error).__name__
    told = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    asked = parse_qs(urlsplit(url.replace("[", "").replace("]", "")).query).get("password", [])
    pieces = [told, *re.split("[@/?#:]", told), *asked]
    for secret in sorted({*pieces, *map(unquote, pieces)} - {""}, key=len, reverse=True):
        said = said.replace(secret, "***")
    return said


def parts(items: list[Any], most: int) -> Iterator[list[Any]]:
    """The items in their order, so many at a time."""
    for start in range(0, len(items), most):
        yield items[start : start + most]


def to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def from_json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def columns_of(prediction: Prediction) -> tuple[Any, ...]:
    """A prediction as a row of its table."""
    beside = prediction.shadow_version is not None
    return (
        prediction.id,
        prediction.time,
        prediction.version,
        prediction.variant,
        prediction.unit,
        to_json(prediction.row),
        to_json(prediction.prediction),
        None if prediction.label is None else to_json(prediction.label),
        prediction.shadow_version,
        to_json(prediction.shadow_prediction) if beside else None,
    )


def outcome_of(columns: Sequence[Any]) -> Outcome:
    """What a row of the joined tables says."""
    id, time, version, variant, unit, *texts, actual_time = columns
    row, predicted, label, shadow_version, shadow_predicted, actual = texts
    prediction = Prediction(
        id=id,
        time=time,
        version=version,
        variant=variant,
        unit=unit,
        row=from_json(row),
        prediction=from_json(predicted),
        label=from_json(label),
        shadow_version=shadow_version,
        shadow_prediction=from_json(shadow_predicted),
    )
    return Outcome(prediction, from_json(actual), actual_time)
