"""Errors that the user can fix, shown without a traceback."""

import re
import sys
from collections.abc import Callable

PASSWORD = re.compile(r"://[^/@\s]*@")


class UserError(Exception):
    """An error that says where it is, what is wrong and what to do."""

    exit_code = 1


class Refused(UserError):  # noqa: N818 (a decision rather than a failure)
    """The quality gate refused a model version."""

    exit_code = 3


def describe_error(error: BaseException) -> str:
    """Return the type and the first line of an error, without passwords in addresses."""
    first_line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {PASSWORD.sub('://***@', first_line)}".removesuffix(": ")


def run(command: Callable[[], None]) -> None:
    """Run a command; print a `UserError` to standard error and exit with its exit code."""
    try:
        command()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
