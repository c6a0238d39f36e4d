"""The command line under test, called as a program calls it: away from a terminal."""

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
    """What the command does, in this process, for somebody whom git knows."""
    with contextlib.chdir(cwd):
        runner = click.testing.CliRunner(env=NAMED | variables)
        return runner.invoke(ladder, [*map(str, arguments)], prog_name="mlops-ladder")


def done(*arguments: str | Path, cwd: Path, **variables: str) -> str:
    """What the command says when it does what it should."""
    result = call(*arguments, cwd=cwd, **variables)
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    return result.stderr


def printed(*arguments: str | Path, cwd: Path, **variables: str) -> str:
    """What the command puts on standard output when it does what it should."""
    result = call(*arguments, cwd=cwd, **variables)
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    return result.stdout


def refused(*arguments: str | Path, cwd: Path, code: int = 1, **variables: str) -> str:
    """What the command says when it refuses: an exception of its own, so never a traceback."""
    result = call(*arguments, cwd=cwd, **variables)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    return result.stderr


def run(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What the command does in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mlops_ladder", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | NAMED | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
