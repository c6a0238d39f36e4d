"""Search every object of a course's repository for answers and hidden tests."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ..errors import RefusedError, listed
from ..git import git, run_git
from .content import Content, CourseTask, lines_of

SHORTEST = 20  # characters; shorter lines are no evidence
SHOWN = 10


def check_leaks(repository: Path, content: Content, plain: Path | None = None) -> None:
    """Check that no line of an answer or of a hidden test is in the repository.

    Every object counts: files of all commits, messages, tags, and what no branch reaches.

    Parameters
    ----------
    repository
        The course.
    content
        Its content, with answers and hidden tests.
    plain
        The projects without the course; their lines are public anyway.

    Raises
    ------
    RefusedError
        A line is there; the message names the task, the line and the object.
    """
    found = list(leaks(repository, content, plain))
    if found:
        more = [f"... and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        raise RefusedError(
            listed("the course would have answers or hidden tests:", found[:SHOWN] + more)
        )


def leaks(repository: Path, content: Content, plain: Path | None = None) -> Iterator[str]:
    """Yield a description of each secret line and the object that has it."""
    wanted = secret_lines(content, plain)
    forms = {form: line for line in wanted for form in {line, json.dumps(line)[1:-1]}}
    for name, text in objects(repository):
        for form, line in forms.items():
            if form in text:
                place = path_of(repository, name)
                yield f"task {wanted[line]}: {line!r} in {place}"


def secret_lines(content: Content, plain: Path | None) -> dict[str, str]:
    """Return the lines that no course may have, and the task of each."""
    public = {line.strip() for line in lines_of(plain)} if plain else set()
    by_task = {task.name: set(own_lines(task)) for task in content.tasks}
    shared = Counter(line for lines in by_task.values() for line in lines)
    return {
        line: name
        for name, lines in by_task.items()
        for line in lines
        if shared[line] == 1 and line not in public
    }


def own_lines(task: CourseTask) -> Iterator[str]:
    """Yield the lines of a task's answers and hidden tests that its public files do not have."""
    public = [*read(task.folder / "check.py"), *lines_of(task.folder / "start")]
    secret = [*lines_of(task.folder / "answer"), *read(task.folder / "hidden.py")]
    known = set(map(str.strip, public))
    for line in map(str.strip, secret):
        if len(line) > SHORTEST and line not in known:
            yield line


def read(file: Path) -> list[str]:
    """Return the lines of a file, if it exists."""
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def objects(repository: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every object in the repository but trees."""
    command = ("cat-file", "--batch", "--batch-all-objects", "--unordered")
    content = run_git(repository, *command)
    position = 0
    while position < len(content):
        end = content.index(b"\n", position)
        name, kind, size = content[position:end].decode().split()
        start, position = end + 1, end + 2 + int(size)
        if kind != "tree":
            yield name, content[start : position - 1].decode(errors="replace")


def path_of(repository: Path, name: str) -> str:
    """Return where an object is: a path and its commit, or the object alone."""
    printed = git(repository, "log", "--all", "--format=%h", "--name-only", f"--find-object={name}")
    lines = [line for line in printed.splitlines() if line]
    return f"{lines[1]} (commit {lines[0]})" if len(lines) > 1 else f"the object {name[:10]}"
