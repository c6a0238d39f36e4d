"""Tests of `plan`: it predicts exactly what `climb` does, including merge conflicts."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from commands import call, done, printed, refused
from edits import ALONE, CONFLICTING, MERGING, Edit, appends, make, writes
from projects import LEVELS, Ladder, commit_all, git, tree

OWN_LINT = Edit("own lint settings", 0, appends("pyproject.toml", "\n[tool.ruff]\nsrc = []\n"))
EDITS = {
    "edits that merge": MERGING,
    "edits that conflict": [*CONFLICTING, OWN_LINT],
    "no edits": [],
} | {str(edit): [edit] for edit in ALONE}
BOTTOM, TOP = LEVELS[0], LEVELS[-1]
PAIRS = list(itertools.permutations(LEVELS, 2))
# Edits that merge and edits that conflict, between any two levels; the others up to the top.
COMBINED = [
    *itertools.product(PAIRS, ["edits that merge", "edits that conflict"]),
    ((BOTTOM, TOP), "no edits"),
    *(((min(edit.level, TOP - 1), TOP), str(edit)) for edit in ALONE),
]
QUICK = [((1, 2), "edits that merge")]
CASES = [
    pytest.param(*pair, edits, marks=[] if (pair, edits) in QUICK else pytest.mark.slow)
    for pair, edits in COMBINED
]


def prepared(ladder: Ladder, level: int, edits: list[Edit]) -> Path:
    """Return a project of the level with the edits that are possible at it."""
    project = ladder.project(level)
    make(project, [edit for edit in edits if edit.level <= level])
    commit_all(project, "Our work")
    return project


def everything(project: Path) -> dict[str, bytes]:
    """Return every file of the project, including those in `.git`."""
    return tree(project) | {
        str(path): path.read_bytes() for path in (project / ".git").rglob("*") if path.is_file()
    }


def planned(project: Path, level: int, *options: str) -> dict[str, Any]:
    """Return the plan's JSON document."""
    text = printed("plan", str(level), "--json", "--project", project, *options, cwd=project)
    plan: dict[str, Any] = json.loads(text)
    return plan


def differences(before: dict[str, bytes], after: dict[str, bytes]) -> dict[str, list[str]]:
    """List the files that were added, changed and removed."""
    return {
        "added": sorted(after.keys() - before.keys()),
        "changed": sorted(n for n in before.keys() & after.keys() if before[n] != after[n]),
        "removed": sorted(before.keys() - after.keys()),
    }


def unresolved(project: Path) -> list[tuple[str, int | None]]:
    """List the conflicts in the working tree and in git's index."""
    unmerged = git(project, "diff", "--name-only", "--diff-filter=U").splitlines()
    found: list[tuple[str, int | None]] = []
    for name in unmerged:
        lines = (project / name).read_bytes().splitlines()
        marks = [number for number, line in enumerate(lines, 1) if line.startswith(b"<<<<<<< ")]
        found += [(name, mark) for mark in marks] or [(name, None)]
    return sorted(found, key=str)


@pytest.mark.parametrize(("start", "target", "edits"), CASES)
def test_what_it_foretells_is_what_climb_does(
    ladder: Ladder, start: int, target: int, edits: str
) -> None:
    project = prepared(ladder, start, EDITS[edits])
    (project / "README.md").touch()  # git status would refresh the index, if it could
    before, untouched = tree(project), everything(project)
    plan = planned(project, target)
    assert everything(project) == untouched

    if plan["edited_and_removed"]:
        said = refused("climb", str(target), cwd=project)
        assert [name for name in before if f"\n  {name}\n" in said] == plan["edited_and_removed"]
        assert tree(project) == before

    result = call("climb", str(target), "--edited", "keep", cwd=project)
    assert result.exit_code == (3 if plan["conflicts"] else 0), result.output
    after = tree(project)
    changed = [change["path"] for change in plan["files"]["changed"]]
    assert differences(before, after) == plan["files"] | {"changed": changed}
    of_lines = [c for c in plan["conflicts"] if "added the same table" not in c["reason"]]
    predicted = sorted(((c["path"], c["line"]) for c in of_lines), key=str)
    assert unresolved(project) == predicted
    for conflict in plan["conflicts"]:
        place = f"{conflict['path']}:{conflict['line']}" if conflict["line"] else conflict["path"]
        assert place in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS[:-1])
def test_it_names_the_questions_that_climb_asks(ladder: Ladder, level: int) -> None:
    project, target = ladder.project(level), LEVELS[-1]
    asked = {question["name"] for question in planned(project, target)["questions"]}
    new = ladder.fresh(target) / ".copier-answers.yml"
    old = ladder.fresh(level) / ".copier-answers.yml"
    names = [{line.partition(":")[0] for line in f.read_text().splitlines()} for f in (new, old)]
    assert asked == names[0] - names[1]


@pytest.mark.slow
def test_answers_decide_what_arrives(ladder: Ladder) -> None:
    project = ladder.project(2)
    added = planned(project, 3, "--data", "deploy_target=kubernetes")["files"]["added"]
    assert "deploy/kubernetes/base/service.yaml" in added
    assert not [name for name in added if name.startswith("deploy/compose")]


@pytest.mark.slow
def test_files_that_git_ignores_are_seen_in_the_way(ladder: Ladder) -> None:
    project = ladder.project(1)
    appends(".gitignore", "/params.yaml\n")(project)
    commit_all(project, "Our work")
    writes("params.yaml", "trees: 100\n")(project)
    (blocked,) = planned(project, 2)["blocked"]
    assert blocked.startswith("params.yaml")


@pytest.mark.slow
def test_it_leaves_out_what_is_not_committed_and_says_so(ladder: Ladder) -> None:
    project = ladder.project(0)
    clean = planned(project, 1)
    appends("README.md", "not committed\n")(project)
    assert planned(project, 1) == clean
    assert "uncommitted changes are not part of the plan" in done("plan", "1", cwd=project)


def test_a_level_that_there_is_not_is_a_wrong_call(ladder: Ladder) -> None:
    project = ladder.project(0)
    said = refused("plan", "9", cwd=project, code=2)
    assert "there is no level 9; the levels are 0, 1, 2, 3, 4" in said
    said = refused("plan", "1", "--data", "x", cwd=project, code=2)
    assert "--data x has no answer; write --data x=..." in said
