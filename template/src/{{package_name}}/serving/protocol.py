"""uvicorn's HTTP/1.1 with the limits that it lacks: on the size of heads, and on time.

Neither uvicorn's settings nor Granian's close a half body or a client that does not read.
"""

import asyncio
import sys
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from . import metrics

MOST_HEAD_BYTES = 65_536  # of a head, or of the trailers after a body in chunks
MOST_PIPELINED = 100  # requests that wait for an earlier one of the same connection
ARRIVAL_SECONDS = 30.0  # for a request to arrive, and for a client to read a response
UPGRADE = {b"upgrade", b"http2-settings"}


class BoundedProtocol(HttpToolsProtocol):
    """A connection. Each request that does not arrive in one piece has its own deadline."""

    _head_bytes = 0
    _timed: Any = None  # the scope of the request that has the deadline
    _arrival: asyncio.TimerHandle  # the deadline
    _reading: asyncio.TimerHandle | None = None  # while the client has to read

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        self._arrival = self.loop.call_later(ARRIVAL_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadlines."""
        self._end_arrival()
        if self._reading is not None:
            self._reading.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data; what does not end with the end of a request gets a deadline."""
        self._data = data
        self._head_bytes += len(data)
        before = self.cycle
        incomplete = before is None or before.more_body
        super().data_received(data)
        cycle = self.cycle
        changed = incomplete or cycle is not before
        if self.transport.is_closing():
            self._end_arrival()
        elif len(self.pipeline) > MOST_PIPELINED:
            self.send_400_response(f"At most {MOST_PIPELINED} requests may wait.")
        elif changed and cycle and cycle.scope is self.scope and not cycle.more_body:
            self._head_bytes = 0
            self._end_arrival()
        elif self._head_bytes > MOST_HEAD_BYTES:
            self.send_400_response(f"A request's head is limited to {MOST_HEAD_BYTES} bytes.")
        elif self._timed is not self.scope:
            self._end_arrival()
            self._timed = self.scope
            self._arrival = self.loop.call_later(ARRIVAL_SECONDS, self._give_up)

    def on_body(self, body: bytes) -> None:
        """Count what follows as a head: the application limits the body."""
        super().on_body(body)
        self._head_bytes = 0

    def _should_upgrade(self) -> bool:
        return self.parser.get_method() != b"CONNECT"

    def handle_websocket_upgrade(self) -> None:
        """Parse the request again without its upgrade, which HTTP allows a server to ignore.

        The parser takes what follows the head for the other protocol, the request's body included.
        """
        error = sys.exception()
        assert error is not None  # uvicorn calls this where it handles the parser's error
        head = [self.parser.get_method() + b" " + self.url + b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            if name == b"connection":
                kept = [one for one in value.split(b",") if one.strip().lower() not in UPGRADE]
                value = b",".join(kept) or b"keep-alive"
            if name not in UPGRADE:
                head.append(name + b": " + value + b"\r\n")
        self.parser = httptools.HttpRequestParser(self)
        super().data_received(b"".join([*head, b"\r\n", self._data[error.args[0] :]]))

    def send_400_response(self, msg: str) -> None:
        """Refuse and count what is not a request."""
        metrics.requests.labels("other", 400).inc()
        super().send_400_response(msg)
        self._end_arrival()

    def pause_writing(self) -> None:
        """Set a deadline for a client that does not read."""
        super().pause_writing()
        self._reading = self.loop.call_later(ARRIVAL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Continue to write."""
        if self._reading is not None:
            self._reading.cancel()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; closing would wait for a client that does not read."""
        self.transport.abort()

    def _end_arrival(self) -> None:
        self._timed = None
        self._arrival.cancel()

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # else the application counts it
            metrics.requests.labels("other", 408).inc()
        self.transport.abort()
