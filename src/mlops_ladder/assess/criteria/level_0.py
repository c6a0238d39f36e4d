"""Level 0: what there has to be before there is anything to automate."""

import re

from ...inspection.python import parse_module
from ..code import TEST_PATH
from ..evidence import at_call, at_line, at_text, fits, is_ml
from ..finding import Evidence, Finding, criterion, met, missing, not_applicable, unknown
from ..other_files import OF_STATISTICS
from ..tools import ARTEFACT
from ..wiring import Wiring

FEWEST_WORDS = 40  # that state a purpose
LARGE = 1_000_000  # bytes of a file that should not be carried in git
README = re.compile(r"readme[^/]*$", re.I)
HOME_PATH = re.compile(r"^(/(Workspace/)?(home|Users)/\w+|/Repos/[^/]+@|[A-Z]:\\\\?Users)")
HOME_IN_SHELL = re.compile(r"(?<![\w.~-])/(home|Users)/\w+")
FEWEST_SHARE = 0.2  # of the calls that fit a model, in files that are no notebooks
OF_NOTEBOOKS = re.compile(r"(^|/)notebooks?/|\.ipynb$")
FENCED = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1", re.M | re.S)
BLOCK = re.compile(rf"{FENCED.pattern}|^(?: {{4}}|\t| {{0,3}}[$>] )[^\n]*$|`[^`\n]+`", re.M | re.S)
PACKED = re.compile(r"\.(zip|tar|gz)$", re.I)
SCRIPT_RUN = re.compile(r"\bpython[\d.]* (?!-)([\w./-]+\.py)\b")
COMMAND_IN_README = re.compile(
    r"(?m)(?:^[ \t]*|`)[$>]?[ \t]*(make \w|python3? |pip3? install|uv |poetry |docker[ -]|conda "
    r"|dvc |pytest|mlflow |git clone|\./|bash |sh |just \w|tox|npm |pixi |kedro |streamlit "
    r"|Rscript |curl |pipenv |pipx |uvx |prefect |airflow |astro |zenml |dagster |metaflow |az "
    r"|gcloud |aws |sam |kubectl |terraform |helm |spark-submit |uvicorn |flask |bentoml |jupyter "
    r"|source |mage |task \w)"
)


@criterion("L0-01", "something-is-fitted", "must")
def something_is_fitted(wiring: Wiring) -> Finding:
    """Code in the repository fits a model.

    A call such as `.fit(`, `xgb.train(`, a torch loop or a managed training job, in Python or in a
    notebook's cells, beside the import of a machine-learning package.
    """
    found = fits(wiring)
    if found:
        found.sort(key=lambda one: one[0].path.endswith(".ipynb"))
        return met((at_call(wiring, *one) for one in found), "E1")
    other = wiring.unread_languages
    if other and not (is_ml(wiring) and OF_STATISTICS.issuperset(other)):
        places = [Evidence(path, 1, "not read") for path in other.values()]
        return unknown(f"code in {' and '.join(sorted(other))} is not read", places)
    if is_ml(wiring):
        return missing("a machine-learning package is imported, but nothing fits a model")
    return missing("not an ML repository: no machine-learning package is imported")


@criterion("L0-02", "purpose-described", "should", "ZC")
def purpose_described(wiring: Wiring) -> Finding:
    """The README states the purpose of the project and the commands to run it.

    A heading, a paragraph and a command in a code block.
    """
    named = sorted(path for path in wiring.sizes if README.match(path))
    for path in sorted(named, key=lambda one: not one.lower().endswith((".md", ".rst"))):
        text = wiring.repository.text(path)
        blocks = "\n".join(block[0] for block in BLOCK.finditer(text))
        found = COMMAND_IN_README.search(blocks)
        scripts = [one[1] for one in SCRIPT_RUN.finditer(blocks)]
        if scripts and not any(is_there(wiring, one) for one in scripts):
            told = f"the README runs {scripts[0]}, which is not there"
            return missing(told, [at_text(wiring, path, scripts[0])], "E1")
        if found and len(FENCED.sub("", text).split()) > FEWEST_WORDS:
            return met([at_text(wiring, path, found[0].strip("` \n"))], "E1")
        what = "does not say what the project is for" if found else "has no command to run"
        return missing(f"the README {what}", [Evidence(path, 1, "README")])
    return missing("there is no README")


def is_code(path: str) -> bool:
    """Tell whether an archive is named for a function or a package rather than for data."""
    return bool(re.search(r"lambda|function|layer|package|dist|deploy|source", path, re.I))


def is_there(wiring: Wiring, path: str) -> bool:
    """Tell whether a script is in the repository, by its end since a reader may change folders."""
    return any(f"/{one}".endswith(f"/{path.removeprefix('./')}") for one in wiring.sizes)


@criterion("L0-03", "no-carried-artefacts", "should", "MS0")
def no_carried_artefacts(wiring: Wiring) -> Finding:
    """No model file and no large data file is committed to git.

    Files of models or data of more than 1 MB that are in the tree, and absolute home paths in code.
    """
    large = [
        path
        for path, size in wiring.sizes.items()
        if size > LARGE and ARTEFACT.search(path) and not (PACKED.search(path) and is_code(path))
    ]
    if large:
        places = [Evidence(path, 1, f"{wiring.sizes[path]:,} bytes") for path in large]
        return missing(f"{large[0]} is carried in git", places)
    for path in wiring.naming_homes:
        if not TEST_PATH.search(path) and (place := home_folder(wiring, path)):
            return missing("code names a folder of one person's machine", [place])
    return met([], "E1")


def home_folder(wiring: Wiring, path: str) -> Evidence | None:
    """Return where code names a person's folder, if it does."""
    module = wiring.modules[path]
    body = wiring.repository.tree[path]
    try:
        units = module.units if path.endswith(".ipynb") else parse_module(path, body.decode()).units
    except ValueError:
        units = module.units
    for unit in units:
        for line, text in unit.strings:
            if HOME_PATH.match(text):
                return at_line(wiring, path, line, text[:60])
    for line, text in module.shell:
        if HOME_IN_SHELL.search(text):
            return at_line(wiring, path, line, text[:60])
    return None


@criterion("L0-04", "training-outside-notebooks", "should", "SD, G0")
def training_outside_notebooks(wiring: Wiring) -> Finding:
    """Training does not need a notebook.

    The share of the calls that fit a model that stand in notebooks.
    """
    found = [one for one in fits(wiring) if not TEST_PATH.search(one[0].path)]
    if not found:
        return not_applicable("nothing fits a model")
    modules = [one for one in found if not OF_NOTEBOOKS.search(one[0].path)]
    notebooks = len(found) - len(modules)
    if len(modules) < FEWEST_SHARE * len(found):
        place = at_call(wiring, *next(one for one in found if OF_NOTEBOOKS.search(one[0].path)))
        only = "only" if not modules else f"but for {len(modules)}"
        return missing(f"calls that fit a model are in notebooks {only}: {notebooks}", [place])
    return met((at_call(wiring, *one) for one in modules), "E1")
