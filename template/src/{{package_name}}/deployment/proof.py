"""Prove a bundle before it may serve: predictions, the service's contract, latency."""

import asyncio
import gc
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np

from ..errors import UserError
from ..serving.app import Service
from ..serving.bundle import Release, read_manifest, write_release
from ..serving.fields import row_type
from ..serving.model import Model
from ..serving.prediction_log import PredictionLog
from ..serving.records import CHAMPION
from ..serving.settings import Settings
from ..serving.store import open_store
from ..serving.watcher import Watcher
from .export import Registered, request_rows

WARM_UP = 20
TIMED_REQUESTS = 200
EXAMPLES = 20
HEADERS = {"Content-Type": "application/json", "Synthetic-Request": "proof"}


def difference(registered: Registered, folder: Path, settings: Settings) -> str | None:
    """Return how the bundle's predictions differ from the registered model's on the test set.

    The rows take the way of a request, from JSON on, so that a wrong type or unit shows.
    """
    rows = registered.split.test.tail(settings.proof_rows)
    expected = registered.model.predict(rows)
    try:
        bundled = Model(folder, CHAMPION)
        fields = bundled.manifest.fields
        body = msgspec.json.encode(request_rows(rows, fields))
        row: Any = row_type(fields, bundled.manifest.forbid_other_fields)
        predicted = np.asarray(bundled.predict(msgspec.json.decode(body, type=list[row])))
    except Exception as error:  # the problem's own code raises anything
        return f"the bundle fails on the test set: {error}"
    return disagreement(expected, predicted, settings.max_difference)


def disagreement(expected: np.ndarray, predicted: np.ndarray, allowed: float) -> str | None:
    """Describe how predictions differ; numbers may, by a share of their standard deviation."""
    if expected.dtype.kind != "f":
        wrong = int((expected != predicted).sum())
        return f"{wrong} of {len(expected)} predictions differ" if wrong else None
    worst = float(np.abs(expected - predicted).max()) / (float(np.std(expected)) or 1.0)
    if worst <= allowed:
        return None
    return (
        f"predictions differ from the registered model's by up to {worst:.2g} of their "
        f"standard deviation; {allowed:g} is allowed"
    )


def prove(registered: Registered, folder: Path, settings: Settings) -> list[str]:
    """Let the service run with the exported bundle, and return what it has shown.

    Raises
    ------
    UserError
        The bundle must not serve.
    """
    live = folder.parent.parent
    write_release(live, Release(champion=folder.name))
    rows = registered.split.test.tail(min(EXAMPLES, settings.max_rows))
    examples = request_rows(rows, read_manifest(folder).fields)
    expected = registered.model.predict(rows)
    milliseconds = asyncio.run(prove_service(live, examples, expected, settings))
    budget = settings.latency_budget_ms
    if milliseconds > budget:
        raise UserError(
            f"95 % of single rows take up to {milliseconds:.1f} ms, and serving.yaml allows "
            f"{budget:g} (latency_budget_ms)"
        )
    compared = min(settings.proof_rows, len(registered.split.test))
    return [
        f"{compared} held-out rows: the registered model's predictions",
        "contract: right responses to rows, lists, invalid rows and invalid JSON",
        f"latency: 95 % of single rows within {milliseconds:.1f} ms (budget: {budget:g})",
    ]


async def prove_service(
    live: Path, examples: list[dict[str, Any]], expected: np.ndarray, settings: Settings
) -> float:
    """Check the contract of the real service in this process; return the latency in ms."""
    watcher = Watcher(live, settings.max_rows)
    watcher.look()
    log = PredictionLog(lambda: open_store(f"sqlite:///{live}/unused.db"), watcher.score)
    transport = httpx.ASGITransport(app=Service(watcher, log, settings, token=None))
    url = "http://localhost"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers=HEADERS) as client:
        broken = await broken_promise(client, examples, expected, settings)
        if broken:
            raise UserError(f"the service breaks its contract: {broken}")
        seconds = []
        gc.freeze()  # as the service does, which has less in memory to look through
        for _ in range(WARM_UP + TIMED_REQUESTS):
            start = time.perf_counter()
            await client.post("/predict", json=examples[0])
            seconds.append(time.perf_counter() - start)
        gc.unfreeze()
    return 1000 * float(np.percentile(seconds[WARM_UP:], 95))


async def broken_promise(
    client: httpx.AsyncClient,
    examples: list[dict[str, Any]],
    expected: np.ndarray,
    settings: Settings,
) -> str | None:
    """Describe the first promise that the service breaks."""
    too_large = b" " * (settings.max_body_bytes + 1)
    rows, one = msgspec.json.encode(examples), msgspec.json.encode(examples[0])
    bodies = [(rows, 200), (one, 200), (b"{", 400), (too_large, 413), (b"[[]]", 422)]
    responses = [await client.post("/predict", content=body) for body, _ in bodies]
    for response, (_, status) in zip(responses, bodies, strict=True):
        if response.status_code != status:
            found = f"{response.status_code} instead of {status}"
            return f"/predict responds with status {found}: {response.text}"
    answers = [*responses[0].json(), responses[1].json()]
    predicted = np.asarray([value_of(answer) for answer in answers])
    return disagreement(
        np.concatenate([expected, expected[:1]]), predicted, settings.max_difference
    )


def value_of(answer: dict[str, Any]) -> Any:
    """Return the number in a response, or the probabilities."""
    probabilities = answer.get("probabilities")
    return list(probabilities.values()) if probabilities else answer.get("prediction")
