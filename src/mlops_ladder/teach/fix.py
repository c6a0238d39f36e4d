"""Fix a course: a change on one level's branch, merged into all higher ones."""

import tempfile
from itertools import pairwise
from pathlib import Path

from ..errors import RefusedError, listed
from ..git import GitError, git, succeeds
from ..make import LOCK
from .content import Content
from .leaks import check_leaks
from .repository import branch, levels, next_tag, tag


def fix(course: Path, content: Content, message: str) -> list[str]:
    """Commit the working tree's changes on its level, and merge them into the higher levels.

    All branches are updated, or none. Returns the tags of the new versions.

    Raises
    ------
    RefusedError
        There are no changes, a file belongs to a lower level, a merge has conflicts, or an answer
        would be published.
    """
    known = levels(course)
    current = git(course, "branch", "--show-current")
    if current not in map(branch, known):
        raise RefusedError(f"{course} is at {current or 'no branch'}: git switch level-N first")
    level = int(current.removeprefix("level-"))
    git(course, "add", "--all", "--", ".", f":!{LOCK}")  # students have locks of their own
    changed = git(course, "diff", "--cached", "--name-only", "-z").split("\0")[:-1]
    if not changed:
        raise RefusedError(f"nothing in {course} has changed: edit files at {current} first")
    check_level(course, level, known, changed)
    before = {one: git(course, "rev-parse", branch(one)) for one in known}
    try:
        git(course, "commit", "--quiet", "--no-verify", "--message", message)
        for lower, higher in pairwise(known):
            if lower >= level:
                merge(course, lower, higher, message)
        check_leaks(course, content)
    except RefusedError:
        undo(course, level, before)
        raise
    return [tag_fix(course, one) for one in known if one >= level]


def check_level(course: Path, level: int, known: list[int], changed: list[str]) -> None:
    """Check that the lowest level that has a changed file is the one at hand."""
    lower = [one for one in known if one < level]
    for name in changed:
        for one in lower:
            if succeeds(course, "cat-file", "-e", f"{branch(one)}:{name}"):
                git(course, "reset", "--quiet")
                raise RefusedError(
                    f"{name} is at level {one} already, so students there would miss the fix. Move "
                    f"your changes: git stash; git switch {branch(one)}; git stash pop"
                )


def merge(course: Path, lower: int, higher: int, message: str) -> None:
    """Merge a level's branch into the next one, in a working tree of its own."""
    with tempfile.TemporaryDirectory(prefix="fix-") as folder:
        tree = Path(folder) / "tree"
        git(course, "worktree", "add", "--quiet", tree, branch(higher))
        try:
            git(tree, "merge", "--quiet", "--no-ff", "--message", message, branch(lower))
        except GitError as error:
            conflicts = git(tree, "diff", "--name-only", "--diff-filter=U").split()
            if not conflicts:
                raise
            heading = f"the fix cannot be merged into level {higher}, which has other lines in:"
            raise RefusedError(listed(heading, conflicts)) from error
        finally:
            git(course, "worktree", "remove", "--force", tree)


def undo(course: Path, level: int, before: dict[int, str]) -> None:
    """Put all branches back; the teacher's changes stay in the working tree."""
    git(course, "reset", "--quiet", "--soft", before[level])
    git(course, "reset", "--quiet")
    for one, commit in before.items():
        if one != level:
            git(course, "branch", "--force", branch(one), commit)


def tag_fix(course: Path, level: int) -> str:
    """Tag the fixed version of a level."""
    name = next_tag(course, level)
    tag(course, level, name, {})
    return name
