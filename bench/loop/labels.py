"""A city in which a yes or no is predicted: logistic regression, judged by its log loss.

Rows differ by place, rush hour and weekend only, so a day is a table of counts, and a model of any
window of days costs a few Newton steps on 48 cells. The detector has nothing to listen to but the
loss, as with every classifier.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from scipy.special import expit, logit, xlogy
from taxi_ride_duration.retraining.policy import Policy
from taxi_ride_duration.retraining.state import ALL, Day, Fit, Reference

from .driver import SLICES, Loop, Run
from .linear import RIDGE, Extract, right
from .scoring import Figures, figures_of
from .worlds import DAY, LOOKED_AHEAD, ROWS, TAUGHT, day_shocks, onset_of

PLACES, CELLS = 12, 24  # each place outside and inside the rush hours
RUSH, WEEKEND = PLACES, PLACES + 1  # columns after those of places
SHARE_OF_RUSH = 0.6
SHOCKS = (
    4  # times those of the world "day" are the shocks of log odds: a standard deviation of 0.16
)
STEPS = 8  # of Newton: more change nothing
LIKELY = 1e-6  # a probability is no nearer to 0 and 1

CELL = np.arange(CELLS)
SHARES = np.where(CELL < PLACES, 1 - SHARE_OF_RUSH, SHARE_OF_RUSH) / PLACES


def design_of(weekend: bool) -> np.ndarray:
    """Return what a model sees of each cell; (CELLS, PLACES + 2)."""
    places = (CELL % PLACES)[:, None] == np.arange(PLACES)
    rush = CELL >= PLACES
    return np.column_stack([places, rush, np.full(CELLS, weekend)]).astype(float)


DESIGNS = np.stack([design_of(False), design_of(True)])


@dataclass(frozen=True, eq=False)
class LabelPath:
    """A city from day to day: the coefficients of log odds, and how many rows said yes.

    truth    without the day's shock; (days, PLACES + 2)
    weekend  whether a day is one; (days,)
    rows, yes  counts; (days, CELLS)
    """

    first: date
    onset: int
    truth: np.ndarray
    weekend: np.ndarray
    rows: np.ndarray
    yes: np.ndarray
    label_days: int = 0

    def date(self, day: int) -> date:
        """Return the date of a day."""
        return self.first + timedelta(days=int(day))

    def expected_losses(self, days: slice, model: np.ndarray) -> np.ndarray:
        """Return the log loss that a model has to expect on each day; (days,)."""
        designs = DESIGNS[self.weekend[days].astype(int)]
        truth = expit((designs @ self.truth[days][..., None])[..., 0])
        losses = log_losses(truth, 1 - truth, expit(designs @ model))
        found: np.ndarray = losses @ SHARES
        return found


def log_losses(yes: np.ndarray, no: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the log loss of so many yes and no at these probabilities."""
    likely = np.clip(predicted, LIKELY, 1 - LIKELY)
    found: np.ndarray = -xlogy(yes, likely) - xlogy(no, 1 - likely)
    return found


def label_path(seed: int, days: int, shift: float) -> LabelPath:
    """Return so many days of a city whose log odds shift at the onset."""
    rng = np.random.default_rng(seed)
    first = date(2026, 1, 1) + timedelta(days=int(rng.integers(365)))
    number = np.arange(days + LOOKED_AHEAD)
    weekend = (first.weekday() + number) % 7 >= 5
    truth = np.zeros((len(number), PLACES + 2))
    truth[:, :PLACES] = np.linspace(-2.0, 1.0, PLACES)
    truth[:, RUSH], truth[:, WEEKEND] = 0.5, -0.3
    truth[:, :PLACES] += shift * (number >= onset_of(seed))[:, None]
    rows = rng.multinomial(ROWS, SHARES, len(number))
    logs = (DESIGNS[weekend.astype(int)] @ truth[..., None])[..., 0]
    shocks = SHOCKS * day_shocks(DAY, len(number), rng)
    yes = rng.binomial(rows, expit(logs + shocks[:, None]))
    return LabelPath(first, onset_of(seed), truth, weekend, rows, yes)


def fitted(rows: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """Return the coefficients of counts by weekend and cell, both (2, CELLS), in log odds."""
    design = DESIGNS.reshape(-1, PLACES + 2)
    rows, yes = rows.ravel(), yes.ravel()
    model = np.zeros(PLACES + 2)
    model[:PLACES] = logit(yes.sum() / rows.sum())
    for _ in range(STEPS):
        predicted = expit(design @ model)
        weights = rows * predicted * (1 - predicted)
        hessian = design.T @ (weights[:, None] * design) + RIDGE * np.eye(len(model))
        model = model + np.linalg.solve(hessian, design.T @ (yes - rows * predicted))
    return model


class LabelLoop(Loop):
    """The engine on such a path. Nothing can be recalibrated here: a loss has no direction."""

    path: LabelPath  # type: ignore[assignment]

    def first_champion(self, extract: Extract) -> tuple[str, Reference]:
        """Train the first champion."""
        return self.new_version(np.arange(TAUGHT), np.ones(TAUGHT))

    def new_version(self, days: np.ndarray, weights: np.ndarray) -> tuple[str, Reference]:
        """Train a model with days that weigh so much; what is usual of its loss is to be seen."""
        weekend, path = self.path.weekend[days], self.path
        sums = [
            np.stack([(weights * (weekend == one)) @ counts[days] for one in (False, True)])
            for counts in (path.rows, path.yes)
        ]
        version = self.registered(fitted(*sums), {})
        scale = self.measured(slice(days[0], days[-1] + 1), {"champion": self.models[version]})
        return version, Reference("loss", scale.losses["champion"][ALL], 0.0, 0.0, 0)

    def trained(
        self, role: str, fit: Fit, first: int, new: int, through: int
    ) -> tuple[str, Reference]:
        """Train a challenger with days from the first on; those before `new` weigh less."""
        days = np.arange(first, through + 1)
        weights = np.where(days < new, self.policy.data.old_rows_weight, 1.0)
        return self.new_version(days, weights)

    def measured(self, days: slice, models: Mapping[str, np.ndarray]) -> Day:
        """Return what the rows of these days say of models by role: log losses, by slice."""
        rows, yes, path = self.path.rows[days], self.path.yes[days], self.path
        designs = DESIGNS[path.weekend[days].astype(int)]
        predicted = {role: expit(designs @ model) for role, model in models.items()}
        predicted["constant"] = np.full(rows.shape, yes.sum() / rows.sum())
        groups = [CELL >= 0, CELL >= PLACES, CELL < PLACES]
        counts = [int(rows[:, group].sum()) for group in groups]
        losses = {}
        for role, probabilities in predicted.items():
            of_cells = log_losses(yes, rows - yes, probabilities)
            sums = [float(of_cells[:, group].sum()) for group in groups]
            means = [total / count for total, count in zip(sums, counts, strict=True)]
            losses[role] = dict(zip(SLICES, means, strict=True))
        scale = self.state.champion.reference.scale if hasattr(self, "state") else 1.0
        residual = losses["champion"][ALL] / scale
        of_slices = dict(zip(SLICES, counts, strict=True))
        return Day(path.date(days.stop - 1), counts[0], residual, losses, of_slices)


def play_labels(policy: Policy, seed: int, days: int, shift: float, judged: int | None) -> Figures:
    """Return what the loop makes of a shift, judged for so many days from its onset, or of none."""
    path = label_path(seed, days, shift)
    loop = LabelLoop(path, policy, right)  # type: ignore[arg-type]
    run: Run = loop.play(days if judged is None else path.onset + judged)
    return figures_of(run, TAUGHT if judged is None else path.onset)
