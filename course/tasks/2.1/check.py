"""Check 2.1: METRICS in problem.py has `share_within`, which every run then tracks."""

from typing import Any


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return errors in minutes, and the share within the limit of this course."""
    limit = variant["within_minutes"]
    return [
        {
            "did": f"METRICS['share_within'], within {limit} minutes, of errors {list(errors)}",
            "given": errors,
            "expected": share,
        }
        for errors, share in {(0, limit, limit + 1, 40): 0.5, (-limit, limit - 1): 1.0}.items()
    ]


def observe(given: list[float]) -> float:
    """Return the metric for predictions with these errors."""
    import importlib
    from pathlib import Path

    import numpy as np

    package = next(Path("src").glob("*/problem.py")).parent.name
    problem = importlib.import_module(f"{package}.problem")
    actual = np.full(len(given), 50.0)
    return float(problem.METRICS["share_within"](actual, actual + np.array(given, dtype=float)))
