"""Tests of the service under faults: predictions stay right, and faults are counted in metrics.

The guide of level 3 documents these faults and the behaviour of the service.
"""

import ast
import fcntl
import hashlib
import json
import math
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from installation import Installation, environment
from projects import Ladder
from service import TOKEN, Load, Service, read_all, serve, stored_feedback, stored_predictions

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service faults")]

FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
OLD, NEW = "1", "2"  # the versions of the two models


def rides(number: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return distinct rows for requests."""
    chance = random.Random(seed)
    return [
        {
            "pickup_time": f"2025-03-{1 + i % 28:02}T{i % 24:02}:{chance.randrange(60):02}:00",
            "pickup_zone": str(chance.randint(1, 40)),
            "dropoff_zone": str(chance.randint(1, 40)),
            "distance_miles": round(chance.uniform(0.3, 12), 2),
        }
        for i in range(number)
    ]


ROWS = rides(60)
ROW = ROWS[0]


@pytest.fixture(scope="module")
def installation(ladder: Ladder, installed: Path) -> Installation:
    """Provide a project that deployed two versions of its model."""
    installation = Installation(ladder.project(3), installed)
    with edited(installation, "params.yaml", "model: {}", "model: {max_iter: 20}"):
        installation.make("pipeline promote deploy UNCOMMITTED=1")
    installation.make("pipeline promote deploy")
    return installation


@contextmanager
def edited(installation: Installation, name: str, *pairs: str) -> Iterator[None]:
    """Replace texts in a file of the project, and restore the file afterwards."""
    path = installation.project / name
    before = path.read_text(encoding="utf-8")
    after = before
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in after
        after = after.replace(old, new)
    path.write_text(after, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.fixture(scope="module")
def bundles(installation: Installation) -> dict[str, str]:
    """Return the names of the bundles by their versions."""
    release = json.loads((installation.project / "live/release.json").read_text())
    return {NEW: release["champion"], OLD: release["before"][0]}


@pytest.fixture
def live(installation: Installation, tmp_path: Path) -> Path:
    """Return a copy of the release folder, for one test."""
    return Path(shutil.copytree(installation.project / "live", tmp_path / "live"))


def put_live(live: Path, champion: str, **others: Any) -> None:
    """Release a bundle, as `make deploy` does."""
    part = live / "release.json.part"
    part.write_text(json.dumps({"champion": champion, "time": str(time.time()), **others}))
    part.replace(live / "release.json")


@pytest.fixture(scope="module")
def truth(
    installation: Installation, bundles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[float]]:
    """Return each version's predictions for the rows, from an undisturbed service.

    `make deploy` has verified that they equal the registered model's predictions.
    """
    found = {}
    for version, bundle in bundles.items():
        live = tmp_path_factory.mktemp("truth") / "live"
        shutil.copytree(installation.project / "live", live)
        put_live(live, bundle)
        with serve(installation, live) as service:
            answers = service.predict(ROWS)
            assert {answer["version"] for answer in answers} == {version}
            found[version] = [answer["prediction"] for answer in answers]
            assert found[version] == [service.predict(row)["prediction"] for row in ROWS]
    assert all(old != new for old, new in zip(found[OLD], found[NEW], strict=True))
    return found


@pytest.fixture(scope="module")
def service(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Provide a service for many tests, which must survive all requests."""
    live = tmp_path_factory.mktemp("service") / "live"
    shutil.copytree(installation.project / "live", live)
    with serve(installation, live) as service:
        yield service
        assert service.process.poll() is None
        assert "Traceback" not in service.log.read_text()


def check_right(load: Load, truth: dict[str, list[float]]) -> None:
    """Check that every prediction is that of its version for its row."""
    for one in load.exchanges:
        assert one.body["prediction"] == truth[one.body["version"]][one.row]
    assert len({one.id for one in load.exchanges}) == len(load.exchanges)


# Requests to /predict.


def with_text(**values: str) -> bytes:
    """Return the row as JSON, with some values as raw text."""
    fields = {name: json.dumps(value) for name, value in ROW.items()} | values
    return b"{%s}" % ", ".join(f'"{name}": {text}' for name, text in fields.items()).encode()


def many(rows: int) -> bytes:
    """Return a request body with copies of the row."""
    return json.dumps([ROW] * rows).encode()


MALFORMED = {
    "nothing": b"",
    "cut": b"{",
    "two rows": with_text() + with_text(),
    "something after it": with_text() + b"x",
    "no text": b"\xff\xfe\x00",
    "UTF-16": with_text().decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + with_text(),
    "NaN": with_text(distance_miles="NaN"),
    "Infinity": with_text(distance_miles="-Infinity"),
    "deep objects": b'{"a":' * 100_000,
    "deep in a field nobody knows": with_text(x="[" * 100_000 + "]" * 100_000),
    "half a surrogate pair": with_text(pickup_time=r'"\ud800"'),
    "half a surrogate pair as a name": b'{"\\ud800": 1}',
}
INVALID = {
    "null": (b"null", "$"),
    "a number": (b"3", "$"),
    "deep lists": (b"[" * 100_000, "$[0]"),
    "a list in a list": (b"[[]]", "$[0]"),
    "text for a number": (with_text(distance_miles='"4"'), "$.distance_miles"),
    "truth for a number": (with_text(distance_miles="true"), "$.distance_miles"),
    "a number for text": (with_text(pickup_zone="4"), "$.pickup_zone"),
    "null for text": (with_text(pickup_zone="null"), "$.pickup_zone"),
    "out of range": (with_text(distance_miles="101"), "$.distance_miles"),
    "text of another form": (with_text(pickup_zone='"04"'), "$.pickup_zone"),
    "beyond 64 bits": (with_text(pickup_zone=str(10**30)), "$.pickup_zone"),
    "100 000 digits": (with_text(pickup_zone='"' + "1" * 100_000 + '"'), "$.pickup_zone"),
    "1e999": (with_text(distance_miles="1e999"), "$.distance_miles"),
    "400 digits": (with_text(distance_miles="1" + "0" * 400), "$.distance_miles"),
    "a deep value": (with_text(distance_miles="[" * 9_000 + "]" * 9_000), "$.distance_miles"),
    "NUL in a time": (with_text(pickup_time=r'"2025-03-01\u0000T00:00:00"'), "$.pickup_time"),
    "a time with an offset": (with_text(pickup_time='"2025-03-01T00:00:00Z"'), "$.pickup_time"),
    "no such day": (with_text(pickup_time='"2025-02-30T00:00:00"'), "$.pickup_time"),
    "the year 10000": (with_text(pickup_time='"10000-01-01T00:00:00"'), "$.pickup_time"),
    "one bad row of three": (
        b"[%s, %s, %s]" % (with_text(), with_text(pickup_zone='"0"'), with_text()),
        "$[1].pickup_zone",
    ),
    "too many rows": (many(1_001), "$"),
}
VALID = {
    "names that nobody knows": with_text(прикол="1", **{r"\u0000": "2"}),
    "a huge number that nobody reads": with_text(x="1" + "0" * 5_000),
    "a key twice": b'{"distance_miles": 99.5, "pickup_zone": "7", ' + with_text()[1:],
    "spaces": b" \n\t" + with_text() + b" " * 900_000,
}


def check_row(service: Service, truth: dict[str, list[float]]) -> None:
    """Check that the service still predicts a row correctly."""
    chosen = random.randrange(len(ROWS))
    assert service.predict(ROWS[chosen])["prediction"] == truth[NEW][chosen]


@contextmanager
def counted(service: Service, name: str, times: float = 1, **labels: str) -> Iterator[None]:
    """Check that a metric increases by `times` in the block, and that the service survives."""
    before = service.metric(name, **labels)
    yield
    assert service.metric(name, **labels) == before + times
    assert service.process.poll() is None


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_json_is_refused(
    service: Service, truth: dict[str, list[float]], body: bytes
) -> None:
    with (
        counted(service, "rejected_requests_total", reason="malformed"),
        counted(service, "http_requests_total", path="/predict", status="400"),
        counted(service, "predictions_total"),  # by check_row
    ):
        answer = service.request("POST", "/predict", body)
        assert (answer.status, answer.json["error"]) == (400, "malformed")
        check_row(service, truth)


@pytest.mark.parametrize(("body", "where"), INVALID.values(), ids=INVALID)
def test_what_breaks_the_schema_is_refused_with_its_place(
    service: Service, truth: dict[str, list[float]], body: bytes, where: str
) -> None:
    name = where.partition(".")[2] or "other"
    with (
        counted(service, "rejected_requests_total", reason="invalid"),
        counted(service, "invalid_fields_total", field=name),
        counted(service, "http_requests_total", path="/predict", status="422"),
        counted(service, "predictions_total"),
    ):
        answer = service.request("POST", "/predict", body)
        assert (answer.status, answer.json["where"]) == (422, where)
        check_row(service, truth)


def test_a_missing_field_is_named(service: Service) -> None:
    with counted(service, "invalid_fields_total", field="dropoff_zone"):
        answer = service.request(
            "POST", "/predict", {name: ROW[name] for name in ROW if name != "dropoff_zone"}
        )
        assert (answer.status, answer.json["where"]) == (422, "$")
        assert "dropoff_zone" in answer.json["message"]


@pytest.mark.parametrize("body", VALID.values(), ids=VALID)
def test_odd_but_valid_rows_are_answered(
    service: Service, truth: dict[str, list[float]], body: bytes
) -> None:
    answer = service.request("POST", "/predict", body)
    assert (answer.status, answer.json["prediction"]) == (200, truth[NEW][0])


def test_no_rows_and_as_many_as_allowed(service: Service, truth: dict[str, list[float]]) -> None:
    assert service.predict([]) == []
    answers = service.predict(many(1_000))
    assert [answer["prediction"] for answer in answers] == [truth[NEW][0]] * 1_000


# Requests that violate HTTP.


def request(
    *headers: str, line: str = "POST /predict HTTP/1.1", body: bytes = b"", close: bool = True
) -> bytes:
    """Return the bytes of a request."""
    last = ["Connection: close"] if close else []
    first = [line, "Host: localhost", "Content-Type: application/json"]
    return "\r\n".join([*first, *headers, *last, "", ""]).encode() + body


def of_length(body: bytes, announced: int | str | None = None, close: bool = True) -> bytes:
    """Return the bytes of a request with a Content-Length, which may be wrong."""
    length = len(body) if announced is None else announced
    return request(f"Content-Length: {length}", body=body, close=close)


HEALTH = "GET /healthz HTTP/1.1"
CHUNKED = "Transfer-Encoding: chunked"
MB = b"%x\r\n%s\r\n" % (1_000_000, b" " * 1_000_000)
HARDLY_HTTP = {
    "10 MB": (of_length(b" " * 10_000_000), 413, "/predict"),
    "10 MB announced, less sent": (of_length(b"{}", 10_000_000), 413, "/predict"),
    "10 MB in chunks": (request(CHUNKED, body=MB * 10 + b"0\r\n\r\n"), 413, "/predict"),
    "more than announced": (of_length(with_text(), 5), 400, "/predict"),
    "a negative length": (of_length(b"{}", -2), 400, "other"),
    "a length in words": (of_length(b"{}", "two"), 400, "other"),
    "a length of 5000 digits": (of_length(b"{}", "9" * 5_000), 400, "other"),
    "two lengths": (request("Content-Length: 2", "Content-Length: 5", body=b"{}"), 400, "other"),
    "a length and chunks": (request("Content-Length: 2", CHUNKED, body=b"{}"), 400, "other"),
    "trailers without end": (
        request(CHUNKED, body=b"2\r\n[]\r\n0\r\n" + b"X-1: y\r\n" * 100_000),
        400,
        "other",
    ),
    "a trailer without end": (
        request(CHUNKED, body=b"2\r\n[]\r\n0\r\nX: " + b"y" * 10_000_000),
        400,
        "other",
    ),
    "1,000 requests at once": (request(line=HEALTH, close=False) * 1_000, 400, "other"),
    "a broken chunk": (request(CHUNKED, body=b"zz\r\n"), 400, "other"),
    "100 000 headers": (request(*["X: y"] * 100_000, line=HEALTH), 400, "other"),
    "a header of 60 MB": (request(f"X: {'y' * 60_000_000}", line=HEALTH), 400, "other"),
    "a path of 1 MB": (request(line=f"GET /{'a' * 1_000_000} HTTP/1.1"), 400, "other"),
    "NUL in a header": (request("X: \0", line=HEALTH), 400, "other"),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "other"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "other"),
    "no such path": (request(line="GET /nothing HTTP/1.1"), 404, "other"),
    "a path out of the service": (request(line="GET /../../etc/passwd HTTP/1.1"), 404, "other"),
    "NUL in a path": (request(line="GET /%00%ff HTTP/1.1"), 404, "other"),
    "a method": (request(line="DELETE /predict HTTP/1.1"), 405, "/predict"),
    "TRACE": (request(line="TRACE /healthz HTTP/1.1"), 405, "/healthz"),
    "an upgrade": (request("Upgrade: websocket", line=HEALTH), 200, "/healthz"),
    "no host": (b"GET /healthz HTTP/1.0\r\n\r\n", 200, "/healthz"),
    "no host in HTTP/1.1": (b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "/healthz"),
    "another host": (
        b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        400,
        "/metrics",
    ),
    "a form": (
        of_length(with_text()).replace(b"application/json", b"text/plain"),
        415,
        "/predict",
    ),
    "compressed": (
        request("Content-Encoding: gzip", f"Content-Length: {len(with_text())}", body=with_text()),
        415,
        "/predict",
    ),
}


@pytest.mark.parametrize(("data", "status", "path"), HARDLY_HTTP.values(), ids=HARDLY_HTTP)
def test_what_is_hardly_http_is_answered_and_counted(
    service: Service, truth: dict[str, list[float]], data: bytes, status: int, path: str
) -> None:
    with counted(service, "http_requests_total", path=path, status=str(status)):
        assert service.send(data)[-1].status == status
    check_row(service, truth)


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({"Content-Type": "text/plain"}, 415, "content type"),
        ({"Content-Encoding": "gzip"}, 415, "content encoding"),
        ({"Host": "evil.example"}, 400, "host"),
        ({"Host": "localhost.evil.example:8000"}, 400, "host"),
        ({"Host": "LOCALHOST:8000", "Content-Type": "Application/JSON; charset=utf-8"}, 200, None),
        ({"Host": "[::1]:8000"}, 200, None),
    ],
)
def test_web_pages_and_compressed_bodies_are_refused(
    service: Service, headers: dict[str, str], status: int, error: str | None
) -> None:
    answer = service.request("POST", "/predict", ROW, **headers)
    assert (answer.status, answer.json.get("error")) == (status, error)


def test_a_request_that_ends_before_its_body_does_is_counted(
    service: Service, truth: dict[str, list[float]]
) -> None:
    with counted(service, "rejected_requests_total", reason="disconnected"):
        assert service.send(of_length(with_text(), 5_000), end=True) == []
    check_row(service, truth)


def test_pipelined_requests_are_answered_in_their_order(
    service: Service, truth: dict[str, list[float]]
) -> None:
    requests = [of_length(json.dumps(row).encode(), close=row is ROWS[-1]) for row in ROWS]
    answers = service.send(b"".join(requests))
    assert [answer.json["prediction"] for answer in answers] == truth[NEW]


def test_an_upgrade_to_http2_is_ignored(service: Service, truth: dict[str, list[float]]) -> None:
    """Java's client asks for it with each request, and sends the body in a second packet."""
    wish = ["Connection: close, Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"]
    body = with_text()
    head = request(*wish, f"Content-Length: {len(body)}", close=False)
    for pieces in ([head + body], [head, body], [head[:60], head[60:], body[:9], body[9:]]):
        with socket.create_connection(("127.0.0.1", service.port), timeout=30) as raw:
            for piece in pieces:
                raw.sendall(piece)
                time.sleep(0.05)  # so that the pieces are received one by one
            (answer,) = read_all(raw)
        assert (answer.status, answer.json["prediction"]) == (200, truth[NEW][0])


def test_a_client_that_does_not_read_is_disconnected(
    installation: Installation, live: Path
) -> None:
    start = "from taxi_ride_duration.serving import protocol\nprotocol.ARRIVAL_SECONDS = 2"
    asked = of_length(many(1_000), close=False) * 60
    with serve(installation, live, start=start) as service, socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.connect(("127.0.0.1", service.port))
        raw.settimeout(20)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while True:
                raw.sendall(asked)
        assert service.request("GET", "/readyz").status == 200


def test_slow_requests_keep_nobody_waiting(
    installation: Installation, live: Path, truth: dict[str, list[float]]
) -> None:
    """Incomplete heads and bodies and idle connections are closed after a timeout."""
    start = "from taxi_ride_duration.serving import protocol\nprotocol.ARRIVAL_SECONDS = 2"
    halves = [
        request()[:20],
        of_length(with_text())[:-9],
        b"",
        of_length(b" ", 5_000_000, close=False),
        of_length(with_text(), close=False) + of_length(with_text())[:-9],
    ]
    with serve(installation, live, start=start) as service, ExitStack() as opened:
        late = []
        for half in halves * 25:
            connection = socket.create_connection(("127.0.0.1", service.port))
            late.append(opened.enter_context(connection))
            connection.sendall(half)
        with Load(service, ROWS) as load:
            load.wait_for_responses(100)
            for connection in late:
                connection.settimeout(20)
                while connection.recv(1_000):
                    pass
        load.check()
        check_right(load, truth)
        assert service.metric("http_requests_total", path="other", status="408") == 75
        assert service.metric("rejected_requests_total", reason="disconnected") == 50
        assert service.metric("rejected_requests_total", reason="oversized") == 25


# The OpenAPI description.


def test_the_service_is_what_its_description_says(service: Service, tmp_path: Path) -> None:
    """Schemathesis sends examples, edge cases and 60 random requests to each path."""
    hooks = {"SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(Path(__file__).parent)}
    command = ["schemathesis", "run", f"{service.url}/openapi.json", "--checks=all", "--seed=1"]
    command += ["--max-examples=60", "--generation-deterministic", "--no-color"]
    command += ["--header", f"Authorization: Bearer {TOKEN}"]
    finished = subprocess.run(
        command, cwd=tmp_path, env=environment() | hooks, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "Tested: 6" in finished.stdout
    assert service.metric("http_requests_total", path="/predict", status="200") > 60
    assert service.metric("http_requests_total", path="/predict", status="422") > 60


# Faults of the prediction store.


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """Let another process hold a write lock."""
    with closing(sqlite3.connect(service.live / "predictions.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        yield
        other.execute("rollback")


@contextmanager
def gone(service: Service) -> Iterator[None]:
    """Replace the folder by a file."""
    folder = service.live / "store"
    folder.rename(service.live / "moved")
    folder.write_text("")
    yield
    folder.unlink()


@contextmanager
def full(service: Service) -> Iterator[None]:
    """Let the service's files not grow, as on a full disk."""
    service.limit_files(100_000)
    yield
    service.heal_files()


@pytest.mark.parametrize("fault", [locked, gone, full])
def test_a_store_that_fails_harms_no_answer_and_is_caught_up_with(
    installation: Installation,
    live: Path,
    truth: dict[str, list[float]],
    fault: Callable[[Service], Any],
) -> None:
    where = "store/predictions.db" if fault is gone else "predictions.db"
    with serve(installation, live, DATABASE_URL=f"sqlite:///{live}/{where}") as service:
        with Load(service, ROWS) as load:
            load.wait_for_responses()
            service.wait(lambda: service.metric("prediction_log_written_total") > 0)
            with fault(service):
                service.wait(lambda: service.metric("prediction_log_failures_total") > 0)
                load.wait_for_responses()
                assert service.metric("prediction_log_waiting") > 0
            load.wait_for_responses()
        load.check()
        check_right(load, truth)
        written = partial(service.metric, "prediction_log_written_total")
        service.wait(lambda: written() == len(load.exchanges))
        assert service.metric("prediction_log_dropped_total") == 0
        kept = stored_predictions(live / where)
        if fault is gone:
            kept |= stored_predictions(live / "moved/predictions.db")
        assert kept.keys() == {one.id for one in load.exchanges}
        assert "the prediction log's store is back" in service.log.read_text()
        assert "Traceback" not in service.log.read_text()


def test_what_the_store_can_never_take_is_dropped_and_counted(
    installation: Installation, live: Path
) -> None:
    """While the disk is full, the log receives more than its memory may hold."""
    start = "from taxi_ride_duration.serving import prediction_log as p\n" + (
        "p.PredictionLog.__init__.__defaults__ = (5_000,)\np.OVERLOAD = 2.0"
    )
    with serve(installation, live, start=start) as service:
        answers = service.predict(ROWS)
        service.wait(lambda: service.metric("prediction_log_waiting") == 0)
        with full(service):
            answers += service.predict(many(1_000))
            service.wait(lambda: service.metric("prediction_log_failures_total") > 0)
            for _ in range(8):
                answers += service.predict(many(1_000))
            response = service.send_feedback([{"id": answers[0]["id"], "actual": 5.0}])
            assert (response.status, response.json["error"]) == (503, "log full")
        service.wait(lambda: service.metric("prediction_log_waiting") == 0)
        dropped = service.metric("prediction_log_dropped_total") - 1  # the label
        assert dropped > 0
        kept = stored_predictions(live / "predictions.db")
        assert kept.keys() <= {answer["id"] for answer in answers}
        assert len(answers) - len(kept) == dropped


# Termination of the process.


@pytest.mark.parametrize("attempt", range(2))
def test_stopped_under_load_it_loses_nothing_that_it_answered(
    installation: Installation, live: Path, truth: dict[str, list[float]], attempt: int
) -> None:
    with serve(installation, live) as service, Load(service, ROWS, per_second=600) as load:
        load.wait_for_responses(300 + 170 * attempt)
        assert service.signal(signal.SIGTERM) == -signal.SIGTERM
        load.stop()
        assert not load.truncated
        assert {one.status for one in load.exchanges} == {200}
        check_right(load, truth)
        kept = stored_predictions(live / "predictions.db")
        assert {one.id for one in load.exchanges} <= kept.keys()
        for one in load.exchanges:
            assert json.loads(kept[one.id]["row"]) == list(ROWS[one.row].values())
            assert json.loads(kept[one.id]["prediction"]) == one.body["prediction"]
        assert "lost" not in service.log.read_text()


def test_killed_under_load_it_loses_no_more_than_the_last_moment(
    installation: Installation, live: Path, truth: dict[str, list[float]]
) -> None:
    with serve(installation, live) as service, Load(service, ROWS, per_second=600) as load:
        load.wait_for_responses(1_000)
        killed = time.monotonic()
        assert service.signal(signal.SIGKILL) == -signal.SIGKILL
        load.stop()
        check_right(load, truth)
    kept = stored_predictions(live / "predictions.db")
    lost = [one for one in load.exchanges if one.id not in kept]
    assert all(one.received > killed - 1 for one in lost)
    with serve(installation, live) as service:  # restarted with the files of the killed one
        again = service.predict(ROWS)
        assert [answer["prediction"] for answer in again] == truth[NEW]
        assert not {answer["id"] for answer in again} & {one.id for one in load.exchanges}
        assert service.signal(signal.SIGTERM) == -signal.SIGTERM
    kept = stored_predictions(live / "predictions.db")
    assert {answer["id"] for answer in again} <= kept.keys()


# Replacement of the served model.


def serving(service: Service) -> str:
    """Return the champion's version."""
    return str(service.request("GET", "/model").json["champion"]["version"])


def serves(service: Service, version: str) -> bool:
    """Tell whether that version is the champion."""
    return serving(service) == version


def test_swapped_under_load_no_answer_fails_is_mixed_or_stale(
    installation: Installation, live: Path, bundles: dict[str, str], truth: dict[str, list[float]]
) -> None:
    certain: list[tuple[float, float, str]] = []  # start, end, and the version served meanwhile
    with serve(installation, live) as service:
        with Load(service, ROWS) as load:
            since, version = time.monotonic(), NEW
            for swap in range(20):
                load.wait_for_responses(20)
                certain.append((since, time.monotonic(), version))
                version = NEW if swap % 2 else OLD
                put_live(live, bundles[version])
                service.wait(partial(serves, service, version))
                since = time.monotonic()
            load.wait_for_responses()
        certain.append((since, time.monotonic(), version))
        load.check()
        check_right(load, truth)
        for start, end, version in certain:
            versions = {
                one.body["version"]
                for one in load.exchanges
                if start < one.sent and one.received < end
            }
            assert versions == {version}
        assert service.metric("bundle_loads_total", result="taken") == 21
        assert service.metric("bundle_loads_total", result="refused") == 0
        assert service.metric("model_info") == 1


def damaged(live: Path, bundle: str, damage: str) -> str:
    """Copy the bundle with a damage, and return the name of the copy."""
    copy = Path(shutil.copytree(live / "bundles" / bundle, live / "bundles" / f"v9-{damage}"))
    model, manifest = copy / "model.onnx", copy / "manifest.json"
    content = model.read_bytes()
    match damage:
        case "without-manifest":
            manifest.unlink()
        case "half-a-manifest":
            manifest.write_bytes(manifest.read_bytes()[:200])
        case "without-model":
            model.unlink()
        case "half-a-model":
            model.write_bytes(content[: len(content) // 2])
        case "another-model":
            model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    return copy.name


def test_a_damaged_bundle_is_refused_until_it_is_mended(
    installation: Installation, live: Path, bundles: dict[str, str], truth: dict[str, list[float]]
) -> None:
    damages = ["without-manifest", "half-a-manifest", "without-model", "another-model"]
    names = [damaged(live, bundles[OLD], damage) for damage in [*damages, "half-a-model"]]
    refused = 0.0
    with serve(installation, live) as service, Load(service, ROWS) as load:

        def is_refused() -> bool:
            return service.metric("bundle_loads_total", result="refused") > refused

        for name in ["../../elsewhere", "absent", *names]:
            put_live(live, name)
            service.wait(is_refused)
            refused = service.metric("bundle_loads_total", result="refused")
            assert serving(service) == NEW
        (live / "release.json").write_text('{"champion": "v')
        service.wait(is_refused)
        assert service.request("GET", "/readyz").status == 200
        assert set(versions_of(load)) == {NEW}
        put_live(live, names[-1])
        refused = service.metric("bundle_loads_total", result="refused")
        service.wait(is_refused)
        shutil.copy(live / "bundles" / bundles[OLD] / "model.onnx", live / "bundles" / names[-1])
        service.wait(lambda: serving(service) == OLD)
        load.wait_for_responses()
        load.stop()
        load.check()
        check_right(load, truth)
        assert "'../../elsewhere' is not a name of a bundle" in service.log.read_text()


def test_a_bundle_that_exits_is_refused_and_one_that_exits_later_fails(
    installation: Installation, live: Path, bundles: dict[str, str], truth: dict[str, list[float]]
) -> None:
    exits = bundle_whose_features(live, bundles[OLD], "raise SystemExit('enough')")
    with serve(installation, live) as service:
        put_live(live, exits)
        service.wait(lambda: service.metric("bundle_loads_total", result="refused") == 1)
        assert "SystemExit" in service.log.read_text()
        assert serving(service) == NEW
        put_live(live, bundles[OLD])
        service.wait(lambda: serving(service) == OLD)
        shutil.rmtree(live / "bundles" / exits)
        only_long = "if max(rows['distance_miles']) > 50: raise SystemExit('enough')"
        put_live(live, bundle_whose_features(live, bundles[NEW], only_long))
        service.wait(lambda: serving(service) == NEW)
        assert service.request("POST", "/predict", ROW | {"distance_miles": 60.0}).status == 500
        assert [answer["prediction"] for answer in service.predict(ROWS)] == truth[NEW]


def versions_of(load: Load) -> Counter[str]:
    """Count the responses of each version."""
    return Counter(one.body["version"] for one in load.exchanges)


def test_without_a_bundle_it_waits_for_one(
    installation: Installation, tmp_path: Path, truth: dict[str, list[float]]
) -> None:
    live = tmp_path / "live"
    with serve(installation, live) as service:
        assert service.request("GET", "/healthz").status == 200
        ready = service.request("GET", "/readyz")
        assert (ready.status, ready.json["message"]) == (
            503,
            "nothing is deployed yet: run make deploy",
        )
        for path, body in {"/predict": ROW, "/feedback": {"id": "x", "actual": 1.0}}.items():
            answer = service.request("POST", path, body, Authorization=f"Bearer {TOKEN}")
            assert answer.status == 503
        for path in ("/model", "/openapi.json"):
            assert service.request("GET", path).status == 503
        assert service.metric("service_ready") == 0
        assert service.metric("rejected_requests_total", reason="not ready") == 1
        installation.make("deploy", LIVE=str(live))
        service.wait(lambda: service.request("GET", "/readyz").status == 200)
        assert [answer["prediction"] for answer in service.predict(ROWS)] == truth[NEW]
        assert service.metric("service_ready") == 1


def test_when_what_is_live_goes_away_it_serves_on_and_looks_on(
    installation: Installation, live: Path, bundles: dict[str, str], truth: dict[str, list[float]]
) -> None:
    """Meanwhile drift cannot be measured, because the profile is missing."""
    start = (
        "from taxi_ride_duration.serving import watcher\n"
        "watcher.WATCH_SECONDS = watcher.DRIFT_SECONDS = 0.05"
    )
    store = f"sqlite:///{live.parent}/predictions.db"
    with serve(installation, live, start=start, DATABASE_URL=store) as service:
        service.predict(ROWS * 10)  # drift is not measured on fewer rows
        live.rename(live.with_name("away"))
        service.wait(lambda: "drift could not be measured" in service.log.read_text())
        assert [answer["prediction"] for answer in service.predict(ROWS)] == truth[NEW]
        live.with_name("away").rename(live)
        put_live(live, bundles[OLD])
        service.wait(lambda: serving(service) == OLD)
        assert [answer["prediction"] for answer in service.predict(ROWS)] == truth[OLD]


def test_the_serving_process_loads_no_training_library(
    installation: Installation, live: Path
) -> None:
    with serve(installation, live, "-X", "importtime") as service:
        (answer,) = service.predict([ROW])
        assert service.send_feedback({"id": answer["id"], "actual": 5.0}).status == 202
        service.wait(lambda: service.metric("feedback_total", result="known") == 1)
        libraries = Path(f"/proc/{service.process.pid}/maps").read_text()
        loaded = set(re.findall(r"\| +([\w.]+)$", service.log.read_text(), re.MULTILINE))
    assert {"onnxruntime", "msgspec", "uvicorn"} <= loaded
    heavy = {"mlflow", "pandas", "pandera", "sklearn", "skops", "scipy", "matplotlib"}
    assert not heavy & {name.partition(".")[0] for name in loaded}
    assert not re.search(rf"/({'|'.join(heavy)})/.*\.so", libraries)


# Clock, token and address.


@pytest.mark.skipif(not FAKETIME, reason="libfaketime is missing: apt-get install faketime")
def test_a_clock_that_is_set_back_changes_nothing_but_the_times(
    installation: Installation, live: Path, truth: dict[str, list[float]], tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0")
    faked = {
        "LD_PRELOAD": str(FAKETIME[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with serve(installation, live, **faked) as service:
        with Load(service, ROWS) as load:
            load.wait_for_responses()
            clock.write_text("-1d")
            back = time.monotonic()
            load.wait_for_responses()
            clock.write_text("+0")
            load.wait_for_responses()
        load.check()
        check_right(load, truth)
        assert service.signal(signal.SIGTERM) == -signal.SIGTERM
    kept = stored_predictions(live / "predictions.db")
    assert kept.keys() == {one.id for one in load.exchanges}
    yesterday = time.time() - 80_000
    early = [one for one in load.exchanges if kept[one.id]["time"] < yesterday]
    assert len(early) > 50
    assert min(one.received for one in early) > back


def test_true_values_are_taken_from_whoever_knows_the_token(
    installation: Installation, live: Path
) -> None:
    with serve(installation, live) as service:
        first, second = (answer["id"] for answer in service.predict(ROWS[:2]))
        for token in ("", "wrong", TOKEN + "x", TOKEN[:-1], "\xe9\xff"):
            answer = service.send_feedback({"id": first, "actual": 1.0}, token)
            assert (answer.status, answer.json["error"]) == (401, "token")
        assert service.request("POST", "/feedback", {"id": first, "actual": 1.0}).status == 401
        assert service.metric("http_requests_total", path="/feedback", status="401") == 6

        assert service.send_feedback({"id": first, "actual": 7.0}).json == {"accepted": 1}
        assert service.send_feedback([{"id": "nobody's", "actual": 8.0}]).status == 202
        service.wait(lambda: service.metric("feedback_total", result="known") == 1)
        service.wait(lambda: service.metric("feedback_total", result="unknown") == 1)
        twice = [{"id": second, "actual": 3.0}, {"id": second, "actual": 4.0}]
        assert service.send_feedback(twice).json == {"accepted": 2}
        assert service.send_feedback({"id": first, "actual": 9.0}).status == 202
        service.wait(lambda: service.metric("feedback_total", result="known") == 4)
        assert stored_feedback(live / "predictions.db") == {
            first: 9.0,
            second: 4.0,
            "nobody's": 8.0,
        }

        for refused in ({"id": "", "actual": 5.0}, {"id": "x" * 101, "actual": 5.0}, {"id": 1}):
            assert service.send_feedback(refused).status == 422
        assert service.send_feedback({"id": first, "actual": 181.0}).json["where"] == "$.actual"
    with serve(installation, live, SERVICE_TOKEN="") as service:
        assert service.send_feedback({"id": first, "actual": 1.0}, "").status == 403
    assert stored_feedback(live / "predictions.db")[first] == 9.0


def test_the_token_is_compared_in_constant_time(installation: Installation) -> None:
    functions = {
        node.name: ast.unparse(node)
        for source in (installation.project / "src").glob("*/serving/*.py")
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    using_token = [name for name, text in functions.items() if "token.encode" in text]
    assert using_token == ["check_token"]
    assert "hmac.compare_digest(" in functions["check_token"]


def test_it_listens_on_this_machine_alone_unless_told(
    installation: Installation, live: Path
) -> None:
    with serve(installation, live) as service, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", service.port))
    with serve(installation, live, HOST="0.0.0.0") as service:
        socket.create_connection(("127.0.0.2", service.port)).close()


def test_an_address_that_cannot_be_had_is_said(
    service: Service, installation: Installation
) -> None:
    taken = installation.refused("serve", PORT=str(service.port))
    assert f"error: cannot listen on 127.0.0.1, port {service.port}: Address already in" in taken
    assert "cannot listen on 192.0.2.1" in installation.refused("serve", HOST="192.0.2.1", PORT="0")
    assert "PORT: 'http' must be a port between 0 and 65535" in installation.refused(
        "serve", PORT="http"
    )


# Champion and challenger.


def experiment(mode: str, **others: Any) -> dict[str, Any]:
    """Return the settings of an experiment."""
    return {"mode": mode, "name": "trial", "challenger": 1, "share": 0.5, **others}


def test_a_challenger_in_the_shadow_answers_nobody(
    installation: Installation, live: Path, truth: dict[str, list[float]]
) -> None:
    plan = ['mode: "off"', "mode: shadow", "name: null", "name: trial"]
    with edited(installation, "experiment.yaml", *plan, "challenger: null", "challenger: 1"):
        assert "in a shadow" in installation.make("deploy", LIVE=str(live))
    with serve(installation, live) as service:
        with Load(service, ROWS) as load:
            load.wait_for_responses()
        load.check()
        check_right(load, truth)
        assert set(versions_of(load)) == {NEW}
        assert service.metric("shadow_predictions_total") == len(load.exchanges)
        assert service.metric("shadow_failures_total") == 0
        assert service.signal(signal.SIGTERM) == -signal.SIGTERM
    kept = stored_predictions(live / "predictions.db")
    for one in load.exchanges:
        record = kept[one.id]
        assert (record["version"], record["shadow_version"]) == (NEW, OLD)
        assert json.loads(record["shadow_prediction"]) == truth[OLD][one.row]


def test_a_challenger_that_fails_in_the_shadow_harms_nobody(
    installation: Installation, live: Path, bundles: dict[str, str], truth: dict[str, list[float]]
) -> None:
    """Its features fail for long rides, of which there is none among its examples."""
    failing = bundle_whose_features(live, bundles[OLD], "assert max(rows['distance_miles']) < 50")
    put_live(live, bundles[NEW], challenger=failing, experiment=experiment("shadow"))
    long_ride = ROW | {"distance_miles": 60.0}
    with serve(installation, live) as service:
        for _ in range(3):
            assert service.predict(long_ride)["version"] == NEW
        with Load(service, ROWS) as load:
            load.wait_for_responses()
        load.check()
        check_right(load, truth)
        assert service.metric("shadow_failures_total") == 3
        assert service.metric("shadow_predictions_total") == len(load.exchanges)
        assert service.signal(signal.SIGTERM) == -signal.SIGTERM
    kept = stored_predictions(live / "predictions.db")
    assert len(kept) == 3 + len(load.exchanges)
    assert sum(record["shadow_version"] is None for record in kept.values()) == 3


def bundle_whose_features(live: Path, bundle: str, first: str) -> str:
    """Copy the bundle with a statement before its features, and return the name of the copy."""
    copy = Path(shutil.copytree(live / "bundles" / bundle, live / "bundles/v1-changed"))
    source = copy / "request_time.py"
    with source.open("a") as file:
        file.write(
            f"\n\nmade = features\n\n\ndef features(rows):\n    {first}\n    return made(rows)\n"
        )
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"][source.name] = hashlib.sha256(source.read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy.name


def test_a_challenger_that_is_too_slow_in_the_shadow_keeps_nobody_waiting(
    installation: Installation, live: Path, bundles: dict[str, str], truth: dict[str, list[float]]
) -> None:
    """Both models run in threads, like models that cannot be exported."""
    slow = bundle_whose_features(live, bundles[OLD], "import time; time.sleep(1)")
    put_live(live, bundles[NEW], challenger=slow, experiment=experiment("shadow"))
    start = "from taxi_ride_duration.serving import runtimes\nruntimes.OnnxRuntime.slow = True"
    with serve(installation, live, start=start) as service:
        with Load(service, ROWS, clients=16, per_second=500) as load:
            load.wait_for_responses(1_000)
        load.check()
        check_right(load, truth)
        assert set(versions_of(load)) == {NEW}
        failed = service.metric("shadow_failures_total")
        assert 0 < failed < len(load.exchanges)
        assert service.signal(signal.SIGTERM) == -signal.SIGTERM
    kept = stored_predictions(live / "predictions.db")
    assert kept.keys() == {one.id for one in load.exchanges}
    assert sum(record["shadow_version"] is None for record in kept.values()) == failed


def test_a_split_gives_each_its_share_and_each_unit_its_model(
    installation: Installation, live: Path, bundles: dict[str, str], truth: dict[str, list[float]]
) -> None:
    def share(share: float, **others: Any) -> dict[str, Any]:
        split = experiment("split", share=share, **others)
        return {"challenger": bundles[OLD], "experiment": split}

    put_live(live, bundles[NEW], **share(0.3))
    with serve(installation, live) as service:
        variants: Counter[str] = Counter()
        for _ in range(40):
            for row, answer in enumerate(service.predict(ROWS)):
                assert answer["prediction"] == truth[answer["version"]][row]
                assert answer["version"] == {"champion": NEW, "challenger": OLD}[answer["variant"]]
                variants[answer["variant"]] += 1
        total = variants.total()
        assert abs(variants["challenger"] - 0.3 * total) < 5 * math.sqrt(total * 0.3 * 0.7)
        assert (
            service.metric("predictions_total", version=OLD, variant="challenger")
            == (variants["challenger"])
        )

        put_live(live, bundles[NEW], **share(0.5, unit="pickup_zone"))
        service.wait(lambda: service.request("GET", "/model").json["experiment"]["unit"])
        of_zone: dict[str, str] = {}
        for _ in range(3):
            with Load(service, ROWS) as load:
                load.wait_for_responses()
            load.check()
            check_right(load, truth)
            for one in load.exchanges:
                zone = ROWS[one.row]["pickup_zone"]
                assert of_zone.setdefault(zone, one.body["variant"]) == one.body["variant"]
        assert set(of_zone.values()) == {"champion", "challenger"}


# Several processes, tests of a running service, and old records.


def test_two_workers_share_metrics_log_swaps_and_split(
    installation: Installation, live: Path, bundles: dict[str, str], truth: dict[str, list[float]]
) -> None:
    with serve(installation, live, WORKERS="2") as service:
        service.wait(lambda: service.metric("bundle_loads_total", result="taken") == 2)
        with Load(service, ROWS) as load:
            load.wait_for_responses(300)
            split = experiment("split", share=0.5, unit="pickup_zone")
            put_live(live, bundles[NEW], challenger=bundles[OLD], experiment=split)
            service.wait(lambda: service.metric("bundle_loads_total", result="taken") == 4)
            since = time.monotonic()
            load.wait_for_responses(300)
        load.check()
        check_right(load, truth)
        answered = {one.id for one in load.exchanges}
        while len({id[:8] for id in answered}) < 2:  # each connection is accepted by one process
            answered.add(service.predict(ROW)["id"])
        of_zone: dict[str, str] = {}
        for one in load.exchanges:
            if one.sent > since:
                zone = ROWS[one.row]["pickup_zone"]
                assert of_zone.setdefault(zone, one.body["variant"]) == one.body["variant"]
        assert set(of_zone.values()) == {"champion", "challenger"}
        service.wait(lambda: service.metric("prediction_log_written_total") == len(answered))
        assert service.metric("predictions_total") == len(answered)
        assert service.metric("prediction_log_waiting") == 0
        assert service.metric("model_info") == 2
        assert service.signal(signal.SIGTERM) == 0
    assert stored_predictions(live / "predictions.db").keys() == answered


def test_smoke_and_load_test_leave_no_predictions(installation: Installation, live: Path) -> None:
    with serve(installation, live) as service:
        assert "serves version 2" in installation.make("smoke", URL=service.url)
        installation.make("load-test", URL=service.url, SECONDS="5", USERS="4")
        assert service.metric("synthetic_requests_total", path="/predict", status="200") > 10
        assert service.metric("predictions_total") == 0
        assert service.metric("http_requests_total", path="/predict") == 0
        service.predict(ROW)
        service.wait(lambda: service.metric("prediction_log_written_total") == 1)
    assert len(stored_predictions(live / "predictions.db")) == 1


def test_old_records_are_pruned_while_the_service_writes(
    installation: Installation, live: Path, truth: dict[str, list[float]]
) -> None:
    file = live / "predictions.db"
    with serve(installation, live) as service:
        for _ in range(10):
            old = [answer["id"] for answer in service.predict(many(1_000))]
        assert service.send_feedback({"id": old[0], "actual": 5.0}).status == 202
        service.wait(lambda: service.metric("feedback_total", result="known") == 1)
        with closing(sqlite3.connect(file)) as store:
            store.execute("update predictions set time = time - 100 * 86400")
            store.commit()
        with Load(service, ROWS) as load:
            load.wait_for_responses()
            said = installation.make("prune", LIVE=str(live))
            load.wait_for_responses()
        load.check()
        assert "deleted 10000 predictions older than 90 days" in said
        answered = {one.id for one in load.exchanges}
        service.wait(lambda: stored_predictions(file).keys() == answered)
        assert service.metric("prediction_log_dropped_total") == 0
        assert stored_feedback(file) == {}


# Deployments that are refused, and models that cannot be exported.


@pytest.fixture
def undeployed(live: Path, bundles: dict[str, str]) -> Path:
    """Return a release folder in which the old version serves and the new one is not verified."""
    shutil.rmtree(live / "bundles" / bundles[NEW])
    put_live(live, bundles[OLD])
    return live


def test_without_a_champion_nothing_is_deployed(installation: Installation, tmp_path: Path) -> None:
    elsewhere = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "LIVE": str(tmp_path)}
    assert "no version is the champion yet" in installation.refused("deploy", **elsewhere)
    assert not (tmp_path / "release.json").exists()


def test_a_model_that_is_too_slow_is_not_deployed(
    installation: Installation, undeployed: Path, bundles: dict[str, str]
) -> None:
    before = (undeployed / "release.json").read_bytes()
    with edited(installation, "serving.yaml", "latency_budget_ms: 100", "latency_budget_ms: 0.001"):
        refusal = installation.refused("deploy", LIVE=str(undeployed))
    assert re.search(
        r"version 2 is not deployed: 95 % of single rows take up to [\d.]+ ms", refusal
    )
    assert (undeployed / "release.json").read_bytes() == before
    assert [folder.name for folder in (undeployed / "bundles").iterdir()] == [bundles[OLD]]
    assert not list(undeployed.glob("candidate-*"))


def test_a_model_that_predicts_otherwise_when_exported_is_served_as_it_is(
    installation: Installation, undeployed: Path, truth: dict[str, list[float]]
) -> None:
    with edited(installation, "serving.yaml", "max_difference: 0.0001", "max_difference: 0"):
        said = installation.make("deploy", LIVE=str(undeployed))
    assert re.search(
        r"served by scikit-learn itself.*: predictions differ from the registered", said
    )
    with serve(installation, undeployed) as service:
        assert service.request("GET", "/model").json["champion"]["runtime"] == "python"
        answered = [answer["prediction"] for answer in service.predict(ROWS)]
        assert answered == pytest.approx(truth[NEW], rel=1e-3)
        assert answered != truth[NEW]


def test_one_deployment_at_a_time(installation: Installation, live: Path) -> None:
    with (live / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refusal = installation.refused("deploy", LIVE=str(live))
    assert f"error: another deployment to {live}/ is under way" in refusal
    assert "live already" in installation.make("deploy", LIVE=str(live))


def test_a_damaged_bundle_is_made_anew(
    installation: Installation, live: Path, bundles: dict[str, str], truth: dict[str, list[float]]
) -> None:
    (live / "bundles" / bundles[NEW] / "model.onnx").write_bytes(b"")
    with serve(installation, live) as service:
        assert service.request("GET", "/readyz").status == 503
        installation.make("deploy", LIVE=str(live))
        service.wait(lambda: service.request("GET", "/readyz").status == 200)
        assert [answer["prediction"] for answer in service.predict(ROWS)] == truth[NEW]


def test_rolled_back_the_former_model_serves_until_there_is_none(
    installation: Installation, live: Path, truth: dict[str, list[float]]
) -> None:
    with serve(installation, live) as service, Load(service, ROWS) as load:
        assert "live: v1-" in installation.make("rollback", LIVE=str(live))
        service.wait(lambda: serving(service) == OLD)
        assert "there is no way back" in installation.refused("rollback", LIVE=str(live))
        load.wait_for_responses()
        load.stop()
        load.check()
        check_right(load, truth)
        assert set(versions_of(load)) == {OLD, NEW}


def test_a_model_that_cannot_be_exported_is_served_by_scikit_learn(
    installation: Installation, tmp_path: Path
) -> None:
    """A check that only pandera can evaluate is added later."""
    source = (installation.project / "src/taxi_ride_duration/problem.py").read_text(
        encoding="utf-8"
    )
    model = re.search(r"def build_model\(.*?\n\n\n", source, re.DOTALL)
    space = re.search(r"^SEARCH_SPACE.*?\n}\n", source, re.DOTALL | re.MULTILINE)
    assert model and space
    neighbours = (
        "def build_model(n_neighbors: int = 25) -> Pipeline:\n"
        '    zones = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)\n'
        '    encode = ColumnTransformer([("zones", zones, ZONES)], remainder="passthrough")\n'
        '    model = KNeighborsRegressor(n_neighbors, metric="canberra", algorithm="brute")\n'
        '    return Pipeline([("encode", encode), ("neighbours", model)])\n\n\n'
    )
    name = "from sklearn.ensemble import HistGradientBoostingRegressor"
    knn = [model[0], neighbours, space[0], "SEARCH_SPACE: dict[str, Any] = {}\n"]
    knn += [name, "from sklearn.neighbors import KNeighborsRegressor"]
    zone = '"pickup_zone": pa.Column("str", ZONE'
    closed = [zone, f"{zone.replace('ZONE', '[ZONE')}, {CLOSED}]"]
    live = tmp_path / "live"
    where = {"LIVE": str(live), "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
    problem = "src/taxi_ride_duration/problem.py"
    few = edited(installation, "params.yaml", "start: null", "start: 2025-02-10")
    patient = edited(
        installation, "serving.yaml", "latency_budget_ms: 100", "latency_budget_ms: 10000"
    )
    with few, patient, edited(installation, problem, *knn):
        said = installation.make("pipeline promote deploy UNCOMMITTED=1", **where)
        assert re.search(r"served by scikit-learn itself, which takes several .*'canberra'", said)
        with serve(installation, live) as service:
            one_by_one = [service.predict(row)["prediction"] for row in ROWS]
            with Load(service, ROWS, clients=16) as load:
                load.wait_for_responses(200)
                with edited(installation, problem, *closed):
                    anew = "pipeline promote deploy UNCOMMITTED=1 IGNORE_CHAMPION=1"
                    said = installation.make(anew, **where)
                service.wait(lambda: service.metric("bundle_loads_total", result="taken") == 2)
                load.wait_for_responses(200)
            assert "checks that only pandera can make" in said
            load.check()
            check_right(load, {OLD: one_by_one, NEW: one_by_one})
            refused = service.request("POST", "/predict", [ROW, ROW | {"pickup_zone": "264"}])
            assert refused.status == 422
            assert "zone 264 is closed" in refused.json["message"]
            assert service.metric("invalid_fields_total", field="other") == 1


CLOSED = 'pa.Check(lambda zones: zones != "264", error="zone 264 is closed")'
