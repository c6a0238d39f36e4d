"""Adds what a level needs to a pyproject.toml that somebody else wrote, and changes nothing there.

Packages that run go into a dependency group of their own, so that what their package asks of
those who install it stays as it was.
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
    """The file has no place for it; the message says why and what to do."""


@dataclass(frozen=True)
class Listing:
    """A list of requirements: the table it belongs to, and its name there."""

    table: tuple[str, ...]
    name: str


def with_arrivals(text: str, before: str, after: str) -> str:
    """The text with all requirements that `after`, a rendering's pyproject.toml, has over `before`.

    Raises:
        NoPlaceError: uv could not install from the file.
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
        raise NoPlaceError(f"it has no [project] table, as uv needs it. The level needs {names}")
    document = tomlkit.parse(text)
    dynamic = theirs["project"].get("dynamic", [])
    for listing, entries in needed.items():
        unsaid = listing.table == EXTRAS and "optional-dependencies" in dynamic
        add(document, GROUPS if unsaid else listing.table, listing.name, entries)
    result = spaced(tomlkit.dumps(document), text)
    if not holds(parsed(result), theirs):
        raise NoPlaceError("its tables stand in an order that nothing can be added to by a program")
    return result


GROUPS, EXTRAS = ("dependency-groups",), ("project", "optional-dependencies")


def requirements(pyproject: dict[str, Any]) -> Iterator[tuple[Listing, list[str]]]:
    """All lists of requirements, those of the package itself as a group of ours."""
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
    """Add requirements to a list, which appears if it is not there."""
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
    """The text with what `make setup` needs besides: all groups, and a Python that is new enough.

    The tables of `tools` come as the rendering has them, if there are none.

    Raises:
        NoPlaceError: the file is no TOML.
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
    """The text with a blank line above each table that came, and above what follows it."""
    known, lines, new = set(before.splitlines()), list[str](), False
    for line in text.splitlines(keepends=True):
        came = line.rstrip() not in known
        if line.startswith("[") and (came or new) and lines and lines[-1].strip():
            lines.append("\n")
        new = came if line.startswith("[") else new
        lines.append(line)
    return "".join(lines)


def is_too_old(requires_python: str | None) -> bool:
    """Whether a Python may be used that the level does not run on; nothing said means any."""
    try:
        return any(SpecifierSet(requires_python or "").contains(old) for old in TOO_OLD)
    except InvalidSpecifier:
        return False


def name_of(entry: str) -> str:
    """The package that a requirement is about."""
    try:
        return canonicalize_name(Requirement(entry).name)
    except InvalidRequirement:
        return entry


def parsed(text: str) -> dict[str, Any]:
    """What the TOML says.

    Raises:
        NoPlaceError: it is none.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, TOMLKitError) as error:
        raise NoPlaceError(f"it is no TOML: {error}") from error


def holds(more: Any, less: Any) -> bool:
    """Whether nothing that was said is missing."""
    if isinstance(less, dict):
        return isinstance(more, dict) and all(
            name in more and holds(more[name], value) for name, value in less.items()
        )
    if isinstance(less, list):
        return isinstance(more, list) and more[: len(less)] == less
    return bool(more == less)
