"""The sentences of an assessment that every output says."""

from collections.abc import Mapping

from ..assess.engine import Assessment
from ..assess.finding import Finding
from ..assess.rubric import Rubric

TOP = 4
NAMED = 6  # criteria that one sentence names


def standing(found: Assessment) -> str:
    """Say the level; where there is none to speak of, say so."""
    if not found.files:
        return "Nothing to assess"
    if not found.is_read:
        return "Level unknown"
    if found.is_ml:
        return f"Level {found.profile.level}"
    is_other = found.findings["L0-01"].reason.startswith("not an ML repository")
    return "Not an ML repository" if is_other else "Level 0"


def blocked_by(found: Assessment) -> str:
    """Say what blocks the next level, or why there is no level; nothing at the top."""
    blocking = found.profile.blocking
    if not found.files:
        return "No file is here"
    if not (found.is_ml and found.is_read):
        reason = found.findings["L0-01"].reason
        return "Nothing fits a model" if not found.is_ml else f"{reason[:1].upper()}{reason[1:]}"
    if not blocking:
        return ""
    more = f" and {len(blocking) - NAMED} more" if len(blocking) > NAMED else ""
    return f"Level {found.profile.level + 1} is blocked by {', '.join(blocking[:NAMED])}{more}"


def headline(found: Assessment) -> str:
    """Say the level, what it takes as given, and what blocks the next, in one sentence."""
    if not found.files:
        return "There is nothing to assess: no file is here"
    if not found.is_ml:
        is_other = found.findings["L0-01"].reason.startswith("not an ML repository")
        what = "This is no ML repository: nothing" if is_other else "Nothing here"
        return f"{what} fits a model. Level 0"
    if not found.is_read:
        return f"The level is unknown: {found.findings['L0-01'].reason}"
    said = standing(found)
    if found.profile.assumed:
        verb = "hold" if len(found.profile.assumed) > 1 else "holds"
        said += f", if {', '.join(found.profile.assumed)} {verb}, which files cannot show"
    blocked = blocked_by(found)
    return f"{said}; {blocked[:1].lower()}{blocked[1:]}" if blocked else said


def profile_line(found: Assessment) -> str:
    """Say the three dimensions."""
    heights = found.profile.dimensions.items()
    return ", ".join(f"{name} {height} of {TOP}" for name, height in heights)


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
