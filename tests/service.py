"""The service of a generated project in its own process, and its clients."""

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

from installation import Installation

PATIENCE = 30.0
JSON = {"Content-Type": "application/json"}
TOKEN = "a secret of the tests"


@dataclass(frozen=True)
class Response:
    """A complete HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A service process, and the folder with its release."""

    process: subprocess.Popen[str]
    port: int
    live: Path
    log: Path

    @property
    def url(self) -> str:
        """The URL of the service."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> http.client.HTTPConnection:
        """Return a new connection, which its first request opens."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Send a request, and return the response; `body` is bytes or a JSON value."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with closing(self.connect()) as connection:
            connection.request(method, path, sent, JSON | headers)
            return read(connection.getresponse())

    def predict(self, rows: Any) -> Any:
        """Return the predictions for one row or a list of rows."""
        answer = self.request("POST", "/predict", rows)
        assert answer.status == 200, answer
        return answer.json

    def send_feedback(self, outcomes: Any, token: str = TOKEN) -> Response:
        """Send labels, and return the response."""
        return self.request("POST", "/feedback", outcomes, Authorization=f"Bearer {token}")

    def send(self, data: bytes, end: bool = False) -> list[Response]:
        """Send raw bytes, and return all responses until the service closes the connection.

        With `end`, the sending side is closed first, which says that no more will come.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as raw:
            sender = threading.Thread(target=send_all, args=(raw, data, end))
            sender.start()
            answers = list(read_all(raw))
            sender.join()
        return answers

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the samples with that name and these labels; 0 without any."""
        total = 0.0
        for line in self.request("GET", "/metrics").body.decode().splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found is None or found[1] != name:
                continue
            if labels.items() <= dict(re.findall(r'(\w+)="(.*?)"', found[2] or "")).items():
                total += float(found[3])
        return total

    def wait(self, condition: Callable[[], Any], patience: float = PATIENCE) -> None:
        """Wait until the condition holds."""
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"timed out; the log:\n{self.log.read_text()}"
            assert self.process.poll() is None, f"the service ended:\n{self.log.read_text()}"
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def limit_files(self, size: int) -> None:
        """Limit the size of the process's files, as on a full disk."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def heal_files(self) -> None:
        """Remove the limit."""
        self.limit_files(resource.RLIM_INFINITY)


def read(response: http.client.HTTPResponse) -> Response:
    """Read a whole response.

    Raises
    ------
    http.client.HTTPException, OSError
        The response is incomplete.
    """
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Response(response.status, headers, response.read())


def send_all(raw: socket.socket, data: bytes, end: bool) -> None:
    """Send bytes until the service accepts no more."""
    try:
        raw.sendall(data)
        if end:
            raw.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def read_all(raw: socket.socket) -> Iterator[Response]:
    """Yield the responses on a connection until it is closed."""
    stream: Any = Stream(raw)
    while True:
        response = http.client.HTTPResponse(stream)
        try:
            response.begin()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return
        yield read(response)


class Stream:
    """One stream for all responses, in the place of the socket that `HTTPResponse` expects."""

    def __init__(self, raw: socket.socket) -> None:
        self._file = raw.makefile("rb")

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the file."""
        return getattr(self._file, name)

    def makefile(self, _mode: str) -> "Stream":
        """Return the stream itself, which keeps what it has read ahead."""
        return self

    def close(self) -> None:
        """Stay open for the next response."""


@contextmanager
def serve(
    installation: Installation,
    live: Path,
    *options: str,
    start: str = "",
    package: str = "taxi_ride_duration",
    **variables: str,
) -> Iterator[Service]:
    """Run the service with the release in the folder.

    `options` are Python's options; `start` are statements to execute before the service starts.
    """
    log = live.with_name(f"{live.name}.log")
    module = f"{package}.serving.server"
    code = ["-c", f"{start}\nimport runpy\nrunpy.run_module({module!r}, run_name='__main__')"]
    own = {"LIVE": str(live), "PORT": "0", "HOST": "", "DATABASE_URL": "", "SERVICE_TOKEN": TOKEN}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [installation.python, *options, *(code if start else ["-m", module])],
            cwd=installation.project,
            env=installation.environment() | own | variables,
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
        assert service.request("GET", "/healthz").status == 200  # it listens before it answers
        yield service
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Exchange:
    """A request for one row, and its response."""

    row: int
    sent: float  # by time.monotonic(), as the other one
    received: float
    status: int
    body: Any

    @property
    def id(self) -> str:
        """The identifier of the prediction."""
        return str(self.body["id"])


@dataclass
class Load:
    """Clients that request predictions at a steady rate, each for one row after the other.

    A client reconnects after a lost connection, and stops when a connection is refused.
    """

    service: Service
    rows: Sequence[Any]
    clients: int = 8
    per_second: float = 400.0
    exchanges: list[Exchange] = field(default_factory=list)
    unanswered: int = 0  # requests without a response
    truncated: list[str] = field(default_factory=list)  # incomplete responses
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Load":
        """Start the clients."""
        for first in range(self.clients):
            thread = threading.Thread(target=self._ask, args=(first,))
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the clients."""
        self.stop()

    def stop(self) -> None:
        """Stop, once every client has its response or knows that none will come."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for_responses(self, count: int = 100) -> None:
        """Wait for so many more responses."""
        enough = len(self.exchanges) + count
        deadline = time.monotonic() + PATIENCE
        while len(self.exchanges) < enough:
            assert time.monotonic() < deadline, f"no response after {len(self.exchanges)}"
            time.sleep(0.01)

    def check(self) -> None:
        """Check that every request got a complete response with status 200."""
        assert self.exchanges
        assert not self.truncated
        assert not self.unanswered
        assert {one.status for one in self.exchanges} == {200}

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
                self.unanswered += 1
                connection.close()
                continue
            except http.client.HTTPException as error:
                self.truncated.append(repr(error))
                continue
            try:
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.truncated.append(repr(error))
                continue
            said = json.loads(body) if response.status == 200 else body
            exchange = Exchange(row, sent, time.monotonic(), response.status, said)
            self.exchanges.append(exchange)
        connection.close()


def stored_predictions(file: Path) -> dict[str, dict[str, Any]]:
    """Return the records of predictions in the SQLite store, by identifier."""
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as store:
        store.row_factory = sqlite3.Row
        found = store.execute("select * from predictions").fetchall()
    return {row["id"]: dict(row) for row in found}


def stored_feedback(file: Path) -> dict[str, Any]:
    """Return the labels in the SQLite store, by the identifier of their prediction."""
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as store:
        found = store.execute("select id, actual from feedback").fetchall()
    return {id: json.loads(actual) for id, actual in found}
