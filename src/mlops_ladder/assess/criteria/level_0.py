"""Level 0: what there has to be before there is anything to automate."""

import re

from packaging.utils import canonicalize_name

from ...inspection.python import parse_module
from ...inspection.repository import MAKE_NAMES
from ..code import TEST_PATH
from ..evidence import fits, is_ml
from ..finding import Evidence, Finding, criterion, met, missing, not_applicable, unknown
from ..other_files import DOCS_PATH, OF_STATISTICS
from ..places import at_call, at_line, at_text, uncommented
from ..tools import ARTEFACT
from ..wiring import Wiring

FEWEST_WORDS = 40  # that state a purpose
LARGE = 1_000_000  # bytes of a file that should not be carried in git
README = re.compile(r"readme[^/]*$", re.I)
HOME_PATH = re.compile(
    r"^(/(Workspace/)?(home|Users)/\w+|/Repos/[^/]+@|[A-Za-z]:[\\\\/]+(?!Program|Windows)\w)"
)
HOME_IN_SHELL = re.compile(
    r"(?<![\w.~:-])/(home|Users)/"
    r"(?!(ubuntu|ec2-user|jovyan|airflow|user|app|runner|vscode|node|\$)\b)\w+"
)
"""A folder of a person, not of an image's or a cloud's own user."""
FEWEST_SHARE = 0.2  # of the calls that fit a model, in files that are no notebooks
OF_NOTEBOOKS = re.compile(r"(^|/)notebooks?/|\.ipynb$")
FENCED = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1", re.M | re.S)
BLOCK = re.compile(
    rf"{FENCED.pattern}|^(?:make|python3?|dvc|docker|uvicorn) [\w./:-]+(?: [\w./:-]+)*$"
    r"|^(?: {4}|\t| {0,3}[$>] )[^\n]*$|`[^`\n]+`",
    re.M | re.S,
)
INLINE = re.compile(r"`(?!``)")
OF_RUNS = re.compile(r"(^|/)(logs?|runs|outputs|mlruns|\.hydra)/|[^/]*env[^/]*\.ya?ml$")
"""Files that a run or conda wrote."""
PACKED = re.compile(r"\.(zip|tar|gz)$", re.I)
SCRIPT_RUN = re.compile(
    r"(?:\b(?:python[\d.]*|bash|sh|streamlit run|spark-submit|torchrun)[ \t]+(?!-)|(?<![\w/.])\./)"
    r"([\w./-]+\.(?:py|sh))\b"
)
FILE_GIVEN = re.compile(
    r"(?:-r|-f|--?var-file|--file|--env-file)[ =](?!/|path/)([\w./-]+\.[a-zA-Z]\w+)"
    r"|(?m:^[ \t]*\$?[ \t]*(?:cp|mv)) ([\w./-]*\.[\w./-]+) "
)
FILE_NAMED = re.compile(
    r"(?<![\w/.$:={}<@-])(?:\./)?((?!path/|your)\w[\w./-]*\.(?:py|sh|ya?ml|toml|txt|ipynb|tf|cfg|ini))"
    r"(?![\w/(*])"
)
WRITES = re.compile(r"\b(curl|wget|git clone|touch|nano|vim?|cp|mv)\b|>| -o |--out")
NO_SHELL = re.compile(
    r"[ \t]*(```|~~~) ?(python|py|ya?ml|json|toml|ini|sql|text|plain)|.*[│├└]", re.S
)
"""Blocks that show a file, a folder or an output."""
COMPOSES = re.compile(r"\bdocker[ -]compose (?!(?:\S+ )*-f\b)")
MODULE_RUN = re.compile(r"\bpython[\d.]* -m ([\w.]+)|\b(?:uvicorn|gunicorn)\b[^\n`]*? ([\w.]+):\w+")
TARGET_MADE = re.compile(r"(?m)(?:^|[`$>&;] ?)[ \t]*make ([a-z][\w-]*)")
COMMAND = re.compile(
    r"(?m)(?:^[ \t]*(?:\d+\.|-)?[ \t]*|`|&& ?)[$>]?[ \t]*(?:\w+=\S+ )*"
    r"(?:(?:uv|poetry|pipenv|pixi|hatch|conda) run )?"
    r"(python[\d.]* (?!-m (?:venv|pip)|-V|--v)\S+|make \w[\w-]*|just \w+|dvc (?:repro|exp)"
    r"|docker[ -]compose (?:\S+ )*(?:up|run)|docker run|uvicorn \S+|flask run|streamlit run"
    r"|mlflow (?:ui|run|server)|kedro run|(?:prefect|airflow|zenml|dagster|metaflow|jupyter)"
    r" (?!integration|init\b|login|config|stack)\S+"
    r"|astro dev|(?:mise|uv) run \S+"
    r"|pytest|tox|nox|bentoml (?:serve|build)|(?:bash|sh|invoke|spark-submit) \S+"
    r"|\./\S+\.sh|terraform apply|sam deploy|cdk deploy|kubectl apply|helm (?:install|upgrade)"
    r"|npm (?:run|start)|(?:az ml|gcloud) \S+|torchrun|accelerate launch|Rscript \S+|curl )"
)
"""Commands that train, serve or test; those that only install are none."""
INSTALLS = re.compile(r"(?m)\b(?:pip3?|conda) install (?:-\S+ )*[\"']?([\w.-]+)")
PURPOSE = re.compile(
    r"\b(predict\w*|forecast\w*|classif\w*|detect\w*|estimat\w*|segment\w*|recommend\w*|regression"
    r"|goal|purpose|problem|objective|aim(s|ed)?|recogni\w*|model(s|l?ing)?)\b",
    re.I,
)
WORDS_FOR_EACH = 50  # words of a README for each that may tell what a model is for,
MOST_PURPOSE = 4  # and how many of those are enough


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
        found_blocks = [block[0] for block in BLOCK.finditer(text)]
        blocks = "\n".join(found_blocks)
        prose = FENCED.sub("", text)
        found = COMMAND.search(blocks) or runs_itself(wiring, blocks)
        if not found:
            what = "has no command that trains, serves or tests"
            return missing(f"the README {what}", [Evidence(path, 1, "README")])
        shown = [one for one in found_blocks if not INLINE.match(one)]
        run = named_in(wiring, "\n".join(shown))
        absent = [name for name, is_known in run if not is_known]
        if absent:
            told = f"the README runs {absent[0]}, which is not there"
            if len(absent) * 2 > len(run):
                return missing(told, [at_text(wiring, path, absent[0])], "E1")
            return unknown(f"{told}; other commands are", [at_text(wiring, path, absent[0])])
        for name in named_by_commands(shown):
            if not is_there(wiring, name):
                told = f"a command of the README takes {name}, which is not there"
                return unknown(told, [at_text(wiring, path, name)])
        if len(prose.split()) <= FEWEST_WORDS:
            what = "does not say what the project is for"
            return missing(f"the README {what}", [Evidence(path, 1, "README")])
        place = at_text(wiring, path, found[0].strip("` \n"))
        wanted = min(max(len(prose.split()) // WORDS_FOR_EACH, 1), MOST_PURPOSE)
        if len(PURPOSE.findall(prose)) < wanted:
            return unknown("whether the README tells the problem, a person has to read", [place])
        return met([place], "E1")
    return missing("there is no README")


def named_in(wiring: Wiring, blocks: str) -> list[tuple[str, bool]]:
    """Return the scripts, modules and targets that commands name, each with whether it is there."""
    makefiles = wiring.repository.matching(*(f"**/{name}" for name in MAKE_NAMES))
    made = "\n".join(map(wiring.repository.text, makefiles))
    own = {path.partition("/")[0].removesuffix(".py") for path in wiring.modules}
    scripts = [one[1] for one in SCRIPT_RUN.finditer(blocks) if f"-o {one[1]}" not in blocks]
    modules = [one[1] or one[2] for one in MODULE_RUN.finditer(blocks)]
    modules = [one for one in modules if one.partition(".")[0] in own]  # others are installed
    targets = [one[1] for one in TARGET_MADE.finditer(blocks)]
    given = [one[1] or one[2] for one in FILE_GIVEN.finditer(blocks)]
    given = [one for one in given if f"-o {one}" not in blocks]
    composed = COMPOSES.search(blocks) and not any("compose" in path for path in wiring.sizes)
    return [
        *((one, is_there(wiring, one)) for one in scripts),
        *((one, False) for one in given if not is_there(wiring, one)),
        *([("docker compose", False)] if composed else []),
        *((one, is_module(wiring, one)) for one in modules),
        *((f"make {one}", bool(re.search(rf"(?m)^({one}\b.*|%):", made))) for one in targets),
    ]


def named_by_commands(blocks: list[str]) -> list[str]:
    """Return the files that commands take and that no command writes before."""
    shell = [one for one in blocks if not NO_SHELL.match(one)]
    lines = [line.partition(" #")[0] for one in shell for line in one.splitlines()]
    written = "\n".join(line for line in lines if WRITES.search(line))
    taken = [one for line in lines if line not in written for one in FILE_NAMED.findall(line)]
    return [one for one in taken if one.rpartition("/")[2] not in written]


def is_module(wiring: Wiring, name: str) -> bool:
    """Tell whether the repository has a module of a dotted name."""
    path = wiring.module_path(name)
    return path is not None and wiring.modules[path].dotted.endswith(name.removeprefix("src."))


def runs_itself(wiring: Wiring, blocks: str) -> re.Match[str] | None:
    """Return where commands run the repository's own package, or install it from an index."""
    for name in wiring.console_scripts:
        run = rf"(?m)^[ \t]*(?:[$>] ?)?(?:(?:uv|poetry) run )?{re.escape(name)}\b"
        if found := re.search(run, blocks):
            return found
    names = {canonicalize_name(path.partition("/")[0]) for path in wiring.modules if "/" in path}
    names |= {canonicalize_name(wiring.project_name)} if wiring.project_name else set()
    own = (one for one in INSTALLS.finditer(blocks) if canonicalize_name(one[1]) in names)
    return next(own, None)


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
    if place := home_in_settings(wiring):
        return missing(f"{place.path} names a folder of one person's machine", [place])
    for path in wiring.naming_homes:
        if not TEST_PATH.search(path) and (place := home_folder(wiring, path)):
            return missing("code names a folder of one person's machine", [place])
    return met([], "E1")


def home_in_settings(wiring: Wiring) -> Evidence | None:
    """Return where a script or a manifest names a person's folder, if one does."""
    others = [path for path in wiring.sizes if path.endswith((".sh", ".cfg"))]
    for path in [*(one for one in wiring.yaml_files if not OF_RUNS.search(one)), *others]:
        body = wiring.repository.tree[path]
        if DOCS_PATH.search(path) or not (b"home/" in body or b"Users/" in body):
            continue
        if found := HOME_IN_SHELL.search(uncommented(wiring, path)):
            return at_text(wiring, path, found[0])
    return None


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
