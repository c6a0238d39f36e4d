"""How the program says no: each error carries its sentence, and an exit code that tells the truth.

The exit codes: 0 done; 1 refused or failed, and nothing changed; 2 called in a wrong way;
3 done, but conflicts are left to the user.
"""

from collections.abc import Sequence
from typing import IO, Any

import click

from .terminal import visible, visible_lines


class Refused(click.ClickException):
    """The program does not do it, or could not, and nothing changed."""

    exit_code = 1

    def format_message(self) -> str:
        return visible_lines(self.message)

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {self.format_message()}", file=file, err=file is None)


class Misused(click.UsageError):
    """The command was called in a way that has no meaning."""

    exit_code = 2


class ConflictsLeft(Refused):
    """Done, but the user and the template wrote the same lines; the message names them."""

    exit_code = 3

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.format_message(), file=file, err=file is None)


def listed(heading: str, lines: Sequence[str]) -> str:
    """A message that names several things, one on each line."""
    return "\n  ".join([heading, *map(visible, lines)])
