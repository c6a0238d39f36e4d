"""Installed projects, whose make targets the tests run."""

import os
import subprocess
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from projects import REPOSITORY, commit_all

REAL_RIDES = REPOSITORY.parent / "shared/data/tlc_trips_2019-03_sample.csv"
# What mypy knows about installed packages, whose analysis takes most of its time.
MYPY_CACHE = tempfile.TemporaryDirectory(prefix="mypy-cache-", ignore_cleanup_errors=True)


@dataclass(frozen=True)
class Installation:
    """A project in its own git repository, with the virtual environment of `make setup`."""

    project: Path
    borrowed: Path | None = None
    """The virtual environment of another project, to be used instead."""

    @property
    def python(self) -> str:
        """The Python of the virtual environment."""
        return str((self.borrowed or self.project / ".venv") / "bin/python")

    def run(self, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a shell line in the project."""
        return subprocess.run(
            ["bash", "-e", "-c", line],
            cwd=self.project,
            env=self.environment() | variables,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def environment(self) -> dict[str, str]:
        """Return the environment variables of programs that run in the project."""
        found = environment() | {"MYPY_CACHE_DIR": MYPY_CACHE.name}
        if self.borrowed is None:
            return found
        path = f"{self.borrowed / 'bin'}:{found['PATH']}"
        return found | {"RUN": "", "PATH": path, "PYTHONPATH": str(self.project / "src")}

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


ENVIRONMENTS: list[Path] = []  # of this run


def install(installation: Installation) -> None:
    """Run `make setup`, and take over what Python has compiled in this run's other environments.

    Files that uv installs are the same files in all of them, so that what is compiled is valid.
    """
    installation.make("setup")
    target = installation.project / ".venv"
    for source in ENVIRONMENTS:
        for file in source.glob("lib/python*/site-packages/**/__pycache__/*.pyc"):
            compiled = target / file.relative_to(source)
            if compiled.parent.parent.exists() and not compiled.exists():
                compiled.parent.mkdir(exist_ok=True)
                os.link(file, compiled)
    ENVIRONMENTS.append(target)


def install_project(project: Path) -> Installation:
    """Install a project, and commit the lock file as its README advises."""
    installation = Installation(project)
    install(installation)
    commit_all(project, "Lock the dependencies")
    return installation
