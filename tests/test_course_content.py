"""Tests of the course that comes with the program, and of what its tasks rely on."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from courses import CONTENT
from mlops_ladder.errors import RefusedError
from mlops_ladder.teach.content import Content, CourseTask
from mlops_ladder.teach.lessons import check_lessons
from mlops_ladder.teach.student.observer import __file__ as observer
from projects import LEVELS, TEMPLATE, Ladder
from tools import installed, passes

EACH_TASK = pytest.mark.parametrize("task", CONTENT.tasks, ids=lambda task: task.name)
FORBIDDEN = re.compile(r"\.(serving|deployment|experiments|monitoring|retraining)\b")


def test_the_lessons_are_valid() -> None:
    check_lessons(CONTENT, LEVELS)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("exercises: 50", "exercises: 51", "sum of the tasks' minutes"),
        ("level: 0", "level: 3", "level: 0"),
        ("## Why\n", "## Reasons\n", "the sections must be"),
        ("make check TASK=0.2", "make check", "make check TASK=0.2 is missing"),
        ("(3 points, 20 minutes)", "(4 points, 20 minutes)", "0.3 Split by time"),
        ("Nothing in it has to last.", "See https://example.org.", "will be out of date"),
        ("Nothing in it has to last.", "Since 2025 nothing lasts.", "2025 will be out of date"),
    ],
)
def test_a_lesson_that_is_not_valid_is_refused(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    text = CONTENT.lesson(0).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons/0.md").write_text(text.replace(old, new), encoding="utf-8")
    (tmp_path / "tasks").symlink_to(CONTENT.folder / "tasks")
    with pytest.raises(RefusedError, match=re.escape(reason)):
        check_lessons(Content(tmp_path), [0])


def test_each_level_has_enough_tasks() -> None:
    numbers = {level: len(CONTENT.tasks_of(level)) for level in LEVELS}
    assert all(numbers[level] >= (3 if level <= 2 else 2) for level in LEVELS), numbers


@EACH_TASK
def test_a_task_is_complete(task: CourseTask) -> None:
    wrong = {path.name for path in (task.folder / "wrong").iterdir() if path.is_dir()}
    assert wrong == set(task.wrong)
    assert len(wrong) >= 2
    hints = (task.folder / "hints.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d)$", hints, re.MULTILINE) == ["1", "2", "3"]
    variant = CONTENT.variant("somebody") | {"url": "http://127.0.0.1:1"}
    assert len(task.hidden_cases(variant, variant["seed"])) == task.about["hidden"] > 0
    for case in task.checks.cases(variant):
        assert {"did", "given", "expected"} <= set(case)
    for start in (task.folder / "start").rglob("*.py"):
        assert len(start.read_text(encoding="utf-8").splitlines()) <= 40


@EACH_TASK
def test_no_task_imports_what_may_be_rewritten(task: CourseTask) -> None:
    for file in task.folder.rglob("*.py"):
        assert not FORBIDDEN.search(file.read_text(encoding="utf-8")), file


def test_packages_are_compiled_once_and_projects_never(tmp_path: Path) -> None:
    """A class of thirty would wait for the same compilation thirty times."""
    packages, project, check = tmp_path / "packages", tmp_path / "project", tmp_path / "check.py"
    for folder in (packages, project):
        folder.mkdir()
    (packages / "package.py").write_text("VALUE = 3\n")
    (project / "mine.py").write_text("import package\n")
    check.write_text("def observe(*_):\n    import mine\n    return mine.package.VALUE\n")
    paths = {name: str(tmp_path / name) for name in ("project", "result", "output")}
    request = paths | {"check": str(check), "cases": [{"given": {}}], "seconds": 60}
    environment = os.environ | {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": ""}
    finished = subprocess.run(
        [sys.executable, "-P", observer, "package"],
        input=json.dumps(request) + "\n",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert finished.stdout == "done\n", finished.stderr
    assert "3" in (tmp_path / "result").read_text()
    assert (packages / "__pycache__").exists()
    assert not (project / "__pycache__").exists()


def test_students_differ_in_data_and_share_a_course() -> None:
    first, again, other = (CONTENT.variant(name) for name in ("ann", "ann", "bob"))
    assert first == again
    assert first != other
    assert first.keys() == other.keys() == CONTENT.variant().keys() | {"student"}
    for name, values in CONTENT.settings["variant"].items():
        assert {CONTENT.variant(str(i))[name] for i in range(100)} == set(values)


def test_the_names_in_problem_that_tasks_rely_on(ladder: Ladder) -> None:
    (problem,) = ladder.fresh(LEVELS[1]).glob("src/*/problem.py")
    text = problem.read_text(encoding="utf-8")
    for name in ("def features(", "def sample(", "SCHEMA = ", 'METRIC = "MAE"', "def build_model("):
        assert text.count(name) == 1, name
    for feature in ("hour", "weekday", "distance_miles", "pickup_zone", "dropoff_zone"):
        assert f'"{feature}": ' in text, feature
    assert "METRICS" in (ladder.fresh(2) / "docs/another-problem.md").read_text(encoding="utf-8")


def test_the_make_targets_that_lessons_rely_on(ladder: Ladder) -> None:
    named = set(re.findall(r"make ([a-z-]+)", "".join(map(lesson_text, LEVELS))))
    project = ladder.fresh(LEVELS[-1])
    files = [project / "Makefile", *(project / "make").glob("*.mk")]
    files += (CONTENT.folder / "student/make").glob("*.mk")
    targets = re.findall(r"^([a-z-]+)::? ", "".join(f.read_text() for f in files), re.MULTILINE)
    assert named <= set(targets), named - set(targets)


def lesson_text(level: int) -> str:
    """Return the text of a lesson."""
    return CONTENT.lesson(level).read_text(encoding="utf-8")


def test_the_files_that_lessons_name_arrive_at_their_level(ladder: Ladder) -> None:
    for level in LEVELS:
        project = ladder.fresh(level)
        named = re.findall(r"^- `([\w<>./-]+\.\w+)`:", lesson_text(level), re.MULTILINE)
        for name in named:
            assert list(project.glob(name.replace("<package>", "*"))), f"level {level}: {name}"


def test_the_cells_of_the_notebook_have_ids(ladder: Ladder) -> None:
    """A merge of a teacher's fix into a notebook that was run needs them."""
    text = (ladder.fresh(0) / "notebook.ipynb").read_text(encoding="utf-8")
    assert text.count('"id":') == text.count('"cell_type":') > 10


def test_the_metric_names_that_a_task_relies_on(ladder: Ladder) -> None:
    rules = (ladder.fresh(3) / "deploy/prometheus/rules/service.yml").read_text(encoding="utf-8")
    assert "http_request_seconds_bucket" in rules
    assert 'job="service"' in rules


def test_the_workflow_runs_when_somebody_hands_in() -> None:
    workflow = CONTENT.folder / "student/.github/workflows/lessons.yml"
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert content[True] == {"push": {"tags": ["level-?"]}}
    ours = re.findall(r"uses: (\S+)", workflow.read_text(encoding="utf-8"))
    template = (TEMPLATE / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert all(f"uses: {action}" in template for action in ours), "another version than the project"
    passes(
        installed("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(workflow)
    )
    passes(installed("zizmor"), "--offline", "--no-progress", str(workflow))
