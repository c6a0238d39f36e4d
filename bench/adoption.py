"""Adopt checkouts of public repositories, and run what an owner would run next.

    python bench/adoption.py CHECKOUT ... [--level 1] [--make "setup test"] [--minutes 9]

Each checkout is cloned into a temporary folder, adopted with this checkout's last commit as the
template, and its branch is switched to. Then the make targets run. Nothing is written into the
checkouts. A row per repository is printed: its commit, what the branch changed, the last line of
make, and the seconds. The exit code is 1 if a repository's targets failed without a line `error:`
or a sentence of make (`***`), which would leave its owner without a thing to do.
"""

import argparse
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
NAMED = {
    **{f"GIT_{who}_NAME": "Bench" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "bench@example.org" for who in ("AUTHOR", "COMMITTER")},
}


@dataclass(frozen=True)
class Finished:
    """A command that ran."""

    code: int
    output: str
    seconds: float


def run(folder: Path, *command: str, minutes: float = 9) -> Finished:
    """Run a command, and return its exit code and all that it printed."""
    path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    begun = time.monotonic()
    try:
        finished = subprocess.run(
            command,
            cwd=folder,
            env={**kept, **NAMED, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60 * minutes,
        )
    except subprocess.TimeoutExpired as error:
        printed = (error.stdout or b"").decode(errors="replace")
        return Finished(124, f"{printed}\nafter {minutes} minutes", time.monotonic() - begun)
    return Finished(finished.returncode, finished.stdout, time.monotonic() - begun)


def telling(output: str) -> str:
    """Return the line that tells the owner what happened, or what to do."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = [
        line
        for line in lines
        if re.match(r"error:|make/adopted\.mk:\d+: \*\*\*|=+ .*(passed|failed|skipped|error)", line)
    ]
    return " / ".join(said[-3:]) or (lines[-1] if lines else "")


def adopt(checkout: Path, level: str, goals: str, minutes: float, logs: Path) -> bool:
    """Adopt a checkout, print its row, and tell whether its owner knows what to do."""
    with tempfile.TemporaryDirectory(prefix="adoption-") as parent:
        clone = Path(parent) / checkout.name
        run(Path(parent), "git", "clone", "--quiet", str(checkout.resolve()), str(clone))
        commit = run(clone, "git", "rev-parse", "--short", "HEAD").output.strip()
        command = [sys.executable, "-m", "mlops_ladder", "adopt", "--template", str(HERE)]
        adopted = run(clone, *command, "--level", level, "--branch", "ladder", "--defaults")
        log = [adopted.output]
        if adopted.code:
            print(
                f"| {checkout.name} | {commit} | refused | {telling(adopted.output)} | |",
                flush=True,
            )
            return "error:" in adopted.output
        run(clone, "git", "switch", "--quiet", "ladder")
        changed = run(
            clone, "git", "diff", "--name-status", "--diff-filter=a", "HEAD~1", "HEAD"
        ).output
        tasks = ["-f", "ladder.mk"] if (clone / "ladder.mk").exists() else []
        made = run(clone, "make", *tasks, "HOOKS=", *goals.split(), minutes=minutes)
        log.append(made.output)
        (logs / f"{checkout.name}.txt").write_text("\n".join(log), encoding="utf-8")
        outcome = "works" if made.code == 0 else f"exit {made.code}"
        row = (checkout.name, commit, changed.split(), outcome, telling(made.output))
        print("|", " | ".join(map(str, row)), "|", f"{made.seconds:.0f} s |", flush=True)
        return made.code == 0 or bool(re.search(r"error:|\*\*\*|failed", made.output))


def main() -> None:
    """Adopt each checkout that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--level", default="1")
    parser.add_argument("--make", default="setup test")
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--logs", type=Path, default=Path(tempfile.gettempdir()) / "adoption")
    given = parser.parse_args()
    given.logs.mkdir(parents=True, exist_ok=True)
    told = [
        adopt(checkout, given.level, given.make, given.minutes, given.logs)
        for checkout in given.checkouts
    ]
    sys.exit(0 if all(told) else 1)


if __name__ == "__main__":
    main()
