"""The importance of features: how much the metric depends on each of them."""

import pandas as pd
from sklearn.inspection import permutation_importance

from .. import problem
from ..evaluate import row_scores
from ..trained_model import TrainedModel

MOST_ROWS = 1000  # more rows take longer and change little


def feature_importance(model: TrainedModel, rows: pd.DataFrame) -> pd.DataFrame:
    """Return by how much the metric gets worse if the values of a feature are shuffled.

    The columns are the mean and the standard deviation over the repetitions.
    """
    rows = rows.head(MOST_ROWS)
    features, actual = model.features(rows), rows[problem.TARGET].to_numpy()
    sign = -1 if problem.LOWER_IS_BETTER else 1

    def score(_: object, shuffled: pd.DataFrame, __: object) -> float:
        return sign * float(row_scores(actual, model.predict_features(shuffled), rows).mean())

    found = permutation_importance(
        model.estimator, features, actual, scoring=score, n_repeats=5, random_state=0
    )
    table = {"mean": found.importances_mean, "std": found.importances_std}
    return pd.DataFrame(table, index=features.columns).sort_values("mean", ascending=False)
