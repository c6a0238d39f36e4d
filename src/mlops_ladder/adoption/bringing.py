"""Puts a level beside what is there: what arrives, what waits for a decision, what stays theirs."""

import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..errors import Refused
from ..git import git, run_git
from ..line_ends import normalised, with_line_ends
from ..merging import ORDINARY, Contents, Entry, Scratch
from ..project import ANSWERS_FILE, Project
from ..rendering import Rendering
from . import dependencies
from .branching import difference
from .dependencies import NoPlaceError, with_arrivals, with_settings
from .looking import TABLES, Repository
from .shape import EXAMPLE_DATA, FILE, OF_EXAMPLE, PYPROJECT, Shape

WORKFLOWS = ".github/workflows/"
OWN_TESTS = "tests/ladder"
TASKS = "ladder.mk"
BESIDE = "docs/ladder"
THEIRS_ALONE = {
    *(".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "notebook.ipynb", PYPROJECT),
    *OF_EXAMPLE,
}

GUARD = '''\
"""The tests of the ladder's levels run when they are named: `make test-level`.

A plain `pytest` passes them by. They need what `make setup` installs, and pytest has to import them
by their paths, which other tests here may not expect.
"""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Ignore all that is here, unless this folder or something in it was asked for."""
    named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path == HERE or HERE in path.parents for path in named) else True
'''
IGNORE = '''\
"""pytest looks for no tests in our package: some of its modules are named like tests."""

collect_ignore = ["{package}"]
'''
TEST_LEVEL = f"""\
test: test-level

test-level: ## Run the tests of the ladder's level
	$(RUN) pytest -o addopts= --import-mode=importlib {OWN_TESTS}

.PHONY: test-level
"""
FIND_SOURCES = """\
# What to install is said by files that were here before, so Python is told where our package is.
export PYTHONPATH := src$(if $(PYTHONPATH),:$(PYTHONPATH))
"""
HAND_ON = f"""
# Tasks that are not said here are the ladder's: make -f {TASKS} help
%: hand-on
	@$(MAKE) --no-print-directory -f {TASKS} $@
hand-on: ;
$(MAKEFILE_LIST): ;
.PHONY: hand-on
"""


@dataclass(frozen=True)
class Adoption:
    """What a branch would bring to a repository."""

    repository: Repository
    rendering: Rendering
    shape: Shape
    arriving: dict[str, Entry]
    held: dict[str, str]
    """Files of the level that do not arrive, each with the reason."""
    proposed: dict[str, str]
    """Files that the patch would change or bring, each with what it does there."""
    remarks: list[str]
    patched: set[str]
    patch: bytes


def bring(
    repository: Repository,
    theirs: Contents,
    level: Rendering,
    highest: Rendering,
    scratch: Scratch,
    project: Project,
) -> Adoption:
    """What arrives beside the repository's files, and what is proposed for them.

    Raises:
        Refused: the place of the package, or of what remembers the adoption, is taken.
    """
    level_tree, highest_tree = scratch.tree_of(level.folder), scratch.tree_of(highest.folder)
    shape = shape_of(repository, project.root, [*level_tree, *highest_tree])
    files = shape.fit(scratch, level_tree)
    package = str(level.answers["package_name"])
    check_package(repository, package)
    check_places(repository, files)
    held = held_back(repository, shape, scratch, files)
    texts = {path: scratch.read(entry.content) for path, entry in files.items()}
    edited, remarks = fitted(repository, shape, texts)
    brought = {
        path: files[path] if body == texts[path] else Entry(files[path].mode, scratch.write(body))
        for path, body in edited.items()
    }
    arriving = {p: e for p, e in brought.items() if p not in held and p not in shape.kept}
    for path, text in own_files(repository, shape, package, held).items():
        arriving[path] = Entry(ORDINARY, scratch.write(text))
    wanted, proposed = proposals(repository, shape, brought, held, scratch)
    before = {**theirs.entries, **arriving}
    patch = difference(scratch, project.prefix, before, {**before, **wanted}) if wanted else b""
    return Adoption(
        repository=repository,
        rendering=level,
        shape=shape,
        arriving=arriving,
        held=held,
        proposed=proposed,
        remarks=remarks,
        patched=set(wanted),
        patch=patch,
    )


def shape_of(repository: Repository, root: Path, template: Iterable[str]) -> Shape:
    """What stays theirs, at this level and at those above."""
    paths = set(template)
    moved = {}
    if repository.makefile:
        moved["Makefile"] = free(TASKS, repository.paths)
    if repository.tests or any(path.startswith("tests/") for path in repository.tree):
        moved["tests"] = f"{OWN_TESTS}/level"
    for path in sorted(paths & set(repository.workflows)):
        moved[path] = f"{WORKFLOWS}ladder-{path.removeprefix(WORKFLOWS)}"
    placed = {path: Shape(moved=moved).place(path) for path in paths}
    blocked = blocked_in(repository.paths, placed.values())
    for path, place in sorted(placed.items()):
        if place in blocked - THEIRS_ALONE:
            moved[path] = free(f"{BESIDE}/{path}", repository.paths)
    kept = blocked & THEIRS_ALONE
    if repository.named_like("README.md"):
        kept.add("README.md")
    if repository.licence_file:
        kept.add("LICENSE")
    if repository.is_packaged_by_setup:
        kept.add(PYPROJECT)
    if tables_in_the_way(repository, root):
        kept |= OF_EXAMPLE
    exempt = sorted(set(exempted(repository)))
    return Shape(sorted(kept), moved, exempt)


def blocked_in(taken: Iterable[str], paths: Iterable[str]) -> set[str]:
    """The places that are taken: by a file of that name in any case, or by one above or below."""
    files = {path.casefold() for path in taken}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    return {
        path
        for path in paths
        if path.casefold() in files | folders
        or any(str(parent) in files for parent in PurePosixPath(path.casefold()).parents)
    }


def exempted(repository: Repository) -> Iterable[str]:
    """Their code: folders at the top, but single files where ours stands in the same folder."""
    for path in repository.code:
        parts = path.split("/")
        depth = {"src": 2, "tests": len(parts), "data": len(parts), "make": len(parts)}
        yield "/".join(parts[: depth.get(parts[0], 1)])


def free(path: str, taken: Iterable[str]) -> str:
    """The path, or one like it that is not taken."""
    name = PurePosixPath(path)
    tried = [path, *(str(name.with_stem(f"{name.stem}-{number}")) for number in range(2, 100))]
    return next(candidate for candidate in tried if not blocked_in(taken, [candidate]))


def check_package(repository: Repository, package: str) -> None:
    """Make sure that our package does not mix with code of theirs.

    Raises:
        Refused: it would.
    """
    if package in repository.importable:
        raise Refused(
            f"this repository has something called {package} already, and the level's package"
            f" must not mix with it. Name another: --data package_name={package[:24]}_model"
        )


def check_places(repository: Repository, files: Iterable[str]) -> None:
    """Make sure that there is room for what stands in one place only.

    Raises:
        Refused: there is none.
    """
    for path in (FILE, ANSWERS_FILE, *(path for path in files if path.startswith("src/"))):
        if blocked_in(repository.paths, [path]):
            raise Refused(
                f"{path} is in the way, and the level cannot do without that place."
                " Move it away, commit, and try again"
            )


def held_back(
    repository: Repository,
    shape: Shape,
    scratch: Scratch,
    files: Mapping[str, Entry],
) -> dict[str, str]:
    """Files that would change how something of theirs works, or that could not work themselves."""
    held = {}
    for path in files:
        folder = path.removesuffix(".gitignore")
        inside = [p for p in repository.tree if p.startswith(folder)] if folder != path else []
        if inside and ignores(repository.tree, path, scratch.read(files[path].content)):
            held[path] = "it would let git ignore files like those that you have in git"
    if repository.is_packaged_by_setup and PYPROJECT not in repository.tree:
        held[PYPROJECT] = "it would take the place of what setup.py or setup.cfg say to pip"
    waits = PYPROJECT in {*shape.kept, *held}
    for path in files:
        if path.startswith(WORKFLOWS) and "release" in path and releases(repository):
            held[path] = "your workflows release already"
        elif path.startswith(WORKFLOWS) and waits:
            held[path] = "what it runs is installed by the pyproject.toml of this patch"
    return {path: held[path] for path in held if path == PYPROJECT or path not in shape.kept}


def ignores(tree: Iterable[str], path: str, lines: bytes) -> bool:
    """Whether an ignore file with these lines would match files that git has."""
    with tempfile.TemporaryDirectory(prefix="mlops-ladder-") as folder:
        rules = Path(folder) / path
        rules.parent.mkdir(parents=True, exist_ok=True)
        rules.write_bytes(lines)
        git(Path(folder), "init", "--quiet", plain=True)
        names = "\0".join(tree).encode(errors="surrogateescape")
        command = ("check-ignore", "--no-index", "-z", "--stdin")
        return bool(run_git(Path(folder), *command, stdin=names, passing=(0, 1), plain=True))


def releases(repository: Repository) -> bool:
    """Whether a workflow of theirs starts with a tag or a release."""
    starts = re.compile(r"^\s*(tags|release):", re.MULTILINE)
    return any(starts.search(repository.text(path)) for path in repository.workflows)


def tables_in_the_way(repository: Repository, root: Path) -> bool:
    """Whether the example would take their data for its own, that which git ignores, too."""
    known = (Path(path) for path in repository.tree if Path(path).parent == Path("data"))
    return any(path.suffix in TABLES for path in (*known, *(root / "data").glob("*")))


def fitted(
    repository: Repository, shape: Shape, files: Mapping[str, bytes]
) -> tuple[dict[str, bytes], list[str]]:
    """The level's files as they arrive here, and what a person should know of it."""
    edited, remarks = dict(files), []
    if shape.has_tables:
        remarks.append(
            f"data/ holds tables of yours: the example looks for its rides in {EXAMPLE_DATA}/"
            " instead, and makes them up"
        )
    if tools := [tool for tool in ("ruff", "mypy") if repository.configures(tool)]:
        remarks.append(
            f"{' and '.join(tools)}: your settings stay, and hold for the level's code, too:"
            " make lint and make types may find something to say of it"
        )
    if PYPROJECT in files and PYPROJECT not in repository.tree:
        text, left_out = with_their_facts(files[PYPROJECT].decode(), repository)
        edited[PYPROJECT] = text.encode()
        remarks += left_out
    return edited, remarks


def with_their_facts(pyproject: str, repository: Repository) -> tuple[str, list[str]]:
    """The pyproject.toml with their README, licence and requirements."""
    readme, licence = repository.named_like("README.md"), repository.licence_file
    if readme:
        pyproject = pyproject.replace('readme = "README.md"', f'readme = "{readme}"')
    if licence:
        pyproject = pyproject.replace('files = ["LICENSE"]', f'files = ["{licence}"]')
    file = "requirements.txt"
    wanted, remarks = requirements(repository.text(file), pyproject)
    if wanted:
        lines = "".join(f"    {toml_text(entry)},\n" for entry in wanted)
        group = f"[dependency-groups]\nadopted = [ # as in {file}\n{lines}]\n"
        pyproject = pyproject.replace("[dependency-groups]\n", group)
    return pyproject, [f"{file}: {remark}" for remark in remarks]


def toml_text(text: str) -> str:
    """A text in quotes, as TOML has it."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def requirements(listed: str, pyproject: str) -> tuple[list[str], list[str]]:
    """What their requirements file names that can be installed beside the level's packages."""
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


def own_files(
    repository: Repository, shape: Shape, package: str, held: Mapping[str, str]
) -> dict[str, bytes]:
    """What only an adopted repository needs."""
    found = {FILE: shape.text()}
    tasks = ""
    if PYPROJECT in {*shape.kept, *held}:
        tasks += FIND_SOURCES
    if "tests" in shape.moved:
        found[f"{OWN_TESTS}/conftest.py"] = GUARD.encode()
        if "src/conftest.py" not in repository.tree:
            found["src/conftest.py"] = IGNORE.format(package=package).encode()
        tasks += ("\n" if tasks else "") + TEST_LEVEL
    if tasks:
        found["make/adopted.mk"] = tasks.encode()
    return found


def proposals(
    repository: Repository,
    shape: Shape,
    files: Mapping[str, Entry],
    held: Mapping[str, str],
    scratch: Scratch,
) -> tuple[dict[str, Entry], dict[str, str]]:
    """What the patch would make of their files, and which held files it would bring."""
    wanted: dict[str, Entry] = {}
    said: dict[str, str] = {}
    tree = repository.tree

    def propose(path: str, text: str, what: str) -> None:
        mode = tree.entries[path].mode if isinstance(tree, Contents) else ORDINARY
        body = normalised(text.encode("utf-8", "surrogateescape"))
        wanted[path] = Entry(mode, scratch.write(with_line_ends(body, tree[path])))
        said[path] = what

    if PYPROJECT in shape.kept and PYPROJECT in tree and PYPROJECT in files:
        rendered = scratch.read(files[PYPROJECT].content).decode()
        try:
            tools = [tool for tool in ("ruff", "mypy") if not repository.configures(tool)]
            text = with_settings(repository.text(PYPROJECT), rendered, tools)
            text = with_arrivals(text, "", rendered)
            propose(PYPROJECT, text, "the packages of the level, in groups of their own")
        except NoPlaceError as error:
            said[PYPROJECT] = f"nothing that a program could add: {error}"
    if repository.makefile and "Makefile" in shape.moved:
        text = ended(repository.text(repository.makefile)) + hand_on(shape.moved["Makefile"])
        propose(repository.makefile, text, "tasks that it does not know go on to the ladder's")
    if ".gitignore" in shape.kept and ".gitignore" in tree and ".gitignore" in files:
        there = repository.text(".gitignore")
        lines = scratch.read(files[".gitignore"].content).decode().splitlines()
        missing = [
            line
            for line in lines
            if not is_ignored(line, there) and not ignores(tree, ".gitignore", line.encode())
        ]
        text = ended(there) + "".join(f"{line}\n" for line in missing)
        if missing:
            propose(".gitignore", text, "what the level writes stays out of git")
    waiting = [path for path in held if path.startswith(WORKFLOWS) or path == PYPROJECT]
    for path in waiting:
        if not (releases(repository) and "release" in path):
            wanted[path] = files[path]
            said[path] = held[path]
    return wanted, said


def hand_on(tasks: str) -> str:
    """The rule that lets their make file pass on what it does not know."""
    return HAND_ON.replace(TASKS, tasks)


def is_ignored(line: str, there: str) -> bool:
    """Whether an ignore file has the line, with or without a slash."""
    return line.strip("/") in {known.strip().strip("/") for known in there.splitlines()}


def ended(text: str) -> str:
    """The text with an end to its last line."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def in_the_way(root: Path, arriving: Iterable[str]) -> list[str]:
    """Files that git does not have, where files of the branch will stand."""
    return sorted(path for path in arriving if os.path.lexists(root / path))
