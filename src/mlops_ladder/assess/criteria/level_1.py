"""Level 1: software as others write it; the model is still trained and released by hand."""

import re
import tomllib
from collections.abc import Callable, Iterator

from packaging.utils import canonicalize_name

from ...inspection.commands import Line, hook_entries, joined
from ...inspection.files import as_list, as_mapping, mappings_in, strings_in
from ...inspection.impact import dependencies
from ...inspection.python import BODY, Call, Module, Unit
from ..ci import APPLIES, Job
from ..code import TEST_PATH
from ..evidence import (
    at_call,
    at_command,
    at_line,
    at_text,
    at_unit,
    fits,
    fitting_places,
    helpers_of,
    is_mocked,
    own_imports,
    predicts,
    started_outside,
    test_units,
    training_reach,
    uncommented,
    unseen_ci,
)
from ..finding import (
    Evidence,
    Finding,
    any_of,
    criterion,
    met,
    met_if,
    missing,
    not_applicable,
    unknown,
)
from ..other_files import DOCS_PATH, all_mappings
from ..tools import (
    AS_DATA,
    AUDIT_COMMAND,
    BUILD_ACTION,
    BUILD_COMMAND,
    BUNDLED,
    CLIENTS,
    DEPLOY_COMMAND,
    DEPLOYING_CALLS,
    FETCHING,
    LINT_ACTION,
    LINT_COMMAND,
    LOCKS,
    METRIC_WORD,
    NOT_DATA,
    PUBLISH_ACTION,
    PUBLISH_COMMAND,
    REMOTE,
    RESOLVING,
    ROLLOUT_ACTION,
    ROLLOUT_COMMAND,
    TEST_COMMAND,
)
from ..wiring import Wiring

AUTOMATIC = (
    *("push", "pull_request", "tag", "release", "workflow_run", "pull_request_target"),
    *("merge_group", "schedule", "repository_dispatch", "registry_package"),
)
ELSEWHERE = {
    "builds a package": r"build|package|image|docker|release|publish",
    "builds": r"build|package|image|docker",
    "publishes": r"release|publish|push|deploy|build.*image",
    "rolls": r"release|publish|deploy",
    "deploys": r"deploy|(^|[/_-])cd\b",
    "style": r"lint|style|format|quality|pre-?commit",
}
"""How a workflow of another repository that does something is named."""
COMPOSE_UP = re.compile(r"docker(-| )compose\b.* up\b")
TRIAL_CLUSTER = re.compile(
    r"kind-action|setup-minikube|setup-k3d|\b(kind create|minikube start|k3d cluster create)\b"
)
TRIAL_END = re.compile(r"compose\b.* (down|logs|ps)\b|curl |wait-for")
ADDRESS = re.compile(r"(scor(e|ing)|endpoint|service|api)_?(url|uri)$", re.I)
ASKS_ADDRESS = re.compile(r"pytest .*--(scor(e|ing)|endpoint|service|api)[_-]?(url|uri)\b", re.I)
MAKES_HOOK = re.compile(
    r"\b(ln|cp)\b.*(\.git/hooks|\$\w*(HOOK|GIT_DIR)\w*)|core\.hooksPath|\.git/hooks/pre-commit",
    re.I,
)
MODEL_NAME = re.compile(r"^(?:self\.)?\w*(?:model|net|network|module|classifier|regressor)$|\(\)$")
UPLOADS = re.compile(r"\b(twine upload|(uv|poetry|hatch|flit|pdm) publish)\b")
IMAGE_ACTION_INPUT = re.compile(r"(?:^|\s)(context|file): (\S+)")
ARCHIVE = re.compile(
    r'(?m)^\s*data\s+"archive_file"|^\s*source\s*=\s*"terraform-aws-modules/lambda'
)
PACKS = re.compile(r"^(zip( -\w+)*|tar -?\w*c\w*f) (?P<file>[\w.-]+\.(zip|tar|tgz|tar\.gz))\b")
SENDS = re.compile(r"^(scp|rsync)\b.* \S+@\S+:")
SCRIPT = re.compile(r"^python[\d.]* \S+\.py\b")
TEST_SCRIPT = re.compile(r"^python[\d.]* (\S*/)?(run_)?tests?(_\w+)?\.py\b")
FROM_BUCKET = re.compile(r"(aws s3 (cp|sync) s3:|gsutil (-m )?(cp|rsync)( -r)? gs:)")
DOWNLOADS = re.compile(
    r"\bkaggle (datasets|competitions) download\b|\bgdown "
    r"|\b(wget|curl|aws s3 (cp|sync) s3:|gsutil (-m )?(cp|rsync)( -r)? gs:)\S* .*"
    r"(\bdata(set)?s?\b|\.(csv|parquet)\b)"
)
FETCHES = re.compile(
    r"download|fetch|ingest|extract|collect|pull|scrape|(get|load)_\w*data"
    r"|(read|load)_\w*(s3|gcs|blob|bucket|url|api|db|storage)",
    re.I,
)
DATA_ADDRESS = re.compile(r"^(data(set)?|bucket|object|file|csv|source|s3|blob)_?(url|uri)$", re.I)
STORES = {"s3", "athena", "dynamodb", "redshift-data", "timestream-query", "glue"}
"""Services of AWS that have data."""
OF_SERVICE = re.compile(
    r"(^|/)(serv\w*|apis?|apps?|dashboards?|monitor\w*|web\w*|ui|\w*logg\w+)(/|\.py$)", re.I
)
MAKES_CLIENT = re.compile(r"client|session|connect|resource", re.I)
READS = {"read_csv", "read_parquet", "read_json", "read_excel"}
ASKS = re.compile(r"health|predict|score|model", re.I)
"""Names where a client asks a service, or fetches a model."""
NAMED_ALIKE = {"torch", "tensorflow", "keras", "xgboost", "lightgbm", "catboost", "prophet"}
"""Packages that are imported by the name that they have on PyPI."""
SETS_PYTHON = re.compile(r"python-version: ([\d.]+)")
PACKAGING_CALLS = [
    *("*.RegisterModel", "sagemaker.workflow.model_step.ModelStep", "boto3:.create_model_package"),
    *("sagemaker:.create_model_package", "azureml:.package"),
]
"""Calls that make a model with its image into what can be deployed as it is."""
SERVED = ["azure.ai.ml.entities.ManagedOnlineDeployment", "azure.ai.ml.entities.BatchDeployment"]
"""Calls by which a cloud makes an image of a model, its environment and its code."""
HOOK = re.compile(r"^curl .*(deploy[-_]?hook|DEPLOY[-_]?HOOK|api\.render\.com/deploy)")
COPIES = re.compile(r"(?mi)^(?:COPY|ADD) (?!--from)(?:--\S+ )*([^\[\n]+)$")
MAKES_FILES = re.compile(
    r"dvc (pull|repro)|download|s3 (cp|sync)|gsutil|gcloud storage|azcopy|curl |wget |fetch"
    r"|^python|^make |^uv run|^(npm|yarn|pnpm) |export|^(cp|mv|mkdir|touch|tar|unzip|git clone) "
)
"""What may make the files that an image copies."""
OF_HOSTS = ("Procfile", "render.y*ml", "railway.json", "railway.toml", "fly.toml", "app.json")
"""Files by which a host of applications builds and starts them."""
DETACHED = re.compile(r"^docker run\b.* (-d|--detach)\b")
DOCKER_BUILD = re.compile(r"^docker (?:image |buildx )?build\b")
INSTALLED = re.compile(r"\bpip3? install\b.*?(?:-r|--requirement)[ =]?(\S+\.txt)")
RUNNER = re.compile(r"^(?:python[\d.]* -m )?(?:tox|nox)\b")
SESSIONS = (
    ("tox.ini", "commands", "tox"),
    ("noxfile.py", "session", "nox"),
    ("dodo.py", "def task_", "doit"),
)
"""Files with tasks, a word of each that has any, and what runs them."""
NAMED_TESTS = re.compile(r"(?!-)(?=[^=:*$]*test)[\w./-]*(/|\.py|/[\w-]+)")
"""A word of a command that is a folder or file of tests."""
DECLARED_SESSIONS = {"tox.ini", "tox.toml", "setup.cfg"}
SAYS_WHEN = re.compile(r"\b(triggers|branch|buildingTag|tag|changeRequest|BRANCH_NAME|TAG_NAME)\b")
RELEASING = ("tag", "release", "push", "workflow_run")
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
MODEL_CALLED = re.compile(r"^(model|classifier|regressor|clf|net|network|estimator|predictor)$")
MODEL_NAMED = re.compile(r"model|predictor|classifier|regressor|estimator", re.I)
PIN = re.compile(r"^\s*[\w.\[\],-]+\s*===?\s*[\w.!+-]+(?![\w.!+-]*\*)")
REQUIREMENT = re.compile(r"^\s*[A-Za-z][\w.-]*(\[[\w,.-]+\])?\s*([<>=!~;@ ].*)?$")


@criterion("L1-01", "importable-package", "must", "G1, ZC")
def importable_package(wiring: Wiring) -> Finding:
    """The code is an installable, importable package.

    A project table in `pyproject.toml` (also Poetry's own) or a `setup.py` or `setup.cfg`, a
    package folder, and a function in it that fits a model or that the fitting code imports.
    """
    packaged = package_file(wiring)
    if packaged is None:
        return missing("there is no pyproject.toml with a project, and no setup.py")
    if finds_no_package(wiring, packaged):
        return missing(f"{packaged.path} finds no package: none is at its side", [packaged], "E1")
    folders = {
        path.rpartition("/")[0] for path in wiring.modules if path.endswith("__init__.py")
    } - {"", "tests", "test"}
    if not folders:
        folders = {p.rpartition("/")[0] for p in wiring.modules if p.startswith("src/")} - {""}
    inside = [
        one for one in fits(wiring) if any(one[0].path.startswith(f"{top}/") for top in folders)
    ]
    if inside:
        return met([packaged, at_call(wiring, *inside[0])], "E1")
    for unit, _call in fits(wiring):
        for name in sorted(wiring.modules[unit.path].imported):
            path = wiring.module_path(name, unit.path)
            if path and any(path.startswith(f"{top}/") for top in folders):
                return met([packaged, at_line(wiring, path, 1, f"imported by {unit.path}")], "E1")
    if not folders:
        return missing("there is a project file, but no package folder", [packaged])
    if not fits(wiring):
        return met([packaged], "E1")
    return missing("what fits a model is in no package, and imports none", [packaged])


def finds_no_package(wiring: Wiring, packaged: Evidence) -> bool:
    """Tell whether packaging is off, or setuptools looks beside a `setup.py` and finds nothing."""
    text = uncommented(wiring, packaged.path)
    if packaged.path.endswith(".toml"):
        return bool(re.search(r"(?m)^package-mode\s*=\s*false", text))
    if not packaged.path.endswith("setup.py") or not re.search(r"find_packages\(\s*\)", text):
        return False
    folder = packaged.path.removesuffix("setup.py")
    return "package_dir" not in text and not any(
        re.fullmatch(rf"{re.escape(folder)}[^/]+/__init__\.py", path) for path in wiring.sizes
    )


def package_file(wiring: Wiring) -> Evidence | None:
    """Return the file that makes the repository installable, if there is one."""
    repository = wiring.repository
    every = repository.matching("**/pyproject.toml", "**/setup.py")
    of_code = [path for path in every if not DOCS_PATH.search(path)]
    deep = near_training(wiring, of_code) if fits(wiring) else of_code
    named = repository.matching("pyproject.toml", "*/pyproject.toml")
    for path in [*named, *(one for one in deep if one.endswith(".toml"))]:
        said = repository.pyproject if path == "pyproject.toml" else repository.toml(path)
        poetry = as_mapping(as_mapping(said.get("tool")).get("poetry"))
        if as_mapping(said.get("project")).get("name") or poetry.get("name"):
            return at_text(wiring, path, "name")
    named = repository.matching("setup.py", "setup.cfg", "*/setup.py")
    for path in [*named, *(one for one in deep if one.endswith(".py"))]:
        if re.search(r"setup\(|^name\s*=", repository.text(path), re.M):
            return Evidence(path, 1, "setup")
    return None


@criterion("L1-02", "dependencies-locked", "must", "ZC")
def dependencies_locked(wiring: Wiring) -> Finding:
    """A lock file has the exact version of every package.

    `uv.lock`, `poetry.lock`, `pixi.lock`, `conda-lock.yml`, `Pipfile.lock` and others, or a
    requirements file in which each line names a version. A library with a matrix of Python versions
    in CI needs none.
    """
    repository = wiring.repository
    deep = near_training(wiring, repository.matching(*(f"**/{name}" for name in LOCKS)))
    for path in [*repository.matching(*LOCKS, *(f"*/{name}" for name in LOCKS)), *deep]:
        return lock_covers(wiring, path)
    if "uv.lock" not in repository.tree and repository.answers and "setup" in repository.targets:
        return unknown("there is no uv.lock yet: make setup writes it, then commit it")
    if (own := environment_of_training(wiring)) is not None:
        return own
    loose = None
    for path in requirements_of_training(wiring):
        if DOCS_PATH.search(path):
            continue
        lines = [line.partition("#")[0].strip() for line in repository.text(path).split("\n")]
        asked = [line for line in lines if REQUIREMENT.match(line) or PIN.match(line)]
        unpinned = [line for line in asked if not PIN.match(line)]
        if asked and not unpinned:
            if other := unpinned_instead(wiring, path):
                return missing(f"what is installed is not {path}", [other], "E1")
            return met([Evidence(path, 1, f"{len(asked)} pinned requirements")])
        if unpinned:
            loose = at_text(wiring, path, unpinned[0])
            break
    named = repository.matching("environment.y*ml", "**/environment.y*ml", "conda.y*ml")
    for path in named if loose is None else [one for one in named if "/" not in one]:
        for document in repository.documents(path):
            names = [str(one) for one in as_list(as_mapping(document).get("dependencies"))]
            if len(names) > 1 and all(
                "=" in one and "*" not in one and not re.search("[<>]", one)
                for one in names
                if one[:1] != "{" and one != "pip"
            ):
                return met([Evidence(path, 1, f"{len(names)} pinned packages")])
    if is_library(wiring):
        return not_applicable("a published library asks for ranges, and CI tests several versions")
    if loose:
        return missing(f"{loose.what} has no exact version", [loose])
    return missing("there is no lock file")


def unpinned_instead(wiring: Wiring, path: str) -> Evidence | None:
    """Return a line without version of the lists that CI and images install instead of another."""
    lines = [*wiring.deployed_lines, *(line for job in wiring.jobs for line in job.lines)]
    named = {
        found[1].removeprefix("./") for line in lines for found in INSTALLED.finditer(line.text)
    }
    files = {one for one in wiring.sizes for name in named if f"/{one}".endswith(f"/{name}")}
    if not files or path in files:
        return None
    for file in sorted(files):
        for line in wiring.repository.text(file).split("\n"):
            said = line.partition("#")[0].strip()
            if REQUIREMENT.match(said) and not PIN.match(said):
                return at_text(wiring, file, said)
    return None


def environment_of_training(wiring: Wiring) -> Finding | None:
    """Return missing if the conda file beside what trains has a package without version."""
    named = wiring.repository.matching("*/conda*.y*ml", "*/environment*.y*ml", "**/conda*.y*ml")
    for path in near_training(wiring, named):
        for document in wiring.repository.documents(path):
            for one in strings_in(as_mapping(document).get("dependencies")):
                if not re.search("[=<>]", one) and one != "pip":
                    return missing(f"{one} has no exact version", [at_text(wiring, path, one)])
    return None


def requirements_of_training(wiring: Wiring) -> list[str]:
    """Return the requirements files of what trains, those nearest to the root first.

    Those of documentation, notebooks, tests and tools beside them are for something else.
    """
    other = re.compile(r"(^|[/_.-])(docs?|dev|test(s|ing)?|lint|nb|notebooks?|ci|cicd|load_test)\b")
    found = wiring.repository.matching(
        "requirements*.txt", "**/requirements*.txt", "requirements/*.txt"
    )
    main = [path for path in found if not other.search(path.replace("requirements", ""))]
    near = near_training(wiring, main)
    return sorted(
        near or main or found,
        key=lambda path: (path.count("/"), not path.endswith("requirements.txt"), path),
    )


def near_training(wiring: Wiring, paths: list[str]) -> list[str]:
    """Return the files in whose folder, or below, is code that fits a model."""
    files = {unit.path for unit, _ in fits(wiring)}
    folders = {path: path.rpartition("/")[0].removesuffix("requirements") for path in paths}
    return [path for path in paths if any(one.startswith(folders[path]) for one in files)]


def lock_covers(wiring: Wiring, path: str) -> Finding:
    """Return met; if uv's lock lacks a required package, unknown."""
    if not wiring.repository.tree[path].strip():
        return missing(f"{path} is empty: lock the packages", [Evidence(path, 1, "empty")])
    if path.rpartition("/")[2] not in {"uv.lock", "poetry.lock"}:
        return met([Evidence(path, 1, "lock file")])
    try:
        locked = tomllib.loads(wiring.repository.text(path)).get("package", [])
    except tomllib.TOMLDecodeError:
        return missing(f"{path} cannot be read: write it anew", [Evidence(path, 1, "broken")])
    names = {canonicalize_name(str(as_mapping(entry).get("name", ""))) for entry in locked}
    used = packages_of_training(wiring)
    if locked and used and used.isdisjoint(names) and asked_elsewhere(wiring, used):
        told = f"{path} has none of the packages that train: {', '.join(sorted(used)[:3])}"
        return missing(told, [Evidence(path, 1, "lock file")], "E1")
    if path != "uv.lock":
        return met([Evidence(path, 1, f"{len(names)} packages")])
    asked = {dependency.name for dependency in dependencies(wiring.repository).values()}
    if len(locked) > 0 and (new := sorted(asked - names)):
        told = f"{path} does not name {', '.join(new[:3])} yet: lock again, then commit it"
        return unknown(told, [Evidence(path, 1, "lock file")])
    return met([Evidence(path, 1, f"{len(names)} packages")])


def asked_elsewhere(wiring: Wiring, names: set[str]) -> bool:
    """Tell whether a requirements file names one of some packages."""
    return any(
        canonicalize_name(found[0]) in names
        for path in requirements_of_training(wiring)
        for line in wiring.repository.text(path).split("\n")
        if (found := re.match(r"[A-Za-z][\w.-]*", line.strip()))
    )


def packages_of_training(wiring: Wiring) -> set[str]:
    """Return the machine-learning packages that code which fits a model imports, as PyPI has them.

    Those that have the same name there, and scikit-learn.
    """
    imported = {
        name.partition(".")[0]
        for unit, _ in fits(wiring)
        if not unit.path.endswith(".ipynb")
        for name in wiring.modules[unit.path].imported
    }
    return {
        canonicalize_name("scikit-learn" if name == "sklearn" else name)
        for name in imported & (NAMED_ALIKE | {"sklearn"})
    }


def is_library(wiring: Wiring) -> bool:
    """Tell whether the package is published and tested with several versions of Python."""
    published = any(UPLOADS.search(line.text) for line in wiring.task_lines) or any(
        job.runs(UPLOADS) or any("gh-action-pypi-publish" in used for used in job.uses)
        for job in wiring.jobs
    )
    matrix = any(
        len(as_list(entry)) > 1
        for job in wiring.jobs
        for entry in as_mapping(as_mapping(job.raw.get("strategy")).get("matrix")).values()
    )
    return published and (matrix or len(versions_tested(wiring)) > 1)


def versions_tested(wiring: Wiring) -> set[str]:
    """Return the versions of Python that jobs with tests set up, each job its own."""
    found: set[str] = set()
    for job in wiring.jobs:
        if job.runs(TEST_COMMAND):
            matrix = as_mapping(as_mapping(job.raw.get("strategy")).get("matrix"))
            found |= {str(v) for name in matrix if "py" in name for v in as_list(matrix[name])}
            found |= {said[1] for used in job.uses if (said := SETS_PYTHON.search(used))}
    return found


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
                    return met(at_command(wiring, job, line, TEST_COMMAND), "E3")
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


def by_ci(
    wiring: Wiring,
    command: re.Pattern[str],
    action: re.Pattern[str],
    triggers: tuple[str, ...],
    what: str,
    leave: Callable[[Job], bool] | None = None,
    skip: Callable[[Line], bool] | None = None,
) -> Finding:
    """Return met if a job that starts by itself runs a command or an action.

    `leave` and `skip` say which jobs and which commands do not count.
    """
    by_hand = None
    for job in wiring.jobs:
        if leave and leave(job):
            continue
        line = job.runs(command)
        if line and skip and skip(line):
            continue
        if line and DOCKER_BUILD.match(line.text) and builds_another(wiring, line):
            continue
        if line and DOCKER_BUILD.match(line.text) and not wiring.dockerfiles:
            line = None
        builds = [one for one in job.lines if DOCKER_BUILD.match(one.text)]
        absent = next(filter(None, (copied_from_nowhere(wiring, job, one) for one in builds)), None)
        if line and absent:
            return missing(
                f"{absent.path} copies {absent.what}, which is not there", [absent], "E1"
            )
        if line and command is LINT_COMMAND and names_nothing_there(wiring, line):
            line = None
        places = at_command(wiring, job, line, command)
        for used in job.uses:
            if not places and action.search(used) and not lacks_dockerfile(wiring, used):
                name = used.partition(" ")[0]
                places = [at_text(wiring, job.file, name.partition("@")[0], name)]
        if places and triggers is not AUTOMATIC and is_set_in_jenkins(wiring, job):
            return started_outside(job, places)
        if places and job.started_by(*triggers):
            return met(places)
        if places and by_hand is None:
            by_hand = (job, places)
    if by_hand:
        job, places = by_hand
        if job.started_by("outside", "repository_dispatch"):
            return started_outside(job, places)
        how = " or ".join(sorted(job.triggers)) or "nothing"
        return missing(f"{job.file} {what}, but only on {how.replace('_', ' ')}", places, "E1")
    verb = next((said for word, said in ELSEWHERE.items() if word in what), "")
    return unseen_ci(wiring, f"no CI job {what}", verb)


def names_nothing_there(wiring: Wiring, line: Line) -> bool:
    """Tell whether a command names folders or Python files, and none of them is there."""
    named = [word for word in line.text.split()[1:] if re.fullmatch(r"[\w./-]+(/|\.py)", word)]
    return bool(named) and not any(is_there(wiring, line, word) for word in named)


def is_set_in_jenkins(wiring: Wiring, job: Job) -> bool:
    """Tell whether a Jenkinsfile leaves to Jenkins for which branches and events it runs."""
    return "Jenkinsfile" in job.file and not SAYS_WHEN.search(uncommented(wiring, job.file))


def taken_from_outside(wiring: Wiring) -> Finding | None:
    """Return unknown if a pipeline that is outside of the repository takes what CI makes."""
    for job in wiring.jobs:
        if job.started_by("outside") and job.raw.get("artifacts"):
            place = at_text(wiring, job.file, "artifacts")
            return unknown("a pipeline outside of the repository takes the artefacts", [place])
    return None


def context_of(line: Line) -> str:
    """Return the folder of which `docker build` makes an image."""
    context = line.text.split()[-1].strip("'\"")
    return joined(line.folder, context) if re.fullmatch(r"[\w./-]+", context) else line.folder


def built_from(wiring: Wiring, line: Line) -> str:
    """Return the Dockerfile of `docker build`, in the spelling of the repository."""
    named = re.search(r"(?:-f|--file)[= ](\S+)", line.text)
    path = joined(line.folder, named[1]) if named else joined(context_of(line), "Dockerfile")
    return next((one for one in wiring.dockerfiles if one.lower() == path.lower()), path)


def copied_from_nowhere(wiring: Wiring, job: Job, line: Line) -> Evidence | None:
    """Return where the Dockerfile of a build copies what is not there and no step makes."""
    if not DOCKER_BUILD.match(line.text) or any(
        MAKES_FILES.search(text) for text in (*(one.text for one in job.lines), *job.uses)
    ):
        return None
    folder, path = context_of(line), built_from(wiring, line)
    if path not in wiring.sizes:
        return None
    for copied in COPIES.finditer(wiring.repository.text(path)):
        for source in copied[1].split()[:-1]:
            clean = joined(folder, source)
            is_plain = re.fullmatch(r"[\w./-]+", source) and clean
            if is_plain and not any(f"{one}/".startswith(f"{clean}/") for one in wiring.sizes):
                return at_text(wiring, path, source)
    return None


def builds_another(wiring: Wiring, line: Line) -> bool:
    """Tell whether an image is of a folder that has nothing of what is trained or predicts."""
    top = line.folder
    if not top or not fits(wiring) or f"{top}/Dockerfile" not in wiring.sizes:
        return False
    concerned = [unit.path for unit, _ in [*fits(wiring), *predicts(wiring)]]
    return not any(path.startswith(f"{top}/") for path in concerned)


def lacks_dockerfile(wiring: Wiring, used: str) -> bool:
    """Tell whether an action builds from a place in the repository without a Dockerfile."""
    if "docker/build-push-action" not in used:
        return False
    given = dict(IMAGE_ACTION_INPUT.findall(used))
    context = given.get("context", ".")
    file = given.get("file", f"{context}/Dockerfile")
    is_plain = re.fullmatch(r"[\w./-]+", file) and not file.startswith("/")
    return bool(is_plain) and joined("", file) not in wiring.sizes


@criterion("L1-05", "build-in-ci", "must", "MS1")
def build_in_ci(wiring: Wiring) -> Finding:
    """CI builds the package or an image.

    `uv build`, `python -m build`, `docker build`, an action that builds, or the like, in a job
    that starts by itself.
    """
    found = by_ci(wiring, BUILD_COMMAND, BUILD_ACTION, AUTOMATIC, "builds a package or image")
    if found.status == "missing":
        found = any_of(found, shipped_archive(wiring, AUTOMATIC), packaged_by_code(wiring, SERVED))
    return (built_by_host(wiring) or found) if found.status == "missing" else found


def packaged_by_code(wiring: Wiring, patterns: list[str]) -> Finding:
    """Return met if a job runs code that makes a model package, or a service, of a cloud."""
    calls = wiring.calls(patterns)
    for job in wiring.jobs if calls else ():
        reached = wiring.reach(root.place for root in wiring.roots_of(job.lines, "ci"))
        places = [at_call(wiring, *one) for one in calls if (one[0].path, one[0].name) in reached]
        if places and job.started_by(*AUTOMATIC):
            return met([Evidence(job.file, 1, f"job {job.name}".strip()), *places])
    return missing("no CI job builds an image")


def built_by_host(wiring: Wiring) -> Finding | None:
    """Return unknown if a job asks a host to deploy, which builds by rules of its own."""
    for job in wiring.jobs:
        if (line := job.runs(HOOK)) and wiring.dockerfiles:
            place = at_text(wiring, line.file, line.text[:40], line.text)
            return unknown("a host outside of the repository builds when CI calls it", [place])
    for path in wiring.repository.matching(*OF_HOSTS) if not wiring.dockerfiles else ():
        return unknown(f"a host may build and release by {path}", [Evidence(path, 1, "host")])
    return None


def shipped_archive(wiring: Wiring, triggers: tuple[str, ...]) -> Finding:
    """Return met if a job packs an archive for a machine, or Terraform packs one for a cloud."""
    packs = [
        at_text(wiring, path, found[0].strip())
        for path in wiring.sizes
        if path.endswith(".tf") and (found := ARCHIVE.search(uncommented(wiring, path)))
    ]
    for job in wiring.jobs:
        applied = job.runs(APPLIES) if packs else None
        if applied and job.started_by(*triggers):
            return met([at_text(wiring, applied.file, applied.text[:40], applied.text), packs[0]])
        packed, sent = job.runs(PACKS), job.runs(SENDS)
        name = PACKS.search(packed.text) if packed else None
        if sent and name and name["file"] in sent.text and job.started_by(*triggers):
            return met([at_text(wiring, job.file, name[0]), at_text(wiring, job.file, sent.text)])
    return missing("no CI job builds a package or image")


@criterion("L1-06", "release-by-ci", "must", "MS1, SD")
def release_by_ci(wiring: Wiring) -> Finding:
    """A tag, a release or a merge publishes what was built.

    A package index, an image registry, a release with files, or a roll-out of the application,
    from a job that starts by itself. A documentation site is no release.
    """
    for job in wiring.jobs:
        text = wiring.repository.text(job.file)
        if job.started_by("tag") and job.file.endswith((".yml", "Jenkinsfile")):
            kept = re.search(r"(?m)^  release:\s*$|\barchiveArtifacts\b.*dist", text)
            if kept and not job.file.startswith(".github/"):
                return met([at_text(wiring, job.file, kept[0].strip())])
    found = any_of(
        by_ci(wiring, PUBLISH_COMMAND, PUBLISH_ACTION, RELEASING, "publishes a release"),
        by_ci(
            wiring,
            ROLLOUT_COMMAND,
            ROLLOUT_ACTION,
            RELEASING,
            "rolls the application out",
            leave=is_trial,
        ),
        shipped_archive(wiring, RELEASING),
        restarted_on_host(wiring, RELEASING),
        deployed_by_code(wiring, RELEASING),
    )
    if found.status == "missing" and not found.evidence:
        return taken_from_outside(wiring) or built_by_host(wiring) or found
    return found


def restarted_on_host(wiring: Wiring, triggers: tuple[str, ...]) -> Finding:
    """Return met if a job on a machine of one's own starts the new image there."""
    for job in wiring.jobs:
        line = job.runs(DETACHED)
        if line and "self-hosted" in str(job.raw.get("runs-on")) and job.started_by(*triggers):
            return met([at_text(wiring, line.file, "docker run", line.text)])
    return missing("no CI job rolls the application out")


def deployed_by_code(wiring: Wiring, triggers: tuple[str, ...]) -> Finding:
    """Return met if a job that starts by itself runs code which deploys at a cloud."""
    calls = [one for one in wiring.calls(DEPLOYING_CALLS) if one[0].path[-6:] != ".ipynb"]
    for job in wiring.jobs if calls else ():
        reached = wiring.reach(root.place for root in wiring.roots_of(job.lines, "ci"))
        places = [at_call(wiring, *one) for one in calls if (one[0].path, one[0].name) in reached]
        if places and job.started_by(*triggers):
            return met([Evidence(job.file, 1, f"job {job.name}".strip()), *places])
        if places and job.started_by("outside"):
            return started_outside(job, places)
    return missing("no CI job deploys")


def is_trial(job: Job) -> bool:
    """Tell whether a job deploys to containers or a cluster of its own, only to test them."""
    texts = [*(line.text for line in job.lines), *job.uses]
    if any(TRIAL_CLUSTER.search(text) for text in texts):
        return True
    compose = [text for text in texts if COMPOSE_UP.search(text)]
    others = [text for text in texts if DEPLOY_COMMAND.search(text) and text not in compose]
    ends = any(TRIAL_END.search(text) or TEST_COMMAND.search(text) for text in texts)
    return bool(compose) and not others and (ends or job.started_by("pull_request"))


@criterion("L1-07", "model-tested", "must", "MS1")
def model_tested(wiring: Wiring) -> Finding:
    """A test builds or loads a model, and checks its predictions.

    A test with an assertion that predicts, itself or through the code that it imports, with a model
    that is no mock.
    """
    mocked = None
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
        calls = {call.name.rpartition(".")[2] for call in unit.calls} | (used & predicting)
        is_called = any(MODEL_CALLED.search(call.name) for call in unit.calls) or (
            classes & used and calls_a_model(unit)
        )
        if any(METRIC_WORD.search(name) for name in unit.names):
            predicting = predicting | judging
        predicts_there = "get" in calls and any("predict" in text for _, text in unit.strings)
        is_asked = ("post" in calls or predicts_there) and asks_a_model(wiring, own, helped)
        loaded = "load_model" in names_of(module)
        if not (calls & predicting or is_called or is_asked) or not (own or loaded):
            continue
        if is_mocked(module, unit) or (is_asked and REPLACED & (used | names_of(module))):
            mocked = mocked or unit
            continue
        if is_asked or used & making or any(MODEL_NAMED.search(name) for name in used):
            return met([at_unit(wiring, unit)], "E3")
    if asked := asks_deployed_model(wiring):
        return met(asked, "E3")
    if mocked:
        return unknown("tests predict with a mock instead of a model", [at_unit(wiring, mocked)])
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


@criterion("L1-08", "style-enforced", "should", "ZC")
def style_enforced(wiring: Wiring) -> Finding:
    """CI or a hook checks style or types.

    ruff, black, flake8, mypy and others in a job, or in the hooks of pre-commit.
    """
    found = by_ci(wiring, LINT_COMMAND, LINT_ACTION, AUTOMATIC, "checks the style")
    named = hooks(wiring, re.compile(r"ruff|black|flake8|mypy|pylint|isort"))
    return any_of(found, named, local_hooks(wiring))


def local_hooks(wiring: Wiring) -> Finding:
    """Return met if a hook of the repository's own leads to a check of style."""
    for path in pre_commit_files(wiring):
        for entry in hook_entries(wiring.repository, path):
            for line in wiring.commands.resolve(entry, path):
                if LINT_COMMAND.search(line.text):
                    return met(
                        [
                            at_text(wiring, path, entry.split()[0], entry),
                            *([at_text(wiring, line.file, line.text)] if line.file != path else []),
                        ]
                    )
    return missing("no hook checks the style")


@criterion("L1-09", "pre-commit-hooks", "should", "ZC")
def pre_commit_hooks(wiring: Wiring) -> Finding:
    """Hooks check each commit before it is made.

    `.pre-commit-config.yaml` with hooks, lefthook or husky.
    """
    return hooks(wiring, re.compile(""))


def pre_commit_files(wiring: Wiring) -> list[str]:
    """Return the configuration of pre-commit at the root, else of the project in a folder."""
    names = ("{}.pre-commit-config.y*ml", "{}prek.toml")
    for folder in ("", "**/"):
        if found := wiring.repository.matching(*(name.format(folder) for name in names)):
            return found
    return []


def hooks(wiring: Wiring, named: re.Pattern[str]) -> Finding:
    """Return met if a hook whose name matches is set up."""
    for path in pre_commit_files(wiring):
        for document in wiring.repository.documents(path):
            for repo in mappings_in(as_mapping(document).get("repos")):
                for hook in mappings_in(repo.get("hooks")):
                    if named.search(str(hook.get("id", ""))):
                        return met([at_text(wiring, path, str(hook.get("id")))])
    for path in wiring.repository.matching("**/*hook*.sh", "**/*hook*.bash"):
        found = MAKES_HOOK.search(uncommented(wiring, path))
        if found and not named.pattern:
            return met([at_text(wiring, path, found[0])])
    for path in wiring.repository.matching("lefthook.y*ml", ".lefthook.y*ml", ".husky/*"):
        for command in hook_commands(wiring, path):
            if any(named.search(line.text) for line in wiring.commands.resolve(command, path)):
                return met([at_text(wiring, path, command.split("\n")[0])])
    return missing("no hooks are set up" if not named.pattern else "no hook checks the style")


def hook_commands(wiring: Wiring, path: str) -> Iterator[str]:
    """Yield the commands of hooks that lefthook or husky runs."""
    if path.startswith(".husky/"):
        name = path.rpartition("/")[2]
        if re.fullmatch(r"(pre|post|commit|prepare)-[\w-]+", name):
            yield uncommented(wiring, path).strip()
        return
    for document in wiring.repository.documents(path):
        for one in all_mappings(document):
            if isinstance(one.get("run"), str):
                yield one["run"]


@criterion("L1-10", "one-task-runner", "should", "ZC")
def one_task_runner(wiring: Wiring) -> Finding:
    """One command runs each task of the project: its tests, and its training.

    A Makefile, justfile, noxfile, tox.ini or task table, with a target that tests and, where a
    model is trained by code, one that trains.
    """
    commands = wiring.commands
    tasks = {name: (file, recipe) for name, (file, _, recipe) in commands.make_targets.items()}
    tasks |= {name: said for name, said in commands.tasks.items() if name not in tasks}
    for path, word, runner in SESSIONS:
        if word in uncommented(wiring, path):
            tasks.setdefault(path, (path, runner))
    if not tasks:
        return missing("there is no task runner")
    file = next(iter(tasks.values()))[0]
    place = at_text(wiring, file, next(iter(tasks)), f"{len(tasks)} tasks")
    lines = {name: commands.resolve(recipe, file) for name, (file, recipe) in tasks.items()}
    every = [line for inside in lines.values() for line in inside]
    tests = [line for line in every if TEST_COMMAND.search(line.text)]
    if not any(not names_no_test(wiring, line) for line in tests):
        return missing("there are tasks, but none tests", [place], "E1")
    wanted = fitting_places(wiring)
    others = [name for name in tasks if not re.match(r"(run_)?tests?($|[_-])", name)]
    trains = any(re.search(r"(^|[_-])(re)?train|fit$|pipeline|repro", name) for name in others)
    if wanted and not trains:
        inside = [line for name in others for line in lines[name]]
        reached = wiring.reach(root.place for root in wiring.roots_of(inside, "task"))
        if wanted.isdisjoint(reached):
            return missing("there are tasks, but none trains", [place], "E1")
    return met([place])


@criterion("L1-11", "data-by-code", "should", "MS1")
def data_fetched(wiring: Wiring) -> Finding:
    """Code fetches the data.

    A download, a query or a client of a store in code that a command reaches.
    """
    found = any_of(
        fetched_by_call(wiring),
        read_from_elsewhere(wiring),
        dvc_remote(wiring),
        fetched_by_command(wiring),
    )
    bundled = wiring.calls(BUNDLED, wiring.wired)
    if found.status == "missing" and bundled and not wiring.calls([".read_*", ".loadtxt"]):
        place = at_call(wiring, *bundled[0])
        return not_applicable("the data come with a package, or are made up", [place])
    if found.status == "missing" and is_library(wiring):
        return not_applicable("a published library: its users have the data")
    return found


def fetched_by_command(wiring: Wiring) -> Finding:
    """Return met if a task or a job of CI downloads data by a command."""
    lines = [*wiring.task_lines, *(line for job in wiring.jobs for line in job.lines)]
    found = [
        at_text(wiring, line.file, line.text[:40], line.text)
        for line in lines
        if DOWNLOADS.search(line.text)
    ]
    found += [
        at_line(wiring, unit.path, line, text)
        for unit, _ in wiring.calls(["os.system", "subprocess.*"], wiring.wired)
        for line, text in unit.strings
        if FROM_BUCKET.match(text) and not is_for_service(wiring, unit)
    ]
    return met_if(found, "no code that fetches data was found")


def fetched_by_call(wiring: Wiring) -> Finding:
    """Return met if reached code calls what fetches data, or a client of anything for them."""
    found = [one for one in wiring.calls(FETCHING) if not NOT_DATA.search(one[1].name)]
    found = [
        one for one in found if is_for_data(wiring, *one) and not is_for_service(wiring, one[0])
    ]
    reached = [one for one in found if wiring.is_wired(one[0])]
    if found and not reached:
        why = "code that fetches data is there, but no entry point reaches it"
        return missing(why, [at_call(wiring, *found[0])], "E1")
    return met_if((at_call(wiring, *one) for one in reached), "no code that fetches data was found")


def is_for_service(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit is of a service, a page or a monitor, and no training uses it."""
    if (unit.path, unit.name) in training_reach(wiring):
        return False
    return bool(OF_SERVICE.search(unit.path))


def is_for_data(wiring: Wiring, unit: Unit, call: Call) -> bool:
    """Tell whether a call fetches data, also where its client could do something else."""
    if not CLIENTS.search(call.name):
        return True
    asked = call.arguments[0] if call.arguments else None
    if call.name.startswith("boto3.") and asked is not None and str(asked) not in STORES:
        return False
    if FETCHES.search(unit.short):
        return not NOT_DATA.search(unit.short)
    if MAKES_CLIENT.search(unit.short):
        users = [one for one in wiring.modules[unit.path].units if unit.short in one.names]
        return any(is_for_data(wiring, one, call) for one in users if one is not unit)
    near = wiring.modules[unit.path].units if unit.name == BODY else [unit]
    names = {name for one in near for name in one.names}
    return any(AS_DATA.match(name) for name in names) and not any(map(ASKS.search, names))


def read_from_elsewhere(wiring: Wiring) -> Finding:
    """Return met if reached code reads a table or file by its address."""
    for unit, call in wiring.calls([".read_*", ".load*", ".open*", ".read"], wiring.wired):
        for said in (*call.arguments[:1], *call.keywords.values()):
            if isinstance(said, str) and REMOTE.match(said):
                return met([at_call(wiring, unit, call)])
        if call.name.rpartition(".")[2] in READS and any(map(DATA_ADDRESS.match, unit.names)):
            return met([at_call(wiring, unit, call)])
    return missing("no code that fetches data was found")


def dvc_remote(wiring: Wiring) -> Finding:
    """Return met if DVC has a remote."""
    for path in wiring.repository.matching(".dvc/config"):
        if re.search(r"(?m)^\s*url\s*=\s*\S", uncommented(wiring, path)):
            return met([at_text(wiring, path, "url")])
    return missing("no code that fetches data was found")


@criterion("L1-12", "dependency-notices", "should", "N1")
def dependency_updates(wiring: Wiring) -> Finding:
    """Newer or vulnerable packages are reported.

    Dependabot, Renovate, or an audit in CI.
    """
    repository = wiring.repository
    for path in repository.matching(".github/dependabot.y*ml"):
        for document in repository.documents(path):
            if mappings_in(as_mapping(document).get("updates")):
                return met([at_text(wiring, path, "package-ecosystem")])
    if bot := renovate(wiring):
        return met([bot])
    return by_ci(
        wiring, AUDIT_COMMAND, re.compile("pip-audit|snyk|trivy"), AUTOMATIC, "audits packages"
    )


def renovate(wiring: Wiring) -> Evidence | None:
    """Return the file that switches Renovate on, if there is one."""
    repository = wiring.repository
    for path in repository.matching("renovate.json*", ".github/renovate.json*", ".renovaterc*"):
        off = re.search(
            r"""(?m)^\s*\{?\s*["']?enabled["']?\s*:\s*false""", uncommented(wiring, path)
        )
        if not off:
            return Evidence(path, 1, "Renovate")
    return None
