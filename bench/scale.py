"""Benchmark of the pipeline, the monitoring report and the loop on millions of rows.

The pipeline runs beside a plain script with the same model, and the report of `make monitor` over
90 days on two logs of different sizes, in which every prediction has ground truth. The loop takes
a step over a day of two such logs of 29 days, and one that trains a challenger, beside a script
that fits the same model to as many rows.

The rows have the shape of the TLC's files: Parquet with 19 columns, of which five are used. The
script reads them, computes the same features, fits the same model and evaluates it, without
validation, hashes, tracking or a registry.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from installation import Installation, environment, install_project
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


SECONDS = 86_400  # a day has
DAYS = 90
MONITORING_SECONDS, MONITORING_MEMORY = 20, 0.5
WRITE_LOG = """
import json, sqlite3, sys
import numpy as np
from {package} import problem
from {package}.serving.store import open_store

file, total, start, end = sys.argv[1], *map(int, sys.argv[2:])
open_store(f"sqlite:///{{file}}").close()
rides = problem.sample(days=60, rides_per_day=1700)
names = [name for name in rides if name != problem.TARGET]
rows = rides[names].astype({{problem.TIME: str}}).values.tolist()
actual = rides[problem.TARGET].to_numpy()
predicted = actual * np.random.default_rng(0).lognormal(0, 0.2, len(actual))
log = sqlite3.connect(file)
log.execute("pragma synchronous = off")
log.execute("insert into row_formats values (1, ?)", [json.dumps(names, separators=(",", ":"))])
log.execute("create temp table base (n integer primary key, row, predicted, actual, score)")
log.executemany(
    "insert into base values (?, ?, ?, ?, ?)",
    [
        (n, json.dumps(row), str(one), str(other), abs(one - other))
        for n, (row, one, other) in enumerate(zip(rows, predicted.tolist(), actual.tolist()))
    ],
)
for first in range(0, total, len(rows)):
    chosen = f"from base where n < {{total - first}} order by n"
    id = f"printf('%012x-0', {{first}} + n)"
    at = f"{{start}} + ({{first}} + n) * {{(end - start) / total}}"
    log.execute(
        "insert into predictions (id, time, version, variant, unit, row, prediction, row_format) "
        f"select {{id}}, {{at}}, '1', 'champion', '', row, predicted, 1 {{chosen}}"
    )
    log.execute(
        "insert into feedback (id, time, actual, score) "
        f"select {{id}}, {{at}} + 600, actual, score {{chosen}}"
    )
    log.commit()
"""


LOGGED_DAYS = 29  # of which the loop looks at the last, and learns from the others
LOOP_MEMORY = 0.5
FIT = """
import pandas as pd
from {package} import problem

rides = problem.sample(days=50, rides_per_day={rows} // 50)
model = problem.build_model()
model.fit(pd.DataFrame(problem.features(rides)), rides[problem.TARGET].to_numpy())
"""


@dataclass(frozen=True)
class Use:
    """The CPU seconds of a process and its largest memory, in GB."""

    cpu: float
    memory: float


def use_of(command: list[str], folder: Path, **variables: str) -> Use:
    """Run a command; exit with its output if it fails."""
    variables = environment() | {"OMP_NUM_THREADS": "1"} | variables
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


def measure_pipeline(installation: Installation, rows: int) -> None:
    """Measure the pipeline beside the plain script, and print the table."""
    project, python = installation.project, str(installation.project / ".venv/bin/python")
    package = answers_of(project)["package_name"]
    use_of([python, "-c", WRITE_ROWS.format(package=package), str(rows)], project)
    plain = use_of([python, "-c", PLAIN.format(package=package)], project)
    pipeline = use_of([python, "-m", f"{package}.pipelines"], project)
    cpu, memory = pipeline.cpu / plain.cpu, pipeline.memory / plain.memory
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


def write_log(
    installation: Installation, file: Path, predictions: int, start: int, end: int
) -> None:
    """Write a prediction log, evenly over a time in POSIX seconds."""
    python = str(installation.project / ".venv/bin/python")
    code = WRITE_LOG.format(package=answers_of(installation.project)["package_name"])
    numbers = map(str, (predictions, start, end))
    use_of([python, "-c", code, str(file), *numbers], installation.project)


def measure_monitoring(installation: Installation, predictions: int) -> None:
    """Measure the report on a log of so many predictions and on a fifth of it, and print both."""
    project, python = installation.project, str(installation.project / ".venv/bin/python")
    package = answers_of(project)["package_name"]
    installation.make("pipeline promote deploy")
    lines = []
    for number in (predictions // 5, predictions):
        file, now = project / f"{number}.db", int(time.time())
        write_log(installation, file, number, now - now % SECONDS - (DAYS - 1) * SECONDS, now)
        report = [python, "-m", f"{package}.monitoring.report", "--days", str(DAYS)]
        use = use_of(report, project, DATABASE_URL=f"sqlite:///{file}")
        megabytes = file.stat().st_size / number  # bytes for each, and MB for each million
        lines.append([f"{number:,}", f"{use.cpu:.1f}", f"{use.memory:.2f}", f"{megabytes:.0f}"])
    print(f"\n`make monitor DAYS={DAYS}`, one run of each; load {load()} after.\n")
    heading = ["predictions", "CPU seconds", "memory, GB", "MB of log for each million"]
    print(table(heading, lines))
    print(
        f"Targets: {verdict(use.cpu, MONITORING_SECONDS, ' s')}, "
        f"{verdict(use.memory, MONITORING_MEMORY, ' GB')}."
    )


def measure_loop(installation: Installation, predictions: int) -> None:
    """Measure steps of the loop at so many predictions a day and a tenth of it, and print them."""
    project, python = installation.project, str(installation.project / ".venv/bin/python")
    package = answers_of(project)["package_name"]
    installation.make("pipeline promote deploy")
    most = [python, "-c", f"from {package}.retraining.policy import Data; print(Data().max_rows)"]
    rows = int(subprocess.run(most, cwd=project, capture_output=True, check=True).stdout)
    fit = use_of([python, "-c", FIT.format(package=package, rows=rows)], project)
    today = int(time.time()) // SECONDS * SECONDS
    release = project / "live/release.json"
    begun = datetime.fromtimestamp(today - SECONDS, UTC).isoformat()
    release.write_text(json.dumps(json.loads(release.read_text()) | {"time": begun}))
    step, lines = [python, "-m", f"{package}.retraining.loop"], []
    for number in (predictions // 10, predictions):
        file = project / f"{number}.db"
        write_log(installation, file, LOGGED_DAYS * number, today - LOGGED_DAYS * SECONDS, today)
        (project / "live/loop-anchor.json").unlink(missing_ok=True)
        url = f"sqlite:///{file}"
        looked, trained, idle = (
            use_of([*step, *more], project, DATABASE_URL=url) for more in ([], ["--ask"], [])
        )
        beyond = max(looked.memory, trained.memory - fit.memory)
        for name, use in (("measures a day", looked), ("trains", trained), ("finds nothing", idle)):
            lines.append([f"{number:,}", name, f"{use.cpu:.1f}", f"{use.memory:.2f}"])
        file.unlink()
    print(f"\n`make tick`, one run of each; load {load()} after.\n")
    print(table(["predictions a day", "step", "CPU seconds", "memory, GB"], lines))
    print(
        f"The fit alone, of {rows:,} rows: {fit.cpu:.1f} CPU seconds, {fit.memory:.2f} GB. "
        f"Target beyond it: {verdict(beyond, LOOP_MEMORY, ' GB')}."
    )


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000, help="of the pipeline; 0: leave out")
    parser.add_argument("--predictions", type=int, default=5_000_000, help="the same of the log")
    parser.add_argument("--a-day", type=int, default=1_000_000, help="the same of the loop's log")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        ladder = Ladder(template=snapshot(folder / "template"), folder=folder)
        print(circumstances({}))
        if arguments.rows:
            measure_pipeline(install_project(ladder.project(2)), arguments.rows)
        if arguments.predictions:
            measure_monitoring(install_project(ladder.project(3)), arguments.predictions)
        if arguments.a_day:
            measure_loop(install_project(ladder.project(4)), arguments.a_day)


if __name__ == "__main__":
    main()
