"""Simulated error rates of the template's A/B test.

The relative gain of a day is the true gain, plus an effect of the day (standard deviation 2 %, with
a correlation between neighbouring days), plus the sampling error of 2,000 rows. On the same row,
the scores of the two models differ by 60 % of their mean; between rows, scores scatter by all of
it.

`PYTHONPATH=tests python tests/test_error_rates.py` prints the table in docs/explanation/gates.md.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from ab_test import Plan, decide, sequential

RUNS, DAYS = 2000, 84
DAY_EFFECT = 0.02
SHADOW = 0.6 / 2000**0.5  # sampling error of a shadow: 1.3 %
SPLIT = (2 / 1000) ** 0.5  # of a split, with half of the rows for each model: 4.5 %
RULE = Plan()
TEST_ALONE = Plan(smallest_effect=0.0)


def simulate_gains(
    gain: float, correlation: float, runs: int, chance: float = SHADOW, units: float = np.inf
) -> np.ndarray:
    """Return daily gains as shares of the champion's mean score, of shape (runs, DAYS).

    In a split by `units` that return every day, and whose mean scores differ by half of their mean,
    the two groups differ by chance, on every day in the same way.
    """
    rng = np.random.default_rng(0)
    effect, rows = rng.normal(size=(2, runs, DAYS))
    for day in range(1, DAYS):
        effect[:, day] *= np.sqrt(1 - correlation**2)
        effect[:, day] += correlation * effect[:, day - 1]
    groups = rng.normal(size=(runs, 1)) * 0.5 * (4 / units) ** 0.5
    return gain + groups + DAY_EFFECT * effect + chance * rows


def verdicts(
    rule: Plan, gain: float, correlation: float = 0.0, runs: int = RUNS, **options: float
) -> list[Any]:
    """Return the verdict of each simulated experiment."""
    found = []
    for daily in simulate_gains(gain, correlation, runs, **options):
        blocks = sequential.block_means(daily, rule.block_days)
        found.append(decide(blocks, np.ones_like(blocks), rule, settled=DAYS))
    return found


def promotions(
    rule: Plan, gain: float, correlation: float = 0.0, runs: int = RUNS, **options: float
) -> float:
    """Return the share of experiments that promote the challenger."""
    found = verdicts(rule, gain, correlation, runs, **options)
    return float(np.mean([verdict.decision == "promote" for verdict in found]))


def promotions_by_daily_t_test(correlation: float = 0.0, runs: int = RUNS) -> float:
    """Return the same share without a gain, for a t-test made every day from the fifth on."""
    daily = simulate_gains(0, correlation, runs)
    shown = np.zeros(runs, dtype=bool)
    for days in range(5, DAYS + 1):
        seen = daily[:, :days]
        statistic = seen.mean(axis=1) / seen.std(axis=1, ddof=1) * np.sqrt(days)
        shown |= statistic > t.ppf(0.95, days - 1)
    return float(shown.mean())


def test_daily_looks_promote_an_equal_challenger_at_most_with_alpha() -> None:
    daily = replace(TEST_ALONE, block_days=1, min_days=1)
    assert promotions(daily, gain=0) < 0.05
    assert promotions(TEST_ALONE, gain=0) < 0.05


def test_a_daily_t_test_exceeds_its_alpha() -> None:
    assert promotions_by_daily_t_test() > 0.2


def test_a_worse_challenger_is_not_promoted() -> None:
    assert promotions(RULE, gain=-0.01) < 0.002


@pytest.mark.parametrize(("gain", "found", "median_days"), [(0.02, 0.95, 36), (0.05, 0.99, 24)])
def test_a_better_challenger_is_promoted(gain: float, found: float, median_days: int) -> None:
    promoted = [v for v in verdicts(RULE, gain) if v.decision == "promote"]
    assert len(promoted) / RUNS > found
    assert np.median([v.blocks * RULE.block_days for v in promoted]) <= median_days


def test_a_sufficient_gain_is_ruled_out_at_most_with_alpha() -> None:
    rule = Plan(smallest_effect=0.01)
    given_up = [
        v.decision == "keep" and v.blocks * rule.block_days < DAYS
        for v in verdicts(rule, gain=0.01)
    ]
    assert np.mean(given_up) < 0.05


def test_three_day_blocks_absorb_correlated_days() -> None:
    """Test a correlation of 0.5, which single days do not absorb."""
    daily = replace(TEST_ALONE, block_days=1)
    assert promotions(daily, gain=0, correlation=0.5) > 0.08
    assert promotions(TEST_ALONE, gain=0, correlation=0.5) < 0.05


def test_units_that_return_must_be_many() -> None:
    """Test that few units err: two groups differ, and no number of days tells that from a gain."""
    assert promotions(RULE, gain=0, chance=SPLIT) < 0.05
    assert promotions(RULE, gain=0, chance=SPLIT, units=1_000) > 0.1
    assert promotions(RULE, gain=0, chance=SPLIT, units=100_000) < 0.05


def main(runs: int = 20_000) -> None:
    """Print promotions by rule, true gain and correlation of days, and their median day."""
    rules = {
        "the rule": (RULE, SHADOW),
        "in a split": (RULE, SPLIT),
        "its test alone": (TEST_ALONE, SHADOW),
        "1-day blocks": (replace(TEST_ALONE, block_days=1), SHADOW),
        "7-day blocks": (replace(TEST_ALONE, block_days=7), SHADOW),
    }
    for correlation in (0.0, 0.5, 0.7):
        false_alarms = promotions_by_daily_t_test(correlation, runs)
        print(f"{correlation}  daily t-test    +0%: {false_alarms:.1%}")
        for name, (rule, chance) in rules.items():
            parts = []
            for gain in (-0.01, 0.0, 0.01, 0.02, 0.05):
                found = verdicts(rule, gain, correlation, runs, chance=chance)
                days = [
                    v.blocks * rule.block_days if v.decision == "promote" else np.inf for v in found
                ]
                parts.append(f"{gain:+.0%}: {np.isfinite(days).mean():.1%} {np.median(days):.0f}")
            print(f"{correlation}  {name:14}  {'   '.join(parts)}")
    for units in (100, 1_000, 10_000, 100_000):
        promoted = promotions(RULE, gain=0, runs=runs, chance=SPLIT, units=units)
        print(f"split by {units} units  +0%: {promoted:.1%}")


if __name__ == "__main__":
    main()
