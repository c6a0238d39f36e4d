"""What a repository's entry points reach: jobs of CI, tasks, scripts, schedules, and their code.

Code that nothing starts proves nothing. So evidence is looked for among the functions that an
entry point reaches, by imports and by the names that reached code uses.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from ..inspection.commands import Commands, Line, split_words
from ..inspection.files import as_list, as_mapping, mappings_in, strings_in
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
from ..inspection.workflow import is_on
from .tools import IMPORTED, OTHER_CI, WORTH_PARSING

TEST_PATH = re.compile(
    r"(^|/)(tests?|testing|unit_tests?|integration_tests?)/|(^|/)(test_[^/]*|[^/]*_tests?|conftest)\.py$"
)
DOCS_PATH = re.compile(r"^(docs?|documentation|site|website|book)/|(^|/)_?archive[sd]?/")
MOST_PARSED = 6_000
MOST_ROOTS = 150
CHECKERS = re.compile(
    r"^(?:python3? -m )?(?:pytest|py\.test|unittest|ruff|black|flake8|mypy|isort|pylint|pyright|bandit|"
    r"pre-commit|git|echo|rm|cp|mv|cat|chmod|zip|tar|sed|nbqa|nbstripout|autopep8|yapf|pip|coverage)\b"
)
RUN_BY_PATH = re.compile(r"(?<![\w/.-])([\w./-]+\.py)\b")
RUN_BY_MODULE = re.compile(
    r"(?:python[\d.]*|torchrun|launch|debugpy|-X \w+|-\w)\s+(?:-\w+\s+)*-m\s+([\w.]+)|^-m\s+([\w.]+)"
)
RUN_BY_APP = re.compile(r"(?<![\w/:.])([\w.]+):(\w+)\b")

Place = tuple[str, str]
"""The path and name of a unit."""


@dataclass(frozen=True)
class Job:
    """A job of CI: what starts it and what it runs."""

    file: str
    name: str
    triggers: frozenset[str]
    lines: tuple[Line, ...]
    uses: tuple[str, ...]
    raw: dict[str, Any] = field(hash=False, compare=False)
    approved: bool = False
    """A person has to approve it."""

    def started_by(self, *triggers: str) -> bool:
        """Tell whether one of the events starts it."""
        return not self.triggers.isdisjoint(triggers)

    def runs(self, pattern: re.Pattern[str]) -> Line | None:
        """Return the first command that matches and whose failure is noticed."""
        return next((one for one in self.lines if one.counts and pattern.search(one.text)), None)


@dataclass(frozen=True)
class Root:
    """An entry point: a unit that something starts."""

    place: Place
    kind: str
    file: str
    text: str


class Wiring:
    """The facts that criteria ask for. Everything is computed at most once."""

    def __init__(self, repository: Repository, sizes: dict[str, int]) -> None:
        self.repository = repository
        self.sizes = sizes
        self.commands = Commands(repository)
        self._lines: dict[tuple[str, str], int] = {}
        self._tests: dict[str, bool] = {}
        self._imported: dict[tuple[str, str], bool] = {}

    # ---- code -----------------------------------------------------------------------------------

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
        is_worth = parse and (WORTH_PARSING.search(body) or IMPORTED.search(body))
        if not is_notebook and not is_worth:
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
            if "." in text and len(text) < 120 and re.fullmatch(r"[\w.]+(:\w+)?", text):
                yield from self._named(text)

    def _named(self, text: str) -> Iterator[Unit]:
        """Yield the units that a text such as `package.module:function` names."""
        module, _, name = text.partition(":")
        path = self.module_path(module)
        dotted = self.modules[path].dotted if path else ""
        if path and module != dotted and dotted == module.rpartition(".")[0]:
            name = module.rpartition(".")[2]
        elif module != dotted:
            return
        for unit in self.modules[path or ""].units:
            if not name or unit.name == name or unit.name.startswith(f"{name}."):
                yield unit

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

    # ---- entry points ---------------------------------------------------------------------------

    def roots_of(self, lines: Iterable[Line], kind: str) -> list[Root]:
        """Return the entry points that commands start."""
        found: list[Root] = []
        for line in lines:
            if CHECKERS.match(line.text):
                continue
            for place in self.started(line.text, line.file):
                found.append(Root(place, kind, line.file, line.text))
        return found

    def started(self, text: str, file: str) -> Iterator[Place]:
        """Yield the units that a command starts."""
        for by_module in RUN_BY_MODULE.finditer(text):
            name = by_module[1] or by_module[2]
            path = self.module_path(name)
            if path and self.modules[path].dotted.endswith(name):
                main = f"{path.removesuffix('__init__.py')}__main__.py"
                yield (main if main in self.modules else path), BODY
        for by_path in RUN_BY_PATH.finditer(text):
            if path := self._file(by_path[1], file):
                yield path, BODY
        for by_app in RUN_BY_APP.finditer(text):
            path = self.module_path(by_app[1])
            if path:
                yield path, BODY
                yield path, by_app[2]
        words = split_words(text)
        if words and (place := self.console_scripts.get(words[0].rpartition("/")[2])):
            yield place
        if words[:2] == ["kedro", "run"]:
            yield from self._kedro_places
        if words[:2] in (["mlflow", "run"], ["mlflow", "projects"]):
            for path in self.repository.matching("MLproject", "**/MLproject"):
                for document in self.repository.documents(path):
                    for point in as_mapping(as_mapping(document).get("entry_points")).values():
                        yield from self.started(str(as_mapping(point).get("command", "")), path)
        if words[:1] in (["az"], ["azureml"], ["kubectl"], ["argo"], ["prefect"], ["gcloud"]):
            yield from self._declared(words, file, 3)

    def _declared(self, words: list[str], file: str, hops: int) -> Iterator[Place]:
        """Yield what the YAML files that a command names start in turn."""
        for word in words:
            name = word.partition("=")[2] or word
            if not re.search(r"\.ya?ml$", name) or not hops:
                continue
            path = self._file(name.removeprefix("file:"), file, r"\.ya?ml$")
            if not path:
                continue
            for document in self.repository.documents(path):
                for text in strings_in(document):
                    if "\n" in text or " " in text or text.endswith((".py", ".yml", ".yaml")):
                        if not text.endswith((".yml", ".yaml")):
                            yield from self.started(text, path)
                        yield from self._declared(text.split(), path, hops - 1)

    def _file(self, written: str, beside: str, ending: str = r"\.(py|ipynb)$") -> str | None:
        """Return the file of the repository that a command names by a path."""
        clean = written.removeprefix("./")
        while clean.startswith("../"):
            clean = clean[3:]
        folder = beside.rpartition("/")[0]
        for candidate in (clean, f"{folder}/{clean}"):
            if candidate in self.sizes:
                return candidate
        name = clean.rpartition("/")[2]
        ends = [one for one in self._by_end.get(name, []) if f"/{one}".endswith(f"/{clean}")]
        return min(ends, key=len) if len(ends) == 1 and re.search(ending, ends[0]) else None

    @cached_property
    def _by_end(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.sizes:
            if path.endswith((".py", ".ipynb", ".yml", ".yaml")):
                found[path.rpartition("/")[2]].append(path)
        return found

    @cached_property
    def console_scripts(self) -> dict[str, Place]:
        """The commands that the package installs."""
        repository = self.repository
        project = as_mapping(repository.pyproject.get("project"))
        poetry = as_mapping(as_mapping(repository.pyproject.get("tool")).get("poetry"))
        said = {**as_mapping(poetry.get("scripts")), **as_mapping(project.get("scripts"))}
        for path in repository.matching("setup.py", "setup.cfg"):
            for script in re.finditer(r"([\w.-]+)\s*=\s*([\w.]+:\w+)", repository.text(path)):
                said.setdefault(script[1], script[2])
        found: dict[str, Place] = {}
        for name, target in said.items():
            module, _, function = str(target).partition(":")
            own = self.module_path(module)
            if own:
                found[name] = (own, function.split(".")[0] or BODY)
        return found

    @cached_property
    def _kedro_places(self) -> list[Place]:
        return [
            (path, unit.name)
            for path in self.modules
            if path.endswith(("pipeline_registry.py", "pipeline.py", "nodes.py"))
            for unit in self.modules[path].units
        ]

    @cached_property
    def roots(self) -> list[Root]:
        """Every entry point that works without a notebook server, jobs of CI first."""
        found = [root for job in self.jobs for root in self.roots_of(job.lines, "ci")]
        found += self.roots_of(self.task_lines, "task")
        found += self.roots_of(self.deployed_lines, "deployment")
        found += [
            Root(place, "console script", "pyproject.toml", name)
            for name, place in self.console_scripts.items()
        ]
        if any(path.endswith("pipeline_registry.py") for path in self.modules):
            found += [Root(one, "pipeline", one[0], "kedro run") for one in self._kedro_places]
        for path, module in self.modules.items():
            if TEST_PATH.search(path) or path.endswith(".ipynb"):
                continue
            if any(unit.name == MAIN for unit in module.units):
                found.append(Root((path, BODY), "script", path, f"python {path}"))
            elif self._is_flow(module):
                found.append(Root((path, BODY), "pipeline", path, f"python {path}"))
            elif self._is_bare_script(module):
                found.append(Root((path, BODY), "script", path, f"python {path}"))
        return list({root.place: root for root in reversed(found)}.values())[::-1]

    def _is_flow(self, module: Module) -> bool:
        flows = ("airflow", "prefect", "dagster", "metaflow", "kfp", "zenml", "flytekit", "luigi")
        return any(name.partition(".")[0] in flows for name in module.imported) and (
            module.path.rpartition("/")[2] != "__init__.py"
        )

    def _is_bare_script(self, module: Module) -> bool:
        """Tell whether a file does something when it is run, and nothing imports it."""
        body = module.units[0]
        passive = {"", "getLogger", "TypeVar", "NewType", "namedtuple", "Path", "field"}
        return (
            any(call.name.rpartition(".")[2] not in passive for call in body.calls)
            and not module.path.endswith("__init__.py")
            and not any(module.path in imported for imported in self._imports.values())
        )

    @cached_property
    def task_lines(self) -> list[Line]:
        """The commands of every task: make targets, other runners, dvc stages, scripts."""
        commands, found = self.commands, list[Line]()
        for name in commands.make_targets:
            found += commands.resolve(f"make {name}", "Makefile")
        for file, text in commands.tasks.values():
            found += commands.resolve(text, file)
        for path in self.repository.matching("**/Makefile"):
            if "/" in path:
                text = re.sub(r"^[^\t].*$", "", self.repository.text(path), flags=re.M)
                found += commands.resolve(text, path)
        found += commands.resolve("dvc repro", "dvc.yaml")
        for path in self.repository.matching("**/*.sh", "**/MLproject", "MLproject"):
            if not DOCS_PATH.search(path):
                text = self.repository.text(path)
                lines = re.sub(r"^\s*command:\s*[\"']?", "", text, flags=re.M)
                found += commands.resolve(lines[:20_000], path)
        return found

    @cached_property
    def deployed_lines(self) -> list[Line]:
        """The commands that images and manifests start."""
        found: list[Line] = []
        for path in self.dockerfiles:
            text = self.repository.text(path).replace("\\\n", " ")
            for said in re.findall(r"^(?:CMD|ENTRYPOINT|RUN)\s+(.*)$", text, re.M | re.I):
                command = re.sub(r'"\s*,\s*"', " ", said).strip('[]" ')
                found += self.commands.resolve(command, path)
        for path in self.repository.matching("Procfile", "**/Procfile"):
            for said in re.findall(r"(?m)^[\w-]+:\s*(.+)$", self.repository.text(path)):
                found += self.commands.resolve(said, path)
        for path in self.repository.matching("bentofile.y*ml", "**/bentofile.y*ml"):
            for document in self.repository.documents(path):
                if service := as_mapping(document).get("service"):
                    found += self.commands.resolve(f"bentoml serve {service}", path)
        for path, document in self.manifests:
            for command in commands_in(document):
                found += self.commands.resolve(command, path)
        return found

    @cached_property
    def dockerfiles(self) -> list[str]:
        """The Dockerfiles."""
        name = re.compile(r"(^|/)([^/]*Dockerfile[^/]*|Containerfile|[^/]+\.dockerfile)$", re.I)
        return [
            path
            for path in self.sizes
            if name.search(path) and not path.endswith((".md", ".ignore"))
        ]

    # ---- what is reached ------------------------------------------------------------------------

    @cached_property
    def wired(self) -> set[Place]:
        """Everything that some entry point reaches, notebooks aside."""
        return self.reach([root.place for root in self.roots])

    def is_wired(self, unit: Unit) -> bool:
        """Tell whether an entry point reaches a unit."""
        return (unit.path, unit.name) in self.wired

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

    @cached_property
    def reach_by_root(self) -> list[tuple[Root, set[Place]]]:
        """The entry points, each with what it reaches."""
        return [(root, self.reach([root.place])) for root in self.roots[:MOST_ROOTS]]

    def reached_with(self, wanted: set[Place]) -> set[Place]:
        """Return what those entry points reach that reach one of the wanted units, too."""
        found: set[Place] = set()
        for _, reached in self.reach_by_root:
            if not wanted.isdisjoint(reached):
                found |= reached
        return found

    # ---- CI -------------------------------------------------------------------------------------

    @cached_property
    def jobs(self) -> list[Job]:
        """The jobs of every CI system that can be read, those that are switched off left out."""
        found: list[Job] = []
        callers: dict[str, set[str]] = defaultdict(set)
        for workflow in self.repository.workflows:
            for job in workflow.jobs:
                if str(job.get("uses", "")).startswith("./") and is_on(job):
                    name = str(job["uses"]).removeprefix("./").partition("@")[0]
                    callers[name] |= triggers_in(workflow.triggers)
        for workflow in self.repository.workflows:
            triggers = triggers_in(workflow.triggers) | callers.get(workflow.file, set())
            for job in workflow.jobs:
                if is_on(job):
                    found.append(self._github_job(workflow.file, job, triggers))
        read = {workflow.file for workflow in self.repository.workflows}
        for path in self.sizes:
            for pattern, system in OTHER_CI.items():
                if pattern.search(path) and path not in read:
                    found += self._other_job(path, system)
        return found

    def _github_job(self, file: str, job: dict[str, Any], triggers: set[str]) -> Job:
        lines: list[Line] = []
        uses: list[str] = []
        for step in self._steps(job, 3):
            if not is_on(step):
                continue
            if "uses" in step:
                given = as_mapping(step.get("with")).items()
                told = " ".join(f"{name}: {value}" for name, value in given)
                uses.append(f"{step['uses']} {told}")
            if "run" in step:
                lines += self.commands.resolve(str(step["run"]), file)
        return Job(
            file, str(job.get("name", "")), frozenset(triggers), tuple(lines), tuple(uses), job
        )

    def _steps(self, job: dict[str, Any], hops: int) -> Iterator[dict[str, Any]]:
        """Yield the steps of a job, with those of the repository's own actions."""
        for step in mappings_in(job.get("steps")):
            yield step
            used = str(step.get("uses", ""))
            if used.startswith("./") and hops and is_on(step):
                folder = used.removeprefix("./").rstrip("/")
                for path in self.repository.matching(f"{folder}/action.y*ml"):
                    for document in self.repository.documents(path):
                        yield from self._steps(
                            as_mapping(as_mapping(document).get("runs")), hops - 1
                        )

    def _other_job(self, path: str, system: str) -> Iterator[Job]:
        """Yield the jobs of a CI system other than GitHub's."""
        for document in self.repository.documents(path):
            said = as_mapping(document)
            texts = list(dict.fromkeys(script_texts(said)))
            lines = self.commands.resolve("\n".join(texts), path)
            triggers = (
                {"push", "pull_request"} if system not in {"Cloud Build", "CodeBuild"} else set()
            )
            if system == "Azure DevOps":
                triggers = azure_triggers(said)
            if "schedule" in str(said.get("schedules", "")) or said.get("schedules"):
                triggers.add("schedule")
            if not triggers:
                triggers = {"outside"}
            uses = tuple(
                str(step["task"])
                for step in all_mappings(said)
                if isinstance(step.get("task"), str)
            )
            yield Job(path, system, frozenset(triggers), tuple(lines), uses, said)

    @cached_property
    def unread_ci(self) -> list[str]:
        """The files of CI systems that are not read."""
        name = re.compile(
            r"(^|/)(\.gitlab-ci\.ya?ml|Jenkinsfile[^/]*|\.drone\.ya?ml|bitbucket-pipelines\.ya?ml"
            r"|\.woodpecker\.ya?ml|\.buildkite/[^/]+|\.teamcity/[^/]+|appveyor\.ya?ml)$"
        )
        read = {workflow.file for workflow in self.repository.workflows} | {".gitlab-ci.yml"}
        return [path for path in self.sizes if name.search(path) and path not in read]

    def scheduled(self) -> list[tuple[str, list[Line]]]:
        """Return what runs on a schedule: the file that says so and the commands."""
        found = [
            (job.file, list(job.lines))
            for job in self.jobs
            if job.started_by("schedule") and not job.started_by("pull_request")  # a test
        ]
        for path, document in self.manifests:
            spec = as_mapping(document.get("spec"))
            recurs = document.get("kind") in {"CronJob", "CronWorkflow", "ScheduledWorkflow"}
            if recurs and spec.get("schedule") and not spec.get("suspend"):
                lines = [
                    line
                    for command in commands_in(document)
                    for line in self.commands.resolve(command, path)
                ]
                found.append((path, lines))
        for path in self.repository.matching("**/crontab", "crontab", "**/*.cron", "**/cron.d/*"):
            lines = []
            for line in self.repository.text(path).split("\n"):
                entry = re.match(r"^\s*(?:[\d*/,-]+\s+){5}(.*)$|^\s*@\w+\s+(.*)$", line)
                if entry:
                    lines += self.commands.resolve(entry[1] or entry[2], path)
            found.append((path, lines))
        return found

    # ---- files of other kinds -------------------------------------------------------------------

    @cached_property
    def manifests(self) -> list[tuple[str, dict[str, Any]]]:
        """The Kubernetes manifests and Compose files, each document with its file."""
        found = []
        for path in self.yaml_files:
            body = self.repository.tree[path]
            name = path.rpartition("/")[2]
            is_compose = "compose" in name and b"services" in body
            if path.startswith(".github/") or not (is_compose or re.search(rb"^kind:", body, re.M)):
                continue
            for document in self.repository.documents(path):
                if isinstance(document, dict):
                    found.append((path, document))
        return found

    @cached_property
    def yaml_files(self) -> list[str]:
        """The YAML files that are no templates, documentation or CI."""
        return [
            path
            for path in self.sizes
            if path.endswith((".yml", ".yaml"))
            and not DOCS_PATH.search(path)
            and self.sizes[path] < 300_000
        ][:3_000]

    @cached_property
    def settings(self) -> list[tuple[str, str, Any]]:
        """The settings in configuration files and constants of code: file, name and value."""
        found: list[tuple[str, str, Any]] = []
        for path in self.sizes:
            if path.startswith(".github/") or self.sizes[path] > 60_000 or DOCS_PATH.search(path):
                continue
            if path.endswith((".yml", ".yaml")):
                documents: Iterable[Any] = self.repository.documents(path)
            elif path.endswith(".toml") and path != "pyproject.toml" and "lock" not in path:
                documents = [self.repository.toml(path)]
            elif re.search(r"(config|param|settings?|conf)[^/]*\.json$", path):
                documents = [self.repository.json(path)]
            else:
                continue
            for document in documents:
                found += [(path, name, value) for name, value in leaves(document)]
        for unit in self.code:
            found += [(unit.path, name, value) for name, value in unit.constants.items()]
        return found

    def line_of(self, path: str, fragment: str) -> int:
        """Return the first line of a file that has a text outside of a comment; else 1."""
        if (path, fragment) not in self._lines:
            self._lines[path, fragment] = next(
                (
                    number
                    for number, line in enumerate(self.repository.text(path).split("\n"), 1)
                    if fragment in line and not line.lstrip().startswith("#")
                ),
                1,
            )
        return self._lines[path, fragment]


def triggers_in(said: dict[str, Any]) -> set[str]:
    """Return what starts a workflow: a push of tags is `tag`, one to branches is `push`."""
    found = set(said)
    if "push" in said:
        push = as_mapping(said["push"])
        if push.get("tags") or push.get("tags-ignore"):
            found.add("tag")
            if not (push.get("branches") or push.get("branches-ignore")):
                found.discard("push")
        elif not push or not push.get("branches"):
            found.add("tag")
    if "schedule" in said and not any(entry.get("cron") for entry in mappings_in(said["schedule"])):
        found.discard("schedule")
    return found


def azure_triggers(said: dict[str, Any]) -> set[str]:
    """Return what starts an Azure pipeline; `none` switches the default off."""
    found = set()
    if said.get("trigger", "main") != "none":
        found.add("push")
    if said.get("pr", "main") != "none":
        found.add("pull_request")
    if mappings_in(as_mapping(said.get("resources")).get("pipelines")):
        found.add("workflow_run")
    return found


def script_texts(value: Any) -> Iterator[str]:
    """Yield the shell texts in a CI file of any system."""
    names = {
        *("script", "run", "command", "commands", "before_script", "after_success", "install"),
        *("bash", "pwsh", "inlineScript", "args", "deploy", "after_script", "scripts"),
    }
    if isinstance(value, dict):
        for name, entry in value.items():
            if name in names and isinstance(entry, str):
                yield entry
            elif name == "args" and isinstance(entry, list):
                tool = str(value.get("name", "")).rpartition("/")[2]
                words = " ".join(str(one) for one in entry)
                yield (
                    f"{tool} {words.removeprefix('-c ')}"
                    if tool == "docker"
                    else words.removeprefix("-c ")
                )
            elif name in names and isinstance(entry, list):
                for one in entry:
                    if isinstance(one, str):
                        yield one
                    else:
                        yield from script_texts(one)
            else:
                yield from script_texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from script_texts(entry)


def all_mappings(value: Any) -> Iterator[dict[Any, Any]]:
    """Yield every mapping in nested data."""
    if isinstance(value, dict):
        yield value
        for entry in value.values():
            yield from all_mappings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from all_mappings(entry)


def commands_in(document: Any) -> Iterator[str]:
    """Yield the commands of containers in a manifest or a Compose file."""
    for mapping in all_mappings(document):
        parts: list[str] = []
        for name in ("entrypoint", "command", "args"):
            said = mapping.get(name)
            parts += [said] if isinstance(said, str) else [str(one) for one in as_list(said)]
        if parts:
            yield " ".join(parts)


def leaves(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of settings in nested data."""
    if depth > 12:
        return
    if isinstance(value, dict):
        for name, entry in value.items():
            if not isinstance(entry, dict | list):
                yield str(name), entry
            elif isinstance(entry, list) and not any(isinstance(one, dict | list) for one in entry):
                yield str(name), entry or None
            else:
                yield from leaves(entry, depth + 1)
    elif isinstance(value, list):
        for entry in value[:200]:
            yield from leaves(entry, depth + 1)


def matching_names(unit: Unit, pattern: re.Pattern[str]) -> Iterator[tuple[str, int]]:
    """Yield the identifiers of a unit that match, with their lines."""
    for name, line in unit.names.items():
        if pattern.search(name):
            yield name, line
