"""Hidden tests of 2.1."""

from random import Random
from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return many errors in both directions, and none that is small."""
    random, limit = Random(seed), variant["within_minutes"]
    many = [round(random.uniform(-3 * limit, 3 * limit), 2) for _ in range(200)]
    return [
        {
            "did": "METRICS['share_within'] of other errors",
            "given": errors,
            "expected": sum(abs(error) <= limit for error in errors) / len(errors),
        }
        for errors in (many, [-limit - 1, limit + 1, 3 * limit])
    ]
