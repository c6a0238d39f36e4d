"""Infer the task, the metric and the classes from the target's values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..errors import RefusedError, UsageError
from .columns import Column

Task = Literal["regression", "classification"]
FEWEST_ROWS = 50
FEWEST_ROWS_OF_CLASS = 10
MOST_CLASSES = 50
MOST_INTEGER_CLASSES = 10
MOST_UNORDERED = 3  # so few integers are classes, whatever their order says
ORDERED = 0.5  # of what the classes explain of other columns, explained by their order
MOST_WITH_ONE_VALUE = 0.4  # if more numbers are the same, often 0, so is their median
MOST_IN_ONE_CLASS = 2 / 3  # of the rows; beyond, a threshold of 0.5 rarely predicts the others
OTHER = "other"
NAMES_OF_CLASSES = re.compile(
    r"(^|_)(class|type|label|labels|category|kind|species|digit|group|segment|cluster|cultivar)($|_)"
)
NAMES_OF_NUMBERS = re.compile(
    r"(^|_)(quality|score|rating|count|number|num|quantity|qty|grade|age|rank|size|amount|points"
    r"|stars|rings|days|hours|visits|sales|children|level|n)($|_)"
)


@dataclass(frozen=True)
class Target:
    """The column to predict.

    Parameters
    ----------
    column
        The column, without missing values; rare classes are merged, or their rows are NaN.
    classes
        The classes in order, or None for regression.
    squared
        True if the metric squares errors.
    explanation
        Why the task is regression or classification, for the user.
    merged
        Rare classes that are one class now.
    dropped
        Rare classes whose rows are left out.
    """

    column: Column
    classes: list[Any] | None
    squared: bool
    explanation: str
    merged: tuple[Any, ...] = ()
    dropped: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """Get the clean name of the column."""
        return self.column.name

    @property
    def metric(self) -> str:
        """Get the name of the metric."""
        if self.classes is None:
            return "MSE" if self.squared else "MAE"
        return "log_loss"

    @property
    def is_imbalanced(self) -> bool:
        """Tell whether most rows are of one class."""
        shares = self.column.values.value_counts(normalize=True)
        return self.classes is not None and bool(shares.iloc[0] > MOST_IN_ONE_CLASS)

    @property
    def threshold(self) -> float | None:
        """Get the probability from which the second of two classes is predicted; else None.

        If most rows are of one class, it is the share of the second: where probabilities are
        calibrated, this maximises the balanced accuracy.
        """
        if self.classes is None or len(self.classes) != 2:
            return None
        share = float((self.column.values.dropna() == self.classes[1]).mean())
        return float(f"{share:.2g}") if self.is_imbalanced else 0.5

    @property
    def rarest(self) -> int:
        """Count the rows of the rarest class, or all rows of a number."""
        counts = self.column.values.value_counts()
        return int(counts.min() if self.classes is not None else counts.sum())


def infer_target(column: Column, task: Task | None, others: Sequence[pd.Series] = ()) -> Target:
    """Infer the task and the metric from a column without missing values.

    Parameters
    ----------
    column
        The target.
    task
        The task, if the user decided.
    others
        The numeric columns, which tell whether integers are ordered.

    Raises
    ------
    RefusedError
        No model can be trained to predict it.
    UsageError
        The values do not suit the task.
    """
    name, values = column.name, column.values
    if len(values) < FEWEST_ROWS:
        raise RefusedError(
            f"{name}: {len(values)} rows with a value are too few to train and evaluate a model. "
            f"Provide at least {FEWEST_ROWS}"
        )
    if column.kind in ("time", "other"):
        what = "times" if column.kind == "time" else "neither numbers nor text"
        raise RefusedError(f"{name}: contains {what}. Choose a column with numbers or categories")
    if column.n_distinct == 1:
        only = python_value(column, values.iloc[0])
        raise RefusedError(f"{name}: is {only!r} in every row. Choose a column that varies")
    if task == "regression" and not column.is_numeric:
        raise UsageError(f"--task regression: {name} contains text. Use --task classification")
    reason = "as --task says" if task else class_reason(column, others)
    if task == "classification" or (task is None and reason):
        return class_target(column, reason)
    share = values.value_counts(normalize=True).iloc[0]
    why = "as --task says" if task else f"it has {column.n_distinct} different values"
    few = column.n_distinct <= MOST_CLASSES and task is None
    return Target(
        column=column,
        classes=None,
        squared=bool(share > MOST_WITH_ONE_VALUE and column.n_distinct > MOST_INTEGER_CLASSES),
        explanation=f"{name} is predicted as a number: {why}"
        + (", and they are ordered; --task classification predicts classes" if few else ""),
    )


def class_reason(column: Column, others: Sequence[pd.Series]) -> str:
    """Return why the values are classes; empty if they are numbers."""
    if column.kind == "category":
        return "it contains text"
    if column.kind == "boolean":
        return "it contains booleans"
    if column.n_distinct == 2:
        return "it contains only two different numbers"
    if column.kind != "integer" or column.n_distinct > MOST_INTEGER_CLASSES:
        return ""
    reason = f"it contains only {column.n_distinct} different integers"
    if NAMES_OF_CLASSES.search(column.name) or column.n_distinct <= MOST_UNORDERED:
        return reason
    if NAMES_OF_NUMBERS.search(column.name):
        return ""
    return "" if is_ordered(column.values, others) else f"{reason}, which are not ordered"


def is_ordered(values: pd.Series, others: Sequence[pd.Series]) -> bool:
    """Tell whether integers are quantities: whether other columns depend on their order.

    Of the variance of the other columns that the classes explain, a straight line through the
    integers explains most.
    """
    by_class, by_line = 0.0, 0.0
    for other in others:
        known = other.reindex(values.index)
        ranks = known.fillna(known.median()).rank()
        total = float(((ranks - ranks.mean()) ** 2).sum())
        if not total:
            continue
        means = ranks.groupby(values).transform("mean")
        by_class += float(((means - ranks.mean()) ** 2).sum()) / total
        by_class -= (values.nunique() - 1) / len(values)  # what random classes explain
        by_line += float(np.nan_to_num(ranks.corr(values))) ** 2 - 1 / len(values)
    counts = values.value_counts()
    if by_class < 0.05 * max(1, len(others)):  # the other columns tell nothing
        return bool(counts.min() < FEWEST_ROWS_OF_CLASS or counts.max() > 3 * counts.median())
    return by_line > ORDERED * by_class


def class_target(column: Column, reason: str) -> Target:
    """Return a target whose values are classes; rare ones are merged or dropped.

    Raises
    ------
    RefusedError
        There are too many classes, or one at most has enough rows.
    """
    counts = column.values.value_counts()
    rare = sorted(counts.index[counts < FEWEST_ROWS_OF_CLASS])
    frequent = [value for value in counts.index if value not in set(rare)]
    is_mostly_rare = counts[rare].sum() > counts.sum() / 2
    if len(frequent) > MOST_CLASSES or (len(counts) > MOST_CLASSES and is_mostly_rare):
        raise RefusedError(
            f"{column.name}: {len(counts)} different categories are too many classes. Choose a "
            f"column of numbers, or one with at most {MOST_CLASSES} categories"
        )
    can_merge = (
        column.kind == "category"
        and len(rare) > 1
        and counts[rare].sum() >= FEWEST_ROWS_OF_CLASS
        and OTHER not in counts.index
    )
    if len(frequent) + can_merge < 2:
        named = python_value(column, counts.index[-1])
        raise RefusedError(
            f"{column.name}: {len(frequent)} of its values has at least {FEWEST_ROWS_OF_CLASS} "
            f"rows, too few to train and evaluate a model: others, such as {named!r}, are rarer. "
            "Provide more rows of them, or choose another column"
        )
    values = column.values.where(~column.values.isin(rare), OTHER if can_merge else np.nan)
    labels = sorted([*frequent, *([OTHER] if can_merge else [])])
    classes = [python_value(column, value) for value in labels]
    few = tuple(python_value(column, value) for value in rare)
    return Target(
        column=replace(column, values=values.dropna()),
        classes=classes,
        squared=False,
        explanation=f"{column.name} is predicted as one of {len(classes)} classes: {reason}",
        merged=few if can_merge else (),
        dropped=() if can_merge else few,
    )


def python_value(column: Column, value: Any) -> Any:
    """Convert a value of the column to a Python type."""
    match column.kind:
        case "boolean":
            return bool(value)
        case "integer":
            return int(value)
        case "number":
            return float(value)
    return str(value)
