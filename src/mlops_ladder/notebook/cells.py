"""A notebook's file becomes cells, read with Jupyter's own nbformat."""

import re
import warnings
from dataclasses import dataclass

from .interface import TAG
from .outcome import NotCarriedError


@dataclass(frozen=True)
class Cell:
    """A code cell; its number counts all cells from the top, from 1."""

    number: int
    source: str
    marked: bool

    def __str__(self) -> str:
        return f"cell {self.number} (`{shortened(self.source.strip())}`)"


def read_notebook(notebook: bytes) -> tuple[list[Cell], str]:
    """The code cells of a notebook in any format that Jupyter reads, and its title.

    Raises:
        NotCarriedError: it is no notebook.
    """
    import nbformat  # not at the top: slow to import, and most steps have no notebook to carry
    from nbformat import reader, validator

    try:
        with warnings.catch_warnings(action="ignore"):  # that cells get names is no news
            read = nbformat.convert(reader.reads(notebook.decode("utf-8-sig")), 4)
            _, upgraded = validator.normalize(read)
            nbformat.validate(upgraded, relax_add_props=True)
    except Exception as error:  # broken files make nbformat raise whatever comes
        said = shortened(str(error)) or type(error).__name__
        raise NotCarriedError(
            f"notebook.ipynb cannot be read as a notebook ({said}): open it in "
            "Jupyter and save it, or take an older version of it from git"
        ) from error
    cells = [
        Cell(number, re.sub(r"\r\n?", "\n", cell.source), TAG in (cell.metadata.get("tags") or []))
        for number, cell in enumerate(upgraded.cells, start=1)
        if cell.cell_type == "code"
    ]
    text = "\n".join(cell.source for cell in upgraded.cells if cell.cell_type == "markdown")
    title = re.search(r"^# +(.+)", text, re.MULTILINE)
    return cells, title[1].strip() if title else ""


def shortened(text: str) -> str:
    """The first line of the text, or how it begins."""
    line = text.partition("\n")[0].strip()
    return line if len(line) <= 60 else f"{line[:57]}..."
