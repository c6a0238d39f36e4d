"""What a step would do, or has done: a table for people, one JSON document for programs.

In a terminal, lines are as wide as it is and nothing is cut off; elsewhere, each fact stays on
one line, so that other programs can search in them.
"""

import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import unified_diff
from functools import cached_property
from typing import Any, TypeVar

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .arrivals import Arrivals, Dependency, Difference, Service, arrivals
from .criteria import Status, Verdict, judge
from .making import LOCK
from .project import Project
from .stepping import Step
from .terminal import visible

T = TypeVar("T")

SCHEMA = 1
DIFF_LINES = 40  # of one file, shown to people; programs get all of them
ROOMY = 90  # columns, within which more than two fit beside each other
UNWRAPPED = 10_000  # columns, where no terminal says how many there are
STYLES: dict[Status, str] = {"holds": "green", "missing": "red", "unknown": "yellow"}
LACKING: set[Status] = {"missing", "unknown"}
DIFF_STYLES = {"+": "green", "-": "red", "@": "dim", "\\": "dim"}


@dataclass(frozen=True)
class Plan:
    """Everything that there is to say of a step."""

    project: Project
    step: Step

    @cached_property
    def arrivals(self) -> Arrivals:
        return arrivals(self.step.before, self.step.after)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        return judge(self.step.after, self.step.level)

    @cached_property
    def diffs(self) -> dict[str, str]:
        """What changes in each file that was there and stays; empty if it is no text."""
        before, after = self.step.before, self.step.after
        return {path: diff(before[path], after[path]) for path in self.step.changed}

    @property
    def questions(self) -> Iterator[dict[str, Any]]:
        """The new questions, with what is taken where nobody answers."""
        goal = self.step.goal
        for name in self.step.questions:
            asked = goal.questions.get(name, {})
            choices = asked.get("choices") or {}
            values = list(choices.values()) if isinstance(choices, dict) else list(choices)
            yield {
                "name": name,
                "help": str(asked.get("help", "")).strip(),
                "default": goal.answers[name],
                "choices": values if isinstance(values, list) else [],
            }

    @property
    def heading(self) -> str:
        """Where the step goes from and to."""
        old, new = self.project.level, self.step.level
        if old != new:
            return f"From level {old} to level {new}"
        versions = [self.project.answers["_commit"], self.step.goal.answers["_commit"]]
        return f"Level {new}, from version {versions[0]} of the template to {versions[1]}"

    @property
    def title(self) -> str:
        """What the level is called."""
        return str(self.step.goal.ladder[self.step.level]["title"])


def diff(before: bytes, after: bytes) -> str:
    """The change as `git diff` shows it, without the lines that name the file."""
    try:
        old, new = lines_of(before), lines_of(after)
    except UnicodeDecodeError:
        return ""
    shown = list(unified_diff(old, new))[2:]
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in shown
    )


def lines_of(body: bytes) -> list[str]:
    """The lines with their ends, as git counts them: only a line feed ends one."""
    return list(io.StringIO(body.decode(), newline="\n"))


def document(plan: Plan) -> dict[str, Any]:
    """The plan for programs. A change of its form that could break them raises `schema`."""
    step = plan.step
    return {
        "schema": SCHEMA,
        "from": {"level": plan.project.level, "version": plan.project.answers["_commit"]},
        "to": {"level": step.level, "version": step.goal.answers["_commit"], "title": plan.title},
        "files": {
            "added": step.added,
            "changed": [{"path": path, "diff": text} for path, text in plan.diffs.items()],
            "removed": step.removed,
        },
        "conflicts": [asdict(conflict) for conflict in step.conflicts],
        "edited_away": step.edited_away,
        "in_the_way": step.in_the_way,
        "questions": list(plan.questions),
        "dependencies": as_data(plan.arrivals.dependencies),
        "commands": as_data(plan.arrivals.commands),
        "costs": {
            "services": as_data(plan.arrivals.services),
            "secrets": as_data(plan.arrivals.secrets),
            "schedules": as_data(plan.arrivals.schedules),
        },
        "criteria": [
            {
                "name": verdict.criterion.name,
                "level": verdict.criterion.level,
                "kind": verdict.criterion.kind,
                "says": verdict.criterion.says,
                "status": verdict.status,
                "reason": verdict.reason,
                "files": verdict.files,
            }
            for verdict in plan.verdicts
        ],
        "notes": [*step.notes, *plan.arrivals.notes],
    }


def as_data(difference: Difference[Any]) -> dict[str, Any]:
    """A difference as JSON has it; what changed stands as it was and as it will be."""
    changed = [{"before": asdict(old), "after": asdict(new)} for old, new in difference.changed]
    return {
        "arriving": [asdict(thing) for thing in difference.arriving],
        "leaving": [asdict(thing) for thing in difference.leaving],
        "changed": changed,
    }


def print_plan_as_json(project: Project, step: Step) -> None:
    """Print the plan for programs on standard output."""
    print(json.dumps(document(Plan(project, step)), indent=2, default=str))


def print_plan(project: Project, step: Step, *, full: bool = False) -> None:
    """Print the plan for people on standard output; `full` names every file and every line."""
    plan = Plan(project, step)
    parts: list[RenderableType] = [
        Text(visible(plan.heading), "bold"),
        Text(visible(plan.title), "dim"),
        Text(in_short(step)),
    ]
    for part in sections(plan, full):
        parts += [Text(), part]
    show(parts)


def print_done(
    project: Project, step: Step, *, branch: str | None = None, committed: bool = False
) -> None:
    """Print on standard error what a step did, and what comes next."""
    plan = Plan(project, step)
    where = f", on branch {branch}" if branch else ""
    parts: list[RenderableType] = [
        Text(visible(plan.heading + where), "bold"),
        Text(counted_files(step), "dim"),
    ]
    if notes := [*step.notes, *plan.arrivals.notes]:
        parts += [Text(), section("Notes", "", [Text(visible(note)) for note in notes])]
    look = [] if committed else ["git diff --staged", f'git commit -m "{plan.heading}"']
    commands = [*look, *step.goal.ladder[step.level]["next"], *lock_commands(project)]
    parts += [Text(), section("Next", "", [Text(visible(command)) for command in commands])]
    show(parts, stderr=True)


def lock_commands(project: Project) -> list[str]:
    """Return how to commit the lock that `make setup` writes, if the last commit has another."""
    if not (project.root / LOCK).is_file() or not project.status(LOCK):
        return []
    return [f"git add {LOCK}", 'git commit -m "Lock the dependencies"']


def show(parts: Sequence[RenderableType], stderr: bool = False) -> None:
    """Print in the terminal's width; elsewhere in that of `COLUMNS`, or without wrapping."""
    out = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if out.is_terminal:
        out.print(*parts, sep="\n")
        return
    if not os.environ.get("COLUMNS", "").isdecimal():
        out.width = UNWRAPPED
    with out.capture() as captured:
        out.print(*parts, sep="\n")
    lines = (line.rstrip() for line in captured.get().splitlines())
    print("\n".join(lines), file=out.file)


def counted_files(step: Step) -> str:
    """How many files are new, changed and gone, in words."""
    new, changed, gone = len(step.added), len(step.changed), len(step.removed)
    files = "file" if new == 1 else "files"
    return f"{new or 'No'} new {files}, {changed or 'none'} changed, {gone or 'none'} removed."


def in_short(step: Step) -> str:
    """The step in a few sentences."""
    said = counted_files(step)
    if step.conflicts or step.edited_away or step.in_the_way:
        return said
    return f"{said} There are no conflicts, and nothing of yours goes."


def sections(plan: Plan, full: bool) -> Iterator[RenderableType]:
    """The parts of the plan that have something to say; what stops a climb stands first."""
    step, found = plan.step, plan.arrivals
    yield from troubles(step)
    if notes := [*step.notes, *found.notes]:
        yield section("Notes", "", [Text(visible(note)) for note in notes])
    if questions := list(plan.questions):
        yield section(
            "Questions", "that a climb asks", [Grid([*map(question_in_words, questions)])]
        )
    if step.added:
        yield section("Files that arrive", str(len(step.added)), [files(step.added, full)])
    if step.removed:
        yield section("Files that go", str(len(step.removed)), [files(step.removed, full)])
    if plan.diffs:
        changes = [part for path, text in plan.diffs.items() for part in change(path, text, full)]
        yield section("Files that change", str(len(plan.diffs)), changes)
    if found.dependencies:
        tables = list(dependency_tables(found.dependencies))
        yield section("Dependencies", counted(found.dependencies), tables)
    if found.commands:
        commands = differing(found.commands, lambda one: [f"make {one.name}", one.help])
        yield section("Commands", counted(found.commands), [commands])
    if costs := list(cost_sections(found)):
        yield section("What it costs to run", "", costs)
    yield from criteria_sections(plan.verdicts, step.level)


def troubles(step: Step) -> Iterator[RenderableType]:
    """What a climb would stop at, or leave to the user."""
    if step.in_the_way:
        advice = "a climb stops here"
        rows = [Text(visible(what)) for what in step.in_the_way]
        yield section("In the way", advice, rows, "bold red")
    if step.edited_away:
        advice = "a climb stops here, unless told --edited keep or drop"
        rows = [Text(visible(path)) for path in step.edited_away]
        yield section("Edited by you, and gone at the goal", advice, rows, "bold red")
    if step.conflicts:
        rows = [Text(visible(str(one))) for one in step.conflicts]
        yield section("Conflicts", "both sides stay, marked, and you decide", rows, "bold red")


def section(
    title: str, summary: str, rows: Sequence[RenderableType], style: str = "bold"
) -> RenderableType:
    """A heading, and what belongs to it below."""
    heading = Text.assemble((title, style), ("  " if summary else ""), (summary, "dim"))
    return Group(heading, *(indented(row) for row in rows))


def indented(what: RenderableType) -> RenderableType:
    """The same, two columns to the right."""
    return Padding(what, (0, 0, 0, 2))


@dataclass(frozen=True)
class Grid:
    """Columns without lines. Where there is little room, all but the first are one."""

    rows: Sequence[Sequence[str | Text]]

    def table(self, width: int) -> Table:
        """The columns as they fit; a name that is too long goes on in the next line."""
        table = Table.grid(padding=(0, 3, 0, 0))
        columns = max(map(len, self.rows), default=0)
        cells = [[text_of(cell) for cell in row] for row in self.rows]
        if width < ROOMY and columns > 2:
            cells = [[row[0], Text("\n").join(cell for cell in row[1:] if cell)] for row in cells]
        for _ in range(columns):
            table.add_column(overflow="fold")
        for row in cells:
            table.add_row(*row)
        return table

    def __rich_console__(self, console: Console, _: ConsoleOptions) -> RenderResult:
        yield self.table(console.width)


def text_of(cell: str | Text) -> Text:
    """A cell that cannot play tricks."""
    return cell if isinstance(cell, Text) else Text(visible(cell))


def files(paths: Sequence[str], full: bool) -> Grid:
    """The files by folder, or every one of them."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(path if full else folder_of(path), []).append(path)
    rows: list[list[str | Text]] = []
    for folder, inside in folders.items():
        if folder and len(inside) > 1:
            rows.append([folder, Text(f"{len(inside)} files", "dim")])
        else:
            rows += [[path] for path in inside]
    return Grid(rows)


def folder_of(path: str) -> str:
    """The folder that a file is counted with: of the package and the tests, each part is one."""
    parts = path.split("/")[:-1]
    depth = 3 if parts[:1] == ["src"] else 2
    return "".join(f"{part}/" for part in parts[:depth])


def change(path: str, text: str, full: bool) -> Iterator[RenderableType]:
    """A file that changes: how much, and the lines."""
    lines = text.split("\n")[:-1]
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    counts = f"+{added} -{removed}" if lines else "no text, or only its permissions"
    yield Text.assemble(visible(path), "  ", (counts, "dim"))
    shown = lines if full else lines[:DIFF_LINES]
    table = Table.grid()
    for line in shown:
        sign = "" if line.startswith("@") else line[:1]
        style = DIFF_STYLES.get(line[:1], "")
        table.add_row(
            Text(sign, style), Text(visible(line.removeprefix(sign)), style, overflow="fold")
        )
    yield indented(table)
    if len(shown) < len(lines):
        yield indented(Text(f"and {len(lines) - len(shown)} more lines: --full shows them", "dim"))


def counted(found: Difference[Any]) -> str:
    """How many things are new, changed and gone."""
    counts = {"new": found.arriving, "changed": found.changed, "gone": found.leaving}
    return ", ".join(f"{len(things)} {word}" for word, things in counts.items() if things)


def signed(
    found: Difference[T], words: Callable[[T], list[str]]
) -> Iterator[tuple[str, list[str]]]:
    """What differs, each with a sign: `+` arrives, `-` goes, and what changes has both."""
    yield from (("+", words(one)) for one in found.arriving)
    yield from (("-", words(one)) for one in found.leaving)
    for old, new in found.changed:
        yield "-", words(old)
        yield "+", words(new)


def differing(found: Difference[T], words: Callable[[T], list[str]]) -> Grid:
    """A table of what differs; the signs stand there if not everything is new."""
    rows = list(signed(found, words))
    if found.leaving or found.changed:
        return Grid([[f"{sign} {cells[0]}", *cells[1:]] for sign, cells in rows])
    return Grid([cells for _, cells in rows])


def dependency_tables(found: Difference[Dependency]) -> Iterator[RenderableType]:
    """The packages, table by table."""
    rows = list(signed(found, lambda one: [one.table, one.requirement]))
    everything_new = not (found.leaving or found.changed)
    for table in dict.fromkeys(cells[0] for _, cells in rows):
        lines = [
            Text(visible(cells[1] if everything_new else f"{sign} {cells[1]}"))
            for sign, cells in rows
            if cells[0] == table
        ]
        yield section(table, "", lines, "dim")


def cost_sections(found: Arrivals) -> Iterator[RenderableType]:
    """Services, secrets and schedules."""
    if found.services:
        table = differing(found.services, service_in_words)
        yield section("services", counted(found.services), [table], "")
    if found.secrets:
        table = differing(found.secrets, lambda one: [one.name, ", ".join(one.needed_by)])
        yield section("secrets and variables to set", counted(found.secrets), [table], "")
    if found.schedules:
        table = differing(found.schedules, lambda one: [one.name, one.when, one.file])
        yield section("schedules", counted(found.schedules), [table], "")


def service_in_words(service: Service) -> list[str]:
    """What runs, from which image, and where it listens or when it starts."""
    kind = "" if service.kind == "Docker Compose" else service.kind
    hand = ["started by hand"] if service.by_hand else []
    return [
        service.name,
        " ".join([kind, service.image]).strip(),
        ", ".join([*service.ports, *hand]),
    ]


def criteria_sections(verdicts: Sequence[Verdict], level: int) -> Iterator[RenderableType]:
    """How many criteria of each level hold; those of the goal, and what lower levels lack."""
    levels = sorted({verdict.criterion.level for verdict in verdicts})
    counts = Grid([[f"level {one}", holding(verdicts, one)] for one in levels])
    yield section("Criteria", "that hold then", [counts])
    of_goal = [one for one in verdicts if one.criterion.level == level]
    told = [one for one in verdicts if one in of_goal or one.status in LACKING]
    told.sort(key=lambda one: (one.status not in LACKING, one.criterion.level))
    lower = "and what lower levels lack" if len(told) > len(of_goal) else ""
    yield section(f"Criteria of level {level}", lower, [Grid([*map(verdict_in_words, told)])])


def holding(verdicts: Sequence[Verdict], level: int) -> str:
    """How many of a level's criteria hold, in words."""
    found = [one for one in verdicts if one.criterion.level == level]
    parts = []
    for kind, word in {"must": "required", "should": "recommended"}.items():
        of_kind = [one.status for one in found if one.criterion.kind == kind]
        parts.append(f"{of_kind.count('holds')} of {len(of_kind)} {word}")
    return ", ".join(parts)


def verdict_in_words(verdict: Verdict) -> list[str | Text]:
    """Whether a criterion holds, its name, and what it is or why it does not hold."""
    says = Text(verdict.criterion.says)
    if verdict.reason:
        says.append(f" ({visible(verdict.reason)})", "dim")
    style = STYLES.get(verdict.status, "dim")
    return [Text(verdict.status, style), verdict.criterion.name, says]


def question_in_words(question: dict[str, Any]) -> list[str | Text]:
    """A question, and what is taken where nobody answers."""
    default = str(question["default"]) or "empty"
    choices = ", ".join(map(str, question["choices"]))
    taken = f"{choices}; {default} if nobody answers" if choices else f"{default} if nobody answers"
    return [
        question["name"],
        Text.assemble(visible(question["help"]), "  ", (visible(taken), "dim")),
    ]
