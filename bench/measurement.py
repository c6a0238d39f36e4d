"""What commands cost, and the table that says so."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from workshop import environment


@dataclass(frozen=True)
class Cost:
    """The seconds of a command: those of all its processes on the CPU, and those one waits."""

    cpu: float
    wall: float


def cost_of(command: Sequence[str], folder: Path, **variables: str) -> Cost:
    """Run a command in the folder; its failure ends the benchmark and shows what it printed."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            sys.exit(f"error: {' '.join(command)} failed:\n{output.read().decode()}")
    return Cost(cpu=usage.ru_utime + usage.ru_stime, wall=wall)


def spread(values: Sequence[float]) -> str:
    """The median, and between which values it lies."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def verdict(value: float, target: float, unit: str) -> str:
    """A target and whether it is met."""
    return f"at most {target:g}{unit}: {'met' if value <= target else 'missed'}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def circumstances(versions: dict[str, str]) -> str:
    """When, on what and with what something was measured."""
    tools = {"Python": platform.python_version(), **versions}
    named = ", ".join(f"{name} {version}" for name, version in tools.items())
    return f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores; {named}."


def load() -> str:
    """How many processes want a core; more than there are cores stretch the seconds."""
    return f"{os.getloadavg()[0]:.1f}"
