"""Tests of the Jenkinsfiles, in a stub of the pipeline steps: a model, and not Jenkins."""

import http.server
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import jenkins
from jenkins import (
    BY_HAND,
    CHANGE_REQUEST,
    MAIN,
    TAG,
    TIMER,
    UPSTREAM,
    Asked,
    Build,
)
from projects import LEVELS, Ladder
from tools import installed

TOP = LEVELS[-1]
CHECKS = ["setup", "lint", "types", "test", "notebook", "build", "assess"]
DEPLOYED = ["setup", "deploy", "apply", "smoke"]
MLFLOW = ["mlflow-username", "mlflow-password"]
PURPOSES = {
    1: {"check-update", "ci", "release"},
    2: {"check-model", "train"},
    3: {"deploy-compose", "monitor"},
    4: {"retrain"},
}
CRONS = {
    "check-update": "17 6 * * 1",
    "train": "17 4 * * 1",
    "monitor": "41 5 * * *",
    "retrain": "23 * * * *",
}

pytestmark = [pytest.mark.slow, pytest.mark.platform]


@pytest.fixture(scope="module")
def projects(ladder: Ladder) -> dict[str, Path]:
    """Return a project at the highest level for one machine, and one below it for a cluster."""
    cluster = ladder.project(TOP - 1, ci_provider="jenkins", deploy_target="kubernetes")
    return {"machine": ladder.project(TOP, ci_provider="jenkins"), "cluster": cluster}


@pytest.fixture(scope="module")
def builds(projects: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Build]:
    """Run all builds in one process, because starting Groovy takes most of the time."""
    files = projects["machine"] / "jenkins"
    in_a_cluster = projects["cluster"] / "jenkins/deploy-kubernetes.Jenkinsfile"
    below = tmp_path_factory.mktemp("below") / "jenkins"  # where there is no retraining.yaml
    shutil.copytree(files, below)

    def file(name: str) -> Path:
        return files / f"{name}.Jenkinsfile"

    wrong = below / "wrong.Jenkinsfile"
    text = file("ci").read_text(encoding="utf-8")
    wrong.write_text(text.replace("timestamps()", "timestamp()"), encoding="utf-8")
    data = {"DATA_MONTH": "2019-03", "FORCE": "yes"}
    asked = {
        "push": Asked(file("ci"), MAIN),
        "change request": Asked(file("ci"), CHANGE_REQUEST),
        "another branch": Asked(file("ci"), {"branch": "feature"}),
        **{f"failing {goal}": Asked(file("ci"), MAIN, goal) for goal in CHECKS},
        "model": Asked(file("check-model"), CHANGE_REQUEST),
        "refused model": Asked(file("check-model"), CHANGE_REQUEST, "pipeline"),
        "model of a push": Asked(file("check-model"), MAIN),
        "tag": Asked(file("release"), TAG),
        "failing tag": Asked(file("release"), TAG, "test"),
        "release of a push": Asked(file("release"), MAIN),
        "update": Asked(file("check-update"), TIMER, "check-newest"),
        "train": Asked(file("train"), TIMER),
        "train on data": Asked(file("train"), BY_HAND, parameters=data),
        "failing train": Asked(file("train"), BY_HAND, "data", data),
        "deploy": Asked(file("deploy-compose"), UPSTREAM),
        "deploy below": Asked(below / "deploy-compose.Jenkinsfile", UPSTREAM),
        "failing smoke": Asked(file("deploy-compose"), UPSTREAM, "smoke"),
        "cluster": Asked(in_a_cluster, UPSTREAM, parameters={"PRODUCTION": "retraining"}),
        "failing apply": Asked(in_a_cluster, UPSTREAM, "apply"),
        "monitor": Asked(file("monitor"), TIMER, "monitor"),
        "tick": Asked(file("retrain"), TIMER),
        "failing tick": Asked(file("retrain"), TIMER, "tick"),
        "retrain": Asked(file("retrain"), BY_HAND),
        "wrong": Asked(wrong, MAIN),
    }
    ran = jenkins.run(tmp_path_factory.mktemp("recorders"), list(asked.values()))
    return dict(zip(asked, ran, strict=True))


def outcome(build: Build) -> tuple[str, list[str]]:
    """Return the result and the targets of a build."""
    return build.result, build.goals()


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_brings_its_purposes(ladder: Ladder, level: int) -> None:
    files = ladder.fresh(level, ci_provider="jenkins").glob("jenkins/*")
    expected = [purposes for number, purposes in PURPOSES.items() if number <= level]
    assert {file.stem for file in files} == set().union(*expected)


def test_the_linter_finds_nothing(projects: dict[str, Path]) -> None:
    files = sorted(file for one in projects.values() for file in one.glob("jenkins/*.Jenkinsfile"))
    distinct = {file.name: str(file) for file in files}
    options = ["--noserver", "--config", "recommended-jenkinsfile", "--failon", "warning"]
    line = [installed("npm-groovy-lint"), *options, "--javaexecutable", installed("java")]
    finished = subprocess.run(
        [*line, *distinct.values()], capture_output=True, text=True, env=jenkins.java()
    )
    printed = re.sub(r"\x1b\[[0-9;]*m", "", finished.stdout)
    assert finished.returncode == 0, printed + finished.stderr
    assert f"results in {len(distinct)} linted files" in printed


def test_the_stub_refuses_what_it_does_not_know(builds: dict[str, Build]) -> None:
    assert builds["wrong"].result == "INVALID"
    assert "timestamp" in builds["wrong"].listed("error")[0]


@pytest.mark.parametrize("event", ["push", "change request"])
def test_every_check_is_run_with_each_python(builds: dict[str, Build], event: str) -> None:
    build = builds[event]
    assert outcome(build) == ("SUCCESS", CHECKS * 2)
    pythons = [call.environment["UV_PYTHON"] for call in build.calls]
    assert pythons == ["3.11"] * len(CHECKS) + ["3.14"] * len(CHECKS)
    assert {call.environment["CI"] for call in build.calls} == {"true"}
    assert build.listed("junit") == ["reports/tests.xml"] * 2
    assert build.listed("agent") == ["uv", "uv"]


def test_another_branch_is_not_checked(builds: dict[str, Build]) -> None:
    assert outcome(builds["another branch"]) == ("SUCCESS", [])


@pytest.mark.parametrize("goal", CHECKS)
def test_a_failing_check_fails_the_build(builds: dict[str, Build], goal: str) -> None:
    build = builds[f"failing {goal}"]
    assert outcome(build) == ("FAILURE", CHECKS[: CHECKS.index(goal) + 1] * 2)
    assert build.listed("junit") == ["reports/tests.xml"] * 2, "post runs nevertheless"


def test_a_change_request_trains_a_model(builds: dict[str, Build]) -> None:
    assert [call.arguments for call in builds["model"].calls] == [
        "setup",
        "pipeline SAMPLE=1 GATE=1",
    ]
    assert outcome(builds["refused model"]) == ("FAILURE", ["setup", "pipeline"])
    assert builds["refused model"].listed("archive") == ["model.md"]
    assert outcome(builds["model of a push"]) == ("SUCCESS", [])


def test_a_tag_is_tested_built_and_kept(builds: dict[str, Build]) -> None:
    build = builds["tag"]
    assert outcome(build) == ("SUCCESS", ["setup", "test", "release"])
    assert build.calls[-1].arguments == "release TAG=v0.1.0"
    assert build.listed("archive") == ["dist/*"]
    assert outcome(builds["failing tag"]) == ("FAILURE", ["setup", "test"])
    assert builds["failing tag"].listed("archive") == []
    assert outcome(builds["release of a push"]) == ("SUCCESS", [])


def test_training_loads_data_if_asked(builds: dict[str, Build]) -> None:
    assert outcome(builds["train"]) == ("SUCCESS", ["setup", "pipeline"])
    assert "FORCE" not in builds["train"].environment("pipeline")
    build = builds["train on data"]
    assert [call.arguments for call in build.calls] == ["setup", "data MONTH=2019-03", "pipeline"]
    assert build.environment("pipeline")["FORCE"] == "yes"
    assert outcome(builds["failing train"]) == ("FAILURE", ["setup", "data"])


def test_production_follows_staging(builds: dict[str, Build]) -> None:
    assert outcome(builds["deploy"]) == ("SUCCESS", DEPLOYED * 2)
    assert builds["deploy"].listed("agent") == ["staging", "production"]
    assert outcome(builds["failing smoke"]) == ("FAILURE", DEPLOYED)
    assert builds["deploy"].environment("deploy")["LIVE"] == "/srv/live"


def test_only_the_loop_promotes_where_there_is_one(builds: dict[str, Build]) -> None:
    below = builds["deploy below"]
    assert outcome(below) == ("SUCCESS", ["setup", "promote", *DEPLOYED[1:], *DEPLOYED])
    assert below.environment("promote")["ALLOW_REFUSAL"] == "1"
    assert [name for name, build in builds.items() if "promote" in build.goals()] == [
        *("deploy below", "cluster", "failing apply")
    ]


def test_a_cluster_gets_one_image_by_its_digest(builds: dict[str, Build]) -> None:
    build = builds["cluster"]
    assert build.result == "SUCCESS", build.log
    assert [call.arguments for call in build.calls] == [
        *("setup", "promote", "deploy"),
        "image IMAGE=registry.example.org/service:7 PUSH=1",
        "apply TO=staging IMAGE=registry/service@sha256:1",
        "apply TO=retraining IMAGE=registry/service@sha256:1",
    ]
    assert builds["failing apply"].goals()[-2:] == ["image", "apply"]


def test_the_report_is_kept_even_after_a_failure(builds: dict[str, Build]) -> None:
    assert outcome(builds["monitor"]) == ("FAILURE", ["setup", "monitor"])
    assert builds["monitor"].listed("archive") == ["reports/**"]


def test_the_loop_takes_a_step_by_schedule_and_a_challenger_when_asked(
    builds: dict[str, Build],
) -> None:
    assert outcome(builds["tick"]) == ("SUCCESS", ["setup", "tick", "audit"])
    assert outcome(builds["retrain"]) == ("SUCCESS", ["setup", "retrain", "audit"])
    assert outcome(builds["failing tick"]) == ("FAILURE", ["setup", "tick", "audit"])


def test_a_newer_template_is_told_by_a_failure(builds: dict[str, Build]) -> None:
    assert outcome(builds["update"]) == ("FAILURE", ["check-newest"])


def test_schedules_and_triggers(builds: dict[str, Build]) -> None:
    found = {
        name: [told[1] for told in builds[build].triggers if told[0] == "cron"]
        for name, build in {"check-update": "update", "retrain": "tick"}.items()
    } | {name: [builds[name].triggers[0][1]] for name in ("train", "monitor")}
    assert found == {name: [cron] for name, cron in CRONS.items()}
    assert builds["train"].triggers[1][0] == "pollSCM"
    for name in ("deploy", "cluster"):
        assert builds[name].triggers == [
            ["upstream", {"upstreamProjects": "train", "threshold": "SUCCESS"}]
        ]
    assert all(builds[name].triggers == [] for name in ("push", "model", "tag"))


def test_builds_are_bounded_and_never_overlap(builds: dict[str, Build]) -> None:
    for name, build in builds.items():
        if name != "wrong":
            assert {"timeout", "timestamps", "disableConcurrentBuilds"} <= set(build.options)


def test_parameters_have_defaults(builds: dict[str, Build]) -> None:
    assert builds["train"].parameters == {"AGENT": "uv", "DATA_MONTH": "", "FORCE": ""}
    assert builds["tick"].parameters == {"AGENT": "production", "LIVE": "/srv/live"}
    assert set(builds["cluster"].parameters) == {"AGENT", "REPOSITORY", "PRODUCTION"}


def test_credentials_are_seen_where_they_are_needed_alone(builds: dict[str, Build]) -> None:
    for name in ("push", "change request", "model", "tag", "update"):
        assert set(map(tuple, builds[name].credentials().values())) == {()}, name
    assert builds["train on data"].credentials() == {
        "make setup": [],
        'make data MONTH="$DATA_MONTH"': [],
        "make pipeline": MLFLOW,
    }
    assert builds["deploy below"].credentials() == {
        "make setup": [],
        "make promote": MLFLOW,
        "make deploy": MLFLOW,
        "make apply": ["service-token-production"],
        "make smoke": ["service-token-production"],
    }
    assert list(builds["cluster"].credentials().values()) == [
        [],
        MLFLOW,
        MLFLOW,
        ["registry-user", "registry-token"],
        ["kubeconfig-staging"],
        ["kubeconfig-production"],
    ]
    assert builds["monitor"].environment("monitor")["DATABASE_URL"] == "secret of database-url"
    assert builds["tick"].credentials()["make tick"] == ["database-url", *MLFLOW]


def test_steps_run_make_and_nothing_else(projects: dict[str, Path]) -> None:
    for file in (file for one in projects.values() for file in one.glob("jenkins/*")):
        text = file.read_text(encoding="utf-8")
        assert "script {" not in text and "def " not in text
        for line in re.findall(r"^ *sh '(.*)'$", text, re.MULTILINE):
            assert line.removeprefix(". reports/image.env && ").startswith("make "), (file, line)
        assert len(re.findall(r"\bsh\b", text)) == len(
            re.findall(r"^ *sh 'm|^ *sh '\.", text, re.M)
        )


# make jenkins-check


class Validator(http.server.BaseHTTPRequestHandler):
    """A stand-in for Jenkins's validation of a Jenkinsfile."""

    def do_POST(self) -> None:
        """Accept a file that has a pipeline."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        known = self.path == "/pipeline-model-converter/validate" and 'name="jenkinsfile"' in body
        valid = known and "pipeline {" in body and self.headers["Authorization"]
        told = "Jenkinsfile successfully validated.\n" if valid else "Errors encountered\n"
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(told.encode())

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Run the stand-in."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Validator) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def check(project: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make jenkins-check."""
    given = {name: value for name, value in os.environ.items() if "JENKINS" not in name}
    line = ["make", "jenkins-check"]
    return subprocess.run(line, cwd=project, env=given | variables, capture_output=True, text=True)


def test_jenkins_is_asked_to_validate_each_file(ladder: Ladder, address: str) -> None:
    project = ladder.project(1, ci_provider="jenkins")
    told = {"JENKINS_URL": address, "JENKINS_AUTH": "ada:token"}
    accepted = check(project, **told)
    assert accepted.returncode == 0, accepted.stderr
    assert accepted.stdout.count(".Jenkinsfile: ") == 3
    assert accepted.stderr.count("successfully validated") == 3
    (project / "jenkins/ci.Jenkinsfile").write_text("pipe {}\n")
    assert check(project, **told).returncode != 0
    assert check(project, JENKINS_URL=f"{address}/other", JENKINS_AUTH="a:b").returncode != 0
    refused = check(project)
    assert refused.returncode != 0 and "JENKINS_URL is not set" in refused.stderr


def test_the_stub_says_that_it_is_a_model() -> None:
    text = jenkins.STUB.read_text(encoding="utf-8")
    assert "stub" in jenkins.STUB.name and "a model, not Jenkins" in text
