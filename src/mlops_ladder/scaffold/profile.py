"""Profile a file: the target, the features, the time, and the columns to leave out."""

import difflib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..errors import RefusedError, UsageError
from .columns import Column, column_of
from .leakage import find_defect, find_duplicate, find_leakage, find_sum
from .names import free_name, readable_name
from .table import Table
from .target import Target, infer_target, python_value
from .timestamps import TimeReading, read_times

TEST_SHARE = 0.2  # as the project splits
FEWEST_AFTER_SPLIT = 0.1  # of the rows, if many have the time at which the test set begins
ROWS_OF_THE_GATE = 50  # the template's default
FEW_ROWS_OF_CLASS = 50
MOST_IN_ONE_CLASS = 2 / 3  # of the rows; beyond, a threshold of 0.5 rarely predicts the others
DAYS_FOR_MONTH = 730  # in two years every month occurs twice
BINS = 10


@dataclass(frozen=True)
class Time:
    """The column that orders the rows in time.

    Parameters
    ----------
    name
        The clean name of the column.
    reading
        How to read it.
    parts
        The name of the feature for each part of the time: `hour`, `weekday`, `month`.
    """

    name: str
    reading: TimeReading
    parts: dict[str, str]


@dataclass(frozen=True)
class Profile:
    """The profile of a file, from which `problem.py` and the notebook are written.

    Parameters
    ----------
    table
        The file.
    target, time
        The column to predict, and the one that orders the rows, if any.
    features
        The columns for the model, the one with the strongest association with the target first.
    left_out
        The reason for each column that is not a feature.
    rows
        The number of rows with a target and a time.
    findings
        What was found and done, in sentences for the user.
    """

    table: Table
    target: Target
    time: Time | None
    features: list[Column]
    left_out: dict[str, str]
    rows: int
    findings: list[str]

    @property
    def numbers(self) -> list[Column]:
        """Get the numeric features in the order of the file."""
        return [column for column in sort_as_in_file(self) if column.kind != "category"]

    @property
    def categories(self) -> list[Column]:
        """Get the categorical features in the order of the file."""
        return [column for column in sort_as_in_file(self) if column.kind == "category"]

    @property
    def data_name(self) -> str:
        """Get the name of the file in the project's `data/`."""
        return self.table.data_name

    @property
    def answers(self) -> dict[str, str]:
        """Propose answers for the template's questions."""
        stem = self.data_name.rpartition(".")[0]
        words = " ".join("".join(c if c.isalnum() else " " for c in stem).split()).lower()
        target = readable_name(self.target.name)
        name = words if target in words else f"{words} {target}"
        return {
            "project_name": (name[:1].upper() + name[1:])[:80].strip(),
            "description": f"Predict {target} from the other columns of {self.data_name}.",
        }


def sort_as_in_file(profile: Profile) -> list[Column]:
    """Return the features in the order of the file."""
    order = {name: at for at, name in enumerate(profile.table.rows)}
    return sorted(profile.features, key=lambda column: order[column.name])


def profile_of(table: Table, target: str, time: str | None) -> Profile:
    """Profile every column of a table.

    Parameters
    ----------
    table
        The rows of the file.
    target, time
        The names of the target and, if any, of the column that orders the rows in time.

    Raises
    ------
    RefusedError
        There is no such column, or no model can be trained on the rows.
    UsageError
        The target is also given as the time.
    """
    target_name = select_column(table, target, "--target")
    time_name = select_column(table, time, "--time") if time is not None else None
    if target_name == time_name:
        raise UsageError(f"--target and --time: {target} cannot be both. Choose another column")
    rows, findings = drop_incomplete_rows(table, target_name, time_name)
    reading = read_time(rows[time_name], time or "") if time_name else None
    whole = column_of(target_name, table.rows[target_name])
    inferred = infer_target(replace(whole, values=whole.values[rows.index]))
    findings += [*table.findings, inferred.explanation]
    findings += [*describe_size(rows), *describe_target(inferred)]

    features: list[Column] = []
    left_out: dict[str, str] = {}
    for name in rows:
        if name in (target_name, time_name):
            continue
        column = column_of(str(name), rows[name])
        reason = find_defect(column) or find_leakage(column, inferred)
        if reason is None and (duplicate := find_duplicate(column, features)):
            reason = f"it is the same as {duplicate}"
        if reason is None:
            features.append(column)
        else:
            left_out[column.name] = reason
    leave_out_sums(features, left_out, inferred)
    if not features:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise RefusedError(
            f"{inferred.name}: no column is left to predict it from. Add columns to the file "
            f"({reasons or 'there is no other one'})"
        )
    if reading:
        check_order(inferred, reading.values)
        order = Time(str(time_name), reading, find_time_parts(reading.values, set(rows)))
        findings += describe_time(order)
    else:
        order = None
    associations = {column.name: association(column, inferred) for column in features}
    findings += describe_features(features)
    findings += [f"{name} was left out: {reason}" for name, reason in left_out.items()]
    return Profile(
        table=table,
        target=inferred,
        time=order,
        features=sorted(features, key=lambda column: -associations[column.name]),
        left_out=left_out,
        rows=len(rows),
        findings=findings,
    )


def select_column(table: Table, name: str, option: str) -> str:
    """Return the clean name of the column that an option names.

    Raises
    ------
    RefusedError
        There is no such column.
    """
    found = table.find_column(name)
    if found is not None:
        return found
    original = {clean: given for given, clean in table.renamed.items()}
    names = [original.get(str(column), str(column)) for column in table.rows]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    advice = f"Did you mean {' or '.join(close)}?" if close else f"It has {', '.join(names[:20])}"
    raise RefusedError(f"{option} {name}: the file has no such column. {advice}")


def drop_incomplete_rows(
    table: Table, target: str, time: str | None
) -> tuple[pd.DataFrame, list[str]]:
    """Drop the rows without a target or a time.

    Returns
    -------
    rows : DataFrame
    findings : list of str

    Raises
    ------
    RefusedError
        No row is left.
    """
    rows, findings = table.rows, []
    for name, role in [(target, "target"), (time, "time")]:
        if name is None:
            continue
        is_known = column_of(name, rows[name]).values.notna()
        if not is_known.any():
            raise RefusedError(f"{name}: is empty in every row. Choose another column as {role}")
        if not is_known.all():
            findings.append(f"{(~is_known).sum()} rows without a {role} ({name}) are left out")
            rows = rows[is_known]
    return rows, findings


def read_time(column: pd.Series, name: str) -> TimeReading:
    """Read the times of the rows.

    Raises
    ------
    RefusedError
        The values are not times, or too few rows are newer than the training set.
    """
    reading = read_times(column)
    if reading is None:
        some = ", ".join(repr(str(value)) for value in column.unique()[:3])
        raise RefusedError(
            f"--time {name}: {some} cannot all be read as times. Write them as 2026-12-31 23:59"
        )
    newer = float((reading.values > reading.values.quantile(1 - TEST_SHARE)).mean())
    if newer < FEWEST_AFTER_SPLIT:
        raise RefusedError(
            f"--time {name}: many rows share the newest times, which leaves {newer:.0%} of the "
            "rows for the test set. Choose a column with finer times, or omit --time"
        )
    return reading


def check_order(target: Target, times: pd.Series) -> None:
    """Check that every class occurs in the training set.

    Raises
    ------
    RefusedError
        A class occurs in newer rows only.
    """
    if target.classes is None:
        return
    is_older = times <= times.quantile(1 - TEST_SHARE)
    known = set(target.column.values[is_older])
    values = target.column.values.unique()
    new = [python_value(target.column, value) for value in values if value not in known]
    if new:
        raise RefusedError(
            f"{target.name}: is {new[0]!r} only in the newest fifth of the rows, the test set. "
            "Omit --time, or remove this class"
        )


def find_time_parts(times: pd.Series, taken: set[str]) -> dict[str, str]:
    """Return the parts of the time that vary and recur, with the names of their features."""
    varies = {
        "hour": times.dt.hour.nunique() > 1,
        "weekday": times.dt.normalize().nunique() > 1 and times.dt.day_of_week.nunique() > 1,
        "month": times.max() - times.min() >= pd.Timedelta(days=DAYS_FOR_MONTH),
    }
    return {part: free_name(part, taken) for part, found in varies.items() if found}


def describe_size(rows: pd.DataFrame) -> list[str]:
    """Warn if the test set is too small for the quality gate of level 2."""
    n_test = int(len(rows) * TEST_SHARE)
    if n_test >= ROWS_OF_THE_GATE:
        return []
    return [
        f"about {n_test} of {len(rows)} rows are the test set, fewer than the quality gate of "
        f"level 2 requires ({ROWS_OF_THE_GATE}, gate.min_test_rows in params.yaml)"
    ]


def describe_time(time: Time) -> list[str]:
    """Describe the use of the time."""
    parts = " and ".join(time.parts) or "nothing"
    found = [
        f"{time.name} orders the rows: the newest fifth is the test set; features of it: {parts}"
    ]
    if time.reading.is_ambiguous:
        found.append(
            f"{time.name} could have the day or the month first: it is read as "
            f"{time.reading.arguments['format']}"
        )
    if time.reading.arguments.get("utc"):
        found.append(f"{time.name} has a time zone: it is converted to UTC")
    return found


def describe_target(target: Target) -> list[str]:
    """Describe what is special about the target and the metric."""
    name, counts = target.name, target.column.values.value_counts()
    common = python_value(target.column, counts.index[0])
    found = []
    share = counts.iloc[0] / counts.sum()
    if target.classes is not None and share > MOST_IN_ONE_CLASS:
        found.append(
            f"{name} is {common!r} in {share:.1%} of the rows: evaluate the model by log loss, ROC "
            "AUC and average precision, not by the share of correct labels"
            + (", and choose THRESHOLD by the costs of errors" if len(counts) == 2 else "")
        )
    if target.classes is not None:
        found += [
            f"{name} is {python_value(target.column, value)!r} in only {count} rows, of which a "
            "fifth is in the test set: the metric is uncertain for this class"
            for value, count in counts.items()
            if count < FEW_ROWS_OF_CLASS
        ]
    if target.squared:
        found.append(
            f"{name} is {common} in many rows: the metric squares errors, because a model that "
            f"minimises absolute errors would predict {common} too often"
        )
    return found


def describe_features(features: list[Column]) -> list[str]:
    """Describe what is special about the features."""
    found = []
    counts = {c.name: int(c.values.isna().sum()) for c in features if c.has_missing}
    if counts:
        named = ", ".join(f"{name} ({count})" for name, count in counts.items())
        found.append(f"missing values occur, and are allowed in requests: {named}")
    for column in features:
        if column.has_infinite:
            found.append(f"{column.name} contains infinite numbers: they count as missing")
    return found


def leave_out_sums(features: list[Column], left_out: dict[str, str], target: Target) -> None:
    """Move features from which the target can be computed as a sum, until it cannot."""
    while parts := find_sum(features, target):
        others = ", ".join(parts[1:]) or "others"
        left_out[parts[0]] = (
            f"{target.name} can be computed from it and {others}; add it if they are known at "
            "prediction time"
        )
        features[:] = [column for column in features if column.name != parts[0]]


def association(column: Column, target: Target) -> float:
    """Return the share of the target's variance that ten groups of rows by the column explain.

    For a number, it is the variance of the ranks; for classes, it is Goodman and Kruskal's tau.
    The share that random groups would explain is subtracted.
    """
    if target.classes is None:
        labels = target.column.values.rank().to_frame()
    else:
        labels = pd.get_dummies(target.column.values).astype(float)
    if column.kind == "category":
        groups = column.values
    else:
        groups = pd.qcut(column.values.rank(method="first"), BINS, labels=False)
        groups = groups.groupby(column.values).transform("min")
    keys = groups.astype(object).where(groups.notna(), "missing")
    centred = labels - labels.mean()
    explained = centred.groupby(keys).transform("mean")
    total = float((centred**2).to_numpy().sum())
    bias = keys.nunique() / len(keys)
    return float((explained**2).to_numpy().sum()) / total - bias if total else 0.0


def tercile_limits(column: Column) -> list[float]:
    """Return at most two short numbers that split the known values into similar groups."""
    known = column.values.dropna()
    limits = []
    for share in (1 / 3, 2 / 3):
        limit = float(f"{np.quantile(known, share):.3g}")
        below = float((known < limit).mean())
        if 0.15 < below < 0.85 and limit not in limits:
            limits.append(limit)
    return limits
