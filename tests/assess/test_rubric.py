"""Tests of the course's rubric: points that files show, and those that are left to a peer."""

import json
from pathlib import Path

import pytest

from assess.twins import DRIFT, PICKLED, RULES, TESTED, TRAIN, Tree, tree
from commands import printed, refused
from mlops_ladder.assess.engine import assess
from mlops_ladder.assess.rubric import Rubric, zoomcamp
from projects import LEVELS, Ladder
from projects import tree as project_tree

README = """
    # Churn

    This project predicts which customers leave within the next quarter, so that the service team
    can call them before they do. The rows come from the billing system; one row is a customer and
    a month, and the target says whether the contract ended in the three months after it.

        python train.py
"""
CI = {".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    steps:\n      - run: pytest\n"}
PREFECT = {
    "flow.py": """
        import mlflow
        import xgboost
        from prefect import flow, task

        @task
        def rows():
            return xgboost.DMatrix("train.buffer")

        @task
        def train(rows):
            return xgboost.train({}, rows)

        @task
        def evaluate(booster):
            mlflow.log_metric("auc", booster.best_score)

        @flow
        def churn():
            evaluate(train(rows()))

        if __name__ == "__main__":
            churn.serve(name="weekly", cron="0 4 * * 1")
    """
}


def filled(files: Tree) -> Rubric:
    """Return the rubric of a tree."""
    return zoomcamp(assess(files).findings, files)


def points(files: Tree, name: str) -> tuple[int, int]:
    """Return the points of a line that are seen, and those that a peer may add."""
    (line,) = [line for line in filled(files).lines if line.name == name]
    assert not line.points or line.evidence
    return line.points, line.peer


def test_the_rubric_has_33_points_of_which_29_can_be_seen() -> None:
    empty = filled({})
    assert (empty.most, empty.checkable) == (33, 29)
    assert [line.most for line in empty.lines] == [2, 4, 4, 4, 4, 4, 4, 1, 1, 1, 1, 1, 2]
    assert (empty.seen, empty.possible) == (0, 2)  # it may have been developed in a cloud


PINS = {"requirements.txt": "xgboost==1\n"}


@pytest.mark.parametrize(
    ("parts", "name", "expected"),
    [
        ([{"README.md": README}, TRAIN], "Problem description", (0, 2)),
        ([{"README.md": ""}, TRAIN], "Problem description", (0, 0)),
        ([TRAIN], "Cloud", (0, 2)),
        ([{"compose.yaml": "services:\n  app: {}\n"}], "Cloud", (0, 2)),
        ([{"k8s/app.yaml": "apiVersion: v1\nkind: Service\n"}], "Cloud", (2, 0)),
        ([{"infra/main.tf": "resource a b {}\n", "a.yaml": "kind: Service\n"}], "Cloud", (4, 0)),
        ([TRAIN], "Experiment tracking and model registry", (0, 0)),
        ([PREFECT], "Experiment tracking and model registry", (2, 0)),
        ([TRAIN], "Workflow orchestration", (0, 0)),
        ([PREFECT], "Workflow orchestration", (4, 0)),
        (
            [{"flow.py": PREFECT["flow.py"].replace(', cron="0 4 * * 1"', "")}],
            "Workflow orchestration",
            (2, 0),
        ),
        ([TRAIN], "Model deployment", (0, 0)),
        ([PICKLED], "Model deployment", (2, 0)),
        ([PICKLED, {"Dockerfile": "FROM a\nCMD gunicorn app:app\n"}], "Model deployment", (4, 0)),
        ([PICKLED, {"Dockerfile": "FROM a\n"}], "Model deployment", (2, 0)),
        ([TRAIN], "Model monitoring", (0, 0)),
        ([{"drift.py": DRIFT}], "Model monitoring", (2, 0)),
        (
            [
                {"drift.py": DRIFT, "rules.yaml": RULES},
                {"am.yaml": "receivers:\n  - name: us\n    slack_configs: [{channel: us}]\n"},
            ],
            "Model monitoring",
            (4, 0),
        ),
        ([TRAIN], "Reproducibility", (0, 0)),
        ([TRAIN, {"README.md": README}], "Reproducibility", (2, 0)),
        ([TRAIN, {"README.md": README} | PINS], "Reproducibility", (2, 2)),
        ([TESTED], "Unit tests", (1, 0)),
        ([TRAIN], "Unit tests", (0, 0)),
        ([{"Makefile": "a:\n\tb\n"}], "Makefile", (1, 0)),
        ([{"justfile": "a:\n    b\n"}], "Makefile", (0, 1)),
        ([TESTED, CI], "CI/CD pipeline", (0, 2)),
        ([TESTED], "CI/CD pipeline", (0, 0)),
    ],
)  # fmt: skip
def test_repositories_of_different_standing(
    parts: list[dict[str, str]], name: str, expected: tuple[int, int]
) -> None:
    assert points(tree(*parts), name) == expected


# The points of untouched projects that are seen, and those that they may reach.
STANDING = {0: (3, 9), 1: (11, 17), 2: (19, 25), 3: (25, 31), 4: (25, 31)}


@pytest.mark.parametrize(
    "level", [LEVELS[0], *(pytest.param(one, marks=pytest.mark.slow) for one in LEVELS[1:])]
)
def test_an_untouched_project_of_each_level(level: int, ladder: Ladder) -> None:
    found = filled(project_tree(ladder.fresh(level)))
    assert (found.seen, found.possible) == STANDING[level]


def test_the_command_prints_the_rubric_in_each_form(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(tree({"README.md": README})["README.md"])
    (tmp_path / "train.py").write_bytes(tree(TRAIN)["train.py"])
    page = tmp_path / "page.html"
    said = printed("assess", "--rubric", "zoomcamp", "--html", page, cwd=tmp_path)
    assert "2 of the 29 points that files can show" in said
    assert "2 to 6 of 33" in said
    assert "README.md:1" in said
    assert "for a peer to judge" in said
    assert "for a peer to judge" in page.read_text()
    rubric = json.loads(printed("assess", "--rubric", "zoomcamp", "--json", cwd=tmp_path))["rubric"]
    assert {key: rubric[key] for key in ("name", "seen", "checkable", "possible", "most")} == {
        "name": "zoomcamp", "seen": 2, "checkable": 29, "possible": 6, "most": 33,
    }  # fmt: skip
    assert {line["name"]: line["peer"] for line in rubric["lines"]}["Problem description"] == 2
    assert "rubric" not in json.loads(printed("assess", "--json", cwd=tmp_path))
    wrong = refused("assess", "--rubric", "other", cwd=tmp_path, code=2)
    assert "'other' is not 'zoomcamp'" in wrong
