"""The roster: a CSV file with a row for each student.

student     the name of the repository's folder: letters, digits, . _ -
id          optional: the student's id in the school's system, copied into the grades
extension   optional: days after the due date that were granted
"""

import csv
import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import RefusedError, UsageError, listed

NAME = re.compile(r"\w[\w.-]{0,63}")


@dataclass(frozen=True)
class Student:
    """A student on the roster."""

    name: str
    id: str
    extension: float = 0.0

    def folder(self, pseudonyms: bool) -> str:
        """Return the name of the repository's folder."""
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        return f"student-{digest}" if pseudonyms else self.name


def read_roster(file: Path) -> list[Student]:
    """Read a roster.

    Raises
    ------
    UsageError
        The file is not a roster.
    RefusedError
        Rows are not valid; the message has a line for each.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    if not rows or "student" not in rows[0]:
        raise UsageError(f"{file} has no rows below a header with the column student")
    problems, students, known = [], [], dict[str, int]()
    for line, row in enumerate(rows, 2):
        try:
            student = read_row(row)
        except ValueError as error:
            problems.append(f"line {line}: {error}")
            continue
        key = student.name.casefold()  # some file systems do not tell Ann from ann
        if key in known:
            problems.append(f"line {line}: {student.name} is there twice, see line {known[key]}")
        known.setdefault(key, line)
        students.append(student)
    if problems:
        raise RefusedError(listed(f"{file} is not valid, and nothing was done:", problems))
    return students


def read_row(row: Mapping[str, str | None]) -> Student:
    """Read a row; a `ValueError` says what is wrong."""
    name = unicodedata.normalize("NFC", (row.get("student") or "").strip())
    if not name:
        raise ValueError("the student has no name")
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a folder: use letters, digits, . _ - only")
    text = (row.get("extension") or "0").strip()
    try:
        extension = float(text)
    except ValueError:
        raise ValueError(f"extension {text!r} is not a number of days") from None
    if not 0 <= extension < 1000:
        raise ValueError(f"extension {text!r} is not a number of days")
    return Student(name, (row.get("id") or "").strip(), extension)
