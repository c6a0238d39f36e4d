"""What `params.yaml` holds, checked when it is read: a wrong key or value is refused by name."""

import inspect
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .. import problem
from ..errors import UserError

PARAMS = Path("params.yaml")


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataWindow(Section):
    """Rows from `start` up to, but without, `end`; null takes all there are."""

    start: date | None = None
    end: date | None = None


class SplitParams(Section):
    """The share of rows, the newest, that judges the model and never trains it."""

    test_share: float = Field(default=0.2, gt=0, lt=1)


class SearchParams(Section):
    """How many points of `problem.SEARCH_SPACE` to try before training; 0 tries none."""

    trials: int = Field(default=0, ge=0)


class GateParams(Section):
    """What a challenger must show before it becomes the champion. Gains and losses are shares."""

    min_test_rows: int = Field(default=50, ge=2)
    min_gain_over_baseline: float = Field(default=0.05, ge=0)
    min_gain_over_champion: float = Field(default=0.01, ge=0)
    max_slice_loss: float = Field(default=0.03, ge=0)
    min_slice_rows: int = Field(default=50, ge=1)
    alpha: float = Field(default=0.05, gt=0, lt=1)


class Params(Section):
    data: DataWindow = DataWindow()
    split: SplitParams = SplitParams()
    model: dict[str, Any] = {}
    search: SearchParams = SearchParams()
    gate: GateParams = GateParams()

    def flat(self) -> dict[str, Any]:
        """Every parameter by its dotted name, the defaults of `problem.build_model` included."""
        sections = self.model_dump(mode="json")
        sections["model"] = build_model_defaults() | self.model
        return {
            f"{section}.{name}": value
            for section, values in sections.items()
            for name, value in values.items()
        }


def build_model_defaults() -> dict[str, Any]:
    """The parameters that `problem.build_model` takes, with their defaults."""
    arguments = inspect.signature(problem.build_model).parameters.values()
    return {argument.name: argument.default for argument in arguments}


def read_params(path: Path = PARAMS) -> Params:
    """The parameters in the file.

    Raises:
        UserError: it is missing, is not YAML, or holds a key or value that means nothing.
    """
    try:
        params = Params.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        places = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise UserError("\n  ".join([f"{path} does not fit:", *places])) from error
    unknown = sorted(params.model.keys() - build_model_defaults().keys())
    if unknown:
        known = ", ".join(build_model_defaults())
        raise UserError(f"{path}: problem.build_model takes {known}, not {', '.join(unknown)}")
    return params
