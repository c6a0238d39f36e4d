"""Run SageMaker's pipeline on this machine, container by container: `make sagemaker-local`.

A stand-in for the service: a temporary folder is the bucket, and a container is a process with
SageMaker's folders. It follows `deploy/sagemaker/pipeline.json` and knows nothing of the steps.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

DEFINITION = Path("deploy/sagemaker/pipeline.json")
BUCKET = "s3://local/"


class Execution:
    """An execution of the pipeline: its parameters, its bucket, and what its steps have made."""

    def __init__(self, package: str, parameters: dict[str, str], bucket: Path) -> None:
        self.package, self.bucket = package, bucket
        self.known: dict[str, Any] = {f"Parameters.{name}": it for name, it in parameters.items()}
        self.known |= {"Execution.PipelineName": "pipeline", "Execution.PipelineExecutionId": "1"}

    def value(self, given: Any) -> Any:
        """Return a value of the definition with its references resolved."""
        match given:
            case {"Get": name}:
                return self.known[name]
            case {"Std:Join": {"On": separator, "Values": values}}:
                return separator.join(self.value(one) for one in values)
            case {"Std:JsonGet": {"PropertyFile": file, "Path": key}}:
                return json.loads(self.value(file).read_text(encoding="utf-8"))[key]
        return given

    def stored(self, uri: Any) -> Path:
        """Return where the bucket keeps what an address names."""
        return self.bucket / self.value(uri).removeprefix(BUCKET)

    def run(self, steps: list[dict[str, Any]]) -> None:
        """Run steps in order, which `tests/sagemaker` checks to be possible."""
        for step in steps:
            arguments = step["Arguments"]
            if step["Type"] == "Fail":
                sys.exit(f"error: step {step['Name']}: {self.value(arguments['ErrorMessage'])}")
            if step["Type"] == "Condition":
                found = [self.value(one["LeftValue"]) for one in arguments["Conditions"]]
                wanted = [self.value(one["RightValue"]) for one in arguments["Conditions"]]
                self.run(arguments["IfSteps" if found == wanted else "ElseSteps"])
                continue
            with tempfile.TemporaryDirectory() as root:
                self.run_container(step, Path(root))

    def run_container(self, step: dict[str, Any], root: Path) -> None:
        """Fill the folders of a container, run it, and store what it leaves in them."""
        print(f"{step['Name']} ...", flush=True)
        arguments, name = step["Arguments"], f"Steps.{step['Name']}"
        for one in arguments.get("ProcessingInputs", []):
            fetch(self.stored(one["S3Input"]["S3Uri"]), inside(root, one["S3Input"]))
        for one in arguments.get("InputDataConfig", []):
            source = self.stored(one["DataSource"]["S3DataSource"]["S3Uri"])
            fetch(source, root / "input/data" / one["ChannelName"])
        outputs = arguments.get("ProcessingOutputConfig", {"Outputs": []})["Outputs"]
        for folder in [root / "model", *(inside(root, one["S3Output"]) for one in outputs)]:
            folder.mkdir(parents=True)
        variables = {key: self.value(given) for key, given in arguments["Environment"].items()}
        # SageMaker starts an image for training with the argument `train`.
        words = arguments.get("AppSpecification", {"ContainerArguments": ["train"]})
        command = [sys.executable, "-m", f"{self.package}.sagemaker.steps"]
        environment = os.environ | variables | {"SAGEMAKER_ROOT": str(root)}
        if subprocess.run([*command, *words["ContainerArguments"]], env=environment).returncode:
            sys.exit(f"error: step {step['Name']} failed, as shown above")
        for one in outputs:
            uri = self.value(one["S3Output"]["S3Uri"])
            shutil.copytree(inside(root, one["S3Output"]), self.stored(uri))
            at = f"{name}.ProcessingOutputConfig.Outputs['{one['OutputName']}'].S3Output.S3Uri"
            self.known[at] = uri
            for file in step.get("PropertyFiles", []):
                if file["OutputName"] == one["OutputName"]:
                    at = f"{name}.PropertyFiles.{file['PropertyFileName']}"
                    self.known[at] = self.stored(uri) / file["FilePath"]
        if step["Type"] == "Training":
            uri = self.value(arguments["OutputDataConfig"]["S3OutputPath"]) + "/model.tar.gz"
            self.stored(uri).parent.mkdir(parents=True)
            with tarfile.open(self.stored(uri), "w:gz") as archive:
                archive.add(root / "model", arcname=".")
            self.known[f"{name}.ModelArtifacts.S3ModelArtifacts"] = uri


def inside(root: Path, place: dict[str, str]) -> Path:
    """Return where a container of this machine has a folder of /opt/ml."""
    return root / Path(place["LocalPath"]).relative_to("/opt/ml")


def fetch(source: Path, folder: Path) -> None:
    """Copy a file, or all files with a prefix, into a folder."""
    folder.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True)
    else:
        shutil.copy(source, folder)


def main() -> None:
    """Run the pipeline of a package, with parameters such as `FORCE=true`."""
    package, *words = sys.argv[1:]
    definition = json.loads(DEFINITION.read_text(encoding="utf-8"))
    # What has no default is a setting of the account; only the tracking store matters here.
    given = {one["Name"]: one.get("DefaultValue", "") for one in definition["Parameters"]}
    given["MLFLOW_TRACKING_URI"] = os.environ.get("MLFLOW_TRACKING_URI", "")
    given |= {"SAGEMAKER_BUCKET": "local"} | dict(word.split("=", 1) for word in words)
    with tempfile.TemporaryDirectory() as bucket:
        project = Path(bucket) / "pipeline/project"
        project.mkdir(parents=True)
        shutil.copy("params.yaml", project)
        Execution(package, given, Path(bucket)).run(definition["Steps"])


if __name__ == "__main__":
    main()
