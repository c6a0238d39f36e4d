"""Prove that each task can be solved, is not solved already, and refuses wrong answers."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RefusedError
from .content import Content, CourseTask
from .repository import extract_level, levels
from .student import runner

STUDENTS = ("", "one", "two")  # the class's common data, and two students'
AT_ONCE = 2  # levels that are proven at a time
WRONG_REASONS = ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError")


@dataclass(frozen=True)
class Proof:
    """The result of proving a task with the data of a student; no problems if it is proven."""

    task: str
    student: str
    problems: list[str]


def prove(course: Path, content: Content, python: str, urls: Mapping[int, str]) -> Iterator[Proof]:
    """Yield the proof of each task for three students, in order, as levels are done.

    Parameters
    ----------
    course
        The course's repository.
    content
        Its content, with answers and hidden tests.
    python
        The Python of an environment that has the packages of the highest level.
    urls
        The address of a running service, for the levels whose tasks need one.
    """

    def of_level(level: int) -> list[Proof]:
        return list(prove_level(course, level, content, python, urls.get(level, "")))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for proofs in pool.map(of_level, levels(course)):
            yield from proofs


def prove_level(
    course: Path, level: int, content: Content, python: str, url: str
) -> Iterator[Proof]:
    """Yield the proof of each task of a level for three students."""
    with tempfile.TemporaryDirectory(prefix="prove-") as folder:
        project = extract_level(course, level, Path(folder) / "project")
        tasks = content.published_tasks(level, project)
        with runner.Observer(tasks, [python]) as observer:
            for student in STUDENTS:
                variant = content.variant(student) | {"url": url}
                for task in tasks:
                    found = list(problems(task, project, variant, observer))
                    yield Proof(task.name, student or "class", found)


def problems(
    task: CourseTask, project: Path, variant: dict[str, Any], observer: runner.Observer
) -> Iterator[str]:
    """Yield what is wrong with a task."""
    public, hidden = task.checks.cases(variant), task.hidden_cases(variant, variant["seed"])
    if len(hidden) != task.about["hidden"]:
        yield f"task.toml says {task.about['hidden']} hidden tests, and there are {len(hidden)}"
    failure = failure_of(task, project, public, observer)
    if failure is None:
        yield "it is solved already"
    elif failure.got.startswith(WRONG_REASONS):
        yield f"the check does not run: {failure.got}"
    with answered(task, "answer", project, variant) as solved:
        failure = failure_of(task, solved, [*public, *hidden], observer)
    if failure is not None:
        yield f"the answer is refused: {failure.did}: {failure.got}"
    if len(task.wrong) < 2:
        yield "it has fewer than two wrong answers"
    for name in task.wrong:
        with answered(task, f"wrong/{name}", project, variant) as tempted:
            if failure_of(task, tempted, [*public, *hidden], observer) is None:
                yield f"the wrong answer {name} is accepted"


def failure_of(
    task: CourseTask, project: Path, cases: Sequence[dict[str, Any]], observer: runner.Observer
) -> runner.Failure | None:
    """Run a task's checks and return the first failure."""
    return runner.failure_of(task, cases, observer.outcomes(task, project, cases))


@contextmanager
def answered(
    task: CourseTask, answer: str, project: Path, variant: dict[str, Any]
) -> Iterator[Path]:
    """Provide a copy of the project with an answer."""
    if not (task.folder / answer).exists():
        raise RefusedError(f"task {task.name} has no folder {answer}")
    with tempfile.TemporaryDirectory(prefix="answer-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(project, copy)
        task.apply(answer, copy, variant)
        yield copy
