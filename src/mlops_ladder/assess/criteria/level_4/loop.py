"""The loop: what a signal of production starts."""

import re
from functools import lru_cache

from ....inspection.python import Unit
from ...code import names_any
from ...evidence import among, endless_reach, fitting_places, scheduled_by_code, scheduled_reach
from ...finding import Evidence
from ...places import at_call, at_text, at_unit
from ...reach import Place
from ...tools import DISPATCH_TEXT, DRIFT_WORD, TRIGGER_COMMAND, TRIGGERING
from ...wiring import Wiring

TRAINS_NOW = re.compile(r"train|(^|_)fit", re.I)
DISPATCHES = re.compile(r"dispatch|workflow|Dag|deployment|sensor|automation", re.I)
"""Calls that start another pipeline; others have to name what they start."""
DETECTOR = re.compile(r"detector|drift|cusum|page_hinkley|adwin|alarm|degrad", re.I)
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
