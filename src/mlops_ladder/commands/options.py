"""Options that several commands have, and how a shell completes their values."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, Literal

import click
from click.shell_completion import CompletionItem

from ..errors import UsageError, unknown_name

Command = Callable[..., Any]


class Level(click.ParamType[int]):
    """A level of the ladder. Whether the template has it is known only later."""

    name = "level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number.

        Raises
        ------
        UsageError
            It is not a number.
        """
        try:
            return int(value)
        except ValueError:
            from ..source.questions import level_titles

            raise unknown_name("level", value, level_titles(), ctx) from None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the levels of the installed template, with their titles."""
        from ..source.questions import level_titles

        return [
            CompletionItem(str(level), help=title)
            for level, title in level_titles().items()
            if str(level).startswith(incomplete)
        ]


def complete_answer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer `question=`, and `question=choice` where the template has choices."""
    from ..source.questions import questions

    def offers() -> Iterator[str]:
        for name, choices in questions().items():
            named = incomplete.startswith(f"{name}=")
            yield from (f"{name}={choice}" for choice in choices) if named else [f"{name}="]

    return [offer for offer in offers() if offer.startswith(incomplete)]


def answer_options(function: Command) -> Command:
    """Add the options that answer the template's questions."""
    for option in (
        click.option("--defaults", is_flag=True, help="Ask nothing; use the defaults."),
        click.option(
            "--answers",
            "answers_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A YAML or JSON file with answers.",
        ),
        click.option(
            "--data",
            "-d",
            "pairs",
            multiple=True,
            metavar="QUESTION=ANSWER",
            shell_complete=complete_answer,
            help="Answer one question; may be given several times.",
        ),
    ):
        function = option(function)
    return function


def given_answers(pairs: tuple[str, ...], answers_file: Path | None) -> dict[str, Any]:
    """Return the answers of the file and of the command line, which takes precedence.

    Raises
    ------
    UsageError
        The file is not a mapping of answers, or a pair is not `question=answer`.
    """
    import yaml

    answers: dict[str, Any] = {}
    if answers_file:
        try:
            found = yaml.safe_load(answers_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"{answers_file} cannot be read: {error}") from error
        if not isinstance(found, dict):
            raise UsageError(f"{answers_file} has no answers; write lines of `question: answer`")
        answers |= {str(name): value for name, value in found.items() if str(name)[:1] != "_"}
    for pair in pairs:
        name, equals, answer = pair.partition("=")
        if not equals:
            raise UsageError(f"--data {pair} has no answer; write --data {pair}=...")
        answers[name] = answer
    return answers


def may_ask(defaults: bool) -> bool:
    """Tell whether questions can be asked: in a terminal, unless defaults are wanted."""
    return not defaults and sys.stdin.isatty() and sys.stdout.isatty()


project_option = click.option(
    "--project",
    "path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="The project's folder, if it is not the current one.",
)
template_option = click.option(
    "--template", metavar="SOURCE", help="Where the project's template is now."
)


@dataclass(frozen=True)
class MigrationOptions:
    """The options of the commands that change a project."""

    path: Path
    edited: Literal["keep", "drop"] | None
    branch: str | None
    tests: bool
    commits: bool
    dry_run: bool
    template: str | None
    pairs: tuple[str, ...]
    answers_file: Path | None
    defaults: bool
    example_problem: bool

    @cached_property
    def given(self) -> dict[str, Any]:
        """The answers given on the command line."""
        return given_answers(self.pairs, self.answers_file)


OPTIONS = (
    project_option,
    click.option("--dry-run", is_flag=True, help="Show the plan and change nothing."),
    click.option("--branch", metavar="NAME", help="Make the changes on a new branch."),
    click.option("--commit", "commits", is_flag=True, help="Commit the result."),
    click.option(
        "--test",
        "tests",
        is_flag=True,
        help="Run the project's own `make setup test`; undo everything if it fails.",
    ),
    click.option(
        "--edited",
        type=click.Choice(["keep", "drop"]),
        help="Keep or drop files that you edited and the target does not have.",
    ),
    click.option(
        "--example-problem",
        is_flag=True,
        help="From level 0: where the notebook cannot be converted, take the example's problem.py.",
    ),
    answer_options,
    template_option,
)


def migration_options(function: Command) -> Command:
    """Add the options of a migration to a command, which gets them as one argument."""
    return with_options(function, MigrationOptions, OPTIONS)


def with_options(
    function: Command, kind: type[Any], options: Sequence[Callable[[Command], Command]]
) -> Command:
    """Add options to a command, which gets them as its first argument, of a data class."""

    @wraps(function)
    def gathered(**found: Any) -> Any:
        values = {field.name: found.pop(field.name) for field in fields(kind)}
        return function(kind(**values), **found)

    command: Command = gathered
    for option in reversed(options):
        command = option(command)
    return command
