"""What serves at a moment: the champion, perhaps a challenger, and how they share the requests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ..errors import UserError
from ..experiments.assignment import variant_of
from ..experiments.plan import Experiment
from . import metrics
from .batching import Batcher
from .bundle import Release, bundle_folder, read_manifest
from .fields import Field, columns_of, row_type, value_type
from .records import CHALLENGER, CHAMPION
from .runtimes import load_runtime, predictions_of

EXAMPLES = "examples.json"


class Model:
    """A bundle in memory. What is counted for each answer is looked up once, here."""

    def __init__(self, folder: Path, variant: str) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.variant = variant
        self.failed = False  # whether it has been said that it fails
        self.runtime = load_runtime(folder, self.manifest)
        self.batcher = Batcher(self.predict, in_thread=self.runtime.slow)
        self.predictions = metrics.predictions.labels(self.manifest.version, variant)
        self.shadowed = metrics.shadow_predictions.labels(self.manifest.version)

    def predict(self, rows: Sequence[Any]) -> Sequence[Any]:
        """One prediction per row."""
        return predictions_of(self.runtime, columns_of(rows, self.manifest.fields))

    def label(self, prediction: Any) -> Any:
        """The class that probabilities stand for; None if the model predicts numbers."""
        classes = self.manifest.classes
        if classes is None:
            return None
        if len(classes) == 2:
            return classes[prediction[1] >= self.manifest.threshold]
        return classes[prediction.index(max(prediction))]

    def warm_up(self, row: Any) -> None:
        """Answer once before anybody waits for it: the first answer is the slowest."""
        examples = msgspec.json.decode((self.folder / EXAMPLES).read_bytes(), type=list[row])
        self.predict(examples)


class Deployment:
    """Everything that one request needs, so that it sees one release from start to end.

    Raises:
        UserError: a bundle is missing or damaged, or the challenger asks for other rows.
    """

    def __init__(self, live: Path, release: Release, max_rows: int) -> None:
        self.release = release
        self.champion = Model(bundle_folder(live, release.champion), CHAMPION)
        self.challenger = (
            Model(bundle_folder(live, release.challenger), CHALLENGER)
            if release.challenger
            else None
        )
        self.experiment: Experiment | None = release.experiment if self.challenger else None
        manifest = self.champion.manifest
        self.fields = manifest.fields
        self.row = row_type(manifest.fields, manifest.forbid_other_fields)
        self.told = told_type(manifest.target)
        self.decoder = one_or_many(self.row, max_rows)
        self.feedback_decoder = one_or_many(self.told, max_rows)
        for model in self.models:
            if model.manifest.fields != manifest.fields:
                raise UserError(
                    f"version {model.manifest.version} asks for other rows than the champion: "
                    "they cannot be compared on the same requests"
                )
            model.warm_up(self.row)

        self.optional_fields = [
            (f"field_{i}", metrics.missing_values.labels(field.name))
            for i, field in enumerate(self.fields)
            if field.optional
        ]
        self.unit = unit_attribute(self.experiment, self.fields)
        mode = self.experiment.mode if self.experiment else "off"
        self.split = self.experiment if mode == "split" else None
        # The challenger that sees every row and answers none.
        self.shadow = self.challenger if mode == "shadow" else None

    def models_of(self, units: Sequence[str]) -> list[Model]:
        """Who answers each unit."""
        if self.split is None or self.challenger is None:
            return [self.champion] * len(units)
        return [
            self.challenger if variant_of(unit, self.split) == CHALLENGER else self.champion
            for unit in units
        ]

    @property
    def models(self) -> list[Model]:
        """Who is there to answer or to watch, the champion first."""
        return [model for model in (self.champion, self.challenger) if model is not None]


def unit_attribute(experiment: Experiment | None, fields: Sequence[Field]) -> str | None:
    """The attribute of a row that names its unit; None if each prediction is a unit.

    Raises:
        UserError: the experiment names a field that rows do not have.
    """
    if experiment is None or experiment.unit is None:
        return None
    names = [field.name for field in fields]
    if experiment.unit not in names:
        known = ", ".join(names)
        raise UserError(f"the experiment's unit {experiment.unit} is no field of a row: {known}")
    return f"field_{names.index(experiment.unit)}"


def one_or_many(one: Any, most: int) -> "msgspec.json.Decoder[Any]":
    """Reads a request's body: an object of that type, or a list of no more than `most`."""
    return msgspec.json.Decoder(one | Annotated[list[one], msgspec.Meta(max_length=most)])


def told_type(target: Field) -> Any:
    """The type of feedback: the id of a prediction, and the value that turned out to be true."""
    identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    return msgspec.defstruct(
        "Feedback", [("id", identifier), ("actual", value_type(target))], frozen=True, gc=False
    )
