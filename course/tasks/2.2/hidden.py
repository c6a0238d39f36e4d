"""Hidden tests of 2.2."""

from random import Random
from typing import Any

NAN, INF = float("nan"), float("inf")


def cases(variant: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return scores that are no numbers, and close ones."""
    random, margin = Random(seed), variant["margin"]
    champion = round(random.uniform(2, 9), 3)
    rules = [
        (NAN, None, False),
        (INF, 4.0, False),
        (3.0, NAN, False),
        (-INF, 4.0, False),
        (champion * (1 - 1.1 * margin), champion, True),
        (champion * (1 - 0.9 * margin), champion, False),
    ]
    return [
        {"did": "should_promote of other scores", "given": [a, b, margin], "expected": expected}
        for a, b, expected in rules
    ]
