"""Formatted strings of newer Pythons, which this one may not parse.

Since Python 3.12 a formatted string may have its own quotation marks inside its braces (PEP 701).
"""

import re

OPENING = re.compile(
    r"""(?P<comment>\#[^\n]*)"""
    r"""|(?<![\w"'])(?P<prefix>[rRbBuU]{0,2}|[rR]?[fF][rR]?)(?P<quote>\"{3}|'{3}|"|')"""
)


def without_fields(text: str) -> str:
    """Return code whose formatted strings have no fields; each line stays where it was."""
    out, place = [], 0
    while found := OPENING.search(text, place):
        out.append(text[place : found.start()])
        if found["comment"]:
            end, kept = found.end(), found[0]
        elif "f" in found["prefix"].lower():
            end = end_of_formatted(text, found.end(), found["quote"])
            is_closed = text.endswith(found["quote"], found.end(), end)
            inside = lines_of(text[found.end() : end])
            kept = f"{found['quote']}{inside}{found['quote']}" if is_closed else found[0]
        else:
            end = end_of_plain(text, found.end(), found["quote"])
            kept = text[found.start() : end]
        out.append(kept)
        place = end
    return "".join([*out, text[place:]])


def lines_of(text: str) -> str:
    """Return the line breaks of a text, escaped where a string of one line would end."""
    return "".join("\\\n" for one in text if one == "\n")


def end_of_plain(text: str, start: int, quote: str) -> int:
    """Return where a string ends that starts there; the end of the text if it does not."""
    place = start
    while place < len(text):
        if text[place] == "\\":
            place += 2
        elif text.startswith(quote, place):
            return place + len(quote)
        else:
            place += 1
    return len(text)


def end_of_formatted(text: str, start: int, quote: str) -> int:
    """Return where a formatted string ends; in its braces, other strings may be."""
    place, depth = start, 0
    while place < len(text):
        inner = OPENING.match(text, place) if depth else None
        if text[place] == "\\" or (not depth and text.startswith(("{{", "}}"), place)):
            place += 2
        elif text[place] in "{}":
            depth = max(depth + (1 if text[place] == "{" else -1), 0)
            place += 1
        elif inner and inner["quote"]:
            is_formatted = "f" in inner["prefix"].lower()
            ends = end_of_formatted if is_formatted else end_of_plain
            place = ends(text, inner.end(), inner["quote"])
        elif not depth and text.startswith(quote, place):
            return place + len(quote)
        else:
            place += 1
    return len(text)
