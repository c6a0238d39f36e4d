"""Benchmark of the retraining loop: false alarms, detection delay, comparison with simple rules.

A new project at level 4 is installed; its policy and its engine play synthetic worlds, one year
for each seed. `bench.loop.table` is what runs in that project's environment.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from installation import Installation, install_project
from projects import REPOSITORY, Ladder, snapshot

from ..measurement import circumstances, cost_of, load, table

FOUR = ["iid", "day", "rough", "city"]
OTHERS = ["growth", "small", "heavy tails", "holidays", "labels"]
VERSIONS = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
LIBRARIES = ["numpy", "scipy"]


def library_versions(installation: Installation) -> dict[str, str]:
    """Return the installed versions."""
    printed = installation.run(f".venv/bin/python -c '{VERSIONS}' {' '.join(LIBRARIES)}").stdout
    return dict(zip(LIBRARIES, printed.split(), strict=True))


def goal_rows(goals: Sequence[dict[str, Any]], worlds: Sequence[str]) -> list[list[str]]:
    """Return a row for each figure, with what was measured and is allowed in each world."""
    return [
        [goal["case"], goal["figure"], *(goal_cell(goal.get(world)) for world in worlds)]
        for goal in goals
        if any(world in goal for world in worlds)
    ]


def goal_cell(cell: dict[str, Any] | None) -> str:
    """Return a cell of the table: the figure, its interval, and in brackets what is allowed."""
    if cell is None:
        return ""
    text = f"{cell['measured']}, {cell['interval']} ({cell['allowed']})"
    return text if cell["met"] else f"**missed:** {text}"


def contest_rows(contests: Sequence[dict[str, Any]], baselines: Sequence[str]) -> list[list[str]]:
    """Return a row for each scenario and figure, with the loop's and each baseline's result."""
    return [
        [
            *(contest[name] for name in ("world", "case", "figure", "loop")),
            *(f"{contest[name]['measured']}: {contest[name]['loop']}" for name in baselines),
        ]
        for contest in contests
    ]


def main() -> None:
    """Run the simulation, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40, help="years of each scenario")
    seeds = parser.parse_args().seeds
    load_before = load()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        ladder = Ladder(template=snapshot(folder / "template"), folder=folder)
        installation = install_project(ladder.project(4))
        command = [".venv/bin/python", "-m", "bench.loop.table", "--seeds", str(seeds)]
        cost = cost_of(command, installation.project, PYTHONPATH=str(REPOSITORY))
        figures = json.loads((installation.project / "reports/worlds.json").read_text())
        versions = library_versions(installation)
    print(circumstances(versions))
    print(
        f"{seeds} seeds for each scenario in {cost.wall / 60:.1f} minutes; "
        f"load {load_before} before and {load()} after.\n"
    )
    for worlds in (FOUR, OTHERS):
        print(table(["case", "figure", *worlds], goal_rows(figures["goals"], worlds)) + "\n")
    contests = figures["contests"]
    baselines = [name for name in contests[0] if isinstance(contests[0][name], dict)]
    print()
    print(
        table(["scenario", "case", "figure", "loop", *baselines], contest_rows(contests, baselines))
    )
    results = [contest[name]["loop"] for contest in contests for name in baselines]
    counts = ", ".join(f"{results.count(word)} {word}" for word in ("won", "lost", "drawn"))
    cells = [goal[world] for goal in figures["goals"] for world in FOUR + OTHERS if world in goal]
    missed = sum(not cell["met"] for cell in cells)
    print(f"\n{missed} targets missed; against simple rules: {counts}.")


if __name__ == "__main__":
    main()
