"""Go back to the bundle that served before: `make rollback`."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ...errors import UserError, run
from ..bundle import (
    LIVE,
    Release,
    bundle_folder,
    changing,
    read_manifest,
    read_release,
    write_release,
)


def rollback(live: Path, to: str | None = None, now: datetime | None = None) -> Release:
    """Put a bundle live that served before, alone; an experiment ends here.

    It is the one before, or that of the version `to`. Where that version serves alone already,
    nothing changes.

    Raises:
        UserError: no such bundle is left, it is no longer whole, or a deployment is under way.
    """
    with changing(live):
        serving = read_release(live)
        bundles = [serving.champion, *serving.before] if serving else []
        place = 1 if to is None else place_of(to, bundles)
        if serving is None or place is None or place >= len(bundles):
            what = "nothing" if to is None else f"no bundle of version {to} that is left"
            raise UserError(f"{what} served before what is in {live}/ now: there is no way back")
        if place == 0 and serving.experiment is None:
            return serving
        read_manifest(bundle_folder(live, bundles[place]))
        release = Release(
            champion=bundles[place],
            before=bundles[place + 1 :],
            time=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
        )
        write_release(live, release)
        return release


def place_of(version: str, bundles: Sequence[str]) -> int | None:
    """Where the first bundle of the version stands among these; None if none does."""
    return next((i for i, name in enumerate(bundles) if name.startswith(f"v{version}-")), None)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    release = rollback(LIVE)
    print(f"live: {release.champion}")
    print("the registry's champion is still the other one: promote another before make deploy")


if __name__ == "__main__":
    run(main)
