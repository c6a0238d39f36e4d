"""Profiles of features in the training set, and their distance from other rows: data drift.

A profile is a file of the bundle; the service compares its recent requests with it. It needs no
dates and times, because requests are always later than the training set.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..serving.bundle import decode_file

PROFILE = "profile.json"  # its file in a bundle
BINS = 10  # of a numeric feature, with equal shares of the training set
MOST_VALUES = 30  # of a categorical feature; rarer ones are counted together
NOTABLE, LARGE = 0.1, 0.25  # the customary thresholds of PSI
FEWEST_ROWS = 500  # with fewer, chance alone looks like drift


class Distribution(msgspec.Struct, frozen=True):
    """The shares of a feature's bins in the training set; the last bin has the missing values.

    Bins of a numeric feature lie between `edges`, and the outer ones are open. A categorical
    feature has no edges, a bin for each of its `values`, and one for all others.
    """

    shares: list[float] = []
    edges: list[float] | None = None
    values: list[str] = []

    @property
    def names(self) -> list[str]:
        """The name of each bin."""
        if self.edges is None:
            return [*self.values, "other", "missing"]
        edges = [f"{edge:.4g}" for edge in self.edges]
        between = [f"{low} to {high}" for low, high in pairwise(edges)]
        outer = [f"below {edges[0]}", *between, f"{edges[-1]} or more"] if edges else ["any"]
        return [*outer, "missing"]

    def counts(self, column: np.ndarray) -> np.ndarray:
        """Count the values of a column in each bin."""
        if self.edges is None:
            found = Counter(map(name_of, column.tolist()))
            missing = found.pop(None, 0)
            known = [found.pop(value, 0) for value in self.values]
            return np.array([*known, found.total(), missing])
        numbers = column.astype(float)
        numbers = numbers[~np.isnan(numbers)]
        bins = np.searchsorted(self.edges, numbers, side="right")
        counts = np.bincount(bins, minlength=len(self.edges) + 1)
        return np.append(counts, len(column) - len(numbers))


class Profile(msgspec.Struct, frozen=True):
    """The distribution of each feature in so many rows of the training set."""

    rows: int
    fields: dict[str, Distribution]


def profile_of(columns: Mapping[str, np.ndarray]) -> Profile:
    """Return the profile of rows, given as an array of shape (rows,) for each field."""
    fields = {}
    for name, column in columns.items():
        empty = bins_of(column)
        shares = empty.counts(column) / max(1, len(column))
        fields[name] = msgspec.structs.replace(empty, shares=shares.tolist())
    return Profile(rows=max(map(len, columns.values()), default=0), fields=fields)


def bins_of(column: np.ndarray) -> Distribution:
    """Return the bins of a column; integers with few values are categorical."""
    if column.dtype.kind in "iuf":
        values = column.astype(float)
        known = values[~np.isnan(values)]
        is_categorical = len(np.unique(known)) <= MOST_VALUES and (known == np.round(known)).all()
        if not is_categorical:
            inner = np.linspace(0, 1, BINS + 1)[1:-1]
            return Distribution(edges=np.unique(np.quantile(known, inner)).tolist())
    found = Counter(name for value in column.tolist() if (name := name_of(value)) is not None)
    frequent = sorted(found, key=lambda name: (-found[name], name))[:MOST_VALUES]
    return Distribution(values=frequent)


def name_of(value: Any) -> str | None:
    """Return the name of a value, the same for 3, 3.0 and "3"; None if it is missing."""
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


def psi(field: Distribution, counts: np.ndarray, trained_rows: int) -> np.ndarray:
    """Return the population stability index (PSI) of counts, of shape (..., bins); 0 is no drift.

    It is the sum over bins of (q - p) ln(q / p), with a bin's share p of the training set and its
    share q of the rows (N. Siddiqi, Credit Risk Scorecards, 2006). A share is at least that of half
    a row, so an empty bin gives no infinity. By custom, below 0.1 is little and above 0.25 is much.
    """
    rows, shares = np.maximum(1, counts.sum(axis=-1, keepdims=True)), np.array(field.shares)
    trained = np.maximum(shares, 0.5 / max(1, trained_rows))
    seen = np.maximum(counts / rows, 0.5 / rows)
    terms = (seen - trained) * np.log(seen / trained)
    return np.where((shares > 0) | (counts > 0), terms, 0).sum(axis=-1)


def stability_index(profile: Profile, columns: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the PSI of each field of rows, given as an array of shape (rows,) for each."""
    return {
        name: float(psi(field, field.counts(columns[name]), profile.rows))
        for name, field in profile.fields.items()
        if name in columns and len(columns[name])
    }


def write_profile(profile: Profile, path: Path) -> None:
    """Write the profile as JSON."""
    path.write_bytes(msgspec.json.encode(profile) + b"\n")


def read_profile(path: Path) -> Profile:
    """Read a profile that `write_profile` wrote."""
    return decode_file(path, Profile)
