"""Files that are neither Python nor of CI: manifests, images, settings."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from ..inspection.commands import Commands
from ..inspection.files import as_list, as_mapping
from ..inspection.repository import Repository

UNREAD = {
    **{"r": "R", "rmd": "R", "jl": "Julia", "scala": "Scala", "rs": "Rust", "go": "Go"},
    **{"java": "Java", "kt": "Kotlin", "cs": "C#", "swift": "Swift", "rb": "Ruby", "php": "PHP"},
    **{"cc": "C++", "cpp": "C++", "cxx": "C++", "cu": "C++", "c": "C", "m": "MATLAB", "sas": "SAS"},
    **{"js": "JavaScript", "ts": "TypeScript", "tsx": "TypeScript", "jsx": "JavaScript"},
}
OF_STATISTICS = {"R", "Julia", "Scala"}
"""Languages of which a few files may be what fits; of the others, most files have to be."""
DOCS_PATH = re.compile(r"^(docs?|documentation|site|website|book)/|(^|/)_?archive[sd]?/")


class OtherFiles:
    """The content of manifests, images and settings. Everything is computed at most once."""

    def __init__(self, repository: Repository, sizes: dict[str, int]) -> None:
        self.repository = repository
        self.sizes = sizes
        self.commands = Commands(repository)
        self._lines: dict[tuple[str, str], int] = {}

    @cached_property
    def manifests(self) -> list[tuple[str, dict[str, Any]]]:
        """The Kubernetes manifests and Compose files, each document with its file."""
        found = []
        for path in self.yaml_files:
            body = self.repository.tree[path]
            name = path.rpartition("/")[2]
            is_compose = "compose" in name and b"services" in body
            is_manifest = is_compose or re.search(rb"^kind:", body, re.M)
            if path.startswith((".github/", ".drone")) or not is_manifest:
                continue
            for document in self.repository.documents(path):
                if isinstance(document, dict) and isinstance(document.get("kind"), str | None):
                    found.append((path, document))
        return found

    @cached_property
    def yaml_files(self) -> list[str]:
        """The YAML files that are no templates, documentation or CI."""
        return [
            path
            for path in self.sizes
            if path.endswith((".yml", ".yaml"))
            and not DOCS_PATH.search(path)
            and self.sizes[path] < 300_000
        ][:3_000]

    @cached_property
    def dockerfiles(self) -> list[str]:
        """The Dockerfiles."""
        name = re.compile(r"(^|/)([^/]*Dockerfile[^/]*|Containerfile|[^/]+\.dockerfile)$", re.I)
        return [
            path
            for path in self.sizes
            if name.search(path) and not path.endswith((".md", ".ignore"))
        ]

    @cached_property
    def written_settings(self) -> list[tuple[str, str, Any]]:
        """The settings in configuration files: file, name and value."""
        found: list[tuple[str, str, Any]] = []
        for path in self.sizes:
            if path.startswith(".github/") or self.sizes[path] > 60_000 or DOCS_PATH.search(path):
                continue
            if path.endswith((".yml", ".yaml")):
                documents: Iterable[Any] = self.repository.documents(path)
            elif path.endswith(".toml") and path != "pyproject.toml" and "lock" not in path:
                documents = [self.repository.toml(path)]
            elif re.search(r"(config|param|settings?|conf)[^/]*\.json$", path):
                documents = [self.repository.json(path)]
            else:
                continue
            for document in documents:
                found += [(path, name, value) for name, value in leaves(document)]
        return found

    @cached_property
    def unread_languages(self) -> dict[str, str]:
        """The languages that are not read and that much of the code is in, each with a file."""
        found: dict[str, str] = {}
        count = Counter[str]()
        for path in self.sizes:
            if DOCS_PATH.search(path):
                continue
            ending = path.rpartition(".")[2].lower()
            count["Python"] += ending in {"py", "ipynb"}
            if language := UNREAD.get(ending):
                count[language] += 1
                found.setdefault(language, path)
        return {
            language: path
            for language, path in found.items()
            if language in OF_STATISTICS or count[language] > count["Python"]
        }

    @cached_property
    def project_name(self) -> str:
        """The name of the project in pyproject.toml; empty without one."""
        said = self.repository.pyproject
        poetry = as_mapping(as_mapping(said.get("tool")).get("poetry"))
        return str(as_mapping(said.get("project")).get("name") or poetry.get("name") or "")

    @cached_property
    def unset(self) -> set[str]:
        """The names of settings that a configuration file leaves without a value."""
        return {name for _, name, value in self.written_settings if value is None}

    def line_of(self, path: str, fragment: str) -> int:
        """Return the first line of a file that has a text outside of a comment; else 1."""
        if (path, fragment) not in self._lines:
            self._lines[path, fragment] = next(
                (
                    number
                    for number, line in enumerate(self.repository.text(path).split("\n"), 1)
                    if fragment in line and not line.lstrip().startswith("#")
                ),
                1,
            )
        return self._lines[path, fragment]


def all_mappings(value: Any) -> Iterator[dict[Any, Any]]:
    """Yield every mapping in nested data."""
    if isinstance(value, dict):
        yield value
        for entry in value.values():
            yield from all_mappings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from all_mappings(entry)


def commands_in(document: Any) -> Iterator[str]:
    """Yield the commands of containers in a manifest or a Compose file."""
    for mapping in all_mappings(document):
        parts: list[str] = []
        for name in ("entrypoint", "command", "args"):
            said = mapping.get(name)
            parts += [said] if isinstance(said, str) else [str(one) for one in as_list(said)]
        if parts:
            yield " ".join(parts)


def leaves(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of settings in nested data."""
    if depth > 12:
        return
    if isinstance(value, dict):
        if set(value) == {"name", "value"} and not isinstance(value["value"], dict | list):
            yield str(value["name"]), value["value"]  # as variables of Azure and of Kubernetes are
        for name, entry in value.items():
            if not isinstance(entry, dict | list):
                yield str(name), entry
            elif isinstance(entry, list) and not any(isinstance(one, dict | list) for one in entry):
                yield str(name), entry or None
            else:
                yield from leaves(entry, depth + 1)
    elif isinstance(value, list):
        for entry in value[:200]:
            yield from leaves(entry, depth + 1)
