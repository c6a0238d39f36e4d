"""Bundles: everything needed to serve one version of the model, in one folder.

    live/bundles/<name>/    manifest.json has a hash of each other file
    live/release.json       the bundles that serve, and those that served before

A release is replaced atomically: a reader sees the old one or the new one.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from ..errors import UserError
from ..experiments.plan import Experiment
from .fields import Field

LIVE = Path(os.environ.get("LIVE") or "live")
MANIFEST = "manifest.json"
EXAMPLES = "examples.json"  # rows, as clients send them
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MOST_BYTES = 10_000_000  # of a manifest or a release
Decoded = TypeVar("Decoded")


class BusyError(UserError):
    """Another process changes the release."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a bundle, and its origin. Times are ISO 8601 in UTC."""

    format: Literal[1] = 1
    version: str  # in the model registry
    run_id: str
    data_version: str
    git_commit: str
    trained_until: str
    code_version: str  # of the package that made the bundle
    created: str
    runtime: Literal["onnx", "python"]
    why_python: str | None  # the reason why the model could not be exported
    inputs: Literal["matrix", "columns"]  # how the exported model takes its features
    fields: list[Field]  # of a request's row
    target: Field
    forbid_other_fields: bool
    needs_schema: bool  # whether the schema has checks that fields cannot express
    classes: list[Any] | None = None  # of a classifier, in the order of its probabilities
    columns: list[int] | None = None  # the place of each of the model's classes among them
    threshold: float = 0.5  # of the second of two classes
    metric: str
    lower_is_better: bool
    reference_score: float  # mean score on the test set
    files: dict[str, str]  # SHA-256 by name


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The bundles that serve, by name, and those that served before, the latest first."""

    champion: str
    challenger: str | None = None
    experiment: Experiment | None = None
    before: list[str] = []
    time: str = ""


def bundle_folder(live: Path, name: str) -> Path:
    """Return the folder of a bundle; a name that leads elsewhere is refused."""
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} is not a name of a bundle: use letters, digits and . _ - only")
    return live / "bundles" / name


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a bundle, and check the hash of every file."""
    path = folder / MANIFEST
    manifest = decode_file(path, Manifest)
    for name, digest in manifest.files.items():
        try:
            whole = NAME.fullmatch(name) is not None and sha256(folder / name) == digest
        except OSError as error:
            raise UserError(f"the bundle {folder} cannot be read: {error}") from error
        if not whole:
            raise UserError(f"the bundle {folder} is damaged: {name} has changed")
    return manifest


def read_release(live: Path) -> Release | None:
    """Read the release; None before the first deployment."""
    path = live / "release.json"
    return decode_file(path, Release) if path.exists() else None


def decode_file(path: Path, kind: type[Decoded]) -> Decoded:
    """Decode a JSON file of limited size."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UserError(f"{path}: is larger than {MOST_BYTES} bytes. Run make deploy")
        return msgspec.json.decode(content, type=kind)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: the bundle or release cannot be read: {error}") from error


@contextmanager
def changing(live: Path) -> Iterator[None]:
    """Lock the release against other processes that change it; `BusyError` if one does."""
    live.mkdir(parents=True, exist_ok=True)
    with (live / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"another deployment to {live}/ is under way") from error
        yield


def write_release(live: Path, release: Release) -> None:
    """Replace the release atomically, also if the power fails."""
    part = live / "release.json.part"
    with part.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(release)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(live / "release.json")
