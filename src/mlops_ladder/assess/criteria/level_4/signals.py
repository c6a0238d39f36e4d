"""Signals of production: outcomes, drift, and silence."""

import re
from typing import Any

from ....inspection.files import as_mapping
from ...evidence import among, called, config, units_with, unseen_ci, words_of
from ...finding import Evidence, Finding, all_of, criterion, met, met_if, missing, not_applicable
from ...infrastructure import ALARM
from ...places import at_setting, at_text, at_unit
from ...wiring import Wiring
from .loop import DETECTOR, loop, triggered

TRUTH = re.compile(r"ground_?truth|(^|_)actuals?($|_)|labels?$|feedback|outcomes?$", re.I)
JOINS = re.compile(r"^(join|joined|merge|outerjoin|merge_asof|join_\w+|\w+_join)$", re.I)
PREDICTED = re.compile(r"prediction|predicted|inference", re.I)
DELAY = re.compile(
    r"label_?(wait|delay|lag|maturity)|(truth|feedback)_?(delay|lag|wait)|lateness", re.I
)
BUDGET = re.compile(
    r"false_alarm|(^|_)arl\d*$|average_run_length|false_positive_rate|(^|_)fdr$|alarm_rate", re.I
)
PAUSED = re.compile(r"^(pause|paused|disabled|kill_switch|frozen)$", re.I)
OFF = re.compile(r"^(auto_?(retrain|retraining|promote)|retraining_enabled|enabled)$", re.I)
POLICY_FILE = re.compile(r"polic|retrain|promotion|governance|rollout", re.I)


@criterion("L4-01", "truth-joined", "must", "MS4, N7")
def truth_joined(wiring: Wiring) -> Finding:
    """Ground truth is joined to predictions by a job, and its delay is a setting.

    Code that something starts and that joins predictions and their truth, and a setting that names
    how long labels take; or SageMaker's monitor of model quality.
    """
    managed = called(
        wiring, ["*.ModelQualityMonitor", "*.CreateModelQualityJobDefinition"], "a monitor"
    )
    if managed.status == "met":
        return managed
    joined = [
        unit
        for unit, _ in units_with(among(wiring, wiring.wired), TRUTH, JOINS, PREDICTED)
        if not re.search(r"train|feature|dataset|eval", unit.path)
    ]
    delays = config(wiring, DELAY, wiring.wired)
    if joined and not delays:
        return missing(
            "truth is joined, but no setting names its delay", [at_unit(wiring, joined[0])], "E1"
        )
    return all_of(
        met_if(
            (at_unit(wiring, unit) for unit in joined), "nothing joins ground truth to predictions"
        ),
        met_if(
            (at_setting(wiring, *one) for one in delays), "no setting names the delay of labels"
        ),
    )


@criterion("L4-02", "false-alarms-budgeted", "must", "MS4, SD")
def false_alarms_budgeted(wiring: Wiring) -> Finding:
    """The detector of a worse model has a stated budget of false alarms.

    A setting such as a rate of false alarms or an average run length, that a detector's code reads.
    """
    for path, name, value in config(wiring, BUDGET, wiring.wired):
        users = [
            unit
            for unit in among(wiring, wiring.wired)
            if name in words_of(unit)
            and (DETECTOR.search(unit.path) or any(DETECTOR.search(one) for one in unit.names))
        ]
        if users and not path.endswith(".py"):
            return met([at_setting(wiring, path, name, value), at_unit(wiring, users[0])])
    return missing("no detector with a budget of false alarms was found")


@criterion("L4-03", "signal-starts-training", "must", "MS4, G1, AWS 8.4, SD")
def signal_starts_training(wiring: Wiring) -> Finding:
    """A worse model in production starts a training without a person.

    A scheduled loop whose detector decides whether to train, or a signal of monitoring that
    dispatches a pipeline. A policy that pauses it switches it off.
    """
    for path, name, value in wiring.settings:
        if path.endswith(".py") or not POLICY_FILE.search(path):
            continue
        if (PAUSED.match(name) and value is True) or (OFF.match(name) and value is False):
            return missing(
                f"{path} sets {name} to {str(value).lower()}",
                [at_setting(wiring, path, name, value)],
            )
    _, own = loop(wiring)
    _, sent = triggered(wiring)
    alarms = [Evidence(one.file, one.line, one.name) for one in wiring.rules(ALARM)]
    if own or sent or alarms:
        return met([*own, *sent, *alarms])
    return unseen_ci(wiring, "no signal of monitoring starts a training")


@criterion("L4-13", "silence-noticed", "should", "N4, Mo4")
def silence_noticed(wiring: Wiring) -> Finding:
    """A model that is too old and a loop that stops are noticed.

    Alert rules with `absent()` or the time of the last success, and of the model's age.
    """
    for path in wiring.yaml_files:
        body = wiring.repository.tree[path]
        if (
            b"alert:" in body
            and re.search(
                rb"(?m)^\s*[^#\n]*absent\([^)]*(tick|loop|monitor|retrain|model|job|last)", body
            )
            and re.search(rb"(?m)^\s*[^#\n]*(max_age|model_age|staleness|last_train)", body)
        ):
            return met([at_text(wiring, path, "absent(")])
    return missing("no alert tells that the model is old or the loop silent")


@criterion("L4-16", "feature-freshness-watched", "conditional", "MS4")
def feature_freshness_watched(wiring: Wiring) -> Finding:
    """If a feature store is used, stale features are noticed.

    Feast, Tecton, Hopsworks or SageMaker's store, and an alert about freshness.
    """
    stores = {"feast", "tecton", "hopsworks", "hsfs"}
    asked: Any = as_mapping(wiring.repository.pyproject.get("project")).get("dependencies") or []
    declared = (
        any(str(one).startswith(tuple(stores)) for one in asked)
        if isinstance(asked, list)
        else False
    )
    if wiring.imported_packages.isdisjoint(stores) and not declared:
        return not_applicable("no feature store is used")
    for path in wiring.yaml_files:
        body = wiring.repository.tree[path]
        if b"alert:" in body and re.search(rb"(?m)^\s+[^#\n]*freshness", body):
            return met([at_text(wiring, path, "freshness")])
    return missing("no alert tells that features are stale")
