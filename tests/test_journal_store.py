"""Tests of a generated project's journal on both databases, with the packages of its image."""

import shutil
import subprocess
from pathlib import Path

import pytest

from installation import environment
from postgres import PostgreSQL
from projects import REPOSITORY, Ladder

pytestmark = pytest.mark.slow
TESTS = REPOSITORY / "tests/inside/service/journal.py"


@pytest.fixture(scope="module")
def project(ladder: Ladder) -> Path:
    """Return a project at level 4."""
    return ladder.project(4)


def run_inside(project: Path, **variables: str) -> None:
    """Run `inside/service/journal.py` as a test of the project, with its service's packages."""
    shutil.copy(TESTS, project / "tests" / "test_journal.py")
    asked = ["python", "-m", "pytest", "--noconftest", "tests/test_journal.py"]
    finished = subprocess.run(
        ["uv", "run", "--quiet", "--only-group", "service", "--with", "pytest", *asked],
        cwd=project,
        env=environment() | {"PYTHONPATH": "src"} | variables,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_journal_keeps_its_contract_on_sqlite(project: Path) -> None:
    run_inside(project)


def test_the_journal_keeps_its_contract_on_postgresql(project: Path, server: PostgreSQL) -> None:
    run_inside(project, TEST_DATABASE_URL=server.url)
