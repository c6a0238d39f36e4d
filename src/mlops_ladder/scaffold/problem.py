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
from .profile import Profile, tercile_limits

FEW_ROWS = 1000  # fewer rows need smaller trees
FEW_ROWS_OF_CLASSES = 10_000  # the same for classes: large trees give too extreme probabilities
MANY_CLASSES = 5
FREQUENT = 0.05  # of the rows; rarer categories share a slice
MOST_SLICES = 5

PIPELINE_IMPORTS = [
    "from sklearn.pipeline import Pipeline",
    "from sklearn.preprocessing import OrdinalEncoder",
]
ENCODE = """\
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encode = ColumnTransformer([("categories", encoder, CATEGORIES)], remainder="passthrough")
    return Pipeline([("encode", encode), ("trees", trees)])"""
LOG_LOSS = '''
def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the log loss of each row, from its class's probability; the metric is the mean."""
    columns = {label: column for column, label in enumerate(CLASSES)}
    own = predicted[np.arange(len(actual)), [columns[label] for label in actual.tolist()]]
    return -np.log(np.clip(own, 1e-15, None))


def baseline(target: np.ndarray) -> Any:
    """Return the constant prediction with the best metric: the frequency of each class."""
    return np.array([np.mean(target == label) for label in CLASSES])
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
CATEGORIES = """
    texts = {name: np.asarray(rows[name], dtype=object) for name in CATEGORIES}
    known = {name: [isinstance(value, str) for value in texts[name]] for name in texts}
    categories = {name: np.where(known[name], texts[name], "missing") for name in texts}
"""
INTERFACE = """
    TASK                    regression or classification
    load, SCHEMA            load the rows; the schema of a valid row
    TARGET, TIME            the column to predict, and the one that orders rows in time (or None)
    features                the features of rows
    build_model             the model, not fitted; SEARCH_SPACE has hyperparameters to try
    METRIC, score_rows      the metric that decides, and the score of each row
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
    """The parts of `problem.py`; the notebook has all but `docstring`."""

    docstring: str
    head: str
    load: str
    features: str
    model: str
    search_space: str
    metric: str

    @property
    def problem(self) -> str:
        """Get the source of the file."""
        head = f"{self.docstring}\n\n{self.head}"
        functions = "\n\n\n".join([head, self.load, self.features, self.model])
        return f"{functions}\n\n\n{self.search_space}\n\n{self.metric}\n"


def write_source(profile: Profile) -> Source:
    """Write the source of `problem.py`."""
    return Source(
        docstring=write_docstring(profile),
        head=write_head(profile),
        load=write_load(profile),
        features=write_features(profile),
        model=write_model(profile),
        search_space=write_search_space(profile),
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
        "from collections.abc import Mapping",
        "from datetime import date",
        "from pathlib import Path",
        "from typing import Any",
        "",
        "import numpy as np",
        "import pandas as pd",
        "import pandera.pandas as pa",
        *(["from sklearn.compose import ColumnTransformer"] if profile.categories else []),
        f"from sklearn.ensemble import {estimator_name(profile)}",
        *(PIPELINE_IMPORTS if profile.categories else []),
        "",
        excuse_long_line(data),
        f'TASK = "{"regression" if profile.target.classes is None else "classification"}"',
        f"TARGET = {format_literal(profile.target.name)}",
        f"TIME: str | None = {time}",
    ]
    if profile.target.classes is not None:
        classes = [format_literal(value) for value in profile.target.classes]
        lines += format_collection("CLASSES = ", "[]", classes)
        if len(classes) == 2:
            lines += ["THRESHOLD = 0.5  # the probability from which the second class is predicted"]
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
        names = [format_literal(column.name) for column in profile.categories]
        lines += format_collection("CATEGORIES = ", "[]", names)
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
    """Write the function that returns the features."""
    docstring = "numbers, NaN if missing"
    if profile.categories:
        docstring = 'numbers, NaN if missing, and text, "missing" if missing'
        docstring = docstring if profile.numbers or profile.time else 'text, "missing" if missing'
    lines = [
        "def features(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:",
        f'{INDENT}"""Return the features: {docstring}.',
        "",
        f"{INDENT}`rows` is a table, or another mapping from column names to values. Only NumPy is "
        "used, so",
        f"{INDENT}that the same code serves the rows of a table and a single request.",
        f'{INDENT}"""',
    ]
    parts = []
    if profile.numbers:
        parts += ["numbers"]
        value = "{name: np.asarray(rows[name], dtype=float) for name in NUMBERS}"
        lines += [f"{INDENT}numbers = {value}"]
    if profile.categories:
        parts += ["categories"]
        lines += CATEGORIES.strip("\n").splitlines()
    if profile.time and profile.time.parts:
        parts += ["times"]
        lines += write_time(profile)
        first, *others = write_time_parts(profile.time.parts)
        lines += [f"{INDENT}times = {first}", *others]
    return "\n".join([*lines, f"{INDENT}return {' | '.join(parts)}"])


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
    if target.classes is not None:
        functions = LOG_LOSS
    else:
        functions = SQUARED_ERROR if target.squared else ABSOLUTE_ERROR
    lines = [f"METRIC = {format_literal(target.metric)}", "LOWER_IS_BETTER = True"]
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
    classes = profile.target.classes or ()
    few_rows = profile.rows < (FEW_ROWS_OF_CLASSES if classes else FEW_ROWS)
    many_classes = len(classes) > MANY_CLASSES
    return Hyperparameters(
        learning_rate=0.2 if many_classes else 0.05 if few_rows else 0.1,
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
        docstring = "Build gradient-boosted trees that minimise the log loss, the metric."
        special = ["l2_regularization=10.0"]
    arguments = [
        *special,
        *(f"{name}={name}" for name in ("learning_rate", "max_iter", "max_leaf_nodes")),
        "min_samples_leaf=min_samples_leaf",
        "early_stopping=False",
        "random_state=seed",
    ]
    name = estimator_name(profile)
    if profile.categories:
        built = [*format_call(f"{INDENT}trees = {name}", arguments), *ENCODE.splitlines()]
    else:
        built = format_call(f"{INDENT}return {name}", arguments)
    return "\n".join(
        [
            "def build_model(",
            f"{INDENT}learning_rate: float = {defaults.learning_rate},",
            f"{INDENT}max_iter: int = {defaults.max_iter},",
            f"{INDENT}max_leaf_nodes: int = {defaults.max_leaf_nodes},",
            f"{INDENT}min_samples_leaf: int = {defaults.min_samples_leaf},",
            f"{INDENT}seed: int = 0,",
            f") -> {'Pipeline' if profile.categories else name}:",
            f'{INDENT}"""{docstring}"""',
            *built,
        ]
    )


def write_search_space(profile: Profile) -> str:
    """Write the hyperparameters to try."""
    default = default_hyperparameters(profile).max_iter
    return dedent(
        f"""
        # Hyperparameters to try, if the pipeline searches for better ones than the defaults.
        SEARCH_SPACE: dict[str, Any] = {{
            "learning_rate": [0.03, 0.1, 0.3],
            "max_iter": [{default // 2}, {default}, {2 * default}],
            "max_leaf_nodes": [8, 15, 31],
            "min_samples_leaf": [5, 10, 20],
        }}
        """
    ).strip()
