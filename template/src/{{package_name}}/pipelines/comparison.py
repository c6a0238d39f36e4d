"""Compare a challenger with the champion on the same rows, which neither was trained on."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from .. import problem
from ..dataset import Split, split_rows, validate_rows
from ..errors import UserError
from ..evaluate import baseline_scores, row_scores, scores_of
from ..predict import predict
from ..trained_model import TrainedModel
from .gate import Scores
from .registry import champion, load_model


@dataclass(frozen=True)
class Origin:
    """The time of a model's newest training row, and the share of rows that was its test set."""

    trained_until: str
    test_share: float


def origin(version: ModelVersion) -> Origin:
    """Return the origin that the version's tags record."""
    return Origin(version.tags["trained_until"], float(version.tags["test_share"]))


def fresh_split(rows: pd.DataFrame, test_share: float, *models: Origin) -> Split:
    """Return a split whose test rows, perhaps none, are new to all the models."""
    share = min([test_share, *(model.test_share for model in models)])
    split = split_rows(rows, share if problem.TIME is None else test_share)
    if problem.TIME is None:
        return split
    newest = max(pd.Timestamp(model.trained_until) for model in models)
    return Split(train=split.train, test=split.test[split.test[problem.TIME] > newest])


def compare(
    client: MlflowClient,
    model: TrainedModel,
    model_origin: Origin,
    rows: pd.DataFrame,
    reload: Callable[[], pd.DataFrame],
    with_champion: bool = True,
) -> tuple[Scores, pd.DataFrame]:
    """Score the model, the baseline and any champion on the fresh rows.

    Each model computes its features with its own `problem.py`; the present one scores them all.

    `reload` loads the rows as they were before validation, for a champion with another schema. The
    fresh rows are returned with the scores, one for each of them.
    """
    rival = champion(client) if with_champion else None
    origins = [model_origin] if rival is None else [model_origin, origin(rival)]
    split = fresh_split(rows.reset_index(drop=True), model_origin.test_share, *origins)
    fresh = rows.iloc[split.test.index]
    scores = Scores(scores_of(model, fresh), baseline_scores(split.train, fresh), None)
    if rival is None:
        return scores, fresh
    try:
        own = load_model(rival)
        rows_of_champion = fresh
        if own.problem.SCHEMA != problem.SCHEMA:
            if problem.TIME is None:
                raise UserError("problem.SCHEMA has changed, which selects another test set")
            raw = reload().iloc[split.test.index]
            rows_of_champion = validate_rows(raw, with_target=False, problem=own.problem)
        predicted = predict(own, rows_of_champion)
        actual = fresh[problem.TARGET].to_numpy()
        return replace(scores, champion=row_scores(actual, predicted, fresh)), fresh
    except (UserError, IndexError) as error:
        failure = f"the champion, version {rival.version}, cannot be scored: {error}"
        return replace(scores, failure=failure), fresh
