"""Tests of building a course: its branches, and that no answer is in it."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from commands import done, refused
from courses import CONTENT
from mlops_ladder.errors import RefusedError
from mlops_ladder.teach.leaks import check_leaks
from projects import LEVELS, Ladder, git


def test_each_level_continues_the_one_below(course: Path) -> None:
    for level in LEVELS:
        commits = git(course, "rev-list", f"level-{level}").split()
        assert len(commits) == level + 1
        assert git(course, "cat-file", "-t", f"level-{level}-start").strip() == "tag"
        assert git(course, "rev-parse", f"level-{level}-start^{{commit}}").strip() == commits[0]
        message = git(course, "log", "-1", "--format=%B", f"level-{level}")
        assert message.startswith(f"Level {level}: ")
        assert message.count("\n- ") >= 2
    assert git(course, "branch", "--show-current").strip() == "level-0"


def test_no_level_has_files_of_a_higher_one(course: Path, ladder: Ladder) -> None:
    for level in LEVELS:
        names = git(course, "ls-tree", "-r", "--name-only", f"level-{level}").split("\n")
        assert f"lessons/{level}.md" in names
        assert f"lessons/{level + 1}.md" not in names
        assert {name.split("/")[1][0] for name in names if name.startswith("tasks/")} == {
            str(lower) for lower in LEVELS if lower <= level
        }
        plain = {path.relative_to(ladder.fresh(level)).as_posix() for path in files(ladder, level)}
        course_owned = (
            *("course/", "tasks/", "lessons/", "exercises/", "check.py", "variant.json"),
            *("make/course.mk", ".github/workflows/lessons.yml", ".devcontainer/"),
        )
        left_out = {".github/workflows/check-update.yml"}
        others = {name for name in names if name and not name.startswith(course_owned)}
        assert others == plain - left_out


def files(ladder: Ladder, level: int) -> list[Path]:
    """Return the files of a project."""
    return [path for path in ladder.fresh(level).rglob("*") if path.is_file()]


def test_hidden_tests_and_answers_are_left_out(course: Path) -> None:
    names = git(course, "ls-tree", "-r", "--name-only", f"level-{LEVELS[-1]}")
    assert "hidden" not in names
    assert "/answer/" not in names
    assert "/wrong/" not in names
    for task in CONTENT.tasks:
        published = git(course, "show", f"level-{task.level}:tasks/{task.name}/task.toml")
        assert all(reason not in published for reason in task.wrong.values())
    assert "_src_path" not in git(course, "show", "level-4:.copier-answers.yml")
    assert "leaks" not in done("teach", "leaks", course, cwd=course)


@pytest.mark.slow
def test_building_again_gives_the_same_bytes(course: Path, ladder: Ladder, tmp_path: Path) -> None:
    done("teach", "build", "again", "--template", ladder.template, cwd=tmp_path)
    shown = ("for-each-ref", "--format=%(objectname) %(refname)")
    assert git(course, *shown) == git(tmp_path / "again", *shown)


def test_a_folder_with_files_is_refused(tmp_path: Path, ladder: Ladder) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    message = refused("teach", "build", ".", "--template", ladder.template, cwd=tmp_path)
    assert "is not empty" in message
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_course_begins_at_level_0(ladder: Ladder, tmp_path: Path) -> None:
    call = ("teach", "build", "course", "--to=-1", "--template", ladder.template)
    assert "--to N" in refused(*call, cwd=tmp_path, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_course_may_end_before_the_highest_level(ladder: Ladder, tmp_path: Path) -> None:
    done("teach", "build", "short", "--to", "1", "--template", ladder.template, cwd=tmp_path)
    assert "level-2" not in git(tmp_path / "short", "branch")


@pytest.mark.parametrize(
    "name", ["yields.csv", pytest.param("yields.parquet", marks=pytest.mark.slow)]
)
def test_a_teachers_own_data_keep_the_tasks_that_are_not_about_rides(
    name: str, ladder: Ladder, tmp_path: Path
) -> None:
    rows = [
        {"plot": i % 7, "rain": i % 5 * 1.5, "tons": i % 7 + i % 5 * 2 + i % 3} for i in range(400)
    ]
    table = pd.DataFrame(rows)
    write = table.to_csv if name.endswith("csv") else table.to_parquet
    write(tmp_path / name, index=False)
    data = ("--from", name, "--target", "tons")
    said = done("teach", "build", "course", *data, "--template", ladder.template, cwd=tmp_path)
    assert "level 0: 0.1, 0.2, 0.3\n  level 1: no tasks" in said
    course = tmp_path / "course"
    problem = git(course, "ls-tree", "-r", "--name-only", "level-2", "src").split()
    assert any(name.endswith("problem.py") for name in problem)
    lesson = git(course, "show", "level-2:lessons/2.md")
    assert "### 2.2 " in lesson
    assert "### 2.1 " not in lesson
    assert "## Exploratory questions" in lesson


def test_a_project_that_teaches_nothing_has_nothing_of_it(ladder: Ladder) -> None:
    for level in LEVELS:
        for name in ("course", "tasks", "lessons", "exercises", "check.py", "variant.json"):
            assert not (ladder.fresh(level) / name).exists()


HIDDEN = CONTENT.folder / "tasks/0.1/hidden.py"
ANSWER = CONTENT.folder / "tasks/0.2/answer/exercises/filter.py"


def plant_file(course: Path) -> None:
    """Commit the hidden tests of a task on a higher level."""
    git(course, "switch", "--quiet", "level-3")
    shutil.copyfile(HIDDEN, course / "tasks/0.1/hidden.py")
    git(course, "add", "--all")
    git(course, "commit", "--quiet", "--message", "Oops")


def plant_in_history(course: Path) -> None:
    """Commit an answer, and remove it in the next commit."""
    shutil.copyfile(ANSWER, course / "exercises/filter.py")
    git(course, "commit", "--quiet", "--all", "--message", "Oops")
    git(course, "revert", "--no-edit", "HEAD")


def plant_in_lesson(course: Path) -> None:
    """Write a line of an answer into a lesson."""
    (line,) = [one for one in ANSWER.read_text().splitlines() if "between" in one]
    with (course / "lessons/0.md").open("a") as lesson:
        lesson.write(f"Like this: `{line.strip()}`\n")
    git(course, "commit", "--quiet", "--all", "--message", "Help")


def plant_in_output(course: Path) -> None:
    """Leave an answer in the output of a notebook, on no branch any more."""
    notebook = course / "notebook.ipynb"
    (line,) = [one for one in HIDDEN.read_text().splitlines() if "kinds = " in one]
    escaped = line.strip().replace('"', '\\"')
    notebook.write_text(
        notebook.read_text().replace('"outputs": []', f'"outputs": ["{escaped}"]', 1)
    )
    git(course, "commit", "--quiet", "--all", "--message", "Run it")
    git(course, "reset", "--quiet", "--hard", "HEAD~1")


@pytest.mark.parametrize(
    "plant",
    [
        plant_file,
        *(
            pytest.param(plant, marks=pytest.mark.slow)
            for plant in (plant_in_history, plant_in_lesson, plant_in_output)
        ),
    ],
)
def test_a_planted_answer_is_found(course: Path, tmp_path: Path, plant: object) -> None:
    assert callable(plant)
    copy = tmp_path / "course"
    shutil.copytree(course, copy)
    check_leaks(copy, CONTENT)
    plant(copy)
    with pytest.raises(RefusedError, match=r"task 0\.[12]: "):
        check_leaks(copy, CONTENT)
