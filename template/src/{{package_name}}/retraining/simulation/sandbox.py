"""A project beside the project, in which a service runs on a clock of its own."""

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from unittest.mock import patch

import httpx
import msgspec
import uvicorn

from ...errors import UserError
from ...experiments.plan import PLAN, Experiment
from ...serving.protocol import BoundedProtocol
from ...serving.server import address, configured, listen, make_service
from ..policy import POLICY, Policy

# What the commands write, and what would change the scenario: the sandbox has its own.
OWN = ["live", "mlruns", "models", "reports", PLAN.name, POLICY.name]
SCHEDULE = 28  # days: once in the quiet weeks
DAYS = 14  # of history, calibration and watch
PATIENCE = 60.0  # seconds


def scenario_policy(policy: Policy) -> Policy:
    """Return the project's policy, with waits that fit in the scenario and nothing forbidden."""
    sections = policy.model_dump(mode="json") | {"pause": False, "evidence": "replay"}
    sections["triggers"] = {"schedule_days": SCHEDULE}
    sections["detector"]["calibration_days"] = DAYS
    sections["limits"]["cooldown_days"] = 3
    sections["calendar"] = {}
    sections["data"] |= {"source": "log", "history_days": DAYS, "min_rows": 50}
    sections["rollback"]["watch_days"] = DAYS
    return Policy.model_validate(sections)


@contextmanager
def sandbox(folder: Path, project: Path, policy: Policy) -> Iterator[None]:
    """Work in the folder, with the project's files but with stores and a policy of its own."""
    for path in project.iterdir():
        if path.name not in OWN and not path.name.startswith("."):
            (folder / path.name).symlink_to(path.resolve())
    (folder / POLICY).write_bytes(msgspec.yaml.encode(policy.model_dump(mode="json")))
    (folder / PLAN).write_bytes(msgspec.yaml.encode(Experiment()))  # none runs by hand
    variables = {
        "LIVE": str(folder / "live"),
        "DATABASE_URL": f"sqlite:///{folder}/live/predictions.db",
        "MLFLOW_TRACKING_URI": "",
        "PROMETHEUS_URL": "",
        "SERVICE_TOKEN": secrets.token_urlsafe(),
    }
    with chdir(folder), patch.dict(os.environ, variables):
        yield


@contextmanager
def serving(now: Callable[[], float]) -> Iterator[tuple[httpx.Client, Callable[[], bool]]]:
    """Run the service on a clock; provide a client, and whether all of its records are written."""
    service = make_service(now)
    with listen("127.0.0.1", 0) as listening:
        url = os.environ["SERVICE_URL"] = address(listening)
        server = uvicorn.Server(configured(service, 5, http=BoundedProtocol, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        headers = {"Authorization": f"Bearer {service.token}"}
        try:
            wait_until(lambda: server.started, "start")
            with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as http:
                yield http, lambda: not service.log.waiting()
        finally:
            server.should_exit = True
            thread.join()


def wait_until(reached: Callable[[], bool], what: str) -> None:
    """Poll until it is so; raise a `UserError` if that takes too long."""
    end = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > end:
            raise UserError(f"the service did not {what} within {PATIENCE:.0f} s")
        time.sleep(0.02)
