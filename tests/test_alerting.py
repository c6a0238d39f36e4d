"""An outage reaches a person: Prometheus sees it, Alertmanager tells it, and tells its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting import Alerting, alerting, answering, dashboard, wait
from projects import LEVELS, Ladder
from tools import free_port

pytestmark = pytest.mark.slow


class MadeUp:
    """A service that exports what it is told to."""

    def __init__(self) -> None:
        self.ready = 1
        self.share_failing = 0.0
        self.answered = self.failed = 0.0

    def metrics(self, _: bytes) -> bytes:
        """Each time it is asked, a hundred requests have been made."""
        self.answered += 100 * (1 - self.share_failing)
        self.failed += 100 * self.share_failing
        return "".join(
            f"{name} {value}\n"
            for name, value in {
                "service_ready": self.ready,
                'http_requests_total{path="/predict",status="200"}': self.answered,
                'http_requests_total{path="/predict",status="500"}': self.failed,
            }.items()
        ).encode()


@pytest.fixture(scope="module")
def deploy(ladder: Ladder) -> Path:
    return ladder.fresh(max(LEVELS)) / "deploy"


@pytest.fixture
def service() -> MadeUp:
    return MadeUp()


@pytest.fixture
def watching(deploy: Path, service: MadeUp, tmp_path: Path) -> Iterator[Alerting]:
    with (
        answering(service.metrics) as port,
        alerting(deploy, f"127.0.0.1:{port}", tmp_path) as watching,
    ):
        yield watching


def test_failures_are_told_and_so_is_their_end(watching: Alerting, service: MadeUp) -> None:
    wait(lambda: watching.query("path:http_errors:ratio_rate5m == 0 or vector(0)"), "a first look")
    service.share_failing = 0.5
    wait(lambda: "firing" in watching.states("HighErrorRate"), "failures are told")
    told = next(told for told in watching.told if told["labels"]["alertname"] == "HighErrorRate")
    assert told["labels"]["severity"] == "critical"
    assert "of the requests to /predict fail" in told["annotations"]["description"]
    service.share_failing = 0.0
    wait(lambda: watching.states("HighErrorRate")[-1] == "resolved", "the end is told")


def test_a_lost_model_is_told_and_so_is_its_return(watching: Alerting, service: MadeUp) -> None:
    wait(lambda: watching.query("service_ready == 1")["result"], "the model is seen")
    service.ready = 0
    wait(lambda: "firing" in watching.states("NoReadyModel"), "the loss is told")
    service.ready = 1
    wait(lambda: watching.states("NoReadyModel")[-1] == "resolved", "the return is told")
    assert {told["labels"]["alertname"] for told in watching.told} == {"NoReadyModel"}


def test_nobody_is_told_of_a_service_that_is_well(watching: Alerting) -> None:
    """As long as most alerts would need, on this clock."""
    first = watching.query("service_ready offset 15s")
    wait(lambda: watching.query("service_ready offset 15s")["result"], "15 seconds have passed")
    assert not first["result"] and not watching.told


def test_rules_and_dashboard_are_understood(watching: Alerting, deploy: Path) -> None:
    wait(lambda: watching.query("path:http_requests:rate5m")["result"], "rules are evaluated")
    groups = watching.api("rules")["groups"]
    assert [rule for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
    asked = dashboard(deploy)
    assert len(asked) > 20
    for _, expression in asked:
        watching.query(expression)


def test_a_service_that_is_gone_is_told_and_so_is_its_return(deploy: Path, tmp_path: Path) -> None:
    port = free_port()
    with alerting(deploy, f"127.0.0.1:{port}", tmp_path) as watching:
        wait(lambda: "firing" in watching.states("ServiceDown"), "the outage is told")
        with answering(MadeUp().metrics, port):
            wait(lambda: watching.states("ServiceDown")[-1] == "resolved", "the return is told")
    assert {told["labels"]["alertname"] for told in watching.told} == {"ServiceDown"}
