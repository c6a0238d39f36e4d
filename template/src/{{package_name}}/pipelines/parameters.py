"""The parameters of a run: `params.yaml`, and changes of it on the command line.

Reading them imports neither pandas nor scikit-learn, so that a mistake is reported at once.
"""

import ast
import inspect
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from ..errors import UserError, describe_error

PARAMS = Path("params.yaml")
PROBLEM = Path(__file__).parents[1] / "problem.py"
TYPES: dict[str, Any] = {"int": int, "float": float, "bool": bool, "str": str}


class Section(BaseModel):
    """A section of the file, without any other keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataWindow(Section):
    """Rows from `start` up to `end`, excluding it; null means no limit."""

    start: date | None = None
    end: date | None = None

    def __str__(self) -> str:
        """Return the window as the name of a run."""
        return f"{self.start or 'first'}..{self.end or 'last'}"


class SplitParams(Section):
    """The share of the rows, the newest, that are the test set."""

    test_share: float = Field(default=0.2, gt=0, lt=1)


class SearchParams(Section):
    """The number of hyperparameter sets to try before training, and of folds to compare them."""

    trials: int = Field(default=0, ge=0)
    folds: int = Field(default=3, ge=2)


class GateParams(Section):
    """The limits of the gate for a challenger; gains and losses are shares."""

    min_test_rows: int = Field(default=50, ge=2)
    min_gain_over_baseline: float = Field(default=0.05, ge=0)
    min_gain_over_champion: float = Field(default=0.01, ge=0)
    max_slice_loss: float = Field(default=0.03, ge=0)
    min_slice_rows: int = Field(default=50, ge=1)
    alpha: float = Field(default=0.05, gt=0, lt=1)


class Params(Section):
    """All parameters of a run."""

    data: DataWindow = DataWindow()
    split: SplitParams = SplitParams()
    model: dict[str, Any] = {}
    search: SearchParams = SearchParams()
    gate: GateParams = GateParams()

    def flat(self) -> dict[str, Any]:
        """Return every parameter by its dotted name, with the defaults of `build_model`."""
        from .. import problem  # takes seconds

        arguments = inspect.signature(problem.build_model).parameters
        defaults = {name: argument.default for name, argument in arguments.items()}
        sections = self.model_dump(mode="json") | {"model": defaults | self.model}
        return {
            f"{section}.{name}": value
            for section, values in sections.items()
            for name, value in values.items()
        }


class Loader(yaml.SafeLoader):
    """A loader that refuses duplicate keys and references, which hide mistakes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node that is not a reference to another one."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="references are not supported", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Construct a mapping with different keys."""
        for number, (key, _) in enumerate(node.value):
            if key.value in [other.value for other, _ in node.value[:number]]:
                problem = f"{key.value} is defined twice"
                raise yaml.MarkedYAMLError(None, None, problem, key.start_mark)
        return super().construct_mapping(node, deep)


def build_model_annotations() -> dict[str, str]:
    """Return the arguments of `build_model` with their annotations, read from its source."""
    for node in ast.parse(PROBLEM.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == "build_model":
            arguments = [*node.args.args, *node.args.kwonlyargs]
            return {a.arg: ast.unparse(a.annotation) if a.annotation else "" for a in arguments}
    return {}


def read_params(path: Path = PARAMS, changes: Sequence[str] = ()) -> Params:
    """Read the parameters."""
    values, root = load_yaml(path, changes)
    params = validated(Params, values, path, root)
    check_model(params.model, path, root)
    return params


def load_yaml(path: Path, changes: Sequence[str] = ()) -> tuple[Any, yaml.Node | None]:
    """Return the values in a file after changes, and without any, the lines of its keys."""
    try:
        text = path.read_text(encoding="utf-8")
        values = yaml.load(text, Loader) or {}
        for change in changes:
            apply_change(values, change)
        return values, None if changes else yaml.compose(text, Loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UserError(f"{path}: {line}{error.problem}") from error
    except RecursionError as error:
        raise UserError(f"{path}: is nested too deeply") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read: {describe_error(error)}") from error


def line_of(node: yaml.Node | None, location: Sequence[int | str]) -> str:
    """Describe the line of a key, as far as the file has it."""
    for key, value in node.value if location and isinstance(node, yaml.MappingNode) else []:
        if key.value == location[0]:
            return line_of(value, location[1:]) or f"line {key.start_mark.line + 1}: "
    return ""


def apply_change(values: Any, change: str) -> None:
    """Set a value in the nested dictionary, from text such as `model.max_iter=200`."""
    name, equals, text = change.partition("=")
    section, dot, key = name.partition(".")
    if not (equals and dot and section and key):
        raise UserError(f"SET: {change!r} must look like model.max_iter=200")
    given = (values.get(section) or {}) if isinstance(values, dict) else None
    if isinstance(given, dict):  # anything else in the file is refused next
        values[section] = given | {key: yaml.load(text, Loader)}


def check_model(model: dict[str, Any], path: Path, root: yaml.Node | None) -> None:
    """Check the hyperparameters against the signature of `build_model`."""
    annotations = build_model_annotations()
    if not annotations:  # it is imported or computed; the call itself will tell
        return
    if unknown := sorted(model.keys() - annotations.keys()):
        known = ", ".join(annotations)
        raise UserError(f"{path}: model.{unknown[0]}: build_model takes {known}")
    fields = {name: (TYPES.get(annotations[name], Any), ...) for name in model}
    arguments = create_model("Model", **fields)  # type: ignore[call-overload]
    validated(create_model("Params", model=(arguments, ...)), {"model": model}, path, root)


def validated(model: Any, values: Any, path: Path, root: yaml.Node | None) -> Any:
    """Return the values as a model; errors name the file, the line if it is known, and the keys."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = []
        for one in error.errors():
            name = ".".join(map(str, one["loc"]))
            message = f"{one['msg']} (it is {one['input']!r:.60})"
            found.append(f"{name}: {message}" if name else message)
        line = line_of(root, error.errors()[0]["loc"])
        raise UserError(f"{path}: {line}{'; '.join(found)}") from error
