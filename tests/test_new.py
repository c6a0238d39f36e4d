"""Tests of `new`: it generates what copier generates, and never overwrites a file."""

import json
import shutil
from pathlib import Path

import pytest

from commands import NAMED, call, done, refused, run
from mlops_ladder.commands.new import proposed_answers
from projects import Ladder, answers_of, commit_all, git, tree


def test_it_makes_what_copier_makes_and_commits_it(ladder: Ladder, tmp_path: Path) -> None:
    said = done(
        "new", "a b/my project", "--level", "2", "--template", ladder.template, cwd=tmp_path
    )
    project = tmp_path / "a b/my project"
    assert tree(project) == tree(ladder.fresh(2, project_name="My project"))
    assert git(project, "log", "--format=%s", "main").splitlines() == ["Start at level 2"]
    assert git(project, "status", "--porcelain") == ""
    commands = ["cd 'a b/my project'", "make setup", "make pipeline", "make promote"]
    assert [line.strip() for line in said.splitlines()[-4:]] == commands
    assert [path.name for path in (tmp_path / "a b").iterdir()] == ["my project"]


@pytest.mark.slow
def test_the_template_is_recorded_where_it_is_found_again(ladder: Ladder, tmp_path: Path) -> None:
    """Copier records a path as it is typed; see tests/test_user_edits.py."""
    shutil.copytree(ladder.template, tmp_path / "template")
    done("new", "project", "--defaults", "--template", "template", cwd=tmp_path)
    assert answers_of(tmp_path / "project")["_src_path"] == str(tmp_path / "template")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done("climb", "1", "--project", tmp_path / "project", cwd=elsewhere)


@pytest.mark.slow
def test_the_environment_names_the_template(ladder: Ladder, tmp_path: Path) -> None:
    template = {"MLOPS_LADDER_TEMPLATE": str(ladder.template)}
    done("new", "project", "--defaults", cwd=tmp_path, **template)
    assert answers_of(tmp_path / "project")["_src_path"] == str(ladder.template)


@pytest.mark.slow
def test_answers_come_from_a_file_and_the_command_line_wins(ladder: Ladder, tmp_path: Path) -> None:
    answers = {"level": 1, "license": "MIT", "author_name": "Ada", "_commit": "from elsewhere"}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    called = ["new", "project", "--answers", "answers.json", "--data", "author_name=Bob"]
    done(*called, "--template", ladder.template, cwd=tmp_path)
    fresh = ladder.fresh(1, license="MIT", author_name="Bob", project_name="Project")
    assert tree(tmp_path / "project") == tree(fresh)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("rides", "Rides"),
        ("my-rides", "My rides"),
        ("my_rides.v2", "My rides v2"),
        ("Rides of NYC", "Rides of NYC"),
        ("-", None),
        ("{{ 1 }}", None),
        ("a\tb\x1b", None),
        ("x" * 81, None),
    ],
)
def test_the_folders_name_is_proposed_as_the_projects(folder: str, name: str | None) -> None:
    assert proposed_answers(folder).get("project_name") == name


def test_a_proposed_name_needs_no_answer_and_a_given_one_wins(
    ladder: Ladder, tmp_path: Path
) -> None:
    here = ["--defaults", "--template", str(ladder.template)]
    done("new", "my-rides", *here, cwd=tmp_path)
    answers = answers_of(tmp_path / "my-rides")
    assert (answers["project_name"], answers["package_name"]) == ("My rides", "my_rides")
    done("new", "other", *here, "--data", "project_name=My rides", cwd=tmp_path)
    assert answers_of(tmp_path / "other") == answers


def test_without_a_terminal_the_level_must_be_given(ladder: Ladder, tmp_path: Path) -> None:
    here = ["new", "deep/project", "--template", str(ladder.template)]
    said = refused(*here, cwd=tmp_path, code=2)
    assert "the level is missing" in said and "--level" in said and "--defaults" in said
    assert list(tmp_path.iterdir()) == []
    done(*here, "--data", "level=1", cwd=tmp_path)
    assert answers_of(tmp_path / "deep/project")["level"] == 1


def test_without_the_packages_that_read_data_the_command_that_has_them_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops_ladder.commands.own_data.find_spec", lambda name: None)
    (tmp_path / "rides.csv").write_text("x,y\n")
    options = ["--defaults", "--from", "rides.csv", "--target", "y"]
    said = refused("new", "rides", *options, cwd=tmp_path)
    assert "--from needs pandas, pyarrow and scikit-learn" in said and "uvx --from" in said
    assert [path.name for path in tmp_path.iterdir()] == ["rides.csv"]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--data", "levle=2"], 2, "levle"),
        (["--level", "9"], 2, "there is no level 9; the levels are 0, 1, 2, 3, 4"),
        (["--level", "two"], 2, "there is no level two; the levels are 0, 1, 2, 3, 4"),
        (["--data", "level=9"], 2, "there is no level 9; the levels are 0, 1, 2, 3, 4"),
        (["--data", "package_name=1x"], 2, "lower-case letter"),
        (["--data", "package_name"], 2, "--data package_name=..."),
        (["--answers", "list.yml"], 2, "list.yml"),
        (["--target", "churned"], 2, "--from"),
        (["--from", "list.yml"], 2, "--target"),
        (["--template", "nowhere"], 2, "nowhere"),
        (["--template-version", "v9"], 2, "v9"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_call_makes_nothing(
    ladder: Ladder, tmp_path: Path, options: list[str], code: int, words: str
) -> None:
    (tmp_path / "list.yml").write_text("- level\n")
    template = [] if "--template" in options else ["--template", str(ladder.template)]
    called = ["new", "deep/project", "--defaults", *options, *template]
    said = refused(*called, cwd=tmp_path, code=code)
    assert words in said
    assert [path.name for path in tmp_path.iterdir()] == ["list.yml"]


def test_a_folder_that_is_not_empty(ladder: Ladder, tmp_path: Path) -> None:
    here = ["--defaults", "--template", str(ladder.template)]
    (tmp_path / "ours").mkdir()
    done("new", "ours", *here, cwd=tmp_path)
    before = tree(tmp_path / "ours")
    assert "--into" in refused("new", "ours", *here, "--level", "1", cwd=tmp_path)
    (tmp_path / "file").write_text("ours\n")
    assert "is not a folder" in refused("new", "file", *here, cwd=tmp_path)
    assert tree(tmp_path / "ours") == before


@pytest.mark.slow
def test_into_a_folder_adds_and_never_writes_over(ladder: Ladder, tmp_path: Path) -> None:
    here = ["--defaults", "--template", str(ladder.template), "--into"]
    own = {"notes.txt": b"ours\n", "data/rides.csv": b"1\n"}
    for name, body in own.items():
        (tmp_path / "ours" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ours" / name).write_bytes(body)
    done("new", "ours", *here, cwd=tmp_path)
    assert tree(tmp_path / "ours") == tree(ladder.fresh(0, project_name="Ours")) | own
    assert not (tmp_path / "ours/.git").exists()
    done("new", "ours", *here, cwd=tmp_path)

    (tmp_path / "ours/README.md").write_text("ours\n")
    (tmp_path / "ours/docs").write_text("a file\n")
    before = tree(tmp_path / "ours")
    said = refused("new", "ours", *here, "--level", "1", cwd=tmp_path)
    assert "\n  README.md" in said and "\n  docs/1-ci.md" in said
    assert tree(tmp_path / "ours") == before


@pytest.mark.slow
def test_a_repository_around_it_keeps_the_history(ladder: Ladder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("ours\n")
    commit_all(tmp_path, "Ours")
    here = ["--defaults", "--template", str(ladder.template)]
    done("new", "project", *here, cwd=tmp_path)
    assert not (tmp_path / "project/.git").exists()
    done("new", "other", "--no-git", *here, cwd=tmp_path)
    assert not (tmp_path / "other/.git").exists()


@pytest.mark.slow
def test_without_a_name_to_commit_in_everything_is_ready(ladder: Ladder, tmp_path: Path) -> None:
    unnamed = dict.fromkeys(NAMED, "")
    here = ["new", "project", "--defaults", "--template", str(ladder.template)]
    said = done(*here, cwd=tmp_path, GIT_CONFIG_GLOBAL=str(tmp_path / "none"), **unnamed)
    assert "user.name" in said
    project = tmp_path / "project"
    assert set(git(project, "diff", "--cached", "--name-only").splitlines()) == set(tree(project))


@pytest.mark.slow
def test_nobody_is_asked_without_a_terminal(ladder: Ladder, tmp_path: Path) -> None:
    finished = run("new", "project", "--level", "0", "--template", ladder.template, cwd=tmp_path)
    assert finished.returncode == 0 and finished.stdout == ""
    assert tree(tmp_path / "project") == tree(ladder.fresh(0, project_name="Project"))


@pytest.mark.slow
def test_a_disk_that_takes_no_more_leaves_nothing(ladder: Ladder, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked/file").write_text("")
    here = ["--defaults", "--template", str(ladder.template)]
    result = call("new", "locked/file/project", *here, cwd=tmp_path)
    assert result.exit_code == 1
    assert [path.name for path in (tmp_path / "locked").iterdir()] == ["file"]


MAKEFILE = """\
setup:
\t@echo locked > uv.lock
notebook:
\t@{}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("job", "code"), [("echo trained", 0), ("exit 1", 1)])
def test_it_runs_the_main_job_of_the_level(
    ladder: Ladder, tmp_path: Path, job: str, code: int
) -> None:
    shutil.copytree(ladder.template, tmp_path / "template")
    (tmp_path / "template/template/Makefile.jinja").write_text(MAKEFILE.format(job))
    commit_all(tmp_path / "template", "A job that is done at once")
    git(tmp_path / "template", "tag", "v0.0.2")
    called = ["new", "project", "--run", "--level", "0", "--template", str(tmp_path / "template")]
    finished = run(*called, cwd=tmp_path)
    assert finished.returncode == code and finished.stdout == ""
    assert ("trained" in finished.stderr) == (code == 0)
    assert ("the project was generated" in finished.stderr) == (code == 1)
    commits = git(tmp_path / "project", "log", "--format=%s").splitlines()
    locked = ["Lock the dependencies"] if code == 0 else []
    assert commits == [*locked, "Start at level 0"]
