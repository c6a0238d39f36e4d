"""Sections and tables in a terminal.

In a terminal, lines are as wide as it is and nothing is cut off; elsewhere, each fact stays on
one line, so that other programs can search in them.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..terminal import escape

ROOMY = 90  # columns; in fewer, all but the first column of a table are stacked
UNWRAPPED = 10_000  # columns, where no terminal says how many there are
STYLES = {"met": "green", "missing": "red", "unknown": "yellow"}


def show(parts: Sequence[RenderableType], stderr: bool = False) -> None:
    """Print in the terminal's width; elsewhere in that of `COLUMNS`, or without wrapping."""
    out = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if out.is_terminal:
        out.print(*parts, sep="\n")
        return
    if not os.environ.get("COLUMNS", "").isdecimal():
        out.width = UNWRAPPED
    with out.capture() as captured:
        out.print(*parts, sep="\n")
    lines = (line.rstrip() for line in captured.get().splitlines())
    print("\n".join(lines), file=out.file)


def section(
    title: str, summary: str, rows: Sequence[RenderableType], style: str = "bold"
) -> RenderableType:
    """Return a heading with indented rows below it."""
    heading = Text.assemble((title, style), ("  " if summary else ""), (summary, "dim"))
    return Group(heading, *(indent(row) for row in rows))


def indent(what: RenderableType) -> RenderableType:
    """Return the same, two columns to the right."""
    return Padding(what, (0, 0, 0, 2))


@dataclass(frozen=True)
class Grid:
    """Columns without lines; in a narrow terminal, all but the first are stacked."""

    rows: Sequence[Sequence[str | Text]]

    def table(self, width: int) -> Table:
        """Return the table for a width in columns; long names are folded."""
        table = Table.grid(padding=(0, 3, 0, 0))
        columns = max(map(len, self.rows), default=0)
        cells = [[cell_text(cell) for cell in row] for row in self.rows]
        if width < ROOMY and columns > 2:
            cells = [[row[0], Text("\n").join(cell for cell in row[1:] if cell)] for row in cells]
        for _ in range(columns):
            table.add_column(overflow="fold")
        for row in cells:
            table.add_row(*row)
        return table

    def __rich_console__(self, console: Console, _: ConsoleOptions) -> RenderResult:
        """Render the table in the console's width."""
        yield self.table(console.width)


def cell_text(cell: str | Text) -> Text:
    """Return a cell without control characters."""
    return cell if isinstance(cell, Text) else Text(escape(cell))
