"""Tests of grading: students' tests, files and processes are not trusted."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from commands import call, done, printed, refused
from courses import CONTENT, climb, solve
from installation import Installation
from projects import commit_all, git

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("grading")]

HONEST, WRONG, IDLE = "honest", "wrong", "idle"
CHEATS = {
    "init": '''
"""The package."""

import sys

import _pytest.runner

_pytest.runner.runtestprotocol = lambda *_, **__: []
for name in [name for name in sys.modules if name.startswith("_course_")]:
    sys.modules[name].observe = lambda given: given
''',
    "loop": "while True:\n    pass\n",
    "bomb": "import os\n\nwhile True:\n    os.fork()\n",
    "disk": """
import pathlib

for number in range(30):
    pathlib.Path(f"big{number}").write_bytes(bytes(90_000_000))
""",
    "memory": 'eaten = [b"x" * 10**8 for _ in range(200)]\n',
    "exit": "import os\n\nos._exit(0)\n",
    "killer": "import os, signal\n\nos.kill(os.getppid(), signal.SIGKILL)\n",
    "network": """
import urllib.request

urllib.request.urlopen("http://127.0.0.1:PORT/", timeout=2)
""",
}
STUDENTS = [HONEST, WRONG, IDLE, *CHEATS, "tests", "empty", "elsewhere", "gone", "tagged", "late"]


@pytest.fixture(scope="module")
def classroom(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enrol students who solve, err, cheat, or hand in something else."""
    folder = tmp_path_factory.mktemp("classroom")
    rows = [f"{name},{i},{2 if name == 'late' else ''}" for i, name in enumerate(STUDENTS)]
    (folder / "roster.csv").write_text("student,id,extension\n" + "\n".join(rows) + "\n")
    done("teach", "enrol", course, "roster.csv", "students", cwd=folder)
    students = folder / "students"
    for name in (HONEST, "tests", "late", "tagged"):
        solve(students / name, "0.1", "0.2", "0.3")
    solve(students / WRONG, "0.1")
    solve(students / WRONG, "0.2", answer="wrong/exclusive")
    solve(students / WRONG, "0.3", answer="wrong/by-position")
    for name, code in CHEATS.items():
        for file in ("duration", "filter", "split"):
            (students / name / f"exercises/{file}.py").write_text(code.replace("PORT", "9"))
        commit_all(students / name, "Cheat")
    solve(students / "killer", "0.2")
    edit_tests(students / "tests")
    git(students / "tagged", "tag", "level-0")
    (students / "tagged/exercises/duration.py").write_text("broken afterwards\n")
    commit_all(students / "tagged", "Later")
    shutil.rmtree(students / "gone")
    replace_repository(students / "empty", commit=False)
    replace_repository(students / "elsewhere", commit=True)
    return folder


def edit_tests(repository: Path) -> None:
    """Edit everything that decides what passes, without solving 0.1."""
    (repository / "exercises/duration.py").write_text("def duration_minutes(a, b):\n    return a\n")
    (repository / "tasks/0.1/check.py").write_text("def cases(v):\n    return []\n")
    (repository / "course/runner.py").write_text("raise SystemExit(0)\n")
    (repository / "Makefile").write_text("check:\n\ttrue\n")
    (repository / ".github/workflows/lessons.yml").write_text("on: push\n")
    commit_all(repository, "Pass")


def replace_repository(folder: Path, commit: bool) -> None:
    """Put another repository in place of a student's."""
    shutil.rmtree(folder)
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "variant.json").write_text("{}")
    if commit:
        commit_all(folder, "Something else")


@pytest.fixture(scope="module")
def graded(course: Path, classroom: Path, installed: Path) -> dict[str, dict[str, str]]:
    """Grade the class, and return the rows of the table by student."""
    options = ("--due", "2030-01-01T00:00Z", "--collected", "2030-01-03T12:00Z")
    said = printed(
        *("teach", "grade", course, "students", "--roster", "roster.csv", "--level", "0"),
        *("--csv", "grades.csv", "--gradescope", "results", *options, "--late-percent", "10"),
        *("--python", installed / "bin/python"),
        cwd=classroom,
    )
    assert len(said.splitlines()) == len(STUDENTS)
    with (classroom / "grades.csv").open(encoding="utf-8", newline="") as lines:
        return {row["student"]: row for row in csv.DictReader(lines)}


def points(row: dict[str, str]) -> list[str]:
    """Return the points of the tasks."""
    return [row[name] for name in ("0.1", "0.2", "0.3")]


def test_who_solved_the_tasks_has_the_points(graded: dict[str, dict[str, str]]) -> None:
    assert points(graded[HONEST]) == ["2", "2", "3"]
    assert graded[HONEST]["id"] == "0"
    assert points(graded[WRONG]) == ["2", "0", "0"]
    assert points(graded[IDLE]) == ["0", "0", "0"]


def test_a_tag_says_what_is_graded(graded: dict[str, dict[str, str]]) -> None:
    assert points(graded["tagged"]) == ["2", "2", "3"]


def test_days_late_cost_points_beyond_the_extension(graded: dict[str, dict[str, str]]) -> None:
    assert (graded[HONEST]["days_late"], graded[HONEST]["total"]) == ("3", "4.9")
    assert (graded["late"]["days_late"], graded["late"]["total"]) == ("1", "6.3")


@pytest.mark.parametrize("name", [name for name in CHEATS if name != "killer"])
def test_a_cheat_has_no_points(graded: dict[str, dict[str, str]], name: str) -> None:
    assert points(graded[name]) == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bomb", "processes"),
        ("disk", "files"),
        ("empty", "no commit on main"),
        ("elsewhere", "the history is another one"),
        ("gone", "there is no repository"),
    ],
)
def test_what_was_stopped_or_is_missing_is_said(
    graded: dict[str, dict[str, str]], name: str, reason: str
) -> None:
    assert reason in graded[name]["note"]
    assert "\n" not in graded[name]["note"]
    assert graded[name]["total"] == "0.0"


def test_a_task_that_ends_the_process_does_not_cost_the_others(
    graded: dict[str, dict[str, str]],
) -> None:
    assert points(graded["killer"]) == ["0", "2", "0"]


def test_edited_tests_and_workflows_are_ignored(graded: dict[str, dict[str, str]]) -> None:
    assert points(graded["tests"]) == ["0", "2", "3"]


def test_students_see_no_hidden_expectation(
    graded: dict[str, dict[str, str]], classroom: Path
) -> None:
    results = json.loads((classroom / f"results/{WRONG}.json").read_text())
    by_name = {test["name"].partition(" ")[0]: test for test in results["tests"]}
    assert by_name["0.1"]["status"] == "passed"
    assert "expected" in by_name["0.2"]["output"]
    solved_but_hidden = json.dumps(results)
    hidden = CONTENT.tasks[2].hidden_cases({}, 0)[0]
    assert json.dumps(hidden["expected"]) not in solved_but_hidden
    assert results["tests"][2]["max_score"] == 3


def test_grading_again_gives_the_same_bytes(
    graded: dict[str, dict[str, str]], course: Path, classroom: Path, installed: Path
) -> None:
    before = (classroom / "grades.csv").read_bytes()
    rows = [line for line in before.decode().splitlines() if line.startswith((HONEST, WRONG))]
    (classroom / "two.csv").write_text(f"student,id\n{HONEST},0\n{WRONG},1\n")
    printed(
        *("teach", "grade", course, "students", "--roster", "two.csv", "--level", "0"),
        *("--csv", "again.csv", "--python", installed / "bin/python", "--late-percent", "10"),
        *("--due", "2030-01-01T00:00Z", "--collected", "2030-01-03T12:00Z"),
        cwd=classroom,
    )
    assert (classroom / "again.csv").read_text().splitlines()[1:] == rows


def test_status_says_who_is_stuck_where(course: Path, classroom: Path, installed: Path) -> None:
    (classroom / "some.csv").write_text(f"student,id\n{HONEST},0\n{WRONG},1\n{IDLE},2\n")
    shown = printed(
        *("teach", "status", course, "students", "--roster", "some.csv", "--level", "0"),
        *("--python", installed / "bin/python"),
        cwd=classroom,
    )
    header, honest, wrong, idle = shown.splitlines()
    assert header.split()[:4] == ["student", "level", "tasks", "next"]
    assert honest.split()[:4] == [HONEST, "0", "3", "of"]
    assert "0.2" in wrong
    assert honest.split()[-1] == "0"
    assert idle.endswith("none yet")


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--level", "9"], 1, "has no level 9"),
        (["--level", "0", "--due", "soon"], 2, "is no time"),
        (["--level", "0", "--due", "2030-01-01"], 2, "has no time zone"),
        (["--level", "0", "--python", "absent"], 1, "absent does not exist"),
    ],
)
def test_a_wrong_call_is_one_line(
    course: Path, classroom: Path, installed: Path, arguments: list[str], code: int, reason: str
) -> None:
    (classroom / "two.csv").write_text(f"student\n{HONEST}\n")
    python = [] if "--python" in arguments else ["--python", str(installed / "bin/python")]
    students = ("students", "--roster", "two.csv")
    said = refused(
        "teach", "grade", course, *students, *arguments, *python, cwd=classroom, code=code
    )
    assert reason in said


def test_a_folder_that_is_no_course_is_refused(tmp_path: Path) -> None:
    for command in (["leaks"], ["fix", "--message", "x"], ["release", "0"]):
        result = call("teach", command[0], tmp_path, *command[1:], cwd=tmp_path)
        assert result.exit_code == 1
        assert "is no course" in result.output


def test_every_task_is_proven(course: Path, installed: Path, tmp_path: Path) -> None:
    """Red at first, green with its answer, red with each wrong one, for three students."""
    shown = printed("teach", "prove", course, "--python", installed / "bin/python", cwd=tmp_path)
    assert len(shown.splitlines()) == 3 * len(CONTENT.tasks)
    assert all(line.endswith("proven") for line in shown.splitlines()), shown


def test_what_students_get_is_green_but_for_the_tasks(
    course: Path, installed: Path, tmp_path: Path
) -> None:
    """The project's own lint, types and tests pass at each start, and with all tasks solved."""
    (tmp_path / "roster.csv").write_text("student\nann\n")
    done("teach", "enrol", course, "roster.csv", "students", cwd=tmp_path)
    student = tmp_path / "students/ann"
    for level in (1, 2):
        climb(student)
        project = Installation(student, installed)
        project.make("lint types test" if level == 1 else "lint types")
        assert "not yet" in project.run("make check").stdout
        solve(student, *(task.name for task in CONTENT.tasks_of(level)))
        project.make("lint types test" if level == 1 else "lint")
        assert project.run(f"make check TASK={level}.1").returncode == 0
