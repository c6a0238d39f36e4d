"""The origin of a model: data, code and environment."""

import hashlib
import os
import platform
from functools import cache
from importlib.metadata import distributions
from subprocess import DEVNULL, CalledProcessError, check_output

import pandas as pd


def data_version(rows: pd.DataFrame) -> str:
    """Return a hash of the rows' values: equal for equal rows in the same order, on any machine."""
    digest = hashlib.sha256(",".join(f"{name} {rows[name].dtype}" for name in rows).encode())
    digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def git_commit() -> str:
    """Return the commit checked out, `-dirty` if files differ; outside git, `GIT_COMMIT`."""
    describe = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        return check_output(describe, stderr=DEVNULL, text=True).strip()
    except (OSError, CalledProcessError):
        return os.environ.get("GIT_COMMIT") or "unknown"


@cache  # it reads every distribution
def environment() -> list[str]:
    """Return Python and every installed package with its version, as pip writes requirements."""
    about = (package.metadata for package in distributions())
    packages = {f"{package['Name']}=={package['Version']}" for package in about}
    return [f"# Python {platform.python_version()}", *sorted(packages, key=str.lower)]
