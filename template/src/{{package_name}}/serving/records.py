"""What the service remembers: each prediction, and the true value when it becomes known."""

from typing import Any

import msgspec

CHAMPION = "champion"
CHALLENGER = "challenger"


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """One answered row. `time` is in POSIX seconds, by the clock of the service.

    In a split the variant says who answered. In a shadow the champion did, and what the
    challenger would have said stands beside it.
    """

    id: str
    time: float
    version: str
    variant: str
    unit: str
    row: Any  # the request's row as it was validated: written as JSON, read as a dict
    prediction: Any  # a number, or the probability of each class
    label: Any = None  # the class that the probabilities stand for
    shadow_version: str | None = None
    shadow_prediction: Any = None


class Feedback(msgspec.Struct, frozen=True, gc=False):
    """The true value of a row that was predicted. `time` is when it was told."""

    id: str
    time: float
    actual: Any


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A prediction, with the true value once it is known. Of several, the one told last counts."""

    prediction: Prediction
    actual: Any = None
    actual_time: float | None = None

    @property
    def known(self) -> bool:
        """Whether the true value has been told."""
        return self.actual_time is not None
