"""Find the functions that run, or may run, when others are started, by names and imports.

What a name may stand for is found once for each function, since hundreds of entry points are
followed.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..inspection.python import BODY, MAIN, Module, Unit, is_registered

DOTTED = re.compile(r"[\w.]+(:\w+)?")
SCRIPT_NAMED = re.compile(
    r"^(?:(?:python[\d.]*|spark-submit|torchrun|bash|sh|docker"
    r"|kubectl)\b.*?\s)?([\w./-]+\.py)(?=\s|$)"
)
STARTING = {
    *("subprocess", "system", "run", "Popen", "check_call", "check_output"),
    *("call", "execv", "runpy", "run_path", "entry_point", "script_name"),
    *("source_script", "script", "code", "submit", "command", "PythonScriptStep"),
    *("ScriptRunConfig", "ScriptProcessor", "bash_command", "arguments", "args", "python_file"),
    *("main", "application", "entrypoint", "source_dir", "job", "Job"),
    *("exec", "spawn"),
}
"""Names beside which a text that is a path of a script may start it."""
RUN_MODULE = re.compile(r"\bpython[\d.]* -m ([\w.]+)")
LONGEST_COMMAND = 300  # of a text that may start a script
LONGEST_TARGET = 120  # of a text that may name a function
PLAIN_BASES = {"object", "ABC", "abc.ABC", "Protocol", "typing.Protocol", "Exception"}

Place = tuple[str, str]
"""The path and name of a unit."""


@dataclass(frozen=True)
class Links:
    """The units that a unit leads to."""

    targets: list[Place]
    methods: frozenset[str]
    """The names that methods of any loaded file have."""


class Reach:
    """The units of all files, and how they reach one another."""

    def __init__(
        self,
        modules: Mapping[str, Module],
        imports: Mapping[str, set[str]],
        module_path: Callable[[str, str], str | None],
        targets: Iterable[str] = (),
        scripts: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the modules; `scripts` are those that settings name, by the setting's name."""
        self.modules = modules
        self.imports = imports
        self.module_path = module_path
        self.targets = list(targets)
        self.scripts = dict(scripts or {})
        self._units: dict[Place, Unit] = {}
        self._links: dict[Place, Links] = {}
        self._scopes: dict[str, set[str]] = {}
        self._owners: set[Place] = set()
        self._functions: dict[str, dict[str, Place]] = defaultdict(dict)
        self._methods: dict[str, dict[str, list[Place]]] = defaultdict(dict)
        self._methods_of: dict[str, dict[str, list[Place]]] = {path: {} for path in modules}
        self._loaded: dict[str, list[Place]] = {path: [] for path in modules}
        for module in modules.values():
            for unit in module.units:
                self._index(unit)

    def _index(self, unit: Unit) -> None:
        path, place, short = unit.path, (unit.path, unit.name), unit.short
        if place in self._units:
            return
        self._units[place] = unit
        if "." in unit.name:
            self._owners.add((path, unit.name.rpartition(".")[0]))
            self._methods_of[path].setdefault(short, []).append(place)
            self._methods[short][path] = self._methods_of[path][short]
        else:
            self._functions[short][path] = place
        if unit.name == BODY or is_registered(unit):
            self._loaded[path].append(place)

    def started(self, places: Iterable[Place]) -> set[Place]:
        """Return the units that run, or may run, when these are started."""
        reached: set[Place] = set()
        loaded: set[str] = set()
        used: set[str] = set()
        waiting: list[Place] = []

        def add(found: Iterable[Place]) -> None:
            for place in found:
                if place not in reached:
                    reached.add(place)
                    waiting.append(place)

        def load(path: str) -> None:
            pending = [path]
            while pending:
                one = pending.pop()
                if one not in loaded:
                    loaded.add(one)
                    add(self._loaded[one])
                    for name in self._methods_of[one].keys() & used:
                        add(self._methods_of[one][name])
                    pending += self.imports[one]

        for path, name in places:
            names = (BODY, MAIN) if name == BODY else (name,)
            add((path, one) for one in names if (path, one) in self._units)
        while waiting:
            place = waiting.pop()
            load(place[0])
            links = self._links.get(place) or self._linked(place)
            add(links.targets)
            for name in links.methods - used:
                used.add(name)
                for path in self._methods[name].keys() & loaded:
                    add(self._methods[name][path])
        return reached

    def _linked(self, place: Place) -> Links:
        unit = self._units[place]
        scope = self._scope(unit.path)
        imports = self.modules[unit.path].imports
        names = {
            *unit.names,
            *(imports[name].rpartition(".")[2] for name in unit.names.keys() & imports.keys()),
        }
        targets = [
            self._functions[name][path]
            for name in names
            if name in self._functions
            for path in self._functions[name].keys() & scope
        ]
        targets += [*self._hooks(unit), *self._named(unit)]
        methods = frozenset(unit.names.keys() & self._methods.keys())
        return self._links.setdefault(place, Links(targets, methods))

    def _scope(self, path: str) -> set[str]:
        """Return the files whose names a file can use: those it imports, also through packages."""
        if path not in self._scopes:
            found, waiting = {path}, list(self.imports[path])
            while waiting:
                one = waiting.pop()
                if one not in found:
                    found.add(one)
                    if one.endswith("__init__.py"):
                        waiting += self.imports[one]
            self._scopes[path] = found
        return self._scopes[path]

    def _hooks(self, unit: Unit) -> Iterator[Place]:
        """Yield the methods of a class that nothing has to name."""
        if (unit.path, unit.name) not in self._owners:
            return
        foreign = any(
            base not in PLAIN_BASES and "." in base and self.module_path(base, unit.path) is None
            for base in unit.bases
        )
        for short, places in self._methods_of[unit.path].items():
            if foreign or short.startswith("__"):
                yield from (one for one in places if one[1].startswith(f"{unit.name}."))

    def _named(self, unit: Unit) -> Iterator[Place]:
        """Yield the units that texts such as `package.module:function` or `a.py` of a unit name."""
        for text in self.targets if "instantiate" in unit.names else ():
            yield from self._class_at(text)
        for name in [*unit.names, *(text for _, text in unit.strings)] if self.scripts else ():
            script = self._script_in(self.scripts.get(name.lower(), ""))
            yield from ((script, one.name) for one in self.modules[script].units) if script else ()
        starts = not STARTING.isdisjoint(unit.names) or "script" in " ".join(unit.names)
        for _, text in unit.strings:
            if "." not in text and "-m " not in text:
                continue  # most texts are plain words
            if ".py" in text and " " not in text and not starts:
                continue  # a list of files, not of commands
            if ".py" in text and (script := self._script_in(text)):
                yield from ((script, one.name) for one in self.modules[script].units)
            elif "-m " in text and (module := RUN_MODULE.search(text)):
                path = self.module_path(module[1], "")
                if path and self.modules[path].dotted.endswith(module[1].removeprefix("src.")):
                    yield from ((path, one.name) for one in self.modules[path].units)
            elif "." in text and len(text) < LONGEST_TARGET and DOTTED.fullmatch(text):
                path, name = self._target(text)
                for one in self.modules[path].units if path else ():
                    if not name or f"{one.name}.".startswith(f"{name}."):
                        yield path, one.name
                if path and not name and "import_module" in unit.names:
                    yield from self._inside(path)

    def _class_at(self, text: str) -> Iterator[Place]:
        """Yield the units of a class or function that a configuration of Hydra names."""
        path, name = self._target(text)
        for one in self.modules[path].units if path and name else ():
            if f"{one.name}.".startswith(f"{name}."):
                yield path, one.name

    def _inside(self, path: str) -> Iterator[Place]:
        """Yield the units of a package, of whose modules one is chosen by its name."""
        folder, _, name = path.rpartition("/")
        for other in self.modules if name == "__init__.py" else ():
            if other.rpartition("/")[0] == folder:
                yield from ((other, one.name) for one in self.modules[other].units)

    def _script_in(self, text: str) -> str | None:
        """Return the script that a text names, alone or in a command, if it is the only one."""
        found = SCRIPT_NAMED.search(text) if len(text) < LONGEST_COMMAND else None
        if not found:
            return None
        named = found[1].removeprefix("./")
        return named if named in self.modules else self._scripts.get(named.rpartition("/")[2])

    @cached_property
    def _scripts(self) -> dict[str, str]:
        """The Python files whose name no other file has, by that name."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.modules:
            found[path.rpartition("/")[2]].append(path)
        return {name: paths[0] for name, paths in found.items() if len(paths) == 1}

    def _target(self, text: str) -> tuple[str, str]:
        """Return the path of the module that a text names, and the name inside; else nothing."""
        module, _, name = text.partition(":")
        owner, _, last = module.rpartition(".")
        path = self.module_path(module, "")
        dotted = self.modules[path].dotted if path else ""
        if path and dotted == module:
            return path, name
        return (path, last) if path and dotted == owner else ("", "")
