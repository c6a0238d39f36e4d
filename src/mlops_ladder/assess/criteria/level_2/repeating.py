"""Training that can be repeated, and is tried."""

import re
from collections.abc import Iterable
from itertools import takewhile

from ....inspection.commands import Line
from ....inspection.python import Unit
from ...ci import Job
from ...evidence import (
    NOT_REACHED,
    among,
    called,
    fits,
    fitting_places,
    reached_by,
    serving_reach,
    training_reach,
    undecided,
    unseen_ci,
)
from ...finding import Evidence, Finding, any_of, criterion, met, met_if, missing, unknown
from ...places import at_call, at_line, at_text, at_unit
from ...reach import Place
from ...suite import helpers_of, is_mocked, own_imports, runs_in_ci, test_units
from ...tools import DEPLOY_COMMAND, SEARCHING, SEEDING
from ...wiring import Wiring
from ..level_0 import FEWEST_SHARE
from .training import called_names

TRAINS = re.compile(r"train|fit|pipeline|flow|main|run|job|execute|experiment", re.I)
NO_TRAINING = re.compile(
    r"^_?(create|build|make|get|notify|load|split|latest)_|split|batch|command|arg", re.I
)
"""Names of functions that only have to do with training."""
OF_LAUNCH = re.compile(r"test_(deploy|launch|infra)|_(help|version|usage)$", re.I)
ENDS = re.compile(r"e2e|end_to_end|train_\w*(eval|predict)", re.I)
WHOLE = re.compile(
    rf"{ENDS.pattern}|pipeline|flow|main|run|job|execute|experiment|integration|cli", re.I
)
"""Names of tests that go from end to end; and of functions and files with more than one step."""
KEPT_BY_TRAINER = "lightning|pytorch_lightning|transformers|fastai"  # they write checkpoints
KEEPS = re.compile(
    r"^(dump|save\w*|log_model|log_metrics?|register\w*|persist\w*|put_\w+|upload\w*|write\w*"
    r"|to_(csv|parquet|json|sql)|report|push\w*|export\w*|report_metrics?)$"
)
SWEEPER = re.compile(
    rb"hydra/sweeper:\s*(optuna|ax|nevergrad)|(?m:^\s*type:\s*sweep\s*$)|sampling_algorithm:"
)
BESIDE_TRAINING = re.compile(r"split|threshold|eval|plot|sampl|report|explor", re.I)
"""Files whose random numbers are not those of the training."""
NETWORK_SEEDS = [
    *("*.manual_seed*", "*.set_seed", "*.seed_everything", "*.set_random_seed", "jax.random.*"),
    *("*.enable_full_determinism", "*.seed_all", "*.fix_seed", "*.fix_random_seed"),
]
PARTIAL_SEED = re.compile(r"\.cuda\.|Generator\(\)")
"""Seeds of a card alone, or of one split."""
SEED_NAMES = {"random_state", "seed", "random_seed", "SEED", "RANDOM_STATE", "RANDOM_SEED"}
RANDOM_CALL = re.compile(
    r"^(numpy\.random|random)\.(choices?|rand|randn|randint|shuffle|permutation|normal|uniform"
    r"|sample|random)$"
    r"|^sklearn\..*\.(RandomForest\w+|ExtraTrees\w+|MLP(Classifier|Regressor)|train_test_split)$"
    r"|^pyspark\.ml\..*\.(RandomForest|GBT)\w+$"
)
"""Calls whose outcome depends on a seed."""
SUBMITS = re.compile(r"ScriptRunConfig|Job|command$|Estimator$|azureml\.train")
"""Calls that have a cloud train, by code that is elsewhere."""
DRAWS = re.compile(r"create_study|RandomizedSearchCV|fmin|Bayes")
"""Searches that draw what they try."""
NETWORKS = "torch|tensorflow|keras|lightning|pytorch_lightning|flax"
"""What draws its first weights at random, whatever the split."""
DETERMINISTIC = re.compile(
    r"\.(LinearRegression|Ridge|Lasso|ElasticNet|LogisticRegression|(Linear)?SV[CR]|GaussianNB"
    r"|MultinomialNB|KNeighbors\w+|XGB\w+|LGBM\w+|DecisionTree\w+|OLS|Prophet|ARIMA|SARIMAX)$"
    r"|^(xgboost|lightgbm)\.train$"
)
"""Models that are the same for the same rows, unless asked to draw."""
FIXED_PACKAGES = "xgboost|lightgbm|statsmodels|prophet|pmdarima"
SPLITS = re.compile(r"split\w*$|fold$|\.sample$|shuffle$", re.I)
CHECKS_OUTCOME = re.compile(
    r"^(python[\d.]* -m )?pytest .*(model|train|pipeline|integration|e2e|performance)"
    r"|\bdvc (exp|metrics) diff\b|^cml\b|compare_?metrics",
    re.I,
)


@criterion("L2-11", "training-reproducible", "should", "I1, MS2")
def training_reproducible(wiring: Wiring) -> Finding:
    """Training can be repeated.

    Seeds that are set in the training, or a test that trains twice and compares.
    """
    trained = {path for path, _ in training_reach(wiring)}
    for module, unit in test_units(wiring):
        named = re.search(r"reproduc|determinis|twice|same_model", unit.short, re.I)
        trains = any(re.search(r"train|(^|_)fit|model", name, re.I) for name in unit.names)
        if named and (trains or not trained.isdisjoint(own_imports(wiring, module))):
            return met([at_unit(wiring, unit)], "E3")
    fitting = {(unit.path, unit.name) for unit, _ in fits(wiring)}
    trained = {path for path, _ in fitting}
    reached = {
        place
        for place in training_reach(wiring) or fitting_places(wiring) or fitting
        if place[0] in trained or not BESIDE_TRAINING.search(place[0].rpartition("/")[2])
    }
    seeds = called(wiring, SEEDING, "seed", reached, NOT_REACHED)
    if seeds.status != "met" and (unseeded := without_seed(wiring, reached)):
        return unseeded
    network = any(wiring.imports(unit.path, NETWORKS) for unit, _ in fits(wiring))
    states = [
        at_line(wiring, unit.path, line, "random_state")
        for unit in among(wiring, reached)
        if not (network and seeds_split_alone(unit))
        for name, line in [*unit.names.items(), *((text, line) for line, text in unit.strings)]
        if name in SEED_NAMES
    ]
    of_network = [
        call for _, call in wiring.calls(NETWORK_SEEDS) if not PARTIAL_SEED.search(call.name)
    ]
    if network and not of_network and (seeds.status == "met" or states):
        told = "something has a seed; whether a network's first weights have, files do not show"
        return unknown(told, seeds.evidence or states)
    notebooks = {path for path, _ in reached if path.endswith(".ipynb")}
    if notebooks - {place.path for place in [*states, *seeds.evidence]}:
        return missing("a notebook that fits a model sets no seed")
    found = any_of(seeds, met_if(states, "no seed is set"))
    drawn = notebooks_without_seed(wiring) if found.status == "met" else []
    if drawn:
        return unknown("some notebooks that fit a model set no seed", drawn)
    if found.status == "met" and seeds.status == "met":
        return found
    if found.status == "met" and (drawn := drawn_by_search(wiring, reached)):
        return unknown(f"{drawn[0].what} draws without a seed", drawn)
    if found.status == "met" and not seeds_models(wiring, reached):
        told = "a split has a seed; whether something else is random, files do not show"
        return unknown(told, found.evidence)
    return found


def notebooks_without_seed(wiring: Wiring) -> list[Evidence]:
    """Return calls that fit a model without a seed in notebooks, where training needs notebooks."""
    fitted = fits(wiring)
    notebooks = [
        one for one in fitted if one[0].path.endswith(".ipynb") and not SUBMITS.search(one[1].name)
    ]
    if (len(fitted) - len(notebooks)) > FEWEST_SHARE * len(fitted):
        return []
    seeded = {
        unit.path
        for unit in wiring.code
        if unit.names.keys() & SEED_NAMES or any(text in SEED_NAMES for _, text in unit.strings)
    }
    seeded |= {unit.path for unit, _ in wiring.calls(SEEDING)}
    return [at_call(wiring, *one) for one in notebooks if one[0].path not in seeded]


def drawn_by_search(wiring: Wiring, reached: set[Place]) -> list[Evidence]:
    """Return the searches of hyperparameters that draw at random and are given no seed."""
    return [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(SEARCHING, reached)
        if DRAWS.search(call.name)
        and call.keywords.keys().isdisjoint({*SEED_NAMES, "sampler", "rstate", "**"})
    ]


def seeds_models(wiring: Wiring, reached: set[Place]) -> bool:
    """Tell whether more than splits gets a seed, or a model that is fitted is not random."""
    calls = [call for unit in among(wiring, reached) for call in unit.calls]
    others = [call for call in calls if not SPLITS.search(call.name)]
    texts = {text for unit in among(wiring, reached) for _, text in unit.strings}
    if any(call.keywords.keys() & SEED_NAMES for call in others) or texts & SEED_NAMES:
        return True
    fixed = any(DETERMINISTIC.search(call.name) for call in others) or any(
        wiring.imports(unit.path, FIXED_PACKAGES) for unit, _ in fits(wiring)
    )
    return fixed and not wiring.calls(SEARCHING, reached)


def seeds_split_alone(unit: Unit) -> bool:
    """Tell whether all that a unit gives a seed is a split or a sample of the rows."""
    seeded = [call for call in unit.calls if call.keywords.keys() & SEED_NAMES]
    texts = {text for _, text in unit.strings}
    return (
        bool(seeded)
        and all(SPLITS.search(call.name) for call in seeded)
        and not (texts & SEED_NAMES)
    )


def without_seed(wiring: Wiring, reached: set[Place]) -> Finding | None:
    """Return what calls that draw at random and are given no seed say, if there are any."""
    files = {path for path, _ in reached & {(unit.path, unit.name) for unit, _ in fits(wiring)}}
    units = among(wiring, reached)
    option = any(text.lstrip("-") in SEED_NAMES for unit in units for _, text in unit.strings)
    names = SEED_NAMES | ({"**"} if option else set())
    seeded, unseeded = 0, list[Evidence]()
    for unit in (one for one in units if one.path in files):
        given = {text for _, text in unit.strings} & SEED_NAMES
        for call in unit.calls:
            if RANDOM_CALL.match(call.name):
                if given or call.keywords.keys() & names:
                    seeded += not SPLITS.search(call.name)
                else:
                    unseeded.append(at_call(wiring, unit, call))
    if not unseeded:
        return None
    told = f"{unseeded[0].what.removesuffix('()').rpartition('.')[2]} has no seed"
    if len(unseeded) >= seeded:
        return missing(told, unseeded, "E1")
    return undecided(wiring, f"{told}, others have one", unseeded)


@criterion("L2-12", "features-shared", "should", "D7, N3")
def features_shared(wiring: Wiring) -> Finding:
    """Training and inference compute features with the same tested code.

    A function of features that training and serving reach, and a test that calls it. Of features
    within a stored model, and of a feature store, files do not show it.
    """
    stores = wiring.calls(
        ["feast.*", "tecton.*", "hopsworks:.get_feature_view", "*.FeatureView", "hsfs.*"]
    )
    name = re.compile(
        r"feature|preprocess|process_data|transform|prepare_|encode|ColumnTransformer"
        r"|make_pipeline|^Pipeline$",
        re.I,
    )
    trained, served = training_reach(wiring), serving_reach(wiring)
    both = among(wiring, trained & served)
    shared = [unit for unit in both if name.search(unit.short) and unit.short != "<module>"]
    tested = {one for module, unit in test_units(wiring) for one in unit.names}
    found = [unit for unit in shared if unit.short in tested]
    if found:
        return met((at_unit(wiring, unit) for unit in found), "E3")
    if stores:
        told = "a feature store is there; whether training and service use it, files do not show"
        return unknown(told, [at_call(wiring, *stores[0])])
    if shared:
        return missing(
            "code of features is shared, but no test calls it", [at_unit(wiring, shared[0])], "E1"
        )
    own = {path for module in wiring.tests for path in own_imports(wiring, module)}
    own |= {path for one in own for path in wiring.imports_of(one)}
    in_model = ["sklearn.pipeline.*", "sklearn.compose.*", "*.TFTransformOutput"]
    kept = [one for one in wiring.calls(in_model, trained) if served or one[0].path in own]
    kept += wiring.calls(["joblib.dump"], trained) if served else []
    if kept and wiring.tests:
        told = "features may be part of what is stored; whether tests cover them, files do not show"
        return unknown(told, [at_call(wiring, *kept[0])])
    return missing("no tested code of features that training and inference share was found")


@criterion("L2-13", "pipeline-tested", "should", "I3, G2")
def pipeline_tested(wiring: Wiring) -> Finding:
    """A test or a CI job runs the whole training on a small sample.

    A test that CI does not leave out and that calls what trains and keeps or reports what it
    trained; or a job that trains, and then tests or compares the outcome.
    """
    wanted = fitting_places(wiring)
    whole = whole_trainings(wiring)
    left_out = step = reported = None
    for module, unit in test_units(wiring):
        if is_mocked(module, unit) or OF_LAUNCH.search(f"{module.path} {unit.short}"):
            continue
        helped, own = helpers_of(wiring, module, unit)
        own = [*own, *exported_by(wiring, own)]
        calls = {name for call in unit.calls for name in called_names(call)} | helped
        if {"invoke", "run", "delay", "submit", "fn"} & calls:  # they get what they run
            calls |= set(unit.names)
        trained = [name for path, name in whole if path in own and name in calls]
        if not ENDS.search(unit.name):
            trained = [name for name in trained if not NO_TRAINING.search(name)]
        if not trained:
            continue
        if not runs_in_ci(wiring, module, unit):
            left_out = left_out or unit
        elif any(map(WHOLE.search, [*trained, unit.name, module.path.rpartition("/")[2]])):
            return met([at_unit(wiring, unit)], "E3")
        else:
            step = step or unit
    for job in wiring.jobs:
        if not job.started_by("pull_request", "push"):
            continue
        lines = until_deployed(job)
        checks = [number for number, line in enumerate(lines) if CHECKS_OUTCOME.search(line.text)]
        before = lines[: checks[-1]] if checks else []
        reached = reached_by(wiring, before)
        if wanted & reached:
            check = lines[checks[-1]]
            place = at_text(wiring, check.file, check.text[:40], check.text)
            if not check.text.startswith("cml"):
                return met([place], "E3")
            reported = reported or place
    if reported:
        why = "CI trains and tells what came out; whether anything checks it was not seen"
        return undecided(wiring, why, [reported])
    if step:
        told = "a test trains; whether it goes through all steps, files do not show"
        return unknown(told, [at_unit(wiring, step)])
    if left_out:
        return unseen_ci(
            wiring, "CI does not run the test that trains", evidence=[at_unit(wiring, left_out)]
        )
    return missing("no test or job trains on a sample and checks the outcome")


def until_deployed(job: Job) -> list[Line]:
    """Return the commands of a job before the first one that deploys."""
    return list(takewhile(lambda line: not DEPLOY_COMMAND.search(line.text), job.lines))


def exported_by(wiring: Wiring, paths: Iterable[str]) -> set[str]:
    """Return the files whose names the packages among some files export."""
    return {
        inner for path in paths if path.endswith("__init__.py") for inner in wiring.imports_of(path)
    }


def whole_trainings(wiring: Wiring) -> set[Place]:
    """Return the files and names of functions that train and keep what they trained."""
    wanted = fitting_places(wiring)
    tested = {name for module in wiring.tests for unit in module.units for name in unit.names}
    files = {path for module in wiring.tests for path in own_imports(wiring, module)}
    files |= exported_by(wiring, files)
    units = {(unit.path, unit.name): unit for unit in wiring.code}
    found: set[Place] = set()
    for place, unit in units.items():
        if unit.path not in files or unit.short not in tested or unit.short == "__init__":
            continue
        if unit.short[:1].isupper() or unit.short.endswith("_step"):
            continue  # making an object, or one step, is no training
        if not TRAINS.search(unit.short.replace("_", " ")) and place not in wanted:
            continue
        reached = wiring.reach([place])
        if wanted.isdisjoint(reached):
            continue
        by_trainer = any(
            wiring.imports(path, KEPT_BY_TRAINER) for path in {one for one, _ in reached}
        )
        inside = [units[one] for one in reached if one in units]
        calls = (call.name.rpartition(".")[2] for one in inside for call in one.calls)
        if by_trainer or any(KEEPS.search(name) for name in calls):
            found.add((unit.path, unit.short))
    return found


@criterion("L2-14", "parameters-searched", "should", "Mo3")
def parameters_searched(wiring: Wiring) -> Finding:
    """Hyperparameters are searched automatically.

    Optuna, Ray Tune, Katib, a grid or random search, a sweep, or a tuner of a cloud.
    """
    for path, document in wiring.manifests:
        if document.get("kind") == "Experiment" and "objective" in str(document.get("spec")):
            return met([at_text(wiring, path, "kind:")])
    for path in wiring.repository.matching("**/sweep*.y*ml", "sweep*.y*ml"):
        if "parameters" in wiring.repository.text(path):
            return met([at_text(wiring, path, "parameters")])
    for path in wiring.yaml_files:
        if SWEEPER.search(wiring.repository.tree[path]):
            return met([at_text(wiring, path, "sweeper")])
    found = called(wiring, SEARCHING, "search of hyperparameters")
    by_notebook = [one for one in wiring.calls(SEARCHING) if one[0].path.endswith(".ipynb")]
    if found.status != "met" and by_notebook:
        place = at_call(wiring, *by_notebook[0])
        return unknown("a notebook searches; whether training uses it, files do not show", [place])
    return found
