"""Output for students: the results of checks, lessons and hints."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from . import runner, tasks
from .tasks import Task

LESSONS = Path("lessons")
HINTS_GIVEN = Path("reports/hints.json")  # ignored by git
HINT = re.compile(r"^## \d+\n", re.MULTILINE)


def level() -> int:
    """Return the level that the project has reached."""
    return max(int(lesson.stem) for lesson in LESSONS.glob("[0-9].md"))


def check(chosen: Sequence[Task]) -> int:
    """Check tasks, print the results, and return 0 if all passed."""
    results = list(check_each(chosen))
    points = sum(task.about["points"] for task, failure in results if failure is None)
    most = sum(task.about["points"] for task, _ in results)
    print(f"{points} of {most} points")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(table(results))
    return 0 if points == most else 1


def check_each(chosen: Sequence[Task]) -> Iterator[tuple[Task, runner.Failure | None]]:
    """Check each task and print its result."""
    project, variant = Path.cwd(), tasks.variant()
    with ExitStack() as stack:
        observer = stack.enter_context(runner.Observer(chosen))
        for task in chosen:
            if task.about.get("service") and "url" not in variant:
                try:
                    variant["url"] = stack.enter_context(runner.service(project, runner.python()))
                except (OSError, RuntimeError) as error:
                    variant["url"] = ""
                    print(f"The service does not run: {error}")
            cases = task.checks.cases(variant)
            failure = runner.failure_of(task, cases, observer.outcomes(task, project, cases))
            print("\n".join(lines(task, failure)) + "\n", flush=True)
            yield task, failure


def lines(task: Task, failure: runner.Failure | None) -> list[str]:
    """Return the result of a task, in at most eight lines."""
    about = task.about
    if failure is None:
        hidden = about.get("hidden", 0)
        left = f"; hidden tests that remain for grading: {hidden}" if hidden else ""
        return [f"{task.name} {about['title']}: passed ({about['points']} points){left}"]
    place = next(iter(sorted(map(str, Path().glob(failure.look)))), failure.look)
    return [
        f"{task.name} {about['title']}: not yet ({about['points']} points)",
        f"  did       {failure.did}",
        f"  expected  {failure.expected}",
        f"  got       {failure.got}",
        f"  look at   {place}",
        f"  next      make hint TASK={task.name}",
    ]


def table(results: Sequence[tuple[Task, runner.Failure | None]]) -> str:
    """Return the results as a table in Markdown, for the summary of a job."""
    rows = [
        f"| {task.name} {task.about['title']} | {'not yet' if failure else 'passed'} "
        f"| {0 if failure else task.about['points']} of {task.about['points']} |"
        for task, failure in results
    ]
    return "\n".join(["| task | result | points |", "| --- | --- | --- |", *rows, ""])


def lesson() -> int:
    """Print the lesson of the level."""
    print((LESSONS / f"{level()}.md").read_text(encoding="utf-8"))
    return 0


def hint(name: str) -> int:
    """Print the next hint for a task; each call gives one more."""
    text = (tasks.FOLDER / name / "hints.md").read_text(encoding="utf-8")
    hints = [one.strip() for one in HINT.split(text)[1:]]
    given = json.loads(HINTS_GIVEN.read_text(encoding="utf-8")) if HINTS_GIVEN.exists() else {}
    number = min(given.get(name, 0) + 1, len(hints))
    HINTS_GIVEN.parent.mkdir(exist_ok=True)
    HINTS_GIVEN.write_text(json.dumps({**given, name: number}), encoding="utf-8")
    print(f"Hint {number} of {len(hints)} for {name}:\n\n{hints[number - 1]}")
    return 0
