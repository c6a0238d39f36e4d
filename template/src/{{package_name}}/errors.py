"""Errors that the user can fix, shown without a traceback."""

import re
import sys
from collections.abc import Callable

PASSWORD = re.compile(r"://[^/@\s]*@")


class UserError(Exception):
    """An error that says where it is, what is wrong and what to do."""


def describe_error(error: BaseException) -> str:
    """Return the type and the first line of an error, without passwords in addresses."""
    first_line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {PASSWORD.sub('://***@', first_line)}".removesuffix(": ")


def run(command: Callable[[], None]) -> None:
    """Run a command; print a `UserError` to standard error and exit with code 1."""
    try:
        command()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
