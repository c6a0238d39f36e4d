"""Tests of the command line: help, usage errors, completion, output streams and questions."""

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
from mlops_ladder.cli import COMMANDS, EXAMPLES
from mlops_ladder.source.questions import level_titles
from projects import DEPLOY_TARGETS, REPOSITORY, Ladder, answers_of

HEAVY = ["copier", "yaml", "rich", "jinja2", "pandas", "nbformat", "questionary"]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def test_help_names_every_verb_and_imports_none(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom mlops_ladder.cli import ladder\n"
        "try:\n    ladder(['--help'])\nfinally:\n    print(*sys.modules, sep='\\n')"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0
    for command, sentence in COMMANDS.items():
        assert f"  {command}" in finished.stdout and sentence.split(",")[0] in finished.stdout
    assert not set(HEAVY) & set(finished.stdout.splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_verb_shows_an_example(command: str, tmp_path: Path) -> None:
    text = printed(command, "--help", cwd=tmp_path)
    assert re.search(rf"^ +(eval .*)?mlops-ladder {command} ?\S*", text, re.MULTILINE), text
    assert f"mlops-ladder {command}" in EXAMPLES


def test_every_command_has_a_module() -> None:
    files = (REPOSITORY / "src/mlops_ladder/commands").glob("*.py")
    shared = {"__init__", "migrate", "options", "own_data"}
    assert {file.stem for file in files} - shared == set(COMMANDS)


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert printed("--version", cwd=tmp_path) == f"mlops-ladder {project['version']}\n"


@pytest.mark.parametrize("arguments", [[], ["clim"], ["climb"], ["climb", "two"], ["new"]])
def test_a_wrong_call_ends_with_two(arguments: list[str], tmp_path: Path) -> None:
    result = call(*arguments, cwd=tmp_path)
    assert result.exit_code == 2
    assert "Usage: mlops-ladder" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["clim", "3"], "there is no command clim; the commands are new, plan, climb, upgrade, ad"),
        (["plan", "two"], "there is no level two; the levels are 0, 1, 2, 3, 4"),
        (["climb", "two"], "there is no level two; the levels are 0, 1, 2, 3, 4"),
        (["adopt", "--level", "two"], "there is no level two; the levels are 0, 1, 2, 3, 4"),
        (["new", "x", "--level", "two"], "there is no level two; the levels are 0, 1, 2, 3, 4"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_unknown_commands_and_levels_are_refused_with_those_that_there_are(
    arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    assert sentence in refused(*arguments, cwd=tmp_path, code=2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_the_words(shell: str, tmp_path: Path) -> None:
    assert "_MLOPS_LADDER_COMPLETE" in printed("completion", shell, cwd=tmp_path)


def completed(line: str) -> list[str]:
    """Return what bash completion offers for the last word of the line, each with its type."""
    asked = {"_MLOPS_LADDER_COMPLETE": "bash_complete", "COMP_WORDS": line}
    finished = subprocess.run(
        [sys.executable, "-m", "mlops_ladder"],
        env=os.environ | asked | {"COMP_CWORD": str(line.count(" "))},
        capture_output=True,
        text=True,
    )
    assert finished.stderr == ""
    return finished.stdout.split()


def test_bash_gets_the_verbs() -> None:
    assert completed("mlops-ladder c") == ["plain,climb", "plain,completion"]


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("climb ", ["plain,0", "plain,1", "plain,2", "plain,3", "plain,4"]),
        ("new x --level 3", ["plain,3"]),
        ("climb 3 --data dep", ["plain,deploy_target="]),
        (
            "climb 3 --data deploy_target=",
            [f"plain,deploy_target={target}" for target in DEPLOY_TARGETS],
        ),
        ("climb 3 --data deploy_target=c", ["plain,deploy_target=compose"]),
        ("climb 3 --data project_name=", []),
        ("climb 3 --answers ans", ["file,ans"]),
        ("climb 3 --project pro", ["dir,pro"]),
    ],
)
def test_levels_answers_and_files_are_completed(line: str, offers: list[str]) -> None:
    assert completed(f"mlops-ladder {line}") == offers


def test_level_titles_are_shown_where_the_shell_can() -> None:
    asked = {"_MLOPS_LADDER_COMPLETE": "zsh_complete", "COMP_WORDS": "mlops-ladder climb "}
    finished = subprocess.run(
        [sys.executable, "-m", "mlops_ladder"],
        env=os.environ | asked | {"COMP_CWORD": "2"},
        capture_output=True,
        text=True,
    )
    words = finished.stdout.splitlines()
    assert [*zip(words[1::3], words[2::3], strict=True)] == [
        (str(level), title) for level, title in level_titles().items()
    ]


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
    """A pseudo-terminal in which the command runs."""

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
        """Wait until the words have been printed since the last key press."""
        until = time.monotonic() + seconds
        while words not in COLOUR.sub("", self.seen):
            left = until - time.monotonic()
            assert left > 0, f"{words!r} was never printed: {self.seen}"
            assert self.read(left), f"{words!r} was never printed: {self.seen}"

    def read(self, seconds: float) -> bool:
        """Read what was printed, and tell whether there may be more."""
        if select.select([self.screen], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.screen, 65536).decode(errors="replace")
            except OSError:
                return False
        return True

    def press(self, keys: str) -> None:
        """Send key presses."""
        self.seen = ""
        os.write(self.screen, keys.encode())

    def end(self) -> int:
        """Read the rest of the output, and return the exit code."""
        while self.read(60):
            pass
        return self.process.wait(60)


@pytest.mark.slow
def test_a_person_is_asked_what_is_new_and_nothing_else(ladder: Ladder) -> None:
    project = ladder.project(1)
    terminal = Terminal("climb", "3", cwd=project)
    terminal.wait_for("What runs the training pipeline?")
    terminal.press("\r")
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


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["cl"], ["climb"]),
        (["climb", ""], ["0", "1", "2", "3", "4"]),
        (["climb", "3", "--data", "deploy"], ["deploy_target="]),
        (["climb", "3", "--data", "deploy_target", "="], DEPLOY_TARGETS),
        (["climb", "3", "--data", "deploy_target", "=", "c"], ["compose"]),
        (["new", "x", "--data", "level", "="], ["0", "1", "2", "3", "4"]),
    ],
)
def test_bash_completes_what_it_splits(
    words: list[str], offered: list[str], tmp_path: Path
) -> None:
    """Bash takes `=` for a word of its own, and replaces only its last word."""
    program = tmp_path / "mlops-ladder"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mlops_ladder "$@"\n')
    program.chmod(0o755)
    script = printed("completion", "bash", cwd=tmp_path)
    line = (
        f'{script}\ncompopt() {{ :; }}\nCOMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\n'
        '_mlops_ladder_completion mlops-ladder\nprintf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}:{os.environ['PATH']}"
    finished = subprocess.run(
        ["bash", "-c", line, "bash", "mlops-ladder", *words],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.split() == offered
