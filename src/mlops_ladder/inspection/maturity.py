"""Maturity criteria: which of them a project meets, and which files are the evidence.

`maturity.yml` defines each criterion and its evidence in a project of this template. Only files
count, so removing a workflow removes its evidence. What files cannot show is unknown, with the
reason, and never missing.
"""

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from packaging.utils import canonicalize_name

from .files import Lenient, Tree, as_mapping, strings_in
from .impact import dependencies, manifests
from .repository import Repository
from .workflow import Workflow

Kind = Literal["must", "should", "conditional"]
Status = Literal["met", "missing", "unknown", "not applicable"]


@dataclass(frozen=True)
class Criterion:
    """A maturity criterion, with the evidence that meets it."""

    name: str
    level: int
    kind: Kind
    description: str
    evidence: list[dict[str, Any]]
    applies_if: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class CriterionResult:
    """The status of a criterion, with the files that meet it or the reason why it is not met."""

    criterion: Criterion
    status: Status
    reason: str
    files: list[str]


@dataclass(frozen=True)
class Found:
    """Evidence was found in these files."""

    files: list[str]


@dataclass(frozen=True)
class NotFound:
    """Evidence is missing, or cannot be seen in files."""

    reason: str
    unknown: bool = False


Looked = Found | NotFound
Look = Callable[[Repository, Any], Looked]


@cache
def criteria() -> tuple[Criterion, ...]:
    """Return all criteria, lowest level first."""
    said = yaml.load((files(__package__) / "maturity.yml").read_text(encoding="utf-8"), Lenient)
    return tuple(Criterion(**entry) for entry in said)


def evaluate(tree: Tree, level: int | None = None) -> list[CriterionResult]:
    """Evaluate the criteria up to a level, or of all levels, on a tree of files."""
    repository = Repository(tree)
    wanted = [one for one in criteria() if level is None or one.level <= level]
    return [evaluate_criterion(repository, criterion) for criterion in wanted]


def evaluate_criterion(repository: Repository, criterion: Criterion) -> CriterionResult:
    """Evaluate one criterion."""
    if criterion.applies_if and isinstance(
        condition := look_at_all(repository, criterion.applies_if), NotFound
    ):
        return CriterionResult(criterion, "not applicable", condition.reason, [])
    looked = look_at_all(repository, criterion.evidence)
    if isinstance(looked, Found):
        return CriterionResult(criterion, "met", "", looked.files)
    return CriterionResult(criterion, "unknown" if looked.unknown else "missing", looked.reason, [])


def look_at_all(repository: Repository, evidence: Iterable[dict[str, Any]]) -> Looked:
    """Return the files with all of the evidence; else what is missing, before what is unknown."""
    looked = [LOOKS[kind](repository, asked) for part in evidence for kind, asked in part.items()]
    lacking = sorted(
        (one for one in looked if isinstance(one, NotFound)), key=lambda one: one.unknown
    )
    if lacking:
        return lacking[0]
    seen = [file for one in looked if isinstance(one, Found) for file in one.files]
    return Found(list(dict.fromkeys(seen)))


def look_at_any(repository: Repository, options: list[dict[str, Any]]) -> Looked:
    """Return the first alternative that is found; else what each of them lacks."""
    looked = [look_at_all(repository, [option]) for option in options]
    for one in looked:
        if isinstance(one, Found):
            return one
    lacking = [one for one in looked if isinstance(one, NotFound)]
    reasons = dict.fromkeys(one.reason for one in lacking)
    return NotFound("; and ".join(reasons), any(one.unknown for one in lacking))


def look_for_file(repository: Repository, glob: str) -> Looked:
    """Look for a file by a glob."""
    found = repository.matching(glob)
    return Found(found[:1]) if found else NotFound(f"there is no {glob}")


def look_for_no_files(repository: Repository, asked: dict[str, Any]) -> Looked:
    """Look for files that are larger than they may be."""
    found = [
        path
        for path in repository.matching(*asked["none"])
        if len(repository.tree[path]) > asked["over"]
    ]
    return NotFound(f"{found[0]} is carried in git") if found else Found([])


def look_for_text(repository: Repository, asked: dict[str, Any]) -> Looked:
    """Look for a regular expression in files."""
    says = re.compile(asked["matches"], re.MULTILINE)
    found = [path for path in matching(repository, asked) if says.search(repository.text(path))]
    return Found(found[:1]) if found else lacking_in(repository, asked, "does not say it")


def look_for_setting(repository: Repository, asked: dict[str, Any]) -> Looked:
    """Look for a setting in TOML or YAML files."""
    place, found = str(asked["at"]), matching(repository, asked)
    values = {path: list(settings(repository, path, place)) for path in found}
    if "not" in asked:
        wrong = [path for path, set_to in values.items() if asked["not"] in set_to]
        if wrong:
            return NotFound(f"{wrong[0]} sets {place} to {json.dumps(asked['not'])}")
        return Found(found[:1]) if found else lacking_in(repository, asked, "")
    for path, set_to in values.items():
        if any(value not in (None, "", [], {}) for value in set_to):
            return Found([path])
    return lacking_in(repository, asked, f"sets no {place}")


def settings(repository: Repository, path: str, place: str) -> Iterator[Any]:
    """Yield the values of a setting in a file."""
    for document in documents(repository, path):
        yield from values_at(document, place.split("."))


def documents(repository: Repository, path: str) -> list[Any]:
    """Return the documents of a settings file."""
    return [repository.pyproject] if path == "pyproject.toml" else repository.documents(path)


def values_at(value: Any, place: list[str]) -> Iterator[Any]:
    """Yield the values at a path of keys, which may have wildcards, in nested data."""
    if not place:
        yield value
        return
    known = as_mapping(value) if isinstance(value, dict) else {}
    if isinstance(value, list):
        known = {str(number): entry for number, entry in enumerate(value)}
    for name, entry in known.items():
        if fnmatchcase(name, place[0]):
            yield from values_at(entry, place[1:])


def look_for_dependency(repository: Repository, name: str) -> Looked:
    """Look for a requirement in pyproject.toml."""
    asked = {dependency.name for dependency in dependencies(repository).values()}
    return Found(["pyproject.toml"]) if name in asked else NotFound(f"nothing depends on {name}")


def look_for_lock(repository: Repository, path: str) -> Looked:
    """Look for a lock file that covers all requirements."""
    if path not in repository.tree:
        if "setup" in repository.targets:
            return NotFound(f"make setup writes {path}: commit it", unknown=True)
        return NotFound(f"there is no {path}")
    try:
        locked = tomllib.loads(repository.text(path)).get("package", [])
    except tomllib.TOMLDecodeError:
        return NotFound(f"{path} cannot be read: make setup writes it anew")
    names = {canonicalize_name(str(as_mapping(entry).get("name", ""))) for entry in locked}
    asked = {dependency.name for dependency in dependencies(repository).values()}
    if new := sorted(asked - names):
        told = f"{path} does not name {', '.join(new)} yet: make setup does that, then commit it"
        return NotFound(told, unknown=True)
    return Found([path])


def look_for_code(repository: Repository, asked: dict[str, Any]) -> Looked:
    """Look for code that uses names."""
    uses = set(asked["uses"])
    found = [path for path in matching(repository, asked) if uses_names(repository, path, uses)]
    return (
        Found(found[:1])
        if found
        else lacking_in(repository, asked, f"does not use {', '.join(asked['uses'])}")
    )


def uses_names(repository: Repository, path: str, names: set[str]) -> bool:
    """Tell whether code uses all the names; only text that has them is worth parsing."""
    text = repository.text(path)
    return all(name in text for name in names) and names <= repository.names(path)


def look_for_test(repository: Repository, asked: dict[str, Any]) -> Looked:
    """Look for a test that uses names and asserts something."""
    uses = set(asked["uses"])
    for path in matching(repository, asked):
        if uses_names(repository, path, uses) and asserts_something(repository.text(path)):
            return Found([path])
    return lacking_in(repository, asked, f"is no test with {', '.join(asked['uses'])}")


def asserts_something(code: str) -> bool:
    """Tell whether a test function can fail."""
    functions = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    ]
    return any(can_fail(node) for function in functions for node in ast.walk(function))


def can_fail(node: ast.AST) -> bool:
    """Tell whether a node of a test is an assertion."""
    match node:
        case ast.Assert(test=tested):
            return not isinstance(tested, ast.Constant)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name == "raises" or name.startswith("assert")
    return False


def look_for_target(repository: Repository, asked: dict[str, str]) -> Looked:
    """Look for a make target that runs something."""
    name, runs = asked["target"], asked["runs"]
    if name not in repository.targets:
        return NotFound(f"there is no make {name}")
    if not re.search(runs, repository.recipe(name)):
        return NotFound(f"make {name} does not run it")
    return Found([repository.targets[name].file])


def look_for_command(repository: Repository, asked: dict[str, str]) -> Looked:
    """Look for a make target that runs a module of the package."""
    target, module = asked["target"], asked["module"]
    if target not in repository.targets:
        return NotFound(f"there is no make {target}")
    if not re.search(rf"-m \S+?\.{re.escape(module)}(?![\w.])", repository.recipe(target)):
        return NotFound(f"make {target} does not run {module}")
    name = module.replace(".", "/")
    path = f"src/*/{name}.py"
    if not repository.matching(path):
        path = f"src/*/{name}/__main__.py"
    found = repository.matching(path)
    if not found:
        return NotFound(f"make {target} runs {module}, but there is no {path}")
    return Found([repository.targets[target].file, found[0]])


def look_for_job(repository: Repository, asked: dict[str, str]) -> Looked:
    """Look for a workflow that runs a make target on an event."""
    when, target = asked["when"], asked["target"]
    if target not in repository.targets:
        return NotFound(f"there is no make {target}")
    for workflow in repository.workflows:
        if starts(workflow, when) and target in workflow.make_targets():
            return Found([workflow.file])
    lack = f"no workflow runs make {target} on {when.replace('_', ' ')}"
    if not repository.workflows and repository.answers.get("ci_provider") == "none":
        return NotFound(f"{lack}; whether another service does, files cannot show", unknown=True)
    return NotFound(lack)


def starts(workflow: Workflow, when: str) -> bool:
    """Tell whether an event starts the workflow. A push of tags only is not a push of commits."""
    if when == "schedule":
        return bool(workflow.crons())
    narrowed = as_mapping(workflow.triggers.get("push"))
    if when == "tag":
        return bool(narrowed.get("tags"))
    if when == "push":
        return "push" in workflow.triggers and not (
            narrowed.get("tags") and "branches" not in narrowed
        )
    return when in workflow.triggers


def look_for_cronjob(repository: Repository, module: str) -> Looked:
    """Look for a CronJob that runs a module."""
    for file, manifest in manifests(repository):
        on = manifest.get("kind") == "CronJob" and not as_mapping(manifest.get("spec")).get(
            "suspend"
        )
        if on and any(f".{module}" in text for text in strings_in(manifest)):
            return Found([file])
    return NotFound(f"no CronJob runs {module}")


def matching(repository: Repository, asked: dict[str, Any]) -> list[str]:
    """Return the files in which evidence is looked for."""
    globs = asked["in"]
    return repository.matching(*([globs] if isinstance(globs, str) else globs))


def lacking_in(repository: Repository, asked: dict[str, Any], lack: str) -> NotFound:
    """Return the result for evidence that no file has."""
    globs = asked["in"]
    name = globs if isinstance(globs, str) else " or ".join(globs)
    found = matching(repository, asked)
    if not found:
        return NotFound(f"there is no {name}")
    return NotFound(f"{found[0] if len(found) == 1 else name} {lack}")


LOOKS: dict[str, Look] = {
    "any": look_at_any,
    "file": look_for_file,
    "files": look_for_no_files,
    "text": look_for_text,
    "setting": look_for_setting,
    "dependency": look_for_dependency,
    "locked": look_for_lock,
    "code": look_for_code,
    "test": look_for_test,
    "make": look_for_target,
    "command": look_for_command,
    "job": look_for_job,
    "cronjob": look_for_cronjob,
}
