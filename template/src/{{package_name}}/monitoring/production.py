"""What the prediction log says, as tables of predictions and of days. Days are those of UTC."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors
from scipy import stats

from .. import problem
from ..evaluate import row_scores
from ..serving.fields import Field, column
from ..serving.records import Outcome

DAYS_JUDGED = 7
FEWEST_DAYS = 3  # that give an interval
LONGEST_SILENCES = 5
SILENCE = pd.Timedelta(hours=1)


def prediction_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Time, day, version, variant, and the score, NaN as long as the true value is not known."""
    asked = [outcome.prediction for outcome in outcomes]
    seconds = np.array([one.time for one in asked], dtype=float)
    times = pd.DatetimeIndex((1e6 * seconds).astype("datetime64[us]"))
    return pd.DataFrame(
        {
            "time": times,
            "day": times.normalize(),
            "version": [one.version for one in asked],
            "variant": [one.variant for one in asked],
            "known": [outcome.known for outcome in outcomes],
            "score": scores_of(outcomes),
        }
    )


def scores_of(outcomes: Sequence[Outcome]) -> np.ndarray:
    """The score of each prediction, by the truth; NaN where that is not known."""
    scores = np.full(len(outcomes), np.nan)
    known = [
        (place, outcome.actual, outcome.prediction.prediction, outcome.prediction.row)
        for place, outcome in enumerate(outcomes)
        if outcome.actual is not None and outcome.prediction.prediction is not None
    ]
    if known:
        places, actual, predicted, rows = zip(*known, strict=True)
        table = pd.DataFrame.from_records(rows)
        scores[list(places)] = row_scores(np.array(actual), np.array(predicted), table)
    return scores


def day_table(table: pd.DataFrame, today: pd.Timestamp, min_labelled: float) -> pd.DataFrame:
    """For each day: predictions, the share with a true value, the mean score, and completeness.

    A day is complete when it is over and so many of its predictions are labelled. Before that,
    its mean is about those whose truth is known early, who need not be like the others.
    """
    days = table.groupby("day").agg(
        predictions=("known", "size"), labelled=("known", "mean"), score=("score", "mean")
    )
    over = days.index < today
    days["complete"] = over & (days["labelled"] >= min_labelled) & days["score"].notna()
    return days


@dataclass(frozen=True)
class Level:
    """The mean score of some complete days, with a 95 % interval if there are enough of them."""

    days: int
    mean: float
    low: float
    high: float

    def against(self, reference: float) -> str:
        """Whether scores are better or worse than the reference by more than chance, or neither."""
        if self.low <= reference <= self.high:
            return "as at training"
        better = (self.high < reference) == problem.LOWER_IS_BETTER
        return f"{'better' if better else 'worse'} than at training"


def recent_level(days: pd.DataFrame) -> Level | None:
    """The level of the last complete days; None if there are too few of them.

    The interval is Student's over the means of days: rows of one day share its weather, so that
    they are no independent witnesses.
    """
    means = days.loc[days["complete"], "score"].tail(DAYS_JUDGED).to_numpy()
    if len(means) < FEWEST_DAYS:
        return None
    margin = stats.t.ppf(0.975, len(means) - 1) * stats.sem(means)
    mean = float(means.mean())
    return Level(len(means), mean, mean - float(margin), mean + float(margin))


def fitting_rows(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The rows in the types of `problem.SCHEMA`, without those that do not fit it (any more).

    The index says which outcome a row belongs to.
    """
    schema = problem.SCHEMA.remove_columns([problem.TARGET])
    rows = pd.DataFrame.from_records([outcome.prediction.row for outcome in outcomes])
    try:
        return schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        unfit = errors.failure_cases["index"].dropna()
    try:
        return schema.validate(rows.drop(index=unfit.unique()), lazy=True)
    except SchemaErrors:
        return rows.iloc[:0]


def columns_of(rows: pd.DataFrame, fields: Sequence[Field]) -> dict[str, np.ndarray]:
    """The rows as the service sees them: one array for each field but dates and times."""
    return {
        field.name: column([None if pd.isna(v) else v for v in rows[field.name].tolist()], field)
        for field in fields
        if field.kind != "datetime" and field.name in rows
    }


def silences(times: pd.Series, now: pd.Timestamp) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """The longest times without a prediction until now, if they are long, the longest first."""
    ends = pd.concat([times, pd.Series([now])]).sort_values(ignore_index=True)
    lengths = ends.diff()
    longest = lengths[lengths > SILENCE].nlargest(LONGEST_SILENCES)
    return [(ends[place - 1], ends[place]) for place in longest.index]
