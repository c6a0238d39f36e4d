"""Tests of the messages of copier: the menu of levels, and the next commands."""

import subprocess
import sys

import pytest
import yaml

from projects import LEVELS, REPOSITORY, Ladder, answers_of

SETTINGS = yaml.safe_load((REPOSITORY / "copier.yml").read_text().partition("\n---\n")[0])


@pytest.mark.parametrize(
    "level", [LEVELS[0], *(pytest.param(n, marks=pytest.mark.slow) for n in LEVELS[1:])]
)
def test_after_generating_the_next_three_commands_are_named(ladder: Ladder, level: int) -> None:
    project = ladder.new_folder()
    answers = ["--defaults", "--data", f"level={level}"]
    command = [sys.executable, "-m", "copier", "copy", *answers, str(ladder.template), str(project)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    commands = SETTINGS["ladder"]["default"][level]["next"]
    assert len(commands) == 3
    last_lines = [line.strip() for line in finished.stderr.split("Next:")[1].splitlines()]
    assert list(filter(None, last_lines)) == [f"cd {project}", *commands]
    assert answers_of(project)["level"] == level


def test_the_menu_says_for_each_level_what_it_is_for_costs_and_when_not_to_take_it() -> None:
    for level in LEVELS:
        described = SETTINGS["ladder"]["default"][level]
        assert described.keys() == {"title", "for", "costs", "not", "job", "next"}
    for word in ("for", "costs", "not"):
        assert f"level.{word}" in SETTINGS["level"]["help"]
