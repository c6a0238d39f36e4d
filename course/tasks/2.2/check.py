"""Check 2.2: the rule by which a challenger becomes the champion."""

from typing import Any


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return scores, and whether the challenger is promoted."""
    margin = variant["margin"]
    return [
        case(3.0, None, margin, True),
        case(3.0, 4.0, margin, True),
        case(4.0, 3.0, margin, False),
        case(4.0 * (1 - margin / 2), 4.0, margin, False),
        case(float("nan"), 4.0, margin, False),
    ]


def case(
    challenger: float, champion: float | None, margin: float, expected: bool
) -> dict[str, Any]:
    """Return a case: two scores and the margin."""
    given = [challenger, champion, margin]
    did = f"should_promote(challenger={challenger}, champion={champion}, margin={margin})"
    return {"did": did, "given": given, "expected": expected}


def observe(given: list[Any]) -> bool:
    """Return the decision."""
    from exercises.promotion import should_promote

    return bool(should_promote(*given))
