"""Checks that copier, which generates the project, is installed; cookiecutter runs this first."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

OLDEST = (9, 18)
INSTALL = (
    "This template needs copier 9.18 or later beside cookiecutter. Install it with\n"
    "    pip install 'copier>=9.18'\n"
    "or, if cookiecutter came with pipx or uv, with\n"
    "    pipx install 'copier>=9.18'    or    uv tool install 'copier>=9.18'"
)


def copier_version() -> tuple[int, int] | None:
    """Return the major and minor version of the copier that would run; None without one."""
    text = ""
    if find_spec("copier"):
        text = version("copier")
    elif program := shutil.which("copier"):
        text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def main() -> None:
    """Exit with an error if copier is missing or too old."""
    found = copier_version()
    if found is None:
        sys.exit(f"error: copier is missing. {INSTALL}")
    if found < OLDEST:
        sys.exit(f"error: copier {found[0]}.{found[1]} is too old. {INSTALL}")
    # Cookiecutter overwrites this file next, unless it is called with --skip-if-file-exists.
    Path("hooks-did-not-run.txt").write_text("keep", encoding="utf-8")


if __name__ == "__main__":
    main()
