"""Tests of each way to install the program: it generates the same project, climbs and upgrades."""

import os
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from commands import NAMED
from projects import REPOSITORY, Ladder, answers_of, git, snapshot, tree
from tools import installed, passes

PYPROJECT = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
VERSION = tomllib.loads(PYPROJECT)["project"]["version"]
ANSWERS = ".copier-answers.yml"
WAYS = ["editable", "wheel", "uvx with a wheel", "uvx with git"]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("installed")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a space in its path."""
    folder = tmp_path_factory.mktemp("installed") / "a place"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def checkout(place: Path) -> Path:
    """Return a checkout in another place than this one."""
    return snapshot(place / "the checkout")


@pytest.fixture(scope="module")
def wheel(checkout: Path, place: Path) -> Path:
    """Return the checkout's wheel."""
    return build(checkout, place / "dist")


def build(checkout: Path, folder: Path) -> Path:
    """Build the wheel of a checkout."""
    passes(installed("uv"), "build", "--wheel", "--quiet", "--out-dir", str(folder), str(checkout))
    (built,) = folder.glob("*.whl")
    return built


def install(environment: Path, *what: str) -> Path:
    """Install packages into a virtual environment, and return the program."""
    uv = installed("uv")
    if not environment.exists():
        passes(uv, "venv", "--quiet", str(environment))
    python = str(environment / "bin/python")
    passes(uv, "pip", "install", "--quiet", "--python", python, *what)
    return environment / "bin/mlops-ladder"


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest, checkout: Path, wheel: Path, place: Path) -> list[str]:
    """Return the command that calls the program, installed in one of the ways."""
    uvx = [installed("uv"), "tool", "run", "--quiet", "--from"]
    match request.param:
        case "editable":
            return [str(install(place / "editable", "--editable", str(checkout)))]
        case "wheel":
            return [str(install(place / "from a wheel", str(wheel)))]
        case "uvx with a wheel":
            return [*uvx, str(wheel), "mlops-ladder"]
        case _:
            return [*uvx, f"git+{checkout.as_uri()}", "mlops-ladder"]


def call(program: list[str], *arguments: str, cwd: Path, home: Path) -> str:
    """Run the program, which must succeed, and return standard error.

    Its data folder is `home`, and git has no network.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own = {"MLOPS_LADDER_HOME": str(home), "GIT_ALLOW_PROTOCOL": "file"}
    finished = subprocess.run(
        [*program, *arguments],
        cwd=cwd,
        env=kept | NAMED | own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stderr


def content(project: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return a project's files and answers, without the location of its template."""
    files = {name: body for name, body in tree(project).items() if name != ANSWERS}
    answers = {name: said for name, said in answers_of(project).items() if name[0] != "_"}
    return files, answers


@pytest.mark.parametrize("program", WAYS, indirect=True, ids=WAYS)
def test_it_makes_the_same_project_and_climbs(
    program: list[str], ladder: Ladder, checkout: Path, tmp_path: Path, request: Any
) -> None:
    way = request.node.callspec.id
    here, home = tmp_path / "my work", tmp_path / "my data"
    here.mkdir()
    call(program, "new", "my project", "--defaults", "--level", "1", cwd=here, home=home)
    project = here / "my project"
    assert content(project) == content(ladder.fresh(1, project_name="My project"))
    from_wheel = "a wheel" in way or way == "wheel"
    assert answers_of(project)["_src_path"] == str(
        home / "template.git" if from_wheel else checkout
    )
    assert answers_of(project)["_commit"] == (f"v{VERSION}" if from_wheel else "v0.0.1")
    assert not git(project, "status", "--porcelain")

    call(program, "climb", "2", "--defaults", "--commit", cwd=project, home=home)
    assert content(project) == content(ladder.fresh(2, project_name="My project"))
    assert not git(project, "status", "--porcelain")
    said = call(program, "upgrade", cwd=project, home=home)
    assert "the project already has the newest version" in said


def test_a_newer_wheel_upgrades_what_an_older_one_made(
    checkout: Path, wheel: Path, place: Path, tmp_path: Path
) -> None:
    program = [str(install(place / "upgraded", str(wheel)))]
    call(program, "new", "project", "--defaults", "--level", "1", cwd=tmp_path, home=tmp_path)
    project = tmp_path / "project"

    newer = snapshot(tmp_path / "a newer checkout")
    text = PYPROJECT.replace(f'version = "{VERSION}"', 'version = "99.0"', 1)
    (newer / "pyproject.toml").write_text(text, encoding="utf-8")
    (newer / "CHANGELOG.md").write_text("# Changelog\n\n## 99.0\n\n- A glossary.\n")
    (newer / "template/docs/glossary.md").write_text("# Words\n")
    install(place / "upgraded", "--no-deps", str(build(newer, tmp_path / "dist")))

    said = call(program, "upgrade", "--commit", cwd=project, home=tmp_path)
    assert f"from v{VERSION} to v99.0" in said and "- A glossary." in said
    assert (project / "docs/glossary.md").read_text() == "# Words\n"
    assert git(tmp_path / "template.git", "tag").split() == [f"v{VERSION}", "v99.0"]


def test_a_wheel_holds_the_template_and_nothing_else(wheel: Path, checkout: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
    paths = ["src", "CHANGELOG.md", "copier.yml", "levels", "questions", "template", "course"]
    listed = git(checkout, "ls-files", "-z", "--", *paths).split("\0")
    package, pieces = "src/mlops_ladder/", "mlops_ladder/_template/"
    ours = {name.removeprefix("src/") for name in listed if name.startswith(package)}
    others = {name for name in listed if name and not name.startswith("src/")}
    course = {name for name in others if name.startswith("course/")}
    template = {pieces + name for name in others - course}
    assert held == ours | template | {f"mlops_ladder/_{name}" for name in course}


def test_the_tests_run_the_working_tree() -> None:
    import mlops_ladder

    assert Path(str(mlops_ladder.__file__)).parent == REPOSITORY / "src/mlops_ladder"
