"""What `experiment.yaml` holds, checked when it is read: a wrong key or value is refused by name.

The service reads it too, so nothing here may import what the service does without.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml
from msgspec import Meta

from ..errors import UserError
from .sequential import Rule, fewest_blocks

PLAN = Path("experiment.yaml")

Days = Annotated[int, Meta(ge=1, le=3650)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A challenger's trial beside the champion. Effects are shares of the champion's mean score."""

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
        """Refuse values that do not go together; msgspec tells it as one of its own errors."""
        if self.mode != "off" and self.name is None:
            raise ValueError(f"name: mode {self.mode} needs one")
        if self.min_days > self.max_days:
            raise ValueError(f"min_days: {self.min_days} is more than max_days: {self.max_days}")
        blocks, needed = self.max_days // self.block_days, fewest_blocks(self.alpha)
        if blocks < needed:
            raise ValueError(
                f"max_days: {self.max_days} days make {blocks} blocks of block_days: "
                f"{self.block_days}, but at alpha: {self.alpha} no challenger can win before "
                f"block {needed}"
            )

    @property
    def rule(self) -> Rule:
        """What decides between the two."""
        return Rule(
            alpha=self.alpha,
            smallest_effect=self.smallest_effect,
            block_days=self.block_days,
            min_days=self.min_days,
            max_days=self.max_days,
        )


def read_experiment(path: Path = PLAN) -> Experiment:
    """The experiment in the file.

    Raises:
        UserError: it is missing, is not YAML, or holds a key or value that means nothing.
    """
    try:
        plan = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    if isinstance(plan, dict) and plan.get("mode") is False:
        plan["mode"] = "off"  # YAML takes a bare off for false
    try:
        return msgspec.convert(plan, Experiment)
    except msgspec.ValidationError as error:
        raise UserError(f"{path} does not fit: {error}") from error
