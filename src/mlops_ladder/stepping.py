"""What going to another level, or to another version of the template, would make of a project.

`plan` shows it and `climb` and `upgrade` carry it out: the same merge, so that what was foretold
is what comes.
"""

import os
import shlex
import tempfile
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .adoption.shape import leave_kept, read_shape
from .errors import Misused, Refused
from .git import git
from .merging import BASE, OURS, THEIRS, Contents, Entry, Scratch, scratch_repository
from .packages import moved_package
from .project import Project
from .rendering import Rendering, render
from .source import Template

NOTEBOOK = "notebook.ipynb"
MARKER = b"<<<<<<< "
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
Edited = Literal["keep", "drop"]


@dataclass(frozen=True, order=True)
class Conflict:
    """A place that the user has to decide."""

    path: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True)
class Step:
    """A project before and after, and everything that a person should know before they go."""

    level: int
    goal: Rendering
    commit: str
    """The commit of the project that it starts from."""
    before: Contents
    after: Contents
    disputed: dict[str, dict[int, Entry]]
    """The files with conflicts, with the sides that git's index has to remember."""
    conflicts: list[Conflict]
    edited_away: list[str]
    """Files that the user edited and the goal does not have."""
    in_the_way: list[str]
    """Files on disk that the step would write over and no commit has, each with what to do."""
    filtered: set[str]
    """The files that a filter keeps in another form in git than on disk, as Git LFS does."""
    encoded: set[str]
    """The files that git keeps in UTF-8, and the disk in another encoding."""
    notes: list[str]
    questions: list[str]
    """The names of the questions that are answered for the first time."""
    scratch: Scratch = field(repr=False)

    @property
    def added(self) -> list[str]:
        return sorted(self.after.keys() - self.before.keys())

    @property
    def removed(self) -> list[str]:
        return sorted(self.before.keys() - self.after.keys())

    @property
    def changed(self) -> list[str]:
        old, new = self.before.entries, self.after.entries
        return sorted(path for path in old.keys() & new.keys() if old[path] != new[path])


@contextmanager
def prepare(
    project: Project,
    origin: Template,
    goal: Template,
    *,
    level: int,
    given: Mapping[str, Any] | None = None,
    ask: bool = False,
    edited: Edited | None = None,
) -> Iterator[Step]:
    """The step of a project from `origin`, the template as it has it, to `goal` and `level`.

    Nothing in the project is touched. The questions that `given` does not answer and the project
    has not answered before are asked in the terminal, or take their defaults. Files that the user
    edited and the goal lacks are kept unless they are to be dropped.

    Raises:
        Refused: a template cannot be rendered.
        Misused: the template has no such level, or does not ask what `given` answers.
    """
    given = given or {}
    with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as parent:
        old = rendered_before(project, origin, Path(parent), given)
        check_level(level, old)
        answers = {**project.own_answers, **given, "level": level}
        kept = project.answers_file
        new = render(goal, Path(parent) / "new", answers, ask=ask, answers_file=kept)
        new.check_names(given)
        notes = carry_notebook(project, old, new)
        with scratch_repository(project.root) as scratch:
            yield merge(project, level, old, new, notes, edited, scratch)


def rendered_before(
    project: Project, origin: Template, parent: Path, given: Mapping[str, Any]
) -> Rendering:
    """Render the template as the project has it, its package by the name that it has now.

    Raises
    ------
    Refused
        The user gave the package another name, and did not say so.
    """
    kept = project.answers_file
    old = render(origin, parent / "old", project.own_answers, answers_file=kept)
    package = str(old.answers.get("package_name", ""))
    moved = moved_package(project.committed(), old.folder, package)
    if not moved:
        return old
    folder, _, name = moved.rpartition("/")
    if folder != "src":
        raise Refused(
            f"the package src/{package} is {moved} now, and levels add to src/{package}:"
            f" git mv {moved} src/{package}"
        )
    if given.get("package_name") != name:
        raise Refused(
            f"the package src/{package} is {moved} now. Say so with --data package_name={name},"
            f" or move it back: git mv {moved} src/{package}"
        )
    renamed = {**project.own_answers, "package_name": name}
    return render(origin, parent / "renamed", renamed, answers_file=kept)


def check_level(level: int, rendering: Rendering) -> None:
    """Make sure that there is such a level.

    Raises:
        Misused: there is not.
    """
    if level not in rendering.ladder:
        levels = ", ".join(map(str, rendering.ladder))
        raise Misused(f"there is no level {level}; the levels are {levels}")


def carry_notebook(project: Project, old: Rendering, new: Rendering) -> list[str]:
    """On the way from level 0, let what the notebook's marked cells say arrive as `problem.py`.

    Returns:
        What a person should know of it.
    """
    problems = list(new.folder.glob("src/*/problem.py"))
    if project.level > 0 or not problems or NOTEBOOK in read_shape(project.root).kept:
        return []
    (problem,) = problems
    name = problem.relative_to(new.folder).as_posix()
    notebook = read_notebook(project)
    if notebook is None:
        return [f"{NOTEBOOK} is not there: {name} comes as the template has it"]
    from .notebook import carry_over, modules_in  # brings nbformat, which takes its time

    generated = problem.read_text(encoding="utf-8")
    carried = carry_over(
        (old.folder / NOTEBOOK).read_bytes(),
        notebook,
        generated,
        modules_in(project.root),
    )
    problem.write_text(carried.problem, encoding="utf-8")
    return carried.notes(name)


def read_notebook(project: Project) -> bytes | None:
    """Return the notebook as it was committed, or else as it is on disk, where git ignores it.

    Raises
    ------
    Refused
        Git LFS has not brought it yet.
    """
    file = project.root / NOTEBOOK
    if NOTEBOOK not in project.committed():
        return file.read_bytes() if file.is_file() else None
    body = project.checked_out(NOTEBOOK)
    if body.startswith(LFS_POINTER):
        raise Refused(
            f"{NOTEBOOK} is kept by Git LFS, which is not set up here, so its code cannot come"
            " along: git lfs install, git lfs pull, and try again"
        )
    return body


def merge(
    project: Project,
    level: int,
    old: Rendering,
    new: Rendering,
    notes: list[str],
    edited: Edited | None,
    scratch: Scratch,
) -> Step:
    """What comes of the project's last commit if it takes over what differs in the renderings."""
    commit = git(project.root, "rev-parse", "HEAD")
    ours = scratch.files_of(git(project.root, "rev-parse", f"{commit}:./"))
    shape = read_shape(project.root)
    base, theirs = (shape.fit(scratch, scratch.tree_of(side.folder)) for side in (old, new))
    filtered = project.with_attribute("filter", base.keys() | theirs.keys())
    for path in filtered & ours.keys():
        ours[path] = Entry(ours[path].mode, scratch.write(project.checked_out(path)))
    notes = [*notes, *leave_kept(shape, Contents(scratch, ours), base, theirs)]
    answers = project.answers_file
    if answers in ours and b"#" not in scratch.read(ours[answers].content):
        # Other places, newer tags and folded lines are no edits of anybody's; comments are.
        base[answers] = ours[answers]
    name = f"level-{level}" if level != project.level else f"template-{new.answers['_commit']}"
    merged = scratch.merge(base, ours, theirs, ("yours", name))
    only = {path: merged.disputed[path].keys() for path in sorted(merged.disputed)}
    gone = [path for path, stages in only.items() if stages == {BASE, OURS}]
    deleted = [path for path, stages in only.items() if stages == {BASE, THEIRS}]
    disputed = {path: merged.disputed[path] for path in only if path not in {*gone, *deleted}}
    before = Contents(scratch, ours)
    submodules = ours.keys() - before.keys()
    left = {p: e for p, e in merged.files.items() if edited != "drop" or p not in gone}
    after = Contents(scratch, left)
    return Step(
        level=level,
        goal=new,
        commit=commit,
        before=before,
        after=after,
        disputed=disputed,
        conflicts=[*marked(disputed, after), *broken_toml(before, after, disputed)],
        edited_away=gone,
        in_the_way=[
            *hidden_edits(project, before, after),
            *in_the_way(project.root, before, after, submodules),
        ],
        filtered=filtered,
        encoded=project.with_attribute("working-tree-encoding", theirs) - filtered,
        notes=[*notes, *(not_in_git(project.root, path) for path in deleted)],
        questions=[name for name in new.answers if name not in project.answers],
        scratch=scratch,
    )


def marked(disputed: Mapping[str, Mapping[int, Entry]], after: Contents) -> list[Conflict]:
    """The places where both sides wrote; a file without lines is one place."""
    found = []
    for path in sorted(disputed):
        lines = after[path].splitlines()
        places = [number for number, line in enumerate(lines, 1) if line.startswith(MARKER)]
        reason = "you and the template wrote the same lines"
        found += [Conflict(path, number, reason) for number in places]
        if not places:
            reason = f"yours stays; the template's: git checkout --theirs -- {path}"
            found.append(Conflict(path, None, reason))
    return found


def broken_toml(
    before: Contents, after: Contents, disputed: Mapping[str, object]
) -> list[Conflict]:
    """The line at which `pyproject.toml` has a table twice: yours, and the one that arrives."""
    path = "pyproject.toml"
    if path in disputed or path not in after or toml_error(before.get(path, b"")):
        return []
    error = toml_error(after[path])
    if not error:
        return []
    number = error.rpartition("(at line ")[2].partition(",")[0]
    line = int(number) if number.isdigit() else None
    return [Conflict(path, line, f"the template brings a table that you have: {error}")]


def toml_error(body: bytes) -> str:
    """Why this is no TOML; empty if it is."""
    try:
        tomllib.loads(body.decode())
    except ValueError as error:
        return str(error)
    return ""


def not_in_git(root: Path, path: str) -> str:
    """Say that a file of the template which the last commit lacks will not come back."""
    if os.path.lexists(root / path):
        return f"{path} is on disk, but not in git, and stays as it is"
    return f"{path} stays deleted, as you deleted it"


def hidden_edits(project: Project, before: Contents, after: Contents) -> list[str]:
    """List files that the step changes or removes and whose edits `git status` does not show."""
    old, new = before.entries, after.entries
    touched = [path for path in old if old[path] != new.get(path)]
    shown = {line[3:].removeprefix(project.prefix) for line in project.uncommitted()}
    hidden = [path for path in project.differing(touched) if path not in shown]
    flags = project.flags(hidden)
    return [hidden_edit(path, is_flagged=flags.get(path, "H") != "H") for path in hidden]


def hidden_edit(path: str, *, is_flagged: bool) -> str:
    """Say why git does not show the edits of a file, and how it will."""
    name = shlex.quote(path)
    if is_flagged:
        options = "--no-skip-worktree --no-assume-unchanged"
        return f"{path}: edited, and git was told not to look: git update-index {options} {name}"
    return f"{path}: edited, and git takes it for unchanged by its size and time: touch {name}"


def in_the_way(
    root: Path, before: Contents, after: Contents, submodules: Collection[str]
) -> list[str]:
    """List what the step would write over although git does not have it, or cannot write at all."""
    blocked = []
    for path in sorted(after.keys() - before.keys()):
        file = root / path
        folders = [str(folder) for folder in Path(path).parents if folder != Path()]
        other = next((one for one in folders if is_repository(root, one, submodules)), None)
        if file.is_symlink() or file.is_file():
            blocked.append(f"{path}: git does not have it. Commit it, or move it away")
        elif file.exists() or any(is_no_folder(root / one) for one in folders):
            blocked.append(f"{path}: a file and a folder would have the same name. Move yours away")
        elif other:
            blocked.append(f"{path}: {other} is a git repository of its own. Move it away")
    return blocked


def is_repository(root: Path, folder: str, submodules: Collection[str]) -> bool:
    """Tell whether a folder of the project is a repository of its own."""
    return folder in submodules or os.path.lexists(root / folder / ".git")


def is_no_folder(path: Path) -> bool:
    """Tell whether something is there that is no folder."""
    return path.is_symlink() or path.is_file()
