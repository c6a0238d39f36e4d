"""Tests of GitLab's pipelines: every job is run in a shell by gitlab-ci-local."""

import sys
from pathlib import Path

import pytest
import yaml

import gitlab
from gitlab import MERGE_REQUEST, PUSH, on
from installation import install_project
from projects import LEVELS, Ladder, commit_all
from tools import installed, passes

TOP = LEVELS[-1]
CHECKS = ["setup", "lint", "types", "test", "notebook", "build", "assess"]
DEPLOYED = ["setup", "deploy", "apply", "smoke"]
REGISTRY = {"MLFLOW_TRACKING_URI": "http://mlflow"}
RELEASE = {"CI_COMMIT_TAG": "v0.1.0"}

pytestmark = [pytest.mark.slow, pytest.mark.platform]


@pytest.fixture(scope="module")
def project(ladder: Ladder) -> Path:
    """Return a project at the highest level, for one machine, of which all is pushed."""
    return pushed(ladder, TOP)


@pytest.fixture(scope="module")
def in_a_cluster(ladder: Ladder) -> Path:
    """Return a project at the level below the highest, for a cluster, of which all is pushed."""
    return pushed(ladder, TOP - 1, deploy_target="kubernetes")


def pushed(ladder: Ladder, level: int, **answers: str) -> Path:
    """Return a project whose last commit GitLab has."""
    made = ladder.project(level, ci_provider="gitlab", **answers)
    gitlab.mark_pushed(made)
    return made


def test_they_keep_the_published_schema(project: Path, in_a_cluster: Path) -> None:
    check = [installed("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci"]
    for one in (project, in_a_cluster):
        files = [str(one / ".gitlab-ci.yml"), *map(str, one.glob(".gitlab/ci/*.yml"))]
        assert len(files) >= 8
        passes(*check, "--data-transform", "gitlab-ci", *files)


def test_jobs_are_bounded_and_deployments_never_overlap(project: Path, in_a_cluster: Path) -> None:
    for file in (*project.glob(".gitlab/ci/*.yml"), *in_a_cluster.glob(".gitlab/ci/*.yml")):
        text = file.read_text(encoding="utf-8")
        assert "timeout: " in text, file
        assert ", needs]" not in text, "GitLab resolves !reference in rules and scripts alone"
        if file.stem not in ("check-model", "check-update", "ci", "release"):
            assert "resource_group: " in text, file
        if file.stem.startswith(("deploy", "monitor", "retrain")):
            assert "tags: [" in text and "environment:" in text, file


@pytest.mark.parametrize("level", LEVELS[1:])
def test_a_push_is_checked_with_each_python(ladder: Ladder, level: int) -> None:
    ran = gitlab.run(pushed(ladder, level), PUSH | REGISTRY)
    assert ran.exit_code == 0, ran.printed
    assert ran.jobs() == {"check: [3.11]": CHECKS, "check: [3.14]": CHECKS}
    assert {call.environment["UV_PYTHON"] for call in ran.calls} == {"3.11", "3.14"}
    assert {call.environment["CI"] for call in ran.calls} == {"true"}


def test_a_merge_request_is_checked_and_its_model_too(project: Path) -> None:
    ran = gitlab.run(project, MERGE_REQUEST | REGISTRY)
    jobs = ran.jobs()
    assert jobs.pop("check-model") == ["setup", "pipeline SAMPLE=1 GATE=1"]
    assert jobs == {"check: [3.11]": CHECKS, "check: [3.14]": CHECKS}


@pytest.mark.parametrize("failing", ["lint", "types", "test", "build"])
def test_a_failing_check_fails_the_pipeline(project: Path, failing: str) -> None:
    ran = gitlab.run(project, PUSH, "check: [3.11]", failing=failing)
    assert ran.exit_code == 1
    assert ran.goals() == CHECKS[: CHECKS.index(failing) + 1]


def test_a_tag_is_tested_built_and_released(project: Path) -> None:
    ran = gitlab.run(project, RELEASE)
    assert ran.jobs() == {"release": ["setup", "test", "release"]}
    assert ran.environment("release")["TAG"] == "v0.1.0"
    assert "publish" in ran.printed and "notes.md" in ran.printed
    refused = gitlab.run(project, RELEASE, failing="test")
    assert (refused.exit_code, refused.goals()) == (1, ["setup", "test"])
    assert "notes.md" not in refused.printed
    assert gitlab.run(project, {"CI_COMMIT_TAG": "other"}).calls == []


@pytest.mark.parametrize("source", ["schedule", "trigger", "web"])
def test_training_is_followed_by_deployment(project: Path, source: str) -> None:
    ran = gitlab.run(project, on(source, "train", **REGISTRY))
    assert ran.exit_code == 0, ran.printed
    trained = ["setup", "pipeline"]
    assert ran.jobs() == {"train": trained, "staging": DEPLOYED, "production": DEPLOYED}
    assert ran.environment("deploy")["LIVE"] == "/srv/live"


def test_what_a_push_changes_decides_whether_it_trains(ladder: Ladder) -> None:
    project = pushed(ladder, TOP - 1)
    with (project / "params.yaml").open("a") as file:
        file.write("# changed\n")
    commit_all(project, "Change a parameter")
    ran = gitlab.run(project, PUSH | REGISTRY)
    deployed = {"train", "promote", "staging", "production"}
    assert set(ran.jobs()) == {"check: [3.11]", "check: [3.14]", *deployed}
    assert ran.jobs()["promote"] == ["setup", "promote"]
    assert ran.environment("promote")["ALLOW_REFUSAL"] == "1"
    gitlab.mark_pushed(project)
    (project / "serving.yaml").write_text((project / "serving.yaml").read_text() + "# changed\n")
    commit_all(project, "Change the service")
    jobs = gitlab.run(project, PUSH | REGISTRY).jobs()
    assert "train" not in jobs and "production" in jobs
    gitlab.mark_pushed(project)
    (project / "README.md").write_text("Changed\n")
    commit_all(project, "Change the README")
    assert set(gitlab.run(project, PUSH | REGISTRY).jobs()) == {"check: [3.11]", "check: [3.14]"}


def test_real_data_are_downloaded_before_the_training(project: Path) -> None:
    ran = gitlab.run(project, on("schedule", "train", DATA_MONTH="2019-03", FORCE="yes"))
    assert ran.jobs() == {"data": ["setup", "data"], "train": ["setup", "pipeline"]}
    assert ran.environment("data")["MONTH"] == "2019-03"
    assert ran.environment("pipeline")["FORCE"] == "yes"


def test_without_a_registry_nothing_is_deployed(project: Path, in_a_cluster: Path) -> None:
    assert gitlab.run(project, on("web", "deploy")).calls == []
    assert gitlab.run(in_a_cluster, on("web", "deploy", DEPLOY="no", **REGISTRY)).calls == []


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        ("pipeline", ["setup", "pipeline"]),
        ("smoke", ["setup", "pipeline", *DEPLOYED]),
    ],
)
def test_after_a_failure_nothing_more_is_deployed(
    project: Path, failing: str, expected: list[str]
) -> None:
    ran = gitlab.run(project, on("schedule", "train", **REGISTRY), failing=failing)
    assert (ran.exit_code, ran.goals()) == (1, expected)


def test_a_cluster_gets_one_image_by_its_digest(in_a_cluster: Path) -> None:
    variables = {"CI_REGISTRY_PASSWORD": "token", "PRODUCTION": "retraining", **REGISTRY}
    ran = gitlab.run(in_a_cluster, on("schedule", "train", DEPLOY="yes", **variables))
    assert ran.exit_code == 0, ran.printed
    image = "IMAGE=registry/service@sha256:1"
    assert ran.jobs() == {
        "train": ["setup", "pipeline"],
        "promote": ["setup", "promote"],
        "build-image": ["setup", "deploy", "image"],
        "staging": [f"apply TO=staging {image}"],
        "production": [f"apply TO=retraining {image}"],
    }
    assert ran.environment("image")["PUSH"] == "1"
    assert ran.environment("image")["REGISTRY_TOKEN"] == "token"


def test_the_report_is_made_on_a_schedule(project: Path) -> None:
    ran = gitlab.run(project, on("schedule", "monitor", DATABASE_URL="postgresql://log"))
    assert ran.jobs() == {"monitor": ["setup", "monitor"]}
    assert ran.environment("monitor")["DATABASE_URL"] == "postgresql://log"


@pytest.mark.parametrize(
    ("source", "goal"), [("schedule", "tick"), ("trigger", "retrain"), ("web", "retrain")]
)
def test_the_loop_takes_a_step_on_a_schedule_and_a_challenger_when_asked(
    project: Path, source: str, goal: str
) -> None:
    ran = gitlab.run(project, on(source, "retrain"), failing=goal)
    assert ran.exit_code == 1
    assert ran.jobs() == {goal: ["setup", goal, "audit"]}, "the audit follows a failure, too"


def test_a_newer_template_is_told_by_a_failure(project: Path) -> None:
    ran = gitlab.run(project, on("schedule", "check-update"), failing="check-newest")
    assert (ran.exit_code, ran.goals()) == (1, ["check-newest"])


def test_jobs_run_make_and_nothing_else(project: Path, in_a_cluster: Path) -> None:
    for file in (*project.glob(".gitlab/ci/*.yml"), *in_a_cluster.glob(".gitlab/ci/*.yml")):
        jobs = yaml.load(
            file.read_text(encoding="utf-8").replace("!reference ", ""), yaml.CSafeLoader
        )
        for name, job in jobs.items():
            for line in job.get("script", []) if name != "publish" else []:
                assert line.startswith("make "), (file, line)


def test_ci_in_earnest(ladder: Ladder) -> None:
    """Setup, style, types and tests are run for real; a failing test fails the pipeline."""
    installation = install_project(ladder.project(1, ci_provider="gitlab"))
    project = installation.project
    gitlab.mark_pushed(project)
    skipping = project.parent / "skipping"
    skipping.mkdir()
    make = skipping / "make"
    make.write_text(
        '#!/bin/sh\ncase "$1" in notebook | build) ;; *) exec /usr/bin/make "$@" ;; esac\n'
    )
    make.chmod(0o755)
    environment = installation.environment()
    environment["PATH"] = f"{skipping}:{environment['PATH']}"
    variables = PUSH | {"UV_PYTHON": sys.executable, "UV_CACHE_DIR": cache(environment)}
    green = gitlab.run(project, variables, "check: [3.11]", environment=environment)
    assert green.exit_code == 0, green.printed
    assert "passed" in green.printed and "Success: no issues" in green.printed
    assert (project / "reports/tests.xml").exists()
    wrong = '"""A failing test."""\n\n\ndef test_wrong() -> None:\n    assert 1 + 1 == 3\n'
    (project / "tests/test_wrong.py").write_text(wrong)
    commit_all(project, "A failing test")
    red = gitlab.run(project, variables, "check: [3.11]", environment=environment)
    assert red.exit_code == 1
    assert "1 failed" in red.printed and "make notebook" not in red.printed


def cache(environment: dict[str, str]) -> str:
    """Return uv's own cache, which the tests of this machine share."""
    uv = str(Path(environment["PATH"].split(":")[1]) / "uv")
    return passes(uv, "cache", "dir").strip()
