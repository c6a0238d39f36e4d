"""The service as an ASGI application: routes, limits, errors and metrics of requests."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import prometheus_client
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from . import metrics, openapi
from .predict import Predict
from .prediction_log import PredictionLog
from .records import Feedback
from .requests import (
    HEADERS,
    SYNTHETIC,
    RequestError,
    check_host,
    check_json,
    check_token,
    decode,
    json_response,
    read_body,
)
from .settings import LOOPBACK, Settings
from .watcher import Watcher

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 10.0  # for the log to write its records when the service stops
MOST_REQUESTS = 1_000  # at once; further ones are refused, so that memory is bounded

requests_of = cache(metrics.requests.labels)  # by path and status


def refusal_of(error: Exception, path: str) -> RequestError:
    """Return the response to a request that raised an error."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, HTTPException):  # the router's
        if error.status_code == 405:
            message = f"{path} has another method"
            return RequestError(405, "method", message, headers=error.headers)
        return RequestError(error.status_code, "not found", f"no {path} here")
    logger.error("request to %s failed", path, exc_info=error)
    return RequestError(500, "failed", "the service failed; its log says why")


class Service:
    """The service; `now` is the time of its records in POSIX seconds."""

    def __init__(
        self,
        watcher: Watcher,
        log: PredictionLog,
        settings: Settings,
        token: str | None,
        now: Callable[[], float] = time.time,
        hosts: frozenset[str] = LOOPBACK,
    ) -> None:
        self.watcher = watcher
        self.log = log
        self.settings = settings
        self.token = token
        self.now = now
        self.hosts = hosts
        self.open = 0  # requests being answered
        # Starlette's router without its application, whose error handling costs more than routing.
        self.router = Router(redirect_slashes=False, lifespan=self.lifespan)
        self.predict = Predict(watcher, log, settings, now)
        self._timers: dict[str, Any] = {}
        for route in (
            Route("/predict", self.predict, methods=["POST"]),
            Route("/feedback", self.feedback, methods=["POST"]),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.metrics),
            Route("/model", self.model),
            Route("/openapi.json", self.description),
            Route("/docs", self.page),
            Route("/", self.page),
        ):
            self.add(route)

    def add(self, route: Route) -> None:
        """Add a route, with checks of hosts, a limit on requests, JSON errors and metrics."""
        self.router.routes.append(route)
        self._timers[route.path] = metrics.request_seconds.labels(route.path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or run from start to shutdown."""
        if scope["type"] != "http":
            await self.router(scope, receive, send)
            return
        start, seconds, status = time.perf_counter(), 0.0, 0

        async def counted_send(message: Message) -> None:
            nonlocal seconds, status
            status = status or message["status"]
            await send(message)
            seconds = time.perf_counter() - start  # a shadow challenger predicts afterwards

        headers = scope[HEADERS] = dict(scope["headers"])
        refusal = None
        self.open += 1
        try:
            check_host(headers, scope["http_version"], self.hosts)
            if self.open > MOST_REQUESTS and scope["method"] == "POST":
                raise RequestError(503, "busy", "too many requests at once: try again later")
            scope["app"] = self  # the router then raises errors
            # Calling it directly saves 5 % of the CPU.
            predicts = scope["path"] == "/predict" and scope["method"] == "POST"
            await (self.predict if predicts else self.router)(scope, receive, counted_send)
        except Exception as error:
            refusal = refusal_of(error, scope["path"])
            if not status:
                await refusal.response()(scope, receive, counted_send)
        finally:
            self.open -= 1
            self._count(scope["path"], status, seconds, SYNTHETIC in headers, refusal)

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncIterator[None]:
        """Start the threads; at the end, write what is still in memory."""
        self.log.start()
        self.watcher.start()
        yield
        self.watcher.stop()
        lost = await asyncio.to_thread(self.log.close, CLOSE_SECONDS)
        if lost:
            logger.error("%d records are lost: the prediction log could not be written", lost)

    def _count(
        self, path: str, status: int, seconds: float, synthetic: bool, refusal: RequestError | None
    ) -> None:
        """Count a request in the metrics; those of tests apart."""
        timer = self._timers.get(path)
        known = path if timer else "other"
        if synthetic:
            metrics.synthetic_requests.labels(known, status).inc()
            return
        requests_of(known, status).inc()
        if timer:
            timer.observe(seconds)
        if refusal and path == "/predict" and status != 500:
            metrics.rejected_requests.labels(refusal.reason).inc()
        if refusal and refusal.field:
            metrics.invalid_fields.labels(refusal.field).inc()

    async def feedback(self, request: Request) -> Response:
        """Receive ground truth from a client that has the token."""
        headers = request.scope[HEADERS]
        check_token(headers, self.token)
        check_json(headers)
        body = await read_body(headers, request.receive, self.settings.max_body_bytes)
        active = self.watcher.release()
        decoded = decode(active.feedback_decoder, body, [active.champion.manifest.target.name])
        received = decoded if isinstance(decoded, list) else [decoded]
        now = self.now()
        records = [Feedback(one.id, now, one.actual) for one in received]
        if SYNTHETIC not in headers and not all([self.log.add(record) for record in records]):
            raise RequestError(503, "log full", "not all was stored: send it again later")
        return json_response(openapi.Accepted(len(received)), 202)

    async def healthz(self, _: Request) -> Response:
        """Answer as long as the process lives."""
        return json_response({"status": "alive"})

    async def readyz(self, _: Request) -> Response:
        """Answer with 200 if a model serves."""
        self.watcher.release()
        return json_response({"status": "ready"})

    async def model(self, _: Request) -> Response:
        """Describe the models that serve, and their origin."""
        active = self.watcher.release()
        models = {model.variant: model.origin() for model in active.models}
        return json_response({**models, "experiment": active.experiment})

    async def metrics(self, _: Request) -> Response:
        """Return the metrics for Prometheus."""
        text = metrics.exposition(self.watcher, self.watcher.live / metrics.PROM_FILES)
        return Response(text, media_type=prometheus_client.CONTENT_TYPE_LATEST)

    async def description(self, _: Request) -> Response:
        """Return the OpenAPI description."""
        return json_response(openapi.description(self.watcher.release(), self.settings))

    async def page(self, _: Request) -> Response:
        """Return the page on which a person can try the service."""
        return openapi.page()
