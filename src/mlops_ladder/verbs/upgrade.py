"""Take a project to a newer version of its template."""

from dataclasses import replace
from pathlib import Path

import click

from ..changelog import news
from ..errors import Misused, Refused
from ..git import GitError, git, succeeds
from ..source import (
    Template,
    commit_of,
    history,
    newest_version,
    source_of,
    version_of,
    versions,
)
from ..step_command import StepOptions, go, open_for_step, step_options
from ..terminal import say

CHANGELOG = "CHANGELOG.md"


@click.command("upgrade")
@click.option("--to", metavar="VERSION", help="Not to the newest, but to this version.")
@step_options
def command(options: StepOptions, to: str | None) -> None:
    """Take the project to a newer version of its template, at the level that it has.

    First it shows what the changelog tells between the two versions. Then it does what climb
    does: your edits stay, both sides are marked where you and the template wrote the same lines,
    and files that you edited are not taken away unless you say so.

    \b
    Examples:
      mlops-ladder upgrade --dry-run
      mlops-ladder upgrade --branch newer-template --test --commit
      mlops-ladder upgrade --to v0.2.0
    """
    project = open_for_step(options)
    origin = source_of(project.answers, options.template)
    with history(origin) as repository:
        goal = replace(origin, version=chosen_version(repository, origin, to))
        if not is_newer(repository, goal, origin, asked_for=to is not None):
            say(f"the project has the newest version already: {origin.version}")
            return
        say(whats_new(repository, goal, origin))
    what = f"upgrade from {origin.version} to {goal.version}"
    go(project, origin, goal, level=project.level, what=what, options=options)


def chosen_version(repository: Path, template: Template, to: str | None) -> str:
    """The version to go to, as the template's repository names it.

    Raises:
        Misused: there is none of that name.
    """
    if to is None:
        return newest_version(template)
    for name in (to, f"v{to}"):
        if not name.startswith("-") and commit_of(repository, name):
            return name
    known = ", ".join(versions(template)) or "none but its commits"
    raise Misused(f"{template.location} has no version {to}; it has {known}")


def is_newer(repository: Path, goal: Template, origin: Template, *, asked_for: bool) -> bool:
    """Whether there is a way to go: not if it is the same version, or an older one.

    Raises:
        Refused: somebody asks for an older one, or the project's version is not in the template.
    """
    here, there = (commit_of(repository, str(one.version)) for one in (origin, goal))
    if here is None or there is None:
        raise Refused(
            f"{origin.location} has no version {origin.version}, which the project was made from,"
            " so what you changed since cannot be told from what the template changed."
            " Say where it is: --template ADDRESS-OR-PATH"
        )
    old, new = (version_of(str(one.version)) for one in (origin, goal))
    ancestry = ("--git-dir=.", "merge-base", "--is-ancestor", there, here)
    older = new < old if old and new else here != there and succeeds(repository, *ancestry)
    if older and asked_for:
        raise Refused(
            f"{goal.version} is older than {origin.version}, which the project has."
            " To go back, take the commit from before the upgrade back: git revert"
        )
    return here != there and not older


def whats_new(repository: Path, goal: Template, origin: Template) -> str:
    """What the changelog tells those who come from the project's version."""
    new, old = (changelog_at(repository, str(one.version)) for one in (goal, origin))
    told = [str(section) for section in news(new, old)] or ["Its changelog tells nothing new."]
    heading = f"New in the template from {origin.version} to {goal.version}:"
    return "\n\n".join([heading, *told]) + "\n"


def changelog_at(repository: Path, version: str) -> str:
    """The changelog of that version; empty if it has none."""
    try:
        return git(repository, "--git-dir=.", "show", f"{version}:{CHANGELOG}")
    except GitError:
        return ""
