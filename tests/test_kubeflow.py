"""Tests of the pipeline for Kubeflow Pipelines.

It runs in the local runner of kfp, and its compiled form is parsed strictly. There is no cluster:
kfp's own command line submits it to a stub of the server's API.
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from installation import Installation
from projects import Ladder, commit_all
from tools import installed, passes

pytestmark = [pytest.mark.slow, pytest.mark.platform, pytest.mark.xdist_group("kubeflow")]

IMAGE = "registry.example.org/rides@sha256:" + "0" * 64
SERVER = {"MLFLOW_TRACKING_URI": "http://mlflow.example.org:5000"}
RUNS = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient("sqlite:///mlruns/mlflow.db")
(experiment,) = [one for one in client.search_experiments() if one.name != "Default"]
runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"])
versions = client.search_model_versions("")
print(json.dumps({
    "runs": [{"status": run.info.status, "metrics": run.data.metrics, "tags": run.data.tags,
              "params": run.data.params, "id": run.info.run_id} for run in runs],
    "versions": [version.run_id for version in versions],
}))
"""
STRICT = """
import json, sys, yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2
pipeline, platforms = yaml.safe_load_all(open(sys.argv[1]))
try:
    spec = json_format.ParseDict(pipeline, pipeline_spec_pb2.PipelineSpec())
    deployment = json_format.MessageToDict(spec.deployment_spec)
    json_format.ParseDict(deployment, pipeline_spec_pb2.PipelineDeploymentConfig())
    json_format.ParseDict(platforms, pipeline_spec_pb2.PlatformSpec())
    kubernetes = platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for one in kubernetes.values():
        json_format.ParseDict(one, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
except json_format.ParseError as error:
    sys.exit(str(error))
"""


class Kubeflow(Installation):
    """A project with kfp in the environment that its targets use."""

    def environment(self) -> dict[str, str]:
        """Return the environment, in which the targets use the present packages."""
        return super().environment() | {"KUBEFLOW": "", "NO_COLOR": "1"}

    def records(self) -> dict[str, Any]:
        """Return the runs and the versions in the tracking store."""
        return json.loads(passes_in(self.project, self.python, "-c", RUNS))


def passes_in(folder: Path, *command: str) -> str:
    """Run a command in a folder, where it must succeed, and return its standard output."""
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def python(ladder: Ladder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install what the image's Dockerfile installs, with the two commands that it runs."""
    project = tmp_path_factory.mktemp("image") / "project"
    ladder.generate(project, 2, orchestrator="kubeflow")
    text = (project / "deploy/kubeflow/Dockerfile").read_text(encoding="utf-8")
    commands = [line[4:] for line in text.splitlines() if line.startswith("RUN uv ")]
    assert len(commands) == 2
    venv = project.parent / "venv"
    script = "\n".join(["uv lock --quiet", *commands]).replace("/venv/", f"{venv}/")
    shutil.copy(project / "deploy/kubeflow/requirements.txt", project)
    done = Installation(project).run(script, UV_PROJECT_ENVIRONMENT=str(venv))
    assert done.returncode == 0, done.stderr
    return venv


@pytest.fixture
def project(ladder: Ladder, python: Path, tmp_path: Path) -> Kubeflow:
    """Return a project at level 2."""
    folder = tmp_path / "project"
    ladder.generate(folder, 2, orchestrator="kubeflow")
    commit_all(folder, "Level 2")
    return Kubeflow(folder, python)


def without_time(metrics: dict[str, float]) -> dict[str, float]:
    """Return the metrics that two runs must share."""
    return {name: value for name, value in metrics.items() if not name.startswith("seconds/")}


def test_it_runs_as_make_pipeline_does(project: Kubeflow) -> None:
    """The gate refuses, then passes: then data, split and model come from the cache."""
    refused = project.run("make kubeflow-local SET=gate.min_gain_over_baseline=0.99")
    assert refused.returncode != 0
    assert "error: the gate would refuse it: " in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr
    records = project.records()
    assert records["versions"] == []
    assert [run["status"] for run in records["runs"]] == ["FAILED"]
    assert "99.0% required" in records["runs"][0]["tags"]["gate"]

    project.make("kubeflow-local")
    runs = sorted((project.project / "mlruns/kubeflow").glob("taxi-ride-duration-*"))
    first, second = ({step.name for step in run.iterdir()} for run in runs)
    assert first - second == {"ingest", "split", "train"}  # they came from the cache

    again = project.make("kubeflow-local")
    assert "nothing new: run " in again
    assert "nothing new: run " in project.make("pipeline")  # they know each other's runs
    project.make("pipeline FORCE=1")
    records = project.records()
    _, platform, local = records["runs"]
    assert [platform["status"], local["status"]] == ["FINISHED", "FINISHED"]
    assert sorted(records["versions"]) == sorted([platform["id"], local["id"]])
    assert without_time(platform["metrics"]) == without_time(local["metrics"])
    assert platform["params"] == local["params"]
    for tag in ("data_version", "fingerprint", "git_commit", "trained_until", "train_rows"):
        assert platform["tags"][tag] == local["tags"][tag]


def test_invalid_data_stop_it(project: Kubeflow) -> None:
    problem = project.project / "src/taxi_ride_duration/problem.py"
    text = problem.read_text(encoding="utf-8")
    load = "def load("
    assert text.count(load) == 1
    broken = text.replace(load, "def load_valid(") + (
        "\n\ndef load(start=None, end=None):\n    rows = load_valid(start, end)\n"
        "    rows.loc[rows.index[0], TARGET] = -5\n    return rows\n"
    )
    problem.write_text(broken, encoding="utf-8")
    finished = project.run("make kubeflow-local")
    assert finished.returncode != 0
    shown = finished.stdout + finished.stderr
    assert "Traceback" not in shown
    message = project.refused("pipeline").partition("make:")[0].strip()
    assert message.splitlines()[0] in finished.stdout


def compiled(project: Kubeflow, options: str = "", **variables: str) -> str:
    """Return the text of the compiled pipeline."""
    project.make(f"kubeflow-compile IMAGE={IMAGE} {options}", **(SERVER | variables))
    return (project.project / "reports/kubeflow.yaml").read_text(encoding="utf-8")


def test_what_is_compiled(project: Kubeflow) -> None:
    text = compiled(project, PYTHONHASHSEED="1")
    assert compiled(project, PYTHONHASHSEED="2") == text
    file = project.project / "reports/kubeflow.yaml"
    passes(project.python, "-c", STRICT, str(file))
    misspelt = file.with_name("misspelt.yaml")
    for right, wrong in (("retryPolicy", "retriesPolicy"), ("secretAsEnv", "secretsAsEnv")):
        misspelt.write_text(text.replace(right, wrong), encoding="utf-8")
        command = [project.python, "-c", STRICT, str(misspelt)]
        parsed = subprocess.run(command, capture_output=True, text=True)
        assert parsed.returncode == 1 and wrong in parsed.stderr

    pipeline, platform = yaml.safe_load_all(text)
    executors = pipeline["deploymentSpec"]["executors"]
    secrets = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert secrets.keys() == executors.keys()
    for name, one in executors.items():
        container = one["container"]
        assert container["image"] == IMAGE
        module, step = "taxi_ride_duration.kubeflow.steps", name.removeprefix("exec-")
        assert container["command"][-1].startswith(
            f"from {module} import exit_with_message, {step}"
        )
        assert "pip install" not in " ".join(container["command"])
        variables = {"name": "MLFLOW_TRACKING_URI", "value": SERVER["MLFLOW_TRACKING_URI"]}
        assert container["env"] == [variables]
        assert secrets[name]["secretAsEnv"][0]["optional"]

    tasks = dict(pipeline["root"]["dag"]["tasks"])
    for component in pipeline["components"].values():
        tasks |= component.get("dag", {}).get("tasks", {})
    steps = {name: task for name, task in tasks.items() if f"exec-{name}" in executors}
    assert len(steps) == len(executors) == 9
    cached = [name for name, task in steps.items() if task["cachingOptions"].get("enableCache")]
    assert sorted(cached) == ["ingest", "split", "train"]
    retries = {name: task["retryPolicy"].get("maxRetryCount", 0) for name, task in steps.items()}
    assert retries == {name: 0 if name == "refuse" else 3 for name in steps}
    conditions = [task.get("triggerPolicy", {}).get("condition") for task in tasks.values()]
    assert len([one for one in conditions if one]) == 3
    inputs = pipeline["root"]["inputDefinitions"]["parameters"]
    assert inputs.keys() == {"params", "gate", "force"}


def test_a_parameter_is_checked_and_becomes_an_input(project: Kubeflow) -> None:
    text = compiled(project, "SET=model.max_iter=7 FORCE=1")
    inputs = next(yaml.safe_load_all(text))["root"]["inputDefinitions"]["parameters"]
    assert json.loads(inputs["params"]["defaultValue"])["model"] == {"max_iter": 7}
    assert inputs["force"]["defaultValue"] is True
    wrong = project.refused(f"kubeflow-compile IMAGE={IMAGE} SET=model.max_itr=7", **SERVER)
    assert "model.max_itr: build_model takes" in wrong


@pytest.mark.parametrize(
    ("options", "variables", "message"),
    [
        (f"IMAGE={IMAGE}", {}, "set MLFLOW_TRACKING_URI to a server"),
        (f"IMAGE={IMAGE}", {"MLFLOW_TRACKING_URI": "http://me:pw@mlflow"}, "no password in it"),
        ("IMAGE=rides:latest", SERVER, "IMAGE has no digest"),
    ],
)
def test_what_cannot_work_in_a_cluster_is_refused(
    project: Kubeflow, options: str, variables: dict[str, str], message: str
) -> None:
    shown = project.refused(f"kubeflow-submit {options} HOST=http://127.0.0.1:9", **variables)
    assert message in shown
    assert "pw" not in shown
    assert not (project.project / "reports/kubeflow.yaml").exists()


@contextmanager
def stub_server() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Run a stub of the API of Kubeflow Pipelines, and yield its address and what it is sent."""
    received: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self, content: dict[str, Any]) -> None:
            body = json.dumps({"created_at": "2026-01-05T06:00:00Z", **content}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if "/experiments" in self.path:
                self.answer({"experiments": []})
            elif "/runs/" in self.path:
                self.answer({"run_id": "run-1", "display_name": "rides", "state": "PENDING"})
            else:
                self.answer({"multi_user": False})

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append((self.path, sent))
            kind = self.path.rpartition("/")[2]
            ids = {"experiments": "experiment_id", "runs": "run_id"}
            self.answer({ids.get(kind, "recurring_run_id"): f"{kind[:-1]}-1", **sent})

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


def test_it_is_submitted_and_scheduled(project: Kubeflow, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), **SERVER}
    with stub_server() as (address, received):
        project.make(f"kubeflow-submit IMAGE={IMAGE} HOST={address} EXPERIMENT=spring", **home)
        cron = "CRON='0 0 6 * * 1'"
        project.make(f"kubeflow-schedule IMAGE={IMAGE} HOST={address} {cron}", **home)
        wrong = project.refused(f"kubeflow-schedule IMAGE={IMAGE} CRON='0 6 * * 1'", **home)
    assert "CRON must have six fields" in wrong
    sent = {path.rpartition("/")[2]: body for path, body in received}
    names = [body["display_name"] for path, body in received if path.endswith("/experiments")]
    assert names == ["spring", "taxi_ride_duration"]
    assert sent["runs"]["experiment_id"] == "experiment-1"
    schedule = sent["recurringruns"]
    assert schedule["trigger"]["cron_schedule"]["cron"] == "0 0 6 * * 1"
    assert (schedule["mode"], schedule["no_catchup"]) == ("ENABLE", True)
    documents = list(yaml.safe_load_all((project.project / "reports/kubeflow.yaml").read_text()))
    for body in (sent["runs"], schedule):
        assert body["pipeline_spec"]["pipeline_spec"] == documents[0]


def test_a_server_that_does_not_respond_is_no_traceback(project: Kubeflow, tmp_path: Path) -> None:
    options = f"IMAGE={IMAGE} HOST=http://127.0.0.1:9"
    project.refused(f"kubeflow-submit {options}", HOME=str(tmp_path), **SERVER)


@pytest.mark.parametrize("level", [2, 4])
def test_the_environment_of_its_own(ladder: Ladder, tmp_path: Path, level: int) -> None:
    """`make kubeflow-compile` as it is: kfp beside the packages that uv.lock names."""
    folder = tmp_path / "project"
    ladder.generate(folder, level, orchestrator="kubeflow")
    commit_all(folder, f"Level {level}")
    made = Installation(folder).make(f"kubeflow-compile IMAGE={IMAGE}", **SERVER)
    assert "wrote reports/kubeflow.yaml" in made
    assert not passes_in(folder, installed("git"), "status", "--porcelain").replace(
        "?? uv.lock\n", ""
    )
    assert (folder / ".venv/kubeflow/bin/python").exists()
