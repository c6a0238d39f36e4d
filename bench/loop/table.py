"""Measure how often the loop is wrong, and how fast it is right: many years in several worlds.

Run in a generated project, with this repository on PYTHONPATH. Play the project's policy, and
simple rules beside it, and hold them to what is allowed. Each slice of seeds is kept in
reports/worlds/, and the tables are made from all slices there; so they can be played one by one,
and `--seeds 0` only makes the tables. The figures are left in reports/worlds.json.
"""

import argparse
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from taxi_ride_duration.errors import UserError, run
from taxi_ride_duration.retraining.policy import Calendar, Policy, read_policy
from threadpoolctl import threadpool_limits

from .baselines import BASELINES
from .cases import CASES, CASES_OF, FOUR_WORLDS, LABELS, play_case, play_loop
from .goals import CONTESTS, GOALS, OTHER_CONTESTS, OTHER_GOALS, Goal, Measure
from .scoring import Figures

REPORTS = Path("reports")
SLICES = REPORTS / "worlds"
LOOP = "loop"
FIRST_SEED = 30_000  # by smaller ones, constants have been chosen

Played = dict[tuple[str, str], Figures]  # by player and case
Results = dict[str, dict[str, list[Figures]]]  # by player, by case


def policy_of_worlds(policy: Policy) -> Policy:
    """Return the policy without what belongs to the calendar of the project, on logged requests."""
    changes = {"pause": False, "evidence": "replay", "calendar": Calendar()}
    return policy.model_copy(update=changes)


def contested(world: str) -> set[str]:
    """Return the cases of a world that simple rules play, too."""
    if world == LABELS:
        return set()
    return {measure.case for measure in (CONTESTS if world in FOUR_WORLDS else OTHER_CONTESTS)}


def play_seed(
    world: str, seed: int, policy: Policy, cases: Iterable[str], baselines: bool
) -> Played:
    """Return what all players make of cases on the rows of one seed."""
    played: Played = {}
    # Other requests last: they need rows of their own, and only the last are kept.
    for case in sorted(cases, key=lambda name: name == "other requests"):
        played[LOOP, case] = play_loop(case, policy, world, seed)
        if baselines and case in contested(world):
            for name, player in BASELINES.items():
                played[name, case] = play_case(CASES[case], player, world, seed)
    return played


def play_world(
    world: str,
    seeds: Sequence[int],
    policy: Policy,
    cases: Iterable[str],
    baselines: bool,
    processes: int,
) -> Results:
    """Return the results of all seeds in a world, with one thread in each process."""
    results: Results = defaultdict(lambda: defaultdict(list))
    limit = {"initializer": threadpool_limits, "initargs": (1,)}
    with ProcessPoolExecutor(processes, **limit) as pool:
        tasks = [pool.submit(play_seed, world, seed, policy, cases, baselines) for seed in seeds]
        for task in track(as_completed(tasks), world, total=len(tasks), transient=True):
            for (player, case), figures in task.result().items():
                results[player][case].append(figures)
    return results


def keep_slice(world: str, seeds: Sequence[int], cases: Iterable[str], results: Results) -> None:
    """Write what came of a slice of seeds, in place of the same one before."""
    SLICES.mkdir(parents=True, exist_ok=True)
    content = {
        "world": world,
        "seeds": [seeds[0], seeds[-1]],
        "results": {
            player: {case: [asdict(one) for one in runs] for case, runs in by_case.items()}
            for player, by_case in results.items()
        },
    }
    kept = "all" if list(cases) == CASES_OF[world] else " ".join(cases)
    name = re.sub(r"\W+", "-", f"{world} {seeds[0]} {seeds[-1]} {kept}")
    (SLICES / f"{name}.json").write_text(json.dumps(content))


def read_slices() -> dict[str, Results]:
    """Return the results of all slices by world."""
    found: dict[str, Results] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for file in sorted(SLICES.glob("*.json")):
        content = json.loads(file.read_text())
        for player, by_case in content["results"].items():
            for case, runs in by_case.items():
                found[content["world"]][player][case] += [Figures(**one) for one in runs]
    return found


def shown(value: float, unit: str) -> str:
    """Return a figure, short."""
    if unit == "share":
        return f"{value:.2%}" if value < 0.1 else f"{value:.0%}"
    if unit == "a year":
        return f"{value:.2f}" if value < 10 else f"{value:.0f}"
    return "never" if np.isinf(value) else f"{value:.3g}"


def goal_line(goal: Goal, results: Mapping[str, Results]) -> dict[str, Any]:
    """Return a goal: in each world what was measured, its interval, and what is allowed."""
    measure = goal.measure
    line: dict[str, Any] = {"case": measure.case, "figure": measure.name}
    for world, allowed in goal.allowed.items():
        runs = results[world][LOOP][measure.case] if world in results else []
        if runs:
            value, ends = measure.value(runs), measure.interval(runs)
            line[world] = {
                "measured": shown(value, measure.unit),
                "interval": " to ".join(shown(end, measure.unit) for end in ends),
                "runs": len(runs),
                "years": round(sum(one.years for one in runs), 1),
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
        if results[name][measure.case]
    }


def contest(ours: float, theirs: float, unit: str) -> dict[str, str]:
    """Return a baseline's figure, and whether the loop's is smaller, as far as one can see."""
    if shown(ours, unit) == shown(theirs, unit):
        return {"measured": shown(theirs, unit), "loop": "drawn"}
    return {"measured": shown(theirs, unit), "loop": "won" if ours < theirs else "lost"}


def goal_table(lines: Sequence[Mapping[str, Any]], worlds: Sequence[str]) -> Table:
    """Return the goals, for people."""
    table = Table("measured (95 % interval) ≤ allowed; [bold red]missed where >[/]")
    for world in worlds:
        table.add_column(world, justify="right")
    for line in lines:
        cells = [goal_cell(line[world]) if world in line else "" for world in worlds]
        table.add_row(f"{line['case']}: {line['figure']}", *cells)
    return table


def goal_cell(cell: Mapping[str, Any]) -> str:
    """Return what was measured beside what is allowed, marked if it is too much."""
    measured = f"{cell['measured']} ({cell['interval']})"
    if cell["met"]:
        return f"{measured} ≤ {cell['allowed']}"
    return f"[bold red]{measured} > {cell['allowed']}[/]"


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
                cells = [contest_cell(line[name]) if name in line else "" for name in BASELINES]
                table.add_row(f"{line['case']}: {line['figure']}", line[LOOP], *cells)
    return table


def contest_cell(cell: Mapping[str, str]) -> str:
    """Return a baseline's figure, and what came of the contest."""
    style = {"won": "green", "lost": "red", "drawn": "default"}[cell["loop"]]
    return f"{cell['measured']} [{style}]{cell['loop']}[/]"


def read_arguments() -> argparse.Namespace:
    """Read the command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=40, help="years of each case; 0: tables only")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--world", choices=[*CASES_OF], action="append", help="only these")
    parser.add_argument("--case", action="append", help="only these")
    parser.add_argument("--no-baselines", action="store_true", help="without simple rules")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def main() -> None:
    """Play, and print and write the figures."""
    arguments = read_arguments()
    if arguments.seeds < 0:
        raise UserError(f"--seeds {arguments.seeds}: must not be negative")
    policy = policy_of_worlds(read_policy())
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    for world in arguments.world or CASES_OF if seeds else []:
        cases = [case for case in CASES_OF[world] if case in (arguments.case or CASES_OF[world])]
        rules, processes = not arguments.no_baselines, arguments.processes
        results = play_world(world, seeds, policy, cases, rules, processes)
        keep_slice(world, seeds, cases, results)
    tell(read_slices())


def tell(results: Mapping[str, Results]) -> None:
    """Print and write the figures of these results."""
    goals = [goal_line(goal, results) for goal in [*GOALS, *OTHER_GOALS]]
    contests = [
        contest_line(measure, world, results[world])
        for world in results
        for measure in (CONTESTS if world in FOUR_WORLDS else OTHER_CONTESTS)
        if world != LABELS and results[world][LOOP][measure.case]
    ]
    console = Console()
    others = [world for world in CASES_OF if world not in FOUR_WORLDS]
    console.print(goal_table(goals[: len(GOALS)], FOUR_WORLDS))
    console.print(goal_table(goals[len(GOALS) :], others))
    console.print(contest_table(contests, [*results]))
    cells = [line[world] for line in goals for world in CASES_OF if world in line]
    verdicts = [line[name]["loop"] for line in contests for name in BASELINES if name in line]
    console.print(
        f"{sum(cell['met'] for cell in cells)} of {len(cells)} figures are within what is allowed; "
        f"beside simple rules {verdicts.count('won')} are won, {verdicts.count('lost')} lost, "
        f"{verdicts.count('drawn')} drawn"
    )
    REPORTS.mkdir(exist_ok=True)
    figures = {"goals": goals, "contests": contests}
    (REPORTS / "worlds.json").write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    run(main)
