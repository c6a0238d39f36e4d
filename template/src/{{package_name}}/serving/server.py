"""Run the service: `make serve`, on HOST and PORT, with WORKERS processes."""

import gc
import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from ..errors import UserError, run
from . import metrics, settings
from .app import Service
from .bundle import LIVE
from .prediction_log import PredictionLog
from .protocol import ARRIVAL_SECONDS, BoundedProtocol
from .store import open_store, store_url
from .watcher import Watcher

GRACE_SECONDS = 20  # for requests to finish when the service stops


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise UserError(
            f"cannot listen on {host}, port {port}: {error.strerror}. PORT names another"
        ) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux ends connections whose client does not read
        listening.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * ARRIVAL_SECONDS)
        )
    return listening


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_service(now: Callable[[], float] = time.time) -> Service:
    """Return the service for the settings and the environment; `now` is its clock."""
    limits = settings.read_settings()
    url = store_url()
    watcher = Watcher(LIVE, limits.max_rows)
    log = PredictionLog(lambda: open_store(url), watcher.score)
    hosts = settings.allowed_hosts() | {settings.host()}
    return Service(watcher, log, limits, settings.token(), now, hosts)


def make_worker() -> Service:
    """Return the service of a process, which writes its log to standard error."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    return make_service()


def configured(application: Any, grace_seconds: int, **options: Any) -> uvicorn.Config:
    """Configure uvicorn: no log of requests, no name of the server, a limit for stopping."""
    return uvicorn.Config(
        application,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=grace_seconds,
        **options,
    )


def serve(service: Service | str, workers: int = 1) -> None:
    """Answer requests until the process is stopped."""
    options: dict[str, Any] = {"http": BoundedProtocol, "lifespan": "on", "workers": workers}
    config = configured(service, GRACE_SECONDS, factory=isinstance(service, str), **options)
    with listen(settings.host(), settings.port()) as listening:
        print(f"serving on {address(listening)}", flush=True)
        if workers > 1:
            with tempfile.TemporaryDirectory(prefix="metrics-") as folder:
                os.environ[metrics.SHARED] = folder  # before the workers import prometheus_client
                Multiprocess(config, sockets=[listening]).run()
            return
        # What has been imported lives to the end and need not be looked through for garbage.
        gc.collect()
        gc.freeze()
        uvicorn.Server(config).run(sockets=[listening])


def main() -> None:
    """Run the service."""
    workers = settings.workers()
    serve(make_worker() if workers == 1 else f"{__package__}.server:make_worker", workers)


if __name__ == "__main__":
    run(main)
