"""Look for what a criterion asks for, and for what starts it."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from ..inspection.commands import Line
from ..inspection.python import BODY, Call, Unit
from .ci import Job
from .code import TEST_PATH, words_with
from .finding import Evidence, Finding, met, missing, unknown, unproven
from .places import at_call, at_text, uncommented
from .reach import Place
from .tools import (
    FITTING,
    ML_PACKAGES,
    PREDICTING,
    PROMOTE_NAME,
    RECURRING,
    SCHEDULE_KEYWORDS,
    SCHEDULING,
    SERVING,
)
from .wiring import Wiring

NOT_REACHED = "no command that trains reaches it"
PLACEHOLDER = "PATH/TO/DATA"
SAYS_WHEN = re.compile(r"\b(triggers|branch|buildingTag|tag|changeRequest|BRANCH_NAME|TAG_NAME)\b")
CHECKED_OUT = re.compile(r"branches:\s*\[\[.*?\]\]", re.S)
"""The branch that a Jenkinsfile fetches, whatever starts it."""
TRANSFORMERS = (
    *("scaler", "encoder", "imputer", "vectorizer", "tokenizer", "binarizer", "figure", "curve"),
    *("scale", "tsne"),
)
MAKERS_OF_FEATURES = (*TRANSFORMERS, "engineer", "transformer", "preprocessor", "extractor")
SHORT_TRANSFORMERS = {"ax", "fig", "le", "ohe", "dv", "pca"}
"""How what is fitted, and is no model, is named."""
AWAITS = re.compile(
    r"wait|poll|until|launch|deploy|start_|create|ensure|connect|retry|measure|progress|(c|g)pu|ram_",
    re.I,
)
"""Functions whose endless loop ends once something has come about, or only measures."""


def is_ml(wiring: Wiring) -> bool:
    """Tell whether any code imports a machine-learning package."""
    return not wiring.imported_packages.isdisjoint(ML_PACKAGES)


@lru_cache(maxsize=1)  # many criteria ask the same of one repository
def fits(wiring: Wiring) -> list[tuple[Unit, Call]]:
    """Return every call that trains a model, in files that have to do with one."""
    found = wiring.calls(FITTING) if is_ml(wiring) else []
    return [one for one in found if is_training(one[1]) and not fits_itself(*one)]


def fits_itself(unit: Unit, call: Call) -> bool:
    """Tell whether a method of a class that makes features fits its own object."""
    owner = unit.name.rpartition(".")[0].lower()
    return call.name.startswith("self.fit") and owner.endswith(MAKERS_OF_FEATURES)


def is_training(call: Call) -> bool:
    """Tell whether a call may train: not the fitting of a curve, nor of a figure to a page."""
    owner = call.name.rpartition(".")[0].rpartition(".")[2].lower()
    return not owner.endswith(TRANSFORMERS) and owner.rpartition("_")[2] not in SHORT_TRANSFORMERS


def fitting_places(wiring: Wiring) -> set[Place]:
    """Return the units that train a model, in code that is no notebook and needs no filling in."""
    return {
        (unit.path, unit.name)
        for unit, _ in fits(wiring)
        if not unit.path.endswith(".ipynb") and not is_to_fill_in(wiring, unit)
    }


def is_to_fill_in(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a file is an exported example: where its data are has yet to be filled in."""
    return any(
        PLACEHOLDER in text for one in wiring.modules[unit.path].units for _, text in one.strings
    )


@lru_cache(maxsize=1)
def training_reach(wiring: Wiring) -> set[Place]:
    """Return everything that the entry points reach that train a model."""
    return wiring.reached_with(fitting_places(wiring))


@lru_cache(maxsize=1)
def waited_for(wiring: Wiring) -> set[Place]:
    """Return what a training or something else than a script that one may run reaches."""
    others = [root.place for root in wiring.roots if root.kind != "script"]
    return wiring.reach(others) | training_reach(wiring)


def if_started(wiring: Wiring, finding: Finding) -> Finding:
    """Return a finding; unknown if it rests on scripts alone that only a person may start."""
    files = {place.path for place in finding.evidence}
    started = {path for path, _ in waited_for(wiring) | serving_reach(wiring)}
    is_code = all(path.endswith(".py") and not TEST_PATH.search(path) for path in files)
    if finding.status != "met" or not files or not is_code or files & started:
        return finding
    told = "a script does it that nothing starts; whether somebody runs it, files do not show"
    return unknown(told, finding.evidence)


def reached_by(wiring: Wiring, lines: Iterable[Line], kind: str = "ci") -> set[Place]:
    """Return what commands reach, which are of CI if no other kind is given."""
    return wiring.reach(root.place for root in wiring.roots_of(lines, kind))


@lru_cache(maxsize=1)
def scheduled_reach(wiring: Wiring) -> list[tuple[str, list[Line], set[Place]]]:
    """Return what runs on a schedule: the file, its commands, and what they reach."""
    return [
        (file, lines, reached_by(wiring, lines, "schedule")) for file, lines in wiring.scheduled()
    ]


@lru_cache(maxsize=1)
def endless_reach(wiring: Wiring) -> list[tuple[str, list[Line], set[Place]]]:
    """Return what recurs within a process: endless loops, and schedulers in a service."""
    waits = {"sleep", "wait", "run_pending"}
    recurring = [
        unit
        for unit in wiring.code
        if unit.endless and not waits.isdisjoint(unit.names) and not AWAITS.search(unit.short)
    ]
    recurring += [unit for unit, _ in wiring.calls(RECURRING) if unit.path[-6:] != ".ipynb"]
    return [
        (unit.path, [], wiring.reach([(unit.path, unit.name)]))
        for unit in recurring
        if wiring.is_wired(unit)
    ]


@lru_cache(maxsize=1)
def scheduled_by_code(wiring: Wiring) -> list[tuple[Unit, Call, set[Place]]]:
    """Return the calls that set a schedule, with what the code around them reaches."""
    return [
        (unit, call, wiring.reach([(unit.path, unit.name), (unit.path, BODY)]))
        for unit, call in wiring.calls(SCHEDULING)
        if not unit.path.endswith(".ipynb")
        and sets_schedule(unit, call)
        and not wiring.lacks_import(unit.path)
    ]


def sets_schedule(unit: Unit, call: Call) -> bool:
    """Tell whether a call has a schedule that is not None."""
    said = [call.keywords[name] for name in SCHEDULE_KEYWORDS if name in call.keywords]
    written = any(
        one not in {None, "", "None", "@once"} for one in said if not isinstance(one, list)
    )
    return written or (bool(said) and None in said and not is_none(unit))


def is_none(unit: Unit) -> bool:
    """Tell whether no schedule is set: a written None has no name in the code."""
    return not any(
        "schedule" in name.lower() or "cron" in name.lower()
        for name in unit.names
        if name not in SCHEDULE_KEYWORDS
    )


def called(
    wiring: Wiring,
    patterns: Iterable[str],
    what: str,
    among: set[Place] | None = None,
    where: str = "no entry point reaches it",
    leave: re.Pattern[str] | None = None,
) -> Finding:
    """Return met if a call is reached, else why not.

    Parameters
    ----------
    wiring
        The repository.
    patterns
        The calls to look for.
    what
        What is looked for, for the reason.
    among
        The units that count; by default all that entry points reach.
    where
        What is wrong where a call is there and does not count.
    leave
        The names of calls that match the patterns and are something else.
    """
    places = wiring.wired if among is None else among
    found = [one for one in wiring.calls(patterns) if not (leave and leave.search(one[1].name))]
    reached = [one for one in found if (one[0].path, one[0].name) in places]
    if reached:
        return met(at_call(wiring, *one) for one in reached)
    if not found:
        return missing(f"no {what} was found")
    return missing(f"{what} is there, but {where}", [at_call(wiring, *found[0])], "E1")


def called_in_training(wiring: Wiring, patterns: Iterable[str], what: str) -> Finding:
    """Return met if a training reaches a call; unproven if something else starts it."""
    found = called(wiring, patterns, what, training_reach(wiring), NOT_REACHED)
    if found.status == "missing" and found.evidence:
        started = [one for one in wiring.calls(patterns) if wiring.is_wired(one[0])]
        if started:
            return undecided(wiring, found.reason, [at_call(wiring, *started[0])])
    return found


def undecided(wiring: Wiring, reason: str, evidence: Iterable[Evidence]) -> Finding:
    """Return unproven for what something starts and nearly is the thing; missing in our projects.

    How the code of others hangs together is not always seen.
    """
    return missing(reason, evidence, "E1") if is_ours(wiring) else unproven(reason, evidence)


def is_ours(wiring: Wiring) -> bool:
    """Tell whether this template made the repository: all its pieces are known."""
    return bool(wiring.repository.answers)


def units_with(
    units: Iterable[Unit], *patterns: re.Pattern[str]
) -> Iterator[tuple[Unit, list[tuple[str, int]]]]:
    """Yield the units whose identifiers match all patterns, with the first match of each."""
    known = [words_with(pattern) for pattern in patterns]
    for unit in units:
        found = []
        for matches in known:
            name = next(filter(matches.__getitem__, unit.names), None)
            if name is not None:
                found.append((name, unit.names[name]))
            elif matches[unit.short]:
                found.append((unit.short, unit.line))
            else:
                break
        else:
            yield unit, found


def among(wiring: Wiring, places: set[Place]) -> list[Unit]:
    """Return the units of some places that are no tests."""
    return wiring.units_at(places)


@lru_cache(maxsize=1)
def serving_reach(wiring: Wiring) -> set[Place]:
    """Return what services, and entry points that predict without training, reach."""
    found = wiring.reach(
        (unit.path, other.name)
        for unit, _ in wiring.calls(SERVING)
        if not unit.path.endswith(".ipynb")
        for other in wiring.modules[unit.path].units
    )
    predicting = {(unit.path, unit.name) for unit, _ in predicts(wiring)}
    if predicting & found:
        return found
    training = fitting_places(wiring)
    for _, reached in wiring.reach_by_root:
        if predicting & reached and training.isdisjoint(reached):
            found |= reached
    return found


def predicts(wiring: Wiring, tests: bool = False) -> list[tuple[Unit, Call]]:
    """Return the calls that predict."""
    return wiring.calls(PREDICTING, tests=tests)


def is_set_in_jenkins(wiring: Wiring, job: Job) -> bool:
    """Tell whether a Jenkinsfile leaves to Jenkins for which branches and events it runs."""
    text = CHECKED_OUT.sub("", uncommented(wiring, job.file))
    return "Jenkinsfile" in job.file and not SAYS_WHEN.search(text)


def started_outside(job: Job, places: Iterable[Evidence] = ()) -> Finding:
    """Return unknown for a job whose trigger is set in the CI system, not in a file."""
    found = list(places) or [Evidence(job.file, 1, job.name)]
    return unknown(f"what starts {job.file} is set outside of the repository", found)


def unseen_ci(
    wiring: Wiring, reason: str, named: str = "", evidence: Iterable[Evidence] = ()
) -> Finding:
    """Return missing, with what is declared; but unknown if files cannot show what CI does.

    `named` is what a workflow of another repository is called that may do it.
    """
    for file, what in wiring.elsewhere if named else ():
        if re.search(named, what, re.I):
            told = f"{file} uses {what}, which is in another repository"
            return unknown(told, [at_text(wiring, file, what)])
    if wiring.unread_ci:
        path = wiring.unread_ci[0]
        return unknown(f"{path} is of a CI system that is not read", [Evidence(path, 1, "CI")])
    if wiring.repository.answers.get("ci_provider") == "none" and not wiring.jobs:
        return unknown(f"{reason}; whether another service does, files cannot show")
    places = tuple(evidence)
    return missing(reason, places, "E1" if places else "")


def config(
    wiring: Wiring, pattern: re.Pattern[str], used_in: set[Place] | None = None
) -> list[tuple[str, str, Any]]:
    """Return the settings whose name matches, that are set, and that reached code uses."""
    used = None if used_in is None else wiring.words_at(used_in)
    matches, found = words_with(pattern), []
    for path, name, value in wiring.settings:
        if matches[name] and value not in (None, "", False):
            if path.endswith(".py") and name in wiring.unset:
                continue
            if used is None or name in used:
                found.append((path, name, value))
    return found


def words_of(unit: Unit) -> list[str]:
    """Return the names that a unit uses, and those of the settings that it reads by their name."""
    return [*unit.names, *(text for _, text in unit.strings if text.isidentifier())]


def promotes(unit: Unit) -> bool:
    """Tell whether a unit registers, promotes or deploys a model."""
    return any(PROMOTE_NAME.match(call.name.rpartition(".")[2]) for call in unit.calls)
