"""A PostgreSQL server of the tests' own, on a free port of this machine, in a folder of its own."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import free_port

PATIENCE = 60.0


@dataclass
class PostgreSQL:
    """A server that can be stopped and started again at the same address."""

    programs: Path
    folder: Path
    port: int
    password: str
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://tester:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it lets clients in."""
        address = [f"-cport={self.port}", "-clisten_addresses=127.0.0.1"]
        alone = ["-cunix_socket_directories=", "-cfsync=off"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *address, *alone],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **unprivileged(),
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop at once, and cut all connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=PATIENCE)
            self._process = None

    def _answers(self) -> bool:
        address = ["--host=127.0.0.1", f"--port={self.port}"]
        asked = subprocess.run([self.programs / "pg_isready", "--quiet", *address])
        return asked.returncode == 0


def programs() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return max(found, key=lambda path: int(path.parts[-3])).parent
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


def unprivileged() -> Mapping[str, Any]:
    """How to start a process that is not root, as whom the server refuses to run."""
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


@contextmanager
def running(installed: Path) -> Iterator[PostgreSQL]:
    """A server, empty, that asks for a password; it and its data are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        password = secrets.token_hex(8)
        (folder / "password").write_text(password)
        if os.geteuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        subprocess.run(
            [
                *(installed / "initdb", "--pgdata=data", "--username=tester", "--no-sync"),
                *("--auth=scram-sha-256", "--pwfile=password", "--encoding=UTF8", "--locale=C"),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
            **unprivileged(),
        )
        server = PostgreSQL(installed, folder, free_port(), password)
        server.start()
        try:
            yield server
        finally:
            server.stop()
