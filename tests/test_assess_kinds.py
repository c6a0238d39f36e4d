"""Tests of `assess` on other people's tools: what counts, beside its twin that does not."""

import pytest

from mlops_ladder.assess.engine import assess

Files = dict[str, str]
TRAIN = "import sklearn\nfrom sklearn.svm import SVC\nmodel = SVC()\nmodel.fit(x, y)\n"
SERVE = "import fastapi, joblib\napp = fastapi.FastAPI()\n@app.post('/predict')\ndef predict(x):\n    return model.predict(x)\n"
RULE = "Resources:\n  Rule:\n    Type: AWS::Events::Rule\n    Properties:\n      {why}\n      State: {state}\n      Targets: [{{Arn: 'arn:aws:codepipeline:x'}}]\n"
PIPELINE = "Resources:\n  Pipe:\n    Type: AWS::CodePipeline::Pipeline\n    Properties:\n      Stages:\n      - Actions:\n        - ActionTypeId: {{Category: Source, Provider: {source}}}\n        - ActionTypeId: {{Category: Deploy, Provider: ECS}}\n"
TOPIC = 'resource "aws_sns_topic" "t" {}\nresource "aws_cloudwatch_metric_alarm" "a" {\n  alarm_actions = [aws_sns_topic.t.arn]\n}\n'
AZURE = "trigger: {trigger}\nsteps:\n- task: Docker@2\n  inputs: {{command: buildAndPush}}\n"
CLOUD_BUILD = "steps:\n- name: 'gcr.io/x/y'\n  entrypoint: 'pytest'\n  args: ['tests']\n"
API_TEST = "import pytest\nfrom fastapi.testclient import TestClient\nfrom serve import app\n{mark}def test_api():\n    assert TestClient(app).post('/predict').status_code == 200\n"
ACTIONS = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n    - run: {run}\n"
UNIT_TEST = "import train\ndef test_it():\n    assert train.model\n"
TFX = "import sklearn\nfrom tfx.components import ExampleValidator, Trainer\nimport tensorflow_model_analysis as tfma\ndef make():\n    ExampleValidator()\n    tfma.SlicingSpec({slice})\n    Trainer()\nif __name__ == '__main__':\n    make()\n"
GATE = "import sklearn\nfrom sklearn.svm import SVC\ndef train(min_score):\n    model = SVC().fit(x, y)\n    score = model.score(x, y)\n    if {test}:\n        raise ValueError('bad')\nif __name__ == '__main__':\n    train(1)\n"
CHECK = "import mlflow, sklearn\ndef check():\n    mlflow.validate_evaluation_results(a)\ndef {caller}():\n    check()\n    {then}\nif __name__ == '__main__':\n    {caller}()\n    SVC().fit(x)\n"
KEPT = "import mlflow, sklearn\ndef release(min_score):\n    score = SVC().fit(x).score(x)\n    passed = score > min_score\n    {then}\nif __name__ == '__main__':\n    release(1)\n"
LOOP = "import time, evidently\nfrom evidently.report import Report\ndef drift():\n    Report(1).run(2)\n{loop}:\n    drift()\n    time.sleep(9)\n"
DAG = "import sklearn\nfrom airflow.decorators import dag\nfrom airflow import Dataset\n@dag(schedule={schedule})\ndef train():\n    SVC().fit(x)\ntrain()\n"
COMPARED = "import sklearn\nfrom sklearn.model_selection import train_test_split\ndef evaluate():\n    {name} = 1\n    score = SVC().fit(x).score(train_test_split(x))\n    if score > {name}:\n        print(1)\nif __name__ == '__main__':\n    evaluate()\n"
CANARY = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      DeploymentPreference:\n        Type: {type}\n        Alarms: [a]\n"
KEEPING = (
    "import joblib, sklearn\ndef fit(x):\n    SVC().fit(x)\n    joblib.dump(x, 'a')\n    return 1\n"
)
IMAGE = "on: push\njobs:\n  a:\n    steps:\n    - uses: docker/build-push-action@v5\n      with: {{context: '{context}', push: true}}\n"
WORK = "on: push\ndefaults:\n  run: {{working-directory: {folder}}}\njobs:\n  a:\n    steps:\n    - run: {run}\n"
NET = "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return x\n"
NET_TEST = "from net import {name}\ndef test_it():\n    model = {name}()\n    assert model.forward(1) == 1\n"
SMOKE = "import requests\nassert requests.post('http://a', json=1).ok\n"
LATEST = "from mlflow import MlflowClient\nprint(MlflowClient().get_latest_versions('a'))\n"
ZENML = "import zenml, sklearn\nfrom zenml import step, pipeline\n@step\ndef {data}():\n    return 1\n@step\ndef train():\n    SVC().fit(x)\n    {log}\n@pipeline\ndef run():\n    {data}()\n    train()\nif __name__ == '__main__':\n    run()\n"
LOGGED = "import argparse, mlflow, sklearn\n{top}def train():\n    SVC().fit(x)\n    {log}\nif __name__ == '__main__':\n    p = argparse.ArgumentParser()\n    p.add_argument('--depth')\n    train()\n"
BOTO = "import boto3\nsm = boto3.client('sagemaker')\ndef deploy():\n    sm.create_model(Containers=[{{'{key}': 'a'}}])\n    sm.create_endpoint_config(A=1, {capture}={{}})\n    sm.{call}(EndpointName='a')\nif __name__ == '__main__':\n    deploy()\n"
WEB = "import fastapi, flask, dash\na, b, c, d, e = fastapi.FastAPI(), flask.Flask(1), dash.Dash(), fastapi.FastAPI(), flask.Flask(2)\n"
STATE = "Resources:\n  Rule:\n    Type: AWS::Events::Rule\n    Properties:\n      EventPattern: {{source: [aws.s3]}}\n      Targets: [{{Arn: !GetAtt MyStateMachine.Arn}}]\n  MyStateMachine:\n    Type: AWS::StepFunctions::StateMachine\n    Properties: {{Does: {does}}}\n"
FLOW = "import sklearn\nfrom prefect import flow\nfrom evidently.report import Report\ndef train():\n    SVC().fit(x)\n@flow\ndef monitor():\n    drift = Report(1).run(2)\n    if {test}:\n        {then}\n"
FLOW_MADE = "from prefect.deployments import Deployment\nfrom prefect.server.schemas.schedules import CronSchedule\nfrom flow import monitor\nDeployment.build_from_flow(flow=monitor, schedule={schedule}).apply()\n"
SEEDED = "import numpy as np, sklearn\nfrom sklearn.ensemble import RandomForestClassifier\nfrom sklearn.model_selection import train_test_split\ndef train():\n    train_test_split(x, random_state=1)\n    {draw}\n    RandomForestClassifier({seed}).fit(x)\nif __name__ == '__main__':\n    train()\n"
FLAGGED = "import sklearn\ndef validate_rows(rows):\n    if len(rows) < 9:\n        return False\n    return True\ndef main(rows):\n    valid = validate_rows(rows)\n    if not valid:\n        {then}\n    SVC().fit(rows)\nif __name__ == '__main__':\n    main([])\n"
CELLS = '{{"cells": [{{"cell_type": "code", "source": ["{line}\\n"]}}]}}'
EVENT = "import sklearn\nfrom kfp.v2.google.client import AIPlatformClient\ndef handler(event, context):\n    AIPlatformClient().create_run_from_job_spec(1)\ndef train():\n    SVC().fit(x)\n"
COLUMNS = "import joblib, sklearn\nfrom datetime import datetime\ndef score(df):\n    df['predictions'] = model.predict(df)\n    df['ride_id'] = 1\n    df['{version}'] = 2\n    df['scored_time'] = datetime.now()\n    return df\ndef main():\n    score(1).to_parquet('a')\nif __name__ == '__main__':\n    main()\n"
AZURE_CLI = "on: push\njobs:\n  a:\n    steps:\n    - run: pytest tests/{test}\n    - run: az ml run submit-script -e a train.py\n    - run: az ml model deploy -n a -f model.json --es {script}\n    - run: pytest tests/live_test.py {option}\n"
AZURE_SCORE = "from azureml.core.model import Model\nimport sklearn\ndef init():\n    Model.get_model_path('a')\ndef run(x):\n    return model.predict(x)\n"
LIVE = "import requests\ndef test_it(scoreurl):\n    assert requests.post(scoreurl).ok\n"
JENKINS = "pipeline {{\n  agent any\n  stages {{\n    stage('a') {{\n      {when}\n      steps {{\n        sh 'docker push a'\n      }}\n    }}\n  }}\n}}\n"
CLOSED = "on:\n  pull_request: {{types: {types}}}\njobs:\n  a:\n    if: {test}\n    steps:\n    - run: {run}\n"
ROLL_OUT = "steps:\n- name: 'gcr.io/cloud-builders/gcloud'\n  args: [{verb}, app]\n"
ONE_PYTHON = "on: push\njobs:\n  a:\n    steps:\n    - uses: actions/setup-python@v5\n      with: {{python-version: '{version}'}}\n    - run: {run}\n"
PUBLISHES = "on: {push: {tags: ['*']}}\njobs:\n  a:\n    steps:\n    - uses: pypa/gh-action-pypi-publish@v1\n"
REUSED = "on: push\njobs:\n  a:\n    uses: org/ci/.github/workflows/{name}.yml@main\n"
AZURE_CLIENT = "from azure.ai.ml import MLClient\nimport sklearn\nMLClient(a).{call}(b)\n"
AZURE_TASK = "trigger: [main]\nsteps:\n- task: AzureCLI@2\n  inputs:\n    inlineScript: {script}\n"
GITLAB = "train:\n  script: [python train.py]\n{rules}"
CHANGED = "Resources:\n  Rule:\n    Type: AWS::Events::Rule\n    Properties:\n      EventPattern: {{detail-type: [SageMaker Model{of} State Change]}}\n      Targets: [{{Arn: 'arn:aws:codepipeline:x'}}]\n"
SEARCHED = "import mlflow, sklearn\ndef main(models):\n    {name} = 0\n    for model in models:\n        model.fit(x)\n        score = model.score(x)\n        if score > {name}:\n            {name} = score\n    mlflow.register_model(a, 'b')\nif __name__ == '__main__':\n    main([])\n"
APPROVED = "import boto3, sklearn\ndef get_{what}():\n    {what} = boto3.client('sagemaker').list_model_packages()\n    if len({what}) == 0:\n        raise ValueError('none')\ndef main():\n    SVC().fit(x)\n    get_{what}()\nif __name__ == '__main__':\n    main()\n"
OPTIONS = "import argparse, mlflow, sklearn\ndef train(args):\n    SVC().fit(x)\n    mlflow.log_params(vars(args))\nif __name__ == '__main__':\n    p = argparse.ArgumentParser()\n    p.add_argument('--data_path')\n    p.add_argument('--{option}')\n    train(p.parse_args())\n"
SPLIT = "from sklearn.model_selection import train_test_split\nimport {package}\nif __name__ == '__main__':\n    train_test_split(x, random_state=1)\n    model.fit(x)\n"
OPERATORS = "import sklearn\nfrom airflow import DAG\nfrom airflow.operators.python import PythonOperator\ndef train():\n    SVC().fit(x)\nwith DAG('a'):\n    {tasks}\n"
OPERATOR = "PythonOperator(task_id='{}', python_callable=train)"
WANDB = "import sklearn, wandb\ndef train():\n    SVC().fit(x)\n    wandb.log_artifact(wandb.Artifact('a', type='{kind}'))\nif __name__ == '__main__':\n    train()\n"
SCORED = "import joblib, sklearn\ndef predict({rows}):\n    return model.predict({rows})\nif __name__ == '__main__':\n    predict(1)\n"
LAMBDA = "import sklearn, json, joblib\n{top}\ndef lambda_handler(event, context):\n    return {{'body': json.dumps(answer(event))}}\n"
RUNNER = "import bentoml\nfrom bentoml.io import JSON\nrunner = bentoml.sklearn.load_runner('a:latest')\nsvc = bentoml.Service('a')\n@svc.api(input=JSON(), output=JSON())\ndef classify(x):\n    return {call}\n"
PROVISIONED = 'resource "null_resource" "image" {{\n  provisioner "local-exec" {{\n    command = <<EOF\n      {first}docker build -t a .\n      {first}docker push a\n    EOF\n  }}\n}}\n'
TEMPLATE_TEST = "import stack\nfrom aws_cdk import assertions\ndef test_it():\n    template = stack.make()\n    template.{check}('AWS::S3::Bucket', 1)\n"
SCRIPT = "import os\ndef test_it():\n    {check}\nif __name__ == '__main__':\n    test_it()\n"
JOB = "import sagemaker, sklearn\nfrom sagemaker.estimator import Estimator\ndef get_pipeline():\n    e = Estimator({given})\n    e.fit(x)\n"
RUN_PIPELINE = "on: push\njobs:\n  a:\n    steps:\n    - run: run-pipeline --module-name {name}\n"
SENT = "on: push\njobs:\n  a:\n    steps:\n    - run: |\n        zip -r release.zip a.py\n        {then}\n"
CHOSEN = "import importlib, sys, sklearn\nif __name__ == '__main__':\n    chosen = importlib.{call}('.' + sys.argv[1], 'models.all')\n    chosen.start()\n"
KINDS_OF_MODEL = {
    "models/__init__.py": "",
    "models/all/__init__.py": "",
    "models/all/one.py": "import sklearn\ndef start():\n    SVC().fit(x)\n",
}
ONE_FIT = "model.fit(x)\\n"

RUNS_A = {"Makefile": "a:\n\tpython a.py\n"}
README = "# A\nIt predicts who leaves.\n" + "word " * 50 + "\n```\nmake a\n```\n"
MET: dict[str, tuple[str, Files]] = {
    "a job that trains and compares": ("L2-13", {"train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="python train.py && dvc metrics diff main")}),
    "a README of any case": ("L0-02", {"ReadMe.md": README, "Makefile": "a:\n\techo\n"}),
    "a package in which nothing fits": ("L1-01", {"pyproject.toml": "[project]\nname = 'a'\n", "src/a/__init__.py": "import click\n"}),
    "code in a deeper package": ("L1-01", {"python/a/pyproject.toml": "[project]\nname = 'a'\n", "python/a/b/__init__.py": "import click\n"}),
    "brackets in comments": ("L0-01", {"a.py": "import sklearn\n" + "# don't (\n" * 90 + "model.fit(x)\n"}),
    "metadata of ZenML": ("L2-03", {"a.py": ZENML.format(data="load_data", log="zenml.log_metadata(metadata={})")}),
    "parameters of ZenML": ("L2-04", {"a.py": ZENML.format(data="load_data", log="run.with_options(config_path='a')")}),
    "data that are a step of ZenML": ("L2-06", {"a.py": ZENML.format(data="load_data", log="pass")}),
    "data that are kept with the run": ("L2-06", {"a.py": LOGGED.format(top="", log="mlflow.log_artifact(path, artifact_path='datasets')")}),
    "a trainer of TFX elsewhere": ("L2-01", {"a.py": "from tfx import v1 as tfx\nif __name__ == '__main__':\n    tfx.extensions.google_cloud_ai_platform.Trainer()\n"}),
    "an option that is logged": ("L2-04", {"a.py": LOGGED.format(top="", log="mlflow.log_param('depth', 1)")}),
    "options that are logged together": ("L2-04", {"a.py": LOGGED.format(top="", log="mlflow.log_params(vars(args))")}),
    "Jenkins's branch": ("L1-06", {"Jenkinsfile": JENKINS.format(when="when { branch 'main' }")}),
    "an endpoint of boto3 beside web pages": ("L3-01", {"web.py": WEB, "a.py": BOTO.format(key="Image", capture="B", call="create_endpoint")}),
    "a package of boto3's registry": ("L3-04", {**RUNS_A, "a.py": BOTO.format(key="ModelPackageName", capture="B", call="create_endpoint")}),
    "capture of boto3": ("L3-10", {"a.py": BOTO.format(key="Image", capture="DataCaptureConfig", call="create_endpoint")}),
    "a rule whose state machine trains": ("L2-08", {"a.yml": STATE.format(does="createTrainingJob")}),
    "a metric by segment": ("L2-10", {**RUNS_A, "a.py": "import sklearn\ndef main():\n    score_by_segment = 1\nmain()\n"}),
    "data that are downloaded": ("L1-11", {"download.py": "import requests, store\nstore.download_data('a')\n"}),
    "a method that predicts for a script": ("L3-01", {"score.py": "import sklearn\nmodel.predict(x)\n"}),
    "a schedule of Prefect 2": ("L3-12", {"flow.py": FLOW.format(test="drift", then="print(1)"), "make.py": FLOW_MADE.format(schedule="CronSchedule(cron='0 3 3 * *')")}),
    "a training in the branch of the drift": ("L4-03", {"flow.py": FLOW.format(test="drift", then="train()"), "make.py": FLOW_MADE.format(schedule="CronSchedule(cron='0 3 3 * *')")}),
    "a seed in parameters": ("L2-11", {"a.py": "import sklearn, xgboost\nif __name__ == '__main__':\n    xgboost.train({'seed': 42})\n"}),
    "a seed in a notebook": ("L2-11", {"a.ipynb": CELLS.format(line="import sklearn; SVC(random_state=1).fit(x)")}),
    "a seed for all": ("L2-11", {"a.py": SEEDED.format(draw="np.random.seed(1)", seed="")}),
    "a seed for each": ("L2-11", {"a.py": SEEDED.format(draw="pass", seed="random_state=1")}),
    "a flag that ends the training": ("L2-07", {"a.py": FLAGGED.format(then="return 'failed'")}),
    "a test of the data before the training": ("L2-07", {"train.py": TRAIN, ".github/workflows/a.yml": AZURE_CLI.format(test="data_test.py", script="score.py", option="")}),
    "more training in modules": ("L0-04", {"a.py": TRAIN, "b.ipynb": CELLS.format(line="import sklearn; SVC().fit(x)")}),
    "a scheduler that a notebook makes": ("L2-08", {"a.py": EVENT, "b.ipynb": CELLS.format(line="!gcloud scheduler jobs create pubsub A --schedule '* * * * *'")}),
    "a path below home in a notebook": ("L0-03", {"a.ipynb": CELLS.format(line="!ls data/Users/ann")}),
    "columns of a record": ("L3-10", {"score.py": COLUMNS.format(version="run_id")}),
    "an entry script of Azure": ("L3-04", {"train.py": TRAIN, "score.py": AZURE_SCORE, "app.py": SERVE, ".github/workflows/a.yml": AZURE_CLI.format(test="a", script="score.py", option="")}),
    "a model that Azure makes into a service": ("L3-02", {"train.py": TRAIN, "score.py": AZURE_SCORE, "app.py": SERVE, ".github/workflows/a.yml": AZURE_CLI.format(test="a", script="score.py", option="")}),
    "a test of the deployed model": ("L1-07", {"train.py": TRAIN, "tests/live_test.py": LIVE, ".github/workflows/a.yml": AZURE_CLI.format(test="a", script="score.py", option="--scoreurl $URL")}),
    "metrics of the main branch": ("L2-09", {"a.py": TRAIN, ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    steps:\n    - uses: x/action-download-artifact@v2\n      with: {branch: main, name: metrics}\n    - run: python compare.py\n"}),
    "a staging and a production configuration": ("L3-15", {"configs/staging.yml": "a: 1\n", "configs/production.yml": "a: 2\n"}),
    "hooks that a script makes": ("L1-09", {"scripts/install_hooks.sh": "ln -s ../../a.sh .git/hooks/pre-commit\n"}),
    "conda packages with versions": ("L1-02", {"a/train.py": TRAIN, "a/conda.yml": "dependencies:\n- python=3.10\n- pip:\n  - x==1\n", "requirements.txt": "scikit-learn==1\n"}),
    "a task that trains": ("L1-10", {"Makefile": "test:\n\tpytest\nretrain:\n\ttrue\n", "train.py": TRAIN}),
    "a test that imports through src": ("L1-03", {"src/train.py": TRAIN, "tests/test_a.py": "from src.train import model\ndef test_it():\n    assert model\n"}),
    "tests of tox with a factor": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, "tox.ini": "[testenv]\ncommands =\n    unit: pytest tests\n", ".circleci/config.yml": "jobs:\n  a:\n    steps:\n    - run: {command: tox -e py-unit}\n"}),
    "tests after options of uv run": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="uv run --extra cpu --extra ml pytest")}),
    "an Azure pipeline of any name": ("L1-05", {"ci/image.yml": AZURE.format(trigger="[main]")}),
    "CodeBuild that a pipeline starts": ("L1-05", {"Dockerfile": "FROM x\n", "buildspec.yml": "phases:\n  build:\n    commands:\n    - docker build .\n", "infra.yml": PIPELINE.format(source="GitHub")}),
    "a roll-out on push": ("L1-06", {".github/workflows/a.yml": ACTIONS.format(run="kubectl rollout restart deployment/a")}),
    "a local hook": ("L1-08", {".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - {id: x, entry: make, args: [style]}\n", "Makefile": "style:\n\tblack .\n"}),
    "data at an address": ("L1-11", {"train.py": "import pandas as pd\ndf = pd.read_csv('https://a.org/b.csv')\n"}),
    "requirements of what trains": ("L1-02", {"a/train.py": TRAIN, "a/requirements.txt": "scikit-learn==1\n", "notebooks/requirements.txt": "y\n"}),
    "a script that a step names": ("L2-01", {"run.py": "from azureml.pipeline.steps import PythonScriptStep\nif __name__ == '__main__':\n    PythonScriptStep(script_name='steps/train.py')\n", "steps/train.py": TRAIN}),
    "parameters of an experiment": ("L2-03", {"run.py": "from stepfunctions import steps\ndef run():\n    steps.TrainingStep('a', experiment_config={})\nif __name__ == '__main__':\n    run()\n", "model.py": "import sagemaker\n"}),
    "a pipeline of Terraform": ("L2-02", {"a.tf": 'resource "aws_sagemaker_pipeline" "train" {\n  Type = "Processing"\n  Type = "Training"\n  Type = "RegisterModel"\n}\n'}),
    "a rule on new data": ("L2-08", {"infra.yml": RULE.format(why="EventPattern: {source: [aws.s3]}", state="ENABLED")}),
    "a schedule of a data set": ("L2-08", {"dags/train.py": DAG.format(schedule="[Dataset('a')]")}),
    "an endless loop that trains": ("L2-08", {"loop.py": "import time\nimport train\nwhile True:\n    train.fit()\n    time.sleep(9)\n", "train.py": "import sklearn\ndef fit():\n    SVC().fit(x)\n"}),
    "the metric of the production model": ("L2-09", {"a.py": COMPARED.format(name="production_score")}),
    "metrics of two commits": ("L2-09", {".github/workflows/a.yml": ACTIONS.format(run="dvc metrics diff main")}),
    "a slice of TFX": ("L2-10", {"a.py": TFX.format(slice="feature_keys=['a']")}),
    "an endpoint of Terraform": ("L3-01", {"a.tf": 'resource "aws_sagemaker_endpoint" "e" {}\n'}),
    "a deployment by code": ("L3-03", {"a.tf": 'resource "aws_sagemaker_endpoint" "e" {}\n', "deploy.py": "import boto3\nif __name__ == '__main__':\n    boto3.client('sagemaker').update_endpoint(a=1)\n", ".github/workflows/a.yml": ACTIONS.format(run="python deploy.py")}),
    "a test of the API": ("L3-05", {"serve.py": SERVE, "tests/test_a.py": API_TEST.format(mark=""), ".github/workflows/a.yml": ACTIONS.format(run="pytest -m 'not slow'")}),
    "a training that raises": ("L3-06", {"train.py": GATE.format(test="score < min_score")}),
    "a decision by another function": ("L3-06", {"a.py": "import mlflow, sklearn\ndef release_decision(score, best):\n    return score > best\ndef release():\n    SVC().fit(x)\n    if release_decision(1, 2):\n        mlflow.register_model(a)\nif __name__ == '__main__':\n    release()\n"}),
    "a comparison kept in a variable": ("L3-06", {"a.py": KEPT.format(then="if passed:\n        mlflow.register_model(a)")}),
    "a test of a package's training": ("L2-13", {"a/__init__.py": "from .net import fit\n", "a/net.py": KEEPING, "tests/test_pipeline.py": "import a\ndef test_it():\n    assert a.fit(1) > 0\n", ".github/workflows/a.yml": ACTIONS.format(run="pytest")}),
    "tests below the folder of the checkout": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    steps:\n    - uses: actions/checkout@v4\n      with: {path: ./copy}\n    - run: pytest ./copy/tests\n"}),
    "an image from a folder": ("L1-05", {"app/Dockerfile": "FROM x\n", ".github/workflows/a.yml": IMAGE.format(context="./app")}),
    "an image from a folder with a name that is computed": ("L1-05", {".github/workflows/a.yml": IMAGE.format(context="${{ matrix.app }}")}),
    "tests by make with an environment": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, "Makefile": "test: .venv\n\t.venv/bin/pytest -q\n", ".github/workflows/a.yml": ACTIONS.format(run="make test")}),
    "tests by make in a folder": ("L1-04", {"a/tests/test_a.py": UNIT_TEST, "a/train.py": TRAIN, "a/Makefile": "unit:\n\tpipenv run pytest tests/\nall: unit\n\ttrue\n", ".github/workflows/a.yml": WORK.format(folder="a", run="make all")}),
    "tests after a line in another folder": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, "Makefile": "unit:\n\tpytest\nall:\n\tcd docs && true\n\tmake unit\n", "docs/Makefile": "html:\n\ttrue\n", ".github/workflows/a.yml": ACTIONS.format(run="make all")}),
    "tests in a folder by cd": ("L1-04", {"a/tests/test_a.py": UNIT_TEST, "a/train.py": TRAIN, "a/Makefile": "all:\n\tpytest ../a/tests\n", ".github/workflows/a.yml": ACTIONS.format(run="cd a && make all")}),
    "a test of a name that is there": ("L1-07", {"net.py": NET, "tests/test_a.py": NET_TEST.format(name="Net")}),
    "a test of a name that may be there": ("L1-07", {"net.py": NET + "def __getattr__(name):\n    return Net\n", "tests/test_a.py": NET_TEST.format(name="Other")}),
    "a script in the folder of the job": ("L3-05", {"serve.py": SERVE, "a/smoke_test.py": SMOKE, ".github/workflows/a.yml": WORK.format(folder="a", run="python smoke_test.py")}),
    "the registry's model in the service": ("L3-04", {"serve.py": SERVE + "import mlflow\nmodel = mlflow.load_model('models:/a@b')\n"}),
    "a deployment that asks the registry": ("L3-04", {"serve.py": SERVE, "pick.py": LATEST, ".github/workflows/a.yml": ACTIONS.format(run="python pick.py && kubectl -n a apply -f b.yml")}),
    "a server of models by its command": ("L3-01", {"Procfile": "web: mlflow models serve -m models:/a@b\n", "train.py": TRAIN}),
    "a check before the promotion": ("L3-06", {"a.py": CHECK.format(caller="release", then="mlflow.register_model(a)")}),
    "a canary of CodeDeploy": ("L3-07", {"infra.yml": CANARY.format(type="Canary10Percent5Minutes")}),
    "a canary with alarms": ("L3-09", {"infra.yml": CANARY.format(type="Linear10PercentEvery1Minute")}),
    "captured data": ("L3-10", {"a.tf": 'resource "aws_sagemaker_endpoint_configuration" "e" {\n  enable_capture = true\n}\n'}),
    "metrics of the service": ("L3-11", {"serve.py": SERVE + "from prometheus_client import Counter\nCounter('a', 'b').inc()\n"}),
    "an endless loop that reports drift": ("L3-12", {"monitor.py": LOOP.format(loop="while True")}),
    "a monitor of CloudFormation": ("L3-12", {"infra.yml": "Resources:\n  M:\n    Type: AWS::SageMaker::MonitoringSchedule\n"}),
    "a topic with a reader": ("L3-13", {"a.tf": TOPIC + 'resource "aws_sns_topic_subscription" "s" {}\n'}),
    "an alarm that starts the pipeline": ("L4-03", {"infra.yml": RULE.format(why="EventPattern: {detail-type: [CloudWatch Alarm State Change]}", state="ENABLED")}),
    "a trial that the stack waits for": ("L4-07", {"infra.yml": CANARY.format(type="Canary10Percent5Minutes")}),
    "a release at the merge": ("L1-06", {".github/workflows/a.yml": CLOSED.format(types="[closed]", test="github.event.pull_request.merged == true", run="twine upload dist/*")}),
    "a roll-out by Cloud Build that a merge submits": ("L3-03", {"serve.py": SERVE, ".github/workflows/a.yml": CLOSED.format(types="[closed]", test="github.event.pull_request.merged", run="gcloud builds submit --config ci/b.yml"), "ci/b.yml": ROLL_OUT.format(verb="run, deploy")}),
    "a task that tests and one that trains": ("L1-10", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, "Makefile": "test:\n\tpytest tests/\nmodel:\n\tpython train.py\n"}),
    "an object that is fetched": ("L1-11", {"get_data.py": "import boto3, sklearn\ns3 = boto3.client('s3')\nprint(s3.get_object(Key='a'))\n"}),
    "data that a task downloads": ("L1-11", {"train.py": TRAIN, "Makefile": "data:\n\tkaggle datasets download -d a/b\n"}),
    "a data set that seaborn downloads": ("L1-11", {"a.py": "import seaborn as sns\nfrom sklearn.svm import SVC\nSVC().fit(sns.load_dataset('titanic'))\n"}),
    "an online deployment of Azure": ("L3-01", {"a.py": AZURE_CLIENT.format(call="online_deployments.begin_create_or_update")}),
    "a deployment by Azure's command line": ("L3-03", {"serve.py": SERVE, "azure-pipelines.yml": AZURE_TASK.format(script="az ml online-deployment create -f a.yml")}),
    "a schedule of GitLab that a rule names": ("L2-08", {"train.py": TRAIN, ".gitlab-ci.yml": GITLAB.format(rules="  rules:\n  - if: $CI_PIPELINE_SOURCE == 'schedule'\n")}),
    "a change of a monitor": ("L4-03", {"infra.yml": CHANGED.format(of=" Quality Alert")}),
    "a bound for the best model": ("L3-06", {"a.py": SEARCHED.format(name="production_score")}),
    "an option of the training": ("L2-04", {"a.py": OPTIONS.format(option="depth")}),
    "a split with a seed for what is not random": ("L2-11", {"a.py": SPLIT.format(package="xgboost")}),
    "a DAG with three operators": ("L2-02", {"dags/a.py": OPERATORS.format(tasks="\n    ".join(map(OPERATOR.format, "abc")))}),
    "a data set of wandb": ("L2-06", {"a.py": WANDB.format(kind="dataset")}),
    "new rows that are scored": ("L3-01", {"predict.py": SCORED.format(rows="rows")}),
    "tests of the API beside a folder that is left out": ("L3-05", {"serve.py": SERVE, "tests/api/test_a.py": API_TEST.format(mark=""), ".github/workflows/a.yml": ACTIONS.format(run="pytest --ignore=tests/slow/")}),
    "a function that answers by a model": ("L3-01", {"train.py": TRAIN, "app.py": LAMBDA.format(top="model = joblib.load('a')\nanswer = model.answer")}),
    "a function that predicts": ("L3-01", {"train.py": TRAIN, "app.py": LAMBDA.format(top="def answer(event):\n    return model.predict(event)")}),
    "a runner of BentoML": ("L3-01", {"train.py": TRAIN, "service.py": RUNNER.format(call="runner.run(x)")}),
    "a runner's model from the store": ("L3-04", {"train.py": TRAIN, "service.py": RUNNER.format(call="runner.run(x)")}),
    "a model saved into BentoML's store": ("L2-05", {"a.py": TRAIN + "import bentoml\nbentoml.sklearn.save('a', model)\n"}),
    "a grid of parameters": ("L2-14", {"a.py": TRAIN + "from sklearn.model_selection import ParameterGrid\nprint(ParameterGrid({}))\n"}),
    "an image that Terraform builds": ("L1-05", {"Dockerfile": "FROM x\n", "infra/a.tf": PROVISIONED.format(first=""), ".github/workflows/a.yml": WORK.format(folder="infra", run="terraform apply -auto-approve")}),
    "an image that Terraform pushes": ("L1-06", {"Dockerfile": "FROM x\n", "infra/a.tf": PROVISIONED.format(first=""), ".github/workflows/a.yml": WORK.format(folder="infra", run="terraform apply -auto-approve")}),
    "a test of a template": ("L1-03", {"stack.py": "import sklearn\n", "tests/test_a.py": TEMPLATE_TEST.format(check="resource_count_is")}),
    "a script of assertions": ("L1-04", {"train.py": TRAIN, "test.py": SCRIPT.format(check="assert os.path.exists('a')"), ".github/workflows/a.yml": ACTIONS.format(run="python test.py")}),
    "metrics that a job's definition takes": ("L2-03", {"flows/train.py": JOB.format(given="metric_definitions=[{'Name': 'a'}]"), ".github/workflows/a.yml": RUN_PIPELINE.format(name="flows.train")}),
    "an archive that is sent": ("L1-05", {".github/workflows/a.yml": SENT.format(then="scp release.zip me@host:/app")}),
    "an archive that is released": ("L1-06", {".github/workflows/a.yml": SENT.format(then="scp release.zip me@host:/app")}),
    "a model chosen by its module's name": ("L2-01", {**KINDS_OF_MODEL, "run.py": CHOSEN.format(call="import_module")}),
}  # fmt: skip
MISSING: dict[str, tuple[str, Files]] = {
    "a README in another folder": ("L0-02", {"a/ReadMe.md": README}),
    "a package of something else than what fits": ("L1-01", {"pyproject.toml": "[project]\nname = 'a'\n", "src/a/__init__.py": "import click\n", "train.py": TRAIN}),
    "an update of hooks": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks: [{id: t, entry: pytest}]\n", ".github/workflows/a.yml": ACTIONS.format(run="pre-commit autoupdate")}),
    "a page beside Python": ("L0-01", {"a.py": "print(1)\n", "b.py": "print(1)\n", "page.js": "alert(1)\n"}),
    "no metadata of ZenML": ("L2-03", {"a.py": ZENML.format(data="load_data", log="log_metadata(metadata={})")}),
    "parameters of ZenML in code": ("L2-04", {"a.py": ZENML.format(data="load_data", log="pass")}),
    "steps of ZenML without data": ("L2-06", {"a.py": ZENML.format(data="prepare", log="pass")}),
    "a model that is kept with the run": ("L2-06", {"a.py": LOGGED.format(top="", log="mlflow.log_artifact(path, artifact_path='model')")}),
    "a pusher to a folder": ("L2-05", {"a.py": "from tfx import v1 as tfx\nif __name__ == '__main__':\n    tfx.components.Trainer()\n    tfx.components.Pusher()\n"}),
    "a literal that is logged": ("L2-04", {"a.py": LOGGED.format(top="", log="mlflow.log_param('trees', 1)")}),
    "trials whose space is in code": ("L2-04", {"a.py": LOGGED.format(top="from hyperopt import STATUS_OK\n", log="mlflow.log_params(params); print(STATUS_OK)")}),
    "web pages alone": ("L3-01", {"web.py": WEB, "a.py": BOTO.format(key="Image", capture="B", call="describe_endpoint")}),
    "an image of boto3": ("L3-04", {"a.py": BOTO.format(key="Image", capture="B", call="create_endpoint")}),
    "no capture of boto3": ("L3-10", {"a.py": BOTO.format(key="Image", capture="B", call="create_endpoint")}),
    "a rule whose state machine does something else": ("L2-08", {"train.py": TRAIN, "a.yml": STATE.format(does="putItem")}),
    "the width of a group": ("L2-10", {"a.py": "import sklearn\ndef main():\n    width_per_group, score = 1, 2\nmain()\n"}),
    "artefacts that are downloaded": ("L1-11", {"a.py": "import mlflow\nmlflow.artifacts.download_artifacts('a')\n"}),
    "a model's own method": ("L3-01", {"model.py": "import torch\nclass Net(torch.nn.Module):\n    def predict(self, x):\n        return self.forward(x)\nNet()\n"}),
    "a flow of Prefect without schedule": ("L3-12", {"flow.py": FLOW.format(test="drift", then="print(1)"), "make.py": "from flow import monitor\nmonitor()\n"}),
    "a drift that is only told": ("L4-03", {"flow.py": FLOW.format(test="drift", then="print(1)"), "make.py": FLOW_MADE.format(schedule="CronSchedule(cron='0 3 3 * *')")}),
    "a draw without a seed": ("L2-11", {"a.py": SEEDED.format(draw="np.random.choice(x)", seed="random_state=1")}),
    "a forest without a seed": ("L2-11", {"a.py": SEEDED.format(draw="pass", seed="")}),
    "a notebook without a seed": ("L2-11", {"a.ipynb": CELLS.format(line="import sklearn; SVC().fit(x)")}),
    "a test of something else before the training": ("L2-07", {"train.py": TRAIN, ".github/workflows/a.yml": AZURE_CLI.format(test="unit_test.py", script="score.py", option="")}),
    "one training in a module of many": ("L0-04", {"a.py": TRAIN, "b.ipynb": CELLS.format(line="import sklearn\\n" + ONE_FIT * 12)}),
    "a training to fill in": ("L2-01", {"a.py": "import pandas as pd\ndata = pd.read_csv('PATH/TO/DATA/FILE')\n" + TRAIN}),
    "a home folder in a notebook's shell": ("L0-03", {"a.ipynb": CELLS.format(line="!export KEY=/Users/ann/key.json")}),
    "columns that another file stores": ("L3-10", {"score.py": COLUMNS.format(version="run_id").replace("score(1).to_parquet('a')", "score(1)"), "show.py": "import joblib, score\nscore.main()\ndf.to_csv('a')\n"}),
    "columns without the model": ("L3-10", {"score.py": COLUMNS.format(version="place")}),
    "an entry script that is not there": ("L3-04", {"train.py": TRAIN, "app.py": SERVE, ".github/workflows/a.yml": AZURE_CLI.format(test="a", script="score.py", option="")}),
    "a test of the deployed model without its address": ("L1-07", {"train.py": TRAIN, "tests/live_test.py": LIVE, ".github/workflows/a.yml": AZURE_CLI.format(test="a", script="score.py", option="")}),
    "metrics of another branch": ("L2-09", {"a.py": TRAIN, ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    steps:\n    - uses: x/action-download-artifact@v2\n      with: {branch: main, name: docs}\n    - run: python compare.py\n"}),
    "a production configuration alone": ("L3-15", {"configs/production.yml": "a: 2\n"}),
    "a script that names hooks": ("L1-09", {"scripts/hooks.sh": "echo hooks\n"}),
    "conda packages without versions": ("L1-02", {"a/train.py": TRAIN, "a/conda.yml": "dependencies:\n- python=3.10\n- pip:\n  - x\n", "requirements.txt": "x==1\n"}),
    "a task that restrains": ("L1-10", {"Makefile": "test:\n\tpytest\nmodel_docs:\n\ttrue\n", "train.py": TRAIN}),
    "an image of another project": ("L1-05", {"train.py": TRAIN, "agent/Dockerfile": "FROM x\n", "agent/a.py": "print(1)\n", ".github/workflows/a.yml": WORK.format(folder="agent", run="docker build .")}),
    "an installation of pytest": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="pip install flake8 pytest")}),
    "tests that are only listed": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="pytest --collect-only")}),
    "an Azure pipeline that is off": ("L1-05", {"ci/image.yml": AZURE.format(trigger="none\npr: none")}),
    "hooks that check no style": ("L1-08", {".husky/pre-commit": "npm test\n"}),
    "only the notebook's requirements": ("L1-02", {"a/train.py": TRAIN, "a/requirements.txt": "x\n", "notebooks/requirements_nb.txt": "y==1\n"}),
    "a task that only tests": ("L1-10", {"Makefile": "test:\n\tpytest\n", "train.py": TRAIN}),
    "a validator that goes on": ("L2-07", {"a.py": TFX.format(slice="")}),
    "a rule that is disabled": ("L2-08", {"infra.yml": RULE.format(why="ScheduleExpression: rate(1 day)", state="DISABLED")}),
    "no schedule": ("L2-08", {"dags/train.py": DAG.format(schedule="None")}),
    "a bare bound": ("L2-09", {"a.py": COMPARED.format(name="fold_model")}),
    "the slice that is the whole": ("L2-10", {"a.py": TFX.format(slice="")}),
    "a local name like a package's": ("L2-14", {"a.py": "import sklearn\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.hist(x)\nSVC().fit(x)\n"}),
    "containers for a test": ("L3-03", {"serve.py": SERVE, ".github/workflows/a.yml": ACTIONS.format(run="docker compose up -d && pytest && docker compose down")}),
    "tests of the API that CI leaves out": ("L3-05", {"serve.py": SERVE, "tests/test_a.py": API_TEST.format(mark="@pytest.mark.slow\n"), ".github/workflows/a.yml": ACTIONS.format(run="pytest -m 'not slow'")}),
    "tests of the API in another folder": ("L3-05", {"serve.py": SERVE, "tests/api/test_a.py": API_TEST.format(mark=""), "tests/unit/test_b.py": UNIT_TEST, ".github/workflows/a.yml": ACTIONS.format(run="pytest tests/unit")}),
    "a training that raises for something else": ("L3-06", {"train.py": GATE.format(test="min_score is None")}),
    "a test of something else that is deterministic": ("L2-11", {"train.py": TRAIN, "hashes.py": "def digest(x):\n    return x\n", "tests/test_a.py": "from hashes import digest\ndef test_deterministic():\n    assert digest(1) == digest(1)\n"}),
    "a bound that nothing compares": ("L3-06", {"a.py": "import mlflow, sklearn\ndef release(min_score):\n    print(min_score)\n    SVC().fit(x)\n    mlflow.register_model(a)\nif __name__ == '__main__':\n    release(1)\n"}),
    "a comparison in a variable that is only printed": ("L3-06", {"a.py": KEPT.format(then="print(passed)\n    mlflow.register_model(a)")}),
    "a comparison for a text": ("L3-06", {"a.py": KEPT.format(then="print('a' if score > min_score else 'b')\n    mlflow.register_model(a)")}),
    "an image from a folder without a Dockerfile": ("L1-05", {"app/Dockerfile": "FROM x\n", ".github/workflows/a.yml": IMAGE.format(context=".")}),
    "an image without any Dockerfile": ("L1-05", {"a.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="docker build -t a .")}),
    "an action that only names images": ("L1-05", {"Dockerfile": "FROM x\n", ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    steps:\n    - uses: docker/metadata-action@v5\n"}),
    "tests by make elsewhere": ("L1-04", {"a/tests/test_a.py": UNIT_TEST, "a/train.py": TRAIN, "a/Makefile": "all:\n\tpytest tests/\n", "b/Makefile": "all:\n\ttrue\n", ".github/workflows/a.yml": WORK.format(folder="b", run="make all")}),
    "tests above the checkout": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="pytest ../tests/")}),
    "tests in a folder that is not there": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="pytest tests/unit")}),
    "a test of a name that is not there": ("L1-07", {"net.py": NET, "tests/test_a.py": NET_TEST.format(name="Other")}),
    "a script in another folder than the job's": ("L3-05", {"serve.py": SERVE, "a/smoke_test.py": SMOKE, ".github/workflows/a.yml": WORK.format(folder=".", run="python smoke_test.py")}),
    "a job on a push that only trains": ("L2-13", {"train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="python train.py")}),
    "a job that compares another stage": ("L2-13", {"train.py": TRAIN, "dvc.yaml": "stages:\n  a: {cmd: echo a, outs: [a]}\n  train: {cmd: python train.py, deps: [a]}\n", ".github/workflows/a.yml": ACTIONS.format(run="dvc repro a && dvc metrics diff")}),
    "a test of a class that trains": ("L2-13", {"net.py": "import sklearn\nclass Trainer:\n    def train(self):\n        SVC().fit(1)\n        self.save_model()\n", "tests/test_a.py": "from net import Trainer\ndef test_it():\n    assert Trainer() is not None\n"}),
    "a test of one step": ("L2-13", {"net.py": "import sklearn\nclass Net:\n    def training_step(self, x):\n        SVC().fit(x)\n        self.save_model()\n", "tests/test_a.py": "from net import Net\ndef test_it():\n    assert Net().training_step(1) is None\n"}),
    "a test of the training that CI leaves out": ("L2-13", {"a/__init__.py": "from .net import fit\n", "a/net.py": KEEPING, "tests/slow/test_a.py": "import a\ndef test_it():\n    assert a.fit(1) > 0\n", "tests/api/test_b.py": UNIT_TEST, ".github/workflows/a.yml": ACTIONS.format(run="pytest tests/api")}),
    "the registry's model in a benchmark": ("L3-04", {"serve.py": SERVE, "benchmark.py": LATEST + "import sklearn\nmodel.predict(x)\n"}),
    "an outcome of something else": ("L3-06", {"a.py": "import mlflow, sklearn\ndef release():\n    SVC().fit(x)\n    result = mlflow.deploy(a)\n    if not result:\n        raise ValueError('bad')\nif __name__ == '__main__':\n    release()\n"}),
    "a bound that a script on its own checks": ("L3-06", {"train.py": TRAIN, "evaluate.py": "import sys\ndef main(min_score):\n    score = 1\n    if score < min_score:\n        sys.exit(1)\nif __name__ == '__main__':\n    main(1)\n"}),
    "a job on a push that trains and registers": ("L2-13", {"train.py": TRAIN + "import mlflow\nmlflow.register_model('a', 'b')\n", ".github/workflows/a.yml": ACTIONS.format(run="python train.py")}),
    "a service of BentoML whose code is not there": ("L3-01", {"bentofile.yaml": "service: 'src/app.py:service'\n", "train.py": TRAIN}),
    "a check that nothing waits for": ("L3-06", {"a.py": CHECK.format(caller="report", then="print(1)")}),
    "all at once": ("L3-07", {"infra.yml": CANARY.format(type="AllAtOnce")}),
    "a loop that ends": ("L3-12", {"monitor.py": LOOP.format(loop="for day in range(2)")}),
    "metrics of the monitor alone": ("L3-11", {"serve.py": SERVE, "monitor.py": LOOP.format(loop="while True") + "from prometheus_client import Gauge\nGauge('a', 'b')\n"}),
    "a topic without a reader": ("L3-13", {"a.tf": TOPIC}),
    "an alarm's rule that is off": ("L4-03", {"infra.yml": RULE.format(why="EventPattern: {detail-type: [CloudWatch Alarm State Change]}", state="DISABLED")}),
    "an endpoint in a comment": ("L3-01", {"a.tf": '# resource "aws_sagemaker_endpoint" "e" {}\n'}),
    "a release at the end of a pull request": ("L1-06", {".github/workflows/a.yml": CLOSED.format(types="[closed]", test="github.event.pull_request.merged == false", run="twine upload dist/*")}),
    "a release with each change of a pull request": ("L1-06", {".github/workflows/a.yml": CLOSED.format(types="[opened, closed]", test="always()", run="twine upload dist/*")}),
    "something else by Cloud Build": ("L3-03", {"serve.py": SERVE, ".github/workflows/a.yml": CLOSED.format(types="[closed]", test="github.event.pull_request.merged", run="gcloud builds submit --config ci/b.yml"), "ci/b.yml": ROLL_OUT.format(verb="functions, describe")}),
    "a style check elsewhere": ("L1-05", {".github/workflows/a.yml": REUSED.format(name="lint")}),
    "a library tested on one version": ("L1-02", {"requirements.txt": "x\n", ".github/workflows/p.yml": PUBLISHES, ".github/workflows/a.yml": ONE_PYTHON.format(version="3.11", run="pytest"), ".github/workflows/b.yml": ONE_PYTHON.format(version="3.12", run="mkdocs build")}),
    "a task that tests a folder that is not there": ("L1-10", {"train.py": TRAIN, "Makefile": "test:\n\tpytest tests/\nmodel:\n\tpython train.py\n"}),
    "a task whose test trains": ("L1-10", {"train.py": TRAIN, "Makefile": "test:\n\tpytest\ntest_examples:\n\tpython train.py\n"}),
    "a client of something else than data": ("L1-11", {"a.py": "import boto3, sklearn\nsm = boto3.client('sagemaker')\nsm.create_endpoint()\n"}),
    "a request for the health of a service": ("L1-11", {"a.py": "import requests, sklearn\nhealth = requests.get('http://a/health').json()\npd.DataFrame(health)\n"}),
    "a tool that a task downloads": ("L1-11", {"train.py": TRAIN, "Makefile": "tool:\n\tcurl -LO https://a.org/tool.sh\n"}),
    "data in the tree beside data of a package": ("L1-11", {"a.py": "import pandas as pd\nfrom sklearn.datasets import load_iris\npd.read_csv('a.csv')\nload_iris()\n"}),
    "a cluster of Azure": ("L3-01", {"a.py": AZURE_CLIENT.format(call="compute.begin_create_or_update")}),
    "a schedule that is a cluster of Azure": ("L3-12", {"a.py": AZURE_CLIENT.format(call="compute.begin_create_or_update")}),
    "another model of Azure": ("L3-04", {"serve.py": SERVE, "deploy.py": AZURE_CLIENT.format(call="compute.get")}),
    "something else by Azure's command line": ("L3-03", {"serve.py": SERVE, "azure-pipelines.yml": AZURE_TASK.format(script="az ml job show -n a")}),
    "a change of the registry": ("L4-03", {"infra.yml": CHANGED.format(of=" Package")}),
    "a search for the best model": ("L3-06", {"a.py": SEARCHED.format(name="best_score")}),
    "a list of approved packages": ("L3-06", {"a.py": APPROVED.format(what="approved_packages")}),
    "options of where alone": ("L2-04", {"a.py": OPTIONS.format(option="experiment-name")}),
    "a split with a seed for a network": ("L2-11", {"a.py": SPLIT.format(package="torch")}),
    "DAGs with an operator each": ("L2-02", {f"dags/{name}.py": OPERATORS.format(tasks=OPERATOR.format(name)) for name in "abc"}),
    "a model of wandb": ("L2-06", {"a.py": WANDB.format(kind="model")}),
    "tests of the API that are ignored": ("L3-05", {"serve.py": SERVE, "tests/api/test_a.py": API_TEST.format(mark=""), ".github/workflows/a.yml": ACTIONS.format(run="pytest --ignore=tests/api/")}),
    "a function that answers without a model": ("L3-01", {"train.py": TRAIN, "app.py": LAMBDA.format(top="def answer(event):\n    return 1")}),
    "a service of BentoML that runs something else": ("L3-01", {"train.py": TRAIN, "service.py": RUNNER.format(call="subprocess.run(x)")}),
    "a model saved beside BentoML": ("L2-05", {"a.py": TRAIN + "import bentoml, joblib\njoblib.dump(model, 'a')\n"}),
    "a plan of Terraform": ("L1-05", {"Dockerfile": "FROM x\n", "infra/a.tf": PROVISIONED.format(first=""), ".github/workflows/a.yml": WORK.format(folder="infra", run="terraform plan")}),
    "an image of another folder of Terraform": ("L1-05", {"Dockerfile": "FROM x\n", "other/a.tf": PROVISIONED.format(first=""), ".github/workflows/a.yml": WORK.format(folder="infra", run="terraform apply -auto-approve")}),
    "a test that only makes a template": ("L1-03", {"stack.py": "import sklearn\n", "tests/test_a.py": TEMPLATE_TEST.format(check="to_json")}),
    "a script of tests without assertions": ("L1-04", {"train.py": TRAIN, "test.py": SCRIPT.format(check="print(1)"), ".github/workflows/a.yml": ACTIONS.format(run="python test.py")}),
    "a job without definitions of metrics": ("L2-03", {"flows/train.py": JOB.format(given="metric_definitions=[]"), ".github/workflows/a.yml": RUN_PIPELINE.format(name="flows.train")}),
    "definitions of metrics that nothing starts": ("L2-03", {"flows/train.py": JOB.format(given="metric_definitions=[{'Name': 'a'}]"), ".github/workflows/a.yml": RUN_PIPELINE.format(name="flows.other")}),
    "an archive that stays": ("L1-05", {".github/workflows/a.yml": SENT.format(then="ls release.zip")}),
    "something else that is sent": ("L1-06", {".github/workflows/a.yml": SENT.format(then="scp notes.txt me@host:/app")}),
    "a package that is only named": ("L2-01", {**KINDS_OF_MODEL, "run.py": CHOSEN.format(call="print_name")}),
}  # fmt: skip
UNKNOWN: dict[str, tuple[str, Files]] = {
    "a job that trains and tells what came out": ("L2-13", {"train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="python train.py && cml comment create report.md")}),
    "a flag that is only told": ("L2-07", {"a.py": FLAGGED.format(then="print('failed')")}),
    "held-out rows that are scored": ("L3-01", {"predict.py": SCORED.format(rows="X_test")}),
    "Rust with some Python": ("L0-01", {"a.rs": "fn main() {}\n", "b.rs": "fn b() {}\n", "bind.py": "import torch\n"}),
    "tests in a language that is not read": ("L1-03", {"a_test.go": "package a\n", "go.mod": "module a\n"}),
    "an event that nothing seen sends": ("L2-08", {"a.py": EVENT, "b.ipynb": CELLS.format(line="!gcloud scheduler jobs list")}),
    "Jenkins without a branch": ("L1-06", {"Jenkinsfile": JENKINS.format(when="")}),
    "artefacts that a pipeline elsewhere takes": ("L3-03", {"buildspec.yml": "phases: {build: {commands: [make a]}}\nartifacts: {files: [a]}\n"}),
    "metrics of a managed endpoint": ("L3-11", {"a.py": BOTO.format(key="Image", capture="B", call="create_endpoint")}),
    "Cloud Build by its content": ("L1-04", {"build/deploy.yaml": CLOUD_BUILD, "train.py": TRAIN, "tests/test_a.py": UNIT_TEST}),
    "a workflow of another repository": ("L1-04", {".github/workflows/a.yml": "on: push\njobs:\n  a:\n    uses: org/ci/.github/workflows/test.yml@main\n"}),
    "a library of Jenkins": ("L1-04", {"Jenkinsfile": "@Library('ci') _\npipeline {\n  agent any\n  stages {\n    stage('a') {\n      steps {\n        runTests()\n      }\n    }\n  }\n}\n"}),
    "CodeBuild that something else starts": ("L1-05", {"Dockerfile": "FROM x\n", "buildspec.yml": "phases:\n  build:\n    commands:\n    - docker build .\n"}),
    "a model of DVC": ("L2-05", {"dvc.yaml": "artifacts:\n  a:\n    type: model\n    path: a.pkl\n"}),
    "a deployment of Prefect": ("L2-08", {"a.py": "import sklearn\nfrom prefect import flow\n@flow\ndef train():\n    SVC().fit(x)\nif __name__ == '__main__':\n    train.deploy('a')\n"}),
    "a release by a workflow of another repository": ("L1-05", {".github/workflows/a.yml": REUSED.format(name="publish-to-pypi")}),
    "a schedule that GitLab may keep": ("L2-08", {"train.py": TRAIN, ".gitlab-ci.yml": GITLAB.format(rules="")}),
}  # fmt: skip
NOT_APPLICABLE: dict[str, tuple[str, Files]] = {
    "a library tested by a workflow for each version": ("L1-02", {"requirements.txt": "x\n", ".github/workflows/p.yml": PUBLISHES, ".github/workflows/a.yml": ONE_PYTHON.format(version="3.11", run="pytest"), ".github/workflows/b.yml": ONE_PYTHON.format(version="3.12", run="pytest")}),
    "data of a package": ("L1-11", {"a.py": "from sklearn.datasets import load_iris\nload_iris()\n"}),
}  # fmt: skip
KINDS = {"met": MET, "missing": MISSING, "unknown": UNKNOWN, "not applicable": NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("status", "name"),
    [
        *(("met", name) for name in MET),
        *(("missing", name) for name in MISSING),
        *(("unknown", name) for name in UNKNOWN),
        *(("not applicable", name) for name in NOT_APPLICABLE),
    ],
)
def test_a_kind_of_tool_is_read_as_it_is(status: str, name: str) -> None:
    id, files = KINDS[status][name]
    found = assess({path: text.encode() for path, text in files.items()}).findings[id]
    assert found.status == status, found
    assert "could not be looked for" not in found.reason


@pytest.mark.parametrize(
    ("path", "text", "noted"),
    [
        ("config.json", '{"a": "http://b", // why\n /* and */ "c": [1, 2,],}\n', False),
        ("config.json", '{"a": // why\n}\n', True),
        ("mkdocs.yml", "a: !!python/name:material.emoji.to_svg\nb: !ENV [C, d]\n", False),
        ("mkdocs.yml", "a: !!python/name:x\n b: [\n", True),
        ("copier.yml", "_subdirectory: template\n", True),
        (".copier-answers.yml", "_src_path: a\n", False),
    ],
)
def test_only_what_cannot_be_read_or_is_left_out_is_noted(
    path: str, text: str, noted: bool
) -> None:
    found = assess({path: text.encode(), "train.py": TRAIN.encode()})
    assert any(note.startswith(path) for note in found.notes) is noted


def test_without_code_nothing_is_proposed() -> None:
    assert assess({}).steps == []
    assert assess({"README.md": b"# A"}).steps == []
    assert assess({"train.py": TRAIN.encode()}).steps != []
