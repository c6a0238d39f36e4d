"""Says to a person what was found, what the branch brings, and what is left to them."""

from collections.abc import Iterable, Iterator

from .bringing import Adoption
from .looking import Repository

SHOWN = 6


def found_in(repository: Repository) -> Iterator[tuple[str, str]]:
    """What the repository holds, by kind."""
    kinds: dict[str, Iterable[str]] = {
        "packages": repository.packages,
        "scripts": repository.scripts,
        "notebooks": repository.notebooks,
        f"tests ({repository.tests_run_by})": repository.tests,
        "training": repository.trains,
        "data": repository.data,
        "installed by": repository.packaging,
        "checked by": [*repository.workflows, *repository.other_ci],
        "tasks": filter(None, [repository.makefile]),
    }
    for kind, paths in kinds.items():
        if names := list(paths):
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield kind, ", ".join(names[:SHOWN]) + more


def decisions(adoption: Adoption) -> Iterator[str]:
    """What the person has to know or to decide, a sentence each."""
    told: dict[str, list[str]] = {}
    for path, what in adoption.proposed.items():
        where = "in the patch" if path in adoption.patched else "not in the patch"
        told.setdefault(f"{what} ({where})", []).append(path)
    for path, reason in adoption.held.items():
        if path not in adoption.proposed:
            told.setdefault(f"did not arrive, because {reason}", []).append(path)
    yield from (f"{', '.join(paths)}: {what}" for what, paths in told.items())
    yield from adoption.remarks


def next_commands(adoption: Adoption, patch: str) -> list[str]:
    """What to run on the branch, or after it was merged."""
    level = adoption.rendering.answers["level"]
    commands = [str(command) for command in adoption.rendering.ladder[level]["next"]]
    if tasks := adoption.shape.moved.get("Makefile"):
        commands = [command.replace("make ", f"make -f {tasks} ") for command in commands]
    return [f"git apply --3way {patch}", *commands] if adoption.patch else commands


def report(adoption: Adoption, patch: str) -> str:
    """The report that comes with the branch."""
    answers, level = adoption.rendering.answers, adoption.rendering.answers["level"]
    package = answers["package_name"]
    lines = [
        f"# Adopted at level {level}",
        "",
        f"*{adoption.rendering.ladder[level]['title']}.* `mlops-ladder adopt` brought"
        f" {len(adoption.arriving) + 1} files and changed none that was there. Read this, decide,"
        " and delete it.",
        "",
        "## What was found",
        "",
        *(f"- {kind}: {names}" for kind, names in found_in(adoption.repository)),
        "",
        "## The answers",
        "",
        "They stand in `.copier-answers.yml`; later climbs and upgrades read them.",
        "",
        *(f"- {name}: {value}" for name, value in answers.items() if name[0] != "_"),
        "",
    ]
    if level:
        lines += [
            f"`src/{package}/` is an example that works. Its `problem.py` is the one file to"
            " rewrite: let it import your code, as `docs/another-problem.md` shows.",
            "",
        ]
    if decided := list(decisions(adoption)):
        lines += ["## To decide", "", *(f"- {sentence}" for sentence in decided), ""]
    if adoption.patch:
        lines += [
            f"`git apply --3way {patch}` takes over all of the patch; with `--include=FILE`, one"
            " file. Read it first: it is plain text.",
            "",
        ]
    lines += ["## Next", "", "```", *next_commands(adoption, patch), "```", ""]
    return "\n".join([*lines, *kept(adoption)])


def kept(adoption: Adoption) -> Iterator[str]:
    """The files that stay theirs, and what the template has in their place."""
    shape = adoption.shape
    if shape.moved:
        yield from ["## Beside yours", "", "At this level and at those above:", ""]
        yield from (
            f"- `{there}` stays yours; ours is `{here}`" for there, here in shape.moved.items()
        )
        yield ""
    if not shape.kept:
        return
    yield from ["## Yours alone", ""]
    yield from (f"- `{path}`" for path in shape.kept)
    yield ""
