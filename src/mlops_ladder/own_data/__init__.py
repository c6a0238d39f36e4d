"""A person's own file becomes a project's problem: `problem.py`, and the notebook's marked cells.

The file is looked at (`profile`), what is found is said in sentences, and the problem is written as
an engineer would write it by hand, to be read and edited (`writing`, `notebook`).
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["OwnProblem", "read_problem"]


@dataclass(frozen=True)
class OwnProblem:
    """A problem written for a file: what a new project needs to be about it.

    `findings` are sentences for the person: what was found, and what was done about it.
    `answers` are proposed for the template's questions. `data_name` is the name that the file
    shall have in the project's `data/`.
    """

    problem: str
    findings: list[str]
    answers: dict[str, str]
    data_name: str
    cells: list[dict[str, object]]

    def notebook(self, generated: bytes) -> bytes:
        """The generated level-0 notebook, rewritten to be about this problem."""
        from .notebook import rewritten

        return rewritten(generated, self.cells)


def read_problem(file: Path, target: str, time: str | None = None) -> OwnProblem:
    """The problem of predicting a column of a CSV or Parquet file.

    Raises:
        Refused: no model can be made of the file; the message says why, and what to do.
        Misused: one column is named as the target and as the time.
    """
    # pandas takes half a second to import: only who brings a file waits for it.
    from .notebook import cells_of
    from .profile import profile_of
    from .table import read_table
    from .writing import write

    profile = profile_of(read_table(file), target, time)
    source = write(profile)
    return OwnProblem(
        problem=source.problem,
        findings=profile.findings,
        answers=profile.answers,
        data_name=profile.data_name,
        cells=cells_of(profile, source),
    )
