"""Versions of what a run makes and takes: the model and the data."""

import re

from ....inspection.files import as_mapping
from ....inspection.python import Call, Unit
from ...evidence import among, called, called_in_training, if_started, training_reach, units_with
from ...finding import Evidence, Finding, any_of, criterion, met, met_if, missing, unknown
from ...other_files import DOCS_PATH
from ...places import at_call, at_line, at_text, at_unit, uncommented
from ...reach import Place
from ...tools import REGISTER_COMMAND, REGISTERED_KEYWORD, REGISTERING, TRACKER_PACKAGES
from ...wiring import Wiring

DATA_VERSION = re.compile(
    r"(data|dataset|table|corpus)_?(set)?_?(version|hash|digest|snapshot|checksum|md5|sha(?!p)"
    r"|revision|rev)|dvc_(rev|hash)|data_(id|commit)$",
    re.I,
)
NOT_REGISTERED = "no registering of a model was found"
NAMED_DATA = ["azureml.core.Dataset.get_by_name", "azureml.*.Dataset.get_by_name"]
NAMED_ASSET = re.compile(rb"(?m)^\s+path:\s*[\"']?(azureml:[\w-]+[@:][\w.]+)\s*[\"']?\s*$")
OLD_MLFLOW = re.compile(r"(?mi)^mlflow(\[\w+\])?\s*[=~<]=\s*(1\.|2\.[0-3](\D|$))")
KFP_COMPONENT = re.compile(r"kfp\.(v2\.)?(dsl|components)\.\w*component$")
OF_RESULTS = re.compile(r"report|model|figure|plot|metric", re.I)
DATA_KEPT = re.compile(r"data(set)?s?($|[/_.])|(^|/)(train|test|raw)\w*\.(csv|parquet)$", re.I)


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
            NOT_REGISTERED,
        ),
        met_if(by_command, NOT_REGISTERED),
        azure_models(wiring),
        declared_registration(wiring),
        met_if(registered_by_job(wiring), NOT_REGISTERED),
        met_if(model_artefacts(wiring), NOT_REGISTERED),
        met_if(kept_checkpoints(wiring), NOT_REGISTERED),
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


def kept_checkpoints(wiring: Wiring) -> list[Evidence]:
    """Return the loggers of Lightning that keep each checkpoint as a version in W&B."""
    return [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["*.WandbLogger"], wiring.wired)
        if call.keywords.get("log_model") in (True, "all")
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
    return met_if(places, NOT_REGISTERED)


def dvc_artefacts(wiring: Wiring) -> Finding:
    """Return unknown if DVC declares a model: its versions are tags of git."""
    for path in wiring.repository.matching("dvc.yaml", "**/dvc.yaml"):
        for document in wiring.repository.documents(path):
            for one in as_mapping(as_mapping(document).get("artifacts")).values():
                if as_mapping(one).get("type") == "model":
                    place = at_text(wiring, path, "type: model")
                    return unknown("the versions of DVC's model are tags of git", [place])
    return missing(NOT_REGISTERED)


def azure_models(wiring: Wiring) -> Finding:
    """Return met if an Azure pipeline's output or a job file registers a model."""
    for path in wiring.yaml_files:
        text = uncommented(wiring, path)
        if "type: mlflow_model" in text and "register" in text.lower():
            return met([at_text(wiring, path, "mlflow_model")])
    return missing(NOT_REGISTERED)


@criterion("L2-06", "data-version-recorded", "must", "MS2-3, G1")
def data_version_recorded(wiring: Wiring) -> Finding:
    """Each run records the version of its data.

    `dvc.lock` or `.dvc` files, lakeFS, Delta or Iceberg snapshots, `mlflow.log_input`, a dataset
    artifact, or a hash or version of the data that the run logs.
    """
    for path in wiring.repository.matching("dvc.lock", "**/dvc.lock", "**/*.dvc", "*.dvc"):
        name = path.rpartition("/")[2]
        if OF_RESULTS.search(name) or DOCS_PATH.search(path):
            continue
        if "md5" in wiring.repository.text(path):
            return met([at_text(wiring, path, "md5", "version of data")])
    reached = training_reach(wiring)
    patterns = [
        *("mlflow.log_input*", "mlflow:.log_input*", "lakefs.*", "lakefs_client.*"),
        *("wandb:.use_artifact", "azureml:.as_named_input"),
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
    found = called_in_training(wiring, patterns, "recording of the data's version")
    logged = [
        at_line(wiring, unit.path, places[0][1], places[0][0])
        for unit, places in units_with(among(wiring, reached), DATA_VERSION)
        if wiring.imports(unit.path, TRACKER_PACKAGES)
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
    named = [at_call(wiring, *one) for one in wiring.calls(NAMED_DATA, reached)]
    told = "a data set of Azure ML is read by its name; which version, files do not show"
    by_name = unknown(told, named) if named else missing(reason)
    return any_of(found, met_if(kept, reason), by_autolog, by_name)


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


def kept_data(wiring: Wiring, reached: set[Place]) -> list[Evidence]:
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
    return [
        at_text(wiring, path, found[1].decode())
        for path in wiring.yaml_files
        if b"inputs:" in wiring.repository.tree[path]
        and (found := NAMED_ASSET.search(wiring.repository.tree[path]))
    ]
