"""Tests of `new --from`: the generated project trains, climbs and passes its own tests.

All projects use the virtual environment of one project at the highest level, each with its own
`src/`.
"""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from commands import done, refused
from installation import REAL_RIDES, Installation
from mlops_ladder.scaffold.candidates import Model
from projects import LEVELS, Ladder, answers_of, git, tree

# Selects the tests that use the problem's own rows. All others bring their own data and do not
# depend on problem.py; they run in test_user_edits.py.
SELECT_ROWS = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "rows" in item.fixturenames]
"""


@dataclass(frozen=True)
class Data:
    """A user's file, and the column to predict."""

    file: str
    target: str
    table: Callable[[], pd.DataFrame]
    time: str | None = None
    german: bool = False  # semicolons and decimal commas, as German spreadsheets export them

    def write(self, folder: Path) -> Path:
        """Write the file into the folder."""
        path, table = folder / self.file, self.table()
        if path.suffix == ".parquet":
            table.to_parquet(path)
        elif self.german:
            table.to_csv(path, index=False, sep=";", decimal=",", encoding="cp1252")
        else:
            table.to_csv(path, index=False)
        return path

    def options(self, folder: Path) -> list[str | Path]:
        """Write the file, and return the options of `new` that name it and its columns."""
        time = [] if self.time is None else ["--time", self.time]
        return ["--from", self.write(folder), "--target", self.target, *time]


def iris() -> pd.DataFrame:
    """Return the iris data set with the names of the species."""
    bunch = datasets.load_iris(as_frame=True)
    return bunch.data.assign(species=bunch.target_names[bunch.target])


def tumours() -> pd.DataFrame:
    """Return the breast cancer data set with an identifier."""
    bunch = datasets.load_breast_cancer(as_frame=True)
    numbers = 1_000 + np.random.default_rng(0).permutation(len(bunch.data))
    return bunch.data.assign(diagnosis=np.where(bunch.target, "B", "M"), **{"patient id": numbers})


def digits() -> pd.DataFrame:
    """Return the digits data set."""
    return datasets.load_digits(as_frame=True).frame.rename(columns={"target": "digit"})


def trips() -> pd.DataFrame:
    """Return a sample of real taxi trips."""
    return pd.read_csv(REAL_RIDES)


def flats() -> pd.DataFrame:
    """Return typed-in data: missing values, umlauts, an unnamed column, German dates."""
    rng, rows = np.random.default_rng(0), 600
    sold = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 9_000, rows)), "h")
    area, quarter = rng.lognormal(4.2, 0.4, rows), rng.choice(["Süd", "Nord", "c$_"], rows)
    balcony = rng.choice(["ja", "nein"], rows)
    price = area * np.where(quarter == "Nord", 4.5, 3.0) * rng.lognormal(0, 0.1, rows)
    table = pd.DataFrame(
        {
            " Verkauft am ": sold.strftime("%d.%m.%Y %H:%M"),
            "Größe (m²)": area.round(1),
            "class": quarter,
            "Balkon?": balcony,
            "": rng.normal(size=rows),
            "Lfd. Nr.": np.arange(rows),
            "Preis €": price.round(0),
        }
    )
    gaps = {"Größe (m²)": 0.05, "class": 0.1, "Balkon?": 0.2, "Preis €": 0.02}
    for column, share in gaps.items():
        table.loc[rng.random(rows) < share, column] = None
    return table


DATA = {
    "iris": Data("iris flowers.csv", "species", iris),
    "tumours": Data("tumours.csv", "diagnosis", tumours),
    "digits": Data("digits.parquet", "digit", digits),
    "payments": Data("trips.csv", "payment_type", trips, time="tpep_pickup_datetime"),
    "flats": Data("verkäufe 2024.csv", "Preis €", flats, time="Verkauft am", german=True),
}
CLIMBING = {"tumours": 2, "digits": LEVELS[-1], "payments": LEVELS[-1], "flats": LEVELS[-1]}
FEWER = "mlops_ladder.scaffold.candidates.candidates"
slow_and_together = [pytest.mark.slow, pytest.mark.xdist_group("own data")]


@pytest.fixture
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be one kind of model to choose from, because this test is of something else."""
    monkeypatch.setattr(FEWER, lambda profile: [Model("linear")])


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a pytest plugin that selects tests."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "only_rows.py").write_text(SELECT_ROWS, encoding="utf-8")
    return folder


def make(project: Path, goals: str, installed: Path, plugins: Path | None = None) -> str:
    """Run make targets with the shared virtual environment, and return what they print."""
    if plugins is None:
        return Installation(project, installed).make(goals)
    path = f"{project / 'src'}:{plugins}"
    return Installation(project, installed).make(
        goals, PYTHONPATH=path, PYTEST_ADDOPTS="-p only_rows"
    )


def new(ladder: Ladder, folder: Path, data: Data, level: int) -> Path:
    """Generate a project for the data."""
    project = folder / f"level {level}"
    options = ["--defaults", "--level", str(level), "--template", str(ladder.template)]
    done("new", project, *data.options(folder), *options, cwd=folder)
    return project


def beats_the_baseline(project: Path) -> bool:
    """Tell whether the newest model's metric is at least 5 % below the baseline's."""
    newest = max((project / "models").glob("*/about.json"))
    metrics = json.loads(newest.read_text(encoding="utf-8"))["metrics"]
    (metric,) = [name for name in metrics if f"baseline_{name}" in metrics]
    return bool(metrics[metric] < 0.95 * metrics[f"baseline_{metric}"])


@pytest.mark.parametrize("name", [pytest.param(name, marks=slow_and_together) for name in CLIMBING])
def test_a_file_becomes_a_project_that_trains_climbs_and_passes_its_tests(
    name: str, ladder: Ladder, installed: Path, plugins: Path, tmp_path: Path
) -> None:
    project = new(ladder, tmp_path, DATA[name], 1)
    make(project, "train", installed)
    assert beats_the_baseline(project)
    done("climb", str(CLIMBING[name]), "--commit", cwd=project)
    assert git(project, "status", "--porcelain") == ""
    make(project, "lint types test", installed, plugins)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "flats"])
def test_the_problem_is_the_same_from_the_notebook_on(
    name: str, ladder: Ladder, tmp_path: Path
) -> None:
    climbed, fresh = (new(ladder, tmp_path, DATA[name], level) for level in (0, 1))
    done("climb", "1", "--commit", cwd=climbed)
    there, expected = tree(climbed), tree(fresh)
    (module,) = [path for path in expected if path.endswith("/problem.py")]
    assert definitions(there.pop(module)) == definitions(expected.pop(module))
    assert there == expected


def definitions(module: bytes) -> list[str]:
    """Return the module's statements below its docstring, in one format."""
    return [ast.unparse(statement) for statement in ast.parse(module).body[1:]]


@pytest.mark.usefixtures("one_model")
def test_the_file_is_part_of_the_project_and_what_was_found_is_said(
    ladder: Ladder, tmp_path: Path
) -> None:
    options = [*DATA["tumours"].options(tmp_path), "--defaults"]
    said = done("new", "project", *options, "--template", ladder.template, cwd=tmp_path)
    assert "patient_id" in said
    assert answers_of(tmp_path / "project")["project_name"] == "Tumours diagnosis"
    assert "data/tumours.csv" in git(tmp_path / "project", "ls-files", "data")
    copied = tmp_path / "project/data/tumours.csv"
    assert copied.read_bytes() == (tmp_path / "tumours.csv").read_bytes()


@pytest.mark.usefixtures("one_model")
def test_a_project_of_own_data_holds_nothing_of_taxis(ladder: Ladder, tmp_path: Path) -> None:
    project = new(ladder, tmp_path, DATA["iris"], 0)
    assert answers_of(project)["data_file"] == "iris_flowers.csv"
    assert of_taxis(project) == []
    done("climb", str(LEVELS[-1]), "--commit", cwd=project)
    assert of_taxis(project) == []
    assert not (project / "data/download.py").exists()


@pytest.mark.parametrize("level", LEVELS)
def test_a_rendering_for_own_data_holds_nothing_of_taxis(level: int, ladder: Ladder) -> None:
    answers = {"project_name": "Flowers", "description": "Predict the species."}
    project = ladder.generate(ladder.new_folder(), level, data_file="flowers.csv", **answers)
    written = {"notebook.ipynb", "src/flowers/problem.py"}  # what `new` replaces
    assert [one for one in of_taxis(project) if one.partition(":")[0] not in written] == []


TAXIS = re.compile(
    r"taxi|(?<![a-z])tlc|pick.?up|rides\b|\btrips?\b|borough|pulocation|\bfares?\b|new york",
    re.IGNORECASE,
)


def of_taxis(project: Path) -> list[str]:
    """Return the lines that speak of the example's taxis."""
    return [
        f"{path}: {line}"
        for path, body in tree(project).items()
        for line in body.decode(errors="replace").splitlines()
        if TAXIS.search(line)
    ]


@pytest.mark.usefixtures("one_model")
def test_a_large_file_stays_out_of_git_and_is_said_to_be_needed(
    ladder: Ladder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops_ladder.commands.new.COMMITTED_AT_MOST", 100)
    options = [*DATA["iris"].options(tmp_path), "--defaults"]
    said = done("new", "project", *options, "--template", ladder.template, cwd=tmp_path)
    assert "is not committed, because it is large" in said and "DATA_URL" in said
    assert "data/iris_flowers.csv" not in git(tmp_path / "project", "ls-files", "data")
    readme = (tmp_path / "project/README.md").read_text(encoding="utf-8")
    assert "data/iris_flowers.csv" in readme and "DATA_URL" in readme


def test_options_of_own_data_need_a_file(ladder: Ladder, tmp_path: Path) -> None:
    said = refused("new", "project", "--task", "regression", "--defaults", cwd=tmp_path, code=2)
    assert "--from FILE" in said


@pytest.mark.parametrize(
    ("columns", "target", "words"),
    [
        ({}, "y", "empty"),
        ({"x": range(9), "y": range(9)}, "y", "few"),
        ({"x": range(99), "y": [None] * 99}, "y", "y"),
        ({"x": range(99), "y": ["yes"] * 99}, "y", "yes"),
        ({"x": range(99), "y": [1.5] * 99}, "y", "1.5"),
        ({"x": range(99), "price": np.linspace(0, 1, 99)}, "prize", "price"),
        ({"x": [1] * 99, "y": np.linspace(0, 1, 99)}, "y", "x"),
    ],
    ids=["empty", "few rows", "missing", "one class", "constant", "no target", "no feature"],
)
def test_what_cannot_be_learned_is_refused_and_nothing_is_written(
    columns: dict[str, object], target: str, words: str, ladder: Ladder, tmp_path: Path
) -> None:
    pd.DataFrame(columns).to_csv(tmp_path / "rows.csv", index=False)
    options = ["--defaults", "--from", "rows.csv", "--target", target]
    said = refused("new", "project", *options, "--template", ladder.template, cwd=tmp_path)
    assert words in said
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
