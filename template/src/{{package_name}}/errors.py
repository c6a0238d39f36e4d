"""Errors that the person at the keyboard can mend, told without a traceback."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """The message says what happened, where, and what to do next."""


def run(command: Callable[[], None]) -> None:
    """Run a command; print a `UserError` to standard error and exit with 1."""
    try:
        command()
    except UserError as error:
        sys.exit(f"error: {error}")
