"""The parts of the simulation; the whole scenario is a test of its own: `make simulate`."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from taxi_ride_duration import problem
from taxi_ride_duration.dataset import validate_rows
from taxi_ride_duration.retraining.journal import Line
from taxi_ride_duration.retraining.policy import Calendar, Freeze, Policy, read_policy
from taxi_ride_duration.retraining.simulation import report, traffic
from taxi_ride_duration.retraining.simulation.report import (
    Outcome,
    page,
    plot,
    promises,
    write_reports,
)
from taxi_ride_duration.retraining.simulation.sandbox import sandbox, scenario_policy
from taxi_ride_duration.retraining.simulation.scenario import CHAPTERS, Told
from taxi_ride_duration.retraining.simulation.traffic import Traffic
from taxi_ride_duration.retraining.state import midnight

DAY = timedelta(days=1)
MONDAY = date(2025, 1, 6)


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Another problem: whole numbers between 1 and 500, at times; x tells most of them, z none."""
    columns = {
        "at": pa.Column("datetime64[ns]"),
        "x": pa.Column("float64"),
        "z": pa.Column("float64"),
        "y": pa.Column("int64", pa.Check.in_range(1, 500)),
    }
    arrange(monkeypatch, columns, "at", LinearRegression)
    monkeypatch.setattr(traffic, "SHOCK", 0.0)
    rng = np.random.default_rng(0)
    at = pd.Timestamp(MONDAY) + pd.to_timedelta(np.sort(rng.uniform(0, 14, 1400)), unit="D")
    x = rng.uniform(1, 400, 1400)
    return validate_rows(pd.DataFrame({"at": at, "x": x, "z": rng.random(1400), "y": x + 3}))


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Another problem: labels without a time; x tells them, z does not."""
    columns = {
        "x": pa.Column("float64"),
        "z": pa.Column("float64"),
        "y": pa.Column(str, pa.Check.isin(["low", "high"])),
    }
    arrange(monkeypatch, columns, None, LogisticRegression)
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    y = np.where(x + rng.normal(0, 0.2, 1000) > 0.5, "high", "low")
    return validate_rows(pd.DataFrame({"x": x, "z": rng.random(1000), "y": y}))


def arrange(
    monkeypatch: pytest.MonkeyPatch, columns: dict[str, pa.Column], time: str | None, model: Any
) -> None:
    """Let the problem be another one."""
    inputs = [name for name in columns if name not in (time, "y")]
    schema = pa.DataFrameSchema(columns, coerce=True, strict="filter")
    parts = {
        "TASK": "regression",
        "SCHEMA": schema,
        "TARGET": "y",
        "TIME": time,
        "features": lambda rows: {name: np.asarray(rows[name], dtype=float) for name in inputs},
        "build_model": model,
        "score_rows": lambda actual, predicted: abs(actual - predicted),
        "LOWER_IS_BETTER": True,
    }
    for name, value in parts.items():
        monkeypatch.setattr(problem, name, value, raising=name != "TASK")


def test_a_day_is_a_draw_of_the_projects_own_rows(rows: pd.DataFrame) -> None:
    source = Traffic(rows)
    for changed in (0, 1, 2):
        day = source.first + 3 * DAY
        drawn = source.day(day, changed)
        pd.testing.assert_frame_equal(validate_rows(drawn), drawn)
        pd.testing.assert_frame_equal(Traffic(rows).day(day, changed), drawn)
        assert traffic.ROWS_A_DAY[0] <= len(drawn) < traffic.ROWS_A_DAY[1]
        if problem.TIME is not None:
            assert set(drawn[problem.TIME].dt.date) == {day}
            assert drawn[problem.TIME].is_monotonic_increasing


def test_rows_are_those_of_the_same_weekday(numbers: pd.DataFrame) -> None:
    source = Traffic(numbers)
    assert source.first == MONDAY + 14 * DAY
    wednesday = source.first + 2 * DAY
    drawn = source.day(wednesday)
    of_wednesdays = numbers[numbers["at"].dt.day_of_week == 2]
    assert set(drawn["x"]) <= set(of_wednesdays["x"])
    assert set(drawn["at"].dt.time) <= set(of_wednesdays["at"].dt.time)


def test_numbers_rise_within_the_schemas_bounds(numbers: pd.DataFrame) -> None:
    source = Traffic(numbers)
    before, after = (source.day(source.first, changed) for changed in (0, 1))
    np.testing.assert_array_equal(before["x"], after["x"])
    expected = np.minimum(np.rint(1.4 * before["y"]), 500)
    np.testing.assert_allclose(after["y"], expected, atol=1)
    assert after["y"].max() == 500


@pytest.mark.parametrize("names", [["low", "high"], ["low", "high", "middle"]])
def test_labels_get_another_rule_that_can_be_learned_and_back(
    labels: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    """Predictions by the first rule are plainly wrong then, not only as good as shuffled ones."""
    schema = problem.SCHEMA.update_column("y", checks=[pa.Check.isin(names)])
    monkeypatch.setattr(problem, "SCHEMA", schema)
    if "middle" in names:
        labels.loc[labels["x"].between(-0.5, 0.5), "y"] = "middle"
    source = Traffic(labels)
    first, other, again = (source.day(source.first, changes) for changes in (0, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert set(first["y"]) == set(other["y"]) == set(names)
    before, after = (LogisticRegression().fit(day[["x"]], day["y"]) for day in (first, other))
    assert after.score(other[["x"]], other["y"]) > 0.8
    assert before.score(other[["x"]], other["y"]) < 0.2


def test_wrong_values_are_valid_one_by_one(numbers: pd.DataFrame) -> None:
    told = Traffic(numbers).wrong(np.array([1, 2, 400]))
    assert told.tolist() == [60, 120, 500]
    assert told.dtype == numbers["y"].dtype


def test_wrong_labels_are_those_of_other_rows(labels: pd.DataFrame) -> None:
    truth = labels["y"].to_numpy()
    told = Traffic(labels).wrong(truth)
    assert sorted(told) == sorted(truth)
    assert (told != truth).mean() > 0.3


def test_rows_that_only_the_whole_schema_refuses_are_left_out(
    numbers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    even = problem.SCHEMA.update_column("y", checks=[pa.Check(lambda y: y % 2 == 0)])
    monkeypatch.setattr(problem, "SCHEMA", even)
    drawn = Traffic(numbers).day(MONDAY + 14 * DAY)
    assert len(drawn) > 50
    assert (drawn["y"] % 2 == 0).all()


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small project, in which the caller works."""
    project = tmp_path / "project"
    (project / "live").mkdir(parents=True)
    (project / "params.yaml").write_text("split: {}")
    monkeypatch.chdir(project)
    monkeypatch.setenv("DATABASE_URL", "postgresql://production")
    return project


def test_nothing_of_the_project_is_written_or_used(outside: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    folder.mkdir()
    freeze = Freeze(first=date(2025, 1, 1), last=date(2030, 1, 1))
    forbidding = Policy(pause=True, calendar=Calendar(freeze=[freeze]))
    with sandbox(folder, outside, scenario_policy(forbidding)):
        assert Path.cwd() == folder
        assert os.environ["DATABASE_URL"].startswith(f"sqlite:///{folder}")
        assert Path("params.yaml").read_text() == "split: {}"
        assert not Path("live").exists()
        policy = read_policy()
        assert not policy.pause and not policy.calendar.freeze
    assert Path.cwd() == outside
    assert os.environ["DATABASE_URL"] == "postgresql://production"
    assert sorted(path.name for path in outside.iterdir()) == ["live", "params.yaml"]


def line(number: int, day: date, kind: str, words: str = "<why>") -> Line:
    return Line(number, midnight(day).timestamp() + 60, "1-a", kind, words, {}, None, "")


@pytest.fixture
def outcome() -> Outcome:
    """Return a scenario that goes well: ten days a chapter; loop at 1, first model at 2."""
    first = {number: MONDAY + 10 * number * DAY for number in range(len(CHAPTERS))}
    days = [
        Told(first[number] + n * DAY, number, 100, 1.0, 1.0 if number == report.QUIET else 2.0)
        for number in first
        for n in range(10)
    ]
    told = [
        (report.QUIET, 1, "quiet"),
        (report.DRIFT, 1, "alarm"),
        (report.DRIFT, 4, "promoted"),
        (report.FEED, 1, "guard"),
        (report.FEED, 2, "guard"),
        (report.SHOCK, 5, "promoted"),
        (report.AFTER, 2, "rolled back"),
    ]
    lines = [
        line(number, first[chapter] + n * DAY, kind)
        for number, (chapter, n, kind) in enumerate(told, start=1)
    ]
    return Outcome(days, lines, requests=4321, failures=[], whole=True, seconds=100.0)


def without(outcome: Outcome, kind: str, chapter: int) -> Outcome:
    gone = outcome.decided(chapter, kind)
    return replace(outcome, lines=[told for told in outcome.lines if told not in gone])


def worse(outcome: Outcome, *chapters: int, served: float = 3.0) -> Outcome:
    """Return the outcome with a loop that is worse than the first model in the chapters."""
    days = [replace(day, served=served) if day.chapter in chapters else day for day in outcome.days]
    return replace(outcome, days=days)


BROKEN: dict[str, Callable[[Outcome], Outcome]] = {
    "no request failed": lambda one: replace(one, failures=["/predict: 503"]),
    "while nothing was wrong": lambda one: worse(one, report.QUIET),
    "the drift was found": lambda one: without(one, "promoted", report.DRIFT),
    "answered with a better model": lambda one: worse(one, report.DRIFT),
    "were kept out": lambda one: without(one, "guard", report.FEED),
    "the days with wrong ground truth": lambda one: worse(one, report.FEED),
    "the shock was believed": lambda one: without(one, "promoted", report.SHOCK),
    "was rolled back": lambda one: without(one, "rolled back", report.AFTER),
    "over all days": lambda one: worse(one, report.SHOCK, report.AFTER, served=9.0),
    "the journal is whole": lambda one: replace(one, whole=False),
}


def test_a_scenario_that_goes_well_keeps_all_promises(outcome: Outcome) -> None:
    assert [promise.words for promise in promises(outcome) if not promise.kept] == []


@pytest.mark.parametrize("words", BROKEN)
def test_each_promise_can_be_broken(outcome: Outcome, words: str) -> None:
    (broken,) = [promise for promise in promises(BROKEN[words](outcome)) if not promise.kept]
    assert words in broken.words


def test_better_follows_the_problem(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem, "LOWER_IS_BETTER", False)
    broken = [promise.words for promise in promises(outcome) if not promise.kept]
    assert [words[:9] for words in broken] == ["the drift", "the days ", "over all "]


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(outcome: Outcome) -> None:
    text = page(outcome, plot(outcome))
    assert "Champion</b>: the model that serves" in text
    assert "<why>" not in text and "&lt;why&gt;" in text
    assert text.count("✓") == len(promises(outcome)) and "✗" not in text
    assert "4321 requests, 0 failed" in text
    for chapter in CHAPTERS:
        assert chapter.title in text
    assert "<svg" in text and "src=" not in text and "[[" not in text and "[%" not in text


def test_a_page_a_figure_and_a_file_are_written(outcome: Outcome, tmp_path: Path) -> None:
    paths = write_reports(outcome, tmp_path)
    assert [path.suffix for path in paths] == [".html", ".png", ".json"]
    assert all(path.stat().st_size > 1_000 for path in paths)
