"""What the verbs that change a project share: their options, and the way through a step."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

import click

from .answers import answer_options, given_answers, may_ask
from .applying import alone, carry_out, recover
from .errors import ConflictsLeft, Misused, Refused, listed
from .git import has_identity, succeeds
from .making import make
from .project import Project, open_project
from .report import print_done, print_plan
from .source import Template
from .stepping import Edited, Step, prepare
from .terminal import say

Command = Callable[..., Any]


@dataclass(frozen=True)
class StepOptions:
    """How a person wants a step to be taken."""

    path: Path
    edited: Edited | None
    branch: str | None
    tests: bool
    commits: bool
    dry_run: bool
    template: str | None
    pairs: tuple[str, ...]
    answers_file: Path | None
    defaults: bool

    @cached_property
    def given(self) -> dict[str, Any]:
        """The answers on the command line."""
        return given_answers(self.pairs, self.answers_file)


project_option = click.option(
    "--project",
    "path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="The project's folder, if it is not this one.",
)
template_option = click.option(
    "--template", metavar="SOURCE", help="Where the project's template is now."
)
OPTIONS = (
    project_option,
    click.option("--dry-run", is_flag=True, help="Show the plan, and touch nothing."),
    click.option("--branch", metavar="NAME", help="Do it on a new branch of that name."),
    click.option("--commit", "commits", is_flag=True, help="Commit the result."),
    click.option(
        "--test",
        "tests",
        is_flag=True,
        help="Run the project's own `make setup test`; go back if it fails.",
    ),
    click.option(
        "--edited",
        type=click.Choice(["keep", "drop"]),
        help="What becomes of files that you edited and the goal does not have.",
    ),
    answer_options,
    template_option,
)


def step_options(function: Command) -> Command:
    """Give a verb the options of a step, as one argument."""

    @wraps(function)
    def gathered(**found: Any) -> Any:
        options = {field.name: found.pop(field.name) for field in fields(StepOptions)}
        return function(StepOptions(**options), **found)

    command: Command = gathered
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def open_for_step(options: StepOptions) -> Project:
    """The project, ready for a step: nothing left of an earlier one, and everything committed.

    A dry run touches nothing, so it asks for nothing.

    Raises:
        Refused: it is not ready, or there is none.
        Misused: the branch's name is not one.
    """
    project = open_project(options.path)
    if options.dry_run:
        return project
    with alone(project):
        if sentence := recover(project):
            say(sentence)
            project = open_project(options.path)  # whose answers may be others now
    project.check_clean()
    check_git(project, options.branch, options.commits)
    return project


def go(
    project: Project,
    origin: Template,
    goal: Template,
    *,
    level: int,
    what: str,
    options: StepOptions,
) -> None:
    """Take the step, or show it, and say what it did.

    Raises:
        Refused: something would be lost, or the project's tests fail; nothing changed.
        ConflictsLeft: the user has to decide in the places that it names.
    """
    ask = may_ask(options.defaults) and not options.dry_run
    with prepare(
        project, origin, goal, level=level, given=options.given, ask=ask, edited=options.edited
    ) as step:
        if options.dry_run:
            print_plan(project, step)
            return
        with alone(project):
            take(project, step, what, options)
        print_done(project, step, branch=options.branch, committed=options.commits)
        if step.conflicts:
            raise ConflictsLeft(
                listed(
                    f"{len(step.conflicts)} places are left to you:",
                    [
                        *map(str, step.conflicts),
                        f"Then git add them. {undoing(project)} undoes it all.",
                    ],
                )
            )


def undoing(project: Project) -> str:
    """Return the command that undoes a step, and touches nothing outside the project."""
    place = [] if project.root == Path.cwd() else ["-C", shlex.quote(str(project.root))]
    return " ".join(["git", *place, "restore --source=HEAD --staged --worktree ."])


def check_git(project: Project, branch: str | None, commits: bool) -> None:
    """Make sure that git will do what is asked of it.

    Raises:
        Misused: the branch's name is not one.
        Refused: the branch is there already, or git does not know in whose name to commit.
    """
    if branch and not succeeds(project.root, "check-ref-format", "--branch", branch):
        raise Misused(f"{branch} is no name for a branch")
    if branch and succeeds(project.root, "rev-parse", "--verify", f"refs/heads/{branch}"):
        raise Refused(f"the branch {branch} is there already; name another one")
    if commits and not has_identity(project.root):
        raise Refused(
            "git does not know in whose name to commit:"
            ' git config user.name "Your Name"; git config user.email you@example.org'
        )


def take(project: Project, step: Step, what: str, options: StepOptions) -> None:
    """Change the project, unless something stands against it.

    Raises:
        Refused: it does, and nothing changed.
    """
    refuse_losses(step, options.edited)
    if step.conflicts and (options.tests or options.commits):
        raise Refused(
            listed(
                "there would be conflicts, which can be neither tested nor committed."
                " Leave --test and --commit away to solve them:",
                [str(conflict) for conflict in step.conflicts],
            )
        )
    carry_out(
        project,
        step,
        what,
        new_branch=options.branch,
        check=(lambda: check_project(project)) if options.tests else None,
        message=what.capitalize() if options.commits else None,
    )


def refuse_losses(step: Step, edited: Edited | None) -> None:
    """Stop where something would be lost.

    Raises:
        Refused: naming it all, and what to do.
    """
    if step.in_the_way:
        raise Refused(listed("these are in the way:", step.in_the_way))
    if step.edited_away and edited is None:
        advice = "--edited keep leaves them in place; --edited drop removes them"
        raise Refused(
            listed(
                "the goal does not have these files, which you edited:",
                [*step.edited_away, advice],
            )
        )


def check_project(project: Project) -> None:
    """Install and test the project as it now is.

    Raises
    ------
    Refused
        It fails.
    """
    if not make(project.root, "setup", "test"):
        raise Refused("the project's tests fail at the goal (above); the project is as it was")
