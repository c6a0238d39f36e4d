"""The repository's own code: what it imports and calls, and which code reaches which.

Names that reached code uses are followed by imports, so that code nothing starts proves nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import translate
from functools import cache, cached_property, lru_cache
from typing import Any

from ..inspection.python import Call, Module, Unit, parse_module, parse_notebook, skim
from ..inspection.repository import Repository
from .other_files import DOCS_PATH, OtherFiles
from .reach import Place, Reach
from .tools import IMPORTED, WORTH_PARSING

TEST_PATH = re.compile(
    r"(^|/)(tests?|testing|unit_tests?|integration_tests?)/"
    r"|(^|/)(test_[^/]*|[^/]*_tests?|conftest)\.py$"
)
SCRIPT = re.compile(r"[\w./-]+\.py")
TARGET = re.compile(rb"(?m)^\s*(?:- )?_target_:\s*[\"']?([\w.]+)")
DRIVE = re.compile(rb"[\"'][A-Za-z]:[\\/]")
MOST_PARSED = 6_000


class Code(OtherFiles):
    """The Python files and notebooks. Everything is computed at most once."""

    def __init__(self, repository: Repository, sizes: dict[str, int]) -> None:
        super().__init__(repository, sizes)
        self._naming_homes: list[str] = []
        self._at: dict[int, tuple[set[Place], list[Unit]]] = {}
        self._paths: dict[tuple[str, str | None], str | None] = {}
        self._words_at: dict[int, set[str]] = {}
        self._alike: dict[tuple[str, bool], list[tuple[Unit, Call]]] = {}
        self._packages: dict[str, set[str]] = {}

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

    @property
    def naming_homes(self) -> list[str]:
        """The Python files and notebooks that may name a folder of one person's machine."""
        known = self.modules  # reads the files, each once
        return [path for path in self._naming_homes if path in known]

    def _module(self, path: str, parse: bool) -> Module | None:
        body = self.repository.tree[path]
        if not body.strip():
            return skim(path, "")
        if b"home/" in body or b"Users" in body or DRIVE.search(body):
            self._naming_homes.append(path)
        text = body.decode("utf-8", "replace").replace("\r\n", "\n")
        if b"{{cookiecutter" in body or b"{% if" in body or b"{{ cookiecutter" in body:
            return None
        is_notebook = path.endswith(".ipynb")
        is_worth = parse and (WORTH_PARSING.search(body) or IMPORTED.search(body))
        if not is_notebook and not is_worth:
            return skim(path, text)
        try:
            return parsed(path, text)
        except (ValueError, RecursionError) as error:
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

    def units_at(self, places: set[Place]) -> list[Unit]:
        """Return the units of some places that are no tests; the set must not change later."""
        if id(places) not in self._at:
            found = [unit for place, unit in self._placed if place in places]
            self._at[id(places)] = (places, found)  # the set is kept, so that its id stays its own
        return self._at[id(places)][1]

    def words_at(self, places: set[Place]) -> set[str]:
        """Return the names and texts that the units of some places use."""
        if id(places) not in self._words_at:
            units = self.units_at(places)
            found = {name for unit in units for name in unit.names}
            found |= {text for unit in units for _, text in unit.strings}
            self._words_at[id(places)] = found
        return self._words_at[id(places)]

    @cached_property
    def _placed(self) -> list[tuple[Place, Unit]]:
        return [((unit.path, unit.name), unit) for unit in self.code]

    @cached_property
    def settings(self) -> list[tuple[str, str, Any]]:
        """The settings in configuration files and constants of code: file, name and value."""
        return self.written_settings + [
            (unit.path, name, value) for unit in self.code for name, value in unit.constants.items()
        ]

    @cached_property
    def model_uris(self) -> list[tuple[Unit, int, str]]:
        """The texts that are addresses in a registry of models, each with its unit and line."""
        return [
            (unit, line, text)
            for unit in self.code
            for line, text in unit.strings
            if text.startswith("models:/")
        ]

    @cached_property
    def tests(self) -> list[Module]:
        """The test files."""
        return [
            module
            for path, module in self.modules.items()
            if TEST_PATH.search(path) and path.endswith(".py")
        ]

    def imports_nothing_there(self, module: Module) -> bool:
        """Tell whether a file imports from the repository's own code what that code lacks."""
        return any(self._is_absent(name, module.path) for name in module.required)

    def lacks_import(self, path: str) -> bool:
        """Tell whether a file cannot start: it imports what the repository's own code lacks."""
        return path in self.modules and self.imports_nothing_there(self.modules[path])

    def _is_absent(self, name: str, beside: str) -> bool:
        """Tell whether a dotted name is of one of the repository's own packages, which lacks it."""
        name = name.removesuffix(".*")
        owner, _, last = name.removeprefix("src.").rpartition(".")
        paths = self._by_suffix.get(owner, []) if owner else []
        if len(paths) == 1 and self.modules[paths[0]].dotted == owner:
            return not self._defines(paths[0], last)
        head, *rest = name.split(".")
        folder = self._package(head, beside)
        for part in rest if folder else ():
            if f"{folder}/{part}" not in self._folders:
                init = f"{folder}/__init__.py"
                is_there = f"{folder}/{part}.py" in self.sizes
                return not (is_there or (init in self.modules and self._defines(init, part)))
            folder = f"{folder}/{part}"
        return False

    def _package(self, head: str, beside: str) -> str:
        """Return the folder of a package of the repository's own that a file can import."""
        near = beside.rpartition("/")[0]
        found = [
            folder
            for folder in (head, f"src/{head}", f"{near}/{head}".lstrip("/"))
            if f"{folder}/__init__.py" in self.sizes or (head == "src" and folder in self._folders)
        ]
        return found[0] if len(set(found)) == 1 else ""

    @cached_property
    def _folders(self) -> set[str]:
        """The folders that have files anywhere below them."""
        found = set[str]()
        for path in self.sizes:
            folder = path.rpartition("/")[0]
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return found

    def _defines(self, path: str, name: str) -> bool:
        """Tell whether a file has a name, or may have it by means that are not read."""
        module = self.modules[path]
        known = {unit.name for unit in module.units} | module.imports.keys()
        body = module.units[0].names
        if name in known or "*" in known or "__getattr__" in known or "globals" in body:
            return True
        is_package = path.endswith("__init__.py")
        beside = f"{path.removesuffix('__init__.py')}{name}"
        is_module = f"{module.dotted}.{name}" in self._by_suffix or (
            is_package and any(one.startswith(beside) for one in self.sizes)
        )
        return bool(is_module) or name in body or name.startswith("__")

    @cached_property
    def _by_suffix(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path, module in self.modules.items():
            parts = module.dotted.split(".") if path.endswith(".py") else []
            for start in range(len(parts)):
                found[".".join(parts[start:])].append(path)
        return found

    @cached_property
    def _heads(self) -> set[str]:
        return {name.partition(".")[0] for name in self._by_suffix}

    def module_path(self, name: str, beside: str = "") -> str | None:
        """Return the file that a dotted name imports, if it is the repository's own."""
        name = name.removeprefix("src.") or name  # some import from the root, through `src`
        if name.partition(".")[0] not in self._heads:
            return None
        key = (name, beside.rpartition("/")[0] if beside else None)
        if key not in self._paths:
            self._paths[key] = self._find_module(*key)
        return self._paths[key]

    def _find_module(self, name: str, folder: str | None) -> str | None:
        wanted = name
        while name:
            paths: list[str] = self._by_suffix.get(name, [])
            exact = [path for path in paths if self.modules[path].dotted == name]
            if options := exact or self._nearest(paths, folder):
                return min(options, key=len)
            last = wanted.removeprefix(f"{name}.").partition(".")[0] if wanted != name else ""
            owners = [path for path in paths if last and self._defines(path, last)]
            if len(paths) == 1 or len(owners) == 1:
                return (owners or paths)[0]
            if paths:
                return None
            name = name.rpartition(".")[0]
        return None

    @staticmethod
    def _nearest(paths: list[str], folder: str | None) -> list[str]:
        """Return the files below the innermost folder around another file that has any."""
        while folder:
            if near := [path for path in paths if path.startswith(f"{folder}/")]:
                return near
            folder = folder.rpartition("/")[0]
        return []

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
    def imported_files(self) -> set[str]:
        """The repository's own files that another one imports, tests left out."""
        found = (paths for one, paths in self._imports.items() if not TEST_PATH.search(one))
        return set().union(*found)

    @cached_property
    def _reach(self) -> Reach:
        scripts = {
            name.lower(): value
            for _, name, value in self.written_settings
            if isinstance(value, str) and SCRIPT.fullmatch(value)
        }
        return Reach(self.modules, self._imports, self.module_path, self._instantiated, scripts)

    @cached_property
    def _instantiated(self) -> list[str]:
        """The dotted names that configurations of Hydra have made into objects."""
        found = (TARGET.findall(self.repository.tree[path]) for path in self.yaml_files)
        return list(dict.fromkeys(one.decode() for each in found for one in each))

    def reach(self, places: Iterable[Place]) -> set[Place]:
        """Return the units that run, or may run, when these are started."""
        return self._reach.started(places)

    @cached_property
    def _calls(self) -> dict[bool, dict[str, list[tuple[int, Unit, Call]]]]:
        """The numbered calls by what they call, those of tests and the others apart."""
        found: dict[bool, dict[str, list[tuple[int, Unit, Call]]]] = {
            True: defaultdict(list),
            False: defaultdict(list),
        }
        number = 0
        for path, module in self.modules.items():
            named = found[bool(TEST_PATH.search(path))]
            for unit in module.units:
                for call in unit.calls:
                    named[call.name].append((number, unit, call))
                    number += 1
        return found

    def calls(
        self, patterns: Iterable[str], among: set[Place] | None = None, tests: bool = False
    ) -> list[tuple[Unit, Call]]:
        """Return the calls that match, in tests or else outside of them.

        `mlflow.log_*` is a dotted name, `.fit` a method of anything, and `mlflow:.log_metric` a
        method of anything in a file that imports mlflow.
        """
        matching = (one for pattern in patterns for one in self._calls_like(pattern, tests))
        if among is None:
            return list(matching)
        return [one for one in matching if (one[0].path, one[0].name) in among]

    def _calls_like(self, pattern: str, tests: bool) -> list[tuple[Unit, Call]]:
        """Return the calls that match one pattern; remembered, since criteria share patterns."""
        if (pattern, tests) not in self._alike:
            package, _, name = pattern.rpartition(":")
            first = name.partition(".")[0]
            # a local name like a package's is not the package
            needed = {package, first if "." in name and first.isidentifier() else ""} - {""}
            is_match = re.compile(translate(f"*{name}" if name[:1] == "." else name)).match
            found = sorted(
                one
                for called in self._named_like(name)
                if is_match(called)
                for one in self._calls[tests].get(called, ())
                if all(self.imports(one[1].path, each) for each in needed)
            )
            self._alike[pattern, tests] = [(unit, call) for _, unit, call in found]
        return self._alike[pattern, tests]

    def _named_like(self, pattern: str) -> Iterable[str]:
        """Return the names of calls whose first or last part is that of a pattern."""
        first, last = pattern.partition(".")[0], pattern.rpartition(".")[2]
        if first and "*" not in first:
            return self._names_by_part[0].get(first, ())
        if "*" not in last:
            return self._names_by_part[1].get(last, ())
        is_match = re.compile(translate(last)).match
        parts = [part for part in self._names_by_part[1] if is_match(part)]
        return [name for part in parts for name in self._names_by_part[1][part]]

    @cached_property
    def _names_by_part(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """The names of calls by their first and by their last part."""
        firsts: dict[str, list[str]] = defaultdict(list)
        lasts: dict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys([*self._calls[False], *self._calls[True]]):
            firsts[name.partition(".")[0]].append(name)
            lasts[name.rpartition(".")[2]].append(name)
        return firsts, lasts

    def imports(self, path: str, package: str) -> bool:
        """Tell whether a file imports one of several packages, separated by `|`."""
        return not self._packages_of(path).isdisjoint(package.split("|"))

    def _packages_of(self, path: str) -> set[str]:
        """Return the dotted names that a file imports, with those of the packages around them."""
        if path not in self._packages:
            found = self._packages[path] = set()
            for name in self.modules[path].imported:
                while name and name not in found:
                    found.add(name)
                    name = name.rpartition(".")[0]
        return self._packages[path]

    @cached_property
    def imported_packages(self) -> set[str]:
        """The first names of everything that is imported."""
        return {
            name.partition(".")[0]
            for module in self.modules.values()
            for name in module.imported
            if self.module_path(name, module.path) is None
        }


@lru_cache(maxsize=1_000)  # `plan` reads two trees that have most files in common
def parsed(path: str, text: str) -> Module:
    """Parse a file or notebook; the result must not be changed."""
    return parse_notebook(path, text) if path.endswith(".ipynb") else parse_module(path, text)


class Words(dict[str, bool]):
    """A cache of searches for a pattern in words, which repeat all over a repository."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        super().__init__()
        self.search = pattern.search

    def __missing__(self, word: str) -> bool:
        """Search a word that is new."""
        found = self[word] = self.search(word) is not None
        return found


@cache
def words_with(pattern: re.Pattern[str]) -> Words:
    """Return the words that a pattern was searched in."""
    return Words(pattern)


def names_any(unit: Unit, pattern: re.Pattern[str]) -> bool:
    """Tell whether an identifier of a unit matches."""
    return any(map(words_with(pattern).__getitem__, unit.names))
