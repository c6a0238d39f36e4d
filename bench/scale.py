"""Benchmark of the pipeline on millions of rows, beside a plain script with the same model.

The rows have the shape of the TLC's files: Parquet with 19 columns, of which five are used. The
script reads them, computes the same features, fits the same model and evaluates it, without
validation, hashes, tracking or a registry.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from installation import environment, install_project
from projects import Ladder, answers_of, snapshot

from .measurement import circumstances, load, table, verdict

CPU_TARGET, MEMORY_TARGET = 1.3, 1.2
WRITE_ROWS = """
import sys
import numpy as np
import pandas as pd
from {package} import problem

days = int(sys.argv[1]) // 50_000 + 1
rides = problem.sample(days=days, rides_per_day=50_000).head(int(sys.argv[1]))
trips = pd.DataFrame({{
    "tpep_pickup_datetime": rides["pickup_time"],
    "tpep_dropoff_datetime": rides["pickup_time"]
    + pd.to_timedelta(rides["duration_minutes"], unit="min"),
    "PULocationID": rides["pickup_zone"].astype(int),
    "DOLocationID": rides["dropoff_zone"].astype(int),
    "trip_distance": rides["distance_miles"],
}})
rng = np.random.default_rng(0)
for number in range(14):
    trips[f"amount_{{number}}"] = rng.random(len(trips))
trips.to_parquet("data/yellow_tripdata_2025-01.parquet")
"""
PLAIN = """
import numpy as np
import pandas as pd
from {package} import problem

columns = ["tpep_pickup_datetime", "tpep_dropoff_datetime", "PULocationID", "DOLocationID",
           "trip_distance"]
trips = pd.read_parquet("data/yellow_tripdata_2025-01.parquet", columns=columns)
trips = trips.rename(columns=problem.TLC_COLUMNS)
trips["duration_minutes"] = (trips["dropoff_time"] - trips["pickup_time"]) / pd.Timedelta("1min")
for name in problem.ZONES:
    trips[name] = trips[name].astype(str)
is_new = trips["pickup_time"] > trips["pickup_time"].quantile(0.8)
train, test = trips[~is_new], trips[is_new]
model = problem.build_model()
model.fit(pd.DataFrame(problem.features(train)), train["duration_minutes"].to_numpy())
predicted = model.predict(pd.DataFrame(problem.features(test)))
print(np.abs(predicted - test["duration_minutes"]).mean())
"""


@dataclass(frozen=True)
class Use:
    """The CPU seconds of a process and its largest memory, in GB."""

    cpu: float
    memory: float


def use_of(command: list[str], folder: Path) -> Use:
    """Run a command; exit with its output if it fails."""
    variables = environment() | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=folder, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None  # it is a pipe
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"error: {' '.join(command)} failed:\n{errors.decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Use(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e9)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        ladder = Ladder(template=snapshot(folder / "template"), folder=folder)
        project = install_project(ladder.project(2)).project
        package = answers_of(project)["package_name"]
        python = str(project / ".venv/bin/python")
        use_of([python, "-c", WRITE_ROWS.format(package=package), str(rows)], project)
        plain = use_of([python, "-c", PLAIN.format(package=package)], project)
        pipeline = use_of([python, "-m", f"{package}.pipelines"], project)
    cpu, memory = pipeline.cpu / plain.cpu, pipeline.memory / plain.memory
    print(circumstances({}))
    print(f"{rows:,} rows, one run of each; load {load()} after.\n")
    print(
        table(
            ["", "plain script", "pipeline", "ratio", "target"],
            [
                [
                    "CPU seconds",
                    f"{plain.cpu:.1f}",
                    f"{pipeline.cpu:.1f}",
                    f"{cpu:.2f}",
                    verdict(cpu, CPU_TARGET, " times"),
                ],
                [
                    "memory, GB",
                    f"{plain.memory:.2f}",
                    f"{pipeline.memory:.2f}",
                    f"{memory:.2f}",
                    verdict(memory, MEMORY_TARGET, " times"),
                ],
            ],
        )
    )


if __name__ == "__main__":
    main()
