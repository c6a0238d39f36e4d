"""The engine that ships, in a made-up city: how fast it is right, and how seldom it is wrong.

Small enough for every run of the tests; `bench.loop` plays all cities for many more years.
"""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from bench.loop import table
from bench.loop.baselines import BASELINES
from bench.loop.cases import (
    BAD_CHAMPION,
    CASES,
    loop_by,
    play_bad_champion,
    play_case,
    play_loop,
)
from bench.loop.driver import Loop, measure
from bench.loop.goals import of_rate, of_share
from bench.loop.labels import DESIGNS, fitted, label_path
from bench.loop.linear import (
    RIDGE,
    Extract,
    broken,
    retrained,
    right,
    shuffled,
    taught_by,
)
from bench.loop.scoring import Figures, expected_errors
from bench.loop.worlds import (
    COEFFICIENTS,
    LEVEL,
    SCENARIOS,
    WORLDS,
    path_of,
)
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.retraining import detector
from taxi_ride_duration.retraining.policy import Data, Detector, Policy, Proof
from taxi_ride_duration.retraining.promotion_gate import proof_of
from taxi_ride_duration.retraining.state import ALL, Change

SEEDS = range(8)
SPREAD_SEEDS = range(100, 128, 4)  # whose onsets are on all days of four weeks
DAYS = 180
POLICY = Policy(data=Data(history_days=28))  # the history that the first champion had
PLAYED = ["x1.4", "x1.4, broken", "strike of 3 days", "quiet, shuffled", "quiet, broken"]
PLAYED += ["other requests"]  # last, as it is the only one with rows of its own

Outcomes = dict[str, list[Figures]]


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    """Return what came of each case, by seed."""
    loop, found = loop_by(POLICY), defaultdict(list)
    for seed in SEEDS:
        found[BAD_CHAMPION].append(play_bad_champion(POLICY, "day", seed, DAYS))
        for case in PLAYED:
            found[case].append(play_case(CASES[case], loop, "day", seed, DAYS))
    return found


def test_a_drift_is_answered_within_days(outcomes: Outcomes) -> None:
    days = [one.to_promotion for one in outcomes["x1.4"]]
    assert max(days) <= 9
    assert np.median(days) <= 6
    assert max(one.bad_days for one in outcomes["x1.4"]) <= 9


@pytest.mark.parametrize("case", ["quiet, shuffled", "quiet, broken", "x1.4, broken"])
def test_no_model_of_a_wrong_extract_ever_serves(outcomes: Outcomes, case: str) -> None:
    assert sum(one.extracted for one in outcomes[case]) == 0
    assert sum(one.harmful for one in outcomes[case]) == 0


@pytest.mark.parametrize("extract", [shuffled, broken])
def test_wrong_extracts_give_models_that_would_do_harm(extract: Extract) -> None:
    """Otherwise it would say nothing that none of them serves."""
    path = path_of(WORLDS["day"], SCENARIOS["quiet"], 0, DAYS)
    loop = Loop(path, Policy(), extract)
    loop.play(DAYS)
    first, *challengers = loop.models.values()
    assert len(challengers) >= 3
    today = slice(DAYS - 1, DAYS)
    usual = expected_errors(path, today, first)
    assert all(expected_errors(path, today, one) > 1.5 * usual for one in challengers)


def test_a_strike_is_not_chased(outcomes: Outcomes) -> None:
    assert sum(one.chased for one in outcomes["strike of 3 days"]) <= 1


def test_a_bad_champion_goes_within_two_days(outcomes: Outcomes) -> None:
    assert all(one.to_rollback <= 2 for one in outcomes[BAD_CHAMPION])
    assert all(one.bad_days <= 2 for one in outcomes[BAD_CHAMPION])


def test_other_demand_are_no_alarm(outcomes: Outcomes) -> None:
    assert sum(one.alarms for one in outcomes["other requests"]) == 0
    assert sum(one.promotions for one in outcomes["other requests"]) <= 1


def test_a_blind_schedule_is_beaten(outcomes: Outcomes) -> None:
    """After the drift, and when what it trains on is broken."""
    monthly = BASELINES["monthly, blind"]
    late = [play_case(CASES["x1.4"], monthly, "day", seed, DAYS).bad_days for seed in (0, 1)]
    assert min(late) > max(one.bad_days for one in outcomes["x1.4"])
    harmed = play_case(CASES["quiet, broken"], monthly, "day", 0, DAYS)
    assert harmed.harmful > 0
    assert harmed.excess > 10 * outcomes["quiet, broken"][0].excess


def test_holidays_that_the_calendar_knows_are_not_learned() -> None:
    """Without it, Christmas is; the seeds begin in autumn."""
    seeds = (2, 3, 4)
    known = [play_loop("quiet, calendar", Policy(), "holidays", seed, DAYS) for seed in seeds]
    unknown = [play_loop("quiet", Policy(), "holidays", seed, DAYS) for seed in seeds]
    assert [(one.alarms, one.harmful) for one in known] == [(0, 0)] * 3
    assert all(one.harmful > 0 for one in unknown)


@pytest.mark.parametrize("fault", ["kilometres", "one place"])
def test_a_feed_that_is_broken_for_ten_days_is_held_until_it_is_repaired(fault: str) -> None:
    found = [play_loop(fault, Policy(), "day", seed, DAYS) for seed in range(3)]
    assert [one.held for one in found] == [10, 10, 10]
    assert sum(one.alarms + one.promotions for one in found) == 0


def test_a_feed_that_is_not_held_is_taken_for_drift() -> None:
    """Otherwise it would say nothing that it is held."""
    blind = Policy(data=Data(max_overnight_psi=100))
    assert play_loop("kilometres", blind, "day", 0, DAYS).answered > 0


def test_a_slow_drift_is_followed() -> None:
    found = [play_loop("slow drift", Policy(), "day", seed, DAYS) for seed in SPREAD_SEEDS]
    assert np.mean([one.bad_days for one in found]) <= 3


def test_a_shift_under_heavy_tails_is_answered_although_labels_are_late() -> None:
    found = [play_loop("x1.4", Policy(), "heavy tails", seed, DAYS) for seed in SPREAD_SEEDS]
    assert max(one.to_promotion for one in found) <= 21
    assert max(one.bad_days for one in found) <= 30


def test_a_classifier_that_got_worse_is_replaced() -> None:
    found = [play_loop("odds x2.7", Policy(), "labels", seed, DAYS) for seed in range(3)]
    assert max(one.to_promotion for one in found) <= 12
    assert sum(one.alarms for one in found) >= 3


def test_counts_teach_the_log_odds_of_a_city() -> None:
    path = label_path(0, 60, shift=0.0)
    days = np.arange(60)
    rows, yes = (
        np.stack([counts[days[path.weekend[:60] == one]].sum(axis=0) for one in (False, True)])
        for counts in (path.rows, path.yes)
    )
    expected = DESIGNS @ path.truth[0]
    np.testing.assert_allclose(DESIGNS @ fitted(rows, yes), expected, atol=0.2)


def test_a_change_is_asked_for_less_evidence_soon_after_another() -> None:
    """Drift that goes on, or a first answer that fell short, is found again sooner."""
    statistic = [20.0] * (2 * len(detector.SIZES))
    assert detector.alarmed(statistic, Detector(), soon=True)
    assert not detector.alarmed(statistic, Detector())


def test_days_of_heavy_tails_do_not_blow_up_the_noise() -> None:
    rng = np.random.default_rng(8)
    normal, heavy = rng.normal(0, 0.02, 28), 0.02 * rng.standard_t(3, 28) / np.sqrt(3)
    assert detector.squares_of(normal) == pytest.approx((normal**2).sum(), rel=0.05)
    heavy[3] = 1.0
    assert detector.squares_of(heavy) < 0.1 * (heavy**2).sum()


def test_a_single_odd_day_hardly_moves_the_level() -> None:
    days = [0.30, 0.34, 0.32, 0.36, 0.33]
    assert detector.level_of([*days, 1.5]) == pytest.approx(np.mean(days), abs=0.02)
    assert detector.level_of([0.3, 0.6]) == pytest.approx(0.45), "too few days to call one odd"
    assert detector.level_of([0.0] * 20 + [0.3] * 10) == pytest.approx(0.3), "the last ten count"


def test_a_huge_gain_on_one_day_does_not_hide_that_all_are_gains() -> None:
    """On the day of a shock all losses are multiplied, and the gain with them."""
    champion, challenger = np.array([1.0, 1.1, 9.0, 1.0]), np.array([0.7, 0.75, 6.5, 0.7])
    assert proof_of(champion, challenger, Proof()).enough
    assert "its lead may still be luck" in proof_of(10 - challenger, 10 - champion, Proof()).lacks


def test_sums_teach_what_rows_do() -> None:
    """Weighted least squares on all rows, by the book."""
    path = path_of(WORLDS["city"], SCENARIOS["x1.4"], 3, 80)
    days, change = np.arange(50, 76), Change(path.date(70), 0.3)
    design = path.demand.design[days].reshape(-1, COEFFICIENTS).astype(float)
    logs = np.einsum("drc,dc->dr", path.demand.design[days], path.coefficients[days])
    target = logs + path.demand.noise[days] + np.where(days < 70, 0.3, 0.0)[:, None]
    weights = np.sqrt(np.repeat(np.where(days < 70, 0.05, 1.0), target.shape[1]))
    penalty = np.sqrt(RIDGE) * np.eye(COEFFICIENTS)
    expected, *_ = np.linalg.lstsq(
        np.vstack([weights[:, None] * design, penalty]),
        np.concatenate([weights * target.ravel(), np.zeros(COEFFICIENTS)]),
    )
    model = retrained(taught_by(path), 50, 75, change, weight=0.05)
    np.testing.assert_allclose(model, expected, atol=1e-4)


def test_a_right_extract_shows_the_rides_as_they_were() -> None:
    design = path_of(WORLDS["iid"], SCENARIOS["quiet"], 0, 30).demand.design[0]
    rng = np.random.default_rng(0)
    assert right(design, rng) is design
    assert not np.array_equal(shuffled(design, rng), design)
    assert sorted(shuffled(design, rng)[:, 35]) == sorted(design[:, 35])
    np.testing.assert_array_equal(broken(design, rng).sum(axis=1) > design.sum(axis=1), True)


def test_the_expected_error_is_that_of_many_rides() -> None:
    """For a model that is off by 20 %, in a world without shocks."""
    path = path_of(WORLDS["iid"], SCENARIOS["quiet"], 0, 60)
    model = path.truth[0] + 0.2 * LEVEL
    found = [measure(path, slice(day, day + 1), {"champion": model}) for day in range(60)]
    expected = expected_errors(path, slice(0, 60), model).mean()
    measured = np.mean([day.losses["champion"][ALL] for day in found])
    assert measured == pytest.approx(expected, rel=0.01)
    assert np.mean([day.residual for day in found]) == pytest.approx(-0.2, abs=0.01)


def test_a_day_is_measured_as_its_rows_are() -> None:
    path = path_of(WORLDS["day"], SCENARIOS["quiet"], 0, 30)
    model, noise = path.truth[3] + 0.1 * LEVEL, path.demand.noise[3]
    logs = path.demand.design[3] @ path.coefficients[3] + noise
    errors = abs(np.exp(path.demand.design[3] @ model) - np.exp(logs))
    rush = path.demand.design[3][:, [7, 8, 9, 10, 16, 17, 18, 19]].any(axis=1)
    day = measure(path, slice(3, 4), {"champion": model})
    assert day.losses["champion"][ALL] == pytest.approx(errors.mean(), rel=1e-4)
    slices = [errors[rush].mean(), errors[~rush].mean()]
    assert [*day.losses["champion"].values()][1:] == pytest.approx(slices, rel=1e-4)
    assert [*day.counts.values()] == [2000, rush.sum(), (~rush).sum()]


def figures(**some: float) -> Figures:
    """Figures of a quiet year, but for some."""
    zeros = dict.fromkeys(Figures.__dataclass_fields__, 0)
    return Figures(**{**zeros, "years": 1.0, **some})  # type: ignore[arg-type]


def test_the_table_says_what_is_missed_and_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow, quick = figures(bad_days=50, to_promotion=np.inf), figures(bad_days=7)

    def play_world(world: str, seeds: range, *_: object) -> table.Results:
        cases = [*CASES, BAD_CHAMPION]
        loop = {case: [slow if case == "x1.4" else quick for _ in seeds] for case in cases}
        others = {name: {case: [quick] for case in cases} for name in BASELINES}
        return {table.LOOP: loop, **others}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "retraining.yaml").write_text("version: 2\n")
    monkeypatch.setattr(table, "play_world", play_world)
    monkeypatch.setattr("sys.argv", ["table", "--seeds", "3", "--world", "day"])
    table.main()
    printed = capsys.readouterr().out
    assert "never (never to never) > 6" in printed
    assert "7 (7 to 7) ≤ 9" in printed
    assert "4 lost" in printed
    written = json.loads((tmp_path / "reports/worlds.json").read_text())
    wanted = {"case": "x1.4", "figure": "days to the promotion, median"}
    line = next(one for one in written["goals"] if wanted.items() <= one.items())
    assert line["day"] == {
        "measured": "never",
        "interval": "never to never",
        "runs": 3,
        "years": 3.0,
        "allowed": "6",
        "met": False,
    }


def test_slices_of_seeds_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for first in (0, 2):
        runs = [figures(alarms=seed) for seed in (first, first + 1)]
        table.keep_slice("day", range(first, first + 2), ["quiet"], {table.LOOP: {"quiet": runs}})
    found = table.read_slices()["day"][table.LOOP]["quiet"]
    assert [one.alarms for one in found] == [0, 1, 2, 3]
    monkeypatch.setattr("sys.argv", ["table", "--seeds", "0"])
    (tmp_path / "retraining.yaml").write_text("version: 2\n")
    table.main()
    assert "1.50" in capsys.readouterr().out, "six alarms in four years"


def test_seeds_are_not_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["table", "--seeds", "-1"])
    with pytest.raises(UserError, match="must not be negative"):
        table.main()


def test_intervals_are_those_of_the_textbooks() -> None:
    """Garwood's for 3 events, and Clopper and Pearson's for 1 of 10."""
    assert of_rate(3, 1.0) == pytest.approx((0.6187, 8.7673), abs=1e-3)
    assert of_rate(0, 100.0) == pytest.approx((0.0, 0.0369), abs=1e-4)
    assert of_share(1, 10) == pytest.approx((0.0025, 0.4450), abs=1e-3)
    assert of_share(0, 40)[1] == pytest.approx(0.0881, abs=1e-3)
