"""Profiles of features in the training set, and their distance from other rows: data drift.

A profile is a file of the bundle; the service compares its recent requests with it. Dates and times
have no profile, because requests are always later than the training set.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..errors import UserError

PROFILE = "profile.json"  # its file in a bundle
BINS = 10  # of a numeric feature, with equal shares of the training set
MOST_VALUES = 30  # of a categorical feature; rarer ones are counted together
NOTABLE, LARGE = 0.1, 0.25  # the customary thresholds of PSI
FEWEST_ROWS = 500  # with fewer, chance alone looks like drift


class Numbers(msgspec.Struct, frozen=True, tag="numbers"):
    """A numeric feature. Its outer bins are open; the last share is that of missing values."""

    edges: list[float]
    shares: list[float]

    @property
    def names(self) -> list[str]:
        """The name of each share."""
        edges = [f"{edge:.4g}" for edge in self.edges]
        between = [f"{low} to {high}" for low, high in pairwise(edges)]
        outer = [f"below {edges[0]}", *between, f"{edges[-1]} or more"] if edges else ["any"]
        return [*outer, "missing"]

    def counts(self, column: np.ndarray) -> np.ndarray:
        """Count the values in each bin, and the missing values."""
        values = column.astype(float)
        known = values[~np.isnan(values)]
        bins = np.searchsorted(self.edges, known, side="right")
        return np.append(np.bincount(bins, minlength=len(self.edges) + 1), len(values) - len(known))


class Values(msgspec.Struct, frozen=True, tag="values"):
    """A categorical feature. Its last two shares are those of other and of missing values."""

    values: list[str]
    shares: list[float]

    @property
    def names(self) -> list[str]:
        """The name of each share."""
        return [*self.values, "other", "missing"]

    def counts(self, column: np.ndarray) -> np.ndarray:
        """Count each value, the other values, and the missing values."""
        found = Counter(map(label, column.tolist()))
        missing = found.pop(None, 0)
        known = [found.pop(value, 0) for value in self.values]
        return np.array([*known, found.total(), missing])


class Profile(msgspec.Struct, frozen=True):
    """The distribution of each feature in so many rows of the training set."""

    rows: int
    fields: dict[str, Numbers | Values]
    left_out: list[str]


def profile_of(columns: Mapping[str, np.ndarray]) -> Profile:
    """Return the profile of rows, given as an array of shape (rows,) for each field."""
    fields, left_out = {}, []
    for name, column in columns.items():
        if column.dtype.kind in "mM":
            left_out.append(name)
        else:
            empty = bins_of(column)
            shares = empty.counts(column) / max(1, len(column))
            fields[name] = msgspec.structs.replace(empty, shares=shares.tolist())
    rows = max((len(column) for column in columns.values()), default=0)
    return Profile(rows=rows, fields=fields, left_out=left_out)


def bins_of(column: np.ndarray) -> Numbers | Values:
    """Return the bins or the values of a column; integers with few values are categorical."""
    if column.dtype.kind in "iuf":
        values = column.astype(float)
        known = values[~np.isnan(values)]
        is_categorical = len(np.unique(known)) <= MOST_VALUES and (known == np.round(known)).all()
        if not is_categorical:
            inner = np.linspace(0, 1, BINS + 1)[1:-1]
            return Numbers(edges=np.unique(np.quantile(known, inner)).tolist(), shares=[])
    found = Counter(value for value in map(label, column.tolist()) if value is not None)
    frequent = sorted(found, key=lambda value: (-found[value], value))[:MOST_VALUES]
    return Values(values=frequent, shares=[])


def label(value: Any) -> str | None:
    """Return the name of a value, the same for 3, 3.0 and "3"; None if it is missing."""
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


def psi(field: Numbers | Values, counts: np.ndarray, trained_rows: int) -> float:
    """Return the population stability index (PSI) of counts against a profile; 0 is no drift.

    It is the sum over bins of (q - p) ln(q / p), with a bin's share p of the training set and its
    share q of the rows (N. Siddiqi, Credit Risk Scorecards, 2006). A share is at least that of half
    a row, so an empty bin gives no infinity. By custom, below 0.1 is little and above 0.25 is much.
    """
    rows, shares = max(1, int(counts.sum())), np.array(field.shares)
    trained = np.maximum(shares, 0.5 / max(1, trained_rows))
    seen = np.maximum(counts / rows, 0.5 / rows)
    terms = (seen - trained) * np.log(seen / trained)
    return float(terms[(shares > 0) | (counts > 0)].sum())


def stability_index(profile: Profile, columns: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the PSI of each field of rows, given as an array of shape (rows,) for each."""
    return {
        name: psi(field, field.counts(columns[name]), profile.rows)
        for name, field in profile.fields.items()
        if name in columns and len(columns[name])
    }


def write_profile(profile: Profile, path: Path) -> None:
    """Write the profile as JSON."""
    path.write_bytes(msgspec.json.encode(profile) + b"\n")


def read_profile(path: Path) -> Profile:
    """Read a profile that `write_profile` wrote."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Profile)
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
