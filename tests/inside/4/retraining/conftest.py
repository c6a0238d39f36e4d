"""A small city of its own for the loop's tests, so that they hold whatever `problem.py` says."""

import importlib.util
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from taxi_ride_duration import problem
from taxi_ride_duration.deployment import deploy
from taxi_ride_duration.pipelines import registry, tracking
from taxi_ride_duration.pipelines.parameters import Params
from taxi_ride_duration.pipelines.training import train_and_register
from taxi_ride_duration.predict import predict
from taxi_ride_duration.retraining import loop
from taxi_ride_duration.retraining.executor import model_of
from taxi_ride_duration.retraining.journal import Line, open_journal
from taxi_ride_duration.retraining.site import serving_version
from taxi_ride_duration.retraining.state import Decision, State
from taxi_ride_duration.serving.bundle import Release, read_release
from taxi_ride_duration.serving.records import (
    CHALLENGER,
    CHAMPION,
    Feedback,
    Prediction,
)
from taxi_ride_duration.serving.store import open_store
from taxi_ride_duration.trained_model import TrainedModel

FIRST = date(2026, 3, 2)  # a Monday, the first day of service
ROWS = 60  # a day
CALM = 8  # days on which nothing happens
PROJECT = Path.cwd()

PROBLEM = '''"""Minutes by miles, or, for labels, whether it takes long."""

import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.linear_model import LinearRegression

TASK = "regression"
TARGET = "minutes"
TIME = "at"
SCHEMA = pa.DataFrameSchema(
    {
        "at": pa.Column("datetime64[ns]"),
        "miles": pa.Column("float64", pa.Check.in_range(0, 100)),
        "minutes": pa.Column("float64", pa.Check.in_range(0, 1000)),
    },
    coerce=True,
    strict="filter",
)
SEARCH_SPACE = {}
TRUSTED_TYPES = []
METRIC = "minutes_off"
LOWER_IS_BETTER = True


def load(start=None, end=None):
    days = [drawn(number, FIRST + np.timedelta64(number, "D")) for number in range(-28, 0)]
    return pd.concat(days, ignore_index=True)


FIRST = np.datetime64("2026-03-02")


def drawn(seed, day, rows=60):
    rng = np.random.default_rng(seed + 1000)
    at = day.astype("datetime64[ns]") + (rng.random(rows) * 86_400e9).astype("timedelta64[ns]")
    miles = rng.uniform(1, 9, rows)
    minutes = 3 * miles * rng.lognormal(0, 0.1, rows)
    return pd.DataFrame({"at": np.sort(at), "miles": miles, "minutes": minutes})


def features(rows):
    return {"miles": np.asarray(rows["miles"], dtype=float)}


def build_model():
    return LinearRegression()


def score_rows(actual, predicted):
    return np.abs(actual - predicted)


def baseline(target):
    return np.median(target)


def slices(rows):
    return {"way": np.where(np.asarray(rows["miles"], dtype=float) < 5, "short", "long")}
'''
POLICY = """
data: {min_rows: 20, history_days: 14, days_before_change: 14}
limits: {cooldown_days: 1}
gates: {offline: {min_rows: 50, min_slice_rows: 40, holdout_days: 2}}
"""


@dataclass
class City:
    """What is live, the log and the registry, in a folder of their own, on a clock of their own."""

    folder: Path

    @property
    def live(self) -> Path:
        """Return the folder of what serves."""
        return self.folder / "live"

    @property
    def url(self) -> str:
        """Return the URL of the store."""
        return f"sqlite:///{self.live}/predictions.db"

    @property
    def release(self) -> Release:
        """Return what serves."""
        release = read_release(self.live)
        assert release is not None
        return release

    @property
    def serves(self) -> str:
        """The version that serves."""
        return serving_version(self.release)

    @property
    def crowned(self) -> str:
        """The version that the registry calls the champion."""
        with tracking.tracking_store() as client:
            champion = registry.champion(client)
        assert champion is not None
        return str(champion.version)

    @property
    def state(self) -> State:
        """Return the last state in the journal."""
        with closing(open_journal(self.url)) as journal:
            state = journal.latest()[1]
        assert state is not None
        return state

    @property
    def lines(self) -> list[Line]:
        """Return the lines of the journal, which must be whole."""
        with closing(open_journal(self.url)) as journal:
            assert journal.broken() is None
            return journal.lines()

    def kinds(self) -> list[str]:
        """Kinds of the journal's lines, without those of days on which nothing happened."""
        return [line.kind for line in self.lines if line.kind != "quiet"]

    def live_through(self, number: int, factor: float = 1.0, told: float = 1.0) -> None:
        """Live a day of service, with answered requests, and ground truth for a share of them.

        Days are counted from `FIRST`. The factor is by how much everything takes longer.
        """
        predictions, feedback = self.day(number, factor)
        self.log(predictions, feedback[: round(told * len(feedback))])

    def day(self, number: int, factor: float = 1.0) -> tuple[list[Prediction], list[Feedback]]:
        """Return what such a day leaves in the log."""
        drawn = vars(problem)["drawn"]  # which the project's own does not have
        rows = drawn(number, np.datetime64(FIRST + timedelta(days=number)), ROWS)
        times = rows["at"].astype("int64").to_numpy() / 1e9
        predictions = [
            Prediction(
                id=f"{number}-{place}",
                time=float(times[place]),
                version=version,
                variant=CHAMPION if version == self.serves else CHALLENGER,
                unit=str(place),
                row={"at": rows["at"][place].isoformat(), "miles": float(rows["miles"][place])},
                prediction=float(answer),
            )
            for place, (version, answer) in enumerate(self.answers(rows))
        ]
        actual = enumerate(factor * rows["minutes"])
        return predictions, [Feedback(f"{number}-{place}", 0.0, true) for place, true in actual]

    def log(self, predictions: list[Prediction], feedback: list[Feedback]) -> None:
        """Write into the log, as the service does."""
        with closing(open_store(self.url)) as store:
            store.write(predictions, feedback)

    def answers(self, rows: pd.DataFrame) -> list[tuple[str, float]]:
        """Who answers each row, and what: in a split, by turns."""
        release = self.release
        versions = [serving_version(release)]
        if release.challenger is not None:
            versions.append(release.challenger.partition("-")[0].removeprefix("v"))
        by_version = {one: predict(registered(one), rows) for one in versions}
        chosen = [versions[place % len(versions)] for place in range(len(rows))]
        return [(one, by_version[one][place]) for place, one in enumerate(chosen)]

    def time(self, number: float) -> datetime:
        """So many days after `FIRST` began."""
        return datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=number)

    def tick(self, number: float, who: str | None = None) -> list[Decision]:
        """Take a step of the loop at that time."""
        return loop.tick(self.live, self.time(number).timestamp(), who, lambda policy, since: None)

    def run(self, first: int, end: int, factor: float = 1.0) -> None:
        """Live through the days from the first up to the end, each with a step after it."""
        for number in range(first, end):
            self.live_through(number, factor)
            self.tick(number + 1.1)

    def save(self, name: str) -> None:
        """Keep what there is under a name, beside the folder: the registry knows its place."""
        shutil.copytree(self.folder, self.folder.with_name(name))

    def restore(self, name: str) -> None:
        """Let everything be as it was when it was saved."""
        saved = self.folder.with_name(name)
        shutil.rmtree(self.live)
        shutil.copytree(saved / "live", self.live)
        shutil.copy(saved / "retraining.yaml", self.folder)
        file = Path("mlruns", "mlflow.db")  # connections to it are open, so it has to stay
        with (
            closing(sqlite3.connect(saved / file)) as before,
            closing(sqlite3.connect(self.folder / file)) as after,
        ):
            before.backup(after)


@contextmanager
def listening(code: str, small_problem: Path, folder: Path) -> Iterator[Callable[..., Any]]:
    """Run code in a process; provide what gives it an order as JSON and returns its response."""
    arguments = [Path(__file__).parent, small_problem, folder]
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        orders, responses = process.stdin, process.stdout

        def give(*order: Any) -> Any:
            print(json.dumps(order), file=orders, flush=True)
            return json.loads(responses.readline())

        yield give
        orders.close()


def registered(number: str) -> TrainedModel:
    """Return the model of a version."""
    with tracking.tracking_store() as client:
        version = client.get_model_version(tracking.NAME, number)
        return model_of(str(version.run_id), number)


def replace_problem(patch: pytest.MonkeyPatch, file: Path) -> None:
    """Put the problem in the file in the place of the project's."""
    spec = importlib.util.spec_from_file_location("small_problem", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, value in vars(module).items():
        if not name.startswith("__") or name == "__file__":
            patch.setattr(problem, name, value, raising=False)


@pytest.fixture(scope="module")
def small_problem(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the file with a problem of a few lines, in the place of the project's."""
    file = tmp_path_factory.mktemp("problem") / "problem.py"
    file.write_text(PROBLEM, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        replace_problem(patch, file)
        yield file


@pytest.fixture(scope="module")
def founded(small_problem: Path, tmp_path_factory: pytest.TempPathFactory) -> City:
    """Return a city whose version 1 was trained and deployed with all proofs, and times after."""
    city = City(tmp_path_factory.mktemp("city") / "city")
    with pytest.MonkeyPatch.context() as patch:
        found(city, patch)
        city.save("founded")
        city.run(0, CALM)
        city.save("calm")
        city.run(CALM, CALM + 3, factor=1.4)
        city.save("on trial")
        patch.setattr(deploy, "prove", lambda registered, folder, settings: [])
        city.run(CALM + 3, CALM + 4, factor=1.4)
        city.save("promoted")
    return city


def found(city: City, patch: pytest.MonkeyPatch) -> None:
    """Train a first version and put it live."""
    city.folder.mkdir()
    settle(patch, city)
    train_and_register(Params(), force=False)
    with tracking.tracking_store() as client:
        client.set_registered_model_alias(tracking.NAME, registry.CHAMPION, "1")
    deploy.deploy(city.live, now=city.time(0))


@pytest.fixture
def city(founded: City, monkeypatch: pytest.MonkeyPatch) -> City:
    """Return the city as it was founded. What is deployed is not asked for proof again."""
    settle(monkeypatch, founded)
    founded.restore("founded")
    monkeypatch.setattr(deploy, "prove", lambda registered, folder, settings: [])
    return founded


def settle(patch: pytest.MonkeyPatch, city: City) -> None:
    """Let all that is read and written be in the city's folder."""
    folder = city.folder
    for name in ("params.yaml", "serving.yaml", "experiment.yaml"):
        shutil.copy(PROJECT / name, folder / name)
    (folder / "retraining.yaml").write_text(POLICY, encoding="utf-8")
    patch.chdir(folder)
    patch.setattr(tracking, "STORE", folder / "mlruns")
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)
    patch.setenv("DATABASE_URL", city.url)
