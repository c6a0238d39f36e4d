"""Where the data come from."""

import re

from ....inspection.python import BODY, Call, Unit
from ...evidence import training_reach
from ...finding import Finding, any_of, criterion, met, met_if, missing, not_applicable, unknown
from ...places import at_call, at_line, at_text, uncommented
from ...tools import AS_DATA, BUNDLED, CLIENTS, FETCHING, NOT_DATA, REMOTE
from ...wiring import Wiring
from .packages import is_library

FROM_BUCKET = re.compile(r"(aws s3 (cp|sync) s3:|gsutil (-m )?(cp|rsync)( -r)? gs:)")
DOWNLOADS = re.compile(
    r"\bkaggle (datasets|competitions) download\b|\bgdown "
    r"|^(?!.*(secret|metadata|token|/predict|/infer))(sudo )?"
    r"(wget|curl|aws s3 (cp|sync) s3:|gsutil (-m )?(cp|rsync)( -r)? gs:)\S* .*"
    r"((?<!-)\bdata(set)?s?\b|\.(csv|parquet)\b)"
)
PLACEHOLDER = re.compile(r"\[OPTIONAL\]|your-bucket|<\w+>", re.I)
FETCHES = re.compile(
    r"download|fetch|ingest|extract|collect|pull|scrape|(get|load)_\w*data"
    r"|(read|load)_\w*(s3|gcs|blob|bucket|url|api|db|storage)",
    re.I,
)
OF_DATA = re.compile(r"(^|[/_])data(sets?)?(/|\.py$)")
DATA_ADDRESS = re.compile(r"^(data(set)?|bucket|object|file|csv|source|s3|blob)_?(url|uri)$", re.I)
OF_FILES = {"csv", "json", "parquet", "text", "imagefolder", "audiofolder", "arrow", "pandas"}
"""Builders of Hugging Face that read files of one's own."""
STORES = {"s3", "athena", "dynamodb", "redshift-data", "timestream-query", "glue"}
"""Services of AWS that have data."""
OF_SERVICE = re.compile(
    r"(^|/)(serv\w*|apis?|apps?|dashboards?|monitor\w*|web\w*|ui|\w*logg\w+)(/|\.py$)", re.I
)
MAKES_CLIENT = re.compile(r"client|session|connect|resource", re.I)
READS = {"read_csv", "read_parquet", "read_json", "read_excel"}
ASKS = re.compile(r"health|endpoint|predict(ions?|ed)?$|scores?$|(^|_)models?$", re.I)
"""Names where a client asks a service, or fetches a model."""


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
        if DOWNLOADS.search(line.text) and not PLACEHOLDER.search(line.text)
    ]
    found += [
        at_line(wiring, unit.path, line, text)
        for unit, _ in wiring.calls(["os.system", "subprocess.*"], wiring.wired)
        for line, text in unit.strings
        if FROM_BUCKET.match(text) and not is_for_service(wiring, unit)
    ]
    found += [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["os.system", "subprocess.*"], wiring.wired)
        if {"kaggle", "download"} <= {text for _, text in unit.strings}
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
    of_training = [one for one in reached if is_of_training(wiring, one[0])]
    if reached and not of_training:
        told = "something is fetched; whether a model is trained with it, files do not show"
        return unknown(told, [at_call(wiring, *reached[0])])
    return met_if(
        (at_call(wiring, *one) for one in of_training), "no code that fetches data was found"
    )


def is_of_training(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit is run with a training, or it or its file is named for fetching data."""
    if (unit.path, unit.name) in training_reach(wiring):
        return True
    names = (unit.short, unit.path.rpartition("/")[2].removesuffix(".py"))
    named = any(map(FETCHES.search, names)) or OF_DATA.search(unit.path)
    return bool(named) and not any(map(NOT_DATA.search, names))


def is_for_service(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit is of a service, a page or a monitor, and no training uses it."""
    if (unit.path, unit.name) in training_reach(wiring):
        return False
    return bool(OF_SERVICE.search(unit.path))


def is_for_data(wiring: Wiring, unit: Unit, call: Call) -> bool:
    """Tell whether a call fetches data, also where its client could do something else."""
    asked = call.arguments[0] if call.arguments else None
    if call.name.endswith("load_dataset") and str(asked) in OF_FILES:
        return False
    if not CLIENTS.search(call.name):
        return True
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
