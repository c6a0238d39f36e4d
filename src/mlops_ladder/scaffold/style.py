"""Format written code with ruff, by the rules of the generated project."""

import subprocess
import tempfile
import textwrap
from pathlib import Path

from ruff.__main__ import find_ruff_bin

WIDTH = 100
SETTINGS = ["--isolated", "--no-cache", "--quiet"]
RULES = "E,F,W,I,B,UP,SIM,N,RUF,S301"
LINE = [*SETTINGS, f"--config=line-length = {WIDTH}"]
FORMAT = ["format", *LINE, "--config=format.skip-magic-trailing-comma = true"]
CHECK = [
    *("check", *LINE, "--target-version=py311"),
    "--config=lint.isort.split-on-trailing-comma = false",
]


def format_code(text: str) -> str:
    """Format a part of a module."""
    finished = subprocess.run(
        [find_ruff_bin(), *FORMAT, "-"], input=text.encode(), capture_output=True, check=True
    )
    return finished.stdout.decode()


def format_module(text: str) -> str:
    """Format a module, remove unused imports, and excuse lines that long names make too long."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.py"
        file.write_text(text, encoding="utf-8")
        for arguments in (
            [*CHECK, "--select=I,F401", "--fix"],
            FORMAT,
            [*CHECK, f"--select={RULES}", "--add-noqa"],
            FORMAT,
        ):
            subprocess.run([find_ruff_bin(), *arguments, str(file)], capture_output=True)
        return file.read_text(encoding="utf-8")


def wrap(text: str, width: int = WIDTH, subsequent_indent: str = "") -> list[str]:
    """Return the text in lines, without breaking words."""
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=subsequent_indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
