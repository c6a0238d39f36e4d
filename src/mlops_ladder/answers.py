"""Answers to the template's questions as the command line gives them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml

from .errors import Misused

Command = Callable[..., Any]


def answer_options(function: Command) -> Command:
    """The options that answer questions, for each verb that may ask."""
    for option in (
        click.option("--defaults", is_flag=True, help="Ask nothing; take the defaults."),
        click.option(
            "--answers",
            "answers_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A YAML or JSON file of answers.",
        ),
        click.option(
            "--data",
            "-d",
            "pairs",
            multiple=True,
            metavar="QUESTION=ANSWER",
            help="The answer to one question; may be given several times.",
        ),
    ):
        function = option(function)
    return function


def given_answers(pairs: tuple[str, ...], answers_file: Path | None) -> dict[str, Any]:
    """The answers of the file and of the command line, which wins.

    Raises:
        Misused: the file is no table of answers, or something is not `question=answer`.
    """
    answers: dict[str, Any] = {}
    if answers_file:
        try:
            found = yaml.safe_load(answers_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise Misused(f"{answers_file} cannot be read: {error}") from error
        if not isinstance(found, dict):
            raise Misused(f"{answers_file} holds no answers; it should say `question: answer`")
        answers |= {str(name): value for name, value in found.items() if str(name)[:1] != "_"}
    for pair in pairs:
        name, equals, answer = pair.partition("=")
        if not equals:
            raise Misused(f"--data {pair} lacks an answer; write --data {pair}=...")
        answers[name] = answer
    return answers


def may_ask(defaults: bool) -> bool:
    """Whether there is somebody at a terminal who wants to be asked."""
    return not defaults and sys.stdin.isatty() and sys.stdout.isatty()
