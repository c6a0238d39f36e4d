"""Versions of a template: releases are tags that are version numbers, as copier reads them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packaging.version import InvalidVersion, Version

from ..errors import RefusedError, UsageError
from ..git import GitError, git, succeeds
from .location import Template, url_for_git


def list_versions(template: Template) -> list[str]:
    """List the template's releases, newest first, without pre-releases.

    Raises
    ------
    GitError
        The template cannot be reached.
    """
    address = url_for_git(template.location)
    listed = git(Path.cwd(), "ls-remote", "--tags", "--refs", "--", address)
    tags = [line.partition("\trefs/tags/")[2] for line in listed.splitlines()]
    releases = {tag: parsed for tag in tags if (parsed := parse_version(tag))}
    finals = [tag for tag, parsed in releases.items() if not parsed.is_prerelease]
    return sorted(finals, key=releases.__getitem__, reverse=True)


def parse_version(tag: str) -> Version | None:
    """Return the version that a tag names, if it names one."""
    try:
        return Version(tag)
    except InvalidVersion:
        return None


def last_commit(template: Template) -> str:
    """Return the commit of the template's default branch.

    Raises
    ------
    GitError
        The template cannot be reached, or has no commit.
    """
    listed = git(Path.cwd(), "ls-remote", "--", url_for_git(template.location), "HEAD")
    if not listed:
        raise GitError(f"{template.location} has no commit")
    return listed.partition("\t")[0]


@contextmanager
def cloned(template: Template) -> Iterator[Path]:
    """Provide a temporary bare clone with the template's whole history.

    Raises
    ------
    GitError
        The template cannot be reached.
    """
    url = url_for_git(template.location)
    borrow = ["--shared"] if Path(url).is_dir() else ["--filter=blob:none"]
    with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder:
        repository = Path(folder) / "template.git"
        git(Path(folder), "clone", "--quiet", "--bare", *borrow, "--", url, repository, plain=True)
        yield repository


def commit_of(repository: Path, version: str) -> str | None:
    """Return the commit of a tag, a branch or an abbreviated commit, if it exists."""
    try:
        name = f"{version}^{{commit}}"
        return git(repository, "--git-dir=.", "rev-parse", "--verify", "--quiet", name)
    except GitError:
        return None


def has_version(location: str, version: str) -> bool:
    """Tell whether a repository on this machine has the tag, branch or commit."""
    path = Path(location).expanduser()
    if not path.exists() or version.startswith("-"):
        return False
    with cloned(Template(str(path), None)) as repository:
        return commit_of(repository, version) is not None


def find_version(repository: Path, template: Template, name: str) -> str:
    """Return a version by the name that the template's repository has for it.

    Raises
    ------
    UsageError
        There is no such version.
    """
    for known_name in (name, f"v{name}"):
        if not known_name.startswith("-") and commit_of(repository, known_name):
            return known_name
    known = ", ".join(list_versions(template)) or "only commits, no release"
    raise UsageError(f"{template.location} has no version {name}; it has {known}")


def is_newer(repository: Path, target: Template, origin: Template, *, asked_for: bool) -> bool:
    """Tell whether `target` is newer than `origin`, by version number or else by history.

    Raises
    ------
    RefusedError
        An older version was asked for, or the repository does not have one of the versions.
    """
    here, there = (commit_of(repository, str(one.version)) for one in (origin, target))
    if here is None or there is None:
        raise RefusedError(
            f"{origin.location} does not have version {origin.version}, from which the project was"
            " generated, so your changes cannot be told from the template's."
            " Say where that version is: --template ADDRESS-OR-PATH"
        )
    old, new = (parse_version(str(one.version)) for one in (origin, target))
    ancestry = ("--git-dir=.", "merge-base", "--is-ancestor", there, here)
    older = new < old if old and new else here != there and succeeds(repository, *ancestry)
    if older and asked_for:
        raise RefusedError(
            f"{target.version} is older than the project's version {origin.version}."
            " To go back, revert the commit of the upgrade: git revert"
        )
    return here != there and not older
