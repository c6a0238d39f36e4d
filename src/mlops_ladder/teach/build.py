"""Build a course: the project at each level, with the lessons and tasks up to that level."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..errors import RefusedError, UsageError
from ..project import ANSWERS_FILE
from ..source.location import Template
from ..source.render import Rendering, check_level, render
from .content import Content, CourseTask
from .leaks import check_leaks
from .lessons import check_lessons, front_matter, objectives
from .repository import commit_levels

STUDENT = Path(__file__).with_name("student")
LEFT_OUT = (".github/workflows/check-update.yml",)  # students follow the course, not the template
README = """\
## Course

This project is yours. It grows level by level, and each level has tasks.

```
make setup            # once at each level
make lesson           # what the level is about, and its tasks
make check            # check your tasks; TASK=0.1 for one of them
make hint TASK=0.1    # a hint; the next call gives a stronger one
make climb            # merge the next level into your project
```

Commit before you climb: `git add --all`, then `git commit -m "Solve the tasks"`. Your work is
kept. `make update` merges your teacher's fixes. To hand in level 0: `git tag level-0`, then
`git push origin main level-0`.

Without make, `uv run python check.py` checks your tasks; `check.py lesson`, `check.py hint 0.1`
and `check.py climb` are the others.

"""
TASK_SECTION = re.compile(r"^### (?P<name>\d\.\d+) .*?(?=^### |^## )", re.MULTILINE | re.DOTALL)
CLIMB = re.compile(r"\n## Climb\n.*?(?=\n## |\Z)", re.DOTALL)


def build(
    destination: Path,
    content: Content,
    template: Template,
    highest: int,
    answers: Mapping[str, Any],
    prepare: Callable[[Rendering], None] | None = None,
) -> dict[int, list[str]]:
    """Build a course in a new folder, and return the names of each level's tasks.

    Parameters
    ----------
    destination
        The repository to create.
    content
        The lessons and tasks.
    template
        The template of the project.
    highest
        The last level; the first is 0.
    answers
        Answers to the template's questions.
    prepare
        Writes a teacher's own problem into each project, which then has no task about taxi rides.

    Raises
    ------
    UsageError
        The last level is below 0.
    RefusedError
        The destination is not free, a lesson is not valid, or an answer would be in the course.
    """
    if highest < 0:
        raise UsageError("the last level of a course is 0 or higher: --to N")
    if destination.exists() and any(destination.iterdir()):
        raise RefusedError(f"{destination} is not empty. Choose another folder")
    levels = range(highest + 1)
    check_lessons(content, levels)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{destination.name}-", dir=destination.parent
    ) as made:
        projects, plain = {}, Path(made) / "plain"
        for level in levels:
            rendering = render(template, plain / str(level), {**answers, "level": level})
            check_level(level, rendering)
            if prepare:
                prepare(rendering)
            projects[level] = add_course(
                rendering.folder, Path(made) / str(level), content, level, prepare is None
            )
        course = Path(made) / "course"
        messages = {level: message(content, level) for level in levels}
        commit_levels(course, projects, messages)
        check_leaks(course, content, plain)
        if destination.exists():
            destination.rmdir()
        course.rename(destination)
    return {
        level: [task.name for task in content.tasks_of(level, prepare is None)] for level in levels
    }


def add_course(
    plain: Path, project: Path, content: Content, level: int, with_example: bool
) -> Path:
    """Copy a project, and add what students get up to its level."""
    shutil.copytree(plain, project)
    for name in LEFT_OUT:
        (project / name).unlink(missing_ok=True)
    forget_template(project / ANSWERS_FILE)
    describe_course(project / "README.md")
    shutil.copytree(content.folder / "student", project, dirs_exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(STUDENT, project / "course", ignore=ignored)
    write_variant(project / "course" / "variant.json", content.variant())
    (project / "lessons").mkdir()
    for reached in range(level + 1):
        tasks = content.tasks_of(reached, with_example)
        lesson = only_tasks(content.lesson(reached).read_text(encoding="utf-8"), tasks)
        (project / "lessons" / f"{reached}.md").write_text(lesson, encoding="utf-8")
        for task in tasks:
            task.publish(project)
    return project


def forget_template(file: Path) -> None:
    """Remove the template's address from the answers: it may be a path of the teacher's machine."""
    answers = yaml.safe_load(file.read_text(encoding="utf-8"))
    del answers["_src_path"]
    text = yaml.safe_dump(answers, allow_unicode=True)
    file.write_text(f"# The answers from which this course was generated.\n{text}", "utf-8")


def describe_course(readme: Path) -> None:
    """Replace the README's section on climbing with the template by one on the course."""
    text = CLIMB.sub("", readme.read_text(encoding="utf-8"))
    readme.write_text(text.replace("## Start\n", f"{README}## Start\n", 1), encoding="utf-8")


def only_tasks(lesson: str, tasks: Sequence[CourseTask]) -> str:
    """Return a lesson without the sections of tasks that the course does not have."""
    names = {task.name for task in tasks}
    return TASK_SECTION.sub(lambda found: found[0] if found["name"] in names else "", lesson)


def write_variant(path: Path, variant: Mapping[str, Any]) -> None:
    """Write the values of a student."""
    path.write_text(json.dumps(variant, indent=2) + "\n", encoding="utf-8")


def message(content: Content, level: int) -> str:
    """Return the message of a level's commit: the lesson's title and objectives."""
    text = content.lesson(level).read_text(encoding="utf-8")
    title = front_matter(text)["title"]
    return f"Level {level}: {title}\n\n" + "\n".join(f"- {one}" for one in objectives(text))
