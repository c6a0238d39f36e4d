"""The plan of a migration: what another level or template version changes in a project.

`plan` shows a plan, and `climb` and `upgrade` apply one, so what is shown is what is done.
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

from ..errors import RefusedError
from ..git import git
from ..project import Project
from ..source.acceleration import shared_clones
from ..source.location import Template
from ..source.render import Rendering, check_level, render
from .fitting import fit
from .manifest import FILE, check_pieces, exclude_kept, read_manifest
from .merge import BASE, OURS, THEIRS, Contents, Entry, Sandbox, open_sandbox
from .package import moved_package

NOTEBOOK = "notebook.ipynb"
MARKER = b"<<<<<<< "
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
Edited = Literal["keep", "drop"]


@dataclass(frozen=True, order=True)
class Conflict:
    """A merge conflict in a file; `line` is None where the whole file is in conflict."""

    path: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        """Return `path:line: reason`."""
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True)
class ConvertedNotebook:
    """The outcome of converting the notebook, on the way from level 0."""

    notes: list[str]
    unconverted: list[str]
    """Why its code could not be converted, and what to change."""
    converted: bool = False
    """Whether `problem.py` is the notebook's."""


@dataclass(frozen=True)
class Plan:
    """A project before and after a migration, and what a person should know before it."""

    level: int
    target: Rendering
    commit: str
    """The commit of the project from which the migration starts."""
    before: Contents
    after: Contents
    unmerged: dict[str, dict[int, Entry]]
    """Files with conflicts, with the versions that git's index has to hold."""
    conflicts: list[Conflict]
    edited_and_removed: list[str]
    """Files that the user edited and the target does not have."""
    blocked: list[str]
    """Files on disk that would be overwritten and are in no commit, each with what to do."""
    filtered: set[str]
    """Files that a filter such as Git LFS stores in another form than on disk."""
    encoded: set[str]
    """Files that git stores in UTF-8, and that have another encoding on disk."""
    unconverted: list[str]
    """Why the notebook's code cannot be converted, and what to change."""
    notes: list[str]
    questions: list[str]
    """Names of the questions that are answered for the first time."""
    sandbox: Sandbox = field(repr=False)

    @property
    def added(self) -> list[str]:
        """Files that only the target has."""
        return sorted(self.after.keys() - self.before.keys())

    @property
    def removed(self) -> list[str]:
        """Files that the target does not have."""
        return sorted(self.before.keys() - self.after.keys())

    @property
    def changed(self) -> list[str]:
        """Files with another content or mode in the target."""
        old, new = self.before.entries, self.after.entries
        return sorted(path for path in old.keys() & new.keys() if old[path] != new[path])


@contextmanager
def make_plan(
    project: Project,
    origin: Template,
    target: Template,
    *,
    level: int,
    given: Mapping[str, Any] | None = None,
    ask: bool = False,
    edited: Edited | None = None,
) -> Iterator[Plan]:
    """Plan the migration of a project to `level` in the template version `target`.

    Nothing in the project is changed.

    Parameters
    ----------
    project
        The project.
    origin
        The template version from which the project was generated.
    target
        The template version to migrate to.
    level
        The level to migrate to.
    given
        Answers of the command line.
    ask
        Ask questions that are neither given nor answered before, instead of using their defaults.
    edited
        Whether files that the user edited and the target does not have are kept or dropped.

    Raises
    ------
    RefusedError
        A template cannot be rendered.
    UsageError
        The template has no such level, or no question of a given answer.
    """
    given = given or {}
    with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder, shared_clones():
        parent = Path(folder)
        old = render_current(project, origin, parent, given)
        check_level(level, old)
        check_pieces(read_manifest(project.root).without, level, f"{project.root / FILE}: without")
        answers = {**project.own_answers, **given, "level": level}
        name = project.answers_file
        new = render(target, parent / "new", answers, ask=ask, answers_file=name)
        new.check_names(given)
        notebook = convert_project_notebook(project, old, new)
        with open_sandbox(project.root) as sandbox:
            yield merge(project, level, old, new, notebook, edited, sandbox)


def render_current(
    project: Project, origin: Template, parent: Path, given: Mapping[str, Any]
) -> Rendering:
    """Render the template as the project has it, with the package name that it has now.

    Raises
    ------
    RefusedError
        The package was renamed or moved, and the options do not say so.
    """
    name = project.answers_file
    old = render(origin, parent / "old", project.own_answers, answers_file=name)
    package = str(old.answers.get("package_name", ""))
    place = read_manifest(project.root).place(f"src/{package}")
    moved = moved_package(project.committed(), old.folder, package, place)
    if not moved:
        return old
    folder, _, new_name = moved.rpartition("/")
    if place != f"src/{package}":
        raise RefusedError(
            f"the level's modules were moved from {place} to {moved}, but levels add files to"
            f" {place}: git mv {moved} {place}"
        )
    if folder != "src":
        raise RefusedError(
            f"the package src/{package} is now {moved}, but levels add files to src/{package}:"
            f" git mv {moved} src/{package}"
        )
    if given.get("package_name") != new_name:
        raise RefusedError(
            f"the package src/{package} is now {moved}. Add --data package_name={new_name},"
            f" or move it back: git mv {moved} src/{package}"
        )
    renamed = {**project.own_answers, "package_name": new_name}
    return render(origin, parent / "renamed", renamed, answers_file=name)


def convert_project_notebook(project: Project, old: Rendering, new: Rendering) -> ConvertedNotebook:
    """Convert the notebook's marked cells to `problem.py`, on the way from level 0."""
    problems = list(new.folder.glob("src/*/problem.py"))
    if project.level > 0 or not problems or NOTEBOOK in read_manifest(project.root).kept:
        return ConvertedNotebook([], [])
    (problem,) = problems
    manifest = read_manifest(project.root)
    name = manifest.place(problem.relative_to(new.folder).as_posix())
    notebook = read_notebook(project)
    if notebook is None:
        state = "the example's" if manifest.has_example else "not written yet"
        return ConvertedNotebook([f"there is no {NOTEBOOK}, so {name} is {state}"], [])
    from ..convert import convert_notebook, modules_in  # imports nbformat, which is slow

    generated = problem.read_text(encoding="utf-8")
    converted = convert_notebook(
        (old.folder / NOTEBOOK).read_bytes(),
        notebook,
        generated,
        modules_in(project.root),
    )
    problem.write_text(converted.problem, encoding="utf-8")
    return ConvertedNotebook(converted.notes(name), converted.reasons, converted=True)


def read_notebook(project: Project) -> bytes | None:
    """Return the committed notebook, or the one on disk where git ignores it.

    Raises
    ------
    RefusedError
        Git LFS has not downloaded it.
    """
    file = project.root / NOTEBOOK
    if NOTEBOOK not in project.committed():
        return file.read_bytes() if file.is_file() else None
    body = project.checked_out(NOTEBOOK)
    if body.startswith(LFS_POINTER):
        raise RefusedError(
            f"{NOTEBOOK} is stored in Git LFS, which is not set up here, so its code cannot be"
            " converted: git lfs install, git lfs pull, and run the command again"
        )
    return body


def merge(
    project: Project,
    level: int,
    old: Rendering,
    new: Rendering,
    notebook: ConvertedNotebook,
    edited: Edited | None,
    sandbox: Sandbox,
) -> Plan:
    """Merge what differs between two renderings into the project's last commit."""
    commit = git(project.root, "rev-parse", "HEAD")
    ours = sandbox.files_of(git(project.root, "rev-parse", f"{commit}:./"))
    manifest = read_manifest(project.root)
    base = fit(manifest, sandbox, sandbox.tree_of(old.folder), before=True)
    is_own = notebook.converted and not notebook.unconverted
    theirs = fit(manifest, sandbox, sandbox.tree_of(new.folder), converted=is_own)
    filtered = project.with_attribute("filter", base.keys() | theirs.keys())
    for path in filtered & ours.keys():
        ours[path] = Entry(ours[path].mode, sandbox.write(project.checked_out(path)))
    kept_notes = exclude_kept(manifest, Contents(sandbox, ours), base, theirs)
    answers = project.answers_file
    if answers in ours and b"#" not in sandbox.read(ours[answers].content):
        # Another path, a newer tag and folded lines are nobody's edits; comments are.
        base[answers] = ours[answers]
    name = f"level-{level}" if level != project.level else f"template-{new.answers['_commit']}"
    merged = sandbox.merge(base, ours, theirs, ("yours", name))
    stages = {path: merged.unmerged[path].keys() for path in sorted(merged.unmerged)}
    gone = [path for path, sides in stages.items() if sides == {BASE, OURS}]
    deleted = [path for path, sides in stages.items() if sides == {BASE, THEIRS}]
    unmerged = {path: merged.unmerged[path] for path in stages if path not in {*gone, *deleted}}
    before = Contents(sandbox, ours)
    submodules = ours.keys() - before.keys()
    left = {p: e for p, e in merged.files.items() if edited != "drop" or p not in gone}
    after = Contents(sandbox, left)
    return Plan(
        level=level,
        target=new,
        commit=commit,
        before=before,
        after=after,
        unmerged=unmerged,
        conflicts=[*marked(unmerged, after), *broken_toml(before, after, unmerged)],
        edited_and_removed=gone,
        blocked=[
            *hidden_edits(project, before, after),
            *blocked_paths(project.root, before, after, submodules),
        ],
        filtered=filtered,
        encoded=project.with_attribute("working-tree-encoding", theirs) - filtered,
        unconverted=notebook.unconverted,
        notes=[*notebook.notes, *kept_notes, *(missing(project.root, path) for path in deleted)],
        questions=[name for name in new.answers if name not in project.answers],
        sandbox=sandbox,
    )


def marked(unmerged: Mapping[str, Mapping[int, Entry]], after: Contents) -> list[Conflict]:
    """List the conflicts that are marked in files; one for a binary file."""
    found = []
    for path in sorted(unmerged):
        lines = after[path].splitlines()
        places = [number for number, line in enumerate(lines, 1) if line.startswith(MARKER)]
        reason = "you and the template changed the same lines"
        found += [Conflict(path, number, reason) for number in places]
        if not places:
            reason = f"your version was kept; for the template's: git checkout --theirs -- {path}"
            found.append(Conflict(path, None, reason))
    return found


def broken_toml(
    before: Contents, after: Contents, unmerged: Mapping[str, object]
) -> list[Conflict]:
    """Report a table of `pyproject.toml` that both the user and the template added."""
    path = "pyproject.toml"
    if path in unmerged or path not in after or toml_error(before.get(path, b"")):
        return []
    error = toml_error(after[path])
    if not error:
        return []
    number = error.rpartition("(at line ")[2].partition(",")[0]
    line = int(number) if number.isdigit() else None
    return [Conflict(path, line, f"you and the template added the same table: {error}")]


def toml_error(body: bytes) -> str:
    """Return the parser's error, or an empty string for valid TOML."""
    try:
        tomllib.loads(body.decode())
    except ValueError as error:
        return str(error)
    return ""


def missing(root: Path, path: str) -> str:
    """Say why a file of the template that the last commit lacks is not added again."""
    if os.path.lexists(root / path):
        return f"{path} is on disk but not in git, and was left as it is"
    return f"{path} stays deleted, because you deleted it"


def hidden_edits(project: Project, before: Contents, after: Contents) -> list[str]:
    """List files that would change and whose edits `git status` does not show."""
    old, new = before.entries, after.entries
    touched = [path for path in old if old[path] != new.get(path)]
    shown = {line[3:].removeprefix(project.prefix) for line in project.uncommitted()}
    hidden = [path for path in project.differing(touched) if path not in shown]
    flags = project.flags(hidden)
    return [hidden_edit(path, is_flagged=flags.get(path, "H") != "H") for path in hidden]


def hidden_edit(path: str, *, is_flagged: bool) -> str:
    """Say why git does not show the edits of a file, and how to make it."""
    name = shlex.quote(path)
    if is_flagged:
        options = "--no-skip-worktree --no-assume-unchanged"
        return f"{path}: edited, but flagged for git to skip: git update-index {options} {name}"
    return f"{path}: edited, but unchanged to git by its size and time: touch {name}"


def blocked_paths(
    root: Path, before: Contents, after: Contents, submodules: Collection[str]
) -> list[str]:
    """List paths that cannot be written, or only over files that are in no commit."""
    blocked = []
    for path in sorted(after.keys() - before.keys()):
        file = root / path
        folders = [str(folder) for folder in Path(path).parents if folder != Path()]
        other = next((one for one in folders if is_repository(root, one, submodules)), None)
        if file.is_symlink() or file.is_file():
            blocked.append(f"{path}: untracked file: commit or move it")
        elif file.exists() or any(is_no_folder(root / one) for one in folders):
            blocked.append(f"{path}: a file and a folder would have the same name: move yours")
        elif other:
            blocked.append(f"{path}: {other} is a git repository of its own: move it")
    return blocked


def is_repository(root: Path, folder: str, submodules: Collection[str]) -> bool:
    """Tell whether a folder of the project is a git repository of its own."""
    return folder in submodules or os.path.lexists(root / folder / ".git")


def is_no_folder(path: Path) -> bool:
    """Tell whether something exists at the path that is not a folder."""
    return path.is_symlink() or path.is_file()
