"""Find columns that a model should not be trained on, such as identifiers and target leakage.

The reasons complete the sentence "column was left out: ...".
"""

import re

import numpy as np
import pandas as pd

from .columns import Column
from .target import Target

MOST_MISSING = 0.5
MANY_ROWS = 1000  # that many different integers are unlikely to be a measurement
LONG_TEXT = 40  # characters
MOST_CATEGORIES = 30  # a model would memorise more, unless there are many rows of each
RANK_CORRELATION = 0.995
EXPLAINED_ERRORS = 0.99  # of the errors of the most frequent class
EXPLAINED_VARIANCE = 0.9995
ID_NAME = re.compile(r"(^|_)(id|ids|uuid|guid|key|index|idx|nr|no|number|row)($|_)")
AFTERWARDS = re.compile(
    r"(^|_)(arrival|arr|arrived|dropoff|ended|finished|closed|resolved|resolution|completed"
    r"|delivered|returned|actual|outcome|discharge|discharged|cancelled|cancellation|churned"
    r"|churn|terminated|settled|settlement|refund|refunded|chargeback|air_time|elapsed|survival|status_date|updated)($|_)"
)
# The date of an arrival is planned, and known before; its time is not.
PLANNED = re.compile(r"arrival(_date)?_(year|month|week|day)(_number|_of_month)?")
UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{24,64}"


def find_defect(column: Column) -> str | None:
    """Return the reason to leave out a column for any target, or None."""
    known, n_rows = column.values.dropna(), len(column.values)
    if known.empty:
        return "it is empty"
    if column.kind == "time":
        return (
            "it contains times, which may not be known at prediction time; --time selects a column "
            "of times"
        )
    if column.kind == "other":
        return "it contains neither numbers nor text"
    if column.n_distinct == 1 and not (column.kind == "category" and column.has_missing):
        return "it is the same in every row" + (" that has a value" if column.has_missing else "")
    if 1 - len(known) / n_rows > MOST_MISSING:
        return f"it is missing in {1 - len(known) / n_rows:.0%} of the rows"
    if is_identifier(column, known):
        return "it is an identifier of the rows"
    if column.kind == "category" and is_free_text(known):
        return "it is free text"
    if column.kind == "category" and column.n_distinct > max(MOST_CATEGORIES, len(known) / 5):
        return f"it has {column.n_distinct} different categories, too many to learn from"
    return None


def is_identifier(column: Column, known: pd.Series) -> bool:
    """Tell whether the column numbers or names the rows, or what a few rows are about."""
    count = known.nunique()
    has_id_name = bool(ID_NAME.search(column.name)) or bool(re.match(r"column_\d+$", column.name))
    if column.kind == "integer":
        if count > len(known) / 2 and has_id_name:
            return True
        steps = known.diff().dropna()
        is_sorted = bool((steps > 0).all() or (steps < 0).all())
        is_dense = float(known.max() - known.min()) < 1.5 * len(known)
        return count == len(known) and (len(known) >= MANY_ROWS or is_sorted or is_dense)
    if column.kind == "category":
        if known.str.fullmatch(UUID).all() and count > len(known) / 5:
            return True
        is_one_word = not known.str.contains(" ").mean() > 0.5
        return count > 0.9 * len(known) and (is_one_word or has_id_name)
    return False


def is_free_text(known: pd.Series) -> bool:
    """Tell whether the column contains sentences."""
    n_words = known.str.count(r"\s+") + 1
    is_long = known.str.len().mean() > LONG_TEXT or bool(n_words.mean() > 4)
    has_long = bool(known.str.len().max() > 2 * LONG_TEXT)
    return has_long or (is_long and known.nunique() > MOST_CATEGORIES)


def is_afterwards(name: str) -> bool:
    """Tell whether a name says that the value is known only after the fact."""
    return bool(AFTERWARDS.search(name)) and not PLANNED.fullmatch(name)


def find_afterwards(column: Column) -> str | None:
    """Return the reason if the name says that the value is known only after the fact, or None."""
    if not is_afterwards(column.name):
        return None
    return "its name suggests that it is known only after the fact; add it if it is known before"


def fingerprint(column: Column) -> bytes:
    """Return bytes that are equal for columns with the same values or with renamed categories."""
    if column.is_numeric:
        return b"n" + column.values.to_numpy().tobytes()
    return b"c" + pd.factorize(column.values)[0].tobytes()


def find_duplicate(column: Column, earlier: dict[bytes, str]) -> str | None:
    """Return the name of an earlier column with the same fingerprint, or None."""
    if not column.is_numeric and column.n_distinct >= len(column.values) / 2:
        return None
    return earlier.get(fingerprint(column))


def find_leakage(column: Column, target: Target) -> str | None:
    """Return the reason if the column reveals the target, or None."""
    values, labels = column.values, target.column.values
    if target.classes is None:
        return find_regression_leakage(column, target)
    if predicts_class(values.isna(), labels):
        return f"whether it is missing reveals {target.name}"
    if values.nunique() <= max(2, len(values) / 10) and predicts_class(values, labels):
        return f"it reveals {target.name}: almost every value occurs with one class"
    if column.is_numeric and separates_classes(values, labels):
        return f"it reveals {target.name}: almost every class has its own range of values"
    return None


def find_regression_leakage(column: Column, target: Target) -> str | None:
    """Return the reason if the column reveals a number, or None."""
    values, labels = column.values, target.column.values
    if column.is_numeric and abs(values.rank().corr(labels.rank())) > RANK_CORRELATION:
        return f"it reveals {target.name}: the two are related almost one to one"
    groups = labels.groupby(values, dropna=False)
    if values.nunique() < len(values) / 5:
        within = float((labels - groups.transform("mean")).pow(2).sum())
        if within < (1 - EXPLAINED_VARIANCE) * float((labels - labels.mean()).pow(2).sum()):
            return f"it reveals {target.name}: every value occurs with one number"
    if column.kind == "category" and separates_classes(labels, values.fillna("")):
        return f"it reveals {target.name}: each value occurs with one range of numbers"
    return None


def predicts_class(values: pd.Series, labels: pd.Series) -> bool:
    """Tell whether the most frequent class of each value is almost always right.

    Errors are counted relative to those of the most frequent class of all.
    """
    known = labels.notna()
    groups = pd.factorize(values[known], use_na_sentinel=False)[0]
    return has_few_errors(class_counts(groups, labels[known]))


def separates_classes(values: pd.Series, labels: pd.Series) -> bool:
    """Tell whether each class has its own range of values, with almost no errors."""
    known = values.notna() & labels.notna()
    groups, found = pd.factorize(values[known], sort=True)
    if len(found) < 3:
        return False
    counts = class_counts(groups, labels[known])
    n_changes = np.count_nonzero(np.diff(counts.argmax(axis=1)))
    most_changes = counts.shape[1] + len(labels) // MANY_ROWS
    return n_changes < most_changes and has_few_errors(counts)


def class_counts(groups: np.ndarray, labels: pd.Series) -> np.ndarray:
    """Return how many rows of each group, from 0, are of each class, in their order."""
    codes, classes = pd.factorize(labels, sort=True)
    width = len(classes)
    counts = np.bincount(groups * width + codes, minlength=(groups.max() + 1) * width)
    return counts.reshape(-1, width)


def has_few_errors(counts: np.ndarray) -> bool:
    """Tell whether the best class of each group has almost no errors, beside the best of all."""
    errors = counts.sum() - counts.max(axis=1).sum()
    errors_of_one_class = counts.sum() - counts.sum(axis=0).max()
    return bool(errors < (1 - EXPLAINED_ERRORS) * errors_of_one_class)
