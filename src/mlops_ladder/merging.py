"""The three-way merge of what the user wrote and what the template gives, away from the project.

It is made in a scratch repository that borrows the project's objects: nothing in the project is
touched. Where one side left a file as it was, the other decides; git merges the lines of the rest.
"""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .git import GitError, git, plain_environment, reason, run_git
from .line_ends import is_text, normalised, with_line_ends

EXECUTABLE = "100755"
SUBMODULE = "160000"
ORDINARY = "100644"
FILES = {ORDINARY, EXECUTABLE}
BASE, OURS, THEIRS = 1, 2, 3
MOST_CONFLICTS = 127  # git merge-file counts no further; above, it says that there are no lines


@dataclass(frozen=True)
class Entry:
    """A file in a tree of git's: its mode, and the name of its content."""

    mode: str
    content: str


@dataclass(frozen=True)
class Merged:
    """What a merge gave."""

    files: dict[str, Entry]
    """Every file by its path; where both sides wrote, with both texts marked."""
    disputed: dict[str, dict[int, Entry]]
    """The files that nobody but the user can decide, with the sides that have them."""


class Contents(Mapping[str, bytes]):
    """The files of a tree by path, read when they are asked for."""

    def __init__(self, scratch: "Scratch", files: Mapping[str, Entry]) -> None:
        self.scratch = scratch
        self.entries = {path: entry for path, entry in files.items() if entry.mode != SUBMODULE}

    def __getitem__(self, path: str) -> bytes:
        return self.scratch.read(self.entries[path].content)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


@dataclass
class Scratch:
    """A bare repository of its own, which sees the project's objects, too."""

    folder: Path
    lender: Path
    """The project's folder, whose git may be able to fetch objects that are missing here."""
    _reader: "subprocess.Popen[bytes] | None" = None
    _read: dict[str, bytes] = field(default_factory=dict)

    def run(
        self, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> bytes:
        """Run git in this repository, named outright: people may forbid git to look for bare ones.

        Raises:
            GitError: git fails.
        """
        named = {**self.here, **(variables or {})}
        return run_git(self.folder, *arguments, variables=named, stdin=stdin, plain=True)

    @property
    def here(self) -> dict[str, str]:
        """The variable that names this repository to git."""
        return {"GIT_DIR": str(self.folder)}

    def tree_of(self, folder: Path) -> dict[str, Entry]:
        """Every file below the folder, whatever its ignore files say."""
        index, everything = self.folder / "folder.index", ("--all", "--force", ".")
        own = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(folder)}
        run_git(folder, "add", *everything, variables=self.here | own, plain=True)
        return self.files_of(self.run("write-tree", variables=own).decode().strip())

    def files_of(self, tree: str) -> dict[str, Entry]:
        """Every file of a tree."""
        lines = self.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")
        files = {}
        for line in filter(None, lines):
            facts, _, path = line.partition(b"\t")
            mode, _, content = facts.decode().split()
            files[path.decode(errors="surrogateescape")] = Entry(mode, content)
        return files

    def read(self, content: str) -> bytes:
        """The bytes of a file.

        Raises:
            GitError: they are missing, as in a partial clone, and cannot be fetched.
        """
        if content not in self._read:
            body = self._read_here(content)
            self._read[content] = self._fetched(content) if body is None else body
        return self._read[content]

    def _read_here(self, content: str) -> bytes | None:
        if self._reader is None:
            self._reader = subprocess.Popen(
                ["git", "cat-file", "--batch"],
                cwd=self.folder,
                env=plain_environment(**self.here),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        assert self._reader.stdin and self._reader.stdout
        self._reader.stdin.write(f"{content}\n".encode())
        self._reader.stdin.flush()
        head = self._reader.stdout.readline().split()
        if len(head) != 3:
            return None
        body = self._reader.stdout.read(int(head[2]))
        self._reader.stdout.read(1)
        return body

    def _fetched(self, content: str) -> bytes:
        """Let the project's git fetch an object that it lacks."""
        try:
            return run_git(self.lender, "cat-file", "blob", content)
        except GitError as error:
            raise GitError(
                f"git's object {content} is missing in {self.lender}: {error.message}."
                " Bring it back (in a partial clone: git fetch --refetch, with the network)"
            ) from error

    def write(self, body: bytes) -> str:
        """Keep bytes as a file's content, and name it."""
        return self.run("hash-object", "-w", "--stdin", stdin=body).decode().strip()

    def merge(
        self,
        base: Mapping[str, Entry],
        ours: Mapping[str, Entry],
        theirs: Mapping[str, Entry],
        names: tuple[str, str],
    ) -> Merged:
        """What comes of `ours` if it takes over what `theirs` changed since `base`.

        `names` stand in the markers of conflicts. Renames are not guessed: pieces of a level
        resemble each other, and an edit must not wander from one to another.
        """
        files, disputed = {}, {}
        for path in sorted(base.keys() | ours.keys() | theirs.keys()):
            old, own, new = base.get(path), ours.get(path), theirs.get(path)
            unedited = self._is_same(old, own)
            decided = self._as_was(new, own) if unedited else own
            if not unedited and new not in (old, own):
                decided, solved = self._merge_file(old, own, new, names)
                if not solved:
                    sides = {BASE: old, OURS: own, THEIRS: new}
                    disputed[path] = {stage: side for stage, side in sides.items() if side}
            if decided:
                files[path] = decided
        return Merged(files, disputed)

    def _is_same(self, old: Entry | None, own: Entry | None) -> bool:
        """Tell whether a file was left as it was, its line ends aside."""
        if not old or not own or own == old or own.mode != old.mode or own.mode not in FILES:
            return own == old
        return normalised(self.read(own.content)) == normalised(self.read(old.content))

    def _as_was(self, new: Entry | None, own: Entry | None) -> Entry | None:
        """The new text with the line ends of the user's."""
        if not new or not own or new == own or {own.mode, new.mode} - FILES:
            return new
        body, own_body = self.read(new.content), self.read(own.content)
        kept = with_line_ends(body, own_body)
        return new if kept == body else Entry(new.mode, self.write(kept))

    def _merge_file(
        self, old: Entry | None, own: Entry | None, new: Entry | None, names: tuple[str, str]
    ) -> tuple[Entry | None, bool]:
        """A file that both sides changed, and whether nothing is left to decide.

        Line ends do not count, and stay as the user has them. Where only one side still has the
        file, or it has no lines, the user's side is kept.
        """
        if not own or not new or {own.mode, new.mode} - FILES:
            return own, False
        mode = own.mode if old and new.mode == old.mode else new.mode
        bodies = [self.read(side.content) if side else b"" for side in (own, old, new)]
        if not all(map(is_text, bodies)):
            return own, False
        mine, before, comes = map(normalised, bodies)
        merged, solved = comes, True
        if mine not in (before, comes):
            merged, solved = self._merge_lines((mine, before, comes), names)
        return Entry(mode, self.write(with_line_ends(merged, bodies[0]))), solved

    def _merge_lines(
        self, bodies: tuple[bytes, bytes, bytes], names: tuple[str, str]
    ) -> tuple[bytes, bool]:
        """The lines of both sides, and whether none of them were changed by both."""
        sides = [self.folder / f"{side}.side" for side in ("ours", "base", "theirs")]
        for file, body in zip(sides, bodies, strict=True):
            file.write_bytes(body)
        labels = ["-L", names[0], "-L", "before", "-L", names[1]]
        command = ["git", "merge-file", "--stdout", *labels, *map(str, sides)]
        surroundings = plain_environment(**self.here)
        finished = subprocess.run(command, cwd=self.folder, env=surroundings, capture_output=True)
        if finished.returncode > MOST_CONFLICTS:
            raise GitError(f"git merge-file failed: {reason(finished.stderr)}")
        return finished.stdout, finished.returncode == 0

    def close(self) -> None:
        """End the process that reads."""
        if self._reader is not None:
            self._reader.communicate()


@contextmanager
def scratch_repository(project: Path) -> Iterator[Scratch]:
    """A scratch repository that sees the objects of the project's, gone afterwards."""
    borrowed = project / git(project, "rev-parse", "--git-path", "objects")
    names = git(project, "rev-parse", "--show-object-format")
    with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder:
        scratch = Scratch(Path(folder) / "scratch.git", project)
        made = ("init", "--quiet", "--bare", "--template=", f"--object-format={names}")
        git(Path(folder), *made, scratch.folder, plain=True)
        (scratch.folder / "objects/info").mkdir(exist_ok=True)
        quoted = str(borrowed.resolve()).replace("\\", "\\\\").replace('"', '\\"')
        alternates = scratch.folder / "objects/info/alternates"
        alternates.write_text(f'"{quoted}"\n', encoding="utf-8")
        try:
            yield scratch
        finally:
            scratch.close()
