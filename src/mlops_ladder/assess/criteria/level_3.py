"""Level 3: a model that passes its gates is deployed by itself; people hear when it does badly."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from ...inspection.commands import Line
from ...inspection.files import as_mapping, mappings_in
from ...inspection.python import Unit, is_registered
from ..ci import Job
from ..code import words_with
from ..evidence import (
    among,
    at_call,
    at_line,
    at_text,
    at_unit,
    called,
    config,
    endless_reach,
    fitting_places,
    if_started,
    own_imports,
    predicts,
    promotes,
    runs_in_ci,
    scheduled_by_code,
    scheduled_reach,
    serving_reach,
    test_units,
    uncommented,
    units_with,
    unseen_ci,
    waited_for,
    words_of,
)
from ..finding import Evidence, Finding, all_of, any_of, criterion, met, met_if, missing, unknown
from ..infrastructure import Resource
from ..other_files import DOCS_PATH, all_mappings
from ..reach import Place
from ..tools import (
    API_TESTS,
    CANARY_TEXT,
    DEPLOY_ACTION,
    DEPLOY_COMMAND,
    DEPLOYING_CALLS,
    DRIFT_TOOLS,
    DRIFT_WORD,
    EXPORTING,
    GATE_CHECKS,
    GATE_KEYWORD,
    GATE_STEPS,
    GATE_WORD,
    METRIC_WORD,
    RESOLVING,
    ROLLBACK_COMMAND,
    ROLLBACK_WORD,
    SERVE_COMMAND,
    SERVING,
    SERVING_IMAGE,
)
from ..wiring import Wiring, is_handler
from .level_1 import (
    AUTOMATIC,
    MODEL_CALLED,
    PACKAGING_CALLS,
    SERVED,
    built_by_host,
    built_from,
    by_ci,
    deployed_by_code,
    is_trial,
    packaged_by_code,
    restarted_on_host,
    shipped_archive,
    taken_from_outside,
    tests_in_ci,
)
from .level_2 import DATA_VERSION, registrations

BENTO_SERVICE = re.compile(r"\bbentoml serve(?: --?\S+)* [\w./]+:\w+")
ANSWERS = re.compile(r"predict|infer|scor|classif|generat|recommend|detect|forecast", re.I)
LOADS_MODEL = re.compile(r"(joblib|pickle|torch)\.load$|.*\bload_model$")
TEST_ROWS = re.compile(r"(x_?test|test_?x|y_?test|test_?y)$", re.I)
"""The rows that a model is judged by."""
ENVIRONMENT = re.compile(
    r"(^|[/_.-])(?P<kind>(staging|stage)|(production|prod))(?=[^/]*\.(ya?ml|toml|json|tfvars|env)$)",
    re.I,
)
COLUMNS = (
    re.compile(r"^(?!run|model|experiment)(\w+_)?(uu)?id$", re.I),
    re.compile(r"(^|_)(time|timestamp|date|datetime|at|ts)$", re.I),
    re.compile(r"^run_id$|version", re.I),
    re.compile(r"^pred|predict|score$|forecast", re.I),
)
TABLE_MADE = re.compile(r"\bCREATE TABLE\b", re.I)
"""The columns of a record of predictions: id, time, model and the prediction itself."""
SAGEMAKER_DEPLOYS = re.compile(r"\.(create_model|create_endpoint|update_endpoint)$")
AZURE_DEPLOYS = re.compile(r"^az ml model deploy\b.* (-m|--model|-f|--model-metadata-file)\b")
"""A deployment of a registered model, by its name or by what its registration wrote."""
SCORING_NAME = re.compile(r"serv|scor|deploy|infer|predict|(^|[/_ ])(app|api|endpoint)", re.I)
JUDGING_NAME = re.compile(r"train|eval|bench|promot|compar|monitor|drift|regist(er|ration)", re.I)
"""What code that uses a model is named for: what serves, and what only judges or makes it."""
CLOUD_PACKAGES = "boto3|botocore|sagemaker|aws_cdk|pulumi_aws"

DEPLOYING = ("push", "tag", "release", "workflow_run", "repository_dispatch", "registry_package")
IMAGE_COMMAND = re.compile(
    r"\b(docker|podman|buildah|nerdctl)(-compose| compose)?\b.*\b(build|bake)\b|kaniko"
    r"|mlflow models build-docker|gcloud builds submit|az acr build|bentoml (build|containerize)"
    r"|gcloud run deploy|docker compose.* up .*--build|docker-compose.* up .*--build|^pack build"
    r"|az ml (model (package|deploy)|.*-deployment create)|aws cloudformation package"
    r"|^sam (build|package)|^cog (build|push)"
    r"|^truss (build|push)|^mlserver build|^(sls|serverless) (package|deploy)"
)
IMAGE_ACTION = re.compile(
    r"plugins/docker|build-push-action|buildah|deploy-cloudrun|Docker@|bake-action"
)
ENDPOINT = (
    r"^(AWS::SageMaker::Endpoint|aws_sagemaker_endpoint|google_vertex_ai_endpoint"
    r"|azurerm_machine_learning_inference_cluster|google_cloud_run_v2_service_model)$"
)
VERDICT = re.compile(r"checks?$|passed|(is_)?better|improve|blessed|(^|_)gate", re.I)
JUDGES = re.compile(r"train|eval|valid|gate|promot|main|check|compar|accept|judge|test", re.I)
BOUND = re.compile(
    r"threshold|baseline|champion|(^|_)(min|max|limit|required|target|acceptable)_|production"
    r"|(previous|current|old|best)_\w*(metric|score|mse|rmse|mae|auc|acc|model)",
    re.I,
)
OBSERVED = re.compile(
    rb"(?mi)^\s*(appInsightsEnabled|app_insights_enabled):\s*true\b|^kind:\s*(Service|Pod)Monitor\b"
)
ROUTER = re.compile(
    r"variant|bucket|ab_test|abtest|shadow|canary|traffic_(split|share)|challenger", re.I
)
ALL_OR_NOTHING = re.compile(
    r"--(traffic|to-tags|to-revisions)[= ]\S*=(0|100)[\"']?\s*$|--to-latest"
)
DRAWS = re.compile(r"^(random|uniform|randint|choices)$")
HASHES = re.compile(r"^(blake2b|sha256|md5|sha1|crc32|hashlib|mmh3|murmurhash\w*|adler32|xxhash)$")
EFFECT = re.compile(
    r"(smallest|min(imum)?|detectable|practical)_?(effect|gain|uplift|improvement|detectable)|(^|_)mde$|effect_size",
    re.I,
)
ALPHA = re.compile(r"(^|_)alpha$|significance|confidence_level|p_value|false_positive", re.I)
DURATION = re.compile(
    r"(min|max)_?(days|samples|requests|duration|hours|size)|sample_size|horizon|duration", re.I
)
DECIDES = re.compile(
    r"deploy\w*_(trigger|decision)|(trigger|decide|should|ready|approve|accept|evaluate|check|assess)_\w*"
    r"(deploy|promot|regist|releas)|is_(good|better|acceptable|deployable)",
    re.I,
)
ACCEPTED = re.compile(r"is_(model_)?(accepted|approved|better)|model_(accepted|approved)", re.I)
PUSHES = re.compile(r"push|deploy|promot|regist|releas|publish", re.I)
ACTS = re.compile(r"deploy|promot|regist|releas|publish", re.I)
"""Functions that answer whether a model is deployed, and what is done by their answer."""
OUTCOME = re.compile(
    r"failed|objections|blessed|approved(?!_(model|package|version))|accepted|result|should_\w+|failures"
    r"|(\w+_)?(decision|verdict)$|(deploy|register|promote)_(flag|model|it)$|is_(better|good|valid|accepted|improved)"
)
BEST = re.compile(r"best($|_)", re.I)
OF_ANYTHING = re.compile(r"results?$|failed$|failures$")
"""Outcomes of anything, not only of a comparison of metrics."""
IDENTITY = re.compile(
    r"^(id|uuid\w*|request_?id|prediction_?id|correlation_?id|trace_?id|event_?id|ids)$", re.I
)
MOMENT = re.compile(
    r"^(time|timestamp\w*|created_?at|datetime|utcnow|now|date|ts|predicted_at)$", re.I
)
VERSION = re.compile(r"version|model_?name|model_?uri|alias", re.I)
PREDICTED = re.compile(r"predict|score|output|inference", re.I)
WRITES = re.compile(
    r"^(insert\w*|add|add_all|send|produce|publish|write\w*|put_\w+|log_prediction\w*|execute"
    r"|to_sql|insert_rows_json|append|log|info|commit|save|save_prediction\w*|send_json)$"
)
WRITTEN_URI = re.compile(r"(?<![\w./-])models:/[\w.${}-]+(@|/(\d|latest|[PS]\w+ing|Prod|\$|\{))")
COMMIT = re.compile(
    r"git_?(commit|sha|hash|rev)|commit_?(sha|hash|id)|code_version|github_sha|build_?(id|uri)$",
    re.I,
)
RUN = re.compile(r"run_?id|run_?name|experiment_run", re.I)
ALARM_ACTION = re.compile(
    r"""(?x) (AlarmActions|alarm_actions|notification_channels|action_group\w*) ["']? \s* [:=]
        (?: \s*\[\s*[^\]\s] | [ \t]*[\w!$&"'] | \s*\n[ \t]*-[ \t]*\S )
    | \baction\s*\{\s*[^}\s] """
)
PROVISIONING = (
    *("**/*.tf", "*.tf", "**/*.bicep", "**/Pulumi.y*ml", "**/cdk.json", "cdk.json"),
    *("databricks.y*ml", "**/databricks.y*ml", "serverless.y*ml", "**/serverless.y*ml"),
)
ALERT_CALL = re.compile(
    r"slack|pagerduty|opsgenie|send_?mail|smtp|teams_webhook|sns|notify|send_alert|telegram|twilio",
    re.I,
)


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
            r"managedOnlineDeployment|batchDeployment|(model|batch)_?(online|batch)?[dD]eployment\.schema",
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
        return missing("a web application is there, but it does not predict", stands.evidence, "E1")
    batch = [
        one
        for one in predicts(wiring)
        if wiring.is_wired(one[0])
        and not one[1].name.startswith(("self.forward", "super()"))  # a model's own method
        and not is_wrapper(wiring, one[0])
        and not any(TEST_ROWS.match(name) for name in one[0].names)
        and re.search(r"batch|score|infer|predict", one[0].path + one[0].name, re.I)
        and not re.search(
            r"eval|train|valid|metric|test|fit|tun(e|ing)", one[0].path + one[0].name, re.I
        )
    ]
    return any_of(
        met_if((at_call(wiring, *one) for one in batch), "nothing serves predictions"), stands
    )


def is_wrapper(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a method is of a class that only wraps a model for MLflow."""
    owner = unit.name.rpartition(".")[0]
    return any(
        base.rpartition(".")[2] == "PythonModel"
        for one in wiring.modules[unit.path].units
        if one.name == owner
        for base in one.bases
    )


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
            predicted or loaded or "predict" in unit.names
        ):
            found.append(at_unit(wiring, unit))
    return found


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


@criterion("L3-02", "image-built-by-ci", "must", "ZC, MS3")
def image_built_by_ci(wiring: Wiring) -> Finding:
    """CI builds the image or bundle that serves.

    A Dockerfile, `bentofile.yaml` or a build by MLflow, in a job that starts by itself.
    """
    files = [
        *wiring.dockerfiles,
        *wiring.repository.matching("**/bentofile.y*ml", "bentofile.y*ml", "cog.yaml"),
    ]
    found = by_ci(
        wiring,
        IMAGE_COMMAND,
        IMAGE_ACTION,
        AUTOMATIC,
        "builds an image",
        skip=lambda line: trains_alone(wiring, line),
    )
    if (
        found.status == "met"
        and not files
        and not re.search(r"build-docker|bentoml|run|package|az ml", str(found))
    ):
        return missing("CI builds an image, but there is no Dockerfile", found.evidence)
    if found.status != "met" or model_served(wiring).status != "met":
        packaged = packaged_by_code(wiring, [*PACKAGING_CALLS, *SERVED])
        found = any_of(packaged, found, shipped_archive(wiring, AUTOMATIC))
        found = (built_by_host(wiring) or found) if found.status == "missing" else found
    if found.status == "met" and model_served(wiring).status != "met":
        return missing(
            "an image is built, but nothing in it serves predictions", found.evidence, "E1"
        )
    return found


def trains_alone(wiring: Wiring, line: Line) -> bool:
    """Tell whether the image that a command builds starts a training, and no service."""
    path = built_from(wiring, line)
    started = [one for one in wiring.deployed_lines if one.file == path]
    reached = wiring.reach(root.place for root in wiring.roots_of(started, "deployment"))
    serves = any(SERVE_COMMAND.search(one.text) for one in started) or any(
        (unit.path, unit.name) in reached for unit, _ in wiring.calls(SERVING)
    )
    return not serves and not fitting_places(wiring).isdisjoint(reached)


@criterion("L3-03", "deployed-by-ci", "must", "MS3, G2, SD")
def deployed_by_ci(wiring: Wiring) -> Finding:
    """A merge, a tag or a new model deploys the service without hand work.

    `kubectl apply`, `helm upgrade`, `terraform apply`, `az ml`, `gcloud run deploy` and others in a
    job that starts by itself, or Argo CD and Flux. An approval is allowed at this level.
    """
    for path, document in wiring.manifests:
        if (
            document.get("kind") in {"Application", "ApplicationSet"}
            and "argoproj" in str(document.get("apiVersion"))
            and "automated" in str(document.get("spec"))
        ):
            return met([at_text(wiring, path, "automated")])
        if document.get("kind") in {"HelmRelease", "ImageUpdateAutomation"}:
            return met([at_text(wiring, path, "kind:")])
    found = any_of(
        by_ci(wiring, DEPLOY_COMMAND, DEPLOY_ACTION, DEPLOYING, "deploys", leave=is_trial),
        deployed_by_code(wiring, DEPLOYING),
        shipped_archive(wiring, DEPLOYING),
        restarted_on_host(wiring, DEPLOYING),
    )
    if found.status == "missing" and (outside := taken_from_outside(wiring)):
        return outside
    if found.status == "missing" and not found.evidence and (host := built_by_host(wiring)):
        return host
    if found.status == "met" and model_served(wiring).status == "missing":
        return missing(
            "something is deployed, but nothing that serves predictions", found.evidence, "E1"
        )
    return found


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
    loaded = any_of(
        met_if([*packages, *by_entry_script(wiring)], "no model is read from a registry"),
        met_if(uris, "no model is read from a registry"),
        found,
        met_if(manifests, "no model is read from a registry"),
    )
    if loaded.status == "met" and model_served(wiring).status == "missing":
        return missing(
            "a model is read from a registry, but not to serve it", loaded.evidence, "E1"
        )
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
        reached = wiring.reach(root.place for root in wiring.roots_of(job.lines, "ci"))
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
            in_ci = tests_in_ci(wiring)
            place = met([at_unit(wiring, unit)], "E3")
            return all_of(place, in_ci) if in_ci.status != "unknown" else in_ci
    if left_out:
        return missing("CI leaves the service's tests out", [at_unit(wiring, left_out)], "E1")
    return missing("no test asks the service for a prediction")


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


def is_gate(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit compares metrics and promotes, registers or stops by the result."""
    if decides(wiring, unit) or leaves_refused(unit):
        return True
    if not (unit.tested or unit.ordered or unit.verdicts):
        return False
    gates, verdicts = words_with(GATE_WORD), words_with(VERDICT)
    decisive = {
        *(name for name in unit.compared - unit.fixed if gates[name]),
        *(name for name in unit.tested - unit.fixed if verdicts[name]),
    }
    of_metrics = any(gates[name] for name in words_of(unit))
    decisive |= {
        name
        for name in unit.tested - unit.fixed
        if OUTCOME.match(name) and (of_metrics or not OF_ANYTHING.match(name))
    }
    decisive -= {text.strip("-").replace("-", "_") for _, text in unit.strings if text[:2] == "--"}
    named_gate = unit.stops and re.search(r"gate|promot|approv", f"{unit.path} {unit.name}")
    if ROLLBACK_WORD.search(unit.short) or not decisive or is_search(wiring, unit):
        return False
    return promotes(unit) or (
        (bool(named_gate) or stops_by_metric(unit)) and is_waited_for(wiring, unit)
    )


def decides(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit answers by metrics whether to deploy, and a deployment asks it."""
    if not DECIDES.search(unit.short):
        return False
    ordered = unit.returned.union(*unit.verdicts.values())
    if not any(METRIC_WORD.search(name) for name in ordered):
        return False
    return any(
        unit.short in one.names and any(ACTS.search(call.name) for call in one.calls)
        for one in wiring.code
        if one is not unit
    )


def leaves_refused(unit: Unit) -> bool:
    """Tell whether a unit leaves off before it publishes a model that was not accepted."""
    return any(ACCEPTED.search(name) for name in unit.guarded) and any(
        PUSHES.search(call.name) for call in unit.calls
    )


def is_search(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit trains several models and only looks for the best of them."""
    best = {name for name in unit.compared if BEST.match(name)}
    bounds = {name for name in unit.compared - best if BOUND.search(name)}
    trains = not fitting_places(wiring).isdisjoint(wiring.reach([(unit.path, unit.name)]))
    return bool(best) and not bounds and trains


def is_waited_for(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether something may depend on a unit: it is not only run as a script."""
    return (unit.path, unit.name) in waited_for(wiring)


def stops_by_metric(unit: Unit) -> bool:
    """Tell whether a unit raises, exits or cancels because a metric is worse than a bound."""
    cancels = any(call.name.rpartition(".")[2] in {"cancel", "fail"} for call in unit.calls)
    measured = {name for name in unit.compared if METRIC_WORD.search(name)}
    bounds = {name for name in unit.compared - unit.fixed if BOUND.search(name)}
    judges = JUDGES.search(unit.short) or JUDGES.search(unit.path.rpartition("/")[2])
    compares = bool(measured) and bool(bounds) and len(measured | bounds) > 1
    if unit.asserts and measured and judges:
        return True
    return bool(judges) and compares and (unit.stops or cancels)


@criterion("L3-06", "gate-before-deployment", "must", "I4, G1")
def gate_before_deployment(wiring: Wiring) -> Finding:
    """A model that is not good enough is not promoted or deployed.

    A comparison of metrics and a branch before the promotion: `ConditionStep`, `dsl.If`, TFX's
    Evaluator, thresholds of MLflow, or code that raises or promotes by the result.
    """
    branching = [one for one in GATE_STEPS if one.endswith("BranchPythonOperator")]
    steps = called(wiring, [one for one in GATE_STEPS if one not in branching], "a gate")
    if chosen := [one for one in wiring.calls(branching) if branches_by_metric(wiring, one[0])]:
        steps = met(at_call(wiring, *one) for one in chosen)
    checks = [one for one in wiring.calls(GATE_CHECKS) if wiring.is_wired(one[0])]
    before = [one for one in checks if is_upstream(wiring, one[0])]
    by_keyword = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["mlflow.evaluate"])
        if GATE_KEYWORD in call.keywords and wiring.is_wired(unit) and is_upstream(wiring, unit)
    ]
    by_keyword += [at_call(wiring, *one) for one in before]
    own = [unit for unit in among(wiring, wiring.wired) if is_gate(wiring, unit)]
    reason = "nothing refuses a model before it is promoted or deployed"
    for unit in wiring.code:
        fixed = any(GATE_WORD.search(name) or OUTCOME.match(name) for name in unit.fixed)
        if fixed and promotes(unit) and not own:
            place = at_unit(wiring, unit)
            return missing("the gate's value is replaced by a constant", [place], "E1")
    if checks and not (own or by_keyword or steps.status == "met"):
        place = at_call(wiring, *checks[0])
        return missing(
            "a model is checked, but no promotion or deployment depends on it", [place], "E1"
        )
    return any_of(
        met_if((at_unit(wiring, unit) for unit in own), reason), steps, met_if(by_keyword, reason)
    )


def branches_by_metric(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether code beside a unit orders metrics."""
    near = wiring.modules[unit.path].units
    return any(METRIC_WORD.search(name) for one in near for name in one.ordered | one.returned)


def is_upstream(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a promotion depends on a unit: it promotes, or one that calls it does."""
    callers = [
        one for one in among(wiring, wiring.wired) if unit.short in one.names and one is not unit
    ]
    generic = unit.short in {"run", "execute", "main", "<module>", "__main__"}
    return promotes(unit) or (not generic and any(promotes(one) for one in callers))


@criterion("L3-07", "challenger-beside-champion", "must", "MS3, I6, AWS 7.4, SD")
def challenger_beside_champion(wiring: Wiring) -> Finding:
    """A challenger can be tried beside the champion: canary, shadow or A/B test.

    Traffic shares of KServe, Seldon, Istio, Argo Rollouts, SageMaker, Vertex or Azure; or a router
    in code that divides requests by a hash, with a test.
    """
    for path in [*wiring.yaml_files, *(one for one in wiring.sizes if one.endswith(".tf"))]:
        if found := CANARY_TEXT.search(uncommented(wiring, path)):
            return met([at_text(wiring, path, found[0])])
    for path, document in wiring.manifests:
        if word := traffic_is_shared(document):
            return met([at_text(wiring, path, word)])
    split = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(
            [".deploy", ".create_endpoint_config", ".production_variant", ".begin_create_or_update"]
        )
        if {"traffic_split", "traffic_percentage", "ShadowProductionVariants", "traffic"}
        & call.keywords.keys()
        and wiring.is_wired(unit)
        and call.keywords.get("traffic_percentage") != 100
        and not is_undivided(call.keywords.get("traffic_split", call.keywords.get("traffic")))
    ]
    lines = [line for job in wiring.jobs for line in job.lines]
    traffic = [
        at_text(wiring, line.file, line.text[:30], line.text)
        for line in lines
        if re.search(r"--traffic|update-traffic|--to-tags|traffic-percent", line.text)
        and not ALL_OR_NOTHING.search(line.text)
    ]
    if split or traffic:
        return met([*split, *traffic])
    tested = {name for _, unit in test_units(wiring) for name in unit.names}
    drawn = [
        (unit, places)
        for unit, places in units_with(among(wiring, wiring.wired), ROUTER, DRAWS)
        if unit.branches and unit.ordered
    ]
    for unit, places in [*units_with(among(wiring, wiring.wired), ROUTER, HASHES), *drawn]:
        if unit.short in tested:
            return met([at_line(wiring, unit.path, places[1][1], unit.short)], "E3")
        return missing(
            f"{unit.short} divides requests, but no test calls it", [at_unit(wiring, unit)], "E1"
        )
    return missing("no canary, shadow or A/B routing was found")


def is_undivided(shares: Any) -> bool:
    """Tell whether written shares of the traffic give all of it to one version."""
    return isinstance(shares, dict) and bool(shares) and set(shares.values()) <= {0, 100}


def traffic_is_shared(document: dict[str, Any]) -> str:
    """Return the word of a manifest that divides the traffic, if it does."""
    kind, spec = document.get("kind"), as_mapping(document.get("spec"))
    weights = [
        one[word]
        for one in all_mappings(spec)
        for word in ("weight", "setWeight", "traffic", "canaryTrafficPercent", "percent")
        if isinstance(one.get(word), int) and 0 < one[word] < 100
    ]
    if kind in {"VirtualService", "HTTPRoute", "TrafficSplit", "SeldonDeployment", "Experiment"}:
        mirrored = any("mirror" in one for one in all_mappings(spec))
        return "weight" if weights else "mirror" if mirrored else ""
    if kind == "Rollout":
        canary = as_mapping(as_mapping(spec.get("strategy")).get("canary"))
        return "canary" if canary.get("steps") or weights else ""
    if kind == "Canary":
        return "analysis" if spec.get("analysis") else ""
    return "canaryTrafficPercent" if kind == "InferenceService" and weights else ""


@criterion("L3-08", "decision-rule-written", "must", "MS3")
def decision_rule_written(wiring: Wiring) -> Finding:
    """The rule that decides the comparison is written down before it starts.

    Settings that name the smallest effect, the error rate and a duration or sample size, in one
    file, and code that reads them; or the analysis of Argo Rollouts or Flagger.
    """
    for path, document in wiring.manifests:
        if document.get("kind") in {"AnalysisTemplate", "ClusterAnalysisTemplate"} or (
            document.get("kind") == "Canary" and "analysis" in as_mapping(document.get("spec"))
        ):
            return met([at_text(wiring, path, "kind:")])
    files: dict[str, dict[str, tuple[str, object]]] = {}
    for word, pattern in (("effect", EFFECT), ("alpha", ALPHA), ("duration", DURATION)):
        for path, name, value in config(wiring, pattern, wiring.wired):
            files.setdefault(path, {}).setdefault(word, (name, value))
    for path, found in files.items():
        if len(found) == 3:
            return met(
                at_text(wiring, path, name, f"{name}: {value}") for name, value in found.values()
            )
    for path, found in files.items():
        lacks = {"effect", "alpha", "duration"} - found.keys()
        if len(found) == 2 and not path.endswith(".py"):
            return missing(
                f"{path} sets no {' and no '.join(sorted(lacks))}",
                [Evidence(path, 1, "rule")],
                "E1",
            )
    return missing("no rule with an effect, an error rate and a duration was found")


@lru_cache(maxsize=1)
def automatic_rollback(wiring: Wiring) -> Evidence | None:
    """Return where a cloud is configured to roll back by itself, if it is."""
    text = re.compile(
        r"AutoRollbackConfiguration|auto_rollback_configuration"
        r"|DeploymentCircuitBreaker|deployment_circuit_breaker"
        r"|DeploymentPreference:(?=(?s:.{0,200})(Canary|Linear))(?=(?s:.{0,300})Alarms:)"
    )
    declared = [path for path in wiring.sizes if path.endswith((".yml", ".yaml", ".tf", ".json"))]
    coded = [path for path in wiring.modules if wiring.imports(path, CLOUD_PACKAGES)]
    for path in [*declared, *coded]:
        is_read = wiring.sizes[path] < 200_000 and not DOCS_PATH.search(path)
        if is_read and text.search(uncommented(wiring, path)):
            return at_text(wiring, path, "ollback", "automatic rollback")
    return None


@criterion("L3-09", "rollback-ready", "must", "I7, AWS 7.3")
def rollback_ready(wiring: Wiring) -> Finding:
    """One command rolls back to the previous model, and a test shows it.

    A command, job or function that rolls back and that something starts; for code of one's own with
    a test. `helm rollback`, `rollout undo` and automatic rollback of a cloud need none.
    """
    if place := automatic_rollback(wiring):
        return met([place])
    if stages := rollback_stages(wiring):
        return met(stages)
    own = [
        unit
        for unit in among(wiring, wiring.wired)
        if ROLLBACK_WORD.search(unit.short) and unit.name != "<module>"
    ]
    tested = {name for _, unit in test_units(wiring) for name in [*unit.names]}
    for unit in own:
        starts = any(
            ROLLBACK_WORD.search(f"{root.text} {root.place[0]} {root.place[1]}")
            and root.kind != "script"
            for root in wiring.roots
        )
        if unit.short in tested and starts:
            return met([at_unit(wiring, unit)], "E3")
    if own and not any("rollout undo" in line.text for line in wiring.task_lines):
        return missing(
            "code rolls back, but no task or no test shows it", [at_unit(wiring, own[0])], "E1"
        )
    if own:
        return missing(
            "code rolls back, but no task or no test shows it", [at_unit(wiring, own[0])], "E1"
        )
    for line in [*(line for job in wiring.jobs for line in job.lines), *wiring.task_lines]:
        if ROLLBACK_COMMAND.search(line.text) and not line.text.startswith(
            ("echo", "make ", "python")
        ):
            return met([at_text(wiring, line.file, line.text[:40], line.text)])
    return missing("nothing rolls back")


def rollback_stages(wiring: Wiring) -> list[Evidence]:
    """Return the stages and jobs of a CI system that are named for a rollback and deploy."""
    named = re.compile(
        r"(?im)^\s*(?:-\s*)?(?:stage|job|deployment)\s*:\s*['\"]?\w*roll_?back"
        r"|^  roll_?back\w*:\s*$"
    )
    for path in dict.fromkeys(job.file for job in wiring.jobs):
        text = wiring.repository.text(path)
        deploys = any(
            job.file == path
            and (job.runs(DEPLOY_COMMAND) or any(DEPLOY_ACTION.search(used) for used in job.uses))
            for job in wiring.jobs
        )
        if deploys and (found := named.search(text)):
            return [at_text(wiring, path, found[0].strip())]
    return []


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


def siblings(wiring: Wiring, unit: Unit) -> list[Unit]:
    """Return the other methods of a method's class."""
    owner = unit.name.rpartition(".")[0]
    return [
        one for one in wiring.modules[unit.path].units if owner and one.name.startswith(f"{owner}.")
    ]


@criterion("L3-11", "operation-measured", "must", "MS4, N6")
def operation_measured(wiring: Wiring) -> Finding:
    """The service exports requests, latency and errors.

    prometheus_client and instrumentators, OpenTelemetry, CloudWatch, statsd and others, in code
    that a command reaches.
    """
    watched = wiring.created(
        r"(CloudWatch::(Alarm|Dashboard)|aws_cloudwatch_(metric_alarm|dashboard)|google_monitoring\w*)",
        r"AWS/(SageMaker|Lambda|ApiGateway|ECS|ApplicationELB)|aws\.sagemaker|aiplatform|run\.googleapis",
    )
    if watched:
        return met(Evidence(one.file, one.line, f"{one.kind} {one.name}") for one in watched)
    for path in wiring.yaml_files:
        found = OBSERVED.search(wiring.repository.tree[path])
        if found and model_served(wiring).status == "met":
            return met([at_text(wiring, path, found[0].decode().strip())])
    found_calls = called(wiring, EXPORTING, "export of operational metrics")
    if found_calls.status == "met" and exports_drift_alone(wiring):
        return missing(
            "metrics of drift are exported, none of requests", found_calls.evidence, "E1"
        )
    if found_calls.status == "missing" and (places := managed_endpoints(wiring)):
        return unknown("the platform of the endpoint has metrics of its own", places)
    if found_calls.status == "met" and model_served(wiring).status == "met":
        served = called(
            wiring,
            EXPORTING,
            "export of metrics",
            serving_reach(wiring),
            "the service does not do it",
        )
        return served if serving_reach(wiring) else found_calls
    return found_calls


def exports_drift_alone(wiring: Wiring) -> bool:
    """Tell whether all metrics that reached code makes for Prometheus are of drift."""
    made = wiring.calls(["prometheus_client.*"], wiring.wired)
    named = [str(call.arguments[0]) for _, call in made if call.arguments]
    files = {unit.path for unit, _ in made}
    others = wiring.calls(
        [one for one in EXPORTING if "prometheus_client" not in one], wiring.wired
    )
    drift = all(DRIFT_WORD.search(one) or "evidently" in one for one in named)
    of_evidently = all(wiring.imports(path, "evidently") for path in files)
    return bool(made) and not others and (drift or of_evidently)


def managed_endpoints(wiring: Wiring) -> list[Evidence]:
    """Return where a model is put into service at a cloud."""
    created = wiring.created(ENDPOINT)
    calls = [one for one in wiring.calls(DEPLOYING_CALLS) if wiring.is_wired(one[0])]
    return [
        *(Evidence(one.file, one.line, one.kind) for one in created),
        *(at_call(wiring, *one) for one in calls),
    ]


@criterion("L3-12", "quality-watched", "must", "ZC, N2, N7, SD")
def quality_watched(wiring: Wiring) -> Finding:
    """Drift or quality in production is reported on a schedule.

    Evidently, NannyML, whylogs, Alibi Detect, SageMaker's and Vertex's monitors, or statistics of
    one's own such as PSI, in a job that a schedule starts.
    """
    managed = called(
        wiring,
        [
            "*.ModelDeploymentMonitoringJob.create",
            "*.create_model_deployment_monitoring_job",
            "sagemaker:.create_monitoring_schedule",
            "azure.ai.ml.entities.MonitorSchedule",
            "sagemaker:.create_monitoring_schedule",
            "azure:.schedules.begin_create_or_update",
            "boto3:.create_monitoring_schedule",
        ],
        "a monitor",
    )
    if managed.status == "met":
        return managed
    created = wiring.created(
        r"^(AWS::SageMaker::MonitoringSchedule|aws_sagemaker_monitoring_schedule)$"
    )
    if created:
        return met(Evidence(one.file, one.line, one.kind) for one in created)
    if managed.evidence and managed.evidence[0].path.endswith(".ipynb"):
        return met(managed.evidence, "E1")  # made once, and runs by its own schedule
    for file, _, reached in [*scheduled_reach(wiring), *endless_reach(wiring)]:
        found = [one for one in wiring.calls(DRIFT_TOOLS, reached)]
        named = [unit for unit, _ in units_with(among(wiring, reached), DRIFT_WORD)]
        if found or named:
            place = at_call(wiring, *found[0]) if found else at_unit(wiring, named[0])
            return met([at_text(wiring, file, "schedule"), place])
    for unit, call, reached in scheduled_by_code(wiring):
        if found := wiring.calls(DRIFT_TOOLS, reached):
            return met([at_call(wiring, unit, call), at_call(wiring, *found[0])])
    for unit, call in wiring.calls(DRIFT_TOOLS):
        if any(wiring.imports(unit.path, one) for one in ("airflow", "prefect", "dagster")):
            names = {*unit.names} | {
                n for one in wiring.modules[unit.path].units for n in one.names
            }
            if any(re.search(r"schedule|cron|interval", name) for name in names):
                return met([at_call(wiring, unit, call)])
    drift = called(wiring, DRIFT_TOOLS, "a report on drift")
    if drift.evidence:
        why = "drift is reported, but nothing starts the report on a schedule"
        return unseen_ci(wiring, why, evidence=drift.evidence)
    return unseen_ci(wiring, "nothing reports drift or quality on a schedule")


@criterion("L3-13", "alerts-reach-people", "must", "ZC, SD")
def alerts_reach_people(wiring: Wiring) -> Finding:
    """Alert rules detect failures, and somebody is notified.

    Rules of Prometheus with a receiver of Alertmanager that has an address, alerts of Grafana with
    a contact point, alarms of a cloud with an action, or code that calls a pager or chat on a
    breach.
    """
    rules = receivers = None
    empty: list[Evidence] = []
    for path in wiring.yaml_files:
        body = wiring.repository.tree[path]
        if not (b"alert" in body or b"receivers" in body or b"contactPoints" in body):
            continue
        for document in wiring.repository.documents(path):
            for one in all_mappings(document):
                if "alert" in one and "expr" in one:
                    rules = rules or at_text(wiring, path, "alert:")
                if isinstance(one.get("receivers"), list):
                    for receiver in mappings_in(one["receivers"]):
                        full = [
                            key
                            for key, value in receiver.items()
                            if str(key).endswith(("_configs", "settings")) and value
                        ]
                        if full:
                            receivers = receivers or at_text(wiring, path, str(full[0]))
                        else:
                            empty.append(at_text(wiring, path, "receivers"))
                if one.get("contactPoints"):
                    receivers = receivers or at_text(wiring, path, "contactPoints")
                if one.get("condition") and "data" in one and "title" in one:
                    rules = rules or at_text(wiring, path, "condition")
    if rules and receivers:
        return met([rules, receivers])
    for path in wiring.sizes:
        if (
            path.endswith((".tf", ".json", ".yml", ".yaml", ".py"))
            and wiring.sizes[path] < 200_000
            and not DOCS_PATH.search(path)
        ):
            text = uncommented(wiring, path)
            alarm = re.search(
                r"AWS::CloudWatch::Alarm|aws_cloudwatch_metric_alarm|google_monitoring_alert_policy|azurerm_monitor_metric_alert|put_metric_alarm",
                text,
            )
            acts = ALARM_ACTION.search(text)
            said = text[acts.start() :].partition("\n")[0] if acts else ""
            if alarm and acts and not is_empty_by_default(wiring, said):
                place = at_text(wiring, path, alarm[0])
                if topic := topic_without_reader(wiring):
                    return missing(
                        f"{topic.name} has no subscription",
                        [place, Evidence(topic.file, topic.line, topic.kind)],
                        "E1",
                    )
                return met([place])
    mailed = wiring.calls(["*.EmailAlertConfig", "*.AlertNotification", "*.NotificationChannel"])
    if mailed:
        return met(
            [at_call(wiring, *mailed[0])], "E1" if mailed[0][0].path.endswith(".ipynb") else "E2"
        )
    for _, _, reached in scheduled_reach(wiring):
        for unit in among(wiring, reached):
            call = next((one for one in unit.calls if ALERT_CALL.search(one.name)), None)
            if call and unit.branches:
                return met([at_call(wiring, unit, call)])
    for unit in among(wiring, wiring.wired):
        call = next((one for one in unit.calls if ALERT_CALL.search(one.name)), None)
        watched = any(DRIFT_WORD.search(name) for name in [*unit.names, unit.path])
        if call and unit.branches and watched and not wiring.module_path(call.name, unit.path):
            return met([at_call(wiring, unit, call)])
    if rules:
        return missing(
            "there are alert rules, but no receiver with an address", [rules, *empty], "E1"
        )
    if receivers:
        return missing("there is a receiver, but no alert rule", [receivers], "E1")
    return missing("no alert rules were found")


def is_empty_by_default(wiring: Wiring, text: str) -> bool:
    """Tell whether all that a text of Terraform names are variables that are empty unless set."""
    named = re.findall(r"\bvar\.(\w+)", text)
    declared = "\n".join(
        uncommented(wiring, path) for path in wiring.sizes if path.endswith((".tf", ".tfvars"))
    )
    return bool(named) and all(
        re.search(rf'variable\s+"{name}"\s*{{[^}}]*default\s*=\s*(""|\[\s*\]|null)', declared)
        and not re.search(rf"(?m)^\s*{name}\s*=\s*[\[\"]\s*[^\s\]\"]", declared)
        for name in named
    )


def topic_without_reader(wiring: Wiring) -> Resource | None:
    """Return a topic of SNS to which nothing in the repository subscribes, if there is one."""
    topics = wiring.created(r"^(AWS::SNS::Topic|aws_sns_topic)$")
    read = wiring.created(
        r"^(AWS::SNS::Subscription|aws_sns_topic_subscription|aws_chatbot\w*|AWS::Chatbot::\w+)$"
    )
    if read or any('"Subscription"' in one.text for one in topics):
        return None
    return topics[0] if topics else None


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
        data = [
            *(name for name in names if DATA_VERSION.search(name)),
            *({"dataset_id"} & {*names}),
        ]
        if data and all(any(one.search(name) for name in names) for one in (RUN, COMMIT)):
            return [at_call(wiring, unit, call)]
    return []


@criterion("L3-15", "infrastructure-as-code", "should", "MS3, AWS, ZC, G2")
def infrastructure_as_code(wiring: Wiring) -> Finding:
    """Infrastructure is defined by files, for more than one environment.

    Terraform, Pulumi, CDK, Bicep, Helm, Kustomize or Compose; environments of CI; load tests.
    """
    provisioned = [
        Evidence(path, 1, "infrastructure")
        for path in wiring.repository.matching(*PROVISIONING)
        if not DOCS_PATH.search(path) and uncommented(wiring, path).strip()
    ]
    templates = [
        Evidence(path, 1, "CloudFormation")
        for path in wiring.yaml_files
        if "AWSTemplateFormatVersion" in uncommented(wiring, path)
    ]
    packaged = [
        Evidence(path, 1, "manifests")
        for path in wiring.repository.matching("**/Chart.yaml", "**/kustomization.yaml")
        if not DOCS_PATH.search(path)
    ]
    manifests = [
        Evidence(path, 1, "manifests" if document.get("kind") else "services")
        for path, document in wiring.manifests
        if document.get("kind") or document.get("services")
    ]
    kinds = (provisioned, templates, packaged, manifests)
    found = [one for each in kinds for one in each[:1]]
    reason = "no infrastructure is defined by files"
    return met_if(found or environments(wiring), reason)


def environments(wiring: Wiring) -> list[Evidence]:
    """Return the settings of a staging and a production environment that stand side by side."""
    found: dict[str, Evidence] = {}
    for path in wiring.sizes:
        if (named := ENVIRONMENT.search(path)) and not DOCS_PATH.search(path):
            found.setdefault(
                f"{path[: named.start()]} {named['kind'][0]}", Evidence(path, 1, "environment")
            )
    for key, place in found.items():
        if key.endswith(" p") and (other := found.get(f"{key[:-1]}s")):
            return [other, place]
    return []
