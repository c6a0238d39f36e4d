"""Progress of students: level, last commit, next task, and the lines that they wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import RefusedError
from ..git import git, succeeds
from .grading import Grade
from .repository import EMAIL


@dataclass(frozen=True)
class Progress:
    """The level, the solved tasks and the activity of a student."""

    student: str
    level: int
    solved: str
    next_task: str
    days_since_commit: int | None
    """None before the student's first commit."""
    note: str


def progress_of(grade: Grade, repository: Path, now: datetime) -> Progress:
    """Return the progress of a student, from the public checks of the graded level."""
    solved = [mark.task for mark in grade.marks if mark.points]
    unsolved = [mark.task for mark in grade.marks if not mark.points]
    days = None
    if grade.commit:
        printed = git(repository, "log", "-1", "--format=%ct %ae", grade.commit, plain=True)
        seconds, _, author = printed.partition(" ")
        if author != EMAIL:  # that of what a course brings
            days = (now - datetime.fromtimestamp(int(seconds), UTC)).days
    share = f"{len(solved)} of {len(grade.marks)}"
    following = unsolved[0] if unsolved else ""
    return Progress(grade.student.name, grade.level, share, following, days, grade.note)


def export_changes(course: Path, repositories: Sequence[Path], out: Path) -> list[str]:
    """Write the lines that each student added to the course, for a comparison.

    `OUT/STUDENT/` has them by file, for JPlag or Dolos; what the course brought is left out.
    Returns the names of those who added nothing.

    Raises
    ------
    RefusedError
        `OUT` is not empty.
    """
    if out.exists() and any(out.iterdir()):
        raise RefusedError(f"{out} is not empty. Choose another folder")
    known = set(git(course, "log", "--all", "--format=%H").split())
    idle = []
    for repository in repositories:
        added = added_lines(repository, known)
        for name, lines in added.items():
            file = out / repository.name / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if not added:
            idle.append(repository.name)
    return idle


def added_lines(repository: Path, known: set[str]) -> dict[str, list[str]]:
    """Return the lines that a student added, by file, beside the newest level that was merged."""
    if not succeeds(repository, "rev-parse", "--verify", "--quiet", "HEAD"):
        return {}
    ancestors = git(repository, "rev-list", "--topo-order", "HEAD", plain=True).split()
    merged = [commit for commit in ancestors if commit in known]
    if not merged:
        return {}
    options = ("--unified=0", "--no-color", "--no-ext-diff", "--no-textconv")
    paths = ("--", "*.py", "*.yml", "*.yaml", "*.ipynb")
    printed = git(repository, "diff", *options, merged[0], "HEAD", *paths, plain=True)
    found: dict[str, list[str]] = {}
    name = ""
    for line in printed.splitlines():
        if line.startswith("+++ "):
            name = line.removeprefix("+++ b/")
        elif line.startswith("+") and name:
            found.setdefault(name, []).append(line[1:])
    return found
