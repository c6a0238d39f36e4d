"""The origin of a model: data, code and environment."""

import hashlib
import platform
import subprocess
from functools import cache
from importlib.metadata import distributions

import pandas as pd


def data_version(rows: pd.DataFrame) -> str:
    """Return a hash of the rows' values: equal for equal rows in the same order, on any machine."""
    digest = hashlib.sha256(",".join(f"{name} {rows[name].dtype}" for name in rows).encode())
    digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def git_commit() -> str:
    """Return the commit checked out, with `-dirty` if files differ; `unknown` outside git."""
    describe = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        finished = subprocess.run(describe, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return finished.stdout.strip()


@cache  # it reads every distribution
def environment() -> list[str]:
    """Return Python and every installed package with its version, as pip writes requirements."""
    about = (package.metadata for package in distributions())
    packages = {f"{package['Name']}=={package['Version']}" for package in about}
    return [f"# Python {platform.python_version()}", *sorted(packages, key=str.lower)]
