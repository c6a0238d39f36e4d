"""The gates between a challenger and the champion's place: each is a decision that can refuse.

`proof_of` weighs the days that neither has learned from, and may be asked every evening: its error
is bounded however often it is looked at. `objections` asks what a mean over all rows cannot show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..experiments.sequential import LARGEST_LOG, log_e_values
from .policy import Offline, Proof, Rollback
from .state import ALL, Day


@dataclass(frozen=True)
class Proven:
    """What the days so far say for a challenger. The gain is a share of the champion's loss."""

    days: int
    e_value: float
    gain: float
    lacks: list[str]

    @property
    def enough(self) -> bool:
        """Return whether nothing is missing."""
        return not self.lacks


def daily_losses(days: Sequence[Day], role: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean losses of champion and role on the days that have both; (days,)."""
    both = [day.losses for day in days if role in day.losses]
    champion = np.array([losses["champion"][ALL] for losses in both], dtype=float)
    return champion, np.array([losses[role][ALL] for losses in both], dtype=float)


def proof_of(champion: np.ndarray, challenger: np.ndarray, proof: Proof) -> Proven:
    """Return what mean losses of days say for the challenger; both arrays of shape (days,).

    The same e-process as in an experiment, day by day: a challenger that is no better passes with
    a probability of at most `alpha` if days are about independent. A small `prior` expects a large
    gain and finds it in few days. The last day has to agree: what was true and has ended is no
    reason to promote.

    The process is given each day's gain as a share of both losses, at most 1. Losses of days with
    heavy tails differ by a multiple, and one large gain would hide that all are gains.
    """
    gains = champion - challenger
    if not len(gains):
        return Proven(0, 1.0, 0.0, ["the first day is not there yet"])
    both = abs(champion) + abs(challenger)
    shares = np.divide(gains, both, out=np.zeros_like(gains), where=both > 0)
    log_e = log_e_values(shares, proof.prior)[-1]
    lacks = []
    if len(gains) < proof.min_days:
        lacks.append(f"{proof.min_days} days have to be there")
    if min(gains.mean(), shares.mean()) <= 0:
        lacks.append("it is not ahead")
    elif log_e < -np.log(2 * proof.alpha):
        lacks.append("its lead may still be luck")
    if gains[-1] <= 0:
        lacks.append("it was not ahead on the last day")
    gain = float(gains.mean() / (abs(champion.mean()) or 1.0))
    return Proven(len(gains), float(np.exp(min(log_e, LARGEST_LOG))), gain, lacks)


def mean_losses(days: Sequence[Day], role: str, beside: str) -> dict[str, tuple[float, float, int]]:
    """Return for each slice the mean losses of role and the other, and the number of rows.

    Days on which either is missing are left out.
    """
    both = [day for day in days if role in day.losses and beside in day.losses]
    found = {}
    for name in {name for day in both for name in day.losses[role]}:
        having = [day for day in both if name in day.losses[role] and name in day.losses[beside]]
        rows = np.array([day.counts[name] for day in having], dtype=float)
        if rows.sum():
            means = (
                float(np.average([day.losses[one][name] for day in having], weights=rows))
                for one in (role, beside)
            )
            found[name] = (*means, int(rows.sum()))
    return dict(sorted(found.items()))  # type: ignore[arg-type]


def worse_by(loss: float, other: float) -> float:
    """Return by which share of the other loss the first is worse; negative if it is better."""
    return (loss - other) / (abs(other) or 1.0)


def objections(days: Sequence[Day], role: str, offline: Offline) -> list[str]:
    """Return every reason against the challenger on days that it has not learned from."""
    beside_champion = mean_losses(days, role, "champion")
    if ALL not in beside_champion or beside_champion[ALL][2] < offline.min_rows:
        rows = beside_champion[ALL][2] if ALL in beside_champion else 0
        return [f"{rows} fresh rows are too few to judge by: {offline.min_rows} at least"]
    found = []
    loss = worse_by(*beside_champion[ALL][:2])
    if loss > offline.max_loss:
        found.append(f"{loss:.1%} worse than the champion, {offline.max_loss:.1%} allowed")
    found += slice_objections(beside_champion, offline)
    beside_constant = mean_losses(days, role, "constant").get(ALL)
    if beside_constant and -worse_by(*beside_constant[:2]) < offline.min_gain_over_baseline:
        found.append(
            f"{-worse_by(*beside_constant[:2]):.1%} better than a constant, "
            f"{offline.min_gain_over_baseline:.1%} asked"
        )
    if role == "retrained":
        found += objections_beside_recalibrated(days)
    return found


def slice_objections(means: Mapping[str, tuple[float, float, int]], offline: Offline) -> list[str]:
    """Return the slices in which the challenger is worse by more than their margin."""
    found = []
    for name, (loss, champion, rows) in means.items():
        margin = offline.slices.get(name, offline.max_slice_loss)
        if name != ALL and rows >= offline.min_slice_rows and worse_by(loss, champion) > margin:
            found.append(
                f"{worse_by(loss, champion):.1%} worse than the champion on {name}, "
                f"{margin:.1%} allowed"
            )
    return found


def objections_beside_recalibrated(days: Sequence[Day]) -> list[str]:
    """Return an objection if a champion that is only moved to the new level does as well.

    After a drift nearly everything beats the champion: what a full retraining adds shows here.
    """
    means = mean_losses(days, "retrained", "recalibrated").get(ALL)
    if means is None or means[0] < means[1]:
        return []
    return [f"{worse_by(*means[:2]):.1%} worse than the champion moved to the new level"]


def failing(days: Sequence[Day], role: str, rule: Rollback) -> str | None:
    """Return in words how a new champion fails beside the warm model of a role, or None.

    It goes sooner than it came: what was learned from a passing shock shows on the first day after.

    One of three: an e-process says that it is worse by more than the margin; its last day is worse
    by more than `day_ratio` allows while it is also worse in total; or so are its last two days.
    """
    champion, warm = daily_losses(days, role)
    if not len(champion):
        return None
    shares = [worse_by(*pair) for pair in zip(champion, warm, strict=True)]
    total = worse_by(float(champion.sum()), float(warm.sum()))
    plainly = [share > rule.day_ratio - 1 for share in shares]
    if plainly[-1] and total > 0:
        return f"{shares[-1]:.0%} worse on the last day, and {total:.0%} in total"
    if len(plainly) > 1 and plainly[-1] and plainly[-2]:
        return f"{shares[-2]:.0%} and {shares[-1]:.0%} worse on the last two days"
    beyond = champion - warm - rule.margin * abs(warm)
    if len(beyond) >= rule.min_days and beyond.mean() > 0:
        log_e = log_e_values(beyond, rule.prior)[-1]
        if log_e >= -np.log(2 * rule.alpha):
            return f"{total:.1%} worse in {len(beyond)} days, by more than chance explains"
    return None
