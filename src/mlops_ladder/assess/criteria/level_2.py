"""Level 2: training is automatic, tracked and versioned; a person releases."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import takewhile
from typing import Any

from ...inspection.commands import Line
from ...inspection.files import as_list, as_mapping, mappings_in
from ...inspection.python import Call, Unit
from ..ci import Job
from ..code import names_any
from ..evidence import (
    among,
    at_call,
    at_line,
    at_text,
    at_unit,
    called,
    endless_reach,
    fits,
    fitting_places,
    helpers_of,
    if_started,
    is_mocked,
    is_none,
    own_imports,
    runs_in_ci,
    scheduled_reach,
    serving_reach,
    started_outside,
    test_units,
    training_reach,
    uncommented,
    units_with,
    unseen_ci,
)
from ..finding import (
    Evidence,
    Finding,
    all_of,
    any_of,
    criterion,
    met,
    met_if,
    missing,
    unknown,
)
from ..infrastructure import NEW_DATA, RECURS
from ..other_files import DOCS_PATH, all_mappings
from ..tools import (
    BASELINE_CALLS,
    BASELINE_METRIC,
    BASELINE_WORD,
    DEPLOY_COMMAND,
    EXTERNAL_PARAMETERS,
    METRIC_WORD,
    ORCHESTRATED_STEPS,
    ORCHESTRATOR_OBJECTS,
    OWN_VALIDATOR,
    REGISTER_COMMAND,
    REGISTERED_KEYWORD,
    REGISTERING,
    RESOLVING,
    SCHEDULE_KEYWORDS,
    SCHEDULING,
    SEARCHING,
    SEEDING,
    SENSORS,
    SLICE_WORD,
    STOPS_ALONE,
    TRACKED_METRICS,
    TRACKED_PARAMETERS,
    TRACKER_PACKAGES,
    VALIDATING,
)
from ..wiring import Wiring

FEWEST_STEPS = 3
STARTS_SERVICE = re.compile(r"\b(uvicorn|gunicorn|hypercorn|streamlit run|flask run|fastapi run)\b")
DATA_VERSION = re.compile(
    r"(data|dataset|table|corpus)_?(set)?_?(version|hash|digest|snapshot|checksum|md5|sha|revision|rev)|dvc_(rev|hash)|data_(id|commit)$",
    re.I,
)
OLD_MLFLOW = re.compile(r"(?mi)^mlflow(\[\w+\])?\s*[=~<]=\s*(1\.|2\.[0-3](\D|$))")
KFP_PIPELINE = re.compile(r"kfp\.(v2\.)?dsl\.pipeline$")
KFP_COMPONENT = re.compile(r"kfp\.(v2\.)?(dsl|components)\.\w*component$")
DATA_KEPT = re.compile(r"data(set)?s?($|[/_.])|(^|/)(train|test|raw)\w*\.(csv|parquet)$", re.I)
STEP_TRAIN = re.compile(r"train|fit", re.I)
STEP_EVALUATE = re.compile(r"evaluat|score|test_model|validate_model|assess", re.I)
STEP_REGISTER = re.compile(r"register|log_model|publish|push_model", re.I)
TIME_SPLIT = re.compile(
    r"TimeSeriesSplit|train_test_split|split|hold_?out|test_set|x_test|test_(rows|df|data|share|size)|KFold",
    re.I,
)
NOT_REACHED = "no command that trains reaches it"
METRIC_CALL = re.compile(
    r"(_error|_score|accuracy|score|rmse|mae|mse|evaluate|auc|metric\w*|compute_\w+)$", re.I
)
TRAINS = re.compile(r"train|fit|pipeline|flow|main|run|job|execute|experiment", re.I)
KEPT_BY_TRAINER = "lightning|pytorch_lightning|transformers|fastai"  # they write checkpoints
KEEPS = re.compile(
    r"^(dump|save\w*|log_model|log_metrics?|register\w*|persist\w*|put_\w+|upload\w*|write\w*"
    r"|to_(csv|parquet|json|sql)|report|push\w*|export\w*|report_metrics?)$"
)
HYDRA_LOGGER = re.compile(
    rb"_target_:\s*\S*(Wandb|MLFlow|MLflow|Comet|Neptune|Aim|ClearML|DVCLive)\w*Logger"
)
SWEEPER = re.compile(
    rb"hydra/sweeper:\s*(optuna|ax|nevergrad)|(?m:^\s*type:\s*sweep\s*$)|sampling_algorithm:"
)
CONFIGURATION = re.compile(
    r"^_?(cfg|conf|config|configuration|args|opts?|options|settings|hparams|params)$", re.I
)
SECRET_NAMED = re.compile(r"credential|service_account|token|secret", re.I)
SETTINGS_NAMED = re.compile(r"config|param|setting|manifest|option", re.I)
BESIDE_TRAINING = re.compile(r"split|threshold|eval|plot|sampl|report|explor", re.I)
"""Files whose random numbers are not those of the training."""
SCHEDULE_OFF = re.compile(r"(?m)^\s*#\s*(schedule:|- cron)")
SEED_NAMES = {"random_state", "seed", "random_seed", "SEED", "RANDOM_STATE", "RANDOM_SEED"}
RANDOM_CALL = re.compile(
    r"^(numpy\.random|random)\.(choices?|rand|randn|randint|shuffle|permutation|normal|uniform"
    r"|sample|random)$"
    r"|^sklearn\..*\.(RandomForest\w+|ExtraTrees\w+|MLP(Classifier|Regressor)|train_test_split)$"
    r"|^pyspark\.ml\..*\.(RandomForest|GBT)\w+$"
)
"""Calls whose outcome depends on a seed."""
NETWORKS = "torch|tensorflow|keras|lightning|pytorch_lightning|flax"
"""What draws its first weights at random, whatever the split."""
DETERMINISTIC = re.compile(
    r"\.(LinearRegression|Ridge|Lasso|ElasticNet|LogisticRegression|(Linear)?SV[CR]|GaussianNB"
    r"|MultinomialNB|KNeighbors\w+|XGB\w+|LGBM\w+|DecisionTree\w+|OLS|Prophet|ARIMA|SARIMAX)$"
    r"|^(xgboost|lightgbm)\.train$"
)
"""Models that are the same for the same rows, unless asked to draw."""
FIXED_PACKAGES = "xgboost|lightgbm|statsmodels|prophet|pmdarima"
OPERATOR = re.compile(r"airflow\..*Operator$")
SPLITS = re.compile(r"split\w*$|fold$|\.sample$|shuffle$", re.I)
OF_RUN = re.compile(
    r"data|path|dir|file|folder|experiment|regist|alias|ur[il]$|name|(^|_)id$|output|input|test_size"
    r"|folds|host|port|verbose|debug|log"
)
"""Options that say where and under which name something runs, not how a model is trained."""
OF_MAIN = re.compile(
    r"download-artifact.*(branch: (main|master).*metric|metric.*branch: (main|master))"
)
COLUMNS_LACK = re.compile(
    r"(missing|absent|lacking|unexpected|invalid)_?(col(umn)?|feature|field|row|value)s?$", re.I
)
OF_SCORING = re.compile(r"predict|infer|serv|scor|(^|/)(app|api)\b", re.I)
VALID = re.compile(r"valid|passed|(^|_)(ok|clean)$|quality|issues|errors|problems", re.I)
TESTS_DATA = re.compile(
    r"^(python[\d.]* -m )?pytest\b.*(?<![\w-])"
    r"((test_)?data(set)?s?(_\w+)?\.py|tests?/[\w/]*data\w*/?(\s|$))"
)
CHECKS_OUTCOME = re.compile(
    r"^(python[\d.]* -m )?pytest .*(model|train|pipeline|integration|e2e|performance)"
    r"|\bdvc (exp|metrics) diff\b|^cml\b|compare_?metrics",
    re.I,
)
SCHEDULER_MADE = re.compile(
    r"\bgcloud (beta )?scheduler jobs create .*--schedule|\baws events put-rule .*--schedule"
)
PIPELINE_STARTED = re.compile(
    r"(create_run_from_\w+|start_pipeline_execution|start_execution|run_pipeline|submit|PipelineJob)$"
)
RUNS = re.compile(r"\bpython|\.py\b|\b-m ")
TRAIN_FILE = re.compile(r"\b(train\w*|retrain\w*|fit)\b", re.I)


@criterion("L2-01", "headless-training", "must", "MS2, SD")
def headless_training(wiring: Wiring) -> Finding:
    """Training is one command without a notebook.

    A console script, a module, a task or a script that reaches a call that fits a model.
    """
    wanted = fitting_places(wiring)
    by_request = None
    for root, reached in wiring.reach_by_root:
        both = wanted & reached
        if both and STARTS_SERVICE.search(root.text):
            by_request = by_request or root
        elif both:
            unit, call = next(one for one in fits(wiring) if (one[0].path, one[0].name) in both)
            start = at_text(wiring, root.file, root.text.split()[0], root.text)
            return met([start, at_call(wiring, unit, call)])
    found = fits(wiring)
    if by_request:
        place = at_text(wiring, by_request.file, by_request.text.split()[0], by_request.text)
        return missing("only a request to a service trains", [place], "E1")
    for path, line in notebook_runs(wiring):
        return missing("only a notebook is run", [at_text(wiring, path, line)], "E1")
    if found and not wanted:
        return missing("only notebooks fit a model", [at_call(wiring, *found[0])], "E1")
    if found:
        inside = next(one for one in found if (one[0].path, one[0].name) in wanted)
        return missing("no command reaches what fits a model", [at_call(wiring, *inside)], "E1")
    return missing("nothing fits a model")


def notebook_runs(wiring: Wiring) -> list[tuple[str, str]]:
    """Return the commands that run notebooks."""
    lines = [line for job in wiring.jobs for line in job.lines] + wiring.task_lines
    found = re.compile(r"\bpapermill\b|nbconvert.*--execute|databricks.*notebook")
    return [(line.file, line.text) for line in lines if found.search(line.text)]


@criterion("L2-02", "training-in-steps", "must", "G1, ZC")
def training_pipeline(wiring: Wiring) -> Finding:
    """Training is a pipeline of at least three steps with known edges.

    `dvc.yaml` stages, steps of Airflow, Prefect, Kubeflow, Kedro, ZenML, Dagster, Metaflow, Flyte,
    TFX, SageMaker, Vertex, Azure ML or Argo; or functions of one's own that train, evaluate and
    register in one tracked run.
    """
    return any_of(
        declared_pipeline(wiring),
        coded_pipeline(wiring),
        kubernetes_pipeline(wiring),
        tracked_pipeline(wiring),
        managed_pipeline(wiring),
    )


def managed_pipeline(wiring: Wiring) -> Finding:
    """Return met for a pipeline or state machine that a file of infrastructure declares."""
    kinds = (
        r"^(aws_sagemaker_pipeline|AWS::SageMaker::Pipeline|aws_sfn_state_machine"
        r"|AWS::StepFunctions::StateMachine)$"
    )
    step = (
        r'Type"?\s*[=:]\s*"?(Training|Processing|RegisterModel|Condition|Tuning|Transform|Task'
        r"|Lambda|CreateModel|Model)\b"
    )
    for one in wiring.created(kinds, r"rain"):
        steps = re.findall(step, one.text.replace('\\"', '"'))
        if len(steps) >= FEWEST_STEPS:
            return met([Evidence(one.file, one.line, f"{len(steps)} steps")])
    return missing("no pipeline of at least three steps was found")


def declared_pipeline(wiring: Wiring) -> Finding:
    """Return met for stages in dvc.yaml, or jobs in an Azure ML or Databricks pipeline."""
    best: tuple[int, Evidence] | None = None
    for path in wiring.yaml_files:
        name = path.rpartition("/")[2]
        body = wiring.repository.tree[path]
        kind = b"stages:" in body and name == "dvc.yaml"
        azure = b"pipelineJob" in body or (b"type: pipeline" in body and b"jobs:" in body)
        bundle = b"depends_on:" in body and b"task_key:" in body
        kubeflow = b"pipelineInfo:" in body or b"deploymentSpec:" in body
        if not (kind or azure or bundle or kubeflow):
            continue
        for document in wiring.repository.documents(path):
            said = as_mapping(document)
            steps: list[Any] = list(as_mapping(said.get("stages" if kind else "jobs")).values())
            if bundle:
                steps = [one for one in all_mappings(said) if "task_key" in one and len(one) > 1]
            if kubeflow:
                steps = [one for one in all_mappings(said) if "componentRef" in one]
            if best is None or len(steps) > best[0]:
                best = (len(steps), Evidence(path, 1, f"{len(steps)} steps"))
    if best is None:
        return missing("no pipeline of at least three steps was found")
    if best[0] < FEWEST_STEPS:
        return missing(f"the pipeline has {best[0]} steps", [best[1]], "E1")
    return met([best[1]])


def coded_pipeline(wiring: Wiring) -> Finding:
    """Return met for steps of an orchestrator's library in a pipeline that trains."""
    found = without_short_dags(wiring.calls(ORCHESTRATED_STEPS))
    objects = wiring.calls(ORCHESTRATOR_OBJECTS)
    decorated = [
        unit
        for unit in wiring.code
        if any(matches(name, ORCHESTRATED_STEPS) for name in unit.decorators)
        or any(base.endswith(("FlowSpec", "luigi.Task")) for base in unit.bases)
    ]
    decorated = used_in_pipelines(wiring, decorated)
    steps = {(unit.path, unit.name, 0): at_unit(wiring, unit) for unit in decorated}
    steps |= {
        (unit.path, call.name, call.line): at_call(wiring, unit, call) for unit, call in found
    }
    if not steps:
        return missing("no pipeline of at least three steps was found")
    folders: dict[str, list[Evidence]] = {}
    for (path, _, _), place in steps.items():
        folders.setdefault("/".join(path.split("/")[:2]), []).append(place)
    whole = [one for one in folders.values() if len(one) >= FEWEST_STEPS]
    groups = sorted(whole or [[one for each in folders.values() for one in each]], key=len)
    training = [one for one in groups if lead_to_training(wiring, one)]
    most, trains = (training or groups)[-1], bool(training)
    if len(steps) >= FEWEST_STEPS and trains:
        return met([*(at_call(wiring, *one) for one in objects[:1]), *most])
    reason = f"the pipeline has {len(steps)} steps" if trains else "the pipeline does not train"
    return missing(reason, most, "E1")


def lead_to_training(wiring: Wiring, steps: list[Evidence]) -> bool:
    """Tell whether the files of steps reach what trains, or name it."""
    units = [unit for path in {one.path for one in steps} for unit in wiring.modules[path].units]
    reached = wiring.reach((unit.path, unit.name) for unit in units)
    fitted = {(unit.path, unit.name) for unit, _ in fits(wiring)}
    words = [*(one.what for one in steps), *(name for unit in units for name in unit.names)]
    words += [text for unit in units for _, text in unit.strings if " " not in text.strip()]
    words += [text for unit in units for _, text in unit.strings if RUNS.search(text)]
    return not fitted.isdisjoint(reached) or any(
        TRAIN_FILE.search(re.sub(r"[_/.]", " ", word)) for word in words
    )


def used_in_pipelines(wiring: Wiring, steps: list[Unit]) -> list[Unit]:
    """Leave out the components of Kubeflow that no pipeline uses."""
    pipelines = [unit for unit in wiring.code if any(map(KFP_PIPELINE.match, unit.decorators))]
    names = {name for unit in pipelines for name in unit.names}
    return [
        unit
        for unit in steps
        if not pipelines
        or unit.short in names
        or not any(map(KFP_COMPONENT.match, unit.decorators))
    ]


def without_short_dags(found: list[tuple[Unit, Call]]) -> list[tuple[Unit, Call]]:
    """Leave out the operators of Airflow in files with too few for a pipeline."""
    operators = {(unit.path, call.line) for unit, call in found if OPERATOR.match(call.name)}
    sizes = Counter(path for path, _ in operators)
    return [
        (unit, call)
        for unit, call in found
        if not OPERATOR.match(call.name) or sizes[unit.path] >= FEWEST_STEPS
    ]


def matches(name: str, patterns: list[str]) -> bool:
    """Tell whether a dotted name matches one of the patterns."""
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns if ":" not in pattern)


def kubernetes_pipeline(wiring: Wiring) -> Finding:
    """Return met for an Argo workflow with steps."""
    for path, document in wiring.manifests:
        if document.get("kind") in {"Workflow", "WorkflowTemplate", "CronWorkflow", "Pipeline"}:
            steps = [one for one in all_mappings(document) if "template" in one or "taskRef" in one]
            if len(steps) >= FEWEST_STEPS:
                return met([at_text(wiring, path, "kind:", f"{len(steps)} steps")])
    return missing("no pipeline of at least three steps was found")


def tracked_pipeline(wiring: Wiring) -> Finding:
    """Return met for functions that train, evaluate and register, called one after the other."""
    reached = training_reach(wiring)
    for unit in among(wiring, reached):
        called_names = [
            (call.name.rpartition(".")[2], call)
            for call in unit.calls
            if (own := wiring.module_path(call.name.partition(".")[0], unit.path))
            or wiring.module_path(call.name, unit.path)
            or own
        ]
        steps = [
            next((call for name, call in called_names if pattern.search(name)), None)
            for pattern in (STEP_TRAIN, STEP_EVALUATE, STEP_REGISTER)
        ]
        if all(steps) and wiring.imports(unit.path, TRACKER_PACKAGES):
            return met(at_call(wiring, unit, call) for call in steps if call)
    return missing("no pipeline of at least three steps was found")


@criterion("L2-03", "metrics-tracked", "must", "MS2, ZC, SD")
def metrics_tracked(wiring: Wiring) -> Finding:
    """The metrics of each training are logged to a tracker.

    A call of MLflow, Weights & Biases, Comet, Neptune, ClearML, Aim, DVCLive, SageMaker, Vertex or
    Azure ML, that a command which trains reaches; or metrics of a DVC pipeline.
    """
    found = called(
        wiring,
        TRACKED_METRICS,
        "logging of metrics to a tracker",
        training_reach(wiring),
        NOT_REACHED,
    )
    experiments = met_if(
        [*recorded_by_experiment(wiring), *metrics_of_job(wiring)],
        "no logging of metrics to a tracker was found",
    )
    return any_of(found, experiments, tracked_by_settings(wiring), dvc_metrics(wiring))


def recorded_by_experiment(wiring: Wiring) -> list[Evidence]:
    """Return the managed jobs that an experiment of SageMaker records."""
    return [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["*.TrainingStep", "*.fit", "*.TuningStep", "*.run"])
        if "experiment_config" in call.keywords and wiring.is_wired(unit)
    ]


def metrics_of_job(wiring: Wiring) -> list[Evidence]:
    """Return the estimators of SageMaker whose jobs take metrics from what is printed."""
    return [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["sagemaker.*"], training_reach(wiring))
        if call.keywords.get("metric_definitions", "") not in ("", [], {})
    ]


def tracked_by_settings(wiring: Wiring) -> Finding:
    """Return met if a trainer is configured to report to a tracker."""
    for unit, call in wiring.calls(["*.TrainingArguments", "*.SFTConfig", "*TrainingArguments"]):
        said = call.keywords.get("report_to")
        if said not in (None, "none", []):
            return met([at_call(wiring, unit, call)])
    for path in wiring.yaml_files:
        if HYDRA_LOGGER.search(wiring.repository.tree[path]):
            name = path.rpartition("/")[2].partition(".")[0]
            if chosen := chosen_by_default(wiring, "logger", name):
                return met([chosen, at_text(wiring, path, "_target_")])
    return missing("no logging of metrics to a tracker was found")


def chosen_by_default(wiring: Wiring, group: str, name: str) -> Evidence | None:
    """Return where a default of Hydra chooses a configuration of a group, if one does."""
    for path in wiring.yaml_files:
        for document in wiring.repository.documents(path):
            for one in mappings_in(as_mapping(document).get("defaults")):
                for key, value in one.items():
                    chosen = [str(each).removesuffix(".yaml") for each in as_list(value) or [value]]
                    if str(key).endswith(group) and name in chosen:
                        return at_text(wiring, path, f"{key}:")
    return None


def dvc_metrics(wiring: Wiring) -> Finding:
    """Return met if a stage of DVC that trains has metrics."""
    for path in wiring.repository.matching("dvc.yaml", "**/dvc.yaml"):
        for document in wiring.repository.documents(path):
            said = as_mapping(document)
            stages = as_mapping(said.get("stages"))
            if said.get("metrics") or any(
                as_mapping(one).get("metrics") for one in stages.values()
            ):
                return met([at_text(wiring, path, "metrics")])
    return missing("no logging of metrics to a tracker was found")


@criterion("L2-04", "parameters-tracked", "must", "MS2, G1")
def parameters_tracked(wiring: Wiring) -> Finding:
    """Parameters are outside of the code, and each run records them.

    Hydra, OmegaConf, a YAML or TOML file, command-line options or environment settings; and
    `log_params`, autologging, a tracker's `config=` or parameters of a DVC stage.
    """
    reached = training_reach(wiring)
    outside = any_of(
        read_parameters(wiring, reached),
        parameters_of_base(wiring, reached),
        dvc_parameters(wiring),
    )
    tracked = called(wiring, TRACKED_PARAMETERS, "logging of parameters", reached, NOT_REACHED)
    by_trainer = all("log_hyperparams" in one.what for one in tracked.evidence)
    if tracked.status == "met" and by_trainer and metrics_tracked(wiring).status != "met":
        tracked = missing("parameters go to a logger, but none is chosen", tracked.evidence, "E1")
    if tracked.status == "met" and not any_from_outside(wiring, reached):
        tracked = missing("what is logged is written in the code", tracked.evidence, "E1")
    with_config = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(
            ["wandb.init", "*.WandbLogger", "trackio.init", "swanlab.init"], reached
        )
        if "config" in call.keywords or "WandbLogger" in call.name
    ]
    kedro = wiring.repository.matching("**/mlflow.yml", "conf/**/mlflow.yml")
    logged = any_of(
        tracked,
        met_if(with_config, "no logging of parameters was found"),
        met_if(recorded_by_experiment(wiring), "no logging of parameters was found"),
        met_if(logged_as_metrics(wiring, reached), "no logging of parameters was found"),
        dvc_parameters(wiring),
        met_if(
            [Evidence(path, 1, "kedro-mlflow") for path in kedro],
            "no logging of parameters was found",
        ),
    )
    return all_of(outside, logged)


def read_parameters(wiring: Wiring, reached: set[tuple[str, str]]) -> Finding:
    """Return met if the training reads parameters; options of where and what alone are none."""
    found = called(wiring, EXTERNAL_PARAMETERS, "reading of parameters", reached, NOT_REACHED)
    parsers = {
        "argparse.ArgumentParser",
        "click.option",
        "typer.Option",
        "typer.Typer",
        "typer.run",
    }
    others = [one for one in EXTERNAL_PARAMETERS if one not in parsers]
    options = [
        said
        for _, call in wiring.calls([".add_argument", "click.option", "typer.Option"], reached)
        for said in call.arguments
        if isinstance(said, str) and said.startswith("--")
    ]
    if found.status != "met":
        found = any_of(found, read_as_json(wiring, reached))
    of_run = bool(options) and all(OF_RUN.search(said.replace("-", "_")) for said in options)
    if of_run and not wiring.calls(others, reached):
        return missing("no option is a parameter of the training", found.evidence, "E1")
    return found


def read_as_json(wiring: Wiring, reached: set[tuple[str, str]]) -> Finding:
    """Return met if the training reads a file of JSON that is named for settings."""
    found = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["json.load", "json.loads"], reached)
        if not {"read_text", "read_bytes", "open", "read"}.isdisjoint(unit.names)
        and SETTINGS_NAMED.search(" ".join([unit.path.rpartition("/")[2], unit.short, *unit.names]))
        and not any(SECRET_NAMED.search(name) for name in unit.names)
    ]
    return met_if(found, "no reading of parameters was found")


def any_from_outside(wiring: Wiring, reached: set[tuple[str, str]]) -> bool:
    """Tell whether a parameter that is logged may come from outside of the code.

    It may not if it is logged by a name that no option or setting has, or by the trial of a search.
    """
    outside = {name.replace("-", "_") for _, name, _ in wiring.written_settings}
    outside |= {
        text.lstrip("-").replace("-", "_")
        for unit in among(wiring, reached)
        for _, text in unit.strings
        if text.startswith("--")
    }
    named = [
        call.arguments[0] in outside
        for unit, call in wiring.calls(["mlflow.log_param", "mlflow:.log_param"], reached)
        if call.arguments and isinstance(call.arguments[0], str) and "*" not in call.arguments[0]
        if not is_configured(unit)
    ]
    others = [
        not is_trial(wiring, unit) and not is_written(unit, outside)
        for unit, call in wiring.calls(TRACKED_PARAMETERS, reached)
        if not (call.name.endswith("log_param") and named)
    ]
    return any(others) or sum(named) * 2 > len(named)


def is_written(unit: Unit, outside: set[str]) -> bool:
    """Tell whether a unit writes its parameters as a literal and uses no setting."""
    return bool(unit.literals) and not is_configured(unit) and outside.isdisjoint(unit.names)


def is_configured(unit: Unit) -> bool:
    """Tell whether a unit uses a configuration or options."""
    return any(CONFIGURATION.match(name) for name in unit.names if name not in unit.literals)


def is_trial(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit is what a search tries, whose space is written in code."""
    by_hyperopt = wiring.imports(unit.path, "hyperopt") and "STATUS_OK" in unit.names
    return by_hyperopt or any(name.startswith("suggest_") for name in unit.names)


def logged_as_metrics(wiring: Wiring, reached: set[tuple[str, str]]) -> list[Evidence]:
    """Return the calls of Azure ML, which has one call for both, where parameters are logged."""
    return [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["azureml:.log"], reached)
        if any(re.search(r"param|hyper|train_args|config", name, re.I) for name in unit.names)
    ]


def parameters_of_base(wiring: Wiring, reached: set[tuple[str, str]]) -> Finding:
    """Return met if a class of settings from the environment or a file is reached."""
    names = ("BaseSettings", "FlowSpec")
    found = [
        at_unit(wiring, unit)
        for unit in among(wiring, reached)
        if any(base.rpartition(".")[2] in names for base in unit.bases)
    ]
    return met_if(found, "parameters are in the code alone")


def dvc_parameters(wiring: Wiring) -> Finding:
    """Return met if a stage of DVC has parameters."""
    for path in wiring.repository.matching("dvc.yaml", "**/dvc.yaml"):
        for document in wiring.repository.documents(path):
            stages = as_mapping(as_mapping(document).get("stages"))
            if any(as_mapping(one).get("params") for one in stages.values()):
                return met([at_text(wiring, path, "params")])
    return missing("parameters are in the code alone")


@criterion("L2-05", "model-registered", "must", "MS2, ZC")
def model_registered(wiring: Wiring) -> Finding:
    """Each model is a version in a registry.

    MLflow, Weights & Biases, SageMaker, Vertex, Azure ML, BentoML, Hopsworks or DVC's `gto`, in
    code that a command reaches.
    """
    found = called(wiring, REGISTERING, "registering of a model")
    by_command = [
        at_text(wiring, line.file, line.text[:30], line.text)
        for line in [*(one for job in wiring.jobs for one in job.lines), *wiring.task_lines]
        if REGISTER_COMMAND.search(line.text)
    ]
    found = any_of(
        found,
        met_if(
            [at_call(wiring, *one) for one in registered_by_name(wiring)],
            "no registering of a model was found",
        ),
        met_if(by_command, "no registering of a model was found"),
        azure_models(wiring),
        declared_registration(wiring),
        met_if(registered_by_job(wiring), "no registering of a model was found"),
        met_if(model_artefacts(wiring), "no registering of a model was found"),
        dvc_artefacts(wiring),
    )
    return if_started(wiring, found)


def model_artefacts(wiring: Wiring) -> list[Evidence]:
    """Return where reached code logs an artefact of W&B that is a model, which has versions."""
    return [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls([".log_artifact"], wiring.wired)
        if wiring.imports(unit.path, "wandb") and is_model_artefact(unit)
    ]


def registered_by_name(wiring: Wiring) -> list[tuple[Unit, Call]]:
    """Return the calls of reached code that log a model and register it by a name."""
    logs = wiring.calls([".log_model", ".save_model", "mlflow.*.log_model"], wiring.wired)
    autologs = wiring.calls(["mlflow.*autolog", "mlflow.*.autolog"], wiring.wired)
    return [
        *(one for one in logs if REGISTERED_KEYWORD in {*one[1].keywords, *one[0].names}),
        *(one for one in autologs if REGISTERED_KEYWORD in one[1].keywords),
    ]


def registrations(wiring: Wiring) -> list[tuple[Unit, Call]]:
    """Return the calls of reached code that register a model."""
    return [*wiring.calls(REGISTERING, wiring.wired), *registered_by_name(wiring)]


def registered_by_job(wiring: Wiring) -> list[Evidence]:
    """Return the training jobs of Vertex AI that upload their model by a name."""
    return [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["google:.run", "google:.submit"])
        if "model_display_name" in call.keywords and wiring.is_wired(unit)
    ]


def declared_registration(wiring: Wiring) -> Finding:
    """Return met if a pipeline that a file of infrastructure declares registers a model."""
    found = wiring.created(
        r"^(aws_sagemaker_pipeline|AWS::SageMaker::Pipeline)$", r"RegisterModel|ModelPackageGroup"
    )
    places = [Evidence(one.file, one.line, one.kind) for one in found]
    return met_if(places, "no registering of a model was found")


def dvc_artefacts(wiring: Wiring) -> Finding:
    """Return unknown if DVC declares a model: its versions are tags of git."""
    for path in wiring.repository.matching("dvc.yaml", "**/dvc.yaml"):
        for document in wiring.repository.documents(path):
            for one in as_mapping(as_mapping(document).get("artifacts")).values():
                if as_mapping(one).get("type") == "model":
                    place = at_text(wiring, path, "type: model")
                    return unknown("the versions of DVC's model are tags of git", [place])
    return missing("no registering of a model was found")


def azure_models(wiring: Wiring) -> Finding:
    """Return met if an Azure pipeline's output or a job file registers a model."""
    for path in wiring.yaml_files:
        text = uncommented(wiring, path)
        if "type: mlflow_model" in text and "register" in text.lower():
            return met([at_text(wiring, path, "mlflow_model")])
    return missing("no registering of a model was found")


@criterion("L2-06", "data-version-recorded", "must", "MS2-3, G1")
def data_version_recorded(wiring: Wiring) -> Finding:
    """Each run records the version of its data.

    `dvc.lock` or `.dvc` files, lakeFS, Delta or Iceberg snapshots, `mlflow.log_input`, a dataset
    artifact, or a hash or version of the data that the run logs.
    """
    for path in wiring.repository.matching("dvc.lock", "**/dvc.lock", "**/*.dvc", "*.dvc"):
        if not DOCS_PATH.search(path) and "md5" in wiring.repository.text(path):
            return met([at_text(wiring, path, "md5", "version of data")])
    reached = training_reach(wiring)
    patterns = [
        *("mlflow.log_input*", "mlflow:.log_input*", "lakefs.*", "lakefs_client.*"),
        *("wandb:.use_artifact", "azureml:.as_named_input", "azureml.core.Dataset.get_by_name"),
        *("azureml.*.Dataset.*register*", "wandb.use_artifact", "clearml.Dataset.get"),
        *("dvc.api.get_url", "hopsworks:.create_training_data"),
        *("hopsworks:.create_train_test_split", "hsfs:.create_training_data", "azureml:.register"),
        *("pyspark:.versionAsOf", "google.cloud.aiplatform.TabularDataset.*"),
        *("wandb:.add_reference", "*ExampleGen"),
    ]
    digests = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["mlflow.autolog", "mlflow.*.autolog"], reached)
        if call.keywords.get("log_datasets", True) is not False
        and not wiring.imports(unit.path, "torch|pytorch_lightning|lightning")
        and not keeps_no_digest(wiring)
    ]
    found = called(wiring, patterns, "recording of the data's version", reached, NOT_REACHED)
    logged = [
        at_line(wiring, unit.path, places[0][1], places[0][0])
        for unit, places in units_with(among(wiring, reached), DATA_VERSION)
        if any(wiring.imports(path, TRACKER_PACKAGES) for path in (unit.path,))
    ]
    texts = [
        at_line(wiring, unit.path, line, text)
        for unit in among(wiring, reached)
        if wiring.imports(unit.path, TRACKER_PACKAGES)
        for line, text in unit.strings
        if len(text) < 60 and DATA_VERSION.search(text)
    ]
    logged += [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["wandb.log_artifact", "wandb:.log_artifact"], reached)
        if not is_model_artefact(unit)
    ]
    kept = [*logged, *texts, *named_assets(wiring), *kept_data(wiring, reached)]
    reason = "no run records the version of its data"
    told = "autologging keeps a digest of some data; of which, files do not show"
    by_autolog = unknown(told, digests) if digests else missing(reason)
    return any_of(found, met_if(kept, reason), by_autolog)


def keeps_no_digest(wiring: Wiring) -> bool:
    """Tell whether a list pins an MLflow before 2.4, whose autologging keeps no digest of data."""
    return any(
        OLD_MLFLOW.search(wiring.repository.text(path))
        for path in wiring.repository.matching("**/requirements*.txt", "requirements*.txt")
    )


def is_model_artefact(unit: Unit) -> bool:
    """Tell whether the artefacts that a unit makes are models."""
    made = [call for call in unit.calls if call.name.endswith("Artifact")]
    kinds = [
        one for call in made for one in (call.keywords.get("type"), *call.arguments[1:2]) if one
    ]
    return bool(kinds) and all(str(kind).lower() == "model" for kind in kinds)


def kept_data(wiring: Wiring, reached: set[tuple[str, str]]) -> list[Evidence]:
    """Return where a run keeps the data themselves: as an artefact, or as a step's output."""
    tracked = any(wiring.imports(path, TRACKER_PACKAGES) for path in {one for one, _ in reached})
    logged = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls([".log_artifact*"], reached if tracked else set())
        if any(DATA_KEPT.search(text) for line, text in unit.strings if line == call.line)
    ]
    logged += [
        at_unit(wiring, unit)
        for unit in among(wiring, reached)
        if {"Output", "OutputPath"} & unit.names.keys()
        and "Dataset" in unit.names
        and any(KFP_COMPONENT.match(name) for name in unit.decorators)
    ]
    steps = [
        at_unit(wiring, unit)
        for unit in among(wiring, reached)
        if any(re.match(r"zenml\.(\w+\.)?step$", name) for name in unit.decorators)
        and re.search(r"data|load|ingest|import", unit.short)
    ]
    return [*logged, *steps]


def named_assets(wiring: Wiring) -> list[Evidence]:
    """Return the data assets of Azure ML that a pipeline's inputs name: their runs record them."""
    text = re.compile(rb"(?m)^\s+path:\s*[\"']?(azureml:[\w-]+[@:][\w.]+)\s*[\"']?\s*$")
    return [
        at_text(wiring, path, found[1].decode())
        for path in wiring.yaml_files
        if b"inputs:" in wiring.repository.tree[path]
        and (found := text.search(wiring.repository.tree[path]))
    ]


@criterion("L2-07", "data-validated", "must", "G1, D1, N2")
def data_validated(wiring: Wiring) -> Finding:
    """Data are validated before training, and what is invalid stops the run.

    pandera, pydantic, Great Expectations, TFDV, Deequ, soda, Deepchecks, or a function of one's own
    that checks and raises. Validators that only report need a branch that raises or exits.
    """
    reached = training_reach(wiring) | wiring.reach(
        root.place
        for root in wiring.roots
        if root.kind == "pipeline" or root.file.endswith("dvc.yaml")
    )
    soft = None
    for unit, call in wiring.calls(VALIDATING):
        if (unit.path, unit.name) not in reached:
            soft = soft or ((unit, call), NOT_REACHED)
        elif any(wiring.imports(unit.path, one) for one in STOPS_ALONE) or (
            "ExampleValidator" not in call.name  # it writes anomalies, and goes on
            and (unit.stops or caller_stops(wiring, unit))
        ):
            return met([at_call(wiring, unit, call)])
        else:
            soft = ((unit, call), "its result stops nothing")
    for unit in among(wiring, reached):
        if any("pandera.check" in name or name.startswith("pandera.") for name in unit.decorators):
            return met([at_unit(wiring, unit)])
        if OWN_VALIDATOR.match(unit.short) and unit.stops and unit.branches:
            return met([at_unit(wiring, unit)])
        lacks = any(COLUMNS_LACK.search(name) for name in unit.tested) or (
            "missing" in unit.tested and "columns" in unit.names
        )
        if unit.stops and lacks and not OF_SCORING.search(f"{unit.path} {unit.name}"):
            return met([at_unit(wiring, unit)])
    for schema in (
        unit
        for unit in among(wiring, reached)
        if any("pandera" in base or base.endswith("DataFrameModel") for base in unit.bases)
    ):
        return met([at_unit(wiring, schema)])
    if flagged := stopped_by_flag(wiring, reached):
        return met(flagged)
    if checked := checked_before_training(wiring):
        return met(checked, "E3")
    if soft:
        return missing(f"validation is there, but {soft[1]}", [at_call(wiring, *soft[0])], "E1")
    return missing("no validation of data that can stop the training was found")


def stopped_by_flag(wiring: Wiring, reached: set[tuple[str, str]]) -> list[Evidence]:
    """Return where a validation of one's own returns a flag by which the training is left."""
    checks = {
        unit.short: unit
        for unit in among(wiring, reached)
        if OWN_VALIDATOR.match(unit.short) and unit.branches
    }
    for unit in among(wiring, reached):
        calls = [call for call in unit.calls if call.name.rpartition(".")[2] in checks]
        if calls and any(VALID.search(name) for name in unit.guarded):
            return [at_call(wiring, unit, calls[0])]
    return []


def checked_before_training(wiring: Wiring) -> list[Evidence]:
    """Return where a job tests the data before it trains."""
    wanted = fitting_places(wiring)
    for job in wiring.jobs:
        for number, line in enumerate(job.lines):
            if line.counts and TESTS_DATA.search(line.text):
                roots = wiring.roots_of(job.lines[number + 1 :], "ci")
                if wanted & wiring.reach(root.place for root in roots):
                    return [at_text(wiring, line.file, line.text[:40], line.text)]
    return []


def caller_stops(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit that calls another one raises or asserts by what it returns."""
    return unit.short not in {"<module>", "__main__", "main", "run"} and any(
        unit.short in one.names and ((one.stops and one.branches) or one.asserts)
        for one in wiring.code
        if one is not unit
    )


@criterion("L2-08", "trained-on-schedule", "must", "MS2, G1, AWS 8.2-8.3")
def trained_on_schedule(wiring: Wiring) -> Finding:
    """Training recurs by itself.

    A schedule of CI, Airflow, Prefect, Dagster, Kubernetes, EventBridge, Cloud Scheduler or cron,
    a sensor or rule of new data, or an endless loop of a service, that reaches the training.
    Training at each push does not recur.
    """
    wanted = fitting_places(wiring)
    other = None
    for file, lines, reached in [*scheduled_reach(wiring), *endless_reach(wiring)]:
        if wanted & reached:
            return met([at_text(wiring, file, "schedule"), *first_fit(wiring, wanted & reached)])
        for line in lines:
            if re.search(
                r"az ml job create|gcloud .*(pipeline|custom-jobs)|kfp run|sagemaker .*pipeline"
                r"|dvc repro|papermill|notebook",
                line.text,
            ):
                return met(
                    [
                        at_text(wiring, file, "schedule"),
                        at_text(wiring, line.file, line.text[:40], line.text),
                    ]
                )
        other = other or file
    for unit, call in wiring.calls([*SCHEDULING, *SENSORS]):
        schedule = [call.keywords[name] for name in SCHEDULE_KEYWORDS if name in call.keywords]
        by_data = any(isinstance(one, list) and one for one in schedule)
        named = re.search(
            r"DAG|dag$|serve|deploy|deployment|LaunchPlan", call.name.rpartition(".")[2]
        )
        text = by_data or any(
            isinstance(one, str) and one not in {"@once", "None", ""} for one in schedule
        )
        dynamic = any(one is None for one in schedule) and not is_none(unit)
        if named and not (text or (dynamic and schedule and call.name.rpartition(".")[2] != "DAG")):
            continue
        commands = [place for _, text in unit.strings for place in wiring.started(text, unit.path)]
        trains = wanted & wiring.reach([(unit.path, unit.name), (unit.path, "<module>"), *commands])
        mentions = any(
            TRAIN_FILE.search(name.replace("_", " ")) for name in [*unit.names, unit.path]
        )
        if trains or mentions:
            return met([at_call(wiring, unit, call)])
        other = other or unit.path
    if found := infrastructure_schedule(wiring) or set_outside(wiring, wanted):
        return found
    if other:
        return unseen_ci(wiring, f"the schedule in {other} does not reach the training")
    return unseen_ci(wiring, "nothing starts the training again")


def set_outside(wiring: Wiring, wanted: set[tuple[str, str]]) -> Finding | None:
    """Return unknown if what trains can be started by a schedule that no file would show."""
    if made := scheduler_in_notebook(wiring):
        return met(made, "E1")
    for job in wiring.jobs:
        reached = wiring.reach(root.place for root in wiring.roots_of(job.lines, "ci"))
        off = SCHEDULE_OFF.search(wiring.repository.text(job.file))
        if job.started_by("outside", "repository_dispatch") and wanted & reached and not off:
            return started_outside(job)
        if wiring.is_schedule_unsaid(job) and wanted & reached:
            return unknown(
                "GitLab keeps schedules, which no file shows", [Evidence(job.file, 1, job.name)]
            )
    reason = "the schedule of a deployment can be set at its server, which no file shows"
    deployments = ["prefect:.deploy", "prefect:.to_deployment", "prefect:.build_from_flow"]
    for unit, call in wiring.calls(deployments):
        if not any(call.keywords.get(name) for name in SCHEDULE_KEYWORDS):
            return unknown(reason, [at_call(wiring, unit, call)])
    reason = "an event starts the pipeline; who sends it is not in the repository"
    for unit in wiring.code:
        sent = [call for call in unit.calls if PIPELINE_STARTED.search(call.name)]
        if {"event", "context"} <= unit.names.keys() and sent:
            return unknown(reason, [at_call(wiring, unit, sent[0])])
    return None


def scheduler_in_notebook(wiring: Wiring) -> list[Evidence]:
    """Return where a notebook makes a scheduler, and the function that then starts a pipeline."""
    made = [
        at_line(wiring, path, line, text)
        for path, module in wiring.modules.items()
        for line, text in module.shell
        if SCHEDULER_MADE.search(text)
    ]
    started = [
        at_call(wiring, unit, call)
        for unit in (wiring.code if made else ())
        if {"event", "context"} <= unit.names.keys()
        for call in unit.calls
        if PIPELINE_STARTED.search(call.name)
    ]
    return [made[0], started[0]] if made and started else []


def first_fit(wiring: Wiring, places: set[tuple[str, str]]) -> list[Evidence]:
    """Return the first call that fits a model in some units."""
    return [at_call(wiring, *one) for one in fits(wiring) if (one[0].path, one[0].name) in places][
        :1
    ]


def infrastructure_schedule(wiring: Wiring) -> Finding | None:
    """Return met for a rule or a scheduler of a cloud that names a pipeline."""
    for one in [*wiring.rules(RECURS), *wiring.rules(NEW_DATA)]:
        return met([Evidence(one.file, one.line, f"{one.kind} {one.name}")])
    read = {one.file for one in wiring.resources}
    text = re.compile(
        r"aws_cloudwatch_event_rule|aws_scheduler_schedule|google_cloud_scheduler_job"
        r"|AWS::Events::Rule|ScheduleExpression|AWS::Scheduler::Schedule|RecurrenceTrigger"
        r"|CronTrigger|quartz_cron_expression"
    )
    for path in wiring.sizes:
        if (
            path.endswith((".tf", ".yml", ".yaml", ".json", ".ts"))
            and path not in read
            and not DOCS_PATH.search(path)
            and wiring.sizes[path] < 200_000
        ):
            body = wiring.repository.tree[path]
            if (
                b"chedul" in body
                or b"event_rule" in body
                or b"Events::Rule" in body
                or b"cron" in body
            ):
                said = uncommented(wiring, path)
                found = text.search(said)
                if (
                    found
                    and re.search(r"train|pipeline|sagemaker", said, re.I)
                    and "paused: true" not in said.lower()
                    and re.search(r"ScheduleExpression|schedule_expression|schedule\s*=|cron", said)
                ):
                    return met([at_text(wiring, path, found[0])])
    return None


@criterion("L2-09", "judged-beside-baseline", "must", "Mo5, G1")
def judged_beside_baseline(wiring: Wiring) -> Finding:
    """A model is evaluated on held-out rows beside a baseline or an earlier model.

    A dummy model, or the metric of the champion or of an earlier version that is scored, too, in
    code that a command reaches or in a test, with a split of the rows; or metrics of two commits.
    """
    return if_started(wiring, compared_with_baseline(wiring))


def compared_with_baseline(wiring: Wiring) -> Finding:
    """Return met if something reached compares with a baseline or an earlier model."""
    reached = wiring.wired
    dummy = [
        *wiring.calls(BASELINE_CALLS, reached),
        *(
            (unit, call)
            for unit, call in wiring.calls(["*.Evaluator", "mlflow.evaluate"], reached)
            if {"baseline_model", "baseline_result"} & call.keywords.keys()
        ),
    ]
    if dummy:
        return met(at_call(wiring, *one) for one in dummy)
    if compared := [*compared_by_command(wiring), *scored_beside_loaded(wiring)]:
        return met(compared)
    named = [
        (unit, places)
        for unit, places in units_with(among(wiring, reached), BASELINE_WORD, METRIC_WORD)
        if any(BASELINE_METRIC.search(name) for name in unit.names)
        or (unit.branches and compares(unit))
    ]
    held_out = any(True for _ in units_with(wiring.code, TIME_SPLIT))
    if named and held_out:
        return met(at_line(wiring, unit.path, places[0][1], places[0][0]) for unit, places in named)
    for module, unit in test_units(wiring):
        is_compared = names_any(unit, BASELINE_METRIC) or (
            names_any(unit, BASELINE_WORD)
            and any(METRIC_CALL.search(call.name) for call in unit.calls)
        )
        if own_imports(wiring, module) and is_compared:
            return met([at_unit(wiring, unit)])
    if named:
        return missing(
            "a baseline is there, but no rows are held out", [at_unit(wiring, named[0][0])]
        )
    return missing("no metric of a baseline or an earlier model beside the new one was found")


def scored_beside_loaded(wiring: Wiring) -> list[Evidence]:
    """Return where an evaluation loads an earlier version from the registry and scores it, too."""
    loads = {(unit.path, unit.name) for unit, _ in wiring.calls(RESOLVING, wiring.wired)}
    loads |= {(unit.path, unit.name) for unit, _, _ in wiring.model_uris} & wiring.wired
    return [
        at_unit(wiring, unit)
        for unit in among(wiring, loads)
        if "predict" in unit.names
        and any(METRIC_WORD.search(name) for name in unit.names)
        and re.search(r"eval|promot|compar|valid|gate", f"{unit.path} {unit.name}", re.I)
    ]


def compares(unit: Unit) -> bool:
    """Tell whether the conditions of a unit look at metrics and at an earlier model."""
    return any(METRIC_WORD.search(name) for name in unit.tested) and any(
        BASELINE_WORD.search(name) for name in unit.tested
    )


def compared_by_command(wiring: Wiring) -> list[Evidence]:
    """Return where CI or a task compares the metrics of two commits, as DVC does."""
    lines = [*(line for job in wiring.jobs for line in job.lines), *wiring.task_lines]
    found = re.compile(r"\bdvc (exp|metrics|plots) diff\b")
    return [
        *(
            at_text(wiring, line.file, hit[0], line.text)
            for line in lines
            if (hit := found.search(line.text))
        ),
        *compared_with_main(wiring),
    ]


def compared_with_main(wiring: Wiring) -> list[Evidence]:
    """Return where a job gets the metrics of the main branch and compares."""
    return [
        at_text(wiring, line.file, line.text[:40], line.text)
        for job in wiring.jobs
        if any(OF_MAIN.search(used) for used in job.uses)
        if (line := job.runs(re.compile(r"compar|diff", re.I)))
    ]


@criterion("L2-10", "judged-by-slice", "should", "Mo6, G1")
def judged_by_slice(wiring: Wiring) -> Finding:
    """Slices of the data have metrics of their own.

    Metrics by group, `tfma.SlicingSpec`, fairlearn's `MetricFrame`, in code that a command reaches.
    """
    named = list(units_with(among(wiring, wiring.wired), SLICE_WORD, METRIC_WORD))
    named = [one for one in named if one[1][0][0] != "slicing_specs"]
    sliced = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["*.SlicingSpec"], wiring.wired)
        if call.keywords or call.arguments  # without any, the only slice is the whole
    ]
    found = any_of(
        called(wiring, ["*.MetricFrame", "snorkel.*slicing*"], "metrics by slice"),
        met_if(sliced, "no metrics by slice were found"),
    )
    by_name = met_if(
        (at_line(wiring, unit.path, places[0][1], places[0][0]) for unit, places in named),
        "no metrics by slice were found",
    )
    return if_started(wiring, any_of(found, by_name))


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
        name = unseeded.what.removesuffix("()").rpartition(".")[2]
        return missing(f"{name} has no seed", [unseeded], "E1")
    network = any(wiring.imports(unit.path, NETWORKS) for unit, _ in fits(wiring))
    states = [
        at_line(wiring, unit.path, line, "random_state")
        for unit in among(wiring, reached)
        if not (network and seeds_split_alone(unit))
        for name, line in [*unit.names.items(), *((text, line) for line, text in unit.strings)]
        if name in SEED_NAMES
    ]
    notebooks = {path for path, _ in reached if path.endswith(".ipynb")}
    if notebooks - {place.path for place in [*states, *seeds.evidence]}:
        return missing("a notebook that fits a model sets no seed")
    found = any_of(seeds, met_if(states, "no seed is set"))
    if found.status == "met" and seeds.status != "met" and not seeds_models(wiring, reached):
        told = "a split has a seed; whether something else is random, files do not show"
        return unknown(told, found.evidence)
    return found


def seeds_models(wiring: Wiring, reached: set[tuple[str, str]]) -> bool:
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


def without_seed(wiring: Wiring, reached: set[tuple[str, str]]) -> Evidence | None:
    """Return a call that draws at random and is given no seed, if there is one."""
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
    return unseeded[0] if unseeded and len(unseeded) >= seeded else None


@criterion("L2-12", "features-shared", "should", "D7, N3")
def features_shared(wiring: Wiring) -> Finding:
    """Training and inference compute features with the same tested code.

    A function of features that training and serving reach, and a test that calls it; features that
    are part of the model, in tested code; or a feature store.
    """
    stores = wiring.calls(
        ["feast.*", "tecton.*", "hopsworks:.get_feature_view", "*.FeatureView", "hsfs.*"]
    )
    if stores:
        return met([at_call(wiring, *stores[0])])
    name = re.compile(
        r"feature|preprocess|process_data|transform|prepare_|encode|ColumnTransformer|make_pipeline|^Pipeline$",
        re.I,
    )
    trained, served = training_reach(wiring), serving_reach(wiring)
    both = among(wiring, trained & served)
    shared = [unit for unit in both if name.search(unit.short) and unit.short != "<module>"]
    tested = {one for module, unit in test_units(wiring) for one in unit.names}
    found = [unit for unit in shared if unit.short in tested]
    if found:
        return met((at_unit(wiring, unit) for unit in found), "E3")
    own = {path for module in wiring.tests for path in own_imports(wiring, module)}
    in_model = [
        one
        for one in wiring.calls(
            ["sklearn.pipeline.*", "sklearn.compose.ColumnTransformer", "*.TFTransformOutput"],
            trained,
        )
        if one[0].path in own or any(one[0].path in wiring.imports_of(path) for path in own)
    ]
    if in_model:
        return met([at_call(wiring, *in_model[0])], "E1")
    if shared:
        return missing(
            "code of features is shared, but no test calls it", [at_unit(wiring, shared[0])], "E1"
        )
    kept = wiring.calls(["sklearn.pipeline.*", "sklearn.compose.*", "joblib.dump"], trained)
    if kept and served and wiring.tests:
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
    left_out = None
    for module, unit in test_units(wiring):
        if is_mocked(module, unit):
            continue
        helped, own = helpers_of(wiring, module, unit)
        own = [*own, *exported_by(wiring, own)]
        calls = {name for call in unit.calls for name in called_names(call)} | helped
        if {"invoke", "run", "delay", "submit", "fn"} & calls:  # they get what they run
            calls |= set(unit.names)
        if any(path in own and name in calls for path, name in whole):
            if runs_in_ci(wiring, module, unit):
                return met([at_unit(wiring, unit)], "E3")
            left_out = left_out or unit
    for job in wiring.jobs:
        if not job.started_by("pull_request", "push"):
            continue
        lines = until_deployed(job)
        checks = [number for number, line in enumerate(lines) if CHECKS_OUTCOME.search(line.text)]
        before = lines[: checks[-1]] if checks else []
        reached = wiring.reach(root.place for root in wiring.roots_of(before, "ci"))
        if wanted & reached:
            check = lines[checks[-1]]
            return met([at_text(wiring, check.file, check.text[:40], check.text)], "E3")
    if left_out:
        return missing("CI leaves out the test that trains", [at_unit(wiring, left_out)], "E1")
    return missing("no test or job trains on a sample and checks the outcome")


def called_names(call: Call) -> list[str]:
    """Return what a chain of calls calls: `fit` and `score` of `a.b().fit().score()`, and `b`."""
    return [part.rpartition(".")[2] for part in call.name.split("()")]


def until_deployed(job: Job) -> list[Line]:
    """Return the commands of a job before the first one that deploys."""
    return list(takewhile(lambda line: not DEPLOY_COMMAND.search(line.text), job.lines))


def exported_by(wiring: Wiring, paths: Iterable[str]) -> set[str]:
    """Return the files whose names the packages among some files export."""
    return {
        inner for path in paths if path.endswith("__init__.py") for inner in wiring.imports_of(path)
    }


def whole_trainings(wiring: Wiring) -> set[tuple[str, str]]:
    """Return the files and names of functions that train and keep what they trained."""
    wanted = fitting_places(wiring)
    tested = {name for module in wiring.tests for unit in module.units for name in unit.names}
    files = {path for module in wiring.tests for path in own_imports(wiring, module)}
    files |= exported_by(wiring, files)
    units = {(unit.path, unit.name): unit for unit in wiring.code}
    found: set[tuple[str, str]] = set()
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
        if not fitting_places(wiring):
            return met([place], "E1")
        return unknown("a notebook searches; whether training uses it, files do not show", [place])
    return found
