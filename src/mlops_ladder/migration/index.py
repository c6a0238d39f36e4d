"""Git's index, replaced atomically, and never while another git process writes it."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import RefusedError
from ..git import git, is_set, run_git
from ..project import EXACT, Project
from .merge import Entry

MARK = b"mlops-ladder\n"
"""Written into git's lock: whoever finds it left behind knows that it is no git's."""


@dataclass(frozen=True)
class Record:
    """An entry of the index."""

    sides: dict[int, Entry]
    """The file, by its stage: 0, or 1 to 3 in a conflict; empty if it is not there."""
    flag: str = "H"
    """As `git ls-files -v` shows it: lower case is assume-unchanged, `S` is skip-worktree."""


def records(project: Project, paths: Iterable[str]) -> dict[str, Record]:
    """Return the index entries of the paths."""
    found = {path: Record({}) for path in paths}
    if not found:
        return found
    printed = run_git(project.root, *EXACT, "ls-files", "-s", "-v", "-z", "--", *found)
    for line in filter(None, printed.decode(errors="surrogateescape").split("\0")):
        facts, _, path = line.partition("\t")
        flag, mode, content, stage = facts.split()
        sides = {**found[path].sides, int(stage): Entry(mode, content)}
        found[path] = Record(sides, flag)
    return found


@contextmanager
def locked(project: Project) -> Iterator[None]:
    """Hold the lock that every git process takes before it writes the index.

    Raises
    ------
    RefusedError
        Another git has it, or was killed and left it behind.
    """
    lock, marked = lock_of(project), project.staging / "index.mark"
    marked.write_bytes(MARK)
    try:
        os.link(marked, lock)  # there at once with its mark, or not at all
    except FileExistsError as error:
        raise RefusedError(
            f"git is changing {project.root}: {lock} exists. Wait for it; if no git process is"
            " running, remove that file"
        ) from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def lock_of(project: Project) -> Path:
    """Return the path of git's lock on the index."""
    return project.index.with_name(f"{project.index.name}.lock")


def remove_stale_lock(project: Project) -> None:
    """Remove the lock if a process of this program was killed while holding it."""
    lock = lock_of(project)
    if lock.is_file() and lock.read_bytes() == MARK:
        lock.unlink(missing_ok=True)


def prepare(project: Project, ready: Path, changed: Mapping[str, Record]) -> None:
    """Write a copy of the index with changed entries to `ready`."""
    ready.with_name(f"{ready.name}.lock").unlink(missing_ok=True)  # of a git that was killed
    shutil.copy2(project.index, ready)
    nothing = "0" * len(git(project.root, "rev-parse", "HEAD"))
    lines = []
    for path, record in changed.items():
        lines.append(f"0 {nothing}\t{project.prefix}{path}")
        for stage, entry in sorted(record.sides.items()):
            lines.append(f"{entry.mode} {entry.content} {stage}\t{project.prefix}{path}")
    update(project, ready, ["--index-info"], lines)
    for option, meant in {"--skip-worktree": "Ss", "--assume-unchanged": "hs"}.items():
        flagged = [path for path, one in changed.items() if one.sides and one.flag in meant]
        if flagged:
            paths = [project.prefix + path for path in flagged]
            update(project, ready, [option, "--stdin"], paths)


def update(project: Project, index: Path, options: list[str], lines: list[str]) -> None:
    """Run `git update-index` on an index file, with lines on standard input."""
    run_git(
        project.top,
        *("update-index", "-z", *options),
        variables={"GIT_INDEX_FILE": str(index)},
        stdin="".join(f"{line}\0" for line in lines).encode(errors="surrogateescape"),
    )


def replace(project: Project, ready: Path) -> None:
    """Replace git's index by the prepared one, refreshed from the files on disk."""
    variables = {"GIT_INDEX_FILE": str(ready)}
    refresh = (*EXACT, "update-index", "-q", "--refresh")
    run_git(project.root, *refresh, variables=variables, passing=(0, 1))
    ready.replace(project.index)


def commit(project: Project, files: Mapping[str, Entry | None], message: str, scratch: Path) -> str:
    """Create a commit on top of HEAD without changing any branch or file, and return it.

    It is signed if git's settings ask for it. Other staged changes are not part of it.

    Parameters
    ----------
    project
        The project.
    files
        The changed files, relative to the project; None removes one.
    message
        The commit message.
    scratch
        A path for a temporary index.

    Raises
    ------
    GitError
        Git cannot create it, for example because it cannot sign.
    """
    head = git(project.root, "rev-parse", "HEAD")
    nothing = Entry("0", "0" * len(head))
    lines = [
        f"{entry.mode} {entry.content}\t{project.prefix}{path}"
        for path, entry in ((path, found or nothing) for path, found in files.items())
    ]
    own = {"GIT_INDEX_FILE": str(scratch)}
    try:
        run_git(project.root, *EXACT, "read-tree", head, variables=own)
        update(project, scratch, ["--index-info"], lines)
        tree = git(project.root, *EXACT, "write-tree", "--missing-ok", variables=own)
    finally:
        scratch.unlink(missing_ok=True)
    sign = ["-S"] if is_set(project.root, "commit.gpgsign") else []
    return git(project.root, "commit-tree", tree, "-p", head, *sign, "-m", message)
