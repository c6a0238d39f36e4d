"""Check 4.2: days of alarm, and the days on which a retraining starts."""

from typing import Any


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return days of alarm as 0 and 1, and the days of the retrainings."""
    cooldown = variant["cooldown_days"]
    return [
        case("0110110", cooldown, []),
        case("00111000", cooldown, [4]),
        case("1" * (4 + cooldown), cooldown, [2, 3 + cooldown]),
    ]


def case(days: str, cooldown: int, expected: list[int]) -> dict[str, Any]:
    """Return a case: one digit a day, 1 for an alarm."""
    did = f"retrainings(alarms, cooldown={cooldown}), alarms {days}"
    return {"did": did, "given": [days, cooldown], "expected": expected}


def observe(given: list[Any]) -> list[int]:
    """Return the days on which a retraining starts."""
    from exercises.policy import retrainings

    days, cooldown = given
    return [int(day) for day in retrainings([day == "1" for day in days], cooldown)]
