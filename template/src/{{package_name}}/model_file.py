"""Models on disk: a folder for each version, in a format that runs no code when it is loaded.

The folder has the model, the `problem.py` it was trained with, and a description. `problem.py` is
code: take models only from where you would take code from.
"""

import json
import shutil
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from . import problem as current_problem
from .errors import UserError
from .trained_model import TrainedModel, load_problem

MODELS = Path("models")
MODEL, PROBLEM, ABOUT = "model.skops", "problem.py", "about.json"

# Types of well-known libraries that hold numbers and text only, but that skops does not know.
TRUSTED_TYPES = [
    "collections.OrderedDict",
    "collections.defaultdict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
]


def trusted_types(problem: ModuleType) -> list[str]:
    """Return the types that a model file may have beyond those that skops trusts."""
    return [*TRUSTED_TYPES, *getattr(problem, "TRUSTED_TYPES", [])]


def write_estimator(estimator: Any, path: Path, problem: ModuleType = current_problem) -> None:
    """Write an estimator; nothing is at `path` unless it can be read back."""
    import skops.io

    part = path.with_suffix(".part")
    skops.io.dump(estimator, part)
    try:
        read_estimator(part, trusted_types(problem))
    except UserError:
        part.unlink()
        raise
    part.replace(path)


def read_estimator(path: Path, trusted: Sequence[str]) -> Any:
    """Read an estimator."""
    import skops.io  # takes most of a second
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.load(path, trusted=trusted)
    except UntrustedTypesFoundException as error:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
        raise UserError(
            f"the model has types that are not trusted: {', '.join(unknown)}. If you know them, "
            f"add TRUSTED_TYPES = {unknown} to problem.py"
        ) from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read as a model: {error}") from error


def save(model: TrainedModel, about: dict[str, Any], folder: Path) -> Path:
    """Write the model as a new version into a folder of its own, and return that folder."""
    path = folder / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    part = path.with_suffix(".part")
    part.mkdir(parents=True)
    try:
        write_estimator(model.estimator, part / MODEL, model.problem)
        shutil.copyfile(str(model.problem.__file__), part / PROBLEM)
        (part / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return path


def load(folder: Path) -> TrainedModel:
    """Load a model with the `problem.py` it was trained with."""
    file = folder / PROBLEM
    # Models from before it was kept have none.
    problem = load_problem(file) if file.exists() else current_problem
    return TrainedModel(read_estimator(folder / MODEL, trusted_types(problem)), problem)


def newest(folder: Path) -> Path:
    """Return the folder of the newest version."""
    versions = sorted(file.parent for file in folder.glob(f"*/{MODEL}"))
    if not versions:
        raise UserError(f"{folder}/ has no model yet: run make train")
    return versions[-1]
