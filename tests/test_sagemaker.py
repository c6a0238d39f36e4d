"""Tests of the pipeline on SageMaker: its definition, its containers, and the calls of AWS.

moto accepts any definition and executes none, so that what it means is checked here: references,
order, inputs, outputs, the condition, and arguments by the models of the API that botocore has.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import botocore.validate
import pytest

from installation import Installation, environment
from projects import LEVELS, Ladder, commit_all
from tools import free_port, installed, passes, wait_for_page

DEFINITION = "deploy/sagemaker/pipeline.json"
OPERATIONS = {"Processing": "CreateProcessingJob", "Training": "CreateTrainingJob"}
NAMED_BY_THE_SERVICE = {"ProcessingJobName": "job", "TrainingJobName": "job"}
ACCOUNT = {
    "SAGEMAKER_ROLE_ARN": "arn:aws:iam::123456789012:role/pipeline",
    "SAGEMAKER_SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/schedule",
    "SAGEMAKER_BUCKET": "rides",
    "SAGEMAKER_IMAGE": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/rides@sha256:" + "ab" * 32,
    "MLFLOW_TRACKING_URI": "http://mlflow.example.org:5000",
}
# Of the API, for what botocore does not check: references become values of these forms.
SAMPLES = ACCOUNT | {"INSTANCE": "ml.m5.large"}


def definition_of(project: Path) -> dict[str, Any]:
    """Return the definition in a project."""
    return json.loads((project / DEFINITION).read_text(encoding="utf-8"))


@pytest.fixture
def definition(ladder: Ladder) -> dict[str, Any]:
    """Return the definition that a project gets."""
    return definition_of(ladder.fresh(2, orchestrator="sagemaker"))


# What a definition means.


def references(value: Any) -> Iterator[str]:
    """Yield the name of every `Get`."""
    if isinstance(value, dict):
        if "Get" in value:
            yield value["Get"]
        value = list(value.values())
    for one in value if isinstance(value, list) else []:
        yield from references(one)


def made_by(step: dict[str, Any]) -> dict[str, str]:
    """Return what later steps may refer to, with the address that it has in the definition."""
    name, arguments = f"Steps.{step['Name']}", step["Arguments"]
    outputs = {
        one["OutputName"]: one["S3Output"]
        for one in arguments.get("ProcessingOutputConfig", {}).get("Outputs", [])
    }
    made = {
        f"{name}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri": json.dumps(
            one["S3Uri"]
        )
        for output, one in outputs.items()
    }
    for file in step.get("PropertyFiles", []):
        made[f"{name}.PropertyFiles.{file['PropertyFileName']}"] = file["OutputName"]
    if step["Type"] == "Training":
        made[f"{name}.ModelArtifacts.S3ModelArtifacts"] = json.dumps(arguments["OutputDataConfig"])
    return made


def inputs_of(step: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the S3 inputs of a step."""
    arguments = step["Arguments"]
    channels = [one["DataSource"]["S3DataSource"] for one in arguments.get("InputDataConfig", [])]
    return [*channels, *(one["S3Input"] for one in arguments.get("ProcessingInputs", []))]


def containers(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the steps that run a container, in branches, too."""
    for step in steps:
        if step["Type"] in OPERATIONS:
            yield step
        elif step["Type"] == "Condition":
            yield from containers(step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"])


def branches(step: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of a condition's branches."""
    return step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"]


def problems(definition: dict[str, Any]) -> list[str]:
    """Return what is wrong with a definition."""
    found = []
    if definition["Version"] != "2020-12-01":
        found.append("unknown version")
    known = {f"Parameters.{one['Name']}" for one in definition["Parameters"]}
    known |= {"Execution.PipelineName", "Execution.PipelineExecutionId"}
    used, addresses, files = set[str](), set[str](), set[str]()
    names = list[str]()

    def look(steps: list[dict[str, Any]], known: set[str], nested: bool) -> None:
        for step in steps:
            names.append(step["Name"])
            arguments = dict(step["Arguments"])
            if step["Type"] == "Condition":
                if nested:
                    found.append(f"{step['Name']}: conditions cannot be nested")
                arguments = {"Conditions": arguments["Conditions"]}
            asked = set(references(arguments))
            used.update(asked)
            found.extend(f"{step['Name']}: {name} is unknown" for name in sorted(asked - known))
            made = made_by(step)
            for name, value in made.items():
                if ".PropertyFiles." in name:
                    files.add(name)
                    if not any(f"Outputs['{value}']" in other for other in made):
                        found.append(f"{step['Name']}: no output {value}")
                elif value in addresses:
                    found.append(f"{step['Name']}: two outputs have one address")
                else:
                    addresses.add(value)
            found.extend(container_problems(step))
            if step["Type"] == "Condition":
                for branch in ("IfSteps", "ElseSteps"):  # what a branch makes stays in it
                    look(step["Arguments"][branch], set(known), nested=True)
            known |= made.keys()

    look(definition["Steps"], known, nested=False)
    found += [f"{name}: two steps have this name" for name in {*names} if names.count(name) > 1]
    unused = {f"Parameters.{one['Name']}" for one in definition["Parameters"]} - used
    found += [f"{name} is not used" for name in sorted(unused | (files - used))]
    outside = [step["Name"] for step in definition["Steps"] if words_of(step) == ["register"]]
    found += [f"{name}: registers whatever the condition says" for name in outside]
    return found + condition_problems(definition["Steps"])


def words_of(step: dict[str, Any]) -> list[str]:
    """Return the arguments of a step's container; SageMaker's own for a training job."""
    if step["Type"] == "Training":
        return ["train"]
    return step["Arguments"].get("AppSpecification", {}).get("ContainerArguments", [])


def container_problems(step: dict[str, Any]) -> list[str]:
    """Return what is wrong with the role, the image and the folders of a container."""
    if step["Type"] not in OPERATIONS:
        return []
    found, arguments = [], step["Arguments"]
    specification = arguments.get("AppSpecification") or arguments["AlgorithmSpecification"]
    image = specification.get("ImageUri") or specification.get("TrainingImage")
    for name, value in (("RoleArn", arguments["RoleArn"]), ("image", image)):
        if not (isinstance(value, dict) and value.get("Get", "").startswith("Parameters.")):
            found.append(f"{step['Name']}: {name} is not a parameter")
    if words_of(step) not in (["prepare"], ["train"], ["evaluate"], ["register"]):
        found.append(f"{step['Name']}: the image has no such step")
    outputs = arguments.get("ProcessingOutputConfig", {}).get("Outputs", [])
    uris = [one["S3Output"]["S3Uri"] for one in outputs] + [one["S3Uri"] for one in inputs_of(step)]
    found += [f"{step['Name']}: {uri} is not of the bucket" for uri in uris if not in_bucket(uri)]
    places = [one["S3Output"]["LocalPath"] for one in outputs]
    places += [one["LocalPath"] for one in inputs_of(step) if "LocalPath" in one]
    if len({*places}) < len(places) or any(not p.startswith("/opt/ml/processing/") for p in places):
        found.append(f"{step['Name']}: its folders are not its own")
    return found


def in_bucket(uri: Any) -> bool:
    """Tell whether an address is made by a step, or in the bucket that a parameter names."""
    if "Get" in uri:
        return str(uri["Get"]).startswith("Steps.")
    values = uri["Std:Join"]["Values"]
    return values[:2] == ["s3:/", {"Get": "Parameters.SAGEMAKER_BUCKET"}]


def condition_problems(steps: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong with the conditions: of a decision, which one leads to which step."""
    leads = {}
    for step in steps:
        if step["Type"] == "Condition":
            (condition,) = step["Arguments"]["Conditions"]
            read = condition["LeftValue"]["Std:JsonGet"]
            if read["PropertyFile"]["Get"] != "Steps.Evaluate.PropertyFiles.Evaluation":
                return [f"{step['Name']}: does not read the metrics file"]
            decision = condition["Type"], read["Path"], condition["RightValue"]
            leads[decision] = [one["Type"] for one in step["Arguments"]["IfSteps"]]
            if step["Arguments"]["ElseSteps"]:
                return [f"{step['Name']}: something happens without a decision"]
    expected = {
        ("Equals", "decision", "register"): ["Processing"],
        ("Equals", "decision", "refuse"): ["Fail"],
    }
    return [] if leads == expected else [f"the conditions lead to {leads}"]


def test_the_definition_is_sound(definition: dict[str, Any]) -> None:
    assert problems(definition) == []
    words = [words_of(step) for step in containers(definition["Steps"])]
    assert words == [["prepare"], ["train"], ["evaluate"], ["register"]]


def step_of(definition: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a step by its name."""
    every = [one for step in definition["Steps"] for one in (step, *nested_in(step))]
    return next(step for step in every if step["Name"] == name)


def nested_in(step: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps in a condition's branches, if the step is one."""
    return branches(step) if step["Type"] == "Condition" else []


def with_a_literal_role(definition: dict[str, Any]) -> None:
    step_of(definition, "Train")["Arguments"]["RoleArn"] = ACCOUNT["SAGEMAKER_ROLE_ARN"]


def with_another_output(definition: dict[str, Any]) -> None:
    outputs = step_of(definition, "Prepare")["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    outputs[0]["OutputName"] = "table"


def with_steps_in_a_circle(definition: dict[str, Any]) -> None:
    definition["Steps"].insert(0, definition["Steps"].pop(2))


def with_another_file(definition: dict[str, Any]) -> None:
    step_of(definition, "Evaluate")["PropertyFiles"][0]["PropertyFileName"] = "Metrics"


def with_a_file_of_no_output(definition: dict[str, Any]) -> None:
    step_of(definition, "Evaluate")["PropertyFiles"][0]["OutputName"] = "metrics"


def with_another_decision(definition: dict[str, Any]) -> None:
    step_of(definition, "Gate")["Arguments"]["Conditions"][0]["RightValue"] = "refuse"


def with_registration_anyway(definition: dict[str, Any]) -> None:
    definition["Steps"].append(step_of(definition, "Gate")["Arguments"]["IfSteps"].pop())


def with_registration_in_the_other_branch(definition: dict[str, Any]) -> None:
    arguments = step_of(definition, "Gate")["Arguments"]
    arguments["IfSteps"], arguments["ElseSteps"] = arguments["ElseSteps"], arguments["IfSteps"]


def with_a_nested_condition(definition: dict[str, Any]) -> None:
    refusal = definition["Steps"].pop()
    step_of(definition, "Gate")["Arguments"]["IfSteps"].append(refusal)


def with_an_unknown_parameter(definition: dict[str, Any]) -> None:
    definition["Parameters"].pop()


def with_an_unused_parameter(definition: dict[str, Any]) -> None:
    definition["Parameters"].append({"Name": "EXTRA", "Type": "String"})


def with_no_such_step(definition: dict[str, Any]) -> None:
    specification = step_of(definition, "Register")["Arguments"]["AppSpecification"]
    specification["ContainerArguments"] = ["registration"]


def with_one_address_twice(definition: dict[str, Any]) -> None:
    for name in ("Prepare", "Evaluate"):
        outputs = step_of(definition, name)["Arguments"]["ProcessingOutputConfig"]["Outputs"]
        outputs[0]["S3Output"]["S3Uri"]["Std:Join"]["Values"][-1] = "same"


def with_another_bucket(definition: dict[str, Any]) -> None:
    uri = step_of(definition, "Prepare")["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"]
    uri["Std:Join"]["Values"][1] = "bucket"


def with_one_name_twice(definition: dict[str, Any]) -> None:
    step_of(definition, "Refusal")["Name"] = "Gate"


MISTAKES = [one for name, one in sorted(globals().items()) if name.startswith("with_")]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_in_a_definition_is_found(definition: dict[str, Any], mistake: Any) -> None:
    mistake(definition)
    assert problems(definition) != []


def resolved(value: Any) -> Any:
    """Return a value of the definition with texts in place of references."""
    if not isinstance(value, dict):
        return [resolved(one) for one in value] if isinstance(value, list) else value
    if "Get" in value:
        kind, _, name = value["Get"].partition(".")
        return SAMPLES.get(name, "true") if kind == "Parameters" else f"s3://rides/{kind}"
    if "Std:Join" in value:
        return value["Std:Join"]["On"].join(map(str, map(resolved, value["Std:Join"]["Values"])))
    return {key: resolved(one) for key, one in value.items()}


def refused_by_the_api(step: dict[str, Any]) -> str:
    """Return what the API would refuse in the arguments of a step: keys, types, missing ones."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model(OPERATIONS[step["Type"]]).input_shape
    names = {key: value for key, value in NAMED_BY_THE_SERVICE.items() if key in shape.members}
    arguments = resolved(step["Arguments"]) | names
    instances = shape_of_instances(shape)
    report = botocore.validate.ParamValidator().validate(arguments, shape).generate_report()
    return report if SAMPLES["INSTANCE"] in instances else report + "no such instance type"


def shape_of_instances(shape: Any) -> list[str]:
    """Return the types of instances that a job may run on."""
    resources = shape.members.get("ResourceConfig")
    if resources is None:
        resources = shape.members["ProcessingResources"].members["ClusterConfig"]
    return list(resources.members["InstanceType"].enum)


def test_the_api_takes_the_arguments_of_every_container(definition: dict[str, Any]) -> None:
    found = {step["Name"]: refused_by_the_api(step) for step in containers(definition["Steps"])}
    assert set(found.values()) == {""}, found


@pytest.mark.parametrize("key", ["ImageURI", "Enviroment"])
def test_the_api_refuses_an_unknown_argument(definition: dict[str, Any], key: str) -> None:
    step = step_of(definition, "Prepare")
    target = step["Arguments"] if key == "Enviroment" else step["Arguments"]["AppSpecification"]
    target[key] = "x"
    assert key in refused_by_the_api(step)


def test_only_settings_of_the_account_have_no_default(ladder: Ladder) -> None:
    project = ladder.fresh(2, orchestrator="sagemaker")
    parameters = definition_of(project)["Parameters"]
    required = {one["Name"] for one in parameters if "DefaultValue" not in one}
    assert required == ACCOUNT.keys() - {"SAGEMAKER_SCHEDULE_ROLE_ARN"}
    guide = (project / "docs/sagemaker.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in guide for name in ACCOUNT)


# What runs: the containers on this machine, and the calls of AWS at moto's server.


@pytest.fixture(scope="module")
def installation(ladder: Ladder, installed: Path, tmp_path_factory: Any) -> Installation:
    """Return a project in a borrowed environment, with boto3 beside it."""
    project = ladder.project(LEVELS[-1], orchestrator="sagemaker")
    (project / "uv.lock").touch()
    commit_all(project, "Lock")
    packages = tmp_path_factory.mktemp("packages")
    version = f"boto3=={boto3.__version__}"
    passes(uv(), "pip", "install", "--quiet", "--target", str(packages), version)
    return Beside(project, installed, packages)


@pytest.mark.slow
@pytest.mark.platform
def test_the_project_tests_its_definition(installation: Installation) -> None:
    finished = installation.run("pytest -q tests/sagemaker")
    assert finished.returncode == 0, finished.stdout


def uv() -> str:
    """Return the path of uv."""
    return installed("uv")


@dataclass(frozen=True)
class Beside(Installation):
    """An installation with a folder of packages beside the borrowed environment."""

    packages: Path = Path()

    def environment(self) -> dict[str, str]:
        """Return the environment variables of programs that run in the project."""
        found = super().environment()
        return found | {"PYTHONPATH": f"{found['PYTHONPATH']}:{self.packages}"}


RUNS = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient("sqlite:///mlruns/mlflow.db")
found = []
for run in client.search_runs(["1"], order_by=["attributes.start_time"]):
    versions = client.search_model_versions(f"run_id = '{run.info.run_id}'")
    files = sorted(one.path for one in client.list_artifacts(run.info.run_id))
    found.append({"name": run.info.run_name, "status": run.info.status, "tags": run.data.tags,
        "params": run.data.params, "metrics": run.data.metrics, "files": files,
        "inputs": [one.dataset.digest for one in run.inputs.dataset_inputs],
        "versions": [[one.version, one.tags] for one in versions]})
json.dump(found, sys.stdout)
"""


def runs(installation: Installation) -> list[dict[str, Any]]:
    """Return the tracked runs, the oldest first."""
    finished = installation.run(f"python - <<'END'\n{RUNS}\nEND")
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def own(run: dict[str, Any]) -> dict[str, Any]:
    """Return what a run was made from and what came out, without times and processes."""
    of_the_process = {"host", "process"}
    tags = {key: one for key, one in run["tags"].items() if not key.startswith("mlflow.")}
    return run | {
        "tags": {key: one for key, one in tags.items() if key not in of_the_process},
        "metrics": {key: one for key, one in run["metrics"].items() if key[:8] != "seconds/"},
        "versions": [tags for _, tags in run["versions"]],
    }


@pytest.mark.slow
@pytest.mark.platform
@pytest.mark.xdist_group("sagemaker")
def test_the_containers_do_what_make_pipeline_does(installation: Installation) -> None:
    """The same metrics to the last digit, and the same ends: registered, refused, nothing new."""
    strict = "SET='gate.min_gain_over_baseline=100 model.max_iter=5'"
    printed = [
        installation.make(f"{target} {strict} FORCE=1")
        for target in ("sagemaker-local", "pipeline")
    ]
    assert all("the gate would refuse it" in text for text in printed)
    there, here = map(own, runs(installation))
    assert there["status"] == "FINISHED" and len(there["versions"]) == 1
    assert len(there["metrics"]) > 5
    assert there == here
    refused = installation.refused(f"sagemaker-local {strict} FORCE=1 GATE=1")
    assert "error: step Refused: The gate refuses the model" in refused
    assert [(one["status"], one["versions"]) for one in runs(installation)[2:]] == [
        ("FINISHED", [])
    ]
    assert "nothing new" in installation.make(f"sagemaker-local {strict} GATE=1")
    assert len(runs(installation)) == 3


@pytest.mark.slow
@pytest.mark.platform
@pytest.mark.xdist_group("sagemaker")
def test_invalid_rows_stop_the_execution_and_are_named(installation: Installation) -> None:
    before = len(runs(installation))
    columns = "lpep_pickup_datetime,lpep_dropoff_datetime,PULocationID,DOLocationID,trip_distance"
    bad = installation.project / "data/bad.csv"
    bad.write_text(f"{columns}\n2025-01-01 10:00:00,2025-01-01 10:30:00,1,2,-3\n")
    try:
        error = installation.refused("sagemaker-local")
    finally:
        bad.unlink()
    assert "distance_miles is -3" in error and "step Prepare failed" in error
    assert len(runs(installation)) == before


@pytest.mark.slow
@pytest.mark.platform
@pytest.mark.xdist_group("sagemaker")
def test_the_reason_of_a_failure_is_where_sagemaker_looks(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "processing/input/project").mkdir(parents=True)
    wrong = (installation.project / "params.yaml").read_text().replace("trials: 0", "trials: -1")
    (tmp_path / "processing/input/project/params.yaml").write_text(wrong)
    finished = installation.run(
        "python -m taxi_ride_duration.sagemaker.steps prepare",
        **{"SAGEMAKER_ROOT": str(tmp_path), "SET": "none", "SAMPLE": "true", "FORCE": "false"},
    )
    assert finished.returncode == 1
    for name in ("failure", "message"):
        assert "search.trials" in (tmp_path / "output" / name).read_text()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run moto's server, and return the variables with which boto3 finds it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    server = subprocess.Popen(
        [installed("moto_server"), "--port", str(port)], stdout=log, stderr=log, env=environment()
    )
    try:
        wait_for_page(f"{url}/moto-api/data.json", server)
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
    finally:
        server.terminate()
        server.wait()
        log.close()


def client(aws: dict[str, str], service: str) -> Any:
    """Return a client of moto's server."""
    return boto3.client(
        service,
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        region_name=aws["AWS_DEFAULT_REGION"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.mark.slow
@pytest.mark.platform
@pytest.mark.xdist_group("sagemaker")
def test_the_pipeline_is_created_updated_started_and_scheduled(
    installation: Installation, aws: dict[str, str]
) -> None:
    account, service = aws | ACCOUNT, client(aws, "sagemaker")
    region = {"LocationConstraint": aws["AWS_DEFAULT_REGION"]}
    client(aws, "s3").create_bucket(Bucket="rides", CreateBucketConfiguration=region)
    assert "error: AWS: " in installation.refused("sagemaker-start", **account)

    assert "created the pipeline" in installation.make("sagemaker-upsert", **account)
    name = "taxi-ride-duration"
    stored = json.loads(service.describe_pipeline(PipelineName=name)["PipelineDefinition"])
    assert problems(stored) == []
    defaults = {one["Name"]: one["DefaultValue"] for one in stored["Parameters"]}
    assert defaults.items() >= {key: ACCOUNT[key] for key in defaults.keys() & ACCOUNT}.items()
    assert json.loads(shown(installation, account)) == stored
    files = client(aws, "s3").list_objects_v2(Bucket="rides")["Contents"]
    assert [one["Key"] for one in files] == [f"{name}/project/params.yaml"]

    changed = account | {"SAGEMAKER_IMAGE": ACCOUNT["SAGEMAKER_IMAGE"].replace("ab", "cd")}
    assert "updated the pipeline" in installation.make("sagemaker-upsert", **changed)
    assert "cdcd" in service.describe_pipeline(PipelineName=name)["PipelineDefinition"]

    printed = installation.make("sagemaker-start GATE=1 SET='model.max_iter=20 a.b=1'", **account)
    (arn,) = re.findall(r"started (arn:\S+)", printed)
    given = service.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    assert {one["Name"]: one["Value"] for one in given["PipelineParameters"]} == {
        "GATE": "true",
        "SET": "model.max_iter=20 a.b=1",
    }

    installation.make("sagemaker-schedule", **account)
    installation.make("sagemaker-schedule WHEN='rate(7 days)' GATE=1", **account)
    schedule = client(aws, "scheduler").get_schedule(Name=name)
    assert schedule["ScheduleExpression"] == "rate(7 days)"
    target = schedule["Target"]
    assert target["Arn"].endswith(f":pipeline/{name}")
    assert target["RoleArn"] == ACCOUNT["SAGEMAKER_SCHEDULE_ROLE_ARN"]
    parameters = target["SageMakerPipelineParameters"]["PipelineParameterList"]
    assert parameters == [{"Name": "GATE", "Value": "true"}]


def shown(installation: Installation, account: dict[str, str]) -> str:
    """Return the definition that is printed."""
    finished = installation.run("make --silent sagemaker-definition", **account)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.slow
@pytest.mark.platform
@pytest.mark.xdist_group("sagemaker")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"SAGEMAKER_ROLE_ARN": ""}, "SAGEMAKER_ROLE_ARN is not set"),
        ({"SAGEMAKER_IMAGE": "rides:latest"}, "SAGEMAKER_IMAGE has no digest"),
        ({"MLFLOW_TRACKING_URI": "http://a:b@c"}, "MLFLOW_TRACKING_URI has a password"),
    ],
    ids=["missing", "no digest", "password"],
)
def test_a_wrong_setting_is_refused_in_one_line(
    installation: Installation, change: dict[str, str], message: str
) -> None:
    error = installation.refused("sagemaker-definition", **(ACCOUNT | change))
    assert re.search(f"^error: {message}", error, re.MULTILINE), error
    assert "a:b" not in error


@pytest.mark.slow
@pytest.mark.platform
@pytest.mark.xdist_group("sagemaker")
def test_a_project_without_credentials_is_told(installation: Installation, tmp_path: Path) -> None:
    nothing = {name: str(tmp_path / "none") for name in ("AWS_CONFIG_FILE", "HOME")}
    nothing |= {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    nothing |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "eu-west-1"}
    hidden = "unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; make sagemaker-start"
    finished = installation.run(hidden, **nothing)
    assert finished.returncode != 0
    assert "error: AWS: NoCredentialsError" in finished.stderr
    assert "Traceback" not in finished.stderr
