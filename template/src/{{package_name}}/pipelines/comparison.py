"""Champion and challenger, scored on the same rows that neither has learned from."""

from dataclasses import dataclass

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from .. import problem
from ..dataset import Split, split_rows
from ..evaluate import baseline_scores, scores_of
from .gate import Scores
from .registry import champion, load_model


@dataclass(frozen=True)
class Origin:
    """How far a model's training rows reached, and which share of the rows was kept from it."""

    trained_until: str
    test_share: float


def origin(version: ModelVersion) -> Origin:
    """The origin that the version's tags record."""
    return Origin(version.tags["trained_until"], float(version.tags["test_share"]))


def fresh_split(rows: pd.DataFrame, test_share: float, *models: Origin) -> Split:
    """A split whose test rows, perhaps none, are new to all the models."""
    share = min([test_share, *(model.test_share for model in models)])
    split = split_rows(rows, share if problem.TIME is None else test_share)
    if problem.TIME is None:
        return split
    newest = max(pd.Timestamp(model.trained_until) for model in models)
    return Split(train=split.train, test=split.test[split.test[problem.TIME] > newest])


def compare(
    client: MlflowClient, model: object, model_origin: Origin, rows: pd.DataFrame
) -> tuple[Scores, pd.DataFrame]:
    """The scores of the model, of a constant and of the champion if any, and the fresh rows."""
    rival = champion(client)
    origins = [model_origin] if rival is None else [model_origin, origin(rival)]
    split = fresh_split(rows, model_origin.test_share, *origins)
    scores = Scores(
        challenger=scores_of(model, split.test),
        baseline=baseline_scores(split.train, split.test),
        champion=None if rival is None else scores_of(load_model(rival), split.test),
    )
    return scores, split.test
