"""Which days count, what models did on them, and what they teach: here on a problem of two columns.

A row has a number x and a side; the ground truth y is about 10 + 2 x.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from msgspec.structs import replace
from taxi_ride_duration import problem
from taxi_ride_duration.dataset import Split, split_rows
from taxi_ride_duration.deployment.export import request_rows
from taxi_ride_duration.deployment.schema import row_schema
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.monitoring.profile import profile_of
from taxi_ride_duration.predict import predict
from taxi_ride_duration.retraining import observations
from taxi_ride_duration.retraining.coverage import LeftOut, Waiting, counts, gap
from taxi_ride_duration.retraining.observations import (
    Complete,
    look_at,
    loss_of_rows,
    measure,
    together,
    training_rows,
)
from taxi_ride_duration.retraining.policy import Data, Policy
from taxi_ride_duration.retraining.state import (
    ALL,
    Model,
    Reference,
    State,
    Trial,
)
from taxi_ride_duration.serving.records import CHAMPION, Feedback, Prediction
from taxi_ride_duration.serving.store import Store, open_store
from taxi_ride_duration.train import fit
from taxi_ride_duration.trained_model import TrainedModel

DAY = date(2025, 3, 12)
RATIO = Reference("ratio", 1.0, 0.0, 0.0, 28)
POLICY = Policy()
STATE = State(champion=Model("1", DAY, RATIO), since=DAY, day=DAY, volume=100.0)
SCHEMA = pa.DataFrameSchema(
    {
        "x": pa.Column("float64", pa.Check.in_range(0, 10)),
        "side": pa.Column("str", pa.Check.isin(["left", "right"])),
        "y": pa.Column("float64", pa.Check.gt(0)),
    },
    coerce=True,
    strict="filter",
)


class Line(TrainedModel):  # type: ignore[misc]
    """A model: level + slope x."""

    def __init__(self, level: float = 10.0, slope: float = 2.0) -> None:
        super().__init__((level, slope), problem)

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Predict as the class says."""
        level, slope = self.estimator
        return level + slope * rows["x"].to_numpy()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return the problem of this file, which has no time."""
    monkeypatch.setattr(problem, "TASK", "regression", raising=False)
    monkeypatch.setattr(problem, "SCHEMA", SCHEMA)
    monkeypatch.setattr(problem, "TARGET", "y")
    monkeypatch.setattr(problem, "TIME", None)
    monkeypatch.setattr(problem, "LOWER_IS_BETTER", True)
    monkeypatch.setattr(problem, "features", lambda rows: {"x": np.asarray(rows["x"])})
    monkeypatch.setattr(problem, "slices", lambda rows: {"side": np.asarray(rows["side"])})
    monkeypatch.setattr(problem, "score_rows", lambda actual, predicted: abs(actual - predicted))
    monkeypatch.setattr(problem, "baseline", np.median)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path}/log.db")) as store:
        yield store


def rows_of(day: date, rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(day.toordinal())
    x = rng.uniform(0, 10, rows)
    side = np.where(np.arange(rows) % 4 == 0, "right", "left")
    return pd.DataFrame({"x": x, "side": side, "y": (10 + 2 * x) * rng.lognormal(0, 0.1, rows)})


def write(
    store: Store,
    day: date,
    rows: pd.DataFrame,
    model: Any = None,
    version: str = "1",
    variant: str = CHAMPION,
    known: float = 1.0,
) -> None:
    """Log the rows of a day, answered by the model, and the ground truth of a share of them."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    target = problem.TARGET
    answers = (model or Line()).predict(rows).tolist()
    given = rows.drop(columns=target)
    asked = [
        dict.fromkeys(given) | row
        for row in request_rows(given, row_schema(problem.SCHEMA, target).fields)
    ]
    predictions, feedback = [], []
    for number, (row, answer, actual) in enumerate(
        zip(asked, answers, rows[target].tolist(), strict=True)
    ):
        time = start + 86_400 * number / len(asked)
        name = f"{day}/{version}/{number}"
        predictions.append(Prediction(name, time, version, variant, name, row, answer))
        if number < known * len(asked):
            feedback.append(Feedback(name, time + 60, actual))
    store.write(predictions, feedback)


def after(day: date, days: float = 1) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=days)


def look(store: Store, day: date = DAY, **other: Any) -> Any:
    given = {"policy": POLICY, "state": STATE, **other}
    missing = gap(store, day, given.pop("now", after(day)), given["policy"], given["state"])
    return missing or look_at(store, day, **given)


def complete(store: Store, day: date = DAY, **other: Any) -> Complete:
    found = look(store, day, **other)
    assert isinstance(found, Complete), found
    return found


def test_of_too_many_rows_a_sample_counts_for_the_day(store: Store, lines: None) -> None:
    """The same rows each time, and of each version, although the log was written in order."""
    rows = rows_of(DAY, 2000)
    write(store, DAY, rows.head(1500))
    write(store, DAY, rows.tail(500), version="2", variant="challenger")
    found, again = (look_at(store, DAY, POLICY, STATE, most=400) for _ in range(2))
    assert isinstance(found, Complete) and isinstance(again, Complete)
    pd.testing.assert_frame_equal(found.rows, again.rows)
    assert 320 < len(found.rows) < 480
    assert 0.15 < (found.versions == "2").mean() < 0.35
    whole = found.rows.merge(rows, on=["x", "side", "y"])
    assert len(whole) == len(found.rows), "rows, predictions and ground truth stay together"
    day = measure(found, {"champion": Line()}, STATE, POLICY)
    assert (day.rows, day.counts[ALL]) == (2000, len(found.rows))
    assert day.residual == pytest.approx(np.log(rows["y"] / (10 + 2 * rows["x"])).mean(), abs=0.02)
    assert complete(store).share == 1
    both = together([found, complete(store)])
    assert (both.whole, len(both.rows)) == (pytest.approx(4000), len(found.rows) + 2000)


def test_a_sample_of_a_broken_feed_is_refused_as_well(store: Store, lines: None) -> None:
    write(store, DAY, rows_of(DAY, 1000).assign(x=99.0), Answering([20.0] * 1000))
    found = look_at(store, DAY, POLICY, STATE, most=100)
    assert refused(found, "guard", "rows violate problem.SCHEMA; row 2025-03-12/1/")
    assert isinstance(look(store, policy=Policy(data=Data(min_rows=1001))), LeftOut)


def test_rows_that_are_read_in_parts_are_those_read_at_once(
    store: Store, lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(DAY).astype({"y": object})
    rows.loc[150, "y"] = "soon"
    write(store, DAY, rows)
    at_once = complete(store)
    monkeypatch.setattr(observations, "AT_ONCE", 7)
    in_parts = complete(store)
    pd.testing.assert_frame_equal(in_parts.rows, at_once.rows)
    for name in ("served", "versions", "variants"):
        np.testing.assert_array_equal(getattr(in_parts, name), getattr(at_once, name))
    assert (in_parts.dropped, in_parts.unfit) == (1, at_once.unfit)
    assert {column.dtype.kind for _, column in in_parts.rows[["x", "y"]].items()} == {"f"}


def test_after_an_error_while_rows_are_read_the_store_is_of_use(
    store: Store, lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop writes into it what went wrong, while the error is still being handled."""

    def fail(rows: pd.DataFrame) -> pd.DataFrame:
        raise RuntimeError("a check of problem.SCHEMA failed")

    write(store, DAY, rows_of(DAY))
    monkeypatch.setattr(observations.production, "fitting_rows", fail)
    with pytest.raises(RuntimeError) as caught:
        look(store)
    assert counts(store, DAY) == (200, 200), caught


def refused(found: Any, kind: str, reason: str) -> bool:
    assert isinstance(found, LeftOut), found
    return found.kind == kind and reason in found.reason


def test_a_day_counts_when_it_is_over_and_labelled(store: Store, lines: None) -> None:
    write(store, DAY, rows_of(DAY))
    assert look(store, now=after(DAY, 0.99)) == Waiting("2025-03-12 is not over")
    found = complete(store)
    assert (found.date, len(found.rows)) == (DAY, 200)
    assert found.rows.dtypes.equals(SCHEMA.validate(rows_of(DAY)).dtypes)
    np.testing.assert_allclose(found.served, 10 + 2 * found.rows["x"])
    assert set(found.versions) == {"1"}


def test_labels_that_are_late_are_waited_for_and_then_given_up(store: Store, lines: None) -> None:
    write(store, DAY, rows_of(DAY), known=0.5)
    waiting = look(store)
    assert isinstance(waiting, Waiting)
    assert "50% of its ground truth" in waiting.reason
    assert isinstance(look(store, now=after(DAY, 7.9)), Waiting)
    assert refused(look(store, now=after(DAY, 8)), "left out", "50% of its ground truth")


@pytest.mark.parametrize(
    ("rows", "usual", "kind", "reason"),
    [
        (0, 0, "left out", "nothing was predicted"),
        (49, 0, "left out", "min_rows"),
        (60, 1000, "guard", "60 predictions, where 1000 are usual"),
    ],
)
def test_a_day_with_too_few_rows_does_not_count(
    store: Store, lines: None, rows: int, usual: float, kind: str, reason: str
) -> None:
    write(store, DAY, rows_of(DAY, 200).head(rows))
    assert refused(look(store, state=replace(STATE, volume=usual)), kind, reason)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("x", -1.0, "x is -1.0, which violates in_range(0, 10)"),
        ("side", "up", "side is up"),
        ("y", -5.0, "y is -5.0"),
        ("y", None, "y is"),
        ("y", "soon", "y is soon"),
    ],
)
def test_a_few_rows_that_do_not_fit_are_dropped_and_more_refuse_the_day(
    store: Store, lines: None, column: str, value: object, reason: str
) -> None:
    rows = rows_of(DAY).astype({column: object})
    rows.loc[:1, column] = value
    write(store, DAY, rows, Answering(10 + 2 * rows_of(DAY)["x"]))
    assert len(complete(store).rows) == 198
    tomorrow = DAY + timedelta(days=1)
    rows.loc[:2, column] = value
    write(store, tomorrow, rows, Answering(10 + 2 * rows_of(DAY)["x"]))
    found = look(store, tomorrow)
    assert refused(found, "guard", f"3 of 200 rows violate problem.SCHEMA; row {tomorrow}/1/")
    assert reason in found.reason


def test_rows_that_do_not_fit_for_several_reasons_are_all_told(store: Store, lines: None) -> None:
    rows = rows_of(DAY).astype({"y": object})
    rows.loc[0, "y"], rows.loc[1, "y"] = "soon", -5.0
    write(store, DAY, rows)
    assert len(complete(store).rows) == 198
    rows.loc[2:3, "x"] = 99.0
    tomorrow = DAY + timedelta(days=1)
    write(store, tomorrow, rows, Answering(199 * [20.0] + [None]))
    found = look(store, tomorrow)
    for reason in ("1 of 200 rows were answered with no value", "y is soon", "y is -5.0"):
        assert refused(found, "guard", reason)


class Answering(TrainedModel):  # type: ignore[misc]
    """A model that answers with these values, whatever it is asked."""

    def __init__(self, answers: Any) -> None:
        super().__init__(np.asarray(answers), problem)

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Predict as the class says."""
        return self.estimator


def test_rows_that_were_answered_with_nothing_do_not_fit(store: Store, lines: None) -> None:
    write(store, DAY, rows_of(DAY), Answering([None] * 200))
    assert refused(look(store), "guard", "200 of 200 rows were answered with no value")


@pytest.mark.parametrize(("factor", "believed"), [(1.4, True), (0.6, True), (60, False)])
def test_a_change_of_units_is_no_drift(
    store: Store, lines: None, factor: float, believed: bool
) -> None:
    write(store, DAY, rows_of(DAY).assign(y=lambda rows: factor * rows["y"]))
    found = look(store)
    if believed:
        assert isinstance(found, Complete)
    else:
        assert refused(found, "guard", "59.8 times what was predicted")


def test_where_another_version_answered_its_answers_tell_the_level(
    store: Store, lines: None
) -> None:
    write(store, DAY, rows_of(DAY).assign(y=lambda rows: 60 * rows["y"]), version="0")
    assert refused(look(store), "guard", "max_shift")


def test_ground_truth_without_a_score_refuses_the_day(
    store: Store, lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, DAY, rows_of(DAY))
    monkeypatch.setattr(problem, "score_rows", lambda actual, told: np.full(len(told), np.inf))
    assert refused(look(store), "guard", "fix the feed")


def test_a_champion_that_fails_is_told_from_a_feed_that_does(store: Store, lines: None) -> None:
    """A model to go back to says who is wrong; without one, nobody can."""
    write(store, DAY, rows_of(DAY), Line(100, 20))
    assert refused(look(store), "guard", "max_shift")
    assert isinstance(look(store, warm={"previous": Line()}), Complete)
    tomorrow = DAY + timedelta(days=1)
    write(store, tomorrow, rows_of(DAY).assign(y=lambda rows: 60 * rows["y"]))
    assert refused(look(store, tomorrow, warm={"previous": Line()}), "guard", "max_shift")


def shuffled(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(y=np.random.default_rng(1).permutation(rows["y"]))


def write_days(store: Store, days: Sequence[int], change: Any = lambda rows: rows) -> None:
    """Days so many before DAY."""
    for number in days:
        day = DAY - timedelta(days=number)
        write(store, day, change(rows_of(day)))


def test_ground_truth_of_other_rows_is_refused(store: Store, lines: None) -> None:
    write_days(store, range(1, 8))
    write(store, DAY, shuffled(rows_of(DAY)))
    found = look(store)
    assert refused(found, "guard", "ground truth is not that of its rows")
    assert refused(look(store, warm={"previous": Line(9, 2)}), "guard", "not that of its rows")


def test_a_sample_of_the_days_before_tells_what_is_usual(
    store: Store, lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(store, range(1, 8))
    write(store, DAY, shuffled(rows_of(DAY)))
    (every,) = re.findall(r"where ([\d.]+) are usual", look(store).reason)
    monkeypatch.setattr(observations, "MOST_SCORED", 700)
    (sampled,) = re.findall(r"where ([\d.]+) are usual", look(store).reason)
    assert sampled != every
    assert float(sampled) == pytest.approx(float(every), rel=0.4)


def test_a_champion_that_knows_nothing_is_told_from_ground_truth_that_does(
    store: Store, lines: None
) -> None:
    write_days(store, range(1, 8))
    write(store, DAY, rows_of(DAY), Answering(shuffled(rows_of(DAY))["y"]))
    assert refused(look(store), "guard", "not that of its rows")
    assert isinstance(look(store, warm={"previous": Line()}), Complete)


def test_a_model_that_never_knew_much_is_no_reason_to_refuse_a_day(
    store: Store, lines: None
) -> None:
    write_days(store, range(8), shuffled)
    assert isinstance(look(store), Complete)


def test_days_that_were_refused_do_not_tell_what_is_usual(store: Store, lines: None) -> None:
    write_days(store, range(10), shuffled)
    write_days(store, [10, 11, 12])
    assert isinstance(look(store), Complete)
    days = [DAY - timedelta(days=number) for number in range(1, 10)]
    assert refused(look(store, state=replace(STATE, refused=days)), "guard", "not that of")


def test_answers_that_are_plainly_wrong_are_of_these_rows(store: Store, lines: None) -> None:
    """A rule that has turned round is a drift; values of other rows have no relation at all."""
    write_days(store, range(1, 8))
    rows = rows_of(DAY)
    turned = rows.assign(y=rows["y"].sum() / len(rows) * 2 - rows["y"])
    write(store, DAY, turned, Answering(10 + 2 * rows["x"]))
    assert isinstance(look(store), Complete)


def test_equal_answers_to_all_rows_say_nothing(store: Store, lines: None) -> None:
    write_days(store, range(1, 8))
    write(store, DAY, rows_of(DAY), Line(20, 0))
    assert isinstance(look(store), Complete)


def test_the_champion_is_judged_by_what_it_served(store: Store, lines: None) -> None:
    """Good in the registry and bad in production: the served answers count, others are made up."""
    rows = rows_of(DAY)
    write(store, DAY, rows.head(100), Line(12, 2))
    write(store, DAY, rows.tail(100), Line(99, 0), version="0")
    day = measure(complete(store), {"champion": Line()}, STATE, POLICY)
    actual, x = rows["y"].to_numpy(), rows["x"].to_numpy()
    predicted = 10 + 2 * x + 2 * (np.arange(200) < 100)
    assert day.losses["champion"][ALL] == pytest.approx(abs(actual - predicted).mean())
    assert day.residual == pytest.approx(np.log(actual / predicted).mean())
    assert (day.date, day.rows) == (DAY, 200)


def test_every_role_is_measured_by_slice_and_beside_a_constant(store: Store, lines: None) -> None:
    rows = rows_of(DAY)
    write(store, DAY, rows)
    models = {"champion": Line(), "retrained": Line(11, 2)}
    day = measure(complete(store), models, STATE, POLICY)
    assert day.counts == {ALL: 200, "side/left": 150, "side/right": 50}
    left = rows[rows["side"] == "left"]
    expected = abs(left["y"] - 11 - 2 * left["x"]).mean()
    assert day.losses["retrained"]["side/left"] == pytest.approx(expected)
    assert day.losses["constant"][ALL] == pytest.approx(abs(rows["y"] - rows["y"].median()).mean())
    assert set(day.losses) == {"champion", "retrained", "constant"}
    assert all(losses.keys() == day.counts.keys() for losses in day.losses.values())


def test_where_higher_scores_are_better_the_loss_has_the_other_sign(
    store: Store, lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, DAY, rows_of(DAY))
    day = measure(complete(store), {"champion": Line()}, STATE, POLICY)
    monkeypatch.setattr(problem, "LOWER_IS_BETTER", False)
    other = measure(complete(store), {"champion": Line()}, STATE, POLICY)
    assert other.losses["champion"][ALL] == -day.losses["champion"][ALL]


def test_a_challenger_without_a_number_is_left_out(store: Store, lines: None) -> None:
    write(store, DAY, rows_of(DAY))
    models = {"champion": Line(), "retrained": Answering([np.nan] * 200)}
    assert "retrained" not in measure(complete(store), models, STATE, POLICY).losses


def test_fields_are_compared_with_the_training_rows(store: Store, lines: None) -> None:
    rows = rows_of(DAY)
    write(store, DAY, rows.assign(side="left"))
    profile = profile_of({"x": rows["x"].to_numpy(), "side": rows["side"].to_numpy()})
    day = measure(complete(store), {"champion": Line()}, STATE, POLICY, profile)
    assert day.drift["x"] == 0
    assert day.drift["side"] > 0.25


def test_in_a_split_only_answers_that_were_given_count(store: Store, lines: None) -> None:
    rows = rows_of(DAY)
    write(store, DAY, rows.head(120))
    write(store, DAY, rows.tail(80), Line(12, 2), version="2", variant="challenger")
    candidates = {
        "retrained": Model("2", DAY, RATIO),
        "recalibrated": Model("3", DAY, RATIO),
    }
    state = replace(STATE, trial=Trial("drift", DAY, candidates=candidates))
    models = {"champion": Line(0, 0), "retrained": Line(0, 0), "recalibrated": Line()}
    day = measure(complete(store), models, state, POLICY.model_copy(update={"evidence": "split"}))
    served = {"champion": (rows.head(120), 10), "retrained": (rows.tail(80), 12)}
    for role, (part, level) in served.items():
        expected = abs(part["y"] - level - 2 * part["x"]).mean()
        assert day.losses[role][ALL] == pytest.approx(expected)
    assert "recalibrated" not in day.losses
    assert day.counts[ALL] == 80
    part = rows.head(120)
    assert day.residual == pytest.approx(np.log(part["y"] / (10 + 2 * part["x"])).mean())


def test_days_can_be_judged_together(store: Store, lines: None) -> None:
    write_days(store, [1, 0])
    days = [complete(store, DAY - timedelta(days=1)), complete(store)]
    models = {"champion": Line(), "retrained": Line(11, 2)}
    one, other, both = (measure(each, models, STATE, POLICY) for each in (*days, together(days)))
    assert (both.date, both.rows) == (DAY, 400)
    losses = [day.losses["retrained"][ALL] for day in (one, other, both)]
    assert losses[2] == pytest.approx((losses[0] + losses[1]) / 2)


SOME_TIME = SCHEMA.add_columns({"asked": pa.Column("datetime64[ns]")})


@pytest.fixture
def timed(lines: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Return the same problem with a time, and an extract that ends with DAY."""
    monkeypatch.setattr(problem, "SCHEMA", SOME_TIME)
    monkeypatch.setattr(problem, "TIME", "asked")
    days = [DAY - timedelta(days=number) for number in range(9, -1, -1)]
    extract = pd.concat([timed_rows(day) for day in days], ignore_index=True)

    def load(start: date, end: date) -> pd.DataFrame:
        asked = extract["asked"]
        return extract[(asked >= pd.Timestamp(start)) & (asked < pd.Timestamp(end))]

    monkeypatch.setattr(problem, "load", load)


def timed_rows(day: date) -> pd.DataFrame:
    return rows_of(day).assign(asked=pd.date_range(day, periods=200, freq="5min"))


def days_taught(days: np.ndarray) -> dict[int, int]:
    """How many rows are taught, by how many days before DAY they are from."""
    before = (np.datetime64(DAY) - days).astype(int)
    return {int(number): int((before == number).sum()) for number in np.unique(before)}


def test_the_log_teaches_and_before_it_began_the_extract(store: Store, timed: None) -> None:
    for number in (2, 1, 0):
        day = DAY - timedelta(days=number)
        write(store, day, timed_rows(day).head(150), known=0.98)
    first = DAY - timedelta(days=4)
    taught = training_rows(store, first, DAY, POLICY)
    assert days_taught(taught.days) == {4: 200, 3: 200, 2: 147, 1: 147, 0: 147}
    assert set(taught.rows) == set(SOME_TIME.columns)
    assert taught.rows.dtypes["asked"] == "datetime64[ns]"
    np.testing.assert_array_equal(taught.rows["asked"].to_numpy().astype("M8[D]"), taught.days)
    yesterday, before = DAY - timedelta(days=1), DAY - timedelta(days=4)
    taught = training_rows(store, first, DAY, POLICY, {yesterday, before})
    assert days_taught(taught.days) == {3: 200, 2: 147, 0: 147}
    taught = training_rows(store, DAY - timedelta(days=2), yesterday, POLICY)
    assert days_taught(taught.days) == {2: 147, 1: 147}


def test_of_too_many_rows_the_same_share_of_each_day_teaches(store: Store, timed: None) -> None:
    """Of the extract as of the log, and the same rows when a step is repeated."""
    for number in range(5):
        write(store, DAY - timedelta(days=number), timed_rows(DAY - timedelta(days=number)))
    policy = POLICY.model_copy(update={"data": Data(max_rows=1000)})
    first = DAY - timedelta(days=9)
    taught, again = (training_rows(store, first, DAY, policy) for _ in range(2))
    pd.testing.assert_frame_equal(taught.rows, again.rows)
    np.testing.assert_array_equal(taught.days, again.days)
    np.testing.assert_array_equal(taught.rows["asked"].to_numpy().astype("M8[D]"), taught.days)
    by_day = days_taught(taught.days)
    assert by_day.keys() == {*range(10)}
    assert all(70 < rows < 130 for rows in by_day.values()), by_day
    assert 900 < len(taught.rows) < 1100
    assert taught.of == 2000
    fewer = training_rows(store, first, DAY, policy, most=200)
    assert 150 < len(fewer.rows) < 250
    assert {*fewer.rows["x"]} < {*taught.rows["x"]}, "a smaller sample is a part of a larger one"


def test_the_policy_may_name_the_extract_as_the_only_source(store: Store, timed: None) -> None:
    write(store, DAY, timed_rows(DAY).head(150))
    policy = POLICY.model_copy(update={"data": Data(source="load")})
    taught = training_rows(store, DAY - timedelta(days=2), DAY, policy)
    assert days_taught(taught.days) == {2: 200, 1: 200, 0: 200}


def test_without_a_time_rows_that_judge_other_models_do_not_teach(
    store: Store, lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log holds rows of the extract, too: they must not come in by that door."""
    extract = rows_of(date(2020, 1, 1))[["side", "y", "x"]]
    monkeypatch.setattr(problem, "load", lambda start=None, end=None: extract)
    judging = set(split_rows(SCHEMA.validate(extract)).test["y"])
    assert judging
    write_days(store, [1])
    write(store, DAY, extract)
    yesterday = DAY - timedelta(days=1)
    taught = training_rows(store, DAY - timedelta(days=5), DAY, POLICY)
    assert not judging & set(taught.rows["y"])
    counts = days_taught(taught.days)
    assert counts.keys() == {5, 1, 0}
    assert counts[5] == counts[0] == 200 - len(judging)
    taught = training_rows(store, yesterday, DAY, POLICY)
    assert not judging & set(taught.rows["y"])
    assert days_taught(taught.days).keys() == {1, 0}


def test_a_broken_extract_and_a_broken_log_are_told(
    store: Store, timed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, DAY, timed_rows(DAY).assign(y=-1.0))
    with pytest.raises(UserError, match=r"prediction log .* 200 of 200 rows violate"):
        training_rows(store, DAY, DAY, POLICY)
    bad = timed_rows(DAY - timedelta(days=1)).assign(x=99.0)
    monkeypatch.setattr(problem, "load", lambda start, end: bad)
    with pytest.raises(UserError, match="200 of 200 rows violate"):
        training_rows(store, DAY - timedelta(days=1), DAY, POLICY, {DAY})


def test_no_rows_at_all_are_an_error(store: Store, timed: None) -> None:
    with pytest.raises(UserError, match="no rows with ground truth from 2025-04"):
        training_rows(store, date(2025, 4, 1), date(2025, 4, 2), POLICY)


def test_the_project_s_own_rows_go_the_whole_way(store: Store, split: Split) -> None:
    """From the log to a measured day, and to rows that teach."""
    model, rows = fit(split.train), split.test
    write(store, DAY, rows, model)
    state = replace(STATE, champion=Model("1", DAY, Reference("loss", 1.0, 0.0, 0.0, 0)))
    policy = POLICY.model_copy(update={"data": Data(min_rows=2, min_volume=0)})
    day = measure(complete(store, state=state, policy=policy), {"champion": model}, state, policy)
    assert day.rows == len(rows)
    losses = loss_of_rows(rows[problem.TARGET].to_numpy(), predict(model, rows), rows)
    assert day.losses["champion"][ALL] == pytest.approx(losses.mean())
    if problem.TIME is not None:
        taught = training_rows(store, DAY, DAY, POLICY)
        pd.testing.assert_frame_equal(
            taught.rows[list(rows)], rows.reset_index(drop=True), check_dtype=True
        )
