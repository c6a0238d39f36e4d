"""Errors that are reported to the user in one message, each with its exit code.

The exit codes: 0 done; 1 refused or failed, and nothing changed; 2 usage error; 3 the user has to
decide: merge conflicts, or notebook code that could not be converted.
"""

from collections.abc import Iterable, Sequence
from typing import IO, Any

import click

from .terminal import escape, escape_lines


class RefusedError(click.ClickException):
    """The command was refused or failed, and nothing changed."""

    exit_code = 1

    def format_message(self) -> str:
        """Return the message without control characters."""
        return escape_lines(self.message)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message on standard error."""
        click.echo(f"error: {self.format_message()}", file=file, err=file is None)


class UsageError(click.UsageError):
    """The command was called with arguments that are not valid."""

    exit_code = 2


class DecisionError(RefusedError):
    """The user has to decide; the message says about what, and how to continue."""

    exit_code = 3


class ConflictsError(DecisionError):
    """The command is done, but there are merge conflicts; the message lists them."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message on standard error, not as an error."""
        click.echo(self.format_message(), file=file, err=file is None)


def unknown_name(
    kind: str, name: object, known: Iterable[object], ctx: click.Context | None = None
) -> UsageError:
    """Return the error for a level or command that does not exist."""
    names = ", ".join(map(str, known))
    return UsageError(f"there is no {kind} {name}; the {kind}s are {names}", ctx)


def listed(heading: str, lines: Sequence[str]) -> str:
    """Return a message with a heading and one indented line for each item."""
    return "\n  ".join([heading, *map(escape, lines)])


def first_line(error: Exception) -> str:
    """Return an error in one line, with the line number if it is a YAML error that knows it."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"line {mark.line + 1}: {getattr(error, 'problem', None) or error}"
    return str(error).partition("\n")[0]
