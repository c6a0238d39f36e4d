"""Run the project's own code and write down what it returns, in a process of its own.

Nothing is decided here: whoever started this process compares the values with what it expects. So
code that changes this process, or the test runner in it, gains nothing.

    python -P course/observer.py [MODULE ...]    import these once; then read requests from stdin

A request is a line of JSON: the `project` and the file `check` whose `observe` is called for each
of the `cases`; the file `result` gets what it returned, the file `output` what was printed.
`seconds` is the limit of time. Each request runs in a process of its own where the system can fork.
What is slow and the same for all, a check does in `prepare`, which runs once and before that.
"""

import importlib
import importlib.util
import json
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

POLL_SECONDS = 0.005


def load(path: Path) -> ModuleType:
    """Import a file by its path, under a name that no package has."""
    name = f"_course_{path.parent.name.replace('.', '_')}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # the path ends in .py
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prepare(check: Path) -> list[Any]:
    """Return the further arguments of `observe`: what `prepare` returns, if the check has one."""
    try:
        checks = load(check)
        return [checks.prepare()] if hasattr(checks, "prepare") else []
    except Exception:  # the check itself then fails, and says why
        return []


def observe(request: dict[str, Any], prepared: list[Any]) -> None:
    """Call `observe` for each case, and write the values or the errors."""
    project = Path(request["project"])
    os.chdir(project)
    sys.path[:0] = [str(project / "src"), str(project)]
    found: list[Any] = []
    try:
        checks = load(Path(request["check"]))
    except BaseException as error:
        found = [{"error": described(error, project)}] * len(request["cases"])
    else:
        for case in request["cases"]:
            found.append(outcome(checks.observe, [case, *prepared], project))
    Path(request["result"]).write_text(json.dumps(found), encoding="utf-8")


def outcome(function: Any, arguments: list[Any], project: Path) -> dict[str, Any]:
    """Return what the function returns, or its error."""
    try:
        value = function(*arguments)
        json.dumps(value)
    except BaseException as error:  # a student's code may raise anything, SystemExit included
        return {"error": described(error, project)}
    return {"value": value}


def described(error: BaseException, project: Path) -> str:
    """Return the error in one line, with the last place in the project's own code."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        file = Path(frame.filename)
        if (
            file.is_relative_to(project)
            and "course" not in file.parts
            and "tasks" not in file.parts
        ):
            place = f" ({file.relative_to(project)}, line {frame.lineno})"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}{place}"


def run(request: dict[str, Any], prepared: list[Any], answers: int) -> None:
    """Run a request, in a child process within the limit of time if the system can fork."""
    if not hasattr(os, "fork"):
        observe(request, prepared)
        return
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(answers)
        output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(output, stream)
        try:
            observe(request, prepared)
        finally:
            sys.stdout.flush()
            os._exit(0)
    until = time.monotonic() + request["seconds"]
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > until:
            Path(request["result"]).unlink(missing_ok=True)
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(POLL_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # what it left running


def main(modules: list[str]) -> None:
    """Import the modules, answer each request with a line, and end with the input."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what a module prints is not an answer
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # the task that needs it says so
            print(f"{name}: {error}", file=sys.stderr)
    sys.dont_write_bytecode = True  # from here on, it is the project that is imported
    prepared: dict[str, list[Any]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["check"] not in prepared:
            prepared[request["check"]] = prepare(Path(request["check"]))
        run(request, prepared[request["check"]], answers)
        os.write(answers, b"done\n")


if __name__ == "__main__":
    main(sys.argv[1:])
