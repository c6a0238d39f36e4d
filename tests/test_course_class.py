"""A class of thirty through a whole course, and grades that are exactly as expected."""

import csv
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from commands import done, printed
from courses import CONTENT, check, climb, solve, variant
from projects import LEVELS, commit_all, git

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("class")]

KINDS = ["solves everything", "falls into traps", "solves the first task", "skips level 1", "late"]
STUDENTS = {f"student-{number:02}": KINDS[number % len(KINDS)] for number in range(30)}


def work(repository: Path, level: int, kind: str) -> None:
    """Do what a student of a kind does at a level."""
    tasks = CONTENT.tasks_of(level)
    if kind in ("solves everything", "late") or (kind == "skips level 1" and level != 1):
        solve(repository, *(task.name for task in tasks))
    if kind == "solves the first task":
        solve(repository, tasks[0].name)
    if kind == "falls into traps":
        for task in tasks:
            solve(repository, task.name, answer=f"wrong/{next(iter(task.wrong))}")
    (repository / f"notes-{level}.md").write_text(f"What I learned at level {level}\n")
    commit_all(repository, f"Work at level {level}")


def expected(level: int, kind: str) -> list[int]:
    """Return the points of a student of a kind."""
    points = [task.about["points"] for task in CONTENT.tasks_of(level)]
    solved = {
        "solves everything": [True] * len(points),
        "late": [True] * len(points),
        "falls into traps": [False] * len(points),
        "solves the first task": [True, *[False] * (len(points) - 1)],
        "skips level 1": [level != 1] * len(points),
    }[kind]
    return [value if right else 0 for value, right in zip(points, solved, strict=True)]


@pytest.fixture(scope="module")
def term(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let a class go through the course, which its teacher fixes twice on the way."""
    folder = tmp_path_factory.mktemp("term")
    own, students = folder / "course", folder / "students"
    shutil.copytree(course, own)
    (folder / "roster.csv").write_text("student\n" + "\n".join(STUDENTS) + "\n")
    done("teach", "enrol", own, "roster.csv", "students", cwd=folder)
    for name, kind in STUDENTS.items():
        if kind == "late":
            copy_of_template(own, students / name)
    for level in LEVELS:
        if level == 2:
            fix(own, 0, "lessons/0.md", "Nothing in it has to last.", "It need not last.")
        if level == 4:
            fix(own, 1, "tasks/1.1/hints.md", "`hour` is there already.", "There is `hour`.")
        for name, kind in STUDENTS.items():
            work(students / name, level, kind)
            if level < LEVELS[-1]:
                climb(students / name, str(own))
    for name in STUDENTS:
        assert check(students / name, "update").returncode == 0
    return folder


def copy_of_template(course: Path, folder: Path) -> None:
    """Replace a student's repository by what "Use this template" makes, with the same data."""
    values = (folder / "variant.json").read_bytes()
    shutil.rmtree(folder)
    shutil.copytree(course, folder, ignore=shutil.ignore_patterns(".git"))
    commit_all(folder, "Initial commit")
    (folder / "variant.json").write_bytes(values)
    commit_all(folder, "My data")


def fix(course: Path, level: int, file: str, old: str, new: str) -> None:
    """Fix a file of the course."""
    git(course, "switch", "--quiet", f"level-{level}")
    text = (course / file).read_text(encoding="utf-8")
    assert old in text
    (course / file).write_text(text.replace(old, new), encoding="utf-8")
    done("teach", "fix", course, "--message", "Fix", cwd=course)
    git(course, "switch", "--quiet", "level-0")


def test_everybody_reaches_the_top_and_nobody_loses_work(term: Path) -> None:
    for name, kind in STUDENTS.items():
        student = term / "students" / name
        assert git(student, "status", "--porcelain") == ""
        assert (student / f"lessons/{LEVELS[-1]}.md").exists()
        assert "It need not last." in (student / "lessons/0.md").read_text()
        assert "There is `hour`." in (student / "tasks/1.1/hints.md").read_text()
        for level in LEVELS:
            assert (student / f"notes-{level}.md").exists()
            for task in CONTENT.tasks_of(level):
                right = kind in ("solves everything", "late")
                for answer in (task.folder / "answer").rglob("*.py") if right else ():
                    kept = student / answer.relative_to(task.folder / "answer")
                    assert kept.read_text() == answer.read_text(), (name, kept)


@pytest.mark.parametrize(("level", "number"), [(0, 30), (1, 5), (2, 5)])
def test_grades_are_as_expected(term: Path, installed: Path, level: int, number: int) -> None:
    """All are graded at level 0, and one of each kind at higher levels, which takes longer."""
    graded = list(STUDENTS)[:number]
    (term / f"{number}.csv").write_text("student\n" + "\n".join(graded) + "\n")
    printed(
        *("teach", "grade", "course", "students", "--roster", f"{number}.csv"),
        *(
            "--level",
            str(level),
            "--csv",
            f"grades-{level}.csv",
            "--python",
            installed / "bin/python",
        ),
        cwd=term,
    )
    with (term / f"grades-{level}.csv").open(encoding="utf-8", newline="") as lines:
        rows = {row["student"]: row for row in csv.DictReader(lines)}
    names = [task.name for task in CONTENT.tasks_of(level)]
    found = {name: [int(rows[name][task]) for task in names] for name in graded}
    assert found == {name: expected(level, STUDENTS[name]) for name in graded}
    assert {row["note"] for row in rows.values()} == {""}


def test_students_differ(term: Path) -> None:
    values = [variant(term / "students" / name) for name in STUDENTS]
    assert len({one["seed"] for one in values}) == len(STUDENTS)


def test_every_command_in_a_lesson_runs(term: Path) -> None:
    student = term / "students" / next(iter(STUDENTS))
    commands = [
        line
        for level in LEVELS
        for block in re.findall(r"```sh\n(.*?)```", lesson(level), re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(commands) >= 4
    for line in commands:
        finished = subprocess.run(line, shell=True, cwd=student, capture_output=True, text=True)
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout, line
    assert check(student, "lesson").returncode == 0


def lesson(level: int) -> str:
    """Return the text of a lesson."""
    return CONTENT.lesson(level).read_text(encoding="utf-8")
