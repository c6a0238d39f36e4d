"""Servers under load: their CPU time, latency and memory."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from installation import environment
from projects import REPOSITORY
from tools import free_port

CONNECTIONS = 32
START_SECONDS = 120.0  # timeout of the first response
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[{body}]==]
"""


@dataclass(frozen=True)
class Case:
    """A server, started by a command with the port, and the request that loads it."""

    name: str
    command: list[str]
    folder: Path
    body: str
    variables: dict[str, str] = field(default_factory=dict)
    path: str = "/predict"


@dataclass(frozen=True)
class Load:
    """CPU microseconds for each request, and percentiles of the latency in milliseconds."""

    micros: float
    p50: float
    p99: float


class Server:
    """A running server with all its processes, until `stop`."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [part.replace("{port}", str(self.port)) for part in case.command]
        variables = {
            name: v.replace("{port}", str(self.port)) for name, v in case.variables.items()
        }
        self.output = tempfile.TemporaryFile()  # noqa: SIM115  # shown if the server fails
        start = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            cwd=case.folder,
            env=environment() | {"PYTHONPATH": str(REPOSITORY)} | variables,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._wait(start + START_SECONDS)
        self.seconds_to_answer = time.perf_counter() - start

    def _wait(self, end: float) -> None:
        while True:
            try:
                post(self.url + self.case.path, self.case.body)
                return
            except OSError as error:
                if self.process.poll() is not None or time.perf_counter() > end:
                    self.stop()
                    self.output.seek(0)
                    printed = self.output.read().decode()
                    raise SystemExit(f"error: {self.case.name}: {error}\n{printed}") from error
                time.sleep(0.02)

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of all its processes."""
        stats = (Path(f"/proc/{process}/stat").read_text() for process in tree_of(self.process.pid))
        times = [stat.rpartition(")")[2].split()[11:13] for stat in stats]
        return sum(int(user) + int(system) for user, system in times) / TICKS

    def resident_mib(self) -> float:
        """Return the resident memory of all its processes; shared memory counts for each."""
        sizes = (
            Path(f"/proc/{process}/statm").read_text() for process in tree_of(self.process.pid)
        )
        return sum(int(size.split()[1]) for size in sizes) * PAGE / 2**20

    def stop(self) -> None:
        """End all its processes, which have their own session."""
        with suppress(ProcessLookupError):  # already ended
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def tree_of(process: int) -> list[int]:
    """Return the process and all its descendants."""
    listed = Path(f"/proc/{process}/task").glob("*/children")
    children = [int(child) for file in listed for child in file.read_text().split()]
    return [process, *(one for child in children for one in tree_of(child))]


def post(url: str, body: str) -> Any:
    """Return the response's JSON; any status but 200 raises an `OSError`."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def put_under_load(server: Server, seconds: int) -> Load:
    """Load the server over all connections, as fast as it responds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA.format(body=server.case.body))
        script.flush()
        command = ["wrk", "--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s"]
        command += ["--timeout=30s", "--latency", f"--script={script.name}"]
        before = server.cpu_seconds()
        finished = subprocess.run(
            [*command, server.url + server.case.path], capture_output=True, text=True, check=True
        )
        spent = server.cpu_seconds() - before
    printed = finished.stdout
    assert "Non-2xx" not in printed and "Socket errors" not in printed, printed
    requests = re.search(r"(\d+) requests in", printed)
    assert requests is not None, printed
    return Load(
        1e6 * spent / int(requests[1]), milliseconds(printed, 50), milliseconds(printed, 99)
    )


def milliseconds(printed: str, percentile: int) -> float:
    """Return a percentile of the latency from wrk's output."""
    found = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s|m)\s*\n", printed)
    assert found is not None, printed
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[found[2]]
