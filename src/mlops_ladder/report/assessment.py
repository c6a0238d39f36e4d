"""An assessment as a table in the terminal, and as JSON."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ..assess.engine import Assessment
from ..assess.finding import Criterion, Evidence, Finding
from ..assess.rubric import Line, Rubric
from ..terminal import escape
from .tables import STYLES, Grid, section, show
from .verdict import TOP, headline, left_out_lines, shown_status, total

SCHEMA = 1
NOTES_SHOWN = 8
SHORT = {"not applicable": "n/a"}
SHOWN_STYLES = {**STYLES, "stated": "cyan"}


def print_assessment(
    found: Assessment,
    left_out: Mapping[str, int],
    notes: Sequence[str],
    rubric: Rubric | None = None,
    *,
    everything: bool = False,
) -> None:
    """Print an assessment; the criteria of levels beyond the next only on request.

    With a rubric, its lines stand in place of the criteria.
    """
    parts: list[RenderableType] = [profile(found), Text(), Text(headline(found), "bold")]
    parts += rubric_parts(rubric) if rubric else level_parts(found, everything)
    if found.steps and not rubric:
        steps = [[step.id, step.title, step.command or step.why] for step in found.steps]
        parts += [Text(), section("Next steps", "the cheapest that raise the level", [Grid(steps)])]
    if said := [*left_out_lines(left_out), *notes[:NOTES_SHOWN]]:
        if len(notes) > NOTES_SHOWN:
            said.append(f"and {len(notes) - NOTES_SHOWN} more that cannot be read")
        parts += [Text(), section("Left out", "", [Text(escape(one)) for one in said])]
    show(parts)


def profile(found: Assessment) -> Grid:
    """Return the three dimensions, each with a bar."""
    full, empty = ("━", "─") if can_print("━─") else ("#", "-")
    rows: list[list[str | Text]] = []
    for name, height in found.profile.dimensions.items():
        done, left = full * 3 * height, empty * 3 * (TOP - height)
        rows.append([name, Text.assemble((done, "cyan"), (left, "dim"), f"  {height} of {TOP}")])
    return Grid(rows)


def can_print(text: str) -> bool:
    """Tell whether the encoding of standard output has some characters."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def level_parts(found: Assessment, everything: bool) -> Iterator[RenderableType]:
    """Yield the criteria of each level."""
    shown = found.profile.level + 1 if found.is_ml and found.is_read else 0
    highest = TOP if everything else min(shown, TOP)
    for level in range(highest + 1):
        of_level = [one for one in found.criteria if one.level == level]
        met = sum(found.findings[one.id].status == "met" for one in of_level)
        rows = [criterion_row(one, found.findings[one.id]) for one in of_level]
        yield from [
            Text(),
            section(f"Level {level}", f"{met} of {len(of_level)} met", [Grid(rows)]),
        ]
    if highest < TOP:
        beyond = f"level {TOP}" if highest + 1 == TOP else f"levels {highest + 1} to {TOP}"
        yield from [Text(), Text(f"--all lists the criteria of {beyond}, too", "dim")]


def criterion_row(one: Criterion, finding: Finding) -> list[str | Text]:
    """Return a row of the table."""
    status = shown_status(finding)
    what = Text(one.title.removesuffix(".") if finding.reason else one.title)
    if one.kind != "must":
        what.append(f" ({one.kind})", "dim")
    if finding.reason:
        what.append(f": {escape(finding.reason)}", "" if status == "missing" else "dim")
    what.append(places(finding.evidence, 1 if finding.status == "met" else 2), "dim")
    style = "dim" if finding.ignored else SHOWN_STYLES.get(status, "dim")
    return [Text(one.id, "dim"), Text(f"{SHORT.get(status, status):<7}", style), what]


def places(evidence: Sequence[Evidence], most: int) -> str:
    """Return the first places of evidence in brackets; nothing if there are none."""
    shown = "; ".join(escape(one.place) for one in evidence[:most])
    return f" [{shown}]" if shown else ""


def rubric_parts(rubric: Rubric) -> Iterator[RenderableType]:
    """Yield the lines of a rubric and their sum."""
    rows = [rubric_row(line) for line in rubric.lines]
    yield from [Text(), section(rubric.title, f"{rubric.most} points", [Grid(rows)])]
    yield from [Text(), Text(total(rubric), "bold")]


def rubric_row(line: Line) -> list[str | Text]:
    """Return a row of a rubric."""
    style = "green" if line.points == line.most else "yellow" if line.points + line.peer else "red"
    left = f"up to {line.peer} for a peer to judge: {line.asks}" if line.peer else ""
    what = Text(f"{line.name}: " if line.why or left else line.name)
    what.append(escape(line.why), "dim")
    what.append("; " if line.why and left else "", "dim")
    what.append(left, "yellow")
    what.append(places(line.evidence, 2), "dim")
    return [Text(f"{line.points} of {line.most}", style), what]


def as_document(
    found: Assessment,
    left_out: Mapping[str, int],
    notes: Sequence[str],
    rubric: Rubric | None = None,
) -> dict[str, Any]:
    """Return the assessment as JSON."""
    profile = found.profile
    document = {
        "schema": SCHEMA,
        "mlops_ladder": version("mlops-ladder"),
        "is_ml": found.is_ml,
        "profile": profile.dimensions,
        "level": profile.level,
        "assumed": profile.assumed,
        "blocking": profile.blocking,
        "next_steps": [vars(step) for step in found.steps],
        "criteria": [entry(one, found.findings[one.id]) for one in found.criteria],
        "files": found.files,
        "left_out": dict(left_out),
        "notes": list(notes),
    }
    return document | ({"rubric": rubric_entry(rubric)} if rubric else {})


def entry(one: Criterion, finding: Finding) -> dict[str, Any]:
    """Return a criterion as JSON."""
    return {
        "id": one.id,
        "name": one.name,
        "level": one.level,
        "kind": one.kind,
        "title": one.title,
        "sources": one.sources,
        "status": finding.status,
        "grade": finding.grade,
        "reason": finding.reason,
        "stated": finding.stated,
        "ignored": finding.ignored,
        "unproven": finding.unproven,
        "evidence": [place_entry(place) for place in finding.evidence],
    }


def place_entry(place: Evidence) -> dict[str, Any]:
    """Return a place as JSON."""
    return {"path": place.path, "line": place.line, "cell": place.cell, "what": place.what}


def rubric_entry(rubric: Rubric) -> dict[str, Any]:
    """Return a rubric as JSON."""
    lines = [
        {
            "name": line.name,
            "most": line.most,
            "points": line.points,
            "why": line.why,
            "peer": line.peer,
            "asks": line.asks,
            "evidence": [place_entry(place) for place in line.evidence],
        }
        for line in rubric.lines
    ]
    return {
        "name": rubric.name,
        "title": rubric.title,
        "seen": rubric.seen,
        "checkable": rubric.checkable,
        "possible": rubric.possible,
        "most": rubric.most,
        "lines": lines,
    }
