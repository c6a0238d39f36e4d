"""Ruff puts a module into the style that the generated project checks."""

import subprocess
import tempfile

STYLE = ["--isolated", "--config", "line-length = 100", "--config", "target-version = 'py311'"]
"""That of the generated pyproject.toml, which level 0 does not have yet."""
COMMANDS = [["check", "--select=I,F401", "--fix-only", "--no-cache"], ["format"]]


def in_style(text: str) -> str | None:
    """The module without unused imports, laid out; None if ruff is not there or cannot.

    It is the ruff that was installed with this program, not one that happens to be on the PATH,
    and it does without the settings that happen to lie around.
    """
    try:
        from ruff.__main__ import find_ruff_bin

        with tempfile.TemporaryDirectory() as nowhere:
            for command in COMMANDS:
                text = subprocess.run(
                    [find_ruff_bin(), *command, *STYLE, "--quiet", "-"],
                    input=text,
                    cwd=nowhere,
                    capture_output=True,
                    encoding="utf-8",
                    check=True,
                ).stdout
    except (ImportError, OSError, subprocess.CalledProcessError):
        return None
    return text
