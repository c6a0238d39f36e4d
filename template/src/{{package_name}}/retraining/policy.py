"""The policy in `retraining.yaml`: what the loop may decide by itself, and where it must stop.

The file has what an owner is likely to change. What it leaves out has its default here, and any of
these settings may be added to the file.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from ..experiments.sequential import log_e_values
from ..pipelines import parameters
from ..pipelines.parameters import load_yaml, validated

POLICY = Path("retraining.yaml")

Share = Annotated[float, Field(ge=0, le=1)]
Alpha = Annotated[float, Field(gt=0, lt=0.5)]
Days = Annotated[int, Field(ge=1, le=3650)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Season = Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d\.\.\d\d-\d\d$")]


def check_days(name: str, days: int, fewest: int, alpha: float, prior: float) -> None:
    """Raise a `ValueError` if even days that all say the same cannot show anything."""
    if fewest > days:
        raise ValueError(f"min_days: {fewest} is more than {name}: {days}")
    if log_e_values(np.ones(days), prior)[-1] < -np.log(2 * alpha):
        raise ValueError(
            f"{name}: {days} cannot show anything at alpha: {alpha:g} and prior: {prior:g}"
        )


class Section(parameters.Section):
    """A part of the policy, without any other keys."""

    model_config = ConfigDict(allow_inf_nan=False)


class Freeze(Section):
    """Days, the first and the last included, on which nothing is trained or promoted."""

    first: date
    last: date
    why: str = "no reason given"

    @model_validator(mode="after")
    def check(self) -> "Freeze":
        """Check the order of the days."""
        if self.last < self.first:
            raise ValueError(f"last: {self.last} is before first: {self.first}")
        return self


class Calendar(Section):
    """Days that are unlike others: they neither raise alarms nor prove anything.

    `country` is a code of the package holidays, such as US or DE, or none. Each season is
    "MM-DD..MM-DD", every year, both days included; it may pass the end of the year.
    """

    country: str | None = None
    seasons: list[Season] = Field(default_factory=list)
    freeze: list[Freeze] = Field(default_factory=list)

    @model_validator(mode="after")
    def check(self) -> "Calendar":
        """Check that country and seasons exist."""
        for season in self.seasons:
            for end in season.split(".."):
                date.fromisoformat(f"2024-{end}")
        self.special(date(2024, 1, 1))
        return self

    def special(self, day: date) -> str | None:
        """Return what makes the day special; None if nothing does."""
        if self.country:
            import holidays  # slow enough to be avoided where no country is set

            try:
                name = holidays.country_holidays(self.country).get(day)
            except NotImplementedError:
                raise ValueError(f"country: the package holidays has no {self.country}") from None
            if name:
                return f"{day} is a public holiday: {name}"
        for season in self.seasons:
            first, last = season.split("..")
            passes, now = first > last, f"{day:%m-%d}"
            if (now >= first or now <= last) if passes else first <= now <= last:
                return f"{day} is within the season {season}"
        return None


class Triggers(Section):
    """What starts a retraining, besides a request."""

    performance: bool = True
    schedule_days: Days | None = 28
    new_rows: Annotated[int, Field(ge=1)] | None = None


class Detector(Section):
    """When the champion counts as worse than it was: see `detector.py`.

    `tolerance` is a share of the level; what is larger counts: it, or so many standard deviations
    of the day means (`tolerance_in_noise`). One pays for days that resemble their neighbours: with
    0.8, a simulated year of correlated shocks had 0.8 alarms; with 1, it had 0.3.
    """

    false_alarms_per_year: Annotated[float, Field(ge=0.001, le=52)] = 1.0
    tolerance: Share = 0.04
    tolerance_in_noise: Annotated[float, Field(ge=0)] = 1.0
    calibration_days: Annotated[int, Field(ge=7)] = 28


class Limits(Section):
    """How often the loop may act. Requests have a limit of their own; failures do not count."""

    cooldown_days: Count = 3
    max_trainings_per_month: Count = 30
    max_requests_per_month: Count = 10


class Data(Section):
    """Which rows are learned from, and what a day must be like to count.

    A challenger on schedule learns from as many days as the champion did, or from `history_days`;
    after a drift, from `days_before_change`, whose rows weigh `old_rows_weight`, and all since.
    Of more than `max_rows`, about so many are drawn, the same share of each day.
    """

    source: Literal["log", "load"] = "log"
    history_days: Annotated[int, Field(ge=7, le=3650)] | None = None
    days_before_change: Days = 28
    min_days_after_change: Annotated[int, Field(ge=1)] = 2
    old_rows_weight: Share = 0.05
    max_rows: Annotated[int, Field(ge=100)] = 500_000
    min_labelled: Annotated[float, Field(gt=0, le=1)] = 0.9
    label_wait_days: Count = 7
    min_rows: Annotated[int, Field(ge=2)] = 50
    min_volume: Share = 0.2
    max_shift: Annotated[float, Field(gt=1)] = 2.0
    max_overnight_psi: Positive = 0.25


class Proof(Section):
    """How a challenger shows, on days that it has not learned from, that it is better."""

    alpha: Alpha = 0.05
    prior: Positive = 0.25
    min_days: Days = 3
    max_days: Days = 28

    @model_validator(mode="after")
    def check(self) -> "Proof":
        """Check that the days can show something."""
        check_days("max_days", self.max_days, self.min_days, self.alpha, self.prior)
        return self


class SlowProof(Proof):
    """The same where there is no hurry: two of each weekday."""

    min_days: Days = 14


class Offline(Section):
    """What a challenger must show besides. Gains and losses are shares of the mean score."""

    holdout_days: Annotated[int, Field(ge=1, le=6)] = 3
    min_rows: Annotated[int, Field(ge=2)] = 100
    min_gain_over_baseline: Annotated[float, Field(ge=0)] = 0.05
    max_loss: Share = 0.02
    max_slice_loss: Share = 0.05
    slices: dict[str, Share] = Field(default_factory=dict)
    min_slice_rows: Annotated[int, Field(ge=1)] = 100


class Gates(Section):
    """What stands between a challenger and the champion's place."""

    offline: Offline = Offline()
    drift: Proof = Proof()
    schedule: SlowProof = SlowProof()


class Rollback(Section):
    """When a new champion makes room for the one before."""

    watch_days: Days = 28
    alpha: Alpha = 0.05
    prior: Positive = 0.1
    min_days: Annotated[int, Field(ge=2)] = 2
    margin: Share = 0.01
    day_ratio: Annotated[float, Field(gt=1)] = 1.25
    max_error_share: Share = 0.02
    max_p99_seconds: Positive = 0.5
    min_requests: Annotated[int, Field(ge=1)] = 100

    @model_validator(mode="after")
    def check(self) -> "Rollback":
        """Check that the days can show something."""
        check_days("watch_days", self.watch_days, self.min_days, self.alpha, self.prior)
        return self


class Policy(Section):
    """Everything that the loop may decide by itself, and where it must stop."""

    version: Annotated[int, Field(ge=1)] = 1
    pause: bool = False
    evidence: Literal["replay", "split"] = "replay"
    split_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    triggers: Triggers = Triggers()
    detector: Detector = Detector()
    calendar: Calendar = Calendar()
    limits: Limits = Limits()
    data: Data = Data()
    gates: Gates = Gates()
    rollback: Rollback = Rollback()

    @model_validator(mode="after")
    def check(self) -> "Policy":
        """Check what does not go together."""
        tolerance, shift = self.detector.tolerance, self.data.max_shift
        if tolerance >= np.log(shift):
            raise ValueError(
                f"detector.tolerance: {tolerance:g} is never exceeded, because data.max_shift: "
                f"{shift:g} refuses the days that would exceed it"
            )
        after, most = self.data.min_days_after_change, self.gates.drift.max_days
        if after >= most:
            raise ValueError(
                f"data.min_days_after_change: {after} leaves none of gates.drift.max_days: {most}"
            )
        return self


def read_policy(path: Path = POLICY) -> Policy:
    """Read the policy; errors name the file, the line and the key."""
    values, root = load_yaml(path)
    policy: Policy = validated(Policy, values, path, root)
    return policy
