"""As much of HTTP as the service needs, on uvicorn's own interface.

A web framework would cost each request more than the model does, and the service has few paths.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

JSON = b"application/json"
encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A response, before it is sent."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    afterwards: Callable[[], Awaitable[None]] | None = None  # what nobody needs to wait for


class Failure(msgspec.Struct, omit_defaults=True):
    """Why a request was refused, and which place in it is to blame."""

    error: str
    message: str
    where: str | None = None


class RefusedError(Exception):
    """A request that gets an error for an answer; `reason` is short, for counting."""

    def __init__(self, status: int, reason: str, message: str, where: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.where = where

    def answer(self, allow: str | None = None) -> Answer:
        """The error as the client reads it."""
        failure = Failure(self.reason, self.message, self.where)
        headers = ((b"allow", allow.encode()),) if self.status == 405 and allow else ()
        return Answer(self.status, encode(failure), headers=headers)


def json_answer(content: Any, status: int = 200) -> Answer:
    return Answer(status, encode(content))


def header(scope: Scope, name: bytes) -> bytes:
    """The header's first value, empty if it is missing."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return b""


def check_token(scope: Scope, token: str | None) -> None:
    """Let in who shows the token, and nobody if there is none.

    Raises:
        RefusedError: it is not shown, or is another one.
    """
    if token is None:
        raise RefusedError(403, "no token", "set SERVICE_TOKEN where the service runs")
    shown = header(scope, b"authorization")
    if not hmac.compare_digest(shown, b"Bearer " + token.encode()):
        raise RefusedError(401, "token", "the header 'Authorization: Bearer ...' is asked")


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The request's body.

    Raises:
        RefusedError: it is longer than the limit, or never came whole.
    """
    message = await receive()
    body = message.get("body", b"")
    if message.get("more_body"):
        announced = header(scope, b"content-length")
        if announced.isdigit() and int(announced) > limit:
            raise too_large(limit)
        parts = [body]
        size = len(body)
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise too_large(limit)
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise RefusedError(400, "disconnected", "the request ended before its body did")
    if len(body) > limit:
        raise too_large(limit)
    return body


def too_large(limit: int) -> RefusedError:
    return RefusedError(413, "oversized", f"a request's body may hold {limit} bytes at most")


async def send_answer(send: Send, answer: Answer) -> None:
    """Send the response, whole."""
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
