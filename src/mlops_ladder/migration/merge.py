"""The three-way merge of the project with two renderings of the template.

It is made in a temporary repository that borrows the project's objects, so the project is not
touched. Where one side left a file unchanged, the other decides; git merges the lines of the rest.
"""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..git import GitError, git, isolated_environment, reason, run_git
from .line_endings import is_text, normalize, with_line_endings

EXECUTABLE = "100755"
SUBMODULE = "160000"
ORDINARY = "100644"
FILES = {ORDINARY, EXECUTABLE}
BASE, OURS, THEIRS = 1, 2, 3
MOST_CONFLICTS = 127  # git merge-file counts no further; above, it says that there are no lines


@dataclass(frozen=True)
class Entry:
    """A file in a git tree: its mode, and the name of its object."""

    mode: str
    content: str


@dataclass(frozen=True)
class Merged:
    """The result of a merge."""

    files: dict[str, Entry]
    """Every file by its path; where both sides wrote, with both texts marked."""
    unmerged: dict[str, dict[int, Entry]]
    """The files that nobody but the user can decide, with the sides that have them."""


class Contents(Mapping[str, bytes]):
    """The files of a tree by path, read on access."""

    def __init__(self, sandbox: "Sandbox", files: Mapping[str, Entry]) -> None:
        """Leave submodules out."""
        self.sandbox = sandbox
        self.entries = {path: entry for path, entry in files.items() if entry.mode != SUBMODULE}

    def __getitem__(self, path: str) -> bytes:
        """Read a file."""
        return self.sandbox.read(self.entries[path].content)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the paths."""
        return iter(self.entries)

    def __len__(self) -> int:
        """Count the files."""
        return len(self.entries)


@dataclass
class Sandbox:
    """A temporary bare repository that can read the project's objects."""

    folder: Path
    lender: Path
    """The project's folder, whose git may be able to fetch objects that are missing here."""
    _reader: "subprocess.Popen[bytes] | None" = None
    _read: dict[str, bytes] = field(default_factory=dict)

    def run(
        self, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> bytes:
        """Run git in this repository; naming it works under `safe.bareRepository`, too.

        Raises
        ------
        GitError
            Git fails.
        """
        named = {**self.here, **(variables or {})}
        return run_git(self.folder, *arguments, variables=named, stdin=stdin, plain=True)

    @property
    def here(self) -> dict[str, str]:
        """The environment variable that names this repository to git."""
        return {"GIT_DIR": str(self.folder)}

    def tree_of(self, folder: Path) -> dict[str, Entry]:
        """Return every file below a folder, including ignored ones."""
        index, everything = self.folder / "folder.index", ("--all", "--force", ".")
        own = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(folder)}
        run_git(folder, "add", *everything, variables=self.here | own, plain=True)
        return self.files_of(self.run("write-tree", variables=own).decode().strip())

    def files_of(self, tree: str) -> dict[str, Entry]:
        """Return every file of a tree."""
        lines = self.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")
        files = {}
        for line in filter(None, lines):
            facts, _, path = line.partition(b"\t")
            mode, _, content = facts.decode().split()
            files[path.decode(errors="surrogateescape")] = Entry(mode, content)
        return files

    def read(self, content: str) -> bytes:
        """Return the bytes of a file.

        Raises
        ------
        GitError
            They are missing, as in a partial clone, and cannot be fetched.
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
                env=isolated_environment(**self.here),
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
        """Let the project's git fetch an object that is missing, as in a partial clone."""
        try:
            return run_git(self.lender, "cat-file", "blob", content)
        except GitError as error:
            raise GitError(
                f"git's object {content} is missing in {self.lender}: {error.message}."
                " Restore it (in a partial clone, with network access: git fetch --refetch)"
            ) from error

    def write(self, body: bytes) -> str:
        """Store bytes as a file, and return the name of the object."""
        return self.run("hash-object", "-w", "--stdin", stdin=body).decode().strip()

    def merge(
        self,
        base: Mapping[str, Entry],
        ours: Mapping[str, Entry],
        theirs: Mapping[str, Entry],
        names: tuple[str, str],
    ) -> Merged:
        """Merge what `theirs` changed since `base` into `ours`.

        Renames are not detected: files of a level resemble each other, and an edit must not be
        applied to another file.

        Parameters
        ----------
        base, ours, theirs
            The files of the three sides.
        names
            The labels of `ours` and `theirs` in conflict markers.
        """
        files, unmerged = {}, {}
        for path in sorted(base.keys() | ours.keys() | theirs.keys()):
            old, own, new = base.get(path), ours.get(path), theirs.get(path)
            unedited = self._is_same(old, own)
            decided = self._as_was(new, own) if unedited else own
            if not unedited and new not in (old, own):
                decided, solved = self._merge_file(old, own, new, names)
                if not solved:
                    sides = {BASE: old, OURS: own, THEIRS: new}
                    unmerged[path] = {stage: side for stage, side in sides.items() if side}
            if decided:
                files[path] = decided
        return Merged(files, unmerged)

    def _is_same(self, old: Entry | None, own: Entry | None) -> bool:
        """Tell whether a file is unchanged but for its line endings."""
        if not old or not own or own == old or own.mode != old.mode or own.mode not in FILES:
            return own == old
        return normalize(self.read(own.content)) == normalize(self.read(old.content))

    def _as_was(self, new: Entry | None, own: Entry | None) -> Entry | None:
        """Return the new content with the user's line endings."""
        if not new or not own or new == own or {own.mode, new.mode} - FILES:
            return new
        body, own_body = self.read(new.content), self.read(own.content)
        kept = with_line_endings(body, own_body)
        return new if kept == body else Entry(new.mode, self.write(kept))

    def _merge_file(
        self, old: Entry | None, own: Entry | None, new: Entry | None, names: tuple[str, str]
    ) -> tuple[Entry | None, bool]:
        """Merge a file that both sides changed; return it, and whether there is no conflict.

        Line endings are not compared, and stay as the user has them. Binary files, and files that
        one side removed, are kept as the user has them.
        """
        if not own or not new or {own.mode, new.mode} - FILES:
            return own, False
        mode = own.mode if old and new.mode == old.mode else new.mode
        bodies = [self.read(side.content) if side else b"" for side in (own, old, new)]
        if not all(map(is_text, bodies)):
            return own, False
        mine, before, comes = map(normalize, bodies)
        merged, solved = comes, True
        if mine not in (before, comes):
            merged, solved = self._merge_lines((mine, before, comes), names)
        return Entry(mode, self.write(with_line_endings(merged, bodies[0]))), solved

    def _merge_lines(
        self, bodies: tuple[bytes, bytes, bytes], names: tuple[str, str]
    ) -> tuple[bytes, bool]:
        """Merge lines with `git merge-file`; return them, and whether there is no conflict."""
        sides = [self.folder / f"{side}.side" for side in ("ours", "base", "theirs")]
        for file, body in zip(sides, bodies, strict=True):
            file.write_bytes(body)
        labels = ["-L", names[0], "-L", "before", "-L", names[1]]
        command = ["git", "merge-file", "--stdout", *labels, *map(str, sides)]
        surroundings = isolated_environment(**self.here)
        finished = subprocess.run(command, cwd=self.folder, env=surroundings, capture_output=True)
        if finished.returncode > MOST_CONFLICTS:
            raise GitError(f"git merge-file failed: {reason(finished.stderr)}")
        return finished.stdout, finished.returncode == 0

    def close(self) -> None:
        """End the reading process."""
        if self._reader is not None:
            self._reader.communicate()


@contextmanager
def open_sandbox(project: Path) -> Iterator[Sandbox]:
    """Provide a sandbox for a project, which is removed afterwards."""
    borrowed = project / git(project, "rev-parse", "--git-path", "objects")
    names = git(project, "rev-parse", "--show-object-format")
    with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder:
        sandbox = Sandbox(Path(folder) / "sandbox.git", project)
        made = ("init", "--quiet", "--bare", "--template=", f"--object-format={names}")
        git(Path(folder), *made, sandbox.folder, plain=True)
        (sandbox.folder / "objects/info").mkdir(exist_ok=True)
        quoted = str(borrowed.resolve()).replace("\\", "\\\\").replace('"', '\\"')
        alternates = sandbox.folder / "objects/info/alternates"
        alternates.write_text(f'"{quoted}"\n', encoding="utf-8")
        try:
            yield sandbox
        finally:
            sandbox.close()
