"""What the template makes of the same answers, to compare a person's notebook with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from .cells import Cell, read_notebook
from .importing import single
from .splitting import split
from .statements import Statement, names_of, partition, uses_of


@dataclass(frozen=True)
class Generated:
    """The problem, and those of its statements that the notebook has."""

    problem: str
    title: str
    docstring: str
    imports: list[Statement]
    statements: list[Statement]
    in_notebook: list[Statement]

    @classmethod
    def read(cls, notebook: bytes, problem: str) -> "Generated":
        """The template's notebook and problem."""
        head, *statements = split(Cell(0, problem, marked=True))
        cells, title = read_notebook(notebook)
        imports, rest = partition(statements)
        _, in_notebook = partition(s for cell in cells if cell.marked for s in split(cell))
        return cls(problem, title, head.code, imports, rest, in_notebook)

    @cached_property
    def order(self) -> list[str]:
        """The names of the problem from the top."""
        return [name for statement in self.statements for name in statement.names]

    @cached_property
    def beyond_notebook(self) -> list[Statement]:
        """What only a package needs."""
        return [s for s in self.statements if names_of(self.in_notebook).isdisjoint(s.names)]

    def original(self, statement: Statement) -> Statement | None:
        """The problem's statement that the notebook's still is, in its place in the notebook."""
        in_notebook = [s for s in self.in_notebook if s.names == statement.names]
        if not any(statement.says_the_same_as(s) for s in in_notebook):
            return None
        (own,) = [s for s in self.statements if s.names == statement.names]
        return replace(own, cell=statement.cell)

    def imports_for(
        self, statements: Sequence[Statement], imports: Sequence[Statement]
    ) -> list[Statement]:
        """The problem's imports that its statements need beyond those that are there."""
        wanted = uses_of(statements) - names_of(imports)
        return [single(s, name) for s in self.imports for name in s.names if name in wanted]
