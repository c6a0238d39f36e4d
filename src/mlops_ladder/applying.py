"""Puts a step into the project so that a process killed at any instant loses nothing.

Everything is written beside the project's files first, and those that change are copied. Then a
journal in git's folder says what is about to change, each file changes in one instant, git's index
last, and the journal goes. Whoever finds a journal knows that somebody was interrupted, and undoes
it: each file becomes again, byte for byte, what it was.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from . import index
from .errors import Refused, listed
from .git import git, succeeds
from .index import Record
from .line_ends import with_line_ends
from .making import LOCK
from .merging import EXECUTABLE, ORDINARY, Entry
from .project import Project
from .stepping import Step, hidden_edits
from .terminal import say

SYMLINK = "120000"
JOURNAL, INDEX, BACK = "journal.json", "index", "back"
FOLDERS = BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Move:
    """A change of one file: the digests of its bytes on disk, None where it is not there."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Journal:
    """What a process is about to do, for whoever finds that it was interrupted."""

    what: str
    commit: str
    """The commit that the project is at."""
    branch: str | None
    """The branch that it is on; None if it is on none."""
    new_branch: str | None
    moves: list[Move]
    index: dict[str, Record]
    """The index's records, before the step, of every path whose entry changes."""
    lock: str | None
    """The digest of uv.lock, which the project's own tests may write."""
    goes_on: bool
    """True if tests or a commit follow, before which the step is not done."""


@contextmanager
def alone(project: Project) -> Iterator[None]:
    """Let no other mlops-ladder change the project meanwhile.

    Raises
    ------
    Refused
        Another one does already.
    """
    project.workshop.mkdir(exist_ok=True)
    try:
        with FileLock(project.workshop / "lock", timeout=0):
            yield
    except Timeout as error:
        raise Refused(f"another mlops-ladder is changing {project.root} right now") from error


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

    `check` may refuse the result, and `message` commits it, with the lock that the check wrote.
    Whatever fails, and Ctrl-C, too, leaves the project as it was.

    Raises
    ------
    Refused
        Something was not as it should be, and the project is as it was.
    """
    if interrupted(project):
        raise Refused("another step was interrupted meanwhile; try again, and it is undone first")
    entries = entries_of(step, project)
    journal = make_ready(project, step, entries, what, new_branch, goes_on=bool(check or message))
    ready = project.workshop / INDEX
    try:
        with index.locked(project):
            check_unchanged(project, step)
            index.make_ready(project, ready, records_after(step, entries, journal))
            publish(project, journal)
            if new_branch:
                git(project.root, "update-ref", f"refs/heads/{new_branch}", step.commit, "")
                git(project.root, "symbolic-ref", "HEAD", f"refs/heads/{new_branch}")
            change_files(project, journal)
            index.replace(project, ready)
        if check:
            check()
        if message:
            commit(project, entries, message, with_lock=check is not None)
    except BaseException:
        abandon(project, journal)
        raise
    forget(project)


def abandon(project: Project, journal: Journal) -> None:
    """Leave the project as it was, or as committed if only the last word was missing.

    If that fails, the journal stays, and the next run tries again.
    """
    published = (project.workshop / JOURNAL).exists()
    committed = git(project.root, "rev-parse", "HEAD") != journal.commit
    edited = undo(project, journal) if published and not committed else []
    forget(project)
    if edited:
        say(listed("note: these files were edited meanwhile, and stay:", edited))


def entries_of(step: Step, project: Project) -> dict[str, Entry | None]:
    """Return what git is to have of each file that changes, and bring it to the project's objects.

    A file that a filter such as Git LFS keeps in another form goes through that filter.
    """
    found: dict[str, Entry | None] = dict.fromkeys(step.removed)
    for path in (*step.added, *step.changed):
        entry = step.after.entries[path]
        if path in step.filtered:
            entry = Entry(entry.mode, project.checked_in(path, step.after[path]))
        found[path] = entry
    arriving = [entry for entry in found.values() if entry]
    sides = (side for sides in step.disputed.values() for side in sides.values())
    for entry in (*arriving, *sides):
        bring_object(step.scratch.folder / "objects", project.object_folder, entry.content)
    return found


def make_ready(
    project: Project,
    step: Step,
    entries: Mapping[str, Entry | None],
    what: str,
    new_branch: str | None,
    *,
    goes_on: bool,
) -> Journal:
    """Write every file as it will be and copy every file as it is, beside the project's files."""
    forget(project)
    for name in FOLDERS:
        (project.workshop / name).mkdir()
    absent = project.left_out((*step.changed, *step.removed)) - step.disputed.keys()
    moves: list[Move] = []
    for path in (path for path in entries if path not in absent):
        before, after = (project.workshop / name / str(len(moves)) for name in FOLDERS)
        file = project.root / path
        if os.path.lexists(file):
            shutil.copy2(file, before, follow_symlinks=False)
        if entry := entries[path]:
            write(after, on_disk(project, step, path, entry, before), entry.mode)
        moves.append(Move(path, digest(before), digest(after)))
    if (project.root / LOCK).is_file():
        shutil.copy2(project.root / LOCK, project.workshop / LOCK)
    return Journal(
        what=what,
        commit=step.commit,
        branch=git(project.root, "branch", "--show-current") or None,
        new_branch=new_branch,
        moves=moves,
        index=index.records(project, {*entries, *step.disputed, LOCK}),
        lock=digest(project.workshop / LOCK),
        goes_on=goes_on,
    )


def on_disk(project: Project, step: Step, path: str, entry: Entry, before: Path) -> bytes:
    """Return a file's bytes as they belong on disk, with the line ends that it has there."""
    if path in step.encoded:
        return project.checked_out(path, entry.content)
    was = before.read_bytes() if before.is_file() and not before.is_symlink() else b""
    return with_line_ends(step.after[path], was)


def check_unchanged(project: Project, step: Step) -> None:
    """Check that the project is what the step was made for.

    Raises
    ------
    Refused
        It has other work, or another commit.
    """
    project.check_clean()
    if hidden := hidden_edits(project, step.before, step.after):
        raise Refused(listed("these are in the way:", hidden))
    if git(project.root, "rev-parse", "HEAD") != step.commit:
        raise Refused("the project got another commit meanwhile; try again")


def records_after(
    step: Step, entries: Mapping[str, Entry | None], journal: Journal
) -> dict[str, Record]:
    """Return what the index is to say: conflicts as conflicts, with the flags that it has."""
    found = {}
    for path in {*entries, *step.disputed}:
        entry = entries.get(path)
        sides = step.disputed.get(path) or ({0: entry} if entry else {})
        flag = "H" if path in step.disputed else journal.index[path].flag
        found[path] = Record(dict(sides), flag)
    return found


def publish(project: Project, journal: Journal) -> None:
    """Write the journal; from now on, whoever comes after a kill undoes the step."""
    part = project.workshop / f"{JOURNAL}.part"
    part.write_text(json.dumps(asdict(journal)), encoding="utf-8")
    part.replace(project.workshop / JOURNAL)


def change_files(project: Project, journal: Journal) -> None:
    """Let each file become what stands ready.

    Raises
    ------
    Refused
        A file was written meanwhile.
    """
    for number, move in enumerate(journal.moves):
        file = project.root / move.path
        if digest(file) != move.before:
            raise Refused(f"{move.path} was changed meanwhile; commit it, and try again")
        put(file, project.workshop / AFTER / str(number) if move.after else None)


def commit(
    project: Project, entries: Mapping[str, Entry | None], message: str, *, with_lock: bool
) -> None:
    """Commit the step, and the lock that the project's tests wrote."""
    found, lock = dict(entries), project.root / LOCK
    ignored = succeeds(project.root, "check-ignore", "--quiet", LOCK)
    if with_lock and lock.is_file() and not ignored:
        found[LOCK] = entry = Entry(ORDINARY, project.checked_in(LOCK, lock.read_bytes()))
        ready = project.workshop / INDEX
        with index.locked(project):
            index.make_ready(project, ready, {LOCK: Record({0: entry})})
            index.replace(project, ready)
    made = index.commit(project, found, message, project.workshop / "commit.index")
    git(project.root, "update-ref", "-m", f"commit: {message}", "HEAD", made)


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


def put(file: Path, ready: Path | None) -> None:
    """Let a file become, in one instant, what stands ready; None removes it."""
    if ready is None:
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


def digest(file: Path) -> str | None:
    """Return the digest of a file's bytes, or of a symbolic link's goal; None if it is not there.

    A folder has a digest that no file has.
    """
    if file.is_symlink():
        return hashlib.sha256(b"link " + os.fsencode(os.readlink(file))).hexdigest()
    try:
        return hashlib.sha256(b"file " + file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
    except (IsADirectoryError, NotADirectoryError):
        return "folder"


def undo(project: Project, journal: Journal) -> list[str]:
    """Put everything back; a file that is neither as before nor as after was edited, and stays.

    Returns
    -------
    list of str
        These edited files.
    """
    edited = []
    for number, move in reversed([*enumerate(journal.moves)]):
        file = project.root / move.path
        if digest(file) not in (move.before, move.after):
            edited.append(move.path)
            continue
        put_back(project, file, project.workshop / BEFORE / str(number), move.before)
    if journal.goes_on:
        put_back(project, project.root / LOCK, project.workshop / LOCK, journal.lock)
    ready = project.workshop / INDEX
    with index.locked(project):
        index.make_ready(project, ready, journal.index)
        index.replace(project, ready)
    if journal.new_branch:
        leave_branch(project, journal, journal.new_branch)
    return edited


def leave_branch(project: Project, journal: Journal, made: str) -> None:
    """Go to the branch that the project was on, and remove the one that was made."""
    if git(project.root, "branch", "--show-current") == made:
        if journal.branch:
            git(project.root, "symbolic-ref", "HEAD", f"refs/heads/{journal.branch}")
        else:
            git(project.root, "update-ref", "--no-deref", "HEAD", journal.commit)
    if succeeds(project.root, "rev-parse", "--verify", "--quiet", f"refs/heads/{made}"):
        git(project.root, "branch", "--delete", "--force", made)


def put_back(project: Project, file: Path, kept: Path, before: str | None) -> None:
    """Let a file become what it was, if it is not; the copy stays for whoever has to try again."""
    if before is None:
        if os.path.lexists(file):
            put(file, None)
        return
    if digest(file) == before and file.lstat().st_mode == kept.lstat().st_mode:
        return
    back = project.workshop / BACK
    back.unlink(missing_ok=True)
    shutil.copy2(kept, back, follow_symlinks=False)
    put(file, back)


def forget(project: Project) -> None:
    """Remove what was prepared; the journal first, because the rest means nothing without it."""
    folder = project.workshop
    for name in (JOURNAL, INDEX, BACK, LOCK):
        (folder / name).unlink(missing_ok=True)
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)


def interrupted(project: Project) -> Journal | None:
    """Return what an interrupted process left behind, if there was one.

    Raises
    ------
    Refused
        It cannot be read.
    """
    file = project.workshop / JOURNAL
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        moves = [Move(**move) for move in found.pop("moves")]
        told = {path: read_record(record) for path, record in found.pop("index").items()}
        return Journal(**found, moves=moves, index=told)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(
            f"{file} tells of an interrupted step, but cannot be read: {error}. Look with git"
            " status at what it left, and remove the file"
        ) from error


def read_record(told: dict[str, Any]) -> Record:
    """Return a record from its form in JSON, where the stages are text."""
    sides = {int(stage): Entry(**entry) for stage, entry in told["sides"].items()}
    return Record(sides, told["flag"])


def recover(project: Project) -> str | None:
    """Bring an interrupted step to one of its ends: done if all was in place, undone otherwise.

    Returns
    -------
    str or None
        A sentence that says which; None if nothing was interrupted.
    """
    index.remove_left_lock(project)
    journal = interrupted(project)
    if journal is None:
        return None
    sentence = f"An earlier {journal.what} was interrupted."
    if git(project.root, "rev-parse", "HEAD") != journal.commit:
        sentence += " It has been committed since, and is left as it is."
    elif all_in_place(project, journal):
        sentence += " It was done but for the last word: the project is as after it."
    else:
        edited = undo(project, journal)
        sentence += " The project is as it was before it."
        if edited:
            sentence = listed(f"{sentence} These files you edited since stay:", edited)
    forget(project)
    return sentence


def all_in_place(project: Project, journal: Journal) -> bool:
    """Tell whether nothing was left to do: git's index comes last, and every file before it."""
    done = not journal.goes_on and not (project.workshop / INDEX).exists()
    return done and not any(
        move.before != move.after and digest(project.root / move.path) == move.before
        for move in journal.moves
    )
