"""Check 1.3: SCHEMA refuses rides that are longer than any in this city."""

from typing import Any


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return distances, and whether the schema must refuse them."""
    limit = variant["longest_miles"]
    return [
        case([1.5, limit], "valid"),
        case([1.5, limit + 1], "distance_miles is refused"),
    ]


def case(miles: list[float], expected: str) -> dict[str, Any]:
    """Return a case: rides of these distances."""
    did = f"SCHEMA.validate(rides) of rides with {' and '.join(map(str, miles))} miles"
    return {"did": did, "given": miles, "expected": expected}


def observe(given: list[float]) -> str:
    """Validate rides of these distances."""
    import importlib
    from pathlib import Path

    import pandera.errors

    package = next(Path("src").glob("*/problem.py")).parent.name
    problem = importlib.import_module(f"{package}.problem")
    rides = problem.sample().head(len(given)).assign(distance_miles=given)
    try:
        found = problem.SCHEMA.validate(rides)
    except pandera.errors.SchemaError as error:
        return f"{error.schema.name} is refused"
    return "valid" if len(found) == len(given) else "rows are dropped"
