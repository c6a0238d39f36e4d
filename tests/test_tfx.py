"""Tests of the pipeline on TFX, in its own environment: on request, TFX=1 pytest tests/test_tfx.py.

TFX_VENV names an environment that has been installed; without it, one of 3 GB is installed first.
What TFX's components call is tested in every project, by its own tests/tfx.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from installation import Installation
from projects import LEVELS, Ladder, commit_all

requested = pytest.mark.skipif(not os.environ.get("TFX"), reason="on request only: set TFX=1")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.platform,
    pytest.mark.where_present,
    pytest.mark.xdist_group("tfx"),
    requested,
]
RESOLVER = "latest_blessed_model_resolver"  # of which Kubeflow gets two tasks
TASKS = [
    *("CsvExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Trainer"),
    *(f"{RESOLVER}-model-blessing-resolver", f"{RESOLVER}-model-resolver", "Evaluator", "Pusher"),
]
METRICS = """
import json, sys
from mlflow import MlflowClient
found = []
for run in MlflowClient("sqlite:///mlruns/mlflow.db").search_runs(["1"], order_by=["start_time"]):
    metrics = {key: one for key, one in run.data.metrics.items() if key[:8] != "seconds/"}
    tags = {key: run.data.tags[key] for key in ("data_version", "fingerprint", "trained_until")}
    found.append([metrics, tags, run.data.params])
json.dump(found, sys.stdout)
"""
# Keys that the messages do not know are refused.
PARSE = """
import sys
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
text = open("reports/tfx-pipeline.json").read()
job = json_format.Parse(text, pipeline_spec_pb2.PipelineJob(), ignore_unknown_fields=False)
spec = pipeline_spec_pb2.PipelineSpec()
json_format.ParseDict(json_format.MessageToDict(job)["pipelineSpec"], spec)
print(" ".join(sorted(spec.root.dag.tasks)))
"""


@pytest.fixture(scope="module")
def tfx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with TFX."""
    if os.environ.get("TFX_VENV"):
        return Path(os.environ["TFX_VENV"])
    return tmp_path_factory.mktemp("tfx") / "venv"


@pytest.fixture(scope="module")
def installation(ladder: Ladder, installed: Path, tfx: Path) -> Installation:
    """Return a project whose steps run in a borrowed environment, with TFX beside it."""
    project = ladder.project(LEVELS[-1], orchestrator="tfx")
    (project / "uv.lock").touch()
    commit_all(project, "Lock")
    installation = Installation(project, installed)
    if not tfx.exists():
        if shutil.which("python3.10") is None:
            pytest.skip("Python 3.10 is not installed")
        installation.make("tfx-setup", TFX_VENV=str(tfx), UV_PYTHON_DOWNLOADS="never")
    return installation


def tracked(installation: Installation) -> list[Any]:
    """Return metrics, tags and parameters of the runs, the oldest first."""
    finished = installation.run(f"python - <<'END'\n{METRICS}\nEND")
    assert finished.returncode == 0, finished.stderr
    return list(json.loads(finished.stdout))


def run(installation: Installation, tfx: Path, options: str = "") -> str:
    """Run the pipeline."""
    return installation.make(f"tfx-run {options}", TFX_VENV=str(tfx))


def test_the_pipeline_blesses_pushes_and_registers(installation: Installation, tfx: Path) -> None:
    """The metrics are those of `make pipeline`; a worse model is neither blessed nor pushed."""
    printed = run(installation, tfx)
    assert "is version 1 of" in printed
    pushed = installation.project / "reports/tfx/pushed"
    assert len(list(pushed.glob("*/*/model.skops"))) == 1
    assert "nothing new" in run(installation, tfx)
    installation.make("pipeline FORCE=1")
    there, here = tracked(installation)
    assert len(there[0]) > 5
    assert there == here

    worse = run(installation, tfx, "SET=model.max_iter=2")
    assert re.search("not blessed: .*than the champion", worse), worse
    assert "nothing is registered" in worse
    assert len(list(pushed.glob("*/*/model.skops"))) == 1
    assert len(tracked(installation)) == 2


def test_the_pipeline_compiles_for_kubeflow(installation: Installation, tfx: Path) -> None:
    image = "registry.example.org/tfx@sha256:" + "ab" * 32
    variables = {"TFX_VENV": str(tfx), "TFX_IMAGE": image, "TFX_STORE": "gs://store"}
    installation.make("tfx-compile", **variables)
    parse = [str(tfx / "bin/python"), "-c", PARSE]
    finished = subprocess.run(parse, cwd=installation.project, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.split() == sorted(TASKS)
    text = (installation.project / "reports/tfx-pipeline.json").read_text(encoding="utf-8")
    assert image in text and "gs://store/data" in text
    assert str(installation.project) not in text
