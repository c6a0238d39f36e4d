"""Check 0.3: rides in no order, some of them exactly at the cut."""

from typing import Any


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rides in no order, and the rows of each set."""
    day, before = variant["first_day"], "2024-12-31 23:59:59"
    times = [f"{day} 09:00:00", before, f"{day} 00:00:00", "2024-12-01 08:00:00", f"{day} 00:00:00"]
    return [
        {
            "did": f"split at {day} 00:00 of rides at {', '.join(times)}",
            "given": [times, day],
            "expected": [[1, 3], [0, 2, 4]],
        }
    ]


def observe(given: list[Any]) -> list[list[int]]:
    """Return the row numbers of both sets, in order."""
    import pandas as pd

    from exercises.split import split

    times, cut = given
    rides = pd.DataFrame({"pickup_time": pd.to_datetime(times)})
    return [sorted(int(row) for row in part.index) for part in split(rides, pd.Timestamp(cut))]
