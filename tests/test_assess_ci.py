"""Tests of `make assess`, which CI runs in generated projects."""

import socket
import subprocess
from pathlib import Path

import pytest

from installation import environment
from projects import Ladder

ANSWERS = ".copier-answers.yml"


def assessed(project: Path, *, uv: str = "echo", **variables: str) -> str:
    """Run the target, with another command in the place of uv, and return what it prints."""
    command = ["make", "--no-print-directory", "assess", f"uv={uv}"]
    finished = subprocess.run(
        command, cwd=project, env=environment() | variables, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize(
    ("location", "installed"),
    [
        ("https://example.org/a/b.git", "git+https://example.org/a/b.git@v0.0.1"),
        ("git+https://example.org/a/b", "git+https://example.org/a/b@v0.0.1"),
        ("gh:a/b", "git+https://github.com/a/b@v0.0.1"),
        ("/srv/b", "git+file:///srv/b@v0.0.1"),
    ],
)
def test_it_is_installed_from_where_the_template_is(
    location: str, installed: str, ladder: Ladder
) -> None:
    project = ladder.project(1)
    answers = (project / ANSWERS).read_text(encoding="utf-8").split("\n")
    said = [f"_src_path: {location}" if one.startswith("_src_path") else one for one in answers]
    (project / ANSWERS).write_text("\n".join(said), encoding="utf-8")
    assert assessed(project).split("\n")[1] == f"tool run --from {installed} mlops-ladder assess"


def test_github_has_it_in_its_summary(ladder: Ladder, tmp_path: Path) -> None:
    project, summary = ladder.fresh(1), tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    assert assessed(project, GITHUB_STEP_SUMMARY=str(summary)) == ""
    lines = summary.read_text(encoding="utf-8").split("\n")
    assert lines[:2] == ["before", "```"]
    assert lines[2].endswith("mlops-ladder assess")
    assert lines[3:] == ["```", ""]


def test_where_it_cannot_be_installed_ci_goes_on_and_says_so(ladder: Ladder) -> None:
    said = assessed(ladder.fresh(1), uv="false")
    assert said == "```\nnot assessed: set LADDER to what installs mlops-ladder\n```\n"


def test_the_output_may_be_a_socket(ladder: Ladder) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = ["make", "--no-print-directory", "assess", "uv=echo"]
        subprocess.run(
            command, cwd=ladder.fresh(1), env=environment(), stdout=theirs.fileno(), check=True
        )
        assert b"mlops-ladder assess" in ours.recv(4096)
