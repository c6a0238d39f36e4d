"""Programs that the tests call: of the development environment, or of the machine."""

import shutil
import socket
import subprocess
import sysconfig
import time
import urllib.request
from pathlib import Path

import pytest

NODE_TOOLS = Path(__file__).parent / "node_tools/node_modules/.bin"


def installed(name: str) -> str:
    """Return the path of a program; skip the test if it is not installed."""
    places = [Path(sysconfig.get_path("scripts")), NODE_TOOLS]
    beside = [place / name for place in places if (place / name).exists()]
    found = str(beside[0]) if beside else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def passes(*command: str) -> str:
    """Run a command, which must succeed, and return its standard output."""
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def free_port() -> int:
    """Return a free TCP port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_page(url: str, server: subprocess.Popen[bytes], patience: float = 90) -> str:
    """Return the page, once the server responds."""
    deadline = time.monotonic() + patience
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return str(response.read().decode())
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} did not respond; the server's exit code is {server.poll()}")
