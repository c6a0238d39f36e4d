"""Tests of what students do: climb by a merge, keep their work, and get fixes."""

import json
import shutil
from pathlib import Path

import pytest

from commands import done, refused
from courses import CONTENT, check, climb, climb_refused, solve
from installation import environment
from mlops_ladder.teach import offline
from projects import LEVELS, commit_all, git

PYPROJECT = "pyproject.toml"


@pytest.fixture
def student(course: Path, tmp_path: Path) -> Path:
    """Enrol one student."""
    (tmp_path / "roster.csv").write_text("student\nann\n")
    done("teach", "enrol", course, "roster.csv", "students", cwd=tmp_path)
    return tmp_path / "students/ann"


def edit(file: Path, old: str, new: str) -> None:
    """Replace a text that a file has once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_student_climbs_to_the_top_with_all_tasks_solved(student: Path) -> None:
    for level in LEVELS:
        solve(student, *(task.name for task in CONTENT.tasks_of(level)))
        if level < LEVELS[-1]:
            assert f"level {level + 1}" in climb(student)
    assert "you have reached its end" in climb_refused(student)
    for task in CONTENT.tasks:
        for start in (task.folder / "answer").rglob("*.py"):
            kept = student / start.relative_to(task.folder / "answer")
            assert kept.read_text() == start.read_text()
    (problem,) = student.glob("src/*/problem.py")
    assert "share_within" in problem.read_text()
    assert '"night": ' in problem.read_text()


def test_a_student_who_solves_nothing_climbs_too(student: Path) -> None:
    for _ in LEVELS[1:]:
        climb(student)
    assert (student / "lessons/4.md").exists()
    assert git(student, "status", "--porcelain") == ""


def test_a_notebook_that_was_run_and_edited_stays(student: Path) -> None:
    notebook = json.loads((student / "notebook.ipynb").read_text())
    cell = next(one for one in notebook["cells"] if one["cell_type"] == "code")
    cell["source"] = [*cell["source"], "\nmine = 1"]
    cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["mine"]}]
    (student / "notebook.ipynb").write_text(json.dumps(notebook, indent=1) + "\n")
    (student / "notes.md").write_text("My notes\n")
    commit_all(student, "Run the notebook")
    before = (student / "notebook.ipynb").read_bytes()
    climb(student)
    assert (student / "notebook.ipynb").read_bytes() == before
    assert (student / "notes.md").read_text() == "My notes\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('    "jupyterlab>=4.3",\n', '    "jupyterlab>=4.3",\n    "lightgbm>=4",\n'),
        *(
            pytest.param(old, new, marks=pytest.mark.slow)
            for old, new in [
                (
                    '    "jupyterlab>=4.3",\n',
                    '    "lightgbm>=4", # faster\n    "jupyterlab>=4.3",\n',
                ),
                ('    "pandas>=2.2",\n', '    "pandas>=2.2,<3",\n'),
                ('    "scikit-learn>=1.7",\n', '    "scikit-learn>=1.7",\n    "lightgbm>=4",\n'),
                ('dev = [\n    "jupyterlab>=4.3",\n]', "dev = ['jupyterlab>=4.3', 'lightgbm>=4']"),
            ]
        ),
    ],
)
def test_own_requirements_and_those_of_the_levels_meet(student: Path, old: str, new: str) -> None:
    edit(student / PYPROJECT, old, new)
    commit_all(student, "Another package")
    for _ in LEVELS[1:]:
        climb(student)
    text = (student / PYPROJECT).read_text()
    for wanted in ("pandas>=2.2,<3" if "pandas" in new else "lightgbm>=4", "mlflow>=", "pytest>="):
        assert text.count(wanted) == 1, text
    assert text.count("jupyterlab>=4.3") == 1
    assert "# faster" in text or "# faster" not in new


def test_a_conflict_that_only_the_student_can_resolve_is_explained(student: Path) -> None:
    edit(student / PYPROJECT, 'version = "0.1.0"\n', 'version = "0.2.0"\n')
    edit(student / "README.md", "## Data\n", "## My data\n")
    commit_all(student, "Mine")
    git(student, "fetch", "--quiet", "course")
    git(student, "switch", "--quiet", "--create", "theirs", "course/level-1")
    edit(student / "README.md", "## Data\n", "## Their data\n")
    commit_all(student, "Theirs")
    git(student, "switch", "--quiet", "main")
    git(student, "remote", "set-url", "course", ".")
    git(student, "branch", "level-1", "theirs")
    git(student, "branch", "level-0", "course/level-0")
    message = climb_refused(student, code=3)
    assert "README.md" in message
    assert "git merge --abort" in message
    assert "a merge is under way" in climb_refused(student)
    git(student, "merge", "--abort")
    assert "## My data" in (student / "README.md").read_text()


def test_uncommitted_work_is_not_touched(student: Path) -> None:
    (student / "exercises/duration.py").write_text("mine = 1\n")
    message = climb_refused(student)
    assert "exercises/duration.py" in message
    assert "git add --all" in message
    assert (student / "exercises/duration.py").read_text() == "mine = 1\n"
    assert not (student / "lessons/1.md").exists()


def copied(course: Path, folder: Path, branch: str = "level-0") -> Path:
    """Return what "Use this template" makes of a course: its files, without its history."""
    git(folder, "clone", "--quiet", "--branch", branch, str(course), "clone")
    shutil.copytree(folder / "clone", folder / "copy", ignore=shutil.ignore_patterns(".git"))
    commit_all(folder / "copy", "Initial commit")
    return folder / "copy"


def test_a_copy_of_the_course_is_joined_once(course: Path, tmp_path: Path) -> None:
    copy = copied(course, tmp_path)
    assert "make climb COURSE=ADDRESS" in climb_refused(copy)
    solve_by_hand = copy / "exercises/duration.py"
    solve_by_hand.write_text("mine = 1\n")
    commit_all(copy, "Mine")
    climb(copy, str(course))
    climb(copy)
    assert (copy / "lessons/2.md").exists()
    assert solve_by_hand.read_text() == "mine = 1\n"
    assert git(copy, "log", "--format=%s").count("Join the course") == 1


def test_another_history_is_refused(course: Path, tmp_path: Path) -> None:
    copy = copied(course, tmp_path)
    (copy / "extra.txt").write_text("so the first commit is no copy")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--amend", "--message", "Initial commit")
    assert "no commit in common" in climb_refused(copy, str(course))


def test_hints_get_stronger(student: Path) -> None:
    hints = [check(student, "hint", "0.1").stdout for _ in range(4)]
    assert [hint.partition("\n")[0] for hint in hints] == [
        f"Hint {number} of 3 for 0.1:" for number in (1, 2, 3, 3)
    ]
    assert git(student, "status", "--porcelain") == ""


def test_a_wrong_call_names_the_tasks(student: Path) -> None:
    finished = check(student, "7.7")
    assert finished.returncode == 2
    assert "0.1, 0.2, 0.3" in finished.stderr


def test_a_lesson_is_printed(student: Path) -> None:
    climb(student)
    assert check(student, "lesson").stdout.startswith("---\nlevel: 1\n")


def fixed(course: Path, level: int, file: str, old: str, new: str) -> str:
    """Fix a file of a course on a level's branch, and return the command's messages."""
    git(course, "switch", "--quiet", f"level-{level}")
    edit(course / file, old, new)
    return done("teach", "fix", course, "--message", "Fix the lesson", cwd=course)


@pytest.fixture
def own_course(course: Path, tmp_path: Path) -> Path:
    """Provide a copy of the course that a test may change."""
    copy = tmp_path / "course"
    shutil.copytree(course, copy)
    return copy


@pytest.fixture
def classroom(own_course: Path, tmp_path: Path) -> Path:
    """Enrol ann, and bob who is at level 2 already, in a course of their own."""
    (tmp_path / "roster.csv").write_text("student\nann\nbob\n")
    done("teach", "enrol", own_course, "roster.csv", "students", cwd=tmp_path)
    for _ in range(2):
        climb(tmp_path / "students/bob")
    return tmp_path / "students"


def test_a_fix_reaches_students_at_every_level(own_course: Path, classroom: Path) -> None:
    tags = {level: git(own_course, "rev-parse", f"level-{level}-start") for level in LEVELS}
    (own_course / "uv.lock").write_text("of the teacher's own environment")
    said = fixed(own_course, 0, "lessons/0.md", "Nothing in it has to last.", "It need not last.")
    assert "level-0-start.1, level-1-start.1" in said
    assert "uv.lock" not in git(own_course, "ls-tree", "--name-only", "level-4")
    for name, level in (("ann", 0), ("bob", 2)):
        finished = check(classroom / name, "update")
        assert finished.returncode == 0, finished.stderr
        assert "It need not last." in (classroom / name / "lessons/0.md").read_text()
        assert not (classroom / name / f"lessons/{level + 1}.md").exists()
    climb(classroom / "bob")
    assert tags == {level: git(own_course, "rev-parse", f"level-{level}-start") for level in LEVELS}
    said = fixed(own_course, 3, "lessons/3.md", "at any moment.", "at any time.")
    assert "level-3-start.2, level-4-start.2" in said
    assert "level-2" not in said


def test_a_fix_on_too_high_a_level_is_refused(own_course: Path) -> None:
    git(own_course, "switch", "--quiet", "level-2")
    edit(own_course / "lessons/0.md", "Nothing in it has to last.", "It need not last.")
    message = refused("teach", "fix", own_course, "--message", "Fix", cwd=own_course)
    assert "lessons/0.md is at level 0 already" in message
    assert "It need not last." in (own_course / "lessons/0.md").read_text()
    assert git(own_course, "diff", "--cached", "--name-only") == ""


def test_a_fix_that_cannot_be_merged_changes_nothing(own_course: Path) -> None:
    git(own_course, "switch", "--quiet", "level-1")
    edit(own_course / "README.md", "# Taxi ride duration\n", "# At level 1\n")
    git(own_course, "commit", "--quiet", "--all", "--message", "Another title")
    git(own_course, "switch", "--quiet", "level-0")
    edit(own_course / "README.md", "# Taxi ride duration\n", "# At level 0\n")
    before = git(own_course, "for-each-ref")
    message = refused("teach", "fix", own_course, "--message", "Fix", cwd=own_course)
    assert "level 1" in message
    assert "README.md" in message
    assert git(own_course, "for-each-ref") == before
    assert (own_course / "README.md").read_text().startswith("# At level 0\n")


def test_a_fix_with_an_answer_is_refused(own_course: Path) -> None:
    answer = CONTENT.folder / "tasks/0.1/answer/exercises/duration.py"
    shutil.copyfile(answer, own_course / "exercises/duration.py")
    before = git(own_course, "for-each-ref")
    message = refused("teach", "fix", own_course, "--message", "Fix", cwd=own_course)
    assert "task 0.1: " in message
    assert git(own_course, "for-each-ref") == before


@pytest.mark.parametrize(
    ("roster", "reason"),
    [
        ("student\nann\nANN\n", "line 3: ANN is there twice, see line 2"),
        ("student\n \n", "line 2: the student has no name"),
        ("student\n../ann\n", "line 2: '../ann' is no name of a folder"),
        ("student\nann bee\n", "line 2: 'ann bee' is no name of a folder"),
        ("student\n-rf\n", "line 2: '-rf' is no name of a folder"),
        ("student,extension\nann,soon\n", "line 2: extension 'soon' is not a number of days"),
        ("student,extension\nann,nan\n", "line 2: extension 'nan' is not a number of days"),
        ("name\nann\n", "no rows below a header with the column student"),
        ("", "no rows below a header with the column student"),
    ],
)
def test_a_roster_that_is_not_valid_is_refused(
    course: Path, tmp_path: Path, roster: str, reason: str
) -> None:
    (tmp_path / "roster.csv").write_text(roster)
    code = 2 if "header" in reason else 1
    message = refused("teach", "enrol", course, "roster.csv", "out", cwd=tmp_path, code=code)
    assert reason in message
    assert not (tmp_path / "out").exists()


def test_students_are_enrolled_once(course: Path, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("student,id\nann,7\nçéline,8\n", encoding="utf-8")
    call = ("teach", "enrol", course, "roster.csv", "out", "--address", "https://example.org/c.git")
    done(*call, cwd=tmp_path)
    before = git(tmp_path / "out/ann", "rev-parse", "HEAD")
    (tmp_path / "roster.csv").write_text("student,id\nann,7\nçéline,8\nzoë,9\n", encoding="utf-8")
    assert "1 repositories created, 2 were there before" in done(*call, cwd=tmp_path)
    assert git(tmp_path / "out/ann", "rev-parse", "HEAD") == before
    assert git(tmp_path / "out/zoë", "remote", "get-url", "course").strip() == call[-1]
    seeds = {json.loads(f.read_text())["seed"] for f in tmp_path.glob("out/*/variant.json")}
    assert len(seeds) == 3


def test_pseudonyms_hide_the_names(course: Path, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("student\nann\n")
    done("teach", "enrol", course, "roster.csv", "out", "--pseudonyms", cwd=tmp_path)
    (folder,) = tmp_path.glob("out/student-*")
    assert "ann" not in (folder / "variant.json").read_text()
    assert f"ann,{folder.name}" in (tmp_path / "out/pseudonyms.csv").read_text()


def test_answers_are_released_with_the_reasons(own_course: Path) -> None:
    done("teach", "release", own_course, "0", cwd=own_course)
    text = git(own_course, "show", "answers-0:answers/0.md")
    assert "total_seconds() / 60" in text
    assert CONTENT.tasks[0].wrong["seconds"] in text
    assert "already" in refused("teach", "release", own_course, "0", cwd=own_course)


def test_lines_that_students_added_are_exported(classroom: Path, own_course: Path) -> None:
    solve(classroom / "ann", "0.1")
    done("teach", "similar", own_course, classroom, "out", cwd=classroom.parent)
    exported = [path.name for path in (classroom.parent / "out").rglob("*") if path.is_file()]
    assert exported == ["duration.py"]
    text = (classroom.parent / "out/ann/exercises/duration.py").read_text()
    assert text == "    return (dropoff - pickup).dt.total_seconds() / 60\n"


def test_packages_for_a_class_without_a_network_include_what_builds_the_project(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that need a package index are recorded, not run."""
    commands: list[list[str]] = []
    monkeypatch.setenv("PATH", environment()["PATH"])  # with uv
    monkeypatch.setattr(offline, "run", lambda command, folder: commands.append(command))
    (tmp_path / "wheels").mkdir()
    offline.download(course, 2, tmp_path / "wheels")
    assert [command[:2] for command in commands] == [["uv", "export"], ["uv", "run"]]
    asked = (tmp_path / "wheels/requirements.txt").read_text().splitlines()
    assert asked[0].startswith("hatchling") and asked[1:] == ["editables"]


def test_a_class_without_a_network_gets_files(course: Path, tmp_path: Path) -> None:
    done("teach", "bundle", course, "files", cwd=tmp_path)
    clone = ("clone", "--quiet", "--origin", "course", "--branch", "level-0")
    git(tmp_path, *clone, "files/course.bundle", "mine")
    climb(tmp_path / "mine")
    assert (tmp_path / "mine/lessons/1.md").exists()
