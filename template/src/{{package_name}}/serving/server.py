"""Serve what is live: `make serve`, on HOST and PORT."""

import gc
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

import uvicorn

from ..errors import UserError, run
from . import settings
from .app import Service
from .bundle import LIVE
from .prediction_log import PredictionLog
from .protocol import BoundedProtocol
from .store import open_store, store_url
from .watcher import Watcher

# How long requests that are being answered may take to finish, when the service is told to stop.
GRACE_SECONDS = 20


def listen(host: str, port: int, variable: str = "PORT") -> socket.socket:
    """A socket that listens; the variable is where another port can be named.

    Raises:
        UserError: the address is taken, or is none of this machine's.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        message = (
            f"cannot listen on {host}, port {port}: {error.strerror}. {variable} names another"
        )
        raise UserError(message) from error


def address(listening: socket.socket) -> str:
    """Where the service is found."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_service(now: Callable[[], float] = time.time) -> Service:
    """The service as the settings and the environment want it; `now` is its clock.

    Raises:
        UserError: they hold what means nothing.
    """
    limits = settings.read_settings()
    url = store_url()
    watcher = Watcher(LIVE, limits.max_rows)
    log = PredictionLog(lambda: open_store(url), watcher.score)
    return Service(watcher, log, limits, settings.token(), now)


def configured(application: Any, grace_seconds: int, **options: Any) -> uvicorn.Config:
    """How a server of ours behaves: it logs warnings, no requests, and does not tell who it is.

    At the end, requests that are being answered may take that long to finish.
    """
    return uvicorn.Config(
        application,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=grace_seconds,
        **options,
    )


def serve(service: Service) -> None:
    """Answer requests until the process is told to stop."""
    config = configured(service, GRACE_SECONDS, http=BoundedProtocol, lifespan="on")
    # What has been imported lives to the end: no need to look through it for garbage again.
    gc.collect()
    gc.freeze()
    with listen(settings.host(), settings.port()) as listening:
        print(f"serving on {address(listening)}", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    serve(make_service())


if __name__ == "__main__":
    run(main)
