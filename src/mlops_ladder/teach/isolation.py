"""Limits for students' code: time, memory, processes, files, and no network where possible.

Code that means harm can still do what its user may do. Whoever expects that grades in a container
or a virtual machine.
"""

import os
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import psutil

MEMORY = 3_000_000_000  # bytes, of all processes of a student
ADDRESSES = 16_000_000_000  # bytes of address space, much of which libraries never use
FILE = 100_000_000  # bytes
FOLDER = 300_000_000  # bytes, of everything that a student's code writes
PROCESSES = 20
SECONDS = 600.0  # for all tasks of a student
LOOK_SECONDS = 0.1


@lru_cache
def namespaces(network: bool) -> tuple[str, ...]:
    """Return the command that separates processes, and the network, if the system allows it."""
    users = () if os.geteuid() == 0 else ("--user", "--map-current-user")
    net = () if network else ("--net",)
    command = ("unshare", *users, *net, "--pid", "--fork", "--kill-child")
    if shutil.which("unshare") is None:
        return ()
    works = subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if works else ()


def limit() -> None:
    """Limit the process that is about to start, and its children."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # not on every system
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))


def environment(home: Path, python: str) -> dict[str, str]:
    """Return an environment with an own home and none of the teacher's variables."""
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "PATH": os.pathsep.join([str(Path(python).parent), "/usr/local/bin:/usr/bin:/bin"]),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "agg",
    }


class Watch:
    """A thread that ends a process and all its children when they go beyond the limits."""

    def __init__(self, pid: int, folders: Sequence[Path]) -> None:
        self.reason: str | None = None
        self._pid = pid
        self._folders = folders
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        """Start watching."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching, and end what is left."""
        self._stopped.set()
        self._thread.join()
        end(self._pid)

    def _look(self) -> None:
        looks = 0
        while not self._stopped.wait(LOOK_SECONDS):
            looks += 1
            self.reason = self._excess(looks)
            if self.reason:
                end(self._pid)
                return

    def _excess(self, looks: int) -> str | None:
        """Return which limit is exceeded."""
        if looks * LOOK_SECONDS > SECONDS:
            return f"it took more than {SECONDS:.0f} seconds"
        processes = family(self._pid)
        if len(processes) > PROCESSES:
            return f"it started more than {PROCESSES} processes"
        if sum(map(memory, processes)) > MEMORY:
            return f"it used more than {MEMORY // 10**6} MB of memory"
        if looks % 5 == 0 and sum(map(size, self._folders)) > FOLDER:
            return f"it wrote more than {FOLDER // 10**6} MB of files"
        return None


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all its descendants."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory(process: psutil.Process) -> int:
    """Return the resident memory of a process in bytes."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def size(folder: Path) -> int:
    """Return the size of all files below a folder in bytes."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def end(pid: int) -> None:
    """End a process and its descendants; all are stopped first, so that none starts another."""
    stopped: dict[int, psutil.Process] = {}
    while new := [process for process in family(pid) if process.pid not in stopped]:
        for process in new:
            stopped[process.pid] = process
            with suppress(psutil.Error):
                process.suspend()
    for process in stopped.values():
        with suppress(psutil.Error):
            process.kill()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
