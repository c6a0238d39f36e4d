"""The form of lessons: front matter, sections, tasks whose points and minutes add up."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from ..errors import RefusedError, listed
from .content import Content

SECTIONS = [
    "Questions",
    "Objectives",
    "What arrives with this climb",
    "Why",
    "Design, train, operate",
    "Tasks",
    "Exploratory questions",
    "Key points",
]
FRONT_MATTER = re.compile(r"\A---\n(?P<front>.*?)\n---\n", re.DOTALL)
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
TASK = re.compile(r"^### (\d\.\d+) (.+) \((\d+) points, (\d+) minutes\)$", re.MULTILINE)
CHECK = "make check TASK={}"
DATED = re.compile(r"\b20\d\d\b|https?://")  # both are out of date before the course is


def front_matter(text: str) -> dict[str, Any]:
    """Return the settings at the top of a lesson."""
    found = FRONT_MATTER.match(text)
    return dict(yaml.safe_load(found["front"]) or {}) if found else {}


def section(text: str, name: str) -> str:
    """Return the text of a section."""
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def objectives(text: str) -> list[str]:
    """Return the objectives of a lesson."""
    lines = section(text, "Objectives").splitlines()
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


def check_lessons(content: Content, levels: Sequence[int]) -> None:
    """Check the lessons of the levels.

    Raises
    ------
    RefusedError
        One is missing or not valid.
    """
    problems = [problem for level in levels for problem in problems_of(content, level)]
    if problems:
        raise RefusedError(listed("the lessons are not valid:", problems))


def problems_of(content: Content, level: int) -> Iterator[str]:
    """Yield what is wrong with the lesson of a level."""
    file = content.lesson(level)
    if not file.exists():
        yield f"lessons/{level}.md is missing"
        return
    text, name = file.read_text(encoding="utf-8"), f"lessons/{level}.md"
    front = front_matter(text)
    if front.get("level") != level or not front.get("title"):
        yield f"{name}: the front matter needs level: {level} and a title"
    if SECTION.findall(text) != SECTIONS:
        yield f"{name}: the sections must be {', '.join(SECTIONS)}"
    described = [(task, int(minutes)) for task, _, _, minutes in TASK.findall(text)]
    wanted = [
        (task.name, task.about["title"], task.about["points"], task.about["minutes"])
        for task in content.tasks_of(level)
    ]
    headings = [f"### {a} {b} ({c} points, {d} minutes)" for a, b, c, d in wanted]
    for heading in headings:
        if text.count(f"{heading}\n") != 1:
            yield f"{name}: the heading {heading!r} must be there once"
    for task, *_ in wanted:
        if CHECK.format(task) not in text:
            yield f"{name}: {CHECK.format(task)} is missing"
    if front.get("exercises") != sum(minutes for _, minutes in described):
        yield f"{name}: exercises must be the sum of the tasks' minutes"
    for found in DATED.findall(FRONT_MATTER.sub("", text)):
        yield f"{name}: {found} will be out of date: leave out years and links"
