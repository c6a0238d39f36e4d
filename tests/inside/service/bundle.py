"""Tests of bundles and releases that nobody wrote, run by `test_prediction_store`."""

from pathlib import Path

import pytest
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.serving import bundle


def test_a_huge_manifest_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / bundle.MANIFEST).open("wb") as file:
        file.truncate(bundle.MOST_BYTES + 1)  # a sparse file, which takes no space
    with pytest.raises(UserError, match="larger than"):
        bundle.read_manifest(tmp_path)


@pytest.mark.parametrize("name", ["../elsewhere", "/etc", "", ".hidden", "a/b", "a\0b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="not a name of a bundle"):
        bundle.bundle_folder(tmp_path, name)


def test_a_release_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "release.json").write_text('{"champion": "v1', encoding="utf-8")
    with pytest.raises(UserError, match="release"):
        bundle.read_release(tmp_path)
