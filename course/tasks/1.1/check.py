"""Check 1.1: `features` in problem.py has `night`, 1.0 for pickups at night and 0.0 by day."""

from pathlib import Path
from typing import Any


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return pickups around the ends of the night, as a table and as a request."""
    start, end = variant["night_from"], variant["night_until"]
    times = [f"2025-03-05T{start - 1}:59:00", f"2025-03-05T{start}:00:00", "2025-03-06T00:30:00"]
    times += [f"2025-03-06T0{end - 1}:59:00", f"2025-03-06T0{end}:00:00"]
    night = f"features(rows)['night'], night from {start}:00 to before {end}:00"
    expected = [0.0, 1.0, 1.0, 1.0, 0.0]
    return [
        {
            "did": f"{night}, of a table with {times}",
            "given": ["table", times],
            "expected": expected,
        },
        {
            "did": f"{night}, of a request at 00:30",
            "given": ["request", times[2:3]],
            "expected": [1.0],
        },
    ]


def observe(given: list[Any]) -> list[float]:
    """Return the feature for rides at these times."""
    import importlib

    import numpy as np
    import pandas as pd

    package = next(Path("src").glob("*/problem.py")).parent.name
    problem = importlib.import_module(f"{package}.problem")
    kind, times = given
    rows = {
        "pickup_time": np.array(times, dtype="datetime64[us]"),
        "pickup_zone": np.array(["7"] * len(times), dtype=object),
        "dropoff_zone": np.array(["9"] * len(times), dtype=object),
        "distance_miles": np.full(len(times), 2.5),
    }
    found = problem.features(pd.DataFrame(rows) if kind == "table" else rows)
    return [float(value) for value in found["night"]]
