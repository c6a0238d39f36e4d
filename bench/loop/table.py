"""How often the loop is wrong, and how fast it is right: many years in four worlds.

Run in a generated project, with this repository on PYTHONPATH. Play the project's policy, and
simple rules beside it, and hold them to what is allowed; leave the figures in reports/worlds.json.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from taxi_ride_duration.errors import UserError, run
from taxi_ride_duration.retraining.policy import Calendar, Policy, read_policy
from threadpoolctl import threadpool_limits

from .baselines import BASELINES
from .cases import BAD_CHAMPION, CASES, loop_by, play_bad_champion, play_case
from .goals import CONTESTS, GOALS, WORLD_ORDER, Goal, Measure
from .scoring import Figures

REPORTS = Path("reports")
LOOP = "loop"
FIRST_SEED = 7_000  # by smaller ones, constants have been chosen

Played = dict[tuple[str, str], Figures]  # by player and case
Results = dict[str, dict[str, list[Figures]]]  # by player, by case


def policy_of_worlds(policy: Policy) -> Policy:
    """Return the policy without what belongs to the calendar of the project, on logged requests."""
    changes = {"pause": False, "evidence": "replay", "calendar": Calendar()}
    return policy.model_copy(update=changes)


def play_seed(world: str, seed: int, policy: Policy) -> Played:
    """Return what all players make of all cases on the rows of one seed."""
    players = {LOOP: loop_by(policy), **BASELINES}
    contested = {measure.case for measure in CONTESTS}
    played = {(LOOP, BAD_CHAMPION): play_bad_champion(policy, world, seed)}
    # Other requests last: they need rows of their own, and only the last are kept.
    for name, case in sorted(CASES.items(), key=lambda item: item[1].scenario == "other requests"):
        for player in [LOOP, *BASELINES] if name in contested else [LOOP]:
            played[player, name] = play_case(case, players[player], world, seed)
    return played


def play_worlds(worlds: Sequence[str], seeds: Sequence[int], policy: Policy) -> dict[str, Results]:
    """Return the results of all seeds in all worlds, on all cores, one thread each."""
    results: dict[str, Results] = {
        world: defaultdict(lambda: defaultdict(list)) for world in worlds
    }
    limit = {"initializer": threadpool_limits, "initargs": (1,)}
    with ProcessPoolExecutor(os.cpu_count(), **limit) as pool:
        tasks = {
            pool.submit(play_seed, world, seed, policy): world for seed in seeds for world in worlds
        }
        for task in track(as_completed(tasks), "playing", total=len(tasks), transient=True):
            for (player, case), figures in task.result().items():
                results[tasks[task]][player][case].append(figures)
    return results


def shown(value: float, unit: str) -> str:
    """Return a figure, short."""
    if unit == "share":
        return f"{value:.2%}" if value < 0.1 else f"{value:.0%}"
    if unit == "a year":
        return f"{value:.2f}" if value < 10 else f"{value:.0f}"
    return "never" if np.isinf(value) else f"{value:.3g}"


def goal_line(goal: Goal, results: Mapping[str, Results]) -> dict[str, Any]:
    """Return a goal: in each world what was measured, what is allowed, and whether it is met."""
    measure = goal.measure
    line: dict[str, Any] = {"case": measure.case, "figure": measure.name}
    for world, allowed in zip(WORLD_ORDER, goal.allowed, strict=True):
        if world in results:
            value = measure.value(results[world][LOOP][measure.case])
            line[world] = {
                "measured": shown(value, measure.unit),
                "allowed": "any" if np.isinf(allowed) else shown(allowed, measure.unit),
                "met": bool(value <= allowed),
            }
    return line


def contest_line(measure: Measure, world: str, results: Results) -> dict[str, Any]:
    """Return a figure in a world: the loop's, each baseline's, and whether the loop has won."""
    ours = measure.value(results[LOOP][measure.case])
    line = {"world": world, "case": measure.case, "figure": measure.name}
    line[LOOP] = shown(ours, measure.unit)
    return line | {
        name: contest(ours, measure.value(results[name][measure.case]), measure.unit)
        for name in BASELINES
    }


def contest(ours: float, theirs: float, unit: str) -> dict[str, str]:
    """Return a baseline's figure, and whether the loop's is smaller, as far as one can see."""
    if shown(ours, unit) == shown(theirs, unit):
        return {"measured": shown(theirs, unit), "loop": "drawn"}
    return {"measured": shown(theirs, unit), "loop": "won" if ours < theirs else "lost"}


def goal_table(lines: Sequence[Mapping[str, Any]], worlds: Sequence[str]) -> Table:
    """Return the goals, for people."""
    table = Table("measured ≤ allowed; [bold red]missed where >[/]")
    for world in worlds:
        table.add_column(world, justify="right")
    for line in lines:
        cells = [goal_cell(line[world]) for world in worlds]
        table.add_row(f"{line['case']}: {line['figure']}", *cells)
    return table


def goal_cell(cell: Mapping[str, Any]) -> str:
    """Return what was measured beside what is allowed, marked if it is too much."""
    if cell["met"]:
        return f"{cell['measured']} ≤ {cell['allowed']}"
    return f"[bold red]{cell['measured']} > {cell['allowed']}[/]"


def contest_table(lines: Sequence[Mapping[str, Any]], worlds: Sequence[str]) -> Table:
    """Return the contests, for people."""
    table = Table("has the loop won or lost?")
    for name in (LOOP, *BASELINES):
        table.add_column(name, justify="right", overflow="fold")
    for world in worlds:
        table.add_section()
        table.add_row(f"[bold]{world}[/]")
        for line in lines:
            if line["world"] == world:
                cells = [contest_cell(line[name]) for name in BASELINES]
                table.add_row(f"{line['case']}: {line['figure']}", line[LOOP], *cells)
    return table


def contest_cell(cell: Mapping[str, str]) -> str:
    """Return a baseline's figure, and what came of the contest."""
    style = {"won": "green", "lost": "red", "drawn": "default"}[cell["loop"]]
    return f"{cell['measured']} [{style}]{cell['loop']}[/]"


def read_arguments() -> argparse.Namespace:
    """Read the command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=40, help="how many years of each world")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--world", choices=WORLD_ORDER, help="only this one")
    return parser.parse_args()


def main() -> None:
    """Play, and print and write the figures."""
    arguments = read_arguments()
    if arguments.seeds < 1:
        raise UserError(f"--seeds {arguments.seeds}: there must be one at least")
    policy = policy_of_worlds(read_policy())
    worlds = [arguments.world] if arguments.world else [*WORLD_ORDER]
    first = arguments.first_seed
    results = play_worlds(worlds, range(first, first + arguments.seeds), policy)
    goals = [goal_line(goal, results) for goal in GOALS]
    contests = [
        contest_line(measure, world, results[world]) for world in worlds for measure in CONTESTS
    ]
    console = Console()
    console.print(goal_table(goals, worlds))
    console.print(contest_table(contests, worlds))
    met = [line[world]["met"] for line in goals for world in worlds]
    verdicts = [line[name]["loop"] for line in contests for name in BASELINES]
    console.print(
        f"{sum(met)} of {len(met)} figures are within what is allowed; beside simple rules "
        f"{verdicts.count('won')} are won, {verdicts.count('lost')} lost, "
        f"{verdicts.count('drawn')} drawn"
    )
    REPORTS.mkdir(exist_ok=True)
    figures = {"seeds": arguments.seeds, "goals": goals, "contests": contests}
    (REPORTS / "worlds.json").write_bytes(msgspec.json.format(msgspec.json.encode(figures)))


if __name__ == "__main__":
    run(main)
