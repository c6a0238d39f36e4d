"""What the command line costs over the same calls of copier, made directly.

Each verb and the call that it stands for run one after another, in rounds, so that whatever else
the machine does meets both. Ratios of CPU time are taken within a round.
"""

import argparse
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from projects import Ladder, git, snapshot

from .measurement import circumstances, cost_of, load, spread, table, verdict

LADDER = [sys.executable, "-m", "mlops_ladder"]
IMPORT = "import copier; copier.run_copy"
COPY = "import copier, sys; copier.run_copy(sys.argv[1], 'made', {arguments})"
UPDATE = "import copier; copier.run_update('.', vcs_ref=copier.VcsRef.CURRENT, {arguments})"
SETTINGS = "data={data}, defaults=True, overwrite=True, quiet=True"
START, GOAL = 1, 3


@dataclass(frozen=True)
class Case:
    """A verb, the direct call of copier's, and at most how many times of its CPU time it takes."""

    name: str
    verb: list[str]
    direct: list[str]
    target: float
    start: Path | None = None


def call(code: str, *arguments: str, **data: int) -> list[str]:
    """A process that makes one call of copier's."""
    settings = SETTINGS.format(data=data)
    return [sys.executable, "-c", code.format(arguments=settings), *arguments]


def cases(ladder: Ladder) -> list[Case]:
    source = str(ladder.template)
    new = [*LADDER, "new", "made", "--defaults", "--template", source]
    update = call(UPDATE, level=GOAL)
    project = ladder.project(START)
    return [
        Case("--help", [*LADDER, "--help"], [sys.executable, "-c", IMPORT], 0.25),
        Case("new, level 2", [*new, "--level=2"], call(COPY, source, level=2), 1.15),
        Case(
            "new, level 2, without git",
            [*new, "--level=2", "--no-git"],
            call(COPY, source, level=2),
            1.15,
        ),
        Case(f"plan, {START} to {GOAL}", [*LADDER, "plan", str(GOAL)], update, 2, project),
        Case(f"climb, {START} to {GOAL}", [*LADDER, "climb", str(GOAL)], update, 1.15, project),
    ]


def cpu_of(command: list[str], start: Path | None) -> float:
    """The CPU seconds of the command in an empty folder, or in a copy of a project."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "here"
        if start is None:
            folder.mkdir()
        else:
            shutil.copytree(start, folder)
            git(folder, "status")  # a copy's files are new to the index: nobody's cost here
        return cost_of(command, folder).cpu


def measure(every: list[Case], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """The CPU seconds of the verb and of the direct call in each round; one before warms up."""
    costs: dict[str, list[tuple[float, float]]] = {case.name: [] for case in every}
    for number in range(rounds + 1):
        for case in every:
            pair = cpu_of(case.verb, case.start), cpu_of(case.direct, case.start)
            if number:
                costs[case.name].append(pair)
    return costs


def row(case: Case, costs: list[tuple[float, float]]) -> list[str]:
    """A line of the table."""
    ratios = [verb / direct for verb, direct in costs]
    return [
        case.name,
        f"{median(verb for verb, _ in costs):.2f}",
        f"{median(direct for _, direct in costs):.2f}",
        spread(ratios),
        verdict(median(ratios), case.target, " times"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    load_before = load()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "projects"
        folder.mkdir()
        every = cases(Ladder(template=snapshot(Path(parent) / "template"), folder=folder))
        costs = measure(every, rounds)
        versions = {"copier": version("copier"), "git": git(folder, "version").split()[2]}
    print(circumstances(versions))
    print(f"Medians of {rounds} rounds; load {load_before} before and {load()} after.\n")
    header = ["", "CPU seconds", "directly", "times the direct call", "target"]
    print(table(header, [row(case, costs[case.name]) for case in every]))


if __name__ == "__main__":
    main()
