"""Tests of the journal, run in a generated project by `test_journal_store`.

With TEST_DATABASE_URL they run in PostgreSQL, otherwise in SQLite.
"""

import ast
import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from taxi_ride_duration.retraining import journal
from taxi_ride_duration.retraining.journal import (
    BusyError,
    Journal,
    OvertakenError,
    ask,
    open_journal,
    working,
)
from taxi_ride_duration.retraining.policy import Policy
from taxi_ride_duration.retraining.state import (
    Decision,
    Fit,
    Model,
    Reference,
    State,
    Step,
)
from taxi_ride_duration.serving import store
from taxi_ride_duration.serving.store import RecordError, StoreError

SERVER = os.environ.get("TEST_DATABASE_URL")
POLICY = Policy()
REFERENCE = Reference("ratio", 1.0, 0.0, 0.0, 0)
MODEL = Model("1", date(2026, 1, 31), REFERENCE)
STATE = State(champion=MODEL, since=date(2026, 2, 1), day=date(2026, 2, 1), statistic=[0.1, 1e-9])

ROWS = select(journal.DECISIONS).order_by(journal.DECISIONS.c.number)

# Works on the journal, and holds on to it until it is killed.
HOLDING = """
import sys, time
from pathlib import Path
from taxi_ride_duration.retraining.journal import working
with working(Path(sys.argv[1]), sys.argv[2]):
    print("working", flush=True)
    time.sleep(60)
"""


def step(*words: str, day: int = 1) -> Step:
    state = msgspec.structs.replace(STATE, day=date(2026, 2, day))
    return Step(state, [Decision("quiet", text, {"number": 0.1}) for text in words])


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Return an empty store: a file, or a schema of its own on the server."""
    if not SERVER:
        yield f"sqlite:///{tmp_path}/predictions.db"
        return
    import psycopg

    schema = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"create schema {schema}")
        yield f"{SERVER}?options=-csearch_path%3D{schema}"
        connection.execute(f"drop schema {schema} cascade")


@pytest.fixture
def opened(url: str) -> Iterator[Journal]:
    with closing(open_journal(url)) as opened:
        yield opened


def tamper(opened: Journal, statement: str) -> None:
    """Change the journal behind its back, as no code of the project can."""
    with opened.store.transaction() as connection:
        connection.exec_driver_sql(statement)


def test_an_empty_journal_knows_nothing(opened: Journal) -> None:
    assert opened.latest() == (0, None)
    assert opened.last() is None
    assert opened.newest_prediction() is None
    assert opened.lines() == []
    assert opened.requests() == []
    assert opened.broken() is None


def test_all_decisions_of_a_step_are_written_and_the_state_is_read_again(opened: Journal) -> None:
    fit = Fit(["retrained"], date(2026, 1, 1), date(2026, 2, 1))
    pending = msgspec.structs.replace(STATE, pending=fit)
    decisions = [Decision("alarm", "naïve\0 \ud800", {"e": 1.5}), Decision("training", "now")]
    assert opened.append(Step(pending, decisions), 0, 1e9 + 0.25, POLICY) == 2
    assert opened.latest() == (2, pending)
    states = journal.DECISIONS.c.state
    numbers = select(journal.DECISIONS.c.number).where(states.is_not(None))
    assert opened._rows(numbers) == [(2,)]
    first, second = opened.lines()
    assert (first.number, first.time, first.kind, first.evidence) == (
        1,
        1e9 + 0.25,
        "alarm",
        {"e": 1.5},
    )
    assert first.words == "naïve\N{SYMBOL FOR NULL} ?"
    assert first.policy == second.policy == journal.label(POLICY)
    assert opened.lines(after=1) == [second]
    training = opened.last("training")
    assert training is not None and training.time == 1e9 + 0.25
    assert opened.counts() == {"alarm": 1, "training": 1}
    assert opened.last() == second
    assert opened.broken() is None


def test_a_note_leaves_the_state_as_it_is(opened: Journal) -> None:
    opened.append(step("a"), 0, 1.0, POLICY)
    assert opened.note(Decision("failed", "no registry"), 1, 2.0, None) == 2
    assert opened.latest() == (2, STATE)
    assert opened.append(step("b", day=2), 2, 3.0, POLICY) == 3
    assert opened.broken() is None


def test_another_policy_has_another_name() -> None:
    assert journal.label(POLICY) == journal.label(Policy()) != journal.label(Policy(pause=True))
    assert journal.label(Policy(version=7)).startswith("7-")


def test_who_was_overtaken_writes_nothing(url: str, opened: Journal) -> None:
    with closing(open_journal(url)) as other:
        other.append(step("theirs"), 0, 1.0, POLICY)
        with pytest.raises(OvertakenError):
            opened.append(step("mine", "too"), 0, 1.0, POLICY)
    assert [line.words for line in opened.lines()] == ["theirs"]
    assert opened.append(step("mine", day=2), 1, 2.0, POLICY) == 2


def test_a_step_is_written_as_a_whole_or_not_at_all(opened: Journal) -> None:
    opened.append(step("a", "b"), 0, 1.0, POLICY)
    with pytest.raises(OvertakenError):
        opened.append(step("c", "d", day=2), 1, 2.0, POLICY)
    assert opened.latest() == (2, STATE)


def test_a_state_that_could_not_be_read_again_is_not_written(opened: Journal) -> None:
    endless = msgspec.structs.replace(STATE, volume=float("inf"))
    with pytest.raises(StoreError, match="cannot be read"):
        opened.append(Step(endless, [Decision("quiet", "a")]), 0, 1.0, POLICY)
    assert opened.latest() == (0, None)


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("update decisions set words = 'all is well' where number = 2", 2),
        ("update decisions set time = 0 where number = 1", 1),
        ("update decisions set state = null where number = 3", 3),
        ("update decisions set policy = 'another' where number = 2", 2),
        ("update decisions set evidence = '{}' where number = 2", 2),
        ("update decisions set kind = 'quiet ' where number = 2", 2),
        ("update decisions set request = 'a' where number = 2", 2),
        ("update decisions set digest = 'a' where number = 2", 2),
        ("delete from decisions where number = 2", 2),
        ("delete from decisions where number = 1", 1),
    ],
)
def test_a_line_that_was_changed_or_taken_out_shows(
    opened: Journal, statement: str, first: int
) -> None:
    for number, words in enumerate(["a", "b", "c", "d"]):
        opened.append(step(words, day=number + 1), number, float(number + 1), POLICY)
    assert opened.broken() is None
    tamper(opened, statement)
    assert opened.broken() == first


def test_a_line_whose_digest_was_made_anew_shows_in_the_one_after_it(opened: Journal) -> None:
    for number, words in enumerate(["a", "b", "c"]):
        opened.append(step(words), number, 1.0, POLICY)
    tamper(opened, "update decisions set words = 'all is well' where number = 2")
    first, (*content, _) = opened._rows(ROWS)[:2]
    digest = journal.digest_of(first[-1], content)
    tamper(opened, f"update decisions set digest = '{digest}' where number = 2")
    assert opened.broken() == 3


def test_a_line_in_another_ones_place_shows(opened: Journal) -> None:
    for number, words in enumerate(["a", "b", "c"]):
        opened.append(step(words), number, 1.0, POLICY)
    for old, new in [(2, 9), (3, 2), (9, 3)]:
        tamper(opened, f"update decisions set number = {new} where number = {old}")
    assert opened.broken() == 2


def test_nothing_is_written_after_a_line_that_is_gone(opened: Journal) -> None:
    opened.append(step("a"), 0, 1.0, POLICY)
    tamper(opened, "delete from decisions")
    with pytest.raises(StoreError, match="line 1 of the journal is gone"):
        opened.append(step("b"), 1, 1.0, POLICY)


def test_a_request_is_answered_once(opened: Journal, url: str) -> None:
    first, second = ask(url, "ann\0", 1.0), ask(url, "bob", 2.0)
    assert first.who == "ann\N{SYMBOL FOR NULL}"
    assert opened.requests() == [first, second]
    opened.append(step("asked", "and more"), 0, 3.0, POLICY, first.id)
    assert [line.request for line in opened.lines()] == [first.id, None]
    assert opened.requests() == [second]
    with pytest.raises(RecordError):
        opened.append(step("asked again"), 2, 4.0, POLICY, first.id)
    assert opened.requests() == [second]


def test_the_journal_has_no_statement_that_changes_or_deletes() -> None:
    source = Path(str(journal.__file__)).read_text(encoding="utf-8")
    statements = {"update", "delete", "drop", "drop_all", "text", "exec_driver_sql"}
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    called = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    assert not statements & (used | called)


def test_only_one_works_at_a_time(tmp_path: Path, url: str) -> None:
    with working(tmp_path / "live", url):  # noqa: SIM117
        with pytest.raises(BusyError, match="under way"), working(tmp_path / "live", url):
            pass
    with working(tmp_path / "live", url) as opened:
        assert opened.latest() == (0, None)


@pytest.mark.skipif(not SERVER, reason="TEST_DATABASE_URL names no PostgreSQL server")
def test_only_one_works_at_a_time_on_all_machines(tmp_path: Path, url: str) -> None:
    with working(tmp_path / "here", url):  # noqa: SIM117
        with pytest.raises(BusyError, match="another machine"), working(tmp_path / "there", url):
            pass
    with working(tmp_path / "there", url):
        pass


def test_the_locks_end_with_a_process_that_is_killed(tmp_path: Path, url: str) -> None:
    live = tmp_path / "live"
    command = [sys.executable, "-c", HOLDING, str(live), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "working\n"
            with pytest.raises(BusyError), working(live, url):
                pass
        finally:
            process.send_signal(signal.SIGKILL)
    with working(live, url):
        pass


def test_a_store_that_is_locked_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    file = tmp_path / "predictions.db"
    with (
        closing(open_journal(f"sqlite:///{file}")) as opened,
        closing(sqlite3.connect(file)) as other,
    ):
        other.execute("begin immediate")
        with pytest.raises(StoreError, match="locked"):
            opened.append(step("a"), 0, 1.0, POLICY)
        other.rollback()
        assert opened.latest() == (0, None)
