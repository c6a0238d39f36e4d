"""What the fields of the training rows looked like, and how far other rows are from that.

The profile travels in the bundle; the service compares its recent requests with it. Dates and
times are left out: requests always come later than the training rows.
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
BINS = 10  # of a number, with as many training rows in each
MOST_VALUES = 30  # told apart; rarer ones are counted together
NOTABLE, LARGE = 0.1, 0.25  # the usual reading of a stability index


class Numbers(msgspec.Struct, frozen=True, tag="numbers"):
    """A number: its bins have equal shares of the training rows. The last share is the missing."""

    edges: list[float]  # between the bins; the outer ones are open
    shares: list[float]

    @property
    def names(self) -> list[str]:
        """What to call each share."""
        edges = [f"{edge:.4g}" for edge in self.edges]
        between = [f"{low} to {high}" for low, high in pairwise(edges)]
        outer = [f"below {edges[0]}", *between, f"{edges[-1]} or more"] if edges else ["any"]
        return [*outer, "missing"]

    def counts(self, column: np.ndarray) -> np.ndarray:
        """How many values fall into each bin, and how many are missing."""
        values = column.astype(float)
        known = values[~np.isnan(values)]
        bins = np.searchsorted(self.edges, known, side="right")
        binned = np.bincount(bins, minlength=len(self.edges) + 1)
        return np.append(binned, len(values) - len(known))


class Values(msgspec.Struct, frozen=True, tag="values"):
    """One of a few values. The last two shares are of other values, and of missing ones."""

    values: list[str]
    shares: list[float]

    @property
    def names(self) -> list[str]:
        """What to call each share."""
        return [*self.values, "other", "missing"]

    def counts(self, column: np.ndarray) -> np.ndarray:
        """How often each value occurs, then how often others do, and how many are missing."""
        found = Counter(map(label, column.tolist()))
        missing = found.pop(None, 0)
        known = [found.pop(value, 0) for value in self.values]
        return np.array([*known, found.total(), missing])


class Profile(msgspec.Struct, frozen=True):
    """The distribution of each field in so many training rows, but for those left out."""

    rows: int
    fields: dict[str, Numbers | Values]
    left_out: list[str]


def profile_of(columns: Mapping[str, np.ndarray]) -> Profile:
    """The profile of rows, given as one array of shape (rows,) for each field."""
    fields, left_out = {}, []
    for name, column in columns.items():
        if column.dtype.kind in "mM":
            left_out.append(name)
        else:
            empty = distribution_of(column)
            shares = empty.counts(column) / max(1, len(column))
            fields[name] = msgspec.structs.replace(empty, shares=shares.tolist())
    rows = max((len(column) for column in columns.values()), default=0)
    return Profile(rows=rows, fields=fields, left_out=left_out)


def distribution_of(column: np.ndarray) -> Numbers | Values:
    """The bins, or the values, that suit the column; nothing is counted yet.

    Whole numbers that take few values are told apart like words.
    """
    if column.dtype.kind in "iuf":
        values = column.astype(float)
        known = values[~np.isnan(values)]
        few = len(np.unique(known)) <= MOST_VALUES and bool((known == np.round(known)).all())
        if not few:
            inner = np.linspace(0, 1, BINS + 1)[1:-1]
            return Numbers(edges=np.unique(np.quantile(known, inner)).tolist(), shares=[])
    found = Counter(value for value in map(label, column.tolist()) if value is not None)
    frequent = sorted(found, key=lambda value: (-found[value], value))[:MOST_VALUES]
    return Values(values=frequent, shares=[])


def label(value: Any) -> str | None:
    """A value's name: the same for 3, 3.0 and "3"; None if it is missing."""
    if value is None or value is np.nan or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


def stability_index(profile: Profile, columns: Mapping[str, np.ndarray]) -> dict[str, float]:
    """How far each field of these rows is from the training rows: 0 is not at all.

    The population stability index, the sum over bins of (q - p) ln(q / p), where p is a bin's share
    of the training rows and q its share of these: the sum of both Kullback-Leibler divergences.
    Source: N. Siddiqi, Credit Risk Scorecards, 2006. A share is taken to be at least that of half
    a row, so that an empty bin gives no infinity.

    By custom, below 0.1 is little and above 0.25 is much. That is a rule of thumb, not a test:
    chance alone gives about (bins - 1) (1/rows + 1/training rows), which is 0.1 for 10 bins and
    some 90 rows (B. Yurdakul, Statistical Properties of Population Stability Index, 2018). And a
    shift that the index finds large may not touch the model's error at all.
    """
    found = {}
    for name, field in profile.fields.items():
        column = columns.get(name)
        if column is None or len(column) == 0:
            continue
        shares, counts = np.array(field.shares), field.counts(column)
        trained = np.maximum(shares, 0.5 / max(1, profile.rows))
        seen = np.maximum(counts / len(column), 0.5 / len(column))
        terms = (seen - trained) * np.log(seen / trained)
        found[name] = float(terms[(shares > 0) | (counts > 0)].sum())
    return found


def index_by_chance(profile: Profile, name: str, rows: int) -> float:
    """About what the index of a field is if nothing changed, for so many rows."""
    used = sum(share > 0 for share in profile.fields[name].shares)
    return max(0, used - 1) * (1 / max(1, rows) + 1 / max(1, profile.rows))


def write_profile(profile: Profile, path: Path) -> None:
    """Write the profile as JSON."""
    path.write_bytes(msgspec.json.encode(profile) + b"\n")


def read_profile(path: Path) -> Profile:
    """Read what `write_profile` wrote.

    Raises:
        UserError: the file is missing or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Profile)
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
