"""Hidden tests of 1.1."""

from random import Random
from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return pickups at all hours, as a table and as a request with several rows."""
    random = Random(seed)
    times = [
        f"2025-04-{random.randrange(1, 29):02}T{hour:02}:{random.randrange(60):02}:00"
        for hour in range(24)
    ]
    night = [float(h >= variant["night_from"] or h < variant["night_until"]) for h in range(24)]
    return [
        {"did": f"features of a {kind} at all hours", "given": [kind, times], "expected": night}
        for kind in ("table", "request")
    ]
