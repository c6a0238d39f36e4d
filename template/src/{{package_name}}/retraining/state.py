"""The state that the loop keeps from one step to the next: plain values, stored as JSON."""

from datetime import UTC, date, datetime, time
from typing import Any, Literal

import msgspec

ALL = ""  # the slice that holds every row

# Who is scored on a day's rows. Champion and warm models are versions that stay the same; the
# challengers of a trial are procedures, whose version may be another one each day.
Role = Literal["champion", "recalibrated", "retrained", "trusted", "previous", "constant"]
Why = Literal["drift", "refine", "schedule", "new rows", "asked"]


class Reference(msgspec.Struct, frozen=True):
    """The residuals of a model when nothing has changed, from the days of its training.

    Residuals are logarithms of actual / predicted ("ratio"), differences in units of `scale`
    ("difference"), or how much worse the score is, in units of `scale` ("loss").
    `squares` and `freedom` tell the variance of day means about the two levels: its estimate is
    squares / freedom.
    """

    kind: Literal["ratio", "difference", "loss"]
    scale: float
    weekday: float
    weekend: float
    days: int
    squares: float = 0.0
    freedom: int = 0


class Model(msgspec.Struct, frozen=True):
    """A version in the registry, the last day that it learned from, and its reference.

    A reference of no days says only of which kind residuals are: its levels are still to be seen.
    """

    version: str
    through: date
    reference: Reference
    first: date | None = None  # the first day that it learned from, where that is known


class Change(msgspec.Struct, frozen=True):
    """The first day of another level, and by how much residuals moved, in units of residuals."""

    day: date
    shift: float


class Day(msgspec.Struct, frozen=True):
    """A complete day: for each role and slice the mean loss, and how many rows each slice has.

    The loss is the score, with its sign changed where higher scores are better. `residual` is the
    mean of the champion's residuals, in units of its reference; without one, of a new reference's.
    """

    date: date
    rows: int
    residual: float
    losses: dict[str, dict[str, float]]
    counts: dict[str, int]
    drift: dict[str, float] = {}  # of features: explains an alarm, and never raises one


class Trial(msgspec.Struct, frozen=True):
    """Challengers beside the champion, on days that they have not learned from.

    The candidates are the versions, by role, that the next day will be scored by.
    """

    why: Why
    started: date
    change: Change | None = None
    candidates: dict[str, Model] = {}
    days: list[Day] = []


class Watch(msgspec.Struct, frozen=True):
    """A new champion under watch: models to go back to by role, and the days since.

    `change` is the last accepted change before the promotion, for when it is taken back.
    """

    since: date
    warm: dict[str, Model]
    change: Change | None = None
    days: list[Day] = []


class Fit(msgspec.Struct, frozen=True, tag="fit"):
    """Train these challengers with rows of days from `first` to `through`, and hold none after it.

    With a change, rows before it are old: they weigh less, and are moved by its shift. `holdout`
    days after `through` are there already, for the offline gate.
    """

    roles: list[str]
    first: date
    through: date
    change: Change | None = None
    holdout: int = 0


class Promote(msgspec.Struct, frozen=True, tag="promote"):
    """Put the candidate in the champion's place."""

    role: str
    model: Model


class GoBack(msgspec.Struct, frozen=True, tag="go back"):
    """Put a model that served before in the champion's place."""

    model: Model
    why: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the loop. `day` is the last day that it has processed."""

    champion: Model
    since: date  # the champion serves
    day: date
    trusted: Model | None = None  # the last champion that came through its watch
    change: Change | None = None  # the last that a promotion answered
    statistic: list[float] = []  # of the detector
    recent: list[tuple[date, float]] = []  # adjusted residuals of the champion, at most 28
    quiet: list[float] = []  # of clean days, until they are 28 and tell of the noise
    squares: float = 0.0  # the noise of day means, pooled: variance is squares / freedom
    freedom: int = 0
    volume: float = 0.0  # rows on a usual day
    rows: int = 0  # labelled since the last training
    muted: date | None = None  # the last day of the cooldown
    last_trial: date | None = None  # the day on which the last one began, without refinements
    trained: list[date] = []  # days of trainings within the last 30 days
    requested: list[date] = []  # days of those that somebody had asked for
    drifts: list[dict[str, float]] = []  # PSI of features on the last 7 days that were not held
    held: list[date] = []  # the last days, if their inputs moved overnight
    refused: list[date] = []  # days whose data the guard did not trust: nobody learns from them
    trial: Trial | None = None
    watch: Watch | None = None
    pending: Fit | Promote | GoBack | None = None


class Decision(msgspec.Struct, frozen=True):
    """A line of the audit: what was decided, in words, and the evidence."""

    kind: str
    words: str
    evidence: dict[str, Any] = {}


class Step(msgspec.Struct, frozen=True):
    """The next state, and the decisions that led there, at least one."""

    state: State
    decisions: list[Decision]


def midnight(day: date) -> datetime:
    """Return the time at which a day begins."""
    return datetime.combine(day, time(), UTC)
