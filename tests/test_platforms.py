"""Tests of the platforms: the answers that choose them climb, change, and meet the criteria.

Sixteen projects cover every pair of answers. What each platform does is tested elsewhere.
"""

from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from commands import done, refused
from installation import Installation
from mlops_ladder.assess.engine import assess
from projects import (
    CI_PROVIDERS,
    DEPLOY_TARGETS,
    LEVELS,
    ORCHESTRATORS,
    Ladder,
    answers_of,
    commit_all,
    folders,
    tree,
)

CHOICES: dict[str, list[Any]] = {
    "ci_provider": CI_PROVIDERS,
    "orchestrator": ORCHESTRATORS,
    "deploy_target": DEPLOY_TARGETS,
    "devcontainer": [False, True],
}
# An orthogonal array: the rows and columns of a Latin square, its symbols, and a fourth column.
PAIRWISE = [
    {
        "ci_provider": CI_PROVIDERS[row],
        "orchestrator": ORCHESTRATORS[column],
        "deploy_target": DEPLOY_TARGETS[(row + column) % 4],
        "devcontainer": (row + 2 * column) // 2 % 2 == 1,
    }
    for row, column in product(range(4), repeat=2)
]
SINGLE = [
    {question: choice}
    for question, choices in CHOICES.items()
    for choice in choices[1:]
    if choice != "none"
]


def named(answers: dict[str, Any]) -> str:
    """Return the answers as the name of a test."""
    return "-".join(str(answer) for answer in answers.values())


def climb(project: Path, level: int, answers: dict[str, Any]) -> None:
    """Climb, and commit."""
    pairs = [word for name, answer in answers.items() for word in ("--data", f"{name}={answer}")]
    done("climb", str(level), *pairs, cwd=project)
    commit_all(project, f"Climb to level {level}")


def check_equal(project: Path, fresh: Path) -> None:
    """Check that two projects have the same files and folders."""
    assert tree(project) == tree(fresh)
    assert folders(project) == folders(fresh)


def test_every_pair_of_answers_is_covered() -> None:
    for one, other in combinations(CHOICES, 2):
        wanted = set(product(CHOICES[one], CHOICES[other]))
        assert {(answers[one], answers[other]) for answers in PAIRWISE} == wanted


@pytest.mark.slow
@pytest.mark.parametrize("answers", PAIRWISE, ids=named)
def test_each_climb_equals_fresh(ladder: Ladder, answers: dict[str, Any]) -> None:
    project = ladder.project(LEVELS[0], **answers)
    for level in [*LEVELS[1:], *LEVELS[-2::-1]]:
        climb(project, level, answers)
        check_equal(project, ladder.fresh(level, **answers))


@pytest.mark.slow
@pytest.mark.parametrize("question", CHOICES)
def test_another_platform_can_be_chosen_later(ladder: Ladder, question: str) -> None:
    """Its pieces arrive at the same level, and those of the platform before leave."""
    choices, level = CHOICES[question], LEVELS[-1]
    project = ladder.project(level, **{question: choices[0]})
    for choice in [*choices[1:], choices[0]]:
        climb(project, level, {question: choice})
        check_equal(project, ladder.fresh(level, **{question: choice}))


@pytest.mark.slow
def test_an_edited_piece_of_the_platform_before_is_not_removed(ladder: Ladder) -> None:
    project = ladder.project(2, orchestrator="kubeflow")
    (edited,) = project.glob("make/kubeflow.mk")
    edited.write_text(edited.read_text() + "# ours\n")
    commit_all(project, "Edit")
    change = ["climb", "2", "--data", "orchestrator=local"]
    assert "make/kubeflow.mk" in refused(*change, cwd=project)
    done(*change, "--edited", "keep", cwd=project)
    assert edited.exists()
    assert answers_of(project)["orchestrator"] == "local"
    assert not (project / "docs/kubeflow.md").exists()


@pytest.mark.parametrize("level", LEVELS)
def test_a_project_has_no_piece_of_a_platform_unless_asked(ladder: Ladder, level: int) -> None:
    names = [*{choice for choices in CHOICES.values() for choice in choices[1:]} - {True, "none"}]
    absent = [name for name in names if name != "kubernetes"]
    for path in tree(ladder.fresh(level)):
        assert not any(name in path.lower() for name in [*absent, "devcontainer"]), path


@pytest.mark.slow
@pytest.mark.parametrize("answers", SINGLE, ids=named)
def test_a_platform_is_an_adapter(ladder: Ladder, answers: dict[str, Any]) -> None:
    """It adds few files and little code, so that its owner can read it."""
    default, platform = (tree(ladder.fresh(LEVELS[-1], **chosen)) for chosen in ({}, answers))
    added = {path: body for path, body in platform.items() if path not in default}
    code = [body for path, body in added.items() if path.endswith(".py") and path.startswith("src")]
    assert len(added) <= 12
    assert sum(body.count(b"\n") for body in code) <= 250


@pytest.mark.slow
@pytest.mark.parametrize("answers", SINGLE, ids=named)
@pytest.mark.parametrize("level", LEVELS[1:])
def test_the_same_criteria_are_met(ladder: Ladder, level: int, answers: dict[str, Any]) -> None:
    def required(project: Path) -> dict[str, str]:
        found = assess(tree(project))
        return {
            one.id: found.findings[one.id].status for one in found.criteria if one.kind == "must"
        }

    assert required(ladder.fresh(level, **answers)) == required(ladder.fresh(level))


@pytest.mark.slow
@pytest.mark.platform
@pytest.mark.parametrize(
    ("level", "answers"),
    [
        *product([2, 4], [{"orchestrator": choice} for choice in ORCHESTRATORS[1:]]),
        *product([3, 4], [{"deploy_target": choice} for choice in ("kserve", "seldon")]),
    ],
    ids=str,
)
def test_the_code_of_a_platform_is_clean(
    ladder: Ladder, installed: Path, level: int, answers: dict[str, Any]
) -> None:
    """The other platforms bring no Python."""
    Installation(ladder.project(level, **answers), installed).make("lint types")


@pytest.mark.slow
@pytest.mark.platform
def test_the_project_tests_what_tfx_calls(ladder: Ladder, installed: Path) -> None:
    installation = Installation(ladder.project(LEVELS[-1], orchestrator="tfx"), installed)
    finished = installation.run("pytest -q tests/tfx")
    assert finished.returncode == 0, finished.stdout
