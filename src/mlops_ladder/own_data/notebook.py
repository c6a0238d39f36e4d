"""The level-0 notebook about a person's own file.

The marked cells hold what `problem.py` holds; the others are about any problem of the same kind.
"""

import json
from typing import Any

import numpy as np

from .columns import Column
from .literals import bracketed, literal, wrapped
from .names import in_words
from .profile import Profile
from .writing import Source

LOOK = """
rows = SCHEMA.validate(load(), lazy=True)
print(f"{len(rows)} rows from {DATA}")
SEEN
"""
PLOT_NUMBER = '''
import matplotlib.pyplot as plt

plt.rcParams["text.parse_math"] = False  # a $ in a name is no formula


def plot_target(axes: plt.Axes, rows: pd.DataFrame) -> None:
    """How often which target occurs, without the few most extreme ones."""
    low, high = rows[TARGET].quantile([0.005, 0.995])
    axes.hist(rows[TARGET], bins=40, range=(low, high), color="#0072b2")
    axes.set(title="What is asked", xlabel=TARGET, ylabel="rows")


def plot_feature(axes: plt.Axes, name: str, rows: pd.DataFrame) -> None:
    """The middle half of the target in ten groups of rows by a feature, and the median."""
    values = pd.Series(features(rows)[name], index=rows.index)
    groups = values if values.nunique() <= 10 else pd.qcut(values, 10, duplicates="drop")
    halves = rows[TARGET].astype(float).groupby(groups, observed=True).quantile([0.25, 0.5, 0.75])
    low, middle, high = (halves.xs(share, level=1) for share in (0.25, 0.5, 0.75))
    at = values.groupby(groups, observed=True).median()
    axes.fill_between(at, low, high, color="#0072b2", alpha=0.2)
    axes.plot(at, middle, color="#0072b2", marker="o")
    axes.set(title=f"By {name}", xlabel=name, ylabel=TARGET)
'''
PLOT_CLASS = '''
import matplotlib.pyplot as plt

plt.rcParams["text.parse_math"] = False  # a $ in a name is no formula


def plot_target(axes: plt.Axes, rows: pd.DataFrame) -> None:
    """How often each class occurs."""
    counts = rows[TARGET].value_counts().reindex(CLASSES[::-1])
    colours = [f"C{place % 10}" for place in range(len(CLASSES))]
    axes.barh([str(name) for name in counts.index], counts, color=colours[::-1])
    axes.set(title="What is asked", xlabel="rows", ylabel=TARGET)


def plot_feature(axes: plt.Axes, name: str, rows: pd.DataFrame) -> None:
    """The share of each class, in its colour, in ten groups of rows by a feature."""
    values = pd.Series(features(rows)[name], index=rows.index)
    groups = values if values.nunique() <= 10 else pd.qcut(values, 10, duplicates="drop")
    shares = pd.crosstab(groups, rows[TARGET], normalize="index").reindex(columns=CLASSES)
    at = values.groupby(groups, observed=True).median()
    axes.plot(at, shares, marker="o", markersize=4)
    axes.set(title=f"By {name}", xlabel=name, ylabel="share of rows", ylim=(-0.03, 1.03))
'''
PLOT_ROWS = '''

def plot_rows(rows: pd.DataFrame) -> None:
    """The target, and how it depends on the features that tell most."""
    names = SHOWN
    _, all_axes = plt.subplots(1, 1 + len(names), figsize=(14, 4), layout="constrained")
    first, *others = np.atleast_1d(all_axes)
    plot_target(first, rows)
    for axes, name in zip(others, names, strict=True):
        plot_feature(axes, name, rows)
WORDS

plot_rows(rows)
'''
SPLIT_BY_TIME = '''
def split_by_time(rows: pd.DataFrame, share: float = 0.2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from, and newer ones to judge by."""
    is_new = rows[TIME] > rows[TIME].quantile(1 - share)
    return rows[~is_new], rows[is_new]


train, test = split_by_time(rows)
print(f"learn from {len(train)} rows until {train[TIME].max():%d %B %Y}")
print(f"judge by {len(test)} newer ones")
'''
SPLIT_BY_CONTENT = '''
def split_by_content(rows: pd.DataFrame, share: float = 0.2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from, and others to judge by: a row stays on its side when others arrive."""
    contents = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    draws = pd.util.hash_array(contents) / np.iinfo(np.uint64).max
    return rows[draws >= share], rows[draws < share]


train, test = split_by_content(rows)
print(f"learn from {len(train)} rows, judge by {len(test)} others")
'''
JUDGE = """
model = build_model().fit(pd.DataFrame(features(train)), train[TARGET].to_numpy())

actual = test[TARGET].to_numpy()
predicted = model.predict(pd.DataFrame(features(test)))
constant = np.full(len(test), baseline(train[TARGET].to_numpy()))
scores = pd.DataFrame(
    {"model": score_rows(actual, predicted), "constant": score_rows(actual, constant)},
    index=test.index,
)
scores.mean().rename(METRIC).to_frame().round(DIGITS)
"""
JUDGED_NUMBER = '''
def plot_answers(axes: plt.Axes, rows: pd.DataFrame, predicted: np.ndarray) -> None:
    """Prediction beside truth, without the few most extreme ones."""
    low, high = rows[TARGET].quantile([0.005, 0.995])
    axes.scatter(rows[TARGET], predicted, s=8, alpha=0.4, color="#0072b2", linewidths=0)
    axes.plot([low, high], [low, high], color="red", linewidth=1)
    axes.set(title="On the red line it is right", xlabel=TARGET, ylabel=f"predicted {TARGET}")
    axes.set(xlim=(low, high), ylim=(low, high))
'''
JUDGED_CLASS = '''
def plot_answers(axes: plt.Axes, rows: pd.DataFrame, predicted: np.ndarray) -> None:
    """For the rows of each class, the share of each answer: right ones stand on the diagonal."""
    shares = pd.crosstab(rows[TARGET], predicted, normalize="index")
    shares = shares.reindex(index=CLASSES, columns=CLASSES, fill_value=0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places, names = range(len(CLASSES)), [str(name) for name in CLASSES]
    axes.set_xticks(places, names, rotation=30 if max(map(len, names)) > 4 else 0)
    axes.set_yticks(places, names)
    for row, column in np.argwhere(shares.to_numpy() >= 0.005):
        share = shares.iloc[row, column]
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour)
    axes.set(title="On the diagonal it is right", xlabel=f"predicted {TARGET}", ylabel=TARGET)
'''
JUDGED = '''

def plot_judgement(rows: pd.DataFrame, predicted: np.ndarray, scores: pd.DataFrame) -> None:
    """The answers beside the truth, and the mean score in each slice."""
    _, (left, right) = plt.subplots(1, 2, figsize=(14, 5), layout="constrained")
    plot_answers(left, rows, predicted)
    by_slice = {"all rows": scores.mean()} | {
        f"{kind}: {group}": scores[groups == group].mean()
        for kind, groups in slices(rows).items()
        for group in np.unique(groups)
    }
    pd.DataFrame(by_slice).T.iloc[::-1].plot.barh(ax=right, color=["#0072b2", "#999999"])
    right.set(title="Who gets how good an answer", xlabel=METRIC)


plot_judgement(test, predicted, scores)
'''
ANSWER = '''
def answer(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the model's answer beside them."""
    return rows.assign(predicted=model.predict(pd.DataFrame(features(rows))))


answer(test.drop(columns=TARGET).tail(5))
'''
OVER_TIME = '''
def plot_over_time(rows: pd.DataFrame, scores: pd.DataFrame, points: int = 20) -> None:
    """The mean score of rows that follow each other."""
    ordered = scores.assign(time=rows[TIME]).sort_values("time")
    groups = np.arange(len(ordered)) * points // len(ordered)
    means = ordered.groupby(groups).mean().set_index("time")
    axes = means.plot(figsize=(14, 4), marker="o", color=["#0072b2", "#999999"], ylim=(0, None))
    axes.set(title="How good, as time goes by", xlabel="", ylabel=METRIC)


plot_over_time(test, scores)
'''
MOST_SHOWN = 3
MOST_WORDS = 10
OPERATE = """
## Operate

Now the model answers questions. At this level that happens here, by hand.
"""
WORDS = """        if name in CATEGORIES:
            axes.set_xticks(range(len(CATEGORIES[name])), CATEGORIES[name], rotation=30)
"""
Cell = dict[str, object]


def cells_of(profile: Profile, source: Source) -> list[Cell]:
    """The notebook's cells, without the last one, which tells how to climb."""
    classes = profile.target.classes is not None
    cells = [
        text(title(profile)),
        text(design(profile)),
        code(source.head, marked=True),
        text(found(profile)),
        code(source.load, marked=True),
        code(LOOK.replace("SEEN", seen(profile))),
        text("What may the model see? Only what is known when the question is asked."),
        code(source.features, marked=True),
        text("What do the rows look like, and which features tell most?"),
        code(shown(profile, PLOT_CLASS if classes else PLOT_NUMBER)),
        text("How is it judged, and against what?"),
        code(source.measure, marked=True),
        text(split_told(profile)),
        code(SPLIT_BY_TIME if profile.time else SPLIT_BY_CONTENT),
        code(f"{source.model}\n\n\n{source.search}", marked=True),
        code(JUDGE.replace("DIGITS", str(digits(profile)))),
        text(
            "Where is it good, and where not? A model that is right on average can fail those who "
            "matter."
        ),
        code((JUDGED_CLASS if classes else JUDGED_NUMBER) + JUDGED),
        text(OPERATE),
        code(ANSWER),
    ]
    if profile.time:
        still = (
            "Is it still right? The world changes, and the model does not. Look at this again with "
            "newer rows: if the blue line climbs towards the grey one, train again."
        )
        cells += [text(still), code(OVER_TIME)]
    return cells


def title(profile: Profile) -> str:
    """What the notebook is."""
    target = in_words(profile.target.name)
    asked = "How large is" if profile.target.classes is None else "Which class has"
    return "\n\n".join(
        [
            f"# {asked} {target}?",
            f"This notebook answers from the other columns of `data/{profile.data_name}`. It was "
            "written for that file, to be read and edited.",
            "It tells the whole story of a model in three stages: **design** (what is asked, and "
            "what data and measure answer it), **train**, and **operate**. Run it from top to "
            "bottom: `make notebook`. What is about the problem stands in the cells tagged "
            "`problem`; the others stay as they are.",
        ]
    )


def design(profile: Profile) -> str:
    """What is asked, how it is judged, and what it must beat."""
    target = profile.target
    if target.classes is None:
        asked = f"`{target.name}`, a number"
        judged = f"by how far it is off{', squared' if target.squared else ''}, on average"
        beat = "mean" if target.squared else "median"
        constant = f"the {beat} of all rows"
    else:
        asked = f"`{target.name}`, one of {len(target.classes)} classes"
        judged = "by how often it is wrong" + (
            ", where each class counts the same, however rare" if target.weights else ""
        )
        constant = "always the same class"
    return (
        f"## Design\n\n**What is asked:** {asked}. **How an answer is judged:** {judged}. "
        f"**What it must beat:** the best answer that ignores the row, {constant}."
    )


def found(profile: Profile) -> str:
    """What was found when the file was read."""
    points = "\n".join(f"- {escaped(finding)}" for finding in profile.findings)
    return f"What was found in the file, and what was done about it:\n\n{points}"


def escaped(finding: str) -> str:
    """The finding as Markdown shows it: names keep their underscores and stars."""
    return "".join(f"\\{sign}" if sign in "\\`*_<>[]$#|" else sign for sign in finding)


def shown(profile: Profile, plots: str) -> str:
    """The plots of the features that tell most."""
    columns = [column for column in profile.features if varies(column)]
    columns = sorted(columns, key=lambda column: column.kind == "category")[:MOST_SHOWN]
    words = WORDS if any(column.kind == "category" for column in columns) else ""
    names = bracketed("    names = ", "[]", [literal(column.name) for column in columns])
    rows = PLOT_ROWS.replace("    names = SHOWN", "\n".join(names)).replace("WORDS", words)
    return plots.rstrip() + "\n" + rows


def varies(column: Column) -> bool:
    """Whether groups of rows by the column make a plot."""
    if column.kind == "category":
        return column.distinct <= MOST_WORDS
    if column.distinct <= MOST_WORDS:
        return True
    return len(np.unique(column.values.quantile(np.linspace(0, 1, 11)))) > 4


def seen(profile: Profile) -> str:
    """The line that shows the rows at a glance."""
    if not profile.numbers:
        return "rows.head()"
    columns = "[*NUMBERS, TARGET]" if profile.target.classes is None else "NUMBERS"
    return f"rows[{columns}].astype(float).describe().round(2).T"


def split_told(profile: Profile) -> str:
    """Which rows judge the model, and why."""
    if profile.time:
        why = (
            "The newest fifth of the rows is put aside to judge the model. Rows drawn at random "
            "would flatter it: it could learn from one row what is asked about the next one."
        )
    else:
        why = (
            "A fifth of the rows is put aside to judge the model. What a row holds decides on "
            "which side it is, so that it stays there when other rows arrive."
        )
    return f"## Train\n\n{why}"


def digits(profile: Profile) -> int:
    """How many digits a mean score is shown with."""
    if profile.target.classes is not None:
        return 3
    spread = float(profile.target.column.values.std())
    return 2 if spread >= 1 else 4


def text(source: str) -> Cell:
    """A cell of Markdown, its paragraphs wrapped."""
    lines: list[str] = []
    for line in source.strip().splitlines():
        lines += wrapped(line, subsequent="  " if line.startswith("- ") else "") if line else [""]
    return {"cell_type": "markdown", "metadata": {}, "source": kept("\n".join(lines))}


def code(source: str, marked: bool = False) -> Cell:
    """A cell of code that has not run."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": ["problem"]} if marked else {},
        "outputs": [],
        "source": kept(source.strip()),
    }


def kept(source: str) -> list[str]:
    """The lines as a notebook's file keeps them."""
    return source.splitlines(keepends=True)


def rewritten(generated: bytes, cells: list[Cell]) -> bytes:
    """The generated notebook with these cells, and with its own last one."""
    notebook: dict[str, Any] = json.loads(generated)
    last = notebook["cells"][-1]
    numbered = [
        {"cell_type": cell["cell_type"], "id": f"cell-{number:02}"} | cell
        for number, cell in enumerate([*cells, {k: v for k, v in last.items() if k != "id"}])
    ]
    ordered = [in_order(cell) for cell in numbered]
    text = json.dumps(notebook | {"cells": ordered}, indent=1, ensure_ascii=False)
    return f"{text}\n".encode()


def in_order(cell: Cell) -> Cell:
    """The cell's keys in alphabetical order, as notebooks are written."""
    return dict(sorted(cell.items()))
