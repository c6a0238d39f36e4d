"""Requests that arrive together share one call of the model; each gets its own answer."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from taxi_ride_duration.serving import batching
from taxi_ride_duration.serving.batching import Batcher


class Model:
    """Doubles numbers, and notes how many it got at a time. A word is more than it can take."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return twice the rows."""
        self.sizes.append(len(rows))
        return [2 * row + 0 for row in rows]


async def ask(batcher: Batcher, *requests: Sequence[Any]) -> list[Any]:
    futures = [batcher.submit(rows) for rows in requests]
    return await asyncio.gather(*futures, return_exceptions=True)


@pytest.mark.parametrize("in_thread", [False, True])
def test_each_request_gets_its_own_answer_from_one_call(in_thread: bool) -> None:
    model = Model()
    answers = asyncio.run(ask(Batcher(model, in_thread), [1], [2, 3], []))
    assert answers == [[2], [4, 6], []]
    assert model.sizes == [3]


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_request_that_fails_fails_alone(in_thread: bool) -> None:
    answers = asyncio.run(ask(Batcher(Model(), in_thread), [1], ["a word"], [3]))
    assert [answers[0], answers[2]] == [[2], [6]]
    assert isinstance(answers[1], TypeError)


def test_what_arrives_while_a_slow_model_computes_makes_up_the_next_batch() -> None:
    free = threading.Event()
    model = Model()

    def slow(rows: Sequence[Any]) -> Sequence[Any]:
        free.wait()
        return model(rows)

    async def two_waves() -> list[Any]:
        batcher = Batcher(slow, in_thread=True)
        first = batcher.submit([1])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        later = [batcher.submit([2]), batcher.submit([3])]
        free.set()
        return [await first, *[await one for one in later]]

    assert asyncio.run(two_waves()) == [[2], [4], [6]]
    assert model.sizes == [1, 2]


def test_a_batch_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MAX_ROWS", 4)
    model = Model()
    asyncio.run(ask(Batcher(model, in_thread=False), [1, 1, 1], [2, 2], [3] * 9, [4]))
    assert model.sizes == [3, 2, 9, 1]


def test_who_has_gone_does_not_disturb_the_others() -> None:
    async def one_leaves() -> Any:
        batcher = Batcher(Model(), in_thread=False)
        left, stayed = batcher.submit([1]), batcher.submit([2])
        left.cancel()
        return await stayed

    assert asyncio.run(one_leaves()) == [4]
