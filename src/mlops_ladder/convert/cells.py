"""Read the code cells of a notebook with Jupyter's nbformat."""

import re
import warnings
from dataclasses import dataclass

from .interface import TAG
from .result import ConversionError


@dataclass(frozen=True)
class Cell:
    """A code cell; `number` counts all cells of the notebook, starting at 1."""

    number: int
    source: str
    marked: bool

    def __str__(self) -> str:
        """Return the cell as messages show it."""
        return f"cell {self.number} (`{shorten(self.source.strip())}`)"


def read_notebook(notebook: bytes) -> tuple[list[Cell], str]:
    """Read a notebook in any format that Jupyter reads.

    Returns
    -------
    cells : list of Cell
        The code cells.
    title : str
        The first heading, or an empty string.

    Raises
    ------
    ConversionError
        The file is not a valid notebook.
    """
    import nbformat  # slow to import, and most commands do not need it
    from nbformat import reader, validator

    try:
        with warnings.catch_warnings(action="ignore"):  # nbformat warns that cells get ids
            read = nbformat.convert(reader.reads(notebook.decode("utf-8-sig")), 4)
            _, upgraded = validator.normalize(read)
            nbformat.validate(upgraded, relax_add_props=True)
    except Exception as error:  # nbformat raises errors of many types for invalid files
        detail = shorten(str(error)) or type(error).__name__
        raise ConversionError(
            f"notebook.ipynb: not a valid notebook ({detail}). Open it in Jupyter and save it, or "
            "restore an older version from git"
        ) from error
    cells = [
        Cell(number, re.sub(r"\r\n?", "\n", cell.source), TAG in (cell.metadata.get("tags") or []))
        for number, cell in enumerate(upgraded.cells, start=1)
        if cell.cell_type == "code"
    ]
    text = "\n".join(cell.source for cell in upgraded.cells if cell.cell_type == "markdown")
    title = re.search(r"^# +(.+)", text, re.MULTILINE)
    return cells, title[1].strip() if title else ""


def shorten(text: str) -> str:
    """Return the first line of the text, cut to 60 characters."""
    line = text.partition("\n")[0].strip()
    return line if len(line) <= 60 else f"{line[:57]}..."
