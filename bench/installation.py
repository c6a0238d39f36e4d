"""Benchmark of installing and starting: size, first question of `new`, completion."""

import argparse
import os
import pty
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

from projects import git, snapshot
from tools import installed, passes

from .measurement import circumstances, cost_of, load, spread, table, verdict

MEGABYTE = 1_000_000
QUESTION = b"What is the project called?"
COMPLETIONS = {
    "TAB after a command": "mlops-ladder cl",
    "TAB after climb": "mlops-ladder climb ",
    "TAB after --data": "mlops-ladder climb 3 --data dep",
    "TAB after --answers": "mlops-ladder climb 3 --answers ",
}


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files)


def install(checkout: Path, folder: Path, extra: str = "") -> Path:
    """Install the checkout's wheel into a fresh environment, as `uvx` does."""
    uv, environment = installed("uv"), folder / f"environment{extra}"
    passes(uv, "build", "--wheel", "--quiet", "--out-dir", str(folder / "dist"), str(checkout))
    (wheel,) = (folder / "dist").glob("*.whl")
    passes(uv, "venv", "--quiet", str(environment))
    python = str(environment / "bin/python")
    passes(uv, "pip", "install", "--quiet", "--python", python, f"{wheel}{extra}")
    return environment


def cpu_to_first_question(command: list[str], folder: Path) -> float:
    """Return the CPU seconds until the question is on the terminal."""
    child, screen = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, os.environ | {"TERM": "xterm"})
    seen = b""
    while QUESTION not in seen:
        seen += os.read(screen, 65536)
    os.write(screen, b"\x03")
    try:
        while os.read(screen, 65536):
            pass
    except OSError:
        pass
    _, _, usage = os.wait4(child, 0)
    return usage.ru_utime + usage.ru_stime


def cpu_to_complete(words: str, folder: Path) -> float:
    """Return the CPU seconds of one TAB in bash."""
    asked = {"_MLOPS_LADDER_COMPLETE": "bash_complete", "COMP_WORDS": words}
    position = {"COMP_CWORD": str(len(words.split(" ")) - 1)}
    return cost_of([sys.executable, "-m", "mlops_ladder"], folder, **asked, **position).cpu


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    load_before = load()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        checkout = snapshot(folder / "template")
        sizes = {extra: size_of(install(checkout, folder, extra)) for extra in ("", "[data]")}
        new = [sys.executable, "-m", "mlops_ladder", "new", "made"]
        asking = [*new, "--template", str(checkout), "--template-version", "v0.0.1"]
        questions = [cpu_to_first_question(asking, folder) for _ in range(rounds + 1)][1:]
        tabs = {
            name: [cpu_to_complete(words, folder) for _ in range(rounds + 1)][1:]
            for name, words in COMPLETIONS.items()
        }
        versions = {"copier": version("copier"), "git": git(folder, "version").split()[2]}
    rows = [
        ["installed, MB", f"{sizes[''] / MEGABYTE:.0f}", verdict(sizes[""] / MEGABYTE, 70, " MB")],
        ["installed with the extra `data`, MB", f"{sizes['[data]'] / MEGABYTE:.0f}", ""],
        [
            "first question of `new`, CPU seconds",
            spread(questions),
            verdict(median(questions), 0.7, " s"),
        ],
    ]
    rows += [
        [f"{name}, CPU seconds", spread(costs), verdict(median(costs), 0.3, " s")]
        for name, costs in tabs.items()
    ]
    print(circumstances(versions))
    print(f"Medians of {rounds} rounds; load {load_before} before and {load()} after.\n")
    print(table(["", "measured", "target"], rows))


if __name__ == "__main__":
    main()
