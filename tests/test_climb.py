"""Tests of `climb`: it moves a project to a level, or refuses and changes nothing."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import call, done, refused, run
from edits import BINARY, CONFLICTING, PACKAGE, PARAMETERS, Edit, appends, make, writes
from mlops_ladder.commands import migrate
from mlops_ladder.migration import index, transaction
from mlops_ladder.migration.transaction import write_journal
from mlops_ladder.project import open_project
from projects import LEVELS, Ladder, answers_of, commit_all, git, tree

TOP = LEVELS[-1]


def with_work(ladder: Ladder, level: int, *edits: Edit) -> Path:
    """Return a project with committed edits."""
    project = ladder.project(level)
    make(project, list(edits))
    commit_all(project, "Our work")
    return project


def head(project: Path) -> tuple[str, str]:
    """Return the current branch and its commit."""
    branch, commit = git(project, "branch", "--show-current"), git(project, "rev-parse", "HEAD")
    return branch.strip(), commit.strip()


def test_it_makes_what_a_fresh_project_of_the_level_is(ladder: Ladder) -> None:
    project = ladder.project(0)
    said = done("climb", "1", cwd=project)
    assert tree(project) == tree(ladder.fresh(1))
    assert "level 1" in said
    done("climb", "0", "--edited", "drop", cwd=committed(project))
    assert tree(project) == tree(ladder.fresh(0))


def committed(project: Path) -> Path:
    """Commit everything, and return the project."""
    commit_all(project, "The climb")
    return project


@pytest.mark.slow
def test_one_command_of_git_undoes_it(ladder: Ladder) -> None:
    project = ladder.project(1)
    before = tree(project)
    done("climb", "2", cwd=project)
    assert git(project, "diff", "--name-only") == ""
    git(project, "reset", "--hard", "--quiet")
    assert tree(project) == before
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_on_a_branch_and_committed(ladder: Ladder) -> None:
    project = ladder.project(1)
    branch, commit = head(project)
    done("climb", "2", "--branch", "up", "--commit", cwd=project)
    assert head(project)[0] == "up"
    assert git(project, "rev-parse", "HEAD^", branch).split() == [commit] * 2
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "log", "-1", "--format=%s") == "Climb from level 1 to level 2\n"
    git(project, "switch", "--quiet", branch)
    assert tree(project) == tree(ladder.fresh(1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--branch", "main"], "branch main already exists"),
        (["--branch", "no..name"], "no..name is not a valid branch name"),
        (["--data", "deploy=x"], "deploy_target"),
        (["--data", "deploy_target=moon"], "moon"),
        (["--data", "deploy_target"], "--data deploy_target has no answer"),
        (["--answers", "README.md"], "README.md"),
    ],
)
def test_a_wrong_call_changes_nothing(ladder: Ladder, options: list[str], words: str) -> None:
    project = ladder.project(0)
    before = tree(project), head(project)
    result = call("climb", "3", *options, cwd=project)
    assert result.exit_code == (1 if "main" in options else 2)
    assert words in result.stderr
    assert (tree(project), head(project)) == before


def test_what_is_not_committed_is_refused(ladder: Ladder) -> None:
    project = ladder.project(0)
    appends("README.md", "not committed\n")(project)
    writes("own.py", "new = True\n")(project)
    before = tree(project)
    said = refused("climb", "1", cwd=project)
    assert " M README.md" in said and "?? own.py" in said
    assert tree(project) == before


def test_where_there_is_no_project(ladder: Ladder, tmp_path: Path) -> None:
    assert ".copier-answers.yml" in refused("climb", "1", cwd=tmp_path)
    shutil.copytree(ladder.fresh(0), tmp_path / "copied")
    assert "git" in refused("climb", "1", cwd=tmp_path / "copied")
    git(tmp_path / "copied", "init", "--quiet")
    assert "no commit" in refused("climb", "1", cwd=tmp_path / "copied")
    (tmp_path / "copied/.copier-answers.yml").write_text("level: [\n")
    assert "cannot be read" in refused("climb", "1", cwd=tmp_path / "copied")
    (tmp_path / "copied/.copier-answers.yml").write_text("level: 1\n")
    assert "_src_path" in refused("climb", "1", cwd=tmp_path / "copied")


def test_it_stands_there_already(ladder: Ladder) -> None:
    project = ladder.project(1)
    assert "the project is already at level 1" in done("climb", "1", cwd=project)
    assert git(project, "status", "--porcelain") == ""


def test_an_answer_to_a_question_of_a_higher_level_is_not_used_and_it_is_said(
    ladder: Ladder,
) -> None:
    project = ladder.project(0)
    said = done("climb", "1", "--data", "orchestrator=kubeflow", cwd=project)
    assert "note: orchestrator is not asked at level 1, so its answer is not used" in said
    assert tree(project) == tree(ladder.fresh(1))


@pytest.mark.slow
def test_both_wrote_the_same_lines(ladder: Ladder) -> None:
    """Copier exits with code 0; see tests/test_user_edits.py."""
    project = with_work(ladder, 0, *CONFLICTING)
    result = call("climb", str(TOP), cwd=project)
    assert result.exit_code == 3
    unmerged = git(project, "diff", "--name-only", "--diff-filter=U").splitlines()
    assert unmerged
    for name in unmerged:
        body = (project / name).read_text(encoding="utf-8")
        line = body[: body.index("<<<<<<< yours\n")].count("\n") + 1
        assert f"{name}:{line}: " in result.stderr
        assert f">>>>>>> level-{TOP}\n" in body
    git(project, "reset", "--hard", "--quiet")
    before = tree(project)
    assert "--commit" in refused("climb", str(TOP), "--commit", cwd=project)
    assert tree(project) == before


@pytest.mark.slow
def test_a_table_that_both_bring_is_a_conflict(ladder: Ladder) -> None:
    own = Edit("own", 0, appends("pyproject.toml", "\n[tool.ruff]\nindent-width = 2\n"))
    project = with_work(ladder, 0, own)
    result = call("climb", "1", cwd=project)
    assert result.exit_code == 3
    lines = (project / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    second = max(number for number, line in enumerate(lines, 1) if line == "[tool.ruff]")
    assert f"pyproject.toml:{second}: " in result.stderr


@pytest.mark.slow
def test_a_binary_file_of_the_users_stays(ladder: Ladder) -> None:
    """Copier overwrites it; see tests/test_user_edits.py."""
    guide = "docs/2-pipelines.md"
    project = with_work(ladder, 1, Edit("own", 1, writes(guide, BINARY)))
    result = call("climb", "2", cwd=project)
    assert result.exit_code == 3
    assert f"{guide}: " in result.stderr
    assert (project / guide).read_bytes() == BINARY
    git(project, "checkout", "--theirs", "--", guide)
    assert (project / guide).read_bytes() == tree(ladder.fresh(2))[guide]


@pytest.mark.slow
@pytest.mark.parametrize("own", ["file", "link", "folder's name"])
def test_what_git_ignores_is_never_written_over(ladder: Ladder, own: str) -> None:
    """Copier overwrites such files silently; see tests/test_user_edits.py."""
    project = ladder.project(1)
    appends(".gitignore", "/params.yaml\n/src/*/pipelines\n")(project)
    commit_all(project, "Our work")
    if own == "file":
        writes("params.yaml", "trees: 100\n")(project)
    elif own == "link":
        (project / "params.yaml").symlink_to("nowhere")
    else:
        writes(f"{PACKAGE}/pipelines", "notes\n")(project)
    before = tree(project)
    said = refused("climb", "2", cwd=project)
    assert ("pipelines" if own == "folder's name" else "params.yaml") in said
    assert tree(project) == before
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_file_where_the_level_has_a_folder(ladder: Ladder) -> None:
    project = with_work(ladder, 0, Edit("own", 0, writes("docs", "our notes\n")))
    before = tree(project)
    assert "docs" in refused("climb", "1", cwd=project)
    assert tree(project) == before


@pytest.mark.slow
def test_going_down_stops_before_edited_files(ladder: Ladder) -> None:
    """Copier deletes them silently; see tests/test_user_edits.py."""
    own = Edit("own module", 2, writes(f"{PACKAGE}/pipelines/own.py", "AIRPORT = 132\n"))
    project = with_work(ladder, 2, PARAMETERS, own)
    before = tree(project)
    said = refused("climb", "1", cwd=project)
    assert "\n  params.yaml\n" in said and "own.py" not in said
    assert tree(project) == before

    done("climb", "1", "--edited", "keep", "--commit", cwd=project)
    kept = tree(project)
    assert kept["params.yaml"] == before["params.yaml"]
    assert kept[f"{PACKAGE}/pipelines/own.py"] == b"AIRPORT = 132\n"
    git(project, "reset", "--hard", "--quiet", "HEAD^")
    done("climb", "1", "--edited", "drop", cwd=project)
    assert not (project / "params.yaml").exists()
    assert (project / PACKAGE / "pipelines/own.py").exists()


@pytest.mark.slow
def test_what_the_user_deleted_stays_deleted(ladder: Ladder) -> None:
    project = ladder.project(1)
    (project / "pyproject.toml").unlink()
    commit_all(project, "Our work")
    said = done("climb", "2", cwd=project)
    assert not (project / "pyproject.toml").exists()
    assert "pyproject.toml stays deleted" in said


@pytest.mark.slow
def test_a_project_in_a_folder_of_a_repository(ladder: Ladder, tmp_path: Path) -> None:
    project = tmp_path / "all our work/taxis"
    shutil.copytree(ladder.fresh(1), project)
    writes("other/file.txt", "of others\n")(tmp_path / "all our work")
    commit_all(tmp_path / "all our work", "Everything")
    done("climb", "2", "--project", project / "src", "--commit", cwd=tmp_path)
    assert tree(project) == tree(ladder.fresh(2))
    changed = git(tmp_path / "all our work", "diff", "--name-only", "HEAD^").splitlines()
    assert changed and all(name.startswith("taxis/") for name in changed)
    assert git(tmp_path / "all our work", "status", "--porcelain") == ""


def test_without_a_name_to_commit_in(ladder: Ladder) -> None:
    project = ladder.project(1)
    before = tree(project)
    result = call("climb", "2", "--commit", cwd=project, GIT_AUTHOR_NAME="", GIT_COMMITTER_NAME="")
    assert result.exit_code == 1 and "user.name" in result.stderr
    assert tree(project) == before


TESTED = """\
setup:
\techo new > uv.lock
test:
\t@test -e params.yaml
\t@test {}
"""


@pytest.mark.slow
@pytest.mark.parametrize("locked", [True, False])
def test_the_projects_own_tests_decide(ladder: Ladder, locked: bool) -> None:
    project = ladder.project(1)
    writes("Makefile", TESTED.format("1 = 2"))(project)
    if locked:
        writes("uv.lock", "old\n")(project)
    commit_all(project, "Our work")
    before, stood = tree(project), head(project)
    result = run("climb", "2", "--test", "--branch", "up", "--commit", cwd=project)
    assert result.returncode == 1
    assert "tests fail" in result.stderr and result.stdout == ""
    assert (tree(project), head(project)) == (before, stood)
    assert git(project, "branch", "--list", "up") == ""
    assert git(project, "status", "--porcelain") == ""

    writes("Makefile", TESTED.format("1 = 1"))(project)
    commit_all(project, "Tests pass")
    assert run("climb", "2", "--test", "--commit", cwd=project).returncode == 0
    assert (project / "uv.lock").read_text() == "new\n"
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_dry_run_is_the_plan(ladder: Ladder) -> None:
    project = ladder.project(1)
    plan = call("plan", "2", cwd=project).stdout
    assert call("climb", "2", "--dry-run", cwd=project).stdout == plan
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_template_that_is_gone(ladder: Ladder, tmp_path: Path) -> None:
    shutil.copytree(ladder.template, tmp_path / "template")
    project = ladder.generate(tmp_path / "project", 0)
    answers = project / ".copier-answers.yml"
    text = answers.read_text().replace(str(ladder.template), str(tmp_path / "gone"))
    answers.write_text(text)
    commit_all(project, "Level 0")
    assert "--template" in refused("climb", "1", cwd=project)
    done("climb", "1", "--template", tmp_path / "template", cwd=project)
    assert str(tmp_path / "template") in answers.read_text()
    assert git(project, "diff", "--name-only", "--diff-filter=U") == ""


@pytest.mark.slow
def test_a_comment_among_the_answers_stays(ladder: Ladder) -> None:
    project = ladder.project(1)
    answers = project / ".copier-answers.yml"
    answers.write_text("# Ask Ada before you change the licence.\n" + answers.read_text())
    commit_all(project, "Our work")
    done("climb", "2", cwd=project)
    assert answers.read_text().startswith("# Ask Ada")
    assert answers_of(project)["level"] == 2


@pytest.mark.slow
def test_what_is_saved_meanwhile_is_not_lost(
    ladder: Ladder, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ladder.project(1)
    before = tree(project)

    def save_meanwhile(*arguments: Any) -> None:
        write_journal(*arguments)
        appends("pyproject.toml", "# saved by an editor\n")(project)

    monkeypatch.setattr(transaction, "write_journal", save_meanwhile)
    assert "pyproject.toml was changed meanwhile" in refused("climb", "2", cwd=project)
    saved = before["pyproject.toml"] + b"# saved by an editor\n"
    assert tree(project) == before | {"pyproject.toml": saved}
    assert git(project, "status", "--porcelain") == " M pyproject.toml\n"


@pytest.mark.slow
def test_what_is_committed_meanwhile_is_not_lost(
    ladder: Ladder, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ladder.project(1)

    def commit_meanwhile(*_: Any) -> None:
        appends("pyproject.toml", "# committed by a colleague\n")(project)
        commit_all(project, "A colleague's work")

    monkeypatch.setattr(migrate, "check_losses", commit_meanwhile)
    assert "another commit was made meanwhile" in refused("climb", "2", cwd=project)
    assert b"by a colleague" in tree(project)["pyproject.toml"]
    assert git(project, "status", "--porcelain") == ""


def full_disk(*_: Any) -> None:
    """Raise the error of a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


def fails_once(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function whose first call fails as on a full disk."""
    calls = []

    def failing(*arguments: Any) -> None:
        calls.append(arguments)
        full_disk() if len(calls) == 1 else function(*arguments)

    return failing


@pytest.mark.slow
def test_a_failure_on_the_way_changes_nothing(
    ladder: Ladder, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ladder.project(1)
    before, stood = tree(project), head(project)

    monkeypatch.setattr(index, "replace", fails_once(index.replace))
    result = call("climb", "2", "--branch", "up", cwd=project)
    assert isinstance(result.exception, OSError)
    assert (tree(project), head(project)) == (before, stood)
    assert git(project, "status", "--porcelain") == git(project, "branch", "--list", "up") == ""


@pytest.mark.slow
def test_what_cannot_be_undone_at_once_is_undone_by_the_next_run(
    ladder: Ladder, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ladder.project(1)
    before = tree(project)

    with monkeypatch.context() as broken:
        broken.setattr(index, "replace", full_disk)
        broken.setattr(transaction, "undo", full_disk)
        assert isinstance(call("climb", "2", cwd=project).exception, OSError)
    assert tree(project) != before
    assert "It was undone" in done("climb", "1", cwd=project)
    assert tree(project) == before


@pytest.mark.slow
def test_two_at_once_do_not_meet(ladder: Ladder) -> None:
    project = ladder.project(0)
    before = tree(project)
    with transaction.exclusive(open_project(project)):
        said = refused("climb", "1", cwd=project)
    assert "another mlops-ladder is changing" in said
    assert tree(project) == before
