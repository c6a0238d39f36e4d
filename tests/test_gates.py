"""Tests that each CI service runs the same make targets in the same order, for each purpose."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import gitlab
import jenkins
from gitlab import MERGE_REQUEST, PUSH, on
from jenkins import BY_HAND, CHANGE_REQUEST, MAIN, TAG, TIMER, UPSTREAM, Asked
from projects import LEVELS, Ladder

TOP = LEVELS[-1]
RELEASE = {"CI_COMMIT_TAG": "v0.1.0"}
DATA = {"DATA_MONTH": "2019-03"}
DEPLOY = {"MLFLOW_TRACKING_URI": "http://mlflow", "DEPLOY": "yes"}
# What differs: GitLab and Jenkins have no issues of GitHub's to open, so their check fails instead.
# `setup` is compared apart, because GitLab and Jenkins share out the steps of a job differently.
SAID_OTHERWISE = {"check-newest": "check-update"}


@dataclass(frozen=True)
class Purpose:
    """A purpose: its file, and what starts it at GitHub, GitLab and Jenkins."""

    file: str
    github: str
    gitlab: dict[str, str]
    jenkins: dict[str, str]
    jobs: tuple[str, ...] = ()
    """The jobs of GitLab's pipeline, if it has those of other purposes, too."""


PURPOSES = {
    "check": Purpose("ci", "push", PUSH, MAIN, ("check: [3.11]",)),
    "check a model": Purpose(
        "check-model", "pull_request", MERGE_REQUEST, CHANGE_REQUEST, ("check-model",)
    ),
    "release": Purpose("release", "push", RELEASE, TAG),
    "check for an update": Purpose(
        "check-update", "schedule", on("schedule", "check-update"), TIMER
    ),
    "train": Purpose("train", "schedule", on("schedule", "train", **DATA), TIMER),
    "deploy": Purpose("deploy-*", "workflow_run", on("web", "deploy", **DEPLOY), UPSTREAM),
    "monitor": Purpose("monitor", "schedule", on("schedule", "monitor"), TIMER),
    "step of the loop": Purpose("retrain", "schedule", on("schedule", "retrain"), TIMER),
    "challenger": Purpose("retrain", "workflow_dispatch", on("web", "retrain"), BY_HAND),
}
CASES = [
    *((name, TOP, "compose") for name in PURPOSES),
    *(("deploy", level, "kubernetes") for level in (TOP - 1, TOP)),
    ("deploy", TOP - 1, "compose"),
]

pytestmark = [pytest.mark.slow, pytest.mark.platform]


def on_github(project: Path, purpose: Purpose) -> list[str]:
    """Return the targets of a workflow, without the steps that its conditions switch off."""
    (file,) = project.glob(f".github/workflows/{purpose.file}.yml")
    found = []
    for job in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].values():
        for step in job["steps"]:
            if "run" in step and applies(str(step.get("if", "")), project, purpose.github):
                found += step["run"].split()[1:]
    return [word for word in found if "=" not in word]


def applies(condition: str, project: Path, event: str) -> bool:
    """Evaluate the conditions that steps of the workflows have."""
    if "hashFiles('retraining.yaml') == ''" in condition:
        return not (project / "retraining.yaml").exists()
    if "github.event_name" in condition:
        return ("== 'schedule'" in condition) == (event == "schedule")
    assert condition in ("", "${{ vars.DATA_MONTH != '' }}", "${{ !cancelled() }}"), condition
    return True


@pytest.fixture(scope="module")
def projects(ladder: Ladder) -> dict[Any, Path]:
    """Return a project of each service for each case."""
    wanted = {(level, target) for _, level, target in CASES}
    found = {
        (level, target, provider): ladder.project(level, deploy_target=target, ci_provider=provider)
        for level, target in wanted
        for provider in ("github", "gitlab", "jenkins")
    }
    for (_, _, provider), project in found.items():
        if provider == "gitlab":
            gitlab.mark_pushed(project)
    return found


@pytest.fixture(scope="module")
def builds(
    projects: dict[Any, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[Any, list[str]]:
    """Return the targets of each case in the stub of Jenkins."""
    asked = []
    for name, level, target in CASES:
        purpose = PURPOSES[name]
        (file,) = projects[level, target, "jenkins"].glob(f"jenkins/{purpose.file}.Jenkinsfile")
        asked.append(Asked(file, purpose.jenkins, parameters=DATA))
    ran = jenkins.run(tmp_path_factory.mktemp("recorders"), asked)
    return {case: build.goals() for case, build in zip(CASES, ran, strict=True)}


def gates(goals: list[str]) -> list[str]:
    """Return the targets but setup, as GitHub names them."""
    return [SAID_OTHERWISE.get(goal, goal) for goal in goals if goal != "setup"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_the_gates_are_the_same(
    projects: dict[Any, Path], builds: dict[Any, list[str]], case: tuple[str, int, str]
) -> None:
    name, level, target = case
    purpose = PURPOSES[name]
    expected = on_github(projects[level, target, "github"], purpose)
    assert expected
    pipeline = gitlab.run(projects[level, target, "gitlab"], purpose.gitlab, *purpose.jobs)
    assert pipeline.exit_code == 0, pipeline.printed
    assert gates(pipeline.goals()) == gates(expected)
    once = builds[case]
    if name == "check":  # Jenkins's stub runs it for each Python
        once = once[: len(once) // 2]
    assert gates(once) == gates(expected)
    if "setup" in expected:  # then all of them install before anything else
        assert pipeline.goals()[0] == once[0] == "setup"


def test_no_variable_of_a_pipeline_changes_how_make_works(projects: dict[Any, Path]) -> None:
    """Make takes a variable of the environment in place of its default, such as RUN."""
    for (_, _, provider), project in projects.items():
        makefiles = [project / "Makefile", *project.glob("make/*.mk")]
        text = "\n".join(file.read_text(encoding="utf-8") for file in makefiles)
        defaults = set(re.findall(r"^(?:export )?([A-Z_]+) *\?=", text, re.MULTILINE))
        assert {"RUN", "HOOKS", "IMAGE"} <= defaults
        if provider == "gitlab":
            files = [project / ".gitlab-ci.yml", *project.glob(".gitlab/ci/*.yml")]
            named = r"^ +([A-Z_]+):"
        else:
            files, named = list(project.glob("jenkins/*")), r"(?:name: |^ +)'?([A-Z_]+)'?(?: =|,)"
        used = {
            name
            for file in files
            for name in re.findall(named, file.read_text(encoding="utf-8"), re.MULTILINE)
        }
        assert used & defaults <= {"IMAGE"}, used & defaults  # it is what make image builds
        assert provider == "github" or "LIVE" in used
