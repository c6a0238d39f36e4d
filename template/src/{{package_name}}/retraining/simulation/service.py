"""The real service in a process of its own, on a clock that the simulation sets."""

import argparse
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import UserError, run
from ...serving.server import make_service, serve

PATIENCE = 60.0  # seconds, for what the service does by itself within one
LOOKS = 0.02  # seconds between two looks whether it has


class Clock:
    """A time that one process sets and others read: POSIX seconds in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def set(self, seconds: float) -> None:
        """Let it be that time."""
        part = self.file.with_name(f"{self.file.name}.part")
        part.write_text(repr(seconds))
        part.replace(self.file)

    def __call__(self) -> float:
        return float(self.file.read_text())


@contextmanager
def serving(clock: Clock, log: Path) -> Iterator[str]:
    """The address of the service, which runs as long; what it has to say goes into `log`.

    Raises:
        UserError: it does not start.
    """
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(clock.file)],
            env=os.environ | {"HOST": "127.0.0.1", "PORT": "0"},
            stdin=subprocess.PIPE,  # which ends with this process, however that ends
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        try:
            assert process.stdout is not None  # it is a pipe
            started = process.stdout.readline()
            if not started.startswith("serving on "):
                raise UserError(f"the service does not start:\n{log.read_text()}")
            yield started.removeprefix("serving on ").strip()
        finally:
            process.terminate()
            process.wait()


def wait_until(reached: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so.

    Raises:
        UserError: it takes too long.
    """
    end = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > end:
            raise UserError(f"the service has not done this within {PATIENCE:.0f} s: {what}")
        time.sleep(LOOKS)


def end_with_parent() -> None:
    """Stop the service when nobody holds the other end of its input any more."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clock", type=Path, help="the file that says what time it is")
    clock = Clock(parser.parse_args().clock)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    threading.Thread(target=end_with_parent, daemon=True).start()
    serve(make_service(now=clock))


if __name__ == "__main__":
    run(main)
