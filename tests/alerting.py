"""Prometheus and Alertmanager with the shipped rules, in which time runs faster."""

import json
import re
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tools import free_port, installed

SPEED = 60  # a minute in rules and configuration takes a second
PATIENCE = 60.0
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def sped_up(text: str) -> str:
    """Divide all durations in rules or configuration by 60."""

    def shorten(found: re.Match[str]) -> str:
        return f"{int(found[1]) * SECONDS[found[2]] * 1000 // SPEED}ms"

    return re.sub(r"\b(\d+)([smhdw])\b", shorten, text)


def without_url_file(text: str, url: str) -> str:
    """Replace `url_file`, which Debian's Alertmanager 0.25 does not know, by a URL."""
    return re.sub(r"url_file: .*", f"url: {url}", text)


def wait(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"timed out: {what}"
        time.sleep(0.05)


def is_up(url: str) -> bool:
    """Tell whether the address responds with status 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@contextmanager
def http_server(reply: Callable[[bytes], bytes], port: int = 0) -> Iterator[int]:
    """Run a server on loopback that responds with `reply` of the request body; yield its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Respond to a request."""
            body = reply(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Alerting:
    """Prometheus and Alertmanager watching a service, and the notifications sent so far."""

    prometheus: str
    notifications: list[dict[str, Any]] = field(default_factory=list)

    def query(self, expression: str) -> Any:
        """Return the result of a PromQL expression."""
        parameters = urllib.parse.urlencode({"query": expression})
        return self.api(f"query?{parameters}")

    def api(self, path: str) -> Any:
        """Return the data of a call of Prometheus's API, which must succeed."""
        try:
            with urllib.request.urlopen(f"{self.prometheus}/api/v1/{path}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from error

    def states(self, alert: str) -> list[str]:
        """Return the statuses of an alert's notifications, in order."""
        return [one["status"] for one in self.notifications if one["labels"]["alertname"] == alert]


def dashboard_queries(deploy: Path) -> list[tuple[str, str]]:
    """Return the queries of the shipped dashboards, each with the title of its panel."""
    files = sorted((deploy / "grafana/dashboards").glob("*.json"))
    return [
        (panel["title"], target["expr"])
        for file in files
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", [])
    ]


@contextmanager
def running(command: list[str], ready: str, log: Path) -> Iterator[None]:
    """Run a process until the end of the block, once `ready` responds."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait(lambda: is_up(ready) or process.poll() is not None, f"{command[0]} is ready")
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def alerting(deploy: Path, service: str, folder: Path) -> Iterator[Alerting]:
    """Run Prometheus and Alertmanager as shipped in `deploy/`, scraping `service` (host:port)."""
    prometheus, manager = free_port(), free_port()
    watching = Alerting(f"http://127.0.0.1:{prometheus}")

    def webhook(body: bytes) -> bytes:
        watching.notifications.extend(json.loads(body)["alerts"])
        return b""

    with http_server(webhook) as port:
        configuration = folder / "alertmanager.yml"
        text = (deploy / "alertmanager/alertmanager.yml").read_text(encoding="utf-8")
        configuration.write_text(sped_up(without_url_file(text, f"http://127.0.0.1:{port}/")))
        (folder / "rules").mkdir()
        for file in (deploy / "prometheus/rules").glob("*.yml"):
            (folder / "rules" / file.name).write_text(sped_up(file.read_text(encoding="utf-8")))
        text = (deploy / "prometheus/prometheus.yml").read_text(encoding="utf-8")
        for name, address in {
            "service:8000": service,
            "alertmanager:9093": f"127.0.0.1:{manager}",
        }.items():
            assert name in text
            text = text.replace(name, address)
        (folder / "prometheus.yml").write_text(sped_up(text))
        alertmanager = [
            installed("prometheus-alertmanager"),
            f"--config.file={configuration}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{manager}",
            "--cluster.listen-address=",
        ]
        watcher = [
            installed("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{prometheus}",
        ]
        with (
            running(alertmanager, f"http://127.0.0.1:{manager}/-/ready", folder / "manager.log"),
            running(watcher, f"{watching.prometheus}/-/ready", folder / "prometheus.log"),
        ):
            yield watching
