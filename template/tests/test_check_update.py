"""A newer version of the template is told once, and nothing is changed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path("make/check_update.py").resolve()
NEWER = {"update_available": True, "current_version": "0.1.0", "latest_version": "0.3.0"}
STAND_IN = """\
#!/bin/sh
echo "$(basename "$0") $*" | head -n 1 >> calls
cat "$(basename "$0").json"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with stand-ins for copier and gh, which note how they were called."""
    for program in ("copier", "gh"):
        file = tmp_path / "bin" / program
        file.parent.mkdir(exist_ok=True)
        file.write_text(STAND_IN)
        file.chmod(0o755)
    remember(tmp_path, "https://example.org/template.git")
    return tmp_path


def remember(project: Path, template: str) -> None:
    """Write down where the template is."""
    (project / ".copier-answers.yml").write_text(f"_commit: v0.1.0\n_src_path: {template}\n")


def check(
    project: Path, found: object, *issues: object, arguments: tuple[str, ...] = ("--issue",)
) -> subprocess.CompletedProcess[str]:
    """Run the script where copier finds that, and GitHub has these issues."""
    (project / "copier.json").write_text(json.dumps(found))
    (project / "gh.json").write_text(json.dumps(issues))
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        cwd=project,
        env={"PATH": f"{project / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


def calls(project: Path) -> list[str]:
    """The programs that were called, with what they were told to do."""
    lines = (project / "calls").read_text().splitlines() if (project / "calls").exists() else []
    return [" ".join(line.split()[:3]) for line in lines]


def issue(version: str, state: str) -> dict[str, object]:
    return {"number": 7, "state": state, "title": f"The template has a newer version: {version}"}


def test_a_newer_version_is_told_in_an_issue(project: Path) -> None:
    told = check(project, NEWER)
    assert told.returncode == 0, told.stderr
    assert "version 0.1.0" in told.stdout and "version 0.3.0" in told.stdout
    looked, listed, labelled, created = calls(project)
    assert (looked, listed) == ("copier check-update --output-format", "gh issue list")
    assert (labelled, created) == ("gh label create", "gh issue create")
    assert "newer version: 0.3.0" in (project / "calls").read_text()


@pytest.mark.parametrize("state", ["OPEN", "CLOSED"])
def test_the_same_version_is_told_once(project: Path, state: str) -> None:
    told = check(project, NEWER, issue("0.3.0", state))
    assert told.returncode == 0 and "an issue on it already" in told.stdout
    assert calls(project)[1:] == ["gh issue list"]


def test_a_later_version_is_written_into_the_open_issue(project: Path) -> None:
    assert check(project, NEWER, issue("0.2.0", "OPEN")).returncode == 0
    assert calls(project)[2:] == ["gh issue edit", "gh issue comment"]
    assert (
        "edit 7 --title The template has a newer version: 0.3.0" in (project / "calls").read_text()
    )


def test_a_later_version_gets_a_new_issue_when_the_old_one_is_closed(project: Path) -> None:
    assert check(project, NEWER, issue("0.2.0", "CLOSED")).returncode == 0
    assert calls(project)[2:] == ["gh label create", "gh issue create"]


def test_the_newest_version_is_no_news(project: Path) -> None:
    told = check(project, {**NEWER, "update_available": False})
    assert told.returncode == 0 and "has the newest version" in told.stdout
    assert len(calls(project)) == 1


def test_by_hand_it_tells_the_person_alone(project: Path) -> None:
    told = check(project, NEWER, arguments=())
    assert told.returncode == 0 and "version 0.3.0" in told.stdout
    assert len(calls(project)) == 1


def test_a_template_on_another_machine_cannot_be_looked_up(project: Path) -> None:
    remember(project, "/not/on/this machine/template.git")
    told = check(project, NEWER)
    assert told.returncode == 0 and "cannot be looked up from here" in told.stdout
    assert not calls(project)


@pytest.mark.parametrize("program", ["copier", "gh"])
def test_a_failure_is_a_failure(project: Path, program: str) -> None:
    (project / "bin" / program).write_text("#!/bin/sh\necho no network >&2; exit 1\n")
    failed = check(project, NEWER)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"error: {program}") and "no network" in failed.stderr
