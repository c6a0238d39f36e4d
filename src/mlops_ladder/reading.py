"""A project's files as data: what its TOML, YAML, make files, workflows and code say.

The files are a person's own, so any of them may be broken. What cannot be read is a note, and
never an error.
"""

import ast
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

Tree = Mapping[str, bytes]

MAKE_FILES = ["Makefile", "make/*.mk"]
WORKFLOWS = [".github/workflows/*.yml", ".github/workflows/*.yaml"]
CONFLICT = re.compile(
    r"^<{7} [^\n]*\n(?P<yours>.*?)^={7}\n(?P<incoming>.*?)^>{7} [^\n]*\n?",
    re.DOTALL | re.MULTILINE,
)
TARGET = re.compile(r"^(?P<name>[\w.-]+):(?!=)(?P<needs>[^#=\n]*)(?:## *(?P<help>.*))?$", re.ASCII)
MAKE_CALL = re.compile(r"\bmake((?: +[\w.=$\"'{}()-]+)+)")


class Lenient(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader that reads past tags it does not know, such as Compose's `!reset`."""


def untagged(loader: Any, suffix: str, node: yaml.Node) -> Any:
    """The value as it would be without its tag."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


Lenient.add_multi_constructor("!", untagged)


@dataclass(frozen=True)
class Target:
    """A target of a make file: what it does in words, what it needs, what it runs."""

    name: str
    file: str
    help: str
    needs: list[str]
    recipe: str


@dataclass(frozen=True)
class Workflow:
    """A GitHub workflow: its triggers with what they are narrowed to, and its jobs."""

    file: str
    name: str
    triggers: dict[str, Any]
    jobs: list[dict[str, Any]]

    def make_targets(self) -> list[str]:
        """The make targets that its steps run and whose failure would be noticed."""
        steps = [step for job in self.jobs if is_on(job) for step in entries(job.get("steps"))]
        return [
            target
            for step in steps
            if is_on(step)
            for call in MAKE_CALL.findall(str(step.get("run", "")))
            for target in call.split()
            if "=" not in target and not target.startswith("-")
        ]

    def crons(self) -> list[str]:
        """When it starts by itself."""
        return [
            str(entry["cron"])
            for entry in entries(self.triggers.get("schedule"))
            if "cron" in entry
        ]


class Reading:
    """One tree of files, each read at most once. `notes` names what could not be read, and why."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.notes: list[str] = []
        self._yaml: dict[str, list[Any]] = {}
        self._names: dict[str, set[str]] = {}

    def matching(self, *globs: str) -> list[str]:
        """The paths that match one of the patterns, in order; `**` matches any folders."""
        patterns = [pattern(glob) for glob in globs]
        return sorted(path for path in self.tree if any(p.fullmatch(path) for p in patterns))

    def text(self, path: str) -> str:
        """The file's text; of lines in conflict, both sides, as nothing of them is decided."""
        text = self.tree.get(path, b"").decode("utf-8", "replace").replace("\r\n", "\n")
        return CONFLICT.sub(r"\g<yours>\g<incoming>", text)

    def documents(self, path: str) -> list[Any]:
        """The documents of a YAML file; none if it is broken."""
        if path not in self._yaml:
            try:
                self._yaml[path] = list(yaml.load_all(self.text(path), Lenient))
            except (yaml.YAMLError, ValueError, RecursionError) as error:
                self._yaml[path] = []
                self.notes.append(f"{path} is no YAML: {first_line(error)}")
        return self._yaml[path]

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """What pyproject.toml says; nothing if it is broken."""
        return self.toml("pyproject.toml")

    def toml(self, path: str) -> dict[str, Any]:
        """What a TOML file says; nothing if it is broken."""
        try:
            return tomllib.loads(self.text(path))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self.notes.append(f"{path} is no TOML: {first_line(error)}")
            return {}

    @cached_property
    def answers(self) -> dict[str, Any]:
        """The answers that the project was generated with, in a file of any name."""
        for path in self.matching("*.yml", "*.yaml"):
            if "_src_path" in self.text(path):
                for said in self.documents(path):
                    if isinstance(said, dict) and "level" in said:
                        return said
        return {}

    @cached_property
    def targets(self) -> dict[str, Target]:
        """The make targets by name, in the order of the files."""
        found = (target for file in self.matching(*MAKE_FILES) for target in self._targets(file))
        return {target.name: target for target in found}

    def _targets(self, file: str) -> Iterator[Target]:
        lines = self.text(file).replace("\\\n", " ").split("\n")
        for number, line in enumerate(lines):
            head = TARGET.match(line)
            if head is None or head["name"].startswith("."):
                continue
            recipe = []
            for below in lines[number + 1 :]:
                if not below.startswith(("\t", "ifn", "ifd", "ifeq", "endif", "else")):
                    break
                recipe.append(below.strip())
            needs = re.findall(r"(?<![\w$(-])[\w.-]+(?![\w(-])", head["needs"])
            yield Target(head["name"], file, (head["help"] or "").strip(), needs, "\n".join(recipe))

    def recipe(self, name: str) -> str:
        """All that a target runs: its own lines, and those of the targets that it needs."""
        lines, waiting, known = [], [name], set()
        while waiting:
            target = self.targets.get(waiting.pop())
            if target and target.name not in known:
                known.add(target.name)
                lines.append(target.recipe)
                waiting += target.needs
        return "\n".join(lines)

    @cached_property
    def workflows(self) -> list[Workflow]:
        """The GitHub workflows that can be read."""
        return [
            Workflow(file, str(said.get("name", file)), triggers_of(said), jobs_of(said))
            for file in self.matching(*WORKFLOWS)
            for said in self.documents(file)
            if isinstance(said, dict)
        ]

    def names(self, path: str) -> set[str]:
        """Every name that a module or a notebook uses; comments and texts do not count."""
        if path not in self._names:
            try:
                self._names[path] = set(names_in(ast.parse(self.code(path))))
            except (SyntaxError, ValueError, RecursionError) as error:
                self._names[path] = set()
                self.notes.append(f"{path} is no Python: {first_line(error)}")
        return self._names[path]

    def code(self, path: str) -> str:
        """The Python in a file: all of a module, the code cells of a notebook without magics."""
        if not path.endswith(".ipynb"):
            return self.text(path)
        try:
            notebook = json.loads(self.text(path))
            cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
            lines = "\n".join("".join(cell["source"]) for cell in cells).split("\n")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"it is no notebook: {error!r}") from error
        return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def pattern(glob: str) -> re.Pattern[str]:
    """The pattern as a regular expression; `*` stays within a folder, `**` does not."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    pieces = re.split(r"(\*\*/|\*\*|\*)", glob)
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pieces))


def triggers_of(workflow: dict[Any, Any]) -> dict[str, Any]:
    """What starts a workflow. YAML 1.1 reads the key `on` as True."""
    said = workflow.get("on", workflow.get(True))
    if isinstance(said, dict):
        return {str(name): narrowed for name, narrowed in said.items()}
    return dict.fromkeys(map(str, said if isinstance(said, list) else [said] if said else []))


def jobs_of(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    """The jobs of a workflow."""
    jobs = workflow.get("jobs")
    return entries(list(jobs.values())) if isinstance(jobs, dict) else []


def entries(value: Any) -> list[dict[str, Any]]:
    """The mappings in what should be a list of mappings."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def is_on(part: dict[str, Any]) -> bool:
    """Whether a job or a step is neither switched off nor allowed to fail unnoticed."""
    condition = str(part.get("if", True)).strip().removeprefix("${{").removesuffix("}}").strip()
    return condition.lower() != "false" and part.get("continue-on-error") is not True


def names_in(tree: ast.AST) -> Iterator[str]:
    """Every name that the code uses or defines, `module.name` and `.method` too.

    An import alone uses nothing.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                yield from (name, f".{name}", f"{owner}.{name}")
            case ast.Attribute(attr=name):
                yield from (name, f".{name}")
            case ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name


def strings_in(value: Any) -> Iterator[str]:
    """Every text in nested lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from strings_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from strings_in(entry)


def first_line(error: Exception) -> str:
    """An error in one line, with the line of the file if a YAML error knows it."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"line {mark.line + 1}: {getattr(error, 'problem', None) or error}"
    return str(error).partition("\n")[0]
