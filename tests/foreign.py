"""Repositories that were not generated from the template, small but realistic, with tests.

Their tests need only pytest, because they run without a level's requirements.
"""

import json
import os
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from projects import commit_all

Files = Mapping[str, str]

README = "# Customer churn\n\nTells which customers will leave. Ask Ada.\n\n## Usage\n\nRun it.\n"
LICENCE = "MIT License\n\nPermission is hereby granted, free of charge, to any person\n"
TRAIN = '''\
"""Fit the model."""


def train(rows):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit([[row["age"]] for row in rows], [row["left"] for row in rows])
'''
CLEAN = """\
def clean(rows):
    return [row for row in rows if row["age"]   is not None]
"""
CUSTOMERS = "age,left\n31,0\n44,1\n,0\n"


def notebook(*cells: str) -> str:
    """Return a notebook as Jupyter saves it."""
    written: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": cell.splitlines(keepends=True),
        }
        for number, cell in enumerate(cells)
    ]
    return json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


# Scripts at the top. Their tests import a helper module and use an undeclared marker.
SCRIPTS = {
    "README.md": README,
    "requirements.txt": "pandas>=2\nscikit-learn\nnumpy==1.20.0  # as on Ada's laptop\n-e .\n",
    "train.py": TRAIN,
    "clean.py": CLEAN,
    "data/customers.csv": CUSTOMERS,
    "tests/helpers.py": "ROWS = [{'age': 31, 'left': 0}, {'age': None, 'left': 1}]\n",
    "tests/test_clean.py": """\
import sys
from pathlib import Path

import pytest

from helpers import ROWS

sys.path.insert(0, str(Path(__file__).parent.parent))


@pytest.mark.quick
def test_rows_without_an_age_go():
    from clean import clean

    assert clean(ROWS) == ROWS[:1]
""",
}

# A package in src, with its own settings, tasks and fixtures, and a test file named as in a level.
PACKAGED = {
    "README.md": README,
    "LICENSE": LICENCE,
    "CHANGELOG.md": "# Changes\n\n- Began.\n",
    ".gitignore": "__pycache__/\n*.egg-info/\n",
    "Makefile": """\
test:
	pytest

lint:
	ruff check src

.PHONY: test lint
""",
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"

[project]
name = "churn"  # as on our index
version = "2.3.0"
description = "Which customers leave, and when?"
authors = [{ name = "Ada Lovelace", email = "ada@example.org" }]
requires-python = ">=3.9"
dependencies = ["scikit-learn"]

[project.optional-dependencies]
plots = ["matplotlib"]

[tool.ruff]
line-length = 79

[tool.pytest.ini_options]
pythonpath = ["src"]
addopts = "-q --strict-markers"
markers = ["quick: takes no time"]
""",
    "src/churn/__init__.py": '"""Churn."""\n\n__version__ = "2.3.0"\n',
    "src/churn/train.py": TRAIN,
    "src/churn/dataset.py": CLEAN,
    "tests/conftest.py": """\
import pytest


@pytest.fixture
def rows():
    return [{"age": 31, "left": 0}, {"age": None, "left": 1}]
""",
    "tests/test_dataset.py": """\
import churn
from churn.dataset import clean


def test_rows_without_an_age_go(rows):
    assert clean(rows) == rows[:1]


def test_version():
    assert churn.__version__ == "2.3.0"
""",
}

# Notebooks and data, with a notebook at the path of the template's.
NOTEBOOKS = {
    "README.rst": "Sales of the north\n==================\n\nWhat will we sell next week?\n",
    "notebook.ipynb": notebook(
        "import pandas as pd", "from sklearn.linear_model import Ridge\nRidge().fit([[1]], [1])"
    ),
    "explore/1 first look.ipynb": notebook('pd.read_csv("../data/sales.csv")'),
    "data/sales.csv": "week,sold\n1,10\n2,12\n",
}

# The layout of cookiecutter-data-science: a package at the top, built by flit.
GENERATED = {
    "README.md": "# churn-forecast\n\nA short description of the project.\n",
    "LICENSE": "\nThe MIT License (MIT)\n\nPermission is hereby granted, free of charge, to any\n",
    ".gitignore": "/data/\n__pycache__/\n.env\n.venv\nmodels/*.bin\n",
    "Makefile": """\
PROJECT_NAME = churn-forecast
PYTHON_INTERPRETER = python

## Install what the project needs
.PHONY: requirements
requirements:
	$(PYTHON_INTERPRETER) -m pip install -r requirements.txt

.PHONY: clean
clean:
	find . -type d -name "__pycache__" -delete

.PHONY: test
test:
	python -m pytest tests

## Make the data set
.PHONY: data
data: requirements
	$(PYTHON_INTERPRETER) churn_forecast/dataset.py

.DEFAULT_GOAL := help
help:
	@echo Available rules: requirements clean test data
""",
    "pyproject.toml": """\
[build-system]
requires = ["flit_core >=3.2,<4"]
build-backend = "flit_core.buildapi"

[project]
name = "churn_forecast"
version = "0.0.1"
description = "A short description of the project."
authors = [
  { name = "Ada's team" },
]
license = { file = "LICENSE" }
readme = "README.md"
classifiers = [
    "Programming Language :: Python :: 3",
    "License :: OSI Approved :: MIT License"
]
requires-python = "~=3.10"

[tool.ruff]
line-length = 99
src = ["churn_forecast"]
include = ["pyproject.toml", "churn_forecast/**/*.py"]

[tool.ruff.lint.isort]
known-first-party = ["churn_forecast"]
""",
    "requirements.txt": "ruff\npytest\npip\npython-dotenv\n",
    "data/raw/.gitkeep": "",
    "data/processed/.gitkeep": "",
    "models/.gitkeep": "",
    "notebooks/.gitkeep": "",
    "references/.gitkeep": "",
    "reports/figures/.gitkeep": "",
    "docs/mkdocs.yml": "site_name: churn-forecast\n",
    "docs/docs/index.md": "# churn-forecast documentation!\n",
    "churn_forecast/__init__.py": "",
    "churn_forecast/config.py": """\
from pathlib import Path

PROJ_ROOT = Path(__file__).resolve().parents[1]
RAW_DATA_DIR = PROJ_ROOT / "data" / "raw"
MODELS_DIR = PROJ_ROOT / "models"
""",
    "churn_forecast/dataset.py": CLEAN,
    "churn_forecast/features.py": "def main():\n    return []\n",
    "churn_forecast/plots.py": "def main():\n    return None\n",
    "churn_forecast/modeling/__init__.py": "",
    "churn_forecast/modeling/train.py": TRAIN,
    "churn_forecast/modeling/predict.py": "def main():\n    return []\n",
    "tests/test_data.py": """\
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


def test_the_folders_are_there():
    from churn_forecast.config import MODELS_DIR

    assert MODELS_DIR.is_dir()
""",
}

# CI with tox, a release workflow, setup.py, and unittest.
CHECKED = {
    "README.md": README,
    "setup.py": """\
from setuptools import find_packages, setup

setup(
    name="churn",
    version="1.0",
    author="Ada Lovelace",
    author_email="ada@example.org",
    license="MIT",
    packages=find_packages(exclude=["tests"]),
)
""",
    "setup.cfg": "[tool:pytest]\naddopts = -v\n",
    "tox.ini": "[tox]\nenvlist = py311\n\n[testenv]\ndeps = pytest\ncommands = pytest\n",
    ".github/workflows/ci.yml": """\
name: CI
on: [push]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: pipx run tox
""",
    ".github/workflows/publish.yml": """\
name: Publish
on:
  release:
    types: [published]
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - run: echo publish
""",
    "params.yaml": "depth: 3\n",
    "churn/__init__.py": "",
    "churn/train.py": TRAIN,
    "churn/clean.py": CLEAN,
    "tests/__init__.py": "",
    "tests/test_clean.py": """\
import unittest

from churn.clean import clean


class TestClean(unittest.TestCase):
    def test_rows_without_an_age_go(self):
        self.assertEqual(clean([{"age": None}]), [])
""",
}

CONDA = """\
name: sales
channels: [conda-forge]
dependencies:
  - python=3.9
  - numpy=1.21
  - conda-forge::pandas>=1.3
  - py-xgboost=1.4
  - openssl=1.1.1k=h7f98852_0
  - pip
  - pip:
      - tabulate==0.8.9
"""


def visits(rows: int = 400) -> str:
    """Return customers as CSV, of whom those with few visits leave."""
    numbers = ((31 * n % 60 + 18, 17 * n % 23, 7 * n % 11) for n in range(rows))
    lines = (f"{age},{seen},{'yes' if seen + noise < 14 else 'no'}" for age, seen, noise in numbers)
    return "\n".join(["age,visits,left", *lines, ""])


# The three kinds that are climbed and serve their own model: where the data are, how the level's
# modules are imported, and the files.
SERVED: dict[str, tuple[str, str, Files]] = {
    "scripts": ("customers.csv", "customer_churn", {**SCRIPTS, "customers.csv": visits()}),
    "packaged": (
        "data/raw/visits.csv",
        "churn.ladder",
        {**PACKAGED, "data/raw/visits.csv": visits()},
    ),
    "notebooks": (
        "data/visits.csv",
        "sales_of_the_north",
        {**NOTEBOOKS, "data/visits.csv": visits(), "environment.yml": CONDA},
    ),
}

REPOSITORIES: dict[str, Files] = {
    "scripts": SCRIPTS,
    "packaged": PACKAGED,
    "notebooks": NOTEBOOKS,
    "generated": GENERATED,
    "checked": CHECKED,
}


def make_repository(folder: Path, files: Files) -> Path:
    """Create a repository whose first commit has the files, even ignored ones."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all", "--force"], cwd=folder, check=True)
    commit_all(folder, "What we had")
    return folder


def own_tests(repository: Path, *, pytest: str | None = None) -> tuple[int, str]:
    """Run `pytest` in the repository, and return its exit code and output."""
    finished = subprocess.run(
        [pytest or f"{sysconfig.get_path('scripts')}/pytest", "-p", "no:cacheprovider"],
        cwd=repository,
        env={
            **{name: value for name, value in os.environ.items() if name[:6] != "PYTEST"},
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
    )
    return finished.returncode, finished.stdout
