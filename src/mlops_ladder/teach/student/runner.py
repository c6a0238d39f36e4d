"""Check tasks: values come from a process that runs the project's code, and are compared here."""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .tasks import Task

OBSERVER = Path(__file__).with_name("observer.py")
MOST_BYTES = 1_000_000  # of the values that are read
TOLERANCE = 1e-9
SHOWN = 200  # characters of a value
SERVING = re.compile(r"serving on (http://\S+)")


@dataclass(frozen=True)
class Failure:
    """A failed case: the action, the expected and the actual value, and the file to look at."""

    did: str
    expected: str
    got: str
    look: str


class Observer:
    """A process that runs the code of projects; the modules that tasks need are imported once."""

    def __init__(
        self,
        tasks: Iterable[Task],
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        limit: Callable[[], None] | None = None,
        program: Path = OBSERVER,
    ) -> None:
        modules = dict.fromkeys(name for task in tasks for name in task.about["imports"])
        self._folder = tempfile.TemporaryDirectory(prefix="check-")
        self._process = subprocess.Popen(
            [*(command or [python()]), "-P", str(program), *modules],
            env=dict(environment or single_threaded()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=limit,
        )

    def __enter__(self) -> "Observer":
        """Return the observer."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        assert self._process.stdin is not None  # it is a pipe
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Tell whether the process can run further checks."""
        return self._process.poll() is None

    def outcomes(
        self, task: Task, project: Path, cases: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the value or the error of each case."""
        result = Path(self._folder.name) / "result"
        result.unlink(missing_ok=True)
        seconds = task.about.get("seconds", 20)
        request = {
            "project": str(project),
            "check": str((task.folder / "check.py").absolute()),
            "cases": [case["given"] for case in cases],
            "seconds": seconds,
            "result": str(result),
            "output": str(result.with_name("output")),
        }
        pipes = self._process.stdin, self._process.stdout
        assert pipes[0] is not None and pipes[1] is not None
        try:
            pipes[0].write(json.dumps(request).encode() + b"\n")
            pipes[0].flush()
            done = pipes[1].readline()
        except OSError:
            done = b""
        found = read_values(result) if done else None
        if found is None or len(found) != len(cases):
            return [{"error": f"no result: it ended early, or took more than {seconds} s"}] * len(
                cases
            )
        return found


def read_values(result: Path) -> list[dict[str, Any]] | None:
    """Read what the process wrote; None if that is no list of values and errors."""
    try:
        with result.open("rb") as file:
            content = file.read(MOST_BYTES)
        found = json.loads(content)
    except (OSError, ValueError, RecursionError):
        return None
    valid = isinstance(found, list) and all(isinstance(one, dict) for one in found)
    return found if valid else None


def python() -> str:
    """Return the Python of the project's environment, in which its packages are."""
    own = Path(".venv") / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return str(own.absolute()) if own.exists() and sys.prefix == sys.base_prefix else sys.executable


def single_threaded() -> dict[str, str]:
    """Return an environment in which numerical libraries use one thread, so results are equal."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "MPLBACKEND": "agg"}


def failure_of(
    task: Task, cases: Sequence[Mapping[str, Any]], outcomes: Sequence[Mapping[str, Any]]
) -> Failure | None:
    """Return the first failure; None if every case gave what is expected."""
    judge: Callable[[Mapping[str, Any], Any], str | None] = getattr(task.checks, "judge", compare)
    for case, outcome in zip(cases, outcomes, strict=True):
        if "value" in outcome:
            try:
                got = judge(case, outcome["value"])
            except Exception:  # the value has another form than the check expects
                got = shown(outcome["value"])
        else:
            got = str(outcome.get("error"))
        if got is not None:
            return Failure(case["did"], shown(case["expected"]), got, task.about["files"][0])
    return None


def compare(case: Mapping[str, Any], value: Any) -> str | None:
    """Return the value as text if it is not the expected one."""
    return None if same(case["expected"], value) else shown(value)


def same(expected: Any, value: Any) -> bool:
    """Tell whether two JSON values are equal; numbers may differ by a rounding error."""
    if isinstance(expected, bool) or isinstance(value, bool):
        return expected is value
    if isinstance(expected, (int, float)) and isinstance(value, (int, float)):
        if math.isnan(expected) or math.isnan(value):
            return math.isnan(expected) and math.isnan(value)
        return math.isclose(expected, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(expected, list) and isinstance(value, list):
        return len(expected) == len(value) and all(map(same, expected, value))
    if isinstance(expected, dict) and isinstance(value, dict):
        return expected.keys() == value.keys() and all(same(expected[k], value[k]) for k in value)
    return bool(expected == value)


def shown(value: Any) -> str:
    """Return a value as text of limited length."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."


@contextmanager
def service(project: Path, interpreter: str) -> Iterator[str]:
    """Run the project's service on a free port, and provide its URL."""
    folder = Path(interpreter).parent
    environment = {
        **single_threaded(),
        "PORT": "0",
        "RUN": "",
        "PATH": os.pathsep.join([str(folder), os.environ["PATH"]]),
        "PYTHONPATH": str(project / "src"),
    }
    running = subprocess.Popen(
        ["make", "serve", "RUN="],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    assert running.stdout is not None
    try:
        lines = []
        for line in running.stdout:
            lines.append(line)
            if found := SERVING.search(line):
                yield found[1]
                break
        else:
            raise RuntimeError(f"make serve ended: {''.join(lines)[-SHOWN:].strip()}")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, 15)
        running.wait()
        running.stdout.close()
