"""Tests of the features."""

from taxi_ride_duration.problem import features, sample


def test_features_work() -> None:
    assert len(features(sample())) > 0
