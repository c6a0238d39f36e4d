"""Tests that run inside a project, in its environment: they prove the template, not the problem."""

import shutil
from pathlib import Path

import pytest

from installation import Installation
from projects import REPOSITORY, Ladder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("inside")]
INSIDE = REPOSITORY / "tests" / "inside"


@pytest.mark.parametrize("level", sorted(int(name.name) for name in INSIDE.glob("[0-9]")))
def test_what_the_template_promises_holds_in_a_project(
    ladder: Ladder, installed: Path, level: int
) -> None:
    """They use the fixtures of the project's own tests."""
    installation = Installation(ladder.project(level), installed)
    source = INSIDE / str(level)
    files = [file.relative_to(source) for file in sorted(source.rglob("*.py"))]
    for file in files:
        target: Path = installation.project / "tests" / file
        assert not target.exists()
        shutil.copyfile(source / file, target)
    names = " ".join(f"tests/{file}" for file in files)
    path = f"{installation.project / 'src'}:{REPOSITORY}"  # for `bench.loop`
    finished = installation.run(f"pytest --quiet {names}", PYTHONPATH=path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "skipped" not in finished.stdout, finished.stdout
