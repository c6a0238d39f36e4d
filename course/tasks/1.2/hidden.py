"""Hidden tests of 1.2: the right version, and five with one wrong feature, in a random order."""

from random import Random
from typing import Any

WRONG = {
    "hour": [1, 1],
    "weekday": [1, 1],
    "distance_miles": [0.5, 0],
    "pickup_zone": [1, 1],
    "dropoff_zone": [1, 1],
}


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return the versions; every wrong one must be found."""
    found = [{"did": "run the tests with your own version", "given": {}, "expected": "passed"}]
    for name, change in WRONG.items():
        did = "run the tests with a version that has a wrong feature"
        found.append({"did": did, "given": {name: change}, "expected": "failed"})
    Random(seed).shuffle(found)
    return found
