"""Hidden tests of 3.2."""

from typing import Any

ROW = {
    "pickup_time": "2025-03-07T18:05:00",
    "pickup_zone": "12",
    "dropoff_zone": "3",
    "distance_miles": 2.2,
}


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return more rows than a list may have, and an invalid row among them."""
    rows = [{**ROW, "distance_miles": 0.5 + i / 500} for i in range(2300)]
    bad = [*rows[:1500], {**ROW, "distance_miles": None}, *rows[1500:1600]]
    return [
        {"did": "ask of 2,300 rows", "given": [variant["url"], rows], "expected": "as one by one"},
        {
            "did": "ask of 1,601 rows, one of them invalid",
            "given": [variant["url"], bad],
            "expected": "InvalidRowError that names distance_miles",
        },
    ]
