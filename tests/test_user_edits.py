"""Tests that users' edits survive a climb, and that nothing else differs from a fresh project.

The later tests show what copier alone loses silently, which the README warns of. If one of them
fails after an update of copier, the warning can go.
"""

import itertools
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import done
from edits import (
    ALONE,
    BINARY,
    CONFLICTING,
    IN_PYPROJECT,
    MERGING,
    PACKAGE,
    PARAMETERS,
    REWRITE,
    Change,
    Edit,
    appends,
    executables,
    make,
    writes,
)
from installation import Installation
from projects import LEVELS, Ladder, commit_all, git, tree, update

TOP = LEVELS[-1]
JUMPS = [[start, TOP] for start in LEVELS[:-1]]


def edited(ladder: Ladder, level: int, edits: list[Edit]) -> tuple[Path, Change]:
    """Return a project with committed edits, and their effect."""
    project = ladder.project(level)
    change = make(project, edits)
    commit_all(project, "Our work")
    return project, change


def unmerged(project: Path) -> set[str]:
    """Return the files that are unmerged in git."""
    return set(git(project, "diff", "--name-only", "--diff-filter=U").splitlines())


def signs_of_conflict(project: Path) -> set[str]:
    """Return the files that are unmerged, have conflict markers, or are rejects."""
    files = tree(project)
    marked = {name for name, body in files.items() if b"<<<<<<< " in body or b">>>>>>> " in body}
    return unmerged(project) | marked | {name for name in files if name.endswith(".rej")}


def climb(project: Path, level: int) -> None:
    """Change the level with `mlops-ladder climb`."""
    done("climb", str(level), "--edited", "keep", cwd=project)


def walk(
    ladder: Ladder, route: list[int], edits: list[Edit], by: Callable[[Path, int], None]
) -> Path:
    """Go from level to level, making each edit once this and all later levels have its file.

    After every climb, the project must equal a fresh one with the same edits.
    """
    project = ladder.project(route[0])
    made: list[Edit] = []
    changes: list[Change] = []
    for position, level in enumerate(route):
        if position:
            by(project, level)
            assert signs_of_conflict(project) == set()
            assert [lost for change in changes for lost in change.lost_from(project)] == []
            expected = shutil.copytree(ladder.fresh(level), ladder.new_folder())
            make(expected, made)
            assert tree(project) == tree(expected)
            assert executables(project) == executables(expected)
            shutil.rmtree(expected)
        due = [edit for edit in edits if edit not in made and edit.level <= min(route[position:])]
        changes.append(make(project, due))
        made += due
        commit_all(project, f"Our work at level {level}")
    return project


@pytest.mark.slow
@pytest.mark.parametrize("edit", MERGING + ALONE, ids=str)
def test_an_edit_alone_survives(ladder: Ladder, edit: Edit) -> None:
    """It goes to the highest level at once, and step by step only if no other edit goes along."""
    for route in [LEVELS, [edit.level, TOP]][edit not in ALONE :]:
        walk(ladder, route, [edit], climb)


@pytest.mark.parametrize(
    "route",
    [
        LEVELS[:2],
        *(pytest.param(r, marks=pytest.mark.slow) for r in [LEVELS, LEVELS[::-1], *JUMPS]),
    ],
    ids=str,
)
def test_all_edits_together_survive(ladder: Ladder, route: list[int]) -> None:
    walk(ladder, route, MERGING, climb)


@pytest.mark.slow
@pytest.mark.parametrize("route", [LEVELS, LEVELS[::-1], JUMPS[0]], ids=str)
def test_all_edits_together_survive_copier_alone(ladder: Ladder, route: list[int]) -> None:
    walk(ladder, route, MERGING, update)


@pytest.mark.parametrize("edit", IN_PYPROJECT, ids=str)
def test_an_edit_of_pyproject_merges_between_any_two_levels(
    ladder: Ladder, tmp_path: Path, edit: Edit
) -> None:
    """Copier makes the same three-way merge where the user's patch does not apply."""

    def pyproject(level: int, *edits: Edit) -> Path:
        folder = tmp_path / f"{level}-{len(edits)}"
        folder.mkdir(exist_ok=True)
        shutil.copy(ladder.fresh(level) / "pyproject.toml", folder)
        for one in edits:
            one.apply(folder)
        return folder / "pyproject.toml"

    for start, goal in itertools.permutations(LEVELS[edit.level :], 2):
        sides = [pyproject(start, edit), pyproject(start), pyproject(goal)]
        merged = git(tmp_path, "merge-file", "-p", *map(str, sides))
        assert merged == pyproject(goal, edit).read_text(encoding="utf-8"), f"{start} to {goal}"


def run_copier(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run copier's command line."""
    command = [sys.executable, "-m", "copier", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def run_update(project: Path, level: int) -> subprocess.CompletedProcess[str]:
    """Run `copier update` to a level without questions."""
    answers = ["--defaults", "--data", f"level={level}"]
    return run_copier(project, "update", "--vcs-ref=:current:", *answers)


@pytest.mark.slow
def test_where_both_wrote_the_same_lines_both_stay_and_are_marked(ladder: Ladder) -> None:
    """Copier marks such conflicts, but exits with code 0. The README warns of it."""
    project, change = edited(ladder, 0, CONFLICTING)
    finished = run_update(project, TOP)
    assert finished.returncode == 0
    assert "onflict" not in finished.stdout + finished.stderr
    assert unmerged(project) == signs_of_conflict(project) == change.files
    assert change.lost_from(project) == []
    fresh, climbed = tree(ladder.fresh(TOP)), tree(project)
    assert {name for name in fresh if fresh[name] != climbed[name]} == change.files
    for name in change.files:
        assert set(fresh[name].splitlines()) <= set(climbed[name].splitlines()), name


@pytest.mark.slow
def test_a_table_that_the_climb_brings_too_is_an_error_of_the_toml_file(ladder: Ladder) -> None:
    """Copier does not report it as a conflict. The README warns of it.

    Both tables are kept, and the next program that reads the file reports the line.
    """
    own = Edit(
        "own lint settings", 0, appends("pyproject.toml", "\n[tool.ruff]\nindent-width = 2\n")
    )
    project, change = edited(ladder, 0, [own])
    update(project, TOP)
    assert signs_of_conflict(project) == set()
    assert change.lost_from(project) == []
    with pytest.raises(tomllib.TOMLDecodeError, match=r"ruff"):
        tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edit", "file"),
    [
        (PARAMETERS, "params.yaml"),
        (REWRITE, f"{PACKAGE}/problem.py"),
    ],
    ids=str,
)
def test_stepping_down_takes_edited_files_away(ladder: Ladder, edit: Edit, file: str) -> None:
    """Copier deletes edited files that the lower level lacks, silently. The README warns of it.

    The user's own files stay, and git's history has the others.
    """
    own = f"{PACKAGE}/own/zones.py"
    project, _ = edited(ladder, edit.level, [edit, Edit("", 0, writes(own, "AIRPORT = 132\n"))])
    wrote = (project / file).read_text(encoding="utf-8")
    finished = run_update(project, edit.level - 1)
    assert finished.returncode == 0
    assert file not in finished.stdout + finished.stderr
    assert not (project / file).exists()
    assert (project / own).exists()
    assert git(project, "show", f"HEAD:{file}") == wrote
    git(project, "checkout", "--", file)
    assert (project / file).read_text(encoding="utf-8") == wrote


@pytest.mark.slow
def test_an_own_file_that_git_ignores_or_holds_for_binary_is_overwritten(ladder: Ladder) -> None:
    """Copier overwrites ignored files silently, and no commit has them. The README warns of it.

    A binary file is overwritten as well, but a commit has it.
    """
    project = ladder.project(1)
    appends(".gitignore", "/params.yaml\n")(project)
    writes("docs/2-pipelines.md", BINARY)(project)
    commit_all(project, "Our work")
    writes("params.yaml", "trees: 100\n")(project)
    assert run_update(project, 2).returncode == 0
    assert signs_of_conflict(project) == set()
    fresh, climbed = tree(ladder.fresh(2)), tree(project)
    assert climbed["params.yaml"] == fresh["params.yaml"]
    assert climbed["docs/2-pipelines.md"] == fresh["docs/2-pipelines.md"]
    assert " M docs/2-pipelines.md" in git(project, "status", "--short").splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("file", ["README.md", "own.py"], ids=["changed", "new"])
def test_uncommitted_work_is_refused(ladder: Ladder, file: str) -> None:
    project = ladder.project(0)
    appends(file, "not committed\n")(project)
    before = tree(project)
    refused = run_update(project, TOP)
    assert refused.returncode != 0
    assert "dirty" in refused.stderr
    assert tree(project) == before


@pytest.mark.slow
def test_a_template_recorded_by_a_relative_path_is_not_found_again(ladder: Ladder) -> None:
    """Copier records the path as typed, relative to the current folder. The README warns of it."""
    folder = ladder.new_folder()
    shutil.copytree(ladder.template, folder / "template")
    assert run_copier(folder, "copy", "--defaults", "template", "project").returncode == 0
    commit_all(folder / "project", "Level 0")
    before = tree(folder / "project")
    refused = run_update(folder / "project", TOP)
    assert refused.returncode != 0
    assert "Local template must be a directory" in refused.stderr
    assert tree(folder / "project") == before


@pytest.mark.slow
def test_a_climbed_project_with_edits_passes_its_own_tests(ladder: Ladder, installed: Path) -> None:
    """All routes end in the same files, so one route is enough."""
    Installation(walk(ladder, LEVELS, MERGING, climb), installed).make("test")
