"""The scenario: days of traffic with mishaps, and a loop that steps once a day."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
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
from .sandbox import wait_until
from .traffic import Traffic

DAY = timedelta(days=1)
MORNING = 1800.0  # seconds after midnight: yesterday's ground truth arrives, and the loop steps
PACE = 0.1  # seconds between requests while the loop steps
AT_ONCE = 40  # rows in a request otherwise


@dataclass(frozen=True)
class Chapter:
    """Some days, and what happens on them.

    `changed` is how often the target has changed. A chapter ends after `days`, or `afterwards`
    days after the loop has made decisions of the kinds in `until`, in their order.
    """

    title: str
    happens: str
    days: int
    changed: int = 0
    until: tuple[str, ...] = ()
    afterwards: int = 0
    poisoned: tuple[int, ...] = ()  # days whose ground truth arrives wrong


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
    Chapter("Broken feed", "For two days, the ground truth comes in wrong.", 6, 1, poisoned=(1, 2)),
    Chapter(
        "Passing shock", "The target changes again, and the loop believes it.", 21, 2, ("promoted",)
    ),
    Chapter("After the shock", "All is as it was before the shock.", 14, 1, ("rolled back",), 5),
]


@dataclass
class Asked:
    """The rows of a day, also as JSON, and the responses so far; a failed request gives {}."""

    rows: pd.DataFrame
    body: list[dict[str, Any]]
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """A day: mean scores as served, and of the first champion if nobody had replaced it."""

    day: date
    chapter: int
    rows: int
    served: float
    alone: float


@dataclass
class Scenario:
    """The scenario as far as it has gone. `alone` is the first champion."""

    live: Path
    journal: Journal
    clock: SimpleNamespace  # its `now` is the time of the service, in POSIX seconds
    http: httpx.Client
    written: Callable[[], bool]
    traffic: Traffic
    alone: TrainedModel
    asked: dict[date, Asked] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    requests: int = 0
    failures: list[str] = field(default_factory=list)

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
        if day - DAY in self.asked:
            self._tell(self.asked[day - DAY], number in chapter.poisoned)
        rows = self.traffic.day(day, chapter.changed)  # while the log is written
        body = request_rows(rows, row_schema(problem.SCHEMA, problem.TARGET).fields)
        self.asked[day] = Asked(rows, body)
        wait_until(lambda: self._stored(day - DAY), "store the ground truth")
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
        while len(asked.answers) < len(asked.body):
            done = len(asked.answers) / len(asked.body)
            rows = 1
            if stepped.wait(PACE if 0 < done < 0.5 else None if done else 0):
                self.clock.now = midnight(day).timestamp() + max(MORNING, 86_400 * done)
                rows = AT_ONCE
            body = asked.body[len(asked.answers) :][:rows]
            asked.answers += self._post("/predict", body) or [{}] * len(body)

    def _tell(self, asked: Asked, wrong: bool) -> None:
        """Send the ground truth of a day."""
        truth = asked.rows[problem.TARGET].to_numpy()
        truth = self.traffic.wrong(truth) if wrong else truth
        pairs = zip(asked.answers, truth.tolist(), strict=True)
        body = [{"id": answer["id"], "actual": value} for answer, value in pairs if answer]
        for start in range(0, len(body), AT_ONCE):
            self._post("/feedback", body[start : start + AT_ONCE])

    def _post(self, path: str, body: Any) -> Any:
        """Return the JSON of a response; None if the request failed."""
        self.requests += 1
        try:
            answer = self.http.post(path, json=body)
            if answer.is_success:
                return answer.json()
            self.failures.append(f"{path}: {answer.status_code} {answer.text[:200]}")
        except httpx.HTTPError as error:
            self.failures.append(f"{path}: {error!r}")
        return None

    def _stored(self, day: date) -> bool:
        """Return whether the ground truth of a day is in the prediction log."""
        sent = sum(map(bool, self.asked[day].answers)) if day in self.asked else 0
        return self.written() and counts(self.journal.store, day)[1] >= sent

    def _switched(self) -> bool:
        """Return whether the service has loaded the release."""
        release = read_release(self.live)
        serving = self.http.get("/model").json().get("champion", {}).get("bundle")
        return release is None or release.champion == serving

    def _scored(self, day: date, chapter: int) -> Told:
        """Score a day by its right ground truth."""
        asked = self.asked[day]
        rows = asked.rows[[bool(answer) for answer in asked.answers]]
        predictions = np.array([value_of(answer) for answer in asked.answers if answer])
        served = row_scores(rows[problem.TARGET].to_numpy(), predictions, rows)
        alone = scores_of(self.alone, asked.rows)
        return Told(day, chapter, len(asked.rows), float(served.mean()), float(alone.mean()))


def day_of(line: Line) -> date:
    """Return the day of a decision; the newest day that it rests on is the one before."""
    return datetime.fromtimestamp(line.time, UTC).date()
