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

MET: dict[str, tuple[str, Files]] = {
    "a test that imports through src": ("L1-03", {"src/train.py": TRAIN, "tests/test_a.py": "from src.train import model\ndef test_it():\n    assert model\n"}),
    "tests of tox with a factor": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, "tox.ini": "[testenv]\ncommands =\n    unit: pytest tests\n", ".circleci/config.yml": "jobs:\n  a:\n    steps:\n    - run: {command: tox -e py-unit}\n"}),
    "tests after options of uv run": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="uv run --extra cpu --extra ml pytest")}),
    "an Azure pipeline of any name": ("L1-05", {"ci/image.yml": AZURE.format(trigger="[main]")}),
    "CodeBuild that a pipeline starts": ("L1-05", {"Dockerfile": "FROM x\n", "buildspec.yml": "phases:\n  build:\n    commands:\n    - docker build .\n", "infra.yml": PIPELINE.format(source="GitHub")}),
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
    "a decision by another function": ("L3-06", {"a.py": "import mlflow, sklearn\ndef release_decision(score, best):\n    return score > best\ndef release():\n    SVC().fit(x)\n    if release_decision(1, 2):\n        mlflow.register_model(a)\nif __name__ == '__main__':\n    release()\n"}),
    "a comparison kept in a variable": ("L3-06", {"a.py": KEPT.format(then="if passed:\n        mlflow.register_model(a)")}),
    "a job that trains and compares": ("L2-13", {"train.py": TRAIN, ".github/workflows/a.yml": ACTIONS.format(run="python train.py && cml comment create report.md")}),
    "a test of a package's training": ("L2-13", {"a/__init__.py": "from .net import fit\n", "a/net.py": KEEPING, "tests/test_a.py": "import a\ndef test_it():\n    assert a.fit(1) > 0\n"}),
    "an image from a folder": ("L1-05", {"app/Dockerfile": "FROM x\n", ".github/workflows/a.yml": IMAGE.format(context="./app")}),
    "an image from a folder with a name that is computed": ("L1-05", {".github/workflows/a.yml": IMAGE.format(context="${{ matrix.app }}")}),
    "tests by make with an environment": ("L1-04", {"tests/test_a.py": UNIT_TEST, "train.py": TRAIN, "Makefile": "test: .venv\n\t.venv/bin/pytest -q\n", ".github/workflows/a.yml": ACTIONS.format(run="make test")}),
    "tests by make in a folder": ("L1-04", {"a/tests/test_a.py": UNIT_TEST, "a/train.py": TRAIN, "a/Makefile": "unit:\n\tpipenv run pytest tests/\nall: unit\n\ttrue\n", ".github/workflows/a.yml": WORK.format(folder="a", run="make all")}),
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
    "a test of the training that CI leaves out": ("L2-13", {"a/__init__.py": "from .net import fit\n", "a/net.py": KEEPING, "tests/slow/test_a.py": "import a\ndef test_it():\n    assert a.fit(1) > 0\n", "tests/api/test_b.py": UNIT_TEST, ".github/workflows/a.yml": ACTIONS.format(run="pytest tests/api")}),
    "the registry's model in a benchmark": ("L3-04", {"serve.py": SERVE, "benchmark.py": LATEST}),
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
}  # fmt: skip
UNKNOWN: dict[str, tuple[str, Files]] = {
    "Cloud Build by its content": ("L1-04", {"build/deploy.yaml": CLOUD_BUILD, "train.py": TRAIN, "tests/test_a.py": UNIT_TEST}),
    "a workflow of another repository": ("L1-04", {".github/workflows/a.yml": "on: push\njobs:\n  a:\n    uses: org/ci/.github/workflows/test.yml@main\n"}),
    "a library of Jenkins": ("L1-04", {"Jenkinsfile": "@Library('ci') _\npipeline {\n  agent any\n  stages {\n    stage('a') {\n      steps {\n        runTests()\n      }\n    }\n  }\n}\n"}),
    "CodeBuild that something else starts": ("L1-05", {"Dockerfile": "FROM x\n", "buildspec.yml": "phases:\n  build:\n    commands:\n    - docker build .\n"}),
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
