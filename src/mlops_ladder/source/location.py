"""The template's location: a checkout, a repository on the network, or the installed package.

A project remembers its template by a URL or an absolute path, and the version from which it was
generated. Both must still mean the same when it climbs, so no version is ever copier's `HEAD`: that
would put uncommitted changes into a commit that no later climb finds.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import UsageError

PACKAGE = Path(__file__).parents[1]
CHECKOUT = PACKAGE.parents[1]
REMOTE = re.compile(r"gh:|gl:|git\+|[a-z][a-z+.-]*://|[\w.-]+@[\w.-]+:")
SHORTHANDS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
# What copier takes for a git repository by its name alone; others need `git+` before them.
KNOWN_TO_COPIER = re.compile(r"gh:|gl:|git\+|git@|git://|https://git(hub|lab)\.com/|.*\.git$")


@dataclass(frozen=True)
class Template:
    """A template, as copier takes it and a project remembers it."""

    location: str
    """A URL or an absolute path."""
    version: str | None
    """A tag, branch or commit; None is the newest release."""

    def __str__(self) -> str:
        """Return the location and the version."""
        return f"{self.location} at {self.version}" if self.version else self.location


def local_path(name: str) -> Path | None:
    """Return the absolute path that a name means; None if it is a remote address."""
    if name.startswith("file://"):
        return Path(unquote(urlsplit(name).path))
    if REMOTE.match(name) and not Path(name).exists():
        return None
    return Path(os.path.abspath(Path(name).expanduser()))


def url_for_copier(url: str) -> str:
    """Return the URL in a form that copier recognizes as a git repository."""
    return url if KNOWN_TO_COPIER.match(url) else f"git+{url}"


def url_for_git(location: str) -> str:
    """Return the location without copier's shorthands, which git does not know."""
    for shorthand, address in SHORTHANDS.items():
        if location.startswith(shorthand):
            return address + location.removeprefix(shorthand).removeprefix("/")
    return location.removeprefix("git+")


def check_no_credentials(url: str) -> None:
    """Check that the URL has no user name or password, because the project would store it.

    Raises
    ------
    UsageError
        It has.
    """
    parts = urlsplit(url.removeprefix("git+"))
    if parts.password or (parts.scheme in {"http", "https"} and parts.username):
        raise UsageError(
            f"the address of {parts.hostname} contains a user name or password, which the project"
            " would store. Leave it out and use git's credential helper"
        )
