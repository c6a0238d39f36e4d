"""A request of the example's, as people declare it for FastAPI, and the features of the model."""

import os
import runpy
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

BUNDLE = Path(os.environ["BUNDLE"])
features = runpy.run_path(str(BUNDLE / "request_time.py"))["features"]


@dataclass
class Ride:
    """FastAPI has pydantic validate it."""

    pickup_time: datetime
    pickup_zone: int
    dropoff_zone: int
    distance_miles: float


def features_of(ride: Ride) -> dict[str, Any]:
    """An array of shape (1,) for each feature."""
    return features({name: np.array([value]) for name, value in asdict(ride).items()})
