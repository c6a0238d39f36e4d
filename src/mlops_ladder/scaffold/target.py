"""Infer the task and the metric from the target's values."""

from dataclasses import dataclass
from typing import Any

from ..errors import RefusedError
from .columns import Column

FEWEST_ROWS = 50
FEWEST_ROWS_OF_CLASS = 10
MOST_CLASSES = 50
MOST_INTEGER_CLASSES = 10
MOST_WITH_ONE_VALUE = 0.4  # if more numbers are the same, often 0, so is their median


@dataclass(frozen=True)
class Target:
    """The column to predict.

    Parameters
    ----------
    column
        The column, without missing values.
    classes
        The classes in order, or None for regression.
    squared
        True if the metric squares errors.
    explanation
        Why the task is regression or classification, for the user.
    """

    column: Column
    classes: list[Any] | None
    squared: bool
    explanation: str

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


def infer_target(column: Column) -> Target:
    """Infer the task and the metric from a column without missing values.

    Raises
    ------
    RefusedError
        No model can be trained to predict it.
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
    if column.kind == "category":
        return class_target(column, "it contains text")
    if column.kind == "boolean":
        return class_target(column, "it contains booleans")
    if column.n_distinct == 2:
        return class_target(column, "it contains only two different numbers")
    if column.kind == "integer" and column.n_distinct <= MOST_INTEGER_CLASSES:
        return class_target(column, f"it contains only {column.n_distinct} different integers")
    share = values.value_counts(normalize=True).iloc[0]
    return Target(
        column=column,
        classes=None,
        squared=bool(share > MOST_WITH_ONE_VALUE),
        explanation=f"{name} is predicted as a number: it has {column.n_distinct} different values",
    )


def class_target(column: Column, reason: str) -> Target:
    """Return a target whose values are classes.

    Raises
    ------
    RefusedError
        There are too many classes, or too few rows of one.
    """
    counts = column.values.value_counts()
    if len(counts) > MOST_CLASSES:
        raise RefusedError(
            f"{column.name}: {len(counts)} different categories are too many classes. Choose a "
            f"column of numbers, or one with at most {MOST_CLASSES} categories"
        )
    rare = counts.index[counts < FEWEST_ROWS_OF_CLASS]
    few = [python_value(column, value) for value in rare]
    if few:
        named = ", ".join(f"{value!r}" for value in few[:5]) + (", ..." if len(few) > 5 else "")
        raise RefusedError(
            f"{column.name}: is {named} in fewer than {FEWEST_ROWS_OF_CLASS} rows, too few to "
            "train and evaluate a model. Remove these rows, or merge the class with another one"
        )
    counts = counts.sort_index()
    classes = [python_value(column, value) for value in counts.index]
    return Target(
        column=column,
        classes=classes,
        squared=False,
        explanation=f"{column.name} is predicted as one of {len(classes)} classes: {reason}",
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
