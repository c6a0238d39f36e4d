"""Tests of the shipped workflows: they are valid and secure, and call only make targets."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from projects import LEVELS, Ladder
from tools import installed, passes

PARSER = Path(__file__).parent / "workflow_parser"
COMMIT = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


@pytest.fixture(scope="module", params=["compose", "kubernetes"])
def project(ladder: Ladder, request: pytest.FixtureRequest) -> Path:
    """Return a project at the highest level, for each deployment target."""
    return ladder.fresh(LEVELS[-1], deploy_target=request.param)


@pytest.fixture(scope="module")
def workflows(project: Path) -> dict[str, dict[Any, Any]]:
    """Return every workflow by its file name; YAML 1.1 reads the key `on` as true."""
    files = sorted((project / ".github/workflows").glob("*.yml"))
    return {file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [("github-workflows", ".github/workflows/*.yml"), ("dependabot", ".github/dependabot.yml")],
)
def test_they_keep_the_published_schema(project: Path, schema: str, pattern: str) -> None:
    files = [str(file) for file in project.glob(pattern)]
    assert files
    passes(installed("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", *files)


def test_zizmor_finds_nothing(project: Path) -> None:
    passes(installed("zizmor"), "--offline", "--no-progress", str(project))


def github_parser(files: list[str]) -> subprocess.CompletedProcess[str]:
    """Run GitHub's own parser of workflows."""
    command = ["node", str(PARSER / "parse.mjs"), *files]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def parser_installed() -> None:
    """Skip the test if GitHub's parser is not installed."""
    if shutil.which("node") is None or not (PARSER / "node_modules").exists():
        pytest.skip("GitHub's workflow parser is not installed: make setup needs npm")


@pytest.mark.usefixtures("parser_installed")
def test_github_reads_them(project: Path) -> None:
    files = [str(file) for file in (project / ".github/workflows").glob("*.yml")]
    parsed = github_parser(files)
    assert parsed.returncode == 0, parsed.stdout + parsed.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("parser_installed")
def test_github_would_refuse_a_wrong_one(project: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "ci.yml"
    text = (project / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    wrong.write_text(text.replace("runs-on:", "runs-at:").replace("matrix.python", "matrx.python"))
    parsed = github_parser([str(wrong)])
    assert parsed.returncode == 1
    assert "runs-at" in parsed.stdout


def test_actions_are_pinned_and_jobs_are_bounded(workflows: dict[str, dict[Any, Any]]) -> None:
    for name, workflow in workflows.items():
        assert workflow["permissions"] == {}, f"{name}: nothing by default"
        assert workflow["concurrency"]["group"], name
        for job in workflow["jobs"].values():
            assert job["timeout-minutes"] <= 60, name
            assert job["permissions"], name
            for step in job["steps"]:
                assert COMMIT.fullmatch(step.get("uses", "a/b@" + "0" * 40)), name


def test_training_starts_by_schedule_by_change_by_event_and_by_hand(
    workflows: dict[str, dict[Any, Any]],
) -> None:
    triggers = workflows["train.yml"][True]
    assert triggers.keys() == {"schedule", "push", "repository_dispatch", "workflow_dispatch"}
    assert {"params.yaml", "data/**"} <= set(triggers["push"]["paths"])


def test_the_loop_takes_a_step_by_schedule_and_a_challenger_when_asked(
    workflows: dict[str, dict[Any, Any]],
) -> None:
    workflow = workflows["retrain.yml"]
    assert workflow[True].keys() == {"schedule", "repository_dispatch", "workflow_dispatch"}
    (job,) = workflow["jobs"].values()
    assert job["if"] == "${{ vars.RETRAIN_RUNNER != '' }}"
    steps = {step["run"]: step for step in job["steps"] if "run" in step}
    assert list(steps) == ["make setup", "make tick", "make retrain", "make audit"]
    assert steps["make tick"]["if"] == "${{ github.event_name == 'schedule' }}"
    assert steps["make retrain"]["if"] == "${{ github.event_name != 'schedule' }}"
    assert steps["make tick"]["env"] == steps["make retrain"]["env"]
    assert workflow["concurrency"] == {"group": "retrain", "cancel-in-progress": False}


def test_only_the_loop_promotes_where_there_is_one(
    ladder: Ladder, project: Path, workflows: dict[str, dict[Any, Any]]
) -> None:
    """The other workflows promote below level 4 alone, where the loop's policy is missing."""
    assert (project / "retraining.yaml").exists()
    assert not (ladder.fresh(LEVELS[-2]) / "retraining.yaml").exists()
    promoting = [
        (name, step.get("if"))
        for name, workflow in workflows.items()
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "promote" in step.get("run", "")
    ]
    (deploy,) = (name for name in workflows if name.startswith("deploy-"))
    assert promoting == [(deploy, "${{ hashFiles('retraining.yaml') == '' }}")]
    trained = [step.get("run") for step in workflows["train.yml"]["jobs"]["train"]["steps"]]
    assert trained[-1] == "make pipeline"


def test_newer_versions_of_the_template_are_told_and_nothing_is_changed(
    workflows: dict[str, dict[Any, Any]],
) -> None:
    workflow = workflows["check-update.yml"]
    assert workflow[True].keys() == {"schedule", "workflow_dispatch"}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "issues": "write"}
    assert [step["run"] for step in job["steps"] if "run" in step] == [
        "make check-update ISSUE=yes"
    ]


@pytest.mark.slow
def test_newer_versions_are_told_from_level_1_on_where_github_is(ladder: Ladder) -> None:
    told = ".github/workflows/check-update.yml"
    assert not (ladder.fresh(0) / told).exists()
    assert (ladder.fresh(1) / told).exists()
    assert not (ladder.fresh(1, ci_provider="none") / told).exists()


def test_a_cluster_may_name_another_folder_than_production(ladder: Ladder) -> None:
    project = ladder.fresh(LEVELS[-1], deploy_target="kubernetes")
    text = (project / ".github/workflows/deploy-kubernetes.yml").read_text(encoding="utf-8")
    assert "TO: ${{ vars.PRODUCTION || 'production' }}" in text
    assert (project / "deploy/kubernetes/retraining").is_dir()


@pytest.mark.slow
def test_without_a_provider_there_is_no_workflow(ladder: Ladder) -> None:
    assert not (ladder.fresh(LEVELS[-1], ci_provider="none") / ".github").exists()
