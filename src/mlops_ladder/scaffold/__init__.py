"""Write a problem for the user's own CSV or Parquet file: `problem.py` and notebook cells.

A module imports only from those above it:

    names         clean names for columns and files
    style         format source with ruff
    template      render the templates of the source
    numerals      read numbers with units and separators
    timestamps    read columns of times
    columns       the kind and the values of a column
    table         read the file
    target        infer the task and the metric from the target
    leakage       find columns that a model should not be trained on
    formulas      find columns from which the target can be computed
    order         find what orders the rows in time
    profile       profile the whole file
    candidates    choose the model by cross-validation
    problem       write `problem.py`
    notebook      write the cells of the notebook
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["ScaffoldedProblem", "Task", "scaffold_problem"]

Task = Literal["regression", "classification"]


@dataclass(frozen=True)
class ScaffoldedProblem:
    """The problem of predicting a column of a file.

    Parameters
    ----------
    problem
        The source of `problem.py`.
    findings
        What was found in the file and what was done about it, in sentences for the user.
    answers
        Proposed answers for the template's questions.
    data_name
        The name of the file in the project's `data/`.
    cells
        The cells of the notebook.
    proposed_time
        What `--time` could name, if it is not given.
    afterwards
        Columns that are left out because their names suggest that they are known too late.
    """

    problem: str
    findings: list[str]
    answers: dict[str, str]
    data_name: str
    cells: list[dict[str, object]]
    proposed_time: str | None = None
    afterwards: tuple[str, ...] = ()

    def notebook(self, generated: bytes) -> bytes:
        """Return the generated level-0 notebook with the cells of this problem."""
        from .notebook import replace_cells

        return replace_cells(generated, self.cells)


def scaffold_problem(
    file: Path,
    target: str,
    time: str | None = None,
    task: Task | None = None,
    date_format: str | None = None,
    header: bool = True,
    known_before: tuple[str, ...] = (),
) -> ScaffoldedProblem:
    """Write the problem of predicting a column of a file.

    Parameters
    ----------
    file
        The user's file.
    target
        The column to predict.
    time
        The column that orders the rows in time, if any; or several, as `year,month,day`.
    task
        Whether the target is a number or one of several classes, if it is not inferred.
    date_format
        The format of the times, as `strptime` takes it, if it is not inferred.
    header
        Whether the first line of a CSV file has the names of the columns.
    known_before
        Columns that are known before the fact, although their names suggest otherwise.

    Raises
    ------
    RefusedError
        No model can be trained on the file.
    UsageError
        The target is also given as the time, or an option does not suit the values.
    """
    # pandas takes half a second to import, and other commands do not need it
    from .candidates import choose_model
    from .notebook import build_cells
    from .problem import write_source
    from .profile import profile_of
    from .table import read_table

    table = read_table(file, header)
    profile = profile_of(table, target, time, task, date_format, known_before)
    model, finding = choose_model(profile)
    profile.findings.append(finding)
    source = write_source(profile, model)
    return ScaffoldedProblem(
        problem=source.problem,
        findings=profile.findings,
        answers=profile.answers,
        data_name=profile.data_name,
        cells=build_cells(profile, source),
        proposed_time=profile.proposed_time,
        afterwards=profile.afterwards,
    )
