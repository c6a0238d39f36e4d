"""Tests of alerting: Prometheus detects an outage, and Alertmanager reports it and its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting import Alerting, alerting, dashboard_queries, http_server, wait
from projects import LEVELS, Ladder
from tools import free_port

# One worker waits for Prometheus, while the other works.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("alerting")]


class FakeService:
    """A service that exports given metrics."""

    def __init__(self) -> None:
        self.ready = 1
        self.share_failing = 0.0
        self.succeeded = self.failed = 0.0

    def metrics(self, _: bytes) -> bytes:
        """Return the metrics, after a hundred more requests."""
        self.succeeded += 100 * (1 - self.share_failing)
        self.failed += 100 * self.share_failing
        return "".join(
            f"{name} {value}\n"
            for name, value in {
                "service_ready": self.ready,
                'http_requests_total{path="/predict",status="200"}': self.succeeded,
                'http_requests_total{path="/predict",status="500"}': self.failed,
            }.items()
        ).encode()


@pytest.fixture(scope="module")
def deploy(ladder: Ladder) -> Path:
    """Return the deployment files of a project at the highest level."""
    return ladder.fresh(max(LEVELS)) / "deploy"


@pytest.fixture
def service() -> FakeService:
    """Provide a service with metrics that the test sets."""
    return FakeService()


@pytest.fixture
def watching(deploy: Path, service: FakeService, tmp_path: Path) -> Iterator[Alerting]:
    """Provide Prometheus and Alertmanager watching the service."""
    with (
        http_server(service.metrics) as port,
        alerting(deploy, f"127.0.0.1:{port}", tmp_path) as watching,
    ):
        yield watching


def test_failures_are_told_and_so_is_their_end(watching: Alerting, service: FakeService) -> None:
    wait(
        lambda: watching.query("path:http_errors:ratio_rate5m == 0 or vector(0)"),
        "the error rate is 0",
    )
    service.share_failing = 0.5
    wait(lambda: "firing" in watching.states("HighErrorRate"), "the alert of failures fires")
    sent = next(n for n in watching.notifications if n["labels"]["alertname"] == "HighErrorRate")
    assert sent["labels"]["severity"] == "critical"
    assert "of the requests to /predict fail" in sent["annotations"]["summary"]
    service.share_failing = 0.0
    wait(lambda: watching.states("HighErrorRate")[-1] == "resolved", "the alert is resolved")


def test_a_lost_model_is_told_and_so_is_its_return(
    watching: Alerting, service: FakeService
) -> None:
    wait(lambda: watching.query("service_ready == 1")["result"], "the model is ready")
    service.ready = 0
    wait(lambda: "firing" in watching.states("NoReadyModel"), "the alert of the lost model fires")
    service.ready = 1
    wait(lambda: watching.states("NoReadyModel")[-1] == "resolved", "the alert is resolved")
    assert {sent["labels"]["alertname"] for sent in watching.notifications} == {"NoReadyModel"}


def test_nobody_is_told_of_a_service_that_is_well(watching: Alerting) -> None:
    """Most alerts would fire within this time."""
    first = watching.query("service_ready offset 15s")
    wait(lambda: watching.query("service_ready offset 15s")["result"], "15 seconds have passed")
    assert not first["result"] and not watching.notifications


def test_rules_and_dashboard_are_understood(watching: Alerting, deploy: Path) -> None:
    wait(lambda: watching.query("path:http_errors:ratio_rate5m")["result"], "rules are evaluated")
    groups = watching.api("rules")["groups"]
    assert [rule for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
    queries = dashboard_queries(deploy)
    assert len(queries) > 20
    for _, expression in queries:
        watching.query(expression)


def test_a_service_that_is_gone_is_told_and_so_is_its_return(deploy: Path, tmp_path: Path) -> None:
    port = free_port()
    with alerting(deploy, f"127.0.0.1:{port}", tmp_path) as watching:
        wait(lambda: "firing" in watching.states("ServiceDown"), "the alert of the outage fires")
        with http_server(FakeService().metrics, port):
            wait(lambda: watching.states("ServiceDown")[-1] == "resolved", "the alert is resolved")
    assert {sent["labels"]["alertname"] for sent in watching.notifications} == {"ServiceDown"}
