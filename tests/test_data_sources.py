"""Tests of the guide on data: PostgreSQL, S3, DVC, and an MLflow server for a team."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from installation import Installation, environment, install_project
from postgres import PostgreSQL
from projects import Ladder, git
from tools import free_port, wait_for_page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("data sources")]
ROWS = "8160 rows in the training set"
SAVE_TABLE = """
import os

import sqlalchemy

from taxi_ride_duration import problem

rides = problem.sample().reset_index(names="id")
rides.to_sql("orders", sqlalchemy.create_engine(os.environ["DATA_URL"]), index=False)
"""
SAVE_OBJECT = """
import os

import s3fs

from taxi_ride_duration import problem

s3fs.S3FileSystem().mkdir("bucket")
problem.sample().to_parquet(os.environ["DATA_URL"] + "orders.parquet")
"""
LOAD_FILE = """\
def load(start: date | None = None, end: date | None = None) -> pd.DataFrame:
    return pd.read_parquet(DATA / "orders.parquet")
"""


@pytest.fixture(scope="module")
def installation(ladder: Ladder) -> Installation:
    """Provide an installed project of level 2, with the libraries that the guide adds."""
    installation = install_project(ladder.project(2))
    added = "'psycopg[binary]' s3fs 'moto[server]' dvc"
    finished = installation.run(f"uv pip install --quiet {added}")
    assert finished.returncode == 0, finished.stderr
    git(installation.project, "tag", "start")
    return installation


@pytest.fixture
def project(installation: Installation) -> Installation:
    """Provide the project as it was committed, without a model."""
    git(installation.project, "reset", "--quiet", "--hard", "start")
    git(installation.project, "clean", "--quiet", "--force", "-dx", "--exclude=.venv")
    return installation


@contextmanager
def running(project: Installation, line: str, url: str) -> Iterator[None]:
    """Run a server in the project until the block ends."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {line}"],
        cwd=project.project,
        env=environment() | {"UV_NO_SYNC": "1"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_page(url, process)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def code_of_the_guide(project: Installation, marker: str) -> str:
    """Return the guide's Python code with the text."""
    guide = (project.project / "docs/1-ci.md").read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (code,) = [block for block in blocks if marker in block]
    return re.sub(r"\btime\b", "pickup_time", code)


def replace_load(project: Installation, code: str, *imports: str) -> None:
    """Replace `load` of problem.py."""
    file = project.project / "src/taxi_ride_duration/problem.py"
    head, rest = file.read_text(encoding="utf-8").split("def load(")
    _, rest = rest.split("def read_trips(")
    head = head.replace("from datetime", "\n".join([*imports, "from datetime"]), 1)
    file.write_text(f"{head}{code}\n\ndef read_trips({rest}", encoding="utf-8")


def run_script(project: Installation, script: str, folder: Path) -> None:
    """Run a script with the variables of `.env`."""
    file = folder / "script.py"
    file.write_text(script)
    finished = project.run(f"uv run --env-file .env python {file}", UV_NO_SYNC="1")
    assert finished.returncode == 0, finished.stderr


def test_rows_come_from_postgresql(
    project: Installation, server: PostgreSQL, tmp_path: Path
) -> None:
    address = server.url.replace("postgresql://", "postgresql+psycopg://")
    variables = project.project / ".env"
    variables.write_text(f"DATA_URL={address}\n")
    run_script(project, SAVE_TABLE, tmp_path)
    replace_load(project, code_of_the_guide(project, "QUERY"), "import os", "import sqlalchemy")
    assert ROWS in project.make("pipeline", UV_NO_SYNC="1")
    window = project.make('pipeline SET="data.end=2025-02-01"', UV_NO_SYNC="1")
    assert ROWS not in window
    variables.write_text(f"DATA_URL={address.replace('127.0.0.1', '127.0.0.2')}\n")
    refusal = project.refused("pipeline", UV_NO_SYNC="1")
    assert "error: problem.py: load() failed: OperationalError" in refusal
    assert server.password not in refusal


def test_rows_come_from_s3(project: Installation, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    (project.project / ".env").write_text(
        f"DATA_URL=s3://bucket/orders/\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n"
        f"AWS_DEFAULT_REGION=us-east-1\nAWS_ENDPOINT_URL={url}\n"
    )
    with running(project, f".venv/bin/moto_server -p {url.rpartition(':')[2]}", f"{url}/moto-api/"):
        run_script(project, SAVE_OBJECT, tmp_path)
        replace_load(project, code_of_the_guide(project, "read_parquet"), "import os")
        assert ROWS in project.make("pipeline", UV_NO_SYNC="1")
        window = project.make('pipeline SET="data.end=2025-02-01"', UV_NO_SYNC="1")
        assert ROWS not in window
    refusal = project.refused("pipeline", UV_NO_SYNC="1")
    assert "error: problem.py: load() failed: " in refusal


def test_rows_come_from_a_file_that_dvc_keeps(project: Installation, tmp_path: Path) -> None:
    replace_load(project, LOAD_FILE)
    steps = [
        "uv run python -c 'from taxi_ride_duration import problem;"
        ' problem.sample().to_parquet("data/orders.parquet")\'',
        "uv run dvc init --quiet",
        f"uv run dvc remote add --quiet --default store {tmp_path}",
        "uv run dvc add --quiet data/orders.parquet",
        "uv run dvc push --quiet",
        "git add --all && git commit --quiet --no-verify --message data",
        "rm -r data/orders.parquet .dvc/cache",
    ]
    for step in steps:
        finished = project.run(step, UV_NO_SYNC="1", DVC_NO_ANALYTICS="1")
        assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "data/orders.parquet.dvc" in git(project.project, "ls-files")
    assert "load() failed: FileNotFoundError" in project.refused("pipeline", UV_NO_SYNC="1")
    assert project.run("uv run dvc pull --quiet", UV_NO_SYNC="1").returncode == 0
    assert ROWS in project.make("pipeline", UV_NO_SYNC="1")


def test_a_team_keeps_its_runs_on_one_server(project: Installation, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(project, f"make tracking-server PORT={port}", f"{url}/health"):
        (project.project / ".env").write_text(f"MLFLOW_TRACKING_URI={url}\n")
        assert "is the champion now" in project.make("pipeline promote", UV_NO_SYNC="1")
        colleague = tmp_path / "colleague"
        git(project.project, "clone", "--quiet", ".", str(colleague))
        (colleague / ".env").write_text(f"MLFLOW_TRACKING_URI={url}\n")
        other = Installation(colleague, borrowed=project.project / ".venv")
        rows = tmp_path / "rows.csv"
        rows.write_text(
            "pickup_time,pickup_zone,dropoff_zone,distance_miles\n2019-03-05 08:30:00,4,33,3.1\n"
        )
        line = f"make predict IN={rows} OUT={tmp_path}/out.csv"
        finished = other.run(line, MLFLOW_TRACKING_URI=url)
        assert "predicted 1 rows with taxi_ride_duration version 1" in finished.stdout, (
            finished.stderr
        )
