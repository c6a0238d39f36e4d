"""Tests of the features."""

from taxi_ride_duration import problem


def test_features_are_what_they_are() -> None:
    rows = problem.sample()
    found = problem.features(rows)
    for name, values in found.items():
        assert (values == problem.features(rows)[name]).all()
