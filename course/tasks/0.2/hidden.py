"""Hidden tests of 0.2."""

from random import Random
from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return rides in no order, with other limits, also a month of odd rides alone."""
    random = Random(seed)
    found = []
    for what, limits in {"of all durations": (0, 240), "that are all short": (0, 9)}.items():
        low, high = random.randrange(2, 5), random.randrange(30, 150)
        minutes: list[float | None] = [random.randrange(*limits) for _ in range(60)]
        minutes[7] = minutes[31] = None
        kept = [i for i, one in enumerate(minutes) if one is not None and low <= one <= high]
        given = [minutes, low, high]
        found.append({"did": f"valid_rides of 60 rides {what}", "given": given, "expected": kept})
    return found
