"""The pipeline for Kubeflow Pipelines: run on this machine, or compiled for a cluster."""

import argparse
import os
from typing import Any
from urllib.parse import urlsplit

from kfp import compiler, dsl, kubernetes, local

from ..errors import UserError, run
from ..pipelines.parameters import read_params
from ..pipelines.tracking import NAME
from . import steps

COMPILED = "reports/kubeflow.yaml"
# Steps whose result depends on their inputs and the image alone; `origin` stands for the data.
CACHED = ["ingest", "split", "train"]
# Keys of the cluster's secret that the steps have as environment variables. Add what load() reads.
SECRET = ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "DATA_URL"]


def build(image: str, tracking_uri: str, retries: int = 3) -> Any:
    """Return the pipeline, whose steps run in the image."""
    name = NAME.replace("_", "-")  # Kubernetes allows no underscore

    def step(which: str, **arguments: Any) -> Any:
        made = dsl.component(getattr(steps, which), base_image=image, install_kfp_package=False)
        # Kubeflow would copy the source of the function alone; the image has the whole package.
        made.component_spec.implementation.container.command[-1] = (
            f"from {steps.__name__} import exit_with_message, {which}\n\nexit_with_message()\n"
        )
        task = made(**arguments).set_caching_options(which in CACHED)
        task.set_retry(0 if which == "refuse" else retries, "30s", 2, "600s")
        task.set_env_variable("MLFLOW_TRACKING_URI", tracking_uri)
        return kubernetes.use_secret_as_env(task, name, {key: key for key in SECRET}, optional=True)

    def training(params: str, gate: str, force: bool) -> None:
        origin = step("check", params=params, force=force).output
        with dsl.If(origin != steps.NOTHING_NEW, name="new"):
            rows = step("ingest", params=params, origin=origin).output
            parts = step("split", params=params, rows=rows).outputs
            run_id = step("start", params=params, origin=origin, **parts).output
            rows_of = {"train_set": parts["train_set"]}
            found = step("search", params=params, run_id=run_id, **rows_of).output
            trained = step("train", params=found, **rows_of).output
            made = {**parts, "trained": trained, "run_id": run_id}
            decision = step("evaluate", params=found, gate=gate, rows=rows, **made)
            with dsl.If(decision.outputs["Output"] == "passed", name="passed"):
                step("register", **made)
            with dsl.Else(name="refused"):
                step("refuse", run_id=run_id)

    return dsl.pipeline(name=name, description="Train, evaluate and register a model")(training)


def run_here(inputs: dict[str, Any]) -> None:
    """Run each step in a process of its own, without an image."""
    runner = local.SubprocessRunner(use_venv=False)
    local.init(runner, pipeline_root="mlruns/kubeflow", enable_caching=not inputs["force"])
    try:
        build("python", os.environ.get("MLFLOW_TRACKING_URI", ""), retries=0)(**inputs)
    except RuntimeError as error:
        raise UserError(f"{str(error).splitlines()[0]}. Its message is above") from error


def compile_for(image: str, inputs: dict[str, Any]) -> None:
    """Write the pipeline with these inputs; refuse what cannot work in a cluster."""
    server = urlsplit(os.environ.get("MLFLOW_TRACKING_URI", ""))
    if "@sha256:" not in image:
        raise UserError("IMAGE has no digest, and tags move. Take what make kubeflow-image prints")
    if server.scheme not in ("http", "https") or "@" in server.netloc:
        raise UserError(
            "set MLFLOW_TRACKING_URI to a server that all steps reach, no password in it"
        )
    os.makedirs("reports", exist_ok=True)
    pipeline = build(image, server.geturl())
    compiler.Compiler().compile(pipeline, COMPILED, pipeline_parameters=inputs)
    print(f"wrote {COMPILED}")


def main() -> None:
    """Run or compile the pipeline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="train even if nothing is new")
    parser.add_argument("--set", nargs="*", default=[], help="NAME=VALUE of a parameter")
    parser.add_argument("--image", help="compile the pipeline, whose steps run in this image")
    arguments = parser.parse_args()
    params = read_params(changes=arguments.set)
    used, gate = params.model_dump_json(exclude={"gate"}), params.gate.model_dump_json()
    inputs = {"params": used, "gate": gate, "force": arguments.force}
    run_here(inputs) if arguments.image is None else compile_for(arguments.image, inputs)


if __name__ == "__main__":
    run(main)
