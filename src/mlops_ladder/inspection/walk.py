"""Read any folder once: which of its files count, and which are left out and why.

No code of the folder runs, not even git's, whose settings could start programs. Symbolic links
are not followed, so nothing outside the folder is read.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pathspec import GitIgnoreSpec

from ..errors import RefusedError
from ..terminal import escape
from .index import tracked_files

MOST_BYTES = 2_000_000  # of a file that is parsed; larger ones are data or generated
MOST_FILES = 200_000
MOST_DEPTH = 60
VENDORED = {
    *("node_modules", "site-packages", "third_party", "thirdparty", "vendor", "vendored"),
    *(".venv", "venv", ".tox", ".nox", "__pypackages__", ".eggs", "bower_components"),
}
CACHES = {".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
IGNORED = "git-ignored"
TEMPLATE_NAME = re.compile(r"\{\{|\{%|\.(j2|jinja|jinja2|tmpl|tpl)$")
GENERATED_NAME = re.compile(r"(_pb2(_grpc)?\.pyi?|\.min\.js|\.generated\.\w+)$")
READ = re.compile(
    r"""(?ix) (
        [^/]+ \. (py|ipynb|ya?ml|toml|cfg|ini|json|sh|bash|mk|tf|hcl|tfvars|r|rmd|jl|lock|txt|md|rst
                  |sql|just|smk|conf|pbtxt|groovy|bicep|dvc|ps1|bat|service|timer)
        | makefile | gnumakefile | justfile | mlproject | jenkinsfile[^/]* | procfile | snakefile
        | [^/]*dockerfile[^/]* | containerfile | pipfile | codeowners | crontab | config
        | description
        | \.gitignore | \.gitattributes
    )"""
)


@dataclass
class DiskTree(Mapping[str, bytes]):
    """The files of a folder by path; the content of each is read when it is needed."""

    root: Path
    sizes: dict[str, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    """How many files or folders were left out, by reason."""
    notes: list[str] = field(default_factory=list)

    @cached_property
    def tracked(self) -> frozenset[str]:
        """The files that git keeps, and the folders that they are in, which end with `/`."""
        files = tracked_files(self.root)
        folders = {path[: place + 1] for path in files for place in slashes(path)}
        return files | folders

    def __getitem__(self, path: str) -> bytes:
        """Return a file's content; nothing if it is of no kind that is read, too large or gone."""
        size = self.sizes[path]
        if size > MOST_BYTES or not READ.fullmatch(path.rpartition("/")[2]):
            return b""
        try:
            descriptor = os.open(self.root / path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            with open(descriptor, "rb") as file:
                return file.read(MOST_BYTES)
        except OSError as error:
            self.notes.append(f"{path} cannot be read: {error.strerror}")
            return b""

    def __iter__(self) -> Iterator[str]:
        """Yield the paths."""
        return iter(self.sizes)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.sizes)


def read_folder(root: Path) -> DiskTree:
    """List the files of a folder that count.

    Raises
    ------
    RefusedError
        The path is no folder, or may not be read.
    """
    tree = DiskTree(root)
    name = escape(str(root))
    try:
        if not root.is_dir():
            kind = "is a file" if root.exists() else "does not exist"
            raise RefusedError(f"{name} {kind}: name the folder of a repository")
        with os.scandir(root):
            pass
    except OSError as error:
        raise RefusedError(f"{name} cannot be read: {error.strerror}") from error
    collect(tree, "", [], 0)
    return tree


def collect(
    tree: DiskTree, folder: str, ignored: list[tuple[str, GitIgnoreSpec]], depth: int
) -> None:
    """Add a folder's files to the tree, with those of the folders below it."""
    if depth > MOST_DEPTH:
        tree.left_out["nested too deep"] += 1
        return
    try:
        with os.scandir(tree.root / folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        tree.notes.append(f"{folder or '.'} cannot be read: {error.strerror}")
        return
    if folder and any(entry.name == "pyvenv.cfg" for entry in entries):
        tree.left_out["vendored folders"] += 1
        return
    if any(
        entry.name == ".gitignore" and entry.is_file(follow_symlinks=False) for entry in entries
    ):
        ignored = [*ignored, (folder, ignore_rules(tree, folder))]
    for entry in entries:
        path = f"{folder}{entry.name}"
        if len(tree.sizes) >= MOST_FILES:
            tree.left_out[f"beyond the first {MOST_FILES:,} files"] += 1
            return
        add(tree, entry, path, ignored, depth)


def add(
    tree: DiskTree,
    entry: os.DirEntry[str],
    path: str,
    ignored: list[tuple[str, GitIgnoreSpec]],
    depth: int,
) -> None:
    """Add a file or a folder to the tree, or count why it is left out."""
    try:
        if entry.is_symlink():
            tree.left_out["symbolic links"] += 1
        elif entry.is_dir(follow_symlinks=False):
            if entry.name in CACHES:
                return
            reason = why_no_folder(entry, path, ignored)
            if reason and not (reason == IGNORED and f"{path}/" in tree.tracked):
                tree.left_out[reason] += 1
            else:
                collect(tree, f"{path}/", ignored, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            reason = why_no_file(entry.name, path, ignored)
            if reason and not (reason == IGNORED and path in tree.tracked):
                tree.left_out[reason] += 1
            else:
                tree.sizes[path] = entry.stat(follow_symlinks=False).st_size
    except OSError as error:
        tree.notes.append(f"{path} cannot be read: {error.strerror}")


def slashes(path: str) -> Iterator[int]:
    """Yield the places of the slashes in a path."""
    return (place for place, sign in enumerate(path) if sign == "/")


def why_no_folder(
    entry: os.DirEntry[str], path: str, ignored: list[tuple[str, GitIgnoreSpec]]
) -> str | None:
    """Return why a folder is left out; None if it counts."""
    if entry.name.lower() in VENDORED:
        return "vendored folders"
    if TEMPLATE_NAME.search(entry.name):
        return "template folders"
    return IGNORED if is_ignored(f"{path}/", ignored) else None


def why_no_file(name: str, path: str, ignored: list[tuple[str, GitIgnoreSpec]]) -> str | None:
    """Return why a file is left out; None if it counts."""
    if TEMPLATE_NAME.search(name):
        return "template files"
    if GENERATED_NAME.search(name):
        return "generated files"
    return IGNORED if is_ignored(path, ignored) else None


def is_ignored(path: str, ignored: list[tuple[str, GitIgnoreSpec]]) -> bool:
    """Tell whether the rules of the nearest .gitignore that speaks of a path leave it out."""
    for folder, rules in reversed(ignored):
        said = rules.check_file(path.removeprefix(folder)).include
        if said is not None:
            return said
    return False


def ignore_rules(tree: DiskTree, folder: str) -> GitIgnoreSpec:
    """Return the rules of a folder's .gitignore; none if it cannot be read."""
    try:
        text = (tree.root / folder / ".gitignore").read_bytes()[:MOST_BYTES]
        return GitIgnoreSpec.from_lines(text.decode("utf-8", "replace").splitlines())
    except (OSError, ValueError) as error:
        tree.notes.append(f"{folder}.gitignore cannot be read: {error}")
        return GitIgnoreSpec.from_lines([])
