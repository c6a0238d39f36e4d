"""Hidden tests of 1.3."""

from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return distances around both limits."""
    limit = variant["longest_miles"]
    rules = {(0.0, float(limit)): "valid", (limit + 0.01, 2.0): "", (2.0, -0.01): ""}
    return [
        {
            "did": "SCHEMA.validate(rides) around both limits",
            "given": list(miles),
            "expected": expected or "distance_miles is refused",
        }
        for miles, expected in rules.items()
    ]
