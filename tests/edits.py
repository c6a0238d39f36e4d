"""Edits that users make to a project between two climbs.

`MERGING` lists edits that can be made together and merge without conflict, `ALONE` edits that
cannot be combined with the others, and `CONFLICTING` edits of lines that a climb changes, too.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from projects import TEMPLATE, tree

PACKAGE = "src/taxi_ride_duration"
BINARY = bytes(range(256)) * 4


@dataclass(frozen=True)
class Change:
    """The effect of edits, which must remain after a climb."""

    added: dict[str, list[bytes]]
    gone: set[str]
    executable: set[str]

    @property
    def files(self) -> set[str]:
        """Every file that the edits changed."""
        return self.added.keys() | self.gone | self.executable

    def lost_from(self, project: Path) -> list[str]:
        """List the effects that the project no longer has."""
        files = tree(project)
        lost = [f"{name} is back" for name in sorted(self.gone & files.keys())]
        lost += [f"{name} cannot run" for name in self.executable - executables(project)]
        for name, lines in self.added.items():
            left = files.get(name, b"").splitlines(keepends=True)
            lost += [f"{name} lacks {line!r}" for line in lines if line not in left]
        return lost


@dataclass(frozen=True)
class Edit:
    """An edit that is possible from a level on."""

    name: str
    level: int
    apply: Callable[[Path], None]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


def make(project: Path, edits: list[Edit]) -> Change:
    """Make the edits one after the other, and return their effect."""
    before, could_run = tree(project), executables(project)
    for edit in edits:
        edit.apply(project)
    added = {}
    after = tree(project)
    for name, body in after.items():
        old = set(before.get(name, b"").splitlines(keepends=True))
        if new := [line for line in body.splitlines(keepends=True) if line not in old]:
            added[name] = new
    return Change(added, before.keys() - after.keys(), executables(project) - could_run)


def executables(project: Path) -> set[str]:
    """Return the executable files."""
    return {name for name in tree(project) if os.access(project / name, os.X_OK)}


def replaces(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace a text that occurs once in the file."""

    def apply(project: Path) -> None:
        text = (project / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
        (project / file).write_text(text.replace(old, new), encoding="utf-8")

    return apply


def appends(file: str, new: str) -> Callable[[Path], None]:
    """Append text to the file."""

    def apply(project: Path) -> None:
        with (project / file).open("a", encoding="utf-8") as opened:
            opened.write(new)

    return apply


def writes(file: str, content: str | bytes) -> Callable[[Path], None]:
    """Create or replace the file."""
    body = content.encode() if isinstance(content, str) else content

    def apply(project: Path) -> None:
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).write_bytes(body)

    return apply


def deletes(file: str) -> Callable[[Path], None]:
    """Delete the file."""
    return lambda project: (project / file).unlink()


def renames(file: str, new: str) -> Callable[[Path], None]:
    """Rename the file."""

    def apply(project: Path) -> None:
        (project / file).rename(project / new)

    return apply


def in_pyproject(old: str, new: str) -> Callable[[Path], None]:
    """Replace a text that occurs once in pyproject.toml."""
    return replaces("pyproject.toml", old, new)


def ends_table(header: str, new: str) -> Callable[[Path], None]:
    """Append text to a table of pyproject.toml, where most people write."""

    def apply(project: Path) -> None:
        file = project / "pyproject.toml"
        before, found, after = file.read_text(encoding="utf-8").partition(f"\n{header}\n")
        table, blank, rest = after.partition("\n\n")
        assert found and blank, f"no table {header}"
        text = f"{before}{found}{table}\n{new}\n{rest}"
        file.write_text(text, encoding="utf-8")

    return apply


def may_run(file: str) -> Callable[[Path], None]:
    """Make the file executable."""
    return lambda project: (project / file).chmod(0o755)


def adds_cell(project: Path) -> None:
    """Append a cell to the notebook, as Jupyter saves it."""
    notebook = json.loads((project / "notebook.ipynb").read_text(encoding="utf-8"))
    cell = {"cell_type": "markdown", "id": "own", "metadata": {}, "source": ["## What we learned"]}
    notebook["cells"].append(cell)
    save_notebook(project, notebook)


def changes_cell(project: Path) -> None:
    """Change the first cell of the notebook, as Jupyter saves it."""
    notebook = json.loads((project / "notebook.ipynb").read_text(encoding="utf-8"))
    notebook["cells"][0]["source"] = ["# How long does a ride in our city take?\n"]
    save_notebook(project, notebook)


def save_notebook(project: Path, notebook: object) -> None:
    """Write a notebook in the format of Jupyter."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    (project / "notebook.ipynb").write_text(text, encoding="utf-8")


def another_problem() -> str:
    """Return the `problem.py` that the generated project's guide shows."""
    guide = (TEMPLATE / "docs/another-problem.md.jinja").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    return str(code)


OWN_WORKFLOW = """\
name: Nightly

on:
  schedule:
    - cron: "0 3 * * *"

jobs:
  nightly:
    runs-on: ubuntu-latest
    steps:
      - run: echo nightly
"""
OWN_HOOK = """\
  - repo: local
    hooks:
      - id: no-big-files
        name: no big files
        entry: git ls-files --error-unmatch
        language: system
"""
HELPER = '''

def is_airport(zone: int) -> bool:
    """Tell whether a zone is one of the three airports."""
    return zone in {1, 132, 138}
'''
OWN_TEST = """\
def test_a_rule_of_our_own() -> None:
    assert round(2.5) == 2
"""

REWRITE = Edit("problem rewritten", 1, writes(f"{PACKAGE}/problem.py", another_problem()))

PARAMETERS = Edit("parameters changed", 2, replaces("params.yaml", "alpha: 0.05", "alpha: 0.01"))

# Order matters for edits of the same file: a rewrite comes before an addition.
IN_PYPROJECT = [
    Edit("version raised", 0, in_pyproject('"0.1.0"', '"0.2.0"')),
    Edit("description changed", 0, in_pyproject("before it starts", "before anybody gets in")),
    Edit("Python's range narrowed", 0, in_pyproject('python = ">=3.11"', 'python = ">=3.11,<4"')),
    Edit(
        "keywords put before the dependencies",
        0,
        in_pyproject("\ndependencies = [", '\nkeywords = ["taxi"]\ndependencies = ['),
    ),
    Edit(
        "dependency put first, as uv sorts it",
        0,
        in_pyproject("\ndependencies = [\n", '\ndependencies = [\n    "joblib>=1.3",\n'),
    ),
    Edit(
        "dependency put in the middle, as uv sorts it",
        0,
        in_pyproject('    "pyarrow>=18"', '    "pillow>=10",\n    "pyarrow>=18"'),
    ),
    Edit(
        "dependency appended",
        0,
        in_pyproject('learn>=1.7",\n]', 'learn>=1.7",\n    "threadpoolctl>=3",\n]'),
    ),
    Edit("dependency's range narrowed", 0, in_pyproject('"pyarrow>=18"', '"pyarrow>=19"')),
    Edit(
        "table put below the dependencies",
        0,
        in_pyproject(
            "\n[project.optional",
            '\n[project.urls]\nhome = "https://example.org"\n\n[project.optional',
        ),
    ),
    Edit(
        "optional extra put first, as uv sorts it",
        0,
        in_pyproject("\npipelines = [", '\ncycles = ["cycler"]\npipelines = ['),
    ),
    Edit(
        "optional extra appended",
        0,
        ends_table("[project.optional-dependencies]", 'times = ["python-dateutil>=2.9"]\n'),
    ),
    Edit(
        "dependency group put first, as uv sorts it",
        0,
        in_pyproject("\n[dependency-groups]\n", '\n[dependency-groups]\ncharts = ["contourpy"]\n'),
    ),
    Edit(
        "dependency group appended",
        0,
        ends_table("[dependency-groups]", 'manual = [\n    "pygments>=2.17",\n]\n'),
    ),
    Edit(
        "tool's table appended",
        0,
        appends("pyproject.toml", '\n[tool.black]\ntarget-version = ["py311"]\n'),
    ),
    Edit("line length changed", 1, in_pyproject("line-length = 100", "line-length = 120")),
    Edit("lint rule added", 1, in_pyproject('"S301", "D"]', '"S301", "D", "PIE"]')),
    Edit("test marker added", 1, in_pyproject('lib"\n', 'lib"\nmarkers = ["slow"]\n')),
    Edit(
        "development tool appended",
        1,
        in_pyproject('types-pyyaml>=6",\n', 'types-pyyaml>=6",\n    "pluggy>=1.5",\n'),
    ),
]
ELSEWHERE = [
    Edit("README rewritten", 0, writes("README.md", "# Our taxis\n\nAsk Ada.\n")),
    Edit("README section added", 0, appends("README.md", "\n## Who to ask\n\nAda, on Mondays.\n")),
    Edit("lines added to .gitignore", 0, appends(".gitignore", "/secrets/\n*.tmp\n")),
    Edit(
        "make target added to Makefile",
        0,
        appends("Makefile", "\nhello: ## Greet\n\t@echo hello\n"),
    ),
    Edit("own make file", 0, writes("make/extra.mk", "bye: ## Leave\n\t@echo bye\n")),
    Edit("notebook cell added", 0, adds_cell),
    Edit("notebook cell changed", 0, changes_cell),
    Edit("download changed", 0, replaces("data/download.py", "DELAY = 12", "DELAY = 24")),
    Edit("download made executable", 0, may_run("data/download.py")),
    Edit("own data, which git ignores", 0, writes("data/ours.json", "[1, 2, 3]\n")),
    Edit("own notes", 0, writes("docs/notes.md", "# Notes\n\nZone 132 is an airport.\n")),
    Edit("own file with a name full of signs", 0, writes("docs/Übersicht, 1. Teil.md", "Hallo\n")),
    Edit("own picture", 0, writes("docs/rides.png", BINARY)),
    Edit("own workflow", 0, writes(".github/workflows/nightly.yml", OWN_WORKFLOW)),
    Edit("licence brought along", 0, writes("LICENSE", "Ask us.\n")),
    REWRITE,
    Edit("function added to the problem", 1, appends(f"{PACKAGE}/problem.py", HELPER)),
    Edit(
        "training changed",
        1,
        replaces(f"{PACKAGE}/train.py", 'print(f"wrote {folder}")', 'print(f"see {folder}")'),
    ),
    Edit("own module", 1, writes(f"{PACKAGE}/zones.py", HELPER.lstrip())),
    Edit("test added", 1, writes("tests/test_rules.py", OWN_TEST)),
    Edit("test deleted", 1, deletes("tests/test_train_and_predict.py")),
    Edit("test renamed", 1, renames("tests/test_dataset.py", "tests/test_rows.py")),
    Edit("release workflow deleted", 1, deletes(".github/workflows/release.yml")),
    Edit(
        "step added to the CI workflow",
        1,
        replaces(
            ".github/workflows/ci.yml",
            "      - run: make notebook\n",
            "      - run: make hello\n      - run: make notebook\n",
        ),
    ),
    Edit("pre-commit hook added", 1, appends(".pre-commit-config.yaml", OWN_HOOK)),
    Edit("make target added to ci.mk", 1, appends("make/ci.mk", "\nall: lint test ## Check all\n")),
    Edit("changelog entry", 1, appends("CHANGELOG.md", "- Rides to the airport count, too.\n")),
]
MERGING = IN_PYPROJECT + ELSEWHERE
ALONE = [
    Edit("notebook deleted", 0, deletes("notebook.ipynb")),
    Edit("notebook renamed", 0, renames("notebook.ipynb", "rides.ipynb")),
    Edit("ignore file of the data deleted", 0, deletes("data/.gitignore")),
]

CONFLICTING = [
    Edit("own parameters", 1, writes("params.yaml", "trees: 100\n")),
    Edit("own training module", 0, writes(f"{PACKAGE}/train.py", "print('we train')\n")),
    Edit("own changelog", 0, writes("CHANGELOG.md", "# What happened\n\n- We began.\n")),
    Edit("own CI workflow", 0, writes(".github/workflows/ci.yml", OWN_WORKFLOW)),
    Edit("own test settings", 0, writes("tests/conftest.py", "collect_ignore = ['old']\n")),
    Edit(
        "development tool appended to those of the notebook",
        0,
        in_pyproject('lab>=4.3",\n', 'lab>=4.3",\n    "nbdime>=4",\n'),
    ),
]
