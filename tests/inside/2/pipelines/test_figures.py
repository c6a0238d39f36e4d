"""Tests of the figures of an evaluation, and of the importance of features."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from taxi_ride_duration import problem
from taxi_ride_duration.dataset import Split
from taxi_ride_duration.pipelines.gate import Scores
from taxi_ride_duration.pipelines.importance import feature_importance
from taxi_ride_duration.pipelines.plots import figures, score_by_slice
from taxi_ride_duration.predict import predict
from taxi_ride_duration.train import fit
from taxi_ride_duration.trained_model import classes_of


def test_the_figures_suit_the_task(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    model, scores = fit(split.train), np.ones(len(split.test))
    predicted = predict(model, split.test)
    drawn = figures(model, split.test, predicted, Scores(scores, scores, None), split.test)
    expected = {"predictions"} if classes_of(problem) is None else {"curves", "confusion_matrix"}
    assert {"importance", *expected} <= drawn.keys()
    for figure in drawn.values():
        figure.savefig(BytesIO())
    monkeypatch.setattr(problem, "slices", lambda rows: {})
    nothing = Scores(scores[:0], scores[:0], None)
    assert {"score_by_slice", "score_by_day"}.isdisjoint(
        figures(model, split.test, predicted, nothing, split.test[:0])
    )


def test_a_slice_may_have_any_name(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = np.full(len(split.test), "from $a_$ up")
    monkeypatch.setattr(problem, "slices", lambda rows: {"price": groups})
    scores = np.ones(len(split.test))
    score_by_slice(Scores(scores, scores, None), split.test).savefig(BytesIO())


def test_a_model_depends_on_a_feature_and_one_that_is_constant_has_no_importance(
    split: Split,
) -> None:
    model = fit(split.train)
    importance = feature_importance(model, split.test)
    assert list(importance["mean"]) == sorted(importance["mean"], reverse=True)
    assert importance["mean"].iloc[0] > 0
    same = pd.concat([split.test.iloc[[0]]] * 20)
    assert np.allclose(feature_importance(model, same)["mean"], 0)
