"""Tests of a project's first week: what its owner does at levels 1 and 2, by the make targets."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from installation import REAL_RIDES, Installation, install_project
from projects import Ladder, commit_all, git

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("week one")]
PACKAGE = "src/taxi_ride_duration"


@pytest.fixture(scope="module")
def champion(ladder: Ladder) -> Installation:
    """Provide a level-2 project with a champion."""
    installation = install_project(ladder.project(2))
    assert "is the champion now" in installation.make("pipeline promote")
    return installation


@pytest.fixture(scope="module")
def unchanged(champion: Installation) -> float:
    """Return the champion's metric without any edit."""
    restore(champion)
    return score_of_champion(champion.make("pipeline FORCE=1"))


@pytest.fixture
def project(champion: Installation) -> Installation:
    """Provide the project as it was committed."""
    restore(champion)
    return champion


def restore(champion: Installation) -> None:
    """Take back all edits."""
    git(champion.project, "checkout", "--quiet", "--force", "main")
    git(champion.project, "clean", "--quiet", "--force", "-d")


def edit(project: Installation, path: str, *pairs: tuple[str, str]) -> None:
    """Replace text of a file."""
    file = project.project / path
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def write_request(folder: Path) -> Path:
    """Write a file with a ride to predict for."""
    file = folder / "rows.csv"
    file.write_text(
        "pickup_time,pickup_zone,dropoff_zone,distance_miles\n2019-03-05 08:30:00,4,33,3.1\n"
    )
    return file


def score_of_champion(output: str) -> float:
    """Return the champion's metric that `make pipeline` prints."""
    (score,) = re.findall(r"champion (\d+\.\d+)$", output, re.MULTILINE)
    return float(score)


HOUR = '        "hour": (pickup_time - day).astype(float) / 60,\n'
FEATURES = {
    "added": (HOUR, HOUR + '        "minute": (pickup_time - day).astype(float) % 60,\n'),
    "removed": (HOUR, ""),
    "redefined": (HOUR, HOUR.replace("/ 60", "/ 3600")),
}


def test_a_joined_column_is_not_asked_for(project: Installation, tmp_path: Path) -> None:
    joined = (
        '        "borough": np.array(\n'
        '            [BOROUGHS.get(zone, "other") for zone in rows["pickup_zone"]], dtype=object\n'
        "        ),\n"
    )
    edit(
        project,
        f"{PACKAGE}/problem.py",
        ("def features(", 'BOROUGHS = {"4": "Manhattan", "33": "Brooklyn"}\n\n\ndef features('),
        (HOUR, HOUR + joined),
        ("zones, ZONES)", 'zones, [*ZONES, "borough"])'),
    )
    output = project.make("pipeline lint types")
    (newest,) = re.findall(r"is version (\d+) of", output)
    rows = write_request(tmp_path)
    output = project.make(f"predict IN={rows} OUT={tmp_path}/out.csv VERSION={newest}")
    assert "predicted 1 rows" in output


@pytest.mark.parametrize("change", FEATURES)
def test_a_feature_changes_and_the_champion_is_scored_as_it_was(
    project: Installation, unchanged: float, change: str
) -> None:
    edit(project, f"{PACKAGE}/problem.py", FEATURES[change])
    if change == "removed":  # the slices use it
        edit(project, f"{PACKAGE}/problem.py", ('hour = features(rows)["hour"]', HOURS))
    output = project.make("pipeline lint types")
    assert score_of_champion(output) == unchanged


HOURS = 'hour = pd.to_datetime(rows["pickup_time"]).dt.hour'


def test_the_schema_loses_a_column_and_the_champion_is_still_scored(
    project: Installation, unchanged: float
) -> None:
    edit(
        project,
        f"{PACKAGE}/problem.py",
        ('        "dropoff_zone": pa.Column("str", ZONE),\n', ""),
        ('        "dropoff_zone": np.asarray(rows["dropoff_zone"], dtype=object),\n', ""),
        ('ZONES = ["pickup_zone", "dropoff_zone"]', 'ZONES = ["pickup_zone"]'),
    )
    assert score_of_champion(project.make("pipeline")) == unchanged


def test_another_model_is_swapped_in_beside_a_champion_of_another_type(
    project: Installation,
) -> None:
    edit(
        project,
        f"{PACKAGE}/problem.py",
        ("import HistGradientBoostingRegressor", "import RandomForestRegressor"),
        (
            '    trees = HistGradientBoostingRegressor(\n        loss="absolute_error",\n'
            "        learning_rate=learning_rate,\n        max_iter=max_iter,\n"
            "        max_leaf_nodes=max_leaf_nodes,\n        random_state=seed,\n    )\n",
            "    trees = RandomForestRegressor(n_estimators=5, random_state=seed)\n",
        ),
    )
    refusal = project.refused("pipeline")
    assert "TRUSTED_TYPES = ['sklearn.tree._tree.Tree']" in refusal
    edit(
        project,
        f"{PACKAGE}/problem.py",
        ("TRUSTED_TYPES: list[str] = []", "TRUSTED_TYPES = ['sklearn.tree._tree.Tree']"),
    )
    assert score_of_champion(project.make("pipeline")) > 0


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_boosting_libraries_are_used_as_in_their_documentation(
    project: Installation, library: str
) -> None:
    estimator = {
        "lightgbm": 'LGBMRegressor(objective="l1", n_estimators=max_iter, verbose=-1)',
        "xgboost": 'XGBRegressor(objective="reg:absoluteerror", n_estimators=max_iter)',
    }[library]
    source = (project.project / PACKAGE / "problem.py").read_text(encoding="utf-8")
    head, rest = source.split("    trees = HistGradientBoostingRegressor(\n")
    _, rest = rest.split("        random_state=seed,\n    )\n")
    source = f"{head}    trees = {estimator}\n{rest}".replace(
        "from sklearn.ensemble import HistGradientBoostingRegressor",
        f"from {library} import {estimator.partition('(')[0]}",
    )
    (project.project / PACKAGE / "problem.py").write_text(source, encoding="utf-8")
    wheel = {"lightgbm": "lightgbm", "xgboost": "xgboost-cpu"}[library]
    installed = project.run(f"uv pip install --quiet {wheel}")
    assert installed.returncode == 0, installed.stderr
    output = project.make("pipeline", UV_NO_SYNC="1")
    assert score_of_champion(output) > 0
    assert "is version" in output


def test_a_file_is_predicted_with_the_champion_or_with_another_version(
    project: Installation, tmp_path: Path
) -> None:
    rows, first, second = write_request(tmp_path), tmp_path / "first.csv", tmp_path / "second.csv"
    project.make('pipeline SET="model.max_iter=3"')
    (newest,) = re.findall(r"is version (\d+) of", project.make("register"))
    project.make(f"predict IN={rows} OUT={first}")
    project.make(f"predict IN={rows} OUT={second} VERSION={newest}")
    champion, other = pd.read_csv(first), pd.read_csv(second)
    assert champion["model_version"].tolist() == ["taxi_ride_duration version 1"]
    assert other["model_version"].tolist() == [f"taxi_ride_duration version {newest}"]
    column = "predicted_duration_minutes"
    assert champion[column].tolist() != other[column].tolist()
    assert "has no version 999" in project.refused(f"predict IN={rows} OUT={first} VERSION=999")
    assert "baseline_MAE" in project.make(f"evaluate VERSION={newest}")


def test_a_bad_model_turns_the_check_of_a_pull_request_red(
    project: Installation, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    environment = {
        "GITHUB_STEP_SUMMARY": str(summary),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
    }
    project.make("pipeline SAMPLE=1 GATE=1", **environment)
    assert "| MAE |" in summary.read_text() and "All checks" in summary.read_text()
    edit(
        project,
        f"{PACKAGE}/problem.py",
        ("learning_rate: float = 0.1", "learning_rate: float = 1e-9"),
    )
    finished = project.run("make pipeline SAMPLE=1 GATE=1", **environment)
    assert finished.returncode != 0
    assert "Traceback" not in finished.stderr
    assert "than the baseline" in finished.stdout
    assert "than the baseline" in summary.read_text()


def test_a_window_and_a_value_are_tried_without_an_edit(
    project: Installation, tmp_path: Path
) -> None:
    output = project.make('pipeline SET="data.end=2025-02-01 model.max_iter=7"')
    assert "training set" in output
    assert git(project.project, "status", "--porcelain") == ""
    script = tmp_path / "show.py"
    script.write_text(
        "import json\n"
        "import mlflow\n"
        "mlflow.set_tracking_uri('sqlite:///mlruns/mlflow.db')\n"
        "runs = mlflow.search_runs(experiment_names=['taxi_ride_duration'], output_format='list')\n"
        "run = max(runs, key=lambda run: run.info.start_time)\n"
        "print(json.dumps([run.info.run_name, run.data.params, run.data.tags]))\n"
    )
    name, params, tags = json.loads(project.run(f"uv run python {script}").stdout)
    commit = git(project.project, "rev-parse", "HEAD").strip()
    assert name == f"first..2025-02-01 {commit[:7]}"
    assert params["data.end"] == "2025-02-01"
    assert params["model.max_iter"] == "7"
    assert tags["git_commit"] == commit
    assert int(tags["train_rows"]) > int(tags["test_rows"]) > 0
    assert (
        tags["test_window"].endswith("2025-01-31 23:59:59") or "2025-01-31" in tags["test_window"]
    )


def test_settings_are_checked_before_anything_is_loaded(project: Installation) -> None:
    edit(project, f"{PACKAGE}/problem.py", ("import numpy as np", "import numpy as np\n\n1 / 0"))
    refusal = project.refused('pipeline SET="model.max_iter=abc"')
    assert "params.yaml: model.max_iter" in refusal


def test_a_hyperparameter_out_of_its_range_is_one_line(project: Installation) -> None:
    refusal = project.refused('pipeline SET="model.max_iter=-5"')
    assert "the model cannot be fitted: InvalidParameterError: The 'max_iter' parameter" in refusal


def test_an_explanation_names_the_features(project: Installation) -> None:
    importance = project.make("explain")
    assert importance.index("distance_miles") < importance.index("pickup_zone")


def test_a_version_is_reproduced_from_its_commit_alone(project: Installation) -> None:
    edit(project, f"{PACKAGE}/problem.py", FEATURES["redefined"])
    edit(project, "params.yaml", ("model: {}", "model: {max_iter: 3}"))
    settings = project.project / ".env"
    settings.write_text("DATA_URL=unused\n")
    try:
        assert "version 1 is reproduced: the same data, MAE" in project.make("reproduce VERSION=1")
        shutil.copy(REAL_RIDES, project.project / "data")
        assert "the data has changed" in project.refused("reproduce VERSION=1")
    finally:
        settings.unlink()
        (project.project / "data" / REAL_RIDES.name).unlink(missing_ok=True)


def test_uncommitted_code_is_not_promoted_unless_asked(project: Installation) -> None:
    edit(project, f"{PACKAGE}/train.py", ("Train, evaluate and save", "Fit, evaluate and save"))
    project.make('pipeline SET="model.max_iter=101"')
    assert "uncommitted" in project.refused("promote")
    assert "uncommitted" not in project.refused("promote UNCOMMITTED=1")  # the gate refuses it
    project.make("promote UNCOMMITTED=1 ALLOW_REFUSAL=1")  # a deployment continues, and
    project.refused("promote VERSION=999 ALLOW_REFUSAL=1")  # stops after a failure


def test_the_notebook_stays_and_its_difference_is_reported(project: Installation) -> None:
    assert "differ" not in project.make("check-notebook")
    edit(project, f"{PACKAGE}/problem.py", ("max_iter: int = 100", "max_iter: int = 90"))
    assert "differ in build_model" in project.make("check-notebook")


def test_a_secret_of_the_environment_file_reaches_the_code(project: Installation) -> None:
    (project.project / ".env").write_text("DATA_URL=postgresql://ada:secret@127.0.0.1:9/rides\n")
    edit(
        project,
        f"{PACKAGE}/problem.py",
        (
            '    files = sorted([*DATA.glob("*.parquet"), *DATA.glob("*.csv")])\n',
            '    files = sorted([*DATA.glob("*.parquet"), *DATA.glob("*.csv")])\n'
            '    raise ConnectionError("no route to " + os.environ["DATA_URL"])\n',
        ),
        ("from pathlib import Path\n", "import os\nfrom pathlib import Path\n"),
    )
    try:
        refusal = project.refused("pipeline")
    finally:
        (project.project / ".env").unlink()
    assert "no route to postgresql://***@127.0.0.1:9/rides" in refusal
    assert "secret" not in refusal


def test_the_first_commit_of_a_colleague_passes(project: Installation) -> None:
    commit_all(project.project, "Nothing")
    assert "passed" in project.make("test")
