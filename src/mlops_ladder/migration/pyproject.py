"""Adding a level's requirements to a pyproject.toml that is the repository's own.

Runtime requirements go into a dependency group, so that the package's own dependencies stay as
they are.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from tomlkit.exceptions import TOMLKitError

GROUP = "ladder"
OLDEST = ">=3.11"
TOO_OLD = ["3.8.20", "3.9.20", "3.10.15"]


class NoPlaceError(ValueError):
    """The file cannot be extended; the message says why and what to do."""


@dataclass(frozen=True)
class Listing:
    """A list of requirements: its table, and its name there."""

    table: tuple[str, ...]
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
    if "project" not in theirs:
        names = " ".join(f"'{entry}'" for entries in needed.values() for entry in entries)
        raise NoPlaceError(f"it has no [project] table, which uv needs. The level requires {names}")
    document = tomlkit.parse(text)
    dynamic = theirs["project"].get("dynamic", [])
    for listing, entries in needed.items():
        unsaid = listing.table == EXTRAS and "optional-dependencies" in dynamic
        add(document, GROUPS if unsaid else listing.table, listing.name, entries)
    result = spaced(tomlkit.dumps(document), text)
    if not holds(parsed(result), theirs):
        raise NoPlaceError("the order of its tables does not allow adding to it automatically")
    return result


GROUPS, EXTRAS = ("dependency-groups",), ("project", "optional-dependencies")


def requirements(pyproject: dict[str, Any]) -> Iterator[tuple[Listing, list[str]]]:
    """Yield all lists of requirements; the package's own dependencies become a group."""
    project = pyproject.get("project", {})
    if project:
        yield Listing(GROUPS, GROUP), project.get("dependencies", [])
    for name, entries in project.get("optional-dependencies", {}).items():
        yield Listing(EXTRAS, name), entries
    for name, entries in pyproject.get("dependency-groups", {}).items():
        yield Listing(GROUPS, name), [entry for entry in entries if isinstance(entry, str)]


def add(
    document: tomlkit.TOMLDocument, path: Sequence[str], name: str, entries: Sequence[str]
) -> None:
    """Add requirements to a list, which is created if need be."""
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


def with_settings(text: str, rendered: str, tools: Sequence[str]) -> str:
    """Add the settings that `make setup` needs: all groups, and a recent enough Python.

    The tables of `tools` come as the rendering has them, if there are none.

    Raises
    ------
    NoPlaceError
        The file is no TOML.
    """
    theirs = parsed(text)
    document: Any = tomlkit.parse(text)
    if "project" in theirs and is_too_old(theirs["project"].get("requires-python")):
        document["project"]["requires-python"] = OLDEST
    if "tool" not in document:
        document["tool"] = tomlkit.table(is_super_table=True)
    tool, ours = document["tool"], tomllib.loads(rendered).get("tool", {})
    for name in tools:
        if name not in tool and name in ours:
            tool[name] = tomlkit.item(ours[name])
    groups = theirs.get("tool", {}).get("uv", {}).get("default-groups")
    if isinstance(groups, list) and GROUP not in groups:
        tool["uv"]["default-groups"].append(GROUP)
    elif groups is None:
        if "uv" not in tool:
            tool["uv"] = tomlkit.table()
        tool["uv"]["default-groups"] = "all"
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
