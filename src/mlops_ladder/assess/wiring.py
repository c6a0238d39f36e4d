"""What a repository's entry points reach: jobs of CI, tasks, scripts, schedules, and their code.

Code that nothing starts proves nothing. So evidence is looked for among the functions that an
entry point reaches, by imports and by the names that reached code uses.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ..inspection.commands import Line, joined, split_words
from ..inspection.files import as_mapping, strings_in
from ..inspection.python import BODY, MAIN, Module, Unit
from ..inspection.repository import MAKE_NAMES
from .ci import ContinuousIntegration
from .code import TEST_PATH, Code
from .infrastructure import Resource
from .other_files import DOCS_PATH, commands_in
from .reach import Place

MOST_ROOTS = 150
CDK_SERVICES = {
    **{"sagemaker": "SageMaker", "events": "Events", "codepipeline": "CodePipeline", "sns": "SNS"},
    **{"cloudwatch": "CloudWatch", "codebuild": "CodeBuild", "stepfunctions": "StepFunctions"},
    **{"codedeploy": "CodeDeploy", "sns_subscriptions": "SNS", "scheduler": "Scheduler"},
}
CHECKERS = re.compile(
    r"^(?:python3? -m )?(?:pytest|py\.test|unittest|ruff|black|flake8|mypy|isort|pylint|pyright"
    r"|bandit|pre-commit|git|echo|rm|cp|mv|cat|chmod|zip|tar|sed|nbqa|nbstripout|autopep8|yapf|pip"
    r"|coverage)\b"
)
RUN_BY_PATH = re.compile(r"(?<![\w/.-])([\w./-]+\.py)\b")
RUN_BY_MODULE = re.compile(
    r"(?:python[\d.]*|torchrun|launch|debugpy|-X \w+|-\w)\s+(?:-\w+\s+)*-m\s+([\w.]+)"
    r"|^-m\s+([\w.]+)"
)
RUN_NOTEBOOK = re.compile(r"^run ([\w./ -]+\.(?:ipynb|py))$")
"""A step of a job of a platform."""
RUN_BY_PIPELINE = re.compile(r"\brun-pipeline --module-name ([\w.]+)")
"""How the templates of SageMaker start a pipeline, which a function `get_pipeline` makes."""
RUN_INLINE = re.compile(r"""(?:^|-c ["'])from ([\w.]+) import (\w+)""")
RUN_BY_APP = re.compile(r"(?<![\w/:.])([\w.]+):(\w+)\b")


@dataclass(frozen=True)
class Root:
    """An entry point: a unit that something starts."""

    place: Place
    kind: str
    file: str
    text: str


def is_handler(unit: Unit) -> bool:
    """Tell whether a function is of the form that a cloud starts: of an event and its context."""
    asked = (unit.names.get("event"), unit.names.get("context"))
    named = unit.short.endswith("handler") and None not in asked
    return unit.name == unit.short and (named or asked == (unit.line, unit.line))


class Wiring(Code, ContinuousIntegration):
    """The facts that criteria ask for: code, CI, other files, and what starts what."""

    @cached_property
    def resources(self) -> list[Resource]:
        """The resources of clouds, also those that code of the AWS CDK creates."""
        return [*super().resources, *self._constructs()]

    def _constructs(self) -> Iterator[Resource]:
        """Yield the constructs of the CDK as if a template had them."""
        for unit, call in self.calls(["aws_cdk.aws_*"]):
            service, _, name = call.name.removeprefix("aws_cdk.aws_").partition(".")
            owner = CDK_SERVICES.get(service)
            if owner and re.fullmatch(r"(Cfn)?[A-Z]\w+", name):
                said = [*unit.names, *(text for _, text in unit.strings)]
                said += [f"{key}: {value}" for key, value in call.keywords.items()]
                kind = f"AWS::{owner}::{name.removeprefix('Cfn')}"
                yield Resource(unit.path, call.line, kind, name, "\n".join(said))

    def roots_of(self, lines: Iterable[Line], kind: str) -> list[Root]:
        """Return the entry points that commands start."""
        found: list[Root] = []
        for line in lines:
            if CHECKERS.match(line.text):
                continue
            for place in self.started(line.text, line.file, line.folder):
                found.append(Root(place, kind, line.file, line.text))
        return found

    def started(self, text: str, file: str, folder: str = "") -> tuple[Place, ...]:
        """Return the units that a command starts, which a file says and a folder sees run."""
        key = (text, file, folder)
        if key not in self._started_by:
            self._started_by[key] = tuple(self._found_started(*key))
        return self._started_by[key]

    @cached_property
    def _started_by(self) -> dict[tuple[str, str, str], tuple[Place, ...]]:
        """The units that commands start, as far as they were looked up."""
        return {}

    def _found_started(self, text: str, file: str, folder: str) -> Iterator[Place]:
        for by_module in RUN_BY_MODULE.finditer(text):
            name = by_module[1] or by_module[2]
            path = self.module_path(name)
            if path and self.modules[path].dotted.endswith(name):
                main = f"{path.removesuffix('__init__.py')}__main__.py"
                yield (main if main in self.modules else path), BODY
        for by_pipeline in RUN_BY_PIPELINE.finditer(text):
            if path := self.module_path(by_pipeline[1]):
                yield path, "get_pipeline"
        if by_job := RUN_NOTEBOOK.match(text):
            if path := self._file(by_job[1], file, folder):
                yield path, BODY
            return
        for by_path in RUN_BY_PATH.finditer(text):
            if path := self._file(by_path[1], file, folder):
                yield path, BODY
        for by_app in RUN_BY_APP.finditer(text):
            path = self.module_path(by_app[1])
            if path:
                yield path, BODY
                yield path, by_app[2]
        for inline in RUN_INLINE.finditer(text):
            if path := self.module_path(inline[1]):
                yield path, inline[2]
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
            yield from self._declared(words, file, folder, 3)

    def _declared(self, words: list[str], file: str, folder: str, hops: int) -> Iterator[Place]:
        """Yield what the YAML files that a command names start in turn."""
        for word in words:
            name = word.partition("=")[2] or word
            if not re.search(r"\.ya?ml$", name) or not hops:
                continue
            path = self._file(name.removeprefix("file:"), file, folder, r"\.ya?ml$")
            if not path:
                continue
            for document in self.repository.documents(path):
                for text in strings_in(document):
                    if "\n" in text or " " in text or text.endswith((".py", ".yml", ".yaml")):
                        if not text.endswith((".yml", ".yaml")):
                            yield from self.started(text, path)
                        yield from self._declared(text.split(), path, folder, hops - 1)

    def _file(
        self, written: str, beside: str, at: str, ending: str = r"\.(py|ipynb)$"
    ) -> str | None:
        """Return the file of the repository that a command names by a path.

        Where a command is run is known for GitHub's workflows; elsewhere, a path is also looked for
        by its end.
        """
        clean = written.removeprefix("./")
        while clean.startswith("../"):
            clean = clean[3:]
        folder = beside.rpartition("/")[0]
        for candidate in (joined(at, written), clean, f"{folder}/{clean}"):
            if candidate in self.sizes:
                return candidate
        if beside.startswith(".github/workflows/") and not self._moves_unseen(beside):
            return None
        name = clean.rpartition("/")[2]
        ends = [one for one in self._by_end.get(name, []) if f"/{one}".endswith(f"/{clean}")]
        return min(ends, key=len) if len(ends) == 1 and re.search(ending, ends[0]) else None

    def _moves_unseen(self, path: str) -> bool:
        """Tell whether a workflow's commands run in a folder whose name is not written in it."""
        return bool(re.search(r"(\bcd|working-directory:)\s+\S*\$", self.repository.text(path)))

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
        found += self.roots_of(self.platform_lines, "deployment")
        if any(path.endswith("pipeline_registry.py") for path in self.modules):
            found += [Root(one, "pipeline", one[0], "kedro run") for one in self._kedro_places]
        for path, module in self.modules.items():
            if TEST_PATH.search(path) or path.endswith(".ipynb"):
                continue
            found += [
                Root((path, unit.name), "deployment", path, unit.name)
                for unit in module.units
                if is_handler(unit)
            ]
            if any(unit.name == MAIN for unit in module.units):
                found.append(Root((path, BODY), "script", path, f"python {path}"))
            elif self._is_flow(module):
                found.append(Root((path, BODY), "pipeline", path, f"python {path}"))
            elif self._is_bare_script(module):
                found.append(Root((path, BODY), "script", path, f"python {path}"))
        found = [one for one in found if not self.lacks_import(one.place[0])]
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
            and module.path not in self.imported_files
        )

    @cached_property
    def task_lines(self) -> list[Line]:
        """The commands of every task: make targets, other runners, dvc stages, scripts."""
        commands, found = self.commands, list[Line]()
        for name in commands.make_targets:
            found += commands.resolve(f"make {name}", "Makefile")
        for file, text in commands.tasks.values():
            found += commands.resolve(text, file)
        for path in self.repository.matching(*(f"**/{name}" for name in MAKE_NAMES)):
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
    def wired(self) -> set[Place]:
        """Everything that some entry point reaches, notebooks aside."""
        return self.reach([root.place for root in self.roots])

    def is_wired(self, unit: Unit) -> bool:
        """Tell whether an entry point reaches a unit."""
        return (unit.path, unit.name) in self.wired

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
