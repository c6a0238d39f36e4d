"""Draws the pictures of terminal sessions, docs/session.svg and docs/check.svg: `make picture`.

Each command runs in an empty folder, and the picture shows its first and last lines. This takes
minutes, and downloads packages that are not cached.
"""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

CHECKOUT = Path(__file__).parents[1]
COLUMNS = 100
URL = "http://127.0.0.1:8000"
PROMPT = "$ "
Session = Callable[[Path], Iterator[tuple[str, list[str]]]]
FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # would be downloaded from another site


@dataclass(frozen=True)
class Shown:
    """A command, and how many of its first and last lines are shown."""

    command: str
    first: int
    last: int


BEFORE = [
    Shown("mlops-ladder new rides --level 2 --defaults --run", 2, 0),
    Shown("make promote", 0, 1),
    Shown("mlops-ladder plan 3", 6, 0),
    Shown("mlops-ladder climb 3 --commit", 2, 0),
    Shown("make setup deploy", 0, 2),
]
ASK = (
    f"curl -s {URL}/predict -H 'Content-Type: application/json' -d "
    '\'{"pickup_time": "2025-03-05T08:30:00", "pickup_zone": "4", "dropoff_zone": "33",'
    ' "distance_miles": 3.1}\''
)


def environment() -> dict[str, str]:
    """Return environment variables of a colour terminal and a user with a git identity."""
    person = {f"GIT_{role}_NAME": "Ada" for role in ("AUTHOR", "COMMITTER")}
    address = {f"GIT_{role}_EMAIL": "ada@example.org" for role in ("AUTHOR", "COMMITTER")}
    terminal = {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    quiet = {"MAKEFLAGS": "--no-print-directory"}
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return kept | person | address | terminal | quiet


def run(command: str, folder: Path, code: int = 0) -> list[str]:
    """Run a command, which must end with the exit code, and return the lines that it prints."""
    finished = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if finished.returncode != code:
        raise SystemExit(f"{command} failed:\n{finished.stdout}")
    return finished.stdout.strip("\n").splitlines()


def cut(lines: list[str], shown: Shown) -> list[str]:
    """Return the first and last lines, with dots in place of the others."""
    if len(lines) <= shown.first + shown.last:
        return lines
    return [*lines[: shown.first], "...", *lines[len(lines) - shown.last :]]


@contextmanager
def serving(project: Path) -> Iterator[None]:
    """Run `make serve` until the end of the block."""
    process = subprocess.Popen(
        ["make", "serve"],
        cwd=project,
        env=environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{URL}/readyz")
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait()


def session(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each command with the lines that are shown."""
    project = folder / "rides"
    for number, shown in enumerate(BEFORE):
        yield shown.command, cut(run(shown.command, project if number else folder), shown)
        if number == 0:
            yield "cd rides", []
    with serving(project):
        yield "make serve &", []
        yield ASK, run(ASK, project)


def check(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield a check of a student's task that fails, and the same check after the task is solved."""
    (folder / "roster.csv").write_text("student\nann\n")
    run("mlops-ladder teach build course --to 0", folder)
    run("mlops-ladder teach enrol course roster.csv students", folder)
    student, make_check = folder / "students/ann", "make check TASK=0.1"
    run("make setup", student)
    yield make_check, run(f"{make_check} 2>/dev/null", student, code=2)
    shutil.copytree(CHECKOUT / "course/tasks/0.1/answer", student, dirs_exist_ok=True)
    yield "$EDITOR exercises/duration.py", []
    yield make_check, run(make_check, student)


def draw(folder: Path, session: Session) -> str:
    """Draw a session; temporary folders are shown as in the user's home folder."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for command, lines in session(folder):
        console.print(Text.assemble((PROMPT, "bold green"), (command, "bold")))
        for line in lines:
            shown = line.replace(str(folder), "~").replace(str(CHECKOUT), "~/mlops-ladder")
            console.print(Text.from_ansi(shown))
        if lines:
            console.print()
    return FONT.sub("", console.export_svg(title="mlops-ladder"))


PICTURES: dict[str, Session] = {"session": session, "check": check}


def main() -> None:
    """Write the pictures that are named, or all."""
    for name in sys.argv[1:] or PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(__file__).with_name(f"{name}.svg")
            picture.write_text(draw(Path(folder), PICTURES[name]), encoding="utf-8")


if __name__ == "__main__":
    main()
