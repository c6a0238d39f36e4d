"""Write the level-0 notebook for the user's own file.

The tagged cells have the parts of `problem.py`; the other cells suit any problem of the same kind.
"""

import json
from typing import Any

import numpy as np

from .columns import Column
from .names import readable_name
from .problem import Source
from .profile import Profile
from .style import format_code, wrap

LOAD = """
rows = SCHEMA.validate(load(), lazy=True)
print(f"{len(rows)} rows from {DATA}")
PREVIEW
"""
PLOT_NUMBER = '''
import matplotlib.pyplot as plt

plt.rcParams["text.parse_math"] = False  # a $ in a name does not begin a formula


def plot_target(axes: plt.Axes, rows: pd.DataFrame) -> None:
    """Plot the distribution of the target, without the most extreme values."""
    low, high = rows[TARGET].quantile([0.005, 0.995])
    axes.hist(rows[TARGET], bins=40, range=(low, high), color="#0072b2")
    axes.set(title="Distribution of the target", xlabel=TARGET, ylabel="rows")


def plot_feature(axes: plt.Axes, name: str, rows: pd.DataFrame) -> None:
    """Plot the target's median and quartiles in ten groups of rows by a feature."""
    values = pd.Series(features(rows)[name], index=rows.index)
    groups = values if values.nunique() <= 10 else pd.qcut(values, 10, duplicates="drop")
    grouped = rows[TARGET].astype(float).groupby(groups, observed=True)
    quartiles = grouped.quantile([0.25, 0.5, 0.75])
    low, median, high = (quartiles.xs(share, level=1) for share in (0.25, 0.5, 0.75))
    is_number = pd.api.types.is_numeric_dtype(values)
    at = values.groupby(groups, observed=True).median() if is_number else median.index.astype(str)
    axes.fill_between(at, low, high, color="#0072b2", alpha=0.2)
    axes.plot(at, median, color="#0072b2", marker="o")
    axes.set(title=f"Target by {name}", xlabel=name, ylabel=TARGET)
'''
PLOT_CLASS = '''
import matplotlib.pyplot as plt

plt.rcParams["text.parse_math"] = False  # a $ in a name does not begin a formula


def plot_target(axes: plt.Axes, rows: pd.DataFrame) -> None:
    """Plot the number of rows of each class."""
    counts = rows[TARGET].value_counts().reindex(CLASSES[::-1])
    colours = [f"C{number % 10}" for number in range(len(CLASSES))]
    axes.barh([str(name) for name in counts.index], counts, color=colours[::-1])
    axes.set(title="Distribution of the target", xlabel="rows", ylabel=TARGET)


def plot_feature(axes: plt.Axes, name: str, rows: pd.DataFrame) -> None:
    """Plot the share of each class, in its colour, in ten groups of rows by a feature."""
    values = pd.Series(features(rows)[name], index=rows.index)
    groups = values if values.nunique() <= 10 else pd.qcut(values, 10, duplicates="drop")
    shares = pd.crosstab(groups, rows[TARGET], normalize="index").reindex(columns=CLASSES)
    is_number = pd.api.types.is_numeric_dtype(values)
    at = values.groupby(groups, observed=True).median() if is_number else shares.index.astype(str)
    axes.plot(at, shares, marker="o", markersize=4)
    axes.set(title=f"Target by {name}", xlabel=name, ylabel="share of rows", ylim=(-0.03, 1.03))
'''
PLOT_ROWS = '''

def plot_rows(rows: pd.DataFrame) -> None:
    """Plot the target, and its dependence on the most important features."""
    names = NAMES
    _, all_axes = plt.subplots(1, 1 + len(names), figsize=(14, 4), layout="constrained")
    first, *others = np.atleast_1d(all_axes)
    plot_target(first, rows)
    for axes, name in zip(others, names, strict=True):
        plot_feature(axes, name, rows)
TICKS

plot_rows(rows)
'''
TICKS = """        if name in CATEGORIES:
            axes.tick_params(axis="x", rotation=30)
"""
SPLIT_BY_TIME = '''
def split_by_time(rows: pd.DataFrame, share: float = 0.2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the rows into a training set and a test set of the newest rows."""
    is_new = rows[TIME] > rows[TIME].quantile(1 - share)
    return rows[~is_new], rows[is_new]


train, test = split_by_time(rows)
print(f"training set: {len(train)} rows until {train[TIME].max():%d %B %Y}")
print(f"test set: {len(test)} newer rows")
'''
SPLIT_BY_CONTENT = '''
def split_by_content(rows: pd.DataFrame, share: float = 0.2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the rows into a training set and a test set by a hash of their values."""
    hashes = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    draws = pd.util.hash_array(hashes) / np.iinfo(np.uint64).max
    return rows[draws >= share], rows[draws < share]


train, test = split_by_content(rows)
print(f"training set: {len(train)} rows, test set: {len(test)} rows")
'''
EVALUATE_NUMBER = """
from sklearn import metrics

model = build_model().fit(pd.DataFrame(features(train)), train[TARGET].to_numpy())

actual = test[TARGET].to_numpy()
predicted = model.predict(pd.DataFrame(features(test)))
constant = np.full(len(test), baseline(train[TARGET].to_numpy()))
scores = pd.DataFrame(
    {"model": score_rows(actual, predicted), "baseline": score_rows(actual, constant)},
    index=test.index,
)
standard = {
    f"{METRIC} of the model": scores["model"].mean(),
    f"{METRIC} of the baseline": scores["baseline"].mean(),
    "RMSE": metrics.root_mean_squared_error(actual, predicted),
    "median absolute error": metrics.median_absolute_error(actual, predicted),
    "R2": metrics.r2_score(actual, predicted),
}
pd.Series(standard).round(DIGITS).to_frame("test set")
"""
EVALUATE_CLASS = """
from sklearn import metrics

model = build_model().fit(pd.DataFrame(features(train)), train[TARGET].to_numpy())

actual = test[TARGET].to_numpy()
probabilities = model.predict_proba(pd.DataFrame(features(test)))
predicted = LABELS
constant = np.tile(baseline(train[TARGET].to_numpy()), (len(test), 1))
scores = pd.DataFrame(
    {"model": score_rows(actual, probabilities), "baseline": score_rows(actual, constant)},
    index=test.index,
)
truth = TRUTH
standard = {
    f"{METRIC} of the model": scores["model"].mean(),
    f"{METRIC} of the baseline": scores["baseline"].mean(),
    "ROC AUC": metrics.roc_auc_score(truth, PROBABILITIES),
    "average precision": metrics.average_precision_score(truth, PROBABILITIES),
    "share of correct labels": (predicted == actual).mean(),
}
pd.Series(standard).round(DIGITS).to_frame("test set")
"""
TWO_CLASSES = {
    "LABELS": "np.array(CLASSES)[(probabilities[:, 1] >= THRESHOLD).astype(int)]",
    "TRUTH": "actual == CLASSES[1]",
    "PROBABILITIES": "probabilities[:, 1]",
}
MORE_CLASSES = {
    "LABELS": "np.array(CLASSES)[probabilities.argmax(axis=1)]",
    "TRUTH": "actual[:, None] == np.array(CLASSES)",
    "PROBABILITIES": "probabilities",
}
PLOT_PREDICTED_NUMBER = '''
def plot_predictions(axes: plt.Axes, rows: pd.DataFrame, predicted: np.ndarray) -> None:
    """Plot predictions against the ground truth, without the most extreme values."""
    low, high = rows[TARGET].quantile([0.005, 0.995])
    axes.scatter(rows[TARGET], predicted, s=8, alpha=0.4, color="#0072b2", linewidths=0)
    axes.plot([low, high], [low, high], color="red", linewidth=1)
    axes.set(title="Predictions (red: exact)", xlabel=TARGET, ylabel=f"predicted {TARGET}")
    axes.set(xlim=(low, high), ylim=(low, high))
'''
PLOT_PREDICTED_CLASS = '''
def plot_predictions(axes: plt.Axes, rows: pd.DataFrame, predicted: np.ndarray) -> None:
    """Plot the confusion matrix, as shares of the rows of each class."""
    shares = pd.crosstab(rows[TARGET], predicted, normalize="index")
    shares = shares.reindex(index=CLASSES, columns=CLASSES, fill_value=0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks, names = range(len(CLASSES)), [str(name) for name in CLASSES]
    axes.set_xticks(ticks, names, rotation=30 if max(map(len, names)) > 4 else 0)
    axes.set_yticks(ticks, names)
    for row, column in np.argwhere(shares.to_numpy() >= 0.005):
        share = shares.iloc[row, column]
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour)
    axes.set(title="Confusion matrix", xlabel=f"predicted {TARGET}", ylabel=TARGET)
'''
PLOT_EVALUATION = '''

def plot_evaluation(rows: pd.DataFrame, predicted: np.ndarray, scores: pd.DataFrame) -> None:
    """Plot the predictions, and the metric for each slice."""
    _, (left, right) = plt.subplots(1, 2, figsize=(14, 5), layout="constrained")
    plot_predictions(left, rows, predicted)
    by_slice = {"all rows": scores.mean()} | {
        f"{kind}: {group}": scores[groups == group].mean()
        for kind, groups in slices(rows).items()
        for group in np.unique(groups)
    }
    pd.DataFrame(by_slice).T.iloc[::-1].plot.barh(ax=right, color=["#0072b2", "#999999"])
    right.set(title="Metric by slice", xlabel=METRIC)


plot_evaluation(test, predicted, scores)
'''
PREDICT_NUMBER = '''
def predict(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a column of predictions."""
    return rows.assign(predicted=model.predict(pd.DataFrame(features(rows))))


predict(test.drop(columns=TARGET).tail(5))
'''
PREDICT_CLASS = '''
def predict(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a column of probabilities for each class."""
    probabilities = model.predict_proba(pd.DataFrame(features(rows))).round(3)
    columns = [f"probability {label}" for label in CLASSES]
    return rows.assign(**dict(zip(columns, probabilities.T, strict=True)))


predict(test.drop(columns=TARGET).tail(5))
'''
PLOT_OVER_TIME = '''
def plot_over_time(rows: pd.DataFrame, scores: pd.DataFrame, points: int = 20) -> None:
    """Plot the metric of successive groups of rows."""
    ordered = scores.assign(time=rows[TIME]).sort_values("time")
    groups = np.arange(len(ordered)) * points // len(ordered)
    means = ordered.groupby(groups).mean().set_index("time")
    axes = means.plot(figsize=(14, 4), marker="o", color=["#0072b2", "#999999"], ylim=(0, None))
    axes.set(title="Metric over time", xlabel="", ylabel=METRIC)


plot_over_time(test, scores)
'''
OPERATE = """
## Operate

The model makes predictions. At this level that happens here, by hand.
"""
DRIFT = (
    "Is the model still good? The data may drift, and the model stays the same. Run this again "
    "with newer rows: if the blue line approaches the grey one, train again."
)
MOST_FEATURES = 3
MOST_CATEGORIES = 10
Cell = dict[str, object]


def build_cells(profile: Profile, source: Source) -> list[Cell]:
    """Return the notebook's cells, without the last one, which describes the next level."""
    is_classification = profile.target.classes is not None
    plots = PLOT_CLASS if is_classification else PLOT_NUMBER
    predictions = PLOT_PREDICTED_CLASS if is_classification else PLOT_PREDICTED_NUMBER
    cells = [
        markdown_cell(write_title(profile)),
        markdown_cell(write_design(profile)),
        code_cell(source.head, marked=True),
        markdown_cell(write_findings(profile)),
        code_cell(source.load, marked=True),
        code_cell(LOAD.replace("PREVIEW", write_preview(profile))),
        markdown_cell("Which features has the model? Only what is known at prediction time."),
        code_cell(source.features, marked=True),
        markdown_cell("What do the rows look like, and how does the target depend on features?"),
        code_cell(write_plots(profile, plots)),
        markdown_cell("What is the metric, and what is the baseline?"),
        code_cell(source.metric, marked=True),
        markdown_cell(write_split(profile)),
        code_cell(SPLIT_BY_TIME if profile.time else SPLIT_BY_CONTENT),
        code_cell(f"{source.model}\n\n\n{source.search_space}", marked=True),
        code_cell(write_evaluation(profile)),
        markdown_cell(
            "Where is the model good, and where not? A model that is good on average can be bad "
            "for some groups."
        ),
        code_cell(predictions + PLOT_EVALUATION),
        markdown_cell(OPERATE),
        code_cell(PREDICT_CLASS if is_classification else PREDICT_NUMBER),
    ]
    if profile.time:
        cells += [markdown_cell(DRIFT), code_cell(PLOT_OVER_TIME)]
    return cells


def write_title(profile: Profile) -> str:
    """Write the title and the introduction."""
    return "\n\n".join(
        [
            f"# Predict {readable_name(profile.target.name)}",
            f"This notebook predicts a column of `data/{profile.data_name}` from the other "
            "columns. It was written for that file, to be read and edited.",
            "It has the three stages of a model: **design** (what is predicted, from which data, "
            "and by which metric), **train**, and **operate**. Run it from top to bottom: "
            "`make notebook`. The cells tagged `problem` define the problem; the others need no "
            "change.",
        ]
    )


def write_design(profile: Profile) -> str:
    """Describe the target, the metric and the baseline."""
    target = profile.target
    if target.classes is None:
        predicted = f"`{target.name}`, a number"
        metric = f"the mean {'squared' if target.squared else 'absolute'} error"
        baseline = f"the {'mean' if target.squared else 'median'} of the target"
    else:
        predicted = f"`{target.name}`, one of {len(target.classes)} classes"
        metric = "the log loss of the predicted probabilities"
        baseline = "the frequency of each class"
    return (
        f"## Design\n\n**Target:** {predicted}. **Metric:** {metric}. **Baseline:** the best "
        f"prediction that uses no feature: {baseline}."
    )


def write_findings(profile: Profile) -> str:
    """List the findings."""
    points = "\n".join(f"- {escape_markdown(finding)}" for finding in profile.findings)
    return f"What was found in the file, and what was done about it:\n\n{points}"


def escape_markdown(text: str) -> str:
    """Escape the characters that have a meaning in Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_<>[]$#|" else sign for sign in text)


def write_plots(profile: Profile, plots: str) -> str:
    """Write the cell that plots the target and the most important features."""
    columns = [column for column in profile.features if can_be_plotted(column)]
    columns = sorted(columns, key=lambda column: column.kind == "category")[:MOST_FEATURES]
    ticks = TICKS if any(column.kind == "category" for column in columns) else ""
    names = repr([column.name for column in columns])
    rows = PLOT_ROWS.replace("NAMES", names).replace("TICKS", ticks)
    return format_code(plots.rstrip() + "\n" + rows)


def can_be_plotted(column: Column) -> bool:
    """Tell whether the column splits the rows into several groups, and not too many."""
    if column.kind == "category" or column.n_distinct <= MOST_CATEGORIES:
        return column.n_distinct <= MOST_CATEGORIES
    return len(np.unique(column.values.quantile(np.linspace(0, 1, 11)))) > 4


def write_preview(profile: Profile) -> str:
    """Write the line that shows statistics of the rows."""
    if not profile.numbers:
        return "rows.head()"
    columns = "[*NUMBERS, TARGET]" if profile.target.classes is None else "NUMBERS"
    return f"rows[{columns}].astype(float).describe().round(2).T"


def write_split(profile: Profile) -> str:
    """Describe the split into a training set and a test set."""
    if profile.time:
        why = (
            "The newest fifth of the rows is the test set. A random test set would be too easy, "
            "because the model could learn from rows of the same time."
        )
    else:
        why = (
            "A fifth of the rows is the test set. A hash of a row's values decides, so that the "
            "row stays in its set when other rows arrive."
        )
    return f"## Train\n\n{why}"


def write_evaluation(profile: Profile) -> str:
    """Write the cell that trains the model and computes its metrics."""
    if profile.target.classes is None:
        source, parts = EVALUATE_NUMBER, {}
    else:
        source = EVALUATE_CLASS
        parts = TWO_CLASSES if len(profile.target.classes) == 2 else MORE_CLASSES
    for name, part in parts.items():
        source = source.replace(name, part)
    return source.replace("DIGITS", str(count_digits(profile)))


def count_digits(profile: Profile) -> int:
    """Return the number of digits of the metric to show."""
    if profile.target.classes is not None:
        return 3
    spread = float(profile.target.column.values.std())
    return 2 if spread >= 1 else 4


def markdown_cell(source: str) -> Cell:
    """Return a cell of Markdown with wrapped paragraphs."""
    lines: list[str] = []
    for line in source.strip().splitlines():
        indent = "  " if line.startswith("- ") else ""
        lines += wrap(line, subsequent_indent=indent) if line else [""]
    return {"cell_type": "markdown", "metadata": {}, "source": split_lines("\n".join(lines))}


def code_cell(source: str, marked: bool = False) -> Cell:
    """Return a cell of code without outputs."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": ["problem"]} if marked else {},
        "outputs": [],
        "source": split_lines(source.strip()),
    }


def split_lines(source: str) -> list[str]:
    """Return the lines with their line ends, as the notebook format stores them."""
    return source.splitlines(keepends=True)


def replace_cells(generated: bytes, cells: list[Cell]) -> bytes:
    """Replace the cells of the generated notebook, except for the last one."""
    notebook: dict[str, Any] = json.loads(generated)
    last = {key: value for key, value in notebook["cells"][-1].items() if key != "id"}
    numbered = [
        {"cell_type": cell["cell_type"], "id": f"cell-{number:02}"} | cell
        for number, cell in enumerate([*cells, last])
    ]
    ordered = [dict(sorted(cell.items())) for cell in numbered]  # as Jupyter stores them
    text = json.dumps(notebook | {"cells": ordered}, indent=1, ensure_ascii=False)
    return f"{text}\n".encode()
