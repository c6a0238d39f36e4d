"""The service of a generated project as a process of its own, and clients that ask it."""

import http.client
import json
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop import Workshop, environment

PATIENCE = 30.0
JSON = {"Content-Type": "application/json"}
TOKEN = "a secret of the tests"


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A process that serves what is live in a folder."""

    process: subprocess.Popen[str]
    port: int
    live: Path
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> http.client.HTTPConnection:
        """A connection of its own; it is opened by the first request."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """The answer; `body` is bytes, or what JSON can say."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with closing(self.connect()) as connection:
            connection.request(method, path, sent, JSON | headers)
            return read(connection.getresponse())

    def predict(self, rows: Any) -> Any:
        """What /predict answers to a row or a list of rows, which is 200."""
        answer = self.ask("POST", "/predict", rows)
        assert answer.status == 200, answer
        return answer.json

    def tell(self, outcomes: Any, token: str = TOKEN) -> Answer:
        """The answer to true values."""
        return self.ask("POST", "/feedback", outcomes, Authorization=f"Bearer {token}")

    def send(self, data: bytes, end: bool = False) -> list[Answer]:
        """All answers to bytes sent as they are, until the service closes the connection.

        With `end`, the sending side is closed first: the service learns that no more will come.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as raw:
            sender = threading.Thread(target=send_all, args=(raw, data, end))
            sender.start()
            answers = list(read_all(raw))
            sender.join()
        return answers

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name that have the labels; 0 if there is none."""
        total = 0.0
        for line in self.ask("GET", "/metrics").body.decode().splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found is None or found[1] != name:
                continue
            if labels.items() <= dict(re.findall(r'(\w+)="(.*?)"', found[2] or "")).items():
                total += float(found[3])
        return total

    def wait(self, condition: Callable[[], Any], patience: float = PATIENCE) -> None:
        """Return as soon as the condition holds."""
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"it never held; the log:\n{self.log.read_text()}"
            assert self.process.poll() is None, f"the service ended:\n{self.log.read_text()}"
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> int:
        """Send the signal; the exit code, once the service has ended."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def limit_files(self, size: int) -> None:
        """From now on no file of the process may grow beyond the size: a disk that is full."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def heal_files(self) -> None:
        """Take the limit away."""
        self.limit_files(resource.RLIM_INFINITY)


def read(response: http.client.HTTPResponse) -> Answer:
    """The whole response.

    Raises:
        http.client.HTTPException, OSError: it ended before it was whole.
    """
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def send_all(raw: socket.socket, data: bytes, end: bool) -> None:
    """Send until the service takes no more."""
    try:
        raw.sendall(data)
        if end:
            raw.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def read_all(raw: socket.socket) -> Iterator[Answer]:
    """The answers on a connection, until it is closed."""
    stream: Any = Stream(raw)
    while True:
        response = http.client.HTTPResponse(stream)
        try:
            response.begin()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return
        yield read(response)


class Stream:
    """What `HTTPResponse` takes for a socket of its own, though all responses read from it."""

    def __init__(self, raw: socket.socket) -> None:
        self._file = raw.makefile("rb")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def makefile(self, _mode: str) -> "Stream":
        """Itself, and what it has read ahead."""
        return self

    def close(self) -> None:
        """Stay open for the next response."""


@contextmanager
def serve(
    workshop: Workshop, live: Path, *options: str, start: str = "", **variables: str
) -> Iterator[Service]:
    """The service with what is live in the folder, until the end of the block.

    `options` are Python's own; `start` are statements to run before the service does.
    """
    log = live.with_name(f"{live.name}.log")
    python = str(workshop.project / ".venv/bin/python")
    module = "taxi_ride_duration.serving.server"
    code = ["-c", f"{start}\nimport runpy\nrunpy.run_module({module!r}, run_name='__main__')"]
    own = {"LIVE": str(live), "PORT": "0", "HOST": "", "DATABASE_URL": "", "SERVICE_TOKEN": TOKEN}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [python, *options, *(code if start else ["-m", module])],
            cwd=workshop.project,
            env=environment() | own | variables,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            text=True,
        )
    assert process.stdout is not None
    try:
        started = process.stdout.readline()
        found = re.fullmatch(r"serving on http://.*:(\d+)\n", started)
        assert found, started + log.read_text()
        service = Service(process, int(found[1]), live, log)
        assert service.ask("GET", "/healthz").status == 200  # it listens before it answers
        yield service
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Asked:
    """A request of the load that was answered: which row, when, and what."""

    row: int
    sent: float  # by time.monotonic(), as the other one
    answered: float
    status: int
    body: Any

    @property
    def id(self) -> str:
        return str(self.body["id"])


@dataclass
class Load:
    """Clients that ask for one row after the other, at a steady pace, while something happens.

    A client whose connection is cut off opens another one, and gives up when it is refused.
    """

    service: Service
    rows: Sequence[Any]
    clients: int = 8
    per_second: float = 400.0
    answered: list[Asked] = field(default_factory=list)
    cut: int = 0  # requests that got no answer at all
    half: list[str] = field(default_factory=list)  # answers that ended before they were whole
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Load":
        for first in range(self.clients):
            thread = threading.Thread(target=self._ask, args=(first,))
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop, once every client has its answer or knows that none will come."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self, answers: int = 100) -> None:
        """Return when so many more requests have been answered."""
        enough = len(self.answered) + answers
        deadline = time.monotonic() + PATIENCE
        while len(self.answered) < enough:
            assert time.monotonic() < deadline, f"{len(self.answered)} answers, and no more come"
            time.sleep(0.01)

    def check(self) -> None:
        """Fail unless every request got a whole answer, which was 200."""
        assert self.answered
        assert not self.half
        assert not self.cut
        assert {one.status for one in self.answered} == {200}

    def _ask(self, client: int) -> None:
        pause = self.clients / self.per_second
        due = time.monotonic() + pause * client / self.clients
        bodies = [json.dumps(row).encode() for row in self.rows]
        row = client
        connection = self.service.connect()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due += pause
            row = (row + self.clients) % len(bodies)
            sent = time.monotonic()
            try:
                connection.request("POST", "/predict", bodies[row], JSON)
                response = connection.getresponse()
            except ConnectionRefusedError:
                return
            except (OSError, http.client.RemoteDisconnected):
                self.cut += 1
                connection.close()
                continue
            except http.client.HTTPException as error:
                self.half.append(repr(error))
                continue
            try:
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.half.append(repr(error))
                continue
            said = json.loads(body) if response.status == 200 else body
            asked = Asked(row, sent, time.monotonic(), response.status, said)
            self.answered.append(asked)
        connection.close()


def stored(file: Path) -> dict[str, dict[str, Any]]:
    """What the SQLite store holds of predictions, by their ids."""
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as store:
        store.row_factory = sqlite3.Row
        found = store.execute("select * from predictions").fetchall()
    return {row["id"]: dict(row) for row in found}


def told(file: Path) -> dict[str, Any]:
    """The true values in the SQLite store, by the ids they were told for."""
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as store:
        found = store.execute("select id, actual from feedback").fetchall()
    return {id: json.loads(actual) for id, actual in found}
