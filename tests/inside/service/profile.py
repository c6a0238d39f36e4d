"""Tests of profiles and PSI, run in a generated project by `test_profile`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.monitoring import profile
from taxi_ride_duration.monitoring.profile import profile_of, psi, stability_index

RNG = np.random.default_rng(0)


def text(*values: Any) -> np.ndarray:
    return np.array(values, dtype=object)


def test_a_number_has_bins_with_equal_shares() -> None:
    found = profile_of({"x": np.arange(1000.0)}).fields["x"]
    assert found.shares == [0.1] * 10 + [0]
    assert found.names[0] == "below 99.9"
    assert len(found.names) == len(found.shares)


def test_rare_values_are_counted_together() -> None:
    many = [str(number) for number in range(profile.MOST_VALUES + 5)]
    found = profile_of({"x": text("a", "a", "a", None, *many)}).fields["x"]
    assert found.edges is None
    assert (found.values[0], len(found.values)) == ("a", profile.MOST_VALUES)
    assert found.shares[-2:] == pytest.approx([6 / 39, 1 / 39])


@pytest.mark.parametrize(
    ("trained", "seen"),
    [
        (np.array([1, 2, 2]), np.array([1.0, 2.0, 2.0])),
        (np.array([True, False]), text(True, False)),
        (np.array(["a", "b"]), text("a", "b")),
        (np.array([1.0, 2.5, np.nan]), text(1, 2.5, None)),
        (text("a", None), text("a", float("nan"))),
    ],
)
def test_another_type_of_array_is_no_drift(trained: np.ndarray, seen: np.ndarray) -> None:
    assert stability_index(profile_of({"x": trained}), {"x": seen}) == {"x": 0}


def test_psi_follows_its_formula() -> None:
    """Test shares of .5, .3, .2 that became .3, .3, .4."""
    by_hand = (0.3 - 0.5) * np.log(0.3 / 0.5) + (0.4 - 0.2) * np.log(0.4 / 0.2)
    found = stability_index(profile_of({"x": text(*"aaaaabbbcc")}), {"x": text(*"aaabbbcccc")})
    assert found == {"x": pytest.approx(by_hand)}


def test_psi_of_many_days_is_that_of_each() -> None:
    known = profile_of({"x": text(*"aaaaabbbcc")}).fields["x"]
    days = np.array([[3, 3, 4, 0, 0], [0, 0, 0, 7, 0], [0, 0, 0, 0, 0]])
    assert psi(known, days, 10).tolist() == [float(psi(known, day, 10)) for day in days]


def psi_by_chance(known: profile.Profile, name: str, rows: int) -> float:
    """Return the expected PSI without drift: (bins - 1) (1/rows + 1/training rows).

    Source: B. Yurdakul, Statistical Properties of Population Stability Index, 2018.
    """
    used = sum(share > 0 for share in known.fields[name].shares)
    return (used - 1) * (1 / rows + 1 / known.rows)


def test_psi_without_drift_is_that_of_chance() -> None:
    trained = {"x": RNG.normal(size=10_000), "town": RNG.choice(["a", "b"], 10_000)}
    known = profile_of(trained)
    seen = {"x": RNG.normal(size=2_000), "town": RNG.choice(["a", "b"], 2_000)}
    for name, index in stability_index(known, seen).items():
        assert index < 4 * psi_by_chance(known, name, 2_000) < profile.NOTABLE


@pytest.mark.parametrize(
    "seen",
    [
        RNG.normal(1, size=2_000),
        RNG.normal(0, 3, size=2_000),
        np.where(RNG.random(2_000) < 0.3, np.nan, RNG.normal(size=2_000)),
        np.full(2_000, 1e9),
    ],
    ids=["moved", "spread", "missing", "another unit"],
)
def test_drift_of_a_number_is_found(seen: np.ndarray) -> None:
    known = profile_of({"x": RNG.normal(size=10_000)})
    assert stability_index(known, {"x": seen})["x"] > profile.LARGE


def test_a_new_value_is_drift_and_not_infinite() -> None:
    known = profile_of({"x": text(*"ab" * 100)})
    assert profile.LARGE < stability_index(known, {"x": text(*"abc" * 100)})["x"] < np.inf


@pytest.mark.parametrize(
    "column", [np.array([]), np.full(5, np.nan), text(None, None), np.ones(5), np.full(5, 0.5)]
)
def test_columns_without_variation_have_a_profile(column: np.ndarray) -> None:
    known = profile_of({"x": column})
    assert stability_index(known, {"x": column}) in ({}, {"x": 0})
    assert stability_index(known, {"x": np.array([7.0]), "y": np.ones(3)})["x"] >= 0


def test_a_profile_is_written_and_read(tmp_path: Path) -> None:
    known, file = profile_of({"x": RNG.normal(size=100)}), tmp_path / "profile.json"
    profile.write_profile(known, file)
    assert profile.read_profile(file) == known
    old = (
        b'{"rows":9,"fields":{"x":{"type":"values","values":["a"],"shares":[1,0,0]}},"left_out":[]}'
    )
    file.write_bytes(old)
    assert profile.read_profile(file).fields["x"].names == ["a", "other", "missing"]
    file.write_text("{}")
    with pytest.raises(UserError, match="cannot be read"):
        profile.read_profile(file)
