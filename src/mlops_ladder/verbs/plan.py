"""Show what going to another level would do to a project, and touch nothing."""

from pathlib import Path

import click

from ..answers import answer_options, given_answers
from ..applying import interrupted
from ..errors import Refused
from ..project import open_project
from ..report import print_plan, print_plan_as_json
from ..source import source_of
from ..step_command import project_option, template_option
from ..stepping import prepare
from ..terminal import say


@click.command("plan")
@click.argument("level", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for programs.")
@click.option("--full", is_flag=True, help="Name every file, and show every line that changes.")
@project_option
@answer_options
@template_option
def command(
    level: int,
    as_json: bool,
    full: bool,
    path: Path,
    pairs: tuple[str, ...],
    answers_file: Path | None,
    defaults: bool,
    template: str | None,
) -> None:
    """Show what going to LEVEL would do to the project as it was last committed.

    Files that arrive, change or go; dependencies, commands, services, secrets and schedules; the
    questions that will be asked (their defaults are taken here); the conflicts that will happen,
    found by making the merge aside; and which criteria of the level will then hold.

    \b
    Examples:
      mlops-ladder plan 3
      mlops-ladder plan 3 --data deploy_target=kubernetes
      mlops-ladder plan 3 --json | jq .conflicts
    """
    project = open_project(path)
    if interrupted(project):
        say("note: an earlier step was interrupted; climb brings it to an end")
    try:
        project.check_idle()
    except Refused as error:
        say(f"note: a climb would be refused: {error.message}")
    if project.uncommitted():
        say("note: what is not committed is left out, and climb asks to commit it")
    origin = source_of(project.answers, template)
    given = given_answers(pairs, answers_file)
    with prepare(project, origin, origin, level=level, given=given) as step:
        if as_json:
            print_plan_as_json(project, step)
        else:
            print_plan(project, step, full=full)
