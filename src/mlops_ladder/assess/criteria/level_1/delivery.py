"""What CI builds and publishes."""

import re
from collections.abc import Callable, Iterator

from ....inspection.commands import Line, joined
from ....inspection.python import Call, Unit
from ...ci import APPLIES, Job
from ...evidence import fits, is_set_in_jenkins, predicts, reached_by, started_outside, unseen_ci
from ...finding import Evidence, Finding, any_of, criterion, met, missing, unknown
from ...places import at_call, at_command, at_text, uncommented
from ...tools import (
    BUILD_ACTION,
    BUILD_COMMAND,
    DEPLOY_COMMAND,
    DEPLOYING_CALLS,
    LINT_COMMAND,
    PUBLISH_ACTION,
    PUBLISH_COMMAND,
    ROLLOUT_ACTION,
    ROLLOUT_COMMAND,
    TEST_COMMAND,
)
from ...wiring import Wiring
from .testing import is_there

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
IMAGE_ACTION_INPUT = re.compile(r"(?:^|\s)(context|file): (\S+)")
ARCHIVE = re.compile(
    r'(?m)^\s*data\s+"archive_file"|^\s*source\s*=\s*"terraform-aws-modules/lambda'
)
PACKS = re.compile(r"^(zip( -\w+)*|tar -?\w*c\w*f) (?P<file>[\w.-]+\.(zip|tar|tgz|tar\.gz))\b")
SENDS = re.compile(r"^(scp|rsync)\b.* \S+@\S+:")
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
RELEASING = ("tag", "release", "push", "workflow_run")


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
        if line and DOCKER_BUILD.match(line.text) and not wiring.dockerfiles:
            line = None
        lines = job.lines if line else ()
        absent = next(filter(None, (copied_from_nowhere(wiring, job, one) for one in lines)), None)
        if absent:
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
    top = context_of(line)
    if (
        not DOCKER_BUILD.match(line.text)
        or not top
        or not fits(wiring)
        or f"{top}/Dockerfile" not in wiring.sizes
    ):
        return False
    concerned = [unit.path for unit, _ in [*fits(wiring), *predicts(wiring)]]
    return not any(path.startswith(f"{top}/") for path in concerned)


def lacks_dockerfile(wiring: Wiring, used: str) -> bool:
    """Tell whether an action builds from a place in the repository without a Dockerfile."""
    if "docker/build-push-action" not in used:
        return False
    file = built_by_action(used)
    return bool(file) and file not in wiring.sizes


def built_by_action(used: str) -> str:
    """Return the Dockerfile that an action builds, as far as it is written."""
    given = dict(IMAGE_ACTION_INPUT.findall(used))
    context = given.get("context", ".")
    file = given.get("file", f"{context}/Dockerfile")
    is_plain = re.fullmatch(r"[\w./-]+", file) and not file.startswith("/")
    return joined("", file) if is_plain else ""


@criterion("L1-05", "build-in-ci", "must", "MS1")
def build_in_ci(wiring: Wiring) -> Finding:
    """CI builds the package or an image.

    `uv build`, `python -m build`, `docker build`, an action that builds, or the like, in a job
    that starts by itself.
    """
    found = by_ci(
        wiring,
        BUILD_COMMAND,
        BUILD_ACTION,
        AUTOMATIC,
        "builds a package or image",
        skip=lambda line: bool(line.folder) and builds_another(wiring, line),
    )
    if found.status == "missing":
        found = any_of(found, shipped_archive(wiring, AUTOMATIC), packaged_by_code(wiring, SERVED))
    return (built_by_host(wiring) or found) if found.status == "missing" else found


def jobs_calling(
    wiring: Wiring, calls: list[tuple[Unit, Call]]
) -> Iterator[tuple[Job, list[Evidence]]]:
    """Yield the CI jobs whose commands reach some of the calls, with the job and those calls."""
    for job in wiring.jobs if calls else ():
        reached = reached_by(wiring, job.lines)
        places = [at_call(wiring, *one) for one in calls if (one[0].path, one[0].name) in reached]
        if places:
            yield job, [Evidence(job.file, 1, f"job {job.name}".strip()), *places]


def packaged_by_code(wiring: Wiring, patterns: list[str]) -> Finding:
    """Return met if a job runs code that makes a model package, or a service, of a cloud."""
    for job, places in jobs_calling(wiring, wiring.calls(patterns)):
        if job.started_by(*AUTOMATIC):
            return met(places)
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
    for job, places in jobs_calling(wiring, calls):
        if job.started_by(*triggers):
            return met(places)
        if job.started_by("outside"):
            return started_outside(job, places[1:])
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
