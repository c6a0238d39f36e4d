"""Plays a path day by day: the engine decides, and whatever it asks for is done in closed form.

No rule of the policy stands here. What the loop does in the world, with store, registry and
service, is done to arrays instead: score a day, train, serve from the next day on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from msgspec.structs import replace
from taxi_ride_duration.monitoring.profile import Distribution, psi
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
    Reference,
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
from .worlds import LEVEL, RUSH_HOURS, TAUGHT, Demand, Fault, Path, feature_counts

SLICES = [ALL, "time of day/rush", "time of day/other"]

Kind = Literal["alarm", "held", "promotion", "rollback"]


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
        self.models: dict[str, np.ndarray] = {}
        self.profiles: dict[str, dict[str, np.ndarray]] = {}
        self.run = Run(path)
        version, reference = self.first_champion(extract)
        model = Model(version, path.date(TAUGHT - 1), reference, path.date(0))
        self.state = decisions.begin(model, path.date(TAUGHT - 1), policy).state

    def first_champion(self, extract: Extract) -> tuple[str, Reference]:
        """Train the first champion with right rows; later ones learn by way of the extract."""
        self.taught = taught_by(self.path)
        self.extracted = self.taught if extract is right else taught_by(self.path, extract)
        champion = first_model(self.taught)
        reference = in_sample_reference(self.taught, champion, 0, TAUGHT - 1)
        return self.registered(champion, profile_of(self.path, 0, TAUGHT - 1)), reference

    def registered(self, model: np.ndarray, profile: dict[str, np.ndarray]) -> str:
        """Return the version of a new model, which learned from rows with this profile."""
        version = str(len(self.models) + 1)
        self.models[version], self.profiles[version] = model, profile
        return version

    def play(self, days: int) -> Run:
        """Play on until so many days of the path have been served."""
        late = self.path.label_days
        for day in range(len(self.run.served) + TAUGHT, days):
            self.run.served[day] = self.models[self.state.champion.version]
            complete = day - late
            if complete >= TAUGHT:
                measured = self.measured(slice(complete, complete + 1), self.scored())
                self.take(decisions.advance(self.state, measured, self.policy), day)
        return self.run

    def measured(self, days: slice, models: Mapping[str, np.ndarray]) -> Day:
        """Return what the rows of these days say of models by role."""
        return measure(self.path, days, models, self.profiles[self.state.champion.version])

    def scored(self) -> dict[str, np.ndarray]:
        """Return the models that the engine wants to be scored, by role."""
        return {role: self.models[one] for role, one in decisions.scored(self.state).items()}

    def take(self, step: Step, day: int) -> None:
        """Take a step, and do all that it asks for, at the end of the day."""
        for decision in step.decisions:
            if decision.kind in ("alarm", "held"):
                self.run.events.append(Event(decision.kind, day))
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
            version, reference = self.trained(role, fit, first, new, through)
            learned = state.champion.first if role == "recalibrated" else self.path.date(first)
            candidates[role] = Model(version, fit.through, reference, learned)
        if not fit.holdout:
            return candidates, None
        models = {role: self.models[one.version] for role, one in candidates.items()}
        models["champion"] = self.models[state.champion.version]
        held_out = slice(through + 1, through + 1 + fit.holdout)
        return candidates, self.measured(held_out, models)

    def trained(
        self, role: str, fit: Fit, first: int, new: int, through: int
    ) -> tuple[str, Reference]:
        """Train a challenger with days from the first on, of which those from `new` on are new."""
        champion = self.state.champion
        if role == "recalibrated":
            assert fit.change is not None
            model = recalibrated(self.models[champion.version], fit.change.shift)
            reference = moved(champion.reference, through - new + 1)
            return self.registered(model, self.profiles[champion.version]), reference
        weight = self.policy.data.old_rows_weight
        refused = self.state.refused
        model = retrained(self.extracted, first, through, fit.change, weight, refused)
        reference = in_sample_reference(self.extracted, model, max(new, 0), through, refused)
        return self.registered(model, profile_of(self.path, first, through)), reference

    def number(self, day: date) -> int:
        """Which day of the path it is."""
        return (day - self.path.date(0)).days


def force(loop: Loop, shift: float) -> None:
    """Put a champion in place, past all gates, that is off by a shift: as only a fault can."""
    champion = loop.state.champion
    model = loop.models[champion.version] + shift * LEVEL
    version = loop.registered(model, loop.profiles[champion.version])
    bad = replace(champion, version=version)
    trial = Trial("asked", loop.state.day, candidates={"retrained": bad})
    loop.state = replace(loop.state, trial=trial, pending=Promote("retrained", bad))
    day = loop.number(loop.state.day) + loop.path.label_days
    loop.take(loop.answer(loop.state, day), day)


def measure(
    path: Path,
    days: slice,
    models: Mapping[str, np.ndarray],
    profile: Mapping[str, np.ndarray] | None = None,
) -> Day:
    """Return what the rows of these days say of models by role: mean errors, by slice.

    The constant beside them is the best that there could have been on these days. With a profile,
    the drift of the last day's features from it is there, too.
    """
    stacked, actuals, predictions, rushes = np.stack([*models.values()], axis=-1), [], [], []
    for day in range(days.start, days.stop):
        rows, logged = path.rows(day)
        actuals.append(rows @ path.coefficients[day].astype(np.float32) + path.noise(day))
        predictions.append(logged @ stacked.astype(np.float32))
        rushes.append(logged[:, RUSH_HOURS].sum(axis=-1))
    logs, predicted, rush = map(np.concatenate, (actuals, predictions, rushes))
    actual = np.exp(logs)[:, None]
    constant = np.full_like(actual, np.median(actual))
    errors = abs(np.hstack([np.exp(predicted), constant]) - actual)
    groups = np.column_stack([np.ones_like(rush), rush, 1 - rush])
    counts = groups.sum(axis=0)
    means = errors.T @ groups / counts
    return Day(
        date=path.date(days.stop - 1),
        rows=len(logs),
        residual=float((logs - predicted[:, list(models).index("champion")]).mean()),
        losses={
            role: dict(zip(SLICES, losses, strict=True))
            for role, losses in zip([*models, "constant"], means.tolist(), strict=True)
        },
        counts=dict(zip(SLICES, counts.astype(int).tolist(), strict=True)),
        drift=drift_of(path, days.stop - 1, profile) if profile else {},
    )


# They live as long as the rows do; scenarios without a fault share them.
KNOWN_COUNTS: WeakKeyDictionary[Demand, dict[Fault | None, dict[str, np.ndarray]]] = (
    WeakKeyDictionary()
)


def counts_of(path: Path) -> dict[str, np.ndarray]:
    """Return how many logged rows of each day each bin of a feature has; (days, bins)."""
    known = KNOWN_COUNTS.setdefault(path.demand, {})
    if path.fault not in known:
        known[path.fault] = feature_counts(path)
    return known[path.fault]


def profile_of(path: Path, first: int, through: int) -> dict[str, np.ndarray]:
    """Return how many of the rows of these days each bin of a feature has; (bins,)."""
    return {
        name: counts[first : through + 1].sum(axis=0) for name, counts in counts_of(path).items()
    }


def drift_of(path: Path, day: int, profile: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return how far the features of a day are from a profile: their stability index."""
    found = {}
    for name, trained in profile.items():
        rows = int(trained.sum())
        shares = Distribution(shares=(trained / rows).tolist())
        found[name] = float(psi(shares, counts_of(path)[name][day], rows))
    return found
