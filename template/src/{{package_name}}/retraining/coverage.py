"""Which days are complete, counted in the database: a step with nothing to do stays small."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import func, select

from ..serving.store import Store
from ..serving.tables import feedback, joined, predictions
from .policy import Policy
from .state import State, midnight


@dataclass(frozen=True)
class Waiting:
    """A day that may still become complete."""

    reason: str


@dataclass(frozen=True)
class LeftOut:
    """A day that does not count: too little of it is known, or its data cannot be trusted."""

    kind: Literal["left out", "guard"]
    reason: str


def gap(
    store: Store, day: date, now: datetime, policy: Policy, state: State
) -> Waiting | LeftOut | None:
    """Return why the day does not count (yet); None if its rows can be looked at."""
    end = midnight(day + timedelta(days=1))
    if now < end:
        return Waiting(f"{day} is not over")
    predicted, known = counts(store, day)
    if not predicted:
        return LeftOut("left out", "nothing was predicted")
    if few := few_predictions(predicted, policy, state):
        return few
    # Only what is known of a whole day can be judged: what is known early is often what was easy.
    share = known / predicted
    if share < policy.data.min_labelled:
        reason = f"{share:.0%} of its ground truth is known, {policy.data.min_labelled:.0%} asked"
        if now < end + timedelta(days=policy.data.label_wait_days):
            return Waiting(f"{day}: {reason}")
        return LeftOut("left out", f"{reason} (data: min_labelled)")
    return None


def few_predictions(predicted: int, policy: Policy, state: State) -> LeftOut | None:
    """Return why a day with so many predictions does not count; None if they are enough."""
    asked = policy.data.min_volume * state.volume
    if predicted >= asked:
        return None
    return LeftOut(
        "guard",
        f"{predicted} predictions, where {state.volume:.0f} are usual and {asked:.0f} "
        "asked (data: min_volume). Find out whether requests, or their records, are lost",
    )


def counts(store: Store, day: date) -> tuple[int, int]:
    """Return how many predictions the day has, and of how many the ground truth is known."""
    within = (
        predictions.c.time >= midnight(day).timestamp(),
        predictions.c.time < midnight(day + timedelta(days=1)).timestamp(),
    )
    query = select(func.count(), func.count(feedback.c.id)).select_from(joined).where(*within)
    with store.transaction() as connection:
        predicted, known = connection.execute(query).one()
    return predicted, known
