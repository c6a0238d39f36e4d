"""Who may ask for a retraining over HTTP, and what the process behind the door does then."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from taxi_ride_duration.retraining.door import NOBODY, Door
from taxi_ride_duration.retraining.journal import Request, open_journal
from taxi_ride_duration.retraining.watch import Steps

TOKEN = {"Authorization": "Bearer a secret"}
PATIENCE = 30.0
Ask = Callable[..., httpx.Response]

# Takes steps that are the command given, and says where its door is.
WATCHING = """
import asyncio, json, logging, sys
from taxi_ride_duration.retraining.door import Door
from taxi_ride_duration.retraining.watch import Steps, watch
from taxi_ride_duration.serving.server import address, listen

async def main():
    steps = Steps(3600, json.loads(sys.argv[2]))
    with listen("127.0.0.1", 0) as listening:
        print(address(listening), flush=True)
        await watch(steps, Door(sys.argv[1], "a secret", steps.wake), listening)

logging.basicConfig()
asyncio.run(main())
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/predictions.db"


@pytest.fixture
def woken() -> list[str]:
    """Return the list that gets an entry for each time that a step is asked for."""
    return []


@pytest.fixture
def door(url: str, woken: list[str]) -> Door:
    return Door(url, "a secret", lambda: woken.append("now"), now=lambda: 1000.0)


@pytest.fixture
def ask(door: Door) -> Ask:
    """Ask at the door for one answer."""

    def one_answer(method: str, path: str, **sent: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(app=door)
            url = "http://localhost"
            async with httpx.AsyncClient(transport=transport, base_url=url) as client:
                return await client.request(method, path, **sent)

        return asyncio.run(request())

    return one_answer


def requests_in(url: str) -> list[Request]:
    with closing(open_journal(url)) as journal:
        return journal.requests()


def test_who_shows_the_token_may_ask(ask: Ask, url: str, woken: list[str]) -> None:
    answer = ask("POST", "/retrain", headers=TOKEN, json={"who": "Ada"})
    assert answer.status_code == 202
    assert requests_in(url) == [Request(answer.json()["request"], 1000.0, "Ada")]
    assert woken == ["now"]


def test_nobody_needs_to_say_who_they_are(ask: Ask, url: str) -> None:
    assert ask("POST", "/retrain", headers=TOKEN).status_code == 202
    assert [request.who for request in requests_in(url)] == [NOBODY]


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ({}, "a secret", 401),
        ({"Authorization": "Bearer a guess"}, "a secret", 401),
        ({"Authorization": "a secret"}, "a secret", 401),
        (TOKEN, None, 403),
        ({}, None, 403),
    ],
)
def test_nobody_else_may(
    ask: Ask,
    door: Door,
    url: str,
    woken: list[str],
    headers: dict[str, str],
    token: str | None,
    status: int,
) -> None:
    door.token = token
    assert ask("POST", "/retrain", headers=headers).status_code == status
    assert not requests_in(url) and not woken


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
def test_what_makes_no_sense_is_refused(ask: Ask, url: str, body: bytes, status: int) -> None:
    answer = ask("POST", "/retrain", headers=TOKEN, content=body)
    assert answer.status_code == status and answer.json()["message"]
    assert not requests_in(url)


def test_what_is_not_there_is_said(ask: Ask) -> None:
    assert ask("GET", "/nothing").status_code == 404
    wrong = ask("GET", "/retrain", headers=TOKEN)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert ask("GET", "/healthz").json() == {"status": "alive"}


def test_what_cannot_be_written_down_is_not_accepted(
    ask: Ask, door: Door, tmp_path: Path, woken: list[str]
) -> None:
    door.url = f"sqlite:///{tmp_path}"
    assert ask("POST", "/retrain", headers=TOKEN).status_code == 503
    assert not woken


def wait(condition: Callable[[], Any], what: str) -> None:
    """Return as soon as the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.01)


@contextmanager
def watching(url: str, code: str, log: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Return a process that takes steps, which run the code, and the address of its door."""
    step = json.dumps([sys.executable, "-c", code])
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", WATCHING, url, step],
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def test_a_step_is_taken_at_once_and_whenever_somebody_asks(url: str, tmp_path: Path) -> None:
    steps, log = tmp_path / "steps", tmp_path / "log"
    code = f"open({str(steps)!r}, 'a').write('x'); raise SystemExit(3)"
    with watching(url, code, log) as (process, address):
        wait(lambda: steps.exists() and steps.read_text() == "x", "a first step")
        wait(lambda: "the step failed (exit code 3)" in log.read_text(), "its failure is told")
        asking = urllib.request.Request(f"{address}/retrain", b"", TOKEN, method="POST")
        with urllib.request.urlopen(asking, timeout=PATIENCE) as answer:
            assert answer.status == 202
        wait(lambda: steps.read_text() == "xx", "a step for who asked")
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert len(requests_in(url)) == 1


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_to_and_its_step_with_it(
    url: str, tmp_path: Path, told: signal.Signals
) -> None:
    begun, log = tmp_path / "begun", tmp_path / "log"
    number = "str(os.getpid()) + ' '"
    code = f"import os, time; open({str(begun)!r}, 'w').write({number}); time.sleep(600)"
    with watching(url, code, log) as (process, _):
        wait(lambda: begun.exists() and begun.read_text().endswith(" "), "a step that hangs")
        os.killpg(process.pid, told)  # as a terminal does
        assert process.wait(PATIENCE) == 0
    assert log.read_text() == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)


def test_a_step_that_cannot_be_taken_does_not_end_it(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async def take_some() -> None:
        steps = Steps(0.001, [str(tmp_path / "nothing")])
        running = asyncio.create_task(steps.run())
        while len(caplog.records) < 2 and not running.done():
            await asyncio.sleep(0.001)
        steps.stop()
        await asyncio.wait_for(running, PATIENCE)

    asyncio.run(take_some())
    assert "no step can be taken" in caplog.text
