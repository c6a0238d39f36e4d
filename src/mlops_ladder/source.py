"""Where the template comes from: a checkout, a repository on the net, or the wheel itself.

A project remembers its template by a URL or an absolute path, and the version that it was made
from. Both must still mean the same when it climbs, so no version is ever copier's `HEAD`: that
would put changes that nobody committed into a commit that no later climb finds.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.version import InvalidVersion, Version

from . import bundled
from .errors import Misused, Refused
from .git import GitError, git, succeeds
from .terminal import say

VARIABLE = "MLOPS_LADDER_TEMPLATE"
PACKAGE = Path(__file__).parent
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
        return f"{self.location} at {self.version}" if self.version else self.location


def installed_template() -> Template:
    """The template that this program came with.

    From a checkout, its last commit; from a git address, that address and commit; from a wheel,
    the wheel's own files, kept among the person's data.

    Raises:
        Refused: a wheel's template cannot be kept, or git fails.
    """
    packed = PACKAGE / "_template"
    if not packed.is_dir():
        return checked_out(CHECKOUT)
    return installed_from_git() or laid_down(packed)


def checked_out(root: Path) -> Template:
    """The last commit of the checkout, or the files of a folder that is none."""
    if not is_checkout(root):
        return laid_down(root)
    if git(root, "status", "--porcelain", "--", *bundled.PIECES):
        say(
            f"note: the template in {root} has changes that are not committed; they are not used",
        )
    return Template(str(root), git(root, "rev-parse", "HEAD"))


def is_checkout(root: Path) -> bool:
    """Whether the folder is the top of a git work tree with a commit."""
    return (root / ".git").exists() and succeeds(root, "rev-parse", "--verify", "HEAD^{commit}")


def laid_down(root: Path) -> Template:
    """The files, kept as a version of the template on this machine."""
    version = metadata.version(bundled.NAME)
    repository, tag = bundled.lay_down(bundled.pieces(root), version)
    return Template(str(repository), tag)


def installed_from_git() -> Template | None:
    """The address and commit that an installer noted, if it installed from a git repository."""
    noted = metadata.distribution(bundled.NAME).read_text("direct_url.json")
    origin: dict[str, Any] = json.loads(noted) if noted else {}
    if origin.get("vcs_info", {}).get("vcs") != "git":
        return None
    path = local_path(origin["url"])
    location = str(path) if path else for_copier(origin["url"])
    return Template(location, str(origin["vcs_info"]["commit_id"]))


def chosen_template(option: str | None) -> Template:
    """The template that `--template` names, else the environment, else the program's own.

    Raises:
        Misused: it is not there, or is nothing that a project could climb from.
        Refused: the program's own cannot be had.
    """
    named = option or os.environ.get(VARIABLE)
    return named_template(named) if named else installed_template()


def named_template(name: str) -> Template:
    """The newest release of the template of that URL or path; the last commit if it has none.

    Raises:
        Misused: it is not there, is nothing that a project could climb from, or holds a password.
    """
    path = local_path(name)
    if path is None:
        check_no_secret(name)
        return Template(for_copier(name), None)
    check_repository(path)
    template = Template(str(path), None)
    return template if versions(template) else Template(str(path), last_commit(template))


def local_path(name: str) -> Path | None:
    """The absolute path that the name means; None if it is on the net."""
    if name.startswith("file://"):
        return Path(unquote(urlsplit(name).path))
    if REMOTE.match(name) and not Path(name).exists():
        return None
    return Path(os.path.abspath(Path(name).expanduser()))


def for_copier(url: str) -> str:
    """The URL as copier knows it to be a git repository's."""
    return url if KNOWN_TO_COPIER.match(url) else f"git+{url}"


def for_git(location: str) -> str:
    """The location without copier's ways to write it."""
    for shorthand, address in SHORTHANDS.items():
        if location.startswith(shorthand):
            return address + location.removeprefix(shorthand).removeprefix("/")
    return location.removeprefix("git+")


def check_no_secret(url: str) -> None:
    """Make sure that the project will not remember a password: it remembers the whole URL."""
    parts = urlsplit(url.removeprefix("git+"))
    if parts.password or (parts.scheme in {"http", "https"} and parts.username):
        raise Misused(
            f"the project would remember the user or password in the address of {parts.hostname}."
            " Leave it out, and let git's credential helper answer"
        )


def check_repository(path: Path) -> None:
    """Make sure that copier can take versions from the path."""
    if not path.exists():
        raise Misused(f"there is no template at {path}")
    if not (path.is_file() or path.suffix == ".git" or (path / ".git").exists()):
        raise Misused(
            f"{path} is not the top of a git repository, so a project made from it could not climb"
        )
    try:
        last_commit(Template(str(path), None))
    except GitError as error:
        raise Misused(f"no template can be read from {path}: {error.message}") from error


def source_of(answers: Mapping[str, Any], option: str | None = None) -> Template:
    """The template and version that a project was made from; `option` says where it is now.

    Where the path that the project remembers is not on this machine, or has not that version,
    the program's own template stands in, if it has.

    Raises:
        Misused: what `option` names is not there.
        Refused: the version cannot be found.
    """
    location, version = str(answers["_src_path"]), str(answers["_commit"])
    if option:
        return Template(named_template(option).location, version)
    if REMOTE.match(location):
        return Template(location, version)
    if not Path(location).expanduser().is_absolute():
        raise Refused(
            f"the project remembers its template as {location!r}, which means another folder"
            " wherever you stand. Say once where it is: --template ADDRESS-OR-PATH"
        )
    if Path(location) == bundled.kept_repository():
        installed_template()  # a newer program has not put its version there yet
    if has_version(location, version):
        return Template(location, version)
    return stand_in(location, version)


def stand_in(location: str, version: str) -> Template:
    """The program's own template instead of one that is not here.

    Raises:
        Refused: it does not have that version.
    """
    own = installed_template()
    if not has_version(own.location, version):
        raise Refused(
            f"the project was made from version {version} of the template in {location}, which is"
            f" not here; nor has {own.location} that version. Say where it is with"
            " --template ADDRESS-OR-PATH, or run mlops-ladder plan once as it was in that version,"
            " which then stays on this machine"
        )
    say(f"note: {location} is not here; {own.location} has {version} too")
    return Template(own.location, version)


def has_version(location: str, version: str) -> bool:
    """Whether the repository on this machine holds the tag, branch or commit."""
    path = Path(location).expanduser()
    if not path.exists() or version.startswith("-"):
        return False
    with history(Template(str(path), None)) as repository:
        return commit_of(repository, version) is not None


def versions(template: Template) -> list[str]:
    """The template's releases, newest first: tags that are versions, as copier reads them.

    Raises:
        GitError: the template cannot be reached.
    """
    listed = git(Path.cwd(), "ls-remote", "--tags", "--refs", "--", for_git(template.location))
    tags = [line.partition("\trefs/tags/")[2] for line in listed.splitlines()]
    releases = {tag: parsed for tag in tags if (parsed := version_of(tag))}
    finals = [tag for tag, parsed in releases.items() if not parsed.is_prerelease]
    return sorted(finals, key=releases.__getitem__, reverse=True)


def version_of(tag: str) -> Version | None:
    """The version that a tag names, if it names one."""
    try:
        return Version(tag)
    except InvalidVersion:
        return None


def newest_version(template: Template) -> str:
    """The version that an upgrade goes to: the newest release, or the last commit if none is.

    A checkout that this program runs from is ahead of its releases: its last commit counts.

    Raises:
        GitError: the template cannot be reached.
    """
    runs_from_it = template.location == str(CHECKOUT) and is_checkout(CHECKOUT)
    releases = [] if runs_from_it else versions(template)
    return releases[0] if releases else last_commit(template)


def last_commit(template: Template) -> str:
    """The commit that the template's repository stands at.

    Raises:
        GitError: it cannot be reached, or has none.
    """
    listed = git(Path.cwd(), "ls-remote", "--", for_git(template.location), "HEAD")
    if not listed:
        raise GitError(f"{template.location} has no commit")
    return listed.partition("\t")[0]


@contextmanager
def history(template: Template) -> Iterator[Path]:
    """A repository with everything that the template ever was, for as long as it is looked at.

    Raises:
        GitError: the template cannot be reached.
    """
    url = for_git(template.location)
    borrow = ["--shared"] if Path(url).is_dir() else ["--filter=blob:none"]
    with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder:
        repository = Path(folder) / "template.git"
        git(Path(folder), "clone", "--quiet", "--bare", *borrow, "--", url, repository, plain=True)
        yield repository


def commit_of(repository: Path, version: str) -> str | None:
    """The commit of a tag, branch or shortened commit, if there is one."""
    try:
        name = f"{version}^{{commit}}"
        return git(repository, "--git-dir=.", "rev-parse", "--verify", "--quiet", name)
    except GitError:
        return None
