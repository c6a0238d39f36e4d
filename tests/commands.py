"""Calls of the command line under test, without a terminal."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import click.testing

from mlops_ladder.cli import ladder

NAMED = {
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
}


def call(*arguments: str | Path, cwd: Path, **variables: str) -> click.testing.Result:
    """Run a command in this process, with a git identity."""
    with contextlib.chdir(cwd):
        runner = click.testing.CliRunner(env=NAMED | variables)
        return runner.invoke(ladder, [*map(str, arguments)], prog_name="mlops-ladder")


def done(*arguments: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command that must succeed, and return its messages."""
    result = call(*arguments, cwd=cwd, **variables)
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    return result.stderr


def printed(*arguments: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command that must succeed, and return its standard output."""
    result = call(*arguments, cwd=cwd, **variables)
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    return result.stdout


def refused(*arguments: str | Path, cwd: Path, code: int = 1, **variables: str) -> str:
    """Run a command that must be refused with the exit code, and return its messages.

    Any other exception than the exit fails the test.
    """
    result = call(*arguments, cwd=cwd, **variables)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    return result.stderr


def run(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in its own process."""
    return subprocess.run(
        [sys.executable, "-m", "mlops_ladder", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | NAMED | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
