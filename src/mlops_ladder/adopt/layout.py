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
SOURCES = {".", "src", "lib", "python"}
NO_PACKAGES = {
    *("bench", "benchmarks", "bin", "config", "configs", "data", "deploy", "deployment", "docs"),
    *("examples", "notebooks", "scripts", "test", "tests", "tools"),
}


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
            r"pyproject\.toml|setup\.(py|cfg)|.*requirements.*\.(txt|in)|(environment|conda)\.ya?ml"
            r"|Pipfile|MLproject"
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

    @property
    def project(self) -> dict[str, Any]:
        """The project metadata of pyproject.toml, in the standard table or Poetry's."""
        poetry = self.pyproject.get("tool", {}).get("poetry", {})
        project: dict[str, Any] = self.pyproject.get("project", {}) or poetry
        return project

    @cached_property
    def author(self) -> tuple[str, str]:
        """Name and email of the first author in the metadata; empty where unknown."""
        for author in self.project.get("authors", []):
            if isinstance(author, dict):
                return str(author.get("name", "")), str(author.get("email", ""))
            name, _, email = str(author).partition("<")
            return name.strip(), email.rstrip("> ")
        return self.setup.get("author", ""), self.setup.get("author_email", "")

    @cached_property
    def own_package(self) -> str | None:
        """The folder of the repository's own package, if there is one to live in.

        Folders above it without an `__init__.py` are a namespace, if they are in a folder of
        sources, or if the package is named after them.
        """
        said = str(self.project.get("name") or self.setup.get("name") or "")
        names = {path: import_name(path) for path in self.packages}
        near = [
            path
            for path, name in names.items()
            if ("." not in name or path.split("/")[0] in SOURCES or same_name(name, said))
            and name.split(".")[-1] not in NO_PACKAGES
            and all(part.isidentifier() for part in name.split("."))
        ]
        named = [path for path in near if same_name(names[path], said)]
        if named or len(near) == 1:
            return (named or near)[0]
        sizes = {path: sum(p.startswith(f"{path}/") for p in self.code) for path in near}
        largest = max(sizes, key=lambda path: sizes[path], default=None)
        return largest if largest and sizes[largest] * 2 > sum(sizes.values()) else None

    @cached_property
    def sources(self) -> list[str]:
        """The folders from which the repository's own code is imported."""
        found = {str(PurePosixPath(package).parent) for package in self.packages}
        found |= {"."} if any("/" not in script for script in self.scripts) else set()
        return sorted(found & SOURCES)


def import_name(package: str) -> str:
    """Return the name under which the package in a folder is imported."""
    parts = package.split("/")
    return ".".join(parts[1:] if parts[0] in SOURCES and len(parts) > 1 else parts)


def same_name(one: str, other: str) -> bool:
    """Tell whether two names are one to a package index."""
    return re.sub(r"[-_.]+", "-", one).lower() == re.sub(r"[-_.]+", "-", other).lower()
