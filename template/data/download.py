"""Download a month of New York taxi rides into data/: python data/download.py 2019-03 [yellow]

The files are the TLC's own trip records. `newest` instead of a month finds the newest there is.
A download that broke off goes on where it stopped.
"""

import os
import re
import shutil
import sys
import urllib.error
import urllib.request
from datetime import date
from http import HTTPStatus
from pathlib import Path

HOST = os.environ.get("TLC_URL", "https://d37ci6vzurychx.cloudfront.net/trip-data")
FOLDER = Path(__file__).parent
CHUNK = 1 << 20
MONTHS_OF_DELAY = 12  # how far back to look: the TLC publishes some months late


def fetch(url: str, target: Path) -> None:
    """Bring the file at `url` to `target`, which exists only once it is whole."""
    part = target.with_name(target.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        part.unlink()  # it holds all there is, or something else: begin again
        return fetch(url, target)
    with response:
        resumed = response.status == HTTPStatus.PARTIAL_CONTENT
        have = have if resumed else 0
        size = have + int(response.headers["Content-Length"])
        with part.open("ab" if resumed else "wb") as file:
            while block := response.read(CHUNK):
                file.write(block)
                have += len(block)
                print(
                    f"\r{target.name}: {have / 1e6:.1f} of {size / 1e6:.1f} MB", end="", flush=True
                )
    print()
    if have != size:
        raise OSError(f"the connection ended after {have} of {size} bytes; run it again to go on")
    shutil.move(part, target)


def url_of(month: str, colour: str) -> str:
    """Where the TLC publishes the rides of a month."""
    return f"{HOST}/{colour}_tripdata_{month}.parquet"


def newest_month(colour: str, today: date) -> str:
    """The newest month that is published, as 2019-03."""
    months = today.year * 12 + today.month - 1
    for number in range(months, months - MONTHS_OF_DELAY, -1):
        month = f"{number // 12}-{number % 12 + 1:02}"
        request = urllib.request.Request(url_of(month, colour), method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError:
            continue
        return month
    raise OSError(f"none of the last {MONTHS_OF_DELAY} months is published")


def main() -> None:
    month = sys.argv[1] if len(sys.argv) > 1 else ""
    colour = sys.argv[2] if len(sys.argv) > 2 else "green"
    known = month == "newest" or re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", month)
    if not known or colour not in {"green", "yellow"}:
        sys.exit("error: say which month: make data MONTH=2019-03, or MONTH=newest COLOUR=yellow")
    try:
        if month == "newest":
            month = newest_month(colour, date.today())
        url = url_of(month, colour)
        target = FOLDER / url.rpartition("/")[2]
        if target.exists():
            print(f"{target} is there already")
            return
        fetch(url, target)
    except urllib.error.HTTPError as error:
        sys.exit(f"error: {error.url} answers {error.code}: the TLC may not have that month yet")
    except OSError as error:
        sys.exit(
            f"error: nothing could be downloaded from {HOST}: {error}\n"
            "Without a network the project works on made-up sample rides."
        )
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
