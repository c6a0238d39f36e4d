"""The journal of the loop's decisions, beside the prediction log, in SQLite or PostgreSQL.

Lines are added only. Each has a digest of its content and of the line before, so that a change or
a deletion shows; live/loop-anchor.json, outside of the database, has the last digest, so that a
tail that was cut shows. The next step continues from the last state.
"""

import fcntl
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Double,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    func,
    insert,
    select,
)

from ..serving.store import (
    POSTGRESQL,
    RecordError,
    Store,
    StoreError,
    open_store,
    to_json,
)
from ..serving.tables import predictions
from .policy import Policy
from .state import Decision, State, Step

metadata = MetaData()
DECISIONS = Table(
    "decisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    *[Column(name, Text, nullable=False) for name in ("policy", "kind", "words", "evidence")],
    Column("state", Text),
    Column("request", Text, unique=True),
    Column("digest", Text, nullable=False),
)
# Where the service has a role of its own in PostgreSQL, it may add requests, and nothing else.
requested = MetaData()
REQUESTS = Table(
    "retraining_requests",
    requested,
    Column("id", Text, primary_key=True),
    Column("time", Double, nullable=False),
    Column("who", Text, nullable=False),
)
ANCHOR = "loop-anchor.json"
DECIDED = DECISIONS.columns
LINES = select(*[column for column in DECIDED if column is not DECIDED.state])
OPEN_REQUESTS = (
    select(REQUESTS)
    .where(REQUESTS.c.id.not_in(select(DECIDED.request).where(DECIDED.request.is_not(None))))
    .order_by(REQUESTS.c.time, REQUESTS.c.id)
)
# Let go of when the connection ends, however that happens. Each schema has its own.
LOCK = select(
    func.pg_try_advisory_lock(func.hashtextextended(func.current_schema() + ".decisions", 0))
)


class OvertakenError(Exception):
    """Another process has written to the journal meanwhile: the decision is out of date."""


class BusyError(Exception):
    """Another step of the loop is under way."""


class Line(msgspec.Struct, frozen=True):
    """A decision as it stands in the journal. `time` is in POSIX seconds.

    `policy` is the version number of the policy and a hash of all it says; `request` is the id of
    the request that the decision answers, if it answers one.
    """

    number: int
    time: float
    policy: str
    kind: str
    words: str
    evidence: dict[str, Any]
    request: str | None
    digest: str


class Request(msgspec.Struct, frozen=True):
    """A request for a retraining. `time` is in POSIX seconds."""

    id: str
    time: float
    who: str


class Journal:
    """The journal in a store that is open. After a `StoreError` it is of no more use.

    `store` is for reading the prediction log by the same connection.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        store.create_tables(metadata)
        store.create_tables(requested)

    def latest(self) -> tuple[int, State | None]:
        """Return the number of the last line, 0 if there is none, and the last state.

        Raises
        ------
        StoreError
            The store did not answer, or the state cannot be read.
        """
        with_state = select(DECIDED.state).where(DECIDED.state.is_not(None))
        found = self._rows(with_state.order_by(DECIDED.number.desc()).limit(1))
        return self.latest_number(), decode_state(found[0].state) if found else None

    def latest_number(self) -> int:
        """Return the number of the last line, 0 if there is none."""
        ((number,),) = self._rows(select(func.max(DECIDED.number)))
        return number or 0

    def last(self, kind: str | None = None) -> Line | None:
        """Return the last line, of that kind if one is given; None if there is none."""
        query = LINES if kind is None else LINES.where(DECIDED.kind == kind)
        found = self._rows(query.order_by(DECIDED.number.desc()).limit(1))
        return line_of(found[0]) if found else None

    def counts(self) -> dict[str, int]:
        """Return the number of lines of each kind."""
        counted = select(DECIDED.kind, func.count()).group_by(DECIDED.kind)
        return {row.kind: row[1] for row in self._rows(counted)}

    def append(
        self, step: Step, after: int, time: float, policy: Policy, request: str | None = None
    ) -> int:
        """Write all decisions of a step, the last with the state; return the number of the last.

        `after` is the number of the line that the step rests on. The first decision answers the
        request, if there is one.

        Raises
        ------
        OvertakenError
            That is not the last line any more.
        StoreError
            The store did not take it, and nothing of it is written.
        """
        state = msgspec.json.encode(step.state).decode()
        decode_state(state)  # a state that nobody can read again would be the end of the loop
        return self._append(step.decisions, state, after, time, label(policy), request)

    def note(self, decision: Decision, after: int, time: float, policy: Policy | None) -> int:
        """Write a decision that changes no state, as `append` does."""
        return self._append([decision], None, after, time, label(policy), None)

    def lines(self, after: int = 0) -> list[Line]:
        """Return all lines after that number, in order."""
        rows = self._rows(LINES.where(DECIDED.number > after).order_by(DECIDED.number))
        return [line_of(row) for row in rows]

    def anchor(self, live: Path) -> None:
        """Write the number and the digest of the last line beside what serves."""
        last = self.last()
        if last is not None:
            part = live / f"{ANCHOR}.part"
            part.write_bytes(msgspec.json.encode((last.number, last.digest)))
            part.replace(live / ANCHOR)

    def check_tail(self, live: Path) -> None:
        """Raise a `StoreError` if lines are missing that were there at the last step."""
        file = live / ANCHOR
        if not file.exists():
            return
        try:
            number, digest = msgspec.json.decode(file.read_bytes(), type=tuple[int, str])
        except msgspec.DecodeError:
            return  # a damaged file proves nothing
        found = self.lines(after=number - 1)[:1]
        if not found or found[0].digest != digest:
            raise StoreError(
                f"line {number} of the journal is missing or another one. Restore the database; "
                f"or, to go on from what is there, remove {file}"
            )

    def broken(self) -> int | None:
        """Return the number of the first line that was changed or follows a gap; None if none."""
        before = ""
        rows = self._rows(select(DECISIONS).order_by(DECIDED.number))
        for expected, row in enumerate(rows, start=1):
            if row.number != expected or digest_of(before, list(row)[:-1]) != row.digest:
                return expected
            before = row.digest
        return None

    def requests(self) -> list[Request]:
        """Return the requests that no line answers yet, the oldest first."""
        return [Request(**row._asdict()) for row in self._rows(OPEN_REQUESTS)]

    def newest_prediction(self) -> float | None:
        """Return the time of the newest prediction in POSIX seconds; None if there is none."""
        ((newest,),) = self._rows(select(func.max(predictions.c.time)))
        return newest

    def lock(self) -> bool:
        """Lock the journal as long as it is open; return whether no other process has."""
        if not self.store.url.startswith(POSTGRESQL):
            return True  # a file is one machine's, where `working` locks another one
        ((locked,),) = self._rows(LOCK)
        return bool(locked)

    def close(self) -> None:
        """Close the database, and release the lock."""
        self.store.close()

    def _append(
        self,
        decisions: list[Decision],
        state: str | None,
        after: int,
        time: float,
        policy: str,
        request: str | None,
    ) -> int:
        digest = self._digest_at(after)
        lines = []
        for number, decision in enumerate(decisions, start=after + 1):
            content = [
                number,
                float(time),
                policy,
                decision.kind,
                plain(decision.words),
                to_json(decision.evidence),
                state if number == after + len(decisions) else None,
                request if number == after + 1 else None,
            ]
            digest = digest_of(digest, content)
            lines.append(dict(zip(DECIDED.keys(), [*content, digest], strict=True)))
        try:
            with self.store.transaction() as connection:
                connection.execute(insert(DECISIONS), lines)
        except RecordError:
            if self.latest_number() != after:
                raise OvertakenError(f"line {after + 1} of the journal is there already") from None
            raise
        return after + len(decisions)

    def _digest_at(self, number: int) -> str:
        if number == 0:
            return ""
        found = self._rows(select(DECIDED.digest).where(DECIDED.number == number))
        if not found:
            raise StoreError(f"line {number} of the journal is gone")
        return found[0].digest

    def _rows(self, query: Select[Any]) -> list[Any]:
        with self.store.transaction() as connection:
            return list(connection.execute(query))


def open_journal(url: str) -> Journal:
    """Connect to the database, and create the tables if they are missing.

    Raises
    ------
    UserError
        The address is of no kind that is known.
    StoreError
        The store cannot be reached or used.
    """
    store = open_store(url)
    try:
        return Journal(store)
    except StoreError:
        store.close()
        raise


def ask(url: str, who: str, time: float) -> Request:
    """Write down a request for a retraining, which the next step of the loop answers.

    Raises
    ------
    StoreError
        The store did not take it.
    """
    request = Request(secrets.token_hex(8), time, plain(who))
    with closing(open_store(url)) as store:
        store.create_tables(requested)
        with store.transaction() as connection:
            connection.execute(insert(REQUESTS), msgspec.structs.asdict(request))
    return request


@contextmanager
def working(live: Path, url: str) -> Iterator[Journal]:
    """Provide the journal to one step of the loop at a time, on this machine and on others.

    The locks end with the process, even with one that is killed.

    Raises
    ------
    BusyError
        Another step is under way.
    StoreError
        The store cannot be reached or used.
    """
    live.mkdir(parents=True, exist_ok=True)
    with (live / "loop.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError("another step is under way") from None
        with closing(open_journal(url)) as journal:
            if not journal.lock():
                raise BusyError("another step is under way, on another machine")
            yield journal


def line_of(row: Row[Any]) -> Line:
    """Return the line in a row of `LINES`."""
    return Line(**row._asdict() | {"evidence": msgspec.json.decode(row.evidence)})


def digest_of(before: str, content: list[Any]) -> str:
    """Return the digest of a line, given the digest before it and its columns."""
    return hashlib.sha256(msgspec.json.encode([before, *content])).hexdigest()


def label(policy: Policy | None) -> str:
    """Return the journal's name of a policy: its version, and a hash of its settings."""
    if policy is None:
        return ""
    return f"{policy.version}-{hashlib.sha256(policy.model_dump_json().encode()).hexdigest()[:8]}"


def plain(words: str) -> str:
    """Return the text without null characters and lone surrogates, which databases refuse."""
    kept = words.encode(errors="replace").decode()
    return kept.replace("\0", "\N{SYMBOL FOR NULL}")


def decode_state(encoded: str) -> State:
    """Return the state in a line.

    Raises
    ------
    StoreError
        It is none.
    """
    try:
        return msgspec.json.decode(encoded, type=State)
    except msgspec.DecodeError as error:
        raise StoreError(f"the state in the journal cannot be read: {error}") from error
