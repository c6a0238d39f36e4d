"""How often the loop is wrong and how fast it is right, by the project that a user would have.

A new project of level 4 is installed and plays its own engine and policy in four made-up cities,
for as many years as there are seeds, beside simple rules that need no engine.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from projects import Ladder, snapshot
from workshop import Workshop, open_workshop

from .measurement import circumstances, cost_of, load, table

WORLDS = ["iid", "day", "rough", "city"]
VERSIONS = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
LIBRARIES = ["numpy", "scipy"]


def library_versions(workshop: Workshop) -> dict[str, str]:
    """The versions that `make setup` installed."""
    printed = workshop.run(f".venv/bin/python -c '{VERSIONS}' {' '.join(LIBRARIES)}").stdout
    return dict(zip(LIBRARIES, printed.split(), strict=True))


def goal_rows(goals: Sequence[dict[str, Any]]) -> list[list[str]]:
    """For each figure and world what was measured, and what is allowed."""
    return [
        [goal["case"], goal["figure"], *(goal_cell(goal[world]) for world in WORLDS)]
        for goal in goals
    ]


def goal_cell(cell: dict[str, Any]) -> str:
    text = f"{cell['measured']} ({cell['allowed']})"
    return text if cell["met"] else f"**missed:** {text}"


def contest_rows(contests: Sequence[dict[str, Any]], baselines: Sequence[str]) -> list[list[str]]:
    """For each world and figure the loop's, and each baseline's with what came of the contest."""
    return [
        [
            *(contest[name] for name in ("world", "case", "figure", "loop")),
            *(f"{contest[name]['measured']}: {contest[name]['loop']}" for name in baselines),
        ]
        for contest in contests
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40, help="years of each world")
    seeds = parser.parse_args().seeds
    load_before = load()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        ladder = Ladder(template=snapshot(folder / "template"), folder=folder)
        workshop = open_workshop(ladder.project(4))
        cost = cost_of(["make", "simulate", f"WORLDS={seeds}"], workshop.project)
        figures = json.loads((workshop.project / "reports/worlds.json").read_text())
        versions = library_versions(workshop)
    print(circumstances(versions))
    print(
        f"{seeds} seeds a world in {cost.wall / 60:.1f} minutes; "
        f"load {load_before} before and {load()} after.\n"
    )
    print(table(["case", "figure", *WORLDS], goal_rows(figures["goals"])))
    contests = figures["contests"]
    baselines = [name for name in contests[0] if isinstance(contests[0][name], dict)]
    print()
    print(table(["world", "case", "figure", "loop", *baselines], contest_rows(contests, baselines)))
    verdicts = [contest[name]["loop"] for contest in contests for name in baselines]
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in ("won", "lost", "drawn"))
    missed = sum(not goal[world]["met"] for goal in figures["goals"] for world in WORLDS)
    print(f"\n{missed} figures missed; beside simple rules {counts}.")


if __name__ == "__main__":
    main()
