"""What a bundle must show before it may serve. Each proof can refuse."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ...errors import UserError
from ..bundle import Release, read_manifest, write_release
from ..client import Client, value_of
from ..deployment import Model
from ..fields import row_type
from ..records import CHAMPION
from ..settings import Settings
from .export import Registered, request_rows

WARM_UP = 20
TIMED_REQUESTS = 200
EXAMPLES_ASKED = 20


def difference(registered: Registered, folder: Path, settings: Settings) -> str | None:
    """How the bundle's answers differ from the registered model's on held-out rows; None if not.

    The rows go the way of a request, from JSON on, so that a wrong type or unit shows.
    """
    rows = registered.split.test.tail(settings.proof_rows)
    expected = registered.model.predict(rows)
    bundled = Model(folder, CHAMPION)
    fields = bundled.manifest.fields
    body = msgspec.json.encode(request_rows(rows, fields))
    row: Any = row_type(fields, bundled.manifest.forbid_other_fields)
    try:
        decoded = msgspec.json.decode(body, type=list[row])
        answered = np.asarray(bundled.predict(decoded))
    except Exception as error:  # whatever the problem's own code raises
        return f"the bundle fails at held-out rows: {error}"
    return disagreement(expected, answered, settings.max_difference)


def disagreement(expected: np.ndarray, answered: np.ndarray, allowed: float) -> str | None:
    """In words, how two models' predictions differ; numbers may, by a share of their spread."""
    if expected.dtype.kind == "f":
        scale = float(np.std(expected)) or 1.0
        worst = float(np.abs(expected - answered).max()) / scale
        if worst <= allowed:
            return None
        return (
            f"predictions differ from the registered model's by up to {worst:.2g} of their "
            f"standard deviation; {allowed:g} is allowed"
        )
    wrong = int((expected != answered).sum())
    return f"{wrong} of {len(expected)} predictions are others" if wrong else None


@contextmanager
def serving(live: Path) -> Iterator[Client]:
    """A client of the real service, in a process of its own, with what is live in the folder.

    Raises:
        UserError: it does not start.
    """
    package = __name__.partition(".")[0]
    own = {"LIVE": str(live.resolve()), "HOST": "127.0.0.1", "PORT": "0", "DATABASE_URL": ""}
    with (live / "service.log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{package}.serving.server"],
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None  # it is a pipe
            started = process.stdout.readline()
            if not started.startswith("serving on "):
                log.seek(0)
                raise UserError(f"the service does not start with it:\n{log.read()}")
            yield Client(started.removeprefix("serving on ").strip())
        finally:
            process.terminate()
            process.wait()


def prove(registered: Registered, folder: Path, settings: Settings) -> list[str]:
    """What the bundle has shown, in words.

    Raises:
        UserError: it predicts something else, breaks the service's contract, or is too slow.
    """
    found = difference(registered, folder, settings)
    if found is not None:
        raise UserError(found)
    rows = registered.split.test.tail(min(EXAMPLES_ASKED, settings.max_rows))
    examples = request_rows(rows, read_manifest(folder).fields)
    expected = registered.model.predict(rows)
    live = folder.parent.parent
    write_release(live, Release(champion=folder.name))
    with serving(live) as client:
        broken = broken_promises(client, examples, expected, settings)
        if broken:
            raise UserError("\n  ".join(["the service breaks its contract:", *broken]))
        milliseconds = 1000 * latency(client, examples[0])
    budget = settings.latency_budget_ms
    if milliseconds > budget:
        raise UserError(
            f"95 % of single rows take up to {milliseconds:.1f} ms, and serving.yaml allows "
            f"{budget:g} (latency_budget_ms)"
        )
    compared = min(settings.proof_rows, len(registered.split.test))
    return [
        f"{compared} held-out rows: the registered model's predictions",
        "contract: the service answers rows, lists, bad rows and bad JSON as it must",
        f"latency: 95 % of single rows within {milliseconds:.1f} ms (budget: {budget:g})",
    ]


def broken_promises(
    client: Client,
    examples: list[dict[str, Any]],
    expected: np.ndarray,
    settings: Settings,
) -> list[str]:
    """Which promises the service does not keep; none if all is well."""
    broken = []
    status, ready = client.ask("GET", "/readyz")
    if status != 200:
        return [f"it is not ready: {ready}"]
    status, answers = client.ask("POST", "/predict", examples)
    if status != 200:
        return [f"held-out rows are answered with {status}: {answers}"]
    told = np.asarray([value_of(answer) for answer in answers])
    found = disagreement(expected, told, settings.max_difference)
    if found is not None:
        broken.append(found)
    status, one = client.ask("POST", "/predict", examples[0])
    alone = np.asarray([value_of(one), *told[1:].tolist()])
    if status != 200 or disagreement(told, alone, settings.max_difference) is not None:
        broken.append("a single row is answered in another way than a row in a list")
    refusals = {
        400: b"{",
        413: b" " * (settings.max_body_bytes + 1),
        422: [[]],
    }
    for expected_status, body in refusals.items():
        status, _ = client.ask("POST", "/predict", body)
        if status != expected_status:
            broken.append(f"{status} is the answer where {expected_status} is promised")
    return broken


def latency(client: Client, example: dict[str, Any]) -> float:
    """The 95th percentile, in seconds, of single rows asked one after the other."""
    seconds = []
    for _ in range(WARM_UP + TIMED_REQUESTS):
        start = time.perf_counter()
        client.ask("POST", "/predict", example)
        seconds.append(time.perf_counter() - start)
    return float(np.percentile(seconds[WARM_UP:], 95))
