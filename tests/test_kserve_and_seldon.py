"""Tests of the manifests for KServe and Seldon Core 2, and of the traffic that experiments ask for.

No cluster is available: kubectl is replaced by a script that records its calls.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from installation import Installation
from projects import LEVELS, REPOSITORY, Ladder
from tools import installed as program
from tools import passes

pytestmark = [pytest.mark.slow, pytest.mark.platform]

PLATFORMS = ["kserve", "seldon"]
OVERLAYS = ["staging", "production", "retraining"]
FIELDS = yaml.safe_load((REPOSITORY / "tests/resources/fields.yml").read_text(encoding="utf-8"))
IMAGE = "ghcr.io/someone/service@sha256:" + "ab" * 32
BEFORE = "ghcr.io/someone/service@sha256:" + "cd" * 32
TYPES: dict[str, Any] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "int-or-string": {"type": ["integer", "string"]},
    "strings": {"type": "object", "additionalProperties": {"type": "string"}},
    "quantities": {"type": "object", "additionalProperties": {"type": ["integer", "string"]}},
    "object": False,
}
CAREFUL = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
# What Knative takes without features that its administrator has to turn on.
KNATIVE_POD = {"containers", "volumes", "serviceAccountName"}
KSERVE_OWN = {
    *("minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "timeout", "labels"),
    *("annotations", "canaryTrafficPercent"),
}


def schema_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an object with these fields and no others."""
    properties: dict[str, Any] = {}
    for key, value in fields.items():
        grouped = re.fullmatch(r"\((.*?)(\[\])?\)", key)
        for name in value.split() if grouped else [key]:
            kind = grouped[1] if grouped else ""
            one = schema_of(value) if not grouped else TYPES.get(kind, {"enum": kind.split("|")})
            many = grouped[2] if grouped else name.rstrip("!").endswith("[]")
            properties[name.replace("[]", "")] = {"type": "array", "items": one} if many else one
    return {
        "type": "object",
        "properties": {name.rstrip("!"): one for name, one in properties.items()},
        "required": [name.rstrip("!") for name in properties if name.endswith("!")],
        "additionalProperties": False,
    }


SCHEMAS = {kind: schema_of(fields) for kind, fields in FIELDS.items()}


def check(manifest: dict[str, Any]) -> None:
    """Check a resource of KServe or Seldon against its definition."""
    assert manifest.keys() == {"apiVersion", "kind", "metadata", "spec"}
    schema = SCHEMAS[f"{manifest['apiVersion']} {manifest['kind']}"]
    jsonschema.validate(manifest["spec"], schema)


def own(manifest: dict[str, Any]) -> bool:
    """Tell whether the kind is one of KServe or Seldon."""
    return f"{manifest['apiVersion']} {manifest['kind']}" in SCHEMAS


def only(manifests: list[dict[str, Any]], kind: str, name: str | None = None) -> Any:
    """Return the one manifest of a kind."""
    (found,) = [
        one
        for one in manifests
        if one["kind"] == kind and (name is None or one["metadata"]["name"] == name)
    ]
    return found


@pytest.fixture(scope="module")
def projects(ladder: Ladder) -> dict[str, Path]:
    """Return a project for each platform."""
    return {name: ladder.project(max(LEVELS), deploy_target=name) for name in PLATFORMS}


@pytest.fixture(scope="module")
def rendered(projects: dict[str, Path]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return the manifests that kubectl would apply, by platform and overlay."""
    kubectl = program("kubectl")
    return {
        (name, overlay): list(
            yaml.safe_load_all(
                passes(kubectl, "kustomize", str(project / f"deploy/{name}/{overlay}"))
            )
        )
        for name, project in projects.items()
        for overlay in OVERLAYS
    }


Rendered = dict[tuple[str, str], list[dict[str, Any]]]


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_manifests_have_known_fields_alone(
    rendered: Rendered, tmp_path: Path, platform: str, overlay: str
) -> None:
    manifests = rendered[platform, overlay]
    known = [one for one in manifests if own(one)]
    assert known
    for one in known:
        check(one)
    file = tmp_path / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(one for one in manifests if not own(one)))
    passes(program("kubernetes-validate"), "--strict", str(file))


@pytest.mark.parametrize(
    ("platform", "kind", "path", "wrong"),
    [
        ("kserve", "InferenceService", ["predictor"], "minReplica"),
        ("kserve", "InferenceService", ["predictor", "containers", 0], "envfrom"),
        ("kserve", "InferenceService", ["predictor", "containers", 0, "readinessProbe"], "period"),
        ("kserve", "InferenceService", ["predictor", "containers", 0], "lifecycle"),
        ("seldon", "Server", [], "capability"),
        ("seldon", "Server", ["podSpec", "containers", 1], "volumeMount"),
        ("seldon", "Model", [], "storageURI"),
        ("seldon", "Experiment", ["candidates", 0], "wieght"),
    ],
)
def test_a_misspelt_field_is_refused(
    rendered: Rendered, platform: str, kind: str, path: list[Any], wrong: str
) -> None:
    name = "champion" if kind == "Model" else None
    manifest = json.loads(json.dumps(only(rendered[platform, "production"], kind, name)))
    check(manifest)
    place = manifest["spec"]
    for step in path:
        place = place[step]
    place[wrong] = {}
    with pytest.raises(jsonschema.ValidationError, match=f"{wrong}|False schema"):
        check(manifest)


def test_a_wrong_type_and_a_missing_field_are_refused(rendered: Rendered) -> None:
    manifest = json.loads(json.dumps(only(rendered["seldon", "production"], "Experiment")))
    manifest["spec"]["candidates"][0]["weight"] = "100"
    with pytest.raises(jsonschema.ValidationError, match="not of type 'integer'"):
        check(manifest)
    del manifest["spec"]["candidates"][0]["weight"]
    with pytest.raises(jsonschema.ValidationError, match="'weight' is a required"):
        check(manifest)


def pod_of(manifests: list[dict[str, Any]], platform: str) -> Any:
    """Return the pod's specification, with the predictor's own fields for KServe."""
    if platform == "kserve":
        return only(manifests, "InferenceService")["spec"]["predictor"]
    return only(manifests, "Server")["spec"]["podSpec"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_container_has_no_rights_that_it_does_not_need(
    rendered: Rendered, platform: str
) -> None:
    for overlay in OVERLAYS:
        container = pod_of(rendered[platform, overlay], platform)["containers"][-1]
        assert container["image"] == "service", "make apply names it"
        given = container["securityContext"]
        assert CAREFUL.items() <= given.items()
        assert container["resources"].keys() == {"requests", "limits"}
        assert container["envFrom"] == [{"secretRef": {"name": "service"}}]
        assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]
    text = json.dumps([*rendered.values()])
    assert not re.search(r"postgresql://|://[^\"/ ]*:[^\"/ ]*@", text), "no credentials"
    assert '"kind": "Secret"' not in text


def test_knative_takes_the_pod_as_it_is(rendered: Rendered) -> None:
    for overlay in ("staging", "production"):
        manifest = only(rendered["kserve", overlay], "InferenceService")
        mode = manifest["metadata"]["annotations"]["serving.kserve.io/deploymentMode"]
        assert mode == "Serverless"
        predictor = manifest["spec"]["predictor"]
        assert predictor.keys() <= KNATIVE_POD | KSERVE_OWN
        (container,) = predictor["containers"]
        assert container["name"] == "kserve-container"
        assert len(container["ports"]) == 1 and "lifecycle" not in container
        asked = [container[f"{one}Probe"]["httpGet"]["path"] for one in ("readiness", "liveness")]
        assert asked == ["/v2/health/ready", "/v2/health/live"]
        assert container["securityContext"]["runAsNonRoot"]


def test_it_scales(rendered: Rendered) -> None:
    predictor = only(rendered["kserve", "production"], "InferenceService")["spec"]["predictor"]
    assert 1 < predictor["minReplicas"] < predictor["maxReplicas"] and predictor["scaleTarget"]
    server = only(rendered["seldon", "production"], "Server")["spec"]
    models = [one["spec"] for one in rendered["seldon", "production"] if one["kind"] == "Model"]
    for one in [server, *models]:
        assert 1 < one["minReplicas"] < one["maxReplicas"]
    for one in rendered["seldon", "staging"]:
        if one["kind"] in ("Server", "Model"):
            assert (one["spec"]["minReplicas"], one["spec"]["maxReplicas"]) == (1, 2)


def test_seldon_s_names_fit_each_other(rendered: Rendered) -> None:
    manifests = rendered["seldon", "production"]
    server = only(manifests, "Server")
    capabilities = server["spec"]["capabilities"]
    (mount,) = server["spec"]["podSpec"]["containers"][0]["volumeMounts"]
    models = [one for one in manifests if one["kind"] == "Model"]
    assert {one["metadata"]["name"] for one in models} == {"champion", "challenger"}
    for model in models:
        assert model["spec"]["requirements"] == capabilities
        assert mount["mountPath"] == f"{model['spec']['storageUri']}/model-settings.json"
        (parameter,) = model["spec"]["parameters"]
        assert parameter == {"name": "variant", "value": model["metadata"]["name"]}
    assert only(manifests, "Experiment")["spec"]["default"] == "champion"
    settings = only(manifests, "ConfigMap")
    assert (
        settings["metadata"]["name"] == server["spec"]["podSpec"]["volumes"][0]["configMap"]["name"]
    )
    assert json.loads(settings["data"]["model-settings.json"]) == {"name": "service"}
    selector = only(manifests, "Service", "predictions")["spec"]["selector"]
    assert selector == {"seldon-server-name": server["metadata"]["name"]}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_loop_shares_a_volume_with_the_service(rendered: Rendered, platform: str) -> None:
    manifests = rendered[platform, "retraining"]
    job = only(manifests, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    pod = pod_of(manifests, platform)
    shared = {"name": "live", "persistentVolumeClaim": {"claimName": "live"}}
    assert shared in job["volumes"] and shared in pod["volumes"]
    mount = {"name": "live", "mountPath": "/live", "readOnly": True}
    assert mount in pod["containers"][-1]["volumeMounts"]
    assert pod["initContainers"] == job["initContainers"]
    assert {"name": "SERVE", "value": "retraining.service"} in pod["containers"][-1]["env"]
    assert '"variant"' not in json.dumps(manifests), "the loop decides who gets which share"
    assert not [one for one in manifests if one["kind"] == "Experiment"]
    urls = {one["name"]: one["value"] for one in job["containers"][0]["env"]}
    assert urls["SERVICE_URL"].endswith("/service")
    accounts = [one["metadata"]["name"] for one in manifests if one["kind"] == "ServiceAccount"]
    assert job["serviceAccountName"] in accounts
    (maps,) = [one["configMapRef"]["name"] for one in job["containers"][0]["envFrom"][:1]]
    assert maps in [one["metadata"]["name"] for one in manifests if one["kind"] == "ConfigMap"]


def test_the_licence_is_said_where_seldon_is_chosen(projects: dict[str, Path]) -> None:
    question = (REPOSITORY / "levels/3-serving.yml").read_text(encoding="utf-8")
    (choice,) = [line for line in question.splitlines() if line.endswith(": seldon")]
    assert "Business Source" in choice and "payment in production" in choice
    manifest = projects["seldon"] / "deploy/seldon/production/service.yaml"
    guide = projects["seldon"] / "docs/seldon.md"
    for file in (manifest, guide):
        beginning = file.read_text(encoding="utf-8")[:900]
        assert "Business Source License" in beginning, file
        assert "production needs a paid licence" in " ".join(beginning.split()).replace("# ", "")


# Experiments.

SPLIT = "mode: split\nname: a\n"
SETTINGS = (
    "import sys; from pathlib import Path; from taxi_ride_duration.experiments.plan import "
    "read_experiment; from taxi_ride_duration.serving.bundle import LIVE, Release, write_release; "
    "LIVE.mkdir(exist_ok=True); plan = read_experiment(Path(sys.argv[1])); "
    "other = None if plan.mode == 'off' else 'v2-b'; "
    "write_release(LIVE, Release(champion='v1-a', challenger=other, experiment=other and plan))"
)


def traffic(
    project: Path, environment: Path, folder: Path, experiment: str, manifests: list[dict[str, Any]]
) -> subprocess.CompletedProcess[str]:
    """Run the tool with manifests, and the release that an experiment.yaml leads to."""
    installation = Installation(project, environment)
    variables = installation.environment() | {"LIVE": str(folder / "live")}
    (folder / "experiment.yaml").write_text(experiment)
    made = [installation.python, "-c", SETTINGS, str(folder / "experiment.yaml")]
    subprocess.run(made, check=True, env=variables)
    return subprocess.run(
        [installation.python, "-m", "taxi_ride_duration.experiments.traffic"],
        input=yaml.safe_dump_all(manifests),
        capture_output=True,
        text=True,
        env=variables,
    )


CASES = [
    ('mode: "off"\n', 0),
    (SPLIT + "share: 0.1\n", 10),
    (SPLIT + "share: 0.29\n", 29),
    (SPLIT, 50),
    (SPLIT + "unit: pickup_zone\n", None),
    ("mode: shadow\nname: a\n", 0),
]


@pytest.mark.parametrize(("experiment", "share"), CASES, ids=lambda value: repr(value))
def test_the_challenger_s_share_is_that_of_the_experiment(
    projects: dict[str, Path],
    rendered: Rendered,
    installed: Path,
    tmp_path: Path,
    experiment: str,
    share: int | None,
) -> None:
    given = [*rendered["kserve", "production"], *rendered["seldon", "production"]]
    finished = traffic(projects["kserve"], installed, tmp_path, experiment, given)
    assert finished.returncode == 0, finished.stderr
    made = list(yaml.safe_load_all(finished.stdout))
    for one in filter(own, made):
        check(one)
    others = [one for one in made if not own(one)]
    assert others == [one for one in given if not own(one)]
    predictor = only(made, "InferenceService")["spec"]["predictor"]
    assert predictor.get("canaryTrafficPercent") == (share or None)
    variables = {one["name"]: one["value"] for one in predictor["containers"][0]["env"]}
    side = {"variant": "challenger" if share else "champion"} if share is not None else {}
    assert json.loads(variables["MLSERVER_MODEL_EXTRA"]) == side
    weights = {one["name"]: one["weight"] for one in only(made, "Experiment")["spec"]["candidates"]}
    assert weights == (
        {"champion": 100 - share, "challenger": share} if share else {"champion": 100}
    )
    for name in ("champion", "challenger"):
        assert ("parameters" in only(made, "Model", name)["spec"]) == (share is not None)


def test_the_loop_s_manifests_stay_as_they_are(
    projects: dict[str, Path], rendered: Rendered, installed: Path, tmp_path: Path
) -> None:
    given = [*rendered["kserve", "retraining"], *rendered["seldon", "retraining"]]
    finished = traffic(projects["kserve"], installed, tmp_path, SPLIT, given)
    assert list(yaml.safe_load_all(finished.stdout)) == given


@pytest.mark.parametrize("share", ["0.105", "0.004", "0.999"])
def test_a_share_that_no_platform_can_give_is_refused(
    projects: dict[str, Path], installed: Path, tmp_path: Path, share: str
) -> None:
    finished = traffic(projects["seldon"], installed, tmp_path, f"{SPLIT}share: {share}\n", [])
    assert finished.returncode == 1 and finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith(f"error: experiment.yaml: share: {share} must be a whole percentage")


# make apply.


def kubectl(folder: Path, body: str) -> str:
    """Return a PATH with a kubectl that renders, records its calls, and has no cluster."""
    folder.mkdir(exist_ok=True)
    script = f"""#!/bin/sh
echo "kubectl $*" >> "{folder}/calls"
{body}
case "$*" in
    kustomize*) exec "{program("kubectl")}" "$@" ;;
    *"apply "*) cat > "{folder}/applied-$(grep -c 'apply ' "{folder}/calls")" ;;
    *experiments.traffic*) cat; echo "---"; echo "traffic: set" ;;
    *"get --ignore-not-found"*) echo "{BEFORE}" ;;
    *latestReadyRevision*) echo service-predictor-00002 ;;
    *"get deployment"*) echo "  image: {IMAGE}" ;;
esac
"""
    (folder / "kubectl").write_text(script)
    (folder / "kubectl").chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


POD = {
    "kserve": "deployment/service-predictor-00002-deployment --container kserve-container",
    "seldon": "statefulset/service --container mlserver",
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_champion_is_applied_first_and_then_the_share(
    projects: dict[str, Path], tmp_path: Path, platform: str
) -> None:
    path = kubectl(tmp_path / "bin", "")
    Installation(projects[platform]).make("apply", TO="staging", IMAGE=IMAGE, PATH=path)
    calls = (tmp_path / "bin/calls").read_text().splitlines()
    space = "kubectl --namespace taxi-ride-duration-staging "
    steps = [call.removeprefix(space) for call in calls if " get " not in call]
    steps = [step for step in steps if not step.startswith(("wait", "rollout"))]
    render = f"kubectl kustomize deploy/{platform}/staging"
    port = 8080 if platform == "kserve" else 9000
    run = f"exec {POD[platform]} -- python -m taxi_ride_duration"
    assert sorted(steps) == sorted(
        [render, "apply --filename -"] * 2
        + [
            run.replace("exec", "exec --stdin") + ".experiments.traffic",
            f"{run}.serving.smoke http://127.0.0.1:{port}/service",
        ]
    )
    assert steps[-1].endswith("/service"), "the test comes last"
    champion = (tmp_path / "bin/applied-1").read_text()
    shared = (tmp_path / "bin/applied-2").read_text()
    assert f"image: {IMAGE}\n" in champion and "image: service\n" not in champion
    assert shared == f"{champion}---\ntraffic: set\n"


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("failing", ["wait", "experiments.traffic", "serving.smoke"])
def test_a_release_that_does_not_serve_is_taken_back(
    projects: dict[str, Path], tmp_path: Path, platform: str, failing: str
) -> None:
    path = kubectl(tmp_path / "bin", f'case "$*" in *"{failing}"*) exit 1 ;; esac')
    refused = Installation(projects[platform]).refused(
        "apply", TO="production", IMAGE=IMAGE, PATH=path, ATTEMPTS="1"
    )
    assert "rolling back" in refused
    last = max((tmp_path / "bin").glob("applied-*"), key=lambda file: int(file.name[8:]))
    assert f"image: {BEFORE}\n" in last.read_text() and IMAGE not in last.read_text()


def test_a_revision_that_never_comes_is_not_awaited_for_ever(
    projects: dict[str, Path], tmp_path: Path
) -> None:
    body = 'case "$*" in *"get deployment"*) echo "  image: another"; exit ;; esac'
    path = kubectl(tmp_path / "bin", body)
    refused = Installation(projects["kserve"]).refused(
        "apply", TO="staging", IMAGE=IMAGE, PATH=path, ATTEMPTS="1"
    )
    assert "rolling back" in refused


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"TO": "staging", "IMAGE": "service:1"}, "has no digest"),
        ({"TO": "moon", "IMAGE": IMAGE}, "is not a folder of deploy/"),
        ({"TO": "", "IMAGE": IMAGE}, "is not a folder of deploy/"),
    ],
)
def test_what_cannot_be_applied_is_refused(
    projects: dict[str, Path], tmp_path: Path, platform: str, variables: dict[str, str], reason: str
) -> None:
    path = kubectl(tmp_path / "bin", "")
    assert reason in Installation(projects[platform]).refused("apply", PATH=path, **variables)
    assert not (tmp_path / "bin/calls").exists()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_image_runs_mlserver(projects: dict[str, Path], tmp_path: Path, platform: str) -> None:
    recipe = (projects[platform] / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"^FROM (python:\S+)", recipe, re.MULTILINE)) == {
        "python:3.12.12-slim-trixie"
    }, "MLServer takes no later Python"
    (pinned,) = re.findall(r'^ARG MLSERVER="mlserver==(\S+) ', recipe, re.MULTILINE)
    assert pinned == "1.7.1"
    assert 'CMD ["mlserver", "start", "/live"]' in recipe
    assert "{%" not in recipe and "MLSERVER_PARALLEL_WORKERS=0" in recipe
    project = tmp_path / "project"
    shutil.copytree(projects[platform], project)
    (project / "live").mkdir()
    (project / "live/release.json").write_text("{}")
    (tmp_path / "docker").write_text(f'#!/bin/sh\necho "$*" >> "{tmp_path}/calls"\n')
    (tmp_path / "docker").chmod(0o755)
    Installation(project).make("image", PATH=f"{tmp_path}:/usr/bin:/bin", IMAGE="a:1")
    assert "--target with-bundle --tag a:1 ." in (tmp_path / "calls").read_text()
