"""Parse a cell into statements, each with its comments."""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import dropwhile

from .cells import Cell
from .magics import translate_commands
from .result import ConversionError, Messages
from .statements import Statement

DEFINITION = re.compile(
    r"^(?:(?:async[ ]+)?def|class)[ ]+(\w+)|^(\w+)[ ]*(?::[^=\n]+)?=(?!=)", re.MULTILINE
)


def parse_cells(cells: Iterable[Cell], messages: Messages) -> dict[Cell, Sequence[Statement]]:
    """Parse the cells, without those that are not valid Python; they become reasons."""
    statements: dict[Cell, Sequence[Statement]] = {}
    for cell in cells:
        try:
            statements[cell] = parse_cell(cell)
        except ConversionError as error:
            messages.reasons.extend(error.reasons)
    return statements


@cache  # the template's cells come twice: in its own notebook and in the user's
def parse_cell(cell: Cell) -> Sequence[Statement]:
    """Parse a cell into statements; IPython commands become calls of `get_ipython`.

    Raises
    ------
    ConversionError
        The cell is not valid Python.
    """
    source, nodes = parse(cell)
    lines = source.split("\n")
    statements: list[Statement] = []
    end = 0
    for above, node, below in zip([None, *nodes], nodes, [*nodes[1:], None], strict=False):
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
        between = lines[end:start]
        indented = [at for at, line in enumerate(between) if line[:1].isspace() and line.strip()]
        if indented and statements:  # comments at the end of the body of the statement above
            between = lines[end + indented[-1] + 1 : start]
            body = "\n".join([statements[-1].code, *lines[end : start - len(between)]])
            statements[-1] = replace(statements[-1], code=body)
        comments = list(dropwhile(lambda line: not line.strip(), between))
        end = node.end_lineno or node.lineno
        own = lines[start:end]
        if below and below.lineno == end:  # columns of the syntax tree count bytes
            own[-1] = own[-1].encode()[: node.end_col_offset].decode()
        if above and above.end_lineno == node.lineno:
            own[0] = own[0].encode()[node.col_offset :].decode()
        blank_line_above = not statements or len(comments) < len(between)
        code = "\n".join([*comments, *own])
        statements.append(Statement(code, node, cell, blank_line_above))
    if statements:
        code = "\n".join([statements[-1].code, *lines[end:]]).rstrip()
        statements[-1] = replace(statements[-1], code=code, is_last=True)
    return tuple(statements)


def parse(cell: Cell) -> tuple[str, list[ast.stmt]]:
    """Return the cell's source without IPython commands, and its syntax tree.

    Raises
    ------
    ConversionError
        The cell is not valid Python.
    """
    try:
        try:  # IPython commands are not valid Python, so a valid cell has none
            return cell.source, parse_source(cell.source, str(cell))
        except SyntaxError:
            source = translate_commands(cell.source)
            return source, parse_source(source, str(cell))
    except (RecursionError, MemoryError) as error:  # the latter is raised by the parser
        raise ConversionError(
            f"{cell}: an expression is nested too deeply. Split it with named variables, or move "
            "the values to a file in data/"
        ) from error
    except (SyntaxError, ValueError) as error:
        message, line = getattr(error, "msg", error), getattr(error, "lineno", None)
        where = f", line {line} of the cell" if line else ""
        raise ConversionError(f"{cell}: not valid Python: {message}{where}. Correct it") from error


def parse_source(source: str, name: str) -> list[ast.stmt]:
    """Parse and compile, because the parser alone accepts invalid code such as a lone `return`."""
    compile(source, name, "exec")
    return ast.parse(source).body


def likely_definitions(cell: Cell) -> set[str]:
    """Return the names that a cell probably defines, although it cannot be parsed."""
    return {name for names in DEFINITION.findall(cell.source) for name in names if name}


def words_in(cell: Cell) -> set[str]:
    """Return every word of a cell, among which are all names that it defines, imports or uses."""
    return set(re.findall(r"[^\W\d]\w*", cell.source))
