"""Promotion by rule: experiments, policy and rollback."""

import re

from ...code import names_any
from ...evidence import config
from ...finding import Evidence, Finding, all_of, criterion, met, met_if, missing
from ...places import at_call, at_line, at_setting, at_text, at_unit
from ...suite import own_imports, test_units
from ...tools import CHALLENGER_WORD, ROLLBACK_WORD
from ...wiring import Wiring
from ..level_3.deployment import automatic_rollback
from ..level_3.gates import challenger_beside_champion
from .loop import in_loop, loop_places
from .signals import POLICY_FILE

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
"""Words for the result of a trial; and one that is, where there is a trial:"""
DECISION = re.compile(r"decision", re.I)
PROMOTES = re.compile(
    r"^(promote\w*|set_registered_model_alias|transition_model_version_stage|Promote)$", re.I
)
SEQUENTIAL = re.compile(
    r"(^|_)e_values?|msprt|sprt|confidence_sequence|group_sequential|alpha_spending|obrien"
    r"|always_valid|anytime_valid",
    re.I,
)
PEEKING = re.compile(r"^(ttest_ind|ttest_rel|mannwhitneyu|proportions_ztest|chi2_contingency)$")
GUARD = re.compile(r"guard_?rail|broken|breach|error_(rate|share)|failing|health|slo", re.I)


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
