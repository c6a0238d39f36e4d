"""Benchmark of the command line against copier with a template of one file.

Each command and its baseline run alternately, in rounds, so that other load on the machine affects
both. Ratios of CPU time are computed within a round.
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

from .generation import one_file_template
from .measurement import circumstances, cost_of, load, spread, table, verdict

LADDER = [sys.executable, "-m", "mlops_ladder"]
COPY = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet"]
IMPORT = [sys.executable, "-c", "import copier; copier.run_copy"]
LEVEL, TARGET = 2, 3


@dataclass(frozen=True)
class Case:
    """A command, its baseline, and the target ratio of their CPU times."""

    name: str
    command: list[str]
    baseline: list[str]
    target: float
    start: Path | None = None


def cases(ladder: Ladder, one_file: Path) -> list[Case]:
    """Return the commands to measure."""
    new = [*LADDER, "new", "made", "--defaults", "--template", str(ladder.template)]
    copy = [*COPY, str(one_file), "copied"]
    project = ladder.project(LEVEL)
    return [
        Case("--help, beside importing copier", [*LADDER, "--help"], IMPORT, 0.25),
        Case(f"new, level {LEVEL}", [*new, f"--level={LEVEL}"], copy, 1.4),
        Case(f"plan, {LEVEL} to {TARGET}", [*LADDER, "plan", str(TARGET)], copy, 2.5, project),
        Case(f"climb, {LEVEL} to {TARGET}", [*LADDER, "climb", str(TARGET)], copy, 2.5, project),
    ]


def cpu_of(command: list[str], start: Path | None) -> float:
    """Return the CPU seconds of a command in an empty folder, or in a copy of a project."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "here"
        if start is None:
            folder.mkdir()
        else:
            shutil.copytree(start, folder)
            git(folder, "status")  # refreshes the index, which is out of date in a copy
        return cost_of(command, folder).cpu


def measure(every: list[Case], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return the CPU seconds of command and baseline in each round, after a warm-up round."""
    costs: dict[str, list[tuple[float, float]]] = {case.name: [] for case in every}
    for number in range(rounds + 1):
        for case in every:
            pair = cpu_of(case.command, case.start), cpu_of(case.baseline, case.start)
            if number:
                costs[case.name].append(pair)
    return costs


def row(case: Case, costs: list[tuple[float, float]]) -> list[str]:
    """Return a row of the table."""
    ratios = [command / baseline for command, baseline in costs]
    return [
        case.name,
        f"{median(command for command, _ in costs):.2f}",
        f"{median(baseline for _, baseline in costs):.2f}",
        spread(ratios),
        verdict(median(ratios), case.target, " times"),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    load_before = load()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "projects"
        folder.mkdir()
        ladder = Ladder(template=snapshot(Path(parent) / "template"), folder=folder)
        every = cases(ladder, one_file_template(folder / "one-file"))
        costs = measure(every, rounds)
        versions = {"copier": version("copier"), "git": git(folder, "version").split()[2]}
    print(circumstances(versions))
    print(f"Medians of {rounds} rounds; load {load_before} before and {load()} after.\n")
    header = ["", "CPU seconds", "baseline", "times the baseline", "target"]
    print(table(header, [row(case, costs[case.name]) for case in every]))


if __name__ == "__main__":
    main()
