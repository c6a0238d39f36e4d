"""The content of a course: `course.toml`, lessons, and tasks with their answers and hidden tests.

A task is a folder, `tasks/LEVEL.NUMBER/`:

    task.toml    title, points, minutes, and the files that a student edits
    check.py     the public checks: `cases(variant)` and `observe(given)`
    hints.md     three hints, each in a section `## N`
    start/       files that come with the task
    hidden.py    never in a course: `cases(variant, seed)` for grading
    answer/      never in a course: files, or `edits.toml` with replacements in files
    wrong/NAME/  never in a course: wrong answers that the checks must refuse
    wrong/reasons.toml  never in a course: why students are tempted by each, and why it is wrong
"""

import hashlib
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import RefusedError
from ..source.location import CHECKOUT, PACKAGE
from .student.observer import load
from .student.tasks import Task

PUBLIC = ("task.toml", "check.py", "hints.md")
EXAMPLE_PACKAGE = "taxi_ride_duration"
EDITS = "edits.toml"
REASONS = "wrong/reasons.toml"


@dataclass(frozen=True)
class CourseTask(Task):
    """A task with what only the teacher has."""

    def hidden_cases(self, variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
        """Return the hidden tests of a student."""
        hidden = self.folder / "hidden.py"
        found: list[dict[str, Any]] = load(hidden).cases(variant, seed) if hidden.exists() else []
        return found

    @property
    def wrong(self) -> dict[str, str]:
        """Return the reasons why the tempting answers are wrong, by the answers' names."""
        return tomllib.loads((self.folder / REASONS).read_text(encoding="utf-8"))

    def publish(self, project: Path) -> None:
        """Copy what students get into a project."""
        destination = project / "tasks" / self.name
        destination.mkdir(parents=True)
        for name in PUBLIC:
            shutil.copyfile(self.folder / name, destination / name)
        if (self.folder / "start").exists():
            shutil.copytree(self.folder / "start", project, dirs_exist_ok=True)

    def apply(self, answer: str, project: Path, variant: dict[str, Any]) -> None:
        """Write an answer into a project, `answer` or `wrong/NAME`."""
        folder, package = self.folder / answer, package_of(project)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            if file.name == EDITS:
                for edit in tomllib.loads(file.read_text(encoding="utf-8"))["edit"]:
                    replace_in(project, edit, variant, package)
                continue
            destination = project / file.relative_to(folder)
            destination.parent.mkdir(parents=True, exist_ok=True)
            text = filled(file.read_text(encoding="utf-8"), variant, package)
            destination.write_text(text, encoding="utf-8")


def package_of(project: Path) -> str:
    """Return the name of the project's package; that of the example where there is none."""
    found = sorted(project.glob("src/*/problem.py"))
    return found[0].parent.name if found else EXAMPLE_PACKAGE


def filled(text: str, variant: dict[str, Any], package: str) -> str:
    """Return a text with a student's values for `@name@`, and the name of the package."""
    for name, value in variant.items():
        text = text.replace(f"@{name}@", str(value))
    return text.replace(EXAMPLE_PACKAGE, package)


def replace_in(project: Path, edit: dict[str, str], variant: dict[str, Any], package: str) -> None:
    """Replace lines in a file of the project.

    Raises
    ------
    RefusedError
        The file does not have them.
    """
    (file,) = project.glob(edit["file"])
    text = file.read_text(encoding="utf-8")
    if text.count(edit["old"]) != 1:
        raise RefusedError(f"{edit['file']} does not have these lines once: {edit['old']!r}")
    new = filled(edit["new"], variant, package)
    file.write_text(text.replace(edit["old"], new), encoding="utf-8")


@dataclass(frozen=True)
class Content:
    """The content of a course."""

    folder: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings in `course.toml`."""
        return tomllib.loads((self.folder / "course.toml").read_text(encoding="utf-8"))

    @property
    def title(self) -> str:
        """Return the title of the course."""
        return str(self.settings["title"])

    @cached_property
    def tasks(self) -> list[CourseTask]:
        """All tasks, in their order."""
        folders = [path.parent for path in (self.folder / "tasks").glob("*/task.toml")]
        tasks = [CourseTask(folder) for folder in folders]
        return sorted(tasks, key=lambda task: [*map(int, task.name.split("."))])

    def tasks_of(self, level: int, with_example: bool = True) -> list[CourseTask]:
        """Return the tasks of a level, without those about taxi rides where there are none."""
        return [
            task
            for task in self.tasks
            if task.level == level and (with_example or not task.about.get("needs_example"))
        ]

    def published_tasks(self, level: int, project: Path) -> list[CourseTask]:
        """Return the tasks of a level that a course's project has."""
        return [task for task in self.tasks_of(level) if (project / "tasks" / task.name).exists()]

    def lesson(self, level: int) -> Path:
        """Return the file of the lesson of a level."""
        return self.folder / "lessons" / f"{level}.md"

    def variant(self, student: str = "") -> dict[str, Any]:
        """Return the values of a student; of the whole class without a name."""
        lists: dict[str, list[Any]] = self.settings["variant"]
        if not student:
            return {name: values[len(values) // 2] for name, values in lists.items()} | {"seed": 0}
        digest = hashlib.sha256(f"{self.title}/{student}".encode()).digest()
        chosen = {
            name: values[digest[i + 4] % len(values)]
            for i, (name, values) in enumerate(sorted(lists.items()))
        }
        return {"student": student, "seed": int.from_bytes(digest[:4])} | chosen


def course_content(folder: Path | None) -> Content:
    """Return the content of a course in a folder, or the one that this program comes with.

    Raises
    ------
    RefusedError
        The folder has no course.
    """
    packed = PACKAGE / "_course"
    content = Content(folder or (packed if packed.is_dir() else CHECKOUT / "course"))
    try:
        if content.tasks and "variant" in content.settings:
            return content
    except (OSError, tomllib.TOMLDecodeError, ValueError) as error:
        raise RefusedError(f"the course in {content.folder} cannot be read: {error}") from error
    raise RefusedError(f"{content.folder} has no course: course.toml, lessons/ and tasks/")


def lines_of(folder: Path) -> Iterator[str]:
    """Yield the lines of all files below a folder; of a binary one, what is text in it."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if "__pycache__" not in file.parts:
            yield from file.read_text(encoding="utf-8", errors="replace").splitlines()
