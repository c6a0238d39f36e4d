"""Tests of the features."""

import numpy as np
import pandas as pd

from taxi_ride_duration.problem import features

RIDES = pd.DataFrame(
    {
        "pickup_time": pd.to_datetime(["2025-03-05 08:30:00", "2025-03-09 23:15:00"]),
        "pickup_zone": ["4", "33"],
        "dropoff_zone": ["7", "12"],
        "distance_miles": [3.1, 0.4],
    }
)


def test_the_time_of_day_is_in_hours() -> None:
    assert features(RIDES)["hour"].tolist() == [8.5, 23.25]


def test_weeks_begin_on_monday() -> None:
    assert features(RIDES)["weekday"].tolist() == [2, 6]


def test_zones_and_distance_are_as_they_are() -> None:
    found = features(RIDES)
    assert found["pickup_zone"].tolist() == ["4", "33"]
    assert found["dropoff_zone"].tolist() == ["7", "12"]
    assert np.allclose(found["distance_miles"], [3.1, 0.4])
