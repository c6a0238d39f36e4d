"""Hidden tests of 4.1: twenty seeds of fresh rows, shifts and spreads."""

from random import Random
from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return samples that have not drifted, or have moved or spread, with or without empty bins."""
    random = Random(seed)
    kinds = [
        (0, 1, [0, 0.1]),
        (0.8, 1, [0.3, 3]),
        (0, 2, [0.3, 3]),
        (0, 0.3, [0.5, 6]),
        (-8, 0.1, [3, 20]),
    ]
    return [
        {
            "did": "psi of other samples",
            "given": [random.randrange(10**6), shift, spread, False],
            "expected": allowed,
        }
        for shift, spread, allowed in kinds
    ]
