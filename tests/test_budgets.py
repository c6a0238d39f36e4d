"""Tests of the size of generated projects: what their owner has to read and to keep."""

from dataclasses import dataclass

import pytest

from projects import LEVELS, Ladder


@dataclass(frozen=True)
class Size:
    """The number of files, of all their lines, and of the lines of Python in `src/`."""

    files: int
    lines: int
    source: int

    def row(self, name: str) -> str:
        """Return a row of the table."""
        return f"{name:20}{self.files:8,}{self.lines:10,}{self.source:10,}"


BUDGETS = {
    0: Size(8, 750, 0),
    1: Size(38, 2_500, 800),
    2: Size(64, 4_600, 1_900),
    3: Size(120, 10_000, 4_200),
    4: Size(155, 15_000, 6_800),
}
# Where a budget is missed, the size may not grow beyond what it is.
LIMITS = BUDGETS | {
    1: Size(38, 2_655, 935),
    2: Size(64, 4_600, 2_330),
    3: Size(137, 11_601, 6_684),
    4: Size(177, 18_636, 11_802),
}


def size_of(ladder: Ladder, level: int) -> Size:
    """Return the size of a new project."""
    project = ladder.fresh(level)
    texts = {file: file.read_bytes().count(b"\n") for file in project.rglob("*") if file.is_file()}
    source = [file for file in texts if (project / "src") in file.parents and file.suffix == ".py"]
    return Size(len(texts), sum(texts.values()), sum(texts[file] for file in source))


@pytest.mark.parametrize("level", LEVELS)
def test_a_project_is_no_larger_than_one_person_can_own(ladder: Ladder, level: int) -> None:
    size, limit = size_of(ladder, level), LIMITS[level]
    print(f"\n{'level ' + str(level):20}{'files':>8}{'lines':>10}{'source':>10}")
    for name, one in (("size", size), ("budget", BUDGETS[level]), ("limit", limit)):
        print(one.row(name))
    assert size.files <= limit.files
    assert size.lines <= limit.lines
    assert size.source <= limit.source
