"""Tests of converting notebooks in which people look at data, as most notebooks do.

What only looks is left out with a remark; what the problem cannot do without is a reason.
"""

import ast
import copy
import json
import re
import subprocess
import tomllib
from typing import Any

import pytest

from mlops_ladder.convert import Conversion, convert_notebook
from mlops_ladder.convert.formatting import RULES
from projects import TEMPLATE
from tools import installed

GENERATED = (TEMPLATE / "notebook.ipynb").read_bytes()
PROBLEM = (TEMPLATE / "src/{{package_name}}/problem.py").read_text(encoding="utf-8")
PYPROJECT = (TEMPLATE / "pyproject.toml.jinja").read_text(encoding="utf-8")
MARKED = ["TARGET =", "def load(", "def features(", "def score_rows(", "def build_model("]

Notebook = dict[str, Any]


def notebook() -> Notebook:
    """Return the generated notebook."""
    return copy.deepcopy(json.loads(GENERATED))


def code_cell(source: str, *tags: str) -> dict[str, Any]:
    """Return a code cell."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"own-{abs(hash(source)) % 10**12}",
        "metadata": {"tags": list(tags)},
        "outputs": [],
        "source": source,
    }


def cell_with(book: Notebook, text: str) -> dict[str, Any]:
    """Return the tagged cell that has the text."""
    cells = [cell for cell in book["cells"] if cell["metadata"].get("tags")]
    (found,) = [cell for cell in cells if text in "".join(cell["source"])]
    return found


def with_lines(text: str, lines: str, above: bool = False) -> Notebook:
    """Return the generated notebook with lines at the end, or the top, of the cell with a text."""
    book = notebook()
    cell = cell_with(book, text)
    source = "".join(cell["source"])
    cell["source"] = f"{lines}\n{source}" if above else f"{source}\n{lines}"
    return book


def with_cell(source: str, *tags: str, at: int = 1) -> Notebook:
    """Return the generated notebook with another code cell."""
    book = notebook()
    book["cells"].insert(at, code_cell(source, *tags))
    return book


def replaced(old: str, new: str, book: Notebook | None = None) -> Notebook:
    """Replace a text in the tagged cell that has it."""
    book = book or notebook()
    cell = cell_with(book, old)
    cell["source"] = "".join(cell["source"]).replace(old, new)
    return book


def convert(book: Notebook) -> Conversion:
    """Convert a notebook; messages are lines."""
    result = convert_notebook(GENERATED, json.dumps(book).encode(), PROBLEM)
    assert not [message for message in result.reasons + result.remarks if "\n" in message]
    return result


def reason_against(book: Notebook) -> str:
    """Return the only reason why a notebook cannot be converted."""
    result = convert(book)
    assert result.problem == PROBLEM
    (reason,) = result.reasons
    return reason


def assert_style(code: str) -> None:
    """Check the code by the rules of the generated project."""
    for command in [["check", f"--select={RULES}", "--no-cache"], ["format", "--check"]]:
        finished = subprocess.run(
            [installed("ruff"), *command, "--isolated", "--line-length=100", "-"],
            input=code,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr + code


# Statements that only look at data.


LOOKING = [
    "df",
    "df.head()",
    "df.info()\ndf.describe()",
    "df = pd.read_csv('a.csv')\ndf.info()\ndf.isna().sum()",
    "load()\nDATA",
    "TARGET\nTIME",
    "display(SCHEMA)\nprint(TARGET)",
    "SCHEMA.validate(load())\nprint('valid')",
    "len(SCHEMA.columns), TARGET == 'a'",
    "...",
    "'a note'\nTARGET",
    "rides = load()\nrides['far'] = rides.distance_miles > 5\nrides.groupby('far').mean()",
    "rides = load()\nrides.sort_values('fare', inplace=True)\nrides.pop('fare')\nrides",
    "rides = load()\nlong = rides[rides.distance_miles > 5]\nlong.plot()\nplt.show()",
    "fig, ax = plt.subplots()\nax.plot([1, 2])\nax.set(title='a')\nfig.savefig('a.png')",
    "sns.set_theme()\nsns.histplot(load())\nplt.tight_layout()",
    "import matplotlib.pyplot as shown\nshown.plot([1])\nshown.show()",
    "from IPython.display import HTML\nHTML('a')\n'b'",
    "for name in SCHEMA.columns:\n    print(name)",
    "for n in [1]:\n    load()",
    "i = 0\nwhile i < 3:\n    i += 1\nprint(i)",
    "with pd.option_context('display.max_rows', 9):\n    display(load())",
    "with open('a') as file:\n    text = file.read()",
    "results = []\nfor n in [1, 2]:\n    results.append(build_model(n).fit(load(), [1]))\nresults",
    "total = 0\nfor n in [1, 2]:\n    total += n\nmean = total / 2",
    "if load().isna().any(axis=None):\n    print('gaps')",
    "try:\n    load()\nexcept OSError as error:\n    print(error)",
    "df = load()\nshare = df.mean()\n\ndef show(name):\n    return df[name]\n\nshow('a')",
    "(a, *b), c = load(), 1\ndel a",
    "assert TARGET\nassert load() is not None",
    "if __name__ == '__main__':\n    print(load())",
]


@pytest.mark.parametrize("lines", LOOKING)
def test_looking_is_left_out_with_a_remark(lines: str) -> None:
    for book in [with_lines("def load(", lines), with_cell(lines, "problem", at=5)]:
        result = convert(book)
        assert result.reasons == []
        assert result.problem == PROBLEM
        assert result.changed == []
        statements = [node for node in ast.parse(lines).body if not is_import(node)]
        assert len(result.remarks) == len(statements)
        for remark in result.remarks:
            assert re.match(r"cell \d+ \(`.*`\): `.*` was left out: it defines nothing", remark)


def is_import(node: ast.stmt) -> bool:
    """Tell whether the statement is an import; unused ones are removed without a remark."""
    return isinstance(node, ast.Import | ast.ImportFrom)


@pytest.mark.slow
@pytest.mark.parametrize("text", MARKED)
@pytest.mark.parametrize("above", [True, False])
def test_looking_is_left_out_of_every_cell(text: str, above: bool) -> None:
    result = convert(with_lines(text, "rides = load()\nrides.head()", above))
    assert (result.problem, len(result.remarks)) == (PROBLEM, 2)


def test_a_helper_that_nobody_calls_is_kept_if_it_needs_no_data() -> None:
    helper = "def double(x: int) -> int:\n    return 2 * x"
    result = convert(with_lines("def load(", f"\n\n{helper}\n\n\ndouble(2)"))
    assert result.changed == ["double"]
    assert helper in result.problem
    assert len(result.remarks) == 1


def test_a_helper_that_changes_scratch_data_is_kept_and_its_call_is_not() -> None:
    helper = "def show(rides):\n    rides['x'] = 1\n    print(rides)"
    result = convert(with_lines("def load(", f"\n\n{helper}\n\n\nrides = load()\nshow(rides)"))
    assert (result.changed, result.reasons) == (["show"], [])
    assert len(result.remarks) == 2


@pytest.mark.parametrize(
    "helper",
    [
        "def show(table):\n    display(table.head())",
        "def show(table):\n    plt.plot(table)",
        "def show(table):\n    !ls\n    print(table)",
        "def show():\n    return train.head(), model",
        "class Shown:\n    axes = plt.gca()",
        "show = lambda table: display(table)",
        "def show(table):\n    return other(table)\n\ndef other(table):\n    return model(table)",
    ],
)
def test_a_helper_that_only_works_in_the_notebook_is_left_out(helper: str) -> None:
    result = convert(with_lines("def load(", f"{helper}\n\nshow(load())"))
    assert (result.problem, result.reasons) == (PROBLEM, [])
    assert len(result.remarks) == len(ast.parse(helper.replace("!ls", "ls")).body) + 1


def test_a_helper_that_the_problem_needs_and_that_shows_something_is_a_reason() -> None:
    book = replaced("return np.median(target)", "return show(target)")
    reason = reason_against(with_lines_in(book, "def load(", "def show(x):\n    display(x)"))
    assert "show uses `display`, which only Jupyter has. Remove it" in reason


def test_a_conditional_definition_may_print() -> None:
    lines = "try:\n    SIZE = 1\nexcept OSError:\n    print('small')\n    SIZE = 2"
    result = convert(with_lines("def load(", lines))
    assert (result.changed, result.remarks) == (["SIZE"], [])
    assert 'print("small")' in result.problem


# Settings.


SETTINGS = [
    "warnings.filterwarnings('ignore')",
    "warnings.simplefilter('ignore')\nTARGET",
    "pd.set_option('display.max_columns', None)\nTARGET",
    "pd.options.display.max_rows = 9",
    "plt.rcParams['figure.figsize'] = (9, 4)",
    "np.random.seed(0)",
    "import random\nrandom.seed(0)",
    "from numpy.random import seed\nseed(0)\nTARGET",
    "import sklearn\nsklearn.set_config(transform_output='pandas')",
    "import logging\nlogging.basicConfig(level='INFO')",
    "import tqdm\ntqdm.pandas()\nTARGET",
]


@pytest.mark.parametrize("lines", SETTINGS)
def test_a_setting_is_left_out_with_a_remark_and_advice(lines: str) -> None:
    imports = "import warnings\nimport matplotlib.pyplot as plt"
    result = convert(with_lines("def load(", f"{imports}\n{lines}"))
    assert (result.problem, result.reasons) == (PROBLEM, [])
    remarks = [remark for remark in result.remarks if "`TARGET` was left out" not in remark]
    (remark,) = remarks
    assert remark.startswith("cell 5 (")
    assert "was left out: it is a setting. If the problem needs it, call it in" in remark


# IPython.


COMMANDS = [
    "%matplotlib inline",
    "%load_ext autoreload",
    "!pip install lightgbm",
    "!pip install \\\n    lightgbm",
    "pip install lightgbm",
    "features?",
    "SCHEMA.validate??",
    "?features",
    "%time load()",
    "files = !ls data",
    "timing = %timeit -o load()",
    "get_ipython().run_line_magic('matplotlib', 'inline')",
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("above", [True, False])
def test_a_command_is_left_out_with_a_remark(command: str, above: bool) -> None:
    result = convert(with_lines("def features(", command, above))
    assert (result.problem, result.reasons) == (PROBLEM, [])
    (remark,) = result.remarks
    shown = command.partition("\n")[0]
    assert remark.endswith(f"`{shown}` was left out: it is an IPython command")


def test_commands_in_a_branch_are_left_out_with_it() -> None:
    lines = "COLAB = False\nif COLAB:\n    !pip install lightgbm\n    %cd /content"
    result = convert(with_lines("TARGET =", lines))
    assert (result.changed, result.reasons) == (["COLAB"], [])
    (remark,) = result.remarks
    assert "`if COLAB:` was left out" in remark


def test_a_command_in_an_optional_import_is_left_out_alone() -> None:
    lines = """\
try:
    import lightgbm
except ImportError:
    !pip install lightgbm
    import lightgbm"""
    book = replaced("return np.median(target)", "return lightgbm.median(target)")
    result = convert(with_lines_in(book, "def load(", lines))
    assert result.reasons == []
    assert "\nexcept ImportError:\n    pass\n    import lightgbm\n" in result.problem
    assert_style(result.problem)
    (remark,) = result.remarks
    assert "`!pip install lightgbm` was left out: it is an IPython command" in remark


def test_percent_signs_and_marks_of_python_are_not_commands() -> None:
    lines = """\
%matplotlib inline
REST = (
    7
    % 4
)
TEXT = '''
%time
!ls
'''
LONG = 7 \\
    % 4
OTHER = TARGET != "a"
"""
    result = convert(with_lines("def load(", lines))
    assert result.changed == ["REST", "TEXT", "LONG", "OTHER"]
    assert "\n%time\n!ls\n" in result.problem
    assert len(result.remarks) == 1


@pytest.mark.parametrize("magic", ["%%time", "%%capture output", "%%prun -l 9", "\n%%memit"])
def test_a_cell_magic_that_runs_the_cell_is_left_out_alone(magic: str) -> None:
    result = convert(with_lines("def features(", magic, above=True))
    assert (result.problem, result.reasons) == (PROBLEM, [])
    (remark,) = result.remarks
    assert remark.endswith(f"`{magic.strip()}` was left out: it is an IPython command")


@pytest.mark.parametrize(
    "cell", ["%%bash\nls -l | wc", "%%html\n<b>a</b>", "%%writefile a.py\nTARGET = 3", "%%ai\nHi!"]
)
def test_a_cell_in_another_language_is_left_out(cell: str) -> None:
    result = convert(with_cell(cell, "problem"))
    assert (result.problem, result.reasons) == (PROBLEM, [])
    (remark,) = result.remarks
    assert remark.startswith(f"cell 2 (`{cell.splitlines()[0]}`): ")


def test_what_a_timed_cell_defines_is_not_defined_in_the_notebook() -> None:
    reason = reason_against(with_lines("def build_model(", "%%timeit", above=True))
    assert "no cell defines build_model" in reason


def test_an_error_beside_a_command_is_reported_at_its_line() -> None:
    reason = reason_against(with_cell("%time\n\nA = (1", "problem"))
    assert reason.startswith("cell 2 (`%time`): not valid Python: ")
    assert "line 3 of the cell. Correct it" in reason


@pytest.mark.parametrize(
    "body",
    [
        "    !ls data\n    return np.median(target)",
        "    files = !ls data\n    return len(files)",
        "    get_ipython().system('ls')\n    return np.median(target)",
    ],
)
def test_a_command_in_a_function_of_the_problem_is_a_reason(body: str) -> None:
    reason = reason_against(replaced("    return np.median(target)", body))
    assert "cell 12 (" in reason
    line = body.splitlines()[0].strip()
    assert f"baseline uses the IPython command `{line}`. Write it in Python" in reason


def test_the_result_of_a_command_that_the_problem_needs_is_a_reason() -> None:
    book = replaced("return np.median(target)", "return len(FILES)")
    reason = reason_against(with_lines_in(book, "def load(", "FILES = !ls data"))
    assert "FILES uses the IPython command `FILES = !ls data`. Write it in Python" in reason


def with_lines_in(book: Notebook, text: str, lines: str) -> Notebook:
    """Append lines to the tagged cell that has the text."""
    cell = cell_with(book, text)
    cell["source"] = "".join(cell["source"]) + f"\n{lines}"
    return book


# Models that are fitted.


@pytest.mark.parametrize(
    "lines",
    [
        "build_model().fit(features(load()), load()[TARGET])",
        "build_model().fit(features(load()), load()[TARGET])\nTARGET",
        "model = build_model()\nmodel.fit(features(load()), load()[TARGET])\nmodel.score([1], [2])",
        "model = build_model().fit(features(load()), [1])\nmodel.predict([1])\nTARGET",
        "MODEL = build_model()\nMODEL.fit([1], [2])\nbest = MODEL.score([1], [2])",
    ],
)
def test_a_fit_whose_result_the_problem_does_not_use_is_left_out(lines: str) -> None:
    result = convert(with_lines("def build_model(", lines))
    assert (result.problem, result.reasons) == (PROBLEM, [])
    assert len(result.remarks) == len(ast.parse(lines).body)


def test_a_model_that_build_model_returns_may_have_been_fitted() -> None:
    book = replaced("    trees = HistGradientBoostingRegressor(", "    trees = (MODEL or Model)(")
    lines = "MODEL = HistGradientBoostingRegressor\nModel = MODEL\nMODEL.fit([1], [2])\nTARGET"
    result = convert(with_lines_in(book, "def build_model(", lines))
    assert result.reasons == []
    assert "MODEL.fit" not in result.problem


def test_a_fit_that_the_features_need_is_a_reason() -> None:
    book = replaced("    day = pickup", "    scaler.transform(rows)\n    day = pickup")
    lines = "scaler = StandardScaler()\nscaler.fit(load())"
    book["cells"].insert(1, code_cell("from sklearn.preprocessing import StandardScaler"))
    reason = reason_against(with_lines_in(book, "def load(", lines))
    assert "`scaler.fit(load())` would run at every import and fit scaler. Make it a step" in reason


# What the problem cannot do without.


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("SCHEMA.columns['a'] = pa.Column('int')", "and change SCHEMA. Write the final value"),
        ("SCHEMA.columns.pop('a')\nTARGET", "and change SCHEMA"),
        ("last = SCHEMA.columns.pop('a')", "and change SCHEMA"),
        ("TARGET += 'a'", "and change TARGET"),
        ("for TIME in ['a']:\n    pass", "and change TIME"),
        ("del DATA", "and change DATA"),
        ("for n in [1]:\n    SCHEMA.columns.update(n)", "and change SCHEMA"),
        ("import random\nrandom.shuffle(SCHEMA)\nTARGET", "and change SCHEMA"),
        ("setattr(SCHEMA, 'a', 1)\nTARGET", "and change SCHEMA"),
        ("def start():\n    global TARGET\n    TARGET = 'a'\n\nstart()", "and change TARGET"),
        ("def start():\n    SCHEMA.columns.clear()\n\nstart()\nDATA", "and change SCHEMA"),
        ("def widen(schema):\n    schema.a = 1\n\nwiden(SCHEMA)\nDATA", "and change SCHEMA"),
        ("SCHEMA.learn(1)\nDATA", "and may change SCHEMA. Remove it, or move"),
        ("import sys\nsys.path.append('..')", "and change `sys.path`. Move it to a cell without"),
        ("from sys import path\npath.insert(0, '..')", "and change `sys.path`"),
        ("import os\nos.environ['A'] = 'b'", "and change `os.environ`"),
        ("import os\nos.chdir('..')\nTARGET", "and change `os.chdir`"),
        ("from os import chdir\nchdir('..')\nTARGET", "and change `os.chdir`"),
        ("if not DATA:\n    raise OSError", "and may raise an error. Move it into the function"),
    ],
)
def test_a_change_that_the_problem_needs_is_a_reason(lines: str, why: str) -> None:
    reason = reason_against(with_lines("def load(", lines))
    assert re.match(r"cell 5 \(`.*`\): `.*` would run at every import and ", reason)
    assert why in reason


def test_a_value_that_a_block_sets_and_the_problem_needs_is_a_reason() -> None:
    book = replaced("return np.median(target)", "return A")
    reason = reason_against(
        with_lines_in(book, "def load(", "with open('a') as file:\n    A = file.read()")
    )
    assert "change A" in reason


def test_reading_the_environment_is_not_a_change_of_it() -> None:
    lines = "import os\nos.environ.get('HOME')\nos.environ['HOME']\nos.listdir('.')\nTARGET"
    result = convert(with_lines("def load(", lines))
    assert (result.problem, result.reasons) == (PROBLEM, [])


def test_every_reason_of_every_check_is_reported_at_once() -> None:
    book = with_lines("def features(", "SCHEMA.columns['a'] = pa.Column('int')\nTARGET += 'b'")
    replaced("LOWER_IS_BETTER = True", "A = 1\nB = A\nA = 2", book)
    replaced("    return np.median(target)", "    return mean(target)", book)
    book["cells"].insert(20, code_cell("DATA = 'elsewhere'"))
    book["cells"].insert(1, code_cell("def broken(:\n    pass", "problem"))
    book["cells"].insert(1, code_cell("class = 3", "problem"))
    reasons = convert(book).reasons
    expected = [
        "cell 2 (`class = 3`): not valid Python",
        "cell 3 (`def broken(:`): not valid Python",
        "`SCHEMA.columns['a'] = pa.Column('int')` would run",
        "`TARGET += 'b'` would run",
        "A is used before cell 14",
        "no cell defines LOWER_IS_BETTER",
        "cell 23 (`DATA = 'elsewhere'`): changes DATA",
        "baseline uses `mean`, which no cell defines",
    ]
    assert len(reasons) == len(expected)
    for reason, text in zip(reasons, expected, strict=True):
        assert text in reason
        assert re.match(r"(cell \d+ \(`.*`\)|notebook\.ipynb): .*\. [A-Z][^.]*", reason)


def test_names_of_a_cell_that_cannot_be_parsed_are_not_reported_as_missing() -> None:
    book = notebook()
    cell = cell_with(book, "TARGET =")
    cell["source"] = "".join(cell["source"]) + "\nA = (1"
    reason = reason_against(book)
    assert "cell 3 (" in reason
    assert "not valid Python" in reason


# The style of the generated project.


MESSY_IMPORTS = """\
import os, sys
from typing import Dict, List, Optional
from sklearn.ensemble import *
import pickle, json"""
MESSY = """\
square = lambda x: x**2
def Clean(X: Optional[pd.DataFrame], extra=[], y=None) -> Dict[str, List[float]]:
    "Clean    "
    X_train = X
    l = 3
    try:
        z = X_train.a == None
    except:
        return pickle.load(open("a"))
    for i in range(3):
        pass
    if z != z: return {}
    else:
        return {"a": [square(l)], "b": "%s" % l}
# a comment that is far too long for the line length that the generated project checks, by far
TEXT = "a text that is far too long for the line length that the generated project has"; P = "\\d"
class lower: ...
class Wrapper:
    def Fit(self, X): X; return os.path.join("a", f"b")
    @property
    def names(self): return [name for name in dict(a=1).keys()]
"""


def test_the_rules_are_those_of_the_generated_project() -> None:
    (line,) = re.findall(r"^select = .*$", PYPROJECT, re.MULTILINE)
    assert [*RULES.split(","), "D"] == tomllib.loads(line)["select"], "and D is off in problem.py"


def test_untidy_code_is_fixed_or_excused() -> None:
    book = with_lines("def load(", MESSY)
    book["cells"].insert(1, code_cell(MESSY_IMPORTS, "problem"))
    replaced("return np.median(target)", "return Clean(None) or Wrapper().Fit(1)", book)
    result = convert(book)
    assert result.reasons == []
    assert_style(result.problem)
    assert "import sys" not in result.problem
    assert "def square(x):\n    return x**2\n" in result.problem
    assert "    except Exception:\n" in result.problem
    assert "def Clean(X: pd.DataFrame | None, extra=[], y=None)" in result.problem
    assert "# noqa: B006, N802, N803\n" in result.problem
    said = "\n".join(result.remarks)
    assert "problem.py: `except:` became `except Exception:`. Name the errors" in said
    assert (
        "problem.py: Argument name `X` should be lowercase (in Clean, Wrapper). Fix it, and remove "
        "`# noqa: N803`" in said
    )
    assert {"N801", "N802", "N803", "N806", "S301"} <= set(re.findall(r"\b[A-Z]+\d+\b", said))


def test_the_users_own_comments_for_the_linter_stay_valid() -> None:
    lines = "long_name = 1  # noqa: E501\nOther = 2  # noqa\ndef Load(): ...  # noqa: N802"
    result = convert(with_lines("def load(", lines))
    assert_style(result.problem)
    assert "def Load(): ...  # noqa: N802" in result.problem


@pytest.mark.slow
@pytest.mark.parametrize(
    "lines",
    [
        "rate = lambda x: x / 2",
        "rate = lambda *args, **kwargs: (args, kwargs)\nRATE = rate",
        "try:\n    import lightgbm\nexcept:\n    lightgbm = None",
        "class A:\n    f = lambda self: 1\n    def g(self):\n        try: 1\n        except : 2",
        "SQL = '''\n" + "select a from b where c = d and e = f " * 4 + "\n'''",
        "def f(x):\n\treturn x == None or x == True or not x in [1]",
        "def f(a, b):\n    return dict(zip(a, b)), type(a) == int, [*a] + [b]",
        "ä = 'x\u2013y'  # a dash \u2013 here",
        "def f():\n    import os, sys\n    return os",
    ],
)
def test_other_untidy_code_passes_the_linter(lines: str) -> None:
    result = convert(with_lines("def load(", lines))
    assert result.reasons == []
    assert_style(result.problem)
