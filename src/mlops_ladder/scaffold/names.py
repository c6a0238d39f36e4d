"""Clean names for columns and files, and readable ones."""

import keyword
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

LONGEST = 40
WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def clean_name(name: str) -> str:
    """Return a valid Python name in snake case and ASCII; empty if no character is left."""
    separated = WORD_STARTS.sub("_", name).casefold()
    ascii_name = unicodedata.normalize("NFKD", separated).encode("ascii", "ignore").decode()
    clean = re.sub(r"[^a-z0-9]+", "_", ascii_name).strip("_")[:LONGEST].strip("_")
    if keyword.iskeyword(clean) or clean == "self":
        return f"{clean}_value"
    return f"column_{clean}" if clean[:1].isdigit() else clean


def clean_names(names: Sequence[str]) -> list[str]:
    """Return a different clean name for each name; names that are clean stay as they are."""
    taken = {name for name in names if name and clean_name(name) == name}
    clean = []
    for number, name in enumerate(names, start=1):
        if name not in taken:
            # pandas names a column without a header "Unnamed: 3"
            wanted = "" if name.startswith("Unnamed: ") else clean_name(name)
            name = free_name(wanted or f"column_{number}", taken)
            taken.add(name)
        clean.append(name)
    return clean


def free_name(wanted: str, taken: set[str]) -> str:
    """Return the name, with a number if it is taken."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def file_name(file: Path, suffix: str) -> str:
    """Return a file name in ASCII, without whitespace and leading dots."""
    ascii_stem = unicodedata.normalize("NFKD", file.stem).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", ascii_stem).strip("._-")[:80]
    return f"{stem or 'rows'}{suffix}"


def readable_name(name: str) -> str:
    """Return a clean name with spaces for underscores."""
    return name.replace("_", " ")
