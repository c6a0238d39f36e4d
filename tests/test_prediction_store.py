"""Tests of a generated project's service and its store, with the packages of its image."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from installation import environment
from postgres import PostgreSQL
from projects import Ladder

pytestmark = pytest.mark.slow

INSIDE = Path(__file__).parent / "inside/service"
PACKAGE = "taxi_ride_duration"
PATIENCE = 60.0

# Predicts continuously, with a buffer that an outage fills, until its standard input is closed.
PREDICTING = """
import itertools, sys, threading, time
from {package}.serving import metrics, prediction_log
from {package}.serving.prediction_log import PredictionLog
from {package}.serving.records import Feedback, Prediction
from {package}.serving.store import open_store

prediction_log.OVERLOAD = 2.0  # beyond the capacity: nothing is sampled
log = PredictionLog(lambda: open_store(sys.argv[1]), lambda outcomes: [], capacity=1000)
log.start()
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
taken = longest = 0
for number in itertools.count():
    start = time.perf_counter()
    taken += log.add(Prediction(str(number), time.time(), "1", "champion", "", dict(a=1), 2.5))
    log.add(Feedback(str(number), time.time(), 3.5))
    longest = max(longest, time.perf_counter() - start)
    if number % 10 == 0:
        counts = [metrics.log_written, metrics.log_dropped, metrics.log_failures]
        values = [int(one.collect()[0].samples[0].value) for one in counts]
        print(taken, *values, flush=True)
    if ended.is_set():
        break
    time.sleep(0.001)
lost = log.close(20)
kept = open_store(sys.argv[1]).outcomes()
print("end", taken, lost, len(kept), int(longest * 1e6), flush=True)
"""


@pytest.fixture(scope="module")
def project(ladder: Ladder) -> Path:
    """Return a project at level 3."""
    return ladder.project(3)


def in_service(*command: str) -> list[str]:
    """Return a command with the packages of the service's image."""
    return ["uv", "run", "--quiet", "--only-group", "service", "--with", "pytest", *command]


def run_inside(project: Path, *names: str, **variables: str) -> None:
    """Run files of `inside/service/` as tests of the project, with the packages of its service."""
    files = [shutil.copy(INSIDE / name, project / "tests" / f"test_{name}") for name in names]
    finished = subprocess.run(
        in_service("python", "-m", "pytest", "--noconftest", *map(str, files)),
        cwd=project,
        env=environment() | {"PYTHONPATH": "src"} | variables,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_log_keeps_its_contract_on_sqlite(project: Path) -> None:
    run_inside(project, "store.py", "prediction_log.py")


def test_rows_batches_and_bundles_keep_their_contracts(project: Path) -> None:
    run_inside(project, "fields.py", "batching.py", "bundle.py")


def test_the_store_keeps_its_contract_on_postgresql(project: Path, server: PostgreSQL) -> None:
    run_inside(project, "store.py", TEST_DATABASE_URL=server.url)


def test_the_service_goes_on_while_the_server_is_gone_and_counts_the_gap(
    project: Path, server: PostgreSQL
) -> None:
    process = subprocess.Popen(
        in_service("python", "-c", PREDICTING.format(package=PACKAGE), server.url),
        cwd=project,
        env=environment() | {"PYTHONPATH": "src"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout and process.stderr

    def wait_for(reached: Callable[[int, int, int, int], bool]) -> tuple[int, int, int, int]:
        """Return the counts once the condition holds."""
        deadline = time.monotonic() + PATIENCE
        assert process.stdout
        for line in process.stdout:
            taken, written, dropped, failures = map(int, line.split())
            if reached(taken, written, dropped, failures):
                return taken, written, dropped, failures
            assert time.monotonic() < deadline, f"timed out: {line}"
        raise AssertionError(process.communicate()[1])

    wait_for(lambda taken, written, dropped, failures: written > 500)
    server.stop()
    gap = wait_for(lambda taken, written, dropped, failures: dropped > 500 and failures > 2)
    server.start()
    wait_for(lambda taken, written, dropped, failures: written > gap[1] + 2000)
    said, errors = process.communicate()  # closes standard input, which ends the process
    ending, taken, lost, kept, longest = said.splitlines()[-1].split()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert server.password not in errors
    assert "waits for its store" in errors
    assert (ending, lost) == ("end", "0")
    assert kept == taken, "the store has exactly the records that were accepted"
    assert int(longest) < 1_000_000, "a request waited for the store (microseconds)"
