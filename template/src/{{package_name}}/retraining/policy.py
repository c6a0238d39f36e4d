"""What `retraining.yaml` holds, checked when read: a wrong key or value is refused by its line."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import yaml
from msgspec import Meta

from ..errors import UserError
from ..experiments.sequential import log_e_values

POLICY = Path("retraining.yaml")
FALSE_ALARMS = 0.001, 52.0  # a year: rarer ones are never seen, others come every week
PLACE = re.compile(r" - at (?:`key` in )?`\$\.?(?P<place>.*)`$")  # as msgspec tells it
UNKNOWN = re.compile(r"^Object contains unknown field `(?P<key>.*)`$")

Place = tuple[str, ...]  # keys, and numbers of items, from the top down

Share = Annotated[float, Meta(ge=0, le=1)]
Alpha = Annotated[float, Meta(gt=0, lt=0.5)]
Days = Annotated[int, Meta(ge=1, le=3650)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the policy; a key that it does not know is refused."""


class Freeze(Section, frozen=True):
    """Days, the first and the last included, on which nothing is trained or promoted."""

    first: date
    last: date
    why: str = ""


class Triggers(Section, frozen=True):
    """What starts a retraining, besides somebody who asks for it."""

    performance: bool = True
    schedule_days: Days | None = 28
    new_rows: Annotated[int, Meta(ge=1)] | None = None


class Detector(Section, frozen=True):
    """When the champion counts as worse than it was: see `detector.py`.

    `tolerance` is a share of the level; what is larger counts: it, or so many standard deviations
    of the day means (`tolerance_in_noise`).
    """

    false_alarms_per_year: Positive = 1.0
    tolerance: Share = 0.04
    tolerance_in_noise: Annotated[float, Meta(ge=0)] = 0.8
    calibration_days: Annotated[int, Meta(ge=7)] = 28


class Limits(Section, frozen=True):
    """How often the loop may act, and when not."""

    cooldown_days: Count = 3
    max_retrainings_per_month: Count = 4
    freeze: list[Freeze] = []


class Data(Section, frozen=True):
    """Which rows teach, and what a day must be like to count."""

    source: Literal["log", "load"] = "log"
    window_days: Days = 28
    min_days_after_change: Annotated[int, Meta(ge=1)] = 2
    old_rows_weight: Share = 0.05
    min_labelled: Annotated[float, Meta(gt=0, le=1)] = 0.9
    label_wait_days: Count = 7
    min_rows: Annotated[int, Meta(ge=2)] = 50
    min_volume: Share = 0.2
    max_shift: Annotated[float, Meta(gt=1)] = 2.0


class Proof(Section, frozen=True):
    """How a challenger shows, on days that it has not learned from, that it is better."""

    alpha: Alpha = 0.05
    prior: Positive = 0.25
    min_days: Days = 3
    max_days: Days = 28


class SlowProof(Proof, frozen=True):
    """The same where there is no hurry: two of each weekday."""

    min_days: Days = 14


class Offline(Section, frozen=True):
    """What a challenger must show besides. Gains and losses are shares of the mean score."""

    holdout_days: Days = 3
    min_rows: Annotated[int, Meta(ge=2)] = 100
    min_gain_over_baseline: Annotated[float, Meta(ge=0)] = 0.05
    max_loss: Share = 0.02
    max_slice_loss: Share = 0.05
    slices: dict[str, Share] = {}
    min_slice_rows: Annotated[int, Meta(ge=1)] = 100


class Gates(Section, frozen=True):
    """What stands between a challenger and the champion's place."""

    offline: Offline = Offline()
    drift: Proof = Proof()
    schedule: SlowProof = SlowProof()


class Rollback(Section, frozen=True):
    """When a new champion makes room for the one before."""

    watch_days: Days = 28
    alpha: Alpha = 0.05
    prior: Positive = 0.1
    min_days: Annotated[int, Meta(ge=2)] = 2
    margin: Share = 0.01
    day_ratio: Annotated[float, Meta(gt=1)] = 1.25
    max_error_share: Share = 0.02
    max_p99_seconds: Positive = 0.5
    min_requests: Annotated[int, Meta(ge=1)] = 100


class Policy(Section, frozen=True):
    """Everything that the loop may decide by itself, and where it must stop."""

    version: Annotated[int, Meta(ge=1)] = 1
    pause: bool = False
    evidence: Literal["replay", "split"] = "replay"
    split_share: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    triggers: Triggers = Triggers()
    detector: Detector = Detector()
    limits: Limits = Limits()
    data: Data = Data()
    gates: Gates = Gates()
    rollback: Rollback = Rollback()


class Loader(yaml.SafeLoader):
    """Reads days as text: msgspec then says where one is that no calendar has."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if not tag.endswith(":timestamp")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_policy(path: Path = POLICY) -> Policy:
    """The policy in the file.

    Raises:
        UserError: it is missing, is not YAML, or holds a key or value that means nothing, or values
            that do not go together; the message names the line.
    """
    try:
        loader = Loader(path.read_text(encoding="utf-8"))
        tree = loader.get_single_node()
        values = loader.construct_document(tree) if tree else None
        places = list(places_in(tree))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    lines: dict[Place, int] = {}
    for place, line in places:
        if place in lines:
            raise refusal(path, {place: line}, place, f"it stands in line {lines[place]} already")
        lines[place] = line
    try:
        policy = msgspec.convert({} if values is None else values, Policy)
    except msgspec.ValidationError as error:
        raise refusal(path, lines, *misfit(str(error))) from error
    for involved, reason in contradictions(policy):
        written = [place for place in involved if place in lines]
        raise refusal(path, lines, (written or involved)[0], reason)
    return policy


def places_in(node: yaml.Node | None, above: Place = ()) -> Iterator[tuple[Place, int]]:
    """Each key and each item of a list, with its line in the file."""
    if isinstance(node, yaml.MappingNode):
        entries = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        entries = [(str(number), item, item) for number, item in enumerate(node.value)]
    else:
        return
    for name, marked, value in entries:
        yield (*above, name), marked.start_mark.line + 1
        yield from places_in(value, (*above, name))


def misfit(message: str) -> tuple[Place, str]:
    """Where a value does not fit, and why, from what msgspec says."""
    found = PLACE.search(message)
    place = tuple(re.findall(r"[^.\[\]]+", found["place"])) if found else ()
    reason = PLACE.sub("", message)
    unknown = UNKNOWN.match(reason)
    if unknown is None:
        return place, reason
    known: Any = msgspec.to_builtins(Policy())
    for name in place:
        known = known.get(name, {}) if isinstance(known, dict) else {}
    hint = f": known are {', '.join(known)}" if known else ""
    return (*place, unknown["key"]), f"there is no such key{hint}"


def refusal(path: Path, lines: dict[Place, int], place: Place, reason: str) -> UserError:
    """What to tell the user; where a place is not in the file, the line of what is around it."""
    around = place
    while around and around not in lines:
        around = around[:-1]
    where = f"{'.'.join(place)}: " if place else ""
    return UserError(f"{path}, line {lines.get(around, 1)}: {where}{reason}")


def contradictions(policy: Policy) -> Iterator[tuple[list[Place], str]]:
    """What means nothing or does not go together: the places that it is about, and why."""
    for number, freeze in enumerate(policy.limits.freeze):
        if freeze.last < freeze.first:
            yield (
                [("limits", "freeze", str(number), "last")],
                f"{freeze.last} is before the first day, {freeze.first}",
            )
    budget, (low, high) = policy.detector.false_alarms_per_year, FALSE_ALARMS
    if not low <= budget <= high:
        yield (
            [("detector", "false_alarms_per_year")],
            f"{budget:g} means nothing: from {low:g} to {high:g} are possible",
        )
    tolerance, shift = policy.detector.tolerance, policy.data.max_shift
    if tolerance >= np.log(shift):
        yield (
            [("detector", "tolerance"), ("data", "max_shift")],
            f"a tolerance of {tolerance:g} is never left, because max_shift: {shift:g} refuses "
            "the days that would leave it",
        )
    window, holdout = policy.data.window_days, policy.gates.offline.holdout_days
    if holdout >= window:
        yield (
            [("gates", "offline", "holdout_days"), ("data", "window_days")],
            f"{holdout} holdout_days of {window} window_days leave none to learn from",
        )
    drift, schedule, watch = policy.gates.drift, policy.gates.schedule, policy.rollback
    for section, most_days, rule, longest in (
        (("gates", "drift"), "max_days", drift, drift.max_days),
        (("gates", "schedule"), "max_days", schedule, schedule.max_days),
        (("rollback",), "watch_days", watch, watch.watch_days),
    ):
        if rule.min_days > longest:
            yield (
                [(*section, "min_days"), (*section, most_days)],
                f"min_days: {rule.min_days} is more than {most_days}: {longest}",
            )
        elif log_e_values(np.ones(longest), rule.prior)[-1] < -np.log(2 * rule.alpha):
            yield (
                [(*section, key) for key in (most_days, "alpha", "prior")],
                f"{longest} days cannot show anything at alpha: {rule.alpha:g} and prior: "
                f"{rule.prior:g}, even if every day says the same",
            )
    after, most = policy.data.min_days_after_change, policy.gates.drift.max_days
    if after >= most:
        yield (
            [("data", "min_days_after_change"), ("gates", "drift", "max_days")],
            f"{after} days before the first training leave none of {most} to judge it by",
        )
