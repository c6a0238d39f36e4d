"""A project of the ladder: its answers, and its state in git."""

import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .errors import RefusedError, first_line, listed
from .git import GitError, git, run_git, succeeds
from .make import LOCK

ANSWERS_FILE = ".copier-answers.yml"
REMEMBERED = ("_src_path", "_commit", "level")
SHOWN = 10
# What git leaves in its folder while an operation is under way; those that use others come first.
OPERATIONS = {
    "rebase-merge": "rebase",
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer": "cherry-pick",
    "BISECT_LOG": "bisect",
}
# Look at the files themselves, whatever the user's settings let git assume of them.
EXACT = (
    *("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"),
    *("-c", "core.splitIndex=false", "--literal-pathspecs"),
)
LONGEST = 100_000  # bytes of a file that may hold answers


@dataclass(frozen=True)
class Project:
    """A project of the ladder: a folder with the answers from which it was generated."""

    root: Path
    answers: dict[str, Any]
    answers_file: str = ANSWERS_FILE
    """The name of the file that remembers them, which `copier copy -a` lets people choose."""

    @property
    def level(self) -> int:
        """The level that the project is at."""
        return int(self.answers["level"])

    @property
    def own_answers(self) -> dict[str, Any]:
        """The answers to the template's questions, without copier's own entries."""
        return {name: value for name, value in self.answers.items() if not name.startswith("_")}

    @cached_property
    def prefix(self) -> str:
        """The project's path in its repository: empty, or with a final slash."""
        return git(self.root, "rev-parse", "--show-prefix")

    @cached_property
    def top(self) -> Path:
        """The top folder of the working tree."""
        return Path(git(self.root, "rev-parse", "--show-toplevel"))

    @cached_property
    def git_folder(self) -> Path:
        """The folder with the index and HEAD of this working tree."""
        return Path(git(self.root, "rev-parse", "--absolute-git-dir"))

    @property
    def staging(self) -> Path:
        """The folder inside git's own in which a migration is prepared."""
        return self.git_folder / "mlops-ladder"

    @cached_property
    def object_folder(self) -> Path:
        """The folder of git's objects."""
        return self.root / git(self.root, "rev-parse", "--git-path", "objects")

    @cached_property
    def index(self) -> Path:
        """The file of git's index."""
        return self.root / git(self.root, "rev-parse", "--git-path", "index")

    def uncommitted(self) -> list[str]:
        """List uncommitted changes of the project, as lines of `git status`.

        Changes elsewhere in the repository do not count, nor does the lock file that `make setup`
        writes.
        """
        lock = f"{self.prefix}{LOCK}"
        return [line for line in self.status(".") if line[3:] != lock]

    def status(self, *paths: str, **variables: str) -> list[str]:
        """Return what `git status` shows of the paths or below them, a line for each file."""
        options = ("--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", *paths)
        printed = run_git(self.root, *EXACT, "status", *options, variables=variables)
        return list(filter(None, printed.decode(errors="surrogateescape").split("\0")))

    def check_clean(self) -> None:
        """Check that everything is committed, so that nothing can be lost.

        Raises
        ------
        RefusedError
            Something is not, or git is in the middle of something.
        """
        self.check_idle()
        if found := self.uncommitted():
            more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
            raise RefusedError(
                listed("uncommitted changes: commit or stash them first:", [*found[:SHOWN], *more])
            )

    def check_idle(self) -> None:
        """Check that no git operation is in progress, which a commit would end.

        Raises
        ------
        RefusedError
            One is.
        """
        for name, operation in OPERATIONS.items():
            is_ref = name.endswith("_HEAD")  # which need not be a file
            found = is_ref and succeeds(self.root, "rev-parse", "--verify", "--quiet", name)
            if not found and not (self.git_folder / name).exists():
                continue
            end = "git bisect reset" if operation == "bisect" else f"git {operation} --abort"
            raise RefusedError(
                f"a git {operation} is in progress in {self.root}: finish it, or stop it with"
                f" {end}, and run the command again"
            )

    def committed(self) -> set[str]:
        """Return every file of the last commit, relative to the project."""
        printed = run_git(self.root, "ls-tree", "-r", "-z", "--name-only", "HEAD")
        return set(filter(None, printed.decode(errors="surrogateescape").split("\0")))

    def differing(self, paths: Iterable[str]) -> list[str]:
        """List those of the paths whose files on disk differ from the last commit.

        Their bytes are compared, whatever flags, size and time git's index has for them. A file
        that a sparse checkout leaves out does not differ.

        Parameters
        ----------
        paths
            Files of the last commit, relative to the project.
        """
        named = list(paths)
        if not named:
            return []
        with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder:
            fresh = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            run_git(self.root, *EXACT, "read-tree", "HEAD", variables=fresh)
            found = {line[3:].removeprefix(self.prefix) for line in self.status(*named, **fresh)}
        return sorted(found - self.left_out(named))

    def left_out(self, paths: Iterable[str]) -> set[str]:
        """Return those of the paths that a sparse checkout leaves out."""
        flagged = [path for path, flag in self.flags(paths).items() if flag in "Ss"]
        return {path for path in flagged if not os.path.lexists(self.root / path)}

    def flags(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the letter that `git ls-files -v` shows for each of the paths that git has.

        `S` is skip-worktree, a lower-case letter is assume-unchanged, `H` is neither.
        """
        named = list(paths)
        if not named:
            return {}
        printed = run_git(self.root, *EXACT, "ls-files", "-v", "-z", "--", *named)
        lines = printed.decode(errors="surrogateescape").split("\0")
        return {line[2:]: line[0] for line in lines if line}

    def with_attribute(self, name: str, paths: Iterable[str]) -> set[str]:
        """Return those of the paths for which the repository sets an attribute."""
        stdin = "".join(f"{path}\0" for path in paths).encode(errors="surrogateescape")
        printed = run_git(self.root, "check-attr", "-z", "--stdin", name, stdin=stdin)
        fields = printed.decode(errors="surrogateescape").split("\0")
        found = zip(fields[::3], fields[2::3], strict=False)
        return {path for path, value in found if value not in {"unspecified", "unset"}}

    def checked_out(self, path: str, content: str | None = None) -> bytes:
        """Return the bytes with which git would check out a file.

        Raises
        ------
        GitError
            A filter fails, or the file is missing.
        """
        named = content or f"HEAD:./{path}"
        return run_git(self.root, "cat-file", "--filters", "--path", self.prefix + path, named)

    def checked_in(self, path: str, body: bytes) -> str:
        """Store bytes as git would check them in, and return the name of the object."""
        settings = ("-c", "core.safecrlf=false")
        options = ("-w", "--stdin", "--path", path)
        return run_git(self.root, *settings, "hash-object", *options, stdin=body).decode().strip()


def open_project(path: Path) -> Project:
    """Open the project in the folder, or in the nearest folder above that has one.

    Raises
    ------
    RefusedError
        There is none; what it remembers cannot be read; git does not read it; or it has no commit.
    """
    start = path.resolve()
    found = next(filter(None, map(answers_file_in, [start, *start.parents])), None)
    if found is None:
        raise RefusedError(
            f"{start} is not in a project of the ladder: there is no {ANSWERS_FILE}, and no other"
            f" YAML file with {', '.join(REMEMBERED)}. Generate a project with mlops-ladder new, or"
            " add a level to a repository with mlops-ladder adopt"
        )
    project = Project(found.parent, read_answers(found), found.name)
    try:
        git(project.root, "rev-parse", "--git-dir")
    except GitError as error:
        if "not a git repository" not in error.message:
            raise
        raise RefusedError(
            f"{project.root} is not in a git repository: git init, git add --all, git commit"
        ) from error
    if not succeeds(project.root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        raise RefusedError(f"{project.root} has no commit: git add --all, git commit")
    return project


def answers_file_in(folder: Path) -> Path | None:
    """Return the file in the folder that remembers answers to our template, if there is one.

    The usual name wins, unless that file is another template's.

    Raises
    ------
    RefusedError
        Several files of other names look like it.
    """
    usual = folder / ANSWERS_FILE
    if usual.is_file() and remembers_level(usual):
        return usual
    others = [
        file
        for file in sorted(folder.glob("*.y*ml"))
        if file.suffix in {".yml", ".yaml"} and file != usual and remembers_level(file)
    ]
    if len(others) > 1:
        names = ", ".join(file.name for file in others)
        raise RefusedError(f"{folder} has several answers files: {names}. Keep one of them")
    return next(iter(others), usual if usual.is_file() else None)


def remembers_level(file: Path) -> bool:
    """Tell whether a file has every entry of an answers file of the ladder."""
    try:
        text = file.read_text(encoding="utf-8") if file.stat().st_size < LONGEST else ""
    except (OSError, UnicodeDecodeError):
        return False
    return all(re.search(rf"^[\"']?{name}[\"']? *:", text, re.MULTILINE) for name in REMEMBERED)


def read_answers(file: Path) -> dict[str, Any]:
    """Read an answers file.

    The version is text whatever YAML takes it for: a short commit may be all digits.

    Raises
    ------
    RefusedError
        The file is no YAML, or lacks the template, its version or the level.
    """
    try:
        text = file.read_text(encoding="utf-8")
        answers, written = yaml.safe_load(text), yaml.load(text, yaml.BaseLoader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise RefusedError(f"{file} cannot be read: {first_line(error)}") from error
    for name in REMEMBERED:
        if not isinstance(answers, dict) or answers.get(name) is None:
            raise RefusedError(
                f"{file} has no `{name}`: was the project generated from this template?"
                f" To see older versions of the file: git log -- {file.name}"
            )
    level = answers["level"]
    if isinstance(level, bool) or not re.fullmatch(r"[0-9]{1,9}", str(level)):
        raise RefusedError(
            f"{file}: level: {written.get('level')!r} is not a level; write a number such as 2"
        )
    source = {name: written.get(name) for name in ("_src_path", "_commit")}
    for name, value in source.items():
        if not isinstance(value, str):
            raise RefusedError(f"{file}: {name}: {value!r} is not a string")
    return {**answers, **source, "level": int(level)}
