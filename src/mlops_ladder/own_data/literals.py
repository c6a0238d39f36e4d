"""Python source as `ruff format` would lay it out, for lines of at most 100 characters."""

import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 100
INDENT = "    "


def literal(value: Any) -> str:
    """The value in source; words in double quotes, and signs that look like others written out."""
    if not isinstance(value, str):
        return repr(value)
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + "".join(escaped(sign, quote) for sign in value) + quote


def escaped(sign: str, quote: str) -> str:
    """A character of a string; dashes, quotes and blanks beyond ASCII are easily mistaken."""
    plain = sign.isalpha() or unicodedata.category(sign) in ("Sc", "So", "No")
    if sign in ("\\", quote):
        return f"\\{sign}"
    if plain or (sign.isascii() and sign.isprintable()):
        return sign
    return sign.encode("unicode_escape").decode()


def bracketed(head: str, brackets: str, items: Sequence[str], tail: str = "") -> list[str]:
    """A list, dictionary or set: in one line if it fits, else with a line for each item."""
    line = f"{head}{brackets[0]}{', '.join(items)}{brackets[1]}{tail}"
    if width(line) <= WIDTH:
        return [line]
    indent = INDENT + head[: len(head) - len(head.lstrip())]
    outer = indent[len(INDENT) :]
    inner = [f"{indent}{item}," for item in items]
    return [head + brackets[0], *map(within_lint, inner), f"{outer}{brackets[1]}{tail}"]


def called(head: str, arguments: Sequence[str], tail: str = "") -> list[str]:
    """A call: in one line, or its arguments in one line of their own, or a line for each."""
    line = f"{head}({', '.join(arguments)}){tail}"
    if width(line) <= WIDTH:
        return [line]
    outer = head[: len(head) - len(head.lstrip())]
    inner = f"{outer}{INDENT}{', '.join(arguments)}"
    if width(inner) <= WIDTH:
        return [f"{head}(", inner, f"{outer}){tail}"]
    each = [f"{outer}{INDENT}{argument}," for argument in arguments]
    return [f"{head}(", *each, f"{outer}){tail}"]


def width(line: str) -> int:
    """How wide the line is: Chinese signs, for example, take the place of two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


def pairs(values: Mapping[Any, Any]) -> list[str]:
    """The items of a dictionary."""
    return [f"{literal(name)}: {literal(value)}" for name, value in values.items()]


def within_lint(line: str) -> str:
    """The line, excused if a name that people gave makes it too long."""
    return line if width(line) <= WIDTH else f"{line}  # noqa: E501"


def wrapped(text: str, longest: int = WIDTH, subsequent: str = "") -> list[str]:
    """The text in lines."""
    return textwrap.wrap(
        text,
        longest,
        subsequent_indent=subsequent,
        break_long_words=False,
        break_on_hyphens=False,
    )
