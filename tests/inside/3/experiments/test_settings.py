"""Tests of the settings of an experiment."""

from pathlib import Path

import msgspec
import pytest
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.experiments.plan import Experiment, read_experiment


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("mod: shadow", "line 1: unknown key `mod`"),
        ("mode: canary", "mode"),
        ("mode: shadow", "name: mode shadow requires a name"),
        ("mode: split\nname: two words", "line 2: name: "),
        ("name: " + "x" * 65, "name"),
        ("challenger: newest", "challenger"),
        ("share: 1\nshare: 0.2", "line 2: share is defined twice"),
        ("share: 1", "line 1: share: "),
        ("share: .nan", "share"),
        ("unit: ''", "unit"),
        ("smallest_effect: -0.01", "smallest_effect"),
        ("alpha: 0.5", "alpha"),
        ("block_days: 0", "block_days"),
        ("min_days: 90", "min_days: 90 is more than max_days: 84"),
        ("max_days: 20", "max_days: 20 days are 6 blocks .* before block 7"),
        ("{block_days: 14, alpha: 0.001}", "max_days: .* no challenger can win"),
        ("min_labelled: 1.1", "min_labelled"),
        ("label_wait_days: soon", "label_wait_days"),
        ("mode: [", "line 1: "),
        ("- mode", "Expected `object`"),
    ],
)
def test_an_invalid_setting_is_refused_by_its_key(text: str, place: str, tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=rf"experiment\.yaml: (line 1: )?{place}"):
        read_experiment(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="experiment"):
        read_experiment(tmp_path / "experiment.yaml")


def test_off_may_stand_without_quotes(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text("mode: off")
    assert read_experiment(file) == Experiment()


def test_a_release_gives_back_what_was_deployed() -> None:
    plan = Experiment(mode="split", name="night-rates", challenger=3, unit="district")
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Experiment) == plan
