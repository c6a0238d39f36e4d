"""Move a project to another level, up or down."""

import click

from .options import Level, MigrationOptions, migration_options


@click.command("climb")
@click.argument("level", type=Level())
@migration_options
def command(options: MigrationOptions, level: int) -> None:
    """Move the project to LEVEL, keeping its version of the template.

    Only the new questions of the level are asked. The working tree must be clean. Where you and
    the template changed the same lines, both versions are kept and marked as a merge conflict, and
    the exit code is 3. Moving down stops before it removes files that you edited. If the command
    is interrupted, the next run undoes or completes it, and says which.

    \b
    Examples:
      mlops-ladder climb 3
      mlops-ladder climb 3 --branch climb-to-3 --test --commit
      mlops-ladder climb 1 --edited keep
    """
    from ..source.selection import template_of
    from ..terminal import say
    from .migrate import migrate, open_for_migration

    project = open_for_migration(options)
    if level == project.level and not options.given:
        say(f"the project is already at level {level}")
        return
    template = template_of(project.answers, options.template)
    migrate(
        project,
        template,
        template,
        level=level,
        description=f"climb from level {project.level} to level {level}",
        options=options,
    )
