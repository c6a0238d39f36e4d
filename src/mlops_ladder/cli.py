"""The command `mlops-ladder`. A verb is imported when it is called, so that help comes at once."""

import importlib
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import click

from .errors import Refused
from .terminal import visible_lines

VERBS = {
    "new": "Make a project at the level you need now.",
    "plan": "Show what going to a level would do, and touch nothing.",
    "climb": "Take a project to another level.",
    "upgrade": "Take a project to a newer version of the template, at its level.",
    "adopt": "Put an existing repository under the ladder, on a branch to review.",
    "completion": "Print what a shell needs to complete these words.",
}
ENDING = [getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name)]
EXAMPLES = """\
\b
Examples:
  mlops-ladder new my-project --level 2
  mlops-ladder new churn --from customers.csv --target churned --level 2
  mlops-ladder plan 3
  mlops-ladder climb 3 --branch climb-to-3 --commit
  mlops-ladder upgrade --dry-run
  mlops-ladder adopt ../old-project --level 1
  eval "$(mlops-ladder completion bash)"

Exit codes: 0 done; 1 refused or failed, and nothing changed; 2 called in a wrong way; 3 conflicts
are left to you. NO_COLOR=1 takes the colour away."""


class Verbs(click.Group):
    """Finds the verbs by name, and describes them without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f".verbs.{cmd_name}", __package__).command
        return command

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        with errors_visible():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with errors_visible():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@contextmanager
def errors_visible() -> Iterator[None]:
    """Escape control characters in what click says of a wrong call, which quotes it."""
    try:
        yield
    except click.UsageError as error:
        said = error.format_message()
        if visible_lines(said) == said:
            raise
        raise click.UsageError(visible_lines(said), error.ctx) from error


def print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version; where it is kept is read only for that."""
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"mlops-ladder {version('mlops-ladder')}")
        ctx.exit()


@click.group(
    cls=Verbs,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Print the version and stop.",
)
def ladder() -> None:
    """Machine-learning projects that start small and climb, and lose nothing on the way.

    Five levels: 0 a notebook; 1 package, tests, CI, releases; 2 automated, tracked training;
    3 automated deployment with A/B tests and monitoring; 4 a loop that retrains itself.
    """


def main() -> NoReturn:
    """Run the command; what the system refuses (a full disk, no permission) is said, too."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, stop)
    try:
        ladder(prog_name="mlops-ladder")
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        Refused(f"{error.strerror or error}{place}").show()
    sys.exit(Refused.exit_code)


def stop(number: int, _: FrameType | None) -> NoReturn:
    """End the program as at an error, so that nothing half-made is left, and only once."""
    for other in (*ENDING, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)
