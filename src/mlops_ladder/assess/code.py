"""The repository's own code: what it imports and calls, and which code reaches which.

Names that reached code uses are followed by imports, so that code nothing starts proves nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from ..inspection.python import (
    BODY,
    MAIN,
    Call,
    Module,
    Unit,
    is_registered,
    parse_module,
    parse_notebook,
    skim,
)
from ..inspection.repository import Repository
from .other_files import DOCS_PATH, OtherFiles
from .tools import WORTH_PARSING

TEST_PATH = re.compile(
    r"(^|/)(tests?|testing|unit_tests?|integration_tests?)/"
    r"|(^|/)(test_[^/]*|[^/]*_tests?|conftest)\.py$"
)
SCRIPT_NAMED = re.compile(
    r"^(?:(?:python[\d.]*|spark-submit|torchrun|bash|sh|docker|kubectl)\b.*?\s)?([\w./-]+\.py)(?=\s|$)"
)
MOST_PARSED = 6_000

Place = tuple[str, str]
"""The path and name of a unit."""


class Code(OtherFiles):
    """The Python files and notebooks. Everything is computed at most once."""

    def __init__(self, repository: Repository, sizes: dict[str, int]) -> None:
        super().__init__(repository, sizes)
        self._tests: dict[str, bool] = {}
        self._imported: dict[tuple[str, str], bool] = {}

    @cached_property
    def modules(self) -> dict[str, Module]:
        """The Python files and notebooks by path; those that say nothing of interest, skimmed."""
        found: dict[str, Module] = {}
        paths = [path for path in self.sizes if path.endswith((".py", ".ipynb"))]
        for path in paths:
            is_docs = DOCS_PATH.search(path)
            module = None if is_docs else self._module(path, parse=len(found) < MOST_PARSED)
            if module:
                found[path] = module
        return found

    def _module(self, path: str, parse: bool) -> Module | None:
        body = self.repository.tree[path]
        if not body.strip():
            return skim(path, "")
        text = body.decode("utf-8", "replace").replace("\r\n", "\n")
        if b"{{cookiecutter" in body or b"{% if" in body or b"{{ cookiecutter" in body:
            return None
        is_notebook = path.endswith(".ipynb")
        if not is_notebook and not (parse and WORTH_PARSING.search(body)):
            return skim(path, text)
        try:
            return parse_notebook(path, text) if is_notebook else parse_module(path, text)
        except ValueError as error:
            self.repository.notes.append(f"{path} is no Python that can be read: {error}")
            return None if is_notebook else skim(path, text)

    @cached_property
    def code(self) -> list[Unit]:
        """The units of the repository's own code, without tests."""
        return [
            unit
            for path, module in self.modules.items()
            if not TEST_PATH.search(path)
            for unit in module.units
        ]

    @cached_property
    def settings(self) -> list[tuple[str, str, Any]]:
        """The settings in configuration files and constants of code: file, name and value."""
        return self.written_settings + [
            (unit.path, name, value) for unit in self.code for name, value in unit.constants.items()
        ]

    @cached_property
    def tests(self) -> list[Module]:
        """The test files."""
        return [
            module
            for path, module in self.modules.items()
            if TEST_PATH.search(path) and path.endswith(".py")
        ]

    @cached_property
    def _by_suffix(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path, module in self.modules.items():
            parts = module.dotted.split(".") if path.endswith(".py") else []
            for start in range(len(parts)):
                found[".".join(parts[start:])].append(path)
        return found

    def module_path(self, name: str, beside: str = "") -> str | None:
        """Return the file that a dotted name imports, if it is the repository's own."""
        folder = beside.rpartition("/")[0]
        name = name.removeprefix("src.") or name  # some import from the root, through `src`
        while name:
            paths: list[str] = self._by_suffix.get(name, [])
            exact = [path for path in paths if self.modules[path].dotted == name]
            near = [path for path in paths if path.rpartition("/")[0].startswith(folder)]
            for options in (exact, near if beside else [], paths):
                if options:
                    return (
                        min(options, key=len) if options is not paths or len(paths) == 1 else None
                    )
            name = name.rpartition(".")[0]
        return None

    @cached_property
    def _imports(self) -> dict[str, set[str]]:
        """The repository's own files that each file imports."""
        found: dict[str, set[str]] = {}
        for path, module in self.modules.items():
            paths = {self.module_path(name, path) for name in module.imported}
            found[path] = {one for one in paths if one and one != path}
        return found

    def imports_of(self, path: str) -> set[str]:
        """Return the repository's own files that a file imports."""
        return self._imports.get(path, set())

    @cached_property
    def _by_short(self) -> dict[str, list[Unit]]:
        found: dict[str, list[Unit]] = defaultdict(list)
        for module in self.modules.values():
            for unit in module.units:
                found[unit.short].append(unit)
        return found

    def reach(self, places: Iterable[Place]) -> set[Place]:
        """Return the units that run, or may run, when these are started."""
        reached: set[Place] = set()
        loaded: set[str] = set()
        used: set[str] = set()
        waiting: list[Unit] = []

        def add(unit: Unit) -> None:
            if (unit.path, unit.name) not in reached:
                reached.add((unit.path, unit.name))
                waiting.append(unit)
                load(unit.path)

        def load(path: str) -> None:
            pending = [path]
            while pending:
                one = pending.pop()
                if one in loaded or one not in self.modules:
                    continue
                loaded.add(one)
                for unit in self.modules[one].units:
                    is_used = "." in unit.name and unit.short in used
                    if unit.name == BODY or is_used or is_registered(unit):
                        add(unit)
                pending += self._imports[one]

        for path, name in places:
            if path not in self.modules:
                continue
            for unit in self.modules[path].units:
                if unit.name in {BODY, MAIN} if name == BODY else unit.name == name:
                    add(unit)
        while waiting:
            for unit in self._used_by(waiting.pop(), used, loaded):
                add(unit)
        return reached

    def _used_by(self, unit: Unit, used: set[str], loaded: set[str]) -> Iterator[Unit]:
        """Yield the units that a unit's names may stand for."""
        direct = self._direct(unit.path)
        for name in unit.names:
            is_new = name not in used
            used.add(name)
            for found in self._by_short.get(name, []):
                if found.name == name:
                    if found.path == unit.path or found.path in direct:
                        yield found
                elif is_new and found.path in loaded:
                    yield found
        if unit.bases or self._is_class(unit):
            for method in self.modules[unit.path].units:
                if method.name.startswith(f"{unit.name}."):
                    hook = method.short.startswith("__") or self._has_foreign_base(unit)
                    if hook or method.short in used:
                        yield method
        for _, text in unit.strings:
            if ".py" in text and (path := self._script_in(text)):
                yield from self.modules[path].units
            elif "." in text and len(text) < 120 and re.fullmatch(r"[\w.]+(:\w+)?", text):
                module, _, name = text.partition(":")
                path = self.module_path(module)
                if path and self.modules[path].dotted in {module, module.rpartition(".")[0]}:
                    yield from self.modules[path].units

    def _script_in(self, text: str) -> str | None:
        """Return the script that a text names, alone or in a command, if it is the only one."""
        found = SCRIPT_NAMED.search(text) if len(text) < 300 else None
        if not found:
            return None
        named = found[1].removeprefix("./")
        if named in self.modules:
            return named
        name = named.rpartition("/")[2]
        return self._script_names.get(name)

    @cached_property
    def _script_names(self) -> dict[str, str]:
        """The Python files whose name no other file has, by that name."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.modules:
            found[path.rpartition("/")[2]].append(path)
        return {name: paths[0] for name, paths in found.items() if len(paths) == 1}

    def _is_class(self, unit: Unit) -> bool:
        return any(one.name.startswith(f"{unit.name}.") for one in self.modules[unit.path].units)

    def _has_foreign_base(self, unit: Unit) -> bool:
        plain = {"object", "ABC", "abc.ABC", "Protocol", "typing.Protocol", "Exception"}
        return any(
            base not in plain and self.module_path(base, unit.path) is None and "." in base
            for base in unit.bases
        )

    def _direct(self, path: str) -> set[str]:
        """Return the files whose names a file can use: those it imports, also through packages."""
        found, waiting = set[str](), list(self._imports.get(path, ()))
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                if one.endswith("__init__.py"):
                    waiting += self._imports.get(one, ())
        return found

    @cached_property
    def _calls(self) -> dict[str, list[tuple[Unit, Call]]]:
        found: dict[str, list[tuple[Unit, Call]]] = defaultdict(list)
        for module in self.modules.values():
            for unit in module.units:
                for call in unit.calls:
                    found[call.name.rpartition(".")[2]].append((unit, call))
        return found

    def calls(
        self, patterns: Iterable[str], among: set[Place] | None = None, tests: bool = False
    ) -> list[tuple[Unit, Call]]:
        """Return the calls that match, in tests or else outside of them.

        `mlflow.log_*` is a dotted name, `.fit` a method of anything, and `mlflow:.log_metric` a
        method of anything in a file that imports mlflow.
        """
        found = []
        for pattern in patterns:
            needed, _, name = pattern.rpartition(":")
            for unit, call in self._candidates(name):
                if self._is_test(unit.path) is not tests:
                    continue
                if among is not None and (unit.path, unit.name) not in among:
                    continue
                if needed and not self.imports(unit.path, needed):
                    continue
                first = name.partition(".")[0]
                if "." in name and first.isidentifier() and not self.imports(unit.path, first):
                    continue  # a local name like a package's is not the package
                is_method = name.startswith(".") and "." in call.name
                if is_method or (name[:1] != "." and fnmatchcase(call.name, name)):
                    found.append((unit, call))
        return found

    def _candidates(self, pattern: str) -> list[tuple[Unit, Call]]:
        """Return the calls whose first or last name is that of a pattern."""
        first, last = pattern.partition(".")[0], pattern.rpartition(".")[2]
        if first and "*" not in first:
            return self._calls_by_first.get(first, [])
        if "*" not in last:
            return self._calls.get(last, [])
        keys = [key for key in self._calls if fnmatchcase(key, last)]
        return [one for key in keys for one in self._calls[key]]

    @cached_property
    def _calls_by_first(self) -> dict[str, list[tuple[Unit, Call]]]:
        found: dict[str, list[tuple[Unit, Call]]] = defaultdict(list)
        for pairs in self._calls.values():
            for unit, call in pairs:
                found[call.name.partition(".")[0]].append((unit, call))
        return found

    def _is_test(self, path: str) -> bool:
        if path not in self._tests:
            self._tests[path] = bool(TEST_PATH.search(path))
        return self._tests[path]

    def imports(self, path: str, package: str) -> bool:
        """Tell whether a file imports one of several packages, separated by `|`."""
        if (path, package) not in self._imported:
            names = package.split("|")
            self._imported[path, package] = any(
                name == one or name.startswith(f"{one}.")
                for name in self.modules[path].imported
                for one in names
            )
        return self._imported[path, package]

    @cached_property
    def imported_packages(self) -> set[str]:
        """The first names of everything that is imported."""
        return {
            name.partition(".")[0]
            for module in self.modules.values()
            for name in module.imported
            if self.module_path(name, module.path) is None
        }


def matching_names(unit: Unit, pattern: re.Pattern[str]) -> Iterator[tuple[str, int]]:
    """Yield the identifiers of a unit that match, with their lines."""
    for name, line in unit.names.items():
        if pattern.search(name):
            yield name, line
