"""The report of an adoption: what was found, what the branch adds, and what to decide."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import click

from ..git import git
from ..migration.merge import ORDINARY, Entry, Sandbox
from ..migration.pieces import PIECES
from ..project import Project
from ..terminal import escape, escape_lines, say
from .layout import Layout
from .own_problem import OwnProblem, where
from .proposals import Adoption, free, untracked

SHOWN = 6


def found_in(layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield what the repository contains, by kind."""
    kinds: dict[str, Iterable[str]] = {
        "packages": layout.packages,
        "scripts": layout.scripts,
        "notebooks": layout.notebooks,
        f"tests ({layout.tests_run_by})": layout.tests,
        "training": layout.trains,
        "data": layout.data,
        "installed by": layout.packaging,
        "checked by": [*layout.workflows, *layout.other_ci],
        "tasks": filter(None, [layout.makefile]),
    }
    for kind, paths in kinds.items():
        if names := list(paths):
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield kind, ", ".join(names[:SHOWN]) + more


def decisions(adoption: Adoption) -> Iterator[str]:
    """Yield what the user should know or decide, one sentence each."""
    told: dict[str, list[str]] = {}
    for path, what in adoption.proposed.items():
        where = "in the patch" if path in adoption.patched else "not in the patch"
        told.setdefault(f"{what} ({where})", []).append(path)
    for path, reason in adoption.withheld.items():
        if path not in adoption.proposed:
            told.setdefault(f"not added: {reason}", []).append(path)
    yield from (f"{', '.join(paths)}: {what}" for what, paths in told.items())
    yield from adoption.remarks
    yield from (f"make setup fails until this is done: {one}" for one in adoption.missing)


def pieces(adoption: Adoption) -> Iterator[str]:
    """Yield the pieces of the level by purpose, and those that were left out."""
    width = max((len(name) for name in PIECES), default=0)
    for name, piece in PIECES.items():
        count = adoption.pieces.get(name, 0)
        if name in adoption.manifest.without:
            yield f"{name:{width}}  left out, here and at later climbs: {piece.purpose}"
        elif count:
            files = "1 file " if count == 1 else f"{count} files"
            yield f"{name:{width}}  {files}  {piece.purpose}"


def changes(adoption: Adoption) -> str:
    """Say which files of the repository the branch changes."""
    if not adoption.changed:
        return "changes none of yours"
    return f"adds to {', '.join(adoption.changed)}, and changes no other file of yours"


def problem_state(adoption: Adoption, problem: OwnProblem | None) -> Iterator[str]:
    """Yield what the level predicts, in sentences."""
    package, manifest = adoption.rendering.answers["package_name"], adoption.manifest
    place = manifest.place(f"src/{package}/problem.py")
    if problem:
        yield f"{where(problem, adoption.layout)}. Findings:"
        yield from (f"  - {finding}" for finding in problem.scaffolded.findings)
    elif place in adoption.added:
        yield (
            f"{place} is to be written: what to predict, from which rows. Until then, training ends"
            " with that sentence, and the level's tests are skipped. For a data file,"
            " mlops-ladder adopt --from FILE --target COLUMN writes it"
        )


def next_commands(adoption: Adoption, patch: str) -> list[str]:
    """List the commands to run on the branch."""
    level = adoption.rendering.answers["level"]
    commands = [str(command) for command in adoption.rendering.ladder[level]["next"]]
    if tasks := adoption.manifest.moved.get("Makefile"):
        commands = [command.replace("make ", f"make -f {tasks} ") for command in commands]
    return [f"git apply --3way {patch}", *commands] if adoption.patch else commands


def report(adoption: Adoption, patch: str, problem: OwnProblem | None) -> str:
    """Write docs/adoption.md."""
    answers, level = adoption.rendering.answers, adoption.rendering.answers["level"]
    lines = [
        f"# Adopted at level {level}",
        "",
        f"*{adoption.rendering.ladder[level]['title']}.* `mlops-ladder adopt` added"
        f" {len(adoption.added) + 1 - len(adoption.changed)} files; it {changes(adoption)}."
        " Read this, decide, and delete it.",
        "",
        "## What was found",
        "",
        *(f"- {kind}: {names}" for kind, names in found_in(adoption.layout)),
        "",
        "## The answers",
        "",
        "They are stored in `.copier-answers.yml`, for later climbs and upgrades.",
        "",
        *(f"- {name}: {value}" for name, value in answers.items() if name[0] != "_"),
        "",
    ]
    if state := list(problem_state(adoption, problem)):
        lines += ["## The problem", "", *state, ""]
    listed = [f"    {line}" for line in pieces(adoption)]
    lines += ["## Pieces", "", *listed, "", "`--without NAME` leaves one out.", ""]
    if decided := list(decisions(adoption)):
        lines += ["## To decide", "", *(f"- {sentence}" for sentence in decided), ""]
    if adoption.patch:
        lines += [
            f"`git apply --3way {patch}` applies the whole patch; with `--include=FILE`, one file."
            " Read it first; it is plain text.",
            "",
        ]
    lines += ["## Next", "", "```", *next_commands(adoption, patch), "```", ""]
    return "\n".join([*lines, *kept(adoption)])


def kept(adoption: Adoption) -> Iterator[str]:
    """Yield the section about files that stay the repository's own."""
    manifest = adoption.manifest
    if manifest.moved:
        yield from ["## Moved files", "", "At this level and those above:", ""]
        yield from (
            f"- `{there}` is yours; the template's is `{here}`"
            for there, here in manifest.moved.items()
        )
        yield ""
    if not manifest.kept:
        return
    yield from ["## Files of yours that the template does not replace", ""]
    yield from (f"- `{path}`" for path in manifest.kept)
    yield ""


def with_report(
    adoption: Adoption, patch: str, sandbox: Sandbox, problem: OwnProblem | None
) -> Adoption:
    """Return the adoption with its report and its patch among the added files."""
    place = free("docs/adoption.md", adoption.layout.paths)
    added = dict(adoption.added)
    if adoption.patch:
        added[patch] = Entry(ORDINARY, sandbox.write(adoption.patch))
    text = escape_lines(report(adoption, patch, problem)).encode("utf-8", "surrogateescape")
    added[place] = Entry(ORDINARY, sandbox.write(text))
    return replace(adoption, added=added)


def report_layout(project: Project, layout: Layout) -> None:
    """Report what the repository has, before any question."""
    lines = [f"Found in {project.root}:"]
    width = max(len(kind) for kind, _ in found_in(layout))
    lines += [f"  {kind:{width}}  {names}" for kind, names in found_in(layout)]
    if not layout.trains:
        lines.append("note: no code here fits a model")
    if project.uncommitted():
        lines.append("note: uncommitted changes are not considered, and stay as they are")
    say("\n".join([*lines, ""]))


def report_adoption(
    project: Project,
    adoption: Adoption,
    branch: str,
    patch: str,
    problem: OwnProblem | None,
    dry_run: bool,
) -> None:
    """Report what the branch adds, and the next commands."""
    answers = adoption.rendering.answers
    shown = {name: value for name, value in answers.items() if name[0] != "_" and value != ""}
    lines = ["Answers:", *(f"  {name}: {value}" for name, value in shown.items()), ""]
    adds = "would add" if dry_run else "adds"
    lines.append(
        f"Branch {branch} {adds} {len(adoption.added) - len(adoption.changed)} files in one commit"
        f" and {changes(adoption)}."
    )
    lines += ["", "Pieces, each of which --without NAME leaves out:"]
    lines += [f"  {line}" for line in pieces(adoption)]
    if state := list(problem_state(adoption, problem)):
        lines += ["", *state]
    if decided := list(decisions(adoption)):
        lines += ["", "To decide:", *(f"  - {sentence}" for sentence in decided)]
    if paths := untracked(project.root, adoption.added.keys() - set(adoption.changed)):
        lines += ["", "Move these untracked files before you switch to the branch:"]
        lines += [f"  - {path}" for path in paths]
    if dry_run:
        say("\n".join(lines))
        click.echo("\n".join(map(escape, sorted(adoption.added))))
        return
    current = git(project.root, "branch", "--show-current") or "HEAD"
    lines += ["", "Next:", "", f"    git switch {branch}", f"    git diff {current}..."]
    lines += ["    less docs/adoption.md"]
    lines += [f"    {command}" for command in next_commands(adoption, patch)]
    say("\n".join(lines))
