"""The files of an adoption: added, withheld, and proposed for the repository's own files."""

import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..errors import RefusedError
from ..git import git, run_git, succeeds
from ..migration import pyproject as dependencies
from ..migration.fitting import MYPY, RUFF, fit
from ..migration.line_endings import normalize, with_line_endings
from ..migration.manifest import FILE, PYPROJECT, Manifest
from ..migration.merge import ORDINARY, Contents, Entry, Sandbox
from ..migration.pieces import EXAMPLE, counted, is_left_out
from ..migration.pyproject import NoPlaceError, with_new_requirements, with_own_requirements
from ..project import ANSWERS_FILE, Project
from ..source.location import Template
from ..source.render import Rendering, check_level, render
from .answers import slug
from .commit import difference
from .layout import Layout, import_name
from .needs import Needs
from .own_problem import OwnProblem, insert
from .requirements import fitted, is_outdated, read_needs

WORKFLOWS = ".github/workflows/"
OWN_TESTS = "tests/ladder"
TASKS = "ladder.mk"
BESIDE = "docs/ladder"
NOTEBOOK = "notebook.ipynb"
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
THEIRS_ALONE = {".gitignore", "CHANGELOG.md", "LICENSE", "README.md", NOTEBOOK, PYPROJECT}

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
TEST_LEVEL = f"""\
test: test-level

test-level: ## Run the tests of the ladder's level
	$(RUN) pytest -o addopts= --import-mode=importlib {OWN_TESTS}

.PHONY: test-level
"""
FIND_SOURCES = """\
# Where the code is imported from, whether or not it is installed.
export PYTHONPATH := {sources}$(if $(PYTHONPATH),:$(PYTHONPATH))
"""
INSTALL_OWN = """\
# uv installs no package that pyproject.toml does not define, so it is installed as pip does.
setup::
	@$(uv) pip install --quiet --no-deps --editable . || \\
		echo 'note: your package was not installed (above), so it is imported from its folder' >&2
"""
MISSING = """\
# What could not be taken over. Do what the sentence says; then delete these lines.
define MISSING
{sentence}
endef
ifneq ($(filter setup,$(MAKECMDGOALS)),)
$(error $(MISSING))
endif
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
class Wishes:
    """What the owner asked for."""

    without: tuple[str, ...] = ()
    """Pieces to leave out."""
    own_package: bool = True
    """Whether the level's modules may live in the repository's package."""
    problem: OwnProblem | None = None
    """The problem about the owner's data."""


@dataclass(frozen=True)
class Adoption:
    """The files that a branch adds to a repository, and those that it proposes."""

    layout: Layout
    rendering: Rendering
    manifest: Manifest
    added: dict[str, Entry]
    """Files of the branch that are new, and the pyproject.toml that gains."""
    pieces: dict[str, int]
    """How many files each piece has, by its name."""
    withheld: dict[str, str]
    """Files of the level that do not arrive, each with the reason."""
    proposed: dict[str, str]
    """Files that the patch would change or bring, each with what it does there."""
    remarks: list[str]
    missing: list[str]
    """What could not be taken over; `make setup` fails with it."""
    patched: set[str]
    patch: bytes

    @property
    def changed(self) -> list[str]:
        """The repository's files that the branch changes."""
        return sorted(self.added.keys() & self.layout.tree.keys())


def propose(
    layout: Layout,
    theirs: Contents,
    level: Rendering,
    highest: Rendering,
    sandbox: Sandbox,
    project: Project,
    wishes: Wishes,
) -> Adoption:
    """Decide what is added beside the repository's files, and what is proposed for them.

    Raises
    ------
    RefusedError
        The place of the package, or of what remembers the adoption, is taken.
    """
    level_tree, highest_tree = sandbox.tree_of(level.folder), sandbox.tree_of(highest.folder)
    package = str(level.answers["package_name"])
    needs = read_needs(layout)
    everything = sandbox.read(highest_tree[PYPROJECT].content).decode()
    needs = fitted(needs, level_requirements(everything))
    manifest = make_manifest(
        layout, project.root, [*level_tree, *highest_tree], package, wishes, needs.python
    )
    files = fit(manifest, sandbox, level_tree)
    if not manifest.package:
        check_package(layout, package)
    check_places(layout, manifest, files)
    withheld = withhold(layout, manifest, sandbox, files)
    added = {p: e for p, e in files.items() if p not in withheld and p not in manifest.kept}
    remarks = [*remarks_on(layout, manifest), *needs.notes]
    missing = [*needs.missing, *unusable(layout)]
    if PYPROJECT in level_tree:
        pyproject = sandbox.read(files[PYPROJECT].content).decode()
        try:
            text = extended(layout, manifest, pyproject, needs)
            added[PYPROJECT] = written(layout, sandbox, PYPROJECT, text)
        except NoPlaceError as error:
            missing.append(f"{PYPROJECT}: nothing was added: {error}")
    for path, body in adoption_files(layout, manifest, missing).items():
        added[path] = Entry(ORDINARY, sandbox.write(body))
    if wishes.problem:
        insert(wishes.problem, layout, manifest, package, added, sandbox, level.folder)
    wanted, proposed = proposals(layout, manifest, files, sandbox)
    before = {**theirs.entries, **added}
    patch = difference(sandbox, project.prefix, before, {**before, **wanted}) if wanted else b""
    staying = [path for path in level_tree if not is_left_out(path, manifest.without)]
    return Adoption(
        layout=layout,
        rendering=level,
        manifest=manifest,
        added=added,
        pieces=dict(counted(staying)),
        withheld=withheld,
        proposed=proposed,
        remarks=remarks,
        missing=missing,
        patched=set(wanted),
        patch=patch,
    )


def level_requirements(pyproject: str) -> list[str]:
    """Return every requirement of a rendering's pyproject.toml."""
    listings = dependencies.requirements(tomllib.loads(pyproject))
    return [entry for _, entries in listings for entry in entries]


def written(layout: Layout, sandbox: Sandbox, path: str, text: str) -> Entry:
    """Store a text with the line endings and the mode of the repository's file."""
    tree = layout.tree
    mode = tree.entries[path].mode if isinstance(tree, Contents) and path in tree else ORDINARY
    body = normalize(text.encode("utf-8", "surrogateescape"))
    return Entry(mode, sandbox.write(with_line_endings(body, tree.get(path, b""))))


def make_manifest(
    layout: Layout,
    root: Path,
    template: Iterable[str],
    package: str,
    wishes: Wishes,
    python: str,
) -> Manifest:
    """Decide which files stay the repository's own, at this level and those above."""
    without = [EXAMPLE, *wishes.without]
    paths = {path for path in template if not is_left_out(path, without)}
    is_theirs = PYPROJECT in layout.tree or layout.is_packaged_by_setup
    moved = {}
    if layout.makefile:
        moved["Makefile"] = free(TASKS, layout.paths)
    if layout.tests or is_theirs or any(path.startswith("tests/") for path in layout.tree):
        moved["tests"] = f"{OWN_TESTS}/level"
    home = layout.own_package if wishes.own_package else None
    if home:
        moved[f"src/{package}"] = free(f"{home}/ladder", layout.paths)
    for path in sorted(paths & set(layout.workflows)):
        moved[path] = f"{WORKFLOWS}ladder-{path.removeprefix(WORKFLOWS)}"
    placed = {path: Manifest(moved=moved).place(path) for path in paths}
    blocked = blocked_in(layout.paths, placed.values())
    for path, place in sorted(placed.items()):
        if place in blocked - THEIRS_ALONE:
            moved[path] = free(f"{BESIDE}/{path}", layout.paths)
    kept = blocked & THEIRS_ALONE
    kept |= {NOTEBOOK} & layout.paths
    kept |= {"README.md"} if layout.named_like("README.md") else set()
    kept |= {"LICENSE"} if layout.licence_file else set()
    kept |= {PYPROJECT} if is_theirs else set()
    return Manifest(
        kept=sorted(kept),
        moved=moved,
        exempt=sorted(set(exempted(layout, home))),
        without=without,
        package=import_name(moved[f"src/{package}"]) if home else "",
        branch=main_branch(root),
        pythons=pythons(layout, python),
    )


def main_branch(root: Path) -> str:
    """Return the branch whose pushes CI checks; empty for `main`."""
    if succeeds(root, "symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"):
        name = git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
        return "" if name == "origin/main" else name.removeprefix("origin/")
    if succeeds(root, "rev-parse", "--verify", "--quiet", "refs/heads/main"):
        return ""
    current = git(root, "branch", "--show-current")
    return current if re.fullmatch(r"[\w./-]+", current) else ""


def pythons(layout: Layout, python: str) -> list[str]:
    """Return the first and last Python on which CI can check; empty for those of the template."""
    said = layout.project.get("requires-python", python)
    try:
        allowed = SpecifierSet(str(said))
    except InvalidSpecifier:
        return []
    found = [one for one in PYTHONS if allowed.contains(f"{one}.9")]
    return [] if found == PYTHONS else [found[0], found[-1]] if found else []


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


def exempted(layout: Layout, package: str | None) -> Iterable[str]:
    """Yield the repository's own code: top-level folders, or files where a folder has both."""
    for path in layout.code:
        parts = path.split("/")
        depth = {"src": 2, "tests": len(parts), "data": len(parts), "make": len(parts)}
        inside = package and path.startswith(f"{package}/")
        shown = len(PurePosixPath(str(package)).parts) + 1 if inside else depth.get(parts[0], 1)
        yield "/".join(parts[:shown])


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
            " level's package: --data package_name=..."
        )


def check_places(layout: Layout, manifest: Manifest, files: Iterable[str]) -> None:
    """Check that fixed paths are not taken.

    Raises
    ------
    RefusedError
        There is none.
    """
    modules = f"{manifest.package_folder or 'src'}/"
    for path in (FILE, ANSWERS_FILE, *(path for path in files if path.startswith(modules))):
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
    for path in files:
        if path.startswith(WORKFLOWS) and "release" in path and releases(layout):
            withheld[path] = "your workflows already make releases"
    return {path: reason for path, reason in withheld.items() if path not in manifest.kept}


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


def remarks_on(layout: Layout, manifest: Manifest) -> Iterable[str]:
    """Yield what the owner should know of the level's place in the repository."""
    if manifest.package:
        yield (
            f"the level's modules are in {manifest.package_folder}, imported as {manifest.package};"
            " --data package_name=... gives them a package of their own"
        )
    if PYPROJECT in manifest.kept and "lint" not in manifest.without:
        yield f"make lint and make types check the level's code alone, with {RUFF} and {MYPY}"


def is_installed(layout: Layout) -> bool:
    """Tell whether uv builds the repository's package from its own [project] table."""
    return "project" in layout.pyproject or not (
        layout.is_packaged_by_setup or "poetry" in layout.pyproject.get("tool", {})
    )


def unusable(layout: Layout) -> Iterable[str]:
    """Yield why uv could not install the project at all."""
    said = str(layout.pyproject.get("project", {}).get("requires-python", ""))
    if is_outdated(said):
        yield (
            f"{PYPROJECT}: requires-python is {said}, but the level runs on Python 3.11 and later."
            " Widen it"
        )

    pinned = layout.text(".python-version").strip()
    if pinned and is_outdated(f"=={pinned}" if pinned[0].isdigit() else ""):
        yield (
            f".python-version asks for {pinned}, but the level runs on Python 3.11 and later."
            " Change it"
        )


def extended(layout: Layout, manifest: Manifest, rendered: str, needs: Needs) -> str:
    """Return pyproject.toml with the requirements of the level and of the repository's files."""
    if PYPROJECT not in manifest.kept:
        return with_own_metadata(rendered, layout, needs)
    text = layout.text(PYPROJECT)
    theirs = dependencies.parsed(text)
    if "project" in theirs:
        text = with_own_requirements(text, needs.wanted, None)
    elif is_installed(layout):
        text = with_own_requirements(text, needs.wanted, own_table(layout, rendered))
    else:
        text = with_own_requirements(text, needs.wanted, None)
    return with_new_requirements(text, "", rendered)


def own_table(layout: Layout, rendered: str) -> dict[str, Any]:
    """Return the [project] table for a repository whose pyproject.toml has settings only."""
    ours = tomllib.loads(rendered)["project"]
    readme = layout.named_like("README.md")
    said = {name: ours[name] for name in ("name", "version", "description") if ours.get(name)}
    return {**said, **({"readme": readme} if readme else {}), "requires-python": ">=3.11"}


def with_own_metadata(pyproject: str, layout: Layout, needs: Needs) -> str:
    """Put the repository's README, licence and requirements into the level's pyproject.toml."""
    readme, licence = layout.named_like("README.md"), layout.licence_file
    if readme:
        pyproject = pyproject.replace('readme = "README.md"', f'readme = "{readme}"')
    if licence:
        pyproject = pyproject.replace('files = ["LICENSE"]', f'files = ["{licence}"]')
    if needs.wanted:
        lines = "".join(f"    {toml_string(entry)},\n" for entry in needs.wanted)
        group = f"[dependency-groups]\nadopted = [ # from {', '.join(needs.files)}\n{lines}]\n"
        pyproject = pyproject.replace("[dependency-groups]\n", group)
    return pyproject


def toml_string(text: str) -> str:
    """Quote a string for TOML."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def adoption_files(layout: Layout, manifest: Manifest, missing: list[str]) -> dict[str, bytes]:
    """Return the files that only an adopted repository needs."""
    found = {FILE: manifest.text()}
    tasks = []
    if PYPROJECT in manifest.kept:
        sources = {*layout.sources, manifest.package_base if manifest.package else "src"}
        tasks.append(FIND_SOURCES.format(sources=":".join(sorted(sources))))
        if not is_installed(layout):
            tasks.append(INSTALL_OWN)
    if "tests" in manifest.moved and "tests" not in manifest.without:
        found[f"{OWN_TESTS}/conftest.py"] = GUARD.encode()
        tasks.append(TEST_LEVEL)
    if missing:
        tasks.append(MISSING.format(sentence=" -- ".join(missing).replace("$", "$$")))
    if tasks:
        found["make/adopted.mk"] = "\n".join(tasks).encode("utf-8", "surrogateescape")
    return found


def proposals(
    layout: Layout, manifest: Manifest, files: Mapping[str, Entry], sandbox: Sandbox
) -> tuple[dict[str, Entry], dict[str, str]]:
    """Return proposed versions of the repository's files, with explanations."""
    wanted: dict[str, Entry] = {}
    said: dict[str, str] = {}
    if layout.makefile and "Makefile" in manifest.moved:
        text = with_final_newline(layout.text(layout.makefile)) + delegate(
            manifest.moved["Makefile"]
        )
        wanted[layout.makefile] = written(layout, sandbox, layout.makefile, text)
        said[layout.makefile] = "tasks that it does not know go on to the ladder's"
    if ".gitignore" in manifest.kept and ".gitignore" in layout.tree and ".gitignore" in files:
        there = layout.text(".gitignore")
        lines = sandbox.read(files[".gitignore"].content).decode().splitlines()
        missing = [
            line
            for line in lines
            if not is_ignored(line, there) and not ignores(layout.tree, ".gitignore", line.encode())
        ]
        text = with_final_newline(there) + "".join(f"{line}\n" for line in missing)
        if missing:
            wanted[".gitignore"] = written(layout, sandbox, ".gitignore", text)
            said[".gitignore"] = "what the level writes stays out of git"
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


def wants_own_package(layout: Layout, given: Mapping[str, Any]) -> bool:
    """Tell whether no other name was given for the package than that of the repository's."""
    name = PurePosixPath(layout.own_package or "").name
    return given.get("package_name") in (None, slug(name))


def renderings(
    source: Template,
    folder: Path,
    given: Mapping[str, Any],
    proposed: Mapping[str, Any],
    ask: bool,
) -> tuple[Rendering, Rendering]:
    """Render the level to adopt, and the highest level, which has every file that may come."""
    now = render(source, folder / "level", given, defaults=proposed, ask=ask)
    check_level(now.answers["level"], now)
    known = {name: value for name, value in now.answers.items() if not name.startswith("_")}
    return now, render(source, folder / "highest", {**known, "level": max(now.ladder)})
