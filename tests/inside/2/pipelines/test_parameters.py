"""Tests of `params.yaml` and of changes to it."""

from inspect import signature
from pathlib import Path

import pytest
from taxi_ride_duration import problem
from taxi_ride_duration.errors import UserError
from taxi_ride_duration.pipelines import parameters
from taxi_ride_duration.pipelines.parameters import read_params

BUILD_MODEL = "def build_model(max_iter: int = 100, loss: str = 'a', other=None):\n    pass\n"


@pytest.fixture
def model_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `build_model` take an integer, a text, and something without a type."""
    file = tmp_path / "problem.py"
    file.write_text(BUILD_MODEL)
    monkeypatch.setattr(parameters, "PROBLEM", file)


@pytest.mark.usefixtures("model_arguments")
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("splt: {test_share: 0.2}", "splt"),
        ("split: {test_share: 1.5}", "split.test_share"),
        ("gate: {alpha: often}", "gate.alpha"),
        ("data: {start: yesterday}", "data.start"),
        ("model: {no_such_parameter: 1}", "model.no_such_parameter"),
        ("model: {max_iter: abc}", "model.max_iter"),
        ("model: {max_iter: 1.5}", "model.max_iter"),
        ("model: {loss: [a]}", "model.loss"),
        ("gate: {alpha: 0.1}\ngate: {alpha: 0.2}", "line 2: gate is defined twice"),
        ("gate: {alpha: 0.1, alpha: 0.2}", "line 1: alpha is defined twice"),
        ("model: &a {max_iter: *a}", "line 1: references are not supported"),
        ("split: [", "line 1"),
        ("split: " + 3000 * "[", "nested too deeply"),
        ("- split", "params.yaml"),
        ("text", "params.yaml"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_place(text: str, place: str, tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as refusal:
        read_params(file)
    assert place in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("model_arguments")
def test_a_change_has_precedence_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("model: {max_iter: 5, loss: b}")
    changes = ["model.max_iter=7", "data.end=2025-02-01", "model.other=[1, 2]"]
    params = read_params(file, changes)
    assert params.model == {"max_iter": 7, "loss": "b", "other": [1, 2]}
    assert str(params.data) == "first..2025-02-01"


@pytest.mark.usefixtures("model_arguments")
@pytest.mark.parametrize("change", ["max_iter=7", "model.max_iter", "model.=1", "gate.alpha=x"])
def test_a_change_that_means_nothing_is_refused(change: str, tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("")
    with pytest.raises(UserError):
        read_params(file, [change])


@pytest.mark.usefixtures("model_arguments")
@pytest.mark.parametrize("text", ["- model", "text", "model: [max_iter]", "model: text", "3"])
def test_a_change_of_a_file_without_sections_is_refused_with_its_name(
    text: str, tmp_path: Path
) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"^\S+/params\.yaml: .*valid dictionary") as refusal:
        read_params(file, ["model.max_iter=7"])
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("model_arguments")
def test_a_change_fills_an_empty_section(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("model:\n")
    assert read_params(file, ["model.max_iter=7"]).model == {"max_iter": 7}


def test_every_parameter_has_a_name_and_a_value() -> None:
    flat = read_params().flat()
    assert flat["split.test_share"] == 0.2
    assert {f"model.{name}" for name in signature(problem.build_model).parameters} <= flat.keys()
