"""Assess a repository: a pure function from its files to findings, a profile and next steps."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..inspection.repository import Repository
from .criteria import criteria
from .finding import Criterion, Finding, unknown
from .profile import Profile, profile_of
from .settings import Settings
from .signs import weighed
from .steps import NextStep, next_steps
from .tools import DRIFT_PACKAGES
from .wiring import Wiring


@dataclass(frozen=True)
class Assessment:
    """What was found in a repository."""

    criteria: tuple[Criterion, ...]
    findings: dict[str, Finding]
    profile: Profile
    steps: list[NextStep]
    notes: list[str]
    """What could not be read."""
    files: int

    @property
    def is_ml(self) -> bool:
        """Tell whether anything fits a model, as far as files show."""
        return self.findings["L0-01"].status != "missing"

    @property
    def is_read(self) -> bool:
        """Tell whether the code is in a language that is read."""
        return self.findings["L0-01"].status != "unknown"


def assess(
    tree: Mapping[str, bytes],
    sizes: Mapping[str, int] | None = None,
    settings: Settings | None = None,
) -> Assessment:
    """Assess a tree of files.

    Parameters
    ----------
    tree
        The content of each file, by path; it may be read when it is needed.
    sizes
        The size of each file; by default that of its content.
    settings
        What to ignore, and what a team states.
    """
    known = dict(sizes) if sizes is not None else {path: len(tree[path]) for path in tree}
    repository = Repository(tree)
    wiring = Wiring(repository, known)
    settings = settings or Settings()
    all_criteria = criteria()
    with uncollected():
        findings = {
            one.id: settings.applied(one.id, one.name, looked_at(one, wiring))
            for one in all_criteria
        }
    if findings["L0-01"].status == "unknown":
        findings = {id: unread(one, findings["L0-01"].reason) for id, one in findings.items()}
    drift = not wiring.imported_packages.isdisjoint(DRIFT_PACKAGES)
    profile = profile_of(all_criteria, findings, drift)
    is_ours = bool(repository.answers)
    for path in repository.matching("copier.y*ml", "cookiecutter.json"):
        told = f"{path} makes this a template: what it makes was not assessed"
        repository.notes.insert(0, told)
    is_judged = findings["L0-01"].status == "met"
    steps = next_steps(all_criteria, findings, profile, is_ours) if is_judged else []
    return Assessment(
        all_criteria, findings, profile, steps, list(dict.fromkeys(repository.notes)), len(known)
    )


def unread(finding: Finding, reason: str) -> Finding:
    """Return unknown for what was not found where most of the code is not read."""
    return unknown(reason) if finding.status == "missing" and not finding.evidence else finding


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python from looking for cycles: syntax trees have none, and millions of nodes."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # and back again: what is there is old, and not gone through at once
        gc.unfreeze()
        if was_on:
            gc.enable()


def looked_at(one: Criterion, wiring: Wiring) -> Finding:
    """Return the finding of a criterion; what goes wrong in it makes it unknown."""
    try:
        return weighed(wiring, one.id, one.look(wiring))
    except (RecursionError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        return unknown(f"it could not be looked for: {type(error).__name__}")
