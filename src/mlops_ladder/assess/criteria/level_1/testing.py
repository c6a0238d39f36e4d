"""Tests of the code and of the model, and CI that runs them."""

import re

from ....inspection.commands import Line
from ....inspection.python import Module, Unit
from ...ci import Job
from ...code import TEST_PATH
from ...evidence import fits, is_set_in_jenkins, predicts, started_outside, undecided, unseen_ci
from ...finding import Evidence, Finding, criterion, met, missing, unknown
from ...places import at_command, at_text, at_unit
from ...suite import helpers_of, is_chosen, is_mocked, is_test, own_imports, test_units
from ...tools import DEPLOY_COMMAND, METRIC_WORD, RESOLVING, TEST_COMMAND
from ...wiring import Wiring

ADDRESS = re.compile(r"(scor(e|ing)|endpoint|service|api)_?(url|uri)$", re.I)
ASKS_ADDRESS = re.compile(r"pytest .*--(scor(e|ing)|endpoint|service|api)[_-]?(url|uri)\b", re.I)
MODEL_NAME = re.compile(r"^(?:self\.)?\w*(?:model|net|network|module|classifier|regressor)$|\(\)$")
SCRIPT = re.compile(r"^python[\d.]* \S+\.py\b")
TEST_SCRIPT = re.compile(r"^python[\d.]* (\S*/)?(run_)?tests?(_\w+)?\.py\b")
RUNNER = re.compile(r"^(?:python[\d.]* -m )?(?:tox|nox)\b")
DOTTED_TESTS = re.compile(r"\w+(\.\w+)+")
NAMED_TESTS = re.compile(r"(?!-)(?=[^=:*$]*test)[\w./-]*(/|\.py|/[\w-]+)")
"""A word of a command that is a folder or file of tests."""
DECLARED_SESSIONS = {"tox.ini", "tox.toml", "setup.cfg"}
LOADS = re.compile(r"(^|\.)load_model$|^(joblib|pickle|torch)\.load$|\.InferenceSession$")
LOADING = [
    ".load_model",
    "joblib.load",
    "pickle.load",
    "torch.load",
    "onnxruntime.InferenceSession",
]
"""What loads a stored model."""
REPLACED = {"dependency_overrides", "monkeypatch", "patch", "MagicMock", "Mock", "mocker"}
"""What puts a stand-in into the place of a model."""
STAND_IN = re.compile(r"(mock|fake|stub|dummy)_?model|model_?(mock|fake|stub)", re.I)
MODEL_CALLED = re.compile(r"^(model|classifier|regressor|clf|net|network|estimator|predictor)$")
MODEL_NAMED = re.compile(r"model|predictor|classifier|regressor|estimator", re.I)


@criterion("L1-03", "unit-tests", "must", "MS1, I2, ZC")
def unit_tests(wiring: Wiring) -> Finding:
    """The code has tests that can fail.

    A test function with an assertion, in a file that imports the repository's own code.
    """
    empty = None
    for module, unit in test_units(wiring):
        if own := own_imports(wiring, module) or helpers_of(wiring, module, unit)[1]:
            return met([at_unit(wiring, unit), Evidence(own[0], 1, "what it tests")])
        empty = empty or unit
    if empty:
        return missing("tests import none of the code", [at_unit(wiring, empty)])
    if wiring.tests:
        return missing("no test asserts anything", [Evidence(wiring.tests[0].path, 1, "test")])
    return missing("there are no tests")


@criterion("L1-04", "tests-in-ci", "must", "MS1, ZC")
def tests_in_ci(wiring: Wiring) -> Finding:
    """CI runs the tests on every push or pull request.

    A job whose commands lead to pytest or unittest, also through make, tox, nox, just, mise, pixi
    and scripts, whose failure is not ignored, and tests that are there.
    """
    off = absent = None
    for job in wiring.jobs:
        for line in job.lines:
            if runs_assertions(wiring, line) and job.started_by("push", "pull_request"):
                return met([at_text(wiring, line.file, line.text[:40], line.text)], "E3")
            if TEST_COMMAND.search(line.text) and not is_followed(job, line):
                if names_no_test(wiring, line):
                    absent = absent or (job, line)
                    continue
                if line.counts and job.started_by("push", "pull_request", "pull_request_target"):
                    if not wiring.tests and not re.search(r"Rscript|cargo", line.text):
                        return missing(
                            "CI runs tests, but there are none",
                            at_command(wiring, job, line, TEST_COMMAND),
                        )
                    places = at_command(wiring, job, line, TEST_COMMAND)
                    if is_set_in_jenkins(wiring, job):
                        return started_outside(job, places)
                    if cannot_start(wiring, line):
                        told = "CI runs tests, but all import what the repository's code lacks"
                        return undecided(wiring, told, places)
                    return met(places, "E3")
                off = off or (job, line)
    if off:
        job, line = off
        why = (
            "its failure is ignored"
            if not line.counts
            else "neither a push nor a pull request starts it"
        )
        if job.started_by("outside"):
            return started_outside(job, at_command(wiring, job, line, TEST_COMMAND))
        return missing(
            f"{job.file} runs tests, but {why}", at_command(wiring, job, line, TEST_COMMAND)
        )
    if absent:
        place = at_command(wiring, *absent, TEST_COMMAND)
        return missing("CI runs tests in a folder that is not there", place, "E1")
    reason = "no CI job runs the tests" if wiring.jobs else "there is no CI"
    return unseen_ci(wiring, reason, r"test|(^|[/_-])ci\b|check|quality")


def cannot_start(wiring: Wiring, line: Line) -> bool:
    """Tell whether all test files that a command runs import what is not there."""
    run = [module for module in wiring.tests if is_chosen(line.text, module.path, wiring)]
    tests = [module for module in run if any(map(is_test, module.units))]
    return bool(tests) and all(map(wiring.imports_nothing_there, tests))


def runs_assertions(wiring: Wiring, line: Line) -> bool:
    """Tell whether a command runs a script of tests, with assertions, by its path."""
    if not line.counts or not SCRIPT.match(line.text):
        return False
    named = TEST_SCRIPT.search(line.text)
    files = {path for path, _ in wiring.started(line.text, line.file, line.folder)}
    return any(
        unit.asserts
        for path in files
        if named or TEST_PATH.search(path)
        for unit in wiring.modules[path].units
    )


def names_no_test(wiring: Wiring, line: Line) -> bool:
    """Tell whether a command names folders or files of tests, and none of them is there."""
    words = [word.partition("::")[0].strip("\"'") for word in line.text.split()[1:]]
    named = [word for word in words if NAMED_TESTS.fullmatch(word)]
    if "unittest" in line.text and (
        dotted := [one for one in words if DOTTED_TESTS.fullmatch(one)]
    ):
        return not any(wiring.module_path(one) for one in dotted)
    return bool(named) and not any(is_there(wiring, line, word) for word in named)


def is_there(wiring: Wiring, line: Line, word: str) -> bool:
    """Tell whether a path that a command names is in the repository, by its end if need be."""
    clean = word.removeprefix("./").rstrip("/")
    if clean.startswith("../"):
        if not line.folder and line.file.startswith(".github/workflows/"):
            return False  # above the checkout
        clean = clean.replace("../", "")
    top, _, rest = clean.partition("/")
    checked_out = re.search(rf"\bpath:\s*[./]*{re.escape(top)}", wiring.repository.text(line.file))
    if rest and checked_out and line.file.startswith(".github/workflows/"):
        clean = rest
    return any(f"/{clean}/" in f"/{path}/" for path in wiring.sizes)


def is_followed(job: Job, line: Line) -> bool:
    """Tell whether a line only starts a runner of which the job has what it runs."""
    return bool(RUNNER.match(line.text)) and any(
        other.file in DECLARED_SESSIONS
        or (other.file == "noxfile.py" and TEST_COMMAND.search(other.text))
        for other in job.lines
        if other.file != line.file and other.text != line.text
    )


@criterion("L1-07", "model-tested", "must", "MS1")
def model_tested(wiring: Wiring) -> Finding:
    """A test builds or loads a model, and checks its predictions.

    A test with an assertion that predicts, itself or through the code that it imports, with a model
    that is no mock.
    """
    mocked = indirect = None
    fitting = {(unit.path, unit.name) for unit, _ in fits(wiring)}
    predicting = {
        unit.short for unit, _ in predicts(wiring) if (unit.path, unit.name) not in fitting
    } | {
        "predict",
        "predict_proba",
        "forward",
    }
    predicting |= {"evaluate", "score"}
    predicting -= {"main", "<module>", "__main__", "__init__", "run", "execute"}
    judging = {unit.short for unit, _ in predicts(wiring)} - {"main", "<module>", "__main__", "run"}
    making = {unit.short for unit, _ in fits(wiring)} | {
        "fit",
        "train",
        "load_model",
        "from_pretrained",
    }
    classes = making_words(wiring)
    making |= classes
    making |= {unit.short for unit, _ in wiring.calls(LOADING) if unit.name == unit.short}
    for module, unit in test_units(wiring):
        helped, own = helpers_of(wiring, module, unit)
        used = set(unit.names) | helped
        called = {call.name.rpartition(".")[2] for call in unit.calls}
        calls = called | (used & predicting)
        is_called = any(MODEL_CALLED.search(call.name) for call in unit.calls) or (
            classes & used and calls_a_model(unit)
        )
        if any(METRIC_WORD.search(name) for name in unit.ordered):
            predicting = predicting | judging
        predicts_there = "get" in calls and any("predict" in text for _, text in unit.strings)
        is_asked = ("post" in calls or predicts_there) and asks_a_model(wiring, own, helped)
        loaded = any(LOADS.search(call.name) for one in module.units for call in one.calls)
        if not (calls & predicting or is_called or is_asked) or not (own or loaded):
            continue
        stands_in = any(map(STAND_IN.search, used)) or is_mocked(module, unit)
        if stands_in or (is_asked and REPLACED & (used | names_of(module))):
            mocked = mocked or unit
            continue
        if (
            loaded
            or asks_a_model(wiring, own, helped)
            or used & making
            or any(MODEL_NAMED.search(name) for name in used)
        ):
            if called & predicting or is_called or is_asked:
                return met([at_unit(wiring, unit)], "E3")
            indirect = indirect or unit
    if asked := asks_deployed_model(wiring):
        return met(asked, "E3")
    if mocked:
        return unknown("tests predict with a mock instead of a model", [at_unit(wiring, mocked)])
    if indirect:
        told = "a test uses code that predicts; whether it checks predictions, files do not show"
        return unknown(told, [at_unit(wiring, indirect)])
    return missing("no test predicts with a model and checks the result")


def names_of(module: Module) -> set[str]:
    """Return all names that a module uses."""
    return {name for unit in module.units for name in unit.names}


def asks_a_model(wiring: Wiring, own: list[str], helped: set[str]) -> bool:
    """Tell whether a test's own service has a model: one of the test, or a stored one it loads."""
    files = {path for one in own for path in (one, *wiring.imports_of(one))}
    loads = [*wiring.calls(RESOLVING), *wiring.calls(LOADING)]
    return "fit" in helped or any(unit.path in files for unit, _ in loads)


def asks_deployed_model(wiring: Wiring) -> list[Evidence]:
    """Return where CI deploys a model and then runs a test that asks it for a prediction."""
    jobs = [job for job in wiring.jobs if job.runs(DEPLOY_COMMAND)]
    asks = [job.runs(ASKS_ADDRESS) for job in wiring.jobs]
    lines = [line for line in asks if line] if jobs else []
    for module, unit in test_units(wiring) if lines else ():
        posts = [call for call in unit.calls if re.match(r"(requests|httpx)\.post$", call.name)]
        is_run = any(module.path.rpartition("/")[2] in line.text for line in lines)
        if posts and is_run and any(ADDRESS.search(name) for name in unit.names):
            return [at_unit(wiring, unit), at_text(wiring, lines[0].file, lines[0].text[:40])]
    return []


def calls_a_model(unit: Unit) -> bool:
    """Tell whether a unit calls a value with arguments, as `model(x)` does."""
    return any(call.arguments and MODEL_NAME.search(call.name) for call in unit.calls)


def making_words(wiring: Wiring) -> set[str]:
    """Return the classes of models that the code defines."""
    return {
        unit.short
        for unit in wiring.code
        if any(
            base.rpartition(".")[2] in {"Module", "Model", "LightningModule", "BaseEstimator"}
            for base in unit.bases
        )
    }
