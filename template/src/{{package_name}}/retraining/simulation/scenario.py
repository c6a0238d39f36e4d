"""The scenario: days of traffic with mishaps, and a loop that steps once a day.

Service, prediction log, registry and loop are the real ones; the clock and the clients are not.
"""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd

from ... import problem
from ...deployment.export import request_rows
from ...deployment.proof import value_of
from ...deployment.schema import row_schema
from ...evaluate import row_scores, scores_of
from ...serving.bundle import read_release
from ...trained_model import TrainedModel
from ..coverage import counts
from ..journal import Journal, Line
from ..loop import tick
from ..state import midnight
from .sandbox import Clock, wait_until
from .traffic import Traffic

DAY = timedelta(days=1)
MORNING = 1800.0  # seconds after midnight: yesterday's ground truth arrives, and the loop steps
PACE = 0.1  # seconds between requests while the loop steps
AT_ONCE = 10  # rows in a request otherwise
POISONED, CORRECTED = (1, 2), 4  # days of the chapter with a broken feed


@dataclass(frozen=True)
class Chapter:
    """Some days, and what is the matter on them.

    `changed` is how often the ground truth has changed. A chapter ends after `days`, or
    `afterwards` days after the loop has made decisions of the kinds in `until`, in their order.
    """

    title: str
    happens: str
    days: int
    changed: int = 0
    until: tuple[str, ...] = ()
    afterwards: int = 0
    poisoned: bool = False


CHAPTERS = [
    Chapter("Quiet weeks", "Nothing happens. The loop learns what is usual.", 36),
    Chapter(
        "Sudden drift",
        "From one day to the next, and for good, the target of the same inputs is another one.",
        40,
        changed=1,
        until=("promoted", "trusted"),
        afterwards=1,
    ),
    Chapter("Broken feed", "For two days, the ground truth comes in wrong.", 6, 1, poisoned=True),
    Chapter(
        "Passing shock", "The target changes again, and the loop believes it.", 21, 2, ("promoted",)
    ),
    Chapter("After the shock", "All is as it was before the shock.", 14, 1, ("rolled back",), 5),
]


@dataclass
class Asked:
    """The rows of a day, with the identifier and the value of each prediction."""

    rows: pd.DataFrame
    ids: list[str | None] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """A day: mean scores as served, and of the first champion if nobody had replaced it."""

    day: date
    chapter: int
    rows: int
    served: float
    alone: float


class Clients:
    """Clients of the service, which count the requests that fail."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)
        self.fields = row_schema(problem.SCHEMA, problem.TARGET).fields
        self.requests = 0
        self.failures: list[str] = []

    def ask(self, asked: Asked, rows: int) -> None:
        """Ask for the next rows of a day."""
        start = len(asked.ids)
        body = request_rows(asked.rows.iloc[start : start + rows], self.fields)
        for answer in self._post("/predict", body) or [{}] * len(body):
            asked.ids.append(answer.get("id"))
            asked.predictions.append(value_of(answer))

    def tell(self, asked: Asked, truth: np.ndarray) -> None:
        """Send the ground truth of a day."""
        pairs = zip(asked.ids, truth.tolist(), strict=True)
        body = [{"id": id, "actual": value} for id, value in pairs if id is not None]
        for start in range(0, len(body), 200):
            self._post("/feedback", body[start : start + 200])

    def serving(self) -> str | None:
        """Return the bundle that serves."""
        return self.http.get("/model").json().get("champion", {}).get("bundle")

    def _post(self, path: str, body: Any) -> Any:
        self.requests += 1
        try:
            answer = self.http.post(path, json=body)
            if answer.is_success:
                return answer.json()
            self.failures.append(f"{path}: {answer.status_code} {answer.text[:200]}")
        except httpx.HTTPError as error:
            self.failures.append(f"{path}: {error!r}")
        return None


@dataclass
class Scenario:
    """The scenario as far as it has gone. `alone` is the first champion."""

    live: Path
    journal: Journal
    clock: Clock
    clients: Clients
    written: Callable[[], bool]
    traffic: Traffic
    alone: TrainedModel
    asked: dict[date, Asked] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def play(self) -> Iterator[tuple[Told, list[Line]]]:
        """Yield each day, with the decisions that the loop made on it."""
        day = self.traffic.first
        for number, chapter in enumerate(CHAPTERS):
            left, awaited, of_chapter = chapter.days, list(chapter.until), 0
            while left:
                lines = self._live(day, chapter, of_chapter)
                self.lines += lines
                yield self._scored(day, number), lines
                day, of_chapter, left = day + DAY, of_chapter + 1, left - 1
                for line in lines:
                    if awaited and line.kind == awaited[0]:
                        del awaited[0]
                        left = left if awaited else min(left, chapter.afterwards)

    def _live(self, day: date, chapter: Chapter, number: int) -> list[Line]:
        """Live through a day: yesterday's truth arrives, the loop steps, and requests go on."""
        self.clock.now = midnight(day).timestamp() + MORNING
        wrong = chapter.poisoned and number in POISONED
        self._tell(day - DAY, wrong)
        if chapter.poisoned and number == CORRECTED:
            for back in POISONED:
                self._tell(day - (1 + CORRECTED - back) * DAY)
        self.asked[day] = Asked(self.traffic.day(day, chapter.changed))
        stepped = threading.Event()
        asking = threading.Thread(target=self._ask, args=(day, stepped))
        asking.start()
        try:
            with redirect_stdout(io.StringIO()):
                tick(self.live, self.clock.now)
            wait_until(self._switched, "serve the new release")
        finally:
            stepped.set()
            asking.join()
        return self.journal.lines(after=len(self.lines))

    def _ask(self, day: date, stepped: threading.Event) -> None:
        """Send the requests of a day: one by one while the loop steps, so that a gap would show."""
        asked = self.asked[day]
        while len(asked.ids) < len(asked.rows):
            done = len(asked.ids) / len(asked.rows)
            if stepped.wait(PACE if 0 < done < 0.5 else None if done else 0):
                self.clock.now = midnight(day).timestamp() + max(MORNING, 86_400 * done)
                self.clients.ask(asked, AT_ONCE)
            else:
                self.clients.ask(asked, 1)

    def _switched(self) -> bool:
        """Return whether the service has loaded what is live."""
        release = read_release(self.live)
        return release is None or release.champion == self.clients.serving()

    def _tell(self, day: date, wrong: bool = False) -> None:
        """Send the ground truth of a day, and wait until it is in the prediction log."""
        if day in self.asked:
            truth = self.asked[day].rows[problem.TARGET].to_numpy()
            truth = self.traffic.told_wrongly(truth) if wrong else truth
            self.clients.tell(self.asked[day], truth)
            wait_until(lambda: self._stored(day), f"store the ground truth of {day}")

    def _stored(self, day: date) -> bool:
        """Return whether the ground truth of a day is in the prediction log."""
        told = sum(id is not None for id in self.asked[day].ids)
        return self.written() and counts(self.journal.store, day)[1] >= told

    def _scored(self, day: date, chapter: int) -> Told:
        """Score a day by what is really true."""
        asked = self.asked[day]
        answered = np.array([prediction is not None for prediction in asked.predictions])
        predictions = np.array([one for one in asked.predictions if one is not None])
        rows = asked.rows[answered]
        served = row_scores(rows[problem.TARGET].to_numpy(), predictions, rows)
        alone = scores_of(self.alone, asked.rows)
        return Told(day, chapter, len(asked.rows), float(served.mean()), float(alone.mean()))


def day_of(line: Line) -> date:
    """Return the day of a decision; the newest day that it rests on is the one before."""
    return datetime.fromtimestamp(line.time, UTC).date()
