"""What the loop writes down about itself for Prometheus."""

from contextlib import closing
from datetime import date
from math import inf
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from taxi_ride_duration.retraining.decisions import held
from taxi_ride_duration.retraining.journal import open_journal
from taxi_ride_duration.retraining.loop import features_held
from taxi_ride_duration.retraining.metrics import DAY, KINDS, beat
from taxi_ride_duration.retraining.policy import Policy, Triggers
from taxi_ride_duration.retraining.state import Day, Model, Reference, State, Trial, Watch
from taxi_ride_duration.serving.metrics import PROM_FILES, exposition

MODEL = Model("7", date(1970, 1, 3), Reference("ratio", 1.0, 0.0, 0.0, 0))
STATE = State(champion=MODEL, since=date(1970, 1, 4), day=date(1970, 1, 6))
POLICY = Policy()


def told(live: Path) -> dict[str, float]:
    """Return the value of each series, by its name and the value of its label, if it has one."""
    text = (live / "metrics/retraining.prom").read_text(encoding="utf-8")
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    return {" ".join([one.name, *one.labels.values()]): one.value for one in samples}


def test_a_step_that_came_through_tells_how_the_loop_stands(tmp_path: Path) -> None:
    beat(tmp_path, 1000.0, STATE, POLICY, None, {"quiet": 3, "guard": 1, "of tomorrow": 2})
    series = told(tmp_path)
    assert series["retraining_last_tick_timestamp_seconds"] == 1000
    assert series["retraining_last_success_timestamp_seconds"] == 1000
    assert series["retraining_model_through_timestamp_seconds"] == 2 * DAY
    assert series["retraining_champion_since_timestamp_seconds"] == 3 * DAY
    assert series["retraining_last_day_timestamp_seconds"] == 5 * DAY
    assert "retraining_last_trial_timestamp_seconds" not in series
    assert (series["retraining_watching"], series["retraining_paused"]) == (0, 0)
    assert series["retraining_decisions_total guard"] == 1
    assert series["retraining_decisions_total of tomorrow"] == 2
    assert {series[f"retraining_decisions_total {kind}"] for kind in KINDS} == {0, 1, 3}


def test_a_trial_a_watch_and_a_pause_are_told(tmp_path: Path) -> None:
    state = replace(
        STATE,
        trial=Trial("refine", date(1970, 1, 5)),
        watch=Watch(date(1970, 1, 4), {}),
        last_trial=date(1970, 1, 5),
    )
    beat(tmp_path, 1000.0, state, POLICY.model_copy(update={"pause": True}), None)
    series = told(tmp_path)
    trials = {name: value for name, value in series.items() if name.startswith("retraining_trial")}
    assert trials["retraining_trial refine"] == 1 and sum(trials.values()) == 1
    assert trials.keys() >= {"retraining_trial drift", "retraining_trial schedule"}
    assert (series["retraining_watching"], series["retraining_paused"]) == (1, 1)
    assert series["retraining_last_trial_timestamp_seconds"] == 4 * DAY


def test_the_features_for_which_days_are_held_are_named_until_they_are_as_before(
    tmp_path: Path,
) -> None:
    day = Day(date(1970, 1, 7), 500, 0.0, {}, {}, {"miles": 3.5, "zone": 0.1})
    step = held(STATE, day, {"miles": 3.5})
    with closing(open_journal(f"sqlite:///{tmp_path}/predictions.db")) as journal:
        assert features_held(journal, None) == {}
        journal.append(step, 0, 1000.0, POLICY)
        moved = features_held(journal, step.state)
        assert features_held(journal, STATE) == {}, "the line is old"
    beat(tmp_path, 1000.0, step.state, POLICY, None, {}, moved)
    assert told(tmp_path)["retraining_held_psi miles"] == 3.5
    assert "retraining_held_psi zone" not in told(tmp_path)
    beat(tmp_path, 2000.0, STATE, POLICY, None, {}, {})
    assert "retraining_held_psi miles" not in told(tmp_path)


def test_a_failure_leaves_what_was_known(tmp_path: Path) -> None:
    beat(tmp_path, 1000.0, STATE, POLICY, None, {"promoted": 4}, {"miles": 3.5})
    before = told(tmp_path)
    beat(tmp_path, 2000.0, None, None, "the store is away")
    after = told(tmp_path)
    assert after.pop("retraining_last_tick_timestamp_seconds") == 2000
    assert before.pop("retraining_last_tick_timestamp_seconds") == 1000
    assert after == before
    assert after["retraining_last_success_timestamp_seconds"] == 1000


def test_a_loop_that_never_came_through_claims_nothing(tmp_path: Path) -> None:
    beat(tmp_path, 2000.0, None, None, "nothing serves yet")
    assert told(tmp_path) == {"retraining_last_tick_timestamp_seconds": 2000}


@pytest.mark.parametrize("damage", [b"", b"\xff", b"retraining_last {\n"])
def test_a_damaged_file_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    beat(tmp_path, 1000.0, STATE, POLICY, None)
    (tmp_path / "metrics/retraining.prom").write_bytes(damage)
    beat(tmp_path, 2000.0, STATE, POLICY, None)
    assert told(tmp_path)["retraining_last_success_timestamp_seconds"] == 2000
    assert [file.name for file in (tmp_path / "metrics").iterdir()] == ["retraining.prom"]


def test_the_age_that_the_schedule_promises(tmp_path: Path) -> None:
    beat(tmp_path, 1000.0, STATE, POLICY, None)
    schedule, gate = POLICY.triggers.schedule_days, POLICY.gates.schedule
    assert schedule is not None
    longest = schedule + gate.max_days + POLICY.data.label_wait_days
    assert told(tmp_path)["retraining_max_age_seconds"] > longest * DAY
    never = Policy(triggers=Triggers(schedule_days=None))
    beat(tmp_path, 1000.0, STATE, never, None)
    assert told(tmp_path)["retraining_max_age_seconds"] == inf


def test_the_service_can_show_it(tmp_path: Path) -> None:
    beat(tmp_path, 1000.0, STATE, POLICY, None, {})
    (tmp_path / PROM_FILES / "broken.prom").write_text("half a line {", encoding="utf-8")
    text = exposition(CollectorRegistry(), tmp_path / PROM_FILES).decode()
    names = {metric.name for metric in text_string_to_metric_families(text)}
    assert {"retraining_last_tick_timestamp_seconds", "retraining_decisions"} <= names
    assert "half a line" not in text
