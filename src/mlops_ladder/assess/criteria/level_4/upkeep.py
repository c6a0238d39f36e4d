"""Upkeep of the loop: its tests, its updates, and the people who may overrule it."""

import re

from ...code import names_any
from ...evidence import among, words_of
from ...finding import Evidence, Finding, all_of, criterion, met, met_if, missing
from ...places import at_setting, at_text, at_unit, uncommented
from ...suite import own_imports, test_units
from ...wiring import Wiring
from ..level_1.habits import renovate
from ..level_1.testing import tests_in_ci
from .loop import in_loop, loop_places
from .promotion import PROMOTES
from .signals import PAUSED

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
