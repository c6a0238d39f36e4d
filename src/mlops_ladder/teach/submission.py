"""Submissions: a commit of a student's repository, and its files beside the teacher's checks."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..git import GitError, git, succeeds
from .build import write_variant
from .repository import branch, levels

MOST_BYTES = 200_000_000
MOST_FILES = 20_000
COURSE_FILES = ("tasks", "course", "check.py", "variant.json")


class NotGradedError(Exception):
    """The reason why a repository has no grade."""


@dataclass(frozen=True)
class Submission:
    """A commit, in a repository that the teacher's git made."""

    repository: Path
    commit: str


def collect(repository: Path, level: int, course: Path, store: Path) -> Submission:
    """Fetch the commit tagged `level-N`, or the last one of `main`, into the empty folder `store`.

    The student's own git settings and hooks have no effect.

    Raises
    ------
    NotGradedError
        The repository has no commit, another history, or is too large.
    """
    if not repository.is_dir():
        raise NotGradedError("there is no repository")
    if not (repository / ".git").exists() and not (repository / "HEAD").exists():
        raise NotGradedError("the folder is no git repository")
    git(store.parent, "init", "--quiet", "--bare", store.name, plain=True)
    refs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    try:
        git(store, "fetch", "--quiet", "--no-tags", str(repository.absolute()), *refs, plain=True)
    except GitError as error:
        raise NotGradedError(error.message) from error
    names = (f"refs/tags/level-{level}^{{commit}}", "refs/heads/main", "refs/heads/master")
    found = [name for name in names if succeeds(store, "rev-parse", "--verify", "--quiet", name)]
    if not found:
        raise NotGradedError("the repository has no commit on main")
    commit = git(store, "rev-parse", found[0])
    check_size(store, commit)
    check_history(store, commit, course)
    return Submission(store, commit)


def check_size(store: Path, commit: str) -> None:
    """Refuse a commit with too many or too large files."""
    listed = git(store, "ls-tree", "-r", "--long", commit).splitlines()
    sizes = [int(size) for line in listed if (size := line.split(None, 4)[3]).isdigit()]
    if len(sizes) > MOST_FILES or sum(sizes) > MOST_BYTES:
        raise NotGradedError(f"{len(sizes)} files with {sum(sizes) // 10**6} MB are too much")


def check_history(store: Path, commit: str, course: Path) -> None:
    """Refuse a commit that neither continues the course nor begins as a copy of it."""
    lowest = branch(levels(course)[0])
    known = git(course, "log", "--all", "--format=%H %T").split()
    roots = git(store, "log", "--max-parents=0", "--format=%H %T", commit).split()
    if not set(roots) & set(known):
        raise NotGradedError(f"the history is another one: it does not begin at {lowest}")


def level_of(submission: Submission) -> int:
    """Return the highest level whose lesson is there."""
    names = git(submission.repository, "ls-tree", "--name-only", submission.commit, "lessons/")
    numbers = [Path(name).stem for name in names.splitlines()]
    return max((int(number) for number in numbers if number.isdecimal()), default=-1)


def extract(submission: Submission, project: Path, tools: Path, variant: dict[str, Any]) -> None:
    """Write the files, with the teacher's own in place of the student's checks.

    Symbolic links become plain files, so that nothing outside the folder is read or written.
    """
    project.mkdir()
    options = ("-c", "core.symlinks=false", f"--work-tree={project}")
    git(
        submission.repository,
        *options,
        "checkout",
        "--quiet",
        submission.commit,
        "--",
        ".",
        plain=True,
    )
    for name in COURSE_FILES:
        path = project / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    shutil.copytree(tools, project, dirs_exist_ok=True)
    write_variant(project / "variant.json", variant)
