"""What may refuse or try a model."""

import re
from typing import Any

from ....inspection.files import as_mapping
from ....inspection.python import Unit
from ...code import words_with
from ...evidence import (
    among,
    called,
    config,
    fitting_places,
    promotes,
    units_with,
    waited_for,
    words_of,
)
from ...finding import Evidence, Finding, any_of, criterion, met, met_if, missing
from ...other_files import all_mappings
from ...places import at_call, at_line, at_text, at_unit, uncommented
from ...suite import test_units
from ...tools import (
    BRANCHES,
    CANARY_TEXT,
    GATE_CHECKS,
    GATE_KEYWORD,
    GATE_STEPS,
    GATE_WORD,
    METRIC_WORD,
    ROLLBACK_WORD,
)
from ...wiring import Wiring

VERDICT = re.compile(r"checks?$|passed|(is_)?better|improve|blessed|(^|_)gate", re.I)
JUDGES = re.compile(r"train|eval|valid|gate|promot|main|check|compar|accept|judge|test", re.I)
BOUND = re.compile(
    r"threshold|baseline|champion|(^|_)(min|max|limit|required|target|acceptable)_|production"
    r"|(previous|current|old|best)_\w*(metric|score|mse|rmse|mae|auc|acc|model)",
    re.I,
)
ROUTER = re.compile(
    r"variant|bucket|ab_test|abtest|shadow|canary|traffic_(split|share)|challenger", re.I
)
ALL_OR_NOTHING = re.compile(
    r"--(traffic|to-tags|to-revisions)[= ]\S*=(0|100)[\"']?\s*$|--to-latest"
)
DRAWS = re.compile(r"^(random|uniform|randint|choices)$")
HASHES = re.compile(r"^(blake2b|sha256|md5|sha1|crc32|hashlib|mmh3|murmurhash\w*|adler32|xxhash)$")
EFFECT = re.compile(
    r"(smallest|min(imum)?|detectable|practical)_?(effect|gain|uplift|improvement|detectable)"
    r"|(^|_)mde$|effect_size",
    re.I,
)
ALPHA = re.compile(r"(^|_)alpha$|significance|confidence_level|p_value|false_positive", re.I)
DURATION = re.compile(
    r"(min|max)_?(days|samples|requests|duration|hours|size)|sample_size|horizon|duration", re.I
)
DECIDES = re.compile(
    r"deploy\w*_(trigger|decision)"
    r"|(trigger|decide|should|ready|approve|accept|evaluate|check|assess)_\w*"
    r"(deploy|promot|regist|releas)|is_(good|better|acceptable|deployable)",
    re.I,
)
ACTS = re.compile(r"deploy|promot|regist|releas|publish", re.I)
"""Functions that answer whether a model is deployed, and what is done by their answer."""
ACCEPTED = re.compile(r"is_(model_)?(accepted|approved|better)|model_(accepted|approved)", re.I)
PUSHES = re.compile(r"push|deploy|promot|regist|releas|publish", re.I)
OUTCOME = re.compile(
    r"failed|objections|blessed|approved(?!_(model|package|version))|accepted|result|should_\w+"
    r"|failures"
    r"|(\w+_)?(decision|verdict)$|(deploy|register|promote)_(flag|model|it)$"
    r"|is_(better|good|valid|accepted|improved)"
)
BEST = re.compile(r"best($|_)", re.I)
OF_ANYTHING = re.compile(r"results?$|failed$|failures$")
"""Outcomes of anything, not only of a comparison of metrics."""
SWITCH = re.compile(r"results?$|(deploy|register|promote)_(flag|model|it)$")
"""Names that may be an option, or any list, unless a comparison decides on them."""
WATCHES = re.compile(r"monitor|drift|alert", re.I)


def is_gate(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit compares metrics and promotes, registers or stops by the result."""
    if decides(wiring, unit) or leaves_refused(unit):
        return True
    if not (unit.tested or unit.ordered or unit.verdicts):
        return False
    gates, verdicts = words_with(GATE_WORD), words_with(VERDICT)
    decisive = {
        *(name for name in unit.compared - unit.fixed if gates[name]),
        *(name for name in unit.tested - unit.fixed if verdicts[name]),
    }
    of_metrics = any(gates[name] for name in words_of(unit))
    decisive |= {
        name
        for name in unit.tested - unit.fixed
        if OUTCOME.match(name)
        and (of_metrics or not OF_ANYTHING.match(name))
        and (name in unit.verdicts or not SWITCH.match(name))
    }
    decisive -= {text.strip("-").replace("-", "_") for _, text in unit.strings if text[:2] == "--"}
    named_gate = unit.stops and re.search(r"gate|promot|approv", f"{unit.path} {unit.name}")
    if ROLLBACK_WORD.search(unit.short) or not decisive or is_search(wiring, unit):
        return False
    return promotes(unit) or (
        (bool(named_gate) or stops_by_metric(unit)) and is_waited_for(wiring, unit)
    )


def decides(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit answers by metrics whether to deploy, and a deployment asks it."""
    if not DECIDES.search(unit.short):
        return False
    ordered = unit.returned.union(*unit.verdicts.values())
    if not any(METRIC_WORD.search(name) for name in ordered):
        return False
    return any(
        unit.short in one.names and any(ACTS.search(call.name) for call in one.calls)
        for one in wiring.code
        if one is not unit
    )


def leaves_refused(unit: Unit) -> bool:
    """Tell whether a unit leaves off before it publishes a model that was not accepted."""
    return any(ACCEPTED.search(name) for name in unit.guarded) and any(
        PUSHES.search(call.name) for call in unit.calls
    )


def is_search(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit trains several models and only looks for the best of them."""
    best = {name for name in unit.compared if BEST.match(name)}
    bounds = {name for name in unit.compared - best if BOUND.search(name)}
    if not best or bounds:
        return False
    return not fitting_places(wiring).isdisjoint(wiring.reach([(unit.path, unit.name)]))


def is_waited_for(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether something may depend on a unit: it is not only run as a script."""
    return (unit.path, unit.name) in waited_for(wiring)


def stops_by_metric(unit: Unit) -> bool:
    """Tell whether a unit raises, exits or cancels because a metric is worse than a bound."""
    cancels = any(call.name.rpartition(".")[2] in {"cancel", "fail"} for call in unit.calls)
    measured = {name for name in unit.compared if METRIC_WORD.search(name)}
    bounds = {name for name in unit.compared - unit.fixed if BOUND.search(name)}
    judges = JUDGES.search(unit.short) or JUDGES.search(unit.path.rpartition("/")[2])
    compares = bool(measured) and bool(bounds) and len(measured | bounds) > 1
    if WATCHES.search(unit.short):
        return False
    if unit.asserts and measured and judges:
        return True
    return bool(judges) and compares and (unit.stops or cancels)


@criterion("L3-06", "gate-before-deployment", "must", "I4, G1")
def gate_before_deployment(wiring: Wiring) -> Finding:
    """A model that is not good enough is not promoted or deployed.

    A comparison of metrics and a branch before the promotion: `ConditionStep`, `dsl.If`, TFX's
    Evaluator, thresholds of MLflow, or code that raises or promotes by the result.
    """
    steps = called(wiring, GATE_STEPS, "a gate")
    if chosen := [one for one in wiring.calls(BRANCHES) if branches_by_metric(wiring, one[0])]:
        steps = met(at_call(wiring, *one) for one in chosen)
    checks = [one for one in wiring.calls(GATE_CHECKS) if wiring.is_wired(one[0])]
    before = [one for one in checks if is_upstream(wiring, one[0])]
    by_keyword = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["mlflow.evaluate"])
        if GATE_KEYWORD in call.keywords and wiring.is_wired(unit) and is_upstream(wiring, unit)
    ]
    by_keyword += [at_call(wiring, *one) for one in before]
    own = [unit for unit in among(wiring, wiring.wired) if is_gate(wiring, unit)]
    reason = "nothing refuses a model before it is promoted or deployed"
    for unit in wiring.code:
        fixed = any(GATE_WORD.search(name) or OUTCOME.match(name) for name in unit.fixed)
        if fixed and promotes(unit) and not own:
            place = at_unit(wiring, unit)
            return missing("the gate's value is replaced by a constant", [place], "E1")
    if checks and not (own or by_keyword or steps.status == "met"):
        place = at_call(wiring, *checks[0])
        return missing(
            "a model is checked, but no promotion or deployment depends on it", [place], "E1"
        )
    return any_of(
        met_if((at_unit(wiring, unit) for unit in own), reason), steps, met_if(by_keyword, reason)
    )


def branches_by_metric(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether code beside a unit orders metrics."""
    near = wiring.modules[unit.path].units
    return any(METRIC_WORD.search(name) for one in near for name in one.ordered | one.returned)


def is_upstream(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a promotion depends on a unit: it promotes, or one that calls it does."""
    callers = [
        one for one in among(wiring, wiring.wired) if unit.short in one.names and one is not unit
    ]
    generic = unit.short in {"run", "execute", "main", "<module>", "__main__"}
    return promotes(unit) or (not generic and any(promotes(one) for one in callers))


@criterion("L3-07", "challenger-beside-champion", "must", "MS3, I6, AWS 7.4, SD")
def challenger_beside_champion(wiring: Wiring) -> Finding:
    """A challenger can be tried beside the champion: canary, shadow or A/B test.

    Traffic shares of KServe, Seldon, Istio, Argo Rollouts, SageMaker, Vertex or Azure; or a router
    in code that divides requests by a hash, with a test.
    """
    for path in [*wiring.yaml_files, *(one for one in wiring.sizes if one.endswith(".tf"))]:
        if found := CANARY_TEXT.search(uncommented(wiring, path)):
            return met([at_text(wiring, path, found[0])])
    for path, document in wiring.manifests:
        if word := traffic_is_shared(document):
            return met([at_text(wiring, path, word)])
    split = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(
            [".deploy", ".create_endpoint_config", ".production_variant", ".begin_create_or_update"]
        )
        if {"traffic_split", "traffic_percentage", "ShadowProductionVariants", "traffic"}
        & call.keywords.keys()
        and wiring.is_wired(unit)
        and call.keywords.get("traffic_percentage") != 100
        and not is_undivided(call.keywords.get("traffic_split", call.keywords.get("traffic")))
    ]
    lines = [line for job in wiring.jobs for line in job.lines]
    traffic = [
        at_text(wiring, line.file, line.text[:30], line.text)
        for line in lines
        if re.search(r"--traffic|update-traffic|--to-tags|traffic-percent", line.text)
        and not ALL_OR_NOTHING.search(line.text)
    ]
    if split or traffic:
        return met([*split, *traffic])
    tested = {name for _, unit in test_units(wiring) for name in unit.names}
    drawn = [
        (unit, places)
        for unit, places in units_with(among(wiring, wiring.wired), ROUTER, DRAWS)
        if unit.branches and unit.ordered
    ]
    hashed = units_with(among(wiring, wiring.wired), ROUTER, HASHES)
    for unit, places in [*hashed, *drawn]:
        if re.search(
            r"train|fit|select|experiment|report", unit.path.rpartition("/")[2] + unit.short
        ):
            continue  # the split of a study, not of requests
        if unit.short in tested:
            return met([at_line(wiring, unit.path, places[1][1], unit.short)], "E3")
        return missing(
            f"{unit.short} divides requests, but no test calls it", [at_unit(wiring, unit)], "E1"
        )
    return missing("no canary, shadow or A/B routing was found")


def is_undivided(shares: Any) -> bool:
    """Tell whether written shares of the traffic give all of it to one version."""
    return isinstance(shares, dict) and bool(shares) and set(shares.values()) <= {0, 100}


def traffic_is_shared(document: dict[str, Any]) -> str:
    """Return the word of a manifest that divides the traffic, if it does."""
    kind, spec = document.get("kind"), as_mapping(document.get("spec"))
    weights = [
        one[word]
        for one in all_mappings(spec)
        for word in ("weight", "setWeight", "traffic", "canaryTrafficPercent", "percent")
        if isinstance(one.get(word), int) and 0 < one[word] < 100
    ]
    if kind in {"VirtualService", "HTTPRoute", "TrafficSplit", "SeldonDeployment", "Experiment"}:
        mirrored = any("mirror" in one for one in all_mappings(spec))
        return "weight" if weights else "mirror" if mirrored else ""
    if kind == "Rollout":
        canary = as_mapping(as_mapping(spec.get("strategy")).get("canary"))
        return "canary" if canary.get("steps") or weights else ""
    if kind == "Canary":
        return "analysis" if spec.get("analysis") else ""
    return "canaryTrafficPercent" if kind == "InferenceService" and weights else ""


@criterion("L3-08", "decision-rule-written", "must", "MS3")
def decision_rule_written(wiring: Wiring) -> Finding:
    """The rule that decides the comparison is written down before it starts.

    Settings that name the smallest effect, the error rate and a duration or sample size, in one
    file, and code that reads them; or the analysis of Argo Rollouts or Flagger.
    """
    for path, document in wiring.manifests:
        if document.get("kind") in {"AnalysisTemplate", "ClusterAnalysisTemplate"} or (
            document.get("kind") == "Canary" and "analysis" in as_mapping(document.get("spec"))
        ):
            return met([at_text(wiring, path, "kind:")])
    files: dict[str, dict[str, tuple[str, object]]] = {}
    for word, pattern in (("effect", EFFECT), ("alpha", ALPHA), ("duration", DURATION)):
        for path, name, value in config(wiring, pattern, wiring.wired):
            files.setdefault(path, {}).setdefault(word, (name, value))
    for path, found in files.items():
        if len(found) == 3:
            return met(
                at_text(wiring, path, name, f"{name}: {value}") for name, value in found.values()
            )
    for path, found in files.items():
        lacks = {"effect", "alpha", "duration"} - found.keys()
        if len(found) == 2 and not path.endswith(".py"):
            return missing(
                f"{path} sets no {' and no '.join(sorted(lacks))}",
                [Evidence(path, 1, "rule")],
                "E1",
            )
    return missing("no rule with an effect, an error rate and a duration was found")
