"""Adding a level's requirements to a pyproject.toml that is the repository's own.

Runtime requirements go into a dependency group, so that the package's own dependencies stay as
they are.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from tomlkit.exceptions import TOMLKitError

GROUP, ADOPTED = "ladder", "adopted"
RENAMED = {"dev": "ladder-dev"}
OLDEST = ">=3.11"
TOO_OLD = ["3.8.20", "3.9.20", "3.10.15"]


class NoPlaceError(ValueError):
    """The file cannot be extended; the message says why and what to do."""


@dataclass(frozen=True)
class Listing:
    """A list of requirements: a dependency group."""

    name: str


def with_new_requirements(text: str, before: str, after: str) -> str:
    """Add the requirements that `after` has and `before` has not.

    Parameters
    ----------
    text
        The repository's own pyproject.toml.
    before, after
        The pyproject.toml of two renderings.

    Raises
    ------
    NoPlaceError
        uv could not install from the file.
    """
    theirs = parsed(text)
    new = dict(requirements(tomllib.loads(after)))
    old = dict(requirements(tomllib.loads(before)))
    needed = {
        listing: [entry for entry in entries if entry not in old.get(listing, [])]
        for listing, entries in new.items()
        if entries != old.get(listing)
    }
    if not needed:
        return text
    if "project" not in theirs and "workspace" not in theirs.get("tool", {}).get("uv", {}):
        names = " ".join(f"'{entry}'" for entries in needed.values() for entry in entries)
        raise NoPlaceError(f"it has no [project] table, which uv needs. The level requires {names}")
    document = tomlkit.parse(text)
    for listing, entries in needed.items():
        add(document, GROUPS, listing.name, entries)
    if allows_too_old(theirs):
        require_python(document, [listing.name for listing in needed], OLDEST)
    result = spaced(tomlkit.dumps(document), text)
    if not holds(parsed(result), theirs):
        raise NoPlaceError("the order of its tables does not allow adding to it automatically")
    return result


GROUPS = ("dependency-groups",)


def requirements(pyproject: dict[str, Any]) -> Iterator[tuple[Listing, list[str]]]:
    """Yield all lists of requirements as groups, so that the package's own metadata stays."""
    project = pyproject.get("project", {})
    if project:
        yield Listing(GROUP), project.get("dependencies", [])
    for name, entries in project.get("optional-dependencies", {}).items():
        yield Listing(name), entries
    for name, entries in pyproject.get("dependency-groups", {}).items():
        kept = [entry for entry in entries if isinstance(entry, str)]
        yield Listing(RENAMED.get(name, name)), kept


def allows_too_old(pyproject: dict[str, Any]) -> bool:
    """Tell whether the project may be installed with a Python that is too old for the level."""
    return is_too_old(pyproject.get("project", {}).get("requires-python"))


def require_python(document: Any, groups: Sequence[str], version: str) -> None:
    """Let uv install groups with recent versions of Python only."""
    if "tool" not in document:
        document["tool"] = tomlkit.table(is_super_table=True)
    if "uv" not in document["tool"]:
        document["tool"]["uv"] = tomlkit.table(is_super_table=True)
    uv = document["tool"]["uv"]
    if "dependency-groups" not in uv:
        uv["dependency-groups"] = tomlkit.table()
    for name in groups:
        if name not in uv["dependency-groups"] and name in document["dependency-groups"]:
            setting = tomlkit.inline_table()
            setting["requires-python"] = version
            uv["dependency-groups"][name] = setting


def add(
    document: tomlkit.TOMLDocument, path: Sequence[str], name: str, entries: Sequence[str]
) -> None:
    """Add requirements to a list, which is created if need be."""
    if not entries:
        return
    table: Any = document
    for depth, key in enumerate(path):
        if key not in table:
            table[key] = tomlkit.table(is_super_table=depth + 1 < len(path))
        table = table[key]
    if name not in table:
        table[name] = tomlkit.array("[\n]")
    known = {name_of(entry) for entry in table[name] if isinstance(entry, str)}
    multiline = "\n" in table[name].as_string()
    for entry in entries:
        if name_of(entry) in known:
            continue
        if multiline:
            table[name].add_line(str(entry))
        else:
            table[name].append(str(entry))


def with_own_requirements(
    text: str, wanted: Sequence[str], project: Mapping[str, Any] | None
) -> str:
    """Add what the repository's other files require, and what uv needs to install anything.

    Parameters
    ----------
    text
        The repository's own pyproject.toml; may be empty.
    wanted
        The requirements.
    project
        The [project] table to add, to which the requirements belong. Without one, other files
        define the package, whose metadata a [project] table would override; uv then installs
        groups of a workspace without a project.

    Raises
    ------
    NoPlaceError
        The file is no TOML.
    """
    theirs = parsed(text)
    document: Any = tomlkit.parse(text)
    if "project" in theirs:
        add(document, GROUPS, ADOPTED, wanted)
    elif project is not None:
        table = tomlkit.table()
        table.update(project)
        document["project"] = table
        add(document, ("project",), "dependencies", wanted)
    else:
        if "tool" not in document:
            document["tool"] = tomlkit.table(is_super_table=True)
        tool = document["tool"]
        if "uv" not in tool:
            tool["uv"] = tomlkit.table(is_super_table=True)
        tool["uv"]["workspace"] = {"members": []}
        add(document, GROUPS, ADOPTED, wanted)
    return spaced(tomlkit.dumps(document), text)


def spaced(text: str, before: str) -> str:
    """Put a blank line before each added table, and before what follows it."""
    known, lines, new = set(before.splitlines()), list[str](), False
    for line in text.splitlines(keepends=True):
        came = line.rstrip() not in known
        if line.startswith("[") and (came or new) and lines and lines[-1].strip():
            lines.append("\n")
        new = came if line.startswith("[") else new
        lines.append(line)
    return "".join(lines)


def is_too_old(requires_python: str | None) -> bool:
    """Tell whether a Python version is allowed on which the level does not run."""
    try:
        return any(SpecifierSet(requires_python or "").contains(old) for old in TOO_OLD)
    except InvalidSpecifier:
        return False


def name_of(entry: str) -> str:
    """Return the normalized package name of a requirement."""
    try:
        return canonicalize_name(Requirement(entry).name)
    except InvalidRequirement:
        return entry


def parsed(text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises
    ------
    NoPlaceError
        It is none.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, TOMLKitError) as error:
        raise NoPlaceError(f"it is not valid TOML: {error}") from error


def holds(more: Any, less: Any) -> bool:
    """Tell whether `more` contains everything of `less`."""
    if isinstance(less, dict):
        return isinstance(more, dict) and all(
            name in more and holds(more[name], value) for name, value in less.items()
        )
    if isinstance(less, list):
        return isinstance(more, list) and more[: len(less)] == less
    return bool(more == less)
