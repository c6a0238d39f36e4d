"""Benchmark of the training pipeline: the time that a run takes besides fitting the model.

A new project at level 2 is installed and runs its pipeline on the synthetic rides with another seed
each time, so that each run trains, with the same amount of work.
"""

import argparse
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from installation import Installation, install_project
from projects import Ladder, answers_of, snapshot

from .measurement import Cost, circumstances, cost_of, load, spread, table, verdict

TARGET = 6.0
# Several threads busy-wait for each other: beside other load, fitting takes a hundred times as
# long, and its time has no meaning.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
STEP_SECONDS = """
    SELECT substr(key, length('seconds/') + 1), value FROM metrics
    WHERE key LIKE 'seconds/%'
    AND run_uuid = (SELECT run_uuid FROM runs ORDER BY start_time DESC LIMIT 1)
"""
VERSIONS = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
LIBRARIES = ["mlflow", "scikit-learn", "pandas", "skops"]


@dataclass(frozen=True)
class Run:
    """A run of the pipeline, its steps, and the imports alone in another process."""

    whole: Cost
    steps: dict[str, float]
    imports: Cost

    @property
    def beyond_fitting(self) -> float:
        """The seconds besides fitting."""
        return self.whole.wall - self.steps["train"]

    @property
    def rest(self) -> float:
        """The seconds besides imports and steps."""
        return self.whole.wall - self.imports.wall - sum(self.steps.values())


def set_seed(project: Path, seed: int) -> None:
    """Change the seed, so that the pipeline has something to train."""
    file = project / "params.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    changed = [f"model: {{seed: {seed}}}" if line.startswith("model:") else line for line in lines]
    assert changed != lines
    file.write_text("\n".join(changed) + "\n", encoding="utf-8")


def step_seconds(project: Path) -> dict[str, float]:
    """Return the seconds of each step of the newest run, from the tracking store."""
    with closing(sqlite3.connect(project / "mlruns/mlflow.db")) as store:
        return dict(store.execute(STEP_SECONDS).fetchall())


def run_pipeline(project: Path, seed: int) -> Run:
    """Run the pipeline, and its imports alone."""
    python = str(project / ".venv/bin/python")
    module = f"{answers_of(project)['package_name']}.pipelines"
    set_seed(project, seed)
    return Run(
        whole=cost_of([python, "-m", module], project, **ONE_THREAD),
        steps=step_seconds(project),
        imports=cost_of([python, "-c", f"import {module}.training"], project, **ONE_THREAD),
    )


def library_versions(installation: Installation) -> dict[str, str]:
    """Return the installed versions."""
    printed = installation.run(f".venv/bin/python -c '{VERSIONS}' {' '.join(LIBRARIES)}").stdout
    return dict(zip(LIBRARIES, printed.split(), strict=True))


def rows(runs: list[Run]) -> list[list[str]]:
    """Return the rows of the table: the whole run, its parts, and the whole without fitting."""
    whole = median(run.whole.wall for run in runs)
    parts = {
        "the whole process": [run.whole.wall for run in runs],
        "imports": [run.imports.wall for run in runs],
        **{f"step {step}": [run.steps[step] for run in runs] for step in runs[0].steps},
        "rest: tracking store, lineage, start and exit": [run.rest for run in runs],
    }
    beyond = [run.beyond_fitting for run in runs]
    met = verdict(median(beyond), TARGET, " s")
    return [
        *([name, spread(v), f"{median(v) / whole:.2f}", ""] for name, v in parts.items()),
        ["everything but step train", spread(beyond), f"{median(beyond) / whole:.2f}", met],
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    count = parser.parse_args().runs
    load_before = load()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        ladder = Ladder(template=snapshot(folder / "template"), folder=folder)
        installation = install_project(ladder.project(2))
        run_pipeline(installation.project, 1)  # compiles bytecode and creates the tracking store
        installation.make("promote")  # later runs compare with a champion
        runs = [run_pipeline(installation.project, 2 + number) for number in range(count)]
        versions = library_versions(installation)
    print(circumstances(versions))
    print(f"Medians of {count} runs; load {load_before} before and {load()} after.")
    cpu, imports = median(r.whole.cpu for r in runs), median(r.imports.cpu for r in runs)
    print(f"CPU seconds: the whole process {cpu:.2f}, of them imports {imports:.2f}.\n")
    print(table(["", "wall-clock seconds", "share", "target"], rows(runs)))


if __name__ == "__main__":
    main()
