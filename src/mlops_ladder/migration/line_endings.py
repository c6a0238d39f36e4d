"""Line endings: text is merged with line feeds, and written with the endings that it had."""

from collections import Counter
from difflib import SequenceMatcher

SEARCHED = 8000  # bytes in which git looks for a NUL to tell binary files


def is_text(body: bytes) -> bool:
    """Tell whether git treats the bytes as text."""
    return b"\0" not in body[:SEARCHED]


def normalize(body: bytes) -> bytes:
    """Return the text with a line feed at the end of each line.

    Binary files, and texts with a carriage return alone, are returned unchanged.
    """
    text = body.replace(b"\r\n", b"\n")
    if b"\r" in text or not is_text(body):
        return body
    return text if not text or text.endswith(b"\n") else text + b"\n"


def with_line_endings(body: bytes, like: bytes) -> bytes:
    """Give each line the line ending that it has in `like`; new lines get the most common one.

    Parameters
    ----------
    body
        A text whose lines end with line feeds; any other is returned unchanged.
    like
        The text as it was. If it is normalized or binary, `body` is returned unchanged.
    """
    if b"\r" in body or not is_text(body) or normalize(like) == like:
        return body
    old, new = split(like), split(body)
    counted = Counter(end for _, end in old if end)
    usual = max(counted, key=lambda end: (counted[end], end), default=b"\n")
    ends = [usual if end else b"" for _, end in new]
    texts = ([text for text, _ in old], [text for text, _ in new])
    for block in SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks():
        for place in range(block.size):
            if ends[block.b + place]:
                ends[block.b + place] = old[block.a + place][1]
    ends[:-1] = [end or usual for end in ends[:-1]]  # only the last line may have none
    return b"".join(text + end for (text, _), end in zip(new, ends, strict=True))


def split(body: bytes) -> list[tuple[bytes, bytes]]:
    """Split a text into pairs of line and line ending; the last ending may be empty."""
    lines = body.split(b"\n")
    pairs = [(line, b"\n") for line in lines[:-1]] + ([(lines[-1], b"")] if lines[-1] else [])
    return [
        (text[:-1], b"\r\n") if end and text.endswith(b"\r") else (text, end) for text, end in pairs
    ]
