"""The door to the loop: who shows the token may ask for a retraining, over HTTP.

    curl -X POST -H "Authorization: Bearer $SERVICE_TOKEN" http://127.0.0.1:8001/retrain

The request is written into the journal; the next step of the loop takes it up, or refuses it.
`make watch` opens the door, and takes that step at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import closing
from typing import Annotated

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from ..serving.app import Guarded
from ..serving.requests import RequestError, check_token, json_response, read_body
from ..serving.store import StoreError
from .journal import Request, open_journal

MOST_BYTES = 10_000
NOBODY = "somebody with the token"

logger = logging.getLogger(__name__)


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request's body may say: who asks."""

    who: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = NOBODY


class Asked(msgspec.Struct, frozen=True):
    """What is answered: the request's id, by which the journal names it."""

    request: str
    message: str = "the next step of the loop takes it up: make audit tells what came of it"


class Door(Guarded):
    """An ASGI application; `asked` is called after each request that was written down.

    `url` is the address of the store; `now` gives the POSIX time that requests carry.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        asked: Callable[[], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.url = url
        self.token = token
        self.asked = asked
        self.now = now
        super().__init__(
            [Route("/retrain", self.retrain, methods=["POST"]), Route("/healthz", self.healthz)]
        )

    async def retrain(self, request: HttpRequest) -> Response:
        """Write down that somebody asks for a retraining."""
        headers = dict(request.scope["headers"])
        check_token(headers, self.token)
        body = await read_body(headers, request.receive, MOST_BYTES)
        try:
            asking = msgspec.json.decode(body or b"{}", type=Asking)
        except msgspec.ValidationError as error:
            raise RequestError(422, "invalid", str(error)) from error
        except msgspec.DecodeError as error:
            raise RequestError(400, "no JSON", str(error)) from error
        try:
            written = await asyncio.to_thread(self._write_down, asking.who)
        except StoreError as error:
            logger.error("a request for a retraining could not be written down: %s", error)
            raise RequestError(503, "no store", "it was not taken: try again later") from error
        self.asked()
        return json_response(Asked(written.id), 202)

    def _write_down(self, who: str) -> Request:
        with closing(open_journal(self.url)) as journal:
            return journal.ask(who, self.now())

    async def healthz(self, _: HttpRequest) -> Response:
        """Answer as long as the process lives."""
        return json_response({"status": "alive"})
