"""What is asked of the target: a number or a class, how an answer is judged, and whether it can be
learned at all.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Refused
from .columns import Column

FEWEST_ROWS = 50
FEWEST_OF_CLASS = 10
MOST_CLASSES = 50
MOST_WHOLE_CLASSES = 10  # more whole numbers than these are amounts
RARE = 2 / 3  # if one class has more of the rows, always naming it would be hard to beat
ONE_VALUE = 0.4  # a target that is so often the same number, such as 0, has no telling median


@dataclass(frozen=True)
class Target:
    """The target; `classes` has them as they stand in the file, and is None for a number."""

    column: Column
    classes: list[Any] | None
    weights: dict[Any, float] | None  # of a class, so that all count the same; None: all rows do
    squared: bool  # whether errors are squared
    why: str

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def metric(self) -> str:
        """The measure's name."""
        if self.classes is None:
            return f"{'squared' if self.squared else 'absolute'}_error_{self.name}"
        return "balanced_error_rate" if self.weights else "error_rate"


def target_of(column: Column) -> Target:
    """What is asked of the column, whose values are all there.

    Raises:
        Refused: it cannot be learned.
    """
    name, values = column.name, column.values
    if len(values) < FEWEST_ROWS:
        raise Refused(
            f"{len(values)} rows with a value of {name} are too few to learn from and to judge by: "
            f"{FEWEST_ROWS} at least"
        )
    if column.kind in ("time", "other"):
        what = "times" if column.kind == "time" else "neither numbers nor words"
        raise Refused(f"{name} holds {what}: no model here predicts those")
    if column.distinct == 1:
        only = plain(column, values.iloc[0])
        raise Refused(f"{name} is {only!r} in every row: there is nothing to predict")
    if column.kind == "category":
        return classes_of(column, "it holds words")
    if column.kind == "truth":
        return classes_of(column, "it holds truth values")
    if column.distinct == 2:
        return classes_of(column, "it holds only two different numbers")
    if column.kind == "whole" and column.distinct <= MOST_WHOLE_CLASSES:
        return classes_of(column, f"it holds only {column.distinct} different whole numbers")
    share = values.value_counts(normalize=True).iloc[0]
    return Target(
        column=column,
        classes=None,
        weights=None,
        squared=bool(share > ONE_VALUE),
        why=f"{name} is predicted as a number: it holds {column.distinct} different ones",
    )


def classes_of(column: Column, reason: str) -> Target:
    """A target whose values are classes.

    Raises:
        Refused: there are too many classes, or too few rows of one.
    """
    counts = column.values.value_counts()
    if len(counts) > MOST_CLASSES:
        raise Refused(
            f"{column.name} holds {len(counts)} different words: no numbers, and too many classes "
            f"({MOST_CLASSES} at most). Is it the right column?"
        )
    few = [plain(column, value) for value in counts.index[counts < FEWEST_OF_CLASS]]
    if few:
        named = ", ".join(f"{value!r}" for value in few[:5]) + (", ..." if len(few) > 5 else "")
        raise Refused(
            f"{column.name} is {named} in fewer than {FEWEST_OF_CLASS} rows: too few to learn "
            "that and to judge it. Leave these rows out of the file, or join the class to another"
        )
    counts = counts.sort_index()
    classes = [plain(column, value) for value in counts.index]
    shares = counts.to_numpy() / counts.sum()
    weights = None
    if shares.max() > RARE:
        heavy = np.round(1 / (len(classes) * shares), 3).tolist()
        weights = dict(zip(classes, heavy, strict=True))
    return Target(
        column=column,
        classes=classes,
        weights=weights,
        squared=False,
        why=f"{column.name} is predicted as one of {len(classes)} classes: {reason}",
    )


def plain(column: Column, value: Any) -> Any:
    """A value of the column as Python has it."""
    match column.kind:
        case "truth":
            return bool(value)
        case "whole":
            return int(value)
        case "number":
            return float(value)
    return str(value)
