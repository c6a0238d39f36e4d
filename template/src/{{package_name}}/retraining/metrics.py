"""Liveness and state metrics of the loop, for Prometheus: each step writes them into live/metrics.

The service exports them (`serving/metrics.py`). The alerts in
deploy/prometheus/rules/retraining.yml use them, so that silence is noticed, too.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import get_args

from prometheus_client import Metric, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from ..serving.metrics import PROM_FILES
from .policy import Policy
from .state import State, Why, midnight

FILE = "retraining.prom"
DAY = 86_400.0
# Each is there from the first step on: of a counter that begins at 1, no increase is seen.
KINDS = (
    "begun",
    "quiet",
    "alarm",
    "alarm refused",
    "training",
    "trained",
    "no training",
    "evidence",
    "promotion",
    "promoted",
    "not promoted",
    "expired",
    "trusted",
    "rollback",
    "rolled back",
    "left out",
    "guard",
    "held",
    "asked",
    "refused",
    "failed",
    "clock",
)


class Told(Collector):
    """Metrics as they are."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return all of them."""
        return self.metrics


def beat(
    live: Path,
    now: float,
    state: State | None,
    policy: Policy | None,
    failure: str | None,
    decisions: Mapping[str, int] | None = None,
    held: Mapping[str, float] | None = None,
) -> None:
    """Write that a step was taken, whether it failed, and what is known after it.

    `decisions` is how many the journal holds of each kind; `held` is the PSI of the features for
    which days are held. What is None is not known now, and stays what was told before.

    Raises
    ------
    OSError
        The file cannot be written; the one of before is still there.
    """
    file = live / PROM_FILES / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    metrics = {metric.name: metric for metric in told_before(file)}
    metrics |= {metric.name: metric for metric in of_step(now, failure)}
    if state is not None:
        metrics |= {metric.name: metric for metric in of_state(state)}
    if policy is not None:
        metrics |= {metric.name: metric for metric in of_policy(policy)}
    if decisions is not None:
        counter = of_decisions(decisions)
        metrics[counter.name] = counter
    if held is not None:
        gauge = GaugeMetricFamily(
            "retraining_held_psi",
            "PSI of a feature that moved overnight, while days are held for it",
            labels=["feature"],
        )
        for feature, psi in held.items():
            gauge.add_metric([feature], psi)
        metrics[gauge.name] = gauge
    registry = CollectorRegistry()
    registry.register(Told(metrics.values()))
    write_to_textfile(str(file), registry)


def told_before(file: Path) -> list[Metric]:
    """Return the metrics in the file; none if it cannot be read."""
    with suppress(OSError, ValueError, IndexError):  # the parser raises both for a cut file
        return list(text_string_to_metric_families(file.read_text(encoding="utf-8")))
    return []


def of_step(now: float, failure: str | None) -> list[Metric]:
    """Return the time of the step, and of the last one that did not fail if this one did not."""
    tick = GaugeMetricFamily(
        "retraining_last_tick_timestamp_seconds", "When the loop took its last step", now
    )
    success = GaugeMetricFamily(
        "retraining_last_success_timestamp_seconds", "When a step last succeeded", now
    )
    return [tick] if failure is not None else [tick, success]


def of_state(state: State) -> list[Metric]:
    """Return the metrics of the loop's state."""
    trial = GaugeMetricFamily(
        "retraining_trial", "1 while a challenger is on trial for this reason", labels=["why"]
    )
    for why in get_args(Why):
        trial.add_metric([why], state.trial is not None and state.trial.why == why)
    metrics: list[Metric] = [
        trial,
        GaugeMetricFamily(
            "retraining_watching", "1 while a new champion is watched", state.watch is not None
        ),
        GaugeMetricFamily(
            "retraining_model_through_timestamp_seconds",
            "The last day that the champion has learned from",
            midnight(state.champion.through).timestamp(),
        ),
        GaugeMetricFamily(
            "retraining_champion_since_timestamp_seconds",
            "The first day on which the champion served",
            midnight(state.since).timestamp(),
        ),
        GaugeMetricFamily(
            "retraining_last_day_timestamp_seconds",
            "The last day that the loop has processed",
            midnight(state.day).timestamp(),
        ),
    ]
    if state.last_trial is not None:
        metrics.append(
            GaugeMetricFamily(
                "retraining_last_trial_timestamp_seconds",
                "The day on which the last trial of a challenger began",
                midnight(state.last_trial).timestamp(),
            )
        )
    return metrics


def of_policy(policy: Policy) -> list[Metric]:
    """Return the metrics of the policy."""
    return [
        GaugeMetricFamily("retraining_paused", "1 if the policy pauses the loop", policy.pause),
        GaugeMetricFamily(
            "retraining_max_age_seconds",
            "How long after the last day learned from another trial has begun; infinite if never",
            max_age(policy),
        ),
    ]


def of_decisions(decisions: Mapping[str, int]) -> Metric:
    """Return the numbers of decisions by kind."""
    counter = CounterMetricFamily(
        "retraining_decisions", "Decisions in the journal", labels=["kind"]
    )
    for kind in dict.fromkeys((*KINDS, *decisions)):
        counter.add_metric([kind], decisions.get(kind, 0))
    return counter


def max_age(policy: Policy) -> float:
    """Return the seconds within which the schedule compares the champion with a newer model.

    A trial may have begun just before its day came, lasts as long as its gate allows, and the
    loop may wait for the ground truth of its last day.
    """
    if policy.triggers.schedule_days is None:
        return inf
    trial = policy.gates.schedule.max_days + policy.data.label_wait_days
    return (policy.triggers.schedule_days + trial + 1) * DAY
