"""Let KServe or Seldon Core split the requests as the release's experiment says: `make traffic`.

It reads manifests and writes them with the challenger's share. Both platforms choose at random for
each request, so an experiment with a `unit` is left to the service, which keeps each unit with one
model, and so is a shadow, whose predictions belong beside the champion's in the prediction log.
"""

import json
import sys
from typing import Any

import yaml

from ..errors import UserError, run
from ..serving.bundle import LIVE, Release, read_release
from ..serving.records import CHALLENGER, CHAMPION
from .plan import PLAN

VARIANT = "MLSERVER_MODEL_EXTRA"  # the environment variable with parameters of the runtime


def percent(release: Release) -> int | None:
    """Return the challenger's share of the requests; None if the service assigns them itself."""
    plan = release.experiment if release.challenger else None
    if plan is None or plan.mode != "split":
        return 0
    if plan.unit is not None:
        return None
    rounded = round(100 * plan.share)
    if abs(100 * plan.share - rounded) > 1e-9 or not 0 < rounded < 100:
        raise UserError(f"{PLAN}: share: {plan.share} must be a whole percentage, such as 0.1")
    return rounded


def route(manifest: dict[str, Any], share: int | None) -> None:
    """Give the challenger its share in percent, where there are variants; None removes them."""
    spec = manifest.get("spec", {})
    if manifest.get("kind") == "InferenceService":
        predictor = spec["predictor"]
        for one in predictor["containers"][0]["env"]:
            if one["name"] == VARIANT and share is None:
                one["value"] = "{}"
            elif one["name"] == VARIANT and share:  # of a new revision, beside the one before
                one["value"] = json.dumps({"variant": CHALLENGER})
                predictor["canaryTrafficPercent"] = share
    elif manifest.get("kind") == "Model" and share is None:
        spec.pop("parameters", None)  # the variant
    elif manifest.get("kind") == "Experiment" and share:
        weights = {CHAMPION: 100 - share, CHALLENGER: share}
        spec["candidates"] = [{"name": name, "weight": weights[name]} for name in weights]


def main() -> None:
    """Read manifests from standard input, and write them to standard output."""
    release = read_release(LIVE)
    if release is None:
        raise UserError(f"{LIVE}/release.json: nothing is deployed. Run make deploy")
    manifests, share = list(yaml.safe_load_all(sys.stdin)), percent(release)
    for manifest in manifests:
        route(manifest, share)
    yaml.safe_dump_all(manifests, sys.stdout, sort_keys=False)


if __name__ == "__main__":
    run(main)
