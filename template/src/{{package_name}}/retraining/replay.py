"""The past, replayed: the loop and simple rules on rows as they were, in the order of their days.

The model that serves predicts the rows of a day; their ground truth is known on the next morning.
Models are trained as in production, and kept in memory: nothing is registered or deployed.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from .. import problem
from ..deployment.schema import row_schema
from ..errors import UserError
from ..evaluate import row_scores, scores_of
from ..monitoring.production import columns_of
from ..monitoring.profile import Profile, profile_of
from ..predict import predict
from ..trained_model import TrainedModel
from . import decisions
from .candidates import candidate, fit_weighted, in_sample_reference, recalibrated, retrained
from .coverage import LeftOut, few_predictions
from .decisions import MONTH, WEEK, WINDOW
from .observations import Complete, Taught, guarded, measure
from .policy import Policy
from .state import Day, Fit, GoBack, Model, Promote, State, Step

WORSE = 1.1  # times the usual error of a week: the threshold rule trains
DAY = timedelta(days=1)
SILENT = ("quiet", "evidence", "trained", "promotion", "left out")  # too frequent, or told twice
EVENTS = ("alarm", "promoted", "rolled back")  # the kinds of decisions that are counted


@dataclass(frozen=True)
class Event:
    """Something that a rule did on the morning after a day."""

    day: date
    kind: str


@dataclass
class Replayed:
    """The result of a rule: the mean score of each day, and what it did.

    Of the loop also its decisions in words, and on how many days too little was known.
    """

    name: str
    scores: dict[date, float] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    trainings: int = 0
    decided: list[str] = field(default_factory=list)
    left_out: int = 0

    def count(self, kind: str) -> int:
        """Return the number of events of a kind."""
        return sum(event.kind == kind for event in self.events)


class Past:
    """Rows with ground truth by day, the first days of which have taught the first model."""

    def __init__(self, taught: Taught, policy: Policy, params: dict[str, Any]) -> None:
        order = np.argsort(taught.days, kind="stable")
        self.taught = Taught(taught.rows.iloc[order].reset_index(drop=True), taught.days[order])
        self.policy = policy
        self.params = params
        self.taught_days = policy.data.history_days or WINDOW
        days, counts = np.unique(self.taught.days, return_counts=True)
        every = days.tolist()
        self.counts = dict(zip(every, counts.tolist(), strict=True))
        self.before = every[0] + (self.taught_days - 1) * DAY
        self.days = [day for day in every if day > self.before]
        if len(self.days) < WEEK:
            raise UserError(
                f"{len(every)} days with rows are too few to replay: the first {self.taught_days} "
                f"teach the first model, and {WEEK} more are needed. Load more rows (data in "
                "params.yaml), or let fewer days teach (data: history_days in retraining.yaml)"
            )

    def rows(self, first: date, through: date, refused: Collection[date] = ()) -> Taught:
        """Return the rows of days, both included, without the refused ones."""
        low, high = np.searchsorted(
            self.taught.days, [np.datetime64(first), np.datetime64(through + DAY)]
        )
        days = self.taught.days[low:high]
        kept = ~np.isin(days, np.array(list(refused), "datetime64[D]"))
        return Taught(self.taught.rows.iloc[low:high][kept], days[kept])

    def window(self, through: date) -> Taught:
        """Return the rows of the last days: as many as taught the first model."""
        return self.rows(through - (self.taught_days - 1) * DAY, through)

    def train(self, through: date) -> TrainedModel:
        """Train the problem's model on the last days.

        Raises
        ------
        UserError
            They cannot teach it.
        """
        taught = self.window(through)
        target = taught.rows[problem.TARGET].to_numpy()
        return fit_weighted(taught.rows, target, None, self.params)

    @cached_property
    def first_model(self) -> TrainedModel:
        """Return the model of the first days, with which every rule begins."""
        return self.train(self.before)

    @cached_property
    def first_scores(self) -> dict[date, float]:
        """Return the mean score of the first model on each day; every rule begins with it."""
        return {day: self.scored(self.first_model, day) for day in self.days}

    def score(self, model: TrainedModel, day: date) -> float:
        """Return the mean score of a model on a day's rows."""
        return self.first_scores[day] if model is self.first_model else self.scored(model, day)

    def scored(self, model: TrainedModel, day: date) -> float:
        """Compute the mean score of a model on a day's rows."""
        rows = self.rows(day, day).rows
        return float(scores_of(model, rows).mean())

    def mean(self, scores: dict[date, float]) -> float:
        """Return the mean of the days' scores over all rows."""
        return float(np.average([*scores.values()], weights=[self.counts[day] for day in scores]))


def never(past: Past) -> Replayed:
    """Keep the first model."""
    return Replayed("never", past.first_scores)


def monthly(past: Past) -> Replayed:
    """Train every month, and deploy the result unseen."""
    replayed, model, trained = Replayed("monthly"), past.first_model, past.before
    for day in past.days:
        replayed.scores[day] = past.score(model, day)
        if (day - trained).days >= MONTH:
            trained = day
            model = deployed(replayed, past, day) or model
    return replayed


def threshold(past: Past) -> Replayed:
    """Train when the error of a week is a tenth larger than in the first week of the model."""
    replayed, model, since = Replayed("threshold"), past.first_model, 0
    for number, day in enumerate(past.days):
        replayed.scores[day] = past.score(model, day)
        served = list(replayed.scores.values())[since:]
        if len(served) < 2 * WEEK or not is_worse(served[-WEEK:], served[:WEEK]):
            continue
        replayed.events.append(Event(day, "alarm"))
        model, since = deployed(replayed, past, day) or model, number + 1
    return replayed


def is_worse(scores: list[float], usual: list[float]) -> bool:
    """Return whether scores are worse than usual ones by a tenth."""
    before, after = float(np.mean(usual)), float(np.mean(scores))
    loss = after - before if problem.LOWER_IS_BETTER else before - after
    return loss > (WORSE - 1) * abs(before)


def deployed(replayed: Replayed, past: Past, day: date) -> TrainedModel | None:
    """Return a new model of a rule, noted as deployed; None if the rows cannot teach one."""
    try:
        model = past.train(day)
    except UserError:
        return None
    replayed.trainings += 1
    replayed.events.append(Event(day, "promoted"))
    return model


class LoopReplay:
    """The loop of `retraining.yaml`: its engine, with models in memory in place of a registry."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.policy = past.policy.model_copy(update={"evidence": "replay", "pause": False})
        self.models: dict[str, TrainedModel] = {}
        self.profiles: dict[str, Profile] = {}
        self.trusted: list[Complete] = []  # the last days that the guard let pass
        self.replayed = Replayed("loop")
        taught = past.window(past.before)
        reference = in_sample_reference(past.first_model, taught, None)
        version = self.register(past.first_model, taught)
        champion = Model(version, past.before, reference, taught.days[0].item())
        self.state: State = decisions.begin(champion, past.before, self.policy).state

    def register(self, model: TrainedModel, taught: Taught) -> str:
        """Keep a model under a new version, with the profile of its rows."""
        version = str(len(self.models) + 1)
        self.models[version] = model
        fields = row_schema(problem.SCHEMA, problem.TARGET).fields
        self.profiles[version] = profile_of(columns_of(taught.rows, fields))
        return version

    def play(self) -> Replayed:
        """Replay all days."""
        for day in self.past.days:
            complete = self.complete(day, day)
            scores = row_scores(complete.actual, complete.served, complete.rows)
            self.replayed.scores[day] = float(scores.mean())
            step = self.observed(complete)
            while True:
                self.take(step, day)
                if self.state.pending is None:
                    break
                step = self.answer(self.state.pending)
        return self.replayed

    def take(self, step: Step, day: date) -> None:
        """Note what was decided."""
        self.state = step.state
        for one in step.decisions:
            if one.kind in EVENTS:
                self.replayed.events.append(Event(day, one.kind))
            if one.kind not in SILENT:
                self.replayed.decided.append(f"{day}  {one.kind}: {one.words}")

    def observed(self, complete: Complete) -> Step:
        """Return what the engine makes of a day."""
        models = {role: self.models[one] for role, one in decisions.scored(self.state).items()}
        warm = {role: models[role] for role in self.state.watch.warm} if self.state.watch else {}
        found = few_predictions(len(complete.rows), self.policy, self.state) or guarded(
            complete, lambda: self.trusted, self.policy, self.state, warm
        )
        if isinstance(found, LeftOut):
            self.replayed.left_out += found.kind == "left out"
            return decisions.leave_out(self.state, complete.date, found.kind, found.reason)
        self.trusted = [*self.trusted, complete][-WINDOW:]
        profile = self.profiles[self.state.champion.version]
        measured = measure(complete, models, self.state, self.policy, profile)
        return decisions.advance(self.state, measured, self.policy)

    def complete(self, first: date, last: date) -> Complete:
        """Return days as one, as the champion served them."""
        champion = self.models[self.state.champion.version]
        rows = self.past.rows(first, last, self.state.refused).rows.reset_index(drop=True)
        versions = np.full(len(rows), self.state.champion.version)
        return Complete(last, rows, predict(champion, rows), versions, np.full(len(rows), ""))

    def answer(self, order: Fit | Promote | GoBack) -> Step:
        """Carry out what the engine asks for."""
        if isinstance(order, Promote):
            return decisions.promoted(self.state, self.policy)
        if isinstance(order, GoBack):
            return decisions.went_back(self.state, self.policy)
        try:
            candidates = dict(self.trained(order))
        except UserError:
            candidates = {}
        holdout = self.holdout(order, candidates) if candidates and order.holdout else None
        return decisions.fitted(self.state, candidates, holdout, self.policy)

    def trained(self, order: Fit) -> Iterator[tuple[str, Model]]:
        """Yield each challenger by role."""
        champion, weight = self.state.champion, self.policy.data.old_rows_weight
        own, reference, change = self.models[champion.version], champion.reference, order.change
        taught = self.past.rows(order.first, order.through, self.state.refused)
        for role in order.roles:
            if role == "recalibrated" and change is not None:
                model = recalibrated(own, change.shift, reference)
            else:
                model = retrained(taught, change, reference, weight, self.past.params)
                self.replayed.trainings += 1
            if model is not None:
                load, version = self.models.__getitem__, self.register(model, taught)
                yield role, candidate(role, version, load, order, taught, champion)

    def holdout(self, order: Fit, candidates: dict[str, Model]) -> Day:
        """Return how challengers do beside the champion on the days held out."""
        models = {role: self.models[one.version] for role, one in candidates.items()}
        models["champion"] = self.models[self.state.champion.version]
        last = order.through + order.holdout * DAY
        complete = self.complete(order.through + DAY, last)
        return measure(complete, models, self.state, self.policy)


def loop(past: Past) -> Replayed:
    """Do as `retraining.yaml` says."""
    return LoopReplay(past).play()


RULES: list[Callable[[Past], Replayed]] = [loop, monthly, threshold, never]
