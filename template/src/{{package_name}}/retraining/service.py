"""Run the service of level 3 with one more route, `POST /retrain`: `make serve`.

Whoever has the token requests a retraining. The next step of the loop trains a challenger, or
refuses to.
"""

import asyncio
import logging
from typing import Annotated

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from ..errors import run
from ..serving import server, settings
from ..serving.app import Service
from ..serving.requests import (
    HEADERS,
    SYNTHETIC,
    RequestError,
    check_json,
    check_token,
    decode,
    json_response,
    read_body,
)
from ..serving.store import StoreError, store_url
from .journal import ask

MOST_BYTES = 10_000
ANYBODY = "somebody with the token"

logger = logging.getLogger(__name__)


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request: who asks."""

    who: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = ANYBODY


class Accepted(msgspec.Struct, frozen=True):
    """The response: the id of the request in the journal."""

    request: str
    message: str = "the next step of the loop trains a challenger or refuses: see make audit"


decoder = msgspec.json.Decoder(Asking)


def with_retraining(service: Service, url: str) -> Service:
    """Add `POST /retrain` to a service, whose requests are stored in the database of the URL."""

    async def retrain(request: HttpRequest) -> Response:
        headers = request.scope[HEADERS]
        check_token(headers, service.token)
        check_json(headers)
        body = await read_body(headers, request.receive, MOST_BYTES)
        who = decode(decoder, body, []).who
        if SYNTHETIC in headers:
            return json_response(Accepted("synthetic"), 202)
        try:
            asked = await asyncio.to_thread(ask, url, who, service.now())
        except StoreError as error:
            logger.error("a request for a retraining was not stored: %s", error)
            raise RequestError(503, "no store", "it was not stored: try again later") from error
        return json_response(Accepted(asked.id), 202)

    service.add(Route("/retrain", retrain, methods=["POST"]))
    return service


def make_worker() -> Service:
    """Return the service of a process."""
    return with_retraining(server.make_worker(), store_url())


def main() -> None:
    """Run the service."""
    workers = settings.workers()
    server.serve(make_worker() if workers == 1 else f"{__package__}.service:make_worker", workers)


if __name__ == "__main__":
    run(main)
