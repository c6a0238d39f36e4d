"""Show what moving to another level would change in a project."""

from pathlib import Path

import click

from .options import Level, answer_options, given_answers, project_option, template_option


@click.command("plan")
@click.argument("level", type=Level())
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for programs.")
@click.option("--full", is_flag=True, help="List every file and every changed line.")
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
    """Show what moving to LEVEL would change, based on the project's last commit.

    The plan lists new, changed and removed files; dependencies, commands, services, secrets and
    schedules; the questions that a climb asks (the plan uses their defaults); merge conflicts,
    found by making the merge in a temporary repository; and which maturity criteria would be met.
    Nothing in the project is changed.

    \b
    Examples:
      mlops-ladder plan 3
      mlops-ladder plan 3 --data deploy_target=kubernetes
      mlops-ladder plan 3 --json | jq .conflicts
    """
    from ..errors import RefusedError
    from ..migration.plan import make_plan
    from ..migration.transaction import read_journal
    from ..project import open_project
    from ..report.console import print_plan
    from ..report.document import print_plan_as_json
    from ..source.selection import template_of
    from ..terminal import say

    project = open_project(path)
    if read_journal(project):
        say("note: an earlier command was interrupted; climb undoes or completes it")
    try:
        project.check_idle()
    except RefusedError as error:
        say(f"note: a climb would be refused: {error.message}")
    if project.uncommitted():
        say("note: uncommitted changes are not part of the plan; climb refuses until you commit")
    template_now = template_of(project.answers, template)
    given = given_answers(pairs, answers_file)
    with make_plan(project, template_now, template_now, level=level, given=given) as plan:
        if as_json:
            print_plan_as_json(project, plan)
        else:
            print_plan(project, plan, full=full)
