"""Tests of installed projects: the make targets of each level, with synthetic and real rides."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting import alerting, dashboard_queries, wait
from installation import REAL_RIDES, Installation, environment, install_project
from projects import LEVELS, Ladder, answers_of, commit_all, git
from service import serve
from tools import free_port, wait_for_page

pytestmark = pytest.mark.slow

TARGETS = {
    0: "help setup notebook data",
    1: "check-notebook test lint format types build train evaluate predict release check-update"
    " assess",
    2: "pipeline tracking tracking-server register promote explain reproduce",
    3: "serve deploy rollback smoke load-test ab-report monitor prune image apply",
    4: "retrain tick watch simulate backtest audit",
}


def at_levels(*levels: int) -> pytest.MarkDecorator:
    """Parametrize a test with the installations of levels; those of a level share a worker."""
    marked = [pytest.param(n, marks=pytest.mark.xdist_group(f"level {n}")) for n in levels]
    return pytest.mark.parametrize("installation", marked, indirect=True)


HARD_ANSWERS = {
    "project_name": """Fährten & "Wege" 'ß' \\ # 100 % 🚕: yes""",
    "package_name": "a_package_name_of_30_letters_x",
    "description": "- C:\\new\\table: [it's <b>bold</b>] & 'quoted' \"twice\" }} %} null",
    "author_name": 'Ada "The Countess" O\'Hara, Ph.D.',
    "author_email": "ada+rides@example.org",
    "license": "Apache-2.0",
}


@pytest.fixture(scope="module")
def opened() -> dict[int, Installation]:
    """Provide the installations so far, by level."""
    return {}


@pytest.fixture
def installation(
    request: pytest.FixtureRequest, ladder: Ladder, opened: dict[int, Installation]
) -> Installation:
    """Provide the installation of a level, with synthetic rides.

    The highest level, which has all of the project's own tests, has answers that are hard to quote.
    """
    if request.param not in opened:
        answers = HARD_ANSWERS if request.param == LEVELS[-1] else {}
        opened[request.param] = install_project(ladder.project(request.param, **answers))
    return opened[request.param]


@pytest.fixture(params=["sample rides", "real rides"])
def rides(request: pytest.FixtureRequest, installation: Installation) -> Iterator[str]:
    """Run a test with synthetic rides, and again with real ones in `data/`."""
    brought = installation.project / "data" / REAL_RIDES.name
    if request.param == "real rides":
        shutil.copy(REAL_RIDES, brought)
    yield request.param
    brought.unlink(missing_ok=True)


# Where the source of the rides makes no difference, other tests run the same with synthetic ones.
only_real_rides = pytest.mark.parametrize("rides", ["real rides"], indirect=True)


def metrics(output: str) -> dict[str, float]:
    """Return the metrics that training prints, by name."""
    found = re.findall(r"^  (\S.*?) +(\d+\.\d{4})$", output, re.MULTILINE)
    return {name: float(value) for name, value in found}


def beats_the_baseline(output: str) -> bool:
    """Tell whether the model's error is below 60 % of the baseline's."""
    found = metrics(output)
    return found["MAE"] < 0.6 * found["baseline_MAE"]


@pytest.mark.parametrize("level", LEVELS)
def test_help_lists_what_the_level_can_do(ladder: Ladder, level: int) -> None:
    project = Installation(ladder.fresh(level))
    listed = re.findall(r"^  make (\S+) ", project.make("help"), re.MULTILINE)
    expected = " ".join(TARGETS[below] for below in LEVELS if below <= level).split()
    assert sorted(listed) == sorted(expected)
    assert project.make("") == project.make("help")


@at_levels(LEVELS[0])
def test_the_notebook_runs_top_to_bottom_and_plots(installation: Installation, rides: str) -> None:
    """It is the same file at all levels, whose CI runs it, too."""
    installation.make("notebook")
    page = (installation.project / "reports/notebook.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 4
    assert ("rides from sample rides" in page) == (rides == "sample rides")
    assert "Traceback" not in page
    assert "Warning" not in page


@at_levels(*LEVELS[1:])
def test_formatting_changes_nothing(installation: Installation) -> None:
    installation.make("format")
    assert git(installation.project, "status", "--porcelain") == ""


@at_levels(LEVELS[1], LEVELS[-1])
def test_pre_commit_passes(installation: Installation) -> None:
    finished = installation.run("uv run pre-commit run --all-files")
    assert finished.returncode == 0, finished.stdout + finished.stderr


def workflow_lines(project: Path, workflow: str) -> list[str]:
    """Return the `run:` lines of a workflow, in order."""
    path = project / ".github/workflows" / workflow
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@at_levels(LEVELS[1], LEVELS[-1])
def test_every_line_of_the_ci_workflow_passes(installation: Installation) -> None:
    """A level has the lines and the files of the level below, and its tests pass here, too."""
    lines = workflow_lines(installation.project, "ci.yml")
    assert [line.split() for line in lines] == [["make", line.split()[1]] for line in lines]
    assert {"make lint", "make types", "make test", "make notebook", "make build"} <= set(lines)
    for line in lines:
        finished = installation.run(line, CI="true")
        assert finished.returncode == 0, f"{line}\n{finished.stdout}{finished.stderr}"
    (wheel,) = (installation.project / "dist").glob("*.whl")
    package = answers_of(installation.project)["package_name"]
    assert wheel.name.startswith(f"{package}-0.1.0")


@at_levels(3)
def test_tests_import_nothing_that_comes_with_a_higher_level(installation: Installation) -> None:
    """At level 2, tests/test_week_one.py runs them."""
    collected = installation.make("lint types test", PYTEST_ADDOPTS="--collect-only")
    assert re.search(r"^collected \d{2,} items", collected, re.MULTILINE), collected


def test_ci_refuses_a_lock_that_is_not_up_to_date(ladder: Ladder) -> None:
    refusal = Installation(ladder.project(1)).refused("setup", CI="true")
    assert "uv.lock" in refusal


@at_levels(1)
def test_every_line_of_the_update_workflow_passes(installation: Installation) -> None:
    (line,) = workflow_lines(installation.project, "check-update.yml")
    finished = installation.run(line)
    assert finished.returncode == 0, finished.stderr
    assert "has the newest version" in finished.stdout


@at_levels(1)
def test_every_line_of_the_release_workflow_passes(
    installation: Installation, tmp_path: Path
) -> None:
    """A script in place of GitHub's `gh` records its arguments."""
    record = tmp_path / "arguments"
    gh = tmp_path / "gh"
    gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {record}\n')
    gh.chmod(0o755)
    path = f"{tmp_path}:{environment()['PATH']}"
    lines = workflow_lines(installation.project, "release.yml")
    assert lines == ["make setup", "make test", "make release"]
    for line in lines:
        finished = installation.run(line, CI="true", TAG="v0.1.0", PATH=path)
        assert finished.returncode == 0, f"{line}\n{finished.stdout}{finished.stderr}"
    arguments = record.read_text().splitlines()
    assert arguments[:3] == ["release", "create", "v0.1.0"]
    notes = installation.project / arguments[arguments.index("--notes-file") + 1]
    assert notes.read_text().strip() == "- The first model."
    assert [name for name in arguments if name.endswith(".whl")]


@at_levels(1)
def test_a_release_whose_tag_is_wrong_is_refused(installation: Installation) -> None:
    refusal = installation.refused("release", TAG="v9.9.9")
    assert "does not have the version of TAG=v9.9.9" in refusal


@only_real_rides
@at_levels(LEVELS[1], LEVELS[-1])
def test_train_then_predict(installation: Installation, rides: str, tmp_path: Path) -> None:
    assert beats_the_baseline(installation.make("train", FORCE="1"))
    if installation.project.joinpath("params.yaml").exists():
        installation.make("promote IGNORE_CHAMPION=1")
    rows, predictions = tmp_path / "rides.csv", tmp_path / "out/predictions.csv"
    rows.write_text(
        "pickup_time,pickup_zone,dropoff_zone,distance_miles\n"
        "2019-03-05 08:30:00,4,33,3.1\n2019-03-09 23:10:00,7,7,0.4\n"
    )
    installation.make(f"predict IN={rows} OUT={predictions}")
    header, long_ride, short_ride = predictions.read_text().splitlines()
    assert header.endswith("predicted_duration_minutes,model_version")
    assert float(long_ride.split(",")[-2]) > float(short_ride.split(",")[-2]) > 0


@at_levels(1)
def test_predict_refuses_what_it_cannot_score(installation: Installation, tmp_path: Path) -> None:
    bad, out = tmp_path / "bad.csv", tmp_path / "out.csv"
    bad.write_text(
        "pickup_time,pickup_zone,dropoff_zone,distance_miles\n2019-03-05 08:30:00,9999,33,3.1\n"
    )
    installation.make("train")
    assert "row 0: pickup_zone is 9999" in installation.refused(f"predict IN={bad} OUT={out}")
    assert "usage: make predict" in installation.refused("predict")
    assert "absent.csv" in installation.refused(f"predict IN=absent.csv OUT={out}")
    bad.write_text("")
    assert "cannot be read" in installation.refused(f"predict IN={bad} OUT={out}")
    assert not out.exists()


@only_real_rides
@at_levels(2)
def test_the_pipeline_trains_promotes_and_refuses(installation: Installation, rides: str) -> None:
    installation.run("rm -r mlruns/*")  # each kind of rides has its own champion
    assert beats_the_baseline(installation.make("pipeline"))
    assert "is the champion now" in installation.make("promote")
    assert "is the champion already" in installation.make("promote")
    assert "nothing new" in installation.make("pipeline")
    assert "the gate would refuse it" in installation.make("pipeline FORCE=1")
    assert "is refused" in installation.refused("promote")
    assert "is version" in installation.make("register")
    assert "no version 99" in installation.refused("promote VERSION=99")


@at_levels(2)
def test_every_line_of_the_training_workflow_passes(installation: Installation) -> None:
    lines = workflow_lines(installation.project, "train.yml")
    assert lines == ["make setup", "make data", "make pipeline"]
    for line in ["make setup", "make pipeline"]:  # test_download.py tests make data
        finished = installation.run(line, CI="true", MLFLOW_TRACKING_URI="", FORCE="")
        assert finished.returncode == 0, f"{line}\n{finished.stdout}{finished.stderr}"


@at_levels(2)
def test_bad_data_and_bad_parameters_stop_the_pipeline(installation: Installation) -> None:
    project = installation.project
    broken = project / "data/broken.csv"
    rows = REAL_RIDES.read_text().splitlines()[:50]
    fields = rows[7].split(",")
    fields[rows[0].split(",").index("PULocationID")] = "9999"
    broken.write_text("\n".join([*rows[:7], ",".join(fields), *rows[8:]]) + "\n")
    try:
        refusal = installation.refused("pipeline")
        assert "1 of " in refusal
        assert "row broken.csv, 6: pickup_zone is 9999, which violates str_matches" in refusal
        broken.write_text("a,b\n1,2\n")
        assert "broken.csv is not a file of TLC trip records" in installation.refused("pipeline")
    finally:
        broken.unlink()
    params = project / "params.yaml"
    before = params.read_text()
    try:
        params.write_text(before.replace("model: {}", "model: {max_itr: 5}"))
        assert "max_itr" in installation.refused("pipeline")
    finally:
        params.write_text(before)


@at_levels(1)
def test_green_rides_in_parquet_are_read_as_the_tlc_publishes_them(
    installation: Installation,
) -> None:
    """Files of green taxis have other names for the times than those of yellow taxis."""
    script = (
        "import pandas as pd\n"
        f"rides = pd.read_csv({str(REAL_RIDES)!r}, parse_dates=[1, 2])\n"
        "green = rides[rides['color'] == 'green'].drop(columns='color')\n"
        "green.columns = green.columns.str.replace('tpep_', 'lpep_')\n"
        "green.to_parquet('data/green_tripdata_2019-03.parquet')\n"
    )
    (installation.project / "reports").mkdir(exist_ok=True)
    (installation.project / "reports/green.py").write_text(script)
    installation.run("uv run python reports/green.py")
    try:
        assert beats_the_baseline(installation.make("train"))
    finally:
        (installation.project / "data/green_tripdata_2019-03.parquet").unlink()


@at_levels(2)
def test_a_search_tries_parameters_and_trains_with_the_best(installation: Installation) -> None:
    params = installation.project / "params.yaml"
    before = params.read_text()
    try:
        params.write_text(before.replace("trials: 0", "trials: 2"))
        assert "search ..." in (output := installation.make("pipeline"))
        assert beats_the_baseline(output)
    finally:
        params.write_text(before)


@at_levels(2)
def test_the_tracking_page_opens(installation: Installation) -> None:
    port = free_port()
    server = subprocess.Popen(
        ["make", "tracking", f"PORT={port}"],
        cwd=installation.project,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert "MLflow" in wait_for_page(f"http://127.0.0.1:{port}/", server)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


@only_real_rides
@at_levels(3)
def test_the_champion_is_deployed_served_and_watched(
    installation: Installation, rides: str
) -> None:
    """The steps of docs/3-serving.md, in order."""
    installation.run("rm -rf mlruns/* live")  # each kind of rides has its own champion
    assert "make promote" in installation.refused("deploy")
    deployed = installation.make("pipeline promote deploy")
    assert "exported to ONNX" in deployed
    assert "live: v1-" in deployed
    assert "live already" in installation.make("deploy")
    assert "no way back" in installation.refused("rollback")
    row = json.loads(documented_request(installation.project))
    with make_serve(installation) as url:
        answer = post(f"{url}/predict", row)
        assert 1 < answer["prediction"] < 180
        assert "serves version 1" in installation.make(f"smoke URL={url}")
        load = installation.make(f"load-test URL={url} SECONDS=1")
        assert re.search(r"POST +/predict +\d+ +0\(0\.00%\)", load), load
    assert "reports/monitoring.html" in installation.make("monitor")
    assert "no experiment runs" in installation.refused("ab-report")


@at_levels(3)
def test_the_real_service_is_watched_and_its_end_is_told(
    installation: Installation, tmp_path: Path
) -> None:
    """Prometheus scrapes the service, and an alert fires when the service is killed."""
    installation.make("pipeline promote deploy")
    row = json.loads(documented_request(installation.project))
    deploy = installation.project / "deploy"
    port, live = free_port(), installation.project / "live"
    with alerting(deploy, f"127.0.0.1:{port}", tmp_path) as watching:
        with serve(installation, live, PORT=str(port)) as service:
            answers = service.predict([row] * 100)
            labels = [{"id": answer["id"], "actual": 12.5} for answer in answers]
            assert service.send_feedback(labels).status == 202
            wait(lambda: watching.query("sum(model_score_count) == 100")["result"], "feedback")
            for title, query in dashboard_queries(deploy):
                if title not in EMPTY_PANELS:
                    wait(lambda query=query: watching.query(query)["result"], title)  # type: ignore[misc]
            service.signal(signal.SIGKILL)
        wait(lambda: "firing" in watching.states("ServiceDown"), "the alert of the outage fires")
        with serve(installation, live, PORT=str(port)):
            wait(lambda: watching.states("ServiceDown")[-1] == "resolved", "the alert is resolved")


# Panels that are empty without refusals, failures or a challenger.
EMPTY_PANELS = {
    "Shadow predictions",
    "Refused requests by reason",
    "Invalid fields",
    "Missing values",
    "Data drift by field",
    "Share of failed requests",
    "Share of refused requests",
}


def documented_request(project: Path) -> str:
    """Return the request that the guide documents."""
    page = (project / "docs/3-serving.md").read_text(encoding="utf-8")
    (command,) = re.findall(r'curl -X POST .*? -d @"\$\((.*?)\)"', page)
    file = subprocess.check_output(["bash", "-c", command], cwd=project, text=True).strip()
    return json.dumps(json.loads((project / file).read_bytes())[0])


@contextmanager
def make_serve(installation: Installation) -> Iterator[str]:
    """Run `make serve`, and yield its URL."""
    server = subprocess.Popen(
        ["make", "serve"],
        cwd=installation.project,
        env=installation.environment() | {"PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if line.startswith("serving on "):
                break
        address = line.removeprefix("serving on ").strip()
        assert address.startswith("http://127.0.0.1:"), "it must listen on loopback only"
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def post(url: str, content: object) -> Any:
    """Send JSON, and return the JSON of the response."""
    body = json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


@at_levels(2)
def test_a_climbed_project_trains_like_a_fresh_one(
    ladder: Ladder, installation: Installation
) -> None:
    """The climbed project uses the virtual environment of the fresh one."""
    project = ladder.project(0)
    for level in LEVELS[1:]:
        ladder.climb(project, level)
    climbed = Installation(project, installation.project / ".venv")
    assert metrics(climbed.make("pipeline")) == metrics(installation.make("train", FORCE="1"))


def rewrite_problem(project: Path) -> None:
    """Replace the example's problem by the classification problem of the guide."""
    page = (project / "docs/another-problem.md").read_text(encoding="utf-8")
    (problem,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (project / "src/taxi_ride_duration/problem.py").write_text(problem, encoding="utf-8")
    commit_all(project, "Another problem")


def test_another_problem_is_one_file_rewritten(
    ladder: Ladder, installed: Path, tmp_path: Path
) -> None:
    """The guide's classification problem needs no other edit, from level 1 to the retraining loop.

    Its tests run with those of an edited project, where it is one of the edits.
    """
    project = ladder.project(1)
    installation = Installation(project, installed)
    rewrite_problem(project)
    found = metrics(installation.make("lint types train"))
    assert found["log_loss"] < found["baseline_log_loss"]
    assert found["roc_auc"] > 0.7
    ladder.climb(project, 2)
    assert "is the champion now" in installation.make("pipeline promote")
    assert "nothing new" in installation.make("pipeline")
    assert "is refused" in installation.refused("pipeline promote", FORCE="1")
    ladder.climb(project, 3)
    assert "live: v1-" in installation.make("deploy")
    customer = {"month": "2026-01-05T00:00:00", "contract": "monthly", "support_calls": 9}
    customer |= {"months_as_customer": 1}
    with make_serve(installation) as url:
        (answer,) = post(f"{url}/predict", [customer])
    assert answer["prediction"] == "yes"
    assert answer["probabilities"]["yes"] > 0.5
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    registered = predicted(installation, customer | {"payment": "", "monthly_fee": ""}, tmp_path)
    assert registered["predicted_left"] == answer["prediction"]
    for label, probability in answer["probabilities"].items():
        assert float(registered[f"probability_{label}"]) == pytest.approx(probability, abs=1e-4)
    ladder.climb(project, 4)
    installation.make("lint types")
    check_simulation(simulate(installation))
    replayed = installation.make("backtest")
    assert "The loop left out 332 of 332 days: fewer than 50 rows" in replayed
    assert re.search(r"^monthly +0 +11 +11 +0 +0\.4\d\d", replayed, re.MULTILINE), replayed


def predicted(installation: Installation, row: dict[str, Any], folder: Path) -> dict[str, str]:
    """Return the row with what `make predict` adds."""
    source, target = folder / "row.csv", folder / "predicted.csv"
    with source.open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    installation.make(f"predict IN={source} OUT={target}")
    with target.open(newline="") as file:
        (found,) = csv.DictReader(file)
    return found


def test_lightgbm_is_served_with_the_predictions_of_the_registered_model(
    ladder: Ladder, installed: Path, tmp_path: Path
) -> None:
    installation = Installation(ladder.project(3), installed)
    added = installation.run(f"uv pip install --quiet --python {installed}/bin/python lightgbm")
    assert added.returncode == 0, added.stderr
    file = installation.project / "src/taxi_ride_duration/problem.py"
    head, rest = file.read_text(encoding="utf-8").split("    trees = HistGradientBoosting")
    rest = rest.partition("    )\n")[2]
    trees = '    trees = LGBMRegressor(objective="l1", n_estimators=max_iter, verbose=-1)\n'
    imports = "from sklearn.ensemble import HistGradientBoostingRegressor"
    source = f"{head}{trees}{rest}".replace(imports, "from lightgbm import LGBMRegressor")
    file.write_text(source, encoding="utf-8")
    commit_all(installation.project, "LightGBM")
    output = installation.make("pipeline promote deploy")
    assert "served by scikit-learn itself" in output, "no maintained converter exports it"
    row = json.loads(documented_request(installation.project))
    with make_serve(installation) as url:
        answer = post(f"{url}/predict", row)
    registered = predicted(installation, row, tmp_path)
    assert float(registered["predicted_duration_minutes"]) == pytest.approx(answer["prediction"])


def simulate(installation: Installation) -> dict[str, Any]:
    """Run `make simulate`, check its page and picture, and return its JSON report."""
    output = installation.make("simulate")
    reports = installation.project / "reports"
    page = (reports / "simulation.html").read_text(encoding="utf-8")
    assert "Traceback" not in output + page
    assert "HTTP Request" not in output, "each of thousands of requests is logged"
    assert (reports / "simulation.png").stat().st_size > 10_000
    return dict(json.loads((reports / "simulation.json").read_text(encoding="utf-8")))


def check_simulation(report: dict[str, Any]) -> None:
    """Check that the simulation has each kind of event, and that no request failed."""
    assert report["requests"] > 1_000
    assert report["failures"] == []
    assert [promise for promise in report["promises"] if not promise["kept"]] == []
    kinds = [line["kind"] for line in report["lines"]]
    for kind in ("alarm", "promoted", "guard", "rolled back"):
        assert kind in kinds, f"{kind} is missing in the record"


@at_levels(4)
def test_the_simulation_tells_its_story(installation: Installation) -> None:
    check_simulation(simulate(installation))


@at_levels(4)
def test_the_past_is_replayed(installation: Installation) -> None:
    replayed = installation.make("backtest")
    assert "Replaying 32 days, 2025-01-29 to 2025-03-01" in replayed
    assert re.search(r"^never +0 +0 +0 +0 +2\.\d\d\b", replayed, re.MULTILINE), replayed
    assert (installation.project / "reports/backtest.png").stat().st_size > 10_000


@at_levels(4)
def test_the_loop_begins_with_what_is_live_and_can_be_asked(installation: Installation) -> None:
    installation.make("pipeline promote deploy")
    assert "is the champion" in installation.make("tick")
    installation.make("retrain")
    assert "asked for a retraining" in installation.make("audit")
