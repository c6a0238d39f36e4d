"""Generated projects, installed for real, whose own make targets the tests run."""

import os
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from projects import REPOSITORY, commit_all

REAL_RIDES = REPOSITORY.parent / "shared/data/tlc_trips_2019-03_sample.csv"


@dataclass(frozen=True)
class Workshop:
    """A project in its own git repository, with everything installed by `make setup`."""

    project: Path
    borrowed: Path | None = None
    """The environment of another project that has everything installed, used instead of its own."""

    def run(self, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a shell line in the project, as CI or a person would."""
        return subprocess.run(
            ["bash", "-e", "-c", line],
            cwd=self.project,
            env=environment() | self.borrowing() | variables,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def borrowing(self) -> dict[str, str]:
        """Return the variables with which a project without an environment runs in another's."""
        if self.borrowed is None:
            return {}
        path = f"{self.borrowed / 'bin'}:{environment()['PATH']}"
        # What mypy knows of the environment's packages, it need not find out again.
        known = {"MYPY_CACHE_DIR": str(self.borrowed / "mypy_cache")}
        return known | {"RUN": "", "PATH": path, "PYTHONPATH": str(self.project / "src")}

    def make(self, goals: str, **variables: str) -> str:
        """What the make targets print; their failure is the test's."""
        finished = self.run(f"make {goals}", **variables)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout + finished.stderr

    def refused(self, goals: str, **variables: str) -> str:
        """What the make targets print when they refuse, which never shows a traceback."""
        finished = self.run(f"make {goals}", **variables)
        assert finished.returncode != 0, finished.stdout + finished.stderr
        assert "Traceback" not in finished.stderr, finished.stderr
        return finished.stderr


def environment() -> dict[str, str]:
    """The caller's environment, with uv on the path and nothing that steers the project.

    One thread each: two on two busy cores wait for each other longer than they work.
    """
    steering = {
        *("CI", "RUN", "MAKEFLAGS", "MAKELEVEL", "MPLBACKEND", "MLFLOW_TRACKING_URI"),
        *("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"),
    }
    kept = {name: value for name, value in os.environ.items() if name not in steering}
    path = f"{sysconfig.get_path('scripts')}:{kept['PATH']}"
    return kept | {"PATH": path, "OMP_NUM_THREADS": "1"}


def open_workshop(project: Path) -> Workshop:
    """Install the project; the lock that `make setup` writes is committed, as the README asks."""
    workshop = Workshop(project)
    workshop.make("setup")
    commit_all(project, "Lock the dependencies")
    return workshop
