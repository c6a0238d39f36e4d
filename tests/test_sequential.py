"""Tests of the A/B test's e-process: its formula, a brute-force likelihood, and edge cases."""

import numpy as np
import pytest

from ab_test import Plan, decide, sequential

radius, weigh = sequential.radius, sequential.weigh
fewest_blocks, log_e_values = sequential.fewest_blocks, sequential.log_e_values

GAINS = np.random.default_rng(0).normal(0.3, 1, 40)


def test_the_formula() -> None:
    """Test log(c / (c + k)) / 2 + k/2 log(V / (V - S² / (k + c)))."""
    for k in (1, 2, 7, 40):
        total, squares = GAINS[:k].sum(), (GAINS[:k] ** 2).sum()
        expected = 0.5 * np.log(4 / (4 + k))
        expected += 0.5 * k * np.log(squares / (squares - total**2 / (k + 4)))
        assert log_e_values(GAINS)[k - 1] == pytest.approx(expected)


def test_it_is_the_ratio_of_two_likelihoods() -> None:
    """Test with a standardised mean from N(0, 1/c) and a scale from 1/s, integrated numerically."""
    values, prior = np.array([0.5, 1.0, 1.5, 0.2]), 0.25
    log_scale = np.linspace(-6, 8, 1501)[:, None]
    effect = np.linspace(-14, 14, 1501)[None, :]
    standardised = values / np.exp(log_scale)[..., None]

    def likelihood(mean: np.ndarray) -> np.ndarray:
        squares = ((standardised - mean[..., None]) ** 2).sum(axis=-1)
        return np.exp(-squares / 2 - len(values) * log_scale)

    weight = np.exp(-(effect**2) * prior / 2)
    ratio = (likelihood(effect) * weight).sum() / weight.sum() / likelihood(np.zeros((1, 1))).sum()
    assert log_e_values(values, prior)[-1] == pytest.approx(np.log(ratio), rel=1e-3)


@pytest.mark.parametrize(
    ("alpha", "fewest"),
    [(0.10, [5, 4, 3, 2, 2]), (0.05, [7, 4, 3, 3, 2]), (0.01, [9, 6, 4, 3, 3])],
)
def test_the_fewest_blocks_that_can_ever_promote(alpha: float, fewest: list[int]) -> None:
    """Test blocks that all gain the same, for priors of 4, 1, .25, .05, .01."""
    for prior, blocks in zip([4, 1, 0.25, 0.05, 0.01], fewest, strict=True):
        assert fewest_blocks(alpha, prior) == blocks
        shown = log_e_values(np.full(12, 0.3), prior) >= -np.log(2 * alpha)
        bounded = np.isfinite(radius(np.full(12, 0.3), alpha, prior))
        assert np.argmax(shown) + 1 == np.argmax(bounded) + 1 == blocks
        assert shown[blocks:].all()


def test_no_evidence_without_values_or_differences() -> None:
    assert log_e_values(np.array([])).size == 0
    assert log_e_values(np.array([3.0]))[0] == pytest.approx(0)
    assert (log_e_values(np.zeros(30)) <= 0).all()


@pytest.mark.parametrize("scale", [1e-200, 1e-9, -1, 1e9, 1e200])
def test_the_unit_does_not_matter(scale: float) -> None:
    np.testing.assert_allclose(log_e_values(scale * GAINS), log_e_values(GAINS), rtol=1e-9)
    np.testing.assert_allclose(
        radius(scale * GAINS, 0.05), abs(scale) * radius(GAINS, 0.05), rtol=1e-9
    )


def test_a_small_spread_far_from_zero_is_not_lost() -> None:
    moved = radius(1e6 + GAINS, 0.05)
    np.testing.assert_allclose(moved, radius(GAINS, 0.05), rtol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    for weigh in (log_e_values, lambda values: radius(values, 0.05)):
        with pytest.raises(ValueError, match="finite"):
            weigh(np.array([1.0, bad, 2.0]))


def test_the_bounds_invert_the_test() -> None:
    """Test that a mean is outside of the bounds exactly when the shifted values show a gain."""
    mean = np.cumsum(GAINS) / np.arange(1, 41)
    for moved in np.linspace(-2, 2, 81):
        outside = abs(mean - moved) >= radius(GAINS, 0.05)
        shown = log_e_values(GAINS - moved) >= np.log(10)
        np.testing.assert_array_equal(outside, shown)


LEVEL = np.full(28, 10.0)
NOISE = np.random.default_rng(1).normal(0, 0.1, 28)


def test_a_clear_gain_is_promoted_and_stays_so() -> None:
    verdict = decide(NOISE + 0.5, LEVEL, Plan(), settled=84)
    assert (verdict.decision, verdict.blocks) == ("promote", 7)
    evidence = weigh(NOISE + 0.5, LEVEL, 0.05)
    assert (evidence.log_e >= np.log(10)).argmax() <= 6
    assert ((evidence.lower > 0) & (evidence.lower < evidence.gain))[6]
    assert (evidence.gain < evidence.upper)[6]
    turned = np.where(np.arange(28) < 7, 0.5, -5.0)
    assert decide(NOISE + turned, LEVEL, Plan(), settled=84) == verdict


def test_no_promotion_before_its_day() -> None:
    """Test seven daily blocks, which are evidence enough, but not two of each weekday."""
    daily = Plan(block_days=1)
    early = decide(NOISE[:13] + 0.5, LEVEL[:13], daily, settled=13)
    assert early.decision == "go on"
    assert early.reason == "14 complete days are required"
    assert decide(NOISE[:14] + 0.5, LEVEL[:14], daily, settled=14).decision == "promote"


@pytest.mark.parametrize(
    "differences", [NOISE / 50 + 0.09, np.zeros(28), NOISE - 0.5], ids=["small", "none", "worse"]
)
def test_a_challenger_without_the_smallest_effect_is_given_up(differences: np.ndarray) -> None:
    verdict = decide(differences, LEVEL, Plan(), settled=84)
    assert (verdict.decision, verdict.reason) == ("keep", "a gain of 1.0% or more is ruled out")


def test_the_end_comes_even_without_evidence() -> None:
    unclear = NOISE[:27] * 10 + 0.1
    assert decide(unclear, LEVEL[:27], Plan(), settled=83).decision == "go on"
    verdict = decide(unclear, LEVEL[:27], Plan(), settled=84)
    assert (verdict.decision, verdict.reason) == (
        "keep",
        "84 days have not shown a gain",
    )
    assert decide(np.array([]), np.array([]), Plan(), settled=84).decision == "keep"


def test_nothing_yet_is_no_verdict() -> None:
    verdict = decide(np.array([]), np.array([]), Plan(), settled=2)
    assert (verdict.decision, verdict.blocks) == ("go on", 0)


def test_a_champion_without_errors_cannot_be_beaten() -> None:
    verdict = decide(-abs(NOISE) - 1, np.zeros(28), Plan(), settled=84)
    assert verdict.decision == "keep"
    assert (weigh(-abs(NOISE) - 1, np.zeros(28), 0.05).gain == -np.inf).all()
