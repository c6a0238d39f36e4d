"""Plays a path day by day: the engine decides, and whatever it asks for is done in closed form.

No rule of the policy stands here. What the loop does in the world, with store, registry and
service, is done to arrays instead: score a day, train, serve from the next day on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from msgspec.structs import replace
from taxi_ride_duration.retraining import decisions
from taxi_ride_duration.retraining.detector import moved
from taxi_ride_duration.retraining.policy import Policy
from taxi_ride_duration.retraining.state import (
    ALL,
    Day,
    Fit,
    GoBack,
    Model,
    Promote,
    State,
    Step,
    Trial,
)

from .linear import (
    Extract,
    Taught,
    in_sample_reference,
    recalibrated,
    retrained,
    right,
    taught_by,
)
from .worlds import LEVEL, RUSH_HOURS, TAUGHT, Path

SLICES = [ALL, "time of day/rush", "time of day/other"]

Kind = Literal["alarm", "promotion", "rollback"]


@dataclass(frozen=True, eq=False)
class Event:
    """Something that happened at the end of a day, and between which models it was a switch."""

    kind: Kind
    day: int
    why: str = ""
    role: str = ""
    before: np.ndarray | None = None
    after: np.ndarray | None = None


@dataclass(eq=False)
class Run:
    """What a policy made of a path: the model that served on each day, and what happened.

    served  coefficients by day; none before the first champion served
    """

    path: Path
    served: dict[int, np.ndarray] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Event]:
        """Return the events of a kind."""
        return [event for event in self.events if event.kind == kind]


def first_model(taught: Taught) -> np.ndarray:
    """Return what the first days teach."""
    return retrained(taught, 0, TAUGHT - 1)


class Loop:
    """The engine on a path, with models in place of a registry."""

    def __init__(self, path: Path, policy: Policy, extract: Extract = right) -> None:
        self.path = path
        self.policy = policy
        self.taught = taught_by(path)
        self.extracted = self.taught if extract is right else taught_by(path, extract)
        self.models: dict[str, np.ndarray] = {}
        self.run = Run(path)
        champion = first_model(self.taught)
        reference = in_sample_reference(self.taught, champion, 0, TAUGHT - 1)
        model = Model(self.registered(champion), path.date(TAUGHT - 1), reference)
        self.state = decisions.begin(model, path.date(TAUGHT - 1), policy).state

    def registered(self, model: np.ndarray) -> str:
        """Return the version of a new model."""
        version = str(len(self.models) + 1)
        self.models[version] = model
        return version

    def play(self, days: int) -> Run:
        """Play on until so many days of the path have been served."""
        late = self.path.demand.world.label_days
        for day in range(len(self.run.served) + TAUGHT, days):
            self.run.served[day] = self.models[self.state.champion.version]
            complete = day - late
            if complete >= TAUGHT:
                measured = measure(self.path, slice(complete, complete + 1), self.scored())
                self.take(decisions.advance(self.state, measured, self.policy), day)
        return self.run

    def scored(self) -> dict[str, np.ndarray]:
        """Return the models that the engine wants to be scored, by role."""
        return {role: self.models[one] for role, one in decisions.scored(self.state).items()}

    def take(self, step: Step, day: int) -> None:
        """Take a step, and do all that it asks for, at the end of the day."""
        if any(decision.kind == "alarm" for decision in step.decisions):
            self.run.events.append(Event("alarm", day))
        self.state = step.state
        if self.state.pending is not None:
            self.take(self.answer(self.state, day), day)

    def answer(self, state: State, day: int) -> Step:
        """Do what is pending."""
        if isinstance(state.pending, Fit):
            candidates, holdout = self.fit(state, state.pending)
            return decisions.fitted(state, candidates, holdout, self.policy)
        if isinstance(state.pending, Promote):
            why = state.trial.why if state.trial else ""
            self.switch("promotion", day, state.pending.model, why, state.pending.role)
            return decisions.promoted(state, self.policy)
        assert isinstance(state.pending, GoBack)
        self.switch("rollback", day, state.pending.model, state.pending.why)
        return decisions.went_back(state, self.policy)

    def switch(self, kind: Kind, day: int, to: Model, why: str, role: str = "") -> None:
        """Remember that another model serves from the next day on."""
        before, after = self.models[self.state.champion.version], self.models[to.version]
        self.run.events.append(Event(kind, day, why, role, before, after))

    def fit(self, state: State, fit: Fit) -> tuple[dict[str, Model], Day | None]:
        """Train what is asked for, and measure it on the days held out."""
        first, through = self.number(fit.first), self.number(fit.through)
        new = first if fit.change is None else max(first, self.number(fit.change.day))
        first = max(first, 0)  # there is nothing before
        candidates = {}
        for role in fit.roles:
            if role == "recalibrated":
                assert fit.change is not None
                shift, champion = fit.change.shift, state.champion
                model = recalibrated(self.models[champion.version], shift)
                reference = moved(champion.reference, shift, through - new + 1)
            else:
                weight = self.policy.data.old_rows_weight
                model = retrained(self.extracted, first, through, fit.change, weight)
                reference = in_sample_reference(self.extracted, model, max(new, 0), through)
            version = self.registered(model)
            candidates[role] = Model(version, fit.through, reference)
        if not fit.holdout:
            return candidates, None
        models = {role: self.models[one.version] for role, one in candidates.items()}
        models["champion"] = self.models[state.champion.version]
        held_out = slice(through + 1, through + 1 + fit.holdout)
        return candidates, measure(self.path, held_out, models)

    def number(self, day: date) -> int:
        """Which day of the path it is."""
        return (day - self.path.demand.first).days


def force(loop: Loop, shift: float) -> None:
    """Put a champion in place, past all gates, that is off by a shift: as only a fault can."""
    champion = loop.state.champion
    version = loop.registered(loop.models[champion.version] + shift * LEVEL)
    bad = replace(champion, version=version)
    trial = Trial("asked", loop.state.day, candidates={"retrained": bad})
    loop.state = replace(loop.state, trial=trial, pending=Promote("retrained", bad))
    day = loop.number(loop.state.day) + loop.path.demand.world.label_days
    loop.take(loop.answer(loop.state, day), day)


def measure(path: Path, days: slice, models: Mapping[str, np.ndarray]) -> Day:
    """Return what the rows of these days say of models by role: mean errors, by slice.

    The constant beside them is the best that there could have been on these days.
    """
    rows, truth = path.demand.design[days], path.coefficients[days]
    coefficients = [truth, *(np.broadcast_to(model, truth.shape) for model in models.values())]
    logs = rows @ np.stack(coefficients, axis=-1).astype(np.float32)
    logs[..., 0] += path.demand.noise[days]
    logs = logs.reshape(-1, 1 + len(models))
    predicted = logs[:, 1:]
    actual = np.exp(logs[:, :1])
    constant = np.full_like(actual, np.median(actual))
    errors = abs(np.hstack([np.exp(predicted), constant]) - actual)
    rush = rows[..., RUSH_HOURS].sum(axis=-1).ravel()
    groups = np.column_stack([np.ones_like(rush), rush, 1 - rush])
    counts = groups.sum(axis=0)
    means = errors.T @ groups / counts
    return Day(
        date=path.date(days.stop - 1),
        rows=len(logs),
        residual=float((logs[:, 0] - predicted[:, list(models).index("champion")]).mean()),
        losses={
            role: dict(zip(SLICES, losses, strict=True))
            for role, losses in zip([*models, "constant"], means.tolist(), strict=True)
        },
        counts=dict(zip(SLICES, counts.astype(int).tolist(), strict=True)),
    )
