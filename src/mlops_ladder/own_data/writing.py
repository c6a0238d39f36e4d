"""Write `problem.py` for a file, as an engineer would by hand: short, and meant to be edited."""

from dataclasses import dataclass
from textwrap import dedent

from .columns import Column, allowed_range
from .literals import INDENT, bracketed, called, literal, pairs, within_lint, wrapped
from .names import in_words
from .profile import OTHER, Profile, known_words, thirds

SMALL = 1000  # rows: fewer need smaller trees
MANY_CLASSES = 5
COMMON = 0.05  # of the rows: a word that is rarer makes no slice
MOST_GROUPS = 5

CODES = '''
def codes(values: Any, known: Sequence[str]) -> np.ndarray:
    """The place of each value among the known ones; NaN for a missing one, or one never seen.

    A new word must not stop the service: the model then goes by the other features.
    """
    places = {value: float(place) for place, value in enumerate(known)}
    return np.array([places.get(value, np.nan) for value in values], dtype=float)
'''
CODES_OF_RARE = '''
def codes(values: Any, known: Sequence[str]) -> np.ndarray:
    """The place of each value among the known ones; NaN for a missing one.

    A rare or new word must not stop the service: it counts as "(other)" where that is known, and
    else as missing.
    """
    places = {value: float(place) for place, value in enumerate(known)}
    rare = places.get("(other)", np.nan)
    found = [places.get(value, rare) if isinstance(value, str) else np.nan for value in values]
    return np.array(found, dtype=float)
'''
ERROR_RATE = '''
def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """1 for each wrong answer, 0 for each right one. The metric is their mean."""
    return (actual != predicted).astype(float)


def baseline(target: np.ndarray) -> Any:
    """The constant that scores best without looking at any feature: the most frequent class."""
    values, counts = np.unique(target, return_counts=True)
    return values[counts.argmax()]
'''
BALANCED_ERROR_RATE = '''
def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The weight of the true class for each wrong answer, 0 for each right one."""
    weights = np.array([WEIGHTS[value] for value in actual.tolist()])
    return np.where(actual == predicted, 0.0, weights)


def baseline(target: np.ndarray) -> Any:
    """The constant that scores best without looking at any feature: the class of most weight."""
    values, counts = np.unique(target, return_counts=True)
    weights = np.array([WEIGHTS[value] for value in values.tolist()])
    return values[(counts * weights).argmax()]
'''
ABSOLUTE_ERROR = '''
def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """One score per row: how far off the answer is. The metric is their mean."""
    return np.abs(actual - predicted)


def baseline(target: np.ndarray) -> Any:
    """The constant that scores best without looking at any feature: the median."""
    return np.median(target)
'''
SQUARED_ERROR = '''
def score_rows(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """One score per row: how far off the answer is, squared. The metric is their mean."""
    return (actual - predicted) ** 2


def baseline(target: np.ndarray) -> Any:
    """The constant that scores best without looking at any feature: the mean."""
    return np.mean(target)
'''
TRUST = """
# What a model file may hold beyond scikit-learn's and NumPy's well-known types.
TRUSTED_TYPES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""
OFFERED = """
    load, SCHEMA            where rows come from, and what a valid row is
    TARGET, TIME            the column to predict, and the one that orders rows in time (or None)
    features                what the model may see of a row
    build_model             the model, unfitted; SEARCH_SPACE has values worth trying
    METRIC, score_rows      how a prediction is judged
    slices                  the groups in which the model must be good too
"""
PARTS = {
    "hour": "(time - day).astype(float) / 60",
    "weekday": "(day.astype(int) + 3.0) % 7,  # Monday is 0; day 0, 1970-01-01, was a Thursday",
    "month": 'time.astype("datetime64[M]").astype(int) % 12 + 1.0',
}


@dataclass(frozen=True)
class Size:
    """How large the model may get."""

    learning_rate: float
    max_iter: int
    max_leaf_nodes: int
    min_samples_leaf: int


@dataclass(frozen=True)
class Source:
    """The parts of `problem.py`; all but the docstring and `trust` are the notebook's, too."""

    docstring: str
    head: str
    load: str
    features: str
    model: str
    search: str
    trust: str
    measure: str

    @property
    def problem(self) -> str:
        """The file."""
        head = f"{self.docstring}\n\n{self.head}"
        functions = "\n\n\n".join([head, self.load, self.features, self.model])
        return f"{functions}\n\n\n{self.search}\n\n{self.trust}\n\n{self.measure}\n"


def write(profile: Profile) -> Source:
    """The problem's source."""
    return Source(
        docstring=docstring(profile),
        head=head(profile),
        load=load(profile),
        features=features(profile),
        model=model(profile),
        search=search(profile),
        trust=TRUST.strip(),
        measure=measure(profile),
    )


def docstring(profile: Profile) -> str:
    """What the problem is, and what the file offers."""
    question = "How large is" if profile.target.classes is None else "Which class has"
    about = (
        f"It was written for the rows in `data/{profile.data_name}`, to be read and edited; "
        "everything else in the project imports it. `docs/another-problem.md` tells what it must "
        "offer."
    )
    lines = [
        f'"""{question} `{profile.target.name}`, told from the other columns?',
        "",
        *wrapped(about),
        "",
        *OFFERED.strip("\n").splitlines(),
        '"""',
    ]
    return "\n".join(lines)


def head(profile: Profile) -> str:
    """Imports, constants and the schema."""
    lines = [
        f"from collections.abc import Mapping{', Sequence' if profile.categories else ''}",
        "from datetime import date",
        "from pathlib import Path",
        "from typing import Any",
        "",
        "import numpy as np",
        "import pandas as pd",
        "import pandera.pandas as pa",
        f"from sklearn.ensemble import {estimator(profile)}",
        "",
        *within(f'DATA = Path("data") / {literal(profile.data_name)}'),
        f"TARGET = {literal(profile.target.name)}",
        f"TIME: str | None = {literal(profile.time.name) if profile.time else None}",
    ]
    if profile.target.classes is not None:
        lines += bracketed("CLASSES = ", "[]", [literal(name) for name in profile.target.classes])
    if renamed := used_renamed(profile):
        lines += ["", "# The columns that the file calls otherwise."]
        lines += bracketed("RENAMED = ", "{}", pairs(renamed))
    if marks := used_marks(profile):
        items = [
            f"{literal(name)}: [{', '.join(map(literal, words))}]" for name, words in marks.items()
        ]
        lines += ["", "# What the file has where a value is missing."]
        lines += bracketed("MISSING = ", "{}", items)
    lines += ["", *left_out(profile)]
    if profile.numbers:
        names = [literal(column.name) for column in profile.numbers]
        lines += bracketed("NUMBERS = ", "[]", names)
    if profile.categories:
        lines += ["CATEGORIES = {"]
        for column in profile.categories:
            known = [literal(word) for word in known_words(column)]
            lines += bracketed(f"{INDENT}{literal(column.name)}: ", "[]", known, ",")
        lines += ["}"]
    return "\n".join([*lines, "", *schema(profile)])


def within(line: str) -> list[str]:
    """The line, which a long name of the file may make too long."""
    return [within_lint(line)]


def used_renamed(profile: Profile) -> dict[str, str]:
    """The file's names of the columns that the problem uses, where they are other ones."""
    used = used_names(profile)
    return {given: clean for given, clean in profile.table.renamed.items() if clean in used}


def used_names(profile: Profile) -> set[str]:
    """The clean names of the columns that the problem uses."""
    used = {profile.target.name, *(column.name for column in profile.features)}
    return used | ({profile.time.name} if profile.time else set())


def used_marks(profile: Profile) -> dict[str, list[str]]:
    """The words that stand for missing values in the columns that the problem uses."""
    clean = profile.table.renamed
    marks: dict[str, list[str]] = profile.table.options.get("na_values", {})
    names = used_names(profile)
    return {given: words for given, words in marks.items() if clean.get(given, given) in names}


def left_out(profile: Profile) -> list[str]:
    """A comment that names the columns which no feature uses."""
    if not profile.left_out:
        return []
    lines = ["# Left out; bring back what is known when the question is asked:"]
    for name, reason in profile.left_out.items():
        first, *others = wrapped(f"{name}: {reason}", 94)
        lines += [f"# - {first}", *(f"#   {other}" for other in others)]
    return lines


def schema(profile: Profile) -> list[str]:
    """A column for each feature, the time and the target."""
    words = " Words may be new ones." if profile.categories else ""
    used = {column.name: column for column in profile.features}
    lines = [
        f"# Numbers may go beyond those of the file by half of their width.{words}",
        "SCHEMA = pa.DataFrameSchema(",
        f"{INDENT}{{",
    ]
    for name in profile.table.rows:
        if profile.time and name == profile.time.name:
            lines += entry(str(name), ['"datetime64[ns]"'])
        elif name == profile.target.name:
            lines += entry(str(name), target_column(profile))
        elif name in used:
            lines += entry(str(name), feature_column(used[str(name)]))
    return [*lines, f"{INDENT}}},", f"{INDENT}coerce=True,", f'{INDENT}strict="filter",', ")"]


def entry(name: str, arguments: list[str]) -> list[str]:
    return called(f"{INDENT * 2}{literal(name)}: pa.Column", arguments, ",")


def target_column(profile: Profile) -> list[str]:
    """The target's type and values."""
    if profile.target.classes is None:
        return [literal(dtype(profile.target.column)), in_range(profile.target.column)]
    return [literal(dtype(profile.target.column)), "pa.Check.isin(CLASSES)"]


def feature_column(column: Column) -> list[str]:
    """A feature's type, range, and whether it may be missing."""
    checks = [] if column.kind in ("category", "truth") else [in_range(column)]
    return [literal(dtype(column)), *checks, *(["nullable=True"] if column.gaps else [])]


def dtype(column: Column) -> str:
    """The column's type in pandas; whole numbers that may be missing are floats there."""
    match column.kind:
        case "whole":
            return "float64" if column.gaps else "int64"
        case "truth":
            return "boolean"  # "bool" takes any word for True, and a missing one for False
        case "category":
            return "str"
    return "float64"


def in_range(column: Column) -> str:
    low, high = allowed_range(column)
    return f"pa.Check.in_range({literal(low)}, {literal(high)})"


def load(profile: Profile) -> str:
    """The function that reads the file."""
    time, table = profile.time, profile.table
    options = [
        f"{name}={'MISSING' if name == 'na_values' else literal(value)}"
        for name, value in table.options.items()
        if name != "na_values" or used_marks(profile)
    ]
    tail = ".reset_index()" if table.indexed else ""
    renamed = used_renamed(profile)
    whole = tail + (".rename(columns=RENAMED)" if renamed else "")
    lines = called(f"{INDENT}rows = pd.{table.reader}", ["DATA", *options], whole)
    if len(lines) > 1 and whole:
        lines = called(f"{INDENT}rows = pd.{table.reader}", ["DATA", *options], tail)
        lines += [f"{INDENT}rows = rows.rename(columns=RENAMED)"] if renamed else []
    lines += [
        f"{INDENT}missing = [name for name in SCHEMA.columns if name not in rows]",
        f"{INDENT}if missing:",
        f"{INDENT * 2}raise ValueError(f\"{{DATA}} lacks {{', '.join(missing)}}\")",
    ]
    if words := [literal(column.name) for column in profile.features if column.blanks]:
        lines += bracketed(f"{INDENT}for name in ", "[]", words, ":")
        lines += [f'{INDENT * 2}rows[name] = rows[name].str.strip().replace("", np.nan)']
    if profile.target.column.blanks:
        lines += [f'{INDENT}rows[TARGET] = rows[TARGET].str.strip().replace("", np.nan)']
    if any(column.infinite for column in [*profile.features, profile.target.column]):
        lines += [f"{INDENT}rows = rows.replace([np.inf, -np.inf], np.nan)"]
    needed = "TARGET, TIME" if time else "TARGET"
    if time is None:
        return "\n".join(
            [
                f"{LOAD}",
                f'{INDENT}"""The rows of the file that have a target; without a time, the limits '
                'do not count."""',
                *lines,
                f"{INDENT}return rows.dropna(subset=[{needed}])",
            ]
        )
    arguments = [f"{name}={literal(value)}" for name, value in time.reading.arguments.items()]
    column = f"rows[TIME]{time.reading.cast}"
    zone = ".dt.tz_localize(None)" if time.reading.arguments.get("utc") else ""
    return "\n".join(
        [
            LOAD,
            f'{INDENT}"""The rows of the file from `start` up to, but without, `end`; all without '
            "limits.",
            "",
            f"{INDENT}Rows without a target or a time teach nothing, and stay out.",
            f'{INDENT}"""',
            *lines,
            f"{INDENT}rows = rows.dropna(subset=[{needed}])",
            *called(f"{INDENT}times = pd.to_datetime", [column, *arguments], zone),
            f"{INDENT}rows = rows.assign({time.name}=times)",
            f"{INDENT}if start is not None:",
            f"{INDENT * 2}rows = rows[rows[TIME] >= pd.Timestamp(start)]",
            f"{INDENT}if end is not None:",
            f"{INDENT * 2}rows = rows[rows[TIME] < pd.Timestamp(end)]",
            f"{INDENT}return rows",
        ]
    )


LOAD = "def load(start: date | None = None, end: date | None = None) -> pd.DataFrame:"


def features(profile: Profile) -> str:
    """The function that makes the features, and the one that it needs for words."""
    numbers = "name: np.asarray(rows[name], dtype=float) for name in NUMBERS"
    words = "name: codes(rows[name], known) for name, known in CATEGORIES.items()"
    parts = profile.time.parts if profile.time else {}
    lines = [
        "def features(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:",
        f'{INDENT}"""What the model may see: one number per row and feature; NaN where it is '
        "missing.",
        "",
        f"{INDENT}`rows` is a table, or anything else that gives a column by its name. NumPy alone "
        "does the",
        f"{INDENT}work, so that the same lines serve a table of rows and a single request.",
        f'{INDENT}"""',
    ]
    both = bool(profile.numbers) + bool(profile.categories) + bool(parts) > 1
    if not both and profile.numbers:
        lines += [f"{INDENT}return {{{numbers}}}"]
    elif not both and profile.categories:
        lines += [f"{INDENT}return {{{words}}}"]
    else:
        merged = []
        if profile.numbers:
            lines += [f"{INDENT}numbers = {{{numbers}}}"]
            merged += ["numbers"]
        if profile.categories:
            lines += [f"{INDENT}words = {{{words}}}"]
            merged += ["words"]
        if parts:
            lines += time_of(profile)
            if parts.keys() & {"hour", "weekday"}:
                lines += [f'{INDENT}day = time.astype("datetime64[D]")']
            lines += [f"{INDENT}times = {{"]
            for part, name in parts.items():
                value, comma, comment = PARTS[part].partition(",  #")
                lines += [f"{INDENT * 2}{literal(name)}: {value},{comma[1:]}{comment}"]
            lines += [f"{INDENT}}}"]
            merged += ["times"]
        lines += [f"{INDENT}return {' | '.join(merged)}"]
    text = "\n".join(lines)
    if not profile.categories:
        return text
    rare = any(OTHER in known_words(column) for column in profile.categories)
    return f"{text}\n\n\n{(CODES_OF_RARE if rare else CODES).strip()}"


def time_of(profile: Profile) -> list[str]:
    """The line of `features` that takes the time."""
    name = literal(profile.time.name) if profile.time else ""
    return called(f"{INDENT}time = np.asarray", [f"rows[{name}]", 'dtype="datetime64[m]"'])


def measure(profile: Profile) -> str:
    """How answers are judged, against what, and in which groups."""
    target = profile.target
    if target.weights:
        functions = BALANCED_ERROR_RATE
    elif target.classes is not None:
        functions = ERROR_RATE
    else:
        functions = SQUARED_ERROR if target.squared else ABSOLUTE_ERROR
    lines = [f"METRIC = {literal(target.metric)}", "LOWER_IS_BETTER = True"]
    if target.weights:
        lines += [
            "",
            "# Each class counts the same, however rare: else always naming the common one would "
            "be hard",
            "# to beat. These are the rows divided by the classes and by the rows of the class.",
            *bracketed("WEIGHTS = ", "{}", pairs(target.weights)),
        ]
    return "\n".join([*lines, "", functions.rstrip(), "", "", *slices(profile)])


def slices(profile: Profile) -> list[str]:
    """The groups by the most telling number, and by the most telling category."""
    lines = ["def slices(rows: Mapping[str, Any]) -> dict[str, np.ndarray]:"]
    doc = f'{INDENT}"""The groups in which the model must be good too: for each kind, the group of '
    lines += [doc + 'every row."""']
    groups = []
    number = next((c for c in profile.features if c.numeric and thirds(c)), None)
    if number is not None:
        lines += [f"{INDENT}number = features(rows)[{literal(number.name)}]"]
        tests = [f"number < {literal(limit)}" for limit in thirds(number)]
        names = ["low", "medium"][: len(tests)]
        if number.gaps:
            tests, names = ["np.isnan(number)", *tests], ["missing", *names]
        listed = [f"[{', '.join(tests)}]", f"[{', '.join(map(literal, names))}]"]
        name = literal(in_words(number.name))
        groups += called(f"{INDENT * 2}{name}: np.select", [*listed, '"high"'], ",")
    category = next((c for c in profile.features if c.kind == "category" and common(c)), None)
    if category is not None:
        lines += [f"{INDENT}word = np.asarray(rows[{literal(category.name)}], dtype=object)"]
        lines += bracketed(f"{INDENT}common = ", "[]", [literal(word) for word in common(category)])
        name = literal(in_words(category.name))
        groups += [f'{INDENT * 2}{name}: np.where(np.isin(word, common), word, "other"),']
    if not groups:
        return [*lines, f"{INDENT}return {{}}"]
    return [*lines, f"{INDENT}return {{", *groups, f"{INDENT}}}"]


def common(column: Column) -> list[str]:
    """The few words of a category that are frequent enough to be judged one by one."""
    shares = column.values.value_counts(normalize=True, dropna=False)
    words = [str(word) for word in shares.index[shares >= COMMON] if isinstance(word, str)]
    return sorted(words[:MOST_GROUPS])


def estimator(profile: Profile) -> str:
    """The name of the model's class."""
    kind = "Regressor" if profile.target.classes is None else "Classifier"
    return f"HistGradientBoosting{kind}"


def size_of_model(profile: Profile) -> Size:
    """Few rows get small trees that learn slowly; many classes fewer, as each has its own."""
    classes = len(profile.target.classes or ())
    small, many = profile.rows < SMALL, classes > MANY_CLASSES
    return Size(
        learning_rate=0.05 if small else 0.2 if many else 0.1,
        max_iter=30 if many else 100,
        max_leaf_nodes=8 if small else 15 if many else 31,
        min_samples_leaf=max(5, min(20, profile.rows // 50)),
    )


def model(profile: Profile) -> str:
    """The function that builds the model."""
    size = size_of_model(profile)
    if profile.target.classes is None:
        first = "Boosted trees, not yet fitted, that aim at the " + (
            "mean: what the metric rewards."
            if profile.target.squared
            else "median: what the metric rewards."
        )
        loss = "squared_error" if profile.target.squared else "absolute_error"
        special = [f"loss={literal(loss)}"]
    else:
        first = "Boosted trees, not yet fitted" + (
            ", for which each class counts the same." if profile.target.weights else "."
        )
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
            f"{INDENT}learning_rate: float = {size.learning_rate},",
            f"{INDENT}max_iter: int = {size.max_iter},",
            f"{INDENT}max_leaf_nodes: int = {size.max_leaf_nodes},",
            f"{INDENT}min_samples_leaf: int = {size.min_samples_leaf},",
            f"{INDENT}seed: int = 0,",
            f") -> {estimator(profile)}:",
            f'{INDENT}"""{first}"""',
            *called(f"{INDENT}return {estimator(profile)}", arguments),
        ]
    )


def search(profile: Profile) -> str:
    """Other values for the model's arguments."""
    usual = size_of_model(profile).max_iter
    return dedent(
        f"""
        # Values worth trying for the arguments above, when the pipeline searches for better ones.
        SEARCH_SPACE: dict[str, list[Any]] = {{
            "learning_rate": [0.03, 0.1, 0.3],
            "max_iter": [{usual // 2}, {usual}, {2 * usual}],
            "max_leaf_nodes": [8, 15, 31],
            "min_samples_leaf": [5, 10, 20],
        }}
        """
    ).strip()
