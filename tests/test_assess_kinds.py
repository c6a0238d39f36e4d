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
LOOP = "import time, evidently\nfrom evidently.report import Report\ndef drift():\n    Report(1).run(2)\n{loop}:\n    drift()\n    time.sleep(9)\n"
DAG = "import sklearn\nfrom airflow.decorators import dag\nfrom airflow import Dataset\n@dag(schedule={schedule})\ndef train():\n    SVC().fit(x)\ntrain()\n"
COMPARED = "import sklearn\nfrom sklearn.model_selection import train_test_split\ndef evaluate():\n    {name} = 1\n    score = SVC().fit(x).score(train_test_split(x))\n    if score > {name}:\n        print(1)\nif __name__ == '__main__':\n    evaluate()\n"
CANARY = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      DeploymentPreference:\n        Type: {type}\n        Alarms: [a]\n"

MET: dict[str, tuple[str, Files]] = {
    "a test that imports through src": ("L1-03", {"src/train.py": TRAIN, "tests/test_a.py": "from src.train import model\ndef test_it():\n    assert model\n"}),
    "tests of tox with a factor": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, "tox.ini": "[testenv]\ncommands =\n    unit: pytest tests\n", ".circleci/config.yml": "jobs:\n  a:\n    steps:\n    - run: {command: tox -e py-unit}\n"}),
    "tests after options of uv run": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="uv run --extra cpu --extra ml pytest")}),
    "an Azure pipeline of any name": ("L1-05", {"ci/image.yml": AZURE.format(trigger="[main]")}),
    "CodeBuild that a pipeline starts": ("L1-05", {"buildspec.yml": "phases:\n  build:\n    commands:\n    - docker build .\n", "infra.yml": PIPELINE.format(source="GitHub")}),
    "a roll-out on push": ("L1-06", {".github/workflows/a.yml": ACTIONS.format(run="kubectl rollout restart deployment/a")}),
    "a local hook": ("L1-08", {".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - {id: x, entry: make, args: [style]}\n", "Makefile": "style:\n\tblack .\n"}),
    "data at an address": ("L1-11", {"train.py": "import pandas as pd\ndf = pd.read_csv('https://a.org/b.csv')\n"}),
    "requirements of what trains": ("L1-02", {"a/train.py": TRAIN, "a/requirements.txt": "x==1\n", "notebooks/requirements.txt": "y\n"}),
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
    "a check before the promotion": ("L3-06", {"a.py": CHECK.format(caller="release", then="mlflow.register_model(a)")}),
    "a canary of CodeDeploy": ("L3-07", {"infra.yml": CANARY.format(type="Canary10Percent5Minutes")}),
    "a canary with alarms": ("L3-09", {"infra.yml": CANARY.format(type="Linear10PercentEvery1Minute")}),
    "captured data": ("L3-10", {"a.tf": 'resource "aws_sagemaker_endpoint_configuration" "e" {\n  enable_capture = true\n}\n'}),
    "metrics of the service": ("L3-11", {"serve.py": SERVE + "from prometheus_client import Counter\nCounter('a', 'b')\n"}),
    "an endless loop that reports drift": ("L3-12", {"monitor.py": LOOP.format(loop="while True")}),
    "a monitor of CloudFormation": ("L3-12", {"infra.yml": "Resources:\n  M:\n    Type: AWS::SageMaker::MonitoringSchedule\n"}),
    "a topic with a reader": ("L3-13", {"a.tf": TOPIC + 'resource "aws_sns_topic_subscription" "s" {}\n'}),
    "an alarm that starts the pipeline": ("L4-03", {"infra.yml": RULE.format(why="EventPattern: {detail-type: [CloudWatch Alarm State Change]}", state="ENABLED")}),
    "a trial that the stack waits for": ("L4-07", {"infra.yml": CANARY.format(type="Canary10Percent5Minutes")}),
}  # fmt: skip
MISSING: dict[str, tuple[str, Files]] = {
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
    "a bound that nothing compares": ("L3-06", {"a.py": "import mlflow, sklearn\ndef release(min_score):\n    print(min_score)\n    SVC().fit(x)\n    mlflow.register_model(a)\nif __name__ == '__main__':\n    release(1)\n"}),
    "a check that nothing waits for": ("L3-06", {"a.py": CHECK.format(caller="report", then="print(1)")}),
    "all at once": ("L3-07", {"infra.yml": CANARY.format(type="AllAtOnce")}),
    "a loop that ends": ("L3-12", {"monitor.py": LOOP.format(loop="for day in range(2)")}),
    "metrics of the monitor alone": ("L3-11", {"serve.py": SERVE, "monitor.py": LOOP.format(loop="while True") + "from prometheus_client import Gauge\nGauge('a', 'b')\n"}),
    "a topic without a reader": ("L3-13", {"a.tf": TOPIC}),
    "an alarm's rule that is off": ("L4-03", {"infra.yml": RULE.format(why="EventPattern: {detail-type: [CloudWatch Alarm State Change]}", state="DISABLED")}),
    "an endpoint in a comment": ("L3-01", {"a.tf": '# resource "aws_sagemaker_endpoint" "e" {}\n'}),
}  # fmt: skip
UNKNOWN: dict[str, tuple[str, Files]] = {
    "Cloud Build by its content": ("L1-04", {"build/deploy.yaml": CLOUD_BUILD, "train.py": TRAIN, "tests/test_a.py": UNIT_TEST}),
    "a workflow of another repository": ("L1-04", {".github/workflows/a.yml": "on: push\njobs:\n  a:\n    uses: org/ci/.github/workflows/test.yml@main\n"}),
    "CodeBuild that something else starts": ("L1-05", {"buildspec.yml": "phases:\n  build:\n    commands:\n    - docker build .\n"}),
    "a model of DVC": ("L2-05", {"dvc.yaml": "artifacts:\n  a:\n    type: model\n    path: a.pkl\n"}),
    "a deployment of Prefect": ("L2-08", {"a.py": "import sklearn\nfrom prefect import flow\n@flow\ndef train():\n    SVC().fit(x)\nif __name__ == '__main__':\n    train.deploy('a')\n"}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "name"),
    [
        *(("met", name) for name in MET),
        *(("missing", name) for name in MISSING),
        *(("unknown", name) for name in UNKNOWN),
    ],
)
def test_a_kind_of_tool_is_read_as_it_is(status: str, name: str) -> None:
    id, files = {"met": MET, "missing": MISSING, "unknown": UNKNOWN}[status][name]
    found = assess({path: text.encode() for path, text in files.items()}).findings[id]
    assert found.status == status, found
    assert "could not be looked for" not in found.reason
