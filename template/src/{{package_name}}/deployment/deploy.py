"""Release the registry's champion if its bundle passes the proof: `make deploy`.

Otherwise it says why, with exit code 1, and the active release continues to serve.
"""

import argparse
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def deploying(live: Path) -> Iterator[Path]:
    """Provide a folder for a candidate, to one deployment at a time."""
    with changing(live):
        (live / "bundles").mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=live, prefix="candidate-") as folder:
            yield Path(folder)


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
    """Export and prove the version; return the name of its bundle."""
    known = known_bundle(version, live)
    if known is not None:
        print(f"version {version.version} of {NAME} was proven before: {known}")
        return known
    model = Registered(version, registry.load_model(version), held_out(version))
    folder = candidate / "bundles" / f"v{version.version}"
    manifest = export(model, folder, partial(difference, model, settings=settings))
    how = "exported to ONNX"
    if manifest.why_python is not None:
        how = (
            "served by scikit-learn itself, which takes several times the CPU "
            f"(docs/3-serving.md), because it cannot be exported: {manifest.why_python}"
        )
    print(f"version {version.version} of {NAME}: {how}")
    try:
        for shown in prove(model, folder, settings):
            print(f"  {shown}")
    except UserError as error:
        raise UserError(f"version {version.version} is not deployed: {error}") from error
    name = bundle_name(manifest)
    target = bundle_folder(live, name)
    if target.exists():  # damaged, or it would be known
        shutil.rmtree(target)
    folder.rename(target)
    return name


def known_bundle(version: ModelVersion, live: Path) -> str | None:
    """Return the version's bundle if this code has made one before."""
    for folder in sorted((live / "bundles").glob(f"v{version.version}-*")):
        try:
            manifest = read_manifest(folder)
        except UserError:
            continue  # damaged: it is made again
        if manifest.run_id == version.run_id and manifest.code_version == code_version():
            return folder.name
    return None


def bundle_name(manifest: Manifest) -> str:
    """Return the version with a hash of the bundle's content."""
    contents = repr((manifest.run_id, manifest.code_version, sorted(manifest.files.items())))
    return f"v{manifest.version}-{hashlib.sha256(contents.encode()).hexdigest()[:8]}"


def challenger_of(client: MlflowClient, experiment: Experiment) -> ModelVersion:
    """Return the version that the experiment compares with the champion."""
    if experiment.challenger is None:
        version = registry.by_alias(client, "challenger")
        if version is None:
            raise UserError(
                "experiment.yaml: challenger: none is set, and no registered version has the "
                "alias 'challenger'"
            )
        return version
    try:
        return registry.numbered(client, str(experiment.challenger))
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
    with deploying(live) as candidate, tracking_store() as client:
        champion = registry.champion(client)
        if champion is None:
            raise UserError("no version is the champion yet: run make promote")
        name = proven_bundle(champion, held_out, candidate, live, settings)
        challenger = None
        if experiment.mode != "off":
            version = challenger_of(client, experiment)
            if version.version == champion.version:
                raise UserError(f"version {version.version} cannot challenge itself")
            challenger = proven_bundle(version, held_out, candidate, live, settings)
        print(put_live(live, name, challenger, experiment, now))


def main() -> None:
    """Release the champion."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    deploy(LIVE)


if __name__ == "__main__":
    run(main)
