"""Go back to the bundle that served before: `make rollback`."""

import argparse
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


def rollback(live: Path) -> Release:
    """Put the bundle live that served before, alone; an experiment ends here.

    Raises:
        UserError: nothing served before, it is no longer whole, or a deployment is under way.
    """
    with changing(live):
        now = read_release(live)
        if now is None or not now.before:
            raise UserError(f"nothing served before what is in {live}/ now: there is no way back")
        read_manifest(bundle_folder(live, now.before[0]))
        release = Release(
            champion=now.before[0],
            before=now.before[1:],
            time=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_release(live, release)
        return release


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    release = rollback(LIVE)
    print(f"live: {release.champion}")
    print("the registry's champion is still the other one: promote another before make deploy")


if __name__ == "__main__":
    run(main)
