"""Hidden tests of 0.3."""

from random import Random
from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return eleven days of rides in no order, with many ties at the cut."""
    random = Random(seed)
    times = [
        f"2025-03-{day:02} {random.choice(['00:00:00', '12:30:00'])}" for day in range(1, 12)
    ] * 9
    random.shuffle(times)
    cut = f"2025-03-{random.randrange(4, 9):02} 00:00:00"
    sets = [
        [i for i, time in enumerate(times) if time < cut],
        [i for i, time in enumerate(times) if time >= cut],
    ]
    return [{"did": "split of 99 rides in no order", "given": [times, cut], "expected": sets}]
