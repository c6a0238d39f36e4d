"""Criteria and what is found about them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from inspect import cleandoc
from typing import Literal

from .wiring import Wiring

Kind = Literal["must", "should", "conditional"]
Status = Literal["met", "missing", "unknown", "not applicable"]
Grade = Literal["", "E1", "E2", "E3"]
MOST_EVIDENCE = 4  # places that one finding names


@dataclass(frozen=True, order=True)
class Evidence:
    """A place in the repository: a file, its line, and what stands there."""

    path: str
    line: int
    what: str
    cell: int | None = None
    """The notebook cell, from 1; the line then counts through all code cells."""

    @property
    def place(self) -> str:
        """The place as people write it."""
        return f"{self.path}, cell {self.cell}" if self.cell else f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """The status of a criterion, with its evidence, or the reason why it is not met."""

    status: Status
    reason: str = ""
    grade: Grade = ""
    evidence: tuple[Evidence, ...] = ()
    stated: bool = False
    """A person said so; it was not seen."""
    ignored: bool = False
    """The settings leave it out; the reason is theirs."""
    unproven: bool = False
    """Something is there that may be it: it is unknown, and keeps a level from being reached."""


Look = Callable[[Wiring], Finding]


@dataclass(frozen=True)
class Criterion:
    """A maturity criterion: what it asks for, and the function that looks for it."""

    id: str
    name: str
    kind: Kind
    title: str
    how: str
    """How it is detected, for the user."""
    sources: str
    look: Look

    @property
    def level(self) -> int:
        """The level it belongs to."""
        return int(self.id[1])


REGISTERED: dict[str, Criterion] = {}


def criterion(id: str, name: str, kind: Kind, sources: str = "") -> Callable[[Look], Look]:
    """Register a function as a criterion; its docstring has the title and how it is detected."""

    def register(look: Look) -> Look:
        title, _, how = cleandoc(look.__doc__ or "").partition("\n")
        text = " ".join(how.split())
        REGISTERED[id] = Criterion(id, name, kind, title, text, sources, look)
        return look

    return register


def met(evidence: Iterable[Evidence], grade: Grade = "E2") -> Finding:
    """Return the finding that a criterion is met."""
    return Finding("met", "", grade, tuple(dict.fromkeys(evidence))[:MOST_EVIDENCE])


def missing(reason: str, evidence: Iterable[Evidence] = (), grade: Grade = "") -> Finding:
    """Return the finding that a criterion is not met."""
    return Finding("missing", reason, grade, tuple(dict.fromkeys(evidence))[:MOST_EVIDENCE])


def unknown(reason: str, evidence: Iterable[Evidence] = ()) -> Finding:
    """Return the finding that files cannot show it."""
    return Finding("unknown", reason, "", tuple(dict.fromkeys(evidence))[:MOST_EVIDENCE])


def unproven(reason: str, evidence: Iterable[Evidence]) -> Finding:
    """Return the finding that something is there that may be it, which was not established."""
    return replace(unknown(reason, evidence), unproven=True)


def not_applicable(reason: str, evidence: Iterable[Evidence] = ()) -> Finding:
    """Return the finding that the criterion is about something else."""
    return Finding("not applicable", reason, evidence=tuple(evidence))


def met_if(evidence: Iterable[Evidence], reason: str, grade: Grade = "E2") -> Finding:
    """Return met if there is evidence, else missing for the reason."""
    found = tuple(evidence)
    return met(found, grade) if found else missing(reason)


def all_of(*findings: Finding) -> Finding:
    """Return met if all are met, with all evidence; else the first that is missing or unknown."""
    for status in ("missing", "unknown"):
        for one in findings:
            if one.status == status:
                return one
    counted = [one for one in findings if one.status == "met"]
    grade: Grade = min((one.grade for one in counted), default="")
    first = [one.evidence[:2] if len(counted) > 1 else one.evidence for one in counted]
    return replace(met([place for part in first for place in part]), grade=grade)


def any_of(*findings: Finding) -> Finding:
    """Return the first that is met; else one that is unknown; else the first that is missing."""
    for status in ("met", "unknown"):
        for one in findings:
            if one.status == status:
                return one
    with_evidence = [one for one in findings if one.evidence]
    return (with_evidence or list(findings))[0]
