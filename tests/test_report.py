"""Tests of the plan's report: as text at any width, and as JSON."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mlops_ladder.migration.plan import Conflict, Plan, make_plan
from mlops_ladder.project import Project, open_project
from mlops_ladder.report.console import DIFF_LINES, print_done, print_plan
from mlops_ladder.report.document import diff, print_plan_as_json
from mlops_ladder.source.location import Template
from projects import DEPLOY_TARGETS, Ladder, commit_all, git

COLOUR = re.compile(r"\x1b\[[0-9;]*3[1-7][0-9;]*m")
LONG = "src/" + "a_very_long_name_of_a_package/" * 4 + "module.py"


@dataclass
class FakePlan:
    """A plan of given files, with what the report reads of a plan."""

    before: dict[str, bytes]
    after: dict[str, bytes]
    conflicts: list[Conflict] = field(default_factory=list)
    edited_and_removed: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    unconverted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    level: int = 3
    target: Any = field(
        default_factory=lambda: SimpleNamespace(
            answers={"_commit": "v1", "where": "here"},
            questions={"where": {"help": "Where?", "choices": {"Here": "here", "There": "there"}}},
            ladder={3: {"title": "Serving", "next": ["make setup", "make serve"]}},
        )
    )

    @property
    def added(self) -> list[str]:
        """Return the files that only the target has."""
        return sorted(self.after.keys() - self.before.keys())

    @property
    def removed(self) -> list[str]:
        """Return the files that the target does not have."""
        return sorted(self.before.keys() - self.after.keys())

    @property
    def changed(self) -> list[str]:
        """Return the files with another content in the target."""
        both = self.before.keys() & self.after.keys()
        return sorted(path for path in both if self.before[path] != self.after[path])


PROJECT = Project(Path("project"), {"level": 2, "_commit": "v1"})
Shown = Callable[..., str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Return a function that returns the printed plan, in a terminal of some width or without."""

    def text_of(plan: FakePlan, columns: int | None = None, full: bool = False) -> str:
        for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
            monkeypatch.delenv(name, raising=False)
        if columns:
            monkeypatch.setenv("COLUMNS", str(columns))
        print_plan(PROJECT, cast(Plan, plan), full=full)
        return capsys.readouterr().out

    return text_of


def as_json(plan: FakePlan, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the JSON document about a plan."""
    print_plan_as_json(PROJECT, cast(Plan, plan))
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def eventful() -> FakePlan:
    """Return a plan in which every section of the report has an entry."""
    return FakePlan(
        before={
            "kept.txt": b"one\ntwo\n",
            "edited.py": b"x = 1\n",
            "Makefile": b"",
            "old.txt": b"",
        },
        after={
            "kept.txt": b"one\nthree\n",
            "edited.py": b"x = 1\n",
            "Makefile": b"serve: ## Serve what is live\n\tserve\n",
            LONG: b"",
            "tests/serving/test_one.py": b"",
            "tests/serving/test_two.py": b"",
            ".github/workflows/monitor.yml": b"on: {schedule: [{cron: '5 4 * * *'}]}\njobs: {}\n",
        },
        conflicts=[Conflict("kept.txt", 2, "you and the template changed the same lines")],
        edited_and_removed=["edited.py"],
        blocked=["Dockerfile: untracked file: commit or move it"],
        unconverted=["cell 3: `%matplotlib inline` is for Jupyter alone"],
        notes=["README.md stays deleted, because you deleted it"],
        questions=["where"],
    )


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_at_any_width_nothing_is_cut_off(columns: int, eventful: FakePlan, shown: Shown) -> None:
    text = shown(eventful, columns)
    assert max(map(len, text.splitlines())) <= columns
    squeezed = "".join(text.split())
    paths = [LONG, *eventful.changed, *eventful.removed, ".github/workflows/monitor.yml"]
    paths += eventful.edited_and_removed
    sentences = [*eventful.blocked, *eventful.unconverted, *eventful.notes]
    for told in [*paths, *sentences, *map(str, eventful.conflicts)]:
        assert "".join(told.split()) in squeezed
    assert "…" not in text


def test_away_from_a_terminal_each_fact_is_one_plain_line(eventful: FakePlan, shown: Shown) -> None:
    lines = shown(eventful).splitlines()
    for told in [LONG, "kept.txt:2: you and the template changed the same lines"]:
        assert f"  {told}" in lines
    assert not any("\x1b" in line or line != line.rstrip() for line in lines)


def test_colours_are_for_terminals_and_for_who_wants_them(
    eventful: FakePlan,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    print_plan(PROJECT, cast(Plan, eventful))
    assert COLOUR.search(capsys.readouterr().out)
    monkeypatch.setenv("NO_COLOR", "1")
    print_plan(PROJECT, cast(Plan, eventful))
    assert not COLOUR.search(capsys.readouterr().out)


def test_what_stops_a_climb_stands_first(eventful: FakePlan, shown: Shown) -> None:
    headings = [line.split("  ")[0] for line in shown(eventful).splitlines() if line[:1].strip()]
    assert headings[3:7] == [
        "Blocked",
        "Edited by you, not part of the target",
        "Notebook code that cannot be converted",
        "Conflicts",
    ]


def test_peace_is_only_promised_where_there_is_peace(eventful: FakePlan, shown: Shown) -> None:
    promise = "No conflicts; none of your work is lost."
    assert promise in shown(FakePlan({}, {"a": b""}))
    assert promise not in shown(eventful)
    assert promise not in shown(FakePlan({}, {}, edited_and_removed=["a.py"]))
    assert promise not in shown(FakePlan({}, {}, unconverted=["cell 3: not Python"]))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {"a": b""}, "1 new file, none changed, none removed."),
        ({"a": b"", "b": b""}, {"a": b"x"}, "No new files, 1 changed, 1 removed."),
    ],
)
def test_files_are_counted(
    before: dict[str, bytes], after: dict[str, bytes], words: str, shown: Shown
) -> None:
    assert words in shown(FakePlan(before, after))


def test_files_are_counted_by_folder_and_named_if_asked(shown: Shown) -> None:
    paths = [f"src/taxi/{part}/m{number}.py" for part in ("a", "b") for number in range(3)]
    plan = FakePlan({}, dict.fromkeys([*paths, "docs/one.md"], b""))
    text = shown(plan)
    counted = re.findall(r"^  (src/\S+) +(\d+) files$", text, re.MULTILINE)
    assert counted == [("src/taxi/a/", "3"), ("src/taxi/b/", "3")]
    assert "  docs/one.md" in text.splitlines()
    assert {f"  {path}" for path in paths} <= {*shown(plan, full=True).splitlines()}


def test_a_long_diff_says_how_much_of_it_is_left_out(
    shown: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"line {number}" for number in range(DIFF_LINES + 20)]
    plan = FakePlan({"a.txt": b""}, {"a.txt": "\n".join([*lines, ""]).encode()})
    assert "and 21 more lines: --full shows them" in shown(plan)
    assert lines[-1] not in shown(plan)
    assert f"+{lines[-1]}" in shown(plan, full=True)
    (changed,) = as_json(plan, capsys)["files"]["changed"]
    assert changed["diff"].endswith(f"+{lines[-1]}\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\nb\n", b"a\nc\n"),
        (b"a\nb", b"a\nb\n"),
        (b"a\n", b"b"),
        (b"a\r\nb\r\n", b"a\nb\n"),
        (b"a\x0cb\x1cc\xe2\x80\xa8d\n", b"a\x0cb\x1cc\xe2\x80\xa8e\n"),
        (b"", b"new\n"),
        (b"old\n", b""),
    ],
)
def test_git_takes_the_diff_that_programs_get(before: bytes, after: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(before)
    patch = f"--- a/file\n+++ b/file\n{diff(before, after)}"
    (tmp_path / "patch").write_bytes(patch.encode())
    git(tmp_path, "apply", "--whitespace=nowarn", "patch")
    assert (tmp_path / "file").read_bytes() == after


def test_what_is_no_text_has_no_diff(shown: Shown) -> None:
    assert diff(b"\xff\x00", b"\xff\x01") == ""
    plan = FakePlan({"logo.png": b"\xff\x00"}, {"logo.png": b"\xff\x01"})
    assert "  logo.png  binary, or only its permissions" in shown(plan).splitlines()


def test_names_play_no_tricks(shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    plan = FakePlan({}, {"a\x1b[31m\n[bold]:smile:\udcff": b""})
    assert r"  a\x1b[31m\n[bold]:smile:\udcff" in shown(plan).splitlines()
    assert as_json(plan, capsys)["files"]["added"] == list(plan.after)


def test_a_question_comes_with_its_choices_and_what_is_taken_else(
    eventful: FakePlan, shown: Shown
) -> None:
    line = "  where   Where?  here, there; default here"
    assert line in shown(eventful).splitlines()


def test_what_goes_has_a_sign(shown: Shown) -> None:
    plan = FakePlan({"Makefile": b"serve: ## Serve\n\tx\n"}, {"Makefile": b""})
    assert "  - make serve   Serve" in shown(plan).splitlines()


def test_a_criterion_that_is_missing_says_why(shown: Shown) -> None:
    (line,) = [line for line in shown(FakePlan({}, {})).splitlines() if " tests-in-ci " in line]
    assert line.startswith("  missing")
    assert line.endswith("CI runs the tests on every push or pull request. (there is no CI)")


def test_what_a_climb_will_meet_is_listed_and_what_was_met_is_not(
    shown: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    hooks = b"repos:\n- repo: local\n  hooks: [{id: ruff, entry: ruff check}]\n"
    code = b"def double(x):\n    return 2 * x\n"
    test = b"from double import double\n\ndef test_it():\n    assert double(1) == 2\n"
    before = {".pre-commit-config.yaml": hooks, "double.py": code}
    plan = FakePlan(before, {**before, "test_double.py": test})
    lines = shown(plan).splitlines()
    start = lines.index("Newly met  1")
    assert lines[start + 1] == "  L1-03 unit-tests   The code has tests that can fail."
    assert "  level 1   1 of 7 required, 2 of 5 recommended" in lines
    judged = {one["id"]: one for one in as_json(plan, capsys)["criteria"]}
    assert (judged["L1-03"]["before"], judged["L1-03"]["status"]) == ("missing", "met")
    assert (judged["L1-09"]["before"], judged["L1-09"]["status"]) == ("met", "met")
    assert judged["L1-03"]["files"] == ["test_double.py", "double.py"]


def test_programs_get_everything_in_a_form_that_stays(
    eventful: FakePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    said = as_json(eventful, capsys)
    assert said["schema"] == 2
    assert list(said) == [
        *("schema", "from", "to", "files"),
        *("conflicts", "edited_and_removed", "blocked", "unconverted", "questions"),
        *("dependencies", "commands", "costs", "criteria", "notes"),
    ]
    assert said["from"] == {"level": 2, "version": "v1"}
    assert said["to"] == {"level": 3, "version": "v1", "title": "Serving"}
    assert said["files"]["added"] == eventful.added
    assert said["files"]["removed"] == ["old.txt"]
    assert said["edited_and_removed"] == ["edited.py"]
    assert said["blocked"] == eventful.blocked
    assert said["unconverted"] == eventful.unconverted
    assert said["conflicts"] == [
        {"path": "kept.txt", "line": 2, "reason": "you and the template changed the same lines"}
    ]
    assert said["questions"] == [
        {"name": "where", "help": "Where?", "default": "here", "choices": ["here", "there"]}
    ]
    assert said["commands"]["added"][0]["name"] == "serve"
    assert said["commands"].keys() == {"added", "removed", "changed"}
    assert said["costs"]["schedules"]["added"][0]["when"] == "every day at 04:05 UTC"
    assert said["notes"] == eventful.notes
    assert {one["level"] for one in said["criteria"]} == {0, 1, 2, 3}
    assert all(one["description"] for one in said["criteria"])


def test_the_end_is_told_on_standard_error(
    eventful: FakePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = replace(eventful, conflicts=[])
    print_done(PROJECT, cast(Plan, plan), branch="climb-to-3", message="Climb")
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "From level 2 to level 3, on branch climb-to-3"
    assert lines[1] == "4 new files, 2 changed, 1 removed."
    assert f"  {eventful.notes[0]}" in lines
    next_commands = lines[lines.index("Next") + 1 :]
    assert next_commands[-2:] == ["  make setup", "  make serve"]
    assert next_commands[:2] == ["  git diff --staged", '  git commit -m "Climb"']


def test_what_is_committed_need_not_be_committed_again(
    eventful: FakePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    print_done(PROJECT, cast(Plan, replace(eventful, conflicts=[])))
    told = capsys.readouterr().err
    assert "Next" in told and "git commit" not in told


def test_where_conflicts_are_left_nothing_is_proposed_before_they_are_resolved(
    eventful: FakePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    print_done(PROJECT, cast(Plan, eventful), message="Climb")
    assert "Next" not in capsys.readouterr().err


@pytest.mark.slow
def test_the_plan_of_a_real_climb(
    ladder: Ladder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    root = ladder.project(2)
    (root / ".github/workflows/train.yml").unlink()
    (root / "serving.yaml").write_text("mine: 1\n")
    commit_all(root, "Edits")
    project, template = open_project(root), Template(str(ladder.template), "v0.0.1")
    with make_plan(project, template, template, level=3) as plan:
        print_plan_as_json(project, plan)
        said = json.loads(capsys.readouterr().out)
        print_plan(project, plan)
    lines = capsys.readouterr().out.splitlines()
    assert [one["path"] for one in said["conflicts"]] == ["serving.yaml"]
    assert [one["name"] for one in said["questions"]] == ["deploy_target"]
    assert said["questions"][0]["choices"] == DEPLOY_TARGETS
    assert {one["name"] for one in said["costs"]["services"]["added"]} >= {"service", "grafana"}
    statuses = {one["name"]: one["status"] for one in said["criteria"]}
    assert statuses["trained-on-schedule"] == "missing"
    assert statuses["model-served"] == "met"
    assert "  level 3   14 of 14 required, 1 of 1 recommended" in lines
    assert "  level 2   8 of 9 required, 5 of 5 recommended" in lines
