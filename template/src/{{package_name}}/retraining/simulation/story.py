"""The story of a model in production: days of traffic, a loop that steps once a day, and mishaps.

Everything in it is the real thing but the clock and the users: the service answers over HTTP, the
log and the registry are files, the loop retrains, deploys and rolls back.
"""

import io
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import numpy as np
import pandas as pd

from ... import problem
from ...deployment.export import request_rows
from ...deployment.proof import value_of
from ...deployment.schema import row_schema
from ...evaluate import row_scores, scores_of
from ...serving.bundle import read_release
from ...serving.store import open_store
from ...trained_model import TrainedModel
from ..journal import Journal, Line
from ..loop import tick
from ..policy import Policy
from .service import Clock, wait_until
from .traffic import Traffic, World

MORNING = timedelta(minutes=10)  # yesterday's true values are told,
STEP = timedelta(minutes=30)  # then the loop steps
PACE, SLOW_PACE = 0.05, 0.5  # seconds between two requests while the loop steps
AT_ONCE = 10  # rows in a request otherwise
WHO = "somebody who does not know of the broken extract"
AS_EVER, CHANGED = World(), World(changed=1)


@dataclass(frozen=True)
class Chapter:
    """Some days, and what is the matter on them.

    It ends after `days`, or so many days after the loop has made decisions of these kinds, in
    this order.
    """

    title: str
    happens: str
    days: int
    world: World = AS_EVER
    until: tuple[str, ...] = ()
    afterwards: int = 0
    mishap: Literal["feed", "extract"] | None = None


STORY = [
    Chapter("Quiet weeks", "Nothing happens. The loop learns what is usual.", 44),
    Chapter(
        "Harmless shift",
        "Other inputs than before, and what is true of them is what it was. Errors may be larger "
        "on such days, and no model could do better.",
        8,
        World(shifted=True),
    ),
    Chapter(
        "Sudden drift",
        "From one day to the next, and for good, something else is true of the same inputs.",
        45,
        CHANGED,
        until=("promoted", "trusted"),
        afterwards=1,
    ),
    Chapter(
        "Poisoned feed",
        "For two days, the true values come in wrong. They are corrected two days later.",
        5,
        CHANGED,
        mishap="feed",
    ),
    Chapter(
        "Bad challenger",
        "The true values of past weeks are mixed up among the rows, and then somebody asks for a "
        "retraining. A day later they are in order again.",
        7,
        CHANGED,
        mishap="extract",
    ),
    Chapter(
        "Passing shock",
        "Again something else is true, long enough for the loop to believe it.",
        21,
        World(changed=2),
        until=("promoted",),
    ),
    Chapter(
        "After the shock",
        "It is over: all is as it was before. The model that has learned the shock is wrong now.",
        14,
        CHANGED,
        until=("rolled back",),
        afterwards=6,
    ),
]
POISONED_DAYS, CORRECTED_AFTER = 2, 2


@dataclass
class Asked:
    """The rows of a day as the service got them, their true values, and what it answered.

    An answer that did not come is missing.
    """

    rows: pd.DataFrame
    ids: list[str | None] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)

    @property
    def truth(self) -> np.ndarray:
        return self.rows[problem.TARGET].to_numpy()


@dataclass(frozen=True)
class Told:
    """A day of the story: mean scores of what was served, and of the first champion left alone."""

    day: date
    chapter: int
    rows: int
    served: float
    alone: float
    versions: dict[str, int]


class Users:
    """Who asks the service, and tells it what became true. Counts what fails.

    `most` is how many rows the service takes in one request.
    """

    def __init__(self, url: str, token: str, most: int) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)
        self.fields = row_schema(problem.SCHEMA, problem.TARGET).fields
        self.most = most
        self.requests = 0
        self.failures: list[str] = []

    def ask(self, asked: Asked, part: slice) -> None:
        """Ask for some rows of the day, and keep the answers."""
        rows = request_rows(asked.rows.iloc[part], self.fields)
        answers = self._post("/predict", rows) or [{}] * len(rows)
        for answer in answers:
            asked.ids.append(answer.get("id"))
            asked.predictions.append(value_of(answer))
            asked.versions.append(answer.get("version", "none"))

    def tell(self, ids: Sequence[str | None], truth: np.ndarray) -> dict[str, Any]:
        """Tell the true values of predictions; those that the service took."""
        pairs = [
            {"id": id, "actual": value}
            for id, value in zip(ids, truth.tolist(), strict=True)
            if id is not None
        ]
        parts = [pairs[start : start + self.most] for start in range(0, len(pairs), self.most)]
        taken = [part for part in parts if self._post("/feedback", part) is not None]
        return {pair["id"]: pair["actual"] for part in taken for pair in part}

    def serving(self) -> str | None:
        """The bundle that answers now."""
        return self.http.get("/model").json().get("champion", {}).get("bundle")

    def close(self) -> None:
        """Hang up."""
        self.http.close()

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


class Story:
    """The story as far as it has gone. `alone` is the first champion, which nobody replaces."""

    def __init__(
        self,
        live: Path,
        url: str,
        clock: Clock,
        users: Users,
        traffic: Traffic,
        policy: Policy,
        alone: TrainedModel,
    ) -> None:
        self.live = live
        self.clock = clock
        self.users = users
        self.traffic = traffic
        self.policy = policy
        self.alone = alone
        self.store = open_store(url)
        self.journal = Journal(open_store(url))
        self.day = traffic.first
        self.asked: dict[date, Asked] = {}
        self.poisoned: list[date] = []  # days whose true values came in wrong
        self.mixed: list[date] = []  # days whose true values were mixed up afterwards
        self.told: list[Told] = []
        self.lines: list[Line] = []

    def play(self) -> Iterator[tuple[Told, list[Line]]]:
        """Each day, with the decisions that the loop made on it."""
        for number, chapter in enumerate(STORY):
            first, left, awaited = self.day, chapter.days, list(chapter.until)
            while left:
                lines = self._live_through(chapter, first)
                told = told_of(self.day, number, self.asked[self.day], self.alone)
                self.lines += lines
                self.told.append(told)
                yield told, lines
                self.day += timedelta(days=1)
                left -= 1
                if awaited:
                    awaited = without_heard(awaited, lines)
                    left = left if awaited else min(left, chapter.afterwards)

    def close(self) -> None:
        """Let go of the stores and of the service."""
        self.store.close()
        self.journal.close()
        self.users.close()

    def _live_through(self, chapter: Chapter, first: date) -> list[Line]:
        """A day: yesterday's truth comes in, and the loop steps while requests go on."""
        self.clock.set(moment(self.day, MORNING))
        self._tell_yesterday(chapter, first)
        mixes = chapter.mishap == "extract" and self.day > first
        who = self._mix_up(first) if mixes else None
        self.clock.set(moment(self.day, STEP))
        self.asked[self.day] = asked = Asked(self.traffic.day(self.day, chapter.world))
        stepped = threading.Event()
        asking = threading.Thread(target=self._ask, args=(asked, stepped))
        asking.start()
        try:
            with redirect_stdout(io.StringIO()):
                tick(self.live, moment(self.day, STEP), who)
            wait_until(self._taken_up, "take up the new release")
        finally:
            stepped.set()
            asking.join()
        return self.journal.lines(after=len(self.lines))

    def _ask(self, asked: Asked, stepped: threading.Event) -> None:
        """Send the day's requests: one by one while the loop steps, so that a gap would show.

        A long step finds the second half of the rows left.
        """
        while len(asked.ids) < len(asked.rows):
            start = len(asked.ids)
            pace = PACE if start < len(asked.rows) / 2 else SLOW_PACE
            if stepped.wait(pace if start else 0):
                self.clock.set(moment(self.day, timedelta(days=start / len(asked.rows))))
                self.users.ask(asked, slice(start, start + min(AT_ONCE, self.users.most)))
            else:
                self.users.ask(asked, slice(start, start + 1))

    def _taken_up(self) -> bool:
        """Whether the service answers with what is live."""
        release = read_release(self.live)
        return release is None or release.champion == self.users.serving()

    def _tell_yesterday(self, chapter: Chapter, first: date) -> None:
        """Tell what became true of yesterday's rows, and correct what was told wrongly before."""
        yesterday, number = self.day - timedelta(days=1), (self.day - first).days
        poisoned = chapter.mishap == "feed" and 0 < number <= POISONED_DAYS
        if yesterday in self.asked:
            truth = self.asked[yesterday].truth
            self._tell(yesterday, self.traffic.told_wrongly(truth) if poisoned else truth)
        if poisoned:
            self.poisoned.append(yesterday)
        if chapter.mishap == "feed" and number == POISONED_DAYS + CORRECTED_AFTER:
            self._correct(self.poisoned)

    def _mix_up(self, first: date) -> str | None:
        """Break the training extract before somebody asks for a retraining; mend it afterwards.

        The newest days, by which a challenger is judged at once, are right. What is asked for is
        taken up before yesterday is looked at.
        """
        if any(line.kind == "asked" for line in self.lines if day_of(line) >= first):
            self._correct(self.mixed)
            self.mixed = []
            return None
        if not self.mixed:
            window, held_out = self.policy.data.window_days, self.policy.gates.offline.holdout_days
            newest = self.day - timedelta(days=2 + held_out)
            days = [newest - timedelta(days=back) for back in range(window - held_out)]
            self.mixed = [day for day in days if day in self.asked]
            truths = [self.asked[day].truth for day in self.mixed]
            mixed = np.random.default_rng(self.traffic.seed).permutation(np.concatenate(truths))
            ends = np.cumsum([len(truth) for truth in truths])[:-1]
            for day, truth in zip(self.mixed, np.split(mixed, ends), strict=True):
                self._tell(day, truth)
        return WHO

    def _correct(self, days: Sequence[date]) -> None:
        """Tell the true values of the days as they are."""
        for day in days:
            self._tell(day, self.asked[day].truth)

    def _tell(self, day: date, truth: np.ndarray) -> None:
        """Tell true values of a day, and wait until they stand in the log."""
        told = self.users.tell(self.asked[day].ids, truth)
        start, end = moment(day, timedelta()), moment(day, timedelta(days=1))

        def written() -> bool:
            outcomes = self.store.outcomes(start, end)
            return told.items() <= {one.prediction.id: one.actual for one in outcomes}.items()

        wait_until(written, f"write down the true values of {day}")


def without_heard(awaited: Sequence[str], lines: Sequence[Line]) -> list[str]:
    """The kinds that are still to come, in their order."""
    left = list(awaited)
    for line in lines:
        if left and line.kind == left[0]:
            del left[0]
    return left


def day_of(line: Line) -> date:
    """The day on which the decision was made; the newest day that it rests on is the one before."""
    return datetime.fromtimestamp(line.time, UTC).date()


def moment(day: date, since_midnight: timedelta) -> float:
    """POSIX seconds of a time on a day in UTC."""
    return (datetime.combine(day, datetime.min.time(), UTC) + since_midnight).timestamp()


def told_of(day: date, chapter: int, asked: Asked, alone: TrainedModel) -> Told:
    """A day in figures: true values are those of the users, whatever the service was told."""
    answered = np.array([prediction is not None for prediction in asked.predictions])
    predictions = np.array([one for one in asked.predictions if one is not None])
    served = row_scores(asked.truth[answered], predictions, asked.rows[answered])
    return Told(
        day=day,
        chapter=chapter,
        rows=len(asked.rows),
        served=float(served.mean()),
        alone=float(scores_of(alone, asked.rows).mean()),
        versions=dict(Counter(asked.versions)),
    )
