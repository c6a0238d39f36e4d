"""Delete records older than `retention_days` from the prediction log: `make prune`."""

import argparse
import time

from ..errors import UserError, run
from .settings import read_settings
from .store import reading

DAY = 86_400.0


def main() -> None:
    """Delete old records, and return their space."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=read_settings().retention_days)
    days = parser.parse_args().days
    if days < 1:
        raise UserError(f"DAYS: {days} must be at least 1")
    with reading() as store:
        deleted = store.prune(time.time() - days * DAY)
        store.release_space()
    print(f"deleted {deleted} predictions older than {days} days, and their feedback")


if __name__ == "__main__":
    run(main)
