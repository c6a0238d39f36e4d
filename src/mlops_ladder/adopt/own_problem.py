"""The problem about the owner's own data, at the place where the data are."""

import ast
import json
import os
import textwrap
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import RefusedError
from ..migration.manifest import Manifest
from ..migration.merge import ORDINARY, Entry, Sandbox
from ..scaffold import ScaffoldedProblem
from .layout import Layout

LONGEST_LINE = 100
COMMITTED_AT_MOST = 10_000_000  # bytes of data that the branch brings


@dataclass(frozen=True)
class OwnProblem:
    """A problem, and where its data are."""

    scaffolded: ScaffoldedProblem
    file: Path
    place: str | None
    """The path of the file in the repository; None if it is elsewhere."""


def own_problem(scaffolded: ScaffoldedProblem, file: Path, root: Path) -> OwnProblem:
    """Return the problem with the place of its data, relative to the repository."""
    relative = os.path.relpath(file.resolve(), root)
    return OwnProblem(scaffolded, file, None if relative.startswith("..") else relative)


def source_for(problem: OwnProblem) -> tuple[str, str]:
    """Return the source of `problem.py`, and the path from which it reads the data."""
    usual, text = f"data/{problem.scaffolded.data_name}", problem.scaffolded.problem
    if problem.place is None or problem.place == usual:
        return text, usual
    place = Path(problem.place).as_posix()
    moved = with_default(text, usual, place).replace(f"`{usual}`", f"`{place}`")
    return "\n".join(map(wrapped, moved.split("\n"))), place


def with_default(source: str, usual: str, place: str) -> str:
    """Return the source with another path in what it assigns to `DATA`."""
    (value,) = (
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DATA"
    )
    (path,) = (
        node for node in ast.walk(value) if isinstance(node, ast.Constant) and node.value == usual
    )
    lines = source.encode().split(b"\n")
    line = lines[path.lineno - 1]
    written = json.dumps(place, ensure_ascii=False).encode()
    changed = line[: path.col_offset] + written + line[path.end_col_offset :]
    lines[path.lineno - 1] = changed
    return b"\n".join(lines).decode()


def wrapped(line: str) -> str:
    """Return a line of a docstring that became too long as several lines."""
    is_text = len(line) > LONGEST_LINE and line[:1].isalpha()
    return textwrap.fill(line, LONGEST_LINE) if is_text else line


def insert(
    problem: OwnProblem,
    layout: Layout,
    manifest: Manifest,
    package: str,
    added: MutableMapping[str, Entry],
    sandbox: Sandbox,
    rendered: Path,
) -> None:
    """Add `problem.py`, or at level 0 the notebook, and the data if they are elsewhere.

    Raises
    ------
    RefusedError
        Another file is at the place of the data or of the notebook.
    """
    text, place = source_for(problem)
    target = manifest.place(f"src/{package}/problem.py")
    if target in added:
        added[target] = Entry(ORDINARY, sandbox.write(text.encode()))
    elif (rendered / "notebook.ipynb").exists():
        if "notebook.ipynb" in layout.tree:
            raise RefusedError(
                "notebook.ipynb exists, but the notebook about your data needs that name. Adopt at"
                " level 1, or rename yours and commit"
            )
        body = problem.scaffolded.notebook((rendered / "notebook.ipynb").read_bytes())
        added["notebook.ipynb"] = Entry(ORDINARY, sandbox.write(body))
        place = f"data/{problem.scaffolded.data_name}"
    if place == problem.place or place in layout.tree:
        return
    if problem.file.stat().st_size <= COMMITTED_AT_MOST:
        added[place] = Entry(ORDINARY, sandbox.write(problem.file.read_bytes()))


def where(problem: OwnProblem, layout: Layout) -> str:
    """Say where the data are, and whether git has them."""
    _, place = source_for(problem)
    if place in layout.tree:
        return f"{place} is read where it is"
    if place == problem.place:
        return f"{place} is not in git: CI and a clone need it at that path"
    if problem.file.stat().st_size <= COMMITTED_AT_MOST:
        return f"{place} is a copy of {problem.file}"
    return f"{problem.file} is too large for git: CI and a clone need it as {place}"
