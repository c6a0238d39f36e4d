"""The test suite of a repository: what it tests, and whether CI runs it."""

import re
from collections.abc import Iterator
from functools import lru_cache

from ..inspection.python import Module, Unit
from .code import TEST_PATH
from .tools import TEST_COMMAND
from .wiring import Wiring

MOCKED_MODEL = re.compile(
    r"model|predict|load|pipeline|estimator|classifier|regressor|train|fit", re.I
)
CDK_CHECKS = {"has_resource_properties", "has_resource", "resource_count_is", "has_output"}
"""Assertions about a template of the AWS CDK."""
MOCKED = {"Mock", "MagicMock", "patch", "mocker", "AsyncMock", "create_autospec"}


def test_units(wiring: Wiring) -> Iterator[tuple[Module, Unit]]:
    """Yield the test functions that have an assertion that can fail, in files that can run."""
    for module in wiring.tests:
        if wiring.imports_nothing_there(module):
            continue
        helpers = {unit.short for unit in module.units if unit.asserts and not is_test(unit)}
        for unit in module.units:
            checks = unit.asserts or not CDK_CHECKS.isdisjoint(unit.names)
            if is_test(unit) and (checks or not helpers.isdisjoint(unit.names)):
                yield module, unit


def is_test(unit: Unit) -> bool:
    """Tell whether a unit is a test function or method."""
    return unit.short.startswith("test") or unit.short.endswith("_test")


def is_mocked(module: Module, unit: Unit) -> bool:
    """Tell whether a test replaces a model, or what loads or trains one, by a mock."""
    if MOCKED.isdisjoint(unit.names) or not any(
        "mock" in name for name in [*module.imported, *unit.names]
    ):
        return False
    patched = [text.rpartition(".")[2] for _, text in unit.strings if "." in text]
    mocks = [name for name in unit.names if "mock" in name.lower()]
    return any(MOCKED_MODEL.search(name) for name in [*patched, *mocks])


def runs_in_ci(wiring: Wiring, module: Module, unit: Unit) -> bool:
    """Tell whether CI's choice of tests, by marker or folder, leaves a test in."""
    lines = [
        line.text
        for job in wiring.jobs
        if job.triggers
        for line in job.lines
        if TEST_COMMAND.search(line.text)
    ]
    marked = {name.rpartition(".")[2] for name in unit.decorators}
    marked |= {call for one in module.units if "pytestmark" in one.names for call in one.names}
    return any(
        not marked & set(re.findall(r"not (\w+)", text)) and is_chosen(text, module.path, wiring)
        for text in lines
    )


def is_chosen(text: str, path: str, wiring: Wiring) -> bool:
    """Tell whether the paths that a test command names, if any, have a file in them."""
    for left_out in re.findall(r"--ignore[= ](\S+)", text):
        if f"{path}/".startswith(f"{left_out.strip('./')}/"):
            return False
    words = [word.partition("::")[0].strip("'\"./") for word in text.split()[1:]]
    named = [
        word
        for word in words
        if word in wiring.sizes or any(one.startswith(f"{word}/") for one in wiring.sizes if word)
    ]
    return not named or any(path == word or path.startswith(f"{word}/") for word in named)


def own_imports(wiring: Wiring, module: Module) -> list[str]:
    """Return the repository's own files that a test imports."""
    return list(own_files(wiring, module.path))


@lru_cache(maxsize=2_000)  # the imports of helpers are needed for each test
def own_files(wiring: Wiring, path: str) -> tuple[str, ...]:
    """Return the repository's own files, tests left out, that a file imports."""
    found = (wiring.module_path(name, path) for name in sorted(wiring.modules[path].imported))
    return tuple(one for one in found if one and not TEST_PATH.search(one))


@lru_cache(maxsize=2_000)  # the same for each test in a file
def files_beside(wiring: Wiring, path: str) -> list[Module]:
    """Return a file of tests with those whose fixtures and helpers it can use."""
    module, folder = wiring.modules[path], path.rpartition("/")[0]
    imported = {name.partition(".")[0] for name in module.imported}
    return [
        one
        for one in wiring.tests
        if one is module
        or (one.path.endswith("conftest.py") and folder.startswith(one.path.rpartition("/")[0]))
        or (
            one.path.rpartition("/")[0] == folder
            and any(one.dotted.endswith(name) for name in imported)
        )
    ]


def helpers_of(wiring: Wiring, module: Module, unit: Unit) -> tuple[set[str], list[str]]:
    """Return the names that a test's fixtures and helpers use, and the files that they test."""
    found, own = set[str](), own_imports(wiring, module)
    near = files_beside(wiring, module.path)
    names, known = set(unit.names), set[str]()
    for _ in range(3):
        for one in near:
            for other in one.units:
                if other.short in names and other is not unit and other.name not in known:
                    known.add(other.name)
                    found |= set(other.names)
                    own += own_imports(wiring, one)
        names = found - known
    return found, own
