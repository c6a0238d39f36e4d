"""Names that people gave become names that code can use."""

import keyword
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

LONGEST = 40
WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def clean_name(name: str) -> str:
    """The name in snake case and ASCII; empty if nothing of it is left."""
    apart = WORD_STARTS.sub("_", name).casefold()
    plain = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode()
    clean = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST].strip("_")
    if keyword.iskeyword(clean) or clean == "self":
        return f"{clean}_value"
    return f"column_{clean}" if clean[:1].isdigit() else clean


def clean_names(names: Sequence[str]) -> list[str]:
    """A clean name for each, no two alike.

    A name that is clean already stays, so that no other one takes it.
    """
    taken = {name for name in names if name and clean_name(name) == name}
    clean = []
    for place, name in enumerate(names, start=1):
        if name not in taken:
            # pandas calls a column without a name "Unnamed: 3".
            wanted = "" if name.startswith("Unnamed: ") else clean_name(name)
            name = free_name(wanted or f"column_{place}", taken)
            taken.add(name)
        clean.append(name)
    return clean


def free_name(wanted: str, taken: set[str]) -> str:
    """The name itself, or with the first number that makes it another one."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def file_name(file: Path, ending: str) -> str:
    """The file's name without blanks, signs and a leading dot, which would hide it."""
    plain = unicodedata.normalize("NFKD", file.stem).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._-")[:80]
    return f"{stem or 'rows'}{ending}"


def in_words(name: str) -> str:
    """A clean name as people write it."""
    return name.replace("_", " ")
