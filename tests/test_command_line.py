"""The manners of the command: help at once, messages and data apart, questions only to people."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from commands import NAMED, call, printed, refused, run
from mlops_ladder.cli import EXAMPLES, VERBS
from projects import REPOSITORY, Ladder, answers_of

HEAVY = ["copier", "yaml", "rich", "jinja2", "pandas", "nbformat", "questionary"]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def test_help_names_every_verb_and_imports_none(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom mlops_ladder.cli import ladder\n"
        "try:\n    ladder(['--help'])\nfinally:\n    print(*sys.modules, sep='\\n')"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0
    for verb, sentence in VERBS.items():
        assert f"  {verb}" in finished.stdout and sentence.split(",")[0] in finished.stdout
    assert not set(HEAVY) & set(finished.stdout.splitlines())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_an_example(verb: str, tmp_path: Path) -> None:
    text = printed(verb, "--help", cwd=tmp_path)
    assert re.search(rf"^ +(eval .*)?mlops-ladder {verb} ?\S*", text, re.MULTILINE), text
    assert f"mlops-ladder {verb}" in EXAMPLES or verb == "completion"


def test_every_verb_has_a_file_and_every_file_is_a_verb() -> None:
    files = (REPOSITORY / "src/mlops_ladder/verbs").glob("*.py")
    assert {file.stem for file in files} - {"__init__"} == set(VERBS)


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert printed("--version", cwd=tmp_path) == f"mlops-ladder {project['version']}\n"


@pytest.mark.parametrize("arguments", [[], ["clim"], ["climb"], ["climb", "two"], ["new"]])
def test_a_wrong_call_ends_with_two(arguments: list[str], tmp_path: Path) -> None:
    result = call(*arguments, cwd=tmp_path)
    assert result.exit_code == 2
    assert "Usage: mlops-ladder" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_the_words(shell: str, tmp_path: Path) -> None:
    assert "_MLOPS_LADDER_COMPLETE" in printed("completion", shell, cwd=tmp_path)


def test_bash_gets_the_verbs() -> None:
    asked = {"_MLOPS_LADDER_COMPLETE": "bash_complete", "COMP_WORDS": "mlops-ladder c"}
    finished = subprocess.run(
        [sys.executable, "-m", "mlops_ladder"],
        env=os.environ | asked | {"COMP_CWORD": "1"},
        capture_output=True,
        text=True,
    )
    assert finished.stdout.split() == ["plain,climb", "plain,completion"]


@pytest.mark.slow
def test_data_and_messages_go_apart(ladder: Ladder) -> None:
    project = ladder.project(1)
    finished = run("plan", "2", "--json", cwd=project)
    assert json.loads(finished.stdout)["to"]["level"] == 2 and finished.stderr == ""
    finished = run("climb", "2", cwd=project)
    assert finished.stdout == "" and "level 2" in finished.stderr
    assert refused("climb", "3", cwd=project).startswith("error: ")


@pytest.mark.slow
def test_who_reads_no_further_is_no_error(ladder: Ladder) -> None:
    project = ladder.project(0)
    line = f"'{sys.executable}' -m mlops_ladder plan 4 --full | head -1"
    finished = subprocess.run(["bash", "-c", line], cwd=project, capture_output=True, text=True)
    assert finished.stdout == "From level 0 to level 4\n" and finished.stderr == ""


class Terminal:
    """A terminal in which the command runs, as a person has it."""

    def __init__(self, *arguments: str | Path, cwd: Path, **variables: str) -> None:
        self.screen, end = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlops_ladder", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **NAMED, "TERM": "xterm-256color", **variables},
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)

    def wait_for(self, words: str, seconds: float = 60) -> None:
        """Wait until the words are on the screen since the last key."""
        until = time.monotonic() + seconds
        while words not in COLOUR.sub("", self.seen):
            left = until - time.monotonic()
            assert left > 0, f"{words!r} never came: {self.seen}"
            assert self.read(left), f"{words!r} never came: {self.seen}"

    def read(self, seconds: float) -> bool:
        """Read what has come; whether there may be more."""
        if select.select([self.screen], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.screen, 65536).decode(errors="replace")
            except OSError:
                return False
        return True

    def press(self, keys: str) -> None:
        self.seen = ""
        os.write(self.screen, keys.encode())

    def end(self) -> int:
        """The exit code, once all is read."""
        while self.read(60):
            pass
        return self.process.wait(60)


@pytest.mark.slow
def test_a_person_is_asked_what_is_new_and_nothing_else(ladder: Ladder) -> None:
    project = ladder.project(1)
    terminal = Terminal("climb", "3", cwd=project)
    terminal.wait_for("Where will the service run?")
    terminal.press("\x1b[B\r")
    assert terminal.end() == 0, terminal.seen
    assert answers_of(project)["deploy_target"] == "kubernetes"


@pytest.mark.slow
def test_who_stops_at_a_question_changes_nothing(ladder: Ladder, tmp_path: Path) -> None:
    terminal = Terminal("new", "project", "--template", ladder.template, cwd=tmp_path)
    terminal.wait_for("What is the project called?")
    terminal.press("\x03")
    assert terminal.end() == 1
    assert "nothing was written" in terminal.seen and "Traceback" not in terminal.seen
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_colour_is_for_terminals_that_want_it(ladder: Ladder) -> None:
    project = ladder.project(0)
    terminal = Terminal("plan", "1", cwd=project)
    assert terminal.end() == 0 and COLOUR.search(terminal.seen)
    plain = Terminal("plan", "1", cwd=project, NO_COLOR="1")
    assert plain.end() == 0
    assert not {code for code in COLOUR.findall(plain.seen) if re.search(r"\[3\d", code)}
    assert not COLOUR.search(printed("plan", "1", cwd=project))
