"""Hidden tests of 4.2."""

from random import Random
from typing import Any


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return long alarms, broken ones, none, and a year of random days."""
    random = Random(seed)
    year = "".join(random.choice("0111") for _ in range(365))
    rules = [("1" * 30, 10), ("110" * 20, 3), ("0" * 40, 3), (year, 14)]
    return [
        {"did": "retrainings of other days", "given": [days, n], "expected": expected(days, n)}
        for days, n in rules
    ]


def expected(days: str, cooldown: int) -> list[int]:
    """Return the starts, by looking back from each day."""
    starts = [-cooldown - 1]
    for day in range(2, len(days)):
        if days[day - 2 : day + 1] == "111" and day > starts[-1] + cooldown:
            starts.append(day)
    return starts[1:]
