"""The impact of a migration besides files: dependencies, commands, services, secrets, schedules.

Pure functions over the project's files before and after. What of the user's cannot be read is a
note.
"""

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..errors import first_line
from .files import Tree, as_list, as_mapping, as_strings, mappings_in, strings_in
from .repository import Repository

COMPOSE = [
    "deploy/compose/*.yaml",
    "deploy/compose/*.yml",
    *("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"),
]
IN_CLUSTERS = ["kubernetes", "kserve", "seldon", "retraining"]
KUBERNETES = [
    f"deploy/{folder}/**/*.{suffix}" for folder in IN_CLUSTERS for suffix in ("yaml", "yml")
]
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}
WORKLOADS |= {"InferenceService", "Server"}  # of KServe and of Seldon Core
WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

VARIABLE_DEMANDED = re.compile(r"(?<!\$)\$\{([A-Za-z_]\w*):?\?")

T = TypeVar("T")


@dataclass(frozen=True)
class Dependency:
    """A requirement, in a table of pyproject.toml."""

    table: str
    name: str
    requirement: str


@dataclass(frozen=True)
class Command:
    """A make target with its help text."""

    name: str
    help: str
    file: str = field(compare=False)


@dataclass(frozen=True)
class Service:
    """A long-running process, of Compose or of a cluster."""

    name: str
    kind: str
    image: str
    """Its image, or what it is built from."""
    ports: list[str]
    by_hand: bool
    """It only starts when somebody names it."""
    files: list[str] = field(compare=False)


@dataclass(frozen=True)
class Secret:
    """A secret or variable that must be set; `needed_by` lists files."""

    name: str
    needed_by: list[str] = field(compare=False)


@dataclass(frozen=True)
class Schedule:
    """A job that runs on a schedule, as cron writes it and in words."""

    name: str
    cron: str
    when: str
    file: str


@dataclass(frozen=True)
class Difference(Generic[T]):
    """Things that are added, removed or changed between two trees."""

    added: list[T]
    removed: list[T]
    changed: list[tuple[T, T]]

    def __bool__(self) -> bool:
        """Tell whether anything differs."""
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Impact:
    """Changes of a project besides files; `notes` lists what could not be read."""

    dependencies: Difference[Dependency]
    commands: Difference[Command]
    services: Difference[Service]
    secrets: Difference[Secret]
    schedules: Difference[Schedule]
    notes: list[str]


def compute_impact(before: Tree, after: Tree) -> Impact:
    """Compare two trees of files."""
    old, new = Repository(before), Repository(after)
    return Impact(
        dependencies=difference(dependencies(old), dependencies(new)),
        commands=difference(commands(old), commands(new)),
        services=difference(services(old), services(new)),
        secrets=difference(secrets(old), secrets(new)),
        schedules=difference(schedules(old), schedules(new)),
        notes=list(dict.fromkeys([*new.notes, *old.notes])),  # what was read above has made them
    )


def difference(before: Mapping[Hashable, T], after: Mapping[Hashable, T]) -> Difference[T]:
    """Compare two mappings whose keys identify things."""
    both = [(before[key], after[key]) for key in after if key in before]
    return Difference(
        added=[thing for key, thing in after.items() if key not in before],
        removed=[thing for key, thing in before.items() if key not in after],
        changed=[(old, new) for old, new in both if old != new],
    )


def dependencies(repository: Repository) -> dict[Hashable, Dependency]:
    """Return the requirements by table, name and environment marker."""
    found: dict[Hashable, Dependency] = {}
    for table, texts in dependency_tables(repository.pyproject):
        for text in texts:
            try:
                asked = Requirement(text)
            except InvalidRequirement as error:
                repository.notes.append(f"pyproject.toml, {table}: {text!r}: {first_line(error)}")
                continue
            name = canonicalize_name(asked.name)
            found[table, name, str(asked.marker or "")] = Dependency(table, name, text)
    return found


def dependency_tables(pyproject: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each list of requirements with its name."""
    project = as_mapping(pyproject.get("project"))
    yield "project.dependencies", as_strings(project.get("dependencies"))
    for name, listed in as_mapping(project.get("optional-dependencies")).items():
        yield f"project.optional-dependencies.{name}", as_strings(listed)
    for name, listed in as_mapping(pyproject.get("dependency-groups")).items():
        yield f"dependency-groups.{name}", as_strings(listed)


def commands(repository: Repository) -> dict[Hashable, Command]:
    """Return the make targets with a help text."""
    return {
        target.name: Command(target.name, target.help, target.file)
        for target in repository.targets.values()
        if target.help
    }


def services(repository: Repository) -> dict[Hashable, Service]:
    """Return the services of Compose and Kubernetes, by kind and name."""
    found: dict[Hashable, Service] = {
        (service.kind, service.name): service for service in compose_services(repository)
    }
    for service in workloads(repository):
        known = found.get((service.kind, service.name))
        if known is None or not known.ports:  # what comes later may patch what is known
            found[service.kind, service.name] = service
    return found


def compose_services(repository: Repository) -> Iterator[Service]:
    """Yield the services of all Compose files together, as `docker compose` merges them."""
    merged: dict[str, dict[str, Any]] = {}
    files: dict[str, list[str]] = {}
    for file, said in compose_documents(repository):
        for name, service in as_mapping(said.get("services")).items():
            merged.setdefault(name, {}).update(as_mapping(service))
            files.setdefault(name, []).append(file)
    for name, service in merged.items():
        yield Service(
            name=name,
            kind="Docker Compose",
            image=str(service.get("image") or f"built from {dockerfile(service.get('build'))}"),
            ports=[port_in_words(port) for port in as_list(service.get("ports"))],
            by_hand=bool(service.get("profiles")),
            files=files[name],
        )


def compose_documents(repository: Repository) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the Compose files that can be read."""
    for file in repository.matching(*COMPOSE):
        for said in mappings_in(repository.documents(file)):
            yield file, said


def dockerfile(build: Any) -> str:
    """Return the Dockerfile of a Compose build."""
    return str(as_mapping(build).get("dockerfile", "Dockerfile"))


def port_in_words(port: Any) -> str:
    """Format a published port, from the short or the long syntax, as `docker compose ps` does."""
    if not isinstance(port, dict):
        return str(port)
    ends = [port.get("host_ip"), port.get("published"), port.get("target")]
    return ":".join(str(end) for end in ends if end is not None)


def workloads(repository: Repository) -> Iterator[Service]:
    """Yield the workloads of Kubernetes manifests; a patch has the name of its workload."""
    for file, manifest in manifests(repository):
        if manifest.get("kind") not in WORKLOADS:
            continue
        containers = [part for part in parts_of(manifest) if "image" in part]
        ports = [
            port.get("containerPort")
            for one in containers
            for port in mappings_in(one.get("ports"))
        ]
        yield Service(
            name=str(as_mapping(manifest.get("metadata")).get("name", file)),
            kind=str(manifest["kind"]),
            image=", ".join(dict.fromkeys(str(one["image"]) for one in containers)),
            ports=[str(port) for port in ports],
            by_hand=False,
            files=[file],
        )


def manifests(repository: Repository) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the Kubernetes objects that can be read."""
    for file in repository.matching(*KUBERNETES):
        for said in mappings_in(repository.documents(file)):
            yield file, said


def parts_of(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the mapping itself, if it is one, and every mapping inside."""
    if isinstance(value, dict):
        yield value
    for entry in value.values() if isinstance(value, dict) else as_list(value):
        yield from parts_of(entry)


def secrets(repository: Repository) -> dict[Hashable, Secret]:
    """Return the secrets and variables that must be set; those of a cluster as `secret/NAME`."""
    needed: dict[str, list[str]] = {}
    for name, file in secret_uses(repository):
        files = needed.setdefault(name, [])
        if file not in files:
            files.append(file)
    return {name: Secret(name, files) for name, files in sorted(needed.items())}


def secret_uses(repository: Repository) -> Iterator[tuple[str, str]]:
    """Yield each secret and required variable with the file that needs it."""
    for workflow in repository.workflows:
        for name in workflow.secrets:
            yield name, workflow.file
    for file, said in compose_documents(repository):
        for text in strings_in(said):
            for name in VARIABLE_DEMANDED.findall(text):
                yield name, file
    for file, manifest in manifests(repository):
        for part in parts_of(manifest):
            for reference in (
                as_mapping(part.get("secretRef")),
                as_mapping(part.get("secretKeyRef")),
            ):
                if "name" in reference and not reference.get("optional"):
                    yield f"secret/{reference['name']}", file


def schedules(repository: Repository) -> dict[Hashable, Schedule]:
    """Return the workflows and CronJobs that run on a schedule."""
    found: dict[Hashable, Schedule] = {}
    for workflow in repository.workflows:
        for number, cron in enumerate(workflow.crons()):
            when = in_words(cron, workflow.zone)
            found[workflow.file, number] = Schedule(workflow.name, cron, when, workflow.file)
    for file, manifest in manifests(repository):
        spec = as_mapping(manifest.get("spec"))
        if manifest.get("kind") == "CronJob" and not spec.get("suspend"):
            name = str(as_mapping(manifest.get("metadata")).get("name", file))
            cron = str(spec.get("schedule", ""))
            zone = str(spec.get("timeZone", "by the cluster's clock")).removeprefix("Etc/")
            found[file, name] = Schedule(name, cron, in_words(cron, zone), file)
    return found


def in_words(cron: str, zone: str) -> str:
    """Describe common cron expressions in words; return others as they are."""
    fields = cron.split()
    if len(fields) != 5:
        return cron
    minute, hour, day, month, weekday = fields
    if fields[1:] == ["*"] * 4 and (every := re.fullmatch(r"\*/(\d+)", minute)):
        return f"every {every[1]} minutes"
    if not minute.isdecimal() or day != "*" or month != "*":
        return f"{cron} {zone}"
    if hour == weekday == "*":
        return f"every hour, {int(minute)} minutes past"
    if not hour.isdecimal() or not (weekday == "*" or re.fullmatch("[0-7]", weekday)):
        return f"{cron} {zone}"
    days = "day" if weekday == "*" else WEEKDAYS[int(weekday) % 7]
    return f"every {days} at {int(hour):02}:{int(minute):02} {zone}"
