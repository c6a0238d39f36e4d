"""Find columns from which the target can be computed: sums, differences, products, ratios."""

import numpy as np

from .columns import Column
from .target import Target

MOST_PARTS = 12
NEARLY, NEARLY_PRODUCT, EXACTLY = 0.98, 0.999, 0.99999  # explained; parts are rounded
MOST_POWER = 3
ALMOST_ONE = 0.05
ALIKE = 0.999  # correlation
PART = 0.002  # explained variance that is lost without a part
ROWS = 5000  # enough to find a formula
FEWEST_ROWS_OF_PART = 10
MOST_FOR_PAIRS = 40


def find_formula(columns: list[Column], target: Target) -> list[str]:
    """Find numeric columns of which the target is a sum or a product.

    A total is known only together with its parts, and a part together with the total.

    Returns
    -------
    list of str
        The names of the columns, the one that explains most first; empty if there is no formula.
    """
    numeric = [column for column in columns if column.is_numeric and column.n_distinct > 2]
    if target.classes is not None or len(numeric) < 2:
        return []
    table = np.column_stack([column.values.to_numpy(dtype=float) for column in numeric])[:ROWS]
    labels = target.column.values.to_numpy(dtype=float)[:ROWS]
    found = find_sum(table, labels)
    if not found:
        is_positive = np.nan_to_num(np.nanmin(table, axis=0)) > 0
        at_positive = np.flatnonzero(is_positive)
        if labels.min() > 0 and len(at_positive) > 1:
            logs = find_sum(np.log(table[:, at_positive]), np.log(labels), of_logs=True)
            found = [int(at_positive[at]) for at in logs]
    return [numeric[at].name for at in [*found, *multiples(table, found)]]


def multiples(table: np.ndarray, parts: list[int]) -> list[int]:
    """Return the other columns that are almost multiples of a part, such as a tax of a price."""
    if not parts:
        return []
    filled = np.where(np.isnan(table), np.nanmedian(table, axis=0), table)
    spread = filled.std(axis=0)
    scaled = (filled - filled.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    alike = np.abs(scaled.T @ scaled[:, parts] / len(table)).max(axis=1) > ALIKE
    return [int(at) for at in np.flatnonzero(alike) if at not in parts]


def find_sum(table: np.ndarray, labels: np.ndarray, of_logs: bool = False) -> list[int]:
    """Find columns of which the labels are a weighted sum, by adding the best one at a time.

    Parameters
    ----------
    table : array of shape (n_rows, n_columns)
    labels : array of shape (n_rows,)
    of_logs : bool
        Whether these are logarithms, so that the sum is a product.

    Returns
    -------
    list of int
        The columns, the one that explains most first.
    """
    if np.ptp(labels) == 0:
        return []
    medians = np.nanmedian(table, axis=0)
    filled = np.where(np.isnan(table), medians, table)
    spread = filled.std(axis=0)
    usable = (spread > 0) & (np.isnan(table).mean(axis=0) < 0.5)
    scaled = (filled - filled.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    residual = labels - labels.mean()
    total = float((residual**2).sum())
    chosen: list[int] = []
    while len(chosen) < min(MOST_PARTS, usable.sum(), len(labels) // FEWEST_ROWS_OF_PART):
        fits = np.where(usable, np.abs(scaled.T @ residual), -1.0)
        fits[chosen] = -1.0
        chosen.append(int(fits.argmax()))
        factors = np.linalg.lstsq(scaled[:, chosen], labels - labels.mean(), rcond=None)[0]
        residual = labels - labels.mean() - scaled[:, chosen] @ factors
        if float((residual**2).sum()) < (1 - EXACTLY) * total / 100:
            break
    return prune(table, labels, chosen, of_logs)


def prune(table: np.ndarray, labels: np.ndarray, chosen: list[int], of_logs: bool) -> list[int]:
    """Return those of the columns without which the labels are explained less, if they are."""
    is_complete = ~np.isnan(table[:, chosen]).any(axis=1)
    if is_complete.sum() < FEWEST_ROWS_OF_PART * len(chosen):
        return []
    rows, labels = table[is_complete], labels[is_complete]
    _, explained = fit_sum(rows[:, chosen], labels)
    if explained < (NEARLY_PRODUCT if of_logs else NEARLY):
        return []
    parts = list(chosen)
    for at in reversed(chosen):  # the one that was added last explains least
        rest = [part for part in parts if part != at]
        if explained - fit_sum(rows[:, rest], labels)[1] < PART:
            parts = rest
    factors, explained = fit_sum(rows[:, parts], labels)
    if explained <= EXACTLY:
        limit = MOST_POWER if of_logs else 1
        parts = [part for part, one in zip(parts, factors, strict=True) if is_whole(one, limit)]
    return parts if len(parts) > 1 else []


def is_whole(factor: float, limit: int) -> bool:
    """Tell whether a factor is almost 1 or -1, or another integer up to the limit."""
    nearest = round(abs(factor))
    return 1 <= nearest <= limit and abs(abs(factor) - nearest) < ALMOST_ONE


def fit_sum(table: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit a weighted sum by least squares.

    Parameters
    ----------
    table : array of shape (n_rows, n_columns)
    labels : array of shape (n_rows,)

    Returns
    -------
    factors : array of shape (n_columns,)
    explained : float
        The share of the labels' variance that the sum explains.
    """
    spread = table.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    centred = labels - labels.mean()
    scaled = (table - table.mean(axis=0)) / spread
    factors = np.linalg.lstsq(scaled, centred, rcond=None)[0]
    total = float((centred**2).sum())
    if not total:
        return factors / spread, 0.0
    return factors / spread, 1 - float(((centred - scaled @ factors) ** 2).sum()) / total


def find_difference(columns: list[Column], target: Target) -> list[str]:
    """Find two numeric columns whose difference or sum tells the classes apart, as in `a > b`."""
    numeric = [column for column in columns if column.is_numeric and column.n_distinct > 2]
    if target.classes is None or not 2 <= len(numeric) <= MOST_FOR_PAIRS:
        return []
    labels = target.column.values[:ROWS].factorize()[0]
    table = [column.values[:ROWS].to_numpy(dtype=float) for column in numeric]
    for at, one in enumerate(table):
        for other in range(at):
            for combined in (one - table[other], one + table[other]):
                if tells_apart(combined, labels, len(target.classes)):
                    return [numeric[at].name, numeric[other].name]
    return []


def tells_apart(values: np.ndarray, labels: np.ndarray, classes: int) -> bool:
    """Tell whether every class has its own range of values."""
    is_known = ~np.isnan(values)
    values, labels = values[is_known], labels[is_known]
    if len(values) < FEWEST_ROWS_OF_PART * classes:
        return False
    order = np.argsort(values, kind="stable")
    changes = np.flatnonzero(np.diff(labels[order]))
    if len(changes) != classes - 1:
        return False
    return bool((np.diff(values[order])[changes] > 0).all())
