"""Plans and results, printed for people."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ..inspection.impact import Dependency, Difference, Impact
from ..make import LOCK
from ..migration.plan import Plan
from ..project import Project
from ..terminal import escape
from .document import Judged, PlanReport
from .tables import STYLES, Grid, indent, section, show
from .text import (
    count_difference,
    count_files,
    count_met,
    folder_of,
    service_row,
    signed_rows,
    summarize,
)

T = TypeVar("T")

DIFF_LINES = 40  # of one file, shown to people; the JSON document has all of them
NOT_MET = {"missing", "unknown"}
DIFF_STYLES = {"+": "green", "-": "red", "@": "dim", "\\": "dim"}


def print_plan(project: Project, plan: Plan, *, full: bool = False) -> None:
    """Print the plan on standard output; `full` lists every file and every changed line."""
    report = PlanReport(project, plan)
    parts: list[RenderableType] = [
        Text(escape(report.heading), "bold"),
        Text(escape(report.title), "dim"),
        Text(summarize(plan)),
    ]
    for part in sections(report, full):
        parts += [Text(), part]
    show(parts)


def print_done(
    project: Project,
    plan: Plan,
    *,
    branch: str | None = None,
    message: str | None = None,
    locked: bool = False,
) -> None:
    """Print on standard error what was done, and the next commands unless there are conflicts.

    Parameters
    ----------
    project
        The project.
    plan
        What was applied.
    branch
        The new branch, if one was created.
    message
        The message to commit with; None if it was committed.
    locked
        True if the commit has the `uv.lock` of the level.
    """
    report = PlanReport(project, plan)
    where = f", on branch {branch}" if branch else ""
    parts: list[RenderableType] = [
        Text(escape(report.heading + where), "bold"),
        Text(count_files(plan), "dim"),
    ]
    if report.notes:
        parts += [Text(), section("Notes", "", [Text(escape(note)) for note in report.notes])]
    if not plan.conflicts:
        look = ["git diff --staged", f'git commit -m "{message}"'] if message else []
        setup, *others = plan.target.ladder[plan.level]["next"]
        commands = [*look, setup, *([] if locked else lock_commands(project)), *others]
        parts += [Text(), section("Next", "", [Text(escape(command)) for command in commands])]
    show(parts, stderr=True)


def lock_commands(project: Project) -> list[str]:
    """Return the commands that commit `uv.lock`, which `make setup` writes anew after a climb.

    Otherwise a model would be trained with an environment that no commit has.
    """
    if not (project.root / LOCK).is_file():
        return []
    return [f"git add {LOCK}", 'git commit -m "Lock the dependencies"']


def sections(report: PlanReport, full: bool) -> Iterator[RenderableType]:
    """Yield the sections that have something to say; what stops a climb comes first."""
    plan, impact = report.plan, report.impact
    yield from obstacle_sections(plan)
    if report.notes:
        yield section("Notes", "", [Text(escape(note)) for note in report.notes])
    if questions := list(report.questions):
        rows = [*map(question_row, questions)]
        yield section("Questions", "asked by a climb", [Grid(rows)])
    if plan.added:
        yield section("New files", str(len(plan.added)), [file_grid(plan.added, full)])
    if plan.removed:
        yield section("Removed files", str(len(plan.removed)), [file_grid(plan.removed, full)])
    if report.diffs:
        changes = [part for path, text in report.diffs.items() for part in change(path, text, full)]
        yield section("Changed files", str(len(report.diffs)), changes)
    if impact.dependencies:
        tables = list(dependency_tables(impact.dependencies))
        yield section("Dependencies", count_difference(impact.dependencies), tables)
    if impact.commands:
        commands = difference_grid(impact.commands, lambda one: [f"make {one.name}", one.help])
        yield section("Commands", count_difference(impact.commands), [commands])
    if costs := list(cost_sections(impact)):
        yield section("Running costs", "", costs)
    yield from criteria_sections(report.criteria, plan.level)


def obstacle_sections(plan: Plan) -> Iterator[RenderableType]:
    """Yield what a climb would refuse, or leave to the user."""
    if plan.blocked:
        rows = [Text(escape(what)) for what in plan.blocked]
        yield section("Blocked", "a climb stops here", rows, "bold red")
    if plan.edited_and_removed:
        advice = "a climb stops here, unless called with --edited keep or drop"
        rows = [Text(escape(path)) for path in plan.edited_and_removed]
        yield section("Edited by you, not part of the target", advice, rows, "bold red")
    if plan.unconverted:
        advice = "a climb stops here, unless called with --example-problem"
        rows = [Text(escape(reason)) for reason in plan.unconverted]
        yield section("Notebook code that cannot be converted", advice, rows, "bold red")
    if plan.conflicts:
        rows = [Text(escape(str(one))) for one in plan.conflicts]
        yield section("Conflicts", "both versions are kept, marked, for you", rows, "bold red")


def file_grid(paths: Sequence[str], full: bool) -> Grid:
    """List the files by folder, or each of them."""
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


def change(path: str, text: str, full: bool) -> Iterator[RenderableType]:
    """Yield a changed file: its name, how many lines changed, and the lines."""
    lines = text.split("\n")[:-1]
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    counts = f"+{added} -{removed}" if lines else "binary, or only its permissions"
    yield Text.assemble(escape(path), "  ", (counts, "dim"))
    shown = lines if full else lines[:DIFF_LINES]
    table = Table.grid()
    for line in shown:
        sign = "" if line.startswith("@") else line[:1]
        style = DIFF_STYLES.get(line[:1], "")
        table.add_row(
            Text(sign, style), Text(escape(line.removeprefix(sign)), style, overflow="fold")
        )
    yield indent(table)
    if len(shown) < len(lines):
        yield indent(Text(f"and {len(lines) - len(shown)} more lines: --full shows them", "dim"))


def difference_grid(difference: Difference[T], row: Callable[[T], list[str]]) -> Grid:
    """Return a table of what differs, with signs unless everything is new."""
    rows = list(signed_rows(difference, row))
    if difference.removed or difference.changed:
        return Grid([[f"{sign} {cells[0]}", *cells[1:]] for sign, cells in rows])
    return Grid([cells for _, cells in rows])


def dependency_tables(difference: Difference[Dependency]) -> Iterator[RenderableType]:
    """Yield the requirements, one section for each table of `pyproject.toml`."""
    rows = list(signed_rows(difference, lambda one: [one.table, one.requirement]))
    all_new = not (difference.removed or difference.changed)
    for table in dict.fromkeys(cells[0] for _, cells in rows):
        lines = [
            Text(escape(cells[1] if all_new else f"{sign} {cells[1]}"))
            for sign, cells in rows
            if cells[0] == table
        ]
        yield section(table, "", lines, "dim")


def cost_sections(impact: Impact) -> Iterator[RenderableType]:
    """Yield services, secrets and schedules."""
    if impact.services:
        table = difference_grid(impact.services, service_row)
        yield section("services", count_difference(impact.services), [table], "")
    if impact.secrets:
        table = difference_grid(impact.secrets, lambda one: [one.name, ", ".join(one.needed_by)])
        yield section("secrets and variables to set", count_difference(impact.secrets), [table], "")
    if impact.schedules:
        table = difference_grid(impact.schedules, lambda one: [one.name, one.when, one.file])
        yield section("schedules", count_difference(impact.schedules), [table], "")


def criteria_sections(results: Sequence[Judged], level: int) -> Iterator[RenderableType]:
    """Yield the counts of each level, what a climb meets, and what is not met at the target."""
    levels = sorted({one.criterion.level for one in results})
    counts = Grid([[f"level {one}", count_met(results, one)] for one in levels])
    yield section("Maturity criteria", "met at the target", [counts])
    if new := [one for one in results if one.is_new]:
        rows = [[f"{one.criterion.id} {one.criterion.name}", one.criterion.title] for one in new]
        yield section("Newly met", str(len(new)), [Grid(rows)])
    lacking = [one for one in results if one.after.status in NOT_MET]
    if lacking:
        where = (
            "also of lower levels" if any(one.criterion.level < level for one in lacking) else ""
        )
        yield section("Not met", where, [Grid([*map(criterion_row, lacking)])])


def criterion_row(judged: Judged) -> list[str | Text]:
    """Return a criterion's status, its name, and what it is and why it is not met."""
    title = Text(judged.criterion.title)
    if judged.after.reason:
        title.append(f" ({escape(judged.after.reason)})", "dim")
    name = f"{judged.criterion.id} {judged.criterion.name}"
    return [Text(judged.after.status, STYLES.get(judged.after.status, "dim")), name, title]


def question_row(question: dict[str, Any]) -> list[str | Text]:
    """Return a question's name, its text and its default."""
    default = str(question["default"]) or "empty"
    choices = ", ".join(map(str, question["choices"]))
    details = f"{choices}; default {default}" if choices else f"default {default}"
    return [
        question["name"],
        Text.assemble(escape(question["help"]), "  ", (escape(details), "dim")),
    ]
