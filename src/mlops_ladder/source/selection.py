"""Selection of the template: one that is named, the project's, or the installed one."""

import json
import os
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import RefusedError, UsageError
from ..git import GitError, git, succeeds
from ..terminal import say
from . import cache
from .location import (
    CHECKOUT,
    PACKAGE,
    REMOTE,
    Template,
    check_no_credentials,
    local_path,
    url_for_copier,
)
from .versions import has_version, last_commit, list_versions

VARIABLE = "MLOPS_LADDER_TEMPLATE"


def select_template(option: str | None) -> Template:
    """Return the template of `--template`, else of the environment variable, else the installed.

    Raises
    ------
    UsageError
        It does not exist, or projects could not climb from it.
    RefusedError
        The installed template cannot be cached.
    """
    named = option or os.environ.get(VARIABLE)
    return named_template(named) if named else installed_template()


def installed_template() -> Template:
    """Return the template that this program was installed with.

    From a checkout it is the last commit; from a git address, that address and commit; from a
    wheel, the wheel's own files, cached in the user's data folder.

    Raises
    ------
    RefusedError
        The files cannot be cached, or git fails.
    """
    packed = PACKAGE / "_template"
    if not packed.is_dir():
        return checkout_template(CHECKOUT)
    return installed_from_git() or cached_template(packed)


def checkout_template(root: Path) -> Template:
    """Return the last commit of a checkout, or the cached files of any other folder."""
    if not is_checkout(root):
        return cached_template(root)
    if git(root, "status", "--porcelain", "--", *cache.CONTENTS):
        say(f"note: uncommitted changes of the template in {root} are not used")
    return Template(str(root), git(root, "rev-parse", "HEAD"))


def is_checkout(root: Path) -> bool:
    """Tell whether the folder is the top of a git working tree with a commit."""
    return (root / ".git").exists() and succeeds(root, "rev-parse", "--verify", "HEAD^{commit}")


def cached_template(root: Path) -> Template:
    """Cache the files as a version of the template, and return it."""
    version = metadata.version(cache.NAME)
    repository, tag = cache.cache_version(cache.template_files(root), version)
    return Template(str(repository), tag)


def installed_from_git() -> Template | None:
    """Return the address and commit that the installer recorded, if it used a git repository."""
    origin = recorded_origin()
    if origin.get("vcs_info", {}).get("vcs") != "git":
        return None
    path = local_path(origin["url"])
    location = str(path) if path else url_for_copier(origin["url"])
    return Template(location, str(origin["vcs_info"]["commit_id"]))


def recorded_origin() -> dict[str, Any]:
    """Return what the installer recorded about the origin of this program; empty for an index.

    The format is that of https://packaging.python.org/specifications/direct-url/.
    """
    recorded = metadata.distribution(cache.NAME).read_text("direct_url.json")
    return dict(json.loads(recorded)) if recorded else {}


def own_requirement(extra: str) -> str:
    """Return the requirement that installs this version of this program with an extra."""
    origin, name = recorded_origin(), f"{cache.NAME}[{extra}]"
    if "url" not in origin:
        return f"{name}=={metadata.version(cache.NAME)}"
    vcs = origin.get("vcs_info")
    address = f"{vcs['vcs']}+{origin['url']}@{vcs['commit_id']}" if vcs else origin["url"]
    return f"{name} @ {address}"


def named_template(name: str) -> Template:
    """Return the newest release of the template at a URL or path; its last commit without one.

    Raises
    ------
    UsageError
        It does not exist, projects could not climb from it, or the URL has a password.
    """
    path = local_path(name)
    if path is None:
        check_no_credentials(name)
        return Template(url_for_copier(name), None)
    check_repository(path)
    template = Template(str(path), None)
    return template if list_versions(template) else Template(str(path), last_commit(template))


def check_repository(path: Path) -> None:
    """Check that the path is a git repository with a commit.

    Raises
    ------
    UsageError
        It is not.
    """
    if not path.exists():
        raise UsageError(f"there is no template at {path}")
    if not (path.is_file() or path.suffix == ".git" or (path / ".git").exists()):
        raise UsageError(
            f"{path} is not the top folder of a git repository, so projects could not climb from it"
        )
    try:
        last_commit(Template(str(path), None))
    except GitError as error:
        raise UsageError(f"the template at {path} cannot be read: {error.message}") from error


def template_of(answers: Mapping[str, Any], option: str | None = None) -> Template:
    """Return the template and version from which a project was generated.

    Where the project's path is not on this machine, or does not have the version, the installed
    template is used instead if it has that version.

    Parameters
    ----------
    answers
        The project's answers, with `_src_path` and `_commit`.
    option
        Where the template is now, if the project's answers are out of date.

    Raises
    ------
    UsageError
        There is no template at `option`.
    RefusedError
        The version cannot be found.
    """
    location, version = str(answers["_src_path"]), str(answers["_commit"])
    if option:
        return Template(named_template(option).location, version)
    if REMOTE.match(location):
        return Template(location, version)
    if not Path(location).expanduser().is_absolute():
        raise RefusedError(
            f"the project's template is the relative path {location!r}, which depends on the"
            " current folder. Say once where it is: --template ADDRESS-OR-PATH"
        )
    if Path(location) == cache.repository_path():
        installed_template()  # a newer program may not have cached its version yet
    if has_version(location, version):
        return Template(location, version)
    return fallback_template(location, version)


def fallback_template(location: str, version: str) -> Template:
    """Return the installed template, for a project whose own is not on this machine.

    Raises
    ------
    RefusedError
        The installed template does not have that version.
    """
    installed = installed_template()
    if not has_version(installed.location, version):
        raise RefusedError(
            f"the project was generated from version {version} of the template in {location},"
            f" which is not on this machine, and {installed.location} does not have that version"
            " either. Say where it is with --template ADDRESS-OR-PATH, or run that version of"
            " mlops-ladder once, which caches its template here"
        )
    say(f"note: {location} is not on this machine; using version {version} of {installed.location}")
    return Template(installed.location, version)


def newest_version(template: Template) -> str:
    """Return the newest release, or the last commit of a template without releases.

    A checkout that this program runs from is ahead of its releases, so its last commit is used.

    Raises
    ------
    GitError
        The template cannot be reached.
    """
    runs_from_it = template.location == str(CHECKOUT) and is_checkout(CHECKOUT)
    releases = [] if runs_from_it else list_versions(template)
    return releases[0] if releases else last_commit(template)
