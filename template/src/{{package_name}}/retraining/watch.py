"""Run the loop as a process: `make watch`.

It takes a step every EVERY seconds, each in a process of its own, so that what one leaks or breaks
is gone with it; and it opens the door on RETRAIN_PORT, through which a retraining can be asked for.
Where something else starts single steps (cron, a CronJob, a workflow), it is not needed.
"""

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

import uvicorn

from ..errors import UserError, run
from ..serving import settings
from ..serving.server import address, configured, listen
from ..serving.store import store_url
from .door import Door

EVERY = 900.0
HOST = "127.0.0.1"
PORT = "RETRAIN_PORT"
GRACE_SECONDS = 5  # how long requests that are being answered may take to finish at the end
STEP = (sys.executable, "-m", f"{__package__}.loop")

logger = logging.getLogger(__name__)


class Steps:
    """Takes steps until it is stopped. `wake` lets the next one begin at once."""

    def __init__(self, every: float, command: Sequence[str] = STEP) -> None:
        self.every = every
        self.command = command
        self._stopped = False
        self._awake = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Take one step after the other."""
        while not self._stopped:
            self._awake.clear()
            try:
                await self._step()
            except OSError as error:
                logger.error("no step can be taken: %s", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), self.every)

    def wake(self) -> None:
        """Take the next step now, or as soon as the one under way is done."""
        self._awake.set()

    def stop(self) -> None:
        """Take no further step. One under way ends here: whoever runs next goes on from there."""
        self._stopped = True
        self._awake.set()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    async def _step(self) -> None:
        # In a session of its own: an interrupt from the keyboard reaches this process alone.
        self._process = await asyncio.create_subprocess_exec(*self.command, start_new_session=True)
        if self._stopped:
            self._process.terminate()
        code = await self._process.wait()
        if code and not self._stopped:
            logger.error("the step failed (exit code %d): the next one tries again", code)


async def watch(steps: Steps, door: Door, listening: socket.socket) -> None:
    """Take steps, and answer at the door, until a signal says to stop."""
    server = uvicorn.Server(configured(door, GRACE_SECONDS, lifespan="off"))

    def stop() -> None:
        server.should_exit = True
        steps.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as group:
        group.create_task(steps.run())
        group.create_task(server.serve(sockets=[listening]))


async def run_until_stopped(every: float, url: str, listening: socket.socket) -> None:
    steps = Steps(every)
    await watch(steps, Door(url, settings.token(), steps.wake), listening)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=float, default=EVERY, help="seconds between two steps")
    every = parser.parse_args().every
    if not every > 0:
        raise UserError(f"EVERY is {every:g}: more than 0 seconds are asked")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    url = store_url()
    with listen(HOST, settings.port(PORT, "8001"), PORT) as listening:
        where = f"{address(listening)}/retrain"
        print(f"a step every {every:g} seconds; ask for a retraining at {where}", flush=True)
        asyncio.run(run_until_stopped(every, url, listening))


if __name__ == "__main__":
    run(main)
