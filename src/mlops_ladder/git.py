"""The few calls of git that everything here is made of."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .errors import Refused


class GitError(Refused):
    """Git failed; the message is its own."""


def environment(**variables: str) -> dict[str, str]:
    """The caller's environment without what steers git to another repository, as in a hook."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    identity = {name: value for name, value in os.environ.items() if name in IDENTITY}
    # Looking must not write: git status would else refresh the index on the way.
    return kept | identity | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **variables}


IDENTITY = {
    *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_SSH", "GIT_SSH_COMMAND"),
}


def run_git(
    folder: Path,
    *arguments: str | Path,
    variables: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    passing: tuple[int, ...] = (0,),
) -> bytes:
    """What git prints when it runs in the folder.

    Raises:
        GitError: git is missing, or ended with an exit code that is not among `passing`.
    """
    command = ["git", *map(str, arguments)]
    try:
        finished = subprocess.run(
            command,
            cwd=folder,
            env=environment(**(variables or {})),
            input=stdin,
            capture_output=True,
        )
    except FileNotFoundError as error:
        raise GitError("git is missing, or the folder is: install git 2.38 or later") from error
    if finished.returncode not in passing:
        said = finished.stderr.decode(errors="replace").strip()
        raise GitError(f"git {arguments[0]} failed in {folder}: {said}")
    return finished.stdout


def git(folder: Path, *arguments: str | Path, variables: Mapping[str, str] | None = None) -> str:
    """What git prints, as text without the last line's end."""
    printed = run_git(folder, *arguments, variables=variables)
    return printed.decode(errors="surrogateescape").removesuffix("\n")


def succeeds(folder: Path, *arguments: str | Path) -> bool:
    """Whether git has a good answer."""
    try:
        run_git(folder, *arguments)
    except GitError:
        return False
    return True


def has_identity(folder: Path) -> bool:
    """Whether git knows in whose name to commit."""
    return succeeds(folder, "var", "GIT_AUTHOR_IDENT") and succeeds(
        folder, "var", "GIT_COMMITTER_IDENT"
    )
