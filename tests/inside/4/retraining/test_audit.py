"""The audit tells what was decided and why a model serves, and believes no broken journal."""

import io
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.pipelines import tracking
from taxi_ride_duration.retraining import audit
from taxi_ride_duration.retraining.journal import Line, open_journal
from taxi_ride_duration.retraining.policy import Policy
from taxi_ride_duration.retraining.state import Decision, Model, Reference, State, Step

BEGAN = datetime(2026, 2, 1, 0, 15, tzinfo=UTC)
MODEL = Model("3", date(2026, 1, 31), Reference("ratio", 1.0, 0.0, 0.0, 0))
STATE = State(champion=MODEL, since=date(2026, 2, 1), day=date(2026, 2, 1))
Evidence = dict[str, object]
PROVEN: Evidence = {"retrained": {"days": 3, "e_value": 38.216, "gain": 0.24, "lacks": []}}
LEARNED: Evidence = {"retrained": {"version": "5", "data_version": "d5", "rows": 900}}

QUIET: list[Evidence] = [{"residual": day / 100 - 0.05} for day in range(1, 10)]

# Days since the beginning, the kind, the words, what it rests on.
TOLD: list[tuple[float, str, str, Evidence]] = [
    (0, "begun", "version 3 is the champion; 14 days tell first what is usual", {}),
    *((day, "quiet", "2,000 rows", residual) for day, residual in enumerate(QUIET, start=1)),
    (10, "guard", "2026-02-10: 41% of the ground truth breaks the schema", {}),
    (11, "asked", "Ada asked for a retraining", {}),
    (11, "training", "asked: a challenger learns from 2026-01-14 to 2026-02-08", {}),
    (11.01, "refused", "version 4 (retrained): worse on [short] by 7.1%", {}),
    (12, "alarm", "residuals are +33.6% away since 2026-02-11", {"shift": 0.33612}),
    (12.01, "trained", "version 5 (retrained) learned from days up to 2026-02-12", LEARNED),
    (13, "evidence", "retrained: 1 of 3 days", {}),
    (14, "evidence", "retrained: 2 of 3 days", {}),
    (15, "promotion", "version 5 (retrained) is 24.0% better in 3 days", PROVEN),
    (15.01, "promoted", "version 5 is the champion, instead of version 3", {}),
    (17, "rollback", "version 5 is 28% worse: back to version 3", {}),
    (17.01, "rolled back", "version 3 serves again", {}),
    (18, "quiet", "2,000 rows", {"residual": 0.01}),
    (46, "trusted", "version 3 came through 25 days of watch", {}),
]
HEAVY = {"mlflow", "sklearn", "pandas"}


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the store, which the environment names; there is no registry."""
    url = f"sqlite:///{tmp_path}/predictions.db"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("LIVE", str(tmp_path))
    monkeypatch.setattr(audit, "LIVE", tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere://")
    monkeypatch.setattr(tracking, "STORE", tmp_path / "mlruns")
    return url


@pytest.fixture
def told(url: str) -> list[Line]:
    """Return a journal in which a model came, failed and went; the policy changed on the way."""
    number = 0
    with closing(open_journal(url)) as journal:
        for day, kind, words, evidence in TOLD:
            step = Step(STATE, [Decision(kind, words, evidence)])
            time = (BEGAN + timedelta(days=day)).timestamp()
            number = journal.append(step, number, time, Policy(version=1 if day < 12 else 2))
        return journal.lines()


def printed(lines: list[Line], version: str | None = None, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, highlight=False)
    audit.tell(console, lines, version)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def tamper(url: str, statement: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute(statement)
        connection.commit()


def test_quiet_days_are_folded_and_all_else_is_a_line(told: list[Line]) -> None:
    rows = audit.timeline(told)
    quiet = [row.words for row in rows if row.kind == "quiet"]
    assert quiet == ["9 days since 2026-02-02, residuals from -4.0% to +4.0%", "2,000 rows"]
    evidence = [row.words for row in rows if row.kind == "evidence"]
    assert evidence == ["2 days since 2026-02-14, at last retrained: 2 of 3 days"]
    others = [row.kind for row in rows if row.kind not in audit.FOLDED]
    kinds = [line.kind for line in told if line.kind not in audit.FOLDED]
    assert [kind for kind in others if kind != "policy"] == kinds
    assert others.count("policy") == 2 and others[others.index("alarm") - 1] == "policy"


def test_a_decision_names_the_day_that_it_is_about_however_late_it_was_reached() -> None:
    late = [
        Line(day, BEGAN.timestamp(), "1-x", "quiet", "fine", {"day": f"2026-01-0{day}"}, None, "")
        for day in range(1, 4)
    ]
    assert audit.timeline(late[:1])[-1].words == "2026-01-01: fine"
    assert audit.timeline(late)[-1].words.startswith("3 days since 2026-01-01")
    assert audit.evidence_in_words(late[0].evidence) == []


def test_it_tells_why_a_model_came(told: list[Line]) -> None:
    came, refused, since = audit.story(told, "5").values()
    kinds = ["alarm", "trained", "evidence", "evidence", "promotion", "promoted"]
    assert [row.kind for row in came if row.kind] == kinds
    assert [row.kind for row in refused] == ["guard", "refused"]
    assert [row.kind for row in since] == ["rollback"]
    text = printed(told, "5")
    assert text.startswith("Version 5 ") and "was the champion" in text
    assert "data          d5" in text and "how it came, by policy 2-" in text
    assert "shift 0.3361" in text and "retrained: days 3, e_value 38.22, gain 0.24" in text
    assert "version 5, data_version d5, rows 900" in text
    assert "quiet" not in text


def test_without_a_version_it_tells_all_and_why_the_champion_serves(told: list[Line]) -> None:
    text = printed(told)
    assert "9 days since" in text and "Version 3 " in text and "is the champion" in text
    assert "version 3 serves again" in text.partition("since then")[2]


def test_a_version_that_never_served_is_said(told: list[Line]) -> None:
    with pytest.raises(UserError, match=r"version 4 has never been .* these were: 3, 5"):
        printed(told, "4")


def test_a_request_belongs_to_what_followed(told: list[Line]) -> None:
    words = "version 6 is the champion, instead of version 3"
    asked = [line for line in told if line.kind in ("asked", "training")]
    promoted = Line(99, told[-1].time, "2-x", "promoted", words, {}, None, "")
    came, *_ = audit.story([told[0], *asked, promoted], "6").values()
    assert [row.kind for row in came] == ["asked", "training", "promoted"]


def test_outside_of_a_terminal_every_decision_is_one_plain_line(told: list[Line]) -> None:
    long = Line(99, told[-1].time, "2-x", "failed", "[bold]no " * 50, {}, None, "")
    text = printed([*told, long])
    assert "\x1b" not in text and "[bold]no " * 40 in text


def test_in_a_terminal_it_is_coloured_unless_that_is_not_wanted(
    told: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31malarm" in printed(told, terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in printed(told, terminal=True)


def test_nothing_that_was_written_from_outside_steers_the_terminal(told: list[Line]) -> None:
    line = Line(99, told[-1].time, "2-x", "asked", "\x1b[2Jme\r\nfailed all", {}, None, "")
    assert audit.row_of(line).words == " [2Jme  failed all"


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("update decisions set words = 'version 9 is better' where number = 18", 18),
        ("update decisions set evidence = '{}' where number = 15", 15),
        ("update decisions set time = time + 1 where number = 3", 3),
        ("update decisions set policy = '1-x' where number = 3", 3),
        ("delete from decisions where number = 12", 12),
    ],
)
def test_a_broken_chain_is_told_and_not_believed(
    told: list[Line],
    url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
    first: int,
) -> None:
    tamper(url, statement)
    monkeypatch.setattr(sys, "argv", ["audit"])
    with pytest.raises(UserError, match=f"line {first} of the journal was changed"):
        audit.main()
    text = capsys.readouterr().out
    assert "version 3 is the champion" in text and "version 9" not in text
    assert "promoted" not in text


def test_it_asks_no_registry(told: list[Line], url: str) -> None:
    """It answers within a second, and where there is no registry."""
    code = f"import sys; from {audit.__name__} import main; main(); print(*sys.modules)"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert not HEAVY & {*finished.stdout.split()}
    assert "Version 3 is the champion" in finished.stdout


def test_the_command_fails_if_the_journal_is_broken(told: list[Line], url: str) -> None:
    tamper(url, "update decisions set words = '' where number = 2")
    command = [sys.executable, "-m", audit.__name__]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 1
    assert finished.stderr.startswith("error: line 2 of the journal")
    assert "version 3 is the champion" in finished.stdout


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: None, "the loop has not decided anything yet"),
        (lambda file: file.write_bytes(b"no database" * 100), "the journal cannot be read"),
    ],
    ids=["empty", "damaged"],
)
def test_what_cannot_be_told_is_said(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], object],
    said: str,
) -> None:
    spoil(tmp_path / "predictions.db")
    monkeypatch.setattr(sys, "argv", ["audit"])
    with pytest.raises(UserError, match=said):
        audit.main()
