"""Tests of which days and rows count, and of their means."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from taxi_ride_duration import problem
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.experiments.comparison import (
    Trial,
    autocorrelation,
    evidence_of,
    verdict_of,
)
from taxi_ride_duration.experiments.plan import Experiment
from taxi_ride_duration.serving.records import CHALLENGER, CHAMPION

from .conftest import FIRST, Log


def trial(mode: Any = "shadow", **plan: Any) -> Trial:
    return Trial(Experiment(mode=mode, name="test", **plan), "1", "2", FIRST)


def test_a_shadow_compares_two_predictions_of_the_same_rows(log: Log) -> None:
    log.shadow(0.1, 10.0, 8.0, 11.0)
    log.shadow(0.9, 20.0, 24.0, 23.0)
    (day,) = log.compare(1, trial()).days
    assert (day.date, day.champion, day.challenger) == (FIRST.date(), 3.0, 2.0)
    assert (day.champion_rows, day.challenger_rows) == (2, 2)


def test_a_split_compares_the_means_of_two_groups(log: Log) -> None:
    log.split(0.1, 10.0, 8.0, CHAMPION)
    log.split(0.2, 10.0, 6.0, CHAMPION)
    log.split(0.3, 10.0, 9.0, CHALLENGER)
    (day,) = log.compare(1, trial("split")).days
    assert (day.champion, day.challenger) == (3.0, 1.0)
    assert (day.champion_rows, day.challenger_rows) == (2, 1)


def test_a_sampled_row_counts_for_those_it_stands_for(log: Log) -> None:
    log.shadow(0.1, 0.0, 1.0, 2.0, weight=9.0)
    log.shadow(0.2, 0.0, 11.0, 12.0)
    (day,) = log.compare(1, trial()).days
    assert (day.champion, day.challenger, day.champion_rows) == (2.0, 3.0, 10)


def test_other_versions_and_rows_before_the_start_do_not_count(log: Log) -> None:
    log.shadow(-0.1, 0.0, 100.0, 0.0)
    log.shadow(0.1, 0.0, 100.0, 0.0, version="0")
    log.split(0.1, 0.0, 100.0, CHALLENGER)
    log.shadow(0.5, 0.0, 3.0, 2.0)
    (day,) = log.compare(1, trial()).days
    assert (day.champion, day.challenger) == (3.0, 2.0)


def test_days_count_from_midnight_until_the_last_planned_one(log: Log) -> None:
    log.add_errors(np.ones(40), np.ones(40))
    late = Trial(trial(max_days=28).plan, "1", "2", FIRST + timedelta(seconds=60))
    found = log.compare(40, late)
    assert [day.date.day for day in found.days[:2]] == [4, 5]
    assert (len(found.days), found.waiting) == (28, None)


def test_a_day_that_is_not_over_waits(log: Log) -> None:
    log.shadow(0.1, 0.0, 1.0, 1.0)
    found = log.compare(0.99, trial())
    assert (found.days, found.waiting) == ([], "2025-03-03 is not over")


def test_a_day_waits_for_its_ground_truth_and_later_days_wait_too(log: Log) -> None:
    log.add_errors(np.ones(9), np.ones(9))
    log.shadow(1.1, None, 1.0, 1.0)
    reason = "67% of the rows have a score, 90% required"
    early = log.compare(3, trial())
    assert [day.date.day for day in early.days] == [3]
    assert early.waiting == f"2025-03-04: {reason}"
    late = log.compare(9, trial())
    assert [day.date.day for day in late.days] == [3, 5, 6, 7, 8, 9, 10, 11]
    assert list(late.left_out.values()) == [reason]


def test_a_challenger_that_fails_at_rows_does_not_win_on_the_others(log: Log) -> None:
    for row in range(10):
        fails = {"shadow_version": None} if row > 7 else {}
        log.shadow(row / 10, 0.0, 1.0, 0.5, **fails)
    found = log.compare(8, trial())
    assert found.left_out[FIRST.date()] == "80% of the rows have a score, 90% required"


def test_each_group_needs_rows_and_their_ground_truth(log: Log) -> None:
    log.split(0.1, 0.0, 1.0, CHAMPION)
    for row in range(30):
        log.split(1 + row / 30, 0.0, 1.0, CHAMPION)
    log.split(1.1, 0.0, 1.0, CHALLENGER)
    log.split(1.2, None, 1.0, CHALLENGER)
    found = log.compare(12, trial("split", label_wait_days=1))
    assert [*found.left_out.values()][:3] == [
        "no rows of the challenger",
        "50% of the rows have a score, 90% required",
        "no rows",
    ]


def test_labels_may_be_text(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem, "score_rows", lambda a, p: (a != p).astype(float))
    log.shadow(0.1, "spam", "spam", "ham")
    log.shadow(0.2, "unsolicited", "ham", "ham")
    (day,) = log.compare(1, trial()).days
    assert (day.champion, day.challenger) == (0.5, 1.0)


def test_what_cannot_be_scored_has_no_score(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.shadow(0.1, "unknown", 1.0, 1.0)
    log.shadow(0.2, 1.0, 2.0, 3.0)
    found = log.compare(1, trial())
    assert found.waiting == "2025-03-03: 50% of the rows have a score, 90% required"
    log.shadow(1.1, 1.0, 1e308, 1.0)
    log.shadow(1.2, 1.0, 1e308, 1.0)
    with pytest.raises(UserError, match="mean error of a day is inf"):
        log.compare(9, trial())


@pytest.mark.parametrize("mode", ["shadow", "split"])
def test_a_better_challenger_is_promoted(
    mode: Any, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for day in range(28):
        for row in range(20):
            one, other = rng.normal([4, 3], 1).tolist()
            if mode == "shadow":
                log.shadow(day + row / 20, 0.0, one, other)
            else:
                log.split(day + row / 20, 0.0, one, CHAMPION)
                log.split(day + row / 20, 0.0, other, CHALLENGER)
    found, plan = log.compare(28, trial(mode)), trial(mode).plan
    verdict = verdict_of(found, plan)
    assert (verdict.decision, verdict.blocks) == ("promote", 7)
    assert evidence_of(found, plan).gain[6] == pytest.approx(0.25, abs=0.05)
    monkeypatch.setattr(problem, "LOWER_IS_BETTER", False)
    assert verdict_of(found, plan).decision == "keep"


def test_an_incomplete_block_waits(log: Log) -> None:
    log.add_errors(np.full(8, 2.0), np.ones(8))
    evidence = evidence_of(log.compare(8, trial()), trial().plan)
    assert evidence.gain.tolist() == [0.5, 0.5]


def test_autocorrelation_is_that_of_neighbouring_days() -> None:
    noise = np.random.default_rng(0).normal(size=20_000)
    correlated = noise.copy()
    for day in range(1, len(correlated)):
        correlated[day] += 0.6 * correlated[day - 1]
    assert autocorrelation(noise) == pytest.approx(0, abs=0.03)
    assert autocorrelation(correlated) == pytest.approx(0.6, abs=0.03)
    assert autocorrelation(np.ones(2)) == autocorrelation(np.ones(9)) == 0
