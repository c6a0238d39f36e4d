"""Tests of the log's database, run in a generated project by `test_prediction_store`.

With TEST_DATABASE_URL they run in PostgreSQL, otherwise in SQLite.
"""

import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.serving import store, tables
from taxi_ride_duration.serving.bundle import LIVE
from taxi_ride_duration.serving.records import CHAMPION, Feedback, Outcome, Prediction, Score
from taxi_ride_duration.serving.store import RecordError, Store, StoreError, open_store

SERVER = os.environ.get("TEST_DATABASE_URL")


def predicted(id: str, time: float = 0.0, **fields: Any) -> Prediction:
    prediction = Prediction(id, time, "1", CHAMPION, unit=id, row={"size": 1}, prediction=2.5)
    return msgspec.structs.replace(prediction, **fields)


def ids(outcomes: list[Outcome]) -> list[str]:
    return [outcome.prediction.id for outcome in outcomes]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "live/predictions.db"


@pytest.fixture
def url(file: Path) -> Iterator[str]:
    """Provide an empty store: a file, or a schema of its own on the server."""
    if not SERVER:
        yield f"sqlite:///{file}"
        return
    import psycopg

    schema = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"create schema {schema}")
        yield f"{SERVER}?options=-csearch_path%3D{schema}"
        connection.execute(f"drop schema {schema} cascade")


@pytest.fixture
def opened(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.mark.parametrize("value", [2.5, 3, True, "benign", "naïve\x00 ☃", None])
def test_what_is_written_is_read_again(opened: Store, value: Any) -> None:
    row = {"size": 1.5, "count": 3, "town": "Zürich", "at": "2025-01-01T08:30:00", "gone": None}
    prediction = predicted("a", 1e9 + 0.25, row=row, prediction=value)
    beside = predicted("b", 2e9, shadow_version="2", shadow_prediction=value)
    opened.write([prediction, beside], [Feedback("a", 3e9, value)])
    assert opened.outcomes() == [Outcome(prediction, value, 3e9), Outcome(beside)]
    assert [outcome.known for outcome in opened.outcomes()] == [True, False]


def test_outcomes_come_in_order_of_time_from_a_window_without_its_end(opened: Store) -> None:
    """A clock that was set back makes later records older: they are kept all the same."""
    opened.write([predicted("a", 30.0), predicted("b", 20.0)], [])
    opened.write([predicted("c", 10.0)], [])
    assert ids(opened.outcomes()) == ["c", "b", "a"]
    assert ids(opened.outcomes(start=20.0)) == ["b", "a"]
    assert ids(opened.outcomes(end=20.0)) == ["c"]
    assert ids(opened.outcomes(10.0, 30.0)) == ["c", "b"]


def test_of_predictions_with_one_id_the_first_stays(opened: Store) -> None:
    first = predicted("a", prediction=1.0)
    opened.write([first], [])
    opened.write([predicted("a", prediction=2.0), predicted("b")], [])
    opened.write([first], [])
    assert opened.outcomes() == [Outcome(first), Outcome(predicted("b"))]


def test_of_true_values_the_one_told_last_counts_however_late_it_comes(opened: Store) -> None:
    opened.write([predicted("a")], [Feedback("a", 20.0, "second")])
    (known,) = opened.write([], [Feedback("a", 10.0, "first")])
    assert (known.actual, known.actual_time) == ("second", 20.0)
    (known,) = opened.write([], [Feedback("a", 30.0, "third")])
    assert opened.outcomes() == [known] == [Outcome(predicted("a"), "third", 30.0)]


def test_a_write_tells_what_became_known(opened: Store) -> None:
    many = [f"{number:05}" for number in range(1_001)]
    opened.write([predicted(id) for id in many], [])
    known = opened.write([], [Feedback(id, 1.0, 5) for id in [*many, "unknown"]])
    assert sorted(ids(known)) == many
    assert {outcome.actual for outcome in known} == {5}


def test_a_true_value_that_comes_before_its_prediction_is_joined_later(opened: Store) -> None:
    assert opened.write([], [Feedback("a", 1.0, 5)]) == []
    assert opened.outcomes() == []
    opened.write([predicted("a")], [])
    assert opened.outcomes() == [Outcome(predicted("a"), 5, 1.0)]


@pytest.mark.parametrize(
    "unfit",
    [
        predicted("b", row={"size": object()}),
        predicted("b", unit="half a character: \ud800"),
        predicted("b", version=None),
    ],
    ids=["no JSON", "no UTF-8", "null"],
)
def test_a_record_that_can_never_be_written_is_told_from_a_store_that_fails(
    opened: Store, unfit: Prediction
) -> None:
    with pytest.raises(RecordError):
        opened.write([predicted("a"), unfit], [Feedback("a", 1.0, 5)])
    assert opened.outcomes() == []
    opened.write([predicted("a")], [])
    assert ids(opened.outcomes()) == ["a"]


def test_outcomes_without_a_score_are_found(opened: Store) -> None:
    opened.write([predicted("a"), predicted("b"), predicted("c")], [Feedback("b", 2.0, 5)])
    assert ids(opened.unscored(10)) == ["b"]
    opened.write_scores([Score("b", 3.5, 1.5)])
    assert opened.unscored(10) == []
    with opened.transaction() as connection:
        scores = connection.execute(select(tables.feedback.c.score, tables.feedback.c.shadow_score))
        assert scores.all() == [(3.5, 1.5)]
    opened.write([], [Feedback("b", 3.0, 6)])
    assert ids(opened.unscored(10)) == ["b"], "later ground truth needs a new score"


def test_pruning_deletes_predictions_and_feedback_and_gives_space_back(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PRUNED_AT_ONCE", 300)
    opened, reader = open_store(url), open_store(url)
    many = [predicted(f"{number:04}", float(number)) for number in range(3000)]
    opened.write(many, [Feedback(one.id, 9e9, 5) for one in many])
    opened.write([], [Feedback("early, unknown", 1.0, 5), Feedback("late, unknown", 9e9, 5)])
    opened.release_space()  # also empties the file of changes that SQLite has beside the table
    size = file.stat().st_size if file.exists() else 0
    assert opened.prune(before=2900.0) == 2900
    opened.release_space()
    assert [outcome.prediction.id for outcome in reader.outcomes()] == [
        one.id for one in many[2900:]
    ]
    with opened.transaction() as connection:
        left = connection.scalars(select(tables.feedback.c.id)).all()
    assert sorted(left) == [*[one.id for one in many[2900:]], "late, unknown"]
    assert not file.exists() or file.stat().st_size < size / 3
    assert opened.prune(before=2900.0) == 0


def test_many_may_open_a_new_store_at_once(url: str) -> None:
    def start(number: int) -> None:
        opened = open_store(url)
        opened.write([predicted(str(number))], [])
        opened.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(start, range(8)))
    assert len(open_store(url).outcomes()) == 8


@pytest.mark.skipif(not SERVER, reason="TEST_DATABASE_URL names no PostgreSQL server")
def test_tables_that_another_process_is_making_are_waited_for(url: str) -> None:
    """There, `create table if not exists` fails if the table comes into being meanwhile."""
    import psycopg

    waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and state = 'active'"
    with ThreadPoolExecutor(1) as pool, psycopg.connect(url) as other:
        other.execute("create table row_formats (id serial primary key, names text unique)")
        opening = pool.submit(open_store, url)
        with psycopg.connect(url, autocommit=True) as looking:
            deadline = time.monotonic() + 30
            while not looking.execute(waiting).fetchone():
                assert time.monotonic() < deadline and not opening.done()
                time.sleep(0.01)
        other.commit()
        assert opening.result().outcomes() == []


def test_one_reads_while_another_writes(file: Path) -> None:
    opened = open_store(f"sqlite:///{file}")
    opened.write([predicted("a")], [])
    other = sqlite3.connect(file)
    other.execute("begin immediate")
    other.execute("delete from predictions")
    assert ids(opened.outcomes()) == ["a"]


def test_a_locked_file_is_waited_for_and_then_told_of(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    opened = open_store(f"sqlite:///{file}")
    other = sqlite3.connect(file)
    other.execute("begin exclusive")
    with pytest.raises(StoreError, match="locked"):
        opened.write([predicted("a")], [])
    other.rollback()
    opened = open_store(f"sqlite:///{file}")
    opened.write([predicted("a")], [])
    assert ids(opened.outcomes()) == ["a"]


def test_a_file_that_vanished_is_noticed_and_made_anew(file: Path) -> None:
    opened = open_store(f"sqlite:///{file}")
    opened.write([predicted("a")], [])
    shutil.rmtree(file.parent)
    with pytest.raises(StoreError):
        opened.write([predicted("b")], [])
    opened = open_store(f"sqlite:///{file}")
    opened.write([predicted("b")], [])
    assert ids(opened.outcomes()) == ["b"]


def test_a_file_that_was_replaced_is_noticed(file: Path) -> None:
    opened = open_store(f"sqlite:///{file}")
    file.rename(file.with_name("moved.db"))
    open_store(f"sqlite:///{file}").close()
    with pytest.raises(StoreError):
        opened.write([predicted("b")], [])
    opened = open_store(f"sqlite:///{file}")
    opened.write([predicted("b")], [])
    assert ids(opened.outcomes()) == ["b"]


def test_what_is_no_store_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("Dear diary, this is about as long as a header.\n" * 9)
    for place in ["a file", "a file/below.db", "."]:
        with pytest.raises(StoreError):
            open_store(f"sqlite:///{tmp_path / place}")
    assert (tmp_path / "a file").read_text().startswith("Dear diary")


@pytest.mark.parametrize(
    "address",
    [
        "me:Gruyere@127.0.0.1:1/log",
        "me:Gru/Gruyere@127.0.0.1:1/log",
        "me:Gru@Gruyere@127.0.0.1:1/log",
        "me:Gruyer%65@127.0.0.1:1/log?no=such",
        "127.0.0.1:1/log?password=Gruyere",
    ],
)
def test_no_message_holds_a_password(address: str) -> None:
    with pytest.raises(StoreError) as failure:
        open_store(f"postgresql://{address}")
    assert "Gruy" not in str(failure.value)
    assert failure.value.__suppress_context__


def test_the_environment_names_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert store.store_url() == f"sqlite:///{LIVE}/predictions.db"
    monkeypatch.setenv("DATABASE_URL", "mysql://me:Gruyere@host/log")
    with pytest.raises(UserError, match="Set it to postgresql") as refusal:
        store.store_url()
    assert "Gruyere" not in str(refusal.value)
