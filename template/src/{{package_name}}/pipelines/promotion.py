"""Make a version the champion if the gate lets it pass: `make promote`.

Refuses with the reasons and exit code 1; the champion then stays who it is.
"""

import argparse

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ..dataset import load_rows, validate_rows
from ..errors import UserError, run
from . import registry
from .comparison import compare, origin
from .gate import objections
from .parameters import Params, read_params
from .tracking import NAME, tracking_store


def candidate(client: MlflowClient, number: str | None) -> ModelVersion:
    """The version of that number, or the newest.

    Raises:
        UserError: there is no such version.
    """
    known = registry.versions(client)
    if not known:
        raise UserError("there is no version to promote yet: run make pipeline")
    for version in known:
        if number in (None, str(version.version)):
            return version
    numbers = ", ".join(str(version.version) for version in known)
    raise UserError(f"there is no version {number} of {NAME}, only {numbers}")


def promote(client: MlflowClient, version: ModelVersion, params: Params) -> None:
    """Move the champion's alias to the version.

    Raises:
        UserError: the gate objects. The version's tag `gate` keeps the decision either way.
    """
    rows = validate_rows(load_rows(params.data.start, params.data.end))
    scores, fresh = compare(client, registry.load_model(version), origin(version), rows)
    found = objections(scores, fresh, params.gate)
    decision = f"refused: {'; '.join(found)}" if found else "passed"
    client.set_model_version_tag(NAME, version.version, "gate", decision)
    if found:
        raise UserError("\n  ".join([f"version {version.version} is refused:", *found]))
    client.set_registered_model_alias(NAME, registry.CHAMPION, version.version)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="the number of a version; without it, the newest")
    arguments = parser.parse_args()
    params = read_params()
    with tracking_store() as client:
        version = candidate(client, arguments.version)
        serving = registry.champion(client)
        if serving is not None and serving.version == version.version:
            print(f"version {version.version} of {NAME} is the champion already")
            return
        promote(client, version, params)
    print(f"version {version.version} of {NAME} is the champion now")


if __name__ == "__main__":
    run(main)
