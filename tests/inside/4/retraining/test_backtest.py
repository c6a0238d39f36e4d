"""The replay of past days: what the loop and simple rules would have done."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from taxi_ride_duration import problem
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.retraining import backtest
from taxi_ride_duration.retraining.observations import Taught
from taxi_ride_duration.retraining.policy import Policy
from taxi_ride_duration.retraining.replay import LoopReplay, Past, monthly, never, threshold
from taxi_ride_duration.serving.records import Feedback
from taxi_ride_duration.serving.store import open_store

from .conftest import FIRST, City

POLICY = Policy.model_validate(
    {
        "data": {"min_rows": 20, "history_days": 14, "days_before_change": 14},
        "gates": {"offline": {"min_rows": 50, "min_slice_rows": 40, "holdout_days": 2}},
        "calendar": {"freeze": [{"first": "2026-01-01", "last": "2026-01-02"}]},
    }
)


def days(number: int, drift: int, factor: float = 1.4, rows: int = 60) -> Taught:
    """Return so many days, from the day of the drift on with a target so many times as large."""
    drawn = vars(problem)["drawn"]
    tables, dates = [], []
    for place in range(number):
        day = np.datetime64(FIRST + timedelta(days=place))
        table = drawn(place, day, rows)
        table["minutes"] *= factor if place >= drift else 1
        tables.append(table)
        dates += [day] * len(table)
    return Taught(pd.concat(tables, ignore_index=True), np.array(dates, "datetime64[D]"))


@pytest.fixture
def drifted(small_problem: Path) -> Past:
    """Return 60 days, the last 25 of them after a drift."""
    return Past(days(60, drift=35), POLICY, {})


def test_the_loop_finds_the_drift_and_each_rule_does_what_it_is_called(drifted: Past) -> None:
    loop, still = LoopReplay(drifted).play(), never(drifted)
    assert [event.kind for event in loop.events][:2] == ["alarm", "promoted"]
    onset = FIRST + timedelta(days=35)
    assert onset <= loop.events[0].day <= loop.events[1].day <= onset + timedelta(days=7)
    last = drifted.days[-1]
    assert loop.scores[last] < 0.8 * still.scores[last]
    assert loop.scores[drifted.days[0]] == still.scores[drifted.days[0]]
    assert loop.trainings >= loop.count("promoted") == 1
    assert (still.trainings, still.events) == (0, [])
    by_month, by_error = monthly(drifted), threshold(drifted)
    assert [event.day for event in by_month.events] == [FIRST + timedelta(days=43)]
    assert by_error.count("alarm") == by_error.trainings >= 1
    assert by_error.events[0].day >= onset
    assert by_error.scores[last] < still.scores[last]


def test_a_model_predicts_only_days_that_it_has_not_learned_from(drifted: Past) -> None:
    """The first model has the days before the replay, and nothing of it."""
    learned = drifted.window(drifted.before).days
    assert learned.max() < np.datetime64(drifted.days[0])
    assert len(np.unique(learned)) == 14
    assert len(drifted.days) == 46


def test_without_a_drift_the_loop_does_as_good_as_nothing(small_problem: Path) -> None:
    past = Past(days(45, drift=99), POLICY, {})
    loop = LoopReplay(past).play()
    assert (loop.count("alarm"), loop.count("rolled back")) == (0, 0)


def test_days_with_too_few_rows_are_left_out(small_problem: Path) -> None:
    loop = LoopReplay(Past(days(30, drift=20, rows=10), POLICY, {})).play()
    assert (loop.left_out, loop.events, loop.decided) == (16, [], [])


def test_ground_truth_in_another_unit_is_kept_out(small_problem: Path) -> None:
    loop = LoopReplay(Past(days(30, drift=25, factor=20), POLICY, {})).play()
    assert [line.split()[1] for line in loop.decided] == ["guard:"] * 5
    assert loop.trainings == 0


def test_few_days_are_refused(small_problem: Path) -> None:
    with pytest.raises(UserError, match="20 days with rows are too few to replay"):
        Past(days(20, drift=99), POLICY, {})


def test_the_command_replays_loaded_rows_and_then_the_log(
    city: City, capsys: pytest.CaptureFixture[str]
) -> None:
    """The problem loads 28 days before the first day of service; the log has the days since."""
    for number in range(10):
        city.live_through(number)
    backtest.main()
    printed = capsys.readouterr().out
    assert "Replaying 24 days, 2026-02-16 to 2026-03-11" in printed
    assert [line.split()[0] for line in printed.splitlines()[-6:-2]] == [
        *("loop", "monthly", "threshold", "never")
    ]
    assert Path("reports/backtest.png").stat().st_size > 10_000


def test_rows_of_the_log_come_after_those_that_are_loaded(city: City) -> None:
    city.live_through(0)
    taught = backtest.past_rows(POLICY)
    assert len(np.unique(taught.days)) == 29
    assert taught.days[-1] == np.datetime64(FIRST)
    assert (taught.days == np.datetime64(FIRST)).sum() == 60


def test_rows_are_loaded_within_the_data_of_the_parameters(city: City) -> None:
    Path("params.yaml").write_text("data: {start: 2026-02-10, end: 2026-02-20}\n")
    city.live_through(0)
    days = np.unique(backtest.past_rows(POLICY).days).astype(str).tolist()
    assert [days[0], *days[-2:]] == ["2026-02-10", "2026-02-19", "2026-03-02"]


def test_loaded_and_logged_rows_together_are_no_more_than_the_policy_allows(city: City) -> None:
    for number in range(28):
        city.live_through(number)
    data = POLICY.data.model_copy(update={"max_rows": 400})
    taught = backtest.past_rows(POLICY.model_copy(update={"data": data}))
    assert 300 < len(taught.rows) < 500
    assert 100 < (taught.days < np.datetime64(FIRST)).sum() < 300


def test_without_times_and_without_a_log_there_is_no_past(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problem, "TIME", None)
    with pytest.raises(UserError, match="there is no past to replay"):
        backtest.past_rows(POLICY)
    with closing(open_store(city.url)) as store:
        predictions, feedback = city.day(0)
        store.write(predictions, [Feedback(one.id, one.time, one.actual) for one in feedback])
    assert len(backtest.past_rows(POLICY).rows) == 60
