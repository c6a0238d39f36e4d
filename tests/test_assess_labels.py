"""Tests of the labels of public repositories, and of the figures that are computed from them."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from bench.assess_labels import SETS, Judged, counts, labels, wilson

from mlops_ladder.assess.criteria import criteria
from mlops_ladder.assess.engine import assess
from mlops_ladder.assess.profile import FEWEST_SEEN

FOLDER = Path(__file__).parent / "assess" / "labels"
EACH = pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.stem)


def only(path: Path) -> dict[str, Any]:
    """Return the repository of a file of labels."""
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    (repository,) = said["repositories"]
    assert isinstance(repository, dict)
    return repository


@EACH
def test_a_file_of_labels_is_complete(path: Path) -> None:
    label = only(path)
    assert path.stem == label["repository"].replace("/", "-")
    assert label["set"] in SETS
    assert re.fullmatch(r"[0-9a-f]{40}", label["commit"])
    assert label["licence"]
    assert sorted(label["dimensions"]) == ["monitoring", "release", "training"]
    assert all(value in range(5) for value in label["dimensions"].values())
    assert list(label["criteria"]) == [one.id for one in criteria()]


@EACH
def test_a_label_has_a_status_and_says_why(path: Path) -> None:
    for id, one in only(path)["criteria"].items():
        assert one["status"] in {"met", "missing", "unknown", "na"}, id
        assert one["reason"], id
        places = one.get("evidence", [])
        assert places or one["status"] != "met", id
        assert all(re.fullmatch(r"[^/].*:[1-9]\d*", place) for place in places), (id, places)


@EACH
def test_the_level_follows_from_the_labels(path: Path) -> None:
    label, level = only(path), 0
    for number in range(1, 5):
        musts = [one.id for one in criteria() if one.kind == "must" and one.level == number]
        said = Counter(label["criteria"][id]["status"] for id in musts)
        if said["missing"] or said["met"] < FEWEST_SEEN * len(musts):
            break
        level = number
    assert label["level"] == level


def test_each_file_of_labels_is_read() -> None:
    assert len(labels()) == len(list(FOLDER.glob("*.yml")))


def test_precision_recall_and_answers_are_counted_by_their_definitions() -> None:
    found = counts(
        [
            ("L1-01", "met", "met"),
            ("L1-02", "met", "missing"),
            ("L1-03", "met", "unknown"),
            ("L1-04", "missing", "met"),
            ("L1-08", "unknown", "met"),
            ("L4-16", "na", "na"),
        ]
    )
    assert (found["right"], found["claimed"], found["there"]) == (1, 3, 2)
    assert (found["answered"], found["musts"]) == (3, 4)
    assert (found["same"], found["all"]) == (2, 6)


def test_the_interval_of_a_share_is_wilsons() -> None:
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(0, 0) == (0, 1)


def test_a_repository_is_compared_by_status_and_dimension() -> None:
    label = only(next(iter(sorted(FOLDER.glob("*.yml")))))
    judged = Judged(label, assess({}))
    said = {id: (label, found) for id, label, found in judged.pairs()}
    assert said["L4-16"] == ("na", "na")
    assert judged.errors() == list(label["dimensions"].values())
