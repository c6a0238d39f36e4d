"""The files of an adoption: added, withheld, and proposed for the repository's own files."""

import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..errors import RefusedError
from ..git import git, run_git
from ..migration import pyproject as dependencies
from ..migration.line_endings import normalize, with_line_endings
from ..migration.manifest import EXAMPLE_DATA, FILE, OF_EXAMPLE, PYPROJECT, Manifest
from ..migration.merge import ORDINARY, Contents, Entry, Sandbox
from ..migration.pyproject import NoPlaceError, with_new_requirements, with_settings
from ..project import ANSWERS_FILE, Project
from ..source.location import Template
from ..source.render import Rendering, check_level, render
from .commit import difference
from .layout import TABLES, Layout

WORKFLOWS = ".github/workflows/"
OWN_TESTS = "tests/ladder"
TASKS = "ladder.mk"
BESIDE = "docs/ladder"
THEIRS_ALONE = {
    *(".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "notebook.ipynb", PYPROJECT),
    *OF_EXAMPLE,
}

GUARD = '''\
"""Tests of the level, run by `make test-level` only.

A plain `pytest` skips them: they need what `make setup` installs, and pytest has to import them by
path, which other tests here may not expect.
"""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Ignore this folder unless it, or something in it, was named."""
    named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path == HERE or HERE in path.parents for path in named) else True
'''
IGNORE = '''\
"""Keep pytest from collecting the level's package, some of whose modules look like tests."""

collect_ignore = ["{package}"]
'''
TEST_LEVEL = f"""\
test: test-level

test-level: ## Run the tests of the ladder's level
	$(RUN) pytest -o addopts= --import-mode=importlib {OWN_TESTS}

.PHONY: test-level
"""
FIND_SOURCES = """\
# The package is not installed, because the packaging files were here before.
export PYTHONPATH := src$(if $(PYTHONPATH),:$(PYTHONPATH))
"""
HAND_ON = f"""
# Targets that this file does not define: make -f {TASKS} help
%: hand-on
	@$(MAKE) --no-print-directory -f {TASKS} $@
hand-on: ;
$(MAKEFILE_LIST): ;
.PHONY: hand-on
"""


@dataclass(frozen=True)
class Adoption:
    """The files that a branch adds to a repository, and those that it proposes."""

    layout: Layout
    rendering: Rendering
    manifest: Manifest
    added: dict[str, Entry]
    withheld: dict[str, str]
    """Files of the level that do not arrive, each with the reason."""
    proposed: dict[str, str]
    """Files that the patch would change or bring, each with what it does there."""
    remarks: list[str]
    patched: set[str]
    patch: bytes


def propose(
    layout: Layout,
    theirs: Contents,
    level: Rendering,
    highest: Rendering,
    sandbox: Sandbox,
    project: Project,
) -> Adoption:
    """Decide what is added beside the repository's files, and what is proposed for them.

    Raises
    ------
    RefusedError
        The place of the package, or of what remembers the adoption, is taken.
    """
    level_tree, highest_tree = sandbox.tree_of(level.folder), sandbox.tree_of(highest.folder)
    manifest = make_manifest(layout, project.root, [*level_tree, *highest_tree])
    files = manifest.fit(sandbox, level_tree)
    package = str(level.answers["package_name"])
    check_package(layout, package)
    check_places(layout, files)
    withheld = withhold(layout, manifest, sandbox, files)
    texts = {path: sandbox.read(entry.content) for path, entry in files.items()}
    edited, remarks = fit(layout, manifest, texts)
    brought = {
        path: files[path] if body == texts[path] else Entry(files[path].mode, sandbox.write(body))
        for path, body in edited.items()
    }
    added = {p: e for p, e in brought.items() if p not in withheld and p not in manifest.kept}
    for path, text in adoption_files(layout, manifest, package, withheld).items():
        added[path] = Entry(ORDINARY, sandbox.write(text))
    wanted, proposed = proposals(layout, manifest, brought, withheld, sandbox)
    before = {**theirs.entries, **added}
    patch = difference(sandbox, project.prefix, before, {**before, **wanted}) if wanted else b""
    return Adoption(
        layout=layout,
        rendering=level,
        manifest=manifest,
        added=added,
        withheld=withheld,
        proposed=proposed,
        remarks=remarks,
        patched=set(wanted),
        patch=patch,
    )


def make_manifest(layout: Layout, root: Path, template: Iterable[str]) -> Manifest:
    """Decide which files stay the repository's own, at this level and those above."""
    paths = set(template)
    moved = {}
    if layout.makefile:
        moved["Makefile"] = free(TASKS, layout.paths)
    if layout.tests or any(path.startswith("tests/") for path in layout.tree):
        moved["tests"] = f"{OWN_TESTS}/level"
    for path in sorted(paths & set(layout.workflows)):
        moved[path] = f"{WORKFLOWS}ladder-{path.removeprefix(WORKFLOWS)}"
    placed = {path: Manifest(moved=moved).place(path) for path in paths}
    blocked = blocked_in(layout.paths, placed.values())
    for path, place in sorted(placed.items()):
        if place in blocked - THEIRS_ALONE:
            moved[path] = free(f"{BESIDE}/{path}", layout.paths)
    kept = blocked & THEIRS_ALONE
    if layout.named_like("README.md"):
        kept.add("README.md")
    if layout.licence_file:
        kept.add("LICENSE")
    if layout.is_packaged_by_setup:
        kept.add(PYPROJECT)
    if has_own_tables(layout, root):
        kept |= OF_EXAMPLE
    exempt = sorted(set(exempted(layout)))
    return Manifest(sorted(kept), moved, exempt)


def blocked_in(taken: Iterable[str], paths: Iterable[str]) -> set[str]:
    """Return the paths that are taken: by name in any case, or by a parent or child."""
    files = {path.casefold() for path in taken}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    return {
        path
        for path in paths
        if path.casefold() in files | folders
        or any(str(parent) in files for parent in PurePosixPath(path.casefold()).parents)
    }


def exempted(layout: Layout) -> Iterable[str]:
    """Yield the repository's own code: top-level folders, or files where a folder has both."""
    for path in layout.code:
        parts = path.split("/")
        depth = {"src": 2, "tests": len(parts), "data": len(parts), "make": len(parts)}
        yield "/".join(parts[: depth.get(parts[0], 1)])


def free(path: str, taken: Iterable[str]) -> str:
    """Return the path, or a similar one that is not taken."""
    name = PurePosixPath(path)
    tried = [path, *(str(name.with_stem(f"{name.stem}-{number}")) for number in range(2, 100))]
    return next(candidate for candidate in tried if not blocked_in(taken, [candidate]))


def check_package(layout: Layout, package: str) -> None:
    """Check that the level's package does not have the name of the repository's code.

    Raises
    ------
    RefusedError
        It would.
    """
    if package in layout.importable:
        raise RefusedError(
            f"the name {package} is already used by code in this repository. Choose another for the"
            f" level's package: --data package_name={package[:24]}_model"
        )


def check_places(layout: Layout, files: Iterable[str]) -> None:
    """Check that fixed paths are not taken.

    Raises
    ------
    RefusedError
        There is none.
    """
    for path in (FILE, ANSWERS_FILE, *(path for path in files if path.startswith("src/"))):
        if blocked_in(layout.paths, [path]):
            raise RefusedError(
                f"{path} exists, but the level needs that path. Move yours, commit, and run the"
                " command again"
            )


def withhold(
    layout: Layout,
    manifest: Manifest,
    sandbox: Sandbox,
    files: Mapping[str, Entry],
) -> dict[str, str]:
    """Find files that would break the repository, or would not work in it, with the reasons."""
    withheld = {}
    for path in files:
        folder = path.removesuffix(".gitignore")
        inside = [p for p in layout.tree if p.startswith(folder)] if folder != path else []
        if inside and ignores(layout.tree, path, sandbox.read(files[path].content)):
            withheld[path] = "its rules would ignore files that you have in git"
    if layout.is_packaged_by_setup and PYPROJECT not in layout.tree:
        withheld[PYPROJECT] = "it would override the metadata in setup.py or setup.cfg"
    waits = PYPROJECT in {*manifest.kept, *withheld}
    for path in files:
        if path.startswith(WORKFLOWS) and "release" in path and releases(layout):
            withheld[path] = "your workflows already make releases"
        elif path.startswith(WORKFLOWS) and waits:
            withheld[path] = "it needs the pyproject.toml of the patch"
    return {
        path: withheld[path] for path in withheld if path == PYPROJECT or path not in manifest.kept
    }


def ignores(tree: Iterable[str], path: str, lines: bytes) -> bool:
    """Tell whether ignore rules would match files that are in git."""
    with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder:
        rules = Path(folder) / path
        rules.parent.mkdir(parents=True, exist_ok=True)
        rules.write_bytes(lines)
        git(Path(folder), "init", "--quiet", plain=True)
        names = "\0".join(tree).encode(errors="surrogateescape")
        command = ("check-ignore", "--no-index", "-z", "--stdin")
        return bool(run_git(Path(folder), *command, stdin=names, passing=(0, 1), plain=True))


def releases(layout: Layout) -> bool:
    """Tell whether a workflow of the repository runs on tags or releases."""
    starts = re.compile(r"^\s*(tags|release):", re.MULTILINE)
    return any(starts.search(layout.text(path)) for path in layout.workflows)


def has_own_tables(layout: Layout, root: Path) -> bool:
    """Tell whether the example would read the repository's data files, ignored ones included."""
    known = (Path(path) for path in layout.tree if Path(path).parent == Path("data"))
    return any(path.suffix in TABLES for path in (*known, *(root / "data").glob("*")))


def fit(
    layout: Layout, manifest: Manifest, files: Mapping[str, bytes]
) -> tuple[dict[str, bytes], list[str]]:
    """Adapt the level's files to the repository, and list remarks."""
    edited, remarks = dict(files), []
    if manifest.has_tables:
        remarks.append(
            f"data/ has tables of yours, so the example looks for data in {EXAMPLE_DATA}/ and"
            " generates synthetic data without any"
        )
    if tools := [tool for tool in ("ruff", "mypy") if layout.configures(tool)]:
        remarks.append(
            f"{' and '.join(tools)}: your settings apply to the level's code, too, so make lint and"
            " make types may report errors in it"
        )
    if PYPROJECT in files and PYPROJECT not in layout.tree:
        text, left_out = with_own_metadata(files[PYPROJECT].decode(), layout)
        edited[PYPROJECT] = text.encode()
        remarks += left_out
    return edited, remarks


def with_own_metadata(pyproject: str, layout: Layout) -> tuple[str, list[str]]:
    """Put the repository's README, licence and requirements into the level's pyproject.toml."""
    readme, licence = layout.named_like("README.md"), layout.licence_file
    if readme:
        pyproject = pyproject.replace('readme = "README.md"', f'readme = "{readme}"')
    if licence:
        pyproject = pyproject.replace('files = ["LICENSE"]', f'files = ["{licence}"]')
    file = "requirements.txt"
    wanted, remarks = requirements(layout.text(file), pyproject)
    if wanted:
        lines = "".join(f"    {toml_string(entry)},\n" for entry in wanted)
        group = f"[dependency-groups]\nadopted = [ # as in {file}\n{lines}]\n"
        pyproject = pyproject.replace("[dependency-groups]\n", group)
    return pyproject, [f"{file}: {remark}" for remark in remarks]


def toml_string(text: str) -> str:
    """Quote a string for TOML."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def requirements(listed: str, pyproject: str) -> tuple[list[str], list[str]]:
    """Return the repository's requirements that fit the level's, and remarks about others."""
    every = dependencies.requirements(tomllib.loads(pyproject))
    listings = [entry for _, entries in every for entry in map(Requirement, entries)]
    ours = {canonicalize_name(entry.name): entry for entry in listings}
    wanted, remarks = [], []
    for line in listed.splitlines():
        text = line.partition(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        try:
            entry = Requirement(text)
        except InvalidRequirement:
            remarks.append(f"{text!r} is not carried over; add it to pyproject.toml by hand")
            continue
        level = ours.get(canonicalize_name(entry.name))
        pins = [part.version for part in entry.specifier if part.operator == "=="]
        if level and any(not level.specifier.contains(pin.rstrip(".*")) for pin in pins):
            remarks.append(f"{text} is not carried over: the level needs {level}")
        else:
            wanted.append(text)
    return wanted, remarks


def adoption_files(
    layout: Layout, manifest: Manifest, package: str, withheld: Mapping[str, str]
) -> dict[str, bytes]:
    """Return the files that only an adopted repository needs."""
    found = {FILE: manifest.text()}
    tasks = ""
    if PYPROJECT in {*manifest.kept, *withheld}:
        tasks += FIND_SOURCES
    if "tests" in manifest.moved:
        found[f"{OWN_TESTS}/conftest.py"] = GUARD.encode()
        if "src/conftest.py" not in layout.tree:
            found["src/conftest.py"] = IGNORE.format(package=package).encode()
        tasks += ("\n" if tasks else "") + TEST_LEVEL
    if tasks:
        found["make/adopted.mk"] = tasks.encode()
    return found


def proposals(
    layout: Layout,
    manifest: Manifest,
    files: Mapping[str, Entry],
    withheld: Mapping[str, str],
    sandbox: Sandbox,
) -> tuple[dict[str, Entry], dict[str, str]]:
    """Return proposed versions of the repository's files and withheld files, with explanations."""
    wanted: dict[str, Entry] = {}
    said: dict[str, str] = {}
    tree = layout.tree

    def add(path: str, text: str, what: str) -> None:
        """Add a proposed text."""
        mode = tree.entries[path].mode if isinstance(tree, Contents) else ORDINARY
        body = normalize(text.encode("utf-8", "surrogateescape"))
        wanted[path] = Entry(mode, sandbox.write(with_line_endings(body, tree[path])))
        said[path] = what

    if PYPROJECT in manifest.kept and PYPROJECT in tree and PYPROJECT in files:
        rendered = sandbox.read(files[PYPROJECT].content).decode()
        try:
            tools = [tool for tool in ("ruff", "mypy") if not layout.configures(tool)]
            text = with_settings(layout.text(PYPROJECT), rendered, tools)
            text = with_new_requirements(text, "", rendered)
            add(PYPROJECT, text, "the packages of the level, in groups of their own")
        except NoPlaceError as error:
            said[PYPROJECT] = f"nothing that a program could add: {error}"
    if layout.makefile and "Makefile" in manifest.moved:
        text = with_final_newline(layout.text(layout.makefile)) + delegate(
            manifest.moved["Makefile"]
        )
        add(layout.makefile, text, "tasks that it does not know go on to the ladder's")
    if ".gitignore" in manifest.kept and ".gitignore" in tree and ".gitignore" in files:
        there = layout.text(".gitignore")
        lines = sandbox.read(files[".gitignore"].content).decode().splitlines()
        missing = [
            line
            for line in lines
            if not is_ignored(line, there) and not ignores(tree, ".gitignore", line.encode())
        ]
        text = with_final_newline(there) + "".join(f"{line}\n" for line in missing)
        if missing:
            add(".gitignore", text, "what the level writes stays out of git")
    waiting = [path for path in withheld if path.startswith(WORKFLOWS) or path == PYPROJECT]
    for path in waiting:
        if not (releases(layout) and "release" in path):
            wanted[path] = files[path]
            said[path] = withheld[path]
    return wanted, said


def delegate(tasks: str) -> str:
    """Return the make rule that passes unknown targets on to the level's make file."""
    return HAND_ON.replace(TASKS, tasks)


def is_ignored(line: str, there: str) -> bool:
    """Tell whether an ignore file has the line, with or without slashes."""
    return line.strip("/") in {known.strip().strip("/") for known in there.splitlines()}


def with_final_newline(text: str) -> str:
    """Return the text with a line feed at its end."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def untracked(root: Path, added: Iterable[str]) -> list[str]:
    """List untracked files where files of the branch will be."""
    return sorted(path for path in added if os.path.lexists(root / path))


def renderings(
    source: Template,
    folder: Path,
    given: Mapping[str, Any],
    proposed: Mapping[str, Any],
    ask: bool,
) -> tuple[Rendering, Rendering]:
    """Render the level to adopt, and the highest level, which has every file that may come."""
    now = render(source, folder / "level", given, defaults=proposed, ask=ask)
    now.check_names(given)
    check_level(now.answers["level"], now)
    known = {name: value for name, value in now.answers.items() if not name.startswith("_")}
    return now, render(source, folder / "highest", {**known, "level": max(now.ladder)})
