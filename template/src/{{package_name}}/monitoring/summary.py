"""Summary of the prediction log: the metric, slices, data drift and missing values by day."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from .. import problem
from ..evaluate import slice_masks
from .production import Day, fitting_rows
from .profile import FEWEST_ROWS, Profile, psi

RECENT_DAYS = 7  # of the metric's level, and of data drift
FEWEST_DAYS = 3  # for a confidence interval


@dataclass(frozen=True)
class Summary:
    """Tables with days as rows; a value that is unknown, or has too few rows, is NaN."""

    totals: pd.DataFrame  # a row for each day, version and variant
    slices: pd.DataFrame  # the mean score in each slice, of the champion
    overall: pd.Series  # the same over all days
    drift: pd.DataFrame  # PSI of each feature
    recent_drift: pd.Series  # the same over the last days, the largest first
    counts: dict[str, np.ndarray]  # of each feature's bins over the last days
    missing: pd.DataFrame  # the share of missing values of each feature
    silent: list[pd.Timestamp]  # the starts of hours without a prediction
    unfit: int  # sampled rows that do not fit the current schema


def summarise(days: Iterable[Day], version: str | None, profile: Profile | None) -> Summary:
    """Summarise days; slices are of the version, or of all versions if it is None."""
    totals, sums, counts, missing, silent, unfit = [], [], {}, {}, [], 0
    fields = profile.fields if profile else {}
    for day in days:
        silent += day.silent
        if day.totals.empty:
            continue
        totals.append(day.totals.assign(day=day.date))
        missing[day.date] = day.rows.isna().mean()
        known = [name for name in fields if name in day.rows]
        counts[day.date] = {name: fields[name].counts(day.rows[name].to_numpy()) for name in known}
        rows = fitting_rows(day.rows)
        unfit += len(day.rows) - len(rows)
        sums += slice_sums(day, rows, version)
    table = pd.DataFrame(sums, columns=["day", "slice", "sum", "rows"])
    by_day = table.groupby(["day", "slice"])[["sum", "rows"]].sum()
    overall = table.groupby("slice")[["sum", "rows"]].sum()
    recent = pd.DataFrame(list(counts.values())[-RECENT_DAYS:]).sum().to_dict()
    drift = pd.Series({name: psi_of(profile, name, one) for name, one in recent.items()})
    return Summary(
        totals=pd.concat(totals, ignore_index=True) if totals else pd.DataFrame(),
        slices=(by_day["sum"] / by_day["rows"]).unstack(),
        overall=overall["sum"] / overall["rows"],
        drift=pd.DataFrame(
            {day: {n: psi_of(profile, n, c) for n, c in one.items()} for day, one in counts.items()}
        ).T,
        recent_drift=drift.astype(float).sort_values(ascending=False),
        counts=recent,
        missing=pd.DataFrame(missing).T,
        silent=silent,
        unfit=unfit,
    )


def slice_sums(
    day: Day, rows: pd.DataFrame, version: str | None
) -> list[tuple[pd.Timestamp, str, float, int]]:
    """Return the sum of scores and the number of scored rows in each slice of a day."""
    chosen = day.sample.loc[rows.index]
    if version is not None:
        chosen = chosen[chosen["version"] == version]
    scores = chosen["score"].astype(float).dropna()
    rows = rows.loc[scores.index]
    if rows.empty:
        return []
    inside = {name: scores[mask] for name, mask in slice_masks(rows).items()}
    return [(day.date, name, float(one.sum()), len(one)) for name, one in inside.items()]


def psi_of(profile: Profile | None, name: str, counts: np.ndarray) -> float:
    """Return the PSI of a feature; NaN if there are too few rows."""
    if profile is None or counts.sum() < FEWEST_ROWS:
        return np.nan
    return psi(profile.fields[name], counts, profile.rows)


def metric_by_day(totals: pd.DataFrame, today: pd.Timestamp, min_labelled: float) -> pd.DataFrame:
    """Return predictions, the share with ground truth, the mean score and completeness of days.

    A day is complete when it is over and enough of its predictions have ground truth, because
    ground truth that arrives early is often that of easy rows.
    """
    days = totals.groupby("day")[["predictions", "labelled", "scored", "score"]].sum()
    days["mean"] = days["score"] / days["scored"].where(days["scored"] > 0)
    days["labelled"] /= days["predictions"]
    is_labelled = days["labelled"] >= min_labelled
    days["complete"] = (days.index < today) & is_labelled & days["mean"].notna()
    return days


@dataclass(frozen=True)
class Level:
    """The mean score of the last complete days, with a 95 % confidence interval."""

    days: int
    mean: float
    low: float
    high: float

    def against(self, reference: float) -> str:
        """Return whether scores differ from the reference by more than chance."""
        if self.low <= reference <= self.high:
            return "as at training"
        better = (self.high < reference) == problem.LOWER_IS_BETTER
        return f"{'better' if better else 'worse'} than at training"


def recent_level(days: pd.DataFrame) -> Level | None:
    """Return the level of the last complete days; None if they are too few.

    The interval is Student's over the means of days, because rows of a day are not independent.
    """
    means = days.loc[days["complete"].astype(bool), "mean"].tail(RECENT_DAYS).to_numpy(dtype=float)
    if len(means) < FEWEST_DAYS:
        return None
    error = means.std(ddof=1) / len(means) ** 0.5
    margin = float(stdtrit(len(means) - 1, 0.975) * error)
    mean = float(means.mean())
    return Level(len(means), mean, mean - margin, mean + margin)
