"""Train a model on the problem's rows and keep it as a new version: `make train`."""

from typing import Any

import pandas as pd

from . import model_file, problem
from .dataset import load_rows, split_rows, validate_rows
from .errors import run
from .evaluate import evaluate
from .lineage import data_version, environment, git_commit


def fit(rows: pd.DataFrame, **params: Any) -> Any:
    """The problem's model, fitted to the rows."""
    model = problem.build_model(**params)
    return model.fit(pd.DataFrame(problem.features(rows)), rows[problem.TARGET].to_numpy())


def main() -> None:
    rows = validate_rows(load_rows())
    split = split_rows(rows)
    model = fit(split.train)
    evaluation = evaluate(model, split.train, split.test)
    path = model_file.save(
        model,
        {
            "metrics": evaluation.metrics(),
            "train_rows": len(split.train),
            "test_rows": len(split.test),
            "data_version": data_version(rows),
            "git_commit": git_commit(),
            "environment": environment(),
        },
        model_file.MODELS,
    )
    print(f"trained on {len(split.train)} rows, judged by {len(split.test)} held-out ones")
    for name, value in evaluation.metrics().items():
        print(f"  {name:45} {value:10.4f}")
    print(f"wrote {path}")


if __name__ == "__main__":
    run(main)
