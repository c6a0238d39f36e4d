"""Update a project to a newer version of its template."""

from dataclasses import replace

import click

from .options import MigrationOptions, migration_options


@click.command("upgrade")
@click.option("--to", metavar="VERSION", help="A version other than the newest.")
@migration_options
def command(options: MigrationOptions, to: str | None) -> None:
    """Update the project to a newer version of its template, keeping its level.

    The changelog between the two versions is printed first. Your edits are kept as in a climb:
    where you and the template changed the same lines, both versions are marked as a merge
    conflict, and files that you edited are not removed unless you say so.

    \b
    Examples:
      mlops-ladder upgrade --dry-run
      mlops-ladder upgrade --branch newer-template --test --commit
      mlops-ladder upgrade --to v0.2.0
    """
    from ..source.changelog import changes_between
    from ..source.selection import newest_version, template_of
    from ..source.versions import cloned, find_version, is_newer
    from ..terminal import say
    from .migrate import migrate, open_for_migration

    project = open_for_migration(options)
    origin = template_of(project.answers, options.template)
    with cloned(origin) as repository:
        version = find_version(repository, origin, to) if to else newest_version(origin)
        target = replace(origin, version=version)
        if not is_newer(repository, target, origin, asked_for=to is not None):
            say(f"the project already has the newest version: {origin.version}")
            return
        say(changes_between(repository, target, origin))
    description = f"upgrade from {origin.version} to {target.version}"
    migrate(project, origin, target, level=project.level, description=description, options=options)
