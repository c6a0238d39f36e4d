"""The layout of an existing repository, read from its last commit."""

import ast
import configparser
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

Tree = Mapping[str, bytes]

TABLES = {".csv", ".parquet"}
DATA = TABLES | {".tsv", ".feather", ".arrow", ".json", ".jsonl", ".xlsx", ".npz", ".h5", ".db"}
TEST_FILE = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")
TRAINS = re.compile(rb"\.fit\(|\.fit_generator\(|lightgbm\.train\(|xgb\.train\(|loss\.backward\(")
OTHER_CI = {
    ".gitlab-ci.yml": "GitLab CI",
    ".circleci/config.yml": "CircleCI",
    ".travis.yml": "Travis CI",
    "azure-pipelines.yml": "Azure Pipelines",
    "bitbucket-pipelines.yml": "Bitbucket Pipelines",
    "Jenkinsfile": "Jenkins",
}
LICENCES = {
    "MIT": r"\bMIT License\b|Permission is hereby granted, free of charge",
    "Apache-2.0": r"Apache License\s+Version 2\.0",
    "BSD-3-Clause": r"BSD 3-Clause|Neither the name of",
    "GPL-3.0-or-later": r"GNU GENERAL PUBLIC LICENSE\s+Version 3",
}
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]+")
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_`|~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True)
class Layout:
    """The layout of a repository, or of the part of it that is adopted."""

    folder: str
    """The name of the folder, if nothing better says what the project is called."""
    tree: Tree
    submodules: frozenset[str] = frozenset()

    @cached_property
    def paths(self) -> set[str]:
        """Every path that is taken."""
        return {*self.tree, *self.submodules}

    @cached_property
    def code(self) -> list[str]:
        """Python files and notebooks."""
        return sorted(path for path in self.tree if path.endswith((".py", ".ipynb")))

    @cached_property
    def notebooks(self) -> list[str]:
        """Jupyter notebooks."""
        return [path for path in self.code if path.endswith(".ipynb")]

    @cached_property
    def tests(self) -> list[str]:
        """Files that pytest or unittest would collect."""
        return [path for path in self.code if TEST_FILE.search(path)]

    @cached_property
    def data(self) -> list[str]:
        """Data files, without those of tests."""
        return sorted(
            path
            for path in self.tree
            if PurePosixPath(path).suffix.lower() in DATA
            and not path.startswith((".", "test"))
            and ("data" in path.lower() or PurePosixPath(path).suffix.lower() in TABLES)
        )

    @cached_property
    def packages(self) -> list[str]:
        """Top-level packages, without tests."""
        folders = {str(PurePosixPath(p).parent) for p in self.code if p.endswith("/__init__.py")}
        top = {folder for folder in folders if str(PurePosixPath(folder).parent) not in folders}
        return sorted(top - {"tests", "test"})

    @cached_property
    def scripts(self) -> list[str]:
        """Python files outside packages, without tests and settings."""
        known = ("setup.py", "conftest.py", "noxfile.py")
        loose = [path for path in self.code if path.endswith(".py") and path not in self.tests]
        return [
            path
            for path in loose
            if PurePosixPath(path).name not in known
            and not any(path.startswith(f"{package}/") for package in self.packages)
            and not path.startswith(("tests/", "test/", "docs/"))
        ]

    @cached_property
    def importable(self) -> set[str]:
        """Names under which the repository's code can be imported."""
        found = {PurePosixPath(package).name for package in self.packages}
        found |= {PurePosixPath(script).stem for script in self.scripts}
        found |= {
            path.split("/")[1].removesuffix(".py") for path in self.tree if path[:4] == "src/"
        }
        return found | {path.split("/")[0] for path in self.code if "/" in path}

    @cached_property
    def trains(self) -> list[str]:
        """Files that fit a model."""
        return [path for path in self.code if TRAINS.search(self.tree[path])]

    @cached_property
    def workflows(self) -> list[str]:
        """GitHub workflows."""
        return sorted(path for path in self.tree if path.startswith(".github/workflows/"))

    @cached_property
    def other_ci(self) -> list[str]:
        """CI services other than GitHub Actions."""
        return [name for path, name in OTHER_CI.items() if path in self.tree]

    @cached_property
    def makefile(self) -> str | None:
        """The file that make reads."""
        names = ("GNUmakefile", "makefile", "Makefile")
        return next((name for name in names if name in self.tree), None)

    @cached_property
    def packaging(self) -> list[str]:
        """Files with requirements or package metadata."""
        names = (
            r"pyproject\.toml|setup\.(py|cfg)|requirements.*\.(txt|in)|environment\.ya?ml|Pipfile"
        )
        return sorted(path for path in self.tree if re.fullmatch(names, path))

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """The content of pyproject.toml; empty if it is not valid."""
        try:
            return tomllib.loads(self.text("pyproject.toml"))
        except tomllib.TOMLDecodeError:
            return {}

    @cached_property
    def setup(self) -> dict[str, str]:
        """Literal metadata in setup.cfg and setup.py."""
        found: dict[str, str] = {}
        try:
            tree = ast.parse(self.text("setup.py"))
        except (SyntaxError, ValueError):
            tree = ast.Module([], [])
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and node.arg:
                found[node.arg] = str(node.value.value)
        cfg = configparser.RawConfigParser(strict=False)
        try:
            cfg.read_string(self.text("setup.cfg"))
        except configparser.Error:
            return found
        return dict(cfg["metadata"]) | found if cfg.has_section("metadata") else found

    @property
    def is_packaged_by_setup(self) -> bool:
        """True if setup.py or setup.cfg defines the package."""
        return "setup.py" in self.tree or "name" in self.setup

    def unclear_packages(self) -> str | None:
        """Return the setting that is missing where setuptools discovers packages automatically.

        Another folder, and `src` most of all, would then change what is installed.
        """
        if any(path.startswith("src/") and path.endswith(".py") for path in self.tree):
            return None
        backend = self.pyproject.get("build-system", {}).get("build-backend", "setuptools")
        setuptools = "build-system" in self.pyproject or self.is_packaged_by_setup
        tool = self.pyproject.get("tool", {}).get("setuptools", {})
        said = {"packages", "py-modules", "package-dir"} & tool.keys()
        in_setup = re.search(
            r"\b(packages|py_modules)\s*=", self.text("setup.py") + self.text("setup.cfg")
        )
        if not setuptools or not backend.startswith("setuptools") or said or in_setup:
            return None
        if not (self.packages or self.scripts):
            return None
        names = [PurePosixPath(package).name for package in self.packages if "/" not in package]
        if "project" not in self.pyproject:
            return f"packages={names} in setup.py" if names else "py_modules=[...] in setup.py"
        listed = ", ".join(f'"{name}"' for name in names)
        return f"[tool.setuptools] {'packages' if names else 'py-modules'} = [{listed}]"

    @cached_property
    def tests_run_by(self) -> str:
        """The tool that runs the tests."""
        by = [name for name in ("tox.ini", "noxfile.py") if name in self.tree]
        if by:
            return by[0].partition(".")[0].removesuffix("file")
        pytest = any(b"pytest" in self.tree[path] for path in (*self.tests, *self.packaging))
        unittest = any(b"unittest" in self.tree[path] for path in self.tests)
        return "unittest" if unittest and not pytest else "pytest"

    def configures(self, tool: str) -> bool:
        """Tell whether the repository configures a tool."""
        files = (f"{tool}.ini", f".{tool}.ini", f"{tool}.toml", f".{tool}.toml")
        section = re.search(rf"^\[{tool}\b", self.text("setup.cfg"), re.MULTILINE)
        said = tool in self.pyproject.get("tool", {})
        return said or section is not None or any(file in self.tree for file in files)

    def text(self, path: str) -> str:
        """Return the text of a file; empty if it does not exist."""
        return self.tree.get(path, b"").decode("utf-8", "replace")

    def named_like(self, name: str) -> str | None:
        """Return the top-level file of that name in any case and with any extension."""
        stem = name.partition(".")[0].casefold()
        found = (p for p in self.tree if "/" not in p and p.partition(".")[0].casefold() == stem)
        return min(found, key=lambda path: (path != name, path), default=None)

    @cached_property
    def licence(self) -> str:
        """The licence's SPDX identifier if the template knows it; else `none`."""
        project = self.pyproject.get("project", {})
        said = project.get("license", self.setup.get("license"))
        if isinstance(said, dict):
            said = said.get("text")
        if said in LICENCES:
            return str(said)
        file = self.licence_file
        text = self.text(file) if file else ""
        return next((name for name, words in LICENCES.items() if re.search(words, text)), "none")

    @property
    def licence_file(self) -> str | None:
        """The file with the licence."""
        return next(filter(None, map(self.named_like, ("LICENSE", "LICENCE", "COPYING"))), None)

    @cached_property
    def name(self) -> str:
        """The project's name: from its README, its metadata or its folder."""
        heading = self.heading
        headline = plain(next(filter(None, heading.groups()), "")) if heading else ""
        said = self.project.get("name") or self.setup.get("name") or ""
        return one_line(headline, 80) or words(said) or words(self.folder) or "Adopted project"

    @property
    def readme(self) -> str:
        """The text of the README."""
        return self.text(self.named_like("README.md") or "")

    @property
    def heading(self) -> re.Match[str] | None:
        """The first heading of the README, in Markdown or reStructuredText."""
        return re.search(r"^# +(.+?) *#*$|^(.+)\n={3,}$", self.readme, re.MULTILINE)

    @cached_property
    def description(self) -> str:
        """The project's description: from its metadata, or the first sentence of its README."""
        said = self.project.get("description") or self.setup.get("description") or ""
        below = self.readme[self.heading.end() :].strip() if self.heading else ""
        paragraph = plain(below.partition("\n\n")[0]) if below[:1].isalnum() else ""
        sentence = re.match(r"[^.!?]*[.!?]|.*", " ".join(paragraph.split()))
        return one_line(said or (sentence[0] if sentence else ""), 300)

    @property
    def project(self) -> dict[str, Any]:
        """The project metadata of pyproject.toml, in the standard table or Poetry's."""
        poetry = self.pyproject.get("tool", {}).get("poetry", {})
        project: dict[str, Any] = self.pyproject.get("project", {}) or poetry
        return project

    @cached_property
    def author(self) -> tuple[str, str]:
        """Name and email of the first author; empty where unknown."""
        for author in self.project.get("authors", []):
            if isinstance(author, dict):
                return one_line(author.get("name", ""), 100), address(author.get("email", ""))
            name, _, email = str(author).partition("<")
            return one_line(name, 100), address(email.rstrip("> "))
        return (
            one_line(self.setup.get("author", ""), 100),
            address(self.setup.get("author_email", "")),
        )

    def answers(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Propose answers to the template's questions that are not given."""
        author, email = self.author
        found = {
            "project_name": self.name,
            "description": self.description,
            "author_name": author,
            "author_email": email,
            "license": self.licence,
        }
        if self.other_ci and not self.workflows:
            found["ci_provider"] = "none"
        package = slug(str(given.get("project_name", self.name)))
        if package in self.importable:
            found["package_name"] = f"{package[:24].rstrip('_')}_model"
        return {name: answer for name, answer in found.items() if name not in given}


def plain(markup: str) -> str:
    """Remove images, links and emphasis from a heading."""
    pictures = re.sub(r"!\[[^]]*\]\([^)]*\)|<[^>]*>", "", markup)
    return re.sub(r"\[([^]]*)\]\([^)]*\)|[*`]", r"\1", pictures)


def words(name: str) -> str:
    """Turn a package's or folder's name into a title."""
    return one_line(re.sub(r"[-_.]+", " ", name).strip().capitalize(), 80)


def one_line(text: str, longest: int) -> str:
    """Shorten a text to one line that the template's questions accept."""
    line = " ".join(CONTROL.sub(" ", str(text)).split())
    return "" if re.search(r"\{[{%#]", line) else line[:longest].strip()


def address(text: str) -> str:
    """Return the address if it is valid, else an empty string."""
    return text if EMAIL.fullmatch(str(text)) else ""


def slug(name: str) -> str:
    """Return the package name that the template derives from a project's name."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower())[:30].strip("_")
