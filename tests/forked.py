"""Calls of the command line in processes that need not import it first, which takes longest.

A process that has imported it forks for each call. Otherwise it is as if Python had been started.
"""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from commands import NAMED

MAIN = "from mlops_ladder.cli import main; main()"
SERVER = """
import json, os, sys
import mlops_ladder.cli
import mlops_ladder.commands.adopt, mlops_ladder.commands.climb, mlops_ladder.commands.new
import mlops_ladder.commands.plan, mlops_ladder.commands.upgrade, mlops_ladder.source.render

for line in sys.stdin:
    if (child := os.fork()) == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
os.setsid()
call = json.loads(line)
os.chdir(call["cwd"])
os.environ.clear()
os.environ.update(call["env"])
sys.argv[1:] = call["arguments"]
for number, file in enumerate([os.devnull, call["stdout"], call["stderr"]]):
    os.dup2(os.open(file, os.O_RDWR), number)
exec(call["code"])
"""


@cache
def server() -> "subprocess.Popen[str]":
    """Return the process that forks; it ends with this one."""
    return subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def forked(
    code: str, *arguments: str, cwd: Path, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run code in a process and a session of its own, which has imported the command line."""
    with tempfile.NamedTemporaryFile() as stdout, tempfile.NamedTemporaryFile() as stderr:
        call = {"code": code, "arguments": arguments, "cwd": str(cwd), "env": env}
        forking = server()
        assert forking.stdin is not None and forking.stdout is not None
        print(
            json.dumps(call | {"stdout": stdout.name, "stderr": stderr.name}),
            file=forking.stdin,
            flush=True,
        )
        code_of_exit = int(forking.stdout.readline())
        printed = [Path(file.name).read_text(encoding="utf-8") for file in (stdout, stderr)]
    return subprocess.CompletedProcess([*arguments], code_of_exit, *printed)


def run(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in its own process, with a git identity."""
    return forked(MAIN, *map(str, arguments), cwd=cwd, env=os.environ | NAMED | variables)
