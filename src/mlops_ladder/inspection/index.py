"""Read the index of git: the files in it count, whatever .gitignore has."""

import os
from pathlib import Path
from struct import error, unpack_from

MOST_BYTES = 64_000_000
FIXED = 62  # bytes of an entry before its path, where a commit has 20 bytes
EXTENDED = 0x4000  # the flag of two more bytes


def tracked_files(root: Path) -> frozenset[str]:
    """Return the files in the index of a repository; none if there is none that can be read.

    Only the index in the folder's own `.git` is read: that of a work tree is somewhere else.
    """
    folder = root / ".git"
    try:
        if folder.is_symlink():
            return frozenset()
        descriptor = os.open(folder / "index", os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(descriptor, "rb") as file:
            return frozenset(paths_in(file.read(MOST_BYTES)))
    except (OSError, ValueError, IndexError, error):
        return frozenset()


def paths_in(body: bytes) -> list[str]:
    """Return the paths in an index of version 2, 3 or 4.

    Raises
    ------
    ValueError, IndexError, struct.error
        It is no index.
    """
    signature, version, count = unpack_from(">4sII", body)
    if signature != b"DIRC" or version not in {2, 3, 4}:
        raise ValueError("it is no index")
    found, place, path = list[str](), 12, b""
    for _ in range(count):
        (flags,) = unpack_from(">H", body, place + FIXED - 2)
        start = place + FIXED + (2 if flags & EXTENDED else 0)
        if version == 4:
            dropped, start = varint(body, start)
            end = body.index(b"\0", start)
            path = path[: len(path) - dropped] + body[start:end]
            place = end + 1
        else:
            end = body.index(b"\0", start)
            path = body[start:end]
            place += (end - place + 8) // 8 * 8
        found.append(path.decode("utf-8", "surrogateescape"))
    return found


def varint(body: bytes, place: int) -> tuple[int, int]:
    """Return a number of variable width, as git writes offsets, and the place after it."""
    value = body[place] & 0x7F
    while body[place] & 0x80:
        place += 1
        value = ((value + 1) << 7) | (body[place] & 0x7F)
    return value, place + 1
