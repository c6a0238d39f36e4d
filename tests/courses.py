"""Courses, and what students do in their repositories."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from commands import NAMED
from mlops_ladder.teach.content import Content, course_content
from projects import REPOSITORY, commit_all

CONTENT: Content = course_content(REPOSITORY / "course")


def variant(repository: Path) -> dict[str, Any]:
    """Return the values of a student."""
    found: dict[str, Any] = json.loads((repository / "variant.json").read_text(encoding="utf-8"))
    return found


def solve(repository: Path, *tasks: str, answer: str = "answer") -> None:
    """Solve tasks, or give a wrong answer, and commit."""
    for task in CONTENT.tasks:
        if task.name in tasks:
            task.apply(answer, repository, variant(repository))
    commit_all(repository, f"Solve {', '.join(tasks)}")


def check(
    repository: Path, *arguments: str, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run `check.py` in a student's repository."""
    return subprocess.run(
        [python, "check.py", *arguments],
        cwd=repository,
        env={"PATH": "/usr/bin:/bin", "HOME": str(repository.parent), **NAMED},
        capture_output=True,
        text=True,
    )


def climb(repository: Path, *address: str) -> str:
    """Climb, which must succeed."""
    finished = check(repository, "climb", *address)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def climb_refused(repository: Path, *address: str, code: int = 1) -> str:
    """Climb, which must be refused, and return the message."""
    finished = check(repository, "climb", *address)
    assert finished.returncode == code, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stderr
