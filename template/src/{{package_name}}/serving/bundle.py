"""Bundles: all that is needed to serve one version of the model, in one folder.

    live/bundles/<name>/    manifest.json names the other files, with a hash of each
    live/release.json       which bundles serve, and which served before

The release is replaced in one step, so that a reader sees the old one or the new one, whole.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..errors import UserError
from ..experiments.plan import Experiment
from .fields import Field

LIVE = Path(os.environ.get("LIVE") or "live")
MANIFEST = "manifest.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BusyError(UserError):
    """Somebody else is changing what is live; try again."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a bundle, and where it comes from. Times are ISO 8601 in UTC."""

    format: Literal[1] = 1
    version: str  # in the model registry
    run_id: str
    data_version: str
    git_commit: str
    trained_until: str
    code_version: str  # of the package that made the bundle
    created: str
    runtime: Literal["onnx", "python"]
    why_python: str | None  # what kept the model from being exported
    inputs: Literal["matrix", "columns"]  # how the exported model takes its features
    fields: list[Field]  # of a request's row
    target: Field
    forbid_other_fields: bool
    needs_schema: bool  # whether the schema asks for more than the fields can say
    classes: list[Any] | None = None  # of a classifier, in the order of its probabilities
    columns: list[int] | None = None  # the place of each of the model's classes among them
    threshold: float = 0.5  # of the second of two classes
    metric: str
    lower_is_better: bool
    reference_score: float  # mean score on rows that the model has not learned from
    files: dict[str, str]  # SHA-256 by name


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What serves: bundles by name, and those that served before, the latest first."""

    champion: str
    challenger: str | None = None
    experiment: Experiment | None = None
    before: list[str] = []
    time: str = ""


def bundle_folder(live: Path, name: str) -> Path:
    """The folder of a bundle.

    Raises:
        UserError: the name could lead out of the folder of bundles.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} is no name of a bundle: letters, digits and . _ - are allowed")
    return live / "bundles" / name


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle that is whole.

    Raises:
        UserError: the bundle is missing, or a file in it is missing or not what it was.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        for name, digest in manifest.files.items():
            if not NAME.fullmatch(name) or sha256(folder / name) != digest:
                raise UserError(f"the bundle {folder} is damaged: {name} is not what it was")
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"the bundle {folder} cannot be read: {error}") from error
    return manifest


def read_release(live: Path) -> Release | None:
    """What serves; None before the first deployment.

    Raises:
        UserError: the file cannot be read.
    """
    path = live / "release.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Release)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error


@contextmanager
def changing(live: Path) -> Iterator[None]:
    """Change what is live, one at a time.

    Raises:
        BusyError: somebody else is at it.
    """
    live.mkdir(parents=True, exist_ok=True)
    with (live / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"another deployment to {live}/ is under way") from error
        yield


def write_release(live: Path, release: Release) -> None:
    """Put the release live, in one step that a loss of power cannot halve."""
    path = live / "release.json"
    part = live / "release.json.part"
    with part.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(release)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
