"""What is checked of data and models before anyone uses them."""

import re

from ....inspection.python import Unit
from ...code import names_any
from ...evidence import (
    NOT_REACHED,
    among,
    called,
    fitting_places,
    if_started,
    is_ours,
    reached_by,
    training_reach,
    undecided,
    units_with,
)
from ...finding import Evidence, Finding, any_of, criterion, met, met_if, missing
from ...places import at_call, at_line, at_text, at_unit
from ...reach import Place
from ...suite import own_imports, test_units
from ...tools import (
    BASELINE_CALLS,
    BASELINE_METRIC,
    BASELINE_WORD,
    METRIC_WORD,
    OWN_VALIDATOR,
    RESOLVING,
    SLICE_WORD,
    STOPS_ALONE,
    VALIDATING,
)
from ...wiring import Wiring

TIME_SPLIT = re.compile(
    r"TimeSeriesSplit|train_test_split|split|hold_?out|test_set|x_test"
    r"|test_(rows|df|data|share|size)|KFold",
    re.I,
)
METRIC_CALL = re.compile(
    r"(_error|_score|accuracy|score|rmse|mae|mse|evaluate|auc|metric\w*|compute_\w+)$", re.I
)
OF_MAIN = re.compile(
    r"download-artifact.*(branch: (main|master).*metric|metric.*branch: (main|master))"
)
COLUMNS_LACK = re.compile(
    r"(missing|absent|lacking|unexpected|invalid)_?(col(umn)?|feature|field|row|value)s?$", re.I
)
OF_SCORING = re.compile(r"predict|infer|serv|scor|(^|/)(app|api)\b", re.I)
JUDGES_MODEL = re.compile(r"slice|eval|metric|fair|valid|score|test", re.I)
OF_ROWS = re.compile(
    r"row|col|df|frame|data|shape|null|nan?$|isna|missing|dtype|schema|min|max|range|values?$"
    r"|empty|len$|feature|error|issue|valid|fail|unique|duplicat|expected|required|quality|rate"
    r"|share|ratio",
    re.I,
)
OF_SETTINGS = re.compile(r"config|settings|params", re.I)
VALID = re.compile(r"valid|passed|(^|_)(ok|clean)$|quality|issues|errors|problems", re.I)
TESTS_DATA = re.compile(
    r"^(python[\d.]* -m )?pytest\b.*(?<![\w-])"
    r"((test_)?data(set)?s?(_\w+)?\.py|tests?/[\w/]*data\w*/?(\s|$))"
)


@criterion("L2-07", "data-validated", "must", "G1, D1, N2")
def data_validated(wiring: Wiring) -> Finding:
    """Data are validated before training, and what is invalid stops the run.

    pandera, pydantic, Great Expectations, TFDV, Deequ, soda, Deepchecks, or a function of one's own
    that checks and raises. Validators that only report need a branch that raises or exits.
    """
    reached = training_reach(wiring) | wiring.reach(
        root.place
        for root in wiring.roots
        if root.kind == "pipeline" or root.file.endswith("dvc.yaml")
    )
    soft = None
    for unit, call in wiring.calls(VALIDATING):
        if OF_SETTINGS.search(f"{unit.path} {unit.name} {call.name}"):
            continue
        if (unit.path, unit.name) not in reached:
            soft = soft or ((unit, call), NOT_REACHED)
        elif any(wiring.imports(unit.path, one) for one in STOPS_ALONE) or (
            "ExampleValidator" not in call.name  # it writes anomalies, and goes on
            and (unit.stops or caller_stops(wiring, unit))
        ):
            return met([at_call(wiring, unit, call)])
        else:
            soft = ((unit, call), "its result stops nothing")
    for unit in among(wiring, reached):
        if any("pandera.check" in name or name.startswith("pandera.") for name in unit.decorators):
            return met([at_unit(wiring, unit)])
        own = OWN_VALIDATOR.match(unit.short) and unit.stops and unit.branches
        if own and (is_ours(wiring) or any(map(OF_ROWS.search, unit.tested))):
            return met([at_unit(wiring, unit)])
        lacks = any(COLUMNS_LACK.search(name) for name in unit.tested) or (
            {"missing", "issubset", "issuperset"} & unit.tested and "columns" in unit.names
        )
        if unit.stops and lacks and not OF_SCORING.search(f"{unit.path} {unit.name}"):
            return met([at_unit(wiring, unit)])
    for schema in (
        unit
        for unit in among(wiring, reached)
        if any("pandera" in base or base.endswith("DataFrameModel") for base in unit.bases)
    ):
        return met([at_unit(wiring, schema)])
    if flagged := stopped_by_flag(wiring, reached):
        return met(flagged)
    if checked := checked_before_training(wiring):
        return met(checked, "E3")
    if soft:
        return missing(f"validation is there, but {soft[1]}", [at_call(wiring, *soft[0])], "E1")
    return missing("no validation of data that can stop the training was found")


def stopped_by_flag(wiring: Wiring, reached: set[Place]) -> list[Evidence]:
    """Return where a validation of one's own returns a flag by which the training is left."""
    checks = {
        unit.short: unit
        for unit in among(wiring, reached)
        if OWN_VALIDATOR.match(unit.short) and unit.branches
    }
    for unit in among(wiring, reached):
        calls = [call for call in unit.calls if call.name.rpartition(".")[2] in checks]
        if calls and any(VALID.search(name) for name in unit.guarded):
            return [at_call(wiring, unit, calls[0])]
    return []


def checked_before_training(wiring: Wiring) -> list[Evidence]:
    """Return where a job tests the data before it trains."""
    wanted = fitting_places(wiring)
    for job in wiring.jobs:
        for number, line in enumerate(job.lines):
            tests = line.counts and TESTS_DATA.search(line.text)
            if tests and wanted & reached_by(wiring, job.lines[number + 1 :]):
                return [at_text(wiring, line.file, line.text[:40], line.text)]
    return []


def caller_stops(wiring: Wiring, unit: Unit) -> bool:
    """Tell whether a unit that calls another one raises or asserts by what it returns."""
    return unit.short not in {"<module>", "__main__", "main", "run"} and any(
        unit.short in one.names and ((one.stops and one.branches) or one.asserts)
        for one in wiring.code
        if one is not unit
    )


@criterion("L2-09", "judged-beside-baseline", "must", "Mo5, G1")
def judged_beside_baseline(wiring: Wiring) -> Finding:
    """A model is evaluated on held-out rows beside a baseline or an earlier model.

    A dummy model, or the metric of the champion or of an earlier version that is scored, too, in
    code that a command reaches or in a test, with a split of the rows; or metrics of two commits.
    """
    return if_started(wiring, compared_with_baseline(wiring))


def compared_with_baseline(wiring: Wiring) -> Finding:
    """Return met if something reached compares with a baseline or an earlier model."""
    reached = wiring.wired
    dummy = [
        *wiring.calls(BASELINE_CALLS, reached),
        *(
            (unit, call)
            for unit, call in wiring.calls(["*.Evaluator", "mlflow.evaluate"], reached)
            if {"baseline_model", "baseline_result"} & call.keywords.keys()
        ),
    ]
    if dummy:
        return met(at_call(wiring, *one) for one in dummy)
    if compared := [*compared_by_command(wiring), *scored_beside_loaded(wiring)]:
        return met(compared)
    named = [
        (unit, places)
        for unit, places in units_with(among(wiring, reached), BASELINE_WORD, METRIC_WORD)
        if any(BASELINE_METRIC.search(name) for name in unit.names)
        or (unit.branches and compares(unit))
    ]
    held_out = any(True for _ in units_with(wiring.code, TIME_SPLIT))
    proven = [
        (unit, name)
        for unit, _ in named
        if (name := next(filter(BASELINE_METRIC.search, unit.names), None))
    ]
    if proven and held_out:
        return met(at_line(wiring, unit.path, unit.names[name], name) for unit, name in proven)
    for module, unit in test_units(wiring):
        judges = any(METRIC_CALL.search(call.name) for call in unit.calls)
        if own_imports(wiring, module) and judges and names_any(unit, BASELINE_METRIC):
            return met([at_unit(wiring, unit)])
    if named:
        unit, places = named[0]
        told = "a baseline is named, but no metric of it, or no rows are held out"
        return undecided(wiring, told, [at_line(wiring, unit.path, places[0][1], places[0][0])])
    return missing("no metric of a baseline or an earlier model beside the new one was found")


def scored_beside_loaded(wiring: Wiring) -> list[Evidence]:
    """Return where an evaluation loads an earlier version from the registry and scores it, too."""
    loads = {(unit.path, unit.name) for unit, _ in wiring.calls(RESOLVING, wiring.wired)}
    loads |= {(unit.path, unit.name) for unit, _, _ in wiring.model_uris} & wiring.wired
    return [
        at_unit(wiring, unit)
        for unit in among(wiring, loads)
        if "predict" in unit.names
        and any(METRIC_WORD.search(name) for name in unit.names)
        and re.search(r"eval|promot|compar|valid|gate", f"{unit.path} {unit.name}", re.I)
    ]


def compares(unit: Unit) -> bool:
    """Tell whether the conditions of a unit look at metrics and at an earlier model."""
    return any(METRIC_WORD.search(name) for name in unit.tested) and any(
        BASELINE_WORD.search(name) for name in unit.tested
    )


def compared_by_command(wiring: Wiring) -> list[Evidence]:
    """Return where CI or a task compares the metrics of two commits, as DVC does."""
    lines = [*(line for job in wiring.jobs for line in job.lines), *wiring.task_lines]
    found = re.compile(r"\bdvc (exp|metrics|plots) diff\b")
    return [
        *(
            at_text(wiring, line.file, hit[0], line.text)
            for line in lines
            if (hit := found.search(line.text))
        ),
        *compared_with_main(wiring),
    ]


def compared_with_main(wiring: Wiring) -> list[Evidence]:
    """Return where a job gets the metrics of the main branch and compares."""
    return [
        at_text(wiring, line.file, line.text[:40], line.text)
        for job in wiring.jobs
        if any(OF_MAIN.search(used) for used in job.uses)
        if (line := job.runs(re.compile(r"compar|diff", re.I)))
    ]


@criterion("L2-10", "judged-by-slice", "should", "Mo6, G1")
def judged_by_slice(wiring: Wiring) -> Finding:
    """Slices of the data have metrics of their own.

    Metrics by group, `tfma.SlicingSpec`, fairlearn's `MetricFrame`, in code that a command reaches.
    """
    named = list(units_with(among(wiring, wiring.wired), SLICE_WORD, METRIC_WORD))
    named = [
        one
        for one in named
        if one[1][0][0] != "slicing_specs"
        and (one[1][0][0] != "slices" or JUDGES_MODEL.search(f"{one[0].path} {one[0].name}"))
    ]
    sliced = [
        at_call(wiring, unit, call)
        for unit, call in wiring.calls(["*.SlicingSpec"], wiring.wired)
        if call.keywords or call.arguments  # without any, the only slice is the whole
    ]
    found = any_of(
        called(wiring, ["*.MetricFrame", "snorkel.*slicing*"], "metrics by slice"),
        met_if(sliced, "no metrics by slice were found"),
    )
    by_name = met_if(
        (at_line(wiring, unit.path, places[0][1], places[0][0]) for unit, places in named),
        "no metrics by slice were found",
    )
    return if_started(wiring, any_of(found, by_name))
