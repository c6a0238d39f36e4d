"""Level 4: production itself says when to retrain, and policy decides what serves."""

import re
from functools import lru_cache
from typing import Any

from ...inspection.files import as_mapping
from ...inspection.python import Unit
from ..code import names_any
from ..evidence import (
    among,
    at_call,
    at_line,
    at_setting,
    at_text,
    at_unit,
    called,
    config,
    endless_reach,
    fitting_places,
    own_imports,
    scheduled_by_code,
    scheduled_reach,
    test_units,
    uncommented,
    units_with,
    unseen_ci,
    words_of,
)
from ..finding import (
    Evidence,
    Finding,
    all_of,
    criterion,
    met,
    met_if,
    missing,
    not_applicable,
)
from ..infrastructure import ALARM
from ..reach import Place
from ..tools import (
    CHALLENGER_WORD,
    CHAMPION_WORD,
    DISPATCH_TEXT,
    DRIFT_WORD,
    ROLLBACK_WORD,
    SLICE_WORD,
    TRIGGER_COMMAND,
    TRIGGERING,
)
from ..wiring import Wiring
from .level_1.habits import renovate
from .level_1.testing import tests_in_ci
from .level_3.deployment import automatic_rollback
from .level_3.gates import challenger_beside_champion

TRAINS_NOW = re.compile(r"train|(^|_)fit", re.I)
TRUTH = re.compile(r"ground_?truth|(^|_)actuals?($|_)|labels?$|feedback|outcomes?$", re.I)
JOINS = re.compile(r"^(join|joined|merge|outerjoin|merge_asof|join_\w+|\w+_join)$", re.I)
PREDICTED = re.compile(r"prediction|predicted|inference", re.I)
DISPATCHES = re.compile(r"dispatch|workflow|Dag|deployment|sensor|automation", re.I)
"""Calls that start another pipeline; others have to name what they start."""
DELAY = re.compile(
    r"label_?(wait|delay|lag|maturity)|(truth|feedback)_?(delay|lag|wait)|lateness", re.I
)
BUDGET = re.compile(
    r"false_alarm|(^|_)arl\d*$|average_run_length|false_positive_rate|(^|_)fdr$|alarm_rate", re.I
)
DETECTOR = re.compile(r"detector|drift|cusum|page_hinkley|adwin|alarm|degrad", re.I)
PAUSED = re.compile(r"^(pause|paused|disabled|kill_switch|frozen)$", re.I)
OFF = re.compile(r"^(auto_?(retrain|retraining|promote)|retraining_enabled|enabled)$", re.I)
COOLDOWN = re.compile(r"cool_?down|min_(interval|days_between|hours_between)|retrain_every", re.I)
LIMIT = re.compile(
    r"max_(re)?train\w*|max_retrain\w*|(train|retrain|retraining|cost)_budget|spend_cap|max_runs"
    r"|max_active_runs",
    re.I,
)
ENOUGH = re.compile(
    r"min_(label\w*|rows|samples|volume|days|count|records|new_\w+)|completeness", re.I
)
MARGIN = re.compile(r"margin|max_(slice_)?loss|tolerance|min_gain|threshold|max_regression", re.I)
ONLINE = re.compile(r"canary|shadow|experiment|ab_test|traffic_split|trial", re.I)
STARTS = re.compile(
    r"^(put_live|arrange|start_\w+|begin_\w+|create_\w*(canary|experiment|shadow)\w*"
    r"|set_traffic\w*|deploy\w*|release)$",
    re.I,
)
RESULT = re.compile(
    r"proof|verdict|experiment_result|winner|ab_result|(^|_)proven$|significan|(^|_)e_value",
    re.I,
)
DECISION = re.compile(r"decision", re.I)
"""A word for the result of a trial, where there is one."""
PROMOTES = re.compile(
    r"^(promote\w*|set_registered_model_alias|transition_model_version_stage|Promote)$", re.I
)
SEQUENTIAL = re.compile(
    r"(^|_)e_values?|msprt|sprt|confidence_sequence|group_sequential|alpha_spending|obrien"
    r"|always_valid|anytime_valid",
    re.I,
)
PEEKING = re.compile(r"^(ttest_ind|ttest_rel|mannwhitneyu|proportions_ztest|chi2_contingency)$")
POLICY_FILE = re.compile(r"polic|retrain|promotion|governance|rollout", re.I)
GUARD = re.compile(r"guard_?rail|broken|breach|error_(rate|share)|failing|health|slo", re.I)
SCENARIOS = {
    "a drift that starts a training": re.compile(
        r"drift|alarm|degrad|worse|shift|jump|change", re.I
    ),
    "a bad challenger that is refused": re.compile(
        r"refus|reject|bad|objection|no_better|worse_than", re.I
    ),
    "a rollback": re.compile(r"roll_?back|go_?back|comes_back|rolled|back", re.I),
    "quiet days": re.compile(r"quiet|no_drift|nothing|calm|stays|false_alarm|noise", re.I),
}


KEEPING = re.compile(r"rmtree|prune|retention|unlink")
SIGNAL_WORD = re.compile(f"{DRIFT_WORD.pattern}|detector", DRIFT_WORD.flags)


@lru_cache(maxsize=1)  # many criteria ask the same of one repository
def loop(wiring: Wiring) -> tuple[set[Place], list[Evidence]]:
    """Return what the loop reaches: a scheduled or triggered job that trains on a signal."""
    found: set[Place] = set()
    places: list[Evidence] = []
    wanted = fitting_places(wiring)
    recurring = [*scheduled_reach(wiring), *endless_reach(wiring)]
    started = [(file, reached) for file, _, reached in recurring]
    by_hand = not wiring.jobs and wiring.repository.answers.get("ci_provider") == "none"
    if by_hand:  # the schedule is outside of the repository; what it would start is a task
        started += [
            (root.file, reached) for root, reached in wiring.reach_by_root if root.kind == "task"
        ]
    for file, reached in started:
        deciding = [
            unit
            for unit in among(wiring, reached)
            if unit.branches
            and (DETECTOR.search(unit.path) or names_any(unit, DETECTOR) or asks(unit, DETECTOR))
        ]
        signals = [
            unit for unit in deciding if names_any(unit, SIGNAL_WORD) or asks(unit, SIGNAL_WORD)
        ]
        if wanted & reached and signals:
            found |= reached
            places += (
                [] if by_hand else [at_text(wiring, file, "schedule"), at_unit(wiring, signals[0])]
            )
    return found, places


def asks(unit: Unit, pattern: re.Pattern[str]) -> bool:
    """Tell whether a condition of a unit depends on something of a name."""
    return any(map(pattern.search, unit.tested))


def retrained_in_branch(wiring: Wiring) -> dict[Place, Evidence]:
    """Return the units of code with a schedule of its own in which drift starts a training."""
    wanted = fitting_places(wiring)
    return {
        (unit.path, unit.name): at_unit(wiring, unit)
        for _, _, reached in scheduled_by_code(wiring)
        for unit in among(wiring, reached)
        if any(SIGNAL_WORD.search(name) for name in unit.tested)
        and any(TRAINS_NOW.search(call.name.rpartition(".")[2]) for call in unit.calls)
        and wanted & wiring.reach([(unit.path, unit.name)])
    }


@lru_cache(maxsize=1)
def triggered(wiring: Wiring) -> tuple[set[Place], list[Evidence]]:
    """Return the units in which a signal of monitoring starts a pipeline elsewhere."""
    found: set[Place] = set()
    places: list[Evidence] = []
    for unit, call in wiring.calls(TRIGGERING):
        signal = names_any(unit, DRIFT_WORD) or DRIFT_WORD.search(unit.path)
        words = [*unit.names, *(text for _, text in unit.strings)]
        if (
            signal
            and wiring.is_wired(unit)
            and (DISPATCHES.search(call.name) or any(map(TRAINS_NOW.search, words)))
        ):
            found.add((unit.path, unit.name))
            places.append(at_call(wiring, unit, call))
    for unit in among(wiring, wiring.wired):
        if (
            unit.branches
            and any(DISPATCH_TEXT.search(text) for _, text in unit.strings)
            and names_any(unit, DRIFT_WORD)
        ):
            found.add((unit.path, unit.name))
            places.append(at_unit(wiring, unit))
    retrained = retrained_in_branch(wiring)
    found |= retrained.keys()
    places += retrained.values()
    for job in wiring.jobs:
        line = job.runs(TRIGGER_COMMAND)
        drift = any(DRIFT_WORD.search(one.text) for one in job.lines)
        if line and drift and job.started_by("schedule", "repository_dispatch"):
            places.append(at_text(wiring, line.file, line.text[:40], line.text))
    return found, places


@lru_cache(maxsize=1)
def in_loop(wiring: Wiring) -> list[Unit]:
    """Return the units of the loop, or of a signal's own code."""
    reached, _ = loop(wiring)
    other, _ = triggered(wiring)
    return among(wiring, reached | (wiring.reach(other) if other else set()))


@lru_cache(maxsize=1)
def loop_places(wiring: Wiring) -> set[Place]:
    """Return what the loop reaches."""
    return {(unit.path, unit.name) for unit in in_loop(wiring)}


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


@criterion("L4-04", "retraining-limited", "must", "G1")
def retraining_limited(wiring: Wiring) -> Finding:
    """Retrainings have a minimum interval and a limit, and never overlap.

    Settings of a cooldown and of a budget that the loop reads, and a concurrency group or a lock.
    """
    used = loop_places(wiring)
    groups = [
        at_text(wiring, workflow.file, "concurrency")
        for workflow in wiring.repository.workflows
        if "concurrency" in wiring.repository.text(workflow.file)
        or re.search(
            r"resource_group|disableConcurrentBuilds", wiring.repository.text(workflow.file)
        )
    ]
    locks = [
        at_unit(wiring, unit)
        for unit in in_loop(wiring)
        if re.search(r"lock|working|busy|max_active_runs", " ".join(unit.names), re.I)
    ]
    return all_of(
        met_if(
            (at_setting(wiring, *one) for one in config(wiring, COOLDOWN, used)),
            "no cooldown between retrainings was found",
        ),
        met_if(
            (at_setting(wiring, *one) for one in config(wiring, LIMIT, used)),
            "no limit of retrainings was found",
        ),
        met_if([*locks, *groups] if used else [], "retrainings may overlap"),
    )


@criterion("L4-05", "data-guarded", "must", "G1, AWS 8.1")
def data_guarded(wiring: Wiring) -> Finding:
    """Too few, unlabelled or suspicious rows start no training.

    Settings of the smallest number or share of rows or labels that the loop compares with, and a
    check of their distribution that leaves days out.
    """
    used = loop_places(wiring)
    settings = [one for one in config(wiring, ENOUGH, used) if not one[0].endswith(".py")]
    shifts = [
        (unit, name)
        for unit in in_loop(wiring)
        if unit.branches
        for name in words_of(unit)
        if re.search(r"max_shift|shift_limit|max_psi|schema_check|SchemaError", name)
    ]
    return all_of(
        met_if(
            (at_setting(wiring, *one) for one in settings),
            "no smallest number of rows or labels was found",
        ),
        met_if(
            (
                at_line(wiring, unit.path, unit.names.get(name, unit.line), name)
                for unit, name in shifts
            ),
            "no check of the new rows was found",
        ),
    )


@criterion("L4-06", "judged-on-same-rows", "must", "G1, I4, Mo6")
def judged_on_same_rows(wiring: Wiring) -> Finding:
    """Champion and challenger are compared on the same new rows, in each slice too, by a margin.

    Code of the loop that names both, a slice and a margin, and branches.
    """
    units = in_loop(wiring)
    modules: dict[str, list[Unit]] = {}
    for unit in units:
        modules.setdefault(unit.path, []).append(unit)
    for _path, inside in modules.items():
        names = {name for unit in inside for name in [*unit.names, unit.short]}
        texts = {text for unit in inside for _, text in unit.strings if len(text) < 40}
        patterns = (CHAMPION_WORD, CHALLENGER_WORD, SLICE_WORD, MARGIN)
        both = names | texts
        if all(any(pattern.search(one) for one in both) for pattern in patterns):
            deciding = [
                unit
                for unit in inside
                if unit.branches
                and any(MARGIN.search(one) for one in words_of(unit))
                and any(SLICE_WORD.search(one) for one in [*words_of(unit), unit.short])
            ]
            settings = [
                one
                for one in config(
                    wiring, re.compile(r"slice|segment|subgroup", re.I), loop_places(wiring)
                )
                if not one[0].endswith(".py")
            ]
            if (
                deciding
                and (settings or any("min_" in one for one in names))
                and any(not s[0].endswith(".py") for s in settings)
            ):
                return met(
                    [at_unit(wiring, unit) for unit in deciding]
                    + [at_setting(wiring, *settings[0])]
                )
    return missing("no comparison of champion and challenger by slice with a margin was found")


@criterion("L4-07", "online-stage-automated", "must", "MS4, SD, I6")
def online_stage_automated(wiring: Wiring) -> Finding:
    """The loop starts the challenger's trial in production and waits for its result.

    Argo Rollouts with an analysis, Flagger, or code of the loop that starts a shadow, canary or
    experiment.
    """
    for path, document in wiring.manifests:
        spec = str(document.get("spec"))
        if document.get("kind") in {"Rollout", "Canary"} and "analysis" in spec:
            return met([at_text(wiring, path, "analysis")])
    for one in wiring.created(r"Serverless::Function$", r"(Canary|Linear)\d+Percent"):
        if re.search(r"Alarms|Hooks", one.text):
            return met([Evidence(one.file, one.line, f"canary of {one.name}")])
    for unit in in_loop(wiring):
        starts = [call for call in unit.calls if STARTS.match(call.name.rpartition(".")[2])]
        tried = names_any(unit, ONLINE)
        if (
            starts
            and tried
            and CHALLENGER_WORD.search(" ".join([*unit.names, *(text for _, text in unit.strings)]))
        ):
            return met([at_call(wiring, unit, starts[0])])
    return missing("nothing starts a trial of a challenger in production by itself")


@criterion("L4-08", "result-decides", "must", "SD, MS4")
def result_decides(wiring: Wiring) -> Finding:
    """The result of the trial promotes a model, without a person in between.

    Code of the loop that branches by a verdict and promotes.
    """
    reached = in_loop(wiring)
    tried = challenger_beside_champion(wiring).status != "missing"
    results = [RESULT, *([DECISION] if tried else [])]
    acts = [
        unit
        for unit in reached
        if any(PROMOTES.match(call.name.rpartition(".")[2]) for call in unit.calls)
    ]
    decides = [
        unit
        for unit in reached
        if unit.branches
        and any(names_any(unit, one) for one in results)
        and any(PROMOTES.match(name) for name in unit.names)
    ]
    return all_of(
        met_if((at_unit(wiring, unit) for unit in acts), "nothing of the loop promotes a model"),
        met_if(
            (at_unit(wiring, unit) for unit in decides),
            "no result of a trial decides about a promotion",
        ),
    )


@criterion("L4-09", "looking-often-is-safe", "must", "sect. D")
def looking_often_is_safe(wiring: Wiring) -> Finding:
    """The result may be looked at each day without more errors.

    An e-process, a sequential test, a confidence sequence or spending of alpha, in code that the
    loop reaches. A t-test at each look is the contrary.
    """
    for unit in in_loop(wiring):
        found = next((name for name in unit.names if SEQUENTIAL.search(name)), None)
        if found and unit.branches:
            return met([at_line(wiring, unit.path, unit.names[found], found)])
    for unit in in_loop(wiring):
        for call in unit.calls:
            if PEEKING.match(call.name.rpartition(".")[2]):
                return missing(
                    "a test for one look is repeated at each look", [at_call(wiring, unit, call)]
                )
    return missing("no sequential test was found")


@criterion("L4-10", "promotion-by-policy", "must", "MS4")
def promotion_by_policy(wiring: Wiring) -> Finding:
    """Only a policy under version control allows a promotion.

    A file with a version and rules that the promoting code of the loop reads.
    """
    reached = in_loop(wiring)
    texts = {text for unit in reached for _, text in unit.strings}
    acts = [
        unit
        for unit in reached
        if any(PROMOTES.match(call.name.rpartition(".")[2]) for call in unit.calls)
    ]
    if not acts:
        return missing("nothing promotes a model by itself")
    for path, name, value in wiring.settings:
        is_policy = name == "version" and POLICY_FILE.search(path) and not path.endswith(".py")
        if is_policy and value and any(path.rpartition("/")[2] in text for text in texts):
            return met([at_setting(wiring, path, name, value), at_unit(wiring, acts[0])])
    return missing("no policy with a version is read by what promotes")


@criterion("L4-11", "rollback-by-itself", "must", "MS4, I7, AWS 7.3")
def rollback_by_itself(wiring: Wiring) -> Finding:
    """A new champion that does worse is rolled back by itself, and a test shows it.

    The analysis of Argo or Flagger, an automatic rollback of a cloud, or code of the loop that
    rolls back when a guardrail breaks, with a setting of the guardrail and a test.
    """
    for path, document in wiring.manifests:
        if document.get("kind") in {"Rollout", "Canary"} and "analysis" in str(
            document.get("spec")
        ):
            return met([at_text(wiring, path, "analysis")])
    if place := automatic_rollback(wiring):
        return met([place])
    reached = in_loop(wiring)
    back = [unit for unit in reached if names_any(unit, ROLLBACK_WORD)]
    guards = [
        unit
        for unit in reached
        if unit.branches and any(GUARD.search(name) for name in [*unit.names, unit.short])
    ]
    settings = [
        one
        for one in config(
            wiring,
            re.compile(r"max_error|error_(rate|share)|max_latency|day_ratio", re.I),
            loop_places(wiring),
        )
        if not one[0].endswith(".py")
    ]
    tested = [
        at_unit(wiring, unit)
        for module, unit in test_units(wiring)
        if any(GUARD.search(path) for path in [module.path, *own_imports(wiring, module)])
    ]
    return all_of(
        met_if((at_unit(wiring, unit) for unit in back), "nothing of the loop rolls back"),
        met_if((at_unit(wiring, unit) for unit in guards), "no guardrail was found"),
        met_if(
            (at_setting(wiring, *one) for one in settings), "no setting of a guardrail was found"
        ),
        met_if(tested, "no test of a guardrail was found"),
    )


@criterion("L4-12", "loop-tested", "must", "I3")
def loop_tested(wiring: Wiring) -> Finding:
    """Tests show the loop: a drift, a bad challenger, a rollback and quiet days.

    Tests of code of the loop whose names and calls speak of at least three of the four, run by CI.
    """
    inside = {path for path, _ in loop_places(wiring)}
    if not inside:
        return missing("there is no loop to test")
    deciding = {
        unit.path for unit in in_loop(wiring) if any(PROMOTES.match(name) for name in unit.names)
    }
    found: dict[str, Evidence] = {}
    for module, unit in test_units(wiring):
        if not deciding & set(own_imports(wiring, module)):
            continue
        for word, pattern in SCENARIOS.items():
            if pattern.search(unit.short):
                found.setdefault(word, at_unit(wiring, unit))
    if len(found) < 3:
        lacks = [word for word in SCENARIOS if word not in found]
        return missing(f"no test shows {' or '.join(lacks)}", found.values(), "E1")
    in_ci = tests_in_ci(wiring)
    return met(found.values(), "E3") if in_ci.status == "met" else in_ci


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


@criterion("L4-14", "maintains-itself", "should", "SD")
def maintains_itself(wiring: Wiring) -> Finding:
    """Packages and template are kept new, and old artifacts are deleted.

    A bot of dependencies, and a scheduled check or a rule that deletes what is old.
    """
    bots = [
        at_text(wiring, path, "package-ecosystem")
        for path in wiring.repository.matching(".github/dependabot.y*ml")
        if "package-ecosystem" in uncommented(wiring, path)
    ]
    bots += [bot for bot in [renovate(wiring)] if bot]
    other = [
        at_text(wiring, job.file, "schedule")
        for job in wiring.jobs
        if job.started_by("schedule")
        and any(re.search(r"update|copier|upgrade|renovate", line.text) for line in job.lines)
    ]
    keeping = [
        at_unit(wiring, unit) for unit in among(wiring, wiring.wired) if names_any(unit, KEEPING)
    ]
    return all_of(
        met_if(bots, "no bot updates packages"),
        met_if(other, "no scheduled job looks for updates"),
        met_if(keeping, "nothing deletes old artifacts"),
    )


@criterion("L4-15", "people-may-overrule", "should", "MS")
def people_may_overrule(wiring: Wiring) -> Finding:
    """People can stop the loop and read every decision.

    A setting that pauses it, which code reads, and a log of decisions that is only appended to.
    """
    names = {name for unit in in_loop(wiring) for name in words_of(unit)}
    pauses = [
        at_setting(wiring, path, name, value)
        for path, name, value in wiring.settings
        if PAUSED.match(name) and name in names and not path.endswith(".py")
    ]
    logs = [
        at_unit(wiring, unit)
        for unit in among(wiring, wiring.wired)
        if re.search(r"audit|journal|decision_log", f"{unit.path}")
        and unit.name not in {"<module>"}
    ]
    return all_of(
        met_if(pauses, "no setting pauses the loop"),
        met_if(logs, "no log of decisions was found"),
    )


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
