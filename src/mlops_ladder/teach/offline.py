"""A course as files, for a class without a network."""

import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

from ..errors import RefusedError
from ..git import git
from .repository import branch, extract_level, levels

SHOWN = 300
REQUIREMENTS = "requirements.txt"
EDITABLE = "editables"  # which hatchling needs to install a project from its folder
# By pip, because uv resolves for all systems and versions, whose packages are not all there.
INSTALLATION = [
    "python -m venv .venv && . .venv/bin/activate",
    "pip install --no-index --find-links PATH/TO/wheels -r PATH/TO/wheels/requirements.txt",
    "pip install --no-index --no-deps --no-build-isolation --editable .",
    "export RUN=  # make runs what is in this environment",
]


def bundle(course: Path, destination: Path, wheels: int | None) -> list[str]:
    """Write `course.bundle`, and with a level its packages into `wheels/`; return what to do.

    Raises
    ------
    RefusedError
        The folder is not empty, or the packages cannot be downloaded.
    """
    if destination.exists() and any(destination.iterdir()):
        raise RefusedError(f"{destination} is not empty. Choose another folder")
    destination.mkdir(parents=True, exist_ok=True)
    lowest = branch(levels(course)[0])
    git(course, "bundle", "create", "--quiet", (destination / "course.bundle").absolute(), "--all")
    lines = [
        f"Wrote {destination}/course.bundle. A student clones it, and fetches all levels there:",
        "",
        f"    git clone --origin course --branch {lowest} course.bundle my-project",
    ]
    if wheels is not None:
        download(course, wheels, destination / "wheels")
        lines += ["", "and installs without a network, with PATH/TO this folder:", ""]
        lines += [f"    {line}" for line in INSTALLATION]
    return lines


def download(course: Path, level: int, folder: Path) -> None:
    """Download the packages of a level for this system and Python."""
    if shutil.which("uv") is None:
        raise RefusedError("uv is not installed, which resolves the packages")
    with tempfile.TemporaryDirectory(prefix="wheels-") as name:
        project = extract_level(course, level, Path(name) / "project")
        export = ["uv", "export", "--quiet", "--all-extras", "--all-groups", "--no-hashes"]
        run([*export, "--no-emit-project", "--output-file", REQUIREMENTS], project)
        written = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        with (project / REQUIREMENTS).open("a", encoding="utf-8") as file:
            file.writelines(f"{one}\n" for one in [*written["build-system"]["requires"], EDITABLE])
        pip = ["uv", "run", "--quiet", "--no-project", "--with", "pip", "python", "-m", "pip"]
        options = ["--quiet", "--requirement", REQUIREMENTS, "--dest"]
        run([*pip, "download", *options, str(folder.absolute())], project)
        shutil.copy(project / REQUIREMENTS, folder)


def run(command: list[str], folder: Path) -> None:
    """Run a command, and refuse if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RefusedError(f"{command[0]} {command[1]} failed: {done.stderr[-SHOWN:].strip()}")
