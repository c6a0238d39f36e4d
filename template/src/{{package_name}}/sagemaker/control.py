"""Create, update, start and schedule the pipeline in an AWS account.

Credentials and region come from where boto3 looks for them.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UserError, describe_error, run
from ..pipelines.parameters import PARAMS, read_params

DEFINITION = Path("deploy/sagemaker/pipeline.json")
NAME = (__package__ or "").partition(".")[0].replace("_", "-").strip("-")  # as SageMaker allows


def setting(name: str) -> str:
    """Return the value of an environment variable that has no default."""
    if not os.environ.get(name):
        raise UserError(f"{name} is not set. Set it in .env, as docs/sagemaker.md describes")
    return os.environ[name]


def definition() -> dict[str, Any]:
    """Return the definition; a parameter without a default is an environment variable."""
    read_params()  # a mistake is reported here rather than in a container
    try:
        read = json.loads(DEFINITION.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{DEFINITION}: cannot be read: {describe_error(error)}") from error
    for parameter in [one for one in read["Parameters"] if "DefaultValue" not in one]:
        parameter["DefaultValue"] = setting(parameter["Name"])
    if "@sha256:" not in setting("SAGEMAKER_IMAGE"):
        raise UserError("SAGEMAKER_IMAGE has no digest, and tags move. Set name@sha256:...")
    if "@" in setting("MLFLOW_TRACKING_URI"):
        raise UserError("MLFLOW_TRACKING_URI has a password, which the pipeline would show to all")
    return read


def upsert() -> None:
    """Create or update the pipeline; upload the parameters and the data that it reads."""
    text, role = json.dumps(definition()), setting("SAGEMAKER_ROLE_ARN")
    storage, client = boto3.client("s3"), boto3.client("sagemaker")
    for file in [PARAMS, *Path("data").glob("*.csv"), *Path("data").glob("*.parquet")]:
        key = f"{NAME}/project/{file.as_posix()}"
        storage.upload_file(str(file), setting("SAGEMAKER_BUCKET"), key)
    pages = client.get_paginator("list_pipelines").paginate(PipelineNamePrefix=NAME)
    known = [one["PipelineName"] for page in pages for one in page["PipelineSummaries"]]
    change = client.update_pipeline if NAME in known else client.create_pipeline
    change(PipelineName=NAME, PipelineDefinition=text, RoleArn=role)
    print(f"{'updated' if NAME in known else 'created'} the pipeline {NAME}")


def start(parameters: Sequence[dict[str, str]]) -> None:
    """Start an execution."""
    client = boto3.client("sagemaker")
    started = client.start_pipeline_execution(PipelineName=NAME, PipelineParameters=parameters)
    print(f"started {started['PipelineExecutionArn']}")


def schedule(parameters: Sequence[dict[str, str]], when: str) -> None:
    """Let EventBridge Scheduler start executions; an existing schedule is changed."""
    pipeline = boto3.client("sagemaker").describe_pipeline(PipelineName=NAME)
    role = setting("SAGEMAKER_SCHEDULE_ROLE_ARN")
    target: dict[str, Any] = {"Arn": pipeline["PipelineArn"], "RoleArn": role}
    if parameters:
        target["SageMakerPipelineParameters"] = {"PipelineParameterList": parameters}
    client = boto3.client("scheduler")
    known = [one["Name"] for one in client.list_schedules(NamePrefix=NAME)["Schedules"]]
    change = client.update_schedule if NAME in known else client.create_schedule
    change(Name=NAME, ScheduleExpression=when, FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
    print(f"scheduled {NAME}: {when}, in UTC")


def main() -> None:
    """Run a command, such as `start FORCE=true`."""
    command, *words = sys.argv[1:]
    parameters = [dict(zip(["Name", "Value"], word.split("=", 1), strict=True)) for word in words]
    try:
        if command == "definition":
            print(json.dumps(definition(), indent=2))
        elif command == "upsert":
            upsert()
        elif command == "start":
            start(parameters)
        else:
            schedule(parameters, os.environ["WHEN"])
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise UserError(f"AWS: {describe_error(error)}") from error


if __name__ == "__main__":
    run(main)
