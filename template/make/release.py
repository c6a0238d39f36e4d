"""Publish what `make build` built as a GitHub release: python make/release.py v1.2.0

The tag must name the version in pyproject.toml, and CHANGELOG.md must tell what is new in it.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path


def notes(changelog: str, version: str) -> str:
    """The changelog's section on the version; empty if there is none."""
    section = re.search(
        rf"^## \[?{re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)",
        changelog,
        re.DOTALL | re.MULTILINE,
    )
    return section[1].strip() if section else ""


def main() -> None:
    tag = sys.argv[1] if len(sys.argv) > 1 else ""
    version = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    if tag != f"v{version}":
        sys.exit(f"error: the tag is {tag or 'missing'}, but pyproject.toml has version {version}")
    news = notes(Path("CHANGELOG.md").read_text(encoding="utf-8"), version)
    if not news:
        sys.exit(f"error: CHANGELOG.md has no section '## {version}' that tells what is new")
    if shutil.which("gh") is None:
        sys.exit("error: gh, GitHub's command line, is missing: push the tag and let CI release it")
    files = sorted(str(file) for file in Path("dist").iterdir())
    command = ["gh", "release", "create", tag, "--verify-tag", "--title", tag, "--notes", news]
    sys.exit(subprocess.run([*command, *files], check=False).returncode)


if __name__ == "__main__":
    main()
