"""Make a version the champion if the gate lets it pass: `make promote`.

Otherwise it prints the failed checks and exits with code 3; the champion stays.
"""

import argparse
import sys
from functools import partial

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ..errors import UserError, run
from . import registry, steps
from .comparison import compare, origin
from .gate import failed_checks
from .parameters import Params, read_params
from .tracking import NAME, tracking_store

REFUSED = 3  # the exit code by which a deployment distinguishes a refusal from a failure


class Refused(UserError):  # noqa: N818 (a decision rather than a failure)
    """The gate refused a version."""


def promote(
    client: MlflowClient, version: ModelVersion, params: Params, with_champion: bool = True
) -> None:
    """Move the champion's alias to the version; its tag `gate` records the decision."""
    load = partial(steps.ingest, params)
    rows = steps.validate(load())
    scores, fresh = compare(
        client, registry.load_model(version), origin(version), rows, load, with_champion
    )
    failed = failed_checks(scores, fresh, params.gate)
    decision = f"refused: {'; '.join(failed)}" if failed else "passed"
    client.set_model_version_tag(NAME, version.version, "gate", decision)
    if failed:
        raise Refused("\n  ".join([f"version {version.version} is refused:", *failed]))
    client.set_registered_model_alias(NAME, registry.CHAMPION, version.version)


def refuse_uncommitted(version: ModelVersion) -> None:
    """Refuse a version whose code is in no commit, because it cannot be reproduced."""
    if version.tags.get("git_commit", "").endswith("-dirty"):
        raise UserError(
            f"version {version.version} was trained with uncommitted changes. Commit them and run "
            "make pipeline again, or promote it anyway: make promote UNCOMMITTED=1"
        )


def main() -> None:
    """Promote a version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="the number of a version; by default the newest")
    parser.add_argument("--uncommitted", action="store_true", help="allow uncommitted code")
    parser.add_argument("--ignore-champion", action="store_true", help="check the baseline only")
    arguments = parser.parse_args()
    params = read_params()
    with tracking_store() as client:
        version = registry.numbered(client, arguments.version)
        current = registry.champion(client)
        if current is not None and current.version == version.version:
            print(f"version {version.version} of {NAME} is the champion already")
            return
        if not arguments.uncommitted:
            refuse_uncommitted(version)
        try:
            promote(client, version, params, not arguments.ignore_champion)
        except Refused as refusal:
            print(f"error: {refusal}", file=sys.stderr)
            sys.exit(REFUSED)
    print(f"version {version.version} of {NAME} is the champion now")


if __name__ == "__main__":
    run(main)
