"""Check 4.1: PSI of the same rows, of a fresh sample, and of drifted ones."""

from typing import Any


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return samples by their seed, shift and spread, and the range of the PSI."""
    return [
        case("of the same rows", 1, 0, 1, [0, 1e-9], same=True),
        case("of a fresh sample", 2, 0, 1, [0, 0.1]),
        case("of rows that moved by one standard deviation", 3, 1, 1, [0.5, 5]),
        case("of rows that all lie in one bin", 4, 9, 0.01, [3, 20]),
    ]


def case(
    what: str, seed: int, shift: float, spread: float, allowed: list[float], same: bool = False
) -> dict[str, Any]:
    """Return a case: how the current sample differs from the reference."""
    given = [seed, shift, spread, same]
    return {"did": f"psi(reference, current) {what}", "given": given, "expected": allowed}


def judge(case: dict[str, Any], value: Any) -> str | None:
    """Return the value if it is out of the range."""
    low, high = case["expected"]
    return None if isinstance(value, float) and low - 1e-9 <= value <= high else str(value)


def observe(given: list[Any]) -> float:
    """Return the PSI of two samples."""
    import numpy as np

    from exercises.drift import psi

    seed, shift, spread, same = given
    rng = np.random.default_rng(seed)
    reference = rng.normal(size=2_000)
    current = reference if same else shift + spread * rng.normal(size=1_000)
    return float(psi(reference, current))
