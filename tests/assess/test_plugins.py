"""Tests of `assess` inside of other tools: repo-review and pre-commit."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from assess.twins import GITLAB_TESTS, PACKAGE, TESTED, tree
from mlops_ladder.assess.criteria import criteria
from mlops_ladder.repo_review import mlops_assessment, repo_review_checks
from projects import REPOSITORY, commit_all, git
from tools import installed

UNSEEN = {"cloudbuild.yaml": "steps:\n  - name: a\n    entrypoint: sh\n    args: [-c, pytest]\n"}
HOOKS = REPOSITORY / ".pre-commit-hooks.yaml"


def written(folder: Path, *parts: Mapping[str, str | bytes]) -> Path:
    """Write files into a folder."""
    for path, body in tree(*parts).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)
    return folder


def plugged(folder: Path) -> Path:
    """Write the entry points as an installation does, so that an older one does not matter."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    where = folder / "plugged_in-1.dist-info"
    where.mkdir(parents=True)
    (where / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged-in\nVersion: 1\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (where / "entry_points.txt").write_text("\n".join(lines))
    return folder


def reviewed(repository: Path, *options: str, plugin: Path) -> tuple[int, str]:
    """Run repo-review's command line on a repository."""
    paths = os.pathsep.join([str(plugin), str(REPOSITORY / "src")])
    finished = subprocess.run(
        [sys.executable, "-m", "repo_review", str(repository), *options],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert finished.stderr == "" or "Traceback" not in finished.stderr, finished.stderr
    return finished.returncode, finished.stdout


def test_repo_review_runs_each_criterion(tmp_path: Path) -> None:
    repository = written(tmp_path / "churn", PACKAGE, TESTED, UNSEEN)
    code, said = reviewed(repository, "--format", "json", plugin=plugged(tmp_path / "plugin"))
    document = json.loads(said)
    checks = {name: one for name, one in document["checks"].items() if name[0] == "L"}
    assert set(checks) == {one.id for one in criteria()}
    assert code > 0
    assert checks["L1-03"]["result"] is True
    assert checks["L1-04"]["result"] is None  # files cannot show what starts Cloud Build
    assert checks["L4-16"]["result"] is None  # not applicable
    assert checks["L1-02"]["result"] is False
    assert "there is no lock file" in checks["L1-02"]["err_msg"]
    assert "uv.lock" in checks["L1-02"]["err_msg"]  # what would meet it
    assert checks["L4-12"]["result"] is False  # nothing hides what a higher level lacks
    families = [name for name in document["families"] if name.startswith("mlops")]
    assert families == [f"mlops-{level}" for level in range(5)]


def test_repo_review_selects_a_level_and_lists_the_checks(tmp_path: Path) -> None:
    repository = written(tmp_path / "churn", PACKAGE, TESTED, GITLAB_TESTS)
    plugin = plugged(tmp_path / "plugin")
    _, said = reviewed(repository, "--select", "L1-", "--format", "json", plugin=plugin)
    assert {name[:3] for name in json.loads(said)["checks"]} == {"L1-"}
    _, listed = reviewed(repository, "--list-all", plugin=plugin)
    assert "L2-08" in listed


def test_settings_that_are_wrong_are_one_result(tmp_path: Path) -> None:
    written(tmp_path, {".mlops-ladder.toml": "[stated]\nL9-99 = 'x'\n"})
    found = mlops_assessment(tmp_path)
    assert list(found) == ["L0-01"]
    assert "there is no criterion L9-99" in found["L0-01"]


def test_what_a_team_ignores_is_not_judged(tmp_path: Path) -> None:
    written(tmp_path, {".mlops-ladder.toml": "[ignore]\nL1-03 = 'a study'\n"})
    assert repo_review_checks()["L1-03"].check(mlops_assessment(tmp_path)) is None
    assert isinstance(repo_review_checks()["L1-02"].check(mlops_assessment(tmp_path)), str)


def test_a_repository_that_is_not_on_disk_is_read_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path, body in tree(PACKAGE, TESTED).items():
            archive.writestr(path, body)
        archive.writestr("node_modules/x/train.py", "import torch\nloss.backward()\n")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        found = mlops_assessment(zipfile.Path(archive))
    assert (found["L0-01"], found["L1-01"], found["L1-03"]) == ("", "", "")


def test_the_hook_calls_the_command_that_there_is() -> None:
    (hook,) = yaml.safe_load(HOOKS.read_text())
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    assert hook["entry"].split() == ["mlops-ladder", "assess"]
    assert "mlops-ladder" in scripts
    assert hook["args"] == ["--min-level", "1"]


def test_pre_commit_accepts_the_manifest() -> None:
    done = subprocess.run(
        [installed("pre-commit"), "validate-manifest", str(HOOKS)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_pre_commit_installs_the_hook_and_refuses_a_low_level(tmp_path: Path) -> None:
    source = tmp_path / "source"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{REPOSITORY}", str(source))
    for name in (".pre-commit-hooks.yaml", "pyproject.toml"):
        (source / name).write_bytes((REPOSITORY / name).read_bytes())
    commit_all(source, "Try")
    repository = written(tmp_path / "churn", PACKAGE)
    git(repository, "init", "--quiet")
    git(repository, "add", "--all")
    command = [installed("pre-commit"), "try-repo", str(source), "mlops-ladder-assess"]
    done = subprocess.run(
        [*command, "--all-files", "--verbose"],
        cwd=repository,
        env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error: level 0 is below 1" in done.stdout
    assert "Level 0; level 1 is blocked by" in done.stdout
