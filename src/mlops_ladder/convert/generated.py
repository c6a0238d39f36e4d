"""The template's notebook and problem, with which the user's notebook is compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from .cells import Cell, read_notebook
from .imports import single_import
from .parsing import parse_cell
from .statements import Statement, names_of, partition, uses_of


@dataclass(frozen=True)
class Generated:
    """The notebook and the problem that the template renders with the project's answers."""

    problem: str
    title: str
    """The title of the notebook."""
    docstring: str
    imports: list[Statement]
    statements: list[Statement]
    """The statements of the problem below its imports."""
    in_notebook: list[Statement]
    """The statements of the notebook's tagged cells."""

    @classmethod
    def read(cls, notebook: bytes, problem: str) -> "Generated":
        """Parse the notebook and the problem."""
        docstring, *statements = parse_cell(Cell(0, problem, marked=True))
        cells, title = read_notebook(notebook)
        imports, rest = partition(statements)
        _, in_notebook = partition(s for cell in cells if cell.marked for s in parse_cell(cell))
        return cls(problem, title, docstring.code, imports, rest, in_notebook)

    @cached_property
    def order(self) -> list[str]:
        """Get the names that the problem defines, from top to bottom."""
        return [name for statement in self.statements for name in statement.names]

    @cached_property
    def package_only(self) -> list[Statement]:
        """Get the statements of the problem that the notebook does not have."""
        return [s for s in self.statements if names_of(self.in_notebook).isdisjoint(s.names)]

    def original(self, statement: Statement) -> Statement | None:
        """Return the problem's own statement if the notebook's is as it was generated."""
        in_notebook = [s for s in self.in_notebook if s.names == statement.names]
        if not any(statement.is_equivalent_to(s) for s in in_notebook):
            return None
        (original,) = [s for s in self.statements if s.names == statement.names]
        return replace(original, cell=statement.cell)

    def imports_for(
        self, statements: Sequence[Statement], imports: Sequence[Statement]
    ) -> list[Statement]:
        """Return those of the problem's imports that the statements need and `imports` lacks."""
        missing = uses_of(statements) - names_of(imports)
        return [single_import(s, name) for s in self.imports for name in s.names if name in missing]
