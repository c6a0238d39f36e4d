"""Tests of the image that the shipped Dockerfile builds, with restricted rights as in production.

As no registry is available, a Debian from debootstrap has the name of the Dockerfile's base image.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from alerting import is_up, wait
from installation import Installation, install_project
from projects import LEVELS, Ladder
from tools import free_port, installed, passes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.where_present,
    pytest.mark.xdist_group("container"),
]

CERTIFICATES = "/etc/ssl/certs"
# crun works without control groups; runc works where both versions of them are mounted.
RUNTIMES = [
    (["--runtime", "crun"], ["--cgroups=disabled"]),
    (["--cgroup-manager", "cgroupfs", "--runtime", "runc"], []),
]
CAREFUL = [
    *("--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--user=10001:10001"),
    *("--security-opt=no-new-privileges", "--network=host", "--no-healthcheck"),
    *("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"),
]


@dataclass(frozen=True)
class Engine:
    """Podman and buildah with their own storage."""

    storage: list[str]
    options: list[str]
    run_options: list[str]

    def podman(self, *arguments: str) -> str:
        """Run podman, which must succeed, and return what it prints."""
        return passes(installed("podman"), *self.storage, *self.options, *arguments)

    def build(self, project: Path, target: str) -> str:
        """Build a stage of the project's Dockerfile, and return the image's name."""
        name = f"localhost/{target}:test"
        passes(
            *(installed("buildah"), *self.storage, "bud", "--isolation=chroot", "--pull-never"),
            *("--network=host", "--format=docker", f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"),
            *(f"--target={target}", f"--tag={name}", str(project)),
        )
        return name

    @contextmanager
    def running(self, image: str, *options: str) -> Iterator[tuple[str, str]]:
        """Run a container that serves; yield its name and its URL."""
        port = free_port()
        options = (
            *self.run_options,
            *CAREFUL,
            "--env=HOST=127.0.0.1",
            f"--env=PORT={port}",
            *options,
        )
        name = self.podman("run", "--detach", *options, image).strip()
        url = f"http://127.0.0.1:{port}"
        try:
            wait(lambda: is_up(f"{url}/healthz"), "the container responds")
            yield name, url
        finally:
            self.podman("rm", "--force", "--time=0", name)


@pytest.fixture(scope="module")
def installation(ladder: Ladder) -> Installation:
    """Provide a project with a deployed model."""
    installation = install_project(ladder.project(max(LEVELS)))
    installation.make("pipeline promote deploy")
    return installation


@pytest.fixture(scope="module")
def engine(ladder: Ladder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Provide an engine with a base image under the Dockerfile's name."""
    folder = tmp_path_factory.mktemp("engine")
    with tempfile.TemporaryDirectory(prefix="run") as run:  # podman accepts short paths only
        try:
            yield make_engine(ladder, folder, run)
        finally:  # podman mounts its storage, which could not be deleted
            subprocess.run(["umount", str(folder / "storage/overlay")], capture_output=True)


def make_engine(ladder: Ladder, folder: Path, run: str) -> Engine:
    """Create the engine and its base image, or skip the tests where containers cannot run."""
    for program in ("podman", "buildah", "debootstrap"):
        installed(program)
    if os.geteuid() != 0:
        pytest.skip("debootstrap needs root")
    engine = working_engine(["--root", str(folder / "storage"), "--runroot", run], folder)
    recipe = (ladder.fresh(max(LEVELS)) / "Dockerfile").read_text(encoding="utf-8")
    (base,) = set(re.findall(r"^FROM (python:\S+)", recipe, re.MULTILINE))

    root, archive = folder / "root", folder / "base.tar"
    packages = "--include=python3,python3-pip,ca-certificates"
    try:
        passes(installed("debootstrap"), "--variant=minbase", packages, "bookworm", str(root))
    except AssertionError as error:
        pytest.skip(f"debootstrap cannot make a base here: {str(error)[-300:]}")
    (root / "usr/bin/python").symlink_to("python3")
    for mark in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        mark.unlink()  # unlike the real base's pip, Debian's refuses to install here
    passes("tar", "-C", str(root), "-cf", str(archive), ".")
    trust = [f"--change=ENV {name}={CERTIFICATES}/ca-certificates.crt" for name in TRUST]
    engine.podman("import", *trust, str(archive), f"docker.io/library/{base}")
    return engine


def working_engine(storage: list[str], folder: Path) -> Engine:
    """Return an engine whose runtime works here, tried with a minimal file system."""
    root, true = folder / "smallest", shutil.which("true") or "/bin/true"
    libraries = re.findall(r"/\S+", passes("ldd", true))
    for file in (true, *libraries):
        (root / file[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / file[1:])
    reasons = []
    for options, run_options in RUNTIMES:
        command = [installed("podman"), *storage, *options, "run", "--rm", *run_options, *CAREFUL]
        tried = subprocess.run([*command, "--rootfs", str(root), true], capture_output=True)
        if tried.returncode == 0:
            return Engine(storage, options, run_options)
        reasons.append(tried.stderr.decode().strip())
    pytest.skip(f"no container runs here: {'; '.join(reasons)}")


TRUST = ["SSL_CERT_FILE", "PIP_CERT"]


@pytest.fixture(scope="module")
def with_bundle(engine: Engine, installation: Installation) -> str:
    """Return the name of the image with a model."""
    return engine.build(installation.project, "with-bundle")


def ask(installation: Installation, url: str) -> Any:
    """Return the output of the service's smoke test."""
    return installation.make(f"smoke URL={url}")


def test_the_image_with_a_bundle_predicts(
    engine: Engine, installation: Installation, with_bundle: str
) -> None:
    with engine.running(with_bundle) as (name, url):
        wait(lambda: is_up(f"{url}/readyz"), "the model is ready")
        assert "serves version 1" in ask(installation, url)
        assert engine.podman("top", name, "user", "pid").split()[-2:] == ["10001", "1"]


def test_the_image_without_one_serves_what_is_mounted(
    engine: Engine, installation: Installation
) -> None:
    image = engine.build(installation.project, "runtime")
    with engine.running(image) as (_, url):
        assert not is_up(f"{url}/readyz")
    with engine.running(image, f"--volume={installation.project / 'live'}:/live:ro") as (_, url):
        wait(lambda: is_up(f"{url}/readyz"), "the model is ready")
        assert "serves version 1" in ask(installation, url)


def test_it_knows_whether_it_is_healthy(engine: Engine, with_bundle: str) -> None:
    (about,) = json.loads(engine.podman("inspect", with_bundle))
    kind, *command = about["Healthcheck"]["Test"]
    assert kind == "CMD"
    with engine.running(with_bundle) as (name, url):
        wait(lambda: is_up(f"{url}/readyz"), "the model is ready")
        engine.podman("exec", name, *command)
        with pytest.raises(AssertionError):
            engine.podman("exec", "--env=PORT=1", name, *command)


def test_it_ends_when_it_is_told_to(engine: Engine, with_bundle: str) -> None:
    with engine.running(with_bundle) as (name, _):
        engine.podman("stop", "--time=30", name)
        (about,) = json.loads(engine.podman("inspect", name))
        assert about["State"]["ExitCode"] == 0


def test_it_holds_what_it_needs_and_no_more(engine: Engine, with_bundle: str) -> None:
    listed = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    run = ["run", "--rm", *engine.run_options, *CAREFUL, with_bundle]
    packages = set(engine.podman(*run, "/venv/bin/python", "-I", "-c", listed).split())
    assert {"onnxruntime", "uvicorn", "psycopg"} <= packages
    assert not packages & {"mlflow", "pandas", "scikit-learn", "pytest", "uv"}
    held = engine.podman(*run, "find", "/app", "/live", "-maxdepth", "1")
    assert set(held.split()) == {
        *("/app", "/app/src", "/app/experiment.yaml", "/app/params.yaml"),
        *("/app/retraining.yaml", "/app/serving.yaml"),
        *("/live", "/live/release.json", "/live/bundles"),
    }
