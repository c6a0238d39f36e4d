"""Download a month of New York taxi rides: `python data/download.py 2019-03 [yellow]`.

The files are the TLC's own trip records; `newest` instead of a month finds the newest one.
"""

import os
import re
import shutil
import sys
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path

HOST = os.environ.get("TLC_URL", "https://d37ci6vzurychx.cloudfront.net/trip-data")
FOLDER = Path(__file__).parent
MONTHS_OF_DELAY = 12  # how far back to look: the TLC publishes some months late


def url_of(month: str, colour: str) -> str:
    """Return the address of the rides of a month."""
    return f"{HOST}/{colour}_tripdata_{month}.parquet"


def newest_month(colour: str, today: date) -> str:
    """Return the newest month that is published, as 2019-03."""
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


def download(url: str, target: Path) -> None:
    """Download a file; it exists only once it is complete."""
    part = target.with_name(target.name + ".part")
    with urllib.request.urlopen(url, timeout=30) as response, part.open("wb") as file:
        shutil.copyfileobj(response, file)
        size = int(response.headers["Content-Length"])
    if part.stat().st_size != size:
        raise OSError(f"the connection ended after {part.stat().st_size} of {size} bytes")
    part.replace(target)


def main() -> None:
    """Download the month, or explain why not."""
    month = sys.argv[1] if len(sys.argv) > 1 else ""
    colour = sys.argv[2] if len(sys.argv) > 2 else "green"
    known = month == "newest" or re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", month)
    if not known or colour not in {"green", "yellow"}:
        sys.exit("error: name a month: make data MONTH=2019-03, or MONTH=newest COLOUR=yellow")
    try:
        url = url_of(newest_month(colour, date.today()) if month == "newest" else month, colour)
        target = FOLDER / url.rpartition("/")[2]
        if not target.exists():
            download(url, target)
    except urllib.error.HTTPError as error:
        sys.exit(f"error: {error.url}: status {error.code}. The TLC may not have that month yet")
    except OSError as error:
        sys.exit(f"error: {HOST}: {error}. Without data, the project uses synthetic rides")
    print(f"{target} is there")


if __name__ == "__main__":
    main()
