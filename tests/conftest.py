import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import copier
import pytest

import postgres
from mlops_ladder import rendering
from mlops_ladder.compiling import compiled_once
from postgres import PostgreSQL
from projects import LEVELS, Ladder, git, snapshot
from workshop import open_workshop


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write the goldens anew")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, a check that was skipped has not been made: that is a failure.

    Only what is marked `where_present` may be missing, and is reported as not tested.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI"):
        return
    for report in reporter.stats.get("skipped", []):
        may_be_missing = "where_present" in report.keywords
        verdict = "not tested" if may_be_missing else "skipped, which fails in CI"
        reporter.write_line(f"{verdict}: {report.nodeid}: {report.longrepr[2]}")
        if not may_be_missing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


class Renderings:
    """Renders the same answers once: copier gives the same files for them every time.

    It stands in for `run_copy` where the commands run in this process; those that run in one of
    their own render for themselves.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, tuple[Path, Any]] = {}

    def run_copy(self, source: str, goal: Path, **options: Any) -> Any:
        """Do what copier does, or copy what it did before."""
        version = options.get("vcs_ref")
        if not version or not options["defaults"] or not Path(source).is_dir():
            return copier.run_copy(source, goal, **options)
        try:
            commit = git(Path(source), "rev-parse", f"{version}^{{commit}}")
        except subprocess.CalledProcessError:
            return copier.run_copy(source, goal, **options)
        key = repr((source, commit, sorted(options.items(), key=str)))
        if key not in self.known:
            made = self.folder / str(len(self.known))
            self.known[key] = made, copier.run_copy(source, made, **options)
        made, worker = self.known[key]
        shutil.copytree(made, goal, symlinks=True)
        return worker


@pytest.fixture(scope="session", autouse=True)
def renderings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the commands that run in this process render each set of answers once."""
    with pytest.MonkeyPatch.context() as patched:
        cache = Renderings(tmp_path_factory.mktemp("renderings"))
        patched.setattr(rendering, "run_copy", cache.run_copy)
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled() -> Iterator[None]:
    """Let copier, too, compile each text once where a test calls it in this process."""
    with compiled_once():
        yield


@pytest.fixture(scope="session")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    """The template as it stands, and what is made from it."""
    return Ladder(
        template=snapshot(tmp_path_factory.mktemp("template")),
        folder=tmp_path_factory.mktemp("projects"),
    )


@pytest.fixture(scope="session")
def installed(ladder: Ladder) -> Path:
    """The environment of a project of the highest level; others can run with it."""
    return open_workshop(ladder.project(LEVELS[-1])).project / ".venv"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A PostgreSQL server, for the tests of a module."""
    installed = postgres.programs()
    if installed is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.running(installed) as server:
        yield server


class Golden:
    """Compares text with a file that a reviewer has seen; rewrites the file if asked to."""

    def __init__(self, update: bool) -> None:
        self.update = update

    def check(self, text: str, file: Path) -> None:
        """Fail unless the file holds the text."""
        if self.update:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"{file} is missing: run make goldens and review what it writes"
        assert text == file.read_text(encoding="utf-8"), "if this is meant: make goldens"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.config.getoption("--update-goldens"))
