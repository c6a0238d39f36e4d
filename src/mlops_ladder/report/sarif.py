"""Write what a repository lacks up to its next level as a SARIF log, for code scanning."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from ..assess.engine import Assessment
from ..assess.finding import Criterion, Finding

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FIRST = ("README.md", "README.rst", "README", "pyproject.toml")  # where nothing else is named


def as_sarif_log(found: Assessment, paths: Iterable[str]) -> dict[str, Any]:
    """Return what is missing up to the next level as a SARIF log.

    What a team states is an informational result; what it ignores, a suppressed one.

    Parameters
    ----------
    found
        The assessment.
    paths
        The files of the repository: every result has to name one.
    """
    wanted = [one for one in found.criteria if is_told(one, found)]
    driver = {
        "name": "mlops-ladder",
        "version": version("mlops-ladder"),
        "rules": [rule(one) for one in wanted],
    }
    about = general_file(set(paths))
    run = {
        "tool": {"driver": driver},
        "results": [
            result(number, one, found.findings[one.id], about) for number, one in enumerate(wanted)
        ],
        "properties": {"level": found.profile.level, "profile": found.profile.dimensions},
    }
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def is_told(one: Criterion, found: Assessment) -> bool:
    """Tell whether a criterion is a result: missing up to the next level, open, or stated."""
    finding = found.findings[one.id]
    is_near = one.level <= found.profile.level + 1
    return finding.stated or (is_near and (finding.status == "missing" or finding.unproven))


def general_file(paths: set[str]) -> str:
    """Return the file that a result is about if it is about no other."""
    return next((one for one in FIRST if one in paths), min(paths, default=FIRST[0]))


def rule(one: Criterion) -> dict[str, Any]:
    """Return a criterion as a rule."""
    return {
        "id": one.id,
        "name": one.name,
        "shortDescription": {"text": one.title},
        "fullDescription": {"text": one.how or one.title},
        "defaultConfiguration": {"level": level_of(one)},
        "properties": {"maturityLevel": one.level, "kind": one.kind},
    }


def level_of(one: Criterion) -> str:
    """Return how serious it is that a criterion is missing."""
    return "warning" if one.kind == "must" else "note"


def result(number: int, one: Criterion, finding: Finding, about: str) -> dict[str, Any]:
    """Return a criterion as a result."""
    places = [(place.path, place.line) for place in finding.evidence] or [(about, 1)]
    kind = "informational" if finding.stated else "open" if finding.unproven else "fail"
    said: dict[str, Any] = {
        "ruleId": one.id,
        "ruleIndex": number,
        "kind": kind,
        "level": level_of(one) if kind == "fail" else "none",
        "message": {"text": f"{one.title} {finding.reason}".strip()},
        "locations": [location(*place) for place in places[:1]],
    }
    if finding.ignored:
        said["suppressions"] = [{"kind": "external", "justification": finding.reason}]
    return said


def location(path: str, line: int) -> dict[str, Any]:
    """Return a line of a file as a location."""
    place = {"artifactLocation": {"uri": quote(path)}, "region": {"startLine": line}}
    return {"physicalLocation": place}
