"""Tests of the prediction log under faults, run in a project by `test_prediction_store`."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from taxi_ride_duration.serving import prediction_log, store
from taxi_ride_duration.serving.prediction_log import PredictionLog
from taxi_ride_duration.serving.records import CHAMPION, Feedback, Outcome, Prediction, Score
from taxi_ride_duration.serving.store import Store, open_store

SOURCES = Path(prediction_log.__file__).parents[2]
PATIENCE = 30.0

# A process that predicts without a break, and says what it took into its log and when.
PREDICTING = f"""
import itertools, sys, time
from {prediction_log.__package__}.prediction_log import PredictionLog
from {prediction_log.__package__}.records import Prediction
from {prediction_log.__package__}.store import open_store

log = PredictionLog(lambda: open_store(sys.argv[1]), print)
log.start()
for number in itertools.count():
    assert log.add(Prediction(str(number), time.time(), "1", "champion", "", dict(), 2.5))
    print(number, time.monotonic(), flush=True)
    time.sleep(0.001)
"""


def no_scores(outcomes: list[Outcome]) -> list[Score]:
    """Return no scores."""
    return []


def predicted(number: int, unit: str = "a") -> Prediction:
    return Prediction(str(number), float(number), "1", CHAMPION, unit, {"size": 1}, 2.5)


def count(name: str) -> float:
    """Return the value of a metric."""
    return REGISTRY.get_sample_value(f"prediction_log_{name}") or 0.0


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter waits, so that the tests are fast."""
    monkeypatch.setattr(prediction_log, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(prediction_log, "LONGEST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "live/predictions.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
def log(url: str) -> Iterator[PredictionLog]:
    log = PredictionLog(lambda: open_store(url), no_scores)
    log.start()
    yield log
    log.close(PATIENCE)


def stored(url: str) -> list[int]:
    """Return the numbers of the predictions in the store."""
    opened = open_store(url)
    numbers = [int(outcome.prediction.id) for outcome in opened.outcomes()]
    opened.close()
    return numbers


def test_what_is_added_is_soon_in_the_store(log: PredictionLog, url: str) -> None:
    before = count("written_total")
    assert all([log.add(predicted(number)) for number in range(100)])
    wait_until(lambda: count("written_total") == before + 100)
    assert stored(url) == list(range(100))
    assert count("waiting") == 0


def test_an_error_in_what_uses_true_values_stops_nothing(url: str) -> None:
    calls = []

    def fail(outcomes: list[Outcome]) -> list[Score]:
        calls.append(outcomes)
        raise ValueError("no such label")

    log = PredictionLog(lambda: open_store(url), fail)
    log.start()
    log.add(predicted(1))
    log.add(Feedback("1", 9.0, "true"))
    wait_until(lambda: calls)
    log.add(predicted(2))
    assert log.close(PATIENCE) == 0
    assert stored(url) == [1, 2]
    assert len(calls) == 1


def test_closing_writes_all_that_was_taken(url: str) -> None:
    log = PredictionLog(lambda: open_store(url), no_scores)
    for number in range(2 * prediction_log.BATCH + 1):
        log.add(predicted(number))
    log.start()
    assert log.close(PATIENCE) == 0
    assert len(stored(url)) == 2 * prediction_log.BATCH + 1
    before = count("dropped_total")
    assert not log.add(predicted(0))
    assert count("dropped_total") == before + 1


def test_without_a_store_closing_gives_up_in_time_and_counts_the_loss(file: Path) -> None:
    file.parent.write_text("in the way")
    log = PredictionLog(lambda: open_store(f"sqlite:///{file}"), no_scores)
    log.start()
    log.add(predicted(1))
    before = count("dropped_total")
    assert log.close(0.1) == 1
    assert log.close(0.1) == 1
    assert count("dropped_total") == before + 1


def test_a_store_that_is_not_there_yet_is_waited_for(file: Path, url: str) -> None:
    file.parent.write_text("in the way")
    before = count("failures_total")
    log = PredictionLog(lambda: open_store(url), no_scores)
    log.start()
    assert log.add(predicted(1))
    wait_until(lambda: count("failures_total") > before + 1)
    assert log.add(predicted(2))
    wait_until(lambda: count("waiting") == 2)
    file.parent.unlink()
    wait_until(lambda: log.waiting() == 0)
    assert stored(url) == [1, 2]
    assert log.close(PATIENCE) == 0


def test_a_lock_delays_and_loses_nothing(log: PredictionLog, file: Path, url: str) -> None:
    log.add(predicted(1))
    wait_until(lambda: log.waiting() == 0)
    before = count("failures_total")
    other = sqlite3.connect(file)
    other.execute("begin exclusive")
    log.add(predicted(2))
    wait_until(lambda: count("failures_total") > before)
    log.add(predicted(3))
    other.rollback()
    wait_until(lambda: log.waiting() == 0)
    assert stored(url) == [1, 2, 3]


def test_a_store_that_vanishes_is_made_anew(log: PredictionLog, file: Path, url: str) -> None:
    log.add(predicted(1))
    wait_until(lambda: log.waiting() == 0)
    shutil.rmtree(file.parent)
    log.add(predicted(2))
    wait_until(lambda: log.waiting() == 0)
    assert stored(url) == [2]


def test_an_unexpected_error_does_not_end_the_writing(url: str) -> None:
    errors = [RuntimeError("what?"), MemoryError()]

    def open_at_last() -> Store:
        if errors:
            raise errors.pop()
        return open_store(url)

    log = PredictionLog(open_at_last, no_scores)
    log.start()
    log.add(predicted(1))
    wait_until(lambda: log.waiting() == 0)
    assert log.close(PATIENCE) == 0
    assert stored(url) == [1]


def test_a_clock_that_is_set_back_changes_nothing(
    log: PredictionLog, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.add(predicted(2))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    log.add(predicted(1))
    wait_until(lambda: log.waiting() == 0)
    assert stored(url) == [1, 2]


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a process that has the package."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n{code}"]
    return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)


def test_a_process_that_is_killed_loses_no_more_than_the_window(url: str) -> None:
    process = python(PREDICTING, url)
    assert process.stdout is not None
    taken = {}
    for line in process.stdout:
        number, moment = line.split()
        taken[int(number)] = float(moment)
        if len(taken) == 1000:
            process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = stored(url)
    assert kept == list(range(len(kept)))
    assert kept
    lost = [moment for number, moment in taken.items() if number >= len(kept)]
    window = 0.2 + 0.8  # FLUSH_SECONDS, and the time that a write takes on a busy machine
    assert max(taken.values()) - min(lost, default=max(taken.values())) < window


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes to set")
def test_a_full_disk_delays_and_loses_nothing(url: str) -> None:
    """A limit on the size of files stands for the disk: writing fails, and later does not."""
    code = f"""
import resource, time
from {prediction_log.__package__} import metrics
from {prediction_log.__package__}.prediction_log import PredictionLog
from {prediction_log.__package__}.records import Prediction
from {prediction_log.__package__}.store import open_store

failures = metrics.log_failures
log = PredictionLog(lambda: open_store(sys.argv[1]), print)
open_store(sys.argv[1]).close()
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
log.start()
for number in range(3000):
    assert log.add(Prediction(str(number), time.time(), "1", "champion", "", dict(), "x" * 100))
while not failures.collect()[0].samples[0].value:
    time.sleep(0.01)
assert log.add(Prediction("3000", time.time(), "1", "champion", "", dict(), 2.5))
print("full", log.waiting() > 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print("lost", log.close(20))
"""
    process = python(code, url)
    said, _ = process.communicate(timeout=PATIENCE)
    assert said.splitlines() == ["full True", "lost 0"]
    assert stored(url) == list(range(3001))
