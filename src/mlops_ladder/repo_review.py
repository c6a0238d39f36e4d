"""A plugin of repo-review: each criterion of `assess` is one of its checks.

Nothing is imported from repo-review, which finds these functions by entry points.
"""

from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from .assess.criteria import criteria
from .assess.finding import Criterion, Finding
from .assess.projects import assess_repository
from .errors import RefusedError
from .inspection.walk import MOST_DEPTH, READ, VENDORED, DiskTree, read_folder

Outcomes = dict[str, str]
"""The reason by criterion, empty if it is met; what is left out is not judged."""


def mlops_assessment(root: Traversable) -> Outcomes:
    """Assess the repository once, for all checks."""
    try:
        tree: Mapping[str, bytes]
        tree = read_folder(root) if isinstance(root, Path) else dict(remote_files(root))
        sizes = tree.sizes if isinstance(tree, DiskTree) else {one: len(tree[one]) for one in tree}
        found = assess_repository(tree, sizes)[0].assessment
    except RefusedError as error:
        return {criteria()[0].id: error.format_message()}
    commands = {step.id: step.command for step in found.steps}
    judged = {
        one: found.findings[one.id]
        for one in found.criteria
        if found.findings[one.id].status in {"met", "missing"}
    }
    return {
        one.id: what_to_do(one, finding, commands.get(one.id, ""))
        for one, finding in judged.items()
        if not finding.ignored
    }


def remote_files(folder: Traversable, before: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield the files below a folder that is not on disk, such as that of a zip or of a host."""
    if before.count("/") > MOST_DEPTH:
        return
    for entry in folder.iterdir():
        path = f"{before}{entry.name}"
        if entry.is_dir():
            if entry.name not in VENDORED:
                yield from remote_files(entry, f"{path}/")
        else:
            yield path, entry.read_bytes() if READ.search(path) else b""


def what_to_do(one: Criterion, finding: Finding, command: str) -> str:
    """Return why a criterion is missing and what would meet it; nothing if it is met."""
    if finding.status == "met":
        return ""
    places = ", ".join(f"`{place.place}`" for place in finding.evidence[:2])
    said = [f"{finding.reason}{f' ({places})' if places else ''}.", one.how]
    return " ".join(said) + (f"\n\nTry `{command}`." if command else "")


class Check:
    """A criterion as a check; it depends on no other, so that all gaps are shown."""

    def __init__(self, one: Criterion) -> None:
        self.id = one.id
        self.family = f"mlops-{one.level}"
        self.__doc__ = one.title.replace("{", "{{").replace("}", "}}")

    def check(self, mlops_assessment: Outcomes) -> bool | str | None:
        """Return True if it is met, the reason if it is missing, and None if it is unknown."""
        reason = mlops_assessment.get(self.id)
        return None if reason is None else reason or True


def repo_review_checks() -> dict[str, Check]:
    """Return the checks by the identifiers of the criteria."""
    return {one.id: Check(one) for one in criteria()}


def repo_review_families() -> dict[str, dict[str, Any]]:
    """Return the families of the checks: the levels, in their order."""
    return {
        f"mlops-{level}": {"name": f"MLOps level {level}", "order": 100 + level}
        for level in sorted({one.level for one in criteria()})
    }
