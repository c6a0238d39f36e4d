"""The sentences of an assessment that every output says."""

from collections.abc import Mapping

from ..assess.engine import Assessment
from ..assess.finding import Finding
from ..assess.rubric import Rubric

TOP = 4
NAMED = 6  # criteria that one sentence names


def standing(found: Assessment) -> str:
    """Say the level."""
    if not found.is_ml:
        return "Level 0: this is no ML repository"
    return f"Level {found.profile.level}"


def blocked_by(found: Assessment) -> str:
    """Say what blocks the next level; nothing at the top."""
    blocking = found.profile.blocking
    if not found.is_ml:
        return "Nothing fits a model"
    if not blocking:
        return ""
    more = f" and {len(blocking) - NAMED} more" if len(blocking) > NAMED else ""
    return f"Level {found.profile.level + 1} is blocked by {', '.join(blocking[:NAMED])}{more}"


def headline(found: Assessment) -> str:
    """Say the level, what it takes as given, and what blocks the next."""
    said = standing(found)
    if found.profile.assumed:
        said += f", if {', '.join(found.profile.assumed)} hold, which files cannot show"
    blocked = blocked_by(found)
    return f"{said}; {blocked[:1].lower()}{blocked[1:]}" if blocked else said


def shown_status(finding: Finding) -> str:
    """Return the word that people read for a finding."""
    return "ignored" if finding.ignored else "stated" if finding.stated else finding.status


def total(rubric: Rubric) -> str:
    """Say the points of a rubric as a range."""
    left = rubric.possible - rubric.seen
    return (
        f"{rubric.seen} of the {rubric.checkable} points that files can show were seen; "
        f"up to {left} more are for a peer to judge: {rubric.seen} to {rubric.possible} of "
        f"{rubric.most}"
    )


def left_out_lines(left_out: Mapping[str, int]) -> list[str]:
    """Say what was left out."""
    return [f"{count} {reason}" for reason, count in sorted(left_out.items())]
