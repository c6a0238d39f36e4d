"""Tests of model files that cannot be used, and of the kept `problem.py`."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from taxi_ride_duration import model_file, problem, train
from taxi_ride_duration.errors import UserError, run
from taxi_ride_duration.trained_model import TrainedModel


@pytest.fixture
def trained(few_rows: pd.DataFrame, models: Path) -> Path:
    """Return the folder of a trained model."""
    run(train.main)
    return model_file.newest(models)


def test_the_kept_problem_has_its_own_name_and_does_not_replace_the_present_one(
    trained: Path,
) -> None:
    """Types of one's own in `problem.py` are trusted by the name of their module."""
    kept = model_file.load(trained).problem
    assert kept.__name__ == problem.__name__
    assert kept is not problem is sys.modules[problem.__name__]


class Stranger:
    """A type that no problem trusts."""


def test_a_type_that_is_not_trusted_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Stranger"):
        model_file.save(TrainedModel(Stranger(), problem), {}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_file_is_reported(tmp_path: Path) -> None:
    folder = model_file.save(TrainedModel(problem.build_model(), problem), {}, tmp_path)
    file = folder / model_file.MODEL
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match="cannot be read as a model"):
        model_file.load(folder)
