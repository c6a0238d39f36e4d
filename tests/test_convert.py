"""Tests of converting the notebook's marked cells to `problem.py`, on the way from level 0 to 1."""

import ast
import copy
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import done, printed, refused
from installation import Installation
from mlops_ladder.convert import Conversion, convert_notebook, modules_in
from mlops_ladder.convert.conversion import ROUGH
from mlops_ladder.convert.trusted_types import TYPES_TO_TRUST
from projects import TEMPLATE, Ladder, commit_all, git, tree
from tools import installed

GENERATED = (TEMPLATE / "notebook.ipynb").read_bytes()
PROBLEM = (TEMPLATE / "src/{{package_name}}/problem.py").read_text(encoding="utf-8")
GUIDE = (TEMPLATE / "docs/another-problem.md.jinja").read_text(encoding="utf-8")
ANOTHER = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[0]

Notebook = dict[str, Any]
Edit = Callable[[Notebook], None]


def notebook() -> Notebook:
    """Return the generated notebook."""
    return copy.deepcopy(json.loads(GENERATED))


def cell_with(book: Notebook, text: str) -> dict[str, Any]:
    """Return the one code cell whose source has the text."""
    cells = [c for c in book["cells"] if c["cell_type"] == "code" and text in source_of(c)]
    assert len(cells) == 1, f"{len(cells)} cells have {text!r}"
    return cells[0]


def source_of(cell: dict[str, Any]) -> str:
    """Return the source of a cell."""
    return "".join(cell["source"])


def code_cell(source: str, *tags: str) -> dict[str, Any]:
    """Return a code cell."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"own-{abs(hash(source)) % 10**12}",
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [],
        "source": source,
    }


def replaces(old: str, new: str) -> Edit:
    """Replace a text that occurs once in one code cell."""

    def apply(book: Notebook) -> None:
        cell = cell_with(book, old)
        assert source_of(cell).count(old) == 1
        cell["source"] = source_of(cell).replace(old, new)

    return apply


def rewrites(begin: str, source: str) -> Edit:
    """Replace the source of the code cell that has the text."""

    def apply(book: Notebook) -> None:
        cell_with(book, begin)["source"] = source

    return apply


def untags(text: str) -> Edit:
    """Remove the tags of the code cell that has the text."""

    def apply(book: Notebook) -> None:
        del cell_with(book, text)["metadata"]["tags"]

    return apply


def adds(source: str, *tags: str, at: int = 1) -> Edit:
    """Insert a code cell."""
    return lambda book: book["cells"].insert(at, code_cell(source, *tags))


def appends(text: str, lines: str) -> Edit:
    """Append lines to the code cell that has the text."""

    def apply(book: Notebook) -> None:
        cell = cell_with(book, text)
        cell["source"] = f"{source_of(cell)}\n{lines}"

    return apply


def prepends(text: str, lines: str) -> Edit:
    """Prepend lines to the code cell that has the text."""

    def apply(book: Notebook) -> None:
        cell = cell_with(book, text)
        cell["source"] = f"{lines}\n{source_of(cell)}"

    return apply


def edited(*edits: Edit) -> Notebook:
    """Return the generated notebook with edits."""
    book = notebook()
    for edit in edits:
        edit(book)
    return book


def convert(book: Notebook, modules: Collection[str] = ()) -> Conversion:
    """Convert a notebook."""
    return convert_notebook(GENERATED, json.dumps(book).encode(), PROBLEM, modules)


def converted(*edits: Edit) -> Conversion:
    """Convert the edited notebook, and check that it succeeds and that the style is right."""
    result = convert(edited(*edits))
    assert not result.reasons
    assert_style(result.problem)
    return result


def reason_against(*edits: Edit) -> str:
    """Return the only reason why the edited notebook cannot be converted."""
    result = convert(edited(*edits))
    assert result.problem == PROBLEM
    assert not result.changed
    (reason,) = result.reasons
    return reason


@cache
def assert_style(code: str) -> None:
    """Check the code as `make lint` of the generated project does, where D is off for it."""
    text = (TEMPLATE / "pyproject.toml.jinja").read_text(encoding="utf-8")
    rules = re.findall(r"^select = (.*)$", text, re.MULTILINE)[0]
    length = re.findall(r"^line-length = (.*)$", text, re.MULTILINE)[0]
    chosen = ",".join(rule for rule in tomllib.loads(f"rules = {rules}")["rules"] if rule != "D")
    for command in [["check", f"--select={chosen}", "--no-cache"], ["format", "--check"]]:
        finished = subprocess.run(
            [installed("ruff"), *command, "--isolated", f"--line-length={length}", "-"],
            input=code,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr + code


@cache
def definitions(code: str) -> dict[str, str]:
    """Return the source of each definition by its name, in the module's order."""
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    lines = code.splitlines()
    return {
        name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(code).body
        if isinstance(node, kinds)
        for name in sorted(bound(node))
    }


def bound(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def only_differs_in(problem: str, *names: str) -> bool:
    """Tell whether all other definitions are the generated ones, in the same order."""
    new, old = (
        [pair for pair in definitions(code).items() if pair[0] not in names]
        for code in (problem, PROBLEM)
    )
    return new == old


def trusted(result: Conversion) -> list[str]:
    """Return the problem's trusted types, in a module of a package named taxi."""
    names: dict[str, Any] = {"__name__": "taxi.problem"}
    exec(definitions(result.problem)["TRUSTED_TYPES"], names)
    return list(names["TRUSTED_TYPES"])


IS_NIGHT = '''EVENING = (6, 22)  # by the city's own rule


def is_night(hour: np.ndarray) -> np.ndarray:
    """Whether the streets are empty."""
    return (hour < EVENING[0]) | (hour > EVENING[1])


# Nights were Ada's idea.'''
FOREST = '''\
def build_model(max_iter: str = "0", max_leaf_nodes: int = 99, seed: int = 0) -> Pipeline:
    """Build a forest on distances whose long tail is cut."""
    zones = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encode = ColumnTransformer([("zones", zones, ZONES)], remainder="passthrough")
    forest = RandomForestRegressor(20, max_leaf_nodes=max_leaf_nodes, random_state=seed)
    return make_pipeline(FunctionTransformer(without_tail), encode, SimpleImputer(), forest)


def without_tail(table: pd.DataFrame) -> pd.DataFrame:
    """Return the features, with no distance beyond that to the airport."""
    return table.assign(distance_miles=table["distance_miles"].clip(upper=20.0))'''
FOREST_IMPORTS = """\
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.impute import SimpleImputer
from sklearn.ensemble import RandomForestRegressor"""
MIDDLE = "from helpers import middle"
BOOSTED = "from sklearn.ensemble import HistGradientBoostingRegressor"

DATA = [
    prepends("def load(", "LONGEST = 4  # miles: beyond, people take the train"),
    replaces("sample()]", "sample(days=30)]"),
    replaces("    return rides\n", "    return rides[rides.distance_miles < LONGEST]\n"),
]
FEATURES = [
    prepends("def features(", IS_NIGHT),
    replaces(
        '    return {\n        "pickup',
        '    hour = (pickup_time - day).astype(float) / 60\n    return {\n        "pickup',
    ),
    replaces('"hour": (pickup_time - day).astype(float) / 60', '"hour": hour'),
    replaces('"weekday": (day', '"night": is_night(hour).astype(float),\n        "weekday": (day'),
]
MODEL = [replaces(BOOSTED, FOREST_IMPORTS), rewrites("def build_model(", FOREST)]
METRIC = [
    replaces('METRIC = "MAE"', 'METRIC = "MSE"'),
    replaces("return np.abs(actual - predicted)", "return (actual - predicted) ** 2"),
    replaces("return np.median(target)", "return np.mean(target)"),
]
RUN_ANOTHER = """\
rows = SCHEMA.validate(load(), lazy=True)
is_new = rows[TIME] > rows[TIME].quantile(0.8)
train, test = rows[~is_new], rows[is_new]
model = build_model().fit(pd.DataFrame(features(train)), train[TARGET].to_numpy())
predicted = model.predict_proba(pd.DataFrame(features(test)))
constant = np.tile(baseline(train[TARGET].to_numpy()), (len(test), 1))
actual = test[TARGET].to_numpy()
scores = pd.DataFrame(
    {"model": score_rows(actual, predicted), "baseline": score_rows(actual, constant)}
)"""
SHOW = "scores.mean().rename(METRIC).to_frame().round(4)"


def pieces_of_another() -> list[str]:
    """Split the guide's other problem into docstring, imports and definitions."""
    docstring, rest = ANOTHER.split("\n\n", 1)
    imports, rest = rest.split("\n\nTASK")
    pieces = re.split(r"\n\n\n?(?=def|[A-Z])", f"TASK{rest}")
    return [docstring, imports, *(piece.strip() for piece in pieces)]


@cache
def other_features() -> Conversion:
    """Convert the notebook with other features."""
    return converted(*FEATURES)


def is_another_problem(book: Notebook) -> None:
    """Replace the notebook by the guide's other problem, one cell for each definition."""
    title, *_ = book["cells"]
    title["source"] = ["# Predict which customers will leave\n", "\n", "Within a month."]
    marked = [code_cell(source, "problem") for source in pieces_of_another()[1:]]
    book["cells"] = [title, *marked, code_cell(RUN_ANOTHER)]


# Edits that are converted.


def test_a_notebook_that_says_the_same_gives_the_generated_problem() -> None:
    same = convert(notebook())
    assert same == Conversion(PROBLEM)


@pytest.mark.parametrize(
    "edits",
    [
        [adds("import seaborn as sns\nsns.set_theme()")],
        [replaces("plt.subplots(1, 3, figsize=(14, 4)", "plt.subplots(1, 3, figsize=(16, 4)")],
        [replaces("from typing import Any\n", "from typing import Any\nimport os\n")],
        [replaces("    return rides\n\n\ndef read", "    return rides\n\n\n\n\ndef read")],
        [replaces("np.abs(actual - predicted)", "np.abs( actual-predicted )")],
        [lambda book: book["cells"].insert(2, book["cells"].pop(14))],
        [lambda book: book["cells"][0].update(source="# Ours")],
    ],
    ids=["own cell", "plot", "unused import", "blank lines", "spaces", "order", "title"],
)
def test_what_is_not_about_the_problem_leaves_it_as_it_was_generated(edits: list[Edit]) -> None:
    assert converted(*edits) == Conversion(PROBLEM)


def test_other_data_comes_along() -> None:
    result = converted(*DATA)
    assert result.changed == ["LONGEST", "load"]
    assert "LONGEST = 4  # miles: beyond, people take the train\n\n\ndef load" in result.problem
    assert "rides.distance_miles < LONGEST" in definitions(result.problem)["load"]
    assert only_differs_in(result.problem, "LONGEST", "load")


def test_other_features_come_with_helpers_and_comments() -> None:
    result = other_features()
    assert result.changed == ["EVENING", "is_night", "features"]
    assert "EVENING = (6, 22)  # by the city's own rule\n" in result.problem
    assert "\n\n\n# Nights were Ada's idea.\ndef features(" in result.problem
    assert only_differs_in(result.problem, "EVENING", "is_night", "features")


def test_another_model_brings_its_imports_its_search_space_and_its_types() -> None:
    result = converted(*MODEL)
    assert result.changed == ["build_model", "without_tail"]
    assert "HistGradient" not in result.problem
    assert definitions(result.problem)["SEARCH_SPACE"] == (
        'SEARCH_SPACE: dict[str, Any] = {\n    "max_leaf_nodes": [15, 31, 63],\n}'
    )
    assert trusted(result) == ["sklearn.tree._tree.Tree", "taxi.problem.without_tail"]
    assert "\n# Hyperparameters to try when the pipeline searches" in result.problem
    assert "\n# Types in a model file that neither skops nor" in result.problem
    assert only_differs_in(
        result.problem, "build_model", "without_tail", "SEARCH_SPACE", "TRUSTED_TYPES"
    )


def test_another_metric_comes_along() -> None:
    result = converted(*METRIC)
    assert result.changed == ["METRIC", "score_rows", "baseline"]
    assert only_differs_in(result.problem, "METRIC", "score_rows", "baseline")


def test_what_was_only_laid_out_anew_stays_as_it_was_generated() -> None:
    result = converted(
        *METRIC,
        replaces(
            "def load(start: date | None = None, end:",
            "def load(\n    start: date | None = None,\n    end:",
        ),
        replaces("end: date | None = None)", "end: date | None = None,\n)"),
    )
    assert result.changed == ["METRIC", "score_rows", "baseline"]
    assert only_differs_in(result.problem, *result.changed)


def test_a_helper_stays_with_its_neighbour_in_the_cell() -> None:
    helper = "def leaves() -> int:\n    return 9"
    result = converted(
        prepends("def build_model(", f"{helper}\n\n"),
        replaces("max_leaf_nodes=max_leaf_nodes", "max_leaf_nodes=leaves()"),
    )
    assert f"{helper}\n\n\ndef build_model(" in result.problem


def test_what_only_a_package_has_brings_its_own_imports() -> None:
    def qualifies(book: Notebook) -> None:
        for cell in book["cells"]:
            source = source_of(cell).replace("from typing import Any", "import typing")
            cell["source"] = source.replace("Any", "typing.Any")

    result = converted(qualifies)
    assert "\nimport typing\n" in result.problem
    assert "\nfrom typing import Any\n" in result.problem
    assert "SEARCH_SPACE: dict[str, Any]" in result.problem


def test_all_of_it_comes_along() -> None:
    result = converted(*DATA, *FEATURES, *MODEL, *METRIC)
    expected = [
        *("LONGEST", "load", "EVENING", "is_night", "features", "build_model", "without_tail"),
        *("METRIC", "score_rows", "baseline"),
    ]
    assert result.changed == expected


def test_another_problem_becomes_the_file_that_the_guide_shows() -> None:
    result = converted(is_another_problem)
    shown, body = ast.parse(ANOTHER), ast.parse(result.problem)
    assert [ast.dump(node) for node in body.body[1:]] == [ast.dump(node) for node in shown.body[1:]]
    docstring = ast.get_docstring(body) or ""
    title = "The problem: predict which customers will leave\n\n"
    assert docstring.startswith(f"{title}This is the one file")
    assert "ride" not in result.problem


OPTIONAL = """\
import functools
import statistics

LABELS = functools.cache(lambda: pd.read_csv("data/labels.csv")["label"].tolist())
cost = statistics.mean([1.0, 3.0])
TASK = "classification"
CLASSES = LABELS()
THRESHOLD = cost / 10
METRICS = {"share": lambda actual, predicted: float(np.mean(actual == predicted))}
some = pd.read_csv("data/some.csv")
some.head()


def sample() -> pd.DataFrame:
    return some"""


def test_optional_names_of_a_problem_come_along_with_what_they_need() -> None:
    result = converted(
        replaces('TASK = "regression"\n', ""),
        rewrites("def load(", "def load(start: date, end: date) -> Any:\n    return DATA"),
        adds(OPTIONAL, "problem", at=3),
    )
    assert set(result.changed) == {
        *("LABELS", "cost", "TASK", "CLASSES", "THRESHOLD", "METRICS", "some", "sample", "load")
    }
    code = ast.unparse(ast.parse(OPTIONAL.replace("some.head()\n", "")))
    for statement in ast.parse(code).body:
        assert ast.unparse(statement) in ast.unparse(ast.parse(result.problem))
    (remark,) = result.remarks
    assert "`some.head()` was left out" in remark


def test_rows_to_look_at_are_not_the_sample_of_a_problem() -> None:
    result = converted(
        rewrites("def load(", "def load(start: date, end: date) -> Any:\n    return DATA"),
        adds('sample = load().sample(5)\nsample["far"] = True\nsample', "problem", at=6),
    )
    assert result.changed == ["load"]
    assert "sample" not in definitions(result.problem)
    assert len(result.remarks) == 3


def test_a_model_whose_types_are_known_has_no_types_to_trust() -> None:
    result = converted(replaces("max_iter: int = 100", "max_iter: int = 50"))
    assert result.changed == ["build_model"]
    assert "TRUSTED_TYPES" not in result.problem
    assert only_differs_in(result.problem, "build_model", "TRUSTED_TYPES")


def test_another_target_is_named_on_top() -> None:
    result = converted(replaces('TARGET = "duration_minutes"', 'TARGET = "fare"'))
    assert result.problem.startswith('"""The problem: what will fare be?\n\nThis is the one file')


def test_a_helper_that_is_gone_from_the_notebook_is_gone_with_its_imports() -> None:
    load = (
        "def load(start: date | None, end: date | None) -> pd.DataFrame:\n    return pd.DataFrame()"
    )
    result = converted(rewrites("def load(", load), replaces('DATA = Path("data")\n', ""))
    assert result.changed == ["load"]
    assert definitions(result.problem).keys().isdisjoint({"sample", "read_trips", "DATA"})
    for module in ["pathlib", "pyarrow"]:
        assert module not in result.problem


def test_an_argument_that_is_no_number_any_more_is_not_searched() -> None:
    rate = 'learning_rate: str = "constant", max_leaf_nodes: int | None = None'
    model = f"def build_model({rate}) -> Any:\n    return MLPRegressor(learning_rate=learning_rate)"
    result = converted(
        rewrites("def build_model(", model),
        replaces(BOOSTED, "from sklearn.neural_network import MLPRegressor"),
    )
    assert "learning_rate" not in definitions(result.problem)["SEARCH_SPACE"]
    assert "max_leaf_nodes" in definitions(result.problem)["SEARCH_SPACE"]
    assert trusted(result) == ["sklearn.neural_network._stochastic_optimizers.AdamOptimizer"]


def test_a_model_without_arguments_has_nothing_to_search_or_to_trust() -> None:
    model = "def build_model() -> Any:\n    return linear_model.Ridge()"
    result = converted(
        rewrites("def build_model(", model), replaces(BOOSTED, "from sklearn import linear_model")
    )
    assert definitions(result.problem)["SEARCH_SPACE"] == "SEARCH_SPACE: dict[str, Any] = {}"
    assert "TRUSTED_TYPES" not in result.problem


def test_types_that_every_project_trusts_are_not_listed_again() -> None:
    code = (TEMPLATE / "src/{{package_name}}/model_file.py").read_text(encoding="utf-8")
    known = ast.literal_eval(definitions(code)["TRUSTED_TYPES"].partition(" = ")[2])
    assert "numpy.dtype" in known
    assert TYPES_TO_TRUST.keys().isdisjoint(known)


def test_types_of_ones_own_are_trusted_by_their_name() -> None:
    model = """\
class Rounded(BaseEstimator, TransformerMixin):
    def fit(self, X: Any, y: Any = None) -> "Rounded":  # noqa: N803
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        return np.round(X)


def build_model() -> Any:
    return make_pipeline(Rounded(), DecisionTreeRegressor())"""
    imports = """\
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor"""
    result = converted(rewrites("def build_model(", model), replaces(BOOSTED, imports))
    assert trusted(result) == ["sklearn.tree._tree.Tree", "taxi.problem.Rounded"]


def test_what_the_user_says_of_search_and_trust_counts() -> None:
    own = 'SEARCH_SPACE: dict[str, Any] = {"seed": [1, 2]}\n\nTRUSTED_TYPES = ["ours.Tree"]'
    result = converted(appends("def build_model(", f"\n\n{own}"))
    assert result.changed == ["SEARCH_SPACE", "TRUSTED_TYPES"]
    assert own in result.problem


def test_an_experimental_estimator_keeps_the_import_that_switches_it_on() -> None:
    switch = "from sklearn.experimental import enable_iterative_imputer"
    model = "def build_model() -> Any:\n    return make_pipeline(IterativeImputer(), Ridge())"
    imports = """\
from sklearn.impute import IterativeImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline"""
    result = converted(
        rewrites("def build_model(", model), replaces(BOOSTED, f"{switch}\n{imports}")
    )
    assert f"{switch}  # noqa: F401\n" in result.problem
    assert result.problem.index(switch) < result.problem.index("import IterativeImputer")


def test_an_optional_import_stays_in_its_try() -> None:
    attempt = """\
try:
    from lightgbm import LGBMRegressor
except ImportError:
    LGBMRegressor = HistGradientBoostingRegressor"""
    result = converted(
        replaces(BOOSTED, f"{BOOSTED}\n\n{attempt}"),
        replaces("trees = HistGradientBoostingRegressor(", "trees = LGBMRegressor("),
    )
    assert f"\n\n{attempt}\n\nDATA =" in result.problem


def test_a_constant_stands_above_what_needs_it_at_once() -> None:
    """The notebook defines the schema last; the module needs it first."""
    first, rest = source_of(cell_with(notebook(), "SCHEMA = ")).split("\nSCHEMA = ")
    schema, columns = rest.split("\n\n", 1)
    result = converted(
        rewrites("SCHEMA = ", f"{first}\n\n{columns}"),
        appends("def build_model(", f"\n\nLONGEST = longest()\nSCHEMA = {schema}"),
        replaces("pa.Check.in_range(0, 100)", "pa.Check.in_range(0, LONGEST)"),
        prepends("def score_rows(", "def longest() -> int:\n    return 50\n\n"),
    )
    names = list(definitions(result.problem))
    assert names.index("longest") < names.index("LONGEST") < names.index("SCHEMA")
    assert names.index("SCHEMA") < names.index("load")


def test_two_statements_in_a_line_are_two() -> None:
    result = converted(replaces('DATA = Path("data")', 'DATA = Path("data"); LONGEST = 3'))
    assert 'DATA = Path("data")\nLONGEST = 3\nTASK =' in result.problem
    assert (result.changed, result.remarks) == (["LONGEST"], [])


def test_statements_that_share_a_line_keep_its_comments() -> None:
    shared = '# Where they lie.\nDATA = Path("ä"); LONGEST = 3  # miles'
    result = converted(replaces('DATA = Path("data")', shared))
    assert '# Where they lie.\nDATA = Path("ä")\nLONGEST = 3  # miles\nTASK' in result.problem


def test_an_indented_comment_on_top_of_a_cell_comes_along() -> None:
    result = converted(prepends("METRIC =", "    # Ours."), *METRIC)
    assert "\n# Ours.\nMETRIC = " in result.problem


def test_comments_inside_and_below_stay_where_they_are() -> None:
    result = converted(
        replaces(
            "    return np.abs(actual - predicted)\n", "    return actual\n    # or squared?\n"
        ),
        appends("def slices(", "# More of them to come."),
    )
    assert "    return actual\n    # or squared?\n\n\ndef baseline" in result.problem
    assert result.problem.endswith("\n# More of them to come.\n")
    assert result.changed == ["score_rows", "slices"]


# Cells without tags.


def test_a_cell_that_lost_its_tag_is_found_by_what_it_defines() -> None:
    result = converted(*DATA, untags("def load("))
    assert result.changed == ["LONGEST", "load"]
    (remark,) = result.remarks
    assert "cell 5 (`LONGEST = 4  # miles" in remark
    assert "no tagged cell defines load" in remark


def test_a_new_cell_without_a_tag_is_found_by_what_it_defines() -> None:
    def moves(book: Notebook) -> None:
        features = cell_with(book, "def features(")
        book["cells"].append(code_cell(source_of(features) + "  # ours"))
        book["cells"].remove(features)

    result = converted(moves)
    assert result.changed == ["features"]
    assert "cell 23 (`def features(" in result.remarks[0]


def test_of_two_cells_without_a_tag_none_is_preferred() -> None:
    again = adds("def features(rows):\n    return {}", at=20)
    reason = reason_against(untags("def features("), again)
    assert re.match(r"cell 21 .*: changes features, which cell 10 ", reason)


def test_an_import_comes_along_from_a_cell_without_a_tag() -> None:
    plotting = "import matplotlib.pyplot as plt"
    result = converted(
        replaces(plotting, f"{plotting}\nimport math"),
        replaces("return np.median(target)", "return math.fsum(target)"),
    )
    assert "\nimport math\nfrom collections" in result.problem
    assert result.remarks == [f"cell 8 (`{plotting}`): `import math` was copied to problem.py"]


def test_an_import_is_found_beside_magics() -> None:
    result = converted(
        adds("%matplotlib inline\n!ls\nimport math"),
        replaces("return np.median(target)", "return math.fsum(target)"),
    )
    remark = "cell 2 (`%matplotlib inline`): `import math` was copied to problem.py"
    assert remark in result.remarks


def test_the_later_of_two_definitions_counts_as_in_the_notebook() -> None:
    again = "def baseline(target: np.ndarray) -> Any:\n    return target.mean()"
    result = converted(adds(again, "problem", at=16))
    assert definitions(result.problem)["baseline"] == again
    assert result.problem.count("def baseline") == 1
    assert result.changed == ["baseline"]
    assert result.remarks[0].endswith(f"cell 17 (`{again.splitlines()[0]}`) redefines it")


def test_a_definition_that_wraps_an_earlier_one_comes_with_it() -> None:
    result = converted(
        appends("def baseline(", "\n\nbaseline = functools.cache(baseline)"),
        replaces("from typing import Any", "import functools\nfrom typing import Any"),
    )
    assert (
        "    return np.median(target)\n\n\nbaseline = functools.cache(baseline)" in result.problem
    )


def test_functions_that_only_their_decorator_knows_all_come() -> None:
    kinds = """\
import functools

@functools.singledispatch
def text(value: Any) -> str:
    return str(value)

@text.register
def _(value: float) -> str:
    return f"{value:.1f}"

@text.register
def _(value: None) -> str:
    return "none"

"""
    result = converted(prepends("METRIC =", kinds))
    assert result.problem.count("@text.register") == 2
    assert not result.remarks


# The user's own modules beside the notebook.


@pytest.mark.parametrize(
    ("edits", "module"),
    [
        ([replaces(BOOSTED, f"{BOOSTED}\n{MIDDLE}")], "helpers"),
        ([adds("import seaborn\nfrom helpers.robust import middle")], "helpers"),
        ([replaces(BOOSTED, f"{BOOSTED}\nimport lib.robust as robust")], "lib"),
        ([replaces("    return np.median", f"    {MIDDLE}\n    return np.median")], "helpers"),
    ],
    ids=["tagged", "not tagged", "import", "in a function"],
)
def test_a_module_beside_the_notebook_is_said_to_be_missing(edits: list[Edit], module: str) -> None:
    used = "robust.middle(target)" if module == "lib" else "middle(target)"
    book = edited(*edits, replaces("np.median(target)", used))
    result = convert(book, {"helpers", "lib", "data"})
    assert result.modules == [module]
    changed, *_, note = result.notes("src/taxi/problem.py")
    assert changed == "src/taxi/problem.py: from the notebook: baseline"
    assert note == (
        f"src/taxi/problem.py imports `{module}`, which is beside the notebook, where the package"
        f" cannot import it: move it to src/taxi/ and write `from .{module} import ...`"
    )


def test_a_module_that_the_problem_does_not_use_stays_unsaid() -> None:
    unused = replaces(BOOSTED, f"{BOOSTED}\n{MIDDLE}")
    assert convert(edited(unused, *METRIC), {"helpers"}).modules == []


def test_modules_beside_a_notebook_are_files_and_folders(tmp_path: Path) -> None:
    for file in ["helpers.py", "lib/robust.py", "lib/deep/er.py", "data/rides.csv", "notes.txt"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert modules_in(tmp_path) == {"helpers", "lib"}


@pytest.mark.slow
def test_a_climb_says_which_modules_the_package_lacks(ladder: Ladder) -> None:
    project = ladder.project(0)
    median = replaces("return np.median(target)", "return middle(target)")
    book = edited(median, replaces(BOOSTED, f"{BOOSTED}\n{MIDDLE}"))
    (project / "notebook.ipynb").write_text(json.dumps(book), encoding="utf-8")
    (project / "helpers.py").write_text("from numpy import median as middle\n", encoding="utf-8")
    commit_all(project, "Have a helper")
    said = " ".join(done("climb", "1", cwd=project).split())
    assert "imports `helpers`, which is beside the notebook" in said
    assert "move it to src/taxi_ride_duration/" in said


# Formatting with the installed ruff, or not at all.


def test_another_ruff_on_the_path_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ["ruff", "ruff.exe"]:
        (tmp_path / name).write_text("#!/bin/sh\necho broken\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    expected = converted(*MODEL)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert convert(edited(*MODEL)) == expected


def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the import of ruff fail."""
    monkeypatch.setitem(sys.modules, "ruff.__main__", None)


def no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ruff's program be missing."""
    monkeypatch.setattr("ruff.__main__.find_ruff_bin", lambda: "/nowhere/ruff")


def failing_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ruff's program fail."""
    monkeypatch.setattr("ruff.__main__.find_ruff_bin", lambda: installed("false"))


@pytest.mark.parametrize("damage", [no_package, no_program, failing_program])
def test_without_ruff_the_problem_is_right_and_said_to_be_rough(
    damage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = prepends("METRIC =", "from __future__ import annotations\nimport os")
    book = edited(late, *DATA, *FEATURES, *MODEL, *METRIC)
    expected = convert(book)
    damage(monkeypatch)
    result = convert(book)
    assert_same_meaning(result.problem, expected.problem)
    assert imported(result.problem) - imported(expected.problem) == {"os"}
    compile(result.problem, "problem.py", "exec")
    assert result.remarks == [*expected.remarks, ROUGH]
    assert (result.changed, result.reasons) == (expected.changed, [])


# Statements that are left out, with a remark.


@pytest.mark.parametrize(
    "looked_at",
    [
        "LONGEST",
        "features(load().head())",
        'print("nights", EVENING)',
        "rides = load()\nrides.head()",
        "rides = pd.read_csv('a.csv')\nrides['far'] = rides.distance_miles > 5\nrides.describe()",
        "assert features(load())['hour'].max() < 24",
        "plt.plot([1, 2])\nplt.show()",
        "SCHEMA.validate(load())",
        "[is_night(hour) for hour in range(24)]",
    ],
)
def test_what_is_only_looked_at_stays_behind(looked_at: str) -> None:
    result = converted(*FEATURES, appends("def features(", f"\n{looked_at}"))
    assert result.problem == other_features().problem
    assert len(result.remarks) == len(ast.parse(looked_at).body)
    for remark in result.remarks:
        assert re.match(r"cell 10 \(`EVENING = .*`\): `.*` was left out: ", remark)


def test_data_that_a_feature_needs_is_said_to_be_loaded_at_every_import() -> None:
    result = converted(
        prepends("def features(", 'nearest = load()["distance_miles"].min()'),
        replaces(
            '"weekday": (day', '"near": day.astype(int) * 0 + nearest,\n        "weekday": (day'
        ),
    )
    assert result.changed == ["nearest", "features"]
    (remark,) = result.remarks
    assert "`nearest = load()['distance_miles'].min()` now loads data at every import" in remark


# Edits that cannot be converted, with the reason.


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (
            replaces("def baseline(target: ", "def baseline(target "),
            "not valid Python: .*, line 10",
        ),
        (appends("TARGET =", "sys.path.append('..')\nTARGET"), "`sys.path.append.*without the tag"),
        (appends("TARGET =", "SCHEMA.columns['a'] = pa.Column('int')"), "`SCHEMA.columns.*import"),
        (appends("def load(", "if not DATA:\n    raise OSError"), "`if not DATA:` would run at ev"),
        (appends("def load(", "from __future__ import nope"), "cell 5 .* not valid Python: .*"),
        (
            appends("def load(", "A = await load()"),
            "not valid Python: 'await' outside function, line",
        ),
        (appends("def load(", f"A = {'1 + ' * 3000}1"), "an expression is nested too deeply"),
        (replaces("return np.median", "return rides.shape and np.median"), "cell 6 .*defines. Tag"),
        (replaces("return np.median", "return display(1) or np.median"), "which only Jupyter has"),
        (replaces("return np.median", "return numpy.median"), "uses `numpy`, which no cell defi"),
        (adds("TARGET = 'fare'", at=5), "cell 6 .* changes TARGET, which cell 3 "),
        (adds("def features(rows):\n    return {}", at=20), "cell 21 .* changes features, which"),
        (
            adds("SCHEMA.columns.pop('fare')"),
            "cell 2 .* changes SCHEMA, which cell 4 ",
        ),
        (rewrites("def features(", ""), "no cell defines features"),
        (replaces("LOWER_IS_BETTER = True", ""), "no cell defines LOWER_IS_BETTER"),
        (
            replaces('TARGET = "duration_minutes"', 'A = "a"\nTARGET = A * 2\nA = "b"'),
            "A is used before cell 3 .* redefines it",
        ),
    ],
)
def test_what_cannot_be_carried_over_is_named_and_leaves_the_problem(edit: Edit, why: str) -> None:
    reason = reason_against(edit)
    assert re.search(why, reason), reason


def test_every_reason_is_told_at_once() -> None:
    first, second = convert(edited(*UNCONVERTIBLE)).reasons
    assert re.search(r"cell 3 .*`sys\.path\.append", first)
    assert re.search(r"cell 12 .*`numpy`, which no cell defines", second)


UNCONVERTIBLE = [
    appends("TARGET =", "sys.path.append('..')\nTARGET"),
    replaces("return np.median", "return numpy.median"),
]


@pytest.mark.parametrize("broken", [b"", b'{"cells": [', b"[]", b"{}", b'{"cells": 3}', b"\xff"])
def test_a_file_that_is_no_notebook_is_said_to_be_none(broken: bytes) -> None:
    result = convert_notebook(GENERATED, broken, PROBLEM)
    assert (result.problem, result.changed) == (PROBLEM, [])
    assert re.match(
        r"notebook\.ipynb: not a valid notebook \(.+\)\. Open it in Jupyter", result.reasons[0]
    )


def test_the_report_tells_all_of_it() -> None:
    result = converted(*METRIC, appends("def features(", "TARGET"))
    assert result.remarks
    assert result.notes("src/taxi/problem.py") == [
        "src/taxi/problem.py: from the notebook: METRIC, score_rows, baseline",
        *result.remarks,
    ]


def test_what_cannot_be_converted_leaves_no_notes() -> None:
    result = convert(edited(*UNCONVERTIBLE))
    assert len(result.reasons) == 2
    assert result.notes("src/taxi/problem.py") == []


# Climbing with a notebook that cannot be converted.


@pytest.fixture
def unconvertible(ladder: Ladder) -> Path:
    """Return a project at level 0 whose notebook cannot be converted, for two reasons."""
    project = ladder.project(0)
    book = edited(*UNCONVERTIBLE)
    (project / "notebook.ipynb").write_text(json.dumps(book), encoding="utf-8")
    commit_all(project, "Our notebook")
    return project


def test_a_climb_with_a_notebook_that_cannot_be_converted_changes_nothing(
    unconvertible: Path,
) -> None:
    before = tree(unconvertible)
    said = refused("climb", "1", cwd=unconvertible, code=3)
    heading, first, second, advice = said.splitlines()
    assert heading.startswith("error: ") and "nothing was changed" in heading
    assert "`sys.path.append" in first and "`numpy`" in second
    assert "Change the notebook" in advice and "--example-problem" in advice
    assert tree(unconvertible) == before
    assert git(unconvertible, "status", "--porcelain") == ""


def test_a_plan_lists_what_cannot_be_converted(unconvertible: Path) -> None:
    plan = json.loads(printed("plan", "1", "--json", cwd=unconvertible))
    first, second = plan["unconverted"]
    assert "`sys.path.append" in first and "`numpy`" in second
    assert not [note for note in plan["notes"] if "cell" in note]
    lines = printed("plan", "1", cwd=unconvertible, COLUMNS="").splitlines()
    (heading,) = (n for n, line in enumerate(lines) if line.startswith("Notebook code that cannot"))
    assert "--example-problem" in lines[heading]
    assert lines[heading + 1 : heading + 3] == [f"  {first}", f"  {second}"]


def test_a_climb_may_take_the_problem_of_the_example_instead(
    ladder: Ladder, unconvertible: Path
) -> None:
    done("climb", "1", "--example-problem", "--commit", cwd=unconvertible)
    problem = "src/taxi_ride_duration/problem.py"
    assert tree(unconvertible)[problem] == tree(ladder.fresh(1))[problem]


# Other notebook formats, and generated problems.


@pytest.mark.parametrize(
    "minor", [0, *(pytest.param(minor, marks=pytest.mark.slow) for minor in [1, 2, 3, 4]), 5]
)
def test_every_minor_format_of_notebooks_is_read(minor: int) -> None:
    """Formats before 4.5 have no cell ids, and 4.5 is read without them, too."""
    book = edited(*METRIC)
    for cell in book["cells"]:
        cell.pop("id")
    assert convert(book | {"nbformat_minor": minor}) == converted(*METRIC)


def test_an_older_notebook_is_upgraded() -> None:
    """Format 3 has no tags, so the cells are found by what they define."""
    old = nbformat.convert(nbformat.reads(json.dumps(edited(*METRIC)), as_version=4), 3)
    for cell in old.worksheets[0].cells:
        cell.metadata = {}
    result = convert_notebook(GENERATED, nbformat.v3.writes_json(old).encode(), PROBLEM)
    assert result.problem == converted(*METRIC).problem
    assert len(result.remarks) == 5


def test_line_ends_of_windows_do_not_matter() -> None:
    book = edited(*METRIC)
    for cell in book["cells"]:
        cell["source"] = source_of(cell).replace("\n", "\r\n")
    assert convert(book) == converted(*METRIC)


EXTRAS = [
    "LIMITS = {'a': 1,\n  'b': [2, 3]}",
    "A, B = 1, 2",
    "names: list[str] = ['x']",
    "def helper(x: int = 3, *rest: Any, **more: Any) -> Any:\n    return [x for x in rest]",
    "class Thing:\n    '''A thing.'''\n    value = TARGET\n    def method(self):\n        load",
    "@functools.cache\ndef cached():\n    global TARGET\n    return lambda rows: features(rows)",
    "async def later():\n    yield SCHEMA",
    "TEXT = '''one\n\n   # two\n'''",
    "if TIME is None:\n    ORDER = []\nelse:\n    ORDER = [TIME]",
]


@st.composite
def problems(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Draw the code of a problem.py, and the same code split into cells."""
    docstring, imports, *pieces = pieces_of_another()
    extras = draw(st.lists(st.sampled_from(EXTRAS), unique=True))
    constants, *rest = pieces
    body = [docstring, f"{imports}\nimport functools", constants]
    body += draw(st.permutations([*rest, *extras]))
    cells = body[:1]
    for piece in body[1:]:
        if draw(st.booleans()):
            cells.append(piece)
        else:
            cells[-1] += f"\n\n{piece}"
    return "\n\n".join(body), cells


@settings(max_examples=5, derandomize=True, deadline=None, database=None)
@given(problems())
def test_any_problem_in_cells_gives_a_module_with_the_same_definitions(
    made: tuple[str, list[str]],
) -> None:
    assert_converted(*made)


@pytest.mark.slow
@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(problems())
def test_many_problems_in_cells_give_modules_with_the_same_definitions(
    made: tuple[str, list[str]],
) -> None:
    assert_converted(*made)


def assert_converted(code: str, cells: list[str]) -> None:
    """Check that the cells become a module with the code's definitions and its used imports."""
    result = convert(notebook() | {"cells": [code_cell(cell, "problem") for cell in cells]})
    assert result.reasons == []
    assert all("`# noqa: " in remark for remark in result.remarks), result.remarks
    assert_same_meaning(result.problem, code)
    used = {node.id for node in ast.walk(ast.parse(result.problem)) if isinstance(node, ast.Name)}
    assert imported(result.problem) == imported(code) & used


def assert_same_meaning(problem: str, other: str) -> None:
    """Check that two modules have the same definitions, in any order."""
    one, another = (
        sorted(ast.dump(node) for node in ast.parse(text).body if not is_import(node))
        for text in (problem, other)
    )
    assert one == another


def is_import(node: ast.AST) -> bool:
    """Tell whether a statement is an import."""
    return isinstance(node, ast.Import | ast.ImportFrom)


def imported(code: str) -> set[str]:
    """Return the names that a module imports."""
    nodes = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Import | ast.ImportFrom)]
    return {name.asname or name.name.partition(".")[0] for node in nodes for name in node.names}


# Training gives the same metrics as the notebook.


@pytest.fixture(scope="module")
def level_0(ladder: Ladder, installed: Path) -> Installation:
    """Provide a project at level 0."""
    return Installation(ladder.project(0), installed)


@pytest.fixture(scope="module")
def level_1(ladder: Ladder, installed: Path) -> Installation:
    """Provide a project at level 1."""
    return Installation(ladder.project(1), installed)


@pytest.mark.slow
@pytest.mark.xdist_group("converted notebook")
@pytest.mark.parametrize(
    ("goals", "edits"),
    [
        pytest.param("lint train", DATA, id="data"),
        pytest.param("lint train", FEATURES, id="features"),
        pytest.param("lint train", MODEL, id="model"),
        pytest.param("lint train", METRIC, id="metric"),
        pytest.param("test lint types train", [*DATA, *FEATURES, *MODEL, *METRIC], id="all"),
        pytest.param("test lint types train", [is_another_problem], id="another problem"),
    ],
)
def test_training_gives_the_metric_of_the_notebook(
    level_0: Installation, level_1: Installation, goals: str, edits: list[Edit]
) -> None:
    book = edited(*edits)
    book["cells"].append(code_cell(SHOW))
    (level_0.project / "notebook.ipynb").write_text(json.dumps(book), encoding="utf-8")
    level_0.make("notebook")
    page = (level_0.project / "reports/notebook.html").read_text(encoding="utf-8")
    shown = re.findall(r"<th>(model|baseline)</th>\s*<td>([\d.]+)</td>", page)

    result = convert(book)
    assert not result.reasons
    problem = level_1.project / "src/taxi_ride_duration/problem.py"
    problem.write_text(result.problem, encoding="utf-8")
    printed = level_1.make(goals)
    name = re.findall(r'^METRIC = "(.*)"', result.problem, re.MULTILINE)[0]
    trained = dict(re.findall(r"^  (\S+) +([\d.]+)$", printed, re.MULTILINE))
    assert [(who, float(score)) for who, score in shown] == [
        ("model", float(trained[name])),
        ("baseline", float(trained[f"baseline_{name}"])),
    ]


ASK_SKOPS = """\
import json
import sys
import warnings

import numpy as np
import skops.io
from sklearn.base import is_classifier, is_regressor
from sklearn.experimental import enable_iterative_imputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import all_estimators

from taxi_ride_duration.model_file import TRUSTED_TYPES

warnings.simplefilter("ignore")
X = np.random.default_rng(0).uniform(size=(60, 3))
sides = [(X[:, 0] + 1, Ridge(), is_classifier), (X[:, 0] > 0.5, LogisticRegression(), is_regressor)]
needs = {
    "Voting": ["estimators"],
    "Stacking": ["estimators"],
    "Calibrated": ["estimator"],
    "GridSearchCV": ["estimator", "param_grid"],
    "RandomizedSearchCV": ["estimator", "param_distributions", "n_iter"],
}
asked = {}
for name, estimator in all_estimators():
    if name in sys.argv[1:]:
        asked[name] = set()
        for y, member, unfit in sides:
            values = {
                "estimator": member,
                "estimators": [("a", member), ("b", member)],
                "param_grid": {},
                "param_distributions": {"max_iter": [100, 200]},
                "n_iter": 1,
            }
            wanted = next((needs[start] for start in needs if name.startswith(start)), [])
            model = estimator(**{key: values[key] for key in wanted})
            if not unfit(model) and not (wanted == ["estimator"] and unfit is is_classifier):
                opened = skops.io.dumps(model.fit(X, y))
                asked[name] |= {*skops.io.get_untrusted_types(data=opened)} - {*TRUSTED_TYPES}
print(json.dumps({name: sorted(types) for name, types in asked.items()}))
"""


@pytest.mark.slow
@pytest.mark.xdist_group("converted notebook")
def test_the_types_to_trust_are_those_that_skops_asks_for(level_1: Installation) -> None:
    """Fit each estimator in the table with its defaults, and let skops list its untrusted types."""
    named = {name for names in TYPES_TO_TRUST.values() for name in names.split()}
    command = f"python -c '{ASK_SKOPS}' {' '.join(sorted(named))}"
    finished = level_1.run(command)
    assert finished.returncode == 0, finished.stderr
    asked = json.loads(finished.stdout)
    assert len(asked) > 30
    assert asked == {
        estimator: sorted(t for t, users in TYPES_TO_TRUST.items() if estimator in users.split())
        for estimator in asked
    }
