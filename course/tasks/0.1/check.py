"""Check 0.1: the duration of rides of 30 seconds, over midnight, and of more than a day."""

from typing import Any


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rides and their durations."""
    day = variant["first_day"]
    return [
        ride("of half a minute", f"{day} 10:00:00", f"{day} 10:00:30", 0.5),
        ride("of an hour and a half", f"{day} 10:00:00", f"{day} 11:30:00", 90),
        ride("of more than a day", "2025-03-01 10:00:00", "2025-03-02 11:00:00", 1500),
    ]


def ride(what: str, pickup: str, dropoff: str, minutes: float) -> dict[str, Any]:
    """Return the case of a ride."""
    return {
        "did": f"duration_minutes of a ride {what}, {pickup} to {dropoff}",
        "given": [[pickup], [dropoff]],
        "expected": [minutes],
    }


def observe(given: list[list[str]]) -> list[float]:
    """Return the durations of rides."""
    import pandas as pd

    from exercises.duration import duration_minutes

    pickup, dropoff = (pd.to_datetime(pd.Series(times)) for times in given)
    return [float(value) for value in duration_minutes(pickup, dropoff)]
