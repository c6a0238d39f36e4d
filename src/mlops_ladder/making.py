"""The project's own make targets, run for the person who asked for it."""

import os
import signal
import subprocess
from pathlib import Path

from .git import outer_environment

LOCK = "uv.lock"
"""What `make setup` writes: the exact version of everything, which belongs into git."""
PATIENCE = 10  # seconds for what was told to end


def make(project: Path, *goals: str) -> bool:
    """Tell whether make reaches the goals; all that it prints goes to standard error.

    The environment that this program may run in stays out: the project has its own. Whoever
    interrupts it ends everything that make started, which would else go on writing.
    """
    outside = outer_environment()
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
    """End a process and all those that it started."""
    os.killpg(running.pid, signal.SIGTERM)
    try:
        running.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
