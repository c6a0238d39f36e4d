"""The service: answers requests with the release that is live, and remembers what it answered."""

import asyncio
import itertools
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import prometheus_client

from . import metrics, openapi
from .deployment import Deployment, Model
from .http import (
    Answer,
    Receive,
    RefusedError,
    Scope,
    Send,
    check_token,
    json_answer,
    read_body,
    send_answer,
)
from .prediction_log import PredictionLog
from .records import Feedback, Prediction
from .requests import decode, refuse_rows, units_of
from .settings import Settings
from .textfiles import METRICS, Textfiles
from .watcher import Watcher

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 10.0  # how long the log may take to write what it holds, at the end
MOST_REQUESTS = 1_000  # at once; further ones are refused, so that memory is bounded
MOST_IN_SHADOW = 200  # requests waiting for a slow challenger; further ones it does not see
AS_GOOD_AS = {"GET": "HEAD"}  # the server leaves the body out


class Service:
    """An ASGI application: https://asgi.readthedocs.io/en/latest/specs/www.html

    `now` gives the POSIX time in seconds that records carry.
    """

    def __init__(
        self,
        watcher: Watcher,
        log: PredictionLog,
        settings: Settings,
        token: str | None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.watcher = watcher
        self.log = log
        self.settings = settings
        self.token = token
        self.now = now
        self._told = Textfiles(watcher.live / METRICS)
        self._ids = map((secrets.token_hex(6) + "-{:x}").format, itertools.count())
        self._open = 0  # requests that are being answered
        self._counters: dict[tuple[str, int], Any] = {}
        self._timers = {path: metrics.request_seconds.labels(path) for path in ROUTES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start with the server, and end with it: nothing that was answered is forgotten."""
        await receive()
        self.log.start()
        self.watcher.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.watcher.stop()
        lost = await asyncio.to_thread(self.log.close, CLOSE_SECONDS)
        if lost:
            logger.error("%d records are lost: the prediction log could not be written", lost)
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        path = scope["path"]
        self._open += 1
        try:
            answer = await self._answer(path, scope, receive)
            await send_answer(send, answer)
        finally:
            self._open -= 1
        self._count(path, answer.status, time.perf_counter() - start)
        if answer.afterwards is not None:
            await answer.afterwards()

    async def _answer(self, path: str, scope: Scope, receive: Receive) -> Answer:
        method, handler = ROUTES.get(path, ("", None))
        try:
            if handler is None:
                raise RefusedError(404, "not found", f"there is no {path} here")
            if scope["method"] not in (method, AS_GOOD_AS.get(method)):
                raise RefusedError(405, "method", f"{path} answers {method} alone")
            if self._open > MOST_REQUESTS and method == "POST":
                raise RefusedError(503, "busy", "too many requests at once: try again later")
            return await handler(self, scope, receive)
        except RefusedError as refusal:
            if path == "/predict":
                metrics.rejected_requests.labels(refusal.reason).inc()
            return refusal.answer(allow=method)
        except Exception:
            logger.exception("a request to %s failed", path)
            return RefusedError(500, "failed", "the service failed; its log says why").answer()

    def _count(self, path: str, status: int, seconds: float) -> None:
        known = path if path in ROUTES else "other"
        counter = self._counters.get((known, status))
        if counter is None:
            counter = self._counters[known, status] = metrics.requests.labels(known, status)
        counter.inc()
        if path in self._timers:
            self._timers[path].observe(seconds)

    def _deployment(self) -> Deployment:
        """What serves now. A request asks once, so that it sees one release from start to end."""
        if self.watcher.deployment is None:
            raise RefusedError(503, "not ready", self.watcher.reason)
        return self.watcher.deployment

    async def predict(self, scope: Scope, receive: Receive) -> Answer:
        """Answer a row, or a list of rows, and remember them."""
        body = await read_body(scope, receive, self.settings.max_body_bytes)
        deployment = self._deployment()
        decoded = decode(deployment.decoder, body, deployment.fields)
        rows = decoded if isinstance(decoded, list) else [decoded]
        refuse_rows(deployment, rows)
        ids = [next(self._ids) for _ in rows]
        units = units_of(deployment, rows, ids)
        models = deployment.models_of(units)
        if deployment.split is None:
            predictions = await deployment.champion.batcher.submit(rows)
        else:
            predictions = await predictions_by(models, rows)
        now = self.now()
        records = [
            Prediction(
                id,
                now,
                model.manifest.version,
                model.variant,
                unit,
                row,
                prediction,
                model.label(prediction),
            )
            for id, model, unit, row, prediction in zip(
                ids, models, units, rows, predictions, strict=True
            )
        ]
        for model in models:
            model.predictions.inc()
        self.watcher.recent.extend(rows)
        told = [answer_of(one, model) for one, model in zip(records, models, strict=True)]
        answer = json_answer(told if isinstance(decoded, list) else told[0])
        shadow = deployment.shadow
        if shadow is not None and shadow.batcher.waiting < MOST_IN_SHADOW:
            ask_shadow = partial(self._ask_shadow, shadow, records)
            return msgspec.structs.replace(answer, afterwards=ask_shadow)
        if shadow is not None:
            metrics.shadow_failures.inc(len(records))
        for record in records:
            self.log.add(record)
        return answer

    async def _ask_shadow(self, shadow: Model, records: Sequence[Prediction]) -> None:
        """Put the predictions on record, beside what the challenger in the shadow would say."""
        try:
            answers = await shadow.batcher.submit([record.row for record in records])
            records = [
                msgspec.structs.replace(
                    record, shadow_version=shadow.manifest.version, shadow_prediction=answer
                )
                for record, answer in zip(records, answers, strict=True)
            ]
            shadow.shadowed.inc(len(records))
        except Exception:
            metrics.shadow_failures.inc(len(records))
            if not shadow.failed:  # one trace tells why; all are counted
                shadow.failed = True
                logger.exception("the challenger failed, unseen by who asked")
        finally:  # also if the service is stopped meanwhile
            for record in records:
                self.log.add(record)

    async def feedback(self, scope: Scope, receive: Receive) -> Answer:
        """Take true values, from whoever knows the token."""
        check_token(scope, self.token)
        body = await read_body(scope, receive, self.settings.max_body_bytes)
        deployment = self._deployment()
        decoded = decode(deployment.feedback_decoder, body, [deployment.champion.manifest.target])
        told = decoded if isinstance(decoded, list) else [decoded]
        now = self.now()
        if not all([self.log.add(Feedback(one.id, now, one.actual)) for one in told]):
            raise RefusedError(503, "log full", "not all was taken: send it again later")
        return json_answer(openapi.Accepted(len(told)), 202)

    async def healthz(self, scope: Scope, receive: Receive) -> Answer:
        """Whether the process lives."""
        return json_answer({"status": "alive"})

    async def readyz(self, scope: Scope, receive: Receive) -> Answer:
        """Whether there is a model to answer with."""
        self._deployment()
        return json_answer({"status": "ready"})

    async def model(self, scope: Scope, receive: Receive) -> Answer:
        """What serves, and where it comes from."""
        deployment = self._deployment()
        return json_answer(
            {
                **{model.variant: about(model) for model in deployment.models},
                "experiment": deployment.experiment,
            }
        )

    async def metrics(self, scope: Scope, receive: Receive) -> Answer:
        """What Prometheus asks for: what the service counts, and what others wrote down for it."""
        text = prometheus_client.generate_latest(self._told)
        return Answer(200, text, prometheus_client.CONTENT_TYPE_LATEST.encode())

    async def description(self, scope: Scope, receive: Receive) -> Answer:
        """The OpenAPI description of what can be asked."""
        return json_answer(openapi.description(self._deployment(), self.settings))

    async def page(self, scope: Scope, receive: Receive) -> Answer:
        """A page on which a person can try the service."""
        return openapi.page()


ROUTES: dict[str, tuple[str, Callable[[Service, Scope, Receive], Awaitable[Answer]]]] = {
    "/predict": ("POST", Service.predict),
    "/feedback": ("POST", Service.feedback),
    "/healthz": ("GET", Service.healthz),
    "/readyz": ("GET", Service.readyz),
    "/metrics": ("GET", Service.metrics),
    "/model": ("GET", Service.model),
    "/openapi.json": ("GET", Service.description),
    "/": ("GET", Service.page),
}


async def predictions_by(models: Sequence[Model], rows: Sequence[Any]) -> list[Any]:
    """The predictions for the rows, each by its own model."""
    answers: dict[str, Any] = {}
    for model in {id(model): model for model in models}.values():
        own = [row for row, chosen in zip(rows, models, strict=True) if chosen is model]
        answers[model.variant] = iter(await model.batcher.submit(own))
    return [next(answers[model.variant]) for model in models]


def answer_of(record: Prediction, model: Model) -> openapi.Prediction:
    """Return the response for a row."""
    classes, version, variant = model.manifest.classes, record.version, record.variant
    if classes is None:
        return openapi.Prediction(record.id, record.prediction, version, variant)
    probabilities = dict(zip(map(str, classes), record.prediction, strict=True))
    return openapi.Prediction(record.id, record.label, version, variant, probabilities)


def about(model: Model) -> dict[str, Any]:
    """Where a model comes from: version, run, data, commit."""
    names = ("version", "run_id", "data_version", "git_commit", "trained_until", "created")
    origin = {name: getattr(model.manifest, name) for name in names}
    return {"bundle": model.folder.name, "runtime": model.manifest.runtime, **origin}
