"""Measure what a teacher waits for: building a course, enrolling a class, and grading it."""

import tempfile
import time
from pathlib import Path

from commands import done, printed
from installation import install_project
from projects import LEVELS, Ladder, snapshot

from .measurement import circumstances, load

STUDENTS = 100
GRADED = 30


def main() -> None:
    """Print the seconds of each step."""
    print(circumstances({}), f"Load {load()} before.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = snapshot(folder / "template")
        python = install_project(Ladder(template, folder).project(LEVELS[-1])).project / ".venv"
        rows = "\n".join(f"student-{number}" for number in range(STUDENTS))
        (folder / "roster.csv").write_text(f"student\n{rows}\n")
        graded = "\n".join(f"student-{number}" for number in range(GRADED))
        (folder / "graded.csv").write_text(f"student\n{graded}\n")
        steps: dict[str, tuple[str | Path, ...]] = {
            "build a course with five levels": ("build", "course", "--template", template),
            f"enrol {STUDENTS} students (at most 60)": ("enrol", "course", "roster.csv", "out"),
            f"grade {GRADED} students at level 0 (at most 300)": (
                *("grade", "course", "out", "--roster", "graded.csv", "--level", "0"),
                *("--python", python / "bin/python"),
            ),
        }
        for step, arguments in steps.items():
            begun = time.perf_counter()
            (printed if arguments[0] == "grade" else done)("teach", *arguments, cwd=folder)
            print(f"{time.perf_counter() - begun:6.1f} s  {step}")


if __name__ == "__main__":
    main()
