"""Hidden tests of 0.1."""

from datetime import datetime, timedelta
from random import Random
from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return many rides at once: over midnight, of several days, and with a broken clock."""
    random, start = Random(seed), datetime(2025, 2, 27, 23, 50)
    kinds = {"over midnight": (0, 7_200), "of days": (86_400, 400_000), "backwards": (-9_000, 0)}
    found = []
    for kind, limits in kinds.items():
        pickups = [start + timedelta(seconds=random.randrange(86_400)) for _ in range(20)]
        seconds = [random.randrange(*limits) for _ in pickups]
        dropoffs = [one + timedelta(seconds=s) for one, s in zip(pickups, seconds, strict=True)]
        found.append(
            {
                "did": f"duration_minutes of 20 rides {kind}",
                "given": [[str(one) for one in pickups], [str(one) for one in dropoffs]],
                "expected": [one / 60 for one in seconds],
            }
        )
    return found
