"""Put the registry's champion live, if it proves fit to serve: `make deploy`.

Refuses with the reason and exit code 1; what serves then goes on serving.
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

from ...dataset import Split, load_rows, validate_rows
from ...errors import UserError, run
from ...experiments.plan import Experiment, read_experiment
from ...pipelines import registry
from ...pipelines.comparison import fresh_split, origin
from ...pipelines.parameters import read_params
from ...pipelines.tracking import NAME, tracking_store
from ...pipelines.training import code_version
from ..bundle import (
    LIVE,
    Manifest,
    Release,
    bundle_folder,
    changing,
    read_manifest,
    read_release,
    write_release,
)
from ..settings import Settings, read_settings
from .export import Registered, export
from .proof import difference, prove

KEPT = 5  # bundles that a rollback can go back to

# Rows that a version has learned from, and rows to prove it by.
HeldOut = Callable[[ModelVersion], Split]


@contextmanager
def deploying(live: Path) -> Iterator[Path]:
    """A folder for a candidate, for one deployment at a time.

    Raises:
        UserError: another one is under way.
    """
    with changing(live):
        (live / "bundles").mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=live, prefix="candidate-") as folder:
            yield Path(folder)


def held_out_rows(version: ModelVersion) -> Split:
    """The rows of the pipeline's window, split so that the version has not seen the test rows.

    Raises:
        UserError: there are no rows that it has not learned from.
    """
    window = read_params().data
    rows = validate_rows(load_rows(window.start, window.end))
    came_from = origin(version)
    split = fresh_split(rows, came_from.test_share, came_from)
    if split.test.empty:
        raise UserError(
            f"version {version.version} has learned from all rows there are: none is left to "
            "prove it by. Bring newer data, or train anew"
        )
    return split


def make_ready(
    version: ModelVersion, held_out: HeldOut, candidate: Path, live: Path, settings: Settings
) -> str:
    """Export the version, prove it, and bring it among the bundles; its name there.

    Raises:
        UserError: it does not prove fit to serve.
    """
    known = ready_bundle(version, live)
    if known is not None:
        print(f"version {version.version} of {NAME} has been proven: {known}")
        return known
    model = Registered(version, registry.load_model(version), held_out(version))
    folder = candidate / "bundles" / f"v{version.version}"
    manifest = export(model, folder, partial(difference, model, settings=settings))
    print(f"version {version.version} of {NAME}: {in_words(manifest)}")
    try:
        for shown in prove(model, folder, settings):
            print(f"  {shown}")
    except UserError as error:
        raise UserError(f"version {version.version} is not deployed: {error}") from error
    name = bundle_name(manifest)
    ready = bundle_folder(live, name)
    if ready.exists():  # damaged, or `ready_bundle` would have found it
        shutil.rmtree(ready)
    folder.rename(ready)
    return name


def ready_bundle(version: ModelVersion, live: Path) -> str | None:
    """The version's bundle, if the same code has made and proven one before."""
    for folder in sorted((live / "bundles").glob(f"v{version.version}-*")):
        try:
            manifest = read_manifest(folder)
        except UserError:
            continue  # damaged: it is made anew
        if manifest.run_id == version.run_id and manifest.code_version == code_version():
            return folder.name
    return None


def bundle_name(manifest: Manifest) -> str:
    """The version and a hash of what is in the bundle."""
    contents = repr((manifest.run_id, manifest.code_version, sorted(manifest.files.items())))
    return f"v{manifest.version}-{hashlib.sha256(contents.encode()).hexdigest()[:8]}"


def in_words(manifest: Manifest) -> str:
    """How the bundle will be served, and what that costs."""
    if manifest.why_python is None:
        return "exported to ONNX"
    return (
        "served by scikit-learn itself, which takes several times the CPU (docs/3-serving.md has "
        f"the figures), because it cannot be exported: {manifest.why_python}"
    )


def challenger_of(client: MlflowClient, experiment: Experiment) -> ModelVersion:
    """The version that the experiment compares with the champion.

    Raises:
        UserError: the registry does not have it.
    """
    if experiment.challenger is None:
        version = registry.by_alias(client, "challenger")
        if version is None:
            raise UserError(
                "experiment.yaml names no challenger, and no version in the registry has the "
                "alias 'challenger'"
            )
        return version
    try:
        return registry.numbered(client, str(experiment.challenger))
    except UserError as error:
        raise UserError(f"experiment.yaml, challenger: {error}") from error


def put_live(
    live: Path,
    champion: str,
    challenger: str | None,
    experiment: Experiment,
    time: datetime | None = None,
) -> str:
    """Write the release, of this time or of now, and say what has changed."""
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
    remove_old_bundles(live, {champion, challenger, *before})
    instead = f", instead of {now.champion}" if now and now.champion != champion else ""
    beside = f", with {challenger} in a {experiment.mode}" if challenger else ""
    return f"live: {champion}{instead}{beside}"


def trial_of(release: Release) -> tuple[str, str, Experiment | None]:
    """Which versions compete, and how: bundled anew by other code, they go on competing."""
    champion, challenger = release.champion, release.challenger or ""
    return champion.partition("-")[0], challenger.partition("-")[0], release.experiment


def remove_old_bundles(live: Path, kept: set[str | None]) -> None:
    """Delete the bundles that nothing can go back to."""
    for folder in (live / "bundles").iterdir():
        if folder.name not in kept:
            shutil.rmtree(folder)


def deploy(
    live: Path,
    held_out: HeldOut = held_out_rows,
    experiment: Experiment | None = None,
    now: datetime | None = None,
) -> None:
    """Put the champion live, and the challenger beside it if an experiment asks for one.

    The experiment is the one in experiment.yaml, unless another is given. A version that has no
    bundle yet is proven by rows that `held_out` gives.

    Raises:
        UserError: there is no champion, or what shall serve does not prove fit to.
    """
    settings, experiment = read_settings(), experiment or read_experiment()
    with deploying(live) as candidate, tracking_store() as client:
        champion = registry.champion(client)
        if champion is None:
            raise UserError("no version is the champion yet: run make promote")
        name = make_ready(champion, held_out, candidate, live, settings)
        challenger = None
        if experiment.mode != "off":
            version = challenger_of(client, experiment)
            if version.version == champion.version:
                raise UserError(f"version {version.version} cannot challenge itself")
            challenger = make_ready(version, held_out, candidate, live, settings)
        print(put_live(live, name, challenger, experiment, now))


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    deploy(LIVE)


if __name__ == "__main__":
    run(main)
