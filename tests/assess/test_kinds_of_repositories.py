"""Tests of kinds that repositories labelled by hand have, each beside its twin that is none."""

import pytest

from mlops_ladder.assess.engine import assess

Files = dict[str, str]
Kind = tuple[str, str, Files]
"""The criterion, its status, and the files."""

TRAIN = "import sklearn\nfrom sklearn.svm import SVC\nmodel = SVC()\nmodel.fit(x, y)\n"
APP = "import fastapi, joblib\napp = fastapi.FastAPI()\n{load}\n@app.post('/predict')\ndef answer(x):\n    return model.predict(x)\n"
ON_PUSH = "on: push\njobs:\n  a:\n    runs-on: {host}\n    steps:\n    - run: {run}\n"
AFTER = (
    "on:\n  workflow_run:\n    workflows: [{name}]\njobs:\n  a:\n    steps:\n    - run: pytest\n"
)
LINT = "name: Lint\non: push\njobs:\n  a:\n    steps:\n    - run: ruff check .\n"
UNIT_TEST = "import train\ndef test_it():\n    assert train.model\n"
HANDLER = "import sklearn\n\ndef {name}({arguments}):\n    SVC().fit(event['rows'])\n"
DEPLOYED = "{name}: a\nentrypoint: flow.py:train\nschedule:\n  {rule}\n"
FLOW = "import sklearn\nfrom prefect import flow\n@flow\ndef train():\n    SVC().fit(x)\n"
AZURE_SCHEDULE = "trigger:\n  type: {kind}\n  expression: '0 0 * * 0'\ncreate_job: jobs/drift.yml\n"
AZURE_JOB = "type: pipeline\njobs:\n  a:\n    type: command\n    command: python drift.py\n"
DRIFT = "from evidently.report import Report\nif __name__ == '__main__':\n    Report().run(a, b)\n"
NOTEBOOK = '{"cells": [{"cell_type": "code", "source": "from evidently.report import Report\\nReport().run(a, b)"}]}'
BUNDLE = "resources:\n  jobs:\n    a:\n      schedule:\n        quartz_cron_expression: 0 0 1 * * ?\n        pause_status: {status}\n      tasks:\n      - task_key: drift\n        notebook_task: {{notebook_path: ./drift.ipynb}}\n"
DECIDES = "import sklearn\nfrom zenml import pipeline, step\n@step\ndef deployment_trigger(accuracy):\n    {answer}\n@pipeline\ndef run():\n    model_deployer(deployment_trigger(train()), model)\ndef train():\n    SVC().fit(x)\n"
GUARDED = "import sklearn\ndef run():\n    SVC().fit(x)\n    found = evaluate()\n    if not found.{name}:\n        return\n    model_pusher.push(found)\nif __name__ == '__main__':\n    run()\n"
SPLIT = "    model.deploy(endpoint=a, traffic_split={shares})\n"
VERTEX = "import sklearn\nfrom google.cloud import aiplatform\nif __name__ == '__main__':\n    SVC().fit(x)\n    model = aiplatform.Model.upload(a)\n"
MADE = "import sklearn\ndef load():\n    {check}\n    return rows\nif __name__ == '__main__':\n    SVC().fit(load())\n"
TABLE = "import fastapi, sqlite3\napp = fastapi.FastAPI()\nsqlite3.connect('a').execute('CREATE TABLE log (id INTEGER, ts REAL, {version} TEXT, prediction REAL)')\n@app.post('/predict')\ndef answer(x):\n    return model.predict(x)\n"
HYDRA = "import hydra, sklearn\nfrom hydra.utils import instantiate\n@hydra.main()\ndef main(cfg):\n    {call}(cfg.model).train()\nif __name__ == '__main__':\n    main()\n"
NET = "import sklearn\nclass Net:\n    def train(self):\n        SVC().fit(x)\n"
REGISTERS = "import mlflow, sklearn\nif __name__ == '__main__':\n    SVC().fit(x)\n    mlflow.sklearn.log_model(model, {name}=args.name)\n"
WANDB = "import sklearn, wandb\nif __name__ == '__main__':\n    SVC().fit(x)\n    wandb.log_artifact(wandb.Artifact('a', type='{kind}'))\n"
BRANCH = "import sklearn\nfrom airflow import DAG\nfrom airflow.operators.python import BranchPythonOperator\ndef choose():\n    return 'a' if {test} else 'b'\nwith DAG('a'):\n    SVC().fit(x)\n    BranchPythonOperator(task_id='a', python_callable=choose)\n"
KFP = "import sklearn\nfrom kfp import dsl\n" + "".join(
    f"@dsl.component\ndef {name}(x):\n    SVC().fit(x)\n" for name in ("load", "train", "judge")
)
LOOP = "import time, sklearn, mlflow\ndef train():\n    SVC().fit(x)\ndef run():\n    while True:\n        found = look()\n        if found['{signal}']:\n            train()\n        time.sleep(9)\nif __name__ == '__main__':\n    run()\n"
TERRAFORM = 'variable "to" {{\n  default = {default}\n}}\nresource "aws_cloudwatch_metric_alarm" "a" {{\n  alarm_actions = [var.to]\n}}\n'
LOCK = '[[package]]\nname = "{name}"\nversion = "1"\n'
TOX = "[tox]\nenvlist = {names}\n[testenv:style]\ncommands = ruff check .\n[testenv]\ncommands = pytest\n"
DRONE = "kind: pipeline\nsteps:\n- name: a\n  commands:\n  - {run}\n"
SEEDS = "import sklearn\nfrom sklearn.model_selection import train_test_split\nfrom sklearn.ensemble import RandomForestClassifier\nif __name__ == '__main__':\n    train_test_split(x, random_state=1)\n    {model}\n    model.fit(x)\n"
LOGGED = "import argparse, mlflow, sklearn\nif __name__ == '__main__':\n    parser = argparse.ArgumentParser()\n    parser.add_argument('--{option}')\n    {params}\n    mlflow.log_params(params)\n    SVC(**params).fit(x)\n"
JENKINS = "pipeline {\n  agent any\n  stages {\n    stage('a') {\n      steps {\n        sh 'pytest'\n      }\n    }\n  }\n}\n"
SOURCE = "import boto3, sklearn\ndef make_client():\n    return boto3.client('{service}')\ndef read():\n    return pd.read_csv(make_client().get_object(Key='a'))\nread()\nSVC().fit(x)\n"
API_TEST = "from fastapi.testclient import TestClient\nfrom app import app\n{stand_in}def test_it():\n    answer = TestClient(app).post('/predict', json=[1])\n    assert answer.json()['score'] < 1\n"


CIRCLE = "jobs:\n  tests:\n    steps:\n    - run: pytest\n  train:\n    steps:\n    - run: python train.py\nworkflows:\n  all:\n    jobs: [{jobs}]\n"
SETTING = "import os, sklearn\nSTEP = os.environ['{name}_PATH']\nif __name__ == '__main__':\n    pipeline(STEP)\n"
VARIABLES = "variables:\n- name: TRAIN_PATH\n  value: steps/train.py\n"
LISTED = "import os\nfor file in ['steps/train.py']:\n    {does}(file)\n"
NETWORK = "import numpy, torch\nfrom sklearn.svm import SVC\nif __name__ == '__main__':\n    {seed}\n    SVC().fit(x)\n"
WRITTEN = "import argparse, mlflow, sklearn\nPARAMS = {{'depth': 2}}\nargparse.ArgumentParser().add_argument('--n-trees')\ndef train():\n    mlflow.log_params({name})\n    SVC().fit(x)\ntrain()\n"
BETWEEN = {
    "work.py": "import sklearn\ndef go():\n    SVC().fit(x)\n",
    "run.py": "from middle import pass_on\nif __name__ == '__main__':\n    pass_on()\n",
}
KEEPS = "import sklearn\nfrom pytorch_lightning.loggers import WandbLogger\nif __name__ == '__main__':\n    WandbLogger(log_model={log_model})\n    SVC().fit(x)\n"
HOMES = "/" + "home/"  # in two, as no file here may name a machine's folder
INSIDE = "import sklearn\ndef train():\n    SVC().fit(x)\ntrain()\n"


BY_SSH = "on: push\njobs:\n  a:\n    steps:\n    - uses: appleboy/ssh-action@v1\n      with:\n        script: |\n          cd ~/work\n          git pull\n          sh deploy/release.sh\n"
PUSHES_IMAGE = "on: push\njobs:\n  a:\n    steps:\n    - uses: docker/build-push-action@v5\n      with: {push: true}\n"
LIGHTNING = "import hydra, sklearn\nfrom pytorch_lightning.loggers import WandbLogger\nclass Net:\n    def __init__(self, depth):\n        self.{keeps}()\n@hydra.main()\ndef main(settings_of_run):\n    WandbLogger('a')\n    Net(2)\n    SVC().fit(x)\nmain()\n"
ENDLESS = "import time, sklearn\ndef {name}():\n    while True:\n        SVC().fit(x)\n        time.sleep(9)\n{name}()\n"
JUDGED = "import sklearn\nfrom sklearn.model_selection import train_test_split\ndef main(rows):\n    {name} = 1\n    loss = SVC().fit(train_test_split(rows)).loss()\n    if loss < {name}:\n        print(1)\nmain(x)\n"
OWN_MODEL = (
    "import sklearn\nclass Tree:\n    def predict(self, x):\n        return self.inner.predict(x)\n"
)
TOPIC = 'variable "mail" {{\n  default = {default}\n}}\nresource "aws_sns_topic" "t" {{}}\nresource "aws_sns_topic_subscription" "s" {{\n  endpoint = var.mail\n}}\nresource "aws_cloudwatch_metric_alarm" "a" {{\n  alarm_actions = [aws_sns_topic.t.arn]\n}}\n'
PREFECT = "from prefect import flow\nfrom prefect.deployments import Deployment\nfrom prefect.client.schemas.schedules import IntervalSchedule\nimport sklearn\n@flow\ndef train():\n    SVC().fit(x)\nDeployment.build_from_flow(flow=train, {when}).apply()\n"
CELL = '{{"cells": [{{"cell_type": "code", "source": "import sklearn\\n{}"}}]}}'
READS_ROWS = "import sklearn\ndef read(rows):\n    if not NEEDED.issubset(rows.columns):\n        {does}\n    return rows\nSVC().fit(read(x))\n"
STAGES = "stages:\n  get: {{cmd: echo a}}\n  clean: {{cmd: echo b}}\n  {last}: {{cmd: python {last}.py}}\n"
MAGE = {
    "m/data_loaders/load.py": "def load():\n    return 1\n",
    "m/transformers/clean.py": "def clean(x):\n    return x\n",
    "m/custom/fit.py": "import sklearn\n@custom\ndef fit(x):\n    SVC().fit(x)\n",
    "m/pipelines/fit/metadata.yaml": "blocks:\n- {uuid: load, type: data_loader}\n- {uuid: clean, type: transformer}\n- {uuid: fit, type: custom}\n",
}
TRIGGER = "triggers:\n- {{schedule_type: time, schedule_interval: '@weekly', status: {status}}}\n"
KEDRO = {
    "pipeline.py": "from kedro.pipeline import node\nfrom nodes import fit\ndef create_pipeline():\n    return [node(fit, ['rows', 'params:depth'], 'model')]\n",
    "pipeline_registry.py": "",
    "nodes.py": "import mlflow, sklearn\ndef fit(rows, options):\n    mlflow.log_params(options)\n    SVC().fit(rows)\n",
}
WHOLE = {
    "pipeline.py": "import joblib, sklearn\ndef train(x):\n    SVC().fit(x)\n    joblib.dump(x, 'a')\n    return 1\n",
    "tests/test_pipeline.py": "from pipeline import train\ndef test_it():\n    assert train(1) == 1\n",
}
SEARCHED = "import optuna\nfrom sklearn.ensemble import RandomForestClassifier\noptuna.create_study({how})\nRandomForestClassifier(random_state=1).fit(x)\n"
SWITCHED = "import mlflow, sklearn\ndef main(asked, accuracy):\n    SVC().fit(x)\n    register_model = {value}\n    if register_model:\n        mlflow.register_model('a', 'b')\nmain(1, 2)\n"
SPLIT_BY_HASH = "import hashlib, sklearn\ndef variant_of(unit):\n    if hashlib.sha256(unit) > 1:\n        return 1\nSVC().fit(variant_of(x))\n"


ABSENT = {
    "src/__init__.py": "",
    "src/work.py": "import sklearn\ndef go():\n    SVC().fit(x)\n",
}
OPERATORS = (
    "from airflow import DAG\nfrom airflow.operators.python import PythonOperator\n"
    "from src.{module} import go\nwith DAG('train'):\n"
    + "".join(
        f"    PythonOperator(task_id='{name}', python_callable=go)\n"
        for name in ("a", "b", "train")
    )
)
FETCHED = "pipeline {{\n  agent any\n  stages {{\n    stage('a') {{\n      {when}\n      steps {{\n        checkout scmGit(branches: [[name: '*/main']])\n        sh 'docker push a/b:1'\n      }}\n    }}\n  }}\n}}\n"
HEALTH_TEST = "from fastapi.testclient import TestClient\nfrom app import app\ndef test_it():\n    assert TestClient(app).get('{route}').status_code == 200\n"
FORESTS = "import sklearn\nfrom sklearn.ensemble import RandomForestClassifier as Forest\nif __name__ == '__main__':\n    Forest(random_state=1)\n    Forest(random_state=2)\n    Forest({last}).fit(x)\n"
PUSHED = {
    ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    steps:\n    - run: docker build -t a/b .\n    - run: docker push a/b\n"
}


PARAMETERS = "stages:\n  a:\n    cmd: python a.py\n    params: [depth]\n"
FITS_ITSELF = (
    "import sklearn\nclass {name}:\n    def fit_transform(self, x):\n        return self.fit(x)\n"
)
CHECKS_ROWS = "import sklearn\ndef validate_data(path, rows):\n    if not {test}:\n        raise ValueError(path)\n    return rows\nif __name__ == '__main__':\n    SVC().fit(validate_data(x, y))\n"
SCHEDULED = "import sklearn\nclass Settings:\n{body}\nif __name__ == '__main__':\n    Settings(){asks}\n    SVC().fit(x)\n"
NIGHTLY = {
    ".github/workflows/a.yml": "on: {schedule: [{cron: 0 1 * * *}]}\njobs: {a: {steps: [{run: python train.py}]}}\n"
}


def ci(run: str, host: str = "ubuntu-latest") -> Files:
    """Return a workflow that runs a command on each push."""
    return {".github/workflows/a.yml": ON_PUSH.format(run=run, host=host)}


def readme(command: str, words: str = "It predicts who leaves, by a model. ") -> Files:
    """Return a README with a command and some words."""
    return {"README.md": f"# A\n{words}\n{'word ' * 60}\n```\n{command}\n```\n", "train.py": TRAIN}


def guarded_job(condition: str) -> Files:
    """Return a workflow with a build in a job that has a condition."""
    start = "on: [push, pull_request, workflow_dispatch, schedule]\njobs:\n  a:\n    if: "
    return {".github/workflows/a.yml": f"{start}{condition}\n    steps:\n    - run: uv build\n"}


PREDICTS = "python -c 'from flow import train; train()'"
KINDS: dict[str, Kind] = {
    "a README with a command that trains": ("L0-02", "met", readme("python train.py")),
    "a README that only installs": ("L0-02", "missing", readme("pip install -r requirements.txt")),
    "a README with a script that is not there": ("L0-02", "missing", readme("python fit.py")),
    "a README that may not tell the problem": ("L0-02", "unknown", readme("python train.py", "Hello. ")),
    "a fit that something else calls": ("L0-01", "met", {"a.py": "import sklearn, mlflow\nmlflow.trace(model.fit)(x)\n"}),
    "a fit of an ensemble": ("L0-01", "met", {"a.py": "import sklearn\nensemble.fit(x)\n"}),
    "a fit of a scaler": ("L0-01", "missing", {"a.py": "import sklearn\nscaler.fit(x)\n"}),
    "a folder of a person in a script": ("L0-03", "missing", {"train.py": TRAIN, "run.sh": "cd " + HOMES + "ann/work\n"}),
    "a folder of an image's user in a script": ("L0-03", "met", {"train.py": TRAIN, "run.sh": "cd " + HOMES + "jovyan/work\n"}),
    "training in modules of a folder of notebooks": ("L0-04", "missing", {"notebooks/fit.py": TRAIN, "a.ipynb": '{"cells": [{"cell_type": "code", "source": "import sklearn\\nSVC().fit(x)"}]}'}),
    "Poetry without a package": ("L1-01", "missing", {"a/__init__.py": TRAIN, "pyproject.toml": "[tool.poetry]\nname = 'a'\npackage-mode = false\n"}),
    "Poetry with a folder of its name": ("L1-01", "met", {"a_b/__init__.py": TRAIN, "pyproject.toml": "[tool.poetry]\nname = 'a-b'\n"}),
    "Poetry without a folder of its name": ("L1-01", "missing", {"src/__init__.py": TRAIN, "pyproject.toml": "[tool.poetry]\nname = 'a-b'\n"}),
    "an extension in another language": ("L1-01", "missing", {"train.py": TRAIN, "ext/setup.py": "setup(name='a', ext_modules=[x])\n", "a/__init__.py": ""}),
    "a package that setuptools finds": ("L1-01", "met", {"a/__init__.py": TRAIN, "setup.py": "setup(name='a', packages=find_packages())\n"}),
    "a package that setuptools does not find": ("L1-01", "missing", {"src/a/__init__.py": TRAIN, "setup.py": "setup(name='a', packages=find_packages())\n"}),
    "a lock with what trains": ("L1-02", "met", {"train.py": TRAIN, "uv.lock": LOCK.format(name="scikit-learn"), "requirements.txt": "scikit-learn\n"}),
    "a lock of something else": ("L1-02", "missing", {"train.py": TRAIN, "uv.lock": LOCK.format(name="click"), "requirements.txt": "scikit-learn\n"}),
    "requirements in UTF-16": ("L1-02", "met", {"train.py": TRAIN, "requirements.txt": "utf-16:scikit-learn==1\n"}),
    "a list without what trains": ("L1-02", "missing", {"train.py": TRAIN, "requirements.txt": "dash==1\n"}),
    "a lock of Pipenv with what trains": ("L1-02", "met", {"train.py": TRAIN, "requirements.txt": "scikit-learn\n", "Pipfile.lock": '{"default": {"scikit-learn": {}}}'}),
    "a lock of Pipenv without what trains": ("L1-02", "missing", {"train.py": TRAIN, "requirements.txt": "scikit-learn\n", "Pipfile.lock": '{"default": {"ruff": {}}}'}),
    "a lock of Pipenv that is a list": ("L1-02", "missing", {"train.py": TRAIN, "Pipfile.lock": "[1]"}),
    "a lock of Pipenv that is cut off": ("L1-02", "missing", {"train.py": TRAIN, "Pipfile.lock": '{"default": {'}),
    "a lock of uv whose packages are a number": ("L1-02", "missing", {"train.py": TRAIN, "uv.lock": "package = 3\n"}),
    "a list that the image does not install": ("L1-02", "missing", {"train.py": TRAIN, "requirements.txt": "scikit-learn==1\n", "dev.txt": "b\n", "Dockerfile": "FROM x\nRUN pip install -r dev.txt\n"}),
    "a list beside an environment that nothing installs": ("L1-02", "missing", {"train.py": TRAIN, "requirements.txt": "a\n", "environment.yml": "dependencies: [python=3.11, numpy=2]\n"}),
    "a list beside an environment that CI installs": ("L1-02", "met", {"train.py": TRAIN, "requirements.txt": "a\n", "environment.yml": "dependencies: [python=3.11, numpy=2]\n", **ci("conda env create -f environment.yml")}),
    "tests of what a fixture imports": ("L1-03", "met", {"train.py": TRAIN, "tests/conftest.py": "import pytest, train\n@pytest.fixture\ndef made():\n    return train.model\n", "tests/test_a.py": "def test_it(made):\n    assert made\n"}),
    "tests after a workflow that a push starts": ("L1-04", "met", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, ".github/workflows/a.yml": AFTER.format(name="Lint"), ".github/workflows/b.yml": LINT}),
    "tests after a workflow that is not there": ("L1-04", "missing", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, ".github/workflows/a.yml": AFTER.format(name="Other"), ".github/workflows/b.yml": LINT}),
    "tests in a Jenkinsfile of a folder": ("L1-04", "unknown", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, "ci/Jenkinsfile": JENKINS}),
    "tests that a workflow of CircleCI has": ("L1-04", "met", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, ".circleci/config.yml": CIRCLE.format(jobs="tests")}),
    "tests that no workflow of CircleCI has": ("L1-04", "missing", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, ".circleci/config.yml": CIRCLE.format(jobs="train")}),
    "a module of tests that is not there": ("L1-04", "missing", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, **ci("python -m unittest tests.other.Case")}),
    "a module of tests that is there": ("L1-04", "met", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, **ci("python -m unittest tests.test_a.Case")}),
    "tests by Drone": ("L1-04", "met", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, ".drone.yml": DRONE.format(run="pytest")}),
    "a script of assertions in a folder of tests": ("L1-04", "met", {"train.py": TRAIN, "integration_tests/call.py": "assert ask() == 1\n", **ci("python integration_tests/call.py")}),
    "an archive that Terraform packs": ("L1-05", "met", {"infra/a.tf": 'data "archive_file" "a" {}\n', **ci("cd infra && terraform apply")}),
    "an archive that a plan of Terraform names": ("L1-05", "missing", {"infra/a.tf": 'data "archive_file" "a" {}\n', **ci("cd infra && terraform plan")}),
    "an image of files that are there": ("L1-05", "met", {"Dockerfile": "FROM x\nCOPY train.py .\n", "train.py": TRAIN, **ci("docker build .")}),
    "an image of a folder that is not there": ("L1-05", "missing", {"Dockerfile": "FROM x\nCOPY models ./models\n", "train.py": TRAIN, **ci("docker build .")}),
    "a host that a job calls": ("L1-05", "unknown", {"Dockerfile": "FROM x\n", **ci("curl $DEPLOY_HOOK")}),
    "a host with a Procfile": ("L1-05", "unknown", {"Procfile": "web: uvicorn app:app\n", "train.py": TRAIN}),
    "an event from outside that releases": ("L1-06", "unknown", {".github/workflows/a.yml": "on: repository_dispatch\njobs:\n  a:\n    steps:\n    - run: docker push a\n"}),
    "a container that is restarted on the host": ("L1-06", "met", {"Dockerfile": "FROM x\n", **ci("docker run --name a -d a", "self-hosted")}),
    "a container that CI starts for itself": ("L1-06", "missing", {"Dockerfile": "FROM x\n", **ci("docker run --name a -d a")}),
    "a Space that a job writes to": ("L1-06", "met", ci("git clone https://a@huggingface.co/spaces/b/c")),
    "a clone of something else": ("L1-06", "missing", ci("git clone https://huggingface.co/b/c")),
    "a stored model that a test loads": ("L1-07", "met", {"train.py": TRAIN, "tests/test_a.py": "import joblib\ndef test_it():\n    assert len(joblib.load('a').predict(x)) == 2\n"}),
    "a stored model behind the API": ("L1-07", "met", {"train.py": TRAIN, "app.py": APP.format(load="model = joblib.load('a')"), "tests/test_a.py": API_TEST.format(stand_in="")}),
    "a stand-in behind the API": ("L1-07", "unknown", {"train.py": TRAIN, "app.py": APP.format(load="model = joblib.load('a')"), "tests/test_a.py": API_TEST.format(stand_in="app.dependency_overrides[1] = 2\n")}),
    "no model behind the API": ("L1-07", "missing", {"train.py": TRAIN, "app.py": APP.format(load=""), "tests/test_a.py": API_TEST.format(stand_in="")}),
    "a linter that never fails": ("L1-08", "missing", ci("flake8 . --exit-zero")),
    "a linter of folders that are not there": ("L1-08", "missing", {"train.py": TRAIN, **ci("ruff check src/")}),
    "an environment of tox that is listed": ("L1-08", "met", {"tox.ini": TOX.format(names="py, style"), **ci("tox")}),
    "an environment of tox that is not listed": ("L1-08", "missing", {"tox.ini": TOX.format(names="py"), **ci("tox")}),
    "an environment of tox that is asked for": ("L1-08", "met", {"tox.ini": TOX.format(names="py"), **ci("tox -e style")}),
    "hooks of a project in a folder": ("L1-09", "met", {"a/.pre-commit-config.yaml": "repos:\n- repo: x\n  hooks: [{id: ruff}]\n"}),
    "data that a client of the code's own reads": ("L1-11", "met", {"a.py": SOURCE.format(service="s3")}),
    "a client of something else": ("L1-11", "missing", {"a.py": SOURCE.format(service="sagemaker-runtime")}),
    "data that a shell in code copies": ("L1-11", "met", {"a.py": TRAIN + "import os\nos.system(f'aws s3 sync s3://{a} data')\n"}),
    "data that a shell in code sends": ("L1-11", "missing", {"a.py": TRAIN + "import os\nos.system(f'aws s3 sync data s3://{a}')\n"}),
    "a page that asks its own service": ("L1-11", "missing", {"train.py": TRAIN, "dashboard/page.py": "import requests\npd.DataFrame(requests.get(url).json())\n"}),
    "a function of a cloud": ("L2-01", "met", {"a.py": HANDLER.format(name="endpoint", arguments="event, context")}),
    "a function of something else": ("L2-01", "missing", {"a.py": HANDLER.format(name="endpoint", arguments="event")}),
    "code that a command has in it": ("L2-01", "met", {"flow.py": "import sklearn\ndef train():\n    SVC().fit(x)\n", **ci(PREDICTS)}),
    "a training that only a request starts": ("L2-01", "missing", {"app.py": "import fastapi, sklearn\napp = fastapi.FastAPI()\n@app.post('/train')\ndef train():\n    SVC().fit(x)\n", "Dockerfile": "FROM x\nCMD uvicorn app:app\n"}),
    "a class that a configuration names": ("L2-01", "met", {"run.py": HYDRA.format(call="instantiate"), "net.py": NET, "conf/a.yaml": "model:\n  _target_: net.Net\n"}),
    "a class that a configuration only mentions": ("L2-01", "missing", {"run.py": HYDRA.format(call="show"), "net.py": NET, "conf/a.yaml": "model:\n  _target_: net.Net\n"}),
    "a script that a setting names": ("L2-01", "met", {"run.py": SETTING.format(name="TRAIN"), "vars.yml": VARIABLES, "steps/train.py": INSIDE, "steps/other.py": "import steps.train\n"}),
    "a script that another setting names": ("L2-01", "missing", {"run.py": SETTING.format(name="OTHER"), "vars.yml": VARIABLES, "steps/train.py": INSIDE, "steps/other.py": "import steps.train\n"}),
    "a list of scripts that are started": ("L2-01", "met", {"make.py": LISTED.format(does="os.system"), "steps/train.py": INSIDE, "steps/other.py": "import steps.train\n"}),
    "a list of scripts that are only made": ("L2-01", "missing", {"make.py": LISTED.format(does="touch"), "steps/train.py": INSIDE, "steps/other.py": "import steps.train\n"}),
    "a name that several modules have": ("L2-01", "met", {"a/net.py": NET.replace("Net", "A"), "b/net.py": NET.replace("Net", "B"), "run/main.py": "from net import B\nif __name__ == '__main__':\n    B().train()\n"}),
    "components that a pipeline uses": ("L2-02", "met", {"a.py": KFP + "@dsl.pipeline\ndef run():\n    judge(train(load(1)))\n"}),
    "components that no pipeline uses": ("L2-02", "missing", {"a.py": KFP + "@dsl.pipeline\ndef run():\n    train(1)\n"}),
    "steps that only prepare": ("L2-02", "missing", {"train.py": TRAIN, "etl/flow.py": "from prefect import flow, task\n" + "".join(f"@task\ndef {name}():\n    pass\n" for name in "abc")}),
    "a trainer that reports to W&B": ("L2-03", "met", {"a.py": "import transformers\nif __name__ == '__main__':\n    transformers.TrainingArguments(report_to='wandb')\n    trainer.train()\n"}),
    "a trainer that reports to TensorBoard": ("L2-03", "missing", {"a.py": "import transformers\nif __name__ == '__main__':\n    transformers.TrainingArguments(report_to='tensorboard')\n    trainer.train()\n"}),
    "written parameters that are logged": ("L2-04", "missing", {"a.py": LOGGED.format(option="n-trees", params="params = {'depth': 2}")}),
    "a module's written parameters that are logged": ("L2-04", "missing", {"a.py": WRITTEN.format(name="PARAMS")}),
    "a module's other parameters that are logged": ("L2-04", "unknown", {"a.py": WRITTEN.format(name="read_params()")}),
    "given parameters that are logged": ("L2-04", "met", {"a.py": LOGGED.format(option="n-trees", params="params = vars(parser.parse_args())")}),
    "a model that is registered by a name given": ("L2-05", "met", {"a.py": REGISTERS.format(name="registered_model_name")}),
    "a model that is only logged": ("L2-05", "missing", {"a.py": REGISTERS.format(name="artifact_path")}),
    "a model as an artefact of W&B": ("L2-05", "met", {"a.py": WANDB.format(kind="model")}),
    "data as an artefact of W&B": ("L2-05", "missing", {"a.py": WANDB.format(kind="dataset")}),
    "a registration by hand": ("L2-05", "unknown", {"train.py": TRAIN, "register.py": "import mlflow\nif __name__ == '__main__':\n    mlflow.register_model('a', 'b')\n"}),
    "a registration that a task starts": ("L2-05", "met", {"train.py": TRAIN, "register.py": "import mlflow\nif __name__ == '__main__':\n    mlflow.register_model('a', 'b')\n", "Makefile": "a:\n\tpython register.py\n"}),
    "a digest that autologging keeps": ("L2-06", "unknown", {"a.py": "import mlflow\nmlflow.sklearn.autolog()\n" + TRAIN}),
    "an autologging that keeps none": ("L2-06", "missing", {"a.py": "import mlflow\nmlflow.sklearn.autolog()\n" + TRAIN, "requirements.txt": "mlflow==2.2.1\n"}),
    "absent columns that stop": ("L2-07", "met", {"a.py": MADE.format(check="if missing_columns:\n        raise ValueError")}),
    "absent columns that are told": ("L2-07", "missing", {"a.py": MADE.format(check="if missing_columns:\n        print(1)")}),
    "an error that is handed on": ("L2-07", "unknown", {"a.py": "import sklearn\ndef validate_data(rows):\n    try:\n        if rows:\n            print(1)\n    except ValueError as error:\n        raise Other from error\nif __name__ == '__main__':\n    validate_data(x)\n    SVC().fit(x)\n"}),
    "a deployment of Prefect with a schedule": ("L2-08", "met", {"flow.py": FLOW, "a-deployment.yaml": DEPLOYED.format(name="name", rule="cron: 0 1 * * *")}),
    "a deployment of Prefect whose schedule is off": ("L2-08", "missing", {"flow.py": FLOW, "a-deployment.yaml": DEPLOYED.format(name="name", rule="cron: 0 1 * * *\n  active: false")}),
    "code that another file imports over several lines": ("L2-01", "met", BETWEEN | {"middle.py": "from work import (\n    go,\n)\ndef pass_on():\n    go()\n"}),
    "other code that another file imports": ("L2-01", "missing", BETWEEN | {"middle.py": "from work import (\n    stop,\n)\ndef pass_on():\n    stop()\n"}),
    "DAGs that an action deploys": ("L1-05", "met", {"dags/a.py": TRAIN, ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n    - uses: astronomer/deploy-action@v0.2\n"}),
    "a formatter that checks": ("L1-08", "met", {"a.py": TRAIN} | ci("black --check .")),
    "a formatter that rewrites": ("L1-08", "missing", {"a.py": TRAIN} | ci("black .")),
    "a package of Kedro": ("L1-05", "met", {"a.py": TRAIN} | ci("kedro package")),
    "a logger that keeps checkpoints": ("L2-05", "met", {"a.py": KEEPS.format(log_model="'all'")}),
    "a logger that keeps no checkpoints": ("L2-05", "missing", {"a.py": KEEPS.format(log_model="False")}),
    "a forest with a seed": ("L2-11", "met", {"a.py": SEEDS.format(model="model = RandomForestClassifier(random_state=1)")}),
    "a network whose seed is set": ("L2-11", "met", {"a.py": NETWORK.format(seed="torch.manual_seed(1)")}),
    "a network beside NumPy's seed": ("L2-11", "unknown", {"a.py": NETWORK.format(seed="numpy.random.seed(1)")}),
    "a split with a seed, and who knows": ("L2-11", "unknown", {"a.py": SEEDS.format(model="model = load()")}),
    "a search in a notebook beside a training": ("L2-14", "unknown", {"train.py": TRAIN, "a.ipynb": '{"cells": [{"cell_type": "code", "source": "from sklearn.model_selection import GridSearchCV\\nGridSearchCV(a)"}]}'}),
    "a sweep of Azure ML": ("L2-14", "met", {"train.py": TRAIN, "job.yml": "jobs:\n  a:\n    type: sweep\n"}),
    "a page beside a training": ("L3-01", "missing", {"train.py": TRAIN, "page.py": "import fastapi\napp = fastapi.FastAPI()\n@app.get('/')\ndef page():\n    return render(model_scores, predictions)\n"}),
    "an image that only trains": ("L3-02", "missing", {"train.py": TRAIN, "app.py": APP.format(load=""), "Dockerfile": "FROM x\nCMD python train.py\n", **ci("docker build .")}),
    "an image that serves": ("L3-02", "met", {"train.py": TRAIN, "app.py": APP.format(load=""), "Dockerfile": "FROM x\nCMD uvicorn app:app\n", **ci("docker build -t a . && docker push a")}),
    "an image that serves and stays in CI": ("L3-02", "missing", {"train.py": TRAIN, "app.py": APP.format(load=""), "Dockerfile": "FROM x\nCMD uvicorn app:app\n", **ci("docker build .")}),
    "an answer of a step by metrics": ("L3-06", "met", {"a.py": DECIDES.format(answer="return accuracy > 0.9")}),
    "an answer of a step by anything": ("L3-06", "missing", {"a.py": DECIDES.format(answer="return accuracy")}),
    "a model that has to be accepted": ("L3-06", "met", {"a.py": GUARDED.format(name="is_model_accepted")}),
    "a model that has to be there": ("L3-06", "missing", {"a.py": GUARDED.format(name="path")}),
    "a branch of Airflow by a metric": ("L3-06", "met", {"dags/train.py": BRANCH.format(test="accuracy > 0.9")}),
    "a branch of Airflow by a flag": ("L3-06", "missing", {"dags/train.py": BRANCH.format(test="enabled")}),
    "a share of the traffic": ("L3-07", "met", {"a.py": VERTEX + SPLIT.format(shares="{'0': 10, 'a': 90}")}),
    "all of the traffic": ("L3-07", "missing", {"a.py": VERTEX + SPLIT.format(shares="{'0': 100}")}),
    "a table of predictions": ("L3-10", "met", {"app.py": TABLE.format(version="model_version")}),
    "a table of predictions without the model": ("L3-10", "missing", {"app.py": TABLE.format(version="place")}),
    "metrics of drift alone": ("L3-11", "missing", {"app.py": APP.format(load="model = joblib.load('a')") + "from prometheus_client import Gauge\nGauge('data_drift', 'a')\n"}),
    "metrics of requests": ("L3-11", "met", {"app.py": APP.format(load="model = joblib.load('a')") + "from prometheus_client import Counter\nCounter('requests', 'a').inc()\n"}),
    "gauges alone": ("L3-11", "missing", {"app.py": APP.format(load="model = joblib.load('a')") + "from prometheus_client import Gauge\nGauge('memory', 'a')\n"}),
    "a schedule of Azure ML": ("L3-12", "met", {"a.yml": AZURE_SCHEDULE.format(kind="cron"), "jobs/drift.yml": AZURE_JOB, "drift.py": DRIFT}),
    "a job of Azure ML alone": ("L3-12", "missing", {"jobs/drift.yml": AZURE_JOB, "drift.py": DRIFT}),
    "a notebook that Databricks runs each day": ("L3-12", "met", {"databricks.yml": BUNDLE.format(status="UNPAUSED"), "drift.ipynb": NOTEBOOK}),
    "a notebook whose schedule is paused": ("L3-12", "missing", {"databricks.yml": BUNDLE.format(status="PAUSED"), "drift.ipynb": NOTEBOOK}),
    "an alarm for an address that is set": ("L3-13", "met", {"a.tf": TERRAFORM.format(default='"arn:a"')}),
    "an alarm for an address that is empty": ("L3-13", "missing", {"a.tf": TERRAFORM.format(default='""')}),
    "a loop of its own that trains by drift": ("L4-03", "met", {"a.py": LOOP.format(signal="drift_detected")}),
    "a loop of its own that trains by a request": ("L4-03", "missing", {"a.py": LOOP.format(signal="asked")}),
    "a README with a few scripts that are not there": ("L0-02", "unknown", readme("python train.py\npython train.py\npython fit.py")),
    "a README with a module that is not there": ("L0-02", "missing", {**readme("uvicorn a.serve:app"), "a/__init__.py": ""}),
    "a README with a target that is not there": ("L0-02", "missing", {**readme("make fit"), "Makefile": "train:\n\tpython train.py\n"}),
    "a README with a target of a makefile": ("L0-02", "met", {**readme("make train"), "makefile": "train:\n\tpython train.py\n"}),
    "a README with a script that it downloads": ("L0-02", "met", readme("curl -fsSL https://a -o get.sh\nsh get.sh\npython train.py")),
    "a README with a later target in its text": ("L0-02", "met", {**readme("python train.py"), "README.md": readme("python train.py")["README.md"] + "Then `make fit`.\n"}),
    "a README with the package's own command": ("L0-02", "met", {**readme("foretell data.csv"), "pyproject.toml": "[project]\nname = 'a'\n[project.scripts]\nforetell = 'train:main'\n"}),
    "packaging that uv is told to leave": ("L1-01", "missing", {"a/__init__.py": TRAIN, "pyproject.toml": "[project]\nname = 'a'\n[tool.uv]\npackage = false\n"}),
    "a test that predicts": ("L1-07", "met", {"a.py": "from sklearn.svm import SVC\ndef fit(x):\n    return SVC().fit(x)\n", "tests/test_a.py": "from a import fit\ndef test_it():\n    assert fit(1).predict(1) == 1\n"}),
    "a test that predicts with a stand-in": ("L1-07", "unknown", {"a.py": "from sklearn.svm import SVC\ndef fit(x):\n    return SVC().fit(x)\n", "tests/test_a.py": "from a import fit\nfake_model = Fake()\ndef test_it():\n    assert fit(1) and fake_model.predict(1) == 1\n"}),
    "a test that hands a function on": ("L1-07", "unknown", {"a.py": "from sklearn.svm import SVC\ndef fit(x):\n    return SVC().fit(x)\n", "tests/test_a.py": "from a import fit\ndef test_it():\n    assert check(fit(1).predict)\n"}),
    "a make file in small letters": ("L1-10", "met", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, "makefile": "test:\n\tpytest\ntrain:\n\tpython train.py\n"}),
    "data that the training fetches": ("L1-11", "met", {"train.py": "import openml\n" + TRAIN + "openml.datasets.get_dataset(1)\n"}),
    "data that something else fetches": ("L1-11", "unknown", {"train.py": TRAIN, "show.py": "import openml\nopenml.datasets.get_dataset(1)\n"}),
    "models that a script downloads": ("L1-11", "unknown", {"train.py": TRAIN, "download_models.py": "import gdown\ngdown.download('https://a')\n"}),
    "pictures in a folder": ("L1-11", "missing", {"train.py": "import torchvision\n" + TRAIN + "torchvision.datasets.ImageFolder('a')\n"}),
    "a column taken from a date": ("L1-11", "missing", {"train.py": "from b import get_date_from_columns\n" + TRAIN + "get_date_from_columns(x)\n", "b.py": "def get_date_from_columns(x):\n    return x\n"}),
    "a secret that a script fetches": ("L1-11", "missing", {"train.py": TRAIN, "a.sh": "curl https://secretmanager.a/b | jq .payload.data\n"}),
    "a job of Databricks in JSON": ("L2-01", "met", {"fit/train.py": INSIDE, "jobs/job.json": '{"notebook_task": {"notebook_path": "/there/train"}}'}),
    "a function under another name": ("L2-01", "met", {"a/__init__.py": "", "a/fit.py": "import sklearn\ndef run():\n    SVC().fit(x)\n", "go.py": "from a.fit import run as run_fit\nif __name__ == '__main__':\n    run_fit()\n"}),
    "stages of DVC that train": ("L2-02", "met", {"train.py": TRAIN, "dvc.yaml": STAGES.format(last="train")}),
    "stages of DVC where nothing trains": ("L2-02", "missing", {"a.py": "import sklearn\n", "dvc.yaml": STAGES.format(last="plot")}),
    "a pipeline of Mage": ("L2-02", "met", MAGE),
    "a trigger of Mage": ("L2-08", "met", {**MAGE, "m/pipelines/fit/triggers.yaml": TRIGGER.format(status="active")}),
    "a trigger of Mage that is off": ("L2-08", "missing", {**MAGE, "m/pipelines/fit/triggers.yaml": TRIGGER.format(status="inactive")}),
    "parameters that Kedro reads": ("L2-04", "met", {"conf/base/parameters.yml": "depth: 2\n", **KEDRO}),
    "parameters of a step that nothing reads": ("L2-04", "missing", KEDRO),
    "a configuration that is checked": ("L2-07", "missing", {"config.py": "from pydantic import BaseModel\nclass Config(BaseModel):\n    a: int\ndef read(x):\n    return Config.model_validate(x)\n", "train.py": "from config import read\n" + TRAIN + "read(1)\n"}),
    "slices of tensors": ("L2-10", "missing", {"train.py": "import tensorflow\n" + TRAIN + "accuracy = from_tensor_slices(x)\n"}),
    "features within a stored pipeline": ("L2-12", "unknown", {"train.py": "from sklearn.pipeline import Pipeline\n" + TRAIN + "Pipeline([model])\n", "tests/test_a.py": UNIT_TEST, **ci("python train.py")}),
    "a test of the pipeline in CI": ("L2-13", "met", {**WHOLE, **ci("pytest")}),
    "a test of the pipeline that no CI runs": ("L2-13", "missing", WHOLE),
    "a test of one function that trains": ("L2-13", "unknown", {"fitting.py": WHOLE["pipeline.py"], "tests/test_fitting.py": "from fitting import train\ndef test_it():\n    assert train(1) == 1\n", **ci("pytest")}),
    "a search in a notebook": ("L2-14", "unknown", {"a.ipynb": '{"cells": [{"cell_type": "code", "source": "from sklearn.model_selection import GridSearchCV\\nGridSearchCV(SVC()).fit(x)"}]}'}),
    "a function of a cloud that is named for predictions": ("L3-01", "met", {"train.py": TRAIN, "lambda.py": "import boto3\ndef make_prediction(event, context):\n    return session.run(event)\n"}),
    "a function of a cloud that answers a constant": ("L3-01", "missing", {"train.py": TRAIN, "lambda.py": "import boto3\ndef inference_handler(event, context):\n    return 1\n"}),
    "a model that a command serves": ("L3-04", "met", {"train.py": TRAIN, "start.sh": "mlflow models serve -m models:/a/Production\n"}),
    "a file that a command serves": ("L3-04", "missing", {"train.py": TRAIN, "start.sh": "mlflow models serve -m ./model\n"}),
    "a switch that is no gate": ("L3-06", "missing", {"train.py": SWITCHED.format(value="asked")}),
    "a gate behind a switch": ("L3-06", "met", {"train.py": SWITCHED.format(value="accuracy > 0.9")}),
    "a split of a study by a hash": ("L3-07", "missing", {"train_rows.py": SPLIT_BY_HASH, "tests/test_a.py": "from train_rows import variant_of\ndef test_it():\n    assert variant_of(1) == 1\n"}),
    "a search with a seed": ("L2-11", "met", {"train.py": SEARCHED.format(how="sampler=TPESampler(seed=1)")}),
    "a search without a seed": ("L2-11", "unknown", {"train.py": SEARCHED.format(how="direction='minimize'")}),
    "a job that only a person starts": ("L1-05", "missing", {"train.py": TRAIN, **guarded_job("github.event_name == 'workflow_dispatch'")}),
    "a job that an input chooses": ("L1-05", "missing", {"train.py": TRAIN, **guarded_job("inputs.target == 'image'")}),
    "a job for pushes": ("L1-05", "met", {"train.py": TRAIN, **guarded_job("github.event_name == 'push' || github.event_name == 'schedule'")}),
    "a job for all but pull requests": ("L1-05", "met", {"train.py": TRAIN, **guarded_job("github.event_name != 'pull_request'")}),
    "an application's image in a folder of its own": ("L1-05", "met", {"train.py": TRAIN, "app/Dockerfile": "FROM x\n", "app/a.py": "print(1)\n", **ci("docker build app")}),
    "rows of text that are large": ("L0-03", "missing", {"train.py": TRAIN, "data/rows.txt": "1 2\n" * 300_000}),
    "a README with commands in its text": ("L0-02", "met", {"README.md": f"# A\nIt predicts who leaves, by a model.\n{'word ' * 60}\nmake train\n", "Makefile": "train:\n\tpython train.py\n", "train.py": TRAIN}),
    "the package beside what trains": ("L1-01", "met", {"airflow/pyproject.toml": "[tool.poetry]\nname = 'dags'\n", "fitting/pyproject.toml": "[tool.poetry]\nname = 'fitting'\n", "fitting/fitting/__init__.py": TRAIN}),
    "pins in the project's own table": ("L1-02", "met", {"train.py": TRAIN, "pyproject.toml": "[project]\nname = 'a'\ndependencies = ['scikit-learn==1', 'numpy==2']\n"}),
    "one pin for many packages": ("L1-02", "missing", {"train.py": "import boto3, docker, flask, yaml\n" + TRAIN, "requirements.txt": "boto3==1\n"}),
    "an audit that is only installed": ("L1-12", "missing", {"train.py": TRAIN, **ci("pip install pip-audit")}),
    "an audit in CI": ("L1-12", "met", {"train.py": TRAIN, **ci("pip-audit")}),
    "a release by a script on a machine": ("L1-06", "met", {"train.py": TRAIN, "deploy/release.sh": "poetry publish\n", ".github/workflows/a.yml": BY_SSH}),
    "data by Kaggle's own command": ("L1-11", "met", {"train.py": "import subprocess\n" + TRAIN + "subprocess.run(['kaggle', 'datasets', 'download', '-d', 'a'])\n"}),
    "a request for predictions": ("L1-11", "missing", {"train.py": TRAIN, "ask.sh": "curl http://a/predictions -d data.csv\n"}),
    "what a module is made with": ("L2-04", "met", {"train.py": LIGHTNING.format(keeps="save_hyperparameters")}),
    "what a module keeps for no tracker": ("L2-04", "missing", {"train.py": LIGHTNING.format(keeps="save_hyperparameters").replace("WandbLogger('a')", "1")}),
    "a loop that waits for a machine": ("L2-08", "missing", {"train.py": ENDLESS.format(name="wait_until_ready")}),
    "a loop that trains": ("L2-08", "met", {"train.py": ENDLESS.format(name="keep_fresh")}),
    "the loss of the current epoch": ("L2-09", "missing", {"train.py": JUDGED.format(name="current_loss")}),
    "the loss of the previous model": ("L2-09", "met", {"train.py": JUDGED.format(name="previous_loss")}),
    "a feature store alone": ("L2-12", "unknown", {"train.py": "import feast\n" + TRAIN + "feast.FeatureStore('.')\n"}),
    "a method of a model of one's own": ("L3-01", "missing", {"train.py": OWN_MODEL + "    def fit(self, x):\n        self.inner.fit(x)\nTree().fit(1).predict(2)\n"}),
    "rows that a class predicts": ("L3-01", "met", {"predict.py": OWN_MODEL + "Tree().predict(2)\n"}),
    "a page beside predictions in batches": ("L3-01", "met", {"train.py": TRAIN, "page.py": "import streamlit\nstreamlit.write(1)\n", "batch_score.py": "import sklearn\nmodel.predict(x)\n"}),
    "an image that starts nothing that predicts": ("L3-02", "missing", {"app.py": APP.format(load=""), "work.py": "print(1)\n", "Dockerfile": "FROM x\nCMD python work.py\n", ".github/workflows/a.yml": PUSHES_IMAGE}),
    "an image that starts the service": ("L3-02", "met", {"app.py": APP.format(load=""), "Dockerfile": "FROM x\nCMD uvicorn app:app\n", ".github/workflows/a.yml": PUSHES_IMAGE}),
    "an alarm for an address that may be subscribed": ("L3-13", "missing", {"a.tf": TOPIC.format(default='""')}),
    "an alarm for an address that is subscribed": ("L3-13", "met", {"a.tf": TOPIC.format(default='"ann@a.org"')}),
    "a README with a list that is not there": ("L0-02", "unknown", readme("pip install -r needed.txt\npython train.py")),
    "a folder of a person in a manifest": ("L0-03", "missing", {"train.py": TRAIN, "compose.yaml": f"services:\n  a: {{volumes: ['{HOMES}ann/work:/work']}}\n"}),
    "a folder of a person in what conda wrote": ("L0-03", "met", {"train.py": TRAIN, "environment.yml": f"prefix: {HOMES}ann/conda\n"}),
    "a database of runs": ("L0-03", "missing", {"train.py": TRAIN, "mlflow.db": "a" * 1_200_000}),
    "rows of files of one's own": ("L1-11", "missing", {"train.py": "from datasets import load_dataset\n" + TRAIN + "load_dataset('csv', data_files='a.csv')\n"}),
    "rows of the hub": ("L1-11", "met", {"train.py": "from datasets import load_dataset\n" + TRAIN + "load_dataset('imdb')\n"}),
    "a bucket still to be named": ("L1-11", "missing", {"train.py": TRAIN, "Makefile": "get:\n\taws s3 sync s3://your-bucket/data data\n"}),
    "a script that a test imports": ("L2-01", "met", {"fitting.py": "import sklearn\nSVC().fit(x)\n", "tests/test_a.py": "import fitting\ndef test_it():\n    assert fitting\n"}),
    "a module that another one imports": ("L2-01", "missing", {"fitting.py": "import sklearn\nSVC().fit(x)\n", "pages/__init__.py": "import fitting\n"}),
    "a deployment of Prefect without a schedule": ("L2-08", "unknown", {"train.py": PREFECT.format(when="")}),
    "a deployment of Prefect with schedules": ("L2-08", "met", {"train.py": PREFECT.format(when="schedules=[IntervalSchedule(interval=day)]")}),
    "a logger alone": ("L2-04", "missing", {"train.py": LIGHTNING.format(keeps="freeze")}),
    "a sweep whose values are read": ("L2-04", "met", {"train.py": LIGHTNING.format(keeps="freeze") + "import wandb\nprint(wandb.config.depth)\n"}),
    "the shape of the rows": ("L2-06", "missing", {"train.py": "import mlflow\n" + TRAIN + "mlflow.log_param('dataset_shape', dataset_shape)\n"}),
    "slices of what is judged": ("L2-10", "met", {"evaluate.py": "import sklearn\nslices = 1\naccuracy = SVC().fit(x).score(slices)\n"}),
    "slices of an array": ("L2-10", "missing", {"collate.py": "import sklearn\nslices = 1\naccuracy = SVC().fit(x)\n"}),
    "notebooks without a seed beside a script": ("L2-11", "unknown", {"fit.py": "import sklearn\nfrom sklearn.ensemble import RandomForestClassifier\nRandomForestClassifier(random_state=1).fit(x)\n", "b.ipynb": CELL.format("[SVC().fit(x), SVC().fit(x), SVC().fit(x), SVC().fit(x), SVC().fit(x)]")}),
    "an image that a trigger elsewhere pushes": ("L3-02", "unknown", {"train.py": TRAIN, "app.py": APP.format(load=""), "Dockerfile": "FROM x\nCMD uvicorn app:app\n", **ci("docker build ."), "cloudbuild.yaml": "steps:\n- name: gcr.io/cloud-builders/docker\n  args: [push, a]\n"}),
    "a package that a script of training uses": ("L1-01", "met", {"pyproject.toml": "[project]\nname = 'a'\n", "a/__init__.py": "", "a/rows.py": "def read():\n    return 1\n", "go.py": "from a.rows import read\nread()\n", "train.py": TRAIN}),
    "a package that nothing uses": ("L1-01", "missing", {"pyproject.toml": "[project]\nname = 'a'\n", "a/__init__.py": "", "a/rows.py": "def read():\n    return 1\n", "train.py": TRAIN}),
    "columns that have to be there": ("L2-07", "met", {"train.py": READS_ROWS.format(does="raise ValueError(rows)")}),
    "columns that are told to be absent": ("L2-07", "missing", {"train.py": READS_ROWS.format(does="print(rows)")}),
    "sounds that are large": ("L0-03", "missing", {"train.py": TRAIN, "tests/a.wav": "a" * 1_200_000}),
    "a folder of a person in settings of Airflow": ("L0-03", "missing", {"train.py": TRAIN, "airflow.cfg": f"dags_folder = {HOMES}ann/dags\n"}),
    "a search of models by Azure ML": ("L0-01", "met", {"train.py": "import sklearn\nfrom azure.ai.ml import automl\nautoml.classification(target_column_name='a')\n"}),
    "tests whose exit code tee replaces": ("L1-04", "missing", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, **ci("pytest | tee told.txt")}),
    "tests whose exit code a pipe keeps": ("L1-04", "met", {"train.py": TRAIN, "tests/test_a.py": UNIT_TEST, **ci("set -o pipefail; pytest | tee told.txt")}),
    "an endpoint of Databricks": ("L3-01", "met", {"serve.py": "import sklearn\nfrom databricks.sdk import WorkspaceClient\nclient = WorkspaceClient()\nclient.serving_endpoints.create(name='a')\n"}),
    "metrics by a layer of the service": ("L3-11", "met", {"app.py": APP.format(load="model = joblib.load('a')") + "from starlette_prometheus import PrometheusMiddleware\napp.add_middleware(PrometheusMiddleware)\n"}),
    "a test of a command's help": ("L2-13", "missing", {"pipeline.py": WHOLE["pipeline.py"], "tests/test_pipeline.py": WHOLE["tests/test_pipeline.py"].replace("test_it", "test_train_help"), **ci("pytest")}),
    "tests of modules that are there": ("L1-03", "met", ABSENT | {"tests/test_a.py": "from src.work import go\ndef test_it():\n    assert go()\n"}),
    "tests of modules that are not there": ("L1-03", "missing", ABSENT | {"tests/test_a.py": "from src.old.work import go\ndef test_it():\n    assert go()\n"}),
    "CI whose tests cannot be imported": ("L1-04", "unknown", ABSENT | {"tests/test_a.py": "from src.old.work import go\ndef test_it():\n    assert go()\n"} | ci("pytest")),
    "a script of modules that are not there": ("L2-01", "missing", ABSENT | {"run.py": "from src.old.work import go\nif __name__ == '__main__':\n    SVC().fit(x)\n"}),
    "a module that is imported in case it is there": ("L2-01", "met", ABSENT | {"run.py": "import sklearn\ntry:\n    from src.old.work import go\nexcept ImportError:\n    go = None\nif __name__ == '__main__':\n    SVC().fit(x)\n"}),
    "a DAG of modules that are there": ("L2-02", "met", ABSENT | {"dags/train.py": OPERATORS.format(module="work")}),
    "a DAG of modules that are not there": ("L2-02", "missing", ABSENT | {"dags/train.py": OPERATORS.format(module="old")}),
    "a branch that Jenkins fetches": ("L1-06", "unknown", {"Dockerfile": "FROM x\n", "Jenkinsfile": FETCHED.format(when="")}),
    "a branch for which Jenkins runs": ("L1-06", "met", {"Dockerfile": "FROM x\n", "Jenkinsfile": FETCHED.format(when="when { branch 'main' }")}),
    "a README that copies what is not there": ("L0-02", "unknown", readme("cp .env.sample .env\npython train.py")),
    "a README that copies what is there": ("L0-02", "met", readme("cp .env.sample .env\npython train.py") | {".env.sample": ""}),
    "a README of services that are not there": ("L0-02", "unknown", readme("docker compose up\npython train.py")),
    "a README of services": ("L0-02", "met", readme("docker compose up\npython train.py") | {"compose.yaml": ""}),
    "a README of settings that are not there": ("L0-02", "unknown", readme("python train.py\npython train.py --with settings/fit.yaml")),
    "a README of settings": ("L0-02", "met", readme("python train.py\npython train.py --with settings/fit.yaml") | {"settings/fit.yaml": ""}),
    "Dependabot without an ecosystem": ("L1-12", "missing", {"train.py": TRAIN, ".github/dependabot.yml": "updates:\n- package-ecosystem: ''\n  directory: /\n"}),
    "reports that DVC keeps": ("L2-06", "missing", {"train.py": TRAIN, "reports.dvc": "outs:\n- md5: a\n  path: reports\n"}),
    "rows that DVC keeps": ("L2-06", "met", {"train.py": TRAIN, "rows.dvc": "outs:\n- md5: a\n  path: rows\n"}),
    "a test of the health of a service": ("L3-05", "missing", {"train.py": TRAIN, "app.py": APP.format(load="model = joblib.load('a')"), "tests/test_a.py": HEALTH_TEST.format(route="/health")} | ci("pytest")),
    "a test of the answer of a service": ("L3-05", "met", {"train.py": TRAIN, "app.py": APP.format(load="model = joblib.load('a')"), "tests/test_a.py": HEALTH_TEST.format(route="/score")} | ci("pytest")),
    "a network beside a forest with a seed": ("L2-11", "unknown", {"train.py": "import torch, sklearn\nfrom sklearn.ensemble import RandomForestClassifier\nif __name__ == '__main__':\n    RandomForestClassifier(random_state=1).fit(x)\n    net.fit(x)\n"}),
    "one of three forests without a seed": ("L2-11", "unknown", {"train.py": FORESTS.format(last="")}),
    "three forests with seeds": ("L2-11", "met", {"train.py": FORESTS.format(last="random_state=1")}),
    "a baseline by its name alone": ("L2-09", "unknown", {"train.py": JUDGED.format(name="baseline")}),
    "the loss of a baseline": ("L2-09", "met", {"train.py": JUDGED.format(name="baseline_loss")}),
    "autologging beside options": ("L2-04", "unknown", {"train.py": "import argparse, mlflow, sklearn\nif __name__ == '__main__':\n    args = argparse.ArgumentParser().parse_args()\n    mlflow.autolog()\n    SVC(args.depth).fit(x)\n"}),
    "an image whose start is not seen": ("L3-02", "unknown", {"train.py": TRAIN, "app.py": APP.format(load="model = joblib.load('a')"), "Dockerfile": "FROM x\nCMD ./start\n", **PUSHED}),
    "an image whose server is seen": ("L3-02", "met", {"train.py": TRAIN, "app.py": APP.format(load="model = joblib.load('a')"), "Dockerfile": "FROM x\nCMD uvicorn app:app\n", **PUSHED}),
    "a task of tests where nothing is trained": ("L1-10", "missing", {"rows.py": "import sklearn\n", "Makefile": "test:\n\tpytest\n"}),
    "a counter that is never raised": ("L3-11", "unknown", {"app.py": APP.format(load="from prometheus_client import Counter\nASKED = Counter('a', 'b')")}),
    "a counter that is raised": ("L3-11", "met", {"app.py": APP.format(load="from prometheus_client import Counter\nASKED = Counter('a', 'b')\nASKED.inc()")}),
    "a folder of a drive of a person": ("L0-03", "missing", {"train.py": TRAIN + "open('e:/work/rows.csv')\n"}),
    "a program on a drive": ("L0-03", "met", {"train.py": TRAIN + "run('C:/Program Files/tool.exe')\n"}),
    "parameters of DVC where nothing is trained": ("L2-04", "missing", {"rows.py": "import sklearn\n", "dvc.yaml": PARAMETERS}),
    "parameters of DVC": ("L2-04", "met", {"train.py": TRAIN, "dvc.yaml": PARAMETERS}),
    "a seed of a split for a network": ("L2-11", "unknown", {"train.py": NETWORK.format(seed="split(generator=torch.Generator().manual_seed(1))")}),
    "a seed of a card for a network": ("L2-11", "unknown", {"train.py": NETWORK.format(seed="torch.cuda.manual_seed_all(1)")}),
    "features that fit themselves": ("L0-01", "missing", {"features.py": FITS_ITSELF.format(name="FeatureEngineer")}),
    "a model that fits itself": ("L0-01", "met", {"features.py": FITS_ITSELF.format(name="Forest")}),
    "a check of where rows are": ("L2-07", "unknown", {"train.py": CHECKS_ROWS.format(test="path.suffix == '.csv'")}),
    "a check of what rows have": ("L2-07", "met", {"train.py": CHECKS_ROWS.format(test="rows.columns == NEEDED")}),
    "settings of drift in a scheduled job": ("L3-12", "missing", {"train.py": SCHEDULED.format(body="    drift_share = 1", asks=""), **NIGHTLY}),
    "drift in a scheduled job": ("L3-12", "met", {"train.py": SCHEDULED.format(body="    def drift_share(self):\n        return share(1)", asks=".drift_share()"), **NIGHTLY}),
}  # fmt: skip


def bytes_of(text: str) -> bytes:
    """Return a file's bytes; a text after `utf-16:` is written as PowerShell would."""
    wide = text.startswith("utf-16:")
    return text.removeprefix("utf-16:").encode("utf-16" if wide else "utf-8")


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_read_as_it_is(name: str) -> None:
    id, status, files = KINDS[name]
    found = assess({path: bytes_of(text) for path, text in files.items()}).findings[id]
    assert found.status == status, found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".circleci/config.yml", "workflows: {a: {jobs: [[b]]}}\njobs: {b: {steps: [run: c]}}\n"),
        ("jobs/drift.yml", "create_job: a.yml\ntrigger: {type: [cron]}\n"),
        ("k8s/service.yml", "kind: [Rollout]\nspec: {analysis: a}\n"),
        (
            "mage/pipelines/a/triggers.yaml",
            "triggers:\n- {status: active, schedule_type: [time]}\n",
        ),
        ("pyproject.toml", '[tool.poetry]\nname = "[a"\n'),
        ("Pipfile.lock", "[1]"),
        ("uv.lock", "package = 3\n"),
        ("load.py", "import datasets\ndatasets.load_dataset(['csv'])\n"),
        ("log.py", "import wandb\nwandb.WandbLogger(log_model=['all'])\n"),
    ],
)
def test_a_value_of_another_type_hides_no_criterion(path: str, text: str) -> None:
    beside = {"train.py": TRAIN, "mage/pipelines/a/metadata.yaml": "blocks: []\n"}
    found = assess({name: body.encode() for name, body in {**beside, path: text}.items()})
    assert not [one for one in found.findings.values() if "looked for" in one.reason]
