"""The uvicorn settings of the peers, which are those of the service."""

import gc
import sys
from typing import Any

import uvicorn


def serve(app: Any) -> None:
    """Serve the ASGI application on the port in the command line."""
    config = uvicorn.Config(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=1_000,
    )
    gc.collect()
    gc.freeze()
    uvicorn.Server(config).run()
