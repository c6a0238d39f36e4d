"""Tests of `data/download.py`: a month of rides is downloaded whole or not at all."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from projects import TEMPLATE

BODY = bytes(range(256)) * 10_000


@dataclass
class Publisher:
    """The files that a server publishes, and how many downloads it has begun."""

    files: dict[str, bytes]
    url: str = ""
    breaks_off_after: int | None = None
    downloads: int = 0


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """Provide a server that publishes files as the TLC does."""
    published = Publisher({"/green_tripdata_2019-03.parquet": BODY})

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            """Say whether the file is published."""
            self.send_response(200 if self.path in published.files else 403)
            self.end_headers()

        def do_GET(self) -> None:
            """Send the file."""
            body = published.files.get(self.path)
            if body is None:
                self.send_error(403)
                return
            published.downloads += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: published.breaks_off_after])

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    published.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield published
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project's data folder."""
    shutil.copy(TEMPLATE / "data/download.py", tmp_path)
    return tmp_path


def download(folder: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    command = [sys.executable, str(folder / "download.py"), *arguments]
    environment = os.environ | {"TLC_URL": url, "no_proxy": "127.0.0.1"}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert "Traceback" not in finished.stderr
    return finished


def test_a_month_arrives_whole(publisher: Publisher, folder: Path) -> None:
    assert download(folder, publisher.url, "2019-03").returncode == 0
    assert (folder / "green_tripdata_2019-03.parquet").read_bytes() == BODY
    assert not list(folder.glob("*.part"))


def test_what_is_there_is_not_downloaded_again(publisher: Publisher, folder: Path) -> None:
    download(folder, publisher.url, "2019-03")
    again = download(folder, publisher.url, "2019-03")
    assert "is there" in again.stdout
    assert publisher.downloads == 1


def test_a_download_that_breaks_off_leaves_no_file(publisher: Publisher, folder: Path) -> None:
    publisher.breaks_off_after = 1_000_000
    broken = download(folder, publisher.url, "2019-03")
    assert broken.returncode == 1
    assert f"after 1000000 of {len(BODY)} bytes" in broken.stderr
    assert not (folder / "green_tripdata_2019-03.parquet").exists()
    publisher.breaks_off_after = None
    assert download(folder, publisher.url, "2019-03").returncode == 0
    assert (folder / "green_tripdata_2019-03.parquet").read_bytes() == BODY
    assert not list(folder.glob("*.part"))


def test_the_newest_month_is_found(publisher: Publisher, folder: Path) -> None:
    published = date.today().replace(day=1)
    for _ in range(2):
        published = (published.replace(day=1) - date.resolution).replace(day=1)
    name = f"green_tripdata_{published:%Y-%m}.parquet"
    publisher.files[f"/{name}"] = BODY
    assert download(folder, publisher.url, "newest").returncode == 0
    assert (folder / name).exists()


def test_a_month_that_is_not_published_is_told(publisher: Publisher, folder: Path) -> None:
    missing = download(folder, publisher.url, "2019-04")
    assert missing.returncode == 1
    assert "may not have that month yet" in missing.stderr


@pytest.mark.parametrize("arguments", [[], ["2019"], ["2019-13"], ["../x"], ["2019-03", "pink"]])
def test_what_is_no_month_is_refused(folder: Path, arguments: list[str]) -> None:
    refused = download(folder, "http://127.0.0.1:9", *arguments)
    assert refused.returncode == 1
    assert "MONTH=2019-03" in refused.stderr


def test_without_a_network_the_error_says_what_still_works(folder: Path) -> None:
    offline = download(folder, "http://127.0.0.1:9", "2019-03")
    assert offline.returncode == 1
    assert "synthetic rides" in offline.stderr
    assert [file.name for file in folder.iterdir()] == ["download.py"]
