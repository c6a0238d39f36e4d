"""Requests that arrive together are answered together: one call of the model for all of them.

Nothing waits for company: what has arrived by the next turn of the event loop goes along. For a
slow model, what arrives while it computes makes up the next batch.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MAX_ROWS = 4096  # in a batch, unless a single request brings more

Predict = Callable[[Sequence[Any]], Sequence[Any]]
Request = tuple[Sequence[Any], "asyncio.Future[Sequence[Any]]"]


class Batcher:
    """Collects rows for a model. Belongs to one event loop."""

    def __init__(self, predict: Predict, in_thread: bool) -> None:
        self._predict = predict
        self._waiting: list[Request] = []
        self._scheduled = False
        self._executor = ThreadPoolExecutor(max_workers=1) if in_thread else None

    @property
    def waiting(self) -> int:
        """How many requests have not been taken up yet."""
        return len(self._waiting)

    def submit(self, rows: Sequence[Any]) -> "asyncio.Future[Sequence[Any]]":
        """The predictions for the rows, as soon as there are some."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.append((rows, future))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._flush, loop)
        return future

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._take()
        if self._executor is None:
            self._answer(batch, predict_batch(self._predict, batch))
            self._go_on(loop)
        else:
            computed = loop.run_in_executor(self._executor, predict_batch, self._predict, batch)
            computed.add_done_callback(lambda done: self._finish(loop, batch, done.result()))

    def _finish(
        self, loop: asyncio.AbstractEventLoop, batch: list[Request], answers: list[Any]
    ) -> None:
        self._answer(batch, answers)
        self._go_on(loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            loop.call_soon(self._flush, loop)

    def _take(self) -> list[Request]:
        rows = taken = 0
        for request in self._waiting:
            rows += len(request[0])
            if taken and rows > MAX_ROWS:
                break
            taken += 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return batch

    def _answer(self, batch: list[Request], answers: list[Any]) -> None:
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # whoever asked has gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def predict_batch(predict: Predict, batch: list[Request]) -> list[Any]:
    """For each request its predictions, or the exception that its own rows caused."""
    rows = batch[0][0] if len(batch) == 1 else [row for rows, _ in batch for row in rows]
    try:
        predictions = predict(rows)
    except Exception as error:
        if len(batch) == 1:
            return [error]
        return [predict_batch(predict, [request])[0] for request in batch]
    answers, start = [], 0
    for own_rows, _ in batch:
        answers.append(predictions[start : start + len(own_rows)])
        start += len(own_rows)
    return answers
