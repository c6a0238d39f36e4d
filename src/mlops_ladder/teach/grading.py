"""Grade students' repositories without trusting their tests or their code.

A student's code runs in processes that only return values. The expected values, and the decision,
are in this process.
"""

import math
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..errors import RefusedError
from . import isolation
from .content import Content, CourseTask
from .repository import extract_level
from .roster import Student
from .student import runner
from .student.tasks import Task
from .submission import NotGradedError, collect, extract, level_of

PUBLIC_FILES = ("tasks", "course", "check.py")


@dataclass(frozen=True)
class Mark:
    """The result of a task. `output` is what a student may see."""

    task: str
    title: str
    points: int
    most: int
    output: str


@dataclass(frozen=True)
class Grade:
    """The result of a student: one mark for each task, or a note why there is none."""

    student: Student
    folder: str
    commit: str = ""
    level: int = -1
    marks: list[Mark] = field(default_factory=list)
    days_late: int = 0
    note: str = ""


@dataclass(frozen=True)
class Grader:
    """The settings of a grading, the same for all students.

    `level` is the level that is graded; tasks are those of the course's branch, with all fixes.
    """

    course: Path
    content: Content
    level: int
    python: str
    url: str = ""
    hidden: bool = True

    def grade(self, student: Student, repository: Path) -> Grade:
        """Grade a repository; whatever is wrong with it becomes a note."""
        with tempfile.TemporaryDirectory(prefix="grade-") as name:
            folder = Path(name)
            try:
                handed_in = collect(repository, self.level, self.course, folder / "store.git")
                tools = folder / "tools"
                extract_level(self.course, self.level, tools, PUBLIC_FILES)
                variant = self.content.variant(student.name) | {"student": repository.name}
                extract(handed_in, folder / "project", tools, variant)
            except (NotGradedError, OSError) as error:
                marks = [self.mark(task, 0, "") for task in self.tasks]
                return Grade(student, repository.name, marks=marks, note=str(error))
            reached = level_of(handed_in)
            marks, note = self.run(folder, tools, variant)
        return Grade(student, repository.name, handed_in.commit[:10], reached, marks, note=note)

    @property
    def tasks(self) -> list[CourseTask]:
        """The tasks of the level."""
        return self.content.tasks_of(self.level)

    def mark(self, task: Task, points: int, output: str) -> Mark:
        """Return the mark of a task."""
        return Mark(task.name, task.about["title"], points, task.about["points"], output)

    def run(self, folder: Path, tools: Path, variant: dict[str, Any]) -> tuple[list[Mark], str]:
        """Run all tasks of a student, and return the marks and a note on what was stopped."""
        marks, note = [], ""
        waiting = self.content.published_tasks(self.level, tools)
        home = folder / "home"
        home.mkdir()
        while waiting:
            with ExitStack() as stack:
                network = any(task.about.get("service") for task in waiting)
                observer = stack.enter_context(
                    runner.Observer(
                        waiting,
                        [*isolation.namespaces(network), self.python],
                        isolation.environment(home, self.python),
                        isolation.limit,
                        tools / "course" / "observer.py",
                    )
                )
                watch = stack.enter_context(
                    isolation.Watch(observer.pid, [home, folder / "project"])
                )
                while waiting:
                    task = waiting.pop(0)
                    marks.append(self.run_task(task, folder, tools, variant, observer))
                    if watch.reason or not observer.lives:
                        break  # the other tasks get a process of their own
                if watch.reason:
                    note = f"task {marks[-1].task} was stopped: {watch.reason}"
        return marks, note

    def run_task(
        self,
        task: CourseTask,
        folder: Path,
        tools: Path,
        variant: dict[str, Any],
        observer: runner.Observer,
    ) -> Mark:
        """Run the public and the hidden checks of a task."""
        given = variant | {"url": self.url}
        published = Task(tools / "tasks" / task.name)
        public = published.checks.cases(given)
        hidden = task.hidden_cases(given, variant["seed"]) if self.hidden else []
        cases = [*public, *hidden]
        outcomes = observer.outcomes(published, folder / "project", cases)
        split = len(public)
        failure = runner.failure_of(published, public, outcomes[:split])
        if failure is not None:
            lines = [f"did: {failure.did}", f"expected: {failure.expected}", f"got: {failure.got}"]
            return self.mark(task, 0, "\n".join(lines))
        failed = sum(
            runner.failure_of(published, [case], [outcome]) is not None
            for case, outcome in zip(hidden, outcomes[split:], strict=True)
        )
        if failed:
            said = f"the public checks pass; {failed} of {len(hidden)} hidden tests fail"
            return self.mark(task, 0, said)
        return self.mark(task, task.about["points"], "passed")


def days_late(student: Student, due: datetime | None, collected: datetime) -> int:
    """Return the days after the student's due date, begun ones included."""
    if due is None:
        return 0
    late = collected - due - timedelta(days=student.extension)
    return max(0, math.ceil(late / timedelta(days=1)))


def grade_all(
    grader: Grader,
    repositories: Mapping[Student, Path],
    due: datetime | None,
    collected: datetime,
    jobs: int,
    report: Callable[[Grade], None],
) -> list[Grade]:
    """Grade all students, several at once; `report` is called after each."""

    def one(student: Student) -> Grade:
        try:
            found = grader.grade(student, repositories[student])
        except RefusedError as error:
            marks = [grader.mark(task, 0, "") for task in grader.tasks]
            found = Grade(student, repositories[student].name, marks=marks, note=error.message)
        report(found)
        late = days_late(student, due, collected)
        return replace(found, days_late=late)

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, repositories))


def score(grade: Grade, late_percent: float) -> float:
    """Return the points of a student, less the share for each day after the due date."""
    points = sum(mark.points for mark in grade.marks)
    return round(points * max(0.0, 1 - grade.days_late * late_percent / 100), 2)
