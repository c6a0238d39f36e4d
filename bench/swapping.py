"""Releases that replace each other under load, and a check of the responses meanwhile."""

import asyncio
import json
import re
import shutil
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from .servers import CONNECTIONS, Server, post

SWAPS = 20
OTHER_VERSION = "2"
# Appended to the champion's features, this gives other predictions at about the same cost.
OTHER_FEATURES = """

champions_features = features


def features(rows):
    return champions_features(rows | {"distance_miles": 2 * rows["distance_miles"] + 1})
"""


def write_release(live: Path, **release: Any) -> None:
    """Replace the release atomically, as `make deploy` does."""
    part = live / "release.json.part"
    part.write_text(json.dumps(release))
    part.replace(live / "release.json")


def add_other_bundle(live: Path, champion: str) -> str:
    """Copy the champion's bundle as another version with other predictions."""
    folder = shutil.copytree(live / "bundles" / champion, live / "bundles" / "v2-other")
    source = folder / "request_time.py"
    source.write_text(source.read_text() + OTHER_FEATURES)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["version"] = OTHER_VERSION
    manifest["files"][source.name] = sha256(source.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder.name


@dataclass
class Swaps:
    """The number of responses while releases change, and of those that are wrong."""

    answers: int = 0
    failed: int = 0
    mixed: int = 0  # the prediction of another version
    stale: int = 0  # an older version, after a newer one was reported

    def __str__(self) -> str:
        """Return the counts in one sentence."""
        return (
            f"{SWAPS} releases under load: {self.answers} responses, "
            f"{self.failed} failed, {self.mixed} mixed, {self.stale} stale."
        )


class Swapping:
    """Releases two bundles in turn while clients send requests, and checks each response."""

    def __init__(self, server: Server, live: Path, bundles: Sequence[str]) -> None:
        self.server = server
        self.live = live
        self.bundles = bundles
        self.seen = Swaps()
        self.right: dict[str, float] = {}
        # The only version that may respond; None from a release until the service reports it.
        self.shown: str | None = None
        self.swaps = 0
        body = server.case.body.encode()
        self.request = (
            f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    async def run(self) -> Swaps:
        """Release the bundles in turn, and return the counts."""
        for bundle in self.bundles:
            await self._swap(bundle)
            answer = await asyncio.to_thread(
                post, self.server.url + "/predict", self.server.case.body
            )
            self.right[answer["version"]] = answer["prediction"]
        assert len(set(self.right.values())) == len(self.bundles)
        asking = [asyncio.create_task(self._ask()) for _ in range(CONNECTIONS)]
        for number in range(SWAPS):
            await self._swap(self.bundles[number % 2])
            await asyncio.sleep(0.2)
        self.swaps = -1
        await asyncio.gather(*asking)
        return self.seen

    async def _swap(self, bundle: str) -> None:
        """Release the bundle, and wait until the service reports it."""
        self.shown = None
        self.swaps += 1
        write_release(self.live, champion=bundle)
        while self.shown is None:
            model = await asyncio.to_thread(self._model)
            if model["bundle"] == bundle:
                self.shown = model["version"]

    def _model(self) -> Any:
        with urllib.request.urlopen(self.server.url + "/model", timeout=30) as answer:
            return json.load(answer)["champion"]

    async def _ask(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        while self.swaps >= 0:
            shown, swaps = self.shown, self.swaps
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            answer = json.loads(await reader.readexactly(int(length[1])))
            self.seen.answers += 1
            if not head.startswith(b"HTTP/1.1 200 "):
                self.seen.failed += 1
                continue
            version = answer["version"]
            self.seen.mixed += answer["prediction"] != self.right[version]
            self.seen.stale += shown is not None and swaps == self.swaps and version != shown
        writer.close()
        await writer.wait_closed()
