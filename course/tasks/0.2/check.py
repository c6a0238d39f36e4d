"""Check 0.2: rides at the limits, beyond them, and without a duration."""

from typing import Any


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rides and which of them are valid by the limits of this course."""
    low, high = variant["shortest_minutes"], variant["longest_minutes"]
    return [
        case(
            "at and beyond the limits", low, high, [low - 0.1, low, 20, high, high + 0.1], [1, 2, 3]
        ),
        case("without a duration", low, high, [10, None, 12], [0, 2]),
    ]


def case(
    what: str, low: float, high: float, minutes: list[float | None], kept: list[int]
) -> dict[str, Any]:
    """Return a case: durations, and the rows that are valid."""
    return {
        "did": f"valid_rides of rides {what}, from {low} to {high} minutes: {minutes}",
        "given": [minutes, low, high],
        "expected": kept,
    }


def observe(given: list[Any]) -> list[int]:
    """Return the row numbers of the valid rides."""
    import pandas as pd

    from exercises.filter import valid_rides

    minutes, low, high = given
    rides = pd.DataFrame({"duration_minutes": pd.Series(minutes, dtype=float)})
    return [int(row) for row in valid_rides(rides, low, high).index]
