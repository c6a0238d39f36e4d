"""A real Prometheus and Alertmanager with the shipped rules, on a clock that runs fast."""

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

FASTER = 60  # every minute that is written in rules and configuration becomes a second
PATIENCE = 60.0
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def faster(text: str) -> str:
    """Rules or configuration in which everything takes a sixtieth of its time."""

    def shorten(found: re.Match[str]) -> str:
        return f"{int(found[1]) * SECONDS[found[2]] * 1000 // FASTER}ms"

    return re.sub(r"\b(\d+)([smhdw])\b", shorten, text)


def without_url_file(text: str, url: str) -> str:
    """Alertmanager's configuration for Debian's, 0.25, which does not know `url_file` yet."""
    return re.sub(r"url_file: .*", f"url: {url}", text)


def wait(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> None:
    """Return as soon as the condition holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether the address can be asked, with success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@contextmanager
def answering(reply: Callable[[bytes], bytes], port: int = 0) -> Iterator[int]:
    """A server on loopback that answers every request with what `reply` makes of its body.

    Its port is a free one, unless one is given.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
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
    """What watches a service, and what it has told so far."""

    prometheus: str
    told: list[dict[str, Any]] = field(default_factory=list)

    def query(self, expression: str) -> Any:
        """Prometheus's answer."""
        asked = urllib.parse.urlencode({"query": expression})
        return self.api(f"query?{asked}")

    def api(self, path: str) -> Any:
        """The answer of Prometheus's interface, which has to be a success."""
        try:
            with urllib.request.urlopen(f"{self.prometheus}/api/v1/{path}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from error

    def states(self, alert: str) -> list[str]:
        """How often the webhook was told of the alert, and each time whether it fires."""
        return [told["status"] for told in self.told if told["labels"]["alertname"] == alert]


def dashboard(deploy: Path) -> list[tuple[str, str]]:
    """The queries of the shipped dashboards, each with the title of its panel."""
    files = sorted((deploy / "grafana/dashboards").glob("*.json"))
    return [
        (panel["title"], target["expr"])
        for file in files
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", [])
    ]


@contextmanager
def running(command: list[str], ready: str, log: Path) -> Iterator[None]:
    """A process that lives until the end of the block, once it answers."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait(lambda: answers(ready) or process.poll() is not None, f"{command[0]} is ready")
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def alerting(deploy: Path, service: str, folder: Path) -> Iterator[Alerting]:
    """Prometheus and Alertmanager as they are shipped in `deploy/`, looking at host:port."""
    prometheus, manager = free_port(), free_port()
    watching = Alerting(f"http://127.0.0.1:{prometheus}")

    def webhook(body: bytes) -> bytes:
        watching.told.extend(json.loads(body)["alerts"])
        return b""

    with answering(webhook) as port:
        write = folder / "alertmanager.yml"
        text = (deploy / "alertmanager/alertmanager.yml").read_text(encoding="utf-8")
        write.write_text(faster(without_url_file(text, f"http://127.0.0.1:{port}/")))
        (folder / "rules").mkdir()
        for file in (deploy / "prometheus/rules").glob("*.yml"):
            (folder / "rules" / file.name).write_text(faster(file.read_text(encoding="utf-8")))
        text = (deploy / "prometheus/prometheus.yml").read_text(encoding="utf-8")
        for name, address in {
            "service:8000": service,
            "alertmanager:9093": f"127.0.0.1:{manager}",
        }.items():
            assert name in text
            text = text.replace(name, address)
        (folder / "prometheus.yml").write_text(faster(text))
        alertmanager = [
            installed("prometheus-alertmanager"),
            f"--config.file={write}",
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
