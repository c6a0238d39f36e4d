"""Running the project's own make targets."""

import os
import signal
import subprocess
from pathlib import Path

from .git import user_environment

LOCK = "uv.lock"
"""The lock file that `make setup` writes, with the exact version of every package."""
PATIENCE = 10  # seconds for what was told to end


def make(project: Path, *goals: str) -> bool:
    """Run make targets of the project; their output goes to standard error.

    The virtual environment in which this program may run is not passed on, because the project has
    its own. If this program is interrupted, everything that make started is ended.

    Returns
    -------
    bool
        Whether they succeeded.
    """
    outside = user_environment()
    outside.pop("VIRTUAL_ENV", None)
    running = subprocess.Popen(
        ["make", *goals],
        cwd=project,
        env=outside,
        stdin=subprocess.DEVNULL,
        stdout=2,
        process_group=0,
    )
    try:
        return running.wait() == 0
    except BaseException:
        end(running)
        raise


def end(running: "subprocess.Popen[bytes]") -> None:
    """End a process and its children."""
    os.killpg(running.pid, signal.SIGTERM)
    try:
        running.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
