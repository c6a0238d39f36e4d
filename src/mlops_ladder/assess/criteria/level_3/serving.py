"""The service: its model and its tests."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache

from ....inspection.commands import Line
from ....inspection.python import Call, Unit
from ...ci import Job
from ...evidence import (
    among,
    called,
    fits,
    fitting_places,
    if_started,
    predicts,
    reached_by,
    serving_reach,
    undecided,
    units_with,
    unseen_ci,
)
from ...finding import Evidence, Finding, all_of, any_of, criterion, met, met_if, missing
from ...other_files import all_mappings
from ...places import at_call, at_line, at_text, at_unit, uncommented
from ...reach import Place
from ...suite import own_imports, runs_in_ci, test_units
from ...tools import (
    API_TESTS,
    DEPLOY_ACTION,
    DEPLOY_COMMAND,
    DEPLOYING_CALLS,
    RESOLVING,
    SERVE_COMMAND,
    SERVING,
    SERVING_IMAGE,
)
from ...wiring import Wiring, is_handler
from ..level_1.testing import MODEL_CALLED, tests_in_ci

BENTO_SERVICE = re.compile(r"\bbentoml serve(?: --?\S+)* [\w./]+:\w+")
ANSWERS = re.compile(r"predict|infer|scor|classif|generat|recommend|detect|forecast", re.I)
LOADS_MODEL = re.compile(r"(joblib|pickle|torch)\.load$|.*\bload_model$")
TEST_ROWS = re.compile(r"(x_?test|test_?x|y_?test|test_?y)$", re.I)
"""The rows that a model is judged by."""
SAGEMAKER_DEPLOYS = re.compile(r"\.(create_model|create_endpoint|update_endpoint)$")
AZURE_DEPLOYS = re.compile(r"^az ml model deploy\b.* (-m|--model|-f|--model-metadata-file)\b")
"""A deployment of a registered model, by its name or by what its registration wrote."""
SCORING_NAME = re.compile(r"serv|scor|deploy|infer|predict|(^|[/_ ])(app|api|endpoint)", re.I)
JUDGING_NAME = re.compile(r"train|eval|bench|promot|compar|monitor|drift|regist(er|ration)", re.I)
"""What code that uses a model is named for: what serves, and what only judges or makes it."""
ENDPOINT = (
    r"^(AWS::SageMaker::Endpoint|aws_sagemaker_endpoint|google_vertex_ai_endpoint"
    r"|azurerm_machine_learning_inference_cluster|google_cloud_run_v2_service_model)$"
)
PREDICTED = re.compile(r"predict|score|output|inference", re.I)
OF_HEALTH = re.compile(r"/(health\w*|ping|ready\w*|live\w*|metrics|docs|version|status)?/?$")
"""Routes of a service that give no prediction."""
ANSWER_NAMED = re.compile(r"(predict|infer|classif|forecast)\w*$", re.I)
WRITTEN_URI = re.compile(r"(?<![\w./-])models:/[\w.${}-]+(@|/(\d|latest|[PS]\w+ing|Prod|\$|\{))")


@criterion("L3-01", "model-served", "must", "ZC")
def model_served(wiring: Wiring) -> Finding:
    """Predictions are served on request, in batches or from a stream.

    FastAPI, Flask, BentoML, Ray Serve, KServe, Seldon, a server of models such as Triton, an
    endpoint of a cloud, or a batch job, whose code predicts.
    """
    endpoints = wiring.created(ENDPOINT)
    if endpoints:
        return met(Evidence(one.file, one.line, one.kind) for one in endpoints)
    if started := started_by_command(wiring):
        return met(started)
    managed = [one for one in wiring.calls(DEPLOYING_CALLS) if wiring.is_wired(one[0])]
    if managed:
        return met(at_call(wiring, *one) for one in managed)
    if functions := answering_functions(wiring):
        return met(functions)
    stands = any_of(called(wiring, SERVING, "a service"), declared_service(wiring))
    for path, document in wiring.manifests:
        if document.get("kind") in {
            "InferenceService",
            "SeldonDeployment",
            "ServingRuntime",
            "RayService",
        }:
            return met([at_text(wiring, path, "kind:", str(document.get("kind")))])
    for path in wiring.yaml_files:
        if re.search(
            r"managedOnlineDeployment|batchDeployment"
            r"|(model|batch)_?(online|batch)?[dD]eployment\.schema",
            uncommented(wiring, path),
        ):
            return met([at_text(wiring, path, "schema")])
    if stands.status == "met":
        predicting = [one for one in predicts(wiring) if wiring.is_wired(one[0])]
        servers = {unit.path for unit, _ in wiring.calls(SERVING) if wiring.is_wired(unit)}
        servers |= {one.path for one in stands.evidence}
        reached = wiring.reach(
            (path, unit.name) for path in servers for unit in wiring.modules[path].units
        )
        near = [one for one in predicting if (one[0].path, one[0].name) in reached]
        models = [
            one
            for one in units_with(among(wiring, reached), re.compile(r"model", re.I), PREDICTED)
            if any(ANSWERS.search(call.name.rpartition(".")[2]) for call in one[0].calls)
            or any(MODEL_CALLED.search(call.name) for call in one[0].calls)
        ]
        cloud = [
            one for one in stands.evidence if re.search(r"deploy\(|transformer\(|Model", one.what)
        ]
        if near or cloud:
            return met([*stands.evidence[:2], *(at_call(wiring, *one) for one in near)])
        if models:
            return met([*stands.evidence[:2], at_unit(wiring, models[0][0])])
        told = "a web application is there, but it does not predict"
        named = any(
            map(
                ANSWER_NAMED.search,
                (call.name for unit in among(wiring, reached) for call in unit.calls),
            )
        )
        if named:
            stands = undecided(wiring, told, stands.evidence)
        else:
            stands = missing(told, stands.evidence, "E1")
    return any_of(
        met_if(
            (at_call(wiring, *one) for one in scored_in_batches(wiring)),
            "nothing serves predictions",
        ),
        stands,
    )


def scored_in_batches(wiring: Wiring) -> list[tuple[Unit, Call]]:
    """Return the calls that predict in code of one's own for batches of rows."""
    return [
        one
        for one in predicts(wiring)
        if wiring.is_wired(one[0])
        and not one[1].name.startswith(("self.forward", "super()"))  # a model's own method
        and not is_wrapper(wiring, one[0])
        and not is_estimator(wiring, one[0])
        and not any(TEST_ROWS.match(name) for name in one[0].names)
        and re.search(r"batch|scor(e|ing)|infer|predict", one[0].path + one[0].name, re.I)
        and not one[1].name.endswith(".forward")
        and not re.search(
            r"eval|train|valid|metric|test|fit|tun(e|ing)", one[0].path + one[0].name, re.I
        )
    ]


def is_wrapper(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a method is of a class that only wraps a model for MLflow."""
    owner = unit.name.rpartition(".")[0]
    return any(
        base.rpartition(".")[2] == "PythonModel"
        for one in wiring.modules[unit.path].units
        if one.name == owner
        for base in one.bases
    )


def is_estimator(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a method is of a model of one's own, which has a method that fits it, too."""
    methods = {one.short for one in siblings(wiring, unit)}
    return unit.short.startswith("predict") and bool(methods & {"fit", "train", "train_model"})


@lru_cache(maxsize=1)
def answering_functions(wiring: Wiring) -> list[Evidence]:
    """Return the functions of AWS Lambda that predict, or answer by a model that is loaded."""
    found = []
    for unit in wiring.code:
        if not is_handler(unit):
            continue
        reached = wiring.reach([(unit.path, unit.name)])
        body = wiring.modules[unit.path].units[0]
        predicted = any((one.path, one.name) in reached for one, _ in predicts(wiring))
        loaded = any(LOADS_MODEL.match(call.name) for call in body.calls)
        if fitting_places(wiring).isdisjoint(reached) and (
            predicted or loaded or "predict" in unit.names or is_named_to_answer(unit)
        ):
            found.append(at_unit(wiring, unit))
    return found


def is_named_to_answer(unit: Unit) -> bool:
    """Tell whether a function is named for predictions, and uses a model or a session of one."""
    return bool(ANSWERS.search(unit.short)) and any(
        re.search(r"model|session", name, re.I) for name in unit.names
    )


@lru_cache(maxsize=1)
def started_by_command(wiring: Wiring) -> list[Evidence]:
    """Return where an image, a manifest or a task starts a server of models."""
    lines = [*wiring.deployed_lines, *wiring.task_lines]
    found = [
        at_text(wiring, line.file, hit[0].split()[0], line.text)
        for line in lines
        if (hit := SERVE_COMMAND.search(line.text)) and not is_absent(wiring, line)
    ]
    for path, document in wiring.manifests:
        for one in all_mappings(document):
            if SERVING_IMAGE.search(str(one.get("image", ""))):
                found.append(at_text(wiring, path, str(one["image"])))
    return found


def is_absent(wiring: Wiring, line: Line) -> bool:
    """Tell whether a command starts a service of code that is not there."""
    named = BENTO_SERVICE.search(line.text)
    return bool(named) and not list(wiring.started(line.text, line.file, line.folder))


@lru_cache(maxsize=1)  # several criteria ask for the service
def declared_service(wiring: Wiring) -> Finding:
    """Return met if a reached class or function is marked as a service by a decorator."""
    found = [
        at_unit(wiring, unit)
        for unit in among(wiring, wiring.wired)
        if any(fnmatchcase(name, one) for name in unit.decorators for one in SERVING)
    ]
    return met_if(found, "nothing serves predictions")


@criterion("L3-04", "model-from-registry", "must", "MS3, G2")
def model_from_registry(wiring: Wiring) -> Finding:
    """The model that is served comes from the registry.

    `models:/name@alias` and the clients of registries, in code of the service or of its deployment
    that a command reaches.
    """
    places = scoring_places(wiring)
    what = "reading of a model from a registry"
    where = "what serves or deploys does not do it"
    found = called(wiring, RESOLVING, what, places, where)
    uris = [
        at_line(wiring, unit.path, line, text)
        for unit, line, text in wiring.model_uris
        if (unit.path, unit.name) in places
    ]
    manifests = [
        at_text(wiring, path, "models:/")
        for path in wiring.yaml_files
        if WRITTEN_URI.search(uncommented(wiring, path))
        or ("azureml:" in uncommented(wiring, path) and "eployment" in uncommented(wiring, path))
    ]
    packages = [
        at_line(wiring, unit.path, line, text)
        for unit in among(wiring, places)
        if any(SAGEMAKER_DEPLOYS.search(call.name) for call in unit.calls)
        for line, text in unit.strings
        if text == "ModelPackageName"
    ]
    served = [
        at_text(wiring, line.file, "models:/", line.text)
        for line in [*wiring.deployed_lines, *wiring.task_lines]
        if SERVE_COMMAND.search(line.text) and WRITTEN_URI.search(line.text)
    ]
    loaded = any_of(
        met_if([*packages, *by_entry_script(wiring), *served], "no model is read from a registry"),
        met_if(uris, "no model is read from a registry"),
        found,
        met_if(manifests, "no model is read from a registry"),
    )
    if loaded.status == "met" and model_served(wiring).status != "met":
        told = "a model is read from a registry, but not to serve it"
        return undecided(wiring, told, loaded.evidence)
    return if_started(wiring, loaded)


def by_entry_script(wiring: Wiring) -> list[Evidence]:
    """Return where Azure ML deploys a registered model with an entry script that is there."""
    return [
        at_text(wiring, line.file, "az ml model deploy", line.text)
        for job in wiring.jobs
        for line in job.lines
        if AZURE_DEPLOYS.search(line.text)
        and any(wiring.started(line.text, line.file, line.folder))
    ]


@lru_cache(maxsize=1)
def scoring_places(wiring: Wiring) -> set[Place]:
    """Return the wired code that serves, scores or deploys, without that which only judges."""
    started = wiring.reach(root.place for root in wiring.roots if root.kind != "script")
    named = {place for place in started if SCORING_NAME.search(f"{place[0]} {place[1]}")}
    deployed = {place for _, reached in started_by_deployment(wiring) for place in reached}
    found = deployed | serving_reach(wiring) | wiring.reach(named)
    return {place for place in found if not JUDGING_NAME.search(place[0].rpartition("/")[2])}


def started_by_deployment(wiring: Wiring) -> Iterator[tuple[Job, set[Place]]]:
    """Yield the jobs that deploy, each with the code that it runs."""
    deploying = {(unit.path, unit.name) for unit, _ in wiring.calls(DEPLOYING_CALLS)}
    for job in wiring.jobs:
        reached = reached_by(wiring, job.lines)
        by_command = job.runs(DEPLOY_COMMAND) or any(DEPLOY_ACTION.search(one) for one in job.uses)
        if by_command or not deploying.isdisjoint(reached):
            yield job, reached


@criterion("L3-05", "scoring-tested", "must", "MS2-3, G2")
def scoring_tested(wiring: Wiring) -> Finding:
    """The service's contract is tested in CI.

    Tests with a client of the service that check its answers and that CI's choice of markers and
    folders does not leave out; or a check of the deployed service in CI, with an assertion.
    """
    if smoke := smoke_tests(wiring):
        return met(smoke, "E3")
    clients = {unit.path for unit, _ in wiring.calls(API_TESTS, tests=True)}
    left_out = None
    for module, unit in test_units(wiring):
        own = own_imports(wiring, module)
        routes = [text for _, text in unit.strings if text.startswith("/")]
        if routes and all(map(OF_HEALTH.match, routes)):
            continue
        asked = any(
            call.name.rpartition(".")[2] in {"get", "post", "request", "predict", "send"}
            for call in unit.calls
        )
        requests = any(
            call.name.rpartition(".")[2] in {"get", "post", "request"} for call in unit.calls
        )
        served = [
            path
            for path in own
            if wiring.imports(path, "fastapi|flask|starlette|bentoml|uvicorn|ray|litserve")
        ]
        named = any(re.search(r"client|serv(er|ice)|app$", name, re.I) for name in unit.names)
        if (
            (module.path in clients and (own or asked))
            or (served and asked)
            or (named and requests and any(re.search(r"serv|app|api", path) for path in own))
        ):
            if not runs_in_ci(wiring, module, unit):
                left_out = left_out or unit
                continue
            if not has_model(wiring):
                break
            in_ci = tests_in_ci(wiring)
            place = met([at_unit(wiring, unit)], "E3")
            return all_of(place, in_ci) if in_ci.status != "unknown" else in_ci
    if left_out and has_model(wiring):
        return unseen_ci(
            wiring, "CI does not run the service's tests", evidence=[at_unit(wiring, left_out)]
        )
    return missing("no test asks the service for a prediction")


def has_model(wiring: Wiring) -> bool:
    """Tell whether any code trains, or predicts."""
    return bool(fits(wiring) or predicts(wiring))


def smoke_tests(wiring: Wiring) -> list[Evidence]:
    """Return the checks that CI runs against a deployed service: a request and an assertion."""
    for job in wiring.jobs:
        for line in job.lines:
            if not line.counts or not re.search(r"smoke|test|check|verify", line.text):
                continue
            places = [*wiring.started(line.text, line.file, line.folder)]
            units = [
                unit for path in {path for path, _ in places} for unit in wiring.modules[path].units
            ]
            asked = [
                (unit, call)
                for unit in units
                for call in unit.calls
                if re.search(r"(requests|httpx)\.post$|\.invoke_endpoint$", call.name)
                or (call.name.endswith(".predict") and "endpoint" in unit.names)
            ]
            if asked and any(unit.asserts or unit.stops for unit in units):
                return [at_text(wiring, line.file, line.text[:40]), at_call(wiring, *asked[0])]
    return []


def siblings(wiring: Wiring, unit: Unit) -> list[Unit]:
    """Return the other methods of a method's class."""
    owner = unit.name.rpartition(".")[0]
    return [
        one for one in wiring.modules[unit.path].units if owner and one.name.startswith(f"{owner}.")
    ]
