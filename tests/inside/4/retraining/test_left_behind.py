"""Tests that a killed command of the loop or of the deployment leaves no process behind."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import listening

if TYPE_CHECKING:
    from .conftest import City

MARK = "TEST_OF_LEFT_PROCESSES"

# Runs commands, each in a session of its own, and in a process that kills itself at an event that
# Python audits: the n-th of those that concern files, processes and sockets, from a first one on.
COMMANDS = """
import json, os, signal, subprocess, sys, tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import conftest, pytest
from rich.console import Console
from taxi_ride_duration.deployment import deploy
from taxi_ride_duration.pipelines import tracking
from taxi_ride_duration.retraining.simulation import __main__ as simulation

EVENTS = {"open", "os.rename", "sqlite3.connect", "socket.bind", "subprocess.Popen"}
patch = pytest.MonkeyPatch()

def leave(city):
    subprocess.Popen(["sleep", "600"])
    open(os.devnull)

def simulate(city):
    patch.setattr(tracking, "STORE", Path("mlruns"))  # of the sandbox
    with tempfile.TemporaryDirectory() as folder:
        simulation.simulate(Path(folder), Console(quiet=True))

def run(command, folder, start, moment, mark):
    seen, begun = 0, start == ""

    def hook(event, _):
        nonlocal seen, begun
        begun = begun or event == start
        if begun and event in EVENTS:
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

    os.setsid()
    os.environ["TEST_OF_LEFT_PROCESSES"] = mark
    city = conftest.City(Path(folder))
    conftest.settle(patch, city)
    sys.addaudithook(hook)
    {
        "leave": leave,
        "deploy": lambda city: deploy.deploy(city.live),
        "tick": lambda city: city.tick(12.1),
        "simulate": simulate,
    }[command](city)

answers = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
conftest.replace_problem(patch, Path(sys.argv[2]))
conftest.found(conftest.City(Path(sys.argv[3])), patch)
for order in sys.stdin:
    process = os.fork()
    if process == 0:
        run(*json.loads(order))
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    print(json.dumps([process, code]), file=answers, flush=True)
"""


class Commands:
    """Commands that kill themselves."""

    def __init__(self, give: Callable[..., Any]) -> None:
        self.give = give

    def killed(self, city: "City", command: str, start: str, moment: int) -> list[int]:
        """Run a command until it kills itself, and return the processes that are left of it."""
        mark = os.urandom(8).hex()
        session, code = self.give(command, str(city.folder), start, moment, mark)
        assert code == -signal.SIGKILL, "it ended before it was killed"
        return left(session, mark)


def left(session: int, mark: str) -> list[int]:
    """Return the processes of a session, and those with a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, own = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            marked = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes()
            if state != "Z" and (int(own) == session or marked):
                found.append(int(folder.name))
    return found


@pytest.fixture(scope="module")
def commands(small_problem: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    folder = tmp_path_factory.mktemp("commands") / "city"
    with listening(COMMANDS, small_problem, folder) as give:
        yield Commands(give)


def test_a_process_that_is_left_is_found(city: "City", commands: Commands) -> None:
    found = commands.killed(city, "leave", "subprocess.Popen", 1)
    for process in found:
        os.kill(process, signal.SIGKILL)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("command", "start", "moments"),
    [
        ("deploy", "", (0, 5, 20, 60)),
        ("tick", "", (0, 5, 20, 60, 120)),
        ("simulate", "", (0, 50)),
        ("simulate", "socket.bind", (0, 1, 20, 200)),  # from there on its service runs
    ],
)
def test_a_killed_command_leaves_no_process(
    city: "City", commands: Commands, command: str, start: str, moments: tuple[int, ...]
) -> None:
    for moment in moments:
        city.restore("on trial" if command == "tick" else "founded")
        if command == "tick":
            city.live_through(11, factor=1.4)
        assert commands.killed(city, command, start, moment) == []
