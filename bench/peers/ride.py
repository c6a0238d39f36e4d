"""The example's request for FastAPI, and the model's features."""

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
    """A row, which FastAPI validates with pydantic."""

    pickup_time: datetime
    pickup_zone: str
    dropoff_zone: str
    distance_miles: float


def features_of(ride: Ride) -> dict[str, Any]:
    """Return an array of shape (1,) for each feature."""
    return features({name: np.array([value]) for name, value in asdict(ride).items()})
