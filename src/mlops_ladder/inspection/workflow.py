"""The model of a workflow, which the files of each CI service are read into."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from .files import Tree, mappings_in

MAKE_CALL = re.compile(r"\bmake((?: +[\w.=$\"'{}()-]+)+)")
IGNORES_FAILURE = re.compile(r"\|\|\s*(?:true|:|echo|exit 0)(?![\w/])")


class Source(Protocol):
    """What the workflows of a service are read from: a repository."""

    tree: Tree
    notes: list[str]

    def matching(self, *globs: str) -> list[str]:
        """List the paths that match one of the globs."""

    def text(self, path: str) -> str:
        """Return a file's text."""

    def documents(self, path: str) -> list[Any]:
        """Return the documents of a YAML file."""


@dataclass(frozen=True)
class Workflow:
    """A workflow: its triggers with their filters, its jobs, and the secrets that it names.

    Triggers and jobs are those of a GitHub workflow, whichever service it is for.
    """

    file: str
    name: str
    triggers: dict[str, Any]
    jobs: list[dict[str, Any]]
    secrets: list[str] = field(default_factory=list)
    zone: str = "UTC"
    """The time zone of its schedule, in words."""

    def crons(self) -> list[str]:
        """List the cron expressions of its schedule."""
        return [
            str(entry["cron"])
            for entry in mappings_in(self.triggers.get("schedule"))
            if "cron" in entry
        ]


def targets_of(lines: Iterable[str]) -> Iterator[str]:
    """Yield the make targets that lines of a shell call, unless their failure is ignored."""
    for line in lines:
        for call in MAKE_CALL.findall("" if IGNORES_FAILURE.search(line) else line):
            for target in call.split():
                if "=" not in target and not target.startswith("-"):
                    yield target


def is_on(part: dict[str, Any]) -> bool:
    """Tell whether a job or step is not switched off and may not fail unnoticed."""
    condition = str(part.get("if", True)).strip().removeprefix("${{").removesuffix("}}").strip()
    return condition.lower() != "false" and part.get("continue-on-error") is not True


def triggers_of(events: Collection[str], crons: Iterable[str]) -> dict[str, Any]:
    """Return events, of which `tag` is a push of tags, as the triggers of a GitHub workflow."""
    found: dict[str, Any] = {event: None for event in events if event not in ("tag", "schedule")}
    if "tag" in events:
        branches = {"branches": ["*"]} if "push" in events else {}
        found["push"] = {"tags": ["*"]} | branches
    if "schedule" in events:
        found["schedule"] = [{"cron": cron} for cron in crons]
    return found
