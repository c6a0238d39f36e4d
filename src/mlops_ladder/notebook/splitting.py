"""A cell's code becomes statements, each with its comments, read by Python's own parser.

A cell that Python parses holds no magic, since none of them is Python, so IPython is not needed
to tell.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import dropwhile

from .cells import Cell
from .interface import TAG
from .outcome import NotCarriedError
from .statements import Statement

MAGIC = re.compile(r"^\s*[%!?]|^[\w\s,.]+=\s*[%!]|^\s*[\w.]+\?{1,2}\s*$")


def split_all(cells: Iterable[Cell]) -> dict[Cell, Sequence[Statement]]:
    """The statements of the cells.

    Raises:
        NotCarriedError: some are no Python; each of them is named.
    """
    statements: dict[Cell, Sequence[Statement]] = {}
    reasons: list[str] = []
    for cell in cells:
        try:
            statements[cell] = split(cell)
        except NotCarriedError as error:
            reasons += error.reasons
    if reasons:
        raise NotCarriedError(*reasons)
    return statements


def split_python(cell: Cell) -> list[Statement]:
    """The statements of a cell that may hold magics, or none if it is no Python even so."""
    lines = cell.source.split("\n")
    python = "\n".join(line for line in lines if not MAGIC.search(line))
    for source in [cell.source, python]:
        try:
            return [replace(s, cell=cell) for s in split(replace(cell, source=source))]
        except NotCarriedError:
            continue
    return []


@cache  # most cells are as the template has them, so they come twice
def split(cell: Cell) -> Sequence[Statement]:
    """The statements of a cell, each with its comments.

    Raises:
        NotCarriedError: it is no Python.
    """
    nodes = parse(cell)
    lines = cell.source.split("\n")
    statements: list[Statement] = []
    end = 0
    for above, node, below in zip([None, *nodes], nodes, [*nodes[1:], None], strict=False):
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
        between = lines[end:start]
        indented = [at for at, line in enumerate(between) if line[:1].isspace() and line.strip()]
        if indented and statements:  # comments that end the body of what stands above
            between = lines[end + indented[-1] + 1 : start]
            body = "\n".join([statements[-1].code, *lines[end : start - len(between)]])
            statements[-1] = replace(statements[-1], code=body)
        comments = list(dropwhile(lambda line: not line.strip(), between))
        end = node.end_lineno or node.lineno
        own = lines[start:end]
        if below and below.lineno == end:
            own[-1] = own[-1].encode()[: node.end_col_offset].decode()
        if above and above.end_lineno == node.lineno:
            own[0] = own[0].encode()[node.col_offset :].decode()
        gap = not statements or len(comments) < len(between)
        statements.append(Statement("\n".join([*comments, *own]), node, cell, gap))
    if statements:
        code = "\n".join([statements[-1].code, *lines[end:]]).rstrip()
        statements[-1] = replace(statements[-1], code=code, last=True)
    return tuple(statements)


def parse(cell: Cell) -> list[ast.stmt]:
    """The syntax of a cell.

    Raises:
        NotCarriedError: it is no Python.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(cell.source, str(cell), "exec")  # finds what the parser lets pass
            return ast.parse(cell.source).body
    except (SyntaxError, ValueError) as error:
        magic = [line.strip() for line in cell.source.split("\n") if MAGIC.search(line)]
        if magic:
            reason = f"`{magic[0]}` is for Jupyter, not Python. Move it to a cell without the tag"
            raise NotCarriedError(f"{cell}: {reason} `{TAG}`") from error
        said, line = getattr(error, "msg", error), getattr(error, "lineno", None)
        where = f" in its line {line}" if line else ""
        raise NotCarriedError(f"{cell}: it is no Python: {said}{where}. Correct it") from error
