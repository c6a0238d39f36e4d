"""Programs that the tests call: each beside the Python that runs them, or on the machine."""

import shutil
import socket
import subprocess
import sysconfig
from pathlib import Path

import pytest


def installed(name: str) -> str:
    """The path of the program; without it the test that asks is skipped."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def passes(*command: str) -> str:
    """What the command prints; its failure is the test's."""
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
