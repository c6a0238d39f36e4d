"""Test of the first step of the loop after a climb with a month of logged traffic."""

import subprocess
from pathlib import Path

import pytest

from installation import Installation
from projects import Ladder

# A month of requests, whose ground truth rises by 40 % on the last three days that are over.
TRAFFIC = """
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pandas as pd
from taxi_ride_duration import problem
from taxi_ride_duration.deployment.deploy import deploy
from taxi_ride_duration.pipelines import registry, tracking
from taxi_ride_duration.predict import predict
from taxi_ride_duration.serving.bundle import LIVE
from taxi_ride_duration.serving.records import Feedback, Prediction
from taxi_ride_duration.serving.store import open_store, store_url

midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
first = midnight - timedelta(days=30)
deploy(LIVE, now=first)
with tracking.tracking_store() as client:
    model = registry.load_model(registry.champion(client))
rows = problem.sample(first.date(), days=30)
predicted = predict(model, rows)
drifted = rows["pickup_time"] >= pd.Timestamp(midnight.date() - timedelta(days=3))
actual = (rows["duration_minutes"] * drifted.map({True: 1.4, False: 1.0})).clip(1, 180)
fields = rows.drop(columns="duration_minutes")
fields["pickup_time"] = fields["pickup_time"].map(pd.Timestamp.isoformat)
times = rows["pickup_time"].map(lambda time: time.tz_localize("UTC").timestamp())
made = [
    Prediction(str(number), time, "1", "champion", "", row, float(value))
    for number, (time, row, value) in enumerate(zip(times, fields.to_dict("records"), predicted))
]
known = [Feedback(one.id, midnight.timestamp(), true) for one, true in zip(made, actual)]
with closing(open_store(store_url())) as store:
    store.write(made, known)
"""


@pytest.mark.slow
def test_the_first_step_finds_what_a_month_of_logged_traffic_shows(
    ladder: Ladder, installed: Path
) -> None:
    installation = Installation(ladder.project(3), installed)
    installation.make("pipeline promote")
    finished = subprocess.run(
        [installation.python, "-c", TRAFFIC],
        cwd=installation.project,
        env=installation.environment(),
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    ladder.climb(installation.project, 4)
    said = installation.make("tick").splitlines()
    begun, *rest = [line for line in said if ": " in line and not line.startswith("quiet: ")]
    assert begun.startswith("begun: version 1 is the champion"), said
    assert any(line.startswith("alarm: residuals are +") for line in rest), said
    assert any("(retrained) learned from days up to" in line for line in rest), said
    assert "nothing is due" in installation.make("tick")
    assert "alarm" in installation.make("audit")
