"""Running git."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .errors import RefusedError

# Of git's own variables, those that say who somebody is, how to reach a server, and where git's
# settings are. Everything else is dropped: in a hook, git names the repository, the index and the
# object folder of the commit under way, and every call here would then work on those.
KEPT = {
    *("GIT_ALLOW_PROTOCOL", "GIT_ASKPASS", "GIT_ATTR_NOSYSTEM", "GIT_CEILING_DIRECTORIES"),
    *("GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH", "GIT_PROTOCOL_FROM_USER"),
    *("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_TERMINAL_PROMPT"),
}
KEPT_FAMILIES = (
    *("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_", "GIT_HTTP_", "GIT_LFS_"),
    *("GIT_PROXY_", "GIT_SSL_"),
)
# For temporary repositories: files as they were committed, no hooks, conflicts in one style.
PLAIN = {
    "clone.defaultRemoteName": "origin",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.safecrlf": "false",
    "merge.conflictStyle": "merge",
}
LINES_SHOWN = 3


class GitError(RefusedError):
    """A git command failed; the message is git's own."""


def user_environment() -> dict[str, str]:
    """Return the caller's environment without the variables that name another repository."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in KEPT or name.startswith(KEPT_FAMILIES)
    }


def environment(**variables: str) -> dict[str, str]:
    """Return the environment for git: English messages, and no index refresh by `git status`.

    `git status` would otherwise refresh the index on the way.
    """
    return user_environment() | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **variables}


def isolated_environment(**variables: str) -> dict[str, str]:
    """Return the environment for git in temporary repositories, without the user's settings."""
    found = environment(GIT_TEMPLATE_DIR="", GIT_ATTR_NOSYSTEM="1", **variables)
    count = found.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    for number, (name, value) in enumerate(PLAIN.items(), first):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found | {"GIT_CONFIG_COUNT": str(first + len(PLAIN))}


def run_git(
    folder: Path,
    *arguments: str | Path,
    variables: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    passing: tuple[int, ...] = (0,),
    plain: bool = False,
) -> bytes:
    """Run git in a folder and return its output.

    Parameters
    ----------
    folder
        The working directory.
    arguments
        The subcommand with its arguments.
    variables
        Environment variables to add.
    stdin
        The standard input.
    passing
        The exit codes of success.
    plain
        Use the environment for temporary repositories.

    Raises
    ------
    GitError
        Git is missing, or fails.
    """
    command = ["git", *map(str, arguments)]
    surroundings = isolated_environment if plain else environment
    try:
        finished = subprocess.run(
            command,
            cwd=folder,
            env=surroundings(**(variables or {})),
            input=stdin,
            capture_output=True,
        )
    except FileNotFoundError as error:
        raise GitError(
            f"git or the folder {folder} does not exist: install git 2.38 or later"
        ) from error
    if finished.returncode not in passing:
        words = (word for word in command[1:] if not word.startswith("-") and "=" not in word)
        raise GitError(f"git {next(words, '')} failed in {folder}: {reason(finished.stderr)}")
    return finished.stdout


def reason(stderr: bytes | str) -> str:
    """Return git's error message in one line, without hints."""
    text = stderr if isinstance(stderr, str) else stderr.decode(errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
    return "; ".join((said or lines)[:LINES_SHOWN]) or "no error message"


def git(
    folder: Path,
    *arguments: str | Path,
    variables: Mapping[str, str] | None = None,
    plain: bool = False,
) -> str:
    """Run git in a folder and return its output as text, without the final line feed."""
    printed = run_git(folder, *arguments, variables=variables, plain=plain)
    return printed.decode(errors="surrogateescape").removesuffix("\n")


def succeeds(folder: Path, *arguments: str | Path) -> bool:
    """Tell whether git ends with exit code 0."""
    try:
        run_git(folder, *arguments)
    except GitError:
        return False
    return True


def is_set(folder: Path, setting: str) -> bool:
    """Tell whether a git setting is true."""
    printed = run_git(folder, "config", "--type=bool", "--get", setting, passing=(0, 1))
    return printed.strip() == b"true"


def has_identity(folder: Path) -> bool:
    """Tell whether git has a name and email for author and committer."""
    return succeeds(folder, "var", "GIT_AUTHOR_IDENT") and succeeds(
        folder, "var", "GIT_COMMITTER_IDENT"
    )
