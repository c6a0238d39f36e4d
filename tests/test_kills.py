"""Tests of killed climbs: nothing is lost, and the next run undoes or completes the climb.

The process sends itself SIGKILL just before one of its operations on the project's folder, which
Python reports as audit events. A seeded generator chooses which one.
"""

import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from commands import NAMED, call, done
from forked import forked, run
from projects import commit_all, git
from small import State, make_project, make_template, state, write

SEED = 20261121
START, GOAL = 1, 2
DATED = NAMED | {
    "GIT_AUTHOR_DATE": "2026-11-21T12:00:00Z",
    "GIT_COMMITTER_DATE": "2026-11-21T12:00:00Z",
}

# Counts the operations on a folder, and kills the process before operation number `moment`, or its
# whole process group some milliseconds later.
KILLABLE = """
import json, os, signal, sys, threading

folder, moment, later, report, *arguments = sys.argv[1:]
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.symlink",
          "os.link", "shutil.rmtree", "subprocess.Popen"}
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


@dataclass(frozen=True)
class Situation:
    """A repository, and the project's folder in it."""

    repository: Path
    folder: str = ""

    @property
    def project(self) -> Path:
        """Return the project's path."""
        return self.repository / self.folder

    def copied(self, target: Path) -> "Situation":
        """Copy the repository to a folder, which is replaced."""
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.repository, target, symlinks=True)
        return Situation(target, self.folder)


def killable(
    place: Situation, moment: int, report: Path, *options: str, later: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a climb that is killed before event `moment`, or its group `later` seconds after it."""
    climb = ["climb", str(GOAL), "--project", str(place.project), *options]
    watched = str(place.repository)
    arguments = [watched, str(moment), later, str(report), *climb]
    return forked(KILLABLE, *arguments, cwd=place.repository.parent, env=os.environ | DATED)


def with_work(template: Path, folder: Path) -> Situation:
    """Make a project with the user's work, some of it in files that git ignores."""
    project = make_project(template, folder, START)
    (project / "README.md").unlink()
    write(project, {".gitignore": "/.env\n/models/\n", "own/data.py": "OWN = 1\n"})
    pyproject = (project / "pyproject.toml").read_text().replace("0.1.0", "0.7.0")
    write(project, {"pyproject.toml": "# Ours.\n" + pyproject, "src/rides/own.py": "OWN = 2\n"})
    (project / "own/data.py").chmod(0o755)
    commit_all(project, "Our work")
    write(project, {".env": "KEY=value\n", "uv.lock": "old\n"})
    (project / "models").mkdir()
    (project / "models/old.skops").write_bytes(bytes(range(256)))
    return Situation(project)


def with_crlf(template: Path, folder: Path) -> Situation:
    """Make a project whose files git checks out with CRLF line endings."""
    place = with_work(template, folder)
    git(folder, "config", "core.autocrlf", "true")
    for name in ("pyproject.toml", "docs/1-ci.md", "src/rides/rows.py"):
        (folder / name).unlink()
        git(folder, "checkout", "--", name)
    return place


def sparse(template: Path, folder: Path) -> Situation:
    """Make a project with a sparse checkout, and an assume-unchanged flag on a changing file."""
    place = with_work(template, folder)
    git(folder, "update-index", "--refresh")
    git(folder, "sparse-checkout", "set", "--no-cone", "/*", "!/docs")
    git(folder, "update-index", "--assume-unchanged", "pyproject.toml")
    return place


def in_monorepo(template: Path, folder: Path) -> Situation:
    """Make a project in a subfolder of a repository, with uncommitted work in another subfolder."""
    with_work(template, folder / "services/rides")
    shutil.rmtree(folder / "services/rides/.git")
    write(folder, {"services/other/main.py": "print(1)\n"})
    commit_all(folder, "Everything")
    write(folder, {"services/other/main.py": "print(2)\n", "services/other/new.py": "print(3)\n"})
    git(folder, "add", "services/other/new.py")
    write(folder, {"services/other/draft.py": "print(4)\n"})
    return Situation(folder, "services/rides")


SITUATIONS: dict[str, Callable[[Path, Path], Situation]] = {
    "work": with_work,
    "CRLF": with_crlf,
    "sparse checkout": sparse,
    "monorepo": in_monorepo,
}
COMMITTED = ["--branch", "up", "--commit"]


@pytest.fixture(scope="module")
def situations(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Situation]:
    """Return a function that provides a repository in each situation, to be copied."""
    folder, known = tmp_path_factory.mktemp("situations"), dict[str, Situation]()
    template = make_template(folder / "template")

    def of_name(name: str) -> Situation:
        if name not in known:
            known[name] = SITUATIONS[name](template, folder / name)
        return known[name]

    return of_name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("situation", "moments", "options", "later"),
    [
        ("work", 25, [], False),
        ("work", 25, COMMITTED, False),
        ("work", 10, [], True),
        ("CRLF", 10, [], False),
        ("CRLF", 10, ["--test"], True),
        ("sparse checkout", 10, COMMITTED, False),
        ("monorepo", 10, [], False),
        ("monorepo", 10, ["--test", "--commit"], False),
    ],
)
def test_a_killed_climb_is_as_before_or_as_after(
    situations: Callable[[str], Situation],
    tmp_path: Path,
    situation: str,
    moments: int,
    options: list[str],
    later: bool,
) -> None:
    start, report = situations(situation), tmp_path / "events"
    climbed = start.copied(tmp_path / "climbed")
    finished = killable(climbed, -1, report, *options)
    assert finished.returncode == 0, finished.stderr
    before, after = state(start.repository), state(climbed.repository)
    whole = {name: {side.files.get(name) for side in (before, after)} for name in after.files}

    chance = random.Random(f"{SEED} {situation} {options} {later}")
    events = events_in(report)
    published = next(n for n, event in enumerate(events) if "journal.json.part" in event)
    early, late = range(published), range(published, len(events))
    sentences = set()
    for moment in sorted(
        chance.sample(early, moments // 5) + chance.sample(late, moments * 4 // 5)
    ):
        victim = start.copied(tmp_path / "victim")
        delay = f"{chance.uniform(0, 0.01):.4f}" if later else ""
        killed = killable(victim, moment, report, *options, later=delay)
        assert killed.returncode == -signal.SIGKILL or later, f"moment {moment}: {killed.stderr}"
        found = state(victim.repository).files
        for name, body in found.items():
            expected = whole.get(name, {before.files.get(name)})
            assert body in expected or name.endswith("uv.lock"), f"moment {moment}: {name}"
        lost = before.files.keys() & after.files.keys() - found.keys()
        assert not lost, f"moment {moment}: {lost}"

        said = call("climb", level_of(victim), "--project", victim.project, cwd=tmp_path)
        sentences |= {line for line in said.stderr.splitlines() if "interrupted" in line}
        assert isinstance(said.exception, SystemExit | None), f"moment {moment}: {said.exception!r}"
        ends = [differing(state(victim.repository), end) for end in (before, after)]
        assert "" in ends, f"moment {moment}: {said.stderr} {ends}"
        assert not (victim.repository / ".git/mlops-ladder/journal.json").exists()
        git(victim.repository, "fsck", "--strict")
    assert any("It was undone" in sentence for sentence in sentences)


def level_of(place: Situation) -> str:
    """Return the level in the last commit; climbing to it changes nothing."""
    answers = git(place.project, "show", "HEAD:./.copier-answers.yml")
    return answers.partition("level: ")[2].partition("\n")[0]


def differing(found: State, expected: State) -> str:
    """Describe the differences between two states."""
    sides = [asdict(side) for side in (found, expected)]
    sides = [side | side.pop("files") for side in sides]
    names = sides[0].keys() | sides[1].keys()
    parts = [
        f"{n}: {sides[0].get(n)} {sides[1].get(n)}"
        for n in sorted(names)
        if sides[0].get(n) != sides[1].get(n)
    ]
    return "; ".join(parts)


@pytest.fixture
def work(situations: Callable[[str], Situation]) -> Situation:
    """Return a project with the user's work."""
    return situations("work")


def interrupted_climb(work: Situation, folder: Path, moment: int) -> Path:
    """Return a copy of the project whose climb was killed at a moment."""
    victim = work.copied(folder / "victim")
    assert killable(victim, moment, folder / "events").returncode == -signal.SIGKILL
    return victim.project


def events_of_a_climb(work: Situation, folder: Path) -> list[str]:
    """List the operations of an undisturbed climb on the project's folder."""
    counted = work.copied(folder / "counted")
    assert killable(counted, -1, folder / "events").returncode == 0
    return events_in(folder / "events")


def events_in(report: Path) -> list[str]:
    """Read the recorded operations."""
    found: list[str] = json.loads(report.read_text())
    return found


def amid_the_files(events: list[str]) -> int:
    """Return a moment at which only some of the files have changed."""
    renames = [
        n for n, event in enumerate(events) if event.startswith("os.rename") and "/after/" in event
    ]
    return renames[len(renames) // 2]


@pytest.mark.slow
def test_a_climb_that_lacked_only_the_last_word_is_done(work: Situation, tmp_path: Path) -> None:
    events = events_of_a_climb(work, tmp_path)
    moment = max(n for n, event in enumerate(events) if "remove" in event and "journal" in event)
    victim = interrupted_climb(work, tmp_path, moment)
    said = run("climb", str(START), "--project", victim, cwd=tmp_path).stderr
    assert "It was complete" in said
    assert state(victim) == state(tmp_path / "counted")


@pytest.mark.slow
def test_what_was_written_after_the_interruption_stays(work: Situation, tmp_path: Path) -> None:
    victim = interrupted_climb(work, tmp_path, amid_the_files(events_of_a_climb(work, tmp_path)))
    before = state(work.project)
    new = sorted(state(victim).files.keys() - before.files.keys())
    assert new
    (victim / new[0]).write_text("edited since\n")
    said = run("climb", str(START), "--project", victim, cwd=tmp_path).stderr
    assert "It was undone" in said and new[0] in said
    assert (victim / new[0]).read_text() == "edited since\n"
    (victim / new[0]).unlink()
    assert state(victim) == before


@pytest.mark.slow
def test_what_was_staged_after_the_interruption_stays(
    situations: Callable[[str], Situation], tmp_path: Path
) -> None:
    """Other work in the repository goes on before the next climb undoes the interrupted one."""
    start = situations("monorepo")
    moment = max(
        n for n, event in enumerate(events_of_a_climb(start, tmp_path)) if "journal" in event
    )
    victim = start.copied(tmp_path / "victim")
    assert killable(victim, moment, tmp_path / "events", "--commit").returncode == -signal.SIGKILL
    (victim.repository / ".git/index.lock").unlink(missing_ok=True)
    git(victim.repository, "add", "services/other/draft.py")
    said = run("climb", str(START), "--project", victim.project, cwd=tmp_path).stderr
    assert "It was undone" in said
    status = git(victim.repository, "status", "--porcelain")
    assert "A  services/other/draft.py" in status and "services/rides" not in status


@pytest.mark.slow
def test_a_lock_of_ours_that_was_left_is_removed(work: Situation, tmp_path: Path) -> None:
    events = events_of_a_climb(work, tmp_path)
    locked = next(n for n, event in enumerate(events) if event.startswith("os.link"))
    victim = interrupted_climb(work, tmp_path, locked + 1)
    assert (victim / ".git/index.lock").exists()
    done("climb", str(GOAL), cwd=victim)
    assert not (victim / ".git/index.lock").exists()


@pytest.mark.slow
def test_plan_says_that_something_was_interrupted_and_touches_nothing(
    work: Situation, tmp_path: Path
) -> None:
    victim = interrupted_climb(work, tmp_path, amid_the_files(events_of_a_climb(work, tmp_path)))
    found = state(victim)
    assert "interrupted" in done("plan", str(GOAL), cwd=victim)
    assert state(victim) == found
    assert (victim / ".git/mlops-ladder/journal.json").exists()


@pytest.mark.slow
def test_a_journal_that_cannot_be_read_is_said(work: Situation, tmp_path: Path) -> None:
    victim = work.copied(tmp_path / "victim").project
    write(victim / ".git/mlops-ladder", {"journal.json": "{}"})
    said = run("climb", str(GOAL), cwd=victim).stderr
    assert said.startswith("error: ") and "journal.json" in said
