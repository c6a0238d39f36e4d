"""Puts a step into the project so that a process killed at any instant loses nothing.

Everything is written beside the project's files first. Then a journal in git's folder says what
is about to change, each file changes in one instant, and the journal goes. Whoever finds a
journal knows that somebody was interrupted, and goes back.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import Refused, listed
from .git import git, run_git
from .merging import EXECUTABLE, Entry
from .project import Project
from .stepping import Step

SYMLINK = "120000"
JOURNAL, INDEX, OLD_INDEX = "journal.json", "index", "index.before"


@dataclass(frozen=True)
class Move:
    """What happens to one file; a side that is not there is None."""

    path: str
    before: Entry | None
    after: Entry | None


@dataclass(frozen=True)
class Journal:
    """What a process is about to do, for whoever finds that it was interrupted."""

    what: str
    commit: str
    """The commit that the project stands at."""
    branch: str | None
    """The branch that it is on; None if it is on none."""
    new_branch: str | None
    moves: list[Move]


@contextmanager
def alone(project: Project) -> Iterator[None]:
    """Nobody else changes the project meanwhile.

    Raises:
        Refused: somebody does already.
    """
    workshop(project).mkdir(exist_ok=True)
    try:
        with FileLock(workshop(project) / "lock", timeout=0):
            yield
    except Timeout as error:
        raise Refused(f"another mlops-ladder is changing {project.root} right now") from error


def workshop(project: Project) -> Path:
    """The folder among git's own in which a step is made ready."""
    return project.git_folder / "mlops-ladder"


def carry_out(
    project: Project,
    step: Step,
    what: str,
    *,
    new_branch: str | None = None,
    check: Callable[[], None] | None = None,
    message: str | None = None,
) -> None:
    """Change the project's files and git's index, on a new branch if one is named.

    `check` may refuse the result, and `message` commits it. Whatever fails, and Ctrl-C, too,
    leaves the project as it was.

    Raises:
        Refused: something was not as it should be, and the project is as it was.
    """
    signatures = {path: signature(project.root / path) for path in (*step.changed, *step.removed)}
    project.check_clean()
    if git(project.root, "rev-parse", "HEAD") != step.commit:
        raise Refused("the project got another commit meanwhile; try again")
    journal = Journal(
        what=what,
        commit=step.commit,
        branch=git(project.root, "branch", "--show-current") or None,
        new_branch=new_branch,
        moves=moves_of(step),
    )
    make_ready(project, step, journal)
    try:
        if new_branch:
            git(project.root, "branch", new_branch)
            git(project.root, "symbolic-ref", "HEAD", f"refs/heads/{new_branch}")
        for number, move in enumerate(journal.moves):
            if move.before and signature(project.root / move.path) != signatures[move.path]:
                raise Refused(f"{move.path} was changed meanwhile; commit it, and try again")
            put(project.root / move.path, move.after, workshop(project) / "files" / str(number))
        replace_index(project)
        if check:
            check()
        if message:
            git(project.root, "commit", "--quiet", "--no-verify", "--message", message)
    except BaseException:
        go_back(project, journal)  # if this fails, too, the journal stays, and the next run tries
        forget(project)
        raise
    forget(project)


def moves_of(step: Step) -> list[Move]:
    """Every file that is not after the step what it is before."""
    before, after = step.before.entries, step.after.entries
    paths = (*step.added, *step.changed, *step.removed)
    return [Move(path, before.get(path), after.get(path)) for path in paths]


def make_ready(project: Project, step: Step, journal: Journal) -> None:
    """Write everything that will be needed; last of all the journal, which tells of it."""
    folder = workshop(project)
    shutil.rmtree(folder / "files", ignore_errors=True)
    (folder / "files").mkdir()
    arriving = [move.after for move in journal.moves if move.after]
    for entry in [
        *arriving,
        *(side for sides in step.disputed.values() for side in sides.values()),
    ]:
        bring_object(step.scratch.folder / "objects", project.object_folder, entry.content)
    for number, move in enumerate(journal.moves):
        if move.after:
            write(folder / "files" / str(number), step.after[move.path], move.after.mode)
    (folder / f"{INDEX}.lock").unlink(missing_ok=True)  # of a git that was killed with its parent
    for name in (INDEX, OLD_INDEX):
        shutil.copy2(project.index, folder / name)
    change_index(project, step, journal)
    part = folder / f"{JOURNAL}.part"
    part.write_text(json.dumps(asdict(journal)), encoding="utf-8")
    part.replace(folder / JOURNAL)


def bring_object(source: Path, goal: Path, content: str) -> None:
    """Copy what git keeps of a file's content, if it is not there yet."""
    name = Path(content[:2], content[2:])
    if not (source / name).exists() or (goal / name).exists():
        return
    (goal / name).parent.mkdir(exist_ok=True)
    part = goal / name.parent / f"tmp_obj_{name.name}"
    shutil.copy2(source / name, part)
    part.replace(goal / name)


def write(file: Path, body: bytes, mode: str) -> None:
    """Write a file as git means it: executable, or a symbolic link."""
    if mode == SYMLINK:
        file.symlink_to(os.fsdecode(body))
        return
    file.write_bytes(body)
    plain = file.stat().st_mode & ~0o111
    file.chmod(plain | 0o111 if mode == EXECUTABLE else plain)


def put(file: Path, entry: Entry | None, ready: Path) -> None:
    """Let a file become, in one instant, what stands ready; without an entry it goes."""
    if entry is None:
        file.unlink()
        remove_empty_folders(file.parent)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        ready.replace(file)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = file.with_name(f".{file.name}.part")
        shutil.copy2(ready, beside, follow_symlinks=False)
        beside.replace(file)


def remove_empty_folders(folder: Path) -> None:
    """Remove the folder if nothing is in it, and those above it for the same reason."""
    with suppress(OSError):
        while True:
            folder.rmdir()
            folder = folder.parent


def change_index(project: Project, step: Step, journal: Journal) -> None:
    """Let the index that stands ready say what the step makes, conflicts as conflicts."""
    nothing = "0" * len(journal.commit)
    sides = {move.path: {0: move.after} if move.after else {} for move in journal.moves}
    lines = []
    for path, entries in (sides | step.disputed).items():
        lines.append(f"0 {nothing}\t{project.prefix}{path}\0")
        for stage, entry in sorted(entries.items()):
            lines.append(f"{entry.mode} {entry.content} {stage}\t{project.prefix}{path}\0")
    top = Path(git(project.root, "rev-parse", "--show-toplevel"))
    run_git(
        top,
        *("update-index", "-z", "--index-info"),
        variables={"GIT_INDEX_FILE": str(workshop(project) / INDEX)},
        stdin="".join(lines).encode(errors="surrogateescape"),
    )


def replace_index(project: Project) -> None:
    """Let the index that stands ready become git's."""
    ready = workshop(project) / INDEX
    variables = {"GIT_INDEX_FILE": str(ready)}
    run_git(project.root, "update-index", "-q", "--refresh", variables=variables, passing=(0, 1))
    ready.replace(project.index)


def signature(file: Path) -> tuple[int, int, int] | None:
    """What tells whether a file was written meanwhile."""
    try:
        facts = file.lstat()
    except FileNotFoundError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def go_back(project: Project, journal: Journal) -> list[str]:
    """Put everything back; a file that is neither as before nor as after was edited, and stays.

    Returns:
        These edited files.
    """
    edited = []
    if (workshop(project) / OLD_INDEX).exists():
        (workshop(project) / OLD_INDEX).replace(project.index)
    for move in reversed(journal.moves):
        file = project.root / move.path
        if is_at(file, move.before):
            continue
        if not is_at(file, move.after):
            edited.append(move.path)
            continue
        ready = workshop(project) / "back"
        ready.unlink(missing_ok=True)
        if move.before:
            body = run_git(project.root, "cat-file", "blob", move.before.content)
            write(ready, body, move.before.mode)
        put(file, move.before, ready)
    if journal.new_branch and git(project.root, "branch", "--show-current") == journal.new_branch:
        if journal.branch:
            git(project.root, "symbolic-ref", "HEAD", f"refs/heads/{journal.branch}")
        else:
            git(project.root, "update-ref", "--no-deref", "HEAD", journal.commit)
        git(project.root, "branch", "--delete", "--force", journal.new_branch)
    return edited


def is_at(file: Path, entry: Entry | None) -> bool:
    """Whether a file is what git would check out for the entry, or is not there for None."""
    if entry is None or not (file.is_symlink() or file.is_file()):
        return entry is None and not (file.is_symlink() or file.exists())
    body = os.fsencode(os.readlink(file)) if file.is_symlink() else file.read_bytes()
    algorithm = hashlib.sha1 if len(entry.content) == 40 else hashlib.sha256
    named = algorithm(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
    return named == entry.content


def forget(project: Project) -> None:
    """Remove what was made ready; the journal first, because the rest means nothing without it."""
    folder = workshop(project)
    for name in (JOURNAL, INDEX, OLD_INDEX, "back"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "files", ignore_errors=True)


def interrupted(project: Project) -> Journal | None:
    """What an interrupted process left behind, if there was one."""
    try:
        found = json.loads((workshop(project) / JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    moves = [
        Move(move["path"], *(side and Entry(**side) for side in (move["before"], move["after"])))
        for move in found.pop("moves")
    ]
    return Journal(**found, moves=moves)


def recover(project: Project) -> str | None:
    """Bring an interrupted step to one of its ends: done if all was in place, undone otherwise.

    Returns:
        A sentence that says which; None if nothing was interrupted.
    """
    journal = interrupted(project)
    if journal is None:
        return None
    sentence = f"An earlier {journal.what} was interrupted."
    if git(project.root, "rev-parse", "HEAD") != journal.commit:
        sentence += " It has been committed since, and is left as it is."
    elif all_in_place(project, journal):
        sentence += " It was done but for the last word: the project is as after it."
    else:
        edited = go_back(project, journal)
        sentence += " The project is as it was before it."
        if edited:
            sentence = listed(f"{sentence} These files you edited since stay:", edited)
    forget(project)
    return sentence


def all_in_place(project: Project, journal: Journal) -> bool:
    """Whether nothing was left to do: git's index comes last, and every file before it."""
    return not (workshop(project) / INDEX).exists() and not any(
        is_at(project.root / move.path, move.before) for move in journal.moves
    )
