"""The tables of Poetry, and Pipfiles, whose entries are nearly the same."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from .layout import Layout
from .needs import Found, Needs

PYPI = "pypi.org"


def from_poetry(layout: Layout) -> Needs:
    """Read the tables of Poetry; beside a [project] table, the groups alone."""
    poetry = layout.pyproject["tool"]["poetry"]
    found = Found("pyproject.toml")
    name_indexes(found, poetry.get("source", []))
    main = {} if "project" in layout.pyproject else poetry.get("dependencies", {})
    groups = [main, poetry.get("dev-dependencies", {})]
    groups += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for name, said in ((name, said) for group in groups for name, said in group.items()):
        if name.lower() == "python":
            found.python = python_versions(str(said))
        else:
            add_dependency(found, name, said)
    return found.needs()


def from_pipfile(layout: Layout) -> Needs:
    """Read a Pipfile."""
    found = Found("Pipfile")
    try:
        about = tomllib.loads(layout.text("Pipfile"))
    except tomllib.TOMLDecodeError as error:
        found.missing.append(f"it is not valid TOML: {error}. Correct it")
        return found.needs()
    name_indexes(found, about.get("source", []))
    for section in ("packages", "dev-packages"):
        for name, said in about.get(section, {}).items():
            add_dependency(found, name, said)
    required = about.get("requires", {})
    if version := required.get("python_version"):
        found.python = f"=={version}.*"
    elif version := required.get("python_full_version"):
        found.python = f"=={version}"
    return found.needs()


def name_indexes(found: Found, sources: list[Mapping[str, Any]]) -> None:
    """Name each package index other than PyPI."""
    for source in sources:
        if source.get("url") and PYPI not in source["url"]:
            found.missing.append(
                f"packages come from {source['url']}, too. Add that index to pyproject.toml, in"
                " [[tool.uv.index]]"
            )


def python_versions(constraint: str) -> str:
    """Return a constraint of Poetry on Python as a specifier; empty if it is none."""
    from poetry.core.constraints.version import parse_constraint
    from poetry.core.constraints.version.exceptions import ParseConstraintError

    try:
        found = str(parse_constraint(constraint))
    except ParseConstraintError:
        return ""
    return "" if "|" in found or found == "*" else found


def add_dependency(found: Found, name: str, said: Any) -> None:
    """Add a dependency as Poetry and pipenv write it."""
    from poetry.core.constraints.version.exceptions import ParseConstraintError
    from poetry.core.factory import Factory

    for about in entries_of(said):
        if "path" in about or "file" in about:
            found.missing.append(
                f"{name} is a path. Add it to pyproject.toml, in [tool.uv.sources]"
            )
            continue
        try:
            found.add(Factory.create_dependency(name, about).to_pep_508())
        except (ParseConstraintError, ValueError, TypeError, KeyError):
            found.missing.append(f"{name} = {said!r} is not clear. Add it to pyproject.toml")


def entries_of(said: Any) -> Iterator[dict[str, Any]]:
    """Yield the entries of a dependency, in the words of Poetry."""
    for one in said if isinstance(said, list) else [said]:
        about = dict(one) if isinstance(one, dict) else {"version": one}
        if "git" in about:
            about.pop("version", None)
            about["rev"] = about.pop("ref", None) or about.get("rev")
        elif "url" not in about:
            about.setdefault("version", "*")
        about.pop("optional", None)
        yield {name: value for name, value in about.items() if value is not None}
