"""Tests of `POST /retrain`, the route that level 4 adds to the service, and of `make watch`."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from taxi_ride_duration.retraining import service as retraining
from taxi_ride_duration.retraining.journal import Request, open_journal
from taxi_ride_duration.serving.app import Service
from taxi_ride_duration.serving.prediction_log import PredictionLog
from taxi_ride_duration.serving.settings import Settings
from taxi_ride_duration.serving.watcher import Watcher

JSON = {"Content-Type": "application/json"}
ALLOWED = JSON | {"Authorization": "Bearer a secret"}
PATIENCE = 30.0
PROJECT = Path.cwd()
Ask = Callable[..., httpx.Response]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/predictions.db"


@pytest.fixture
def service(url: str, tmp_path: Path) -> Service:
    watcher = Watcher(tmp_path / "live", max_rows=100)
    log = PredictionLog(lambda: pytest.fail("nothing is logged"), watcher.score)
    served = Service(watcher, log, Settings(), "a secret", now=lambda: 1000.0)
    return retraining.with_retraining(served, url)


@pytest.fixture
def ask(service: Service) -> Ask:
    """Return a function that sends one request."""

    def one_answer(method: str, path: str, **sent: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(app=service)
            base = "http://localhost"
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, path, **sent)

        return asyncio.run(request())

    return one_answer


def requests_in(url: str) -> list[Request]:
    with closing(open_journal(url)) as journal:
        return journal.requests()


def test_who_has_the_token_may_request_a_retraining(ask: Ask, url: str) -> None:
    answer = ask("POST", "/retrain", headers=ALLOWED, json={"who": "Ada"})
    assert answer.status_code == 202
    assert requests_in(url) == [Request(answer.json()["request"], 1000.0, "Ada")]


def test_a_request_needs_no_name(ask: Ask, url: str) -> None:
    assert ask("POST", "/retrain", headers=ALLOWED, content=b"{}").status_code == 202
    assert [request.who for request in requests_in(url)] == [retraining.ANYBODY]


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        (JSON, "a secret", 401),
        (JSON | {"Authorization": "Bearer a guess"}, "a secret", 401),
        (JSON | {"Authorization": "a secret"}, "a secret", 401),
        (ALLOWED, None, 403),
        (JSON, None, 403),
        (ALLOWED | {"Host": "example.org"}, "a secret", 400),
        (ALLOWED | {"Content-Type": "text/plain"}, "a secret", 415),
    ],
)
def test_the_checks_of_the_service_hold(
    ask: Ask, service: Service, url: str, headers: dict[str, str], token: str | None, status: int
) -> None:
    service.token = token
    assert ask("POST", "/retrain", headers=headers, content=b"{}").status_code == status
    assert not requests_in(url)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b'{"who": 3}', 422),
        (b'{"who": ""}', 422),
        (b'{"why": "x"}', 422),
        (b'{"who": "' + b"x" * 101 + b'"}', 422),
        (b" " * 10_001, 413),
    ],
)
def test_an_invalid_body_is_refused(ask: Ask, url: str, body: bytes, status: int) -> None:
    answer = ask("POST", "/retrain", headers=ALLOWED, content=body)
    assert answer.status_code == status and answer.json()["message"]
    assert not requests_in(url)


def test_a_synthetic_request_is_answered_and_not_stored(ask: Ask, url: str) -> None:
    headers = ALLOWED | {"Synthetic-Request": "test"}
    assert ask("POST", "/retrain", headers=headers, content=b"{}").status_code == 202
    assert not requests_in(url)


def test_another_method_is_refused(ask: Ask) -> None:
    wrong = ask("GET", "/retrain", headers=ALLOWED)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


def test_requests_are_counted_as_others_are(ask: Ask) -> None:
    ask("POST", "/retrain", headers=JSON, content=b"{}")
    assert 'http_requests_total{path="/retrain",status="401"}' in ask("GET", "/metrics").text


def test_a_request_that_cannot_be_stored_is_not_accepted(service: Service, tmp_path: Path) -> None:
    unusable = Service(service.watcher, service.log, service.settings, "a secret")
    retraining.with_retraining(unusable, f"sqlite:///{tmp_path}")

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=unusable)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/retrain", headers=ALLOWED, content=b"{}")

    assert asyncio.run(request()).status_code == 503


def test_make_serve_starts_it_and_it_needs_nothing_of_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    printed = subprocess.run(
        ["make", "--dry-run", "RUN=", "serve"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    ).stdout
    assert "-m taxi_ride_duration.retraining.service" in printed
    heavy = ["mlflow", "pandas", "pandera", "scipy", "sklearn", "holidays"]
    program = f"""
import sys, taxi_ride_duration.retraining.service
print([name for name in {heavy} if name in sys.modules])
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert finished.stdout == "[]\n", finished.stderr


def wait(condition: Callable[[], Any], what: str) -> None:
    """Return as soon as the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.01)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the file that the step of `make watch` writes, which is a script beside it."""
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    return tmp_path / "steps"


def watch(steps: Path, step: str) -> "subprocess.Popen[bytes]":
    """Start `make watch` with a shell script in the place of a step."""
    script = steps.with_name("step")
    script.write_text(f"#!/bin/sh\n{step}")
    script.chmod(0o755)
    return subprocess.Popen(
        ["make", "watch", f"RUN={script}", "EVERY=0.01"],
        cwd=PROJECT,
        start_new_session=True,
        # These tests may have been started in the background, where interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_make_watch_continues_after_a_failed_step(steps: Path) -> None:
    process = watch(steps, f"echo $* >> {steps}\nexit 3\n")
    try:
        taken = "python -m taxi_ride_duration.retraining.loop\n"
        wait(lambda: steps.exists() and steps.read_text().startswith(2 * taken), "two steps")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        process.wait(PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_make_watch_ends_with_make_even_if_that_is_killed(steps: Path) -> None:
    process = watch(steps, f"echo $PPID > {steps}.part; mv {steps}.part {steps}\n")
    wait(steps.exists, "a step")
    loop = Path("/proc") / steps.read_text().strip()
    process.kill()
    process.wait()
    wait(lambda: not loop.exists(), "the end of the loop")


def test_make_watch_ends_if_it_cannot_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    finished = subprocess.run(
        ["make", "watch", "RUN=true", "EVERY=often"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert finished.returncode != 0
