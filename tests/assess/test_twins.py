"""Tests of the criteria: what is there is seen, and what is nearly there is not."""

import pytest

from assess.twins import TWINS, Tree
from mlops_ladder.assess.criteria import criteria
from mlops_ladder.assess.engine import assess

NEAR_MISSES = {
    f"{id} {why.replace('_', ' ')}": (id, one)
    for id, twin in TWINS.items()
    for why, one in twin.missing.items()
}


def test_each_criterion_has_its_twins() -> None:
    assert set(TWINS) == {one.id for one in criteria()}
    assert all(twin.missing for twin in TWINS.values())


@pytest.mark.parametrize("id", TWINS)
def test_what_is_there_is_met(id: str) -> None:
    found = assess(TWINS[id].present).findings[id]
    assert found.status == "met", found
    assert found.evidence or id == "L0-03"


@pytest.mark.parametrize(("id", "files"), NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_what_is_nearly_there_is_missing(id: str, files: Tree) -> None:
    found = assess(files).findings[id]
    assert found.status == "missing", found
    assert found.reason
