"""Search every object of a course's repository for answers and hidden tests."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ..errors import RefusedError, listed
from ..git import git, run_git
from .content import EDITS, Content, CourseTask, lines_of
from .repository import levels

SHORTEST = 20  # characters; shorter lines are no evidence
SHOWN = 10
OWNED = ("tasks", "lessons", "exercises", "course")


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
        The projects without the course, whose lines are public anyway; by default what the levels
        began with, but for the course's own folders.

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
    public = "\n".join(lines_of(plain)) if plain else text_at_start(repository)
    wanted = secret_lines(content, public)
    forms = {form: line for line in wanted for form in {line, json.dumps(line)[1:-1]}}
    for name, text in objects(repository):
        for form, line in forms.items():
            if form in text:
                place = path_of(repository, name)
                yield f"task {wanted[line]}: {line!r} in {place}"


def secret_lines(content: Content, public: str) -> dict[str, str]:
    """Return the lines that no course may have, and the task of each."""
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
    secret = [*answer_lines(task), *read(task.folder / "hidden.py"), *task.wrong.values()]
    known = "\n".join(public)
    for line in map(str.strip, secret):
        if len(line) > SHORTEST and line not in known:
            yield line


def answer_lines(task: CourseTask) -> Iterator[str]:
    """Yield the lines of a task's answer; of an edit, those that are new."""
    for file in sorted(path for path in (task.folder / "answer").rglob("*") if path.is_file()):
        text = file.read_text(encoding="utf-8")
        if file.name != EDITS:
            yield from text.splitlines()
            continue
        for edit in tomllib.loads(text)["edit"]:
            yield from (line for line in edit["new"].splitlines() if line not in edit["old"])


def text_at_start(repository: Path) -> str:
    """Return the text of the files with which the levels began, without the course's folders."""
    names = []
    for level in levels(repository):
        for line in git(repository, "ls-tree", "-r", f"level-{level}-start").splitlines():
            about, path = line.split("\t", 1)
            if path.partition("/")[0] not in OWNED:
                names.append(about.split()[2])
    stdin = "\n".join(dict.fromkeys(names)).encode()
    return run_git(repository, "cat-file", "--batch", stdin=stdin).decode(errors="replace")


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
