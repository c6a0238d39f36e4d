"""An assessment as a table in the terminal, JSON, SARIF, a page and a badge."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape as html_escape
from importlib.metadata import version
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ..assess.engine import Assessment
from ..assess.finding import Criterion, Finding
from ..terminal import escape
from .tables import STYLES, Grid, section, show

SCHEMA = 1
TOP = 4
COLOURS = ["#9f9f9f", "#e05d44", "#dfb317", "#97ca00", "#44cc11"]
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
NOTES_SHOWN = 8


def headline(found: Assessment) -> str:
    """Say the level, and what blocks the next."""
    profile = found.profile
    if not found.files:
        return "There is nothing to assess: no file is here"
    if not found.is_ml:
        return "This is no ML repository: nothing fits a model. Level 0"
    if not found.is_read:
        return f"The level is unknown: {found.findings['L0-01'].reason}"
    said = f"Level {profile.level}"
    if profile.assumed:
        said += f", if {', '.join(profile.assumed)} hold, which files cannot show"
    if profile.blocking:
        said += f"; level {profile.level + 1} is blocked by {', '.join(profile.blocking)}"
    return said


def profile_line(found: Assessment) -> str:
    """Say the three dimensions."""
    return ", ".join(
        f"{name} {height} of {TOP}" for name, height in found.profile.dimensions.items()
    )


def print_assessment(
    found: Assessment,
    left_out: Mapping[str, int],
    notes: Sequence[str],
    *,
    everything: bool = False,
) -> None:
    """Print an assessment; the criteria of levels beyond the next only on request."""
    parts: list[RenderableType] = [
        Text(f"Profile: {profile_line(found)}", "bold"),
        Text(headline(found), "bold"),
    ]
    shown = found.profile.level + 1 if found.is_ml and found.is_read else 0
    highest = TOP if everything else shown
    for level in range(min(highest, TOP) + 1):
        of_level = [one for one in found.criteria if one.level == level]
        met = sum(found.findings[one.id].status == "met" for one in of_level)
        rows = [criterion_row(one, found.findings[one.id]) for one in of_level]
        parts += [Text(), section(f"Level {level}", f"{met} of {len(of_level)} met", [Grid(rows)])]
    if found.steps:
        steps = [[step.id, step.title, step.command or step.why] for step in found.steps]
        parts += [Text(), section("Next steps", "the cheapest that raise the level", [Grid(steps)])]
    if said := [*left_out_lines(left_out), *notes[:NOTES_SHOWN]]:
        if len(notes) > NOTES_SHOWN:
            said.append(f"and {len(notes) - NOTES_SHOWN} more that cannot be read")
        parts += [Text(), section("Left out", "", [Text(escape(one)) for one in said])]
    if not everything and highest < TOP:
        parts += [
            Text(),
            Text(f"--all lists the criteria of levels {highest + 1} to {TOP}, too", "dim"),
        ]
    show(parts)


def left_out_lines(left_out: Mapping[str, int]) -> list[str]:
    """Say what was left out."""
    return [f"{count} {reason}" for reason, count in sorted(left_out.items())]


def criterion_row(one: Criterion, finding: Finding) -> list[str | Text]:
    """Return a row of the table."""
    kind = "" if one.kind == "must" else f" ({one.kind})"
    status = "ignored" if finding.ignored else "stated" if finding.stated else finding.status
    what = Text(f"{one.title}{kind}")
    if finding.reason:
        what.append(f" {escape(finding.reason)}", "dim")
    if finding.evidence:
        what.append(f" [{escape('; '.join(place.place for place in finding.evidence[:2]))}]", "dim")
    return [Text(one.id), Text(status, STYLES.get(finding.status, "dim")), what]


def as_document(
    found: Assessment, left_out: Mapping[str, int], notes: Sequence[str]
) -> dict[str, Any]:
    """Return the assessment as JSON."""
    profile = found.profile
    return {
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
        "evidence": [
            {"path": place.path, "line": place.line, "cell": place.cell, "what": place.what}
            for place in finding.evidence
        ],
    }


def as_sarif_log(found: Assessment) -> dict[str, Any]:
    """Return what is missing up to the next level as a SARIF log."""
    wanted = [
        one
        for one in found.criteria
        if one.level <= found.profile.level + 1
        and found.findings[one.id].status == "missing"
        and not found.findings[one.id].ignored
    ]
    driver = {
        "name": "mlops-ladder",
        "version": version("mlops-ladder"),
        "rules": [
            {
                "id": one.id,
                "name": one.name,
                "shortDescription": {"text": one.title},
                "fullDescription": {"text": one.how or one.title},
            }
            for one in wanted
        ],
    }
    results = [sarif_result(one, found.findings[one.id]) for one in wanted]
    run = {"tool": {"driver": driver}, "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def sarif_result(one: Criterion, finding: Finding) -> dict[str, Any]:
    """Return a missing criterion as a result; without evidence it is about the README."""
    places = [(place.path, place.line) for place in finding.evidence] or [("README.md", 1)]
    return {
        "ruleId": one.id,
        "level": "warning" if one.kind == "must" else "note",
        "message": {"text": f"{one.title} {finding.reason}"},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": line}}}
            for path, line in places[:1]
        ],
    }


def as_badge(found: Assessment) -> str:
    """Return a badge with the level, as SVG."""
    level = found.profile.level
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="104" height="20" role="img" '
        f'aria-label="MLOps: level {level}"><title>MLOps: level {level}</title>'
        '<rect width="50" height="20" rx="3" fill="#555"/>'
        f'<rect x="47" width="57" height="20" rx="3" fill="{COLOURS[level]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="7" y="14">MLOps</text><text x="56" y="14">level {level}</text></g></svg>\n'
    )


STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}"
    "li{margin:.6rem 0;list-style:none}ul{padding:0}small{color:#555;overflow-wrap:anywhere}"
    "b.s{display:inline-block;min-width:6.5rem}.met{color:#176e2c}.missing{color:#b3261e}"
    ".unknown{color:#7a5b00}progress{width:100%}"
)


def as_page(found: Assessment) -> str:
    """Return a page that needs no other file."""
    return "\n".join(page_lines(found)) + "\n"


def page_lines(found: Assessment) -> Iterator[str]:
    """Yield the lines of the page."""
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>MLOps level {found.profile.level}</title><style>{STYLE}</style>"
    yield f"<h1>{html_escape(headline(found))}</h1>"
    for name, height in found.profile.dimensions.items():
        bar = f'<progress max="{TOP}" value="{height}"></progress>'
        yield f"<label>{name}: {height} of {TOP}{bar}</label>"
    if found.steps:
        yield "<h2>Next steps</h2><ul>"
        for step in found.steps:
            how = html_escape(step.command or step.why)
            yield f"<li>{step.id} {html_escape(step.title)} <small>{how}</small></li>"
        yield "</ul>"
    for level in range(TOP + 1):
        yield f"<h2>Level {level}</h2><ul>"
        for one in found.criteria:
            if one.level == level:
                yield page_row(one, found.findings[one.id])
        yield "</ul>"


def page_row(one: Criterion, finding: Finding) -> str:
    """Return a criterion as an entry of a list."""
    places = "; ".join(place.place for place in finding.evidence)
    status = "ignored" if finding.ignored else "stated" if finding.stated else finding.status
    style = finding.status.replace(" ", "-")
    return (
        f'<li><b class="s {style}">{status}</b> {one.id} {html_escape(one.title)} '
        f"<small>{html_escape(finding.reason)} {html_escape(places)}</small></li>"
    )
