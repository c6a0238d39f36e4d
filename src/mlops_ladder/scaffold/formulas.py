"""Find columns from which the target can be computed: sums, differences, products, ratios."""

import numpy as np

from .columns import Column
from .target import Target

MOST_PARTS = 12
NEARLY, EXACTLY = 0.98, 0.99999  # explained variance; parts are rounded, rows have errors
ALMOST_ONE = 0.05
PART = 0.002  # explained variance that is lost without a part
ROWS = 5000  # enough to find a formula
FEWEST_ROWS_OF_PART = 10


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
            logs = find_sum(np.log(table[:, at_positive]), np.log(labels), exact=True)
            found = [int(at_positive[at]) for at in logs]
    return [numeric[at].name for at in found]


def find_sum(table: np.ndarray, labels: np.ndarray, exact: bool = False) -> list[int]:
    """Find columns of which the labels are a weighted sum, by adding the best one at a time.

    Parameters
    ----------
    table : array of shape (n_rows, n_columns)
    labels : array of shape (n_rows,)
    exact : bool
        Whether a sum that is only almost right does not count.

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
    return prune(table, labels, chosen, exact)


def prune(table: np.ndarray, labels: np.ndarray, chosen: list[int], exact: bool) -> list[int]:
    """Return those of the columns without which the labels are explained less, if they are."""
    is_complete = ~np.isnan(table[:, chosen]).any(axis=1)
    if is_complete.sum() < FEWEST_ROWS_OF_PART * len(chosen):
        return []
    rows, labels = table[is_complete], labels[is_complete]
    factors, explained = fit_sum(rows[:, chosen], labels)
    if explained < (EXACTLY if exact else NEARLY):
        return []
    losses = [
        explained - fit_sum(rows[:, [c for c in chosen if c != at]], labels)[1] for at in chosen
    ]
    parts = [
        (loss, at)
        for factor, loss, at in zip(factors, losses, chosen, strict=True)
        if loss > PART and (explained > EXACTLY or abs(abs(factor) - 1) < ALMOST_ONE)
    ]
    return [at for _, at in sorted(parts, reverse=True)] if len(parts) > 1 else []


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
    """Find two numeric columns whose difference tells the classes apart, as in `a > b`."""
    numeric = [column for column in columns if column.is_numeric and column.n_distinct > 10]
    if target.classes is None or len(target.classes) != 2 or not 2 <= len(numeric) <= 40:
        return []
    labels = target.column.values[:ROWS]
    is_first = (labels == labels.iloc[0]).to_numpy()
    table = [column.values[:ROWS].to_numpy(dtype=float) for column in numeric]
    for at, one in enumerate(table):
        for other in range(at):
            difference = one - table[other]
            inside, outside = difference[is_first], difference[~is_first]
            inside, outside = inside[~np.isnan(inside)], outside[~np.isnan(outside)]
            if not len(inside) or not len(outside):
                continue
            if inside.min() >= outside.max() or inside.max() <= outside.min():
                return [numeric[at].name, numeric[other].name]
    return []
