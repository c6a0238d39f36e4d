"""The `problem.py` of a repository that brought no data: it ends each command with one sentence."""

STUB = '''\
"""The problem: not written yet.

Everything else in the package imports this file. `docs/another-problem.md` describes each name and
shows a whole file. The tests of the level are skipped until TO_WRITE is gone.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pandera.pandas as pa

TO_WRITE = (
    "{path} is not written yet:"
    " say in it what to predict and from which rows, as docs/another-problem.md shows"
)
TASK = "regression"
TARGET = "target"
TIME: str | None = None
SCHEMA = pa.DataFrameSchema({{TARGET: pa.Column("float64")}}, coerce=True, strict="filter")
SEARCH_SPACE: dict[str, Any] = {{}}
TRUSTED_TYPES: list[str] = []
METRIC = "MAE"
LOWER_IS_BETTER = True


def refuse() -> NoReturn:
    """End the command with the sentence alone; an exception of another kind would add to it."""
    raise SystemExit(f"error: {{TO_WRITE}}")


def load(start: date | None = None, end: date | None = None) -> pd.DataFrame:
    """Load the rows from `start` up to `end`, excluding it; by default all."""
    refuse()


def features(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the columns that the model gets."""
    refuse()


def build_model(seed: int = 0) -> Any:
    """Build the model, not fitted."""
    refuse()


def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the score of each row."""
    refuse()


def baseline(target: np.ndarray) -> Any:
    """Return the best constant prediction."""
    refuse()


def slices(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return groups of rows in which the model must be good, too."""
    return {{}}
'''

SKIP = '''

def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of the level while problem.py is not written."""
    reason, here = getattr(problem, "TO_WRITE", None), Path(__file__).parent
    for item in items:
        if reason and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say why they are skipped."""
    if reason := getattr(problem, "TO_WRITE", None):
        terminalreporter.write_line(f"The tests of the level are skipped: {reason}")
'''


def stub(path: str) -> bytes:
    """Return a `problem.py` that says that it has to be written."""
    return STUB.format(path=path).encode()


def with_skips(conftest: bytes) -> bytes:
    """Let the tests of the level be skipped while `problem.py` is the stub."""
    imports = "from pathlib import Path\n"
    text = conftest.decode().replace(imports, f"{imports}from typing import Any\n", 1)
    return (text + SKIP).encode()
