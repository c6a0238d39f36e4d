"""Make one repository for each student: a clone of the course with the student's own data."""

import csv
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import RefusedError
from ..git import git
from .build import write_variant
from .content import Content
from .repository import SIGNATURE, branch, levels
from .roster import Student

REMOTE = "course"


def enrol(
    course: Path,
    content: Content,
    students: Sequence[Student],
    destination: Path,
    address: str | None = None,
    pseudonyms: bool = False,
) -> list[str]:
    """Create the repositories that do not exist yet, and return their folders' names.

    Parameters
    ----------
    course
        The course's repository.
    content
        Its content, with the lists from which a student's data are chosen.
    students
        The roster.
    destination
        The folder for the repositories.
    address
        Where students fetch the course from; by default its path here.
    pseudonyms
        Name the folders by a hash; `pseudonyms.csv` has the names.
    """
    lowest = levels(course)[0]
    destination.mkdir(parents=True, exist_ok=True)
    made = []
    for student in students:
        folder = destination / student.folder(pseudonyms)
        if folder.exists():
            if not (folder / "variant.json").exists():
                raise RefusedError(f"{folder} exists and is no student's repository")
            continue
        with tempfile.TemporaryDirectory(prefix=".enrol-", dir=destination) as unfinished:
            clone(course, Path(unfinished) / "clone", lowest, address)
            give_variant(Path(unfinished) / "clone", content, student, folder.name)
            (Path(unfinished) / "clone").rename(folder)
        made.append(folder.name)
    if pseudonyms:
        write_pseudonyms(destination / "pseudonyms.csv", students)
    return made


def clone(course: Path, folder: Path, lowest: int, address: str | None) -> None:
    """Clone the course; the student's branch is `main`."""
    source = str(course.absolute())
    options = ("--quiet", "--origin", REMOTE, "--branch", branch(lowest))
    git(folder.parent, "clone", *options, source, folder.name, plain=True)
    git(folder, "branch", "--move", branch(lowest), "main", plain=True)
    git(folder, "branch", "--unset-upstream", plain=True)
    if address:
        git(folder, "remote", "set-url", REMOTE, address, plain=True)


def give_variant(folder: Path, content: Content, student: Student, name: str) -> None:
    """Commit the student's own data and thresholds."""
    write_variant(folder / "variant.json", content.variant(student.name) | {"student": name})
    git(folder, "add", "variant.json", plain=True)
    commit = ("commit", "--quiet", "--no-gpg-sign", "--message", "Your own data and thresholds")
    git(folder, *commit, variables=SIGNATURE, plain=True)


def write_pseudonyms(file: Path, students: Sequence[Student]) -> None:
    """Write which folder belongs to which student; the file stays with the teacher."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["student", "folder"])
        writer.writerows([student.name, student.folder(True)] for student in students)


def push_commands(destination: Path, names: Sequence[str]) -> list[str]:
    """Return the commands that publish the repositories, with ORG for the organisation."""
    return [
        f"gh repo create ORG/{shlex.quote(name)} --private --push"
        f" --source {shlex.quote(str(destination / name))}"
        for name in names
    ]
