"""Rendering the template with copier, whose errors become this program's."""

import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import TextIOBase
from pathlib import Path
from typing import Any

import yaml
from copier import run_copy
from copier.errors import CopierAnswersInterrupt, CopierError
from jinja2 import TemplateError
from plumbum import local
from plumbum.commands.processes import ProcessExecutionError

from ..errors import RefusedError, UsageError, unknown_name
from ..git import isolated_environment, reason
from ..project import ANSWERS_FILE
from ..terminal import say
from .acceleration import accelerated
from .location import Template

REQUIRED = re.compile(r'Question "(\w+)" is required')
NO_LEVEL = re.compile(r"Invalid choice for 'level': (.*?) is not in \[(.*?)\]", re.DOTALL)


class InvalidAnswerError(UsageError):
    """The template does not accept an answer; the message is the question's own."""


@dataclass(frozen=True)
class Rendering:
    """A rendered project."""

    folder: Path
    answers: dict[str, Any]
    """The answers that the project remembers, and its template: `_src_path` and `_commit`."""
    questions: dict[str, dict[str, Any]]
    """Every question of the template, as `copier.yml` defines it."""

    def check_names(self, given: Iterable[str]) -> None:
        """Check that each given answer belongs to a question, and say which are not asked here.

        Raises
        ------
        UsageError
            One does not.
        """
        asked = [name for name, asked in self.questions.items() if asked.get("when") is not False]
        if unknown := [name for name in given if name not in asked]:
            names, known = ", ".join(unknown), ", ".join(asked)
            raise UsageError(f"the template has no question {names}; its questions are {known}")
        for name in given:
            if name not in self.answers:
                level = self.answers["level"]
                say(f"note: {name} is not asked at level {level}, so its answer is not used")

    @property
    def ladder(self) -> dict[int, dict[str, Any]]:
        """The levels, with their titles, purposes and next commands."""
        ladder: dict[int, dict[str, Any]] = self.questions["ladder"]["default"]
        return ladder


def render(
    template: Template,
    folder: Path,
    answers: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] | None = None,
    ask: bool = False,
    answers_file: str = ANSWERS_FILE,
) -> Rendering:
    """Render the template into a folder, which must be empty or absent.

    Parameters
    ----------
    template
        What to render.
    folder
        Where the project is written.
    answers
        Answers to questions, which are then not asked.
    defaults
        Defaults that replace the template's own.
    ask
        Ask the other questions in the terminal, instead of using their defaults.
    answers_file
        The name of the file in which the project remembers its answers.

    Raises
    ------
    RefusedError
        The template cannot be fetched or rendered, or a question without a default is not answered.
    InvalidAnswerError
        An answer is not valid.
    """
    try:
        with warnings.catch_warnings(), isolated_git(), accelerated(), progress(ask):
            warnings.simplefilter("ignore")
            worker = run_copy(
                template.location,
                folder,
                data=dict(answers),
                user_defaults=dict(defaults or {}),
                vcs_ref=template.version,
                answers_file=answers_file,
                defaults=not ask,
                quiet=not ask,
                unsafe=False,
            )
    except (CopierAnswersInterrupt, KeyboardInterrupt) as error:
        raise RefusedError("cancelled at a question; nothing was written") from error
    except ProcessExecutionError as error:
        message = reason(str(error.stderr))
        raise RefusedError(f"the template {template} cannot be fetched: {message}") from error
    except ValueError as error:
        raise answer_error(error) from error
    except (CopierError, TemplateError, TypeError, OSError, yaml.YAMLError) as error:
        raise RefusedError(f"the template {template} cannot be rendered: {error}") from error
    questions = worker.template.questions_data
    remembered = yaml.safe_load((folder / answers_file).read_text(encoding="utf-8"))
    return Rendering(folder, remembered, questions)


def answer_error(error: ValueError) -> RefusedError | UsageError:
    """Return the error for an answer that is missing or that copier does not accept."""
    if required := REQUIRED.fullmatch(str(error)):
        name = required[1]
        return RefusedError(f"the question {name} has no default; answer it: --data {name}=...")
    if level := NO_LEVEL.match(str(error)):
        return unknown_name("level", level[1], [level[2]])
    return InvalidAnswerError(str(error))


def check_level(level: int, rendering: Rendering) -> None:
    """Check that the template has a level.

    Raises
    ------
    UsageError
        It has not.
    """
    if level not in rendering.ladder:
        raise unknown_name("level", level, rendering.ladder)


@contextmanager
def isolated_git() -> Iterator[None]:
    """Let copier run git in the environment that this program uses for temporary repositories."""
    with local.env():  # which restores the environment
        local.env.clear()
        local.env.update(isolated_environment())
        yield


class Progress(TextIOBase):
    """Prints one line when copier begins to report files, and none of its report."""

    def __init__(self) -> None:
        self.stderr = sys.stderr
        self.is_silent = True

    def write(self, text: str) -> int:
        """Print the line, the first time."""
        if self.is_silent and text.strip():
            self.is_silent = False
            print("Rendering the template ...", file=self.stderr, flush=True)
        return len(text)


@contextmanager
def progress(ask: bool) -> Iterator[None]:
    """Tell a person who has answered the last question that files are being generated."""
    if not ask:
        yield
        return
    with redirect_stderr(Progress()):
        yield
