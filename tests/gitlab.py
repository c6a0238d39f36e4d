"""Pipelines of GitLab, run by gitlab-ci-local in a shell."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from projects import git
from recorder import Call, Recorder
from tools import installed

OPTIONS = ["--force-shell-executor", "--no-color", "--no-json-schema-validation"]
PUSH = {"CI_PIPELINE_SOURCE": "push"}
MERGE_REQUEST = {"CI_PIPELINE_SOURCE": "merge_request_event"}


def on(source: str, purpose: str, **variables: str) -> dict[str, str]:
    """Return the variables of a pipeline on a schedule, by a trigger or by hand (web)."""
    return {"CI_PIPELINE_SOURCE": source, "PURPOSE": purpose, **variables}


@dataclass(frozen=True)
class Pipeline:
    """What happened in a pipeline."""

    exit_code: int
    printed: str
    calls: list[Call]

    def jobs(self) -> dict[str, list[str]]:
        """Return the calls of make by job, in the order of the jobs."""
        found: dict[str, list[str]] = {}
        for call in self.calls:
            found.setdefault(call.job, []).append(call.arguments)
        return found

    def goals(self) -> list[str]:
        """Return the targets in their order."""
        return [goal for call in self.calls for goal in call.goals]

    def environment(self, goal: str) -> dict[str, str]:
        """Return the environment of the last call of a target."""
        return [call.environment for call in self.calls if goal in call.goals][-1]


def command() -> str:
    """Return the path of gitlab-ci-local; skip the test if it or rsync is not installed."""
    if shutil.which("rsync") is None:
        pytest.skip("rsync is not installed")
    return installed("gitlab-ci-local")


def run(
    project: Path,
    variables: dict[str, str],
    *jobs: str,
    failing: str = "",
    environment: dict[str, str] | None = None,
) -> Pipeline:
    """Run a pipeline of the last commit; make is a recorder unless an environment is given."""
    recorder = Recorder(project.parent / f"{project.name}-recorder")
    given = environment or os.environ | recorder.environment(failing)
    pairs = [word for pair in variables.items() for word in ("--variable", "=".join(pair))]
    if "CI_COMMIT_TAG" in variables:
        pairs += ["--unset-variable", "CI_COMMIT_BRANCH"]
    state = os.path.relpath(recorder.folder / "state", project)
    line = [command(), *OPTIONS, "--state-dir", state, *pairs, *jobs]
    finished = subprocess.run(
        line, cwd=project, env=given, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    printed = re.sub(r"\x1b\[[0-9;]*m", "", finished.stdout + finished.stderr)
    return Pipeline(finished.returncode, printed, [] if environment else recorder.calls())


def mark_pushed(project: Path) -> None:
    """Let the last commit be what GitLab has, so that later commits are a push."""
    git(project, "update-ref", "refs/remotes/origin/main", "HEAD")
