"""Tests of a generated project's profiles and PSI, in the environment of its service."""

from pathlib import Path

import pytest

from projects import Ladder
from test_prediction_store import run_inside

pytestmark = pytest.mark.slow


def test_drift_is_found_and_none_where_there_is_none(ladder: Ladder) -> None:
    project: Path = ladder.project(3)
    run_inside(project, "profile.py")
