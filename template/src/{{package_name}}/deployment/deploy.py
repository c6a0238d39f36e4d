"""Release the registry's champion if its bundle passes the proof: `make deploy`.

Otherwise it says why, with exit code 1, and the active release continues to serve.
"""

import argparse
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ..dataset import Split, load_rows, validate_rows
from ..errors import UserError, run
from ..experiments.plan import Experiment, read_experiment
from ..pipelines import registry
from ..pipelines.comparison import fresh_split, origin
from ..pipelines.parameters import read_params
from ..pipelines.tracking import NAME, tracking_store
from ..pipelines.training import code_version
from ..serving.bundle import (
    LIVE,
    Manifest,
    Release,
    bundle_folder,
    changing,
    read_manifest,
    read_release,
    write_release,
)
from ..serving.settings import Settings, read_settings
from .export import Registered, export
from .proof import difference, prove

KEPT = 5  # bundles for rollbacks

# Return rows that a version was trained on, and others to prove it with.
HeldOut = Callable[[ModelVersion], Split]


def held_out_rows(version: ModelVersion) -> Split:
    """Return the rows of the pipeline's window; the version was not trained on the test set."""
    window = read_params().data
    rows = validate_rows(load_rows(window.start, window.end))
    came_from = origin(version)
    split = fresh_split(rows, came_from.test_share, came_from)
    if split.test.empty:
        raise UserError(
            f"version {version.version} was trained on all rows there are, so none is left to "
            "prove it with. Add newer data, or train again"
        )
    return split


def proven_bundle(
    version: ModelVersion, held_out: HeldOut, candidate: Path, live: Path, settings: Settings
) -> str:
    """Export and prove the version, unless this code has before; return its bundle's name."""
    made_by = hashlib.sha256(f"{version.run_id} {code_version()}".encode()).hexdigest()
    name = f"v{version.version}-{made_by[:8]}"
    target = bundle_folder(live, name)
    if is_whole(target):
        print(f"version {version.version} of {NAME} was proven before: {name}")
        return name
    model = Registered(version, registry.load_model(version), held_out(version))
    folder = bundle_folder(candidate, name)
    try:
        manifest = export(model, folder, partial(difference, model, settings=settings))
        print(f"version {version.version} of {NAME}: {how_served(manifest)}")
        for shown in prove(model, folder, settings):
            print(f"  {shown}")
    except UserError as error:
        raise UserError(f"version {version.version} is not deployed: {error}") from error
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    folder.rename(target)
    return name


def is_whole(bundle: Path) -> bool:
    """Tell whether the bundle exists and is undamaged."""
    try:
        read_manifest(bundle)
    except UserError:
        return False
    return True


def how_served(manifest: Manifest) -> str:
    """Describe how the model was exported."""
    if manifest.why_python is None:
        return "exported to ONNX"
    return (
        "served by scikit-learn itself, which takes several times the CPU (docs/3-serving.md), "
        f"because it cannot be exported: {manifest.why_python}"
    )


def challenger_of(
    client: MlflowClient, experiment: Experiment, champion: ModelVersion
) -> ModelVersion:
    """Return the version that the experiment compares with the champion."""
    try:
        version = registry.by_alias(client, "challenger")
        if experiment.challenger is not None:
            version = registry.numbered(client, str(experiment.challenger))
        if version is None:
            raise UserError("none is set, and no registered version has the alias 'challenger'")
        if version.version == champion.version:
            raise UserError(f"version {version.version} cannot challenge itself")
        return version
    except UserError as error:
        raise UserError(f"experiment.yaml: challenger: {error}") from error


def put_live(
    live: Path,
    champion: str,
    challenger: str | None,
    experiment: Experiment,
    time: datetime | None = None,
) -> str:
    """Write the release, at this time or now, and describe the change."""
    now = read_release(live)
    running = experiment if challenger else None
    if now and (now.champion, now.challenger, now.experiment) == (champion, challenger, running):
        return f"live already: {champion}"
    earlier = [now.champion, *now.before] if now else []
    before = list(dict.fromkeys(name for name in earlier if name != champion))[:KEPT]
    release = Release(
        champion=champion,
        challenger=challenger,
        experiment=running,
        before=before,
        time=(time or datetime.now(UTC)).isoformat(timespec="seconds"),
    )
    if now and running and trial_of(now) == trial_of(release):
        release = msgspec.structs.replace(release, time=now.time)
    write_release(live, release)
    for folder in (live / "bundles").iterdir():
        if folder.name not in {champion, challenger, *before}:
            shutil.rmtree(folder)
    instead = f", instead of {now.champion}" if now and now.champion != champion else ""
    beside = f", with {challenger} in a {experiment.mode}" if challenger else ""
    return f"live: {champion}{instead}{beside}"


def trial_of(release: Release) -> tuple[str, str, Experiment | None]:
    """Return the versions and their experiment, which continues if their bundles are made again."""
    champion, challenger = release.champion, release.challenger or ""
    return champion.partition("-")[0], challenger.partition("-")[0], release.experiment


def deploy(
    live: Path,
    held_out: HeldOut = held_out_rows,
    experiment: Experiment | None = None,
    now: datetime | None = None,
) -> None:
    """Release the champion and, in an experiment, the challenger.

    The experiment is that of experiment.yaml, unless another is given. A version without a bundle
    is proven with the rows of `held_out`.
    """
    settings, experiment = read_settings(), experiment or read_experiment()
    with (
        changing(live),
        tempfile.TemporaryDirectory(dir=live, prefix="candidate-") as candidate,
        tracking_store() as client,
    ):
        champion = registry.champion(client)
        if champion is None:
            raise UserError("no version is the champion yet: run make promote")
        name = proven_bundle(champion, held_out, Path(candidate), live, settings)
        challenger = None
        if experiment.mode != "off":
            version = challenger_of(client, experiment, champion)
            challenger = proven_bundle(version, held_out, Path(candidate), live, settings)
        print(put_live(live, name, challenger, experiment, now))


def main() -> None:
    """Release the champion."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    deploy(LIVE)


if __name__ == "__main__":
    run(main)
