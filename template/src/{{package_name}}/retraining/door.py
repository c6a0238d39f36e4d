"""The door to the loop: who shows the token may ask for a retraining, over HTTP.

    curl -X POST -H "Authorization: Bearer $SERVICE_TOKEN" http://127.0.0.1:8001/retrain

The request is written into the journal; the next step of the loop takes it up, or refuses it.
`make watch` opens the door, and takes that step at once.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Annotated

import msgspec

from ..serving.http import (
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


class Door:
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send_answer(send, await self._answer(scope, receive))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path = scope["path"]
        method, handler = ROUTES.get(path, ("", None))
        try:
            if handler is None:
                raise RefusedError(404, "not found", f"there is no {path} here")
            if scope["method"] != method:
                raise RefusedError(405, "method", f"{path} answers {method} alone")
            return await handler(self, scope, receive)
        except RefusedError as refusal:
            return refusal.answer(allow=method)
        except Exception:
            logger.exception("a request to %s failed", path)
            return RefusedError(500, "failed", "the request failed; the log says why").answer()

    async def retrain(self, scope: Scope, receive: Receive) -> Answer:
        """Write down that somebody asks for a retraining."""
        check_token(scope, self.token)
        body = await read_body(scope, receive, MOST_BYTES)
        try:
            asking = msgspec.json.decode(body or b"{}", type=Asking)
        except msgspec.ValidationError as error:
            raise RefusedError(422, "invalid", str(error)) from error
        except msgspec.DecodeError as error:
            raise RefusedError(400, "no JSON", str(error)) from error
        try:
            request = await asyncio.to_thread(self._write_down, asking.who)
        except StoreError as error:
            logger.error("a request for a retraining could not be written down: %s", error)
            raise RefusedError(503, "no store", "it was not taken: try again later") from error
        self.asked()
        return json_answer(Asked(request.id), 202)

    def _write_down(self, who: str) -> Request:
        with closing(open_journal(self.url)) as journal:
            return journal.ask(who, self.now())

    async def healthz(self, scope: Scope, receive: Receive) -> Answer:
        """Whether the process lives."""
        return json_answer({"status": "alive"})


ROUTES: dict[str, tuple[str, Callable[[Door, Scope, Receive], Awaitable[Answer]]]] = {
    "/retrain": ("POST", Door.retrain),
    "/healthz": ("GET", Door.healthz),
}
