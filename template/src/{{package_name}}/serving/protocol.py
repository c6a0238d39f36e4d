"""uvicorn's HTTP/1.1, with bounds that it lacks: a request's head may not grow for ever, nor a
request take for ever to arrive. What is refused before the service sees it is counted too."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from . import metrics

MOST_HEAD_BYTES = 65_536  # the parser would collect more, in time that grows with the square
ARRIVAL_SECONDS = 30.0  # from the first byte to the last, and from connecting to the first request


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A request that arrives in one piece, as most do, costs next to nothing."""

    _whole = False  # whether the data received last ended a request
    _head_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._whole = False
        super().data_received(data)
        if self._whole or self.transport.is_closing():
            self._stop_waiting()
            return
        self._wait()
        if self.scope is None or "method" not in self.scope:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.send_400_response(f"A request's head may hold {MOST_HEAD_BYTES} bytes.")

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._whole = True

    def send_400_response(self, msg: str) -> None:
        metrics.requests.labels("other", 400).inc()
        super().send_400_response(msg)

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        self._head_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # else who handles it counts it
            metrics.requests.labels("other", 408).inc()
        self.transport.close()
