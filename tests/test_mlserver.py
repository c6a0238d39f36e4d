"""Tests of the bundles in MLServer: the real server, over HTTP and gRPC, beside our own service."""

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alerting import Alerting, alerting, wait
from installation import Installation
from projects import LEVELS, Ladder, commit_all
from service import TOKEN, Service, serve, stored_feedback, stored_predictions
from test_running import rewrite_problem
from tools import free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.platform,
    pytest.mark.xdist_group("mlserver"),
]

INFER = "/v2/models/service/infer"
DATATYPES = {str: "BYTES", float: "FP64", int: "INT64", bool: "BOOL"}
# Of a record, what must be equal whoever wrote it.
RECORD = ("version", "variant", "unit", "row", "prediction", "label", "shadow_version", "weight")


@pytest.fixture(scope="module")
def taxis(ladder: Ladder, installed: Path) -> Installation:
    """Provide a project with a deployed regression."""
    return deployed(ladder.project(max(LEVELS), deploy_target="kserve"), installed)


@pytest.fixture(scope="module")
def customers(ladder: Ladder, installed: Path) -> Installation:
    """Provide a project with a deployed classification."""
    project = ladder.project(max(LEVELS), deploy_target="kserve")
    rewrite_problem(project)
    return deployed(project, installed)


def deployed(project: Path, installed: Path) -> Installation:
    """Deploy the first model of a project, which borrows an environment and its lock file."""
    shutil.copy(installed.parent / "uv.lock", project)
    commit_all(project, "Lock the dependencies")
    installation = Installation(project, installed)
    installation.make("pipeline promote deploy")
    return installation


@pytest.fixture(scope="module")
def environment(taxis: Installation, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Install MLServer as people do, once for all tests."""
    folder = str(tmp_path_factory.mktemp("mlserver") / "venv")
    taxis.make(f"mlserver-environment MLSERVER_VENV={folder}")
    return folder


def command(environment: str, live: Path, port: int) -> list[str]:
    """Return the command that serves with MLServer, which is installed already."""
    given = {"MLSERVER_VENV": environment, "HTTP_PORT": str(port), "LIVE": str(live)}
    pairs = [f"{name}={value}" for name, value in given.items()]
    return ["make", "mlserver", "--old-file=mlserver-environment", *pairs]


@contextmanager
def mlserver(
    installation: Installation, environment: str, live: Path, **variables: str
) -> Iterator[Service]:
    """Run MLServer with the release in the folder, until the end of the block."""
    port, log = free_port(), live.with_name(f"{live.name}-mlserver.log")
    own = {"DATABASE_URL": f"sqlite:///{live}/mlserver.db", "SERVICE_TOKEN": TOKEN}
    ports = {f"MLSERVER_{name}_PORT": str(free_port()) for name in ("GRPC", "METRICS")}
    with log.open("w") as output:
        process = subprocess.Popen(
            command(environment, live, port),
            cwd=installation.project,
            env=installation.environment() | own | ports | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
    service = Service(process, port, live, log)
    try:
        service.wait(lambda: is_ready(service), patience=90)
        yield service
    finally:
        process.terminate()
        process.wait(60)


def is_ready(service: Service) -> bool:
    """Tell whether MLServer has loaded all its models."""
    try:
        return service.request("GET", "/v2/health/ready").status == 200
    except OSError:
        return False


def copied(installation: Installation, folder: Path) -> Path:
    """Return a copy of the release folder, in which another version of the model waits."""
    live = Path(shutil.copytree(installation.project / "live", folder / "live"))
    (first,) = (live / "bundles").iterdir()
    second = Path(shutil.copytree(first, first.with_name("v2-copy")))
    manifest = json.loads((second / "manifest.json").read_text())
    (second / "manifest.json").write_text(json.dumps(manifest | {"version": "2"}))
    return live


def rows_of(live: Path) -> list[dict[str, Any]]:
    """Return rows of the test set, as clients send them."""
    (examples,) = live.glob("bundles/v1-*/examples.json")
    return list(json.loads(examples.read_text()))


def tensors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a V2 request: a tensor for each column."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    inputs = [
        {
            "name": name,
            "datatype": DATATYPES.get(type(values[0]), "FP64"),
            "shape": [len(values)],
            "data": values,
        }
        for name, values in columns.items()
    ]
    return {"inputs": inputs}


def infer(
    service: Service, rows: list[dict[str, Any]], path: str = INFER, **headers: str
) -> dict[str, Any]:
    """Return the outputs of a V2 request by their names."""
    answer = service.request("POST", path, tensors(rows), **headers)
    assert answer.status == 200, answer
    return {one["name"]: one for one in answer.json["outputs"]}


@pytest.fixture(scope="module")
def live(taxis: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the release folder of the server that many tests use."""
    return copied(taxis, tmp_path_factory.mktemp("taxis"))


@pytest.fixture(scope="module")
def service(taxis: Installation, environment: str, live: Path) -> Iterator[Service]:
    """Provide MLServer with the taxis' model, which must survive all requests."""
    with mlserver(taxis, environment, live) as service:
        yield service
        assert service.process.poll() is None


def logged(
    file: Path, read: Callable[[Path], dict[str, Any]] = stored_predictions
) -> dict[str, Any]:
    """Return what is in the log; nothing before the service has created its tables."""
    try:
        return read(file)
    except sqlite3.OperationalError:
        return {}


def is_logged(file: Path, id: str) -> bool:
    """Tell whether a prediction is in the log."""
    return id in logged(file)


def check_equal(
    installation: Installation, mine: Service, rows: list[dict[str, Any]], live: Path
) -> None:
    """Check that MLServer predicts and logs what our own service does."""
    with serve(installation, live) as ours:
        expected = ours.predict(rows)
        wait(lambda: len(logged(live / "predictions.db")) == len(rows), "it is logged")
    outputs = infer(mine, rows)
    for name in ("prediction", "version", "variant"):
        assert outputs[name]["data"] == [one[name] for one in expected], name
        assert outputs[name]["shape"] == [len(rows)]
    if "probabilities" in expected[0]:
        found = outputs["probabilities"]
        assert found["parameters"]["classes"] == list(expected[0]["probabilities"])
        assert found["shape"] == [len(rows), len(found["parameters"]["classes"])]
        assert found["data"] == [p for one in expected for p in one["probabilities"].values()]
    log = mine.live / "mlserver.db"
    ids = outputs["id"]["data"]
    mine.wait(lambda: logged(log).keys() >= set(ids))
    own, theirs = logged(log), logged(live / "predictions.db")
    for id, one in zip(ids, expected, strict=True):
        for column in RECORD:
            assert own[id][column] == theirs[one["id"]][column], column


def test_a_regression_predicts_what_our_service_does(
    taxis: Installation, service: Service, tmp_path: Path
) -> None:
    check_equal(taxis, service, rows_of(service.live), copied(taxis, tmp_path))


def test_a_classification_has_the_same_probabilities(
    customers: Installation, environment: str, tmp_path: Path
) -> None:
    live = copied(customers, tmp_path)
    rows = [row for row in rows_of(live) if None not in row.values()]
    assert len(rows) > 1
    with mlserver(customers, environment, live) as mine:
        check_equal(customers, mine, rows, live)
        check_missing_values(customers, mine, live)


def check_missing_values(installation: Installation, mine: Service, live: Path) -> None:
    """Check that null, and a column that is left out, are missing values."""
    fields = json.loads(next(live.glob("bundles/v1-*/manifest.json")).read_text())["fields"]
    optional = [one["name"] for one in fields if one.get("optional") and one["kind"] == "float"]
    assert optional, "the guide's problem has a number that may be missing"
    row = next(row for row in rows_of(live) if None not in row.values())
    row[optional[0]] = None
    absent = {name: value for name, value in row.items() if name != optional[0]}
    with serve(installation, live) as ours:
        expected = ours.predict([row | {optional[0]: None}])[0]["prediction"]
    for given in (row, absent):
        assert infer(mine, [given])["prediction"]["data"] == [expected]


def test_it_describes_its_inputs(service: Service) -> None:
    described = service.request("GET", "/v2/models/service").json["inputs"]
    known = {one["name"]: one["datatype"] for one in described}
    assert known == {
        one["name"]: one["datatype"] for one in tensors(rows_of(service.live))["inputs"]
    }


def changed(rows: list[dict[str, Any]], column: str, others: dict[str, Any]) -> dict[str, Any]:
    """Return a V2 request in which a tensor has other properties."""
    request = tensors(rows)
    for one in request["inputs"]:
        if one["name"] == column:
            one.update(others)
    return request


WRONG = {
    "a negative distance": ("distance_miles", {"data": [-1.0]}, 422, "$[0].distance_miles"),
    "text for a number": ("distance_miles", {"data": ["far"]}, 422, "$[0].distance_miles"),
    "a number for text": ("pickup_zone", {"data": [4]}, 422, "$[0].pickup_zone"),
    "a missing value": ("distance_miles", {"data": [None]}, 422, "$[0].distance_miles"),
    "half a surrogate pair": ("pickup_zone", {"data": ["\ud800"]}, 422, ""),
    "another shape": ("distance_miles", {"shape": [2]}, 422, "distance_miles"),
    "two dimensions": ("distance_miles", {"shape": [1, 2], "data": [1.0, 2.0]}, 422, "shape"),
    "lists of lists": ("distance_miles", {"data": [[[1.0]]]}, 422, "distance_miles"),
    "no list": ("distance_miles", {"data": {"a": 1}}, 422, "distance_miles"),
    "another column": ("distance_miles", {"name": "miles"}, 422, "distance_miles"),
    "an unknown type": ("distance_miles", {"datatype": "MILES"}, 422, "datatype"),
}


@pytest.mark.parametrize(("name", "others", "status", "place"), WRONG.values(), ids=WRONG)
def test_a_wrong_row_is_refused_with_its_place(
    service: Service, name: str, others: dict[str, Any], status: int, place: str
) -> None:
    answer = service.request("POST", INFER, changed(rows_of(service.live)[:1], name, others))
    assert answer.status == status and place in answer.body.decode(), answer
    assert infer(service, rows_of(service.live)[:1])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs": []}', b'{"inputs": 3}'])
def test_what_is_no_request_is_refused(service: Service, body: bytes) -> None:
    assert service.request("POST", INFER, body).status in (400, 422)


def test_requests_of_tests_are_not_logged_and_feedback_is(service: Service) -> None:
    rows = rows_of(service.live)[:1]
    hidden = infer(service, rows, **{"Synthetic-Request": "test"})["id"]["data"]
    (shown,) = infer(service, rows)["id"]["data"]
    sent = {"id": shown, "actual": 12.5}
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert service.request("POST", "/service/feedback", sent).status == 401
    assert service.request("POST", "/service/feedback", sent, **token).status == 202
    log = service.live / "mlserver.db"
    service.wait(lambda: logged(log, stored_feedback).get(shown) == 12.5)
    assert not stored_predictions(log).keys() & set(hidden)


def test_the_service_s_own_requests_are_below_it(taxis: Installation, service: Service) -> None:
    url = f"http://127.0.0.1:{service.port}/service"
    assert "serves version" in taxis.make(f"smoke URL={url}")
    assert service.request("GET", "/service/nothing").status == 404
    assert service.request("GET", "/service/predict").status == 405


GRPC = """\
import sys, grpc
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

def tensor(name, datatype, **contents):
    made = pb.InferTensorContents(**contents)
    return pb.ModelInferRequest.InferInputTensor(
        name=name, datatype=datatype, shape=[1], contents=made)

text = {"pickup_time": b"2025-03-05T08:30:00", "pickup_zone": b"4", "dropoff_zone": b"33"}
inputs = [tensor(name, "BYTES", bytes_contents=[value]) for name, value in text.items()]
with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
    ask = GRPCInferenceServiceStub(channel).ModelInfer
    for miles in (3.1, float("inf")):
        request = pb.ModelInferRequest(model_name="service", inputs=[
            *inputs, tensor("distance_miles", "FP64", fp64_contents=[miles])])
        try:
            outputs = {one.name: one.contents for one in ask(request).outputs}
            print(outputs["prediction"].fp64_contents[0], outputs["version"].bytes_contents[0])
        except grpc.RpcError as error:
            print(error.details())
"""
GRPC_ROW = {
    **{"pickup_time": "2025-03-05T08:30:00", "pickup_zone": "4", "dropoff_zone": "33"},
    "distance_miles": 3.1,
}


def test_grpc_predicts_the_same(service: Service, environment: str) -> None:
    printed = service.log.read_text()
    port = re.findall(r"gRPC server running on http://127.0.0.1:(\d+)", printed)[0]
    asked = [f"{environment}/bin/python", "-c", GRPC, port]
    finished = subprocess.run(asked, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    expected = infer(service, [GRPC_ROW])["prediction"]["data"][0]
    predicted, refused = finished.stdout.splitlines()
    assert predicted == f"{expected} b'1'" and "must be finite" in refused


def test_prometheus_gets_the_metrics_that_rules_and_dashboards_use(
    taxis: Installation, service: Service, tmp_path: Path
) -> None:
    infer(service, rows_of(service.live))
    deploy = Path(shutil.copytree(taxis.project / "deploy", tmp_path / "deploy"))
    file = deploy / "prometheus/prometheus.yml"
    text = file.read_text(encoding="utf-8")
    job = "- job_name: service\n"
    file.write_text(text.replace(job, f"{job}    metrics_path: /service/metrics\n"))
    with alerting(deploy, f"127.0.0.1:{service.port}", tmp_path) as watching:
        for query in (
            'service_ready{job="service"} == 1',
            'model_info{job="service", version="1"}',
            'http_requests_total{job="service", path="/predict", status="200"} > 0',
            'predictions_total{job="service", variant="champion"} > 0',
            'rest_server_requests_total{job="service"} > 0',
            'model_infer_request_success_total{job="service"} > 0',
            "path:http_request_seconds:p99_5m",
        ):
            wait(partial(has_result, watching, query), query)
        groups = watching.api("rules")["groups"]
        assert not [one for group in groups for one in group["rules"] if one["health"] == "err"]
    with serve(taxis, copied(taxis, tmp_path)) as own:
        own.predict(rows_of(service.live))
        names = series(own.request("GET", "/metrics").body)
    assert names <= series(service.request("GET", "/service/metrics").body)


def has_result(watching: Alerting, query: str) -> bool:
    """Tell whether a PromQL expression has a result."""
    return bool(watching.query(query)["result"])


def series(exposition: bytes) -> set[str]:
    """Return the names of the series."""
    return set(re.findall(r"^([a-z]\w*)(?=[ {])", exposition.decode(), re.MULTILINE))


def test_a_new_release_is_picked_up(service: Service) -> None:
    file = service.live / "release.json"
    before = file.read_text()
    put_live(service.live, champion="v2-copy")
    rows = rows_of(service.live)[:1]
    service.wait(lambda: infer(service, rows)["version"]["data"] == ["2"])
    file.with_suffix(".part").write_text(before)
    file.with_suffix(".part").replace(file)
    service.wait(lambda: infer(service, rows)["version"]["data"] == ["1"])


def put_live(live: Path, **release: Any) -> None:
    """Release bundles, as make deploy does."""
    part = live / "release.json.part"
    part.write_text(json.dumps(release | {"time": str(time.time())}))
    part.replace(live / "release.json")


def split(live: Path, **settings: Any) -> None:
    """Release an experiment."""
    (champion,) = (path.name for path in (live / "bundles").glob("v1-*"))
    plan = {"mode": "split", "name": "a", "share": 0.5} | settings
    put_live(live, champion=champion, challenger="v2-copy", experiment=plan)


def test_the_platform_can_split_the_requests(
    taxis: Installation, environment: str, tmp_path: Path
) -> None:
    """Seldon Core loads two models into one server, and sends each its share of the requests."""
    live = copied(taxis, tmp_path)
    split(live)
    for name in ("champion", "challenger", "service"):
        extra = {} if name == "service" else {"variant": name}
        (live / "models" / name).mkdir(parents=True)
        settings = {"name": name, "parameters": {"extra": extra}}
        (live / "models" / name / "model-settings.json").write_text(json.dumps(settings))
    rows = rows_of(live)
    with mlserver(taxis, environment, live) as mine:
        for name, version in {"champion": "1", "challenger": "2"}.items():
            outputs = infer(mine, rows, f"/v2/models/{name}/infer")
            assert outputs["version"]["data"] == [version] * len(rows)
            assert outputs["variant"]["data"] == [name] * len(rows)
            (id, *_) = outputs["id"]["data"]
            mine.wait(partial(is_logged, live / "mlserver.db", id))
            record = logged(live / "mlserver.db")[id]
            assert (record["version"], record["variant"]) == (version, name)
        assigned = infer(mine, rows * 10)["variant"]["data"]
        assert set(assigned) == {"champion", "challenger"}, "the service assigns by itself"
        split(live, unit="pickup_zone")
        same = [rows[0]] * 50
        mine.wait(lambda: len(set(infer(mine, same)["variant"]["data"])) == 1)
        (challenger,) = set(infer(mine, same, "/v2/models/challenger/infer")["variant"]["data"])
        assert challenger == "challenger"


def test_a_stopping_server_writes_its_log(
    taxis: Installation, environment: str, tmp_path: Path
) -> None:
    """KServe names the variant in an environment variable."""
    live = copied(taxis, tmp_path)
    split(live)
    extra = {"MLSERVER_MODEL_EXTRA": '{"variant": "challenger"}'}
    with mlserver(taxis, environment, live, **extra) as mine:
        outputs = infer(mine, rows_of(live))
        assert set(outputs["variant"]["data"]) == {"challenger"}
        mine.process.send_signal(signal.SIGTERM)
        mine.process.wait(60)
    assert stored_predictions(live / "mlserver.db").keys() == set(outputs["id"]["data"])


def test_without_a_release_it_is_not_ready(
    taxis: Installation, environment: str, tmp_path: Path
) -> None:
    (tmp_path / "live").mkdir()
    finished = subprocess.run(
        command(environment, tmp_path / "live", free_port()),
        cwd=taxis.project,
        env=taxis.environment()
        | {"MLSERVER_GRPC_PORT": str(free_port()), "MLSERVER_METRICS_PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "nothing is deployed yet: run make deploy" in finished.stdout + finished.stderr
