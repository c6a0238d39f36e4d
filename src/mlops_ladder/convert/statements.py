"""A top-level statement: the names that it defines and uses, by Python's symbol table."""

import ast
import io
import symtable
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .cells import Cell, shorten
from .magics import commands_in

IMPORTS = (ast.Import, ast.ImportFrom)
CALLABLES = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}


@dataclass(frozen=True)
class Statement:
    """A top-level statement with its comments."""

    code: str
    node: ast.stmt
    cell: Cell
    blank_line_above: bool = True
    is_last: bool = False
    """Jupyter shows the value of a cell's last statement."""

    def __str__(self) -> str:
        """Return the first line of the statement as messages show it."""
        is_command = self.commands and isinstance(self.node, ast.Expr | ast.Assign)
        return self.commands[0] if is_command else shorten(ast.unparse(self.node))

    @cached_property
    def commands(self) -> list[str]:
        """Get the lines of the cell that hold IPython commands of this statement."""
        lines = self.cell.source.split("\n")
        return [shorten(lines[call.lineno - 1]) for call in commands_in(self.node)]

    @cached_property
    def names(self) -> list[str]:
        """Get the names that it defines."""
        symbols = self._scope.get_symbols()
        return [s.get_name() for s in symbols if s.is_assigned() or s.is_imported()]

    @cached_property
    def uses(self) -> set[str]:
        """Get the global names that it uses when it runs or when it is called."""
        return set(globals_in(self._scope))

    @cached_property
    def uses_at_once(self) -> set[str]:
        """Get the global names that it uses when it runs."""
        return set(globals_in(self._scope, at_once=True))

    def is_equivalent_to(self, other: "Statement") -> bool:
        """Tell whether the statements differ in their layout at most."""
        return self.code == other.code or self._meaning == other._meaning

    @cached_property
    def _meaning(self) -> tuple[str, list[str]]:
        """Get the syntax tree and the comments."""
        tokens = tokenize.generate_tokens(io.StringIO(self.code).readline)
        comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
        return ast.dump(self.node), comments

    @cached_property
    def _scope(self) -> symtable.SymbolTable:
        return symtable.symtable(self.code, str(self.cell), "exec")


def globals_in(scope: symtable.SymbolTable, at_once: bool = False) -> Iterator[str]:
    """Find the global names that a scope and its inner scopes use.

    With `at_once`, the bodies of functions are not searched.
    """
    for symbol in scope.get_symbols():
        if symbol.is_referenced() and (scope.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for inner in scope.get_children():
        is_called = inner.get_type() == "function" and inner.get_name() not in COMPREHENSIONS
        if not (at_once and is_called):
            yield from globals_in(inner, at_once)


def names_of(statements: Iterable[Statement]) -> set[str]:
    """Return the names that the statements define."""
    return {name for statement in statements for name in statement.names}


def uses_of(statements: Iterable[Statement]) -> set[str]:
    """Return the global names that the statements use."""
    return {name for statement in statements for name in statement.uses}


def partition(statements: Iterable[Statement]) -> tuple[list[Statement], list[Statement]]:
    """Split the statements into imports and others."""
    imports: list[Statement] = []
    rest: list[Statement] = []
    for statement in statements:
        (imports if isinstance(statement.node, IMPORTS) else rest).append(statement)
    return imports, rest


def reachable(statements: Sequence[Statement], *names: str) -> list[Statement]:
    """Return the statements that define the names, and those that these need."""
    found: list[Statement] = []
    wanted = set(names)
    while new := [s for s in statements if s not in found and not wanted.isdisjoint(s.names)]:
        found += new
        wanted |= uses_of(new)
    return [s for s in statements if s in found]


def needs_at_once(statement: Statement, statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements that must run before this one, directly or indirectly needed."""
    needed = reachable(statements, *statement.uses_at_once)
    return [other for other in needed if other is not statement]
