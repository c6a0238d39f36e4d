"""The problem: how many minutes will a taxi ride take, told before it starts?

This is the one file to rewrite for a problem of your own; everything else in the project
imports it and knows nothing of its subject. `docs/another-problem.md` shows it done.

    load, SCHEMA            where rows come from, and what a valid row is
    TARGET, TIME            the column to predict, and the one that orders rows in time (or None)
    features                what the model may see of a row
    build_model             the model, unfitted; SEARCH_SPACE has values worth trying
    METRIC, score_rows      how a prediction is judged
    slices                  the groups in which the model must be good too
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.ensemble import HistGradientBoostingRegressor

DATA = Path("data")
TARGET = "duration_minutes"
TIME: str | None = "pickup_time"

SCHEMA = pa.DataFrameSchema(
    {
        "pickup_time": pa.Column("datetime64[ns]"),
        "pickup_zone": pa.Column("int64", pa.Check.in_range(1, 265)),
        "dropoff_zone": pa.Column("int64", pa.Check.in_range(1, 265)),
        "distance_miles": pa.Column("float64", pa.Check.in_range(0, 100)),
        "duration_minutes": pa.Column("float64", pa.Check.in_range(1, 180)),
    },
    coerce=True,
    strict="filter",
)


def load(start: date | None = None, end: date | None = None) -> pd.DataFrame:
    """Rides picked up from `start` up to, but without, `end`; all there are without limits.

    The rides come from the TLC files in `data/`, or are made up if there are none. The index
    names the file and the row in it, counted from 0, so that a bad row can be found.
    """
    files = sorted([*DATA.glob("*.parquet"), *DATA.glob("*.csv")])
    if files:
        rides = pd.concat([read_trips(file) for file in files], keys=[file.name for file in files])
    else:
        rides = pd.concat([sample_rides()], keys=["sample rides"])
    rides.index.names = ["file", "row"]
    picked_up = rides["pickup_time"]
    if start is not None:
        rides = rides[picked_up >= pd.Timestamp(start)]
    if end is not None:
        rides = rides[picked_up < pd.Timestamp(end)]
    return rides


def read_trips(file: Path) -> pd.DataFrame:
    """The rides in a file of TLC trip records, without those that the meter got wrong.

    A ride of less than a minute or more than three hours, or of more than 100 miles, is a
    meter left running or an error of its clock, not a ride somebody asks a prediction for.
    What is missing or unreadable stays in, so that validation can name it.
    """
    trips = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    trips = trips.rename(
        columns={
            "lpep_pickup_datetime": "pickup_time",
            "tpep_pickup_datetime": "pickup_time",
            "lpep_dropoff_datetime": "dropoff_time",
            "tpep_dropoff_datetime": "dropoff_time",
            "PULocationID": "pickup_zone",
            "DOLocationID": "dropoff_zone",
            "trip_distance": "distance_miles",
        }
    )
    wanted = ["pickup_time", "dropoff_time", "pickup_zone", "dropoff_zone", "distance_miles"]
    missing = [column for column in wanted if column not in trips]
    if missing:
        raise ValueError(f"{file} is no file of TLC trip records: it lacks {', '.join(missing)}")
    trips = trips[wanted]
    picked_up = pd.to_datetime(trips["pickup_time"], errors="coerce")
    dropped_off = pd.to_datetime(trips["dropoff_time"], errors="coerce")
    minutes = (dropped_off - picked_up) / pd.Timedelta(minutes=1)
    wrong = (minutes < 1) | (minutes > 180) | (trips["distance_miles"] > 100)
    rides = trips.assign(pickup_time=picked_up, duration_minutes=minutes)
    return rides.drop(columns="dropoff_time")[~wrong]


def sample_rides(
    first: date = date(2025, 1, 1), days: int = 60, rides_per_day: int = 170, seed: int = 0
) -> pd.DataFrame:
    """Made-up rides, the same ones on every machine: a city of 40 zones with a rush hour."""
    rng = np.random.default_rng(seed)
    n = days * rides_per_day
    corners = rng.uniform(0, 4, size=(40, 2))
    pickup, dropoff = rng.integers(0, len(corners), size=(2, n))
    streets = np.abs(corners[pickup] - corners[dropoff]).sum(axis=1)
    distance = (0.4 + streets) * rng.lognormal(0, 0.1, n)

    demand = np.array([2, 1, 1, 1, 1, 2, 4, 7, 9, 7, 6, 6, 7, 6, 6, 7, 8, 9, 9, 8, 6, 5, 4, 3])
    hour = rng.choice(24, size=n, p=demand / demand.sum()) + rng.uniform(0, 1, n)
    day = np.repeat(np.arange(days), rides_per_day)
    pickup_time = np.datetime64(first, "s") + (86_400 * day + 3_600 * hour).astype("timedelta64[s]")

    rush = np.exp(-((hour - 8.5) ** 2) / 4) + np.exp(-((hour - 17.5) ** 2) / 6)
    weekend = (first.weekday() + day) % 7 >= 5
    miles_per_hour = np.where(weekend, 15, 14 - 5 * rush)
    minutes = (2 + 60 * distance / miles_per_hour) * rng.lognormal(0, 0.2, n)
    rides = pd.DataFrame(
        {
            "pickup_time": pickup_time,
            "pickup_zone": pickup + 1,
            "dropoff_zone": dropoff + 1,
            "distance_miles": distance.round(2),
            "duration_minutes": minutes.clip(1, 180).round(2),
        }
    )
    return rides.sort_values("pickup_time", ignore_index=True)


def features(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What the model may see: known before the ride starts, one number per row and feature.

    `rows` is a table, or anything else that gives a column by its name. NumPy alone does the
    work, so that the same lines serve a month of rides and a single request.
    """
    pickup_time = np.asarray(rows["pickup_time"], dtype="datetime64[m]")
    day = pickup_time.astype("datetime64[D]")
    return {
        "pickup_zone": np.asarray(rows["pickup_zone"], dtype=float),
        "dropoff_zone": np.asarray(rows["dropoff_zone"], dtype=float),
        "distance_miles": np.asarray(rows["distance_miles"], dtype=float),
        "hour": (pickup_time - day).astype(float) / 60,
        "weekday": (day.astype(int) + 3.0) % 7,  # Monday is 0; day 0, 1970-01-01, was a Thursday
    }


def build_model(
    learning_rate: float = 0.1, max_iter: int = 100, max_leaf_nodes: int = 31, seed: int = 0
) -> HistGradientBoostingRegressor:
    """Boosted trees, not yet fitted, that aim at the median: what the metric rewards."""
    return HistGradientBoostingRegressor(
        loss="absolute_error",
        learning_rate=learning_rate,
        max_iter=max_iter,
        max_leaf_nodes=max_leaf_nodes,
        random_state=seed,
    )


# Values worth trying for the arguments above, when the pipeline searches for better ones.
SEARCH_SPACE: dict[str, list[Any]] = {
    "learning_rate": [0.03, 0.1, 0.3],
    "max_iter": [50, 100, 200],
    "max_leaf_nodes": [15, 31, 63],
}

# What a model file may hold beyond scikit-learn's and NumPy's well-known types.
TRUSTED_TYPES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]

METRIC = "absolute_error_minutes"
LOWER_IS_BETTER = True


def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """One score per row, in minutes. The metric is their mean, over all rows or over a slice."""
    return np.abs(actual - predicted)


def baseline(target: np.ndarray) -> Any:
    """The constant that scores best without looking at any feature: the median duration."""
    return np.median(target)


def slices(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The groups in which the model must be good too: for each kind, the group of every row."""
    hour = features(rows)["hour"]
    distance = features(rows)["distance_miles"]
    times = [hour < 6, hour < 10, hour < 16, hour < 20]
    return {
        "time of day": np.select(times, ["night", "morning", "midday", "evening"], "late"),
        "distance": np.select([distance < 1, distance < 4], ["short", "medium"], "long"),
    }
