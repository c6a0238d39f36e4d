"""How good the models that served really were, by the truth that only a simulation knows.

What counts is the expected error: over the noise of rows and the shocks of days, but not over
this day's own shock, which no model can know and which would make any of them lucky. An oracle
beside it knows the coefficients, level and season of the day.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from .driver import Event, Run
from .worlds import JUDGED, LOOKED_AHEAD, Path

BAD = 0.10  # a day is bad if the error is beyond the oracle's by more than this share
GAIN = 0.02  # a promotion that gains less does not end a drift
HARM = 0.01  # a promotion that loses more is harmful


def expected_losses(path: Any, days: slice, model: np.ndarray) -> np.ndarray:
    """Return the loss that a model has to expect on each day; (days,)."""
    if isinstance(path, Path):
        return expected_errors(path, days, model)
    found: np.ndarray = path.expected_losses(days, model)
    return found


def expected_errors(path: Path, days: slice, model: np.ndarray) -> np.ndarray:
    """Return the mean error that a model has to expect on each day's rows; (days,).

    Durations are log-normal: with Y the median times exp(s Z), and a prediction of exp(d) medians,
    E |Y - exp(d)| = exp(s² / 2) (1 - 2 F(d/s - s)) + exp(d) (2 F(d/s) - 1) medians, where F is the
    standard normal distribution function. Where rows have noise of two kinds, each has its share.
    """
    truth = path.truth[days]
    coefficients = np.stack([truth, model - truth], axis=-1).astype(np.float32)
    logs = path.demand.design[days, :JUDGED] @ coefficients
    medians, off = np.exp(logs[..., 0]), logs[..., 1]
    errors = np.zeros_like(medians)
    for share, noise in path.demand.world.noises:
        spread = np.float32(np.hypot(noise, path.demand.world.shock))
        long = np.exp(spread**2 / 2) * (1 - 2 * ndtr(off / spread - spread))
        errors += share * medians * (long + np.exp(off) * (2 * ndtr(off / spread) - 1))
    found: np.ndarray = errors.mean(axis=1)
    return found


def excesses(run: Run, first: int) -> np.ndarray:
    """By which share the served models' errors are beyond the oracle's, from a day on; (days,)."""
    shares = []
    for day in range(first, max(run.served) + 1):
        today = slice(day, day + 1)
        served, best = (
            expected_losses(run.path, today, model)
            for model in (run.served[day], run.path.truth[day])
        )
        shares.append(served / best - 1)
    return np.concatenate(shares)


def gain(run: Run, switch: Event) -> float:
    """By which share a switch of models lowers the expected error of the days that follow it."""
    assert switch.before is not None and switch.after is not None
    days = slice(switch.day + 1, switch.day + 1 + LOOKED_AHEAD)
    before, after = (
        expected_losses(run.path, days, model).sum() for model in (switch.before, switch.after)
    )
    return float(1 - after / before)


@dataclass(frozen=True)
class Figures:
    """What came of a run. Days that count to something are infinite if it never came.

    All from `alarms` on are numbers in `years`: `held` are days, `answered` are promotions that an
    alarm led to, and `extracted` are those of models that were trained on an extract. `excess` is
    the mean share by which the error is beyond the oracle's.
    """

    years: float
    to_alarm: float
    to_promotion: float
    to_rollback: float
    bad_days: int
    chased: bool
    excess: float
    alarms: int
    held: int
    promotions: int
    answered: int
    false: int
    harmful: int
    extracted: int
    rollbacks: int
    false_rollbacks: int


def figures_of(run: Run, first: int) -> Figures:
    """Return the figures of a run, judged from a day on: that of the onset, or the first of all."""
    events = [event for event in run.events if event.day >= first]
    promotions = [event for event in events if event.kind == "promotion"]
    rollbacks = [event for event in events if event.kind == "rollback"]
    gains = [gain(run, promotion) for promotion in promotions]
    worth = [one for one, gained in zip(promotions, gains, strict=True) if gained > GAIN]
    excess = excesses(run, first)
    return Figures(
        years=len(excess) / 365,
        to_alarm=days_to([event for event in events if event.kind == "alarm"], first),
        to_promotion=days_to(worth, first),
        to_rollback=days_to(rollbacks, first),
        bad_days=int((excess > BAD).sum()),
        chased=is_chased(events),
        excess=float(excess.mean()),
        alarms=sum(event.kind == "alarm" for event in events),
        held=sum(event.kind == "held" for event in events),
        promotions=len(promotions),
        answered=sum(event.why == "drift" for event in promotions),
        false=sum(gained < 0 for gained in gains),
        harmful=sum(gained < -HARM for gained in gains),
        extracted=sum(event.role == "retrained" for event in promotions),
        rollbacks=len(rollbacks),
        false_rollbacks=sum(gain(run, rollback) < 0 for rollback in rollbacks),
    )


def is_chased(events: list[Event]) -> bool:
    """Whether the first alarm ended in a promotion. What later alarms lead to is their matter."""
    told = [one for one in events if one.kind == "alarm" or one.why == "drift"]
    return len(told) > 1 and (told[0].kind, told[1].kind) == ("alarm", "promotion")


def days_to(events: list[Event], first: int) -> float:
    """How many days it takes to the first of these events; or infinity."""
    return min((event.day + 1 - first for event in events), default=np.inf)
