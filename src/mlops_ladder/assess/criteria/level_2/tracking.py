"""Tracking of runs: metrics and parameters."""

import re

from ....inspection.files import as_list, as_mapping, mappings_in
from ....inspection.python import Unit
from ...evidence import among, called_in_training, fits, training_reach
from ...finding import Evidence, Finding, all_of, any_of, criterion, met, met_if, missing, unknown
from ...places import at_call, at_line, at_text, at_unit
from ...reach import Place
from ...tools import EXTERNAL_PARAMETERS, TRACKED_METRICS, TRACKED_PARAMETERS
from ...wiring import Wiring

HYDRA_LOGGER = re.compile(
    rb"_target_:\s*\S*(Wandb|MLFlow|MLflow|Comet|Neptune|Aim|ClearML|DVCLive)\w*Logger"
)
CONFIGURATION = re.compile(
    r"^_?(cfg|conf|config|configuration|args|opts?|options|settings|hparams|params)$", re.I
)
SECRET_NAMED = re.compile(r"credential|service_account|token|secret", re.I)
SETTINGS_NAMED = re.compile(r"config|param|setting|manifest|option", re.I)
OF_RUN = re.compile(
    r"data|path|dir|file|folder|experiment|regist|alias|ur[il]$|name|(^|_)id$|output|input"
    r"|test_size"
    r"|folds|host|port|verbose|debug|log"
)
"""Options that say where and under which name something runs, not how a model is trained."""
KEEPS_ARGUMENTS = re.compile(r"(save_hyperparameters|log_hyperparams)$")
"""Calls that log the arguments which a module was made with."""
PARSERS = {"argparse.ArgumentParser", "click.option", "typer.Option", "typer.Typer", "typer.run"}
NO_PARSERS = [one for one in EXTERNAL_PARAMETERS if one not in PARSERS]
"""Calls that read parameters otherwise than from the command line."""


@criterion("L2-03", "metrics-tracked", "must", "MS2, ZC, SD")
def metrics_tracked(wiring: Wiring) -> Finding:
    """The metrics of each training are logged to a tracker.

    A call of MLflow, Weights & Biases, Comet, Neptune, ClearML, Aim, DVCLive, SageMaker, Vertex or
    Azure ML, that a command which trains reaches; or metrics of a DVC pipeline.
    """
    found = called_in_training(wiring, TRACKED_METRICS, "logging of metrics to a tracker")
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
        if said not in (None, "none", "tensorboard", [], ["tensorboard"]):
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
        parameters_of_kedro(wiring),
        dvc_parameters(wiring),
    )
    tracked = called_in_training(wiring, TRACKED_PARAMETERS, "logging of parameters")
    by_trainer = all(KEEPS_ARGUMENTS.search(one.what.strip("()")) for one in tracked.evidence)
    if tracked.status == "met" and by_trainer and metrics_tracked(wiring).status != "met":
        tracked = missing("parameters go to a logger, but none is chosen", tracked.evidence, "E1")
    if tracked.status == "met" and not any_from_outside(wiring, reached):
        tracked = missing("what is logged is written in the code", tracked.evidence, "E1")
    if tracked.status == "met" and not is_taken_from_settings(wiring, reached):
        told = "parameters are logged; whether they come from the settings, files do not show"
        tracked = unknown(told, tracked.evidence)
    keeps = any(
        {"wandb", "config"} <= unit.names.keys()
        or any(KEEPS_ARGUMENTS.search(call.name) for call in unit.calls)
        for unit in among(wiring, reached)
    )
    with_config = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(
            ["wandb.init", "*.WandbLogger", "trackio.init", "swanlab.init"], reached
        )
        if "config" in call.keywords or ("WandbLogger" in call.name and keeps)
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


def read_parameters(wiring: Wiring, reached: set[Place]) -> Finding:
    """Return met if the training reads parameters; options of where and what alone are none."""
    found = called_in_training(wiring, EXTERNAL_PARAMETERS, "reading of parameters")
    options = [
        said
        for _, call in wiring.calls([".add_argument", "click.option", "typer.Option"], reached)
        for said in call.arguments
        if isinstance(said, str) and said.startswith("--")
    ]
    if found.status != "met":
        found = any_of(found, read_as_json(wiring, reached))
    of_run = bool(options) and all(OF_RUN.search(said.replace("-", "_")) for said in options)
    if of_run and not wiring.calls(NO_PARSERS, reached):
        return missing("no option is a parameter of the training", found.evidence, "E1")
    return found


def read_as_json(wiring: Wiring, reached: set[Place]) -> Finding:
    """Return met if the training reads a file of JSON that is named for settings."""
    found = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["json.load", "json.loads"], reached)
        if not {"read_text", "read_bytes", "open", "read"}.isdisjoint(unit.names)
        and SETTINGS_NAMED.search(" ".join([unit.path.rpartition("/")[2], unit.short, *unit.names]))
        and not any(SECRET_NAMED.search(name) for name in unit.names)
    ]
    return met_if(found, "no reading of parameters was found")


def any_from_outside(wiring: Wiring, reached: set[Place]) -> bool:
    """Tell whether a parameter that is logged may come from outside of the code.

    It may not if it is logged by a name that no option or setting has, or by the trial of a search.
    """
    outside = named_outside(wiring, reached)
    named = [
        call.arguments[0] in outside
        for unit, call in wiring.calls(["mlflow.log_param", "mlflow:.log_param"], reached)
        if call.arguments and isinstance(call.arguments[0], str) and "*" not in call.arguments[0]
        if not is_configured(unit)
    ]
    others = [
        not is_trial(wiring, unit) and not is_written(wiring, unit, outside)
        for unit, call in wiring.calls(TRACKED_PARAMETERS, reached)
        if not (call.name.endswith("log_param") and named)
    ]
    return any(others) or sum(named) * 2 > len(named)


def named_outside(wiring: Wiring, reached: set[Place]) -> set[str]:
    """Return the names of settings in files, and of options of commands."""
    options = {
        text.lstrip("-").replace("-", "_")
        for unit in among(wiring, reached)
        for _, text in unit.strings
        if text.startswith("--")
    }
    return options | {name.replace("-", "_") for _, name, _ in wiring.written_settings}


def is_taken_from_settings(wiring: Wiring, reached: set[Place]) -> bool:
    """Tell whether code that logs parameters uses settings, or is in a file that reads them."""
    reading = {unit.path for unit, _ in wiring.calls(NO_PARSERS, reached)}
    reading |= {place.path for place in read_as_json(wiring, reached).evidence}
    logging = wiring.calls(TRACKED_PARAMETERS, reached)
    logging = [one for one in logging if not one[1].name.endswith("autolog")]
    outside = named_outside(wiring, reached)
    return any(
        (
            is_configured(unit)
            or KEEPS_ARGUMENTS.search(call.name)
            or unit.path in reading
            or not outside.isdisjoint(map(str, call.arguments[:1]))
        )
        and not is_trial(wiring, unit)
        for unit, call in logging
    )


def is_written(wiring: Wiring, unit: Unit, outside: set[str]) -> bool:
    """Tell whether a unit has its parameters from a literal and uses no setting."""
    of_module = wiring.modules[unit.path].units[0].literals & unit.names.keys()
    literals = unit.literals | of_module
    free = [name for name in unit.names if name not in literals]
    given = any(CONFIGURATION.match(name) for name in free)
    return bool(literals) and not given and outside.isdisjoint(free)


def is_configured(unit: Unit) -> bool:
    """Tell whether a unit uses a configuration or options."""
    return any(CONFIGURATION.match(name) for name in unit.names if name not in unit.literals)


def is_trial(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit is what a search tries, whose space is written in code."""
    by_hyperopt = wiring.imports(unit.path, "hyperopt") and "STATUS_OK" in unit.names
    return by_hyperopt or any(name.startswith("suggest_") for name in unit.names)


def logged_as_metrics(wiring: Wiring, reached: set[Place]) -> list[Evidence]:
    """Return the calls of Azure ML, which has one call for both, where parameters are logged."""
    return [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["azureml:.log"], reached)
        if any(re.search(r"param|hyper|train_args|config", name, re.I) for name in unit.names)
    ]


def parameters_of_base(wiring: Wiring, reached: set[Place]) -> Finding:
    """Return met if a class of settings from the environment or a file is reached."""
    names = ("BaseSettings", "FlowSpec")
    found = [
        at_unit(wiring, unit)
        for unit in among(wiring, reached)
        if any(base.rpartition(".")[2] in names for base in unit.bases)
    ]
    return met_if(found, "parameters are in the code alone")


def parameters_of_kedro(wiring: Wiring) -> Finding:
    """Return met if a pipeline of Kedro takes parameters of its configuration."""
    files = wiring.repository.matching("**/conf/**/parameters*.y*ml", "conf/**/parameters*.y*ml")
    found = [
        at_line(wiring, unit.path, line, text)
        for unit in wiring.code
        for line, text in unit.strings
        if files and text.startswith("params:")
    ]
    return met_if(found, "parameters are in the code alone")


def dvc_parameters(wiring: Wiring) -> Finding:
    """Return met if a stage of DVC has parameters, and something is trained."""
    for path in wiring.repository.matching("dvc.yaml", "**/dvc.yaml") if fits(wiring) else ():
        for document in wiring.repository.documents(path):
            stages = as_mapping(as_mapping(document).get("stages"))
            if any(as_mapping(one).get("params") for one in stages.values()):
                return met([at_text(wiring, path, "params")])
    return missing("parameters are in the code alone")
