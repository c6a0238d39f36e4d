"""A service of the course's own project, for tasks whose answers are clients of one."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import RefusedError
from ..git import git
from .repository import SIGNATURE, extract_level
from .student import runner

SHOWN = 300


@contextmanager
def running_service(course: Path, level: int, python: str) -> Iterator[str]:
    """Train, deploy and serve the model of a level's branch, and provide the service's URL.

    Raises
    ------
    RefusedError
        A command fails.
    """
    with tempfile.TemporaryDirectory(prefix="service-") as folder:
        project = extract_level(course, level, Path(folder) / "project")
        git(project, "init", "--quiet", plain=True)  # a run names the commit of its code
        git(project, "add", "--all", plain=True)
        commit = ("commit", "--quiet", "--no-gpg-sign", "--message", "The course's project")
        git(project, *commit, variables=SIGNATURE, plain=True)
        environment = runner.single_threaded() | {
            "PATH": os.pathsep.join([str(Path(python).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(project / "src"),
        }
        environment.pop("VIRTUAL_ENV", None)
        command = ["make", "pipeline", "promote", "deploy", "RUN="]
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RefusedError(f"the service cannot be deployed: {done.stderr[-SHOWN:].strip()}")
        with runner.service(project, python) as url:
            yield url
