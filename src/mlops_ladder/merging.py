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

from .git import environment, git, run_git

EXECUTABLE = "100755"
SUBMODULE = "160000"
ORDINARY = "100644"
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
    _reader: "subprocess.Popen[bytes] | None" = None
    _read: dict[str, bytes] = field(default_factory=dict)

    def tree_of(self, folder: Path) -> dict[str, Entry]:
        """Every file below the folder, whatever its ignore files say."""
        index = {"GIT_INDEX_FILE": str(self.folder / "folder.index")}
        options: list[str | Path] = ["--git-dir", self.folder, "--work-tree", folder]
        run_git(folder, *options, "add", "--all", "--force", ".", variables=index)
        return self.files_of(git(folder, *options, "write-tree", variables=index))

    def files_of(self, tree: str) -> dict[str, Entry]:
        """Every file of a tree."""
        lines = run_git(self.folder, "ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")
        files = {}
        for line in filter(None, lines):
            facts, _, path = line.partition(b"\t")
            mode, _, content = facts.decode().split()
            files[path.decode(errors="surrogateescape")] = Entry(mode, content)
        return files

    def read(self, content: str) -> bytes:
        """The bytes of a file."""
        if content not in self._read:
            if self._reader is None:
                self._reader = subprocess.Popen(
                    ["git", "cat-file", "--batch"],
                    cwd=self.folder,
                    env=environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            assert self._reader.stdin and self._reader.stdout
            self._reader.stdin.write(f"{content}\n".encode())
            self._reader.stdin.flush()
            size = int(self._reader.stdout.readline().split()[2])
            self._read[content] = self._reader.stdout.read(size)
            self._reader.stdout.read(1)
        return self._read[content]

    def write(self, body: bytes) -> str:
        """Keep bytes as a file's content, and name it."""
        return run_git(self.folder, "hash-object", "-w", "--stdin", stdin=body).decode().strip()

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
            decided = new if own == old else own
            if own not in (old, new) and new != old:
                decided, solved = self._merge_file(old, own, new, names)
                if not solved:
                    sides = {BASE: old, OURS: own, THEIRS: new}
                    disputed[path] = {stage: side for stage, side in sides.items() if side}
            if decided:
                files[path] = decided
        return Merged(files, disputed)

    def _merge_file(
        self, old: Entry | None, own: Entry | None, new: Entry | None, names: tuple[str, str]
    ) -> tuple[Entry | None, bool]:
        """A file that both sides changed, and whether nothing is left to decide.

        Where only one side still has it, or it has no lines, the user's side is kept.
        """
        if not own or not new or {own.mode, new.mode} - {ORDINARY, EXECUTABLE}:
            return own, False
        sides = [self.folder / f"{side}.side" for side in ("ours", "base", "theirs")]
        for file, entry in zip(sides, (own, old, new), strict=True):
            file.write_bytes(self.read(entry.content) if entry else b"")
        labels = ["-L", names[0], "-L", "before", "-L", names[1]]
        command = ["git", "merge-file", "--stdout", *labels, *map(str, sides)]
        finished = subprocess.run(command, cwd=self.folder, env=environment(), capture_output=True)
        if finished.returncode > MOST_CONFLICTS:
            return own, False
        mode = own.mode if old and new.mode == old.mode else new.mode
        return Entry(mode, self.write(finished.stdout)), finished.returncode == 0

    def close(self) -> None:
        """End the process that reads."""
        if self._reader is not None:
            self._reader.communicate()


@contextmanager
def scratch_repository(borrowed: Path) -> Iterator[Scratch]:
    """A scratch repository that sees the objects in the folder `borrowed`, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder:
        scratch = Scratch(Path(folder) / "scratch.git")
        git(Path(folder), "init", "--quiet", "--bare", "--template=", scratch.folder)
        for name, value in {
            "core.autocrlf": "false",
            "core.looseCompression": "1",
            "merge.conflictStyle": "merge",
        }.items():
            git(scratch.folder, "config", name, value)
        (scratch.folder / "objects/info").mkdir(exist_ok=True)
        quoted = str(borrowed.resolve()).replace("\\", "\\\\").replace('"', '\\"')
        alternates = scratch.folder / "objects/info/alternates"
        alternates.write_text(f'"{quoted}"\n', encoding="utf-8")
        try:
            yield scratch
        finally:
            scratch.close()
