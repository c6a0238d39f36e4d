"""What a statement defines, and what it needs, as Python's own symbol table has it."""

import ast
import io
import symtable
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .cells import Cell, shortened

IMPORTS = (ast.Import, ast.ImportFrom)
CALLABLES = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}


@dataclass(frozen=True)
class Statement:
    """A statement at the top level, with the comments above and behind it."""

    code: str
    node: ast.stmt
    cell: Cell
    gap: bool = True
    """Whether a blank line stands above it."""
    last: bool = False
    """Whether it is the last one of its cell, whose value Jupyter shows."""

    def __str__(self) -> str:
        return shortened(ast.unparse(self.node))

    @cached_property
    def names(self) -> list[str]:
        """What it defines."""
        symbols = self._scope.get_symbols()
        return [s.get_name() for s in symbols if s.is_assigned() or s.is_imported()]

    @cached_property
    def uses(self) -> set[str]:
        """The global names that it uses, at once or when it is called."""
        return set(globals_in(self._scope))

    @cached_property
    def uses_at_once(self) -> set[str]:
        """The global names that must be there before it."""
        return set(globals_in(self._scope, at_once=True))

    def says_the_same_as(self, other: "Statement") -> bool:
        """Whether no more than the layout differs."""
        return self.code == other.code or self._meaning == other._meaning

    @cached_property
    def _meaning(self) -> tuple[str, list[str]]:
        """The code without its layout, and its comments."""
        tokens = tokenize.generate_tokens(io.StringIO(self.code).readline)
        comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
        return ast.dump(self.node), comments

    @cached_property
    def _scope(self) -> symtable.SymbolTable:
        return symtable.symtable(self.code, str(self.cell), "exec")


def globals_in(scope: symtable.SymbolTable, at_once: bool = False) -> Iterator[str]:
    """The global names that a scope and those within it use; at once: before anything is called."""
    for symbol in scope.get_symbols():
        if symbol.is_referenced() and (scope.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for inner in scope.get_children():
        is_called = inner.get_type() == "function" and inner.get_name() not in COMPREHENSIONS
        if not (at_once and is_called):
            yield from globals_in(inner, at_once)


def names_of(statements: Iterable[Statement]) -> set[str]:
    """What the statements define."""
    return {name for statement in statements for name in statement.names}


def uses_of(statements: Iterable[Statement]) -> set[str]:
    """The global names that the statements use."""
    return {name for statement in statements for name in statement.uses}


def partition(statements: Iterable[Statement]) -> tuple[list[Statement], list[Statement]]:
    """The imports, and everything else."""
    imports: list[Statement] = []
    rest: list[Statement] = []
    for statement in statements:
        (imports if isinstance(statement.node, IMPORTS) else rest).append(statement)
    return imports, rest


def reachable(statements: Sequence[Statement], *names: str) -> list[Statement]:
    """The statements that define the names, and whatever these need."""
    found: list[Statement] = []
    wanted = set(names)
    while new := [s for s in statements if s not in found and not wanted.isdisjoint(s.names)]:
        found += new
        wanted |= uses_of(new)
    return [s for s in statements if s in found]


def reachable_now(statement: Statement, statements: Sequence[Statement]) -> list[Statement]:
    """What the statement needs, directly or not, at the moment when it is run."""
    needed = reachable(statements, *statement.uses_at_once)
    return [other for other in needed if other is not statement]
