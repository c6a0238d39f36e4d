"""Tests that climbing to a level gives the fresh project of that level, up and down.

The command does so between all pairs of levels. Copier alone is slower, and does so level by level
and from end to end.
"""

from collections.abc import Callable
from itertools import combinations, pairwise, permutations
from pathlib import Path

import pytest

from commands import done
from projects import LEVELS, Ladder, answers_of, commit_all, folders, tree, update

SPECIAL = [
    pytest.param(
        {
            "project_name": 'Bäume & "Blätter"',
            "description": "C:\\new # 100 %: it's <b>fine</b>",
            "author_name": "Ada O'Hara",
            "author_email": "ada@example.org",
            "license": "MIT",
        },
        id="special characters",
    ),
    pytest.param(
        {
            "license": "Apache-2.0",
            "ci_provider": "none",
            "package_name": "x",
            "deploy_target": "kubernetes",
        },
        id="no CI",
    ),
]


# Quick tests climb one level, and go back.
QUICK = [(LEVELS[0], LEVELS[1]), (LEVELS[1], LEVELS[0])]
JUMPS = [
    pytest.param(*jump, marks=[] if jump in QUICK else pytest.mark.slow)
    for jump in permutations(LEVELS, 2)
]


@pytest.mark.parametrize(("start", "goal"), JUMPS)
def test_one_jump(ladder: Ladder, start: int, goal: int) -> None:
    check_jump(ladder, start, goal, {}, climb)


@pytest.mark.slow
@pytest.mark.parametrize("answers", SPECIAL)
def test_one_jump_with_other_answers(ladder: Ladder, answers: dict[str, str]) -> None:
    """Each level's files are rendered, those of the lowest from the highest."""
    for start, goal in pairwise([*LEVELS, LEVELS[0]]):
        check_jump(ladder, start, goal, answers, climb)


@pytest.mark.slow
@pytest.mark.parametrize("answers", [pytest.param({}, id="defaults"), *SPECIAL])
@pytest.mark.parametrize(("start", "goal"), [(LEVELS[0], LEVELS[-1]), (LEVELS[-1], LEVELS[0])])
def test_one_jump_by_copier_alone(
    ladder: Ladder, start: int, goal: int, answers: dict[str, str]
) -> None:
    check_jump(ladder, start, goal, answers, update)


def climb(project: Path, level: int, **answers: str) -> None:
    """Change the level with `mlops-ladder climb`."""
    pairs = [word for name, answer in answers.items() for word in ("--data", f"{name}={answer}")]
    done("climb", str(level), *pairs, cwd=project)


def check_jump(
    ladder: Ladder, start: int, goal: int, answers: dict[str, str], by: Callable[..., None]
) -> None:
    """Check that changing the level gives the fresh project of the other level."""
    project = ladder.project(start, **answers)
    # Questions of a higher level are answered during the climb.
    by(project, goal, **answers)
    fresh = ladder.fresh(goal, **answers)
    assert tree(project) == tree(fresh)
    assert folders(project) == folders(fresh)


@pytest.mark.slow
@pytest.mark.parametrize("order", [LEVELS, LEVELS[::-1]], ids=["up", "down"])
def test_step_by_step(ladder: Ladder, order: list[int]) -> None:
    """With copier alone, tests/test_user_edits.py goes step by step."""
    project = ladder.project(order[0])
    for level in order[1:]:
        climb(project, level)
        commit_all(project, f"Climb to level {level}")
        assert tree(project) == tree(ladder.fresh(level))


def test_a_climb_keeps_the_template_version(ladder: Ladder) -> None:
    project = ladder.project(LEVELS[0])
    before = answers_of(project)["_commit"]
    climb(project, LEVELS[-1])
    assert answers_of(project)["_commit"] == before == "v0.0.1"


@pytest.mark.parametrize(
    ("start", "goal"),
    [
        pytest.param(*jump, marks=[] if jump[1] - jump[0] == 1 else pytest.mark.slow)
        for jump in combinations(LEVELS, 2)
    ],
)
def test_a_climb_adds_and_hardly_edits(ladder: Ladder, start: int, goal: int) -> None:
    before, after = tree(ladder.fresh(start)), tree(ladder.fresh(goal))
    assert before.keys() < after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {".copier-answers.yml", "pyproject.toml"}
