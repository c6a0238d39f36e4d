"""Images, roll-outs, ways back, and infrastructure."""

import re
from functools import lru_cache

from ....inspection.commands import Line
from ...evidence import among, fitting_places, predicts, reached_by, undecided
from ...finding import Evidence, Finding, any_of, criterion, met, met_if, missing, unknown
from ...other_files import DOCS_PATH
from ...places import at_text, at_unit, uncommented
from ...reach import Place
from ...suite import test_units
from ...tools import (
    DEPLOY_ACTION,
    DEPLOY_COMMAND,
    PUBLISH_ACTION,
    PUBLISH_COMMAND,
    ROLLBACK_COMMAND,
    ROLLBACK_WORD,
    SERVE_COMMAND,
    SERVING,
)
from ...wiring import Root, Wiring
from ..level_1.delivery import (
    AUTOMATIC,
    DOCKER_BUILD,
    PACKAGING_CALLS,
    SERVED,
    builds_another,
    built_by_action,
    built_by_host,
    built_from,
    by_ci,
    deployed_by_code,
    is_trial,
    packaged_by_code,
    restarted_on_host,
    shipped_archive,
    taken_from_outside,
)
from .serving import model_served

ENVIRONMENT = re.compile(
    r"(^|[/_.-])(?P<kind>(staging|stage)|(production|prod))(?=[^/]*\.(ya?ml|toml|json|tfvars"
    r"|env)$)",
    re.I,
)
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
BUILT_ONLY = re.compile(
    r"(docker|podman|buildah|nerdctl)\b(?!.*--push).* (build|bud)\b|docker/(build-push|bake)-action"
)
"""Builds whose image stays where it was built, unless something pushes it."""
IMAGE_ACTION = re.compile(
    r"plugins/docker|build-push-action|buildah|deploy-cloudrun|Docker@|bake-action"
    r"|astronomer/deploy-action"
)
PROVISIONING = (
    *("**/*.tf", "*.tf", "**/*.bicep", "**/Pulumi.y*ml", "**/cdk.json", "cdk.json"),
    *("databricks.y*ml", "**/databricks.y*ml", "serverless.y*ml", "**/serverless.y*ml"),
)


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
        skip=lambda line: trains_alone(wiring, line) or builds_another(wiring, line),
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
    if found.status == "met" and (idle := image_without_service(wiring, found)):
        return idle
    built = any(BUILT_ONLY.match(one.what) for one in found.evidence)
    if found.status != "met" or not built or leaves_ci(wiring, *AUTOMATIC):
        return found
    if leaves_ci(wiring, "outside"):
        return unknown("what starts the job that pushes the image is not in a file", found.evidence)
    return missing("CI builds the image, and pushes it nowhere", found.evidence, "E1")


def image_without_service(wiring: Wiring, found: Finding) -> Finding | None:
    """Return what is wrong with the images that CI builds, if none of them predicts."""
    built = built_files(wiring, {(one.path, one.what) for one in found.evidence})
    if not built or any(serves(wiring, path) for path in built):
        return None
    idle = [path for path in built if wiring.reach(root.place for root in roots_of(wiring, path))]
    if idle:
        places = [Evidence(idle[0], 1, "image")]
        return missing("the image that CI builds starts nothing that predicts", places, "E1")
    told = "CI builds an image; whether what it starts predicts was not seen"
    return undecided(wiring, told, [*found.evidence, Evidence(built[0], 1, "image")])


def built_files(wiring: Wiring, places: set[Place]) -> list[str]:
    """Return the Dockerfiles of the builds at some places, as far as they are named."""
    found: list[str] = []
    for job in wiring.jobs:
        found += [
            built_from(wiring, line)
            for line in job.lines
            if (line.file, line.text[:80]) in places and DOCKER_BUILD.match(line.text)
        ]
        found += [
            built_by_action(used)
            for used in job.uses
            if (job.file, used.partition(" ")[0][:80]) in places
            and used.startswith("docker/build-push-action")
        ]
    return [path for path in dict.fromkeys(found) if path in wiring.dockerfiles]


def roots_of(wiring: Wiring, path: str) -> list[Root]:
    """Return what the image of a Dockerfile starts."""
    lines = [one for one in wiring.deployed_lines if one.file == path]
    return wiring.roots_of(lines, "deployment")


def serves(wiring: Wiring, path: str) -> bool:
    """Tell whether the image of a Dockerfile starts a server, or code that serves or predicts."""
    lines = [one for one in wiring.deployed_lines if one.file == path]
    if any(SERVE_COMMAND.search(one.text) for one in lines):
        return True
    reached = reached_by(wiring, lines, "deployment")
    predicting = {(unit.path, unit.name) for unit, _ in [*predicts(wiring), *wiring.calls(SERVING)]}
    return bool(predicting & reached)


def leaves_ci(wiring: Wiring, *triggers: str) -> bool:
    """Tell whether a job that something of these starts pushes an image, or deploys."""
    return any(
        job.runs(PUBLISH_COMMAND)
        or job.runs(DEPLOY_COMMAND)
        or any(PUBLISH_ACTION.search(used) or DEPLOY_ACTION.search(used) for used in job.uses)
        for job in wiring.jobs
        if job.started_by(*triggers)
    )


def trains_alone(wiring: Wiring, line: Line) -> bool:
    """Tell whether the image that a command builds starts a training, and no service."""
    path = built_from(wiring, line)
    started = [one for one in wiring.deployed_lines if one.file == path]
    reached = reached_by(wiring, started, "deployment")
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
