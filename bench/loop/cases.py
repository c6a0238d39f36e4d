"""What every policy has to go through, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from taxi_ride_duration.retraining.policy import Calendar, Policy

from .driver import Loop, Run, force
from .labels import play_labels
from .linear import Extract, broken, right, shuffled
from .scoring import Figures, figures_of
from .worlds import LAST_ONSET, SCENARIOS, TAUGHT, WORLDS, Path, path_of

YEAR = TAUGHT + 365
OFF = 0.34  # in logarithms: the bad champion of a fault
WATCHED = 28  # days after it

# Plays so many days of a path, with models trained by way of an extract.
Player = Callable[[Path, int, Extract], Run]


NO_CALENDAR = Calendar()


@dataclass(frozen=True)
class Case:
    """A scenario, by way of which extract models are trained in it, and with which settings."""

    scenario: str
    extract: Extract = right
    calendar: Calendar = NO_CALENDAR
    history_days: int | None = 28  # as many as the first champion had; none: all since then


CASES = {
    **{name: Case(name) for name in SCENARIOS},
    "quiet, shuffled": Case("quiet", shuffled),
    "quiet, broken": Case("quiet", broken),
    "x1.4, shuffled": Case("x1.4", shuffled),
    "x1.4, broken": Case("x1.4", broken),
    "quiet, calendar": Case("quiet", calendar=Calendar(country="US", seasons=["12-23..01-02"])),
    "quiet, all history": Case("quiet", history_days=None),
}
BAD_CHAMPION = "bad champion"
LABELS = "labels"  # the world in which a yes or no is predicted, and its shifts of log odds
LABEL_CASES = {"quiet": 0.0, "odds x2.7": 1.0, "odds /2.7": -1.0}
JUDGED_DAYS = 60

IN_FOUR = [name for name in CASES if name != "quiet, calendar"]
FOUR_WORLDS = ("iid", "day", "rough", "city")
CASES_OF = {
    **{world: [BAD_CHAMPION, *IN_FOUR] for world in FOUR_WORLDS},
    **{world: ["x1.4", "quiet"] for world in ("growth", "small", "heavy tails")},
    "holidays": ["quiet", "quiet, calendar"],
    LABELS: [*LABEL_CASES],
}


def loop_by(policy: Policy) -> Player:
    """Return the loop as a player, by this policy."""
    return lambda path, days, extract: Loop(path, policy, extract).play(days)


def play_loop(case: str, policy: Policy, world: str, seed: int, year: int = YEAR) -> Figures:
    """Return what the loop makes of any case of a world."""
    if world == LABELS:
        judged = None if case == "quiet" else JUDGED_DAYS
        return play_labels(policy, seed, year, LABEL_CASES[case], judged)
    if case == BAD_CHAMPION:
        return play_bad_champion(policy, world, seed, year)
    settings = CASES[case]
    data = policy.data.model_copy(update={"history_days": settings.history_days})
    changed = policy.model_copy(update={"calendar": settings.calendar, "data": data})
    return play_case(settings, loop_by(changed), world, seed, year)


def play_case(case: Case, player: Player, world: str, seed: int, year: int = YEAR) -> Figures:
    """Return what a player makes of a case: in a year if it is quiet, or else from the onset on."""
    scenario = SCENARIOS[case.scenario]
    # Other requests are rows of their own, which nobody shares.
    needed = LAST_ONSET + scenario.judged if scenario.other_demand else year
    path = path_of(WORLDS[world], scenario, seed, needed)
    if scenario is SCENARIOS["quiet"]:
        return figures_of(player(path, year, case.extract), TAUGHT)
    onset = path.demand.onset
    return figures_of(player(path, onset + scenario.judged, case.extract), onset)


def play_bad_champion(policy: Policy, world: str, seed: int, year: int = YEAR) -> Figures:
    """Return what the loop does about a bad champion that somehow came past all gates."""
    path = path_of(WORLDS[world], SCENARIOS["quiet"], seed, year)
    onset = path.demand.onset
    loop = Loop(path, policy)
    loop.play(onset)
    force(loop, OFF)
    return figures_of(loop.play(onset + WATCHED), onset)
