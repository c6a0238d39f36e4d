"""The models in memory: a release with its champion and, in an experiment, its challenger."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..errors import UserError
from ..experiments.assignment import variant_of
from . import metrics
from .batching import Batcher
from .bundle import EXAMPLES, Release, bundle_folder, read_manifest
from .fields import columns_of, feedback_type, one_or_many, row_type
from .records import CHALLENGER, CHAMPION
from .requests import RequestError
from .runtimes import contained, load_runtime


class Model:
    """A bundle in memory, with the metrics of its predictions."""

    def __init__(self, folder: Path, variant: str) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.version = self.manifest.version
        self.variant = variant
        self.failed = False  # in the shadow; the first failure is logged
        self.runtime = load_runtime(folder, self.manifest)
        self.batcher = Batcher(self.predict, in_thread=self.runtime.slow)
        self.predictions = metrics.predictions.labels(self.version, variant)
        self.shadowed = metrics.shadow_predictions.labels(self.version)

    def predict(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return one finite prediction per row, as JSON has it; 32-bit floats with all 9 digits."""
        if not rows:  # scikit-learn does not predict none
            return []
        with contained():
            values = self.runtime.predict(columns_of(rows, self.manifest.fields))
        if values.shape[:1] != (len(rows),):
            raise ValueError(f"{len(rows)} rows have predictions of shape {values.shape}")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError("a prediction is not a finite number")
        if values.dtype == np.float32 and values.ndim == 1:
            return [float(f"{value:.9g}") for value in values.tolist()]
        return values.tolist()

    def label(self, prediction: Any) -> Any:
        """Return the class for probabilities; None for a regression."""
        classes = self.manifest.classes
        if classes is None:
            return None
        if len(classes) == 2:
            return classes[prediction[1] >= self.manifest.threshold]
        return classes[prediction.index(max(prediction))]

    def origin(self) -> dict[str, Any]:
        """Return the version, run, data and commit of the model."""
        names = ("version", "run_id", "data_version", "git_commit", "trained_until", "created")
        origin = {name: getattr(self.manifest, name) for name in names}
        return {"bundle": self.folder.name, "runtime": self.manifest.runtime, **origin}


class ActiveRelease:
    """A release in memory. A request uses one from start to end, while others may replace it."""

    def __init__(self, live: Path, release: Release, max_rows: int) -> None:
        self.release = release
        self.champion = Model(bundle_folder(live, release.champion), CHAMPION)
        self.models = [self.champion]
        if release.challenger:
            self.models.append(Model(bundle_folder(live, release.challenger), CHALLENGER))
        self.challenger = self.models[1] if release.challenger else None
        self.experiment = release.experiment if self.challenger else None
        mode = self.experiment.mode if self.experiment else "off"
        self.split = self.experiment if mode == "split" else None
        self.shadow = self.challenger if mode == "shadow" else None
        manifest = self.champion.manifest
        self.fields = manifest.fields
        self.attributes = {field.name: f"field_{i}" for i, field in enumerate(self.fields)}
        self.row = row_type(manifest.fields, manifest.forbid_other_fields)
        self.feedback = feedback_type(manifest.target)
        self.decoder = one_or_many(self.row, max_rows)
        self.feedback_decoder = one_or_many(self.feedback, max_rows)
        self.optional = [
            (self.attributes[field.name], metrics.missing_values.labels(field.name))
            for field in self.fields
            if field.optional
        ]
        self.unit = self._unit_attribute()
        for model in self.models:
            if model.manifest.fields != manifest.fields:
                raise UserError(
                    f"version {model.version} has other fields than the champion, so "
                    "they cannot predict the same requests"
                )
            model.predict(self.examples())  # the first prediction is the slowest

    def examples(self) -> list[Any]:
        """Return a few rows of the test set."""
        content = (self.champion.folder / EXAMPLES).read_bytes()
        return msgspec.json.decode(content, type=list[self.row])  # type: ignore[name-defined]

    def check(self, rows: Sequence[Any]) -> None:
        """Refuse rows that violate checks which only the whole schema can express."""
        if self.champion.manifest.needs_schema and rows:
            with contained():
                objection = self.champion.runtime.objection(columns_of(rows, self.fields))
            if objection:
                raise RequestError(422, "invalid", objection, "$", "other")

    def count_missing(self, rows: Sequence[Any]) -> None:
        """Count the missing values of optional fields."""
        for attribute, missing in self.optional:
            if count := sum(getattr(row, attribute) is None for row in rows):
                missing.inc(count)

    def units_of(self, rows: Sequence[Any], ids: Sequence[str]) -> Sequence[str]:
        """Return the units of the experiment: values of its field, or each prediction."""
        if self.unit is None:
            return ids
        values = [str(getattr(row, self.unit)) for row in rows]
        return [value.replace("\0", "\N{SYMBOL FOR NULL}") for value in values]

    def models_of(self, units: Sequence[str]) -> list[Model]:
        """Return the model that serves each unit."""
        if self.split is None or self.challenger is None:
            return [self.champion] * len(units)
        split = self.split
        return [self.models[variant_of(unit, split) == CHALLENGER] for unit in units]

    def _unit_attribute(self) -> str | None:
        unit = self.experiment.unit if self.experiment else None
        if unit is not None and unit not in self.attributes:
            names = ", ".join(self.attributes)
            raise UserError(f"experiment.yaml: unit: {unit} is not a field of {names}")
        return self.attributes[unit] if unit else None
