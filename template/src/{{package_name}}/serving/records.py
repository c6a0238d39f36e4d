"""The records of the prediction log: predictions, and their ground truth once it is known."""

from typing import Any

import msgspec

CHAMPION = "champion"
CHALLENGER = "challenger"


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """A predicted row. `time` is in POSIX seconds, by the clock of the service.

    In an A/B test the variant says which model served the row. In a shadow deployment it is the
    champion, and the challenger's prediction is beside it.
    """

    id: str
    time: float
    version: str
    variant: str
    unit: str
    row: Any  # the request's validated row when it is written, a dict when it is read
    prediction: Any  # a number, or the probability of each class
    label: Any = None  # the class that the probabilities stand for
    shadow_version: str | None = None
    shadow_prediction: Any = None
    weight: float = 1.0  # the number of predictions that it stands for, if the log is a sample


class Feedback(msgspec.Struct, frozen=True, gc=False):
    """The ground truth of a prediction. `time` is when it was received."""

    id: str
    time: float
    actual: Any


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A prediction, and its ground truth once it is known: the value received last."""

    prediction: Prediction
    actual: Any = None
    actual_time: float | None = None

    @property
    def known(self) -> bool:
        """Get whether the ground truth is known."""
        return self.actual_time is not None


class Score(msgspec.Struct, frozen=True, gc=False):
    """The score of a prediction, and of the shadow challenger's if there is one."""

    id: str
    score: float
    shadow_score: float | None = None
