"""Name the place of what a criterion found."""

import re
from functools import lru_cache
from typing import Any

from ..inspection.commands import Line
from ..inspection.python import Call, Unit
from .ci import Job
from .finding import Evidence
from .wiring import Wiring

COMMENT = re.compile(r"^[ \t]*(?:#|//).*$", re.MULTILINE)


def at_call(wiring: Wiring, unit: Unit, call: Call) -> Evidence:
    """Return the place of a call."""
    return at_line(wiring, unit.path, call.line, f"{call.name.lstrip('.')}()")


def at_unit(wiring: Wiring, unit: Unit, what: str = "") -> Evidence:
    """Return the place of a function."""
    return at_line(wiring, unit.path, unit.line, what or unit.name)


def at_line(wiring: Wiring, path: str, line: int, what: str) -> Evidence:
    """Return a line of code as a place; in a notebook with its cell."""
    module = wiring.modules.get(path)
    return Evidence(path, line, what[:80], module.cell(line) if module else None)


def at_text(wiring: Wiring, path: str, text: str, what: str = "") -> Evidence:
    """Return the place of a text in a file."""
    return Evidence(path, wiring.line_of(path, text), (what or text)[:80])


@lru_cache(maxsize=4_000)
def uncommented(wiring: Wiring, path: str) -> str:
    """Return a file's text without the lines that are comments."""
    return COMMENT.sub("", wiring.repository.text(path))


def at_command(
    wiring: Wiring, job: Job, line: Line | None, pattern: re.Pattern[str]
) -> list[Evidence]:
    """Return where a job runs a command: the job, and the file of a task if there is one."""
    if line is None:
        return []
    found = pattern.search(line.text)
    word = found[0].strip() if found else line.text
    places = [at_text(wiring, line.file, word, line.text)]
    if line.file != job.file:
        places.insert(
            0, Evidence(job.file, wiring.line_of(job.file, "run"), f"job {job.name}".strip())
        )
    return places


def at_setting(wiring: Wiring, path: str, name: str, value: Any) -> Evidence:
    """Return the place of a setting."""
    return at_text(wiring, path, name, f"{name}: {value}")
