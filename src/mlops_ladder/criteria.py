"""Which criteria of the maturity levels hold in a project, and which files show it.

`criteria.yml` says what each criterion is and what shows it in a project of this template. Only
what stands in the files is believed, so that who takes a workflow away loses what it showed. What
files cannot show is unknown, with the reason, and never missing.
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

from .arrivals import dependencies, manifests, mapping
from .reading import Reading, Tree, Workflow, strings_in

Kind = Literal["must", "should", "conditional"]
Status = Literal["holds", "missing", "unknown", "not applicable"]


@dataclass(frozen=True)
class Criterion:
    """Something that a repository of a maturity level shows."""

    name: str
    level: int
    kind: Kind
    says: str
    shown_by: list[dict[str, Any]]
    only_if: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """Whether a criterion holds: the files that show it, or the reason why it does not."""

    criterion: Criterion
    status: Status
    reason: str
    files: list[str]


@dataclass(frozen=True)
class Seen:
    """What was looked for is there, in these files."""

    files: list[str]


@dataclass(frozen=True)
class Lacking:
    """What was looked for is not there, or files cannot show whether it is."""

    reason: str
    unknown: bool = False


Looked = Seen | Lacking
Look = Callable[[Reading, Any], Looked]


@cache
def criteria() -> tuple[Criterion, ...]:
    """Every criterion, from the lowest level to the highest."""
    said = yaml.safe_load((files(__package__) / "criteria.yml").read_text(encoding="utf-8"))
    return tuple(Criterion(**entry) for entry in said)


def judge(tree: Tree, level: int | None = None) -> list[Verdict]:
    """Every criterion up to the level, or of all levels, judged by the files."""
    reading = Reading(tree)
    wanted = [one for one in criteria() if level is None or one.level <= level]
    return [verdict(reading, criterion) for criterion in wanted]


def verdict(reading: Reading, criterion: Criterion) -> Verdict:
    """Whether the criterion holds."""
    if criterion.only_if and isinstance(
        condition := look_at_all(reading, criterion.only_if), Lacking
    ):
        return Verdict(criterion, "not applicable", condition.reason, [])
    looked = look_at_all(reading, criterion.shown_by)
    if isinstance(looked, Seen):
        return Verdict(criterion, "holds", "", looked.files)
    return Verdict(criterion, "unknown" if looked.unknown else "missing", looked.reason, [])


def look_at_all(reading: Reading, evidence: Iterable[dict[str, Any]]) -> Looked:
    """All files that show all of it; else what is missing, before what is unknown."""
    looked = [LOOKS[kind](reading, asked) for part in evidence for kind, asked in part.items()]
    lacking = sorted(
        (one for one in looked if isinstance(one, Lacking)), key=lambda one: one.unknown
    )
    if lacking:
        return lacking[0]
    seen = [file for one in looked if isinstance(one, Seen) for file in one.files]
    return Seen(list(dict.fromkeys(seen)))


def look_at_any(reading: Reading, options: list[dict[str, Any]]) -> Looked:
    """The first of several ways that is there; else what each of them lacks."""
    looked = [look_at_all(reading, [option]) for option in options]
    for one in looked:
        if isinstance(one, Seen):
            return one
    lacking = [one for one in looked if isinstance(one, Lacking)]
    reasons = dict.fromkeys(one.reason for one in lacking)
    return Lacking("; and ".join(reasons), any(one.unknown for one in lacking))


def look_for_file(reading: Reading, glob: str) -> Looked:
    found = reading.matching(glob)
    return Seen(found[:1]) if found else Lacking(f"there is no {glob}")


def look_for_no_files(reading: Reading, asked: dict[str, Any]) -> Looked:
    found = [
        path for path in reading.matching(*asked["none"]) if len(reading.tree[path]) > asked["over"]
    ]
    return Lacking(f"{found[0]} is carried in git") if found else Seen([])


def look_for_text(reading: Reading, asked: dict[str, Any]) -> Looked:
    says = re.compile(asked["says"], re.MULTILINE)
    found = [path for path in matching(reading, asked) if says.search(reading.text(path))]
    return Seen(found[:1]) if found else lacking_in(reading, asked, "does not say it")


def look_for_setting(reading: Reading, asked: dict[str, Any]) -> Looked:
    place, found = str(asked["at"]), matching(reading, asked)
    values = {path: list(settings(reading, path, place)) for path in found}
    if "not" in asked:
        wrong = [path for path, set_to in values.items() if asked["not"] in set_to]
        if wrong:
            return Lacking(f"{wrong[0]} sets {place} to {json.dumps(asked['not'])}")
        return Seen(found[:1]) if found else lacking_in(reading, asked, "")
    for path, set_to in values.items():
        if any(value not in (None, "", [], {}) for value in set_to):
            return Seen([path])
    return lacking_in(reading, asked, f"sets no {place}")


def settings(reading: Reading, path: str, place: str) -> Iterator[Any]:
    """What a file of settings has at a place."""
    for document in documents(reading, path):
        yield from values_at(document, place.split("."))


def documents(reading: Reading, path: str) -> list[Any]:
    """What a file of settings says."""
    return [reading.pyproject] if path == "pyproject.toml" else reading.documents(path)


def values_at(value: Any, place: list[str]) -> Iterator[Any]:
    """The values at a place in nested lists and mappings; a name may have wildcards."""
    if not place:
        yield value
        return
    known = mapping(value) if isinstance(value, dict) else {}
    if isinstance(value, list):
        known = {str(number): entry for number, entry in enumerate(value)}
    for name, entry in known.items():
        if fnmatchcase(name, place[0]):
            yield from values_at(entry, place[1:])


def look_for_dependency(reading: Reading, name: str) -> Looked:
    asked = {dependency.name for dependency in dependencies(reading).values()}
    return Seen(["pyproject.toml"]) if name in asked else Lacking(f"nothing depends on {name}")


def look_for_lock(reading: Reading, path: str) -> Looked:
    if path not in reading.tree:
        if "setup" in reading.targets:
            return Lacking(f"make setup writes {path}: commit it", unknown=True)
        return Lacking(f"there is no {path}")
    try:
        locked = tomllib.loads(reading.text(path)).get("package", [])
    except tomllib.TOMLDecodeError:
        return Lacking(f"{path} cannot be read: make setup writes it anew")
    names = {canonicalize_name(str(mapping(entry).get("name", ""))) for entry in locked}
    asked = {dependency.name for dependency in dependencies(reading).values()}
    if new := sorted(asked - names):
        told = f"{path} does not name {', '.join(new)} yet: make setup does that, then commit it"
        return Lacking(told, unknown=True)
    return Seen([path])


def look_for_code(reading: Reading, asked: dict[str, Any]) -> Looked:
    uses = set(asked["uses"])
    found = [path for path in matching(reading, asked) if uses <= reading.names(path)]
    return (
        Seen(found[:1])
        if found
        else lacking_in(reading, asked, f"does not use {', '.join(asked['uses'])}")
    )


def look_for_test(reading: Reading, asked: dict[str, Any]) -> Looked:
    uses = set(asked["uses"])
    for path in matching(reading, asked):
        if uses <= reading.names(path) and asserts_something(reading.text(path)):
            return Seen([path])
    return lacking_in(reading, asked, f"is no test with {', '.join(asked['uses'])}")


def asserts_something(code: str) -> bool:
    """Whether a test function can fail: by an assert, or by what a call expects or compares."""
    functions = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    ]
    return any(can_fail(node) for function in functions for node in ast.walk(function))


def can_fail(node: ast.AST) -> bool:
    """Whether a statement of a test decides about it."""
    match node:
        case ast.Assert(test=tested):
            return not isinstance(tested, ast.Constant)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name == "raises" or name.startswith("assert")
    return False


def look_for_target(reading: Reading, asked: dict[str, str]) -> Looked:
    name, runs = asked["target"], asked["runs"]
    if name not in reading.targets:
        return Lacking(f"there is no make {name}")
    if not re.search(runs, reading.recipe(name)):
        return Lacking(f"make {name} does not run it")
    return Seen([reading.targets[name].file])


def look_for_command(reading: Reading, asked: dict[str, str]) -> Looked:
    target, module = asked["target"], asked["module"]
    if target not in reading.targets:
        return Lacking(f"there is no make {target}")
    if not re.search(rf"-m \S+?\.{re.escape(module)}(?![\w.])", reading.recipe(target)):
        return Lacking(f"make {target} does not run {module}")
    path = f"src/*/{module.replace('.', '/')}.py"
    found = reading.matching(path)
    if not found:
        return Lacking(f"make {target} runs {module}, but there is no {path}")
    return Seen([reading.targets[target].file, found[0]])


def look_for_job(reading: Reading, asked: dict[str, str]) -> Looked:
    when, target = asked["when"], asked["target"]
    if target not in reading.targets:
        return Lacking(f"there is no make {target}")
    for workflow in reading.workflows:
        if starts(workflow, when) and target in workflow.make_targets():
            return Seen([workflow.file])
    lack = f"no workflow runs make {target} on {when.replace('_', ' ')}"
    if not reading.workflows and reading.answers.get("ci_provider") == "none":
        return Lacking(f"{lack}; whether another service does, files cannot show", unknown=True)
    return Lacking(lack)


def starts(workflow: Workflow, when: str) -> bool:
    """Whether that starts the workflow. A push of tags alone is no push of commits."""
    if when == "schedule":
        return bool(workflow.crons())
    narrowed = mapping(workflow.triggers.get("push"))
    if when == "tag":
        return bool(narrowed.get("tags"))
    if when == "push":
        return "push" in workflow.triggers and not (
            narrowed.get("tags") and "branches" not in narrowed
        )
    return when in workflow.triggers


def look_for_cronjob(reading: Reading, module: str) -> Looked:
    for file, manifest in manifests(reading):
        on = manifest.get("kind") == "CronJob" and not mapping(manifest.get("spec")).get("suspend")
        if on and any(f".{module}" in text for text in strings_in(manifest)):
            return Seen([file])
    return Lacking(f"no CronJob runs {module}")


def matching(reading: Reading, asked: dict[str, Any]) -> list[str]:
    """The files that evidence is looked for in."""
    globs = asked["in"]
    return reading.matching(*([globs] if isinstance(globs, str) else globs))


def lacking_in(reading: Reading, asked: dict[str, Any], lack: str) -> Lacking:
    """Why no file shows it: there is none, or what it lacks."""
    globs = asked["in"]
    name = globs if isinstance(globs, str) else " or ".join(globs)
    found = matching(reading, asked)
    if not found:
        return Lacking(f"there is no {name}")
    return Lacking(f"{found[0] if len(found) == 1 else name} {lack}")


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
