"""What is installed: the package and its dependencies."""

import re
import sys
import tomllib

from packaging.utils import canonicalize_name

from ....inspection.commands import Line
from ....inspection.files import as_list, as_mapping, mappings_in, strings_in
from ....inspection.impact import dependencies
from ...evidence import fits
from ...finding import Evidence, Finding, criterion, met, missing, not_applicable, unknown
from ...other_files import DOCS_PATH
from ...places import at_call, at_line, at_text, uncommented
from ...tools import LOCKS, TEST_COMMAND
from ...wiring import Wiring

UPLOADS = re.compile(r"\b(twine upload|(uv|poetry|hatch|flit|pdm) publish)\b")
NAMED_ALIKE = {"torch", "tensorflow", "keras", "xgboost", "lightgbm", "catboost", "prophet"}
"""Packages that are imported by the name that they have on PyPI."""
SETS_PYTHON = re.compile(r"python-version: ([\d.]+)")
CONDA_MADE = re.compile(r"\b(\w*mamba|conda) (env )?(create|update|install)\b.*(-f|--file)")
INSTALLED = re.compile(r"\bpip3? install\b.*?(?:-r|--requirement)[ =]?(\S+\.txt)")
PIN = re.compile(r"^\s*[\w.\[\],-]+\s*===?\s*[\w.!+-]+(?![\w.!+-]*\*)")
NAME_END = re.compile(r"[\[=<>~! ;]")
REQUIREMENT = re.compile(r"^\s*[A-Za-z][\w.-]*(\[[\w,.-]+\])?\s*([<>=!~;@ ].*)?$")


@criterion("L1-01", "importable-package", "must", "G1, ZC")
def importable_package(wiring: Wiring) -> Finding:
    """The code is an installable, importable package.

    A project table in `pyproject.toml` (also Poetry's own) or a `setup.py` or `setup.cfg`, a
    package folder, and a function in it that fits a model or that the fitting code imports.
    """
    packaged = package_file(wiring)
    if packaged is None:
        return missing("there is no pyproject.toml with a project, and no setup.py")
    if finds_no_package(wiring, packaged):
        return missing(f"{packaged.path} finds no package: none is at its side", [packaged], "E1")
    folders = {
        path.rpartition("/")[0] for path in wiring.modules if path.endswith("__init__.py")
    } - {"", "tests", "test"}
    if not folders:
        folders = {p.rpartition("/")[0] for p in wiring.modules if p.startswith("src/")} - {""}
    inside = [
        one for one in fits(wiring) if any(one[0].path.startswith(f"{top}/") for top in folders)
    ]
    if inside:
        return met([packaged, at_call(wiring, *inside[0])], "E1")
    for unit, _call in fits(wiring):
        for name in sorted(wiring.modules[unit.path].imported):
            path = wiring.module_path(name, unit.path)
            if path and any(path.startswith(f"{top}/") for top in folders):
                return met([packaged, at_line(wiring, path, 1, f"imported by {unit.path}")], "E1")
    if not folders:
        return missing("there is a project file, but no package folder", [packaged])
    if not fits(wiring):
        return met([packaged], "E1")
    if user := user_of_package(wiring, folders):
        return met([packaged, Evidence(user, 1, "imports the package")], "E1")
    return missing("what fits a model is in no package, and nothing imports one", [packaged])


def user_of_package(wiring: Wiring, folders: set[str]) -> str | None:
    """Return a file outside of the packages that imports one of them."""
    tops = tuple(f"{top}/" for top in folders)
    for path in wiring.modules:
        inside = any(one.startswith(tops) for one in wiring.imports_of(path))
        if inside and not path.startswith(tops):
            return path
    return None


def lacks_own_folder(wiring: Wiring, path: str) -> bool:
    """Tell whether Poetry, which looks for a folder of the project's name, finds none."""
    said = as_mapping(as_mapping(wiring.repository.toml(path).get("tool")).get("poetry"))
    if not said.get("name") or "packages" in said:
        return False
    name = "[-_.]".join(map(re.escape, re.split(r"[-_.]+", str(said["name"]))))
    folder = re.escape(path.removesuffix("pyproject.toml"))
    wanted = re.compile(rf"{folder}(src/)?{name}(/|\.py$)", re.I)
    return not any(wanted.match(one) for one in wiring.sizes)


def finds_no_package(wiring: Wiring, packaged: Evidence) -> bool:
    """Tell whether packaging is off, or setuptools looks beside a `setup.py` and finds nothing."""
    text = uncommented(wiring, packaged.path)
    if packaged.path.endswith(".toml"):
        off = re.search(r"(?m)^package(-mode)?\s*=\s*false", text)
        return bool(off) or lacks_own_folder(wiring, packaged.path)
    if "ext_modules" in text and not re.search(r"\b(packages|py_modules)\s*=", text):
        return True  # an extension in another language alone
    if not packaged.path.endswith("setup.py") or not re.search(r"find_packages\(\s*\)", text):
        return False
    folder = packaged.path.removesuffix("setup.py")
    return "package_dir" not in text and not any(
        re.fullmatch(rf"{re.escape(folder)}[^/]+/__init__\.py", path) for path in wiring.sizes
    )


def package_file(wiring: Wiring) -> Evidence | None:
    """Return the file that makes the repository installable, if there is one."""
    repository = wiring.repository
    every = repository.matching("**/pyproject.toml", "**/setup.py")
    of_code = [path for path in every if not DOCS_PATH.search(path)]
    deep = near_training(wiring, of_code) if fits(wiring) else of_code
    near = sorted((one for one in deep if one.endswith(".toml")), key=lambda one: one.count("/"))
    for path in [*near, *repository.matching("pyproject.toml", "*/pyproject.toml")]:
        said = repository.pyproject if path == "pyproject.toml" else repository.toml(path)
        poetry = as_mapping(as_mapping(said.get("tool")).get("poetry"))
        if as_mapping(said.get("project")).get("name") or poetry.get("name"):
            return at_text(wiring, path, "name")
    named = repository.matching("setup.py", "setup.cfg", "*/setup.py")
    for path in [*named, *(one for one in deep if one.endswith(".py"))]:
        if re.search(r"setup\(|^name\s*=", repository.text(path), re.M):
            return Evidence(path, 1, "setup")
    return None


@criterion("L1-02", "dependencies-locked", "must", "ZC")
def dependencies_locked(wiring: Wiring) -> Finding:
    """A lock file has the exact version of every package.

    `uv.lock`, `poetry.lock`, `pixi.lock`, `conda-lock.yml`, `Pipfile.lock` and others, or a
    requirements file in which each line names a version. A library with a matrix of Python versions
    in CI needs none.
    """
    repository = wiring.repository
    deep = near_training(wiring, repository.matching(*(f"**/{name}" for name in LOCKS)))
    for path in [*repository.matching(*LOCKS, *(f"*/{name}" for name in LOCKS)), *deep]:
        return lock_covers(wiring, path)
    if "uv.lock" not in repository.tree and repository.answers and "setup" in repository.targets:
        return unknown("there is no uv.lock yet: make setup writes it, then commit it")
    if (own := environment_of_training(wiring)) is not None:
        return own
    lists = pinned_lists(wiring)
    if lists.status == "met":
        return lists
    needed = as_list(as_mapping(repository.pyproject.get("project")).get("dependencies"))
    if needed and all(PIN.match(str(one)) for one in needed):
        return met([at_text(wiring, "pyproject.toml", "dependencies")])
    named = repository.matching("environment.y*ml", "**/environment.y*ml", "conda.y*ml")
    by_conda = any(CONDA_MADE.search(line.text) for line in installing_lines(wiring))
    for path in named if not lists.evidence or by_conda else []:
        for document in repository.documents(path):
            names = [str(one) for one in as_list(as_mapping(document).get("dependencies"))]
            if len(names) > 1 and all(
                "=" in one and "*" not in one and not re.search("[<>]", one)
                for one in names
                if one[:1] != "{" and one != "pip"
            ):
                return met([Evidence(path, 1, f"{len(names)} pinned packages")])
    if is_library(wiring):
        return not_applicable("a published library asks for ranges, and CI tests several versions")
    return lists


def pinned_lists(wiring: Wiring) -> Finding:
    """Return met if a requirements file has what trains, each with a version; else why not."""
    other = None
    used = packages_of_training(wiring)
    for path in requirements_of_training(wiring):
        if DOCS_PATH.search(path):
            continue
        lines = [
            line.partition("#")[0].strip() for line in wiring.repository.text(path).split("\n")
        ]
        asked = [line for line in lines if REQUIREMENT.match(line) or PIN.match(line)]
        if unpinned := [line for line in asked if not PIN.match(line)]:
            place = at_text(wiring, path, unpinned[0])
            return missing(f"{place.what} has no exact version", [place])
        names = {canonicalize_name(NAME_END.split(one)[0]) for one in asked}
        few = len(names) == 1 and len(wiring.imported_packages - sys.stdlib_module_names) > 3
        if names and (few or (used and used.isdisjoint(names))):
            other = other or Evidence(path, 1, "requirements")
        elif names and (installed := unpinned_instead(wiring, path)):
            return missing(f"what is installed is not {path}", [installed], "E1")
        elif names:
            return met([Evidence(path, 1, f"{len(asked)} pinned requirements")])
    if other:
        told = f"{other.path} has not the packages that train"
        lacks = f": {', '.join(sorted(used)[:3])}" if used else ""
        return missing(f"{told}{lacks}", [other], "E1")
    return missing("there is no lock file")


def installing_lines(wiring: Wiring) -> list[Line]:
    """Return the commands of images and of CI."""
    return [*wiring.deployed_lines, *(line for job in wiring.jobs for line in job.lines)]


def unpinned_instead(wiring: Wiring, path: str) -> Evidence | None:
    """Return a line without version of the lists that CI and images install instead of another."""
    lines = installing_lines(wiring)
    named = {
        found[1].removeprefix("./") for line in lines for found in INSTALLED.finditer(line.text)
    }
    files = {one for one in wiring.sizes for name in named if f"/{one}".endswith(f"/{name}")}
    if not files or path in files:
        return None
    for file in sorted(files):
        for line in wiring.repository.text(file).split("\n"):
            said = line.partition("#")[0].strip()
            if REQUIREMENT.match(said) and not PIN.match(said):
                return at_text(wiring, file, said)
    return None


def environment_of_training(wiring: Wiring) -> Finding | None:
    """Return missing if the conda file beside what trains has a package without version."""
    named = wiring.repository.matching("*/conda*.y*ml", "*/environment*.y*ml", "**/conda*.y*ml")
    for path in near_training(wiring, named):
        for document in wiring.repository.documents(path):
            for one in strings_in(as_mapping(document).get("dependencies")):
                if not re.search("[=<>]", one) and one != "pip":
                    return missing(f"{one} has no exact version", [at_text(wiring, path, one)])
    return None


def requirements_of_training(wiring: Wiring) -> list[str]:
    """Return the requirements files of what trains, those nearest to the root first.

    Those of documentation, notebooks, tests and tools beside them are for something else.
    """
    other = re.compile(r"(^|[/_.-])(docs?|dev|test(s|ing)?|lint|nb|notebooks?|ci|cicd|load_test)\b")
    found = wiring.repository.matching(
        "requirements*.txt", "**/requirements*.txt", "requirements/*.txt"
    )
    main = [path for path in found if not other.search(path.replace("requirements", ""))]
    near = near_training(wiring, main)
    return sorted(
        near or main or found,
        key=lambda path: (path.count("/"), not path.endswith("requirements.txt"), path),
    )


def near_training(wiring: Wiring, paths: list[str]) -> list[str]:
    """Return the files in whose folder, or below, is code that fits a model."""
    files = {unit.path for unit, _ in fits(wiring)}
    folders = {path: path.rpartition("/")[0].removesuffix("requirements") for path in paths}
    return [path for path in paths if any(one.startswith(folders[path]) for one in files)]


def lock_covers(wiring: Wiring, path: str) -> Finding:
    """Return met; if uv's lock lacks a required package, unknown."""
    if not wiring.repository.tree[path].strip():
        if wiring.sizes[path] > 1:  # too large to be read
            return met([Evidence(path, 1, "lock file")])
        return missing(f"{path} is empty: lock the packages", [Evidence(path, 1, "empty")])
    name = path.rpartition("/")[2]
    if name not in {"uv.lock", "poetry.lock", "Pipfile.lock"}:
        return met([Evidence(path, 1, "lock file")])
    try:
        names = names_locked(wiring, path)
    except ValueError:
        return missing(f"{path} cannot be read: write it anew", [Evidence(path, 1, "broken")])
    used = packages_of_training(wiring)
    if names and used and used.isdisjoint(names) and asked_elsewhere(wiring, used):
        told = f"{path} has none of the packages that train: {', '.join(sorted(used)[:3])}"
        return missing(told, [Evidence(path, 1, "lock file")], "E1")
    if name != "uv.lock":
        return met([Evidence(path, 1, f"{len(names)} packages")])
    asked = {dependency.name for dependency in dependencies(wiring.repository).values()}
    if names and (new := sorted(asked - names)):
        told = f"{path} does not name {', '.join(new[:3])} yet: lock again, then commit it"
        return unknown(told, [Evidence(path, 1, "lock file")])
    return met([Evidence(path, 1, f"{len(names)} packages")])


def names_locked(wiring: Wiring, path: str) -> set[str]:
    """Return the names of the packages in a lock file; raise ValueError if it lists none."""
    if path.endswith("Pipfile.lock"):
        found = as_mapping(wiring.repository.json(path)).get("default")
        names = list(as_mapping(found))
    else:
        found = tomllib.loads(wiring.repository.text(path)).get("package", [])
        names = [str(one.get("name")) for one in mappings_in(found)]
    if not isinstance(found, (dict, list)):
        raise ValueError(f"{path} lists no packages")
    return {canonicalize_name(one) for one in names}


def asked_elsewhere(wiring: Wiring, names: set[str]) -> bool:
    """Tell whether a requirements file names one of some packages."""
    return any(
        canonicalize_name(found[0]) in names
        for path in requirements_of_training(wiring)
        for line in wiring.repository.text(path).split("\n")
        if (found := re.match(r"[A-Za-z][\w.-]*", line.strip()))
    )


def packages_of_training(wiring: Wiring) -> set[str]:
    """Return the machine-learning packages that code which fits a model imports, as PyPI has them.

    Those that have the same name there, and scikit-learn.
    """
    imported = {
        name.partition(".")[0]
        for unit, _ in fits(wiring)
        if not unit.path.endswith(".ipynb")
        for name in wiring.modules[unit.path].imported
    }
    return {
        canonicalize_name("scikit-learn" if name == "sklearn" else name)
        for name in imported & (NAMED_ALIKE | {"sklearn"})
    }


def is_library(wiring: Wiring) -> bool:
    """Tell whether the package is published and tested with several versions of Python."""
    published = any(UPLOADS.search(line.text) for line in wiring.task_lines) or any(
        job.runs(UPLOADS) or any("gh-action-pypi-publish" in used for used in job.uses)
        for job in wiring.jobs
    )
    matrix = any(
        len(as_list(entry)) > 1
        for job in wiring.jobs
        for entry in as_mapping(as_mapping(job.raw.get("strategy")).get("matrix")).values()
    )
    return published and (matrix or len(versions_tested(wiring)) > 1)


def versions_tested(wiring: Wiring) -> set[str]:
    """Return the versions of Python that jobs with tests set up, each job its own."""
    found: set[str] = set()
    for job in wiring.jobs:
        if job.runs(TEST_COMMAND):
            matrix = as_mapping(as_mapping(job.raw.get("strategy")).get("matrix"))
            found |= {str(v) for name in matrix if "py" in name for v in as_list(matrix[name])}
            found |= {said[1] for used in job.uses if (said := SETS_PYTHON.search(used))}
    return found
