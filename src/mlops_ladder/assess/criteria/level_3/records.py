"""Records of a service: its predictions, and the origin of its model."""

import re
from collections.abc import Iterable

from ....inspection.python import is_registered
from ...evidence import among, called, serving_reach, units_with, words_of
from ...finding import Evidence, Finding, criterion, met, missing
from ...places import at_call, at_line, at_text, at_unit
from ...wiring import Wiring
from ..level_2.versions import DATA_VERSION, registrations
from .serving import PREDICTED, model_from_registry, scoring_places, siblings

COLUMNS = (
    re.compile(r"^(?!run|model|experiment)(\w+_)?(uu)?id$", re.I),
    re.compile(r"(^|_)(time|timestamp|date|datetime|at|ts)$", re.I),
    re.compile(r"^run_id$|version", re.I),
    re.compile(r"^pred|predict|score$|forecast", re.I),
)
"""The columns of a record of predictions: id, time, model and the prediction itself."""
TABLE_MADE = re.compile(r"\bCREATE TABLE\b", re.I)
IDENTITY = re.compile(
    r"^(id|uuid\w*|request_?id|prediction_?id|correlation_?id|trace_?id|event_?id|ids)$", re.I
)
MOMENT = re.compile(
    r"^(time|timestamp\w*|created_?at|datetime|utcnow|now|date|ts|predicted_at)$", re.I
)
VERSION = re.compile(r"version|model_?name|model_?uri|alias", re.I)
WRITES = re.compile(
    r"^(insert\w*|add|add_all|send|produce|publish|write\w*|put_\w+|log_prediction\w*|execute"
    r"|to_sql|insert_rows_json|append|log|info|commit|save|save_prediction\w*|send_json)$"
)
COMMIT = re.compile(
    r"git_?(commit|sha|hash|rev)|commit_?(sha|hash|id)|code_version|github_sha|build_?(id|uri)$",
    re.I,
)
RUN = re.compile(r"run_?id|run_?name|experiment_run", re.I)


@criterion("L3-10", "predictions-logged", "must", "MS4, G")
def predictions_logged(wiring: Wiring) -> Finding:
    """Each prediction is logged with an id, its time and the model's version.

    A record with these fields that the service writes, `DataCaptureConfig`, or KServe's logger.
    """
    capture = called(
        wiring, ["*.DataCaptureConfig", "google:.create_request_response_logging*"], "capture"
    )
    if capture.status == "met":
        return capture
    for one in wiring.created(
        r"^(AWS::SageMaker::EndpointConfig|aws_sagemaker_endpoint_configuration)$",
        r"(EnableCapture|enable_capture)\"?\s*[:=]\s*true",
    ):
        return met([Evidence(one.file, one.line, "data capture")])
    for path, document in wiring.manifests:
        if document.get("kind") == "InferenceService" and "logger" in str(document):
            return met([at_text(wiring, path, "logger")])
    captured = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["boto3:.create_endpoint_config"], wiring.wired)
        if "DataCaptureConfig" in call.keywords
    ]
    if captured:
        return met(captured)
    best = None
    for unit, places in units_with(
        among(wiring, wiring.wired), IDENTITY, MOMENT, VERSION, PREDICTED
    ):
        own = unit.path
        users = [
            other
            for other in among(wiring, wiring.wired)
            if (other is unit or unit.short in other.names)
            and any(
                WRITES.match(call.name.rpartition(".")[2])
                for one in (other, *siblings(wiring, other))
                for call in one.calls
            )
        ]
        if (
            users
            and any(re.search(r"serv|app|api|predict|infer|main", one.path) for one in users)
            and not re.search(r"train|eval|metric|simulat", own)
        ):
            return met(
                [at_line(wiring, unit.path, places[0][1], unit.name), at_unit(wiring, users[0])]
            )
        best = best or unit
    if columns := recorded_as_columns(wiring) or recorded_in_table(wiring):
        return met(columns)
    if best:
        return missing(
            "predictions have records, but nothing writes them", [at_unit(wiring, best)], "E1"
        )
    return missing("no record of a prediction with id, time and model version was found")


def recorded_as_columns(wiring: Wiring) -> list[Evidence]:
    """Return where a batch of predictions gets columns with id, time and model, and is stored."""
    for unit in among(wiring, scoring_places(wiring)):
        if "predict" not in unit.names:
            continue
        texts = [text for _, text in unit.strings if text.isidentifier()]
        if not has_columns(texts):
            continue
        near = {(one.path, one.name) for one in wiring.modules[unit.path].units}
        tables = ["*.to_parquet", "*.to_csv", "*.to_sql", "*.to_gbq"]
        stored = wiring.calls(tables, near & wiring.wired)
        if stored:
            return [at_unit(wiring, unit), at_call(wiring, *stored[0])]
    return []


def has_columns(words: Iterable[str]) -> bool:
    """Tell whether words have the columns of a record of predictions."""
    known = list(words)
    return all(any(one.search(word) for word in known) for one in COLUMNS)


def recorded_in_table(wiring: Wiring) -> list[Evidence]:
    """Return where the service makes a table for predictions with id, time and model."""
    for unit in among(wiring, scoring_places(wiring)):
        made = " ".join(text for _, text in unit.strings)
        if TABLE_MADE.search(made) and has_columns(re.findall(r"\w+", made)):
            return [at_unit(wiring, unit)]
    return []


@criterion("L3-14", "origin-traceable", "must", "MS3")
def origin_traceable(wiring: Wiring) -> Finding:
    """The service says which run, data and commit its model is from.

    Code of the service that names a run, a commit and a version of the data; or tags of the run
    with commit and data that the served version carries.
    """
    found: dict[str, Evidence] = {}
    for unit in among(wiring, wiring.wired):
        names = [(name, line) for name, line in unit.names.items()]
        names += [(text, line) for line, text in unit.strings if len(text) < 40]
        kinds = {
            word: at_line(wiring, unit.path, line, name)
            for word, pattern in (("run", RUN), ("commit", COMMIT), ("data", DATA_VERSION))
            for name, line in reversed(names)
            if pattern.search(name)
        }
        if len(kinds) == 3 and re.search(r"serv|deploy|app|api|endpoint|infer", unit.path):
            return met(kinds.values())
        if len(kinds) > len(found):
            found = kinds
    if len(found) == 3 and (told := traced_by_registry(wiring) or version_told(wiring)):
        return met([*told, *found.values()])
    if len(found) == 3:
        return missing(
            "a run records its data and commit, but the service does not say them",
            found.values(),
            "E1",
        )
    if registered := traced_by_registry(wiring):
        return met(registered)
    lacks = [word for word in ("run", "data", "commit") if word not in found]
    return missing(f"nothing that serves names the {', '.join(lacks)} of its model")


def version_told(wiring: Wiring) -> list[Evidence]:
    """Return where a service answers with the version that it took from the registry."""
    if model_from_registry(wiring).status != "met":
        return []
    return [
        at_unit(wiring, unit)
        for unit in among(wiring, serving_reach(wiring))
        if is_registered(unit) and "model_version" in words_of(unit)
    ]


def traced_by_registry(wiring: Wiring) -> list[Evidence]:
    """Return where a version is registered with run, data and commit, and served from there."""
    if model_from_registry(wiring).status != "met":
        return []
    for unit, call in registrations(wiring):
        names = [*unit.names, *(text for _, text in unit.strings if len(text) < 40)]
        names_data = any(name == "dataset_id" or DATA_VERSION.search(name) for name in names)
        if names_data and all(any(one.search(name) for name in names) for one in (RUN, COMMIT)):
            return [at_call(wiring, unit, call)]
    return []
