"""CPU and wall-clock times of commands, and tables of them."""

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

from installation import environment


@dataclass(frozen=True)
class Cost:
    """The CPU seconds of a command with all its processes, and its wall-clock seconds."""

    cpu: float
    wall: float


def cost_of(command: Sequence[str], folder: Path, **variables: str) -> Cost:
    """Run a command in a folder; exit with its output if it fails."""
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
    """Format the median and the range."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def verdict(value: float, target: float, unit: str) -> str:
    """Format a target, and whether it is met."""
    return f"at most {target:g}{unit}: {'met' if value <= target else 'missed'}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def circumstances(versions: dict[str, str]) -> str:
    """Format the date, the number of cores and the versions."""
    tools = {"Python": platform.python_version(), **versions}
    named = ", ".join(f"{name} {version}" for name, version in tools.items())
    return f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores; {named}."


def load() -> str:
    """Format the load average; times are longer if it exceeds the number of cores."""
    return f"{os.getloadavg()[0]:.1f}"
