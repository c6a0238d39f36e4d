"""A climb that is killed at any moment loses nothing, and the next run says how it ended.

The process kills itself, as `kill -9` would, at a moment that a seed has drawn: just before one of
all the things that it does to the project's folder, which Python reports as audit events.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from commands import NAMED, done, run
from edits import MERGING, make, writes
from projects import Ladder, commit_all, git, tree

MOMENTS = 50
SEED = 20261121
START, GOAL = 1, 3

# Counts what happens in a folder, and ends at event number `moment`, if there is one: at once and
# alone, or with all its processes and some milliseconds later.
KILLABLE = """
import json, os, signal, sys, threading

folder, moment, later, report, *arguments = sys.argv[1:]
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.symlink",
          "shutil.rmtree", "subprocess.Popen"}
seen = []

def touches(event, found):
    if event == "open":
        path, mode, flags = found
        return isinstance(path, str) and path.startswith(folder) and flags & os.O_ACCMODE
    if event == "subprocess.Popen":
        return str(found[2]).startswith(folder)
    return any(str(value).startswith(folder) for value in found)

def watch(event, found):
    if event in EVENTS and touches(event, found):
        if str(len(seen)) == moment and later:
            threading.Timer(float(later), os.killpg, [0, signal.SIGKILL]).start()
        elif str(len(seen)) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(f"{event} {found}")

from mlops_ladder.cli import ladder
sys.addaudithook(watch)
try:
    ladder(arguments)
finally:
    with open(report, "w") as file:
        json.dump(seen, file)
"""


def killable(
    project: Path, moment: int, report: Path, *options: str, later: str = ""
) -> subprocess.CompletedProcess[str]:
    """A climb that kills itself just before its event of that number, or its group later."""
    climb = ["climb", str(GOAL), "--project", str(project), *options]
    return subprocess.run(
        [sys.executable, "-c", KILLABLE, str(project), str(moment), later, str(report), *climb],
        start_new_session=True,
        cwd=project.parent,
        env=os.environ | NAMED,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def worked_on(ladder: Ladder) -> Path:
    """A project with months of work in it, some of it in files that git does not see."""
    project = ladder.project(START)
    make(project, [edit for edit in MERGING if edit.level <= START])
    writes(".gitignore", "/.env\n/models/\n/data/\n")(project)
    commit_all(project, "Our work")
    writes(".env", "KEY=value\n")(project)
    writes("models/old.skops", bytes(range(256)))(project)
    return project


def state(project: Path) -> tuple[str, str, str]:
    """The branch, its tree, and what is not committed."""
    branch = git(project, "branch", "--show-current").strip()
    return branch, git(project, "rev-parse", "HEAD^{tree}"), git(project, "status", "--porcelain")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "moments", "options"),
    [
        ("left to review", MOMENTS // 2, []),
        ("committed on a branch", MOMENTS // 2, ["--branch", "up", "--commit"]),
        ("with all its processes", 10, []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_killed_climb_is_as_before_or_as_after(
    worked_on: Path, tmp_path: Path, way: str, moments: int, options: list[str]
) -> None:
    report, climbed, victim = tmp_path / "events", tmp_path / "climbed", tmp_path / "victim"
    shutil.copytree(worked_on, climbed, symlinks=True)
    finished = killable(climbed, -1, report, *options)
    assert finished.returncode == 0, finished.stderr
    before, after = tree(worked_on), tree(climbed)
    ends = {state(worked_on), state(climbed)}
    if options:
        git(climbed, "reset", "--soft", "--quiet", "HEAD^")
        ends.add(state(climbed))

    chance = random.Random(f"{SEED} {way}")
    sentences = set()
    for moment in sorted(chance.sample(range(len(events_in(report))), moments)):
        shutil.rmtree(victim, ignore_errors=True)
        shutil.copytree(worked_on, victim, symlinks=True)
        later = f"{chance.uniform(0, 0.01):.4f}" if way == "with all its processes" else ""
        killed = killable(victim, moment, report, *options, later=later)
        assert killed.returncode == -signal.SIGKILL or later, f"moment {moment}: {killed.stderr}"
        for name, body in tree(victim).items():
            assert body in (before.get(name), after.get(name)), f"moment {moment}: {name}"
        lost = (before.keys() & after.keys()) - tree(victim).keys()
        assert not lost, f"moment {moment}: {lost}"
        assert git(victim, "branch", "--show-current").strip() in {"main", "up"}

        said = run("climb", str(START), "--project", victim, cwd=tmp_path)
        sentences |= {line for line in said.stderr.splitlines() if "interrupted" in line}
        assert "Traceback" not in said.stderr, f"moment {moment}: {said.stderr}"
        assert state(victim) in ends, f"moment {moment}: {said.stderr}"
        assert tree(victim) == (before if state(victim) == state(worked_on) else after), moment
        assert not (victim / ".git/mlops-ladder/journal.json").exists()
        git(victim, "fsck", "--strict")
    assert any("as it was before" in sentence for sentence in sentences)


def interrupted_climb(worked_on: Path, folder: Path, moment: int) -> Path:
    victim = folder / "victim"
    shutil.copytree(worked_on, victim, symlinks=True)
    assert killable(victim, moment, folder / "events").returncode == -signal.SIGKILL
    return victim


def events_of_a_climb(worked_on: Path, folder: Path) -> list[str]:
    """All that a climb which nobody kills does to the project's folder."""
    shutil.copytree(worked_on, folder / "counted", symlinks=True)
    assert killable(folder / "counted", -1, folder / "events").returncode == 0
    return events_in(folder / "events")


def events_in(report: Path) -> list[str]:
    found: list[str] = json.loads(report.read_text())
    return found


@pytest.mark.slow
def test_a_climb_that_lacked_only_the_last_word_is_done(worked_on: Path, tmp_path: Path) -> None:
    events = events_of_a_climb(worked_on, tmp_path)
    (moment,) = (n for n, event in enumerate(events) if "remove" in event and "journal" in event)
    victim = interrupted_climb(worked_on, tmp_path, moment)
    said = run("climb", str(START), "--project", victim, cwd=tmp_path).stderr
    assert "as after it" in said
    assert state(victim) == state(tmp_path / "counted")


@pytest.mark.slow
def test_what_was_written_after_the_interruption_stays(worked_on: Path, tmp_path: Path) -> None:
    moment = len(events_of_a_climb(worked_on, tmp_path)) * 3 // 4
    victim = interrupted_climb(worked_on, tmp_path, moment)
    journal = json.loads((victim / ".git/mlops-ladder/journal.json").read_text())
    arrived = [m["path"] for m in journal["moves"] if (victim / m["path"]).exists()]
    new = [path for path in arrived if path not in tree(worked_on)]
    assert new and len(arrived) < len(journal["moves"])
    (victim / new[0]).write_text("edited since\n")
    said = run("climb", str(START), "--project", victim, cwd=tmp_path).stderr
    assert "as it was before" in said and new[0] in said
    assert (victim / new[0]).read_text() == "edited since\n"
    (victim / new[0]).unlink()
    assert tree(victim) == tree(worked_on)


@pytest.mark.slow
def test_plan_says_that_something_was_interrupted_and_touches_nothing(
    worked_on: Path, tmp_path: Path
) -> None:
    moment = len(events_of_a_climb(worked_on, tmp_path)) * 3 // 4
    victim = interrupted_climb(worked_on, tmp_path, moment)
    found = tree(victim)
    assert "interrupted" in done("plan", str(GOAL), cwd=victim)
    assert tree(victim) == found
    assert (victim / ".git/mlops-ladder/journal.json").exists()
