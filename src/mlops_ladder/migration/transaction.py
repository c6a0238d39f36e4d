"""Applying a plan so that a process killed at any moment loses nothing.

Files are first written and copied into a staging folder inside git's. A journal then records what
will change; each file is replaced atomically, git's index last, and the journal is removed. A
journal that is found means that a process was interrupted, and its changes are undone: each file
is restored byte for byte.
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

from ..errors import RefusedError, listed
from ..git import git, succeeds
from ..make import LOCK
from ..project import Project
from ..terminal import say
from . import index
from .index import Record
from .line_endings import with_line_endings
from .merge import EXECUTABLE, ORDINARY, Entry
from .plan import Plan, hidden_edits

SYMLINK = "120000"
JOURNAL, INDEX, BACK = "journal.json", "index", "back"
FOLDERS = BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Change:
    """A change of one file: digests of its bytes before and after, None where it does not exist."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Journal:
    """A migration in progress, recorded for the process that finds it interrupted."""

    what: str
    commit: str
    """The commit that the project is at."""
    branch: str | None
    """The branch that it is on; None if it is on none."""
    new_branch: str | None
    changes: list[Change]
    index: dict[str, Record]
    """The index's records, before the plan, of every path whose entry changes."""
    lock: str | None
    """The digest of uv.lock, which the project's own tests may write."""
    needs_more: bool
    """True if tests or a commit follow, before which the step is not done."""


@contextmanager
def exclusive(project: Project) -> Iterator[None]:
    """Hold the lock that keeps other mlops-ladder processes from changing the project.

    Raises
    ------
    RefusedError
        Another one does already.
    """
    project.staging.mkdir(exist_ok=True)
    try:
        with FileLock(project.staging / "lock", timeout=0):
            yield
    except Timeout as error:
        raise RefusedError(
            f"another mlops-ladder is changing {project.root}; wait for it"
        ) from error


def apply_plan(
    project: Project,
    plan: Plan,
    what: str,
    *,
    new_branch: str | None = None,
    check: Callable[[], None] | None = None,
    message: str | None = None,
) -> None:
    """Change the project's files and git's index.

    If anything fails, or on Ctrl-C, the project is restored.

    Parameters
    ----------
    project
        The project.
    plan
        What to change.
    what
        A description, for the message after an interruption.
    new_branch
        A branch to create for the changes.
    check
        A check of the result, which may raise to undo it.
    message
        A message to commit the result with, and the lock file that the check wrote.

    Raises
    ------
    RefusedError
        The project changed meanwhile; it is as it was.
    """
    if read_journal(project):
        raise RefusedError(
            "another migration was interrupted meanwhile; run the command again to undo it"
        )
    entries = index_entries(plan, project)
    journal = stage(project, plan, entries, what, new_branch, needs_more=bool(check or message))
    ready = project.staging / INDEX
    try:
        with index.locked(project):
            check_unchanged(project, plan)
            index.prepare(project, ready, records_after(plan, entries, journal))
            write_journal(project, journal)
            if new_branch:
                git(project.root, "update-ref", f"refs/heads/{new_branch}", plan.commit, "")
                git(project.root, "symbolic-ref", "HEAD", f"refs/heads/{new_branch}")
            change_files(project, journal)
            index.replace(project, ready)
        if check:
            check()
        if message:
            commit(project, entries, message, with_lock=check is not None)
    except BaseException:
        roll_back(project, journal)
        raise
    clean_up(project)


def roll_back(project: Project, journal: Journal) -> None:
    """Restore the project, unless the migration was already committed.

    If that fails, the journal stays, and the next run tries again.
    """
    published = (project.staging / JOURNAL).exists()
    committed = git(project.root, "rev-parse", "HEAD") != journal.commit
    edited = undo(project, journal) if published and not committed else []
    clean_up(project)
    if edited:
        say(listed("note: these files were edited meanwhile and were kept:", edited))


def index_entries(plan: Plan, project: Project) -> dict[str, Entry | None]:
    """Return the index entry of each changed file, with its object in the project's repository.

    A file that a filter such as Git LFS stores in another form goes through that filter.
    """
    found: dict[str, Entry | None] = dict.fromkeys(plan.removed)
    for path in (*plan.added, *plan.changed):
        entry = plan.after.entries[path]
        if path in plan.filtered:
            entry = Entry(entry.mode, project.checked_in(path, plan.after[path]))
        found[path] = entry
    arriving = [entry for entry in found.values() if entry]
    sides = (side for sides in plan.unmerged.values() for side in sides.values())
    for entry in (*arriving, *sides):
        copy_object(plan.sandbox.folder / "objects", project.object_folder, entry.content)
    return found


def stage(
    project: Project,
    plan: Plan,
    entries: Mapping[str, Entry | None],
    what: str,
    new_branch: str | None,
    *,
    needs_more: bool,
) -> Journal:
    """Write each file as it will be, and copy each file as it is, into the staging folder."""
    clean_up(project)
    for name in FOLDERS:
        (project.staging / name).mkdir()
    absent = project.left_out((*plan.changed, *plan.removed)) - plan.unmerged.keys()
    changes: list[Change] = []
    for path in (path for path in entries if path not in absent):
        before, after = (project.staging / name / str(len(changes)) for name in FOLDERS)
        file = project.root / path
        if os.path.lexists(file):
            shutil.copy2(file, before, follow_symlinks=False)
        if entry := entries[path]:
            write_file(after, on_disk(project, plan, path, entry, before), entry.mode)
        changes.append(Change(path, digest(before), digest(after)))
    if (project.root / LOCK).is_file():
        shutil.copy2(project.root / LOCK, project.staging / LOCK)
    return Journal(
        what=what,
        commit=plan.commit,
        branch=git(project.root, "branch", "--show-current") or None,
        new_branch=new_branch,
        changes=changes,
        index=index.records(project, {*entries, *plan.unmerged, LOCK}),
        lock=digest(project.staging / LOCK),
        needs_more=needs_more,
    )


def on_disk(project: Project, plan: Plan, path: str, entry: Entry, before: Path) -> bytes:
    """Return a file's bytes on disk, with the line endings that it has there."""
    if path in plan.encoded:
        return project.checked_out(path, entry.content)
    was = before.read_bytes() if before.is_file() and not before.is_symlink() else b""
    return with_line_endings(plan.after[path], was)


def check_unchanged(project: Project, plan: Plan) -> None:
    """Check that the project is the one that was planned for.

    Raises
    ------
    RefusedError
        It has other work, or another commit.
    """
    project.check_clean()
    if hidden := hidden_edits(project, plan.before, plan.after):
        raise RefusedError(listed("these files block the migration:", hidden))
    if git(project.root, "rev-parse", "HEAD") != plan.commit:
        raise RefusedError("another commit was made meanwhile; run the command again")


def records_after(
    plan: Plan, entries: Mapping[str, Entry | None], journal: Journal
) -> dict[str, Record]:
    """Return the index entries after the migration, with conflicts and flags."""
    found = {}
    for path in {*entries, *plan.unmerged}:
        entry = entries.get(path)
        sides = plan.unmerged.get(path) or ({0: entry} if entry else {})
        flag = "H" if path in plan.unmerged else journal.index[path].flag
        found[path] = Record(dict(sides), flag)
    return found


def write_journal(project: Project, journal: Journal) -> None:
    """Write the journal; from now on, the next run undoes the migration after a kill."""
    part = project.staging / f"{JOURNAL}.part"
    part.write_text(json.dumps(asdict(journal)), encoding="utf-8")
    part.replace(project.staging / JOURNAL)


def change_files(project: Project, journal: Journal) -> None:
    """Replace each file by its staged version.

    Raises
    ------
    RefusedError
        A file was written meanwhile.
    """
    for number, change in enumerate(journal.changes):
        file = project.root / change.path
        if digest(file) != change.before:
            raise RefusedError(
                f"{change.path} was changed meanwhile; commit it and run the command again"
            )
        replace_file(file, project.staging / AFTER / str(number) if change.after else None)


def commit(
    project: Project, entries: Mapping[str, Entry | None], message: str, *, with_lock: bool
) -> None:
    """Commit the migration, and the lock file that the project's tests wrote."""
    found, lock = dict(entries), project.root / LOCK
    ignored = succeeds(project.root, "check-ignore", "--quiet", LOCK)
    if with_lock and lock.is_file() and not ignored:
        found[LOCK] = entry = Entry(ORDINARY, project.checked_in(LOCK, lock.read_bytes()))
        ready = project.staging / INDEX
        with index.locked(project):
            index.prepare(project, ready, {LOCK: Record({0: entry})})
            index.replace(project, ready)
    made = index.commit(project, found, message, project.staging / "commit.index")
    git(project.root, "update-ref", "-m", f"commit: {message}", "HEAD", made)


def copy_object(source: Path, target: Path, content: str) -> None:
    """Copy an object file of git, if it does not exist yet."""
    name = Path(content[:2], content[2:])
    if not (source / name).exists() or (target / name).exists():
        return
    (target / name).parent.mkdir(exist_ok=True)
    part = target / name.parent / f"tmp_obj_{name.name}"
    shutil.copy2(source / name, part)
    part.replace(target / name)


def write_file(file: Path, body: bytes, mode: str) -> None:
    """Write a file with its mode: executable, or a symbolic link."""
    if mode == SYMLINK:
        file.symlink_to(os.fsdecode(body))
        return
    file.write_bytes(body)
    plain = file.stat().st_mode & ~0o111
    file.chmod(plain | 0o111 if mode == EXECUTABLE else plain)


def replace_file(file: Path, ready: Path | None) -> None:
    """Replace a file atomically; None removes it."""
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
    """Remove the folder and those above it, as far as they are empty."""
    with suppress(OSError):
        while True:
            folder.rmdir()
            folder = folder.parent


def digest(file: Path) -> str | None:
    """Return the digest of a file or symbolic link; None if it does not exist.

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
    """Restore every file; one that is neither as before nor as after was edited, and stays.

    Returns
    -------
    list of str
        These edited files.
    """
    edited = []
    for number, change in reversed([*enumerate(journal.changes)]):
        file = project.root / change.path
        if digest(file) not in (change.before, change.after):
            edited.append(change.path)
            continue
        restore(project, file, project.staging / BEFORE / str(number), change.before)
    if journal.needs_more:
        restore(project, project.root / LOCK, project.staging / LOCK, journal.lock)
    ready = project.staging / INDEX
    with index.locked(project):
        index.prepare(project, ready, journal.index)
        index.replace(project, ready)
    if journal.new_branch:
        remove_branch(project, journal, journal.new_branch)
    return edited


def remove_branch(project: Project, journal: Journal, made: str) -> None:
    """Switch back to the previous branch, and delete the one that was created."""
    if git(project.root, "branch", "--show-current") == made:
        if journal.branch:
            git(project.root, "symbolic-ref", "HEAD", f"refs/heads/{journal.branch}")
        else:
            git(project.root, "update-ref", "--no-deref", "HEAD", journal.commit)
    if succeeds(project.root, "rev-parse", "--verify", "--quiet", f"refs/heads/{made}"):
        git(project.root, "branch", "--delete", "--force", made)


def restore(project: Project, file: Path, kept: Path, before: str | None) -> None:
    """Restore a file if it changed; its copy stays, in case this is interrupted, too."""
    if before is None:
        if os.path.lexists(file):
            replace_file(file, None)
        return
    if digest(file) == before and file.lstat().st_mode == kept.lstat().st_mode:
        return
    back = project.staging / BACK
    back.unlink(missing_ok=True)
    shutil.copy2(kept, back, follow_symlinks=False)
    replace_file(file, back)


def clean_up(project: Project) -> None:
    """Remove the staging files; the journal first, because the rest means nothing without it."""
    folder = project.staging
    for name in (JOURNAL, INDEX, BACK, LOCK):
        (folder / name).unlink(missing_ok=True)
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)


def read_journal(project: Project) -> Journal | None:
    """Return the journal of an interrupted migration, if there is one.

    Raises
    ------
    RefusedError
        It cannot be read.
    """
    file = project.staging / JOURNAL
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        changes = [Change(**change) for change in found.pop("changes")]
        entries = {path: read_record(record) for path, record in found.pop("index").items()}
        return Journal(**found, changes=changes, index=entries)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RefusedError(
            f"{file}: the journal of an interrupted migration cannot be read ({error!r})."
            " Check git status, then remove the file"
        ) from error


def read_record(data: dict[str, Any]) -> Record:
    """Return an index entry from its JSON form, in which stages are text."""
    sides = {int(stage): Entry(**entry) for stage, entry in data["sides"].items()}
    return Record(sides, data["flag"])


def recover(project: Project) -> str | None:
    """Undo an interrupted migration, or complete it if only the last step was missing.

    Returns
    -------
    str or None
        A sentence that says which; None if nothing was interrupted.
    """
    index.remove_stale_lock(project)
    journal = read_journal(project)
    if journal is None:
        return None
    sentence = f"An earlier {journal.what} was interrupted."
    if git(project.root, "rev-parse", "HEAD") != journal.commit:
        sentence += " It was committed since, so nothing was undone."
    elif is_complete(project, journal):
        sentence += " It was complete except for cleaning up, and was kept."
    else:
        edited = undo(project, journal)
        sentence += " It was undone: the project is as before."
        if edited:
            sentence = listed(f"{sentence} These files were edited since and were kept:", edited)
    clean_up(project)
    return sentence


def is_complete(project: Project, journal: Journal) -> bool:
    """Tell whether everything was done: git's index is replaced last."""
    done = not journal.needs_more and not (project.staging / INDEX).exists()
    return done and not any(
        change.before != change.after and digest(project.root / change.path) == change.before
        for change in journal.changes
    )
