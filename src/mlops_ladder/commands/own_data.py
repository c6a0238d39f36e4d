"""The user's own data: the options that name them, and the questions about them."""

import shlex
import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import RefusedError, UsageError
from .options import Command, with_options

if TYPE_CHECKING:
    from ..scaffold import ScaffoldedProblem, Task

DATA_EXTRA = ("pandas", "pyarrow", "sklearn")
OPTIONS = (
    click.option(
        "--from",
        "data_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Your CSV, Parquet, Arrow or JSON lines file, for which problem.py is written.",
    ),
    click.option("--target", metavar="COLUMN", help="The column of FILE to predict."),
    click.option(
        "--time",
        metavar="COLUMN",
        help="The column of FILE with the time of each row, or several: year,month,day.",
    ),
    click.option(
        "--task",
        type=click.Choice(["regression", "classification"]),
        help="Predict a number or a class; by default what the target's values suggest.",
    ),
    click.option(
        "--date-format",
        metavar="FORMAT",
        help="How times are written, such as '%d/%m/%Y', if FILE does not show it.",
    ),
    click.option(
        "--no-header", is_flag=True, help="FILE has no names: its columns are column_1, ..."
    ),
)


def own_data_options(function: Command) -> Command:
    """Add the options that name the user's own data to a command, which gets them as one."""
    return with_options(function, OwnData, OPTIONS)


@dataclass(frozen=True)
class OwnData:
    """The options that name the user's own data."""

    data_file: Path | None
    target: str | None
    time: str | None
    task: "Task | None"
    date_format: str | None
    no_header: bool

    def read(self, ask: bool) -> "ScaffoldedProblem | None":
        """Return the problem for the user's file, if one was given.

        Parameters
        ----------
        ask
            Whether to ask in the terminal what the file does not show.

        Raises
        ------
        UsageError
            Options are missing.
        RefusedError
            No model can be trained on the file.
        """
        if self.data_file is None:
            if any([self.target, self.time, self.task, self.date_format, self.no_header]):
                raise UsageError(
                    "--target, --time, --task, --date-format and --no-header need --from FILE,"
                    " which they describe"
                )
            return None
        if self.target is None:
            raise UsageError("--from needs --target COLUMN, the column to predict")
        check_data_extra()
        problem = self.scaffold()
        return self.ask(problem) if ask else problem

    def scaffold(self, known_before: tuple[str, ...] = ()) -> "ScaffoldedProblem":
        """Write the problem."""
        from ..scaffold import scaffold_problem

        assert self.data_file is not None and self.target is not None
        return scaffold_problem(
            self.data_file,
            self.target,
            self.time,
            task=self.task,
            date_format=self.date_format,
            header=not self.no_header,
            known_before=known_before,
        )

    def ask(self, problem: "ScaffoldedProblem") -> "ScaffoldedProblem":
        """Ask for the time, and which columns are known only after the fact."""
        known_before = tuple(
            name
            for name in problem.afterwards
            if not click.confirm(f"Is {name} known only after the fact?", default=True, err=True)
        )
        proposed = problem.proposed_time
        question = f"Order the rows by {proposed}, and test on the newest fifth?"
        if proposed and click.confirm(question, default=True, err=True):
            return replace(self, time=proposed.replace(" ", "")).scaffold(known_before)
        return self.scaffold(known_before) if known_before else problem


def check_data_extra() -> None:
    """Check that what reads data files is installed.

    Raises
    ------
    RefusedError
        It is not; the message has the command that installs it and runs this one.
    """
    if all(map(find_spec, DATA_EXTRA)):
        return
    from ..source.selection import own_requirement

    called = shlex.join(["uvx", "--from", own_requirement("data"), "mlops-ladder", *sys.argv[1:]])
    raise RefusedError(
        f"--from needs pandas, pyarrow and scikit-learn, which are not installed: {called}"
    )
