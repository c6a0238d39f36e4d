"""Tests of the problem.py that is written for the user's file: its style, and that it works."""

import ast
import json
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from mlops_ladder.convert import convert_notebook
from mlops_ladder.scaffold import ScaffoldedProblem, scaffold_problem
from mlops_ladder.scaffold.candidates import Model, candidates, training_rows
from mlops_ladder.scaffold.problem import write_source
from mlops_ladder.scaffold.profile import Profile, profile_of
from mlops_ladder.scaffold.table import read_table
from projects import TEMPLATE, Ladder

NOTEBOOK = (TEMPLATE / "notebook.ipynb").read_bytes()
TAXI_PROBLEM = (TEMPLATE / "src/{{package_name}}/problem.py").read_text(encoding="utf-8")
STYLE = ["--isolated", "--line-length=100"]
RULES = "--select=E,F,W,I,B,UP,SIM,N,RUF,S301"
ROWS = 400


def plain(rng: np.random.Generator) -> pd.DataFrame:
    """Return numeric columns."""
    size, age = rng.normal(50, 10, ROWS).round(2), rng.integers(1, 80, ROWS)
    return pd.DataFrame(
        {"size": size, "age": age, "price": (3 * size - age + rng.normal(0, 9, ROWS)).round(1)}
    )


def mixed(rng: np.random.Generator) -> pd.DataFrame:
    """Return columns of all types with missing values and unusual names."""
    table = plain(rng)
    words = ["red ", 'it\'s "blue"', "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n", "a\N{EN DASH}b"]
    return pd.DataFrame(
        {
            "Size (m\N{SUPERSCRIPT TWO})": table["size"].where(rng.random(ROWS) < 0.9),
            "class": pd.Series(rng.choice(words, ROWS)).where(rng.random(ROWS) < 0.9),
            "new": pd.Series(rng.random(ROWS) < 0.5).astype(object).where(rng.random(ROWS) < 0.9),
            "bought at": pd.date_range("2026-01-01", periods=ROWS, freq="5h").strftime(
                "%d.%m.%Y %H:%M"
            ),
            "what the people who filled in the form were asked " * 3: rng.normal(0, 1, ROWS),
            "row": np.arange(ROWS),
            "Price": table["price"].where(rng.random(ROWS) < 0.95),
        }
    )


def words_alone(rng: np.random.Generator) -> pd.DataFrame:
    """Return a categorical feature with rare values, and two classes."""
    town = rng.integers(0, 130, ROWS * 2) // rng.integers(1, 4, ROWS * 2)
    kind = np.where(town + rng.normal(0, 20, ROWS * 2) > 50, "far", "near")
    return pd.DataFrame({"town": [f"town {n}" for n in town], "kind": kind})


def rare(rng: np.random.Generator) -> pd.DataFrame:
    """Return a rare boolean target, and times."""
    size = rng.normal(0, 1, ROWS * 3)
    return pd.DataFrame(
        {
            "when": pd.date_range("2026-01-01", periods=ROWS * 3, freq="5h"),
            "size": size,
            "left": rng.random(ROWS * 3) < 1 / (1 + np.exp(3 - 2 * size)),
        }
    )


def churn(rng: np.random.Generator) -> pd.DataFrame:
    """Return an imbalanced binary target, and text columns with missing values."""
    rows = ROWS * 3
    age, contract = rng.integers(1, 60, rows), rng.choice(["monthly", "yearly"], rows, p=[0.7, 0.3])
    payment = pd.Series(rng.choice(["card", "invoice", "transfer"], rows))
    score = 1.5 * (payment == "invoice") - 1.5 * (contract == "yearly") - age / 20
    return pd.DataFrame(
        {
            "age": pd.Series(age).where(rng.random(rows) < 0.9),
            "contract": contract,
            "payment": payment.where(rng.random(rows) < 0.8),
            "left": np.where(rng.random(rows) < 1 / (1 + np.exp(-score)), "yes", "no"),
        }
    )


def many_classes(rng: np.random.Generator) -> pd.DataFrame:
    """Return ten classes, and features that are often zero."""
    digit = rng.integers(0, 10, ROWS)
    table = {f"pixel {n}": np.maximum(0, digit - n + rng.normal(0, 1, ROWS)) for n in range(9)}
    return pd.DataFrame(table | {"digit": digit})


def wide(rng: np.random.Generator) -> pd.DataFrame:
    """Return more columns than a schema describes one by one."""
    genes = {f"Gene {n}": rng.normal(0, 1, ROWS).round(3) for n in range(50)}
    table = pd.DataFrame(genes | {"batch": rng.choice(["a", "b"], ROWS), "smokes": False})
    table["count"] = rng.integers(0, 9, ROWS)
    table.loc[rng.random(ROWS) < 0.3, "smokes"] = True
    return table.assign(grade=np.where(table["Gene 1"] + rng.normal(0, 1, ROWS) > 0, "G1", "G2"))


SHAPES: dict[str, tuple[Any, str, str | None, dict[str, Any]]] = {
    "plain": (plain, "price", None, {}),
    "mixed": (mixed, "Price", "bought at", {"sep": ";", "decimal": ",", "encoding": "cp1252"}),
    "words": (words_alone, "kind", None, {}),
    "rare": (rare, "left", "when", {}),
    "churn": (churn, "left", None, {}),
    "digits": (many_classes, "digit", None, {"sep": "\t"}),
    "wide": (wide, "grade", None, {}),
}


def file_of(shape: str, folder: Path) -> Path:
    """Write a table to a CSV file, and return its path."""
    make, _, _, options = SHAPES[shape]
    file = folder / f"{shape} rows.csv"
    make(np.random.default_rng(3)).to_csv(file, index=False, **options)
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the files."""
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module", params=SHAPES)
def own(request: pytest.FixtureRequest, folder: Path) -> tuple[str, ScaffoldedProblem]:
    """Return the name of a table, and the problem written for it, with one model to choose from."""
    _, target, time, _ = SHAPES[request.param]
    at = list(SHAPES).index(request.param)

    def one_candidate(profile: Profile) -> list[Model]:
        found = candidates(profile)
        return [found[at % len(found)]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlops_ladder.scaffold.candidates.candidates", one_candidate)
        return request.param, scaffold_problem(file_of(request.param, folder), target, time)


def ruff(folder: Path, *arguments: str) -> str:
    """Return the output of ruff in the folder."""
    command = [f"{sysconfig.get_path('scripts')}/ruff", *arguments, *STYLE, "."]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout


def marked(notebook: bytes) -> list[str]:
    """Return the code of the cells tagged `problem`."""
    cells = json.loads(notebook)["cells"]
    return ["".join(c["source"]) for c in cells if "problem" in c["metadata"].get("tags", [])]


def definitions(source: str) -> list[str]:
    """Return the syntax trees of a module's statements, without its docstring."""
    statements = ast.parse(source).body
    return [ast.dump(node) for node in statements if not isinstance(node, ast.Expr)]


def test_problem_and_notebook_have_the_projects_style(
    own: tuple[str, ScaffoldedProblem], tmp_path: Path
) -> None:
    _, problem = own
    (tmp_path / "problem.py").write_text(problem.problem, encoding="utf-8")
    (tmp_path / "notebook.ipynb").write_bytes(problem.notebook(NOTEBOOK))
    assert ruff(tmp_path, "check", RULES) == "All checks passed!\n"
    assert ruff(tmp_path, "format", "--diff") == ""


def test_the_marked_cells_hold_what_the_problem_holds(own: tuple[str, ScaffoldedProblem]) -> None:
    _, problem = own
    cells = "\n\n".join(marked(problem.notebook(NOTEBOOK)))
    assert sorted(definitions(cells)) == sorted(definitions(problem.problem))


def test_the_notebook_becomes_the_problem_again(own: tuple[str, ScaffoldedProblem]) -> None:
    _, problem = own
    carried = convert_notebook(NOTEBOOK, problem.notebook(NOTEBOOK), TAXI_PROBLEM)
    assert carried.reasons == []
    assert sorted(definitions(carried.problem)) == sorted(definitions(problem.problem))


def test_the_notebook_is_one_and_says_what_was_found(own: tuple[str, ScaffoldedProblem]) -> None:
    _, problem = own
    notebook = nbformat.reads(problem.notebook(NOTEBOOK).decode(), as_version=4)
    nbformat.validate(notebook)
    told = " ".join(cell.source for cell in notebook.cells).replace("\\", "")
    words = "".join(told.split())
    findings = ["".join(finding.replace("\\", "").split()) for finding in problem.findings]
    assert findings and all(finding in words for finding in findings)
    assert "taxi" not in told
    assert notebook.cells[-1].source.startswith("## What next?")


def test_the_answers_are_accepted(folder: Path, ladder: Ladder) -> None:
    problem = profile_of(read_table(file_of("mixed", folder)), "Price", "bought at")
    assert problem.answers["project_name"] == "Mixed rows price"
    ladder.generate(ladder.new_folder(), 0, **problem.answers)


def test_many_numbers_are_one_list_that_a_request_needs_no_schema_for(folder: Path) -> None:
    profile = profile_of(read_table(file_of("wide", folder)), "grade", None)
    problem = write_source(profile, candidates(profile)[-1]).problem
    assert "for name in NUMBERS" in problem and '"gene_7": pa.' not in problem
    assert "rows.columns.str.lower()" in problem and "RENAMED" not in problem
    lists = [one for one in ast.parse(problem).body if ast.unparse(one).startswith("NUMBERS = ")]
    namespace: dict[str, Any] = {}
    exec(ast.unparse(lists[0]), namespace)
    assert len(namespace["NUMBERS"]) == 52


def test_the_columns_that_were_left_out_stand_in_the_problem(folder: Path) -> None:
    profile = profile_of(read_table(file_of("mixed", folder)), "Price", "bought at")
    problem = write_source(profile, candidates(profile)[0]).problem
    assert "# - row: it is an identifier of the rows" in problem
    assert '"row"' not in problem


@pytest.fixture
def module(
    own: tuple[str, ScaffoldedProblem],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ModuleType:
    """Return the problem as a module, in a project with the data."""
    shape, problem = own
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / problem.data_name).write_bytes(file_of(shape, folder).read_bytes())
    monkeypatch.chdir(tmp_path)
    module = ModuleType("problem")
    exec(compile(problem.problem, "problem.py", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("shape", SHAPES)
def test_the_model_is_chosen_by_the_rows_that_the_project_trains_on(
    shape: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, target, time, _ = SHAPES[shape]
    file = file_of(shape, folder)
    profile = profile_of(read_table(file), target, time)
    problem = write_source(profile, candidates(profile)[0]).problem
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / profile.data_name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    module = ModuleType("problem")
    exec(compile(problem, "problem.py", "exec"), module.__dict__)
    rows = valid_rows(module)
    if time:
        is_train = rows[module.TIME] <= rows[module.TIME].quantile(0.8)
    else:  # as dataset.py of the template
        draws = pd.util.hash_array(pd.util.hash_pandas_object(rows, index=False).to_numpy())
        is_train = pd.Series(draws / np.iinfo(np.uint64).max >= 0.2)
    assert training_rows(profile).tolist() == np.flatnonzero(is_train).tolist()


def valid_rows(module: ModuleType) -> pd.DataFrame:
    """Return the rows that the problem loads, validated."""
    return module.SCHEMA.validate(module.load(), lazy=True)


@pytest.mark.parametrize(
    "own",
    [pytest.param(shape, marks=[] if shape == "churn" else pytest.mark.slow) for shape in SHAPES],
    indirect=True,
)
def test_the_problem_can_be_learned(module: ModuleType) -> None:
    rows = valid_rows(module)
    train, test = rows.iloc[: len(rows) * 4 // 5], rows.iloc[len(rows) * 4 // 5 :]
    target, actual = train[module.TARGET].to_numpy(), test[module.TARGET].to_numpy()
    model = module.build_model().fit(pd.DataFrame(module.features(train)), target)
    unknown = test.assign(**dict.fromkeys(getattr(module, "CATEGORIES", []), "never seen"))
    if module.TASK == "regression":
        predict, correct = model.predict, actual
    else:
        assert model.classes_.tolist() == module.CLASSES
        assert hasattr(module, "THRESHOLD") == (len(module.CLASSES) == 2)
        predict, correct = model.predict_proba, (actual[:, None] == np.array(module.CLASSES)) * 1.0
    baseline = module.baseline(target)
    for tried in (test, unknown):
        predicted = predict(pd.DataFrame(module.features(tried)))
        assert predicted.shape == (len(test), *np.shape(baseline))
        assert np.isfinite(predicted).all()
        if module.TASK == "classification":
            np.testing.assert_allclose(predicted.sum(axis=1), 1)
    scores = module.score_rows(actual, predict(pd.DataFrame(module.features(test))))
    constant = np.broadcast_to(baseline, correct.shape)
    assert scores.shape == (len(test),)
    assert scores.mean() < 0.9 * module.score_rows(actual, constant).mean()
    assert (module.score_rows(actual, correct) == 0).all()


@pytest.mark.slow
def test_a_feature_is_missing_only_where_its_column_is(module: ModuleType) -> None:
    rows = valid_rows(module)
    categories = getattr(module, "CATEGORIES", [])
    for name, values in module.features(rows).items():
        missing = values == "missing" if name in categories else np.isnan(values)
        expected = rows[name].isna() if name in rows else False
        assert (missing == expected).all()
    for groups in module.slices(rows).values():
        assert groups.shape == (len(rows),)
        assert 1 < len(np.unique(groups)) <= 7


@pytest.mark.slow
def test_a_request_may_have_new_words_and_gaps(module: ModuleType) -> None:
    rows = valid_rows(module).drop(columns=module.TARGET)
    request = {name: np.array([None], dtype=object) for name in rows}
    if module.TIME is not None:
        request[module.TIME] = rows[module.TIME].to_numpy()[:1]
    categories = getattr(module, "CATEGORIES", [])
    for known in ["never seen", None]:
        request |= {name: np.array([known], dtype=object) for name in categories}
        for name, values in module.features(request).items():
            assert values.shape == (1,)
            if name in categories:
                assert values.tolist() == [known or "missing"]
            assert name not in getattr(module, "NUMBERS", []) or np.isnan(values[0])
    schema = module.SCHEMA.remove_columns([module.TARGET])
    for name in categories:
        schema.validate(rows.head(3).assign(**{name: "never seen"}))


@pytest.mark.slow
def test_a_wrong_value_is_no_truth_value(module: ModuleType) -> None:
    truths = [name for name, column in module.SCHEMA.columns.items() if "bool" in str(column.dtype)]
    for name in truths:
        for wrong in ["maybe", 7]:
            rows = module.load().head(3)
            rows[name] = pd.Series([True, wrong, False], index=rows.index, dtype=object)
            with pytest.raises(SchemaErrors, match=name):
                module.SCHEMA.validate(rows, lazy=True)


@pytest.mark.slow
def test_the_window_of_time_is_kept(module: ModuleType) -> None:
    rows = module.load()
    if module.TIME is None:
        assert len(module.load(pd.Timestamp("2026-02-01").date())) == len(rows)
        return
    start, end = pd.Timestamp("2026-01-10"), pd.Timestamp("2026-02-10")
    inside = module.load(start.date(), end.date())[module.TIME]
    assert inside.min() >= start
    assert inside.max() < end
    assert len(inside) == rows[module.TIME].between(start, end, inclusive="left").sum() > 0


@pytest.mark.slow
def test_a_file_that_is_gone_or_lacks_a_column_is_named(module: ModuleType) -> None:
    file = Path(module.DATA)
    whole = pd.read_csv(file, sep=None, engine="python", encoding="cp1252")
    whole.iloc[:, 1:].to_csv(file, index=False)
    with pytest.raises(ValueError, match=r"data/.* lacks|Missing column"):
        module.load()
    file.unlink()
    with pytest.raises(
        OSError, match=r"data/.* cannot be read: copy the file there, or set DATA_URL"
    ):
        module.load()
