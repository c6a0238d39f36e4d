"""Builds of Jenkinsfiles in a stub of the pipeline steps, which is a model and not Jenkins."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder import Call, Recorder
from tools import installed

STUB = Path(__file__).parent / "jenkins_stub/stub_of_pipeline_steps.groovy"
MAIN = {"branch": "main"}
CHANGE_REQUEST = {"branch": "PR-1", "change": "1"}
TAG = {"tag": "v0.1.0"}
TIMER = {"cause": "TimerTrigger"}
UPSTREAM = {"cause": "UpstreamCause"}
BY_HAND = {"cause": "UserIdCause"}
GIVEN = {"BUILD_NUMBER": "7", "TAG_NAME": "v0.1.0"}


@dataclass(frozen=True)
class Asked:
    """A build to run: a Jenkinsfile, what starts it, its parameters, a target that fails."""

    file: Path
    event: dict[str, str]
    failing: str = ""
    parameters: dict[str, str] | None = None


@dataclass(frozen=True)
class Build:
    """What happened in a build."""

    result: str
    log: list[dict[str, Any]]
    triggers: list[list[Any]]
    options: list[str]
    parameters: dict[str, str]
    calls: list[Call]

    def goals(self) -> list[str]:
        """Return the targets in their order."""
        return [goal for call in self.calls for goal in call.goals]

    def environment(self, goal: str) -> dict[str, str]:
        """Return the environment of the last call of a target."""
        return [call.environment for call in self.calls if goal in call.goals][-1]

    def credentials(self) -> dict[str, list[str]]:
        """Return the ids of credentials that each shell command can see."""
        return {entry["sh"]: entry["credentials"] for entry in self.log if "sh" in entry}

    def listed(self, key: str) -> list[Any]:
        """Return the entries of one kind in the log: archive, junit, agent, error."""
        return [entry[key] for entry in self.log if key in entry]


def run(folder: Path, asked: list[Asked]) -> list[Build]:
    """Run builds one after another, in one process, with a recorder in place of make."""
    recorders = [Recorder(folder / str(number)) for number in range(len(asked))]
    builds = [
        {
            "file": str(one.file),
            "folder": str(one.file.parent.parent),
            "event": one.event,
            "parameters": one.parameters or {},
            "environment": recorder.environment(one.failing) | GIVEN,
        }
        for one, recorder in zip(asked, recorders, strict=True)
    ]
    finished = subprocess.run(
        [installed("groovy"), str(STUB)],
        input=json.dumps(builds),
        env=java(),
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return [
        Build(**told, calls=recorder.calls())
        for told, recorder in zip(json.loads(finished.stdout), recorders, strict=True)
    ]


def java() -> dict[str, str]:
    """Return the environment of groovy, which looks for a folder that Debian may not have."""
    found = shutil.which("java")
    home = {} if found is None else {"JAVA_HOME": str(Path(found).resolve().parent.parent)}
    return os.environ | home
