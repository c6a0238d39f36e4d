"""Write `problem.py` for a profiled file: short, and meant to be edited."""

from dataclasses import dataclass
from textwrap import dedent

from .columns import Column, allowed_range
from .literals import (
    INDENT,
    excuse_long_line,
    format_call,
    format_collection,
    format_items,
    format_literal,
    wrap,
)
from .names import readable_name
from .profile import OTHER, Profile, known_categories, tercile_limits

FEW_ROWS = 1000  # fewer rows need smaller trees
MANY_CLASSES = 5
FREQUENT = 0.05  # of the rows; rarer categories share a slice
MOST_SLICES = 5

ENCODE = '''
def encode(values: Any, known: Sequence[str]) -> np.ndarray:
    """Return the position of each category among the known ones; NaN if missing or unknown.

    An unknown category must not stop the service: the model then uses the other features.
    """
    positions = {value: float(position) for position, value in enumerate(known)}
    return np.array([positions.get(value, np.nan) for value in values], dtype=float)
'''
ENCODE_WITH_OTHER = '''
def encode(values: Any, known: Sequence[str]) -> np.ndarray:
    """Return the position of each category among the known ones; NaN if missing.

    An unknown category must not stop the service: it counts as "(other)" if that is known, and
    as missing otherwise.
    """
    positions = {value: float(position) for position, value in enumerate(known)}
    other = positions.get("(other)", np.nan)
    found = [positions.get(value, other) if isinstance(value, str) else np.nan for value in values]
    return np.array(found, dtype=float)
'''
ERROR_RATE = '''
def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return 1 for each wrong prediction and 0 for each right one; the metric is the mean."""
    return (actual != predicted).astype(float)


def baseline(target: np.ndarray) -> Any:
    """Return the constant prediction with the best metric: the most frequent class."""
    values, counts = np.unique(target, return_counts=True)
    return values[counts.argmax()]
'''
BALANCED_ERROR_RATE = '''
def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the weight of the class for each wrong prediction; the metric is the mean."""
    weights = np.array([WEIGHTS[value] for value in actual.tolist()])
    return np.where(actual == predicted, 0.0, weights)


def baseline(target: np.ndarray) -> Any:
    """Return the constant prediction with the best metric: the class with the most weight."""
    values, counts = np.unique(target, return_counts=True)
    weights = np.array([WEIGHTS[value] for value in values.tolist()])
    return values[(counts * weights).argmax()]
'''
ABSOLUTE_ERROR = '''
def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the absolute error of each row; the metric is the mean."""
    return np.abs(actual - predicted)


def baseline(target: np.ndarray) -> Any:
    """Return the constant prediction with the best metric: the median."""
    return np.median(target)
'''
SQUARED_ERROR = '''
def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the squared error of each row; the metric is the mean."""
    return (actual - predicted) ** 2


def baseline(target: np.ndarray) -> Any:
    """Return the constant prediction with the best metric: the mean."""
    return np.mean(target)
'''
TRUSTED_TYPES = """
# Types in a model file that skops does not trust by default.
TRUSTED_TYPES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""
WEIGHTS_COMMENT = """
# All classes have the same weight in the metric: otherwise, always predicting the most frequent
# one would score well. A weight is the number of rows, divided by the number of classes and by the
# number of rows of the class.
"""
INTERFACE = """
    load, SCHEMA            load the rows; the schema of a valid row
    TARGET, TIME            the column to predict, and the one that orders rows in time (or None)
    features                the features of rows
    build_model             the model, not fitted; SEARCH_SPACE has hyperparameters to try
    METRIC, score_rows      the metric, and the score of each row
    slices                  groups of rows for which the metric is reported separately
"""
RAISE_MISSING = (
    """raise ValueError(f"{DATA}: lacks {', '.join(missing)}. Restore them, or edit SCHEMA")"""
)
LOAD = "def load(start: date | None = None, end: date | None = None) -> pd.DataFrame:"
TIME_PARTS = {
    "hour": "(time - day).astype(float) / 60",
    "weekday": "(day.astype(int) + 3.0) % 7,  # Monday is 0; day 0, 1970-01-01, was a Thursday",
    "month": 'time.astype("datetime64[M]").astype(int) % 12 + 1.0',
}


@dataclass(frozen=True)
class Hyperparameters:
    """The default hyperparameters of the model."""

    learning_rate: float
    max_iter: int
    max_leaf_nodes: int
    min_samples_leaf: int


@dataclass(frozen=True)
class Source:
    """The parts of `problem.py`; the notebook has all but `docstring` and `trusted_types`."""

    docstring: str
    head: str
    load: str
    features: str
    model: str
    search_space: str
    trusted_types: str
    metric: str

    @property
    def problem(self) -> str:
        """Get the source of the file."""
        head = f"{self.docstring}\n\n{self.head}"
        functions = "\n\n\n".join([head, self.load, self.features, self.model])
        return f"{functions}\n\n\n{self.search_space}\n\n{self.trusted_types}\n\n{self.metric}\n"


def write_source(profile: Profile) -> Source:
    """Write the source of `problem.py`."""
    return Source(
        docstring=write_docstring(profile),
        head=write_head(profile),
        load=write_load(profile),
        features=write_features(profile),
        model=write_model(profile),
        search_space=write_search_space(profile),
        trusted_types=TRUSTED_TYPES.strip(),
        metric=write_metric(profile),
    )


def write_docstring(profile: Profile) -> str:
    """Write the docstring of the module."""
    about = (
        f"This file was written for the rows in `data/{profile.data_name}`, to be read and edited; "
        "everything else in the project imports it. `docs/another-problem.md` describes what it "
        "must define."
    )
    lines = [
        f'"""Predict `{profile.target.name}` from the other columns.',
        "",
        *wrap(about),
        "",
        *INTERFACE.strip("\n").splitlines(),
        '"""',
    ]
    return "\n".join(lines)


def write_head(profile: Profile) -> str:
    """Write the imports, the constants and the schema."""
    data = f'DATA = Path("data") / {format_literal(profile.data_name)}'
    time = format_literal(profile.time.name) if profile.time else None
    lines = [
        f"from collections.abc import Mapping{', Sequence' if profile.categories else ''}",
        "from datetime import date",
        "from pathlib import Path",
        "from typing import Any",
        "",
        "import numpy as np",
        "import pandas as pd",
        "import pandera.pandas as pa",
        f"from sklearn.ensemble import {estimator_name(profile)}",
        "",
        excuse_long_line(data),
        f"TARGET = {format_literal(profile.target.name)}",
        f"TIME: str | None = {time}",
    ]
    if profile.target.classes is not None:
        classes = [format_literal(value) for value in profile.target.classes]
        lines += format_collection("CLASSES = ", "[]", classes)
    if renamed := used_renamed(profile):
        lines += ["", "# Columns that have another name in the file."]
        lines += format_collection("RENAMED = ", "{}", format_items(renamed))
    if markers := used_markers(profile):
        items = [
            f"{format_literal(name)}: [{', '.join(map(format_literal, texts))}]"
            for name, texts in markers.items()
        ]
        lines += ["", "# Missing-value markers in the file."]
        lines += format_collection("MISSING_MARKERS = ", "{}", items)
    lines += ["", *write_left_out(profile)]
    if profile.numbers:
        names = [format_literal(column.name) for column in profile.numbers]
        lines += format_collection("NUMBERS = ", "[]", names)
    if profile.categories:
        lines += ["CATEGORIES = {"]
        for column in profile.categories:
            known = [format_literal(category) for category in known_categories(column)]
            name = format_literal(column.name)
            lines += format_collection(f"{INDENT}{name}: ", "[]", known, ",")
        lines += ["}"]
    return "\n".join([*lines, "", *write_schema(profile)])


def used_renamed(profile: Profile) -> dict[str, str]:
    """Return the file's names of the used columns that have another clean name."""
    used = used_names(profile)
    return {given: clean for given, clean in profile.table.renamed.items() if clean in used}


def used_names(profile: Profile) -> set[str]:
    """Return the clean names of the columns that the problem uses."""
    used = {profile.target.name, *(column.name for column in profile.features)}
    return used | ({profile.time.name} if profile.time else set())


def used_markers(profile: Profile) -> dict[str, list[str]]:
    """Return the missing-value markers of the columns that the problem uses."""
    clean = profile.table.renamed
    markers: dict[str, list[str]] = profile.table.options.get("na_values", {})
    names = used_names(profile)
    return {given: texts for given, texts in markers.items() if clean.get(given, given) in names}


def write_left_out(profile: Profile) -> list[str]:
    """Write a comment that lists the columns which are not features."""
    if not profile.left_out:
        return []
    lines = ["# These columns are left out; add those that are known at prediction time:"]
    for name, reason in profile.left_out.items():
        first, *others = wrap(f"{name}: {reason}", 94)
        lines += [f"# - {first}", *(f"#   {other}" for other in others)]
    return lines


def write_schema(profile: Profile) -> list[str]:
    """Write the schema: a column for each feature, the time and the target."""
    categories = " Categories may be new." if profile.categories else ""
    features = {column.name: column for column in profile.features}
    lines = [
        f"# Numbers may exceed the range of the file by half of its width.{categories}",
        "SCHEMA = pa.DataFrameSchema(",
        f"{INDENT}{{",
    ]
    for name in profile.table.rows:
        if profile.time and name == profile.time.name:
            lines += write_schema_column(str(name), ['"datetime64[ns]"'])
        elif name == profile.target.name:
            lines += write_schema_column(str(name), target_arguments(profile))
        elif name in features:
            lines += write_schema_column(str(name), feature_arguments(features[str(name)]))
    return [*lines, f"{INDENT}}},", f"{INDENT}coerce=True,", f'{INDENT}strict="filter",', ")"]


def write_schema_column(name: str, arguments: list[str]) -> list[str]:
    """Write a column of the schema."""
    return format_call(f"{INDENT * 2}{format_literal(name)}: pa.Column", arguments, ",")


def target_arguments(profile: Profile) -> list[str]:
    """Return the arguments of the target's column in the schema."""
    dtype = format_literal(dtype_of(profile.target.column))
    if profile.target.classes is None:
        return [dtype, range_check(profile.target.column)]
    return [dtype, "pa.Check.isin(CLASSES)"]


def feature_arguments(column: Column) -> list[str]:
    """Return the arguments of a feature's column in the schema."""
    checks = [] if column.kind in ("category", "boolean") else [range_check(column)]
    nullable = ["nullable=True"] if column.has_missing else []
    return [format_literal(dtype_of(column)), *checks, *nullable]


def dtype_of(column: Column) -> str:
    """Return the pandas type of a column."""
    match column.kind:
        case "integer":
            return "float64" if column.has_missing else "int64"
        case "boolean":
            return "boolean"  # "bool" converts any text to True, and a missing value to False
        case "category":
            return "str"
    return "float64"


def range_check(column: Column) -> str:
    """Return the check of a number's range."""
    low, high = allowed_range(column)
    return f"pa.Check.in_range({format_literal(low)}, {format_literal(high)})"


def write_load(profile: Profile) -> str:
    """Write the function that reads the file."""
    time = profile.time
    lines = [
        *write_read(profile),
        f"{INDENT}missing = [name for name in SCHEMA.columns if name not in rows]",
        f"{INDENT}if missing:",
        f"{INDENT * 2}{RAISE_MISSING}",
    ]
    padded = [format_literal(c.name) for c in profile.features if c.has_whitespace]
    if padded:
        lines += format_collection(f"{INDENT}for name in ", "[]", padded, ":")
        lines += [f'{INDENT * 2}rows[name] = rows[name].str.strip().replace("", np.nan)']
    if profile.target.column.has_whitespace:
        lines += [f'{INDENT}rows[TARGET] = rows[TARGET].str.strip().replace("", np.nan)']
    if any(column.has_infinite for column in [*profile.features, profile.target.column]):
        lines += [f"{INDENT}rows = rows.replace([np.inf, -np.inf], np.nan)"]
    if time is None:
        docstring = "Load the rows that have a target; without a time, the limits have no effect."
        return "\n".join(
            [
                LOAD,
                f'{INDENT}"""{docstring}"""',
                *lines,
                f"{INDENT}return rows.dropna(subset=[TARGET])",
            ]
        )
    arguments = [
        f"{name}={format_literal(value)}" for name, value in time.reading.arguments.items()
    ]
    column = f"rows[TIME]{time.reading.cast}"
    zone = ".dt.tz_localize(None)" if time.reading.arguments.get("utc") else ""
    return "\n".join(
        [
            LOAD,
            f'{INDENT}"""Load the rows from `start` up to `end`, excluding it; by default all.',
            "",
            f"{INDENT}Rows without a target or a time are dropped.",
            f'{INDENT}"""',
            *lines,
            f"{INDENT}rows = rows.dropna(subset=[TARGET, TIME])",
            *format_call(f"{INDENT}times = pd.to_datetime", [column, *arguments], zone),
            f"{INDENT}rows = rows.assign({time.name}=times)",
            f"{INDENT}if start is not None:",
            f"{INDENT * 2}rows = rows[rows[TIME] >= pd.Timestamp(start)]",
            f"{INDENT}if end is not None:",
            f"{INDENT * 2}rows = rows[rows[TIME] < pd.Timestamp(end)]",
            f"{INDENT}return rows",
        ]
    )


def write_read(profile: Profile) -> list[str]:
    """Write the statement that reads the file and renames columns, or two if it is too long."""
    table = profile.table
    options = [
        f"{name}={'MISSING_MARKERS' if name == 'na_values' else format_literal(value)}"
        for name, value in table.options.items()
        if name != "na_values" or used_markers(profile)
    ]
    head, arguments = f"{INDENT}rows = pd.{table.reader}", ["DATA", *options]
    reset = ".reset_index()" if table.indexed else ""
    rename = ".rename(columns=RENAMED)" if used_renamed(profile) else ""
    lines = format_call(head, arguments, reset + rename)
    if len(lines) > 1 and rename:
        lines = [*format_call(head, arguments, reset), f"{INDENT}rows = rows{rename}"]
    return lines


def write_features(profile: Profile) -> str:
    """Write the function that returns the features, and the one that encodes categories."""
    lines = [
        "def features(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:",
        f'{INDENT}"""Return the features: one number per row and feature, NaN if it is missing.',
        "",
        f"{INDENT}`rows` is a table, or another mapping from column names to values. Only NumPy is "
        "used, so",
        f"{INDENT}that the same code serves the rows of a table and a single request.",
        f'{INDENT}"""',
    ]
    parts = {}
    if profile.numbers:
        parts["numbers"] = ["{name: np.asarray(rows[name], dtype=float) for name in NUMBERS}"]
    if profile.categories:
        parts["categories"] = [
            "{name: encode(rows[name], known) for name, known in CATEGORIES.items()}"
        ]
    if profile.time and profile.time.parts:
        lines += write_time(profile)
        parts["times"] = write_time_parts(profile.time.parts)
    if len(parts) == 1 and "times" not in parts:
        ((only,),) = parts.values()
        lines += [f"{INDENT}return {only}"]
    else:
        for name, (first, *others) in parts.items():
            lines += [f"{INDENT}{name} = {first}", *others]
        lines += [f"{INDENT}return {' | '.join(parts)}"]
    source = "\n".join(lines)
    if not profile.categories:
        return source
    has_other = any(OTHER in known_categories(column) for column in profile.categories)
    return f"{source}\n\n\n{(ENCODE_WITH_OTHER if has_other else ENCODE).strip()}"


def write_time(profile: Profile) -> list[str]:
    """Write the statements that read the time, and its day if that is needed."""
    assert profile.time
    column = f"rows[{format_literal(profile.time.name)}]"
    lines = format_call(f"{INDENT}time = np.asarray", [column, 'dtype="datetime64[m]"'])
    if profile.time.parts.keys() & {"hour", "weekday"}:
        lines += [f'{INDENT}day = time.astype("datetime64[D]")']
    return lines


def write_time_parts(parts: dict[str, str]) -> list[str]:
    """Write a dictionary of the features that are parts of the time."""
    lines = ["{"]
    for part, name in parts.items():
        value, comma, comment = TIME_PARTS[part].partition(",  #")
        lines += [f"{INDENT * 2}{format_literal(name)}: {value},{comma[1:]}{comment}"]
    return [*lines, f"{INDENT}}}"]


def write_metric(profile: Profile) -> str:
    """Write the metric, the baseline and the slices."""
    target = profile.target
    if target.weights:
        functions = BALANCED_ERROR_RATE
    elif target.classes is not None:
        functions = ERROR_RATE
    else:
        functions = SQUARED_ERROR if target.squared else ABSOLUTE_ERROR
    lines = [f"METRIC = {format_literal(target.metric)}", "LOWER_IS_BETTER = True"]
    if target.weights:
        lines += [
            "",
            *WEIGHTS_COMMENT.strip().splitlines(),
            *format_collection("WEIGHTS = ", "{}", format_items(target.weights)),
        ]
    return "\n".join([*lines, "", functions.rstrip(), "", "", *write_slices(profile)])


def write_slices(profile: Profile) -> list[str]:
    """Write the slices: by the most important number, and by the most important category."""
    lines = [
        "def slices(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:",
        f'{INDENT}"""Return the group of every row, for each kind of slice."""',
    ]
    groups = []
    number = next((c for c in profile.features if c.is_numeric and tercile_limits(c)), None)
    if number is not None:
        lines += [f"{INDENT}number = features(rows)[{format_literal(number.name)}]"]
        conditions = [f"number < {format_literal(limit)}" for limit in tercile_limits(number)]
        names = ["low", "medium"][: len(conditions)]
        if number.has_missing:
            conditions, names = ["np.isnan(number)", *conditions], ["missing", *names]
        listed = [f"[{', '.join(conditions)}]", f"[{', '.join(map(format_literal, names))}]"]
        name = format_literal(readable_name(number.name))
        groups += format_call(f"{INDENT * 2}{name}: np.select", [*listed, '"high"'], ",")
    is_category = (c for c in profile.features if c.kind == "category" and frequent_categories(c))
    category = next(is_category, None)
    if category is not None:
        frequent = [format_literal(value) for value in frequent_categories(category)]
        column = format_literal(category.name)
        lines += [f"{INDENT}category = np.asarray(rows[{column}], dtype=object)"]
        lines += format_collection(f"{INDENT}frequent = ", "[]", frequent)
        name = format_literal(readable_name(category.name))
        value = 'np.where(np.isin(category, frequent), category, "other")'
        groups += [f"{INDENT * 2}{name}: {value},"]
    if not groups:
        return [*lines, f"{INDENT}return {{}}"]
    return [*lines, f"{INDENT}return {{", *groups, f"{INDENT}}}"]


def frequent_categories(column: Column) -> list[str]:
    """Return the categories that are frequent enough for a slice of their own."""
    shares = column.values.value_counts(normalize=True, dropna=False)
    found = shares.index[shares >= FREQUENT]
    categories = [str(category) for category in found if isinstance(category, str)]
    return sorted(categories[:MOST_SLICES])


def estimator_name(profile: Profile) -> str:
    """Return the name of the model's class."""
    kind = "Regressor" if profile.target.classes is None else "Classifier"
    return f"HistGradientBoosting{kind}"


def default_hyperparameters(profile: Profile) -> Hyperparameters:
    """Return smaller trees for few rows, and fewer for many classes, as each class has its own."""
    few_rows = profile.rows < FEW_ROWS
    many_classes = len(profile.target.classes or ()) > MANY_CLASSES
    return Hyperparameters(
        learning_rate=0.05 if few_rows else 0.2 if many_classes else 0.1,
        max_iter=30 if many_classes else 100,
        max_leaf_nodes=8 if few_rows else 15 if many_classes else 31,
        min_samples_leaf=max(5, min(20, profile.rows // 50)),
    )


def write_model(profile: Profile) -> str:
    """Write the function that builds the model."""
    defaults = default_hyperparameters(profile)
    if profile.target.classes is None:
        error = "squared" if profile.target.squared else "absolute"
        docstring = f"Build gradient-boosted trees that minimise the {error} error, the metric."
        special = [f'loss="{error}_error"']
    else:
        balanced = " that weight all classes equally" if profile.target.weights else ""
        docstring = f"Build gradient-boosted trees{balanced}."
        special = ['class_weight="balanced"'] if profile.target.weights else []
    arguments = [
        *special,
        *(f"{name}={name}" for name in ("learning_rate", "max_iter", "max_leaf_nodes")),
        "min_samples_leaf=min_samples_leaf",
        "early_stopping=False",
        "random_state=seed",
    ]
    return "\n".join(
        [
            "def build_model(",
            f"{INDENT}learning_rate: float = {defaults.learning_rate},",
            f"{INDENT}max_iter: int = {defaults.max_iter},",
            f"{INDENT}max_leaf_nodes: int = {defaults.max_leaf_nodes},",
            f"{INDENT}min_samples_leaf: int = {defaults.min_samples_leaf},",
            f"{INDENT}seed: int = 0,",
            f") -> {estimator_name(profile)}:",
            f'{INDENT}"""{docstring}"""',
            *format_call(f"{INDENT}return {estimator_name(profile)}", arguments),
        ]
    )


def write_search_space(profile: Profile) -> str:
    """Write the hyperparameters to try."""
    default = default_hyperparameters(profile).max_iter
    return dedent(
        f"""
        # Hyperparameters to try, if the pipeline searches for better ones than the defaults.
        SEARCH_SPACE: dict[str, list[Any]] = {{
            "learning_rate": [0.03, 0.1, 0.3],
            "max_iter": [{default // 2}, {default}, {2 * default}],
            "max_leaf_nodes": [8, 15, 31],
            "min_samples_leaf": [5, 10, 20],
        }}
        """
    ).strip()
