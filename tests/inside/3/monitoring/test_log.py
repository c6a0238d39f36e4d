"""Tests of what is read from the prediction log, and of conclusions from it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from taxi_ride_duration import problem
from taxi_ride_duration.monitoring import production
from taxi_ride_duration.monitoring.production import (
    fitting_rows,
    read_sample,
    read_totals,
    silent_hours,
)
from taxi_ride_duration.monitoring.profile import profile_of
from taxi_ride_duration.monitoring.summary import (
    drift_by_day,
    headline,
    metric_by_day,
    metric_by_slice,
    missing_by_day,
)
from taxi_ride_duration.serving.records import CHALLENGER, CHAMPION, Feedback, Prediction, Score
from taxi_ride_duration.serving.store import Store

from .conftest import NOW

MOMENT = pd.Timestamp(NOW, unit="s")


def log(store: Store, hour: float, score: float | None = None, **other: Any) -> None:
    """Log a prediction so many hours before now, with a score if it is given."""
    number = str(hash((hour, score, str(other))))
    values = {"version": "1", "variant": CHAMPION, "row": {"x": hour}, **other}
    made = Prediction(id=number, time=NOW - 3600 * hour, unit="", prediction=0.0, **values)
    store.write([made], [] if score is None else [Feedback(number, NOW, 0.0)])
    if score is not None:
        store.write_scores([Score(number, score)])


def read(store: Store, days: int = 10) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    totals = read_totals(store, days, NOW)
    return totals, *read_sample(store, totals)


def test_sums_are_by_day_version_and_variant(store: Store) -> None:
    log(store, 1.1, 3.0)
    log(store, 1.2, 5.0, weight=9.0)
    log(store, 1.3)
    log(store, 1.4, 7.0, version="2", variant=CHALLENGER)
    log(store, 1.5, float("nan"))
    log(store, 30, 1.0)
    totals, sample, rows = read(store)
    yesterday, first, second = totals.drop(columns="day").to_dict("records")
    assert first == {
        "version": "1",
        "variant": CHAMPION,
        "rows": 4,
        "predictions": 12,
        "labelled": 11,
        "scored": 10,
        "score": 48,
    }
    assert (yesterday["score"], second["score"]) == (1, 7)
    assert len(rows) == len(sample) == 6
    assert set(sample["day"]) == {MOMENT.normalize(), MOMENT.normalize() - pd.Timedelta(days=1)}


def test_a_day_of_many_rows_is_sampled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(production, "ROWS_PER_DAY", 100)
    for number in range(600):
        log(store, number / 100, 1.0)
    totals, sample, rows = read(store)
    assert totals["predictions"].sum() == 600
    assert len(sample) == len(rows)
    assert 50 < len(rows) < 150  # five standard deviations


def test_the_rows_of_a_sampled_log_are_drawn_by_their_weights(store: Store) -> None:
    for number in range(100):
        log(store, number / 100, version="heavy" if number < 50 else "light")
        log(store, 1 + number / 100, version="heavy", weight=9.0)
    _, sample, _ = read(store)
    assert len(sample) == 200
    assert sample["version"].value_counts()["light"] < 25  # 10 are expected


def test_hours_without_predictions_are_found_up_to_now(store: Store) -> None:
    for hour in (0.5, 1.5, 5.2, 70):
        log(store, hour)
    _, sample, _ = read(store)
    silent = silent_hours(store, sample, NOW)
    assert silent[-3:] == [MOMENT - pd.Timedelta(hours=hour) for hour in (5, 4, 3)]
    assert len(silent) == 63 + 3
    assert silent_hours(store, sample[::3], NOW) == silent  # whatever was sampled


def test_a_day_is_complete_when_it_is_over_and_has_ground_truth(store: Store) -> None:
    for hour, score in [(40, 2.0), (41, 1.0), (20, 2.0), (21, None), (1, 8.0)]:
        log(store, hour, score)
    found = metric_by_day(read_totals(store, 10, NOW), MOMENT.normalize(), 0.6)
    assert found["complete"].tolist() == [True, False, False]
    assert found["predictions"].tolist() == [2, 2, 1]
    assert found["mean"].tolist() == [1.5, 2, 8]


def days(*means: float, incomplete: int = 0) -> pd.DataFrame:
    complete = np.arange(len(means)) < len(means) - incomplete
    return pd.DataFrame({"mean": means, "complete": complete, "predictions": 9, "labelled": 9})


def test_the_headline_is_about_the_last_complete_days() -> None:
    """Test the interval of 1, 2, 3 by hand: 2 plus or minus 4.303 / sqrt(3)."""
    assert headline(days(1, 2), 2.0).startswith("Too early to tell: 18 of 18 predictions")
    assert "2.00 (95% interval -0.484 to 4.48) over the last 3" in headline(days(1, 2, 3), 2.0)
    later = headline(days(9, 9, *[1, 2] * 3, 1, 50, incomplete=1), 2.0)
    assert f" {10 / 7:.2f} (" in later
    assert "over the last 7" in later


@pytest.mark.parametrize("lower_is_better", [True, False])
def test_better_and_worse_follow_the_problem(
    monkeypatch: pytest.MonkeyPatch, lower_is_better: bool
) -> None:
    monkeypatch.setattr(problem, "LOWER_IS_BETTER", lower_is_better)
    words = [headline(days(1, 2, 3), reference).split()[0] for reference in (4.4, 4.6, -0.6)]
    assert words == (["As", "Better", "Worse"] if lower_is_better else ["As", "Worse", "Better"])


def test_rows_of_another_schema_are_left_out_of_slices_and_not_of_drift() -> None:
    rows = problem.sample(days=1, rides_per_day=600).drop(columns=problem.TARGET).astype(object)
    rows.loc[3, "distance_miles"] = "?"
    rows.loc[4, "distance_miles"] = 1e9
    rows.loc[5, "distance_miles"] = None
    fitting = fitting_rows(rows)
    assert len(fitting) == 597
    day = pd.Series(MOMENT.normalize(), rows.index)
    scores = pd.DataFrame({"day": day, "score": 1.0}).loc[fitting.index]
    by_day, overall = metric_by_slice(scores, fitting)
    assert (overall == 1).all() and by_day.shape == (1, len(overall)) and len(overall) > 3
    profile = profile_of({"distance_miles": fitting["distance_miles"].to_numpy()})
    _, recent, counts = drift_by_day(rows, day, profile)
    assert recent["distance_miles"] < 0.1
    assert counts["distance_miles"]["missing"] == 2
    assert missing_by_day(rows, day)[1].to_dict() == {"distance_miles": pytest.approx(1 / 600)}


def test_drift_is_by_day_and_needs_rows() -> None:
    profile = profile_of({"town": np.array(["a", "b"] * 500, dtype=object)})
    rows = pd.DataFrame({"town": ["a", "b"] * 300 + ["c"] * 600 + ["a"] * 10})
    dates = pd.date_range("2025-06-01", periods=3).repeat([600, 600, 10])
    by_day, recent, _ = drift_by_day(rows, pd.Series(dates), profile)
    first, second, third = by_day["town"]
    assert first == 0 and second > 1 and np.isnan(third)
    assert 0.25 < recent["town"] < second
