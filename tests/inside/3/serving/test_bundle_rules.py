"""Rules of bundles that hold for any problem."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from taxi_ride_duration.deployment import export
from taxi_ride_duration.deployment.export import Registered
from taxi_ride_duration.deployment.proof import difference, disagreement
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.serving.bundle import MANIFEST, read_manifest
from taxi_ride_duration.serving.model import ActiveRelease
from taxi_ride_duration.serving.runtimes import ONNX_MODEL, PROBLEM
from taxi_ride_duration.serving.settings import Settings
from taxi_ride_duration.trained_model import TrainedModel

BUNDLE = "v1-tested"


def test_another_model_in_its_place_is_noticed(
    registered: Registered, active: ActiveRelease
) -> None:
    class Other(TrainedModel):  # type: ignore[misc]
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            return registered.model.predict(rows)[::-1]

    model = Other(registered.model.estimator, registered.model.problem)
    other = Registered(registered.version, model, registered.split)
    assert difference(other, active.champion.folder, Settings()) is not None


@pytest.mark.parametrize(
    ("expected", "answered", "differs"),
    [
        ([1.0, 3.0], [1.0, 3.00001], False),
        ([1.0, 3.0], [1.0, 3.01], True),
        ([1.0, 3.0], [1.0, float("nan")], True),
        (["a", "b"], ["a", "b"], False),
        (["a", "b"], ["a", "c"], True),
        ([True, False], [1, 0], False),
    ],
)
def test_numbers_may_differ_a_little_and_labels_not_at_all(
    expected: list[object], answered: list[object], differs: bool
) -> None:
    found = disagreement(np.array(expected), np.array(answered), 1e-4)
    assert (found is not None) == differs


def test_an_export_that_predicts_something_else_is_not_used(
    registered: Registered, tmp_path: Path
) -> None:
    def agrees(folder: Path) -> str | None:
        return "they differ" if (folder / ONNX_MODEL).exists() else None

    manifest = export.export(registered, tmp_path / BUNDLE, agrees)
    assert (manifest.runtime, manifest.why_python) == ("python", "they differ")


@pytest.mark.parametrize("name", [PROBLEM, "profile.json", MANIFEST])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_bundle_is_refused(live: Path, tmp_path: Path, name: str, damage: str) -> None:
    folder = tmp_path / BUNDLE
    shutil.copytree(live / "bundles" / BUNDLE, folder)
    whole = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage == "cut":
        (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="bundle"):
        read_manifest(folder)
