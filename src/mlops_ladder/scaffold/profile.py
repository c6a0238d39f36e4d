"""Profile a file: the target, the features, the time, and the columns to leave out."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from ..errors import RefusedError, UsageError
from .columns import Column, column_of, dtype_of, short_number
from .formulas import find_difference, find_formula
from .leakage import (
    find_afterwards,
    find_defect,
    find_duplicate,
    find_leakage,
    fingerprint,
)
from .names import readable_name
from .order import Time, check_order, find_time, propose_time
from .table import Table
from .target import (
    FEWEST_ROWS_OF_CLASS,
    OTHER,
    Target,
    Task,
    infer_target,
    python_value,
)

TEST_SHARE = 0.2  # as the project splits
ROWS_OF_THE_GATE = 50  # the template's default
FEW_ROWS_OF_CLASS = 50
BINS = 10
MOST_NAMED = 6  # columns in one finding
GROUPED = 4  # columns with the same reason that get one finding together
COLUMNS_FOR_ORDER = 40
WIDE = 40  # numbers; more are written as one list, which the schema is made from


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
    proposed_time
        The column or the columns that would order the rows, if no time was given.
    afterwards
        Columns that are left out because of their names, and could be features.
    """

    table: Table
    target: Target
    time: Time | None
    features: list[Column]
    left_out: dict[str, str]
    rows: int
    findings: list[str]
    proposed_time: str | None = None
    afterwards: tuple[str, ...] = ()

    @cached_property
    def numbers(self) -> list[Column]:
        """Get the numeric features in the order of the file."""
        return [column for column in sort_as_in_file(self) if column.kind != "category"]

    @cached_property
    def categories(self) -> list[Column]:
        """Get the categorical features in the order of the file."""
        return [column for column in sort_as_in_file(self) if column.kind == "category"]

    @cached_property
    def is_wide(self) -> bool:
        """Tell whether the numbers are too many to describe each."""
        return len(self.numbers) > WIDE

    def dtype(self, column: Column) -> str:
        """Return the type of a column in the schema."""
        is_feature = column.name != self.target.name
        is_shared = self.is_wide and is_feature and column.kind in ("integer", "number")
        return "float64" if is_shared else dtype_of(column)

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


def profile_of(
    table: Table,
    target: str,
    time: str | None,
    task: Task | None = None,
    date_format: str | None = None,
    known_before: tuple[str, ...] = (),
) -> Profile:
    """Profile every column of a table.

    Parameters
    ----------
    table
        The rows of the file.
    target, time
        The names of the target and, if any, of the column that orders the rows in time.
    task
        The task, if it is not inferred from the target.
    date_format
        The format of the times, as `strptime` takes it, if it is not inferred.
    known_before
        Columns that are known before the fact, although their names suggest otherwise.

    Raises
    ------
    RefusedError
        There is no such column, or no model can be trained on the rows.
    UsageError
        The target is also given as the time, or an option does not suit the values.
    """
    target_name = select_column(table, target, "--target")
    columns = {str(name): column_of(str(name), table.rows[name]) for name in table.rows}
    if time is not None and table.find_column(time) == target_name:
        raise UsageError(f"--target and --time: {target} cannot be both. Choose another column")
    order = find_time(table.rows, time, date_format, table.find_column)
    if order is None and time is not None:
        select_column(table, time, "--time")
    if order and target_name in order.columns:
        raise UsageError(f"--target and --time: {target} cannot be both. Choose another column")
    findings, kept = complete_rows(columns[target_name], order)
    others = [column for name, column in columns.items() if name != target_name]
    inferred = infer_target(
        replace(columns[target_name], values=columns[target_name].values[kept]),
        task,
        [column.values for column in others if column.is_numeric][:COLUMNS_FOR_ORDER],
    )
    kept = inferred.column.values.index
    if order:
        order = order.of_rows(kept)
        check_order(inferred, order.reading.values)
    of_target = [inferred.explanation, *describe_size(len(kept)), *describe_target(inferred)]
    findings += [*table.findings, *of_target]
    features, left_out = choose_features(
        [replace(column, values=column.values[kept]) for column in others],
        inferred,
        order.columns if order else {},
        known_before,
    )
    if not features:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise RefusedError(
            f"{inferred.name}: no column is left to predict it from. Add columns to the file "
            f"({reasons or 'there is no other one'})"
        )
    proposal = None if order else propose_time(columns, table.rows, target_name)
    if order:
        findings += order.describe()
    elif proposal:
        findings.append(
            f"the rows could be ordered by {proposal}, and a random fifth is the test set now: if "
            f"the model will be used on newer rows, use --time {proposal.replace(' ', '')}"
        )
    weights = label_weights(inferred)
    associations = {column.name: association(column, weights) for column in features}
    findings += [*describe_marks([inferred.column, *features]), *describe_features(features)]
    findings += describe_left_out(left_out)
    return Profile(
        table=table,
        target=inferred,
        time=order,
        features=sorted(features, key=lambda column: -associations[column.name]),
        left_out=left_out,
        rows=len(kept),
        findings=findings,
        proposed_time=proposal,
        afterwards=tuple(
            column.name
            for column in others
            if column.name in left_out and left_out[column.name] == find_afterwards(column)
        ),
    )


def choose_features(
    columns: list[Column],
    target: Target,
    of_time: Mapping[str, str],
    known_before: tuple[str, ...],
) -> tuple[list[Column], dict[str, str]]:
    """Choose the columns for the model.

    Returns
    -------
    features : list of Column
    left_out : dict of str
        The reason for each of the other columns.
    """
    features: list[Column] = []
    left_out: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for column in columns:
        if column.name in of_time:
            if of_time[column.name] != "time":
                left_out[column.name] = f"it is the {of_time[column.name]} of the time"
            continue
        reason = find_defect(column) or find_leakage(column, target)
        if reason is None and (duplicate := find_duplicate(column, seen)):
            reason = f"it is the same as {duplicate}"
        if reason is None and column.name not in known_before:
            reason = find_afterwards(column)
        if reason is None:
            features.append(column)
            seen[fingerprint(column)] = column.name
        else:
            left_out[column.name] = reason
    # a part of a formula reveals the target even where its name or its gaps exclude it
    leave_out_formulas(features, left_out, target)
    return features, left_out


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


def complete_rows(target: Column, time: Time | None) -> tuple[list[str], pd.Index]:
    """Find the rows with a target and a time.

    Returns
    -------
    findings : list of str
    rows : Index

    Raises
    ------
    RefusedError
        No row is left.
    """
    kept, findings = target.values.index, []
    known = {target.name: (target.values.dropna().index, "target")}
    if time:
        known[time.name] = (time.reading.values.index, "time")
    for name, (index, role) in known.items():
        if index.empty:
            raise RefusedError(f"{name}: is empty in every row. Choose another column as {role}")
        missing = len(kept) - len(kept.intersection(index))
        if missing:
            findings.append(f"{missing} rows without a {role} ({name}) are left out")
            kept = kept.intersection(index)
    return findings, kept


def describe_size(rows: int) -> list[str]:
    """Warn if the test set is too small for the quality gate of level 2."""
    n_test = int(rows * TEST_SHARE)
    if n_test >= ROWS_OF_THE_GATE:
        return []
    return [
        f"about {n_test} of {rows} rows are the test set, fewer than the quality gate of "
        f"level 2 requires ({ROWS_OF_THE_GATE}, gate.min_test_rows in params.yaml)"
    ]


def describe_target(target: Target) -> list[str]:
    """Describe what is special about the target and the metric."""
    name, counts = target.name, target.column.values.value_counts()
    common = python_value(target.column, counts.index[0])
    found = []
    share = counts.iloc[0] / counts.sum()
    if target.is_imbalanced:
        found.append(
            f"{name} is {common!r} in {share:.1%} of the rows: evaluate the model by log loss, ROC "
            "AUC and average precision, not by the share of correct labels"
        )
        if target.classes and target.threshold:
            found[-1] += (
                f"; THRESHOLD is {target.threshold}, the share of {target.classes[1]!r}, as if "
                "errors of both classes cost the same in all: choose it by what they cost"
            )
    if target.classes is not None:
        found += [
            f"{name} is {python_value(target.column, value)!r} in only {count} rows, of which a "
            "fifth is in the test set: the metric is uncertain for this class"
            for value, count in counts.items()
            if count < FEW_ROWS_OF_CLASS
        ]
    for classes, what in (
        (target.merged, f"are merged into {OTHER!r}"),
        (target.dropped, "are left out"),
    ):
        if classes:
            found.append(
                f"{name} is {named(list(map(repr, classes)))} in fewer than {FEWEST_ROWS_OF_CLASS} "
                f"rows each, too few to learn and evaluate: these rows {what}"
            )
    if target.squared:
        found.append(
            f"{name} is {common} in many rows: the metric squares errors, because a model that "
            f"minimises absolute errors would predict {common} too often"
        )
    return found


def describe_marks(columns: list[Column]) -> list[str]:
    """Name the numbers that are taken for marks of missing values, and units."""
    by_mark: dict[float, list[str]] = {}
    for column in columns:
        for mark, count in column.marks:
            by_mark.setdefault(mark, []).append(f"{column.name} ({count} rows)")
    found = [
        f"{short_number(mark)} is far from the other values or impossible, and likely to mark a "
        f"missing value; it is read as missing: {named(names)}"
        for mark, names in by_mark.items()
    ]
    by_unit: dict[str, list[str]] = {}
    for column in columns:
        if column.written:
            by_unit.setdefault(column.written.unit, []).append(column.name)
    for unit, names in by_unit.items():
        what = f"their unit is {unit}" if unit else "they have separators between thousands"
        found.append(f"text is read as numbers; {what}: {named(names)}")
    return found


def describe_features(features: list[Column]) -> list[str]:
    """Describe what is special about the features."""
    found = []
    counts = {c.name: int(c.values.isna().sum()) for c in features if c.has_missing}
    if counts:
        gaps = named([f"{name} ({count})" for name, count in counts.items()])
        found.append(f"missing values occur, and are allowed in requests: {gaps}")
    infinite = [column.name for column in features if column.has_infinite]
    if infinite:
        found.append(f"infinite numbers count as missing: {named(infinite)}")
    return found


def describe_left_out(left_out: Mapping[str, str]) -> list[str]:
    """Say which columns are left out, those with the same reason together if there are many."""
    groups = grouped(left_out)
    found = []
    for reason, names in groups.items():
        if len(names) < GROUPED:
            found += [f"{name} was left out: {left_out[name]}" for name in names]
        else:
            found.append(
                f"{len(names)} columns were left out, each because {reason}: {named(names)}"
            )
    return found


def grouped(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the columns that are left out by their reason, without what differs in it."""
    groups: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        general = re.sub(r"the same as .*", "it repeats another column", reason)
        general = re.sub(r"missing in \d+% of", "missing in many of", general)
        general = re.sub(r"has \d+ different", "has many different", general)
        general = re.sub(r"^it is it repeats", "it repeats", general)
        groups.setdefault(general, []).append(name)
    return groups


def named(names: list[str]) -> str:
    """Return names in one line, not more than a reader takes in."""
    if len(names) <= MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"


def leave_out_formulas(features: list[Column], left_out: dict[str, str], target: Target) -> None:
    """Move features from which the target can be computed together, until it cannot."""
    while parts := find_formula(features, target) or find_difference(features, target):
        for part in parts:
            others = ", ".join(name for name in parts if name != part)
            left_out[part] = (
                f"{target.name} can be computed from it and {others}; add those that are known at "
                "prediction time"
            )
        features[:] = [column for column in features if column.name not in parts]


def label_weights(target: Target) -> np.ndarray:
    """Return what a feature explains: centred ranks of a number, or a column for each class."""
    if target.classes is None:
        labels = target.column.values.rank().to_numpy()[:, None]
    else:
        labels = pd.get_dummies(target.column.values).to_numpy(dtype=float)
    return labels - labels.mean(axis=0)


def association(column: Column, weights: np.ndarray) -> float:
    """Return the share of the target's variance that ten groups of rows by the column explain.

    For a number, it is the variance of the ranks; for classes, it is Goodman and Kruskal's tau.
    The share that random groups would explain is subtracted.
    """
    if column.kind == "category":
        groups = pd.factorize(column.values, use_na_sentinel=False)[0]
    else:
        values = column.values.to_numpy()
        limits = np.unique(np.nanquantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
        groups = np.where(np.isnan(values), len(limits) + 1, np.searchsorted(limits, values))
        groups = np.unique(groups, return_inverse=True)[1]
    counts = np.bincount(groups)
    sums = np.column_stack([np.bincount(groups, weights=w) for w in weights.T])
    total = float((weights**2).sum())
    explained = float((sums**2 / counts[:, None]).sum())
    return explained / total - len(counts) / len(groups) if total else 0.0


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
