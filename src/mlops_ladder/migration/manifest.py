"""The manifest of an adopted repository: which files are its own, for every later migration.

The template is rendered as for any project. Files with names of the repository's own are then left
out, and folders whose names are taken are moved.
"""

from collections.abc import Iterable, MutableMapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from ..errors import RefusedError
from .merge import Contents, Entry
from .pieces import EXAMPLE, PIECES

FILE = ".mlops-ladder.yml"
PYPROJECT = "pyproject.toml"
SHOWN = 8  # lines of a file that stays theirs
HEADING = """\
# This repository was there before the ladder. Climbs and upgrades read here what they leave alone:
#   kept    files that are yours alone, although a level has them, too; pyproject.toml only gains
#   moved   where the template's files stand instead, because the place was taken
#   exempt  your code, which the settings for ruff and mypy pass by; take lines away to check it
#   without pieces of the template that were left out
#   package how the ladder's modules are imported; branch, pythons: what CI runs on
"""


@dataclass(frozen=True)
class Manifest:
    """The files of an adopted repository that are its own; empty in a generated project."""

    kept: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    exempt: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    """Pieces that are left out, by name."""
    package: str = ""
    """How the ladder's modules are imported, where they live in the repository's own package."""
    branch: str = ""
    """The branch whose pushes CI checks, if it is not `main`."""
    pythons: list[str] = field(default_factory=list)
    """The first and last Python that the repository allows, where that is not every one."""

    def place(self, path: str) -> str:
        """Return the path that a file of the template has in this repository."""
        for source, goal in self.moved.items():
            if path == source or path.startswith(f"{source}/"):
                return goal + path.removeprefix(source)
        return path

    @property
    def has_example(self) -> bool:
        """True if the repository has the template's example, as a generated project has."""
        return EXAMPLE not in self.without

    @property
    def is_early(self) -> bool:
        """True if the repository was adopted when an adoption still brought the example."""
        return self != Manifest() and self.has_example

    @property
    def package_folder(self) -> str:
        """The folder of the ladder's modules, where it is not the template's; else empty."""
        return next((goal for source, goal in self.moved.items() if source[:4] == "src/"), "")

    @property
    def package_name(self) -> str:
        """The name that the template has for the package that was moved; else empty."""
        return next((source[4:] for source in self.moved if source[:4] == "src/"), "")

    @property
    def package_base(self) -> str:
        """The folder from which the ladder's modules are imported."""
        parts = self.package_folder.split("/")[: -len(self.package.split("."))]
        return "/".join(parts) or "."

    def text(self) -> bytes:
        """Return the content of the manifest file."""
        told = {name: value for name, value in asdict(self).items() if value}
        return (HEADING + yaml.safe_dump(told, sort_keys=False)).encode()


def read_manifest(root: Path) -> Manifest:
    """Read the manifest of a project.

    Raises
    ------
    RefusedError
        The file that says it cannot be read.
    """
    try:
        told = yaml.safe_load((root / FILE).read_text(encoding="utf-8")) or {}
        manifest = Manifest(
            kept=texts(told.get("kept")),
            moved={str(source): str(goal) for source, goal in (told.get("moved") or {}).items()},
            exempt=texts(told.get("exempt")),
            without=texts(told.get("without")),
            package=str(told.get("package") or ""),
            branch=str(told.get("branch") or ""),
            pythons=texts(told.get("pythons")),
        )
    except FileNotFoundError:
        return Manifest()
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise RefusedError(
            f"{root / FILE} cannot be read: {error}. To see older versions: git log -- {FILE}"
        ) from error
    known = [*PIECES, EXAMPLE]
    if unknown := [name for name in manifest.without if name not in known]:
        raise RefusedError(
            f"{root / FILE}: without: there is no piece {unknown[0]}; they are {', '.join(known)}"
        )
    return manifest


def texts(entries: Iterable[object] | None) -> list[str]:
    """Return the entries of a list as text; none if there is no list."""
    return [str(entry) for entry in entries or []]


def check_pieces(without: list[str], level: int, where: str) -> None:
    """Check that no piece is left out that the level imports.

    Raises
    ------
    RefusedError
        One is.
    """
    for name in without:
        piece = PIECES.get(name)
        if piece and piece.needed_from is not None and level >= piece.needed_from:
            raise RefusedError(
                f"{where}: level {piece.needed_from} and those above import the piece {name}, so it"
                " cannot be left out there"
            )


def exclude_kept(
    manifest: Manifest,
    ours: Contents,
    base: MutableMapping[str, Entry],
    theirs: MutableMapping[str, Entry],
) -> list[str]:
    """Exclude the repository's own files from the merge; pyproject.toml only gains requirements.

    Returns
    -------
    What a level or a version would have changed there, for a person to take over.
    """
    if not manifest.kept:
        return []
    from .pyproject import NoPlaceError, with_new_requirements

    notes = []
    for path in manifest.kept:
        was, comes = base.pop(path, None), theirs.pop(path, None)
        if comes is None or comes == was:
            continue
        old, new = (ours.sandbox.read(side.content) if side else b"" for side in (was, comes))
        if path == PYPROJECT and path in ours:
            mine = ours.entries[path]
            try:
                text = with_new_requirements(ours[path].decode(), old.decode(), new.decode())
            except (NoPlaceError, UnicodeDecodeError) as error:
                notes.append(f"{path} was not changed: {error}")
            else:
                base[path] = mine
                theirs[path] = Entry(mine.mode, ours.sandbox.write(text.encode()))
        else:
            state = "was kept as yours" if path in ours else "does not exist"
            notes.append(f"{path} {state}. The template's version adds: {lines_in(new, old)}")
    return notes


def lines_in(new: bytes, old: bytes) -> str:
    """Return the added lines in one line, shortened."""
    known = set(old.splitlines())
    lines = [line for line in new.splitlines() if line.strip() and line not in known]
    shown = " | ".join(line.decode("utf-8", "replace").strip() for line in lines[:SHOWN])
    return shown + (f" and {len(lines) - SHOWN} lines more" if len(lines) > SHOWN else "")
