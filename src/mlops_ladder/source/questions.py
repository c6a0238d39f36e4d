"""Levels and questions of the installed template, read without rendering it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .location import CHECKOUT, PACKAGE


def template_root() -> Path:
    """Return the folder of the installed template: packed in a wheel, or this checkout."""
    packed = PACKAGE / "_template"
    return packed if packed.is_dir() else CHECKOUT


@cache
def settings() -> dict[str, Any]:
    """Return the settings and questions of the template's YAML files."""
    root, found = template_root(), dict[str, Any]()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file in (root / "copier.yml", *sorted((root / "levels").glob("*.yml"))):
        for document in yaml.load_all(plain(file), loader):
            found |= document or {}
    return found


def plain(file: Path) -> str:
    """Return a settings file without copier's `!include`, which plain YAML does not know."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("!include"))


def level_titles() -> dict[int, str]:
    """Return the title of each level, lowest first."""
    ladder: Mapping[int, Mapping[str, Any]] = settings()["ladder"]["default"]
    return {level: str(entry["title"]) for level, entry in sorted(ladder.items())}


def questions() -> dict[str, list[str]]:
    """Return the choices of each question that may be answered, none where any text is valid."""
    found = {}
    for name, question in settings().items():
        if name.startswith("_") or not isinstance(question, dict) or question.get("when") is False:
            continue
        choices = question.get("choices") or []
        if isinstance(choices, str):  # rendered by copier, as the menu of levels is
            choices = list(level_titles()) if name == "level" else []
        values = list(choices.values()) if isinstance(choices, dict) else list(choices)
        found[name] = ["true", "false"] if question.get("type") == "bool" else [*map(str, values)]
    return found
