"""Merge the lists of requirements in pyproject.toml, in which both sides add lines.

Git sees a conflict where a student and a level add a package at the same place. Here each list is
merged by package name, and the three versions of the file get the same list before git merges them.
"""

import re
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

LIST = re.compile(r"^(?P<name>[\w-]+) = \[", re.MULTILINE)
TABLE = re.compile(r"^\[(?P<table>[^\[\]]+)\]", re.MULTILINE)
ITEM = re.compile(
    r"\"(?P<item>(?:[^\"\\]|\\.)*)\"|'(?P<literal>[^']*)'|(?P<end>\])|(?P<comment>#.*)"
)
PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
TABLES = ("project", "project.optional-dependencies", "dependency-groups")


@dataclass(frozen=True)
class Listing:
    """A list of requirements in a file: where it stands, and the line of each package."""

    start: int
    end: int
    lines: dict[str, str]


def merge(base: str, own: str, other: str) -> str | None:
    """Return the merged file; None if there are conflicts beyond the lists of requirements."""
    texts = [base, own, other]
    for key in listings(own).keys() & listings(other).keys():
        found = [listings(text).get(key) for text in texts]
        merged = merge_lines(*(one.lines if one else {} for one in found))
        if merged is None:
            continue  # both changed the same requirement: git shows it
        replacement = "".join(["[\n", *(f"    {line}\n" for line in merged), "]"])
        texts = [
            text[: one.start] + replacement + text[one.end :] if one else text
            for text, one in zip(texts, found, strict=True)
        ]
    return merge_texts(*texts)


def merge_lines(
    base: dict[str, str], own: dict[str, str], other: dict[str, str]
) -> list[str] | None:
    """Merge the lines of packages; None if both sides changed the same one."""
    merged: list[str] = []
    for name in [*own, *(name for name in other if name not in own)]:
        versions = [side.get(name) for side in (base, own, other)]
        if versions[1] == versions[2] or versions[0] == versions[2]:
            chosen = versions[1]
        elif versions[0] == versions[1]:
            chosen = versions[2]
        else:
            return None
        if chosen is not None:
            merged.append(chosen)
    return merged


def listings(text: str) -> dict[tuple[str, str], Listing]:
    """Return the lists of requirements of a file, by their table and name."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    found = {}
    tables = [(match.start(), match["table"].strip()) for match in TABLE.finditer(text)]
    for match in LIST.finditer(text):
        table = next((name for start, name in reversed(tables) if start < match.start()), "")
        if table in TABLES and (table != "project" or match["name"] == "dependencies"):
            found[table, match["name"]] = read_list(text, match.end() - 1)
    return found


def read_list(text: str, start: int) -> Listing:
    """Read the list that starts at `[`; a comment stays with the item before it."""
    lines: dict[str, str] = {}
    last, position = "", start + 1
    while True:
        token = ITEM.search(text, position)
        assert token is not None  # valid TOML ends its lists
        between, position = text[position : token.start()], token.end()
        if token["end"]:
            return Listing(start, token.end(), lines)
        if token["comment"]:
            key = last if last and "\n" not in between else token["comment"]
            lines[key] = f"{lines[key]} {token['comment']}" if key in lines else token["comment"]
            continue
        item = token["item"] or token["literal"] or ""
        package = PACKAGE.match(item)
        last = package[0].lower().replace("_", "-") if package else item
        lines[last] = f"{token[0]},"


def merge_texts(base: str, own: str, other: str) -> str | None:
    """Merge three texts as git does; None if there is a conflict."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("own", "base", "other")]
        for file, text in zip(files, (own, base, other), strict=True):
            file.write_bytes(text.encode())
        command = ["git", "merge-file", "--stdout", *map(str, files)]
        merged = subprocess.run(command, capture_output=True)
    return merged.stdout.decode() if merged.returncode == 0 else None
