"""Change a project as planned, for climb and upgrade."""

import shlex
from pathlib import Path

from ..errors import ConflictsError, DecisionError, RefusedError, UsageError, listed
from ..git import has_identity, succeeds
from ..make import make
from ..migration.plan import Edited, Plan, make_plan
from ..migration.transaction import apply_plan, exclusive, recover
from ..project import Project, open_project
from ..report.console import print_done, print_plan
from ..source.location import Template
from ..terminal import say
from .options import MigrationOptions, may_ask


def open_for_migration(options: MigrationOptions) -> Project:
    """Open the project, recover an interrupted migration, and check that everything is committed.

    A dry run changes nothing, so it checks nothing.

    Raises
    ------
    RefusedError
        There is no project, or it has uncommitted work.
    UsageError
        The branch name is not valid.
    """
    project = open_project(options.path)
    if options.dry_run:
        return project
    with exclusive(project):
        if sentence := recover(project):
            say(sentence)
            project = open_project(options.path)  # its answers may have changed
    project.check_clean()
    check_git(project, options.branch, options.commits)
    return project


def migrate(
    project: Project,
    origin: Template,
    target: Template,
    *,
    level: int,
    description: str,
    options: MigrationOptions,
) -> None:
    """Plan the migration, apply it or show it, and report what was done.

    Raises
    ------
    RefusedError
        Work would be lost, or the project's tests fail; nothing changed.
    ConflictsError
        There are merge conflicts.
    """
    ask = may_ask(options.defaults) and not options.dry_run
    with make_plan(
        project, origin, target, level=level, given=options.given, ask=ask, edited=options.edited
    ) as plan:
        if options.dry_run:
            print_plan(project, plan)
            return
        with exclusive(project):
            check_and_apply(project, plan, description, options)
        message = None if options.commits else description.capitalize()
        locked = options.tests and message is None  # the tests have run make setup
        print_done(project, plan, branch=options.branch, message=message, locked=locked)
        if plan.conflicts:
            noun = "conflict" if len(plan.conflicts) == 1 else "conflicts"
            raise ConflictsError(
                listed(
                    f"{len(plan.conflicts)} merge {noun} to resolve:",
                    [
                        *map(str, plan.conflicts),
                        f"Resolve them and git add the files. To undo all: {undo_command(project)}",
                    ],
                )
            )


def undo_command(project: Project) -> str:
    """Return the git command that undoes an uncommitted migration, inside the project only."""
    place = [] if project.root == Path.cwd() else ["-C", shlex.quote(str(project.root))]
    return " ".join(["git", *place, "restore --source=HEAD --staged --worktree ."])


def check_git(project: Project, branch: str | None, commits: bool) -> None:
    """Check that git can make the branch and the commit.

    Raises
    ------
    UsageError
        The branch name is not valid.
    RefusedError
        The branch exists, or git has no name and email to commit with.
    """
    if branch and not succeeds(project.root, "check-ref-format", "--branch", branch):
        raise UsageError(f"{branch} is not a valid branch name")
    if branch and succeeds(project.root, "rev-parse", "--verify", f"refs/heads/{branch}"):
        raise RefusedError(f"branch {branch} already exists; choose another name")
    if commits and not has_identity(project.root):
        raise RefusedError(
            "git user.name and user.email are not set:"
            ' git config user.name "Your Name"; git config user.email you@example.org'
        )


def check_and_apply(
    project: Project, plan: Plan, description: str, options: MigrationOptions
) -> None:
    """Apply the plan unless something would be lost.

    Raises
    ------
    RefusedError
        It would, or the project's tests fail; nothing changed.
    DecisionError
        The notebook's code cannot be converted; nothing changed.
    """
    check_losses(plan, options.edited)
    if plan.unconverted and not options.example_problem:
        raise DecisionError(
            listed(
                "the notebook's code cannot become problem.py yet; nothing was changed:",
                [
                    *plan.unconverted,
                    "Change the notebook, commit, and run the command again; or add"
                    " --example-problem to start from the example's problem.py instead",
                ],
            )
        )
    if plan.conflicts and (options.tests or options.commits):
        raise RefusedError(
            listed(
                "there would be merge conflicts, which cannot be tested or committed."
                " Run again without --test and --commit to resolve them:",
                [str(conflict) for conflict in plan.conflicts],
            )
        )
    apply_plan(
        project,
        plan,
        description,
        new_branch=options.branch,
        check=(lambda: check_project(project)) if options.tests else None,
        message=description.capitalize() if options.commits else None,
    )


def check_losses(plan: Plan, edited: Edited | None) -> None:
    """Check that no file of the user's would be overwritten or removed.

    Raises
    ------
    RefusedError
        Files would be; the message lists them and says what to do.
    """
    if plan.blocked:
        raise RefusedError(listed("these files block the migration:", plan.blocked))
    if plan.edited_and_removed and edited is None:
        advice = "--edited keep leaves them in place; --edited drop removes them"
        raise RefusedError(
            listed(
                "you edited these files, and the target does not have them:",
                [*plan.edited_and_removed, advice],
            )
        )


def check_project(project: Project) -> None:
    """Install and test the project as it is now.

    Raises
    ------
    RefusedError
        It fails.
    """
    if not make(project.root, "setup", "test", "HOOKS="):
        raise RefusedError(
            "the project's tests fail after the migration (output above); it was undone"
        )
