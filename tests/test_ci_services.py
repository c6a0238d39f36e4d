"""Tests that pipelines of GitLab and Jenkins are read as GitHub's workflows are."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlops_ladder.assess.criteria import criteria
from mlops_ladder.assess.engine import assess
from mlops_ladder.inspection.files import mappings_in, strings_in
from mlops_ladder.inspection.gitlab import Condition
from mlops_ladder.inspection.impact import compute_impact
from mlops_ladder.inspection.repository import Repository
from mlops_ladder.inspection.workflow import Workflow, is_on, targets_of
from mlops_ladder.migration.fitting import fit_text
from mlops_ladder.migration.manifest import Manifest
from projects import LEVELS, Ladder, tree

pytestmark = [pytest.mark.slow, pytest.mark.platform]

Files = dict[str, bytes]
TOP = LEVELS[-1]
GITLAB = ".gitlab/ci"
CRON = '    - if: $CI_PIPELINE_SOURCE == "schedule" && $PURPOSE == "train"\n'


@pytest.fixture(scope="module")
def trees(ladder: Ladder) -> dict[str, Files]:
    """Return the files of a project at the highest level, of each service."""
    return {
        provider: tree(ladder.fresh(TOP, ci_provider=provider))
        for provider in ("github", "gitlab", "jenkins")
    }


# Where the loop of the highest level would do the same, the piece is broken at its own level.
OWN_LEVEL = {"trained-on-schedule": 2, "quality-watched": 3, "deployed-by-ci": 3}


def status(files: Files, name: str) -> str:
    """Return the status of a criterion."""
    return statuses(files)[name]


def statuses(files: Files) -> dict[str, str]:
    """Return the status of each criterion."""
    found = assess(files).findings
    return {one.name: found[one.id].status for one in criteria()}


def required(files: Files) -> dict[str, str]:
    """Return the status of each criterion that must be met."""
    musts = {one.name for one in criteria() if one.kind == "must"}
    return {name: said for name, said in statuses(files).items() if name in musts}


def make_targets(workflow: Workflow) -> list[str]:
    """Return the make targets that the steps of a workflow run."""
    steps = [
        step
        for job in workflow.jobs
        if is_on(job)
        for step in mappings_in(job.get("steps"))
        if is_on(step)
    ]
    return list(targets_of(line for step in steps for line in str(step.get("run", "")).split("\n")))


@pytest.mark.parametrize("provider", ["gitlab", "jenkins"])
def test_the_same_criteria_are_met_at_the_top(trees: dict[str, Files], provider: str) -> None:
    assert required(trees[provider]) == required(trees["github"])
    assert status(trees[provider], "infrastructure-as-code") == "met"


BROKEN = [
    # GitLab
    ("tests-in-ci", f"{GITLAB}/ci.yml", "    - make test\n", ""),
    ("tests-in-ci", f"{GITLAB}/ci.yml", "    - make test\n", "    # - make test\n"),
    ("tests-in-ci", f"{GITLAB}/ci.yml", "    - make test\n", "    - make test || true\n"),
    ("tests-in-ci", f"{GITLAB}/ci.yml", "  script:\n", "  allow_failure: true\n  script:\n"),
    ("tests-in-ci", f"{GITLAB}/ci.yml", "  script:\n", "  after_script:\n"),
    ("tests-in-ci", f"{GITLAB}/ci.yml", "check:\n", ".check:\n"),
    ("tests-in-ci", f"{GITLAB}/ci.yml", "  rules:\n", "  when: manual\n  rules:\n"),
    ("tests-in-ci", f"{GITLAB}/ci.yml", "  rules:\n", "  rules:\n    - when: never\n"),
    ("tests-in-ci", ".gitlab-ci.yml", ".gitlab/ci/*.yml", ".gitlab/other/*.yml"),
    ("tests-in-ci", f"{GITLAB}/ci.yml", "check:\n", "check: [\n"),
    ("trained-on-schedule", f"{GITLAB}/train.yml", CRON, f"#{CRON}"),
    ("trained-on-schedule", f"{GITLAB}/train.yml", CRON, f"{CRON}      when: never\n"),
    ("quality-watched", f"{GITLAB}/monitor.yml", '"schedule"', '"web"'),
    ("deployed-by-ci", f"{GITLAB}/deploy-compose.yml", "    - make apply\n", ""),
    # Jenkins
    ("tests-in-ci", "jenkins/ci.Jenkinsfile", "sh 'make test'", "// sh 'make test'"),
    ("tests-in-ci", "jenkins/ci.Jenkinsfile", "sh 'make test'", "/* sh 'make test' */"),
    ("tests-in-ci", "jenkins/ci.Jenkinsfile", "sh 'make test'", "sh 'make test || true'"),
    ("tests-in-ci", "jenkins/ci.Jenkinsfile", "sh 'make test'", "echo 'make test'"),
    ("tests-in-ci", "jenkins/ci.Jenkinsfile", "sh 'make test'", "catchError {\n sh 'make test'\n}"),
    (
        *("tests-in-ci", "jenkins/ci.Jenkinsfile", "sh 'make test'"),
        "catchError(buildResult: 'SUCCESS') { sh 'make test' }",
    ),
    (
        *("tests-in-ci", "jenkins/ci.Jenkinsfile", "sh 'make test'"),
        "sh script: 'make test', returnStatus: true",
    ),
    (
        *("tests-in-ci", "jenkins/ci.Jenkinsfile", "sh 'make test'"),
        "script { try { sh 'make test' } catch (e) { echo 'failed' } }",
    ),
    ("tests-in-ci", "jenkins/ci.Jenkinsfile", "anyOf {", "expression { return false }\nanyOf {"),
    ("tests-in-ci", "jenkins/ci.Jenkinsfile", "matrix {", "not_a_matrix {"),
    ("tests-in-ci", "jenkins/ci.Jenkinsfile", "stages {", "stages {{"),
    ("tests-in-ci", "jenkins/ci.Jenkinsfile", "pipeline {", "node {"),
    ("trained-on-schedule", "jenkins/train.Jenkinsfile", "cron(", "// cron("),
    ("trained-on-schedule", "jenkins/train.Jenkinsfile", "cron('17 4 * * 1')", "cron('')"),
    ("quality-watched", "jenkins/monitor.Jenkinsfile", "make monitor", "make setup"),
    ("deployed-by-ci", "jenkins/deploy-compose.Jenkinsfile", "sh 'make apply'", ""),
]


@pytest.mark.parametrize(("criterion", "path", "text", "instead"), BROKEN)
def test_a_broken_piece_does_not_count(
    ladder: Ladder, criterion: str, path: str, text: str, instead: str
) -> None:
    provider = "jenkins" if path.startswith("jenkins") else "gitlab"
    files = tree(ladder.fresh(OWN_LEVEL.get(criterion, TOP), ci_provider=provider))
    assert status(files, criterion) == "met"
    assert text.encode() in files[path]
    files[path] = files[path].replace(text.encode(), instead.encode())
    assert status(files, criterion) == "missing"


@pytest.mark.parametrize("target", ["compose", "kubernetes"])
@pytest.mark.parametrize("provider", ["gitlab", "jenkins"])
def test_a_climb_tells_schedules_and_secrets(ladder: Ladder, provider: str, target: str) -> None:
    chosen = {"ci_provider": provider}
    before = tree(ladder.fresh(1, **chosen))
    found = compute_impact(before, tree(ladder.fresh(TOP, deploy_target=target, **chosen)))
    workflows = [one for one in found.schedules.added if "deploy/" not in one.file]
    schedules = {one.name: one.when for one in workflows}
    secrets = {one.name for one in found.secrets.added}
    assert not found.notes
    if provider == "gitlab":
        assert schedules == {
            name: f"pipeline schedule with PURPOSE={purpose}"
            for name, purpose in {"train": "train", "monitor": "monitor", "tick": "retrain"}.items()
        }
        wanted = {"DATABASE_URL", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_USERNAME"}
        assert wanted | {"SERVICE_TOKEN" if target == "compose" else "KUBECONFIG"} <= secrets
    else:
        assert schedules == {
            "train": "every Monday at 04:17 by Jenkins's clock",
            "monitor": "every day at 05:41 by Jenkins's clock",
            "retrain": "every hour, 23 minutes past",
        }
        of_target = "service-token-staging" if target == "compose" else "kubeconfig-staging"
        assert {"database-url", "mlflow-password", of_target} <= secrets


# Pipelines of other people.


def read(path: str, text: str, **others: str) -> list[Workflow]:
    """Return the workflows of a file, next to others."""
    return repository(path, text, **others).workflows


def repository(path: str, text: str, **others: str) -> Repository:
    """Return a repository with a file, next to others."""
    files = {path: text} | {name.replace("__", "/") + ".yml": body for name, body in others.items()}
    return Repository({name: body.encode() for name, body in files.items()})


def started_by(workflows: list[Workflow]) -> dict[str, set[str]]:
    """Return what starts each workflow, by its name; a push of tags only is `tag`."""
    found = {}
    for one in workflows:
        push = one.triggers.get("push") or {}
        tags = {"tag"} if "tags" in push else set()
        found[one.name] = {*one.triggers, *tags} - ({"push"} if tags and len(push) == 1 else set())
    return found


def test_jobs_without_rules_run_for_branches_and_tags() -> None:
    found = started_by(read(".gitlab-ci.yml", "test:\n  script: make test\n"))
    assert found["test"] > {"push", "tag", "schedule"}
    assert "pull_request" not in found["test"]


def test_the_older_keyword_only_is_read() -> None:
    text = "a: {script: make test, only: [merge_requests, tags]}\nb: {script: x, only: [main]}\n"
    found = started_by(read(".gitlab-ci.yml", text))
    assert found == {"a": {"pull_request", "tag"}, "b": {"push"}}


def test_defaults_extended_jobs_and_includes_are_read() -> None:
    text = """
include: /ci/base.yml
default: {before_script: [make lint]}
test: {extends: [.base], variables: {KEY: "", OTHER: "x"}}
"""
    base = ".base:\n  script: [make test]\n  rules: [{if: $CI_COMMIT_TAG}]\n"
    (found,) = read(".gitlab-ci.yml", text, ci__base=base)
    assert make_targets(found) == ["lint", "test"]
    assert started_by([found]) == {"test": {"tag"}}
    assert found.secrets == ["KEY"]


def test_a_job_of_a_later_stage_follows_the_training() -> None:
    rules = "rules: [{if: $CI_COMMIT_BRANCH}]"
    train = f"train: {{script: make pipeline, {rules}}}\n"
    ship = f"ship: {{stage: deploy, script: make deploy, {rules}}}\n"
    found = started_by(read(".gitlab-ci.yml", train + ship))
    assert "workflow_run" in found["ship"] and "workflow_run" not in found["train"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('$A == "x"', True),
        ("$A == 'y'", False),
        ('$A != "y" && $B == "z"', True),
        ('$A == "y" || $B', True),
        ('($A == "y" || $B == "z") && $A', True),
        ("$A =~ /^x$/", True),
        ("$A !~ /^x$/i", False),
        ("$CI_NOT_SET", False),
        ("$CI_NOT_SET == null", True),
        ("$OWN", None),
        ('$OWN == "x" && $A == "y"', False),
        ('$OWN == "x" || $A == "x"', True),
        ("$A =~ /(/", None),
        ("what is this?", None),
        ("$A ==", None),
        ("", True),
    ],
)
def test_conditions_of_rules(text: str, expected: bool | None) -> None:
    assert Condition(text, {"A": "x", "B": "z"}).verdict() is expected


def test_a_jenkinsfile_at_the_top_is_for_branches_and_change_requests() -> None:
    text = """
pipeline {
    agent any
    triggers { cron('''TZ=Europe/Berlin
H 4 * * 1''') }
    stages {
        stage('Test') { steps { sh "make test"; timeout(time: 5) { sh(script: 'make lint') } } }
        stage('Nightly') {
            when { triggeredBy 'TimerTrigger' }
            steps {
                withCredentials([string(credentialsId: 'token', variable: 'T')]) {
                    sh 'make pipeline'
                }
            }
        }
        stage('Ship') {
            when { buildingTag(); beforeAgent true }
            steps { sh 'make release' }
        }
    }
    post { always { sh 'make audit' } }
}
"""
    test, nightly, ship = read("Jenkinsfile", text)
    assert (make_targets(test), make_targets(nightly)) == (["test", "lint"], ["pipeline"])
    assert test.triggers.keys() >= {"push", "pull_request", "schedule"}
    assert nightly.triggers == {"schedule": [{"cron": "H 4 * * 1"}]}
    assert started_by([ship]) == {"Jenkinsfile": {"tag"}}
    assert nightly.secrets == ["token"]


@pytest.mark.parametrize("path", [".gitlab-ci.yml", "Jenkinsfile", "jenkins/x.Jenkinsfile"])
@pytest.mark.parametrize(
    "odd",
    [
        *(
            "",
            "x = 1",
            "[]",
            "- 1\n- [2]",
            "5",
            "a: {script: [1, [2], {b: c}]}",
            "include: [5, {x: 1}]",
        ),
        *(
            "a: {extends: a, rules: [[a, rules], 5], needs: {}}",
            "pipeline {}",
            "pipeline { stages { stage",
        ),
        *("}", "'''", "a: {needs: [{job: 1}, [x]], only: {refs: 5}, variables: 5, stage: [x]}"),
        *(
            "workflow: 5\nstages: x\ndefault: []\na: {script: make test}",
            "\xff{",
            "pipeline { triggers { cron( } }",
        ),
    ],
)
def test_malformed_pipelines_bring_a_note_at_most(path: str, odd: str) -> None:
    found = repository(path, odd)
    assert all(
        isinstance(make_targets(one), list) and one.crons() is not None for one in found.workflows
    )
    assert all(note.startswith(path) for note in found.notes)


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        (".gitlab-ci.yml", "a: [\n"),
        ("Jenkinsfile", "pipeline {\n stages {\n}\n"),
        ("jenkins/ci.Jenkinsfile", "pipeline {}\n}\n"),
    ],
)
def test_what_cannot_be_read_is_a_note(path: str, broken: str) -> None:
    found = repository(path, broken)
    assert found.workflows == []
    (note,) = found.notes
    assert note.startswith(path)


@pytest.mark.parametrize("line", ["make test || true", "make test ||:", "make test || echo no"])
def test_a_failure_that_is_ignored_does_not_count(line: str) -> None:
    job: dict[str, Any] = {"steps": [{"run": f"make lint\n{line}"}]}
    assert make_targets(Workflow("x", "x", {}, [job])) == ["lint"]


@pytest.mark.parametrize("provider", ["github", "gitlab", "jenkins"])
def test_an_adopted_repository_s_steps_call_the_ladder_s_make_file(
    trees: dict[str, Files], provider: str
) -> None:
    manifest = Manifest(moved={"Makefile": "ladder.mk"})
    adopted = {
        path: fit_text(manifest, path, path, body, [], False)
        for path, body in trees[provider].items()
    }
    before, after = (Repository(files).workflows for files in (trees[provider], adopted))
    steps = [text for one in after for text in strings_in(one.jobs) if "make " in text]
    assert all("make -f ladder.mk " in text for text in steps)
    assert len(steps) == len(
        [text for one in before for text in strings_in(one.jobs) if "make " in text]
    )


# What make does where CI is not GitHub's.


def make(project: Path, goal: str, folder: Path, **programs: str) -> tuple[int, str]:
    """Run a make target with scripts in place of programs, and with `mkdir dist` as a build."""
    for name, script in programs.items():
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    given = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "RUN": "mkdir dist #"}
    line = ["make", *goal.split()]
    finished = subprocess.run(line, cwd=project, env=given, capture_output=True, text=True)
    return finished.returncode, finished.stdout + finished.stderr


@pytest.mark.parametrize(
    ("provider", "publishes"), [("github", True), ("gitlab", False), ("jenkins", False)]
)
def test_a_release_is_checked_everywhere_and_published_by_make_on_github_alone(
    ladder: Ladder, tmp_path: Path, provider: str, publishes: bool
) -> None:
    project = shutil.copytree(ladder.fresh(1, ci_provider=provider), tmp_path / "project")
    told = 'echo "gh $*"'
    code, printed = make(project, "release TAG=v0.1.0", tmp_path, gh=told)
    assert code == 0, printed
    assert ("gh release create v0.1.0 --verify-tag" in printed) == publishes
    assert (project / "dist/notes.md").read_text().strip()
    code, printed = make(project, "release TAG=v9.9.9", tmp_path, gh=told)
    assert code != 0 and "does not have the version of TAG=v9.9.9" in printed


@pytest.mark.parametrize("provider", ["gitlab", "jenkins"])
def test_a_newer_template_or_no_answer_fails(ladder: Ladder, tmp_path: Path, provider: str) -> None:
    project = ladder.project(1, ci_provider=provider)
    newest = "The project has the newest version of its template."
    newer = "The template has a newer version: 0.3.0. This project has 0.1.0."
    assert make(project, "check-newest", tmp_path, uv=f"echo '{newest}'")[0] == 0
    for uv in (f"echo '{newer}'", "echo no network >&2; exit 1"):
        code, printed = make(project, "check-newest", tmp_path, uv=uv)
        assert code != 0
        assert newer in printed or "no network" in printed


def test_a_job_of_gitlab_is_run_on_this_machine(ladder: Ladder, tmp_path: Path) -> None:
    project = ladder.project(1, ci_provider="gitlab")
    for goal, job in {"gitlab-local": "check", "gitlab-local JOB=release": "release"}.items():
        code, printed = make(project, goal, tmp_path, npx='echo "called: $*"')
        assert code == 0
        (called,) = [line for line in printed.splitlines() if line.startswith("called: ")]
        assert called.startswith("called: --yes gitlab-ci-local@4.60.0 --force-shell-executor")
        assert called.endswith(f" {job}")
