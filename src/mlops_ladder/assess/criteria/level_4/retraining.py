"""Automatic retraining: its limits, its data, and the rows it is judged on."""

import re

from ....inspection.python import Unit
from ...evidence import config, words_of
from ...finding import Finding, all_of, criterion, met, met_if, missing
from ...places import at_line, at_setting, at_text, at_unit
from ...tools import CHALLENGER_WORD, CHAMPION_WORD, SLICE_WORD
from ...wiring import Wiring
from .loop import in_loop, loop_places

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
