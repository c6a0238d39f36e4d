"""Reading requests: headers, the token and the body; errors with their reason and place."""

import hmac
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive

JSON = b"application/json"
SYNTHETIC = b"synthetic-request"  # this header marks a test: it is answered and not logged
HEADERS = "headers by name"  # in the scope of a request
PLACE = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<where>\$.*)`)?$", re.DOTALL)
MISSING = re.compile(r"missing required field `(?P<name>.*)`")
Headers = Mapping[bytes, bytes]
encode = msgspec.json.Encoder().encode


class Failure(msgspec.Struct, omit_defaults=True):
    """The reason why a request was refused, and the place in its body."""

    error: str
    message: str
    where: str | None = None


@dataclass(eq=False)
class RequestError(Exception):
    """A refused request; `reason` is short, for metrics, and so is the `field` at fault."""

    status: int
    reason: str
    message: str
    where: str | None = None
    field: str | None = None
    headers: Mapping[str, str] | None = None  # of the response

    def response(self) -> Response:
        """Return the error as the client reads it."""
        failure = Failure(self.reason, self.message, self.where)
        return json_response(failure, self.status, self.headers)


def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response with JSON."""
    return Response(encode(content), status, headers, JSON.decode())


def check_host(headers: Headers, http_version: str, allowed: frozenset[str]) -> None:
    """Refuse a request without a Host, or for a host that is not allowed."""
    host = headers.get(b"host")
    if host is None:
        if http_version == "1.1":
            raise RequestError(400, "host", "HTTP/1.1 requires the header Host")
    elif name_of(host) not in allowed and "*" not in allowed:
        raise RequestError(400, "host", "this host is not allowed: add it to ALLOWED_HOSTS")


@lru_cache(maxsize=100)
def name_of(host: bytes) -> str:
    """Return the name in a Host header, without the port."""
    name = host.decode("latin-1").lower()
    return name[: name.find("]") + 1] if name.startswith("[") else name.partition(":")[0]


def check_json(headers: Headers) -> None:
    """Refuse a body that is not declared as plain JSON."""
    kind = headers.get(b"content-type", b"")
    if kind != JSON and kind.partition(b";")[0].strip().lower() != JSON:
        raise RequestError(
            415, "content type", "the header Content-Type: application/json is required"
        )
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise RequestError(415, "content encoding", "a compressed body is not supported")


def check_token(headers: Headers, token: str | None) -> None:
    """Refuse a request that does not have the token; without a token, refuse all."""
    if token is None:
        raise RequestError(403, "no token", "set SERVICE_TOKEN where the service runs")
    given = headers.get(b"authorization", b"")
    if not hmac.compare_digest(given, b"Bearer " + token.encode()):
        raise RequestError(401, "token", "the header 'Authorization: Bearer ...' is required")


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytearray:
    """Read the body, up to a limit in bytes."""
    announced = headers.get(b"content-length", b"")
    size = int(announced[:20]) if announced.isdigit() else 0
    body, more = bytearray(), size <= limit
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError(400, "disconnected", "the request ended before its body did")
        body += message.get("body", b"")
        size = len(body)
        more = message.get("more_body", False) and size <= limit
    if size > limit:
        raise RequestError(413, "oversized", f"a request's body is limited to {limit} bytes")
    return body


def decode(decoder: "msgspec.json.Decoder[Any]", body: bytearray, fields: Container[str]) -> Any:
    """Decode and validate a body; an error names the place in it, and one of the fields."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        found = PLACE.match(str(error))
        assert found is not None  # the expression matches any text
        where = found["where"] or "$"
        missing = MISSING.search(found["reason"])
        name = missing["name"] if missing else where.partition(".")[2]
        field = name if name in fields else "other"
        raise RequestError(422, "invalid", found["reason"], where, field) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, "malformed", f"the body is not JSON: {error}") from error
