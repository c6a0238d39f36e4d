"""Format Python source as `ruff format` does, in lines of at most 100 characters."""

import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 100
INDENT = "    "


def format_literal(value: Any) -> str:
    """Return the source of a value; strings have double quotes and no ambiguous characters."""
    if not isinstance(value, str):
        return repr(value)
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + "".join(escape(character, quote) for character in value) + quote


def escape(character: str, quote: str) -> str:
    """Escape a character of a string if needed, or if it may be mistaken for an ASCII character."""
    is_plain = character.isalpha() or unicodedata.category(character) in ("Sc", "So", "No")
    if character in ("\\", quote):
        return f"\\{character}"
    if is_plain or (character.isascii() and character.isprintable()):
        return character
    return character.encode("unicode_escape").decode()


def format_collection(head: str, brackets: str, items: Sequence[str], tail: str = "") -> list[str]:
    """Return the lines of a list or dictionary: one if it fits, else one for each item."""
    line = f"{head}{brackets[0]}{', '.join(items)}{brackets[1]}{tail}"
    if display_width(line) <= WIDTH:
        return [line]
    indent = INDENT + head[: len(head) - len(head.lstrip())]
    outer = indent[len(INDENT) :]
    inner = [f"{indent}{item}," for item in items]
    return [head + brackets[0], *map(excuse_long_line, inner), f"{outer}{brackets[1]}{tail}"]


def format_call(head: str, arguments: Sequence[str], tail: str = "") -> list[str]:
    """Return the lines of a call: one, or one for all arguments, or one for each argument."""
    line = f"{head}({', '.join(arguments)}){tail}"
    if display_width(line) <= WIDTH:
        return [line]
    outer = head[: len(head) - len(head.lstrip())]
    inner = f"{outer}{INDENT}{', '.join(arguments)}"
    if display_width(inner) <= WIDTH:
        return [f"{head}(", inner, f"{outer}){tail}"]
    each = [f"{outer}{INDENT}{argument}," for argument in arguments]
    return [f"{head}(", *each, f"{outer}){tail}"]


def display_width(line: str) -> int:
    """Return the width of a line as ruff counts it: a wide character counts as two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def format_items(values: Mapping[Any, Any]) -> list[str]:
    """Return the source of each item of a dictionary."""
    return [f"{format_literal(name)}: {format_literal(value)}" for name, value in values.items()]


def excuse_long_line(line: str) -> str:
    """Add a `noqa` comment to a line that a long name of the file makes too long."""
    return line if display_width(line) <= WIDTH else f"{line}  # noqa: E501"


def wrap(text: str, width: int = WIDTH, subsequent_indent: str = "") -> list[str]:
    """Return the text in lines, without breaking words."""
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=subsequent_indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
