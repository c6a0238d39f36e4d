"""Tests of the shipped rules, dashboards, manifests and Dockerfiles with their own tools."""

import ast
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting import without_url_file
from installation import Installation
from projects import LEVELS, REPOSITORY, Ladder
from tools import installed, passes

SUFFIXES = {
    "Counter": ["_total"],
    "Gauge": [""],
    "Histogram": ["_bucket", "_sum", "_count"],
    "Summary": ["_sum", "_count"],
    "GaugeMetricFamily": [""],
    "CounterMetricFamily": ["_total"],
}
# Modules that define metrics of the service and of the retraining loop.
EXPORTING = ("serving/metrics.py", "serving/watcher.py", "retraining/metrics.py")
OF_PROMETHEUS = {"up", "ALERTS"}
LABELS_OF_PROMETHEUS = {"job", "instance", "le", "alertstate"}
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"\{([^}]*)\}")
DIGEST = "sha256:" + "ab" * 32
CAREFUL = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.fixture(scope="module")
def project(ladder: Ladder) -> Path:
    """Return a project whose service runs with Docker Compose."""
    return ladder.fresh(max(LEVELS), deploy_target="compose")


@pytest.fixture(scope="module")
def in_cluster(ladder: Ladder) -> Path:
    """Return a project whose service runs on Kubernetes."""
    return ladder.fresh(max(LEVELS), deploy_target="kubernetes")


@pytest.fixture(scope="module")
def deploy(project: Path) -> Path:
    """Return the project's deployment files."""
    return project / "deploy"


def read(path: Path) -> Any:
    """Parse a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules(deploy: Path) -> list[dict[str, Any]]:
    """Return every rule of every file."""
    files = sorted((deploy / "prometheus/rules").glob("*.yml"))
    return [rule for file in files for group in read(file)["groups"] for rule in group["rules"]]


def alerts(deploy: Path) -> dict[str, dict[str, Any]]:
    """Return the alerting rules by name."""
    return {rule["alert"]: rule for rule in rules(deploy) if "alert" in rule}


def dashboards(deploy: Path) -> dict[str, Any]:
    """Return the dashboards by file name."""
    files = sorted((deploy / "grafana/dashboards").glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def panels(deploy: Path) -> list[dict[str, Any]]:
    """Return the panels of the dashboards, without row headings."""
    shown = [panel for one in dashboards(deploy).values() for panel in one["panels"]]
    return [panel for panel in shown if panel["type"] != "row"]


def queries(deploy: Path) -> list[str]:
    """Return every query of the dashboards."""
    shown = [target["expr"] for panel in panels(deploy) for target in panel["targets"]]
    marks = [mark for one in dashboards(deploy).values() for mark in one["annotations"]["list"]]
    return [*shown, *(mark["expr"] for mark in marks)]


def runbooks(project: Path) -> dict[str, str]:
    """Return the runbooks by their path in the project."""
    files = sorted(project.glob("docs/*-runbook.md"))
    return {file.relative_to(project).as_posix(): file.read_text("utf-8") for file in files}


def metrics_in(query: str) -> set[str]:
    """Return the names of the series in a PromQL expression."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]|\boffset\s+\w+', "", query)
    bare = SELECTOR.sub("", GROUPING.sub("", bare))
    names = re.findall(r"(?<![\w.:])[A-Za-z_][\w:]*(?![\w:]|\s*\()", bare)
    return set(names) - {"and", "or", "unless", "bool"}


def labels_in(query: str) -> set[str]:
    """Return the names of the labels in a PromQL expression."""
    grouped = {label.strip() for found in GROUPING.findall(query) for label in found.split(",")}
    selected = [re.findall(r"(\w+)\s*[=!]", found) for found in SELECTOR.findall(query)]
    return {*grouped, *(label for found in selected for label in found)} - {""}


def texts_in(given: ast.List, constants: dict[str, ast.Tuple]) -> set[str]:
    """Return the texts of a list, and of the constants that it unpacks."""
    unpacked = [
        constants[part.value.id]
        for part in given.elts
        if isinstance(part, ast.Starred) and isinstance(part.value, ast.Name)
    ]
    parts = [one for some in (given, *unpacked) for one in ast.walk(some)]
    return {str(one.value) for one in parts if isinstance(one, ast.Constant)}


@pytest.fixture(scope="module")
def defined(project: Path) -> tuple[set[str], set[str]]:
    """Return the names of the series that the service exports, and of their labels."""
    names, labels = set(OF_PROMETHEUS), set(LABELS_OF_PROMETHEUS)
    for name in EXPORTING:
        (module,) = project.glob(f"src/*/{name}")
        tree = ast.parse(module.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id in SUFFIXES:
                metric = ast.literal_eval(node.args[0])
                names |= {metric + suffix for suffix in SUFFIXES[node.func.id]}
                for given in [*node.args, *(keyword.value for keyword in node.keywords)]:
                    if isinstance(given, ast.List):
                        labels |= texts_in(given, constants)
    return names, labels


def test_prometheus_reads_its_configuration_and_rules(deploy: Path) -> None:
    printed = passes(
        installed("promtool"), "check", "config", str(deploy / "prometheus/prometheus.yml")
    )
    assert sum(map(int, re.findall(r"(\d+) rules found", printed))) == len(rules(deploy))


@pytest.fixture
def rule_tests(deploy: Path, tmp_path: Path) -> list[Path]:
    """Return this repository's rule tests, beside a copy of the project's rules."""
    folder = tmp_path / "prometheus"
    shutil.copytree(deploy / "prometheus/rules", folder / "rules")
    shutil.copytree(REPOSITORY / "tests/rules", folder / "tests")
    return sorted((folder / "tests").glob("*.yml"))


@pytest.mark.slow
def test_alerts_fire_and_stay_quiet_as_their_tests_say(rule_tests: list[Path]) -> None:
    passes(installed("promtool"), "test", "rules", *map(str, rule_tests))


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_quiet(
    deploy: Path, rule_tests: list[Path]
) -> None:
    fires: set[str] = set()
    quiet: set[str] = set()
    for file in rule_tests:
        for group in read(file)["tests"]:
            for case in group["alert_rule_test"]:
                (fires if case["exp_alerts"] else quiet).add(case["alertname"])
    assert fires == quiet == alerts(deploy).keys()


def test_the_project_has_an_example_of_a_rule_test(deploy: Path) -> None:
    (example,) = (deploy / "prometheus/tests").glob("*.yml")
    passes(installed("promtool"), "test", "rules", str(example))
    (command,) = re.findall(r"^# promtool test rules (\S+)$", example.read_text("utf-8"), re.M)
    assert (deploy.parent / command) == example


def test_alerts_say_how_bad_it_is_and_what_to_do(project: Path, deploy: Path) -> None:
    for name, alert in alerts(deploy).items():
        assert alert["labels"]["severity"] in ("critical", "warning"), name
        assert alert["annotations"].keys() == {"summary", "runbook"}, name
        path, _, anchor = alert["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^## (.+)$", runbooks(project)[path], re.MULTILINE)
        assert anchor == name.lower() and name in headings


def test_a_climb_leaves_the_runbook_of_the_service_as_it_is(deploy: Path) -> None:
    for file in (deploy / "prometheus/rules").glob("*.yml"):
        book = {"service": "docs/3-runbook.md", "retraining": "docs/4-runbook.md"}[file.stem]
        named = re.findall(r"runbook: ([^#\n]+)", file.read_text(encoding="utf-8"))
        assert set(named) == {book}


def test_the_loop_gets_nobody_up_at_night(deploy: Path) -> None:
    groups = read(deploy / "prometheus/rules/retraining.yml")["groups"]
    assert {rule["labels"]["severity"] for group in groups for rule in group["rules"]} == {
        "warning"
    }


def test_rules_and_dashboard_ask_for_what_the_service_exports(
    deploy: Path, defined: tuple[set[str], set[str]]
) -> None:
    names, labels = defined
    known = names | {rule["record"] for rule in rules(deploy) if "record" in rule}
    for query in [*(rule["expr"] for rule in rules(deploy)), *queries(deploy)]:
        assert metrics_in(query), query
        assert metrics_in(query) <= known, query
        assert labels_in(query) <= labels, query


def test_the_runbook_asks_for_what_there_is(
    project: Path, deploy: Path, defined: tuple[set[str], set[str]]
) -> None:
    known = defined[0] | {rule["record"] for rule in rules(deploy) if "record" in rule}
    text = "\n".join(runbooks(project).values())
    looks = re.findall(r"^- Look: (.*?)^- Do:", text, re.MULTILINE | re.DOTALL)
    assert len(looks) == len(alerts(deploy))
    for look in looks:
        snippets = [" ".join(snippet.split()) for snippet in re.findall(r"`([^`]+)`", look)]
        asked = [
            s for s in snippets if re.match(r"(sum|max|topk|rate|increase|time|up)\b|[a-z]+[_:]", s)
        ]
        assert asked and all(metrics_in(query) <= known for query in asked), look


def test_every_metric_is_looked_at(deploy: Path, defined: tuple[set[str], set[str]]) -> None:
    asked = [*(rule["expr"] for rule in rules(deploy)), *queries(deploy)]
    used = set().union(*map(metrics_in, asked))
    assert {name for name in defined[0] if not name.startswith("http_request_seconds_")} <= used


def test_drift_wakes_nobody(deploy: Path) -> None:
    assert not [name for name, alert in alerts(deploy).items() if "drift" in alert["expr"]]


def test_panels_say_what_they_show_in_which_unit(deploy: Path) -> None:
    for panel in panels(deploy):
        assert panel["title"] and panel["description"].endswith("."), panel["id"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


def test_panels_have_check_layout(deploy: Path) -> None:
    for name, dashboard in dashboards(deploy).items():
        assert dashboard["uid"] == name
        check_layout(dashboard["panels"])


def check_layout(shown: list[dict[str, Any]]) -> None:
    """Check that no two panels share an identifier or overlap."""
    identities = [panel["id"] for panel in shown]
    assert len(set(identities)) == len(identities)
    taken: set[tuple[int, int]] = set()
    for panel in shown:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


def test_grafana_finds_its_source_and_its_dashboard(deploy: Path) -> None:
    provisioning = read(deploy / "grafana/provisioning.yml")
    (source,), (provider,) = provisioning["datasources"], provisioning["providers"]
    assert (source["uid"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert source["isDefault"], "panels that name no data source use it"
    text = "".join(file.read_text("utf-8") for file in deploy.glob("grafana/dashboards/*.json"))
    assert set(re.findall(r'"datasource": (.+?)}', text)) == {
        '{"type": "prometheus", "uid": "prometheus"'
    }
    mounts = read(deploy / "compose/compose.yaml")["services"]["grafana"]["volumes"]
    assert f"../grafana/dashboards:{provider['options']['path']}:ro" in mounts
    for folder in ("datasources", "dashboards"):
        assert [m for m in mounts if m.startswith("../grafana/provisioning.yml:") and folder in m]


def test_alertmanager_reads_its_configuration(deploy: Path, tmp_path: Path) -> None:
    text = (deploy / "alertmanager/alertmanager.yml").read_text(encoding="utf-8")
    replaced = without_url_file(text, "http://127.0.0.1/")
    (tmp_path / "alertmanager.yml").write_text(replaced, encoding="utf-8")
    passes(installed("amtool"), "check-config", str(tmp_path / "alertmanager.yml"))
    assert text.count("url_file: /run/secrets/alert_webhook_url\n        send_resolved: true") == 1


def test_compose_reads_its_files(deploy: Path) -> None:
    files = [str(file) for file in (deploy / "compose").glob("*.yaml")]
    assert len(files) == 2
    passes(installed("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", *files)


def test_compose_runs_single_steps_of_the_loop_when_it_is_told_to(
    project: Path, deploy: Path
) -> None:
    services = read(deploy / "compose/retraining.yaml")["services"]
    loop, known = services["retraining"], read(deploy / "compose/compose.yaml")["services"]
    assert loop["profiles"] == ["retraining"], "make apply starts nothing of it"
    assert loop["restart"] == "no" and "ports" not in loop
    assert 'python -m "$$PACKAGE.retraining.loop" "$$@"' in loop["entrypoint"][2]
    assert services["service"] == {
        "command": ["sh", "-c", 'exec python -m "$$PACKAGE.retraining.service"']
    }, "no second port, and no second server"
    assert "ENV PACKAGE=taxi_ride_duration" in (project / "Dockerfile").read_text("utf-8")
    assert loop["read_only"] and loop["cap_drop"] == ["ALL"]
    assert loop["security_opt"] == ["no-new-privileges:true"]
    assert loop["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert set(loop["depends_on"]) <= known.keys()
    # The loop uses the same log and registry, and writes to the folder that the service reads.
    assert database(loop, "DATABASE_URL")[2] == database(known["service"], "DATABASE_URL")[2]
    asked = services["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"]
    before = known["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"]
    assert asked == f"{before},mlflow:*"
    assert loop["environment"]["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"
    assert [f"{volume}:ro" for volume in loop["volumes"] if volume.endswith(":/live")] == [
        volume for volume in known["service"]["volumes"] if "/live:" in volume
    ]
    for volume in loop["volumes"]:
        source, inside, *mode = volume.rsplit(":", 2) if volume.endswith(":ro") else (volume, "/")
        if mode:
            assert (deploy / "compose" / source).exists() and inside.startswith("/app/"), volume


def database(service: dict[str, Any], variable: str) -> tuple[str, ...]:
    """Return the role, the variable with its password, and the database of a service's URL."""
    url = service["environment"][variable]
    found = re.fullmatch(r"\w+(?:\+\w+)?://(\w+):\$\{(\w+):[^}]*\}@postgres:5432/(\w+)", url)
    assert found, url
    return found.groups()


def test_each_program_has_a_database_role_of_its_own(deploy: Path) -> None:
    services = read(deploy / "compose/compose.yaml")["services"]
    loop = read(deploy / "compose/retraining.yaml")["services"]
    assert database(services["service"], "DATABASE_URL") == (
        *("service", "SERVICE_DB_PASSWORD", "predictions"),
    )
    assert database(services["mlflow"], "MLFLOW_BACKEND_STORE_URI") == (
        *("mlflow", "MLFLOW_DB_PASSWORD", "mlflow"),
    )
    assert database(loop["retraining"], "DATABASE_URL") == (
        *("retraining", "RETRAINING_DB_PASSWORD", "predictions"),
    )
    given = services["postgres"]["environment"] | loop["postgres"]["environment"]
    used = "".join(script.read_text("utf-8") for script in deploy.glob("compose/postgres/*.sql"))
    assert set(re.findall(r"\w+_DB_PASSWORD", used)) == given.keys() - {"POSTGRES_PASSWORD"}
    others = [one for name, one in (services | loop).items() if name != "postgres"]
    assert "POSTGRES_PASSWORD" not in str(others), "the superuser's password"


def test_compose_gives_nobody_more_than_needed(deploy: Path) -> None:
    services = read(deploy / "compose/compose.yaml")["services"]
    for name, service in services.items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        ports = service["ports"]
        assert ports and all(port.startswith("127.0.0.1:") for port in ports), name
        if "build" in service:  # the Dockerfile declares its user
            assert service["build"]["target"] == "runtime", name
        else:
            assert re.fullmatch(r"[a-z/]+:v?\d+(\.\d+)+(-[a-z]+)?", service["image"]), name
            assert service["user"] and "root" not in service["user"], name
            assert service["healthcheck"]["test"][0] == "CMD", name


def test_compose_holds_no_secret_and_names_the_one_that_is_missing(deploy: Path) -> None:
    files = (deploy / "compose").glob("*.yaml")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    secrets = re.findall(r"\$\{(\w+(?:_PASSWORD|_TOKEN|_WEBHOOK_FILE))(.*?)\}", text)
    assert len({name for name, _ in secrets}) == 7
    for name, rest in secrets:
        guide = "docs/4-runbook.md" if name.startswith("RETRAINING") else "docs/3-serving.md"
        assert rest == f":?is not set, see {guide}", name
        assert name in (deploy.parent / guide).read_text(encoding="utf-8"), name


def test_images_are_pinned_and_run_as_nobody_special(project: Path) -> None:
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", text, re.MULTILINE))
    bases = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - stages
    (base,) = bases
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base)
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    commands = re.findall(r"^(?:CMD|    CMD) (.+)$", text, re.MULTILINE)
    assert len(commands) == 2 and all(isinstance(json.loads(command), list) for command in commands)
    assert re.search(r"uv==\d+\.\d+\.\d+$", text, re.MULTILINE)
    assert "uv sync --frozen --no-install-project" in text


@pytest.fixture(scope="module", params=["staging", "production", "retraining"])
def manifests(request: pytest.FixtureRequest, in_cluster: Path) -> list[dict[str, Any]]:
    """Return the manifests that kubectl would apply."""
    folder = str(in_cluster / "deploy/kubernetes" / request.param)
    return list(yaml.safe_load_all(passes(installed("kubectl"), "kustomize", folder)))


def only(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the one manifest of a kind."""
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def test_kubernetes_would_take_the_manifests(
    manifests: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
    passes(installed("kubernetes-validate"), "--strict", str(file))


@pytest.mark.slow
def test_kubernetes_would_refuse_a_wrong_one(
    manifests: list[dict[str, Any]], tmp_path: Path
) -> None:
    only(manifests, "Service")["spec"]["prots"] = []
    file = tmp_path / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
    del only(manifests, "Service")["spec"]["prots"]
    command = [installed("kubernetes-validate"), "--strict", str(file)]
    assert subprocess.run(command, capture_output=True).returncode != 0


@pytest.mark.slow
def test_what_belongs_to_the_pods_selects_them(manifests: list[dict[str, Any]]) -> None:
    deployment = only(manifests, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"].items()
    policies = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "NetworkPolicy"}
    assert policies["deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
    for selector in (
        deployment["selector"]["matchLabels"],
        only(manifests, "Service")["spec"]["selector"],
        only(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        policies["service"]["podSelector"]["matchLabels"],
        spread["labelSelector"]["matchLabels"],
    ):
        assert selector and selector.items() <= labels
    scaled = only(manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (scaled["kind"], scaled["name"]) == ("Deployment", "service")
    assert "replicas" not in deployment, "the autoscaler decides"


def test_pods_have_no_rights_that_they_do_not_need(manifests: list[dict[str, Any]]) -> None:
    pod = only(manifests, "Deployment")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    for one in [container, *pod.get("initContainers", [])]:
        assert one["securityContext"] == CAREFUL
        assert one["resources"].keys() == {"requests", "limits"}
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    asked = [container[probe]["httpGet"]["path"] for probe in probes]
    assert asked == ["/readyz", "/readyz", "/healthz"]
    assert not [manifest for manifest in manifests if manifest["kind"] == "Secret"]


def test_pods_are_given_the_time_that_the_service_takes_to_end(
    in_cluster: Path, manifests: list[dict[str, Any]]
) -> None:
    pod = only(manifests, "Deployment")["spec"]["template"]["spec"]
    before = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    source = "".join(file.read_text("utf-8") for file in in_cluster.glob("src/*/serving/*.py"))
    takes = re.findall(r"^(?:GRACE_SECONDS|CLOSE_SECONDS) = ([\d.]+)", source, re.MULTILINE)
    assert len(takes) == 2
    assert pod["terminationGracePeriodSeconds"] > before + sum(map(float, takes))


@pytest.fixture(scope="module")
def with_loop(in_cluster: Path) -> list[dict[str, Any]]:
    """Return the manifests of a cluster with the retraining loop."""
    folder = str(in_cluster / "deploy/kubernetes/retraining")
    return list(yaml.safe_load_all(passes(installed("kubectl"), "kustomize", folder)))


def test_the_cluster_takes_one_step_of_the_loop_at_a_time(with_loop: list[dict[str, Any]]) -> None:
    job = only(with_loop, "CronJob")["spec"]
    assert job["concurrencyPolicy"] == "Forbid" and job["timeZone"] == "Etc/UTC"
    assert job["jobTemplate"]["spec"]["backoffLimit"] == 0
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    service = only(with_loop, "Deployment")["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never" and not pod["automountServiceAccountToken"]
    for key in ("runAsNonRoot", "runAsUser", "fsGroup", "seccompProfile"):
        assert pod["securityContext"][key] == service["securityContext"][key]
    (container,) = pod["containers"]
    assert container["securityContext"] == CAREFUL
    assert container["resources"].keys() == {"requests", "limits"}
    assert 'python -m "$PACKAGE.retraining.loop" "$@"' in container["command"][2]


def test_the_loop_writes_the_models_that_the_service_reads(with_loop: list[dict[str, Any]]) -> None:
    job = only(with_loop, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    service = only(with_loop, "Deployment")["spec"]["template"]["spec"]
    claim = only(with_loop, "PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for pod in (job, service):
        shared = {"claimName": claim["metadata"]["name"]}
        assert {"name": "live", "persistentVolumeClaim": shared} in pod["volumes"]
    assert {"name": "live", "mountPath": "/live"} in job["containers"][0]["volumeMounts"]
    mount = {"name": "live", "mountPath": "/live", "readOnly": True}
    assert mount in service["containers"][0]["volumeMounts"]
    assert 'python -m "$PACKAGE.retraining.service"' in service["containers"][0]["command"][2]
    images = [one["image"] for pod in (job, service) for one in pod["containers"]]
    assert {*images, service["initContainers"][0]["image"]} == {"service"}, "make apply names it"


def test_the_loop_may_reach_what_it_needs_and_nobody_may_reach_it(
    with_loop: list[dict[str, Any]],
) -> None:
    policies = {m["metadata"]["name"]: m["spec"] for m in with_loop if m["kind"] == "NetworkPolicy"}
    policy = policies["retraining"]
    template = only(with_loop, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]
    assert policy["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert policy["policyTypes"] == ["Ingress", "Egress"] and "ingress" not in policy
    assert {port.get("port") for rule in policy["egress"] for port in rule["ports"]} == {
        *(53, 5432, 443, 5000, 9090),
        "http",
    }
    selector = only(with_loop, "Service")["spec"]["selector"]
    assert not selector.items() <= template["metadata"]["labels"].items()


def first_models(manifests: list[dict[str, Any]], image: Path, shared: Path) -> None:
    """Run the service's init container with folders in place of image and volume."""
    pod = only(manifests, "Deployment")["spec"]["template"]["spec"]
    *shell, script = pod["initContainers"][0]["command"]
    script = script.replace("/live", str(image)).replace("/shared", str(shared))
    passes(*shell, script)


def test_the_image_s_models_are_for_an_empty_volume_alone(
    with_loop: list[dict[str, Any]], tmp_path: Path
) -> None:
    image, shared = tmp_path / "image", tmp_path / "volume"
    (image / "bundles/v1-a").mkdir(parents=True)
    (image / "bundles/v1-a/manifest.json").write_text("{}")
    (image / "release.json").write_text("of the image")
    shared.mkdir()
    first_models(with_loop, image, shared)
    assert (shared / "release.json").read_text() == "of the image"
    assert (shared / "bundles/v1-a/manifest.json").exists()
    (shared / "release.json").write_text("of the loop")
    first_models(with_loop, image, shared)
    assert (shared / "release.json").read_text() == "of the loop"
    assert sorted(path.name for path in shared.iterdir()) == ["bundles", "release.json"]


@pytest.mark.parametrize("target", ["compose", "kubernetes"])
def test_workflows_call_make_targets_that_there_are(ladder: Ladder, target: str) -> None:
    project = ladder.fresh(max(LEVELS), deploy_target=target)
    listed = re.findall(r"^  make (\S+) ", Installation(project).make("help"), re.MULTILINE)
    for file in (project / ".github/workflows").glob("*.yml"):
        for name, job in read(file)["jobs"].items():
            for line in (step["run"] for step in job["steps"] if "run" in step):
                program, *words = line.split()
                goals = {word for word in words if "=" not in word}
                assert program == "make" and goals <= set(listed), (file, name, line)


@pytest.mark.parametrize("target", ["compose", "kubernetes"])
def test_production_follows_staging_after_training(ladder: Ladder, target: str) -> None:
    file = (
        ladder.fresh(max(LEVELS), deploy_target=target) / f".github/workflows/deploy-{target}.yml"
    )
    workflow = read(file)
    trigger = workflow[True]["workflow_run"]
    assert trigger == {"workflows": ["Train"], "types": ["completed"], "branches": ["main"]}
    staging, production = workflow["jobs"]["staging"], workflow["jobs"]["production"]
    assert "conclusion == 'success'" in staging["if"]
    assert production["needs"] == "staging"
    assert (staging["environment"], production["environment"]) == ("staging", "production")
    promotes = [step for step in staging["steps"] if step.get("run") == "make promote"]
    assert [step["env"]["ALLOW_REFUSAL"] for step in promotes] == ["1"]
    assert "make promote" not in [step.get("run") for step in production["steps"]]
    assert "continue-on-error" not in file.read_text("utf-8"), "it would hide other failures"


@pytest.mark.parametrize(("code", "allowed"), [(0, True), (1, False), (3, True), (130, False)])
def test_only_the_gate_s_refusal_is_no_failure_of_a_deployment(
    project: Path, tmp_path: Path, code: int, allowed: bool
) -> None:
    path = pretend(tmp_path / "bin", "uv", f"exit {code}")
    promotion = Installation(project)
    if allowed:
        promotion.make("promote", PATH=path, ALLOW_REFUSAL="1")
    else:
        promotion.refused("promote", PATH=path, ALLOW_REFUSAL="1")
    if code:
        promotion.refused("promote", PATH=path)


def pretend(folder: Path, name: str, body: str) -> str:
    """Return a PATH on which the command is a shell script that records its calls."""
    folder.mkdir(exist_ok=True)
    command = folder / name
    command.write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/calls"\n{body}\n')
    command.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_a_cluster_gets_an_image_by_its_digest(in_cluster: Path, tmp_path: Path) -> None:
    kubectl = f"""case "$*" in
        kustomize*) echo '        image: service' ;;
        *apply*) cat > "{tmp_path}/sent"; stat -c %a "$KUBECONFIG" > "{tmp_path}/mode"
                 cp "$KUBECONFIG" "{tmp_path}/config"; echo "$KUBECONFIG" > "{tmp_path}/where" ;;
    esac"""
    path = pretend(tmp_path / "bin", "kubectl", kubectl)
    image = f"ghcr.io/someone/service@{DIGEST}"
    printed = Installation(in_cluster).make(
        "apply", TO="staging", IMAGE=image, PATH=path, KUBE_CONFIG="how to reach it"
    )
    assert (tmp_path / "sent").read_text().strip() == f"image: {image}"
    assert (tmp_path / "config").read_text() == "how to reach it\n"
    assert (tmp_path / "mode").read_text().strip() == "600"
    assert not Path((tmp_path / "where").read_text().strip()).exists()
    assert "how to reach it" not in printed
    calls = (tmp_path / "bin/calls").read_text()
    assert "--namespace taxi-ride-duration-staging rollout status" in calls
    assert "serving.smoke" in calls and "undo" not in calls


@pytest.mark.parametrize("failing", ["rollout status", "exec"])
def test_a_release_that_does_not_serve_is_taken_back(
    in_cluster: Path, tmp_path: Path, failing: str
) -> None:
    body = f'case "$*" in *"{failing}"*) exit 1 ;; esac'
    path = pretend(tmp_path / "bin", "kubectl", body)
    image = f"ghcr.io/someone/service@{DIGEST}"
    refused = Installation(in_cluster).refused("apply", TO="production", IMAGE=image, PATH=path)
    assert "rolling back" in refused
    assert "rollout undo deployment/service" in (tmp_path / "bin/calls").read_text()


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"TO": "staging", "IMAGE": "service:1"}, "has no digest"),
        ({"TO": "moon", "IMAGE": f"a@{DIGEST}"}, "is not a folder of deploy/kubernetes"),
        ({"TO": "", "IMAGE": f"a@{DIGEST}"}, "is not a folder of deploy/kubernetes"),
    ],
)
def test_what_cannot_be_applied_is_refused(
    in_cluster: Path, tmp_path: Path, variables: dict[str, str], reason: str
) -> None:
    path = pretend(tmp_path / "bin", "kubectl", "")
    assert reason in Installation(in_cluster).refused("apply", PATH=path, **variables)
    assert not (tmp_path / "bin/calls").exists()


def test_an_image_is_pushed_and_named_by_its_digest(in_cluster: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(in_cluster, project)
    docker = f"""case "$1" in
        login) cat > "{tmp_path}/token" ;;
        push) echo "5f70bf18a086: Pushed"; echo "1: digest: {DIGEST} size: 528" ;;
    esac"""
    path = pretend(tmp_path / "bin", "docker", docker)
    asked = {"PATH": path, "IMAGE": "ghcr.io:443/Some/Service:1", "PUSH": "1"}
    told = {"REGISTRY_TOKEN": "a token", "GITHUB_OUTPUT": str(tmp_path / "output")}
    assert "nothing is deployed" in Installation(project).refused("image", **asked, **told)
    (project / "live").mkdir()
    (project / "live/release.json").write_text("{}")
    printed = Installation(project).make("image", **asked, **told)
    assert (tmp_path / "output").read_text() == f"image=ghcr.io:443/some/service@{DIGEST}\n"
    assert (tmp_path / "token").read_text() == "a token" and "a token" not in printed
    assert (
        "--target with-bundle --tag ghcr.io:443/some/service:1"
        in (tmp_path / "bin/calls").read_text()
    )


def test_compose_is_started_and_reads_its_rules_anew(project: Path, tmp_path: Path) -> None:
    path = pretend(tmp_path / "bin", "docker", "")
    Installation(project).make("apply", PATH=path)
    _, build, database, roles, up, reload = (tmp_path / "bin/calls").read_text().splitlines()
    files = "--file deploy/compose/compose.yaml --file deploy/compose/retraining.yaml"
    for call in (build, database, roles, up, reload):
        assert call.startswith(f"docker compose --project-name taxi_ride_duration {files} ")
    assert build.endswith("--profile * build"), "the loop's image too"
    assert database.endswith("up --detach --wait postgres")
    assert "exec --no-TTY postgres sh -ec" in roles
    assert "up --detach --wait" in up
    assert reload.endswith("kill --signal SIGHUP prometheus alertmanager")


def test_without_docker_it_says_so(project: Path, tmp_path: Path) -> None:
    path = pretend(tmp_path / "bin", "docker", "exit 1")
    assert "docker compose is not installed" in Installation(project).refused("apply", PATH=path)
