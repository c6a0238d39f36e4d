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
    tolerance_in_noise: Annotated[float, Meta(ge=0)] = 1.0
    calibration_days: Annotated[int, Meta(ge=7)] = 14


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

    yaml_implicit_resolvers = {
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
        values = loader.construct_document(tree) if tree else {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    lines: dict[Place, int] = {}
    for place, line in places(tree):
        if place in lines:
            raise UserError(f"{path}, line {line}: {'.'.join(place)} stands in line {lines[place]}")
        lines[place] = line
    try:
        policy = msgspec.convert({} if values is None else values, Policy)
    except msgspec.ValidationError as error:
        place, reason = misfit(str(error))
        raise refusal(path, lines, place, reason) from error
    for section, keys, reason in contradictions(policy):
        named = [(*section, key) for key in keys if (*section, key) in lines]
        raise refusal(path, lines, named[0] if named else section, reason)
    return policy


def places(node: yaml.Node | None, above: Place = ()) -> Iterator[tuple[Place, int]]:
    """Each key and each item of a list, with its line in the file."""
    if isinstance(node, yaml.MappingNode):
        entries = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        entries = [(str(number), item, item) for number, item in enumerate(node.value)]
    else:
        return
    for name, marked, value in entries:
        yield (*above, name), marked.start_mark.line + 1
        yield from places(value, (*above, name))


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


def contradictions(policy: Policy) -> Iterator[tuple[Place, Place, str]]:
    """What means nothing or does not go together: the section, the keys, and why."""
    for number, freeze in enumerate(policy.limits.freeze):
        if freeze.last < freeze.first:
            section = "limits", "freeze", str(number)
            yield section, ("last",), f"{freeze.last} is before the first day, {freeze.first}"
    low, high = FALSE_ALARMS
    if not low <= policy.detector.false_alarms_per_year <= high:
        yield ("detector",), ("false_alarms_per_year",), f"from {low:g} to {high:g} is possible"
    shift = policy.data.max_shift
    if policy.detector.tolerance >= np.log(shift):
        reason = f"data.max_shift: {shift:g} refuses every day on which more would show"
        yield ("detector",), ("tolerance",), reason
    window, holdout = policy.data.window_days, policy.gates.offline.holdout_days
    if holdout >= window:
        reason = f"of data.window_days: {window}, {holdout} leave no day to learn from"
        yield ("gates", "offline"), ("holdout_days",), reason
    for name, proof in (("drift", policy.gates.drift), ("schedule", policy.gates.schedule)):
        days = proof.min_days, proof.max_days
        yield from unwinnable(("gates", name), "max_days", *days, proof.alpha, proof.prior)
    watch = policy.rollback
    days = watch.min_days, watch.watch_days
    yield from unwinnable(("rollback",), "watch_days", *days, watch.alpha, watch.prior)
    after, most = policy.data.min_days_after_change, policy.gates.drift.max_days
    if after >= most:
        reason = f"{after} days leave none of gates.drift.max_days: {most} to judge by"
        yield ("data",), ("min_days_after_change",), reason


def unwinnable(
    section: Place, most: str, min_days: int, max_days: int, alpha: float, prior: float
) -> Iterator[tuple[Place, Place, str]]:
    """Why a test of day means can show nothing in the days it has, if it cannot."""
    if min_days > max_days:
        yield section, ("min_days", most), f"min_days: {min_days} is more than {most}: {max_days}"
    elif log_e_values(np.ones(max_days), prior)[-1] < -np.log(2 * alpha):
        reason = (
            f"{most}: {max_days} is too short to show anything at alpha: {alpha:g} and prior: "
            f"{prior:g}, even if every day shows the same"
        )
        yield section, (most, "prior", "alpha"), reason
