"""Models on disk: a version each, in a format that cannot run code when it is opened."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from . import problem
from .errors import UserError

MODELS = Path("models")


def dump(model: object, path: Path) -> None:
    """Write the model; nothing stands at `path` unless it can be read back.

    Raises:
        UserError: the model holds types that `problem.TRUSTED_TYPES` does not name.
    """
    part = path.with_suffix(".part")
    skops.io.dump(model, part)
    try:
        load(part)
    except UserError:
        part.unlink()
        raise
    part.replace(path)


def load(path: Path) -> Any:
    """The model in the file.

    Raises:
        UserError: there is no model file, or it holds types that the problem does not trust.
    """
    try:
        return skops.io.load(path, trusted=problem.TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(problem.TRUSTED_TYPES))
        raise UserError(
            f"the model holds types that are not trusted: {', '.join(unknown)}. If it is yours "
            "and you know them, add them to TRUSTED_TYPES in problem.py"
        ) from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read as a model: {error}") from error


def save(model: object, about: dict[str, Any], folder: Path) -> Path:
    """Write the model as a new version, and what is known of it in a JSON file beside it."""
    version = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"{version}.skops"
    folder.mkdir(parents=True, exist_ok=True)
    dump(model, path)
    path.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return path


def newest(folder: Path) -> Path:
    """The newest version.

    Raises:
        UserError: there is none yet.
    """
    versions = sorted(folder.glob("*.skops"))
    if not versions:
        raise UserError(f"there is no model in {folder}/ yet: run make train")
    return versions[-1]
