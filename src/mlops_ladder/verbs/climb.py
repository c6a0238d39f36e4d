"""Take a project to another level, up or down."""

import click

from ..source import source_of
from ..step_command import StepOptions, go, open_for_step, step_options
from ..terminal import say


@click.command("climb")
@click.argument("level", type=int)
@step_options
def command(options: StepOptions, level: int) -> None:
    """Take the project to LEVEL, at the version of the template that it has.

    Only what the new level asks is asked. Everything must be committed first. Where you and the
    level wrote the same lines, both stay, marked, and the exit code is 3. Going down stops before
    it takes files away that you edited. Interrupted at any moment, it leaves the project as before
    or as after, and the next run says which.

    \b
    Examples:
      mlops-ladder climb 3
      mlops-ladder climb 3 --branch climb-to-3 --test --commit
      mlops-ladder climb 1 --edited keep
    """
    project = open_for_step(options)
    if level == project.level and not options.given:
        say(f"the project is at level {level} already")
        return
    template = source_of(project.answers, options.template)
    what = f"climb from level {project.level} to {level}"
    go(project, template, template, level=level, what=what, options=options)
