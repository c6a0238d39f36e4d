"""The problem: predict the duration of a taxi ride from what is known before it starts.

This is the one file to rewrite for a problem of your own; everything else in the project imports
it. `docs/another-problem.md` describes each name and shows another one.

    TASK                    regression or classification
    load, SCHEMA, sample    where rows come from, what a valid row is, synthetic rows for tests
    TARGET, TIME            the column to predict, and the one that orders rows in time (or None)
    features                the columns that the model gets
    build_model             the model, not fitted; SEARCH_SPACE has hyperparameters to try
    METRIC, score_rows      the metric that decides, and the score of each row
    slices                  groups of rows in which the model must be good, too
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow.parquet as pq
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

DATA = Path("data")
TASK = "regression"
TARGET = "duration_minutes"
TIME: str | None = "pickup_time"

# A zone is a category, although the TLC writes it as a number: zone 8 is not twice zone 4.
ZONES = ["pickup_zone", "dropoff_zone"]
ZONE = pa.Check.str_matches(r"^[1-9]\d{0,2}$")
SCHEMA = pa.DataFrameSchema(
    {
        "pickup_time": pa.Column("datetime64[ns]"),
        "pickup_zone": pa.Column("str", ZONE),
        "dropoff_zone": pa.Column("str", ZONE),
        "distance_miles": pa.Column("float64", pa.Check.in_range(0, 100)),
        "duration_minutes": pa.Column("float64", pa.Check.in_range(1, 180)),
    },
    coerce=True,
    strict="filter",
)

# The columns of a file of TLC trip records that are used, and their names here.
TLC_COLUMNS = {
    "lpep_pickup_datetime": "pickup_time",
    "tpep_pickup_datetime": "pickup_time",
    "lpep_dropoff_datetime": "dropoff_time",
    "tpep_dropoff_datetime": "dropoff_time",
    "PULocationID": "pickup_zone",
    "DOLocationID": "dropoff_zone",
    "trip_distance": "distance_miles",
}


def load(start: date | None = None, end: date | None = None) -> pd.DataFrame:
    """Load the rides picked up from `start` up to `end`, excluding it; by default all.

    They come from the TLC files in `data/`; if there are none, they are synthetic. The index has
    the file and the row in it, counted from 0, so that an invalid row can be found.
    """
    files = sorted([*DATA.glob("*.parquet"), *DATA.glob("*.csv")])
    if files:
        rides = pd.concat([read_trips(file) for file in files], keys=[file.name for file in files])
    else:
        rides = pd.concat([sample()], keys=["sample rides"])
    rides.index.names = ["file", "row"]
    pickup_time = rides["pickup_time"]
    if start is not None:
        rides = rides[pickup_time >= pd.Timestamp(start)]
    if end is not None:
        rides = rides[pickup_time < pd.Timestamp(end)]
    return rides


def read_trips(file: Path) -> pd.DataFrame:
    """Read a file of TLC trip records, without the rides that the meter recorded wrongly.

    A ride of less than a minute, more than three hours or more than 100 miles is a meter left
    running or a wrong clock. Missing and unreadable values stay, for validation to report.
    """
    if file.suffix == ".parquet":
        present = [name for name in pq.read_schema(file).names if name in TLC_COLUMNS]
        trips = pd.read_parquet(file, columns=present)
    else:
        trips = pd.read_csv(file, usecols=lambda name: name in TLC_COLUMNS)
    trips = trips.rename(columns=TLC_COLUMNS)
    missing = sorted({*TLC_COLUMNS.values()} - {*trips.columns})
    if missing:
        raise ValueError(f"{file} is not a file of TLC trip records: it lacks {', '.join(missing)}")
    pickup_time = read_times(trips["pickup_time"], file)
    duration = (read_times(trips["dropoff_time"], file) - pickup_time) / pd.Timedelta(minutes=1)
    is_wrong = (duration < 1) | (duration > 180) | (trips["distance_miles"] > 100)
    rides = trips.assign(pickup_time=pickup_time, duration_minutes=duration)
    for name in ZONES:  # a missing one makes all of them floats, which would be "74.0"
        rides[name] = rides[name].astype("Int64").astype("str")
    return rides.drop(columns="dropoff_time")[~is_wrong]


def read_times(column: pd.Series, file: Path) -> pd.Series:
    """Read local times; refuse one with a time zone, because the others' clock is another one."""
    text = column.head(1) if pd.api.types.is_datetime64_any_dtype(column) else column
    has_zone = text.astype(str).str.contains(r"\d\d:\d\d.*(?:Z|[+-]\d\d:?\d\d)$")
    if has_zone.any():
        row = has_zone.idxmax()
        raise ValueError(f"{file}: row {row}: {column.name} {text[row]} has a time zone; remove it")
    return pd.to_datetime(column, errors="coerce")


def sample(
    first: date = date(2025, 1, 1), days: int = 60, rides_per_day: int = 170, seed: int = 0
) -> pd.DataFrame:
    """Generate synthetic rides, the same on every machine: a city of 40 zones, a rush hour."""
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
            "pickup_zone": (pickup + 1).astype(str),
            "dropoff_zone": (dropoff + 1).astype(str),
            "distance_miles": distance.round(2),
            "duration_minutes": minutes.clip(1, 180).round(2),
        }
    )
    return rides.sort_values("pickup_time", ignore_index=True)


def features(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the features, an array of shape (rows,) each; all are known before the ride starts.

    `rows` is a table, or another mapping from column names to values. Only NumPy is used, so that
    the same code serves a month of rides and a single request. Encoding is part of the model.
    """
    pickup_time = np.asarray(rows["pickup_time"], dtype="datetime64[m]")
    day = pickup_time.astype("datetime64[D]")
    return {
        "pickup_zone": np.asarray(rows["pickup_zone"], dtype=object),
        "dropoff_zone": np.asarray(rows["dropoff_zone"], dtype=object),
        "distance_miles": np.asarray(rows["distance_miles"], dtype=float),
        "hour": (pickup_time - day).astype(float) / 60,
        "weekday": (day.astype(int) + 3.0) % 7,  # Monday is 0; day 0, 1970-01-01, was a Thursday
    }


def build_model(
    learning_rate: float = 0.1, max_iter: int = 100, max_leaf_nodes: int = 31, seed: int = 0
) -> Pipeline:
    """Build gradient-boosted trees that minimise the absolute error, the metric."""
    zones = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    trees = HistGradientBoostingRegressor(
        loss="absolute_error",
        learning_rate=learning_rate,
        max_iter=max_iter,
        max_leaf_nodes=max_leaf_nodes,
        random_state=seed,
    )
    encode = ColumnTransformer([("zones", zones, ZONES)], remainder="passthrough")
    return Pipeline([("encode", encode), ("trees", trees)])


# Hyperparameters to try when the pipeline searches for better ones than the defaults: lists of
# values, or distributions, such as optuna.distributions.FloatDistribution(0.01, 1, log=True).
SEARCH_SPACE: dict[str, Any] = {
    "learning_rate": [0.03, 0.1, 0.3],
    "max_iter": [50, 100, 200],
    "max_leaf_nodes": [15, 31, 63],
}

# Types in a model file that neither skops nor model_file.py knows.
TRUSTED_TYPES: list[str] = []

METRIC = "MAE"
LOWER_IS_BETTER = True


def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the absolute error of each row, in minutes; the metric is the mean."""
    return np.abs(actual - predicted)


def baseline(target: np.ndarray) -> Any:
    """Return the constant prediction with the best metric: the median."""
    return np.median(target)


def slices(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the group of every row, for each kind of slice."""
    hour = features(rows)["hour"]
    distance = features(rows)["distance_miles"]
    times = [hour < 6, hour < 10, hour < 16, hour < 20]
    return {
        "time of day": np.select(times, ["night", "morning", "midday", "evening"], "late"),
        "distance": np.select([distance < 1, distance < 4], ["short", "medium"], "long"),
    }
