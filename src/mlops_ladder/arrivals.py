"""What a step brings and takes besides files: dependencies, commands, and what it costs to run.

Pure functions over the project's files before and after. What of the user's cannot be read is a
note.
"""

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from .reading import Reading, Tree, entries, first_line, strings_in

COMPOSE = [
    "deploy/compose/*.yaml",
    "deploy/compose/*.yml",
    *("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"),
]
KUBERNETES = ["deploy/kubernetes/**/*.yaml", "deploy/kubernetes/**/*.yml"]
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}
WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

SECRET_USED = re.compile(r"\bsecrets(?:\.([A-Za-z_]\w*)|\[['\"](\w+)['\"]\])")
VARIABLE_DEMANDED = re.compile(r"(?<!\$)\$\{([A-Za-z_]\w*):?\?")
GIVEN_BY_GITHUB = "GITHUB_TOKEN"

T = TypeVar("T")


@dataclass(frozen=True)
class Dependency:
    """A package that the project asks for, in a table of pyproject.toml."""

    table: str
    name: str
    requirement: str


@dataclass(frozen=True)
class Command:
    """A make target with its help."""

    name: str
    help: str
    file: str = field(compare=False)


@dataclass(frozen=True)
class Service:
    """Something that runs all the time, or that a cluster starts."""

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
    """A secret or a variable without which something does not start; `needed_by` are files."""

    name: str
    needed_by: list[str] = field(compare=False)


@dataclass(frozen=True)
class Schedule:
    """Something that starts by itself: when, in cron's words and in people's."""

    name: str
    cron: str
    when: str
    file: str


@dataclass(frozen=True)
class Difference(Generic[T]):
    """What is there only after a step, only before it, or in both but not the same."""

    arriving: list[T]
    leaving: list[T]
    changed: list[tuple[T, T]]

    def __bool__(self) -> bool:
        return bool(self.arriving or self.leaving or self.changed)


@dataclass(frozen=True)
class Arrivals:
    """What a step brings and takes besides files; `notes` names what could not be read."""

    dependencies: Difference[Dependency]
    commands: Difference[Command]
    services: Difference[Service]
    secrets: Difference[Secret]
    schedules: Difference[Schedule]
    notes: list[str]


def arrivals(before: Tree, after: Tree) -> Arrivals:
    """What a step from one tree to the other brings and takes besides files."""
    old, new = Reading(before), Reading(after)
    return Arrivals(
        dependencies=difference(dependencies(old), dependencies(new)),
        commands=difference(commands(old), commands(new)),
        services=difference(services(old), services(new)),
        secrets=difference(secrets(old), secrets(new)),
        schedules=difference(schedules(old), schedules(new)),
        notes=list(dict.fromkeys([*new.notes, *old.notes])),  # what was read above has made them
    )


def difference(before: Mapping[Hashable, T], after: Mapping[Hashable, T]) -> Difference[T]:
    """What two mappings do not have in common; their keys say what is the same thing."""
    both = [(before[key], after[key]) for key in after if key in before]
    return Difference(
        arriving=[thing for key, thing in after.items() if key not in before],
        leaving=[thing for key, thing in before.items() if key not in after],
        changed=[(old, new) for old, new in both if old != new],
    )


def dependencies(reading: Reading) -> dict[Hashable, Dependency]:
    """What the project depends on, by table, name, and where it holds."""
    found: dict[Hashable, Dependency] = {}
    for table, texts in dependency_tables(reading.pyproject):
        for text in texts:
            try:
                asked = Requirement(text)
            except InvalidRequirement as error:
                reading.notes.append(f"pyproject.toml, {table}: {text!r}: {first_line(error)}")
                continue
            name = canonicalize_name(asked.name)
            found[table, name, str(asked.marker or "")] = Dependency(table, name, text)
    return found


def dependency_tables(pyproject: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Every list of requirements by its name; a group that includes another has it as a table."""
    project = mapping(pyproject.get("project"))
    yield "project.dependencies", texts(project.get("dependencies"))
    for name, listed in mapping(project.get("optional-dependencies")).items():
        yield f"project.optional-dependencies.{name}", texts(listed)
    for name, listed in mapping(pyproject.get("dependency-groups")).items():
        yield f"dependency-groups.{name}", texts(listed)


def commands(reading: Reading) -> dict[Hashable, Command]:
    """The make targets that are meant for people: those with a help text."""
    return {
        target.name: Command(target.name, target.help, target.file)
        for target in reading.targets.values()
        if target.help
    }


def services(reading: Reading) -> dict[Hashable, Service]:
    """What Compose and Kubernetes run, by kind and name."""
    found: dict[Hashable, Service] = {
        (service.kind, service.name): service for service in compose_services(reading)
    }
    for service in workloads(reading):
        known = found.get((service.kind, service.name))
        if known is None or not known.ports:  # what comes later may patch what is known
            found[service.kind, service.name] = service
    return found


def compose_services(reading: Reading) -> Iterator[Service]:
    """The services of all Compose files together, as `docker compose` with all of them sees it."""
    merged: dict[str, dict[str, Any]] = {}
    files: dict[str, list[str]] = {}
    for file, said in compose_documents(reading):
        for name, service in mapping(said.get("services")).items():
            merged.setdefault(name, {}).update(mapping(service))
            files.setdefault(name, []).append(file)
    for name, service in merged.items():
        yield Service(
            name=name,
            kind="Docker Compose",
            image=str(service.get("image") or f"built from {dockerfile(service.get('build'))}"),
            ports=[port_in_words(port) for port in listed(service.get("ports"))],
            by_hand=bool(service.get("profiles")),
            files=files[name],
        )


def compose_documents(reading: Reading) -> Iterator[tuple[str, dict[str, Any]]]:
    """The Compose files that can be read."""
    for file in reading.matching(*COMPOSE):
        for said in entries(reading.documents(file)):
            yield file, said


def dockerfile(build: Any) -> str:
    """What Compose builds an image from."""
    return str(mapping(build).get("dockerfile", "Dockerfile"))


def port_in_words(port: Any) -> str:
    """A published port as `docker compose ps` says it, from either way to write one."""
    if not isinstance(port, dict):
        return str(port)
    ends = [port.get("host_ip"), port.get("published"), port.get("target")]
    return ":".join(str(end) for end in ends if end is not None)


def workloads(reading: Reading) -> Iterator[Service]:
    """The workloads in the manifests; a patch of one has its name."""
    for file, manifest in manifests(reading):
        if manifest.get("kind") not in WORKLOADS:
            continue
        containers = [part for part in parts_of(manifest) if "image" in part]
        ports = [
            port.get("containerPort") for one in containers for port in entries(one.get("ports"))
        ]
        yield Service(
            name=str(mapping(manifest.get("metadata")).get("name", file)),
            kind=str(manifest["kind"]),
            image=", ".join(dict.fromkeys(str(one["image"]) for one in containers)),
            ports=[str(port) for port in ports],
            by_hand=False,
            files=[file],
        )


def manifests(reading: Reading) -> Iterator[tuple[str, dict[str, Any]]]:
    """The Kubernetes objects that can be read."""
    for file in reading.matching(*KUBERNETES):
        for said in entries(reading.documents(file)):
            yield file, said


def parts_of(value: Any) -> Iterator[dict[str, Any]]:
    """The mapping itself, if it is one, and every mapping inside."""
    if isinstance(value, dict):
        yield value
    for entry in value.values() if isinstance(value, dict) else listed(value):
        yield from parts_of(entry)


def secrets(reading: Reading) -> dict[Hashable, Secret]:
    """What must be set before all of it runs; secrets of a cluster are named as kubectl does."""
    needed: dict[str, list[str]] = {}
    for name, file in secret_uses(reading):
        files = needed.setdefault(name, [])
        if file not in files:
            files.append(file)
    return {name: Secret(name, files) for name, files in sorted(needed.items())}


def secret_uses(reading: Reading) -> Iterator[tuple[str, str]]:
    """Every secret and demanded variable, with the file that needs it."""
    for workflow in reading.workflows:
        for text in strings_in([workflow.jobs, workflow.triggers]):
            for found in SECRET_USED.finditer(text):
                if (name := found[1] or found[2]) != GIVEN_BY_GITHUB:
                    yield name, workflow.file
    for file, said in compose_documents(reading):
        for text in strings_in(said):
            for name in VARIABLE_DEMANDED.findall(text):
                yield name, file
    for file, manifest in manifests(reading):
        for part in parts_of(manifest):
            for reference in (mapping(part.get("secretRef")), mapping(part.get("secretKeyRef"))):
                if "name" in reference and not reference.get("optional"):
                    yield f"secret/{reference['name']}", file


def schedules(reading: Reading) -> dict[Hashable, Schedule]:
    """What starts by itself: workflows and CronJobs with a schedule."""
    found: dict[Hashable, Schedule] = {}
    for workflow in reading.workflows:
        for number, cron in enumerate(workflow.crons()):
            when = in_words(cron, "UTC")
            found[workflow.file, number] = Schedule(workflow.name, cron, when, workflow.file)
    for file, manifest in manifests(reading):
        spec = mapping(manifest.get("spec"))
        if manifest.get("kind") == "CronJob" and not spec.get("suspend"):
            name = str(mapping(manifest.get("metadata")).get("name", file))
            cron = str(spec.get("schedule", ""))
            zone = str(spec.get("timeZone", "by the cluster's clock")).removeprefix("Etc/")
            found[file, name] = Schedule(name, cron, in_words(cron, zone), file)
    return found


def in_words(cron: str, zone: str) -> str:
    """The times that people write most in words, and others as cron has them."""
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


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, and an empty one if it is not."""
    return {str(key): entry for key, entry in value.items()} if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The value if it is a list, and an empty one if it is not."""
    return value if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """The texts in what should be a list of texts."""
    return [entry for entry in listed(value) if isinstance(entry, str)]
