"""The settings of an experiment, in `experiment.yaml`.

The service reads them from a release, so this module imports nothing that the service lacks.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..errors import UserError
from ..pipelines.parameters import line_of, load_yaml
from .sequential import fewest_blocks

PLAN = Path("experiment.yaml")
Days = Annotated[int, Meta(ge=1, le=3650)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An experiment with a challenger. Effects are shares of the champion's mean score."""

    mode: Literal["off", "shadow", "split"] = "off"
    name: Name | None = None
    challenger: Annotated[int, Meta(ge=1)] | None = None
    share: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    unit: Annotated[str, Meta(min_length=1)] | None = None
    metric: str | None = None
    smallest_effect: Annotated[float, Meta(ge=0, lt=1)] = 0.01
    alpha: Annotated[float, Meta(gt=0, lt=0.5)] = 0.05
    block_days: Days = 3
    min_days: Days = 14
    max_days: Days = 84
    min_labelled: Annotated[float, Meta(gt=0, le=1)] = 0.9
    label_wait_days: Annotated[int, Meta(ge=0, le=3650)] = 7

    def __post_init__(self) -> None:
        """Check settings that depend on each other."""
        if self.mode != "off" and self.name is None:
            raise ValueError(f"name: mode {self.mode} requires a name")
        if self.min_days > self.max_days:
            raise ValueError(f"min_days: {self.min_days} is more than max_days: {self.max_days}")
        blocks, needed = self.max_days // self.block_days, fewest_blocks(self.alpha)
        if blocks < needed:
            raise ValueError(
                f"max_days: {self.max_days} days are {blocks} blocks of {self.block_days} days, "
                f"but with alpha: {self.alpha} no challenger can win before block {needed}"
            )

    @property
    def threshold(self) -> float:
        """The e-value that a promotion requires."""
        return 1 / (2 * self.alpha)


def read_experiment(path: Path = PLAN) -> Experiment:
    """Read the experiment in a file; errors name the file, the line and the key."""
    plan, root = load_yaml(path)
    if isinstance(plan, dict) and plan.get("mode") is False:
        plan["mode"] = "off"  # in YAML, a bare off is false
    try:
        return msgspec.convert(plan, Experiment)
    except msgspec.ValidationError as error:
        message, _, key = str(error).partition(" - at `$.")
        message = message.replace("Object contains unknown field", "unknown key")
        message = f"{key.rstrip('`')}: {message}" if key else message
        named = re.search(r"\w+(?=:|`)", message)
        line = line_of(root, [named[0]]) if named else ""
        raise UserError(f"{path}: {line}{message}") from error
