"""Signs: names by which a criterion may be met in a way that no recogniser knows.

What is not recognised is not thereby missing. Where a recogniser finds nothing and a sign stands in
code that something starts, in a test or in a job of CI, the answer is unknown, and names the sign.
The projects of this template have known pieces: there, what is not found is missing.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..inspection.python import Unit
from .code import words_with
from .evidence import among, is_ours
from .finding import Evidence, Finding, unproven
from .places import at_line, at_text
from .suite import runs_in_ci, test_units
from .wiring import Wiring

Signs = Callable[[Wiring, re.Pattern[str]], Iterator[Evidence]]


@dataclass(frozen=True)
class Sign:
    """Where names are looked for, and which."""

    places: Signs
    pattern: re.Pattern[str]


def in_commands(wiring: Wiring, pattern: re.Pattern[str]) -> Iterator[Evidence]:
    """Yield the commands and actions of CI that match."""
    for job in wiring.jobs:
        for text in (*(line.text for line in job.lines), *job.uses, job.name):
            if found := pattern.search(text):
                yield at_text(wiring, job.file, found[0], text)


def in_started_code(wiring: Wiring, pattern: re.Pattern[str]) -> Iterator[Evidence]:
    """Yield the names that match in code which something starts."""
    yield from names_in(wiring, among(wiring, wiring.wired), pattern)


def in_code(wiring: Wiring, pattern: re.Pattern[str]) -> Iterator[Evidence]:
    """Yield the names that match in any code but tests."""
    yield from names_in(wiring, wiring.code, pattern)


def in_tests(wiring: Wiring, pattern: re.Pattern[str]) -> Iterator[Evidence]:
    """Yield the names that match in tests which check something."""
    yield from names_in(wiring, (unit for _, unit in test_units(wiring)), pattern)


def in_tests_of_ci(wiring: Wiring, pattern: re.Pattern[str]) -> Iterator[Evidence]:
    """Yield the names that match in tests which check something and which CI runs."""
    run = (unit for module, unit in test_units(wiring) if runs_in_ci(wiring, module, unit))
    yield from names_in(wiring, run, pattern)


def in_functions(wiring: Wiring, pattern: re.Pattern[str]) -> Iterator[Evidence]:
    """Yield the functions, methods left out, that something starts and whose names match."""
    matches = words_with(pattern)
    for unit in among(wiring, wiring.wired):
        if matches[unit.name]:
            yield at_line(wiring, unit.path, unit.line, unit.name)


def in_conditions(wiring: Wiring, pattern: re.Pattern[str]) -> Iterator[Evidence]:
    """Yield what conditions depend on, where code that something starts raises or exits."""
    matches = words_with(pattern)
    for unit in among(wiring, wiring.wired):
        if unit.stops:
            for name in filter(matches.__getitem__, sorted(unit.tested)):
                yield at_line(wiring, unit.path, unit.names.get(name, unit.line), name)


def names_in(wiring: Wiring, units: Iterable[Unit], pattern: re.Pattern[str]) -> Iterator[Evidence]:
    """Yield the first name in each unit that matches: its own, or one that it uses."""
    matches = words_with(pattern)
    for unit in units:
        if matches[unit.short]:
            yield at_line(wiring, unit.path, unit.line, unit.name)
        elif name := next(filter(matches.__getitem__, unit.names), None):
            yield at_line(wiring, unit.path, unit.names[name], name)


def signs(places: Signs, pattern: str) -> Sign:
    """Return the sign of names that match a pattern, in any case of letters."""
    return Sign(places, re.compile(pattern, re.I))


SIGNS: dict[str, tuple[Sign, ...]] = {
    "L1-06": (
        signs(
            in_commands,
            r"^(?!.*(docs|pages|artifact|cache|report|\bgh-)).*(?<!git )\b(deploy|publish|push)\b",
        ),
    ),
    "L1-07": (signs(in_tests, r"predict|infer|forward|classif|forecast|accuracy"),),
    "L1-11": (
        signs(
            in_started_code,
            r"(download|fetch)(?!\w*(artifact|model|weight|metric|result))|read_table|bucket|blob|s3"
            r"|urlretrieve|kaggle|snowpark|spark|catalog",
        ),
    ),
    "L2-02": (
        signs(in_functions, r"^[^.]*(pipeline|workflow|run_all|_flow$|(^|_)(dag|stages?)$)"),
    ),
    "L2-03": (
        signs(
            in_code,
            r"tensorboard|wandb|mlflow|SummaryWriter|add_scalar|log_metric|neptune|comet|sacred"
            r"|autolog",
        ),
    ),
    "L2-07": (
        signs(in_conditions, r"^(columns|shape|empty|isnull|isna|dtypes|isin|duplicated)$"),
        signs(
            in_functions,
            r"(valid|check|schema|expect|quality|verify|sanity)\w*(data|row|column|schema|feature"
            r"|df|frame)|(data|row|column|schema|feature|df|frame)\w*(valid|check|expect|quality"
            r"|verify|sanity)",
        ),
    ),
    "L2-09": (
        signs(
            in_started_code,
            r"baseline|champion|challenger|dummy|(previous|current|prod(uction)?)_model"
            r"|compare_model",
        ),
    ),
    "L2-12": (signs(in_tests, r"preprocess|transform|feature|encod|extract"),),
    "L3-01": (
        signs(
            in_functions,
            r"^(?!.*handler)(predict|infer|classify|forecast|score|generate|recommend|serve)[^.]*$",
        ),
    ),
    "L3-03": (
        signs(in_commands, r"deploy|\bssh\b|rollout|helm|kubectl|argocd|update-service|restart"),
    ),
    "L3-05": (signs(in_tests_of_ci, r"predict|infer|classif|endpoint|forecast"),),
    "L3-06": (
        signs(
            in_started_code,
            r"promot|is_better|bless|(^|_)gate|should_(deploy|promote|register)|acceptance"
            r"|deployable|production_model",
        ),
    ),
    "L3-09": (
        signs(in_started_code, r"revert|restore_|previous_(version|model)|traffic"),
        signs(in_commands, r"roll_?back|rollout undo|traffic"),
    ),
    "L3-11": (
        signs(
            in_started_code,
            r"latency|prometheus|opentelemetry|statsd|put_metric|process_time|response_time"
            r"|request_(count|duration)|metrics_(port|address)",
        ),
    ),
    "L4-13": (signs(in_started_code, r"heartbeat|stale|watchdog|model_age|days_since"),),
}
"""For each criterion that has designs of many kinds, the signs that one may be there."""


def weighed(wiring: Wiring, id: str, finding: Finding) -> Finding:
    """Return a finding; unknown for what was not found, if a sign of it is there."""
    if finding.status != "missing" or finding.evidence or is_ours(wiring):
        return finding
    for sign in SIGNS.get(id, ()):
        if place := next(sign.places(wiring, sign.pattern), None):
            told = f"{finding.reason}, but names like {place.what} may stand for it"
            return unproven(told, [place])
    return finding
