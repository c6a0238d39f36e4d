"""Tests of releases: what they remember, and how experiments and rollbacks change them."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from taxi_ride_duration.dataset import Split
from taxi_ride_duration.deployment import deploy, rollback
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.experiments.plan import Experiment
from taxi_ride_duration.pipelines import registry, tracking
from taxi_ride_duration.pipelines.parameters import Params
from taxi_ride_duration.pipelines.training import train_and_register
from taxi_ride_duration.serving.bundle import Release, changing, read_release, write_release

NOW = datetime(2025, 1, 2, tzinfo=UTC)


def put_live(live: Path, name: str, challenger: str | None = None) -> None:
    """Release an empty bundle."""
    (live / "bundles" / name).mkdir(parents=True, exist_ok=True)
    deploy.put_live(live, name, challenger, Experiment())


def released(live: Path) -> Release:
    """Return the release."""
    release = read_release(live)
    assert release is not None
    return release


@pytest.fixture(scope="module")
def trained_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tracking store whose versions all are the same run."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def with_champion(
    trained_store: Path, few_rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> MlflowClient:
    """Return a client of the tracking store; version 1 is the champion."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(tracking, "STORE", trained_store)
    with tracking.tracking_store() as client:
        if registry.champion(client) is None:
            train_and_register(Params(), force=False)
            client.set_registered_model_alias(tracking.NAME, registry.CHAMPION, "1")
        return client


@pytest.fixture
def empty_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a rollback take a bundle without a manifest."""
    monkeypatch.setattr(rollback, "read_manifest", lambda folder: None)


@pytest.mark.usefixtures("with_champion")
def test_two_deployments_at_once_are_one_too_many(tmp_path: Path) -> None:
    with changing(tmp_path), pytest.raises(UserError, match="under way"):
        deploy.deploy(tmp_path)


def test_who_calls_may_bring_the_rows_the_experiment_and_the_time(
    with_champion: MlflowClient, rows: pd.DataFrame, tmp_path: Path
) -> None:
    """Two versions of the same run: what the registry calls the champion, and its challenger."""
    champion = registry.champion(with_champion)
    assert champion is not None
    other = with_champion.create_model_version(
        tracking.NAME, str(champion.source), champion.run_id, champion.tags
    )
    asked = []

    def held_out(version: ModelVersion) -> Split:
        asked.append(version.version)
        return Split(train=rows.head(500), test=rows.tail(100))

    split = Experiment(mode="split", name="loop-2025-01-01", challenger=int(other.version))
    deploy.deploy(tmp_path, held_out, split, NOW)
    release = released(tmp_path)
    assert release.challenger is not None
    assert release.challenger.startswith(f"v{other.version}-")
    assert (release.experiment, release.time) == (split, "2025-01-02T00:00:00+00:00")
    assert asked == [champion.version, other.version]
    deploy.deploy(tmp_path, held_out, Experiment(), NOW)
    assert len(asked) == 2, "what is bundled has been proven"
    (damaged,) = (tmp_path / "bundles").glob(f"v{champion.version}-*/problem.py")
    damaged.write_text("")
    deploy.deploy(tmp_path, held_out, Experiment(), NOW)
    assert len(asked) == 3, "a damaged bundle is made again"
    assert damaged.read_text()


@pytest.mark.parametrize(
    ("number", "reason"), [(1, "cannot challenge itself"), (7, "no version 7"), (None, "alias")]
)
def test_an_experiment_needs_another_version(
    with_champion: MlflowClient, tmp_path: Path, number: int | None, reason: str
) -> None:
    shadow = Experiment(mode="shadow", name="tested", challenger=number)
    with pytest.raises(UserError, match=rf"experiment.yaml: challenger: .*{reason}"):
        deploy.deploy(tmp_path, experiment=shadow)


def test_releases_remember_what_served_before(tmp_path: Path) -> None:
    for name in ["v1-a", "v2-b", "v1-a", "v3-c"]:
        put_live(tmp_path, name)
    release = released(tmp_path)
    assert (release.champion, release.before) == ("v3-c", ["v1-a", "v2-b"])


def test_bundles_that_nothing_can_go_back_to_are_deleted(tmp_path: Path) -> None:
    for number in range(10):
        put_live(tmp_path, f"v{number}-x")
    left = {folder.name for folder in (tmp_path / "bundles").iterdir()}
    assert left == {f"v{number}-x" for number in range(9 - deploy.KEPT, 10)}


def test_the_same_models_bundled_anew_go_on_with_their_experiment(tmp_path: Path) -> None:
    shadow = Experiment(mode="shadow", name="tested")
    times = []
    for champion in ["v1-a", "v1-b", "v2-c"]:
        (tmp_path / "bundles" / champion).mkdir(parents=True)
        deploy.put_live(tmp_path, champion, "v3-x", shadow)
        release = released(tmp_path)
        times.append(release.time)
        write_release(
            tmp_path, msgspec.structs.replace(release, time=release.time.replace("2", "1", 1))
        )
    assert times[1] == times[0].replace("2", "1", 1)
    assert times[2] != times[1]


@pytest.mark.usefixtures("empty_bundles")
def test_rollback_goes_to_a_version_and_stays_there(tmp_path: Path) -> None:
    for name in ["v1-a", "v10-b", "v2-c", "v3-d"]:
        put_live(tmp_path, name)
    release = rollback.rollback(tmp_path, "10", NOW)
    assert (release.champion, release.before) == ("v10-b", ["v1-a"])
    assert release.time == "2025-01-02T00:00:00+00:00"
    assert rollback.rollback(tmp_path, "10") == release
    with pytest.raises(UserError, match=r"no bundle of version 3 that is left .* no way back"):
        rollback.rollback(tmp_path, "3")
    assert read_release(tmp_path) == release
    assert rollback.rollback(tmp_path, "1").champion == "v1-a"


@pytest.mark.usefixtures("empty_bundles")
def test_rollback_to_the_champion_ends_its_experiment(tmp_path: Path) -> None:
    put_live(tmp_path, "v1-a")
    split = Experiment(mode="split", name="tested")
    deploy.put_live(tmp_path, "v2-b", "v1-a", split)
    release = rollback.rollback(tmp_path, "2")
    assert (release.champion, release.challenger, release.experiment) == ("v2-b", None, None)
    assert release.before == ["v1-a"]
