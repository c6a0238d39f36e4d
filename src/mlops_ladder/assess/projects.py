"""The projects in a repository: most often one; in a monorepo or a course, several."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from .code import TEST_PATH
from .engine import Assessment, assess
from .other_files import DOCS_PATH
from .settings import read_settings
from .tools import ML_PACKAGES

MOST_PROJECTS = 40  # that are assessed; the others are a note
MOST_DEPTH = 4
MOST_KEPT = 30_000_000  # bytes of one project that are remembered
CODE = (".py", ".ipynb")
PACKAGE_FILE = re.compile(r"^(pyproject\.toml|setup\.py|dvc\.yaml|MLproject)$")
PACKAGE_TABLE = re.compile(rb"^\[(project|tool\.poetry)\]", re.MULTILINE)
REQUIREMENTS_FILE = re.compile(
    r"^(requirements[^/]*\.txt|environment\.ya?ml|conda\.ya?ml|Pipfile)$"
)
NAMES_FOLDERS = re.compile(r"\.(ya?ml|toml|mk|sh|json|cfg|ini)$|(^|/)(Makefile|Jenkinsfile[^/]*)$")
TRAINS = re.compile(rb"\.(fit|partial_fit|fit_generator|backward|train)\(|\bTrainer\(")
IMPORTS = re.compile(rb"\b(?:import|from)\s+(?:" + "|".join(sorted(ML_PACKAGES)).encode() + rb")\b")


@dataclass(frozen=True)
class Project:
    """A project: its folder, empty if it is the whole repository, and what was found there."""

    folder: str
    assessment: Assessment


class View(Mapping[str, bytes]):
    """The files of one project as if it were alone, with those of CI and others that all share.

    Files that tell CI and tasks what to run name the project's folder; here they do not.
    """

    def __init__(self, tree: Mapping[str, bytes], folder: str, others: Iterable[str]) -> None:
        self.tree = tree
        self._bodies: dict[str, bytes] = {}
        self._kept = 0
        name = re.escape(folder).encode()
        self.folder_named = re.compile(rb"(?<![\w/.-])(?:\./)?" + name + rb"/")
        self.folder_entered = re.compile(
            rb"(-C |--directory |working-directory: |context: )" + name + rb"/?(?!\S)"
        )
        elsewhere = tuple(f"{one}/" for one in others)
        self.places = {
            path: path
            for path in tree
            if not path.startswith((f"{folder}/", *elsewhere)) and not path.endswith(CODE)
        }
        own = [path for path in tree if path.startswith(f"{folder}/")]
        self.places |= {path.removeprefix(f"{folder}/"): path for path in own}

    def __getitem__(self, path: str) -> bytes:
        """Return a file's content; that of files other than code is remembered."""
        if path not in self._bodies:
            place = self.places[path]
            body = self.tree[place]
            if place == path and NAMES_FOLDERS.search(path):
                body = self.folder_named.sub(b"", self.folder_entered.sub(rb"\1.", body))
            if path.endswith(CODE) or self._kept + len(body) > MOST_KEPT:
                return body
            self._bodies[path] = body
            self._kept += len(body)
        return self._bodies[path]

    def __iter__(self) -> Iterator[str]:
        """Yield the paths."""
        return iter(self.places)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.places)


def assess_repository(tree: Mapping[str, bytes], sizes: Mapping[str, int]) -> list[Project]:
    """Assess each project of a repository; the first is the one that its headline is about.

    Raises
    ------
    RefusedError
        The settings of a project are not valid.
    """
    folders = project_folders(tree)
    if not folders:
        return [Project("", assess(tree, sizes, read_settings(tree)))]
    found = [assess_one(tree, sizes, folder, folders) for folder in folders[:MOST_PROJECTS]]
    if rest := folders[MOST_PROJECTS:]:
        found[0].assessment.notes.append(f"{len(rest)} more projects are not assessed: {rest[0]}")
    return sorted(found, key=rank, reverse=True)


def rank(project: Project) -> tuple[bool, int, int, int]:
    """Order projects: those that train before others, then by what they reach."""
    found = project.assessment
    met = sum(one.status == "met" for one in found.findings.values())
    return found.is_ml, found.profile.level, sum(found.profile.dimensions.values()), met


def assess_one(
    tree: Mapping[str, bytes], sizes: Mapping[str, int], folder: str, folders: list[str]
) -> Project:
    """Assess one of several projects."""
    view = View(tree, folder, [one for one in folders if one != folder])
    said = assess(
        view, {path: sizes[place] for path, place in view.places.items()}, read_settings(view)
    )
    findings = {
        id: replace(
            finding,
            evidence=tuple(
                replace(place, path=view.places.get(place.path, place.path))
                for place in finding.evidence
            ),
        )
        for id, finding in said.findings.items()
    }
    notes = [f"in {folder}: {note}" for note in said.notes]
    return Project(folder, replace(said, findings=findings, notes=notes))


def project_folders(tree: Mapping[str, bytes]) -> list[str]:
    """Return the folders of the projects, if there are several; else none.

    A folder with a package or a pipeline of its own is a project; one with requirements alone may
    be a part of one, such as its service, unless it has a README, too.
    """
    packages, others = set[str](), set[str]()
    for path in tree:
        folder, _, name = path.rpartition("/")
        if not folder or folder.count("/") >= MOST_DEPTH or is_aside(path):
            continue
        if PACKAGE_FILE.match(name) and (
            name != "pyproject.toml" or PACKAGE_TABLE.search(tree[path])
        ):
            packages.add(folder)
        elif REQUIREMENTS_FILE.match(name) and f"{folder}/README.md" in tree:
            others.add(folder)
    folders = outermost(packages | others)
    if len(folders) < 2:
        return []
    code: dict[str, list[str]] = {folder: [] for folder in ["", *folders]}
    for path in tree:
        if path.endswith(CODE) and not is_aside(path):
            code[next((one for one in folders if path.startswith(f"{one}/")), "")].append(path)
    folders = [folder for folder in folders if code[folder]]
    training = [one for one in ["", *folders] if any(trains(tree[path]) for path in code[one])]
    if code[""] and is_package(tree):
        return []
    if training and len(packages.intersection(folders)) > 1:
        return folders
    return folders if len(training) > 1 and "" not in training else []


def outermost(folders: set[str]) -> list[str]:
    """Return the folders that are in no other of them."""
    found: list[str] = []
    for folder in sorted(folders, key=lambda one: (one.count("/"), one)):
        if not any(folder.startswith(f"{one}/") for one in found):
            found.append(folder)
    return sorted(found)


def is_aside(path: str) -> bool:
    """Tell whether a file is documentation, a test, or in a hidden folder."""
    hidden = path.startswith(".") or "/." in path
    return hidden or bool(TEST_PATH.search(path) or DOCS_PATH.search(path))


def is_package(tree: Mapping[str, bytes]) -> bool:
    """Tell whether the repository itself is a package."""
    return "setup.py" in tree or bool(PACKAGE_TABLE.search(tree.get("pyproject.toml", b"")))


def trains(body: bytes) -> bool:
    """Tell whether code seems to train a model."""
    return bool(TRAINS.search(body) and IMPORTS.search(body))
