"""Summaries of the prediction log: the metric by day and by slice, and data drift."""

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from .. import problem
from ..evaluate import slice_masks
from ..experiments.scores import metric_name
from .profile import FEWEST_ROWS, Distribution, Profile, psi

RECENT_DAYS = 7  # of the headline, and of data drift
FEWEST_DAYS = 3  # for a confidence interval


def metric_by_day(totals: pd.DataFrame, today: pd.Timestamp, min_labelled: float) -> pd.DataFrame:
    """Return the sums of days, the share with ground truth, the mean score and completeness.

    A day is complete when it is over and enough of its predictions have ground truth, because
    ground truth that arrives early is often that of easy rows.
    """
    days = totals.groupby("day")[["predictions", "labelled", "scored", "score"]].sum()
    days["mean"] = days["score"] / days["scored"].where(days["scored"] > 0)
    days["share"] = days["labelled"] / days["predictions"]
    enough = (days["share"] >= min_labelled) & days["mean"].notna()
    days["complete"] = enough & (days.index < today)
    return days


def headline(days: pd.DataFrame, reference: float | None) -> str:
    """Return how the metric of the last complete days compares with that at training.

    The interval is Student's over the means of days, because rows of a day are not independent.
    """
    means = days.loc[days["complete"], "mean"].tail(RECENT_DAYS)
    made, labelled = days[["predictions", "labelled"]].sum()
    if not labelled:
        return f"No ground truth yet for {made:,.0f} predictions, so the metric is unknown."
    if len(means) < FEWEST_DAYS:
        return (
            f"Too early to tell: {labelled:,.0f} of {made:,.0f} predictions have ground truth, "
            f"and fewer than {FEWEST_DAYS} days are complete."
        )
    mean, margin = means.mean(), stdtrit(len(means) - 1, 0.975) * means.sem()
    interval = f"95% interval {shown(mean - margin)} to {shown(mean + margin)}"
    found = f"{metric_name()} {shown(mean)} ({interval}) over the last {len(means)} complete days"
    if reference is None:
        return f"{found}. Nothing is deployed to compare it with."
    verdict = "As"
    if abs(mean - reference) > margin:
        verdict = "Better than" if (mean < reference) == problem.LOWER_IS_BETTER else "Worse than"
    return f"{verdict} at training: {found}, {shown(reference)} at training."


def shown(score: float) -> str:
    """Return a score with three digits or no decimals."""
    return f"{score:,.0f}" if abs(score) >= 100 else f"{score:#.3g}"


def metric_by_slice(scores: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the mean score of each slice by day, and over all days with the worst first.

    `scores` has the day and the score of each of the rows.
    """
    masks = slice_masks(rows) if len(rows) else {}
    parts = [scores[mask].assign(slice=name) for name, mask in masks.items()]
    every = pd.concat([scores.iloc[:0].assign(slice=""), *parts])
    by_day = every.groupby(["day", "slice"])["score"].mean().unstack()
    overall = every.groupby("slice")["score"].mean()
    return by_day, overall.sort_values(ascending=not problem.LOWER_IS_BETTER)


def drift_by_day(
    rows: pd.DataFrame, days: pd.Series, profile: Profile
) -> tuple[pd.DataFrame, pd.Series, dict[str, pd.Series]]:
    """Return the PSI of each feature by day, and over the last days with the largest first.

    The third is the number of rows in each bin of a feature over the last days. A PSI of too few
    rows is NaN.
    """
    by_day, recent, counts = {}, {}, {}
    for name, field in profile.fields.items():
        if name in rows:
            table = count_by_day(rows[name], days, field)
            counts[name] = table.tail(RECENT_DAYS).sum()
            index = psi(field, table.to_numpy(), profile.rows)
            by_day[name] = pd.Series(index, table.index).where(table.sum(axis=1) >= FEWEST_ROWS)
            enough = counts[name].sum() >= FEWEST_ROWS
            recent[name] = psi(field, counts[name].to_numpy(), profile.rows) if enough else np.nan
    return pd.DataFrame(by_day), pd.Series(recent, dtype=float).sort_values(ascending=False), counts


def count_by_day(values: pd.Series, days: pd.Series, field: Distribution) -> pd.DataFrame:
    """Return the number of values in each bin, with days as rows."""
    if field.edges is not None:
        values = pd.to_numeric(values, errors="coerce")  # of another schema, it may be text
    counts = {day: field.counts(some.to_numpy()) for day, some in values.groupby(days)}
    return pd.DataFrame(counts, index=field.names).T


def missing_by_day(rows: pd.DataFrame, days: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """Return the share of missing values of columns by day, and over all days if it is not 0."""
    missing = rows.filter(list(problem.SCHEMA.columns)).isna()
    overall = missing.mean().sort_values(ascending=False)
    return missing.groupby(days).mean(), overall[overall > 0]
