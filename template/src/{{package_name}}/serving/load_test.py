"""Ask a running service as fast as it answers, and say how fast that was: `make load-test`."""

import argparse
import asyncio
import time
from typing import Any

import aiohttp
import numpy as np

from ..errors import UserError, run
from .client import DEFAULT, Client


async def ask_until(
    session: aiohttp.ClientSession, url: str, row: Any, end: float, seconds: list[float]
) -> int:
    """Ask for the row again and again until `end`; how often the answer was not 200."""
    failed = 0
    while (start := time.perf_counter()) < end:
        async with session.post(url, json=row) as answer:
            await answer.read()
        seconds.append(time.perf_counter() - start)
        failed += answer.status != 200
    return failed


async def load(url: str, row: Any, connections: int, duration: float) -> tuple[list[float], int]:
    """How long each answer took, in seconds, and how many were not 200."""
    seconds: list[float] = []
    limit = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=limit) as session:
        end = time.perf_counter() + duration
        asking = [ask_until(session, url, row, end, seconds) for _ in range(connections)]
        failures = await asyncio.gather(*asking)
    return seconds, sum(failures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default=DEFAULT, help=f"without it, {DEFAULT}")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=32)
    arguments = parser.parse_args()

    example = Client(arguments.url).example()
    url = arguments.url.rstrip("/") + "/predict"
    try:
        seconds, failed = asyncio.run(load(url, example, arguments.connections, arguments.seconds))
    except aiohttp.ClientError as error:
        raise UserError(f"{arguments.url} stopped answering: {error}") from error
    half, most = np.percentile(seconds, [50, 99]) * 1000
    rate = len(seconds) / arguments.seconds
    print(f"{len(seconds)} answers, {rate:.0f} a second over {arguments.connections} connections")
    print(f"half of them within {half:.1f} ms, 99 % within {most:.1f} ms; {failed} failed")
    if failed:
        raise UserError(f"{failed} of {len(seconds)} requests failed")


if __name__ == "__main__":
    run(main)
