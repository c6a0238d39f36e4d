"""Requirements and Python version of a repository, from whatever file says them."""

from collections.abc import Iterable
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from .conda import from_conda_files
from .layout import Layout
from .needs import Needs, limited
from .pip_files import from_requirements, requirements_files
from .poetry_files import from_pipfile, from_poetry
from .setup_files import from_setup


def read_needs(layout: Layout) -> Needs:
    """Read the requirements that uv does not read itself."""
    found = limited(declared(layout))
    if any(b"import pkg_resources" in layout.tree[path] for path in layout.code):
        note = "code imports pkg_resources, which setuptools had until version 81"
        found += Needs(wanted=("setuptools<81",), notes=(note,))
    settings = ("pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml")
    said = "".join(map(layout.text, settings))
    known = (*found.wanted, layout.text("pyproject.toml"))
    if "--cov" in said and not any("pytest-cov" in text for text in known):
        note = "pytest is called with --cov, which pytest-cov adds to it"
        found += Needs(wanted=("pytest-cov",), notes=(note,))
    return found


def declared(layout: Layout) -> Needs:
    """Read what the repository's files declare."""
    has_poetry = "poetry" in layout.pyproject.get("tool", {})
    project = layout.pyproject.get("project")
    if project is not None:
        said = Needs(python=str(project.get("requires-python", "")))
        said += from_poetry(layout) if has_poetry else Needs()
        is_said = project.get("dependencies") or "dependencies" in project.get("dynamic", [])
        return said if is_said else said + from_files(layout)
    if has_poetry:
        return from_poetry(layout)
    others = from_files(layout)
    return from_setup(layout, others) if layout.is_packaged_by_setup else others


def from_files(layout: Layout) -> Needs:
    """Read requirements files, environments of conda, and a Pipfile."""
    found = Needs()
    for path in requirements_files(layout):
        found += from_requirements(layout, path)
    found += from_conda_files(layout)
    return found + (from_pipfile(layout) if "Pipfile" in layout.tree else Needs())


def fitted(needs: Needs, level: Iterable[str]) -> Needs:
    """Replace what the level cannot be installed with, and say so.

    A frozen set of versions is consistent only as a whole. If one of them has to go, or if they are
    for a Python that is too old, the others become lower bounds; uv.lock then has exact versions.

    Parameters
    ----------
    needs
        The repository's requirements.
    level
        The requirements of the ladder, of all levels.
    """
    ours = {canonicalize_name(one.name): one for one in map(Requirement, level)}
    every = [(text, Requirement(text)) for text in needs.wanted]
    replaced = {
        text: ours[name]
        for text, entry in every
        if (name := canonicalize_name(entry.name)) in ours
        and not agree(entry.specifier, ours[name].specifier)
    }
    notes = [f"{text} is replaced: the level needs {our}" for text, our in replaced.items()]
    old = is_outdated(needs.python)
    if old:
        notes.append(f"Python {needs.python} is declared, but the level runs on 3.11 and later")
    wanted = [(text, entry) for text, entry in every if text not in replaced]
    if not (replaced or old):
        return needs
    loosened = {text: loosen(text, entry) for text, entry in wanted}
    if any(text != loose for text, loose in loosened.items()):
        notes.append(
            "the other versions of " + ", ".join(needs.files) + " became lower bounds, because they"
            " fit together only as a whole; uv.lock has exact versions"
        )
    return replace(needs, wanted=tuple(loosened.values()), notes=(*needs.notes, *notes))


def is_outdated(python: str) -> bool:
    """Tell whether only versions of Python are allowed on which the level does not run."""
    try:
        allowed = SpecifierSet(python)
    except InvalidSpecifier:
        return False
    return bool(python) and not any(
        allowed.contains(f"3.{minor}.{patch}") for minor in range(11, 20) for patch in range(30)
    )


def agree(one: SpecifierSet, other: SpecifierSet) -> bool:
    """Tell whether some version satisfies both."""
    said = [Version(part.version.removesuffix(".*")) for part in (*one, *other)]
    near = [Version(f"{version.public}.1") for version in said if not version.is_prerelease]
    later = [Version(f"{v.major}.{v.minor + 1}") for v in said] + [Version("0"), Version("9999")]
    both = one & other
    return any(both.contains(version, prereleases=True) for version in (*said, *near, *later))


def loosen(text: str, entry: Requirement) -> str:
    """Return a requirement whose versions are lower bounds."""
    if entry.url:
        return text
    kept = {part for part in map(lower_bound, entry.specifier) if part}
    extras = f"[{','.join(sorted(entry.extras))}]" if entry.extras else ""
    marker = f" ; {entry.marker}" if entry.marker else ""
    return entry.name + extras + ",".join(sorted(kept)) + marker


def lower_bound(part: Specifier) -> str:
    """Return the lower bound of one part of a specifier; empty if it has none."""
    if part.operator in {"==", "~=", "===", ">="}:
        return f">={part.version.removesuffix('.*').partition('+')[0]}"
    return str(part) if part.operator in {">", "!="} else ""
