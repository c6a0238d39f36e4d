"""Scores of predictions that the service did not score when their ground truth arrived."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .. import problem
from ..evaluate import row_scores
from ..serving.records import Outcome, Score
from ..serving.store import Store

AT_ONCE = 5_000


def metric_name() -> str:
    """Return the name of the metric for people, with `problem.UNIT` if there is one."""
    name, unit = problem.METRIC.replace("_", " "), getattr(problem, "UNIT", None)
    return f"{name} ({unit})" if unit else name


def score_missing(store: Store) -> None:
    """Write the missing scores of predictions with ground truth to the prediction log."""
    while outcomes := store.unscored(AT_ONCE):
        scores = scores_of(outcomes)
        store.write_scores(scores)
        if not scores or len(outcomes) < AT_ONCE:
            return


def scores_of(outcomes: Sequence[Outcome]) -> list[Score]:
    """Return the scores by `problem.score_rows`; outcomes that it cannot score are left out."""
    try:
        scores = all_scores_of(outcomes)
    except Exception:  # a value of an unexpected type; user code may raise anything
        half = len(outcomes) // 2
        return scores_of(outcomes[:half]) + scores_of(outcomes[half:]) if half else []
    return [one for one in scores if np.isfinite(one.score)]


def all_scores_of(outcomes: Sequence[Outcome]) -> list[Score]:
    """Return the scores of all outcomes, computed at once."""
    made = [outcome.prediction for outcome in outcomes]
    actual, rows = np.array([o.actual for o in outcomes]), pd.DataFrame([m.row for m in made])
    scores = row_scores(actual, np.array([m.prediction for m in made]), rows)
    shadow = np.full(len(made), np.nan)
    where = np.flatnonzero([m.shadow_version is not None for m in made])
    if where.size:
        predicted = np.array([made[i].shadow_prediction for i in where])
        shadow[where] = row_scores(actual[where], predicted, rows.iloc[where])
    return [
        Score(m.id, float(score), float(other) if np.isfinite(other) else None)
        for m, score, other in zip(made, scores, shadow, strict=True)
    ]
