"""Check 1.2: your tests pass with your `features`, and fail with versions that are wrong."""

from pathlib import Path
from typing import Any

LOOK = "tests/test_features.py"


def cases(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the right version, and one in which a feature is wrong."""
    return [
        case("your own version of features", {}, "passed"),
        case(
            "a version in which distance_miles is in kilometres",
            {"distance_miles": [1.609, 0]},
            "failed",
        ),
    ]


def case(what: str, changes: dict[str, list[float]], expected: str) -> dict[str, Any]:
    """Return a case: each feature named in `changes` is multiplied and shifted."""
    return {"did": f"run {LOOK} with {what}", "given": changes, "expected": expected}


def observe(given: dict[str, list[float]]) -> str:
    """Run the tests with a version of `features`, and return whether they pass."""
    import contextlib
    import importlib
    import io
    import os
    import sys

    import numpy as np
    import pytest

    if not Path(LOOK).exists():
        return "there are no tests"
    package = next(Path("src").glob("*/problem.py")).parent.name
    problem = importlib.import_module(f"{package}.problem")
    right = problem.features

    def changed(rows: Any) -> dict[str, Any]:
        found = dict(right(rows))
        for name, (factor, shift) in given.items():
            values = found[name]
            numbers = values.dtype.kind in "fiub"
            found[name] = values * factor + shift if numbers else np.roll(values, int(shift))
        return found

    for name in [name for name in sys.modules if name.endswith("test_features")]:
        del sys.modules[name]
    problem.features = changed
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = [
        "-q",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        "-o",
        "addopts=",
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        code = pytest.main([*options, LOOK])
    problem.features = right
    return {0: "passed", 1: "failed", 5: "there are no tests"}.get(
        int(code), "the tests do not run"
    )
