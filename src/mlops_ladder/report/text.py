"""Summaries, counts and table rows as text."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ..inspection.impact import Difference, Service
from ..migration.plan import Plan
from .document import Judged

T = TypeVar("T")


def count_files(plan: Plan) -> str:
    """Say how many files are added, changed and removed."""
    new, changed, gone = len(plan.added), len(plan.changed), len(plan.removed)
    files = "file" if new == 1 else "files"
    return f"{new or 'No'} new {files}, {changed or 'none'} changed, {gone or 'none'} removed."


def summarize(plan: Plan) -> str:
    """Summarize the plan in one or two sentences."""
    counts = count_files(plan)
    if plan.conflicts or plan.edited_and_removed or plan.blocked or plan.unconverted:
        return counts
    return f"{counts} No conflicts; none of your work is lost."


def count_difference(difference: Difference[Any]) -> str:
    """Say how many things are new, changed and removed."""
    counts = {
        "new": difference.added,
        "changed": difference.changed,
        "removed": difference.removed,
    }
    return ", ".join(f"{len(things)} {word}" for word, things in counts.items() if things)


def signed_rows(
    difference: Difference[T], row: Callable[[T], list[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield a row with `+` for what is added and `-` for what is removed; a change has both."""
    yield from (("+", row(thing)) for thing in difference.added)
    yield from (("-", row(thing)) for thing in difference.removed)
    for old, new in difference.changed:
        yield "-", row(old)
        yield "+", row(new)


def service_row(service: Service) -> list[str]:
    """Return a service's name, its image, and the ports that it listens on."""
    kind = "" if service.kind == "Docker Compose" else service.kind
    hand = ["started by hand"] if service.by_hand else []
    return [
        service.name,
        " ".join([kind, service.image]).strip(),
        ", ".join([*service.ports, *hand]),
    ]


def count_met(results: Sequence[Judged], level: int) -> str:
    """Say how many of a level's criteria are met."""
    of_level = [one for one in results if one.criterion.level == level]
    parts = []
    for kind, word in {"must": "required", "should": "recommended"}.items():
        of_kind = [one.after.status for one in of_level if one.criterion.kind == kind]
        parts.append(f"{of_kind.count('met')} of {len(of_kind)} {word}")
    return ", ".join(parts)


def folder_of(path: str) -> str:
    """Return the folder that a file is counted with: each part of the package and the tests."""
    parts = path.split("/")[:-1]
    depth = 3 if parts[:1] == ["src"] else 2
    return "".join(f"{part}/" for part in parts[:depth])
