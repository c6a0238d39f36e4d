"""What every policy has to go through, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from taxi_ride_duration.retraining.policy import Policy

from .driver import Loop, Run, force
from .linear import Extract, broken, right, shuffled
from .scoring import DRIFTED, Figures, figures_of
from .worlds import LAST_ONSET, SCENARIOS, TAUGHT, WORLDS, Path, path_of

YEAR = TAUGHT + 365
OFF = 0.34  # in logarithms: the bad champion of a fault
WATCHED = 28  # days after it

# Plays so many days of a path, with models trained by way of an extract.
Player = Callable[[Path, int, Extract], Run]


@dataclass(frozen=True)
class Case:
    """A scenario, and by way of which extract models are trained in it."""

    scenario: str
    extract: Extract = right


CASES = {
    **{name: Case(name) for name in SCENARIOS},
    "quiet, shuffled": Case("quiet", shuffled),
    "quiet, broken": Case("quiet", broken),
    "x1.4, shuffled": Case("x1.4", shuffled),
    "x1.4, broken": Case("x1.4", broken),
}
BAD_CHAMPION = "bad champion"


def loop_by(policy: Policy) -> Player:
    """Return the loop as a player, by this policy."""
    return lambda path, days, extract: Loop(path, policy, extract).play(days)


def play_case(case: Case, player: Player, world: str, seed: int, year: int = YEAR) -> Figures:
    """Return what a player makes of a case: in a year if it is quiet, or else from the onset on."""
    scenario = SCENARIOS[case.scenario]
    # Other requests are rows of their own, which nobody shares.
    needed = LAST_ONSET + DRIFTED if scenario.other_demand else year
    path = path_of(WORLDS[world], scenario, seed, needed)
    if case.scenario == "quiet":
        return figures_of(player(path, year, case.extract), TAUGHT)
    onset = path.demand.onset
    return figures_of(player(path, onset + DRIFTED, case.extract), onset)


def play_bad_champion(policy: Policy, world: str, seed: int, year: int = YEAR) -> Figures:
    """Return what the loop does about a bad champion that somehow came past all gates."""
    path = path_of(WORLDS[world], SCENARIOS["quiet"], seed, year)
    onset = path.demand.onset
    loop = Loop(path, policy)
    loop.play(onset)
    force(loop, OFF)
    return figures_of(loop.play(onset + WATCHED), onset)
