"""Tests of the dev containers: the real command line resolves them, and their ports are true.

No image is pulled and no container started: there is no Docker engine here.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from installation import Installation
from projects import LEVELS, Ladder, commit_all, tree
from tools import installed

pytestmark = [pytest.mark.slow, pytest.mark.platform]

CONFIGURATIONS = {"": 0, "pipelines/": 2, "service/": 3}  # with the level that adds each
AT_EACH_LEVEL = [
    (level, folder)
    for level in LEVELS
    for folder, first in CONFIGURATIONS.items()
    if first <= level
]
# Specified keys that a configuration may have: https://containers.dev/implementors/json_reference/
KEYS = {
    *("name", "image", "features", "hostRequirements", "postCreateCommand"),
    *("forwardPorts", "portsAttributes", "customizations"),
}


def resolve(project: Path, folder: str) -> subprocess.CompletedProcess[str]:
    """Resolve a configuration with the command line of dev containers."""
    file = project / f".devcontainer/{folder}devcontainer.json"
    command = [installed("devcontainer"), "read-configuration", "--docker-path", "/bin/true"]
    workspace = ["--workspace-folder", str(project), "--config", str(file)]
    return subprocess.run([*command, *workspace], capture_output=True, text=True)


def resolved(project: Path, folder: str) -> dict[str, Any]:
    """Return a resolved configuration."""
    finished = resolve(project, folder)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)["configuration"]


@pytest.mark.parametrize("folder", CONFIGURATIONS)
def test_the_command_line_resolves_it(ladder: Ladder, folder: str) -> None:
    """It is the same file at each level that has it."""
    name = f".devcontainer/{folder}devcontainer.json"
    projects = [ladder.fresh(at, devcontainer=True) for at, one in AT_EACH_LEVEL if one == folder]
    (text,) = {(project / name).read_text(encoding="utf-8") for project in projects}
    configuration = resolved(projects[0], folder)
    del configuration["configFilePath"]
    assert configuration == json.loads(text)
    assert configuration.keys() <= KEYS
    assert configuration["image"].startswith("mcr.microsoft.com/devcontainers/python:3.")
    assert configuration["postCreateCommand"] == "pipx install uv && make setup"


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_has_the_configurations_up_to_it(ladder: Ladder, level: int) -> None:
    paths = [path for path in tree(ladder.fresh(level, devcontainer=True)) if path[:5] == ".devc"]
    wanted = [f"{folder}devcontainer.json" for at, folder in AT_EACH_LEVEL if at == level]
    assert sorted(paths) == sorted(f".devcontainer/{name}" for name in ["README.md", *wanted])


@pytest.mark.parametrize(("level", "folder"), AT_EACH_LEVEL)
def test_something_listens_on_each_labelled_port(ladder: Ladder, level: int, folder: str) -> None:
    project = ladder.fresh(level, devcontainer=True)
    configuration = json.loads((project / f".devcontainer/{folder}devcontainer.json").read_text())
    labels = {int(port): one["label"] for port, one in configuration["portsAttributes"].items()}
    assert configuration["forwardPorts"] == sorted(labels)
    published = set()
    for file in project.glob("deploy/compose/*.yaml"):
        services = yaml.safe_load(file.read_text(encoding="utf-8"))["services"].values()
        published |= {int(port.split(":")[1]) for one in services for port in one.get("ports", [])}
    rules = "".join(file.read_text() for file in project.glob("make/*.mk"))
    for port, label in labels.items():
        for command in label.partition(": ")[2].split(", "):
            if command == "make apply":
                assert port in published, label
            elif command.startswith("make "):
                target = re.escape(command.removeprefix("make "))
                assert re.search(rf"^{target}: .*PORT={port}\b", rules, re.MULTILINE), label
            else:  # JupyterLab's default
                assert (port, command) == (8888, "uv run jupyter lab"), label
                assert "jupyterlab" in (project / "pyproject.toml").read_text()


def test_its_post_create_command_installs_the_project(ladder: Ladder, tmp_path: Path) -> None:
    """The image has pipx; here, uv provides it, in a folder of the test."""
    project = tmp_path / "project"
    ladder.generate(project, 0, devcontainer=True)
    commit_all(project, "Level 0")
    (tmp_path / "bin").mkdir()
    pipx = tmp_path / "bin/pipx"
    pipx.write_text(f'#!/bin/sh\nexec {installed("uv")} tool run --quiet pipx "$@"\n')
    pipx.chmod(0o755)
    installation = Installation(project)
    path = f"{tmp_path / 'home'}:{tmp_path / 'bin'}:/usr/bin:/bin"
    variables = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "home")}
    command = json.loads((project / ".devcontainer/devcontainer.json").read_text())
    finished = installation.run(
        command["postCreateCommand"],
        PATH=path,
        PIPX_DEFAULT_PYTHON=installed("python"),
        **variables,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (tmp_path / "home/uv").exists()
    done = subprocess.run([installation.python, "-c", "import jupyterlab, sklearn"], cwd=project)
    assert done.returncode == 0
