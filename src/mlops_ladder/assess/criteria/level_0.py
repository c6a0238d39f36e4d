"""Level 0: what there has to be before there is anything to automate."""

import re

from ..code import TEST_PATH
from ..evidence import at_call, at_text, fits, is_ml
from ..finding import Evidence, Finding, criterion, met, missing, not_applicable, unknown
from ..tools import ARTEFACT
from ..wiring import Wiring

LARGE = 1_000_000  # bytes of a file that should not be carried in git
HOME_PATH = re.compile(r"^(/(home|Users)/\w+|[A-Z]:\\\\?Users)")
COMMAND_IN_README = re.compile(
    r"(?m)(?:^[ \t]*|`)[$>]?[ \t]*(make \w|python3? |pip3? install|uv |poetry |docker[ -]|conda "
    r"|dvc |pytest|mlflow |git clone|\./|bash |sh |just \w|tox|npm |pixi |kedro |streamlit "
    r"|Rscript |curl |pipenv |prefect |airflow |astro |zenml |dagster |metaflow |az |gcloud |aws "
    r"|sam |kubectl |terraform |helm |spark-submit |uvicorn |flask |bentoml |jupyter |source "
    r"|mage |task \w)"
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
    other = [path for path in wiring.sizes if re.search(r"\.(r|rmd|jl|scala)$", path, re.I)]
    if other and not is_ml(wiring):
        return unknown("code in R, Julia or Scala is not read", [Evidence(other[0], 1, "not read")])
    if is_ml(wiring):
        return missing("a machine-learning package is imported, but nothing fits a model")
    return missing("not an ML repository: no machine-learning package is imported")


@criterion("L0-02", "purpose-described", "should", "ZC")
def purpose_described(wiring: Wiring) -> Finding:
    """The README states the purpose of the project and the commands to run it.

    A heading, a paragraph and a command in a code block.
    """
    for path in wiring.repository.matching("README*", "readme*", "Readme*"):
        text = wiring.repository.text(path)
        has_words = len(re.sub(r"```.*?```", "", text, flags=re.S).split()) > 40
        if has_words and (found := COMMAND_IN_README.search(text)):
            return met([at_text(wiring, path, found[0].strip())], "E1")
        return missing("the README has no command to run", [Evidence(path, 1, "README")])
    return missing("there is no README")


@criterion("L0-03", "no-carried-artefacts", "should", "MS0")
def no_carried_artefacts(wiring: Wiring) -> Finding:
    """No model file and no large data file is committed to git.

    Files of models or data of more than 1 MB that are in the tree, and absolute home paths in code.
    """
    large = [path for path, size in wiring.sizes.items() if size > LARGE and ARTEFACT.search(path)]
    if large:
        places = [Evidence(path, 1, f"{wiring.sizes[path]:,} bytes") for path in large]
        return missing(f"{large[0]} is carried in git", places)
    for unit in wiring.code:
        for line, text in unit.strings:
            if HOME_PATH.match(text):
                place = Evidence(unit.path, line, text[:60])
                return missing("code names a folder of one person's machine", [place])
    return met([], "E1")


@criterion("L0-04", "training-outside-notebooks", "should", "SD, G0")
def training_outside_notebooks(wiring: Wiring) -> Finding:
    """Training does not need a notebook.

    The share of the calls that fit a model that stand in notebooks.
    """
    found = [one for one in fits(wiring) if not TEST_PATH.search(one[0].path)]
    if not found:
        return not_applicable("nothing fits a model")
    modules = [one for one in found if not one[0].path.endswith(".ipynb")]
    notebooks = len(found) - len(modules)
    if not modules:
        place = at_call(wiring, *found[0])
        return missing(f"all {notebooks} calls that fit a model are in notebooks", [place])
    return met((at_call(wiring, *one) for one in modules), "E1")
