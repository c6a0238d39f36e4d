"""What a file says of its problem: the target, the features, the time, and what is suspicious."""

import difflib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..errors import Misused, Refused
from . import suspicion
from .columns import Column, column_of
from .names import free_name, in_words
from .table import Table
from .target import Target, plain, target_of
from .times import TimeReading, read_times

TEST_SHARE = 0.2  # as the project splits
LARGEST_SHARE_AT_ONCE = 0.1  # of rows with one and the same time, where the split falls
ROWS_OF_THE_GATE = 50  # the template's own default
FEW_OF_CLASS = 50
MOST_KNOWN = 100  # words of a category that the model is told
MONTHS_TELL = 730  # days: in two years each month comes twice
OTHER = "(other)"  # stands for rarer ones
BINS = 10


@dataclass(frozen=True)
class Time:
    """The column that orders the rows, how it is read, and what the features take from it."""

    name: str
    reading: TimeReading
    parts: dict[str, str]  # the names of the features: hour, weekday, month


@dataclass(frozen=True)
class Profile:
    """All that `problem.py` and the notebook are written from."""

    table: Table
    target: Target
    time: Time | None
    features: list[Column]  # the most telling first
    left_out: dict[str, str]  # columns that no feature uses, and why
    rows: int
    findings: list[str]

    @property
    def numbers(self) -> list[Column]:
        return [column for column in in_file_order(self) if column.kind != "category"]

    @property
    def categories(self) -> list[Column]:
        return [column for column in in_file_order(self) if column.kind == "category"]

    @property
    def data_name(self) -> str:
        return self.table.data_name

    @property
    def answers(self) -> dict[str, str]:
        """What to call the project, and what it does."""
        stem = self.data_name.rpartition(".")[0]
        words = " ".join("".join(c if c.isalnum() else " " for c in stem).split())
        about, target = words.lower(), in_words(self.target.name)
        name = about if target in about else f"{about} {target}"
        what = "Predict" if self.target.classes is None else "Tell"
        return {
            "project_name": (name[:1].upper() + name[1:])[:80].strip(),
            "description": f"{what} {target} from the other columns of {self.data_name}.",
        }


def in_file_order(profile: Profile) -> list[Column]:
    """The features as the file has them."""
    places = {name: place for place, name in enumerate(profile.table.rows)}
    return sorted(profile.features, key=lambda column: places[column.name])


def known_words(column: Column) -> list[str]:
    """The words of a category that the model is told: the most frequent, in alphabetical order.

    Where there are rarer ones, a last word stands for all of them.
    """
    counts = column.values.value_counts()
    words = sorted(str(word) for word in counts.index[:MOST_KNOWN])
    return [*words, OTHER] if len(counts) > MOST_KNOWN else words


def profile_of(table: Table, target: str, time: str | None) -> Profile:
    """Look at every column.

    Raises:
        Refused: it has no such column, or nothing can be learned from it.
        Misused: one column is named as the target and as the time.
    """
    target_name = named_column(table, target, "--target")
    time_name = named_column(table, time, "--time") if time is not None else None
    if target_name == time_name:
        raise Misused(f"{target} is given as --target and as --time: it cannot be both")
    rows, findings = complete_rows(table, target_name, time_name)
    read = read_time(rows[time_name], time or "") if time_name else None
    whole = column_of(target_name, table.rows[target_name])
    asked = target_of(replace(whole, values=whole.values[rows.index]))
    findings += [*table.findings, asked.why, *few_rows(rows), *target_findings(asked)]

    features: list[Column] = []
    left_out: dict[str, str] = {}
    for name in rows:
        if name in (target_name, time_name):
            continue
        column = column_of(str(name), rows[name])
        reason = suspicion.of_itself(column) or suspicion.of_target(column, asked)
        if reason is None and (double := suspicion.twin(column, features)):
            reason = f"it holds the same as {double}"
        if reason is None:
            features.append(column)
        else:
            left_out[column.name] = reason
    leave_out_totals(features, left_out, asked)
    if not features:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise Refused(
            f"no column is left to predict {asked.name} from: {reasons or 'there is no other one'}"
        )
    if read:
        check_order(asked, read.values)
        when = Time(str(time_name), read, parts_of(read.values, set(rows)))
        findings += time_findings(when)
    else:
        when = None
    strengths = {column.name: strength(column, asked) for column in features}
    findings += feature_findings(features)
    findings += [f"{name} was left out: {reason}" for name, reason in left_out.items()]
    return Profile(
        table=table,
        target=asked,
        time=when,
        features=sorted(features, key=lambda column: -strengths[column.name]),
        left_out=left_out,
        rows=len(rows),
        findings=findings,
    )


def named_column(table: Table, name: str, option: str) -> str:
    """The clean name of the column that an option names.

    Raises:
        Refused: there is none.
    """
    found = table.column_called(name)
    if found is not None:
        return found
    back = {clean: given for given, clean in table.renamed.items()}
    names = [back.get(str(column), str(column)) for column in table.rows]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(names[:20])}"
    raise Refused(f"{option} {name}: the file has no such column; {meant}")


def complete_rows(table: Table, target: str, time: str | None) -> tuple[pd.DataFrame, list[str]]:
    """The rows that have a target and a time, and what is said of the others.

    Raises:
        Refused: none has.
    """
    rows, findings = table.rows, []
    for name, what in [(target, "target"), (time, "time")]:
        if name is None:
            continue
        known = column_of(name, rows[name]).values.notna()
        if not known.any():
            raise Refused(f"{name} is empty in every row: there is no {what} to learn from")
        if not known.all():
            findings.append(f"{(~known).sum()} rows without a {what} ({name}) are left out")
            rows = rows[known]
    return rows, findings


def read_time(column: pd.Series, name: str) -> TimeReading:
    """The times of the rows.

    Raises:
        Refused: they cannot be read as times, or cannot tell newer rows from older ones.
    """
    read = read_times(column)
    if read is None:
        some = ", ".join(repr(str(value)) for value in column.unique()[:3])
        raise Refused(
            f"--time {name}: {some} cannot all be read as times; write them as 2026-12-31 23:59"
        )
    newer = float((read.values > read.values.quantile(1 - TEST_SHARE)).mean())
    if newer < LARGEST_SHARE_AT_ONCE:
        raise Refused(
            f"--time {name}: too many rows share the newest times; {newer:.0%} would be left to "
            "judge the model. Take a finer time, or none"
        )
    return read


def check_order(target: Target, times: pd.Series) -> None:
    """Refuse a time that sorts the rows by their classes.

    Raises:
        Refused: some class is not among the older rows, from which the model learns.
    """
    if target.classes is None:
        return
    older = times <= times.quantile(1 - TEST_SHARE)
    learned = set(target.column.values[older])
    new = [plain(target.column, v) for v in target.column.values.unique() if v not in learned]
    if new:
        raise Refused(
            f"{target.name} is {new[0]!r} only in the newest fifth of the rows, which judges the "
            "model and does not teach it: leave --time out, or that class"
        )


def parts_of(times: pd.Series, taken: set[str]) -> dict[str, str]:
    """The parts of the time that differ between rows: no year, as the next one is never known."""
    varying = {
        "hour": times.dt.hour.nunique() > 1,
        "weekday": times.dt.normalize().nunique() > 1 and times.dt.day_of_week.nunique() > 1,
        "month": times.max() - times.min() >= pd.Timedelta(days=MONTHS_TELL),
    }
    return {part: free_name(part, taken) for part, found in varying.items() if found}


def few_rows(rows: pd.DataFrame) -> list[str]:
    """What a person with few rows should know before they meet the gate of level 2."""
    judging = int(len(rows) * TEST_SHARE)
    if judging >= ROWS_OF_THE_GATE:
        return []
    return [
        f"of {len(rows)} rows about {judging} judge a model: fewer than the {ROWS_OF_THE_GATE}"
        " without which level 2 promotes none (gate.min_test_rows in params.yaml)"
    ]


def time_findings(time: Time) -> list[str]:
    """What became of the time."""
    parts = " and ".join(time.parts) or "nothing"
    found = [
        f"{time.name} orders the rows: the newest fifth judges the model, and {parts} of it may "
        "be seen"
    ]
    if time.reading.ambiguous:
        found.append(
            f"{time.name} could be read with the day or the month first: it was read as "
            f"{time.reading.arguments['format']}"
        )
    if time.reading.arguments.get("utc"):
        found.append(f"{time.name} has a time zone: it is turned into UTC")
    return found


def target_findings(target: Target) -> list[str]:
    """How the answers are judged, where it is not as usual."""
    name, counts = target.name, target.column.values.value_counts()
    common = plain(target.column, counts.index[0])
    found = []
    if target.weights:
        found.append(
            f"{name} is {common!r} in {counts.iloc[0] / counts.sum():.1%} of the rows: each class "
            "counts the same in the measure, or always naming that one would be hard to beat"
        )
    if target.classes is not None:
        found += [
            f"{name} is {plain(target.column, value)!r} in only {count} rows, of which a fifth "
            "judges the model: how well it tells them is not known well"
            for value, count in counts.items()
            if count < FEW_OF_CLASS
        ]
    if target.squared:
        found.append(
            f"{name} is {common} in many rows: errors are squared, as the median would say no more "
            "than that"
        )
    return found


def feature_findings(features: list[Column]) -> list[str]:
    """What is special about the columns that the model may see."""
    found = []
    gaps = {column.name: int(column.values.isna().sum()) for column in features if column.gaps}
    if gaps:
        named = ", ".join(f"{name} ({count})" for name, count in gaps.items())
        found.append(f"values are missing, and may be missing in requests: {named}")
    for column in features:
        if column.kind == "category" and column.distinct > MOST_KNOWN:
            found.append(
                f"{column.name} has {column.distinct} different words: the model is told the "
                f"{MOST_KNOWN} most frequent"
            )
        if column.infinite:
            found.append(f"{column.name} holds infinite numbers: they count as missing")
    return found


def leave_out_totals(features: list[Column], left_out: dict[str, str], target: Target) -> None:
    """Leave out, one after the other, numbers that give the target away as parts of a sum."""
    while parts := suspicion.parts_of_sum(features, target):
        others = ", ".join(parts[1:]) or "others"
        left_out[parts[0]] = (
            f"{target.name} can be computed from it and {others}; are those known beforehand?"
        )
        features[:] = [column for column in features if column.name != parts[0]]


def strength(column: Column, target: Target) -> float:
    """The share of the target's variance that ten groups of rows by the column explain.

    Of a number, the ranks vary; of classes, whether it is that one (Goodman and Kruskal's tau).
    """
    if target.classes is None:
        truth = target.column.values.rank().to_frame()
    else:
        truth = pd.get_dummies(target.column.values).astype(float)
    if column.kind == "category":
        known = set(known_words(column)[:BINS]) if column.distinct > MOST_KNOWN else None
        groups = column.values if known is None else column.values.where(column.values.isin(known))
    else:
        groups = pd.qcut(column.values.rank(method="first"), BINS, labels=False)
        groups = groups.groupby(column.values).transform("min")
    keys = groups.astype(object).where(groups.notna(), "missing")
    centred = truth - truth.mean()
    explained = centred.groupby(keys).transform("mean")
    total = float((centred**2).to_numpy().sum())
    bias = keys.nunique() / len(keys)
    return float((explained**2).to_numpy().sum()) / total - bias if total else 0.0


def thirds(column: Column) -> list[float]:
    """Two limits that part the known values into thirds, or one, or none, short to write."""
    known = column.values.dropna()
    limits = []
    for share in (1 / 3, 2 / 3):
        limit = float(f"{np.quantile(known, share):.3g}")
        below = float((known < limit).mean())
        if 0.15 < below < 0.85 and limit not in limits:
            limits.append(limit)
    return limits
