"""The manifest of an adopted repository: which files are its own, for every later migration.

The template is rendered as for any project. Files with names of the repository's own are then left
out, and folders whose names are taken are moved.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from ..errors import RefusedError
from .merge import Contents, Entry, Sandbox

FILE = ".mlops-ladder.yml"
PYPROJECT = "pyproject.toml"
EXAMPLE_DATA = "data/taxi_rides"
OF_EXAMPLE = {"data/.gitignore", "data/download.py"}
PIPELINES = (".github/workflows/", ".gitlab/ci/", "jenkins/")
CALL = re.compile(rb"( run: | - |sh '|&& )make ")  # of a workflow's step, a job's and a stage's
SHOWN = 8  # lines of a file that stays theirs
HEADING = """\
# This repository was there before the ladder. Climbs and upgrades read here what they leave alone:
#   kept    files that are yours alone, although a level has them, too; pyproject.toml only gains
#   moved   where the template's files stand instead, because the place was taken
#   exempt  your code, which the settings for ruff and mypy pass by; take lines away to check it
"""


@dataclass(frozen=True)
class Manifest:
    """The files of an adopted repository that are its own; empty in a generated project."""

    kept: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    exempt: list[str] = field(default_factory=list)

    def place(self, path: str) -> str:
        """Return the path that a file of the template has in this repository."""
        for source, goal in self.moved.items():
            if path == source or path.startswith(f"{source}/"):
                return goal + path.removeprefix(source)
        return path

    def fit(self, sandbox: Sandbox, files: Mapping[str, Entry]) -> dict[str, Entry]:
        """Adapt a rendering to this repository."""
        placed = {self.place(path): entry for path, entry in files.items()}
        for path, entry in placed.items() if self != Manifest() else ():
            body = sandbox.read(entry.content)
            if (fitted := self.fit_text(path, body, placed)) != body:
                placed[path] = Entry(entry.mode, sandbox.write(fitted))
        return placed

    def fit_text(self, path: str, body: bytes, placed: Iterable[str]) -> bytes:
        """Adapt a file's references to moved files and excluded code."""
        tasks = self.moved.get("Makefile")
        if tasks and path.startswith(PIPELINES):
            return CALL.sub(rb"\1make -f " + tasks.encode() + b" ", body)
        if self.has_tables and path.endswith(("/problem.py", "notebook.ipynb")):
            return re.sub(rb'(DATA = Path\(\\?")data', rb"\1" + EXAMPLE_DATA.encode(), body)
        if path == PYPROJECT and (self.exempt or "tests" in self.moved):
            return self.fit_settings(body.decode(), placed).encode()
        return body

    @property
    def has_tables(self) -> bool:
        """True if `data/` holds the repository's own tables, which the example must not read."""
        return set(self.kept) >= OF_EXAMPLE

    def fit_settings(self, pyproject: str, placed: Iterable[str]) -> str:
        """Adapt tool settings so that the repository's own tests and code are not affected."""
        import tomlkit  # as below: a step of a project that was not adopted does not wait for it

        document = tomlkit.parse(pyproject)
        tool = document.get("tool", {})
        if "tests" in self.moved:
            tool.pop("pytest", None)
        if self.exempt and "ruff" in tool:
            excluded = tomlkit.array().multiline(True)
            excluded.extend(self.exempt)
            tool["ruff"]["extend-exclude"] = excluded
            tool["ruff"]["force-exclude"] = True
        if self.exempt and "mypy" in tool:
            tool["mypy"]["files"] = sorted(
                {part for path in placed if path not in self.kept and (part := self.checked(path))}
            )
        return tomlkit.dumps(document)

    def checked(self, path: str) -> str | None:
        """Return the folder or file in which mypy checks a file; None if it is not checked."""
        parts = path.split("/")
        depths = {"src": 2, "make": 1, "data": 2, "tests": 3 if "tests" in self.moved else 1}
        if not path.endswith(".py") or parts[0] not in depths:
            return None
        return "/".join(parts[: depths[parts[0]]])

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
        kept, moved, exempt = (told.get(name) for name in ("kept", "moved", "exempt"))
        return Manifest(
            [str(path) for path in kept or []],
            {str(source): str(goal) for source, goal in (moved or {}).items()},
            [str(path) for path in exempt or []],
        )
    except FileNotFoundError:
        return Manifest()
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise RefusedError(
            f"{root / FILE} cannot be read: {error}. To see older versions: git log -- {FILE}"
        ) from error


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
