"""Batching: requests that arrive together are predicted by one call of the model.

No request waits for others: a batch has what arrived until the next turn of the event loop or,
for a slow model, until the batch before was done.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MAX_ROWS = 4096  # in a batch, unless a single request has more

Predict = Callable[[Sequence[Any]], Sequence[Any]]
Request = tuple[Sequence[Any], "asyncio.Future[Sequence[Any]]"]


class Batcher:
    """The rows that wait for a model, in one event loop."""

    def __init__(self, predict: Predict, in_thread: bool) -> None:
        self._predict = predict
        self.waiting: list[Request] = []  # for the next batch
        self._scheduled = False
        self._executor = ThreadPoolExecutor(max_workers=1) if in_thread else None

    def submit(self, rows: Sequence[Any]) -> "asyncio.Future[Sequence[Any]]":
        """Return a future of one prediction per row."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self.waiting.append((rows, future))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._flush, loop)
        return future

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._next_batch()
        if self._executor is None:
            self._finish(loop, batch, predict_batch(self._predict, batch))
        else:
            computed = loop.run_in_executor(self._executor, predict_batch, self._predict, batch)
            computed.add_done_callback(lambda done: self._finish(loop, batch, done.result()))

    def _next_batch(self) -> list[Request]:
        rows = taken = 0
        for request in self.waiting:
            rows += len(request[0])
            if taken and rows > MAX_ROWS:
                break
            taken += 1
        batch, self.waiting = self.waiting[:taken], self.waiting[taken:]
        return batch

    def _finish(
        self, loop: asyncio.AbstractEventLoop, batch: list[Request], results: list[Any]
    ) -> None:
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():  # the client has gone
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._scheduled = bool(self.waiting)
        if self._scheduled:
            loop.call_soon(self._flush, loop)


def predict_batch(predict: Predict, batch: list[Request]) -> list[Any]:
    """Return for each request its predictions, or the exception that its own rows raise."""
    rows = batch[0][0] if len(batch) == 1 else [row for rows, _ in batch for row in rows]
    try:
        predictions = predict(rows)
    except Exception as error:
        if len(batch) == 1:
            return [error]
        return [predict_batch(predict, [request])[0] for request in batch]
    results, start = [], 0
    for own_rows, _ in batch:
        results.append(predictions[start : start + len(own_rows)])
        start += len(own_rows)
    return results
