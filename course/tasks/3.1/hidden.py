"""Hidden tests of 3.1."""

from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return few slow requests for long, and many for a short time."""
    limit = variant["objective_ms"]
    rules = [([limit, 0.02, 30], "fires"), ([limit, 0.6, 3], "is quiet")]
    return [
        {
            "did": "promtool test rules with other series",
            "given": given,
            "expected": f"SlowPredictions {word}",
        }
        for given, word in rules
    ]
