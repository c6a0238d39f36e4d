"""The engine that ships, in a made-up city: how fast it is right, and how seldom it is wrong.

Small enough for every run of the tests; `bench.loop` plays all four cities.
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
)
from bench.loop.driver import Loop, measure
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
from taxi_ride_duration.retraining.policy import Policy
from taxi_ride_duration.retraining.state import ALL, Change

SEEDS = range(8)
DAYS = 180
PLAYED = ["x1.4", "x1.4, broken", "strike of 3 days", "quiet, shuffled", "quiet, broken"]
PLAYED += ["other requests"]  # last, as it is the only one with rows of its own

Outcomes = dict[str, list[Figures]]


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    """Return what came of each case, by seed."""
    loop, found = loop_by(Policy()), defaultdict(list)
    for seed in SEEDS:
        found[BAD_CHAMPION].append(play_bad_champion(Policy(), "day", seed, DAYS))
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

    def play_worlds(worlds: list[str], seeds: range, policy: Policy) -> dict[str, table.Results]:
        cases = [*CASES, BAD_CHAMPION]
        loop = {case: [slow if case == "x1.4" else quick for _ in seeds] for case in cases}
        others = {name: {case: [quick] for case in cases} for name in BASELINES}
        return {world: {table.LOOP: loop, **others} for world in worlds}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "retraining.yaml").write_text("version: 2\n")
    monkeypatch.setattr(table, "play_worlds", play_worlds)
    monkeypatch.setattr("sys.argv", ["table", "--seeds", "3", "--world", "day"])
    table.main()
    printed = capsys.readouterr().out
    assert "never > 6" in printed
    assert "7 ≤ 9" in printed
    assert "7 lost" in printed
    written = json.loads((tmp_path / "reports/worlds.json").read_text())
    wanted = {"case": "x1.4", "figure": "days to the promotion, median"}
    [line] = [one for one in written["goals"] if wanted.items() <= one.items()]
    assert line["day"] == {"measured": "never", "allowed": "6", "met": False}


def test_no_seed_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["table", "--seeds", "0"])
    with pytest.raises(UserError, match="at least"):
        table.main()
