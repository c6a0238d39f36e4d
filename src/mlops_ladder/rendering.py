"""The template, rendered by copier into a folder; copier's errors become ours."""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from copier import run_copy
from copier.errors import CopierAnswersInterrupt, CopierError
from jinja2 import TemplateError
from plumbum import local
from plumbum.commands.processes import ProcessExecutionError

from .compiling import compiled_once
from .errors import Misused, Refused
from .git import plain_environment, reason
from .project import ANSWERS_FILE
from .source import Template

REQUIRED = re.compile(r'Question "(\w+)" is required')


class InvalidAnswer(Misused):
    """The template does not accept an answer; the message is the question's own."""


@dataclass(frozen=True)
class Rendering:
    """What the template gives for some answers."""

    folder: Path
    answers: dict[str, Any]
    """What the project will remember, and where it came from: `_src_path` and `_commit`."""
    questions: dict[str, dict[str, Any]]
    """Everything that the template can ask, as `copier.yml` says it."""

    def check_names(self, given: Iterable[str]) -> None:
        """Make sure that the template asks for everything that somebody answered.

        Raises:
            Misused: there is no question of that name.
        """
        asked = [name for name, asked in self.questions.items() if asked.get("when") is not False]
        if unknown := [name for name in given if name not in asked]:
            names, known = ", ".join(unknown), ", ".join(asked)
            raise Misused(f"the template does not ask for {names}; it asks for {known}")

    @property
    def ladder(self) -> dict[int, dict[str, Any]]:
        """The levels, with their titles, what they are for, and the next commands."""
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
    """Render the template into the folder, which must be empty or not there.

    What `answers` holds is not asked. The rest takes its default, or is asked in the terminal;
    `defaults` replaces defaults of the template's.

    Raises:
        Refused: the template cannot be had or rendered, or nobody answers what has no default.
        InvalidAnswer: an answer is not valid.
    """
    try:
        with warnings.catch_warnings(), copiers_git(), compiled_once():
            warnings.simplefilter("ignore")
            worker = run_copy(
                template.location,
                folder,
                data=dict(answers),
                user_defaults=dict(defaults or {}),
                vcs_ref=template.version,
                answers_file=answers_file,
                defaults=not ask,
                quiet=True,
                unsafe=False,
            )
    except (CopierAnswersInterrupt, KeyboardInterrupt) as error:
        raise Refused("stopped before the last question; nothing was written") from error
    except ProcessExecutionError as error:
        said = reason(str(error.stderr))
        raise Refused(f"the template {template} could not be fetched: {said}") from error
    except ValueError as error:
        if required := REQUIRED.fullmatch(str(error)):
            name = required[1]
            raise Refused(
                f"the template asks for {name}, which has no default: --data {name}=..."
            ) from error
        raise InvalidAnswer(str(error)) from error
    except (CopierError, TemplateError, TypeError, OSError, yaml.YAMLError) as error:
        raise Refused(f"the template {template} could not be rendered: {error}") from error
    questions = worker.template.questions_data
    remembered = yaml.safe_load((folder / answers_file).read_text(encoding="utf-8"))
    return Rendering(folder, remembered, questions)


@contextmanager
def copiers_git() -> Iterator[None]:
    """Let copier call git as this program does in temporary repositories, and not as in a hook."""
    with local.env():  # which restores what it was
        local.env.clear()
        local.env.update(plain_environment())
        yield
