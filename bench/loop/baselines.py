"""What the loop is held against: rules that need no engine, each a few lines long.

All of them train on the same rows as the loop, in the same closed form, and serve what they have
trained from the next day on.
"""

import numpy as np

from .cases import Player
from .driver import Event, Run, first_model
from .linear import Extract, Taught, retrained, right, taught_by
from .worlds import TAUGHT, Path

WINDOW = 28
WEEK = 7
WORSE = 1.10


def blind(every: int, window: int) -> Player:
    """Retrain every so many days on the last so many, and serve the result unseen."""

    def play(path: Path, days: int, extract: Extract = right) -> Run:
        run, champion = Run(path), first_model(taught_by(path))
        taught = taught_by(path, extract)
        late = path.label_days
        for day in range(TAUGHT, days):
            run.served[day] = champion
            if (day + 1 - TAUGHT) % every == 0:
                new = window_model(taught, day - late, window)
                run.events.append(Event("promotion", day, "schedule", "retrained", champion, new))
                champion = new
        return run

    return play


def threshold(path: Path, days: int, extract: Extract = right) -> Run:
    """Retrain when the mean error of a week is a tenth larger than it was after training.

    The new model serves if it is better on rows of the window that it was trained on. A random
    part held out would say the same: 37 coefficients learn nothing by heart of 56,000 rows. Then
    its own error in that window is what a week is held against.
    """
    run, champion = Run(path), first_model(taught_by(path))
    taught = taught_by(path, extract)
    late = path.label_days
    usual = mean_error(path, range(TAUGHT), champion)
    week: list[float] = []
    for day in range(TAUGHT, days):
        run.served[day] = champion
        if day - late < TAUGHT:
            continue
        week = [*week, mean_error(path, [day - late], champion)][-WEEK:]
        if len(week) < WEEK or np.mean(week) <= WORSE * usual:
            continue
        run.events.append(Event("alarm", day))
        window = range(day - late - WINDOW + 1, day - late + 1)
        new = window_model(taught, day - late, WINDOW)
        if mean_error(path, window, new, extract) < mean_error(path, window, champion, extract):
            run.events.append(Event("promotion", day, "threshold", "retrained", champion, new))
            champion, usual = new, mean_error(path, window, new, extract)
        week = []
    return run


def window_model(taught: Taught, through: int, window: int) -> np.ndarray:
    """Return a model of the last days up to one."""
    return retrained(taught, max(0, through - window + 1), through)


def mean_error(
    path: Path, days: range | list[int], model: np.ndarray, extract: Extract = right
) -> float:
    """Return the mean error on days, as an extract shows them."""
    rng = np.random.default_rng(path.demand.seed)
    errors = []
    for day in days:
        seen, logged = path.rows(day)
        actual = np.exp(seen @ path.coefficients[day].astype(np.float32) + path.noise(day))
        predicted = np.exp(extract(logged, rng) @ model.astype(np.float32))
        errors.append(abs(actual - predicted).mean())
    return float(np.mean(errors))


BASELINES: dict[str, Player] = {
    "monthly, blind": blind(every=28, window=WINDOW),
    "daily, blind, 28 days": blind(every=1, window=WINDOW),
    "daily, blind, 7 days": blind(every=1, window=WEEK),
    "threshold": threshold,
}
