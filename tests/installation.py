"""Installed projects, whose make targets the tests run."""

import os
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from projects import REPOSITORY, commit_all

REAL_RIDES = REPOSITORY.parent / "shared/data/tlc_trips_2019-03_sample.csv"


@dataclass(frozen=True)
class Installation:
    """A project in its own git repository, with the virtual environment of `make setup`."""

    project: Path
    borrowed: Path | None = None
    """The virtual environment of another project, to be used instead."""

    def run(self, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a shell line in the project."""
        return subprocess.run(
            ["bash", "-e", "-c", line],
            cwd=self.project,
            env=environment() | self.borrowing() | variables,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def borrowing(self) -> dict[str, str]:
        """Return the variables for using another project's virtual environment."""
        if self.borrowed is None:
            return {}
        path = f"{self.borrowed / 'bin'}:{environment()['PATH']}"
        # mypy's cache of the installed packages is shared, which saves minutes.
        cache = {"MYPY_CACHE_DIR": str(self.borrowed / "mypy_cache")}
        return cache | {"RUN": "", "PATH": path, "PYTHONPATH": str(self.project / "src")}

    def make(self, goals: str, **variables: str) -> str:
        """Run make targets, which must succeed, and return what they print."""
        finished = self.run(f"make {goals}", **variables)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout + finished.stderr

    def refused(self, goals: str, **variables: str) -> str:
        """Run make targets, which must fail without a traceback, and return standard error."""
        finished = self.run(f"make {goals}", **variables)
        assert finished.returncode != 0, finished.stdout + finished.stderr
        assert "Traceback" not in finished.stderr, finished.stderr
        return finished.stderr


def environment() -> dict[str, str]:
    """Return the caller's environment, with uv on the PATH and without what configures a project.

    Programs use one thread each, because waiting threads slow down tests on busy cores.
    """
    configuring = {
        *("CI", "RUN", "MAKEFLAGS", "MAKELEVEL", "MPLBACKEND", "MLFLOW_TRACKING_URI"),
        *("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"),
    }
    kept = {name: value for name, value in os.environ.items() if name not in configuring}
    path = f"{sysconfig.get_path('scripts')}:{kept['PATH']}"
    return kept | {"PATH": path, "OMP_NUM_THREADS": "1"}


def install_project(project: Path) -> Installation:
    """Install a project, and commit the lock file as its README advises."""
    installation = Installation(project)
    installation.make("setup")
    commit_all(project, "Lock the dependencies")
    return installation
