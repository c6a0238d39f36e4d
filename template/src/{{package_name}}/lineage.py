"""Where a model comes from: which data, which code, which environment."""

import hashlib
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path

import pandas as pd
from packaging.requirements import Requirement


def data_version(rows: pd.DataFrame) -> str:
    """A hash of the rows' content: equal for equal rows in the same order, on every machine."""
    digest = hashlib.sha256(",".join(f"{name} {rows[name].dtype}" for name in rows).encode())
    digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def code_version() -> str:
    """A hash of the package's own source files."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def git_commit() -> str:
    """The commit checked out, with `-dirty` if files differ from it; `unknown` outside git."""
    describe = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        finished = subprocess.run(describe, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return finished.stdout.strip()


@cache  # it reads every distribution, and does not change while a process runs
def environment() -> list[str]:
    """Python and every installed package with its version, as pip writes requirements."""
    about = (package.metadata for package in distributions())
    packages = {f"{package['Name']}=={package['Version']}" for package in about}
    return [f"# Python {platform.python_version()}", *sorted(packages, key=str.lower)]


def requirements() -> list[str]:
    """The packages that this one depends on at every level, with the versions installed.

    In an image, which holds this package's source alone, they are all that is installed.
    """
    try:
        needed = [Requirement(text) for text in requires(__package__) or []]
    except PackageNotFoundError:
        return environment()[1:]
    return [f"{need.name}=={version(need.name)}" for need in needed if need.marker is None]
