"""The project's own make targets, run for the person who asked for it."""

import subprocess
from pathlib import Path

from .git import outer_environment

LOCK = "uv.lock"
"""What `make setup` writes: the exact version of everything, which belongs into git."""


def make(project: Path, *goals: str) -> bool:
    """Whether make reaches the goals; all that it prints goes to standard error.

    The environment that this program may run in stays out: the project has its own.
    """
    outside = outer_environment()
    outside.pop("VIRTUAL_ENV", None)
    command = ["make", *goals]
    finished = subprocess.run(command, cwd=project, env=outside, stdin=subprocess.DEVNULL, stdout=2)
    return finished.returncode == 0
