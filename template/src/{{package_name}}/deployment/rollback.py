"""Return to the bundle that served before: `make rollback`."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from ..errors import UserError, run
from ..serving.bundle import (
    LIVE,
    Release,
    bundle_folder,
    changing,
    read_manifest,
    read_release,
    write_release,
)


def rollback(live: Path, to: str | None = None, now: datetime | None = None) -> Release:
    """Release a bundle that served before, and end an experiment.

    It is the bundle before, or that of version `to`. If that version already serves alone,
    nothing changes.
    """
    with changing(live):
        active = read_release(live)
        bundles = [active.champion, *active.before] if active else []
        found = bundles[1:] if to is None else [n for n in bundles if n.startswith(f"v{to}-")]
        if active is None or not found:
            what = "nothing" if to is None else f"no bundle of version {to} that is left"
            raise UserError(f"{what} served before the release in {live}/: there is no way back")
        champion = found[0]
        if champion == active.champion and active.experiment is None:
            return active
        read_manifest(bundle_folder(live, champion))
        release = Release(
            champion=champion,
            before=bundles[bundles.index(champion) + 1 :],
            time=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
        )
        write_release(live, release)
        return release


def main() -> None:
    """Return to the previous release."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    release = rollback(LIVE)
    print(f"live: {release.champion}")
    print("the registry's champion is still the other one: promote another before make deploy")


if __name__ == "__main__":
    run(main)
