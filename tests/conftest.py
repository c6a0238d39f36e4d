"""Fixtures and options of all tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import copier
import pytest
from filelock import FileLock

import postgres
from commands import done
from installation import ENVIRONMENTS, install_project
from mlops_ladder.source import render as rendering
from mlops_ladder.source.acceleration import compiled_once, plain_parts
from postgres import PostgreSQL
from projects import LEVELS, Ladder, commit_all, git, snapshot

collect_ignore = ["inside"]  # they run inside a project


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that rewrites the golden files."""
    parser.addoption("--update-goldens", action="store_true", help="rewrite the golden files")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the slow tests come first, so that quick ones keep both workers busy to the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run in CI if a test was skipped.

    Tests marked `where_present` may be skipped, and are reported as not tested.
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
    """A cache of renderings, because copier renders the same answers to the same files.

    It replaces `run_copy` for commands in this process; those in other processes render themselves.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, tuple[Path, Any]] = {}

    def run_copy(self, source: str, target: Path, **options: Any) -> Any:
        """Render with copier, or copy an earlier rendering of the same answers."""
        version = options.get("vcs_ref")
        if not version or not options["defaults"] or not Path(source).is_dir():
            return copier.run_copy(source, target, **options)
        try:
            commit = git(Path(source), "rev-parse", f"{version}^{{commit}}")
        except subprocess.CalledProcessError:
            return copier.run_copy(source, target, **options)
        key = repr((source, commit, sorted(options.items(), key=str)))
        if key not in self.known:
            made = self.folder / str(len(self.known))
            self.known[key] = made, copier.run_copy(source, made, **options)
        made, worker = self.known[key]
        shutil.copytree(made, target, symlinks=True)
        return worker


@pytest.fixture(scope="session", autouse=True)
def renderings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Cache renderings of commands that run in this process."""
    with pytest.MonkeyPatch.context() as patched:
        cache = Renderings(tmp_path_factory.mktemp("renderings"))
        patched.setattr(rendering, "run_copy", cache.run_copy)
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled() -> Iterator[None]:
    """Speed up calls of copier in this process as in the commands."""
    with compiled_once(), plain_parts():
        yield


@pytest.fixture(scope="session")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    """Provide the template in the working tree, and a folder for projects."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)
    template = shared / "template"
    with FileLock(shared / "template.lock"):
        if not template.exists():
            snapshot(shared / "snapshot").rename(template)
    return Ladder(template, tmp_path_factory.mktemp("projects"), shared)


@pytest.fixture(scope="session")
def installed(ladder: Ladder) -> Path:
    """Return the virtual environment of a project at the highest level, which workers share."""
    project = (ladder.shared or ladder.folder) / "installed"
    with FileLock(project.with_suffix(".lock")):
        if not project.exists():
            shutil.copytree(ladder.fresh(LEVELS[-1]), project)
            commit_all(project, f"Level {LEVELS[-1]}")
            install_project(project)
        elif project / ".venv" not in ENVIRONMENTS:  # another worker made it
            ENVIRONMENTS.append(project / ".venv")
    return project / ".venv"


@pytest.fixture(scope="session")
def course(ladder: Ladder) -> Path:
    """Build a course that tests and workers share and must not change."""
    folder = ladder.shared or ladder.folder
    with FileLock(folder / "course.lock"):
        if not (folder / "course").exists():
            done("teach", "build", "course", "--template", ladder.template, cwd=folder)
    return folder / "course"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """Provide a PostgreSQL server for the tests of a module."""
    installed = postgres.programs()
    if installed is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.running(installed) as server:
        yield server


class Golden:
    """Compares text with a reviewed file, or rewrites the file on request."""

    def __init__(self, update: bool) -> None:
        self.update = update

    def check(self, text: str, file: Path) -> None:
        """Check that the file holds the text."""
        if self.update:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"{file} is missing: run make goldens and review it"
        assert text == file.read_text(encoding="utf-8"), "intended? run make goldens"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Provide the comparison with golden files."""
    return Golden(request.config.getoption("--update-goldens"))
