"""Small repositories in pairs: one meets a criterion, the others nearly do.

Where they can, those that meet it use other tools than our own template.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

Tree = dict[str, bytes]
Texts = Mapping[str, str | bytes]


def tree(*parts: Texts) -> Tree:
    """Return the files of several parts; a later part replaces those of an earlier one."""
    return {
        path: text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode()
        for part in parts
        for path, text in part.items()
    }


def notebook(*cells: str) -> str:
    """Return a notebook with code cells."""
    return json.dumps(
        {"cells": [{"cell_type": "code", "source": dedent(cell)} for cell in cells], "nbformat": 4}
    )


@dataclass(frozen=True)
class Twin:
    """A repository that meets a criterion, and near misses by what is wrong with each."""

    present: Tree
    missing: dict[str, Tree]


def twin(base: Texts, present: Texts, /, **missing: Texts) -> Twin:
    """Return a twin whose trees have some files in common."""
    return Twin(tree(base, present), {why: tree(base, one) for why, one in missing.items()})


TRAIN = {
    "train.py": """
        import xgboost

        booster = xgboost.train({}, xgboost.DMatrix("train.buffer"))
    """
}
PACKAGE = {
    "pyproject.toml": """
        [tool.poetry]
        name = "churn"
        version = "1"

        [tool.poetry.scripts]
        train = "churn.cli:main"
    """,
    "churn/__init__.py": "",
    "churn/cli.py": """
        from churn.model import fit_booster

        def main():
            fit_booster()
    """,
    "churn/model.py": """
        import lightgbm

        def fit_booster():
            return lightgbm.train({}, lightgbm.Dataset("train.csv"))
    """,
}
TESTED = {
    "tests/test_rows.py": """
        import unittest

        from churn.rows import drop_empty

        class Rows(unittest.TestCase):
            def test_empty_rows_are_dropped(self):
                self.assertEqual(drop_empty([[], [1]]), [[1]])
    """,
    "churn/__init__.py": "",
    "churn/rows.py": "def drop_empty(rows):\n    return [row for row in rows if row]\n",
}
GITLAB_TESTS = {
    ".gitlab-ci.yml": """
        test:
          rules:
            - if: $CI_PIPELINE_SOURCE == "merge_request_event"
            - if: $CI_COMMIT_BRANCH
          script: [tox]
    """,
    "tox.ini": """
        [testenv]
        commands =
            pytest -q
    """,
}
PICKLED = {
    "app.py": """
        import joblib
        from flask import Flask, request

        app = Flask(__name__)
        model = joblib.load("model.pkl")

        @app.post("/predict")
        def predict():
            return {"value": float(model.predict([request.json["row"]])[0])}
    """,
    "Procfile": "web: gunicorn app:app\n",
}
BENTO = {
    "bentofile.yaml": 'service: "service:Churn"\n',
    "service.py": """
        import bentoml

        @bentoml.service
        class Churn:
            model = bentoml.models.BentoModel("churn:latest")

            @bentoml.api
            def predict(self, rows):
                return bentoml.sklearn.load_model(self.model).predict(rows)
    """,
}

LEVEL_0 = {
    "L0-01": twin(
        {"requirements.txt": "torch\n"},
        {
            "study.ipynb": notebook(
                "import torch",
                "for x, y in rows:\n    loss = torch.nn.functional.mse_loss(net(x), y)\n    loss.backward()",
            )
        },
        a_function_of_the_name={
            "suit.py": "def fit(customer):\n    return customer\n\nfit('tall')\n",
        },
        in_the_documentation_only={
            "docs/example.py": "from sklearn.svm import SVC\n\nSVC().fit([[0]], [0])\n",
        },
        in_a_comment={"net.py": "import torch\n\n# loss.backward()\nnet = torch.nn.Linear(1, 1)\n"},
    ),
    "L0-02": twin(
        TRAIN,
        {
            "compose.yaml": "services: {train: {build: .}}\n",
            "README.rst": """
                Churn
                =====

                This project predicts which customers leave within the next quarter, so that the
                service team can call them before they do. The rows come from the billing system;
                one row is a customer and a month, and the target says whether the contract ended
                in the three months after it.

                .. code-block:: console

                    docker compose run train
            """,
        },
        words_that_look_like_a_command={
            "README.md": """
                # Churn

                This project predicts which customers leave within the next quarter, so that the
                service team can call them before they do. To run it, ask Ann for the rows and
                make sure that your laptop has enough memory. If you use
                docker or a similar tool, ask her too; she knows how the pieces fit together.
            """
        },
        only_commands={
            "README.md": "# Churn\n\n```\n" + "python train.py  # train the model\n" * 20 + "```\n"
        },
        a_command_without_a_purpose={"README.md": "# Churn\n\n```\npython train.py\n```\n"},
    ),
    "L0-03": twin(
        TRAIN,
        {"data/rows.parquet.dvc": "outs:\n- md5: 0123\n  path: rows.parquet\n"},
        a_large_model={"model.onnx": b"\0" * 1_000_001},
        one_persons_folder={"rows.py": 'ROWS = "/Users/ann/rows.csv"\nprint(ROWS)\n'},
    ),
    "L0-04": twin(
        {"study.ipynb": notebook("import xgboost", "xgboost.train({}, rows)")},
        TRAIN,
        only_notebooks={"rows.py": "import xgboost\n\nprint(xgboost.__version__)\n"},
    ),
}

LEVEL_1 = {
    "L1-01": twin(
        {},
        PACKAGE,
        tables_of_tools_only={**PACKAGE, "pyproject.toml": "[tool.ruff]\nline-length = 100\n"},
        training_outside_of_it={
            "pyproject.toml": '[project]\nname = "churn"\nversion = "1"\n',
            "churn/__init__.py": "",
            **TRAIN,
        },
    ),
    "L1-02": twin(
        TRAIN,
        {"conda-lock.yml": "version: 1\npackage:\n- name: xgboost\n  version: 3.0.0\n"},
        ranges={"requirements.txt": "xgboost==3.0.0\npandas>=2\n"},
        an_empty_lock_file={"poetry.lock": ""},
        a_lock_file_of_the_documentation={"docs/requirements.txt": "sphinx==8.0\n"},
    ),
    "L1-03": twin(
        {},
        TESTED,
        no_assertion={**TESTED, "tests/test_rows.py": "from churn.rows import drop_empty\n\ndef test_rows():\n    drop_empty([[]])\n"},
        it_tests_nothing_of_the_code={**TESTED, "tests/test_rows.py": "def drop_empty(rows):\n    return rows\n\ndef test_rows():\n    assert drop_empty([]) == []\n"},
    ),
    "L1-04": twin(
        TESTED,
        GITLAB_TESTS,
        allowed_to_fail={**GITLAB_TESTS, ".gitlab-ci.yml": "test:\n  script: [tox]\n  allow_failure: true\n"},
        its_exit_code_is_lost={**GITLAB_TESTS, "tox.ini": "[testenv]\ncommands =\n    pytest -q || true\n"},
        by_hand={**GITLAB_TESTS, ".gitlab-ci.yml": "test:\n  script: [tox]\n  when: manual\n"},
        in_a_comment={".gitlab-ci.yml": "test:\n  script:\n    - echo hello\n    # - pytest\n"},
        only_named={".gitlab-ci.yml": "test:\n  script:\n    - echo run pytest\n"},
    ),
    "L1-05": twin(
        {"Dockerfile": "FROM python:3.12\n"},
        {
            ".circleci/config.yml": """
                version: 2.1
                jobs:
                  image:
                    docker: [{image: cimg/base}]
                    steps:
                      - run: docker build --tag churn .
            """
        },
        nothing_builds_the_image={".circleci/config.yml": "version: 2.1\njobs:\n  a:\n    steps:\n      - run: pytest\n"},
        only_named={".circleci/config.yml": "version: 2.1\njobs:\n  a:\n    steps:\n      - run: echo docker build .\n"},
        by_hand={".github/workflows/a.yml": "on: workflow_dispatch\njobs:\n  a:\n    steps:\n      - run: docker build .\n"},
    ),
    "L1-06": twin(
        PACKAGE,
        {
            ".gitlab-ci.yml": """
                publish:
                  rules:
                    - if: $CI_COMMIT_TAG
                  script:
                    - poetry build
                    - twine upload dist/*
            """
        },
        by_hand={".github/workflows/a.yml": "on: workflow_dispatch\njobs:\n  a:\n    steps:\n      - run: twine upload dist/*\n"},
        only_the_documentation={".github/workflows/a.yml": "on: push\njobs:\n  a:\n    steps:\n      - run: mkdocs gh-deploy\n"},
        switched_off={".github/workflows/a.yml": "on: push\njobs:\n  a:\n    if: false\n    steps:\n      - run: twine upload dist/*\n"},
    ),
    "L1-07": twin(
        {
            "churn/__init__.py": "",
            "churn/net.py": """
                import torch

                class Net(torch.nn.Module):
                    def forward(self, x):
                        return x
            """,
        },
        {
            "tests/test_net.py": """
                import torch

                from churn.net import Net

                def test_the_shape_of_its_answers():
                    net = Net()
                    assert net(torch.zeros(3, 2)).shape == (3, 2)
            """
        },
        no_assertion={"tests/test_net.py": "from churn.net import Net\n\ndef test_net():\n    Net()(1)\n"},
        it_predicts_nothing={"tests/test_net.py": "from churn.net import Net\n\ndef test_net():\n    assert Net() is not None\n"},
    ),
    "L1-08": twin(
        TRAIN,
        {".gitlab-ci.yml": "style:\n  script: [make lint]\n", "Makefile": "lint:\n\tpython -m pylint churn\n"},
        settings_that_nothing_runs={"pyproject.toml": "[tool.ruff]\nline-length = 100\n"},
        another_hook={"lefthook.yml": "pre-push:\n  commands:\n    tests:\n      run: pytest\n"},
    ),
    "L1-09": twin(
        TRAIN,
        {"lefthook.yml": "pre-commit:\n  commands:\n    types:\n      run: pyright\n"},
        no_hooks={".pre-commit-config.yaml": "repos: []\n"},
        nothing_in_the_file={"lefthook.yml": "# pre-commit:\n#   commands:\n"},
        a_folder_of_husky_that_runs_nothing={".husky/.gitignore": "_\n"},
    ),
    "L1-10": twin(
        TRAIN,
        {"justfile": "train:\n    python train.py\n\ntest:\n    pytest\n"},
        only_variables={"Makefile": "PYTHON = python3\nexport PYTHON\n"},
        an_empty_file={"tox.ini": ""},
    ),
    "L1-11": twin(
        TRAIN,
        {"train.py": 'import boto3\nimport xgboost\n\nboto3.client("s3").download_file("rows", "a.csv", "a.csv")\nxgboost.train({}, xgboost.DMatrix("a.csv"))\n'},
        nothing_reaches_it={"fetch.py": "import boto3\n\ndef fetch():\n    boto3.client('s3')\n", "a.py": "import fetch\n\nprint(fetch)\n"},
        a_remote_in_a_comment={".dvc/config": "# ['remote \"rows\"']\n#     url = s3://rows\n"},
        a_function_of_the_name={"rows.py": "def read_sql(query):\n    return []\n\nread_sql('select')\n"},
    ),
    "L1-12": twin(
        TRAIN,
        {"renovate.json": '{"extends": ["config:recommended"]}\n'},
        switched_off={"renovate.json": '{"enabled": false}\n'},
        no_updates={".github/dependabot.yml": "version: 2\nupdates: []\n"},
    ),
}  # fmt: skip

WANDB = """
    import wandb
    import xgboost

    def main():
        booster = xgboost.train({}, xgboost.DMatrix("train.buffer"))
        wandb.log({"auc": booster.best_score})

    if __name__ == "__main__":
        main()
"""
LEVEL_2 = {
    "L2-01": twin(
        {},
        PACKAGE,
        nothing_starts_it={**PACKAGE, "pyproject.toml": '[tool.poetry]\nname = "churn"\n', "churn/cli.py": ""},
        a_notebook_is_run={"a.ipynb": notebook("import xgboost", "xgboost.train({}, rows)"), "Makefile": "train:\n\tpapermill a.ipynb out.ipynb\n"},
    ),
    "L2-02": twin(
        {},
        {
            "flow.py": """
                import xgboost
                from prefect import flow, task

                @task
                def rows():
                    return xgboost.DMatrix("train.buffer")

                @task
                def train(rows):
                    return xgboost.train({}, rows)

                @task
                def evaluate(booster):
                    return booster.best_score

                @flow
                def churn():
                    evaluate(train(rows()))
            """
        },
        one_task_for_all={
            "flow.py": """
                import xgboost
                from prefect import flow, task

                @task
                def everything():
                    return xgboost.train({}, xgboost.DMatrix("train.buffer")).best_score

                @flow
                def churn():
                    everything()
            """
        },
        decorators_of_ones_own={
            "flow.py": """
                import xgboost

                def task(function):
                    return function

                @task
                def rows():
                    return xgboost.DMatrix("train.buffer")

                @task
                def train(rows):
                    return xgboost.train({}, rows)

                @task
                def evaluate(booster):
                    return booster.best_score

                evaluate(train(rows()))
            """
        },
    ),
    "L2-03": twin(
        {},
        {"train.py": WANDB},
        nothing_calls_it={"train.py": WANDB.replace('wandb.log({"auc": booster.best_score})', "return booster") + "\n    def report(score):\n        wandb.log({'auc': score})\n"},
        only_required={**TRAIN, "requirements.txt": "wandb==0.20\n"},
        in_a_comment={"train.py": WANDB.replace("wandb.log", "# wandb.log")},
    ),
    "L2-04": twin(
        {},
        {
            "train.py": """
                import hydra
                import wandb
                import xgboost

                @hydra.main(config_path=".", config_name="train")
                def main(settings):
                    run = wandb.init()
                    run.config.update(dict(settings))
                    xgboost.train(dict(settings), xgboost.DMatrix("train.buffer"))

                if __name__ == "__main__":
                    main()
            """
        },
        not_logged={"train.py": "import argparse\nimport xgboost\n\nsaid = argparse.ArgumentParser().parse_args()\nxgboost.train(vars(said), xgboost.DMatrix('a'))\n"},
        written_in_code={"train.py": "import mlflow\nimport xgboost\n\nmlflow.log_param('depth', 3)\nxgboost.train({'depth': 3}, xgboost.DMatrix('a'))\n"},
    ),
    "L2-05": twin(
        {},
        {"train.py": 'import bentoml\nimport xgboost\n\nbooster = xgboost.train({}, xgboost.DMatrix("a"))\nbentoml.xgboost.save_model("churn", booster)\n'},
        a_function_of_the_name={"train.py": 'import xgboost\n\ndef register_model(model):\n    model.save_model("a.json")\n\nregister_model(xgboost.train({}, xgboost.DMatrix("a")))\n'},
        nothing_calls_it={**TRAIN, "later.py": "import mlflow\n\ndef keep(uri):\n    mlflow.register_model(uri, 'churn')\n", "a.py": "import later\n\nprint(later)\n"},
    ),
    "L2-06": twin(
        {},
        {"train.py": 'import wandb\nimport xgboost\n\nrun = wandb.init()\nrun.use_artifact("rows:latest").download()\nxgboost.train({}, xgboost.DMatrix("rows"))\n'},
        tracked_elsewhere={**TRAIN, "docs/rows.csv.dvc": "outs:\n- md5: 0123\n"},
        nothing_calls_it={**TRAIN, "later.py": "import wandb\n\ndef rows(run):\n    return run.use_artifact('rows:latest')\n", "a.py": "import later\n\nprint(later)\n"},
        not_logged={"train.py": 'import xgboost\n\ndata_version = "v3"\nxgboost.train({}, xgboost.DMatrix(f"{data_version}.csv"))\n'},
    ),
    "L2-07": twin(
        {},
        {
            "train.py": """
                import great_expectations
                import xgboost

                def main():
                    context = great_expectations.get_context()
                    result = context.run_checkpoint("rows")
                    if not result.success:
                        raise SystemExit("the rows are not valid")
                    xgboost.train({}, xgboost.DMatrix("rows"))

                if __name__ == "__main__":
                    main()
            """
        },
        it_stops_nothing={"train.py": 'import great_expectations\nimport xgboost\n\nresult = great_expectations.get_context().run_checkpoint("rows")\nprint(result)\nxgboost.train({}, xgboost.DMatrix("rows"))\n'},
        training_does_not_reach_it={**TRAIN, "check.py": "import pandera\n\ndef check(rows, schema: pandera.DataFrameSchema):\n    return schema.validate(rows)\n", "a.py": "import check\n\nprint(check)\n"},
    ),
    "L2-08": twin(
        TRAIN,
        {
            "dags/weekly.py": """
                from airflow import DAG
                from airflow.operators.bash import BashOperator

                with DAG("churn", schedule="@weekly"):
                    BashOperator(task_id="train", bash_command="python train.py")
            """
        },
        no_schedule={"dags/weekly.py": 'from airflow import DAG\nfrom airflow.operators.bash import BashOperator\n\nwith DAG("churn", schedule=None):\n    BashOperator(task_id="train", bash_command="python train.py")\n'},
        a_schedule_of_something_else={".github/workflows/a.yml": "on:\n  schedule:\n    - cron: 0 4 * * 1\njobs:\n  a:\n    steps:\n      - run: ruff check .\n"},
        each_push={".github/workflows/a.yml": "on: push\njobs:\n  a:\n    steps:\n      - run: python train.py\n"},
        a_cronjob_that_is_suspended={"cron.yaml": "apiVersion: batch/v1\nkind: CronJob\nspec:\n  suspend: true\n  schedule: 0 4 * * 1\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n            - command: [python, train.py]\n"},
    ),
    "L2-09": twin(
        {},
        {
            "train.py": """
                from sklearn.dummy import DummyClassifier
                from sklearn.model_selection import train_test_split
                from sklearn.svm import SVC

                train, test = train_test_split(rows)
                print(SVC().fit(train).score(test), DummyClassifier().fit(train).score(test))
            """
        },
        nothing_calls_it={**TRAIN, "later.py": "from sklearn.dummy import DummyClassifier\n\ndef compare(rows):\n    return DummyClassifier().fit(rows)\n", "a.py": "import later\n\nprint(later)\n"},
        only_imported={"train.py": "from sklearn.dummy import DummyClassifier\nfrom sklearn.svm import SVC\n\nSVC().fit(rows, y)\n"},
    ),
    "L2-10": twin(
        {},
        {"train.py": 'from fairlearn.metrics import MetricFrame\nfrom sklearn.svm import SVC\n\nSVC().fit(rows, y)\nprint(MetricFrame(metrics=auc, y_true=y, y_pred=p, sensitive_features=region).by_group)\n'},
        only_imported={"train.py": "from fairlearn.metrics import MetricFrame\nfrom sklearn.svm import SVC\n\nSVC().fit(rows, y)\n"},
        a_group_without_a_metric={"train.py": "from sklearn.svm import SVC\n\nSVC().fit(rows, y)\nprint(rows.groupby('region').size())\n"},
    ),
    "L2-11": twin(
        {},
        {"train.py": "import torch\n\ntorch.manual_seed(1)\nloss = net(x)\nloss.backward()\n"},
        nothing_calls_it={"train.py": "import torch\n\ndef fix():\n    torch.manual_seed(1)\n\nloss = net(x)\nloss.backward()\n"},
        in_a_comment={"train.py": "import torch\n\n# torch.manual_seed(1)\nloss = net(x)\nloss.backward()\n"},
    ),
    "L2-12": twin(
        TRAIN,
        {
            "features.py": "def add_features(rows):\n    return rows\n",
            "train.py": "import xgboost\nfrom features import add_features\n\nxgboost.train({}, add_features(rows))\n",
            "serve.py": "import fastapi\nfrom features import add_features\n\napp = fastapi.FastAPI()\n\n@app.post('/predict')\ndef predict(row):\n    return model.predict(add_features(row))\n",
            "tests/test_a.py": "from features import add_features\n\ndef test_it():\n    assert add_features(1) == 1\n",
        },
        a_store_that_is_only_required={"requirements.txt": "feast==0.50\n"},
        features_without_a_test={"train.py": "import xgboost\n\ndef add_features(rows):\n    return rows\n\nxgboost.train({}, add_features(rows))\n"},
    ),
    "L2-13": twin(
        TRAIN,
        {".gitlab-ci.yml": "sample:\n  script: [dvc repro, dvc metrics diff main]\n", "dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n"},
        nothing_checks_it={".gitlab-ci.yml": "sample:\n  script: [dvc repro]\n", "dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n"},
        no_job_runs_it={".gitlab-ci.yml": "sample:\n  script: [dvc pull]\n", "dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n"},
        a_test_of_something_else={"tests/test_a.py": "import train\n\ndef test_name():\n    assert train.__name__ == 'train'\n"},
    ),
    "L2-14": twin(
        TRAIN,
        {"katib.yaml": "apiVersion: kubeflow.org/v1beta1\nkind: Experiment\nspec:\n  objective:\n    type: maximize\n    objectiveMetricName: auc\n"},
        only_imported={"search.py": "import optuna\n\nprint(optuna.__version__)\n"},
        nothing_calls_it={"search.py": "import optuna\n\ndef search():\n    optuna.create_study().optimize(score)\n", "a.py": "import search\n\nprint(search)\n"},
    ),
}  # fmt: skip

ASGI = {
    "app.py": """
        from litestar import Litestar, post

        from churn.model import model

        @post("/predict")
        def predict(row: list[float]) -> float:
            return model.predict([row])[0]

        app = Litestar([predict])
    """,
    "Procfile": "web: uvicorn app:app\n",
    "churn/__init__.py": "",
    "churn/model.py": "import catboost\n\nmodel = catboost.CatBoostClassifier()\n",
    "Dockerfile": "FROM python:3.12\nCMD uvicorn app:app\n",
}
DRIFT = """
    from evidently import Report
    from evidently.presets import DataDriftPreset

    def main():
        Report([DataDriftPreset()]).run(now, then).save_html("drift.html")

    if __name__ == "__main__":
        main()
"""
WEEKLY = "on:\n  schedule:\n    - cron: 0 4 * * 1\njobs:\n  a:\n    steps:\n      - run: {}\n"
RULES = """
    groups:
      - name: churn
        rules:
          - alert: Errors
            expr: rate(errors[5m]) > 1
"""
ROLLOUT = """
    apiVersion: argoproj.io/v1alpha1
    kind: Rollout
    spec:
      strategy:
        canary:
          steps:
            - setWeight: 10
            {}
"""
LEVEL_3 = {
    "L3-01": twin(
        {},
        BENTO,
        it_does_not_predict={"app.py": 'from flask import Flask\n\napp = Flask(__name__)\n\n@app.get("/health")\ndef health():\n    return "ok"\n', "Procfile": "web: gunicorn app:app\n"},
        a_class_of_the_name={"app.py": "class FastAPI:\n    pass\n\napp = FastAPI()\nprint(app)\n"},
        only_required={**TRAIN, "requirements.txt": "fastapi\n"},
    ),
    "L3-02": twin(
        ASGI,
        {".gitlab-ci.yml": "build-image:\n  script:\n    - /kaniko/executor --context . --destination churn\n"},
        nothing_builds_it={".gitlab-ci.yml": "test:\n  script: [pytest]\n"},
        only_named={".gitlab-ci.yml": "build-image:\n  script:\n    - echo docker build .\n"},
        in_a_comment={".gitlab-ci.yml": "build-image:\n  script:\n    # - docker build .\n    - docker version\n"},
    ),
    "L3-03": twin(
        ASGI,
        {".gitlab-ci.yml": "deploy:\n  script: [helm upgrade --install churn ./chart]\n  rules:\n    - if: $CI_COMMIT_BRANCH\n"},
        by_hand={".gitlab-ci.yml": "deploy:\n  script: [helm upgrade --install churn ./chart]\n  when: manual\n"},
        only_named={".gitlab-ci.yml": "deploy:\n  script: [echo helm upgrade --install churn ./chart]\n"},
        nobody_calls_the_target={".gitlab-ci.yml": "test:\n  script: [pytest]\n", "Makefile": "deploy:\n\thelm upgrade --install churn ./chart\n"},
    ),
    "L3-04": twin(
        {},
        BENTO,
        a_file_in_the_image=PICKLED,
        in_a_comment={**PICKLED, "model.py": "import bentoml\n\n# bentoml.models.get('churn')\nprint(bentoml)\n"},
    ),
    "L3-05": twin(
        {**PICKLED, **GITLAB_TESTS},
        {"tests/test_app.py": 'from app import app\n\ndef test_its_answer():\n    answer = app.test_client().post("/predict", json={"row": [1]})\n    assert answer.status_code == 200\n'},
        no_assertion={"tests/test_app.py": 'from app import app\n\ndef test_its_answer():\n    app.test_client().post("/predict", json={"row": [1]})\n'},
        nothing_runs_it={"tests/test_app.py": 'from app import app\n\ndef test_its_answer():\n    assert app.test_client().post("/predict").status_code == 200\n', ".gitlab-ci.yml": "a:\n  script: [echo]\n"},
        another_test={"tests/test_app.py": "import app\n\ndef test_name():\n    assert app.app.name\n"},
    ),
    "L3-06": twin(
        {},
        {
            "pipeline.py": """
                from sagemaker.workflow.condition_step import ConditionStep
                from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
                from sagemaker.workflow.pipeline import Pipeline

                good = ConditionGreaterThanOrEqualTo(left=auc, right=0.8)
                Pipeline("churn", steps=[ConditionStep("gate", [good], [register], [])]).upsert(role)
            """
        },
        a_name_that_says_so={"promote.py": 'import mlflow\n\nCHAMPION = "champion"\nmlflow.MlflowClient().set_registered_model_alias("churn", CHAMPION, 1)\n'},
        compared_and_only_printed={"promote.py": 'import mlflow\n\nauc = float(open("auc").read())\nprint("good" if auc > 0.8 else "bad")\nmlflow.MlflowClient().set_registered_model_alias("churn", "champion", 1)\n'},
        the_value_is_replaced={"promote.py": 'import mlflow\n\ndef main():\n    auc = float(open("auc").read())\n    auc = 1.0\n    if auc > 0.8:\n        mlflow.MlflowClient().set_registered_model_alias("churn", "champion", 1)\n\nmain()\n'},
    ),
    "L3-07": twin(
        {},
        {"routes.yaml": "apiVersion: networking.istio.io/v1\nkind: VirtualService\nspec:\n  http:\n    - route:\n        - destination: {host: champion}\n          weight: 90\n        - destination: {host: challenger}\n          weight: 10\n"},
        in_a_comment={"serving.yaml": "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nspec:\n  predictor:\n    # canaryTrafficPercent: 10\n    model: {}\n"},
        all_of_it_to_one={"routes.yaml": "apiVersion: networking.istio.io/v1\nkind: VirtualService\nspec:\n  http:\n    - route:\n        - destination: {host: champion}\n          weight: 100\n"},
        a_rollout_without_steps={"rollout.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec:\n  strategy:\n    blueGreen: {}\n"},
    ),
    "L3-08": twin(
        {},
        {"analysis.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nspec:\n  metrics:\n    - name: errors\n      successCondition: result[0] < 0.01\n"},
        no_duration={"trial.yaml": "mde: 0.02\nalpha: 0.05\n", "trial.py": "import yaml\n\nsaid = yaml.safe_load(open('trial.yaml'))\nprint(said['mde'], said['alpha'])\n"},
        nothing_reads_it={"trial.yaml": "mde: 0.02\nalpha: 0.05\nmin_days: 14\n"},
    ),
    "L3-09": twin(
        TRAIN,
        {"Makefile": "back:\n\thelm rollback churn\n"},
        only_named={"Makefile": "back:\n\techo run helm rollback churn\n"},
        in_the_documentation={"docs/runbook.md": "```\nhelm rollback churn\n```\n"},
        ones_own_without_a_test={"Makefile": "back:\n\tpython back.py\n", "back.py": "def roll_back():\n    print('back')\n\nroll_back()\n"},
        a_rollback_of_a_database={"train.py": "import xgboost\n\nxgboost.train({}, rows)\nsession.rollback()\n"},
    ),
    "L3-10": twin(
        {},
        {"deploy.py": 'from sagemaker.model_monitor import DataCaptureConfig\n\nmodel.deploy(1, "ml.m5.large", data_capture_config=DataCaptureConfig(True))\n'},
        only_imported={"deploy.py": "from sagemaker.model_monitor import DataCaptureConfig\n\nmodel.deploy(1, 'ml.m5.large')\n"},
        without_id_and_version={**PICKLED, "app.py": PICKLED["app.py"].replace("return", "print(request.json)\n            return")},
    ),
    "L3-11": twin(
        ASGI,
        {"app.py": ASGI["app.py"] + '\n        from opentelemetry import metrics\n\n        latency = metrics.get_meter("churn").create_histogram("latency")\n'},
        only_required={"requirements.txt": "prometheus_client\n"},
        only_imported={"app.py": ASGI["app.py"] + "\n        import prometheus_client\n"},
        a_counter_of_something_else={"app.py": ASGI["app.py"] + "\n        from collections import Counter\n\n        asked = Counter()\n"},
    ),
    "L3-12": twin(
        {"drift.py": DRIFT},
        {"cron.yaml": "apiVersion: batch/v1\nkind: CronJob\nspec:\n  schedule: 0 4 * * *\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n            - command: [python, drift.py]\n"},
        on_demand={"Makefile": "drift:\n\tpython drift.py\n"},
        a_schedule_of_something_else={".github/workflows/a.yml": WEEKLY.format("python train.py"), "train.py": "print(1)\n"},
        a_cronjob_that_is_suspended={"cron.yaml": "kind: CronJob\nspec:\n  suspend: true\n  schedule: 0 4 * * *\n  command: [python, drift.py]\n"},
    ),
    "L3-13": twin(
        {},
        {
            "alarms.tf": """
                resource "aws_cloudwatch_metric_alarm" "errors" {
                  metric_name   = "Invocation5XXErrors"
                  alarm_actions = [aws_sns_topic.on_call.arn]
                }
            """
        },
        a_receiver_without_an_address={"rules.yaml": RULES, "alertmanager.yaml": "receivers:\n  - name: nobody\n"},
        an_alarm_without_an_action={"alarms.tf": 'resource "aws_cloudwatch_metric_alarm" "errors" {\n  metric_name = "Invocation5XXErrors"\n}\n'},
        actions_in_a_comment={"alarms.tf": 'resource "aws_cloudwatch_metric_alarm" "errors" {\n  # alarm_actions = [aws_sns_topic.on_call.arn]\n}\n'},
        an_empty_list_of_actions={"alarms.tf": 'resource "aws_cloudwatch_metric_alarm" "errors" {\n  alarm_actions = []\n}\n'},
        a_receiver_without_a_rule={"alertmanager.yaml": "receivers:\n  - name: us\n    slack_configs: [{channel: us}]\n"},
    ),
    "L3-14": twin(
        {},
        {
            "api/main.py": """
                from fastapi import FastAPI

                app = FastAPI()

                @app.get("/version")
                def version():
                    tags = client.get_run(served.run_id).data.tags
                    return {"run_id": served.run_id, "commit": tags["git_sha"], "data": tags["dvc_rev"]}
            """,
            "Dockerfile": "FROM python\nCMD uvicorn api.main:app\n",
        },
        only_the_run={"api/main.py": 'from fastapi import FastAPI\n\napp = FastAPI()\n\n@app.get("/version")\ndef version():\n    return {"run_id": 1}\n', "Dockerfile": "FROM python\nCMD uvicorn api.main:app\n"},
        only_in_training={"train.py": "import mlflow\nimport xgboost\n\nrun_id = mlflow.start_run().info.run_id\nmlflow.set_tags({'git_sha': sha, 'data_version': version})\nxgboost.train({}, rows)\n"},
    ),
    "L3-15": twin(
        TRAIN,
        {"infra/main.tf": 'resource "aws_s3_bucket" "rows" {}\n'},
        an_example_of_the_documentation={"docs/main.tf": 'resource "aws_s3_bucket" "rows" {}\n'},
        only_named={"README.md": "Run `terraform apply`.\n"},
        an_empty_file={"infra/main.tf": "# later\n"},
    ),
}  # fmt: skip

LOOP = {
    ".github/workflows/loop.yml": WEEKLY.format("python -m churn.loop"),
    ".github/workflows/tests.yml": "on: [push, pull_request]\njobs:\n  a:\n    steps:\n      - run: pytest\n",
    "churn/__init__.py": "",
    "churn/model.py": "import catboost\n\ndef fit(rows):\n    return catboost.CatBoostClassifier().fit(rows)\n",
    "churn/drift.py": """
        def has_drift(scores, settings):
            if page_hinkley(scores) > settings["false_alarm_rate"]:
                return True
            return False
    """,
    "churn/loop.py": """
        import yaml

        from churn import promotion
        from churn.drift import has_drift
        from churn.model import fit

        def main():
            settings = yaml.safe_load(open("retraining_policy.yml"))
            promotion.guard(settings)
            if settings["kill_switch"] or len(rows) < settings["min_new_rows"]:
                return
            if rows.max_shift > settings["max_shift"]:
                return
            if days < settings["min_interval"] or count > settings["max_retrains"]:
                return
            with file_lock("loop"):
                if has_drift(scores, settings):
                    fit(rows)
                promotion.decide(settings)

        if __name__ == "__main__":
            main()
    """,
    "churn/promotion.py": """
        import mlflow

        POLICY = "retraining_policy.yml"

        def no_worse_by_segment(champion, challenger, settings):
            for segment in settings["segments"]:
                if challenger[segment] < champion[segment] - settings["margin"]:
                    return False
            return True

        def decide(settings):
            trial = read_trial("challenger")
            if trial.missing:
                start_canary(trial, "challenger")
            proven = sprt(trial.successes)
            if proven and no_worse_by_segment(trial.champion, trial.challenger, settings):
                promote(trial.version)

        def promote(version):
            mlflow.MlflowClient().set_registered_model_alias("churn", "champion", version)

        def guard(settings):
            if error_rate() > settings["max_error_rate"]:
                roll_back()

        def roll_back():
            promote(previous())
    """,
    "churn/audit.py": "",
    "retraining_policy.yml": """
        version: 3
        kill_switch: false
        false_alarm_rate: 0.01
        min_new_rows: 500
        max_shift: 0.2
        min_interval: 7
        max_retrains: 4
        segments: [new, old]
        margin: 0.01
        max_error_rate: 0.02
    """,
    "tests/test_promotion.py": """
        from churn import promotion

        def test_a_drift_is_acted_on():
            assert promotion.decide({}) is None

        def test_a_bad_challenger_is_refused():
            assert not promotion.no_worse_by_segment({"new": 1}, {"new": 0}, {})

        def test_broken_guards_roll_back():
            assert promotion.guard({}) is None

        def test_quiet_days_change_nothing():
            assert promotion.decide({}) is None
    """,
}


def changed(path: str, *replacements: tuple[str, str]) -> Texts:
    """Return a file of the loop with other texts."""
    text = LOOP[path]
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return {path: text}


POLICY = "retraining_policy.yml"
PROMOTION = "churn/promotion.py"
TRUTH = """
    import pandas

    def join(predictions, ground_truth):
        return predictions.merge(ground_truth, on="id"){}

    join(pandas.read_csv("predictions.csv"), pandas.read_csv("truth.csv"))
"""
LEVEL_4 = {
    "L4-01": twin(
        {},
        {"quality.py": 'from sagemaker.model_monitor import ModelQualityMonitor\n\nModelQualityMonitor(role).create_monitoring_schedule(ground_truth_input="s3://truth")\n'},
        no_delay_is_named={"truth.py": TRUTH.format("")},
        only_imported={"quality.py": "from sagemaker.model_monitor import ModelQualityMonitor\n\nprint('later')\n"},
        a_delay_and_nothing_joined={"a.yaml": "label_delay: 14\n", "a.py": "import yaml\n\nprint(yaml.safe_load(open('a.yaml'))['label_delay'])\n"},
    ),
    "L4-02": twin(
        {},
        LOOP,
        a_constant_of_the_code=dict(LOOP) | dict(changed("churn/drift.py", ('settings["false_alarm_rate"]', "0.01"))),
        nothing_reads_it={**LOOP, "churn/drift.py": "def has_drift(scores, settings):\n    if page_hinkley(scores):\n        return True\n"},
        it_has_no_value=dict(LOOP) | dict(changed(POLICY, ("false_alarm_rate: 0.01", "false_alarm_rate:"))),
    ),
    "L4-03": twin(
        {},
        {
            "dags/drift.py": """
                from airflow import DAG
                from airflow.operators.trigger_dagrun import TriggerDagRunOperator

                with DAG("drift", schedule="@daily"):
                    drift_found() >> TriggerDagRunOperator(task_id="go", trigger_dag_id="train")
            """
        },
        no_signal_decides={"dags/all.py": 'from airflow import DAG\nfrom airflow.operators.trigger_dagrun import TriggerDagRunOperator\n\nwith DAG("all", schedule="@daily"):\n    rows() >> TriggerDagRunOperator(task_id="go", trigger_dag_id="train")\n'},
        on_pause=dict(LOOP) | dict(changed(POLICY, ("version: 3", "version: 3\n        pause: true"))),
        no_schedule={**LOOP, ".github/workflows/loop.yml": LOOP[".github/workflows/loop.yml"].replace("- cron", "# - cron")},
        nothing_calls_it={"a.py": "from prefect.deployments import run_deployment\n\nprint(run_deployment)\n\ndef on_drift():\n    run_deployment('train')\n"},
    ),
    "L4-04": twin(
        LOOP,
        {},
        no_cooldown=changed("churn/loop.py", ('days < settings["min_interval"] or ', "")),
        no_limit=changed("churn/loop.py", (' or count > settings["max_retrains"]', "")),
        they_may_overlap=changed("churn/loop.py", ('with file_lock("loop"):', "if True:")),
        the_cooldown_is_off=changed(POLICY, ("min_interval: 7", "min_interval: null")),
    ),
    "L4-05": twin(
        LOOP,
        {},
        no_smallest_number=changed("churn/loop.py", (' or len(rows) < settings["min_new_rows"]', "")),
        no_check_of_the_rows=changed("churn/loop.py", ('rows.max_shift > settings["max_shift"]', "rows.old")),
        the_number_is_not_set=changed(POLICY, ("min_new_rows: 500", "min_new_rows:")),
    ),
    "L4-06": twin(
        LOOP,
        {},
        no_margin=changed(PROMOTION, (' - settings["margin"]', "")),
        no_slices=changed(PROMOTION, ("segments", "names"), ("segment", "name")),
        nothing_is_decided=changed(PROMOTION, ('if challenger[segment] < champion[segment] - settings["margin"]:\n                    return False', 'print(challenger[segment] - champion[segment] - settings["margin"])')),
    ),
    "L4-07": twin(
        {},
        {"rollout.yaml": ROLLOUT.format("- analysis: {templates: [{templateName: errors}]}")},
        without_an_analysis={"rollout.yaml": ROLLOUT.format("- pause: {}")},
        in_a_comment={"rollout.yaml": ROLLOUT.format("# - analysis: {}")},
        nothing_starts_it=dict(LOOP) | dict(changed(PROMOTION, ('start_canary(trial, "challenger")', "print(trial)"))),
    ),
    "L4-08": twin(
        LOOP,
        {},
        it_is_only_printed=changed(PROMOTION, ("promote(trial.version)", "print(trial.version)")),
        no_result_is_read=changed(PROMOTION, ("proven and ", ""), ("proven = sprt(trial.successes)\n            ", "")),
    ),
    "L4-09": twin(
        LOOP,
        {},
        a_t_test_at_each_look=changed(PROMOTION, ("sprt(trial.successes)", "ttest_ind(trial.a, trial.b).pvalue < 0.05")),
        only_in_a_comment=changed(PROMOTION, ("proven = sprt(trial.successes)", "proven = trial.better  # sprt")),
    ),
    "L4-10": twin(
        LOOP,
        {},
        no_version=changed(POLICY, ("version: 3", "")),
        nothing_reads_it={**changed(PROMOTION, ('POLICY = "retraining_policy.yml"', "")), **changed("churn/loop.py", ('"retraining_policy.yml"', '"settings.yml"'))},
        nothing_promotes=changed(PROMOTION, ("promote", "show"), ("set_registered_model_alias", "get_run")),
    ),
    "L4-11": twin(
        {},
        {"canary.yaml": "apiVersion: flagger.app/v1beta1\nkind: Canary\nspec:\n  analysis:\n    threshold: 5\n    metrics: [{name: request-success-rate}]\n"},
        without_an_analysis={"canary.yaml": "apiVersion: flagger.app/v1beta1\nkind: Canary\nspec:\n  targetRef: {name: churn}\n"},
        nothing_rolls_back=dict(LOOP) | dict(changed(PROMOTION, ("roll_back", "tell"))),
        the_limit_is_a_constant=dict(LOOP) | dict(changed(PROMOTION, ('settings["max_error_rate"]', "0.02"))),
        in_a_comment={"deploy.tf": "# auto_rollback_configuration {}\n"},
    ),
    "L4-12": twin(
        LOOP,
        {},
        only_good_days=changed("tests/test_promotion.py", ("a_drift_is_acted_on", "it"), ("bad", "good"), ("is_refused", "wins"), ("broken_guards_roll_back", "guards")),
        no_assertions=changed("tests/test_promotion.py", ("assert ", "print(), ")),
        nothing_runs_them={".github/workflows/tests.yml": "on: push\njobs:\n  a:\n    steps:\n      - run: echo\n"},
    ),
    "L4-13": twin(
        {},
        {"rules.yaml": "groups:\n  - rules:\n      - alert: Silent\n        expr: absent(last_training_time)\n      - alert: Old\n        expr: model_age_days > 30\n"},
        in_a_comment={"rules.yaml": "groups:\n  - rules:\n      - alert: Old\n        expr: model_age_days > 30\n      # - expr: absent(last_training_time)\n"},
        of_the_service_only={"rules.yaml": "groups:\n  - rules:\n      - alert: Down\n        expr: absent(up)\n"},
        no_alert={"rules.yaml": "groups:\n  - rules:\n      - record: a\n        expr: absent(last_training_time) + model_age_days\n"},
    ),
    "L4-14": twin(
        {"clean.py": "import shutil\n\nshutil.rmtree('runs/old')\n", "Makefile": "clean:\n\tpython clean.py\n"},
        {"renovate.json": '{"extends": ["config:recommended"]}\n', ".github/workflows/a.yml": WEEKLY.format("copier update --defaults")},
        no_bot={".github/workflows/a.yml": WEEKLY.format("copier update --defaults")},
        a_bot_that_is_off={"renovate.json": '{"enabled": false}\n', ".github/workflows/a.yml": WEEKLY.format("copier update --defaults")},
        nothing_looks_for_updates={"renovate.json": "{}\n", ".github/workflows/a.yml": WEEKLY.format("python clean.py")},
    ),
    "L4-15": twin(
        LOOP,
        {"churn/audit.py": "def write(decision):\n    open('decisions.jsonl', 'a').write(decision)\n", **changed(PROMOTION, ("import mlflow", "import mlflow\n\n        from churn.audit import write"), ("promote(trial.version)", "write(trial)\n                promote(trial.version)"))},
        no_log={},
        nothing_reads_the_switch={"churn/audit.py": "def write(decision):\n    open('decisions.jsonl', 'a').write(decision)\n", **changed(PROMOTION, ("import mlflow", "import mlflow\n\n        from churn.audit import write"), ("promote(trial.version)", "write(trial)\n                promote(trial.version)")), **changed("churn/loop.py", ('settings["kill_switch"] or ', ""))},
    ),
    "L4-16": twin(
        {"features.py": "import feast\n\nfeast.FeatureStore('.')\n"},
        {"rules.yaml": "groups:\n  - rules:\n      - alert: Stale\n        expr: feature_freshness_seconds > 3600\n"},
        in_a_comment={"rules.yaml": "groups:\n  - rules:\n      - alert: Down\n        expr: up == 0\n      # expr: feature_freshness_seconds > 3600\n"},
        not_watched={"rules.yaml": "groups:\n  - rules:\n      - alert: Down\n        expr: up == 0\n"},
    ),
}  # fmt: skip

TWINS: dict[str, Twin] = LEVEL_0 | LEVEL_1 | LEVEL_2 | LEVEL_3 | LEVEL_4
