"""The tasks of the levels that this project has reached: the folders in `tasks/`."""

import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from .observer import load

FOLDER = Path("tasks")
OWN, COMMON = Path("variant.json"), Path("course/variant.json")


@dataclass(frozen=True)
class Task:
    """A task: `task.toml` describes it, `check.py` checks it, `hints.md` helps."""

    folder: Path

    @property
    def name(self) -> str:
        """Return the name: the level, a point, and a number."""
        return self.folder.name

    @cached_property
    def about(self) -> dict[str, Any]:
        """Return the content of `task.toml`."""
        return tomllib.loads((self.folder / "task.toml").read_text(encoding="utf-8"))

    @cached_property
    def checks(self) -> ModuleType:
        """Import `check.py`."""
        return load(self.folder / "check.py")

    @property
    def level(self) -> int:
        """Return the level to which the task belongs."""
        return int(self.name.partition(".")[0])


def reached() -> list[Task]:
    """Return all tasks, in their order."""
    folders = [path.parent for path in FOLDER.glob("*/task.toml")]
    return [Task(one) for one in sorted(folders, key=lambda one: [*map(int, one.name.split("."))])]


def names() -> list[str]:
    """Return the names of all tasks."""
    return [task.name for task in reached()]


def named(wanted: list[str]) -> list[Task]:
    """Return the tasks with these names."""
    return [task for task in reached() if task.name in wanted]


def variant() -> dict[str, Any]:
    """Return the values of this student; where there are none, those of the whole class."""
    found: dict[str, Any] = json.loads(COMMON.read_text(encoding="utf-8"))
    return found | json.loads(OWN.read_text(encoding="utf-8"))
