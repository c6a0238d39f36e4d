"""The command `mlops-ladder`. A command's module is imported only when it is called."""

import importlib
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import click

from .errors import RefusedError, unknown_name
from .terminal import escape_lines

COMMANDS = {
    "new": "Generate a project at the level you need now.",
    "plan": "Show what moving to a level would change.",
    "climb": "Move a project to another level.",
    "upgrade": "Update a project to a newer version of the template, at its level.",
    "adopt": "Add a level to an existing repository, on a branch to review.",
    "assess": "Say which level any repository has reached, on what evidence.",
    "teach": "Make a course in which students climb, and grade it.",
    "completion": "Print the completion script of a shell.",
}
SIGNALS = [getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name)]
EXAMPLES = """\
\b
Examples:
  mlops-ladder new my-project --level 2
  mlops-ladder new churn --from customers.csv --target churned --level 2
  mlops-ladder plan 3
  mlops-ladder climb 3 --branch climb-to-3 --commit
  mlops-ladder upgrade --dry-run
  mlops-ladder assess ../old-project
  mlops-ladder adopt ../old-project --level 1
  mlops-ladder teach build course
  eval "$(mlops-ladder completion bash)"

Exit codes: 0 done; 1 refused or failed, nothing changed; 2 usage error; 3 your decision is needed:
merge conflicts, or notebook code that could not be converted. NO_COLOR=1 turns colours off."""


class Commands(click.Group):
    """Finds commands by name, and describes them without importing their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".commands.{cmd_name}", __package__)
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called, or raise the error that names all commands."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise unknown_name("command", args[0], COMMANDS, ctx)
        return super().resolve_command(ctx, args)

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Parse the arguments."""
        with usage_errors_escaped():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with usage_errors_escaped():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands into the help text."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@contextmanager
def usage_errors_escaped() -> Iterator[None]:
    """Escape control characters in click's usage errors, which quote the arguments."""
    try:
        yield
    except click.UsageError as error:
        message = error.format_message()
        if escape_lines(message) == message:
            raise
        raise click.UsageError(escape_lines(message), error.ctx) from error


def print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version. The package's metadata are read only here, because that is slow."""
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"mlops-ladder {version('mlops-ladder')}")
        ctx.exit()


@click.group(
    cls=Commands,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Print the version and exit.",
)
def ladder() -> None:
    """Generate machine-learning projects that start small and climb without losing your work.

    Five levels: 0 a notebook; 1 package, tests, CI, releases; 2 automated, tracked training;
    3 automated deployment with A/B tests and monitoring; 4 automatic retraining and promotion.
    """


def main() -> NoReturn:
    """Run the command; report errors of the operating system, as a full disk, in one line."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, stop)
    try:
        ladder(prog_name="mlops-ladder")
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        RefusedError(f"{error.strerror or error}{place}").show()
    sys.exit(RefusedError.exit_code)


def stop(number: int, _: FrameType | None) -> NoReturn:
    """Exit on a signal as on an error, so that temporary files are removed; ignore more of them."""
    for other in (*SIGNALS, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)
