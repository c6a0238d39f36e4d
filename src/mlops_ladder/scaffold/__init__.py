"""Write a problem for the user's own CSV or Parquet file: `problem.py` and notebook cells.

A module imports only from those above it:

    names         clean names for columns and files
    literals      format Python source
    timestamps    read columns of times
    columns       the kind and the values of a column
    table         read the file
    target        infer the task and the metric from the target
    leakage       find columns that a model should not be trained on
    profile       profile the whole file
    problem       write `problem.py`
    notebook      write the cells of the notebook
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ScaffoldedProblem", "scaffold_problem"]


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
    """

    problem: str
    findings: list[str]
    answers: dict[str, str]
    data_name: str
    cells: list[dict[str, object]]

    def notebook(self, generated: bytes) -> bytes:
        """Return the generated level-0 notebook with the cells of this problem."""
        from .notebook import replace_cells

        return replace_cells(generated, self.cells)


def scaffold_problem(file: Path, target: str, time: str | None = None) -> ScaffoldedProblem:
    """Write the problem of predicting a column of a CSV or Parquet file.

    Parameters
    ----------
    file
        The user's file.
    target
        The column to predict.
    time
        The column that orders the rows in time, if any.

    Raises
    ------
    RefusedError
        No model can be trained on the file.
    UsageError
        The target is also given as the time.
    """
    # pandas takes half a second to import, and other commands do not need it
    from .notebook import build_cells
    from .problem import write_source
    from .profile import profile_of
    from .table import read_table

    profile = profile_of(read_table(file), target, time)
    source = write_source(profile)
    return ScaffoldedProblem(
        problem=source.problem,
        findings=profile.findings,
        answers=profile.answers,
        data_name=profile.data_name,
        cells=build_cells(profile, source),
    )
