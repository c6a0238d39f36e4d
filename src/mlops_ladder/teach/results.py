"""Grades as files: a table for the school's system, and Gradescope's results for students."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .grading import Grade, score


def write_csv(file: Path, grades: Sequence[Grade], late_percent: float) -> None:
    """Write a row for each student; grading the same commits again writes the same bytes."""
    tasks = [mark.task for mark in grades[0].marks] if grades else []
    header = ["student", "id", "folder", "level", "commit", *tasks, "days_late", "total", "note"]
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(header)
        for grade in grades:
            points = {mark.task: mark.points for mark in grade.marks}
            origin = [grade.student.name, grade.student.id, grade.folder]
            reached = [grade.level if grade.commit else "", grade.commit]
            total = [grade.days_late, score(grade, late_percent), grade.note]
            writer.writerow([*origin, *reached, *(points.get(one, 0) for one in tasks), *total])


def write_gradescope(folder: Path, grades: Sequence[Grade], late_percent: float) -> None:
    """Write `FOLDER/STUDENT.json` in Gradescope's form for autograders, without expected values.

    https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    folder.mkdir(parents=True, exist_ok=True)
    for grade in grades:
        text = json.dumps(gradescope(grade, late_percent), indent=2, ensure_ascii=False)
        (folder / f"{grade.folder}.json").write_text(text + "\n", encoding="utf-8")


def gradescope(grade: Grade, late_percent: float) -> dict[str, Any]:
    """Return the results of a student."""
    tests = [
        {
            "name": f"{mark.task} {mark.title}",
            "score": mark.points,
            "max_score": mark.most,
            "status": "passed" if mark.points == mark.most else "failed",
            "output": mark.output,
            "visibility": "visible",
        }
        for mark in grade.marks
    ]
    late = f"{grade.days_late} days late. " if grade.days_late else ""
    return {"score": score(grade, late_percent), "output": f"{late}{grade.note}", "tests": tests}
