"""Tests of the template's `make/check_update.py`: a newer version is reported once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from projects import TEMPLATE

SCRIPT = TEMPLATE / "make/check_update.py"
NEWER = {"update_available": True, "current_version": "0.1.0", "latest_version": "0.3.0"}
STAND_IN = """\
#!/bin/sh
echo "$(basename "$0") $*" | head -n 1 >> calls
cat "$(basename "$0").json"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with scripts in place of copier and gh, which record their arguments."""
    for program in ("copier", "gh"):
        file = tmp_path / "bin" / program
        file.parent.mkdir(exist_ok=True)
        file.write_text(STAND_IN)
        file.chmod(0o755)
    return tmp_path


def check(
    project: Path, found: object, *titles: str, arguments: tuple[str, ...] = ("--issue",)
) -> subprocess.CompletedProcess[str]:
    """Run the script where copier reports that, and GitHub has issues with these titles."""
    (project / "copier.json").write_text(json.dumps(found))
    (project / "gh.json").write_text(json.dumps([{"title": title} for title in titles]))
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        cwd=project,
        env={"PATH": f"{project / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


def calls(project: Path) -> list[str]:
    """Return the beginning of each command that was called."""
    lines = (project / "calls").read_text().splitlines()
    return [" ".join(line.split()[:3]) for line in lines]


def test_a_newer_version_gets_an_issue(project: Path) -> None:
    finished = check(project, NEWER)
    assert finished.returncode == 0, finished.stderr
    assert "a newer version: 0.3.0. This project has 0.1.0." in finished.stdout
    assert calls(project)[1:] == ["gh issue list", "gh issue create"]
    assert "--title The template has a newer version: 0.3.0" in (project / "calls").read_text()


def test_the_same_version_gets_one_issue(project: Path) -> None:
    assert check(project, NEWER, "The template has a newer version: 0.3.0").returncode == 0
    assert calls(project)[1:] == ["gh issue list"]


def test_an_issue_about_another_version_does_not_count(project: Path) -> None:
    assert check(project, NEWER, "The template has a newer version: 0.3.0.1").returncode == 0
    assert calls(project)[1:] == ["gh issue list", "gh issue create"]


def test_the_newest_version_gets_none(project: Path) -> None:
    finished = check(project, {**NEWER, "update_available": False})
    assert finished.returncode == 0 and "has the newest version" in finished.stdout
    assert calls(project) == ["copier check-update --output-format"]


def test_by_hand_it_only_prints(project: Path) -> None:
    finished = check(project, NEWER, arguments=())
    assert finished.returncode == 0 and "0.3.0" in finished.stdout
    assert len(calls(project)) == 1


@pytest.mark.parametrize("program", ["copier", "gh"])
def test_a_failure_is_a_failure(project: Path, program: str) -> None:
    (project / "bin" / program).write_text("#!/bin/sh\necho no network >&2; exit 1\n")
    failed = check(project, NEWER)
    assert failed.returncode == 1
    assert "no network" in failed.stderr and f"error: {program}" in failed.stderr
