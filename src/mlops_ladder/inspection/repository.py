"""A repository's files as data: TOML, YAML, make files, workflows and code.

Files are the user's own and may be broken. What cannot be parsed is a note, never an error.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import yaml

from ..errors import first_line
from . import github, gitlab, jenkins
from .files import Lenient, Tree, is_finite, pattern
from .workflow import Workflow

MOST_KEPT = 30_000_000  # characters of texts that are remembered
MAKE_NAMES = ("Makefile", "makefile", "GNUmakefile")
MAKE_FILES = (*MAKE_NAMES, "make/*.mk")
CONFLICT = re.compile(
    r"^<{7} [^\n]*\n(?P<yours>.*?)^={7}\n(?P<incoming>.*?)^>{7} [^\n]*\n?",
    re.DOTALL | re.MULTILINE,
)
JSON_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
JSON_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])()')
TARGET = re.compile(
    r"^(?P<name>[\w.-]+)::?(?!=)(?P<needs>[^#=\n]*)(?:## *(?P<help>.*))?$", re.ASCII
)


@dataclass(frozen=True)
class Target:
    """A make target: its help text, prerequisites and recipe; variables are not expanded."""

    name: str
    file: str
    help: str
    needs: str
    recipe: str
    is_double_colon: bool = False
    """True if other rules of the same name add to it, instead of replacing it."""

    def extended(self, other: "Target") -> "Target":
        """Return the target with another rule of its name, which may replace its commands."""
        adds = other.is_double_colon or not other.recipe
        recipe = "\n".join(filter(None, [self.recipe, other.recipe])) if adds else other.recipe
        texts = self.help or other.help if adds else other.help
        return replace(self, help=texts, needs=f"{self.needs} {other.needs}", recipe=recipe)


@lru_cache(maxsize=2_000)  # the projects of one repository share most of them
def documents_in(text: str) -> list[Any]:
    """Return the documents of YAML, which must not be changed.

    Raises
    ------
    yaml.YAMLError, ValueError, RecursionError
        It is no YAML, or too large.
    """
    found = list(yaml.load_all(text, Lenient))
    if not is_finite(found):
        raise ValueError("it is too large, or an alias refers to itself")
    return found


class Repository:
    """A tree of files, each parsed at most once; `notes` lists what could not be parsed."""

    def __init__(self, tree: Tree) -> None:
        """Keep the tree; nothing is read yet."""
        self.tree = tree
        self.notes: list[str] = []
        self._yaml: dict[str, list[Any]] = {}
        self._texts: dict[str, str] = {}
        self._kept = 0
        self._matching: dict[tuple[str, ...], list[str]] = {}

    def matching(self, *globs: str) -> list[str]:
        """List the paths that match one of the globs; `**` matches any folders."""
        if globs not in self._matching:
            plain = {glob for glob in globs if "*" not in glob}
            found = {path for path in plain if path in self.tree}
            if len(plain) < len(globs):
                is_match = pattern(*(glob for glob in globs if glob not in plain)).fullmatch
                found |= {path for path in self.tree if is_match(path)}
            self._matching[globs] = sorted(found)
        return list(self._matching[globs])

    def text(self, path: str) -> str:
        """Return a file's text; of merge conflicts, both sides."""
        if path not in self._texts:
            text = self._read(path)
            if self._kept + len(text) > MOST_KEPT:
                return text
            self._texts[path] = text
            self._kept += len(text)
        return self._texts[path]

    def _read(self, path: str) -> str:
        body = self.tree.get(path, b"")
        wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))  # as PowerShell writes what it redirects
        text = body.decode("utf-16" if wide else "utf-8", "replace").replace("\r\n", "\n")
        return CONFLICT.sub(r"\g<yours>\g<incoming>", text)

    def documents(self, path: str) -> list[Any]:
        """Return the documents of a YAML file; none if it is not valid."""
        if path not in self._yaml:
            try:
                self._yaml[path] = documents_in(self.text(path))
            except (yaml.YAMLError, ValueError, RecursionError) as error:
                self._yaml[path] = []
                self.notes.append(f"{path} is no YAML: {first_line(error)}")
        return self._yaml[path]

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """The content of pyproject.toml; empty if it is not valid."""
        return self.toml("pyproject.toml")

    def toml(self, path: str) -> dict[str, Any]:
        """Return the content of a TOML file; empty if it is not valid or not there."""
        if path not in self.tree:
            return {}
        try:
            return tomllib.loads(self.text(path))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self.notes.append(f"{path} is no TOML: {first_line(error)}")
            return {}

    def json(self, path: str) -> Any:
        """Return the content of a JSON file; nothing if it is not valid."""
        text = self.text(path)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            if "//" in text or "/*" in text:
                return self._json_with_comments(path, text)
            self.notes.append(f"{path} is no JSON: {first_line(error)}")
            return None

    def _json_with_comments(self, path: str, text: str) -> Any:
        """Return the content of JSON with comments and commas after the last entry, as tools do."""
        plain = JSON_COMMENT.sub(lambda found: found[1] or " ", text)
        try:
            return json.loads(JSON_COMMA.sub(lambda found: found[1] or found[2], plain))
        except (ValueError, RecursionError) as error:
            self.notes.append(f"{path} is no JSON: {first_line(error)}")
            return None

    @cached_property
    def answers(self) -> dict[str, Any]:
        """The answers from which the project was generated, in a file of any name."""
        for path in self.matching("*.yml", "*.yaml"):
            if "_src_path" in self.text(path):
                for said in self.documents(path):
                    if isinstance(said, dict) and "level" in said:
                        return said
        return {}

    @cached_property
    def targets(self) -> dict[str, Target]:
        """The make targets by name, in the order of the files."""
        found: dict[str, Target] = {}
        for file in self.matching(*MAKE_FILES):
            for target in self._targets(file):
                before = found.get(target.name)
                found[target.name] = before.extended(target) if before else target
        return found

    def _targets(self, file: str) -> Iterator[Target]:
        lines = self.text(file).replace("\\\n", " ").split("\n")
        for number, line in enumerate(lines):
            head = TARGET.match(line)
            if head is None or head["name"].startswith("."):
                continue
            recipe = []
            for below in lines[number + 1 :]:
                if not below.startswith(("\t", "ifn", "ifd", "ifeq", "endif", "else")):
                    break
                recipe.append(below.strip())
            yield Target(
                name=head["name"],
                file=file,
                help=(head["help"] or "").strip(),
                needs=head["needs"].strip(),
                recipe="\n".join(recipe),
                is_double_colon=line.startswith(f"{head['name']}::"),
            )

    @cached_property
    def workflows(self) -> list[Workflow]:
        """The workflows that can be read, of each CI service."""
        return [one for service in (github, gitlab, jenkins) for one in service.workflows(self)]
