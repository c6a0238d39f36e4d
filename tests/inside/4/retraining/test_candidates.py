"""A champion moved to a new level, and models trained anew after a change."""

from datetime import date
from functools import partial
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from mlflow.entities.model_registry import ModelVersion
from sklearn.base import is_regressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from taxi_ride_duration import model_file, problem
from taxi_ride_duration.dataset import Split
from taxi_ride_duration.deployment.export import Registered, export
from taxi_ride_duration.deployment.proof import difference
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.evaluate import baseline_scores, scores_of
from taxi_ride_duration.predict import predict
from taxi_ride_duration.retraining.candidates import (
    in_sample_reference,
    moved_target,
    recalibrated,
    retrained,
    split_pipeline,
    unseen,
)
from taxi_ride_duration.retraining.detector import residuals
from taxi_ride_duration.retraining.observations import Taught
from taxi_ride_duration.retraining.state import Change, Reference
from taxi_ride_duration.serving.settings import Settings
from taxi_ride_duration.train import fit
from taxi_ride_duration.trained_model import TrainedModel

RATIO = Reference("ratio", 1.0, 0.0, 0.0, 28)
DIFFERENCE = Reference("difference", 5.0, 0.0, 0.0, 28)
LOSS = Reference("loss", 1.0, 0.0, 0.0, 28)
FIRST, CHANGE = date(2025, 3, 3), date(2025, 3, 8)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the problem be one column, and a target of 10 + 2 x, which is not negative."""
    monkeypatch.setattr(problem, "TASK", "regression", raising=False)
    columns = {"x": pa.Column("float64"), "y": pa.Column("float64", pa.Check.in_range(0, 100))}
    monkeypatch.setattr(problem, "SCHEMA", pa.DataFrameSchema(columns))
    monkeypatch.setattr(problem, "TARGET", "y")
    monkeypatch.setattr(problem, "features", lambda rows: {"x": np.asarray(rows["x"])})
    monkeypatch.setattr(problem, "score_rows", lambda actual, predicted: abs(actual - predicted))
    monkeypatch.setattr(problem, "LOWER_IS_BETTER", True)
    monkeypatch.setattr(problem, "build_model", lambda: LinearRegression())


def taught(days: int = 7, rows: int = 50, level: float = 1.0) -> Taught:
    """Days of rows from FIRST on; from CHANGE on the target is so many times as large."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, days * rows)
    day = np.datetime64(FIRST) + np.repeat(np.arange(days), rows)
    y = (10 + 2 * x) * np.where(day >= np.datetime64(CHANGE), level, 1.0)
    return Taught(pd.DataFrame({"x": x, "y": y}), day)


def line() -> TrainedModel:
    """Return a champion that knows the old level."""
    fitted = LinearRegression().fit(taught(5).rows[["x"]], taught(5).rows["y"])
    return TrainedModel(fitted, problem)


AT = pd.DataFrame({"x": [0.0, 5.0, 10.0]})


def at_new_level(champion: TrainedModel, shift: float, reference: Reference) -> TrainedModel:
    found = recalibrated(champion, shift, reference)
    assert found is not None
    return found


NUMBERS = np.array([1.0, 2.0, 4.0])


def test_a_ratio_moves_predictions_by_a_factor_and_a_difference_by_a_term(lines: None) -> None:
    by_factor = at_new_level(line(), np.log(1.4), RATIO)
    np.testing.assert_allclose(by_factor.predict(AT), [14, 28, 42])
    by_term = at_new_level(line(), -0.6, DIFFERENCE)
    np.testing.assert_allclose(by_term.predict(AT), [7, 17, 27])


def test_a_model_that_gives_labels_cannot_be_moved() -> None:
    assert recalibrated(line(), 0.5, LOSS) is None


def test_a_champion_that_has_been_moved_is_moved_further_and_not_wrapped_again(lines: None) -> None:
    champion = line()
    once = at_new_level(champion, np.log(1.5), RATIO)
    twice = at_new_level(once, np.log(1.2), RATIO)
    np.testing.assert_allclose(twice.predict(AT), [18, 36, 54])
    assert twice.estimator.estimators_ == [champion.estimator]
    and_a_term = at_new_level(twice, 1.0, DIFFERENCE)
    np.testing.assert_allclose(and_a_term.predict(AT), [23, 41, 59])
    np.testing.assert_allclose(at_new_level(and_a_term, np.log(2), RATIO).predict(AT)[0], 46)


def test_a_moved_champion_is_kept_exported_and_served_as_any_other(
    registered: Registered, split: Split, tmp_path: Path
) -> None:
    """The project's own: skops trusts it, MLflow logs it, its bundle predicts the same."""
    if not is_regressor(registered.model.estimator):
        pytest.skip("labels have no level")
    model = at_new_level(registered.model, 0.3, RATIO)
    loaded = model_file.load(model_file.save(model, {}, tmp_path))
    expected = predict(registered.model, split.test) * np.exp(0.3)
    np.testing.assert_allclose(predict(loaded, split.test), expected)
    again = at_new_level(loaded, 0.2, RATIO)
    np.testing.assert_allclose(predict(again, split.test), expected * np.exp(0.2))
    inner = split_pipeline(again.estimator)[1].estimators_[0]
    assert type(inner) is type(split_pipeline(registered.model.estimator)[1])
    mlflow.sklearn.save_model(
        model.estimator,
        tmp_path / "mlflow",
        serialization_format="skops",
        skops_trusted_types=model_file.trusted_types(problem),
        pip_requirements=[],
    )
    logged = mlflow.sklearn.load_model(tmp_path / "mlflow")
    np.testing.assert_allclose(predict(TrainedModel(logged, problem), split.test), expected)
    as_registered = Registered(registered.version, loaded, split)
    agrees = partial(difference, as_registered, settings=Settings())
    manifest = export(as_registered, tmp_path / "bundles" / "v1", agrees)
    as_it_was = export(registered, tmp_path / "bundles" / "v0", lambda folder: None)
    assert manifest.runtime == as_it_was.runtime


def test_without_a_change_the_model_is_fitted_to_all_rows(lines: None) -> None:
    model = retrained(taught(level=1.4), None, None, 0.05, {})
    one, other = taught(level=1.4).rows[["x"]], taught(level=1.4).rows["y"]
    np.testing.assert_allclose(model.predict(AT), LinearRegression().fit(one, other).predict(AT))


def test_old_rows_are_moved_to_the_new_level(lines: None) -> None:
    rows = taught(level=1.4)
    model = retrained(rows, Change(CHANGE, np.log(1.4)), RATIO, 0.5, {})
    np.testing.assert_allclose(model.predict(AT), [14, 28, 42])
    assert rows.rows["y"].max() <= 42


def test_old_rows_weigh_less(lines: None) -> None:
    """Moved by a wrong shift, they pull the level away from the new rows by their weight."""
    rows = taught(days=10, level=1.4)
    weighed = [
        retrained(rows, Change(CHANGE, 0.0), RATIO, weight, {}).predict(AT)[1]
        for weight in (1.0, 0.05, 0.0)
    ]
    assert weighed == sorted(weighed)
    assert weighed[0] == pytest.approx(24, abs=0.5)
    assert weighed[1] == pytest.approx(28 - 8 * 0.05 / 1.05, abs=0.1)
    assert weighed[2] == pytest.approx(28)


def test_a_pipeline_hands_the_weights_to_its_last_step(
    lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = retrained(taught(level=1.4), Change(CHANGE, 0.0), RATIO, 0.05, {}).predict(AT)
    monkeypatch.setattr(
        problem, "build_model", lambda: make_pipeline(StandardScaler(), LinearRegression())
    )
    model = retrained(taught(level=1.4), Change(CHANGE, 0.0), RATIO, 0.05, {})
    np.testing.assert_allclose(model.predict(AT), plain)


def test_where_a_model_takes_no_weights_fewer_old_rows_stand_for_all(
    lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problem, "build_model", lambda: KNeighborsRegressor(n_neighbors=1))
    model = retrained(taught(rows=200), Change(CHANGE, 0.0), RATIO, 0.1, {})
    assert model.estimator.n_samples_fit_ == pytest.approx(400 + 0.1 * 1000, abs=30)
    again = retrained(taught(rows=200), Change(CHANGE, 0.0), RATIO, 0.1, {})
    assert again.estimator.n_samples_fit_ == model.estimator.n_samples_fit_


def test_moved_values_stay_within_the_schema_and_whole_numbers_whole(
    lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert moved_target(np.array([50.0, 90.0]), np.log(1.4), RATIO).tolist() == pytest.approx(
        [70, 100]
    )
    assert moved_target(np.array([2.0, 9.0]), -1.0, DIFFERENCE).tolist() == [0, 4]
    whole = moved_target(np.array([2, 5, 90]), np.log(1.4), RATIO)
    assert (whole.dtype, whole.tolist()) == (np.array([2]).dtype, [3, 7, 100])
    labels = np.array(["a", "b"])
    assert moved_target(labels, 3.0, LOSS) is labels
    above = {"y": pa.Column("int64", [pa.Check.gt(0), pa.Check.lt(8)])}
    monkeypatch.setattr(problem, "SCHEMA", pa.DataFrameSchema(above))
    assert moved_target(np.array([1, 7]), np.log(0.1), RATIO).tolist() == [1, 1]
    assert moved_target(np.array([1, 7]), np.log(9), RATIO).tolist() == [7, 7]


def test_rows_that_a_model_cannot_learn_from_are_told(
    lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="no rows with ground truth since the change on 2025-03-08"):
        retrained(taught(5), Change(CHANGE, 0.0), RATIO, 0.05, {})
    monkeypatch.setattr(problem, "build_model", lambda: LogisticRegression())
    one_label = Taught(taught().rows.assign(y=1), taught().days)
    with pytest.raises(UserError, match="cannot learn from these 350 rows"):
        retrained(one_label, None, None, 0.05, {})


def test_the_reference_is_of_the_days_since_the_change(lines: None) -> None:
    rows = taught(days=9, level=1.4)
    model = at_new_level(line(), np.log(1.4), RATIO)
    reference = in_sample_reference(model, rows, Change(CHANGE, np.log(1.4)))
    assert (reference.kind, reference.days, reference.freedom) == ("ratio", 4, 3)
    assert reference.weekday == pytest.approx(0, abs=1e-9)
    every = in_sample_reference(model, rows, None)
    assert every.days == 9
    assert every.weekday == pytest.approx(-np.log(1.4) * 5 / 9)


def test_a_reference_of_one_day_or_of_labels_is_still_to_be_seen(
    lines: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_day = in_sample_reference(line(), taught(6), Change(CHANGE, 0.0))
    assert (one_day.kind, one_day.days) == ("ratio", 0)
    monkeypatch.setattr(problem, "score_rows", lambda actual, told: (actual != told).astype(float))
    rows = Taught(taught().rows.assign(y=(taught().rows["x"] > 5).astype(int)), taught().days)
    labels = TrainedModel(LogisticRegression().fit(rows.rows[["x"]], rows.rows["y"]), problem)
    assert in_sample_reference(labels, rows, None).days == 0
    assert in_sample_reference(labels, rows, None).kind == "loss"


@pytest.fixture(scope="module")
def registered(split: Split) -> Registered:
    """Return the project's own model, as the registry would hand it out."""
    tags = {"data_version": "d1", "git_commit": "c1", "trained_until": "", "test_share": "0.2"}
    version = ModelVersion("tested", "1", creation_timestamp=0, run_id="r1")
    version.tags.update(tags)
    return Registered(version, fit(split.train), split)


def test_the_project_s_own_model_learns_from_a_change(split: Split) -> None:
    """Half of the rows are old, and the model is as good as one that has learned from all."""
    rows = split.train.reset_index(drop=True)
    newer = np.arange(len(rows)) >= len(rows) / 2
    halves = Taught(rows, np.where(newer, np.datetime64(CHANGE), np.datetime64(FIRST)))
    model = fit(rows)
    reference = in_sample_reference(model, halves, None)
    anew = retrained(halves, Change(CHANGE, 0.0), reference, 0.5, {})
    one, other = (scores_of(each, split.test).mean() for each in (model, anew))
    worst = baseline_scores(rows, split.test).mean()
    assert abs(other - one) < 0.5 * abs(worst - one)


def test_positive_values_give_ratios() -> None:
    blank = unseen(LinearRegression(), NUMBERS, NUMBERS, NUMBERS)
    found = residuals(1.4 * NUMBERS, NUMBERS, NUMBERS, blank)
    assert blank.kind == "ratio"
    assert found == pytest.approx(np.log(1.4))


def test_other_numbers_give_differences_in_units_of_their_spread() -> None:
    actual = NUMBERS - 2
    blank = unseen(LinearRegression(), actual, actual, NUMBERS)
    found = residuals(actual + 1, actual, NUMBERS, blank)
    assert blank.kind == "difference"
    assert found == pytest.approx(1 / np.std(actual))


def test_labels_give_losses_in_units_of_their_mean() -> None:
    losses = np.array([0.0, 0.0, 1.0])
    blank = unseen(LogisticRegression(), NUMBERS, NUMBERS, losses)
    assert blank.kind == "loss"
    assert residuals(NUMBERS, NUMBERS, losses, blank).mean() == pytest.approx(1)
