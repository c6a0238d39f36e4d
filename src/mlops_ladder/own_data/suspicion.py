"""Columns that a model should not learn from, told by their values: each with its reason."""

import re

import numpy as np
import pandas as pd

from .columns import Column
from .target import Target

MOSTLY = 0.5
MANY_ROWS = 1000  # in which whole numbers that are all different are no measurement
LONG_TEXT = 40
MOST_LEARNED = 30  # of the values of a category: more would be learned by heart
ALMOST_ONE_TO_ONE = 0.995
ALMOST_ALWAYS = 0.99
ALL_OF_IT = 0.9995  # of the variance
NEARLY_SUM, EXACT_SUM = 0.98, 0.99999  # of the variance: amounts get rounded, and rows are wrong
MATTERS = 0.002
ID_NAME = re.compile(r"(^|_)(id|ids|uuid|guid|key|index|idx|nr|no|number|row)($|_)")
UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{24,64}"


def of_itself(column: Column) -> str | None:
    """Why the column is suspicious whatever the target is; None if it is not."""
    known, rows = column.values.dropna(), len(column.values)
    if known.empty:
        return "it is empty"
    if column.kind == "time":
        return "it holds times, and may be known only afterwards; --time COLUMN takes one of them"
    if column.kind == "other":
        return "it holds neither numbers nor words"
    if column.distinct == 1:
        return "it is the same in every row" if not column.gaps else "it never varies where known"
    if 1 - len(known) / rows > MOSTLY:
        return f"it is missing in {1 - len(known) / rows:.0%} of the rows"
    if identifies(column, known):
        return "it tells the rows apart as an identifier does"
    if column.kind == "category" and is_free_text(known):
        return "it is free text"
    if column.kind == "category" and column.distinct > max(MOST_LEARNED, len(known) / 5):
        return f"it holds {column.distinct} different words, too many to learn from"
    return None


def identifies(column: Column, known: pd.Series) -> bool:
    """Whether the column numbers or names the rows."""
    count = known.nunique()
    called_so = bool(ID_NAME.search(column.name)) or bool(re.match(r"column_\d+$", column.name))
    if column.kind == "whole":
        if count > len(known) / 2 and called_so:
            return True
        steps = known.diff().dropna()
        in_order = bool((steps > 0).all() or (steps < 0).all())
        dense = float(known.max() - known.min()) < 1.5 * len(known)
        return count == len(known) and (len(known) >= MANY_ROWS or in_order or dense)
    if column.kind == "category":
        if known.str.fullmatch(UUID).all() and count > len(known) / 5:
            return True
        one_word = not known.str.contains(" ").mean() > MOSTLY
        return count > 0.9 * len(known) and (one_word or called_so)
    return False


def is_free_text(known: pd.Series) -> bool:
    """Whether people wrote sentences into the column."""
    words = known.str.count(r"\s+") + 1
    long = known.str.len().mean() > LONG_TEXT or bool(words.mean() > 4)
    return bool(known.str.len().max() > 2 * LONG_TEXT) or (long and known.nunique() > MOST_LEARNED)


def twin(column: Column, earlier: list[Column]) -> str | None:
    """The earlier column that holds the same, be it in other words; None if there is none."""
    for other in earlier:
        if column.numeric and other.numeric:
            if column.values.equals(other.values):
                return other.name
        elif column.distinct == other.distinct < len(column.values) / 2:
            codes, others = pd.factorize(column.values)[0], pd.factorize(other.values)[0]
            if np.array_equal(codes, others):
                return other.name
    return None


def of_target(column: Column, target: Target) -> str | None:
    """Why the column may give the target away; None if it does not."""
    values, truth = column.values, target.column.values
    if target.classes is None:
        return of_number(column, target)
    if tells_class(values.isna(), truth):
        return f"whether it is missing tells {target.name}"
    if values.nunique() <= max(2, len(values) / 10) and tells_class(values, truth):
        return f"it tells {target.name} nearly always, each value its own class"
    if column.numeric and few_changes(values, truth):
        return f"it tells {target.name} nearly always, each class has its own range of it"
    return None


def of_number(column: Column, target: Target) -> str | None:
    """Why the column may give a number away."""
    values, truth = column.values, target.column.values
    if column.numeric and abs(values.rank().corr(truth.rank())) > ALMOST_ONE_TO_ONE:
        return f"it rises and falls with {target.name} almost one to one"
    groups = truth.groupby(values, dropna=False)
    if values.nunique() < len(values) / 5:
        within = float((truth - groups.transform("mean")).pow(2).sum())
        if within < (1 - ALL_OF_IT) * float((truth - truth.mean()).pow(2).sum()):
            return f"it tells {target.name} exactly, each value its own"
    return None


def tells_class(values: pd.Series, truth: pd.Series) -> bool:
    """Whether knowing the value takes away nearly all errors of always naming one class."""
    together = pd.crosstab(values.astype(object).where(values.notna(), "missing"), truth)
    errors = len(truth) - together.max(axis=1).sum()
    blind = len(truth) - truth.value_counts().iloc[0]
    return bool(errors < (1 - ALMOST_ALWAYS) * blind)


def few_changes(values: pd.Series, truth: pd.Series) -> bool:
    """Whether the classes stand one after the other when rows are sorted by the value."""
    if values.nunique() < 3:
        return False
    together = pd.crosstab(values, truth).sort_index().to_numpy()
    errors = together.sum() - together.max(axis=1).sum()
    blind = len(truth) - truth.value_counts().iloc[0]
    changes = np.count_nonzero(np.diff(together.argmax(axis=1)))
    few = together.shape[1] + len(truth) // MANY_ROWS
    return bool(errors < (1 - ALMOST_ALWAYS) * blind and changes < few)


def parts_of_sum(columns: list[Column], target: Target) -> list[str]:
    """The numbers that the target can be computed from as a sum, the most telling first; else none.

    A total is known only together with its parts, and a part together with the total.
    """
    numbers = [column for column in columns if column.numeric and column.distinct > 2]
    if target.classes is not None or len(numbers) < 2:
        return []
    table = np.column_stack([column.values.to_numpy(dtype=float) for column in numbers])
    truth = target.column.values.to_numpy(dtype=float)
    complete = ~np.isnan(table).any(axis=1)
    if complete.sum() < 10 * len(numbers):
        return []
    table, truth = table[complete], truth[complete]
    factors, explained = fit(table, truth)
    if explained < NEARLY_SUM:
        return []
    lost = [
        explained - fit(np.delete(table, place, axis=1), truth)[1] for place in range(len(numbers))
    ]
    added = [
        place
        for place, loss in enumerate(lost)
        if loss > MATTERS and (explained > EXACT_SUM or abs(abs(factors[place]) - 1) < 0.05)
    ]
    ordered = sorted(added, key=lambda place: -lost[place])
    return [numbers[place].name for place in ordered] if len(added) > 1 else []


def fit(table: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, float]:
    """The factors of the best weighted sum, and the share of the truth's variance it explains."""
    spread = table.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    wanted = truth - truth.mean()
    scaled = (table - table.mean(axis=0)) / spread
    found = np.linalg.lstsq(scaled, wanted, rcond=None)[0]
    total = float((wanted**2).sum())
    return found / spread, 1 - float(((wanted - scaled @ found) ** 2).sum()) / total
