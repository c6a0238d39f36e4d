"""Explain a model by its features: `make explain`, and for one row of the test set `ROW=3`."""

import argparse

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance

from .. import problem
from ..dataset import load_rows, split_rows, validate_rows
from ..errors import UserError, run
from ..evaluate import row_scores
from ..predict import predict
from ..trained_model import TrainedModel, classes_of
from . import registry
from .parameters import read_params
from .tracking import tracking_store

MOST_ROWS = 1000  # more rows take longer and change little
REPEATS = 5


def feature_importance(model: TrainedModel, rows: pd.DataFrame) -> pd.DataFrame:
    """Return by how much the metric gets worse if the values of a feature are shuffled."""
    rows = rows.head(MOST_ROWS)
    features, actual = model.features(rows), rows[problem.TARGET].to_numpy()
    sign = -1 if problem.LOWER_IS_BETTER else 1

    def score(_: object, shuffled: pd.DataFrame, __: object) -> float:
        return sign * float(row_scores(actual, model.predict_features(shuffled), rows).mean())

    found = permutation_importance(
        model.estimator, features, actual, scoring=score, n_repeats=REPEATS, random_state=0
    )
    table = {"mean": found.importances_mean, "std": found.importances_std}
    return pd.DataFrame(table, index=features.columns).sort_values("mean", ascending=False)


def contributions(model: TrainedModel, rows: pd.DataFrame, at: int) -> pd.DataFrame:
    """Return how the prediction for a row depends on the value of each feature."""
    features = model.features(rows.head(MOST_ROWS))
    row = model.features(rows.iloc[[at]])
    predicted = model.predict_features(row)
    column = None if classes_of(model.problem) is None else int(predicted[0].argmax())
    effects = {}
    for name in features:
        replaced = pd.concat([row] * len(features), ignore_index=True)
        replaced[name] = features[name].to_numpy()
        others = model.predict_features(replaced)
        difference = predicted[0] - others.mean(axis=0)
        effects[name] = difference if column is None else difference[column]
    table = pd.DataFrame({"value": row.iloc[0], "effect": pd.Series(effects)})
    return table.sort_values("effect", key=np.abs, ascending=False)


def main() -> None:
    """Print the importance of the features, or what contributes to one prediction."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="the number of a version; by default the champion")
    parser.add_argument("--row", type=int, help="the position of a row in the test set, from 0")
    arguments = parser.parse_args()
    params = read_params()
    with tracking_store() as client:
        version = registry.champion_or(client, arguments.version)
        model = registry.load_model(version)
    rows = validate_rows(load_rows(params.data.start, params.data.end))
    test = split_rows(rows, params.split.test_share).test
    if arguments.row is None:
        print(f"version {version.version}: {problem.METRIC} gets worse by")
        print(feature_importance(model, test).round(4).to_string())
        return
    if not 0 <= arguments.row < len(test):
        raise UserError(f"ROW={arguments.row}: the test set has rows 0 to {len(test) - 1}")
    row = test.iloc[[arguments.row]]
    print(row.T.to_string(header=False))
    print(f"version {version.version} predicts {predict(model, row)[0]}; the effect of each value:")
    print(contributions(model, test, arguments.row).to_string())


if __name__ == "__main__":
    run(main)
