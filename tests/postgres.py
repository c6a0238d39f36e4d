"""A PostgreSQL server for tests, on a free port of this machine."""

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
    """A server that can be stopped and restarted at the same address."""

    programs: Path
    folder: Path
    port: int
    password: str
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL with which clients connect."""
        return f"postgresql://tester:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
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
        """Stop the server, closing all connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=PATIENCE)
            self._process = None

    def _answers(self) -> bool:
        address = ["--host=127.0.0.1", f"--port={self.port}"]
        asked = subprocess.run([self.programs / "pg_isready", "--quiet", *address])
        return asked.returncode == 0


def programs() -> Path | None:
    """Return the folder of the newest installed PostgreSQL programs."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return max(found, key=lambda path: int(path.parts[-3])).parent
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


def unprivileged() -> Mapping[str, Any]:
    """Return options of a subprocess that is not root, as which PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


@contextmanager
def running(installed: Path) -> Iterator[PostgreSQL]:
    """Provide an empty server that requires a password."""
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
