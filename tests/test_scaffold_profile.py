"""Tests of profiling the user's file: what is found in it, and which files are refused."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mlops_ladder.commands.own_data import OwnData
from mlops_ladder.errors import RefusedError, UsageError
from mlops_ladder.scaffold.columns import column_of, hard_limits
from mlops_ladder.scaffold.names import clean_names, file_name
from mlops_ladder.scaffold.profile import Profile, profile_of
from mlops_ladder.scaffold.table import Table, read_table
from mlops_ladder.scaffold.timestamps import read_times

RNG = np.random.default_rng(5)
ROWS = 200
AMOUNT = RNG.normal(50, 10, ROWS).round(2)
SIZE = (AMOUNT / 5 + RNG.normal(0, 1, ROWS)).round(2)
DAYS = pd.date_range("2026-01-01", periods=ROWS, freq="7h")
CLASSES = np.where(AMOUNT + RNG.normal(0, 10, ROWS) > 50, "high", "low")


def written(folder: Path, text: str | bytes, name: str = "rows.csv") -> Path:
    """Write a file, and return its path."""
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def every(values: list[Any]) -> list[Any]:
    """Repeat the values, one for each row."""
    return (values * ROWS)[:ROWS]


def read(folder: Path, text: str | bytes) -> Table:
    """Write a CSV file, and read it as a table."""
    return read_table(written(folder, text))


def profiled(
    folder: Path, target: str = "amount", time: str | None = None, **columns: Any
) -> Profile:
    """Profile a table with an amount, a size that correlates with it, and more columns."""
    table = pd.DataFrame({"amount": AMOUNT, "size": SIZE} | columns)
    file = folder / "rows.parquet"
    table.to_parquet(file)
    return profile_of(read_table(file), target, time)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b\n1.5,x\n2,y\n", {}),
        ("a;b\n1,5;x\n2;y\n", {"sep": ";", "decimal": ","}),
        ("a\tb\n1.5\tx, y\n2\ty\n", {"sep": "\t"}),
        ('a,b\n"1,500",x\n2,y\n', {"thousands": ","}),
        ('"a","b"\n"1.5","x;y;z"\n"2","y"\n', {}),
        ("a,b\n1.5,x\n2,x\n?,y\n", {"na_values": {"a": ["?"]}}),
        (
            "a,b\n1,x\n2,\N{LATIN SMALL LETTER E WITH ACUTE}\n".encode("latin-1"),
            {"encoding": "cp1252"},
        ),
        ("a,b\n1,x\n2,y\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("\N{ZERO WIDTH NO-BREAK SPACE}a,b\n1,x\n2,y\n", {}),
    ],
)
def test_a_csv_is_read_however_it_was_written(
    text: str | bytes, options: dict[str, Any], tmp_path: Path
) -> None:
    table = read(tmp_path, text)
    assert table.options == options
    assert list(table.rows) == ["a", "b"]
    assert pd.api.types.is_numeric_dtype(table.rows["a"])


def test_many_words_among_numbers_are_no_marks_of_missing_values(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n1,x\nx,x\ny,y\nz,y\n").options == {}


def test_dirty_headers_get_clean_names_and_no_two_alike() -> None:
    dirty = [" Total Amount ", "totalAmount", "total_amount", "", "class", "1st", "Größe (m²)"]
    dirty += ["Unnamed: 7", "PULocationID", "%"]
    clean = clean_names(dirty)
    assert clean == [
        *("total_amount_2", "total_amount_3", "total_amount", "column_4", "class_value"),
        *("column_1st", "grosse_m2", "column_8", "pu_location_id", "column_10"),
    ]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("my data.csv", "my_data"),
        (".hidden.csv", "hidden"),
        ("Größe.tsv", "Groe"),
        ("数.csv", "rows"),
    ],
)
def test_a_file_gets_a_name_that_is_safe_in_data(name: str, safe: str) -> None:
    assert file_name(Path(name), ".csv") == f"{safe}.csv"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3], "integer"),
        ([1.0, None, 3.0], "integer"),
        ([1.5, 2, 3], "number"),
        ([True, False, True], "boolean"),
        ([True, None, False], "boolean"),
        (["a", "b", None], "category"),
        (["1", "b", 3], "category"),
        (["2026-01-01", "2026-01-02", None], "time"),
        ([[1], [2], [3]], "other"),
    ],
)
def test_a_column_is_told_by_its_values(values: list[Any], kind: str) -> None:
    assert column_of("x", pd.Series(values)).kind == kind


@pytest.mark.parametrize(
    ("first", "later", "month"),
    [
        ("2026-01-02", "2026-01-31", 1),
        ("2026-01-02T10:00:00Z", "2026-01-31T10:00:00+02:00", 1),
        ("02.01.2026 10:00", "31.01.2026 11:30", 1),
        ("02/01/2026", "31/01/2026", 1),
        ("02/01/2026", "02/28/2026", 2),
        (20260102, 20260131, 1),
        (1767312000, 1769817600, 1),
    ],
)
def test_times_are_read_as_they_are_written(first: Any, later: Any, month: int) -> None:
    found = read_times(pd.Series([first, later]))
    assert found is not None
    assert found.values.dt.month.tolist() == [month, month]
    assert found.values.dt.tz is None


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("12/31/2018 11:59:59 PM", "12/31/2018 11:59:58 PM", "2018-12-31 23:59:59"),
        ("1/2/18", "13/2/18", "2018-02-01"),
        ("1/2/18", "2/28/18", "2018-01-02"),
        ("31/12/18", "1/1/19", "2018-12-31"),
        ("7-Jan-18", "8-Feb-18", "2018-01-07"),
        ("Jan 2005", "Feb 2005", "2005-01-01"),
        ("January 5, 2018", "February 5, 2018", "2018-01-05"),
        ("2018Q1", "2018Q4", "2018-01-01"),
        ("2018 Q2", "2018 Q4", "2018-04-01"),
        ("Q2 2018", "Q1 2019", "2018-04-01"),
        ("2018-W03", "2018-W04", "2018-01-15"),
        ("18:30 24/08/2018", "7:05 25/08/2018", "2018-08-24 18:30"),
        ("2018-01-02 10:00:00 UTC", "2018-01-03 10:00:00 UTC", "2018-01-02 10:00:00"),
        ("2018-01-02T10:00:00+01:00", "2018-07-02T10:00:00+02:00", "2018-01-02 09:00:00"),
        ("2018/01/02 10:00", "2018/01/03 10:00", "2018-01-02 10:00:00"),
        (201801, 201812, "2018-01-01"),
        (1871, 1872, "1871-01-01"),
    ],
)
def test_usual_ways_to_write_a_time_are_read(first: Any, last: Any, found: str) -> None:
    reading = read_times(pd.Series([first, last]))
    assert reading is not None
    assert reading.values.iloc[0] == pd.Timestamp(found)
    read = {"pd": pd, "rows": pd.Series([first, last])}
    again = pd.Series(eval(reading.expression.replace("{}", "rows"), read))
    assert again.iloc[0] == pd.Timestamp(found)


def test_the_month_of_a_numbered_year_is_read_in_the_order_of_the_rows() -> None:
    months = pd.Series([f"{year}-{month:02}" for year in (1, 2, 3) for month in range(1, 13)])
    reading = read_times(months)
    assert reading is not None
    assert reading.values.is_monotonic_increasing
    assert "1-01 is the month 01 of the year 1" in reading.remark
    assert read_times(months.sample(frac=1, random_state=0)) is None


def test_a_day_and_a_month_that_could_change_places_are_asked_for(tmp_path: Path) -> None:
    times = [f"0{1 + i % 9}/0{1 + i * i % 8}/20{10 + i // 20}" for i in range(ROWS)]
    with pytest.raises(RefusedError, match=r"--date-format '%m/%d/%Y' or --date-format '%d/%m/%Y"):
        profiled(tmp_path, time="day", day=times)
    table = pd.DataFrame({"amount": AMOUNT, "size": SIZE, "day": times})
    table.to_parquet(tmp_path / "rows.parquet")
    read_again = read_table(tmp_path / "rows.parquet")
    profile = profile_of(read_again, "amount", "day", date_format="%d/%m/%Y")
    assert profile.time is not None
    assert profile.time.reading.values.iloc[0] == pd.Timestamp("2010-01-01")
    with pytest.raises(RefusedError, match="cannot all be read as %Y"):
        profile_of(read_again, "amount", "day", date_format="%Y")
    with pytest.raises(UsageError, match="--date-format needs --time"):
        profile_of(read_again, "amount", None, date_format="%Y")


def test_the_order_of_the_rows_tells_the_day_from_the_month() -> None:
    days = pd.date_range("2018-01-01", "2020-12-01", freq="MS").strftime("%d/%m/%Y")
    reading = read_times(pd.Series(days))
    assert reading is not None
    assert reading.values.dt.month.tolist() == [*range(1, 13)] * 3
    assert not reading.alternatives


def test_words_are_no_times() -> None:
    assert read_times(pd.Series(["monday", "tuesday"])) is None


@pytest.mark.parametrize(
    ("name", "values", "limits"),
    [
        ("hour", [0, 5, 22], (0, 23)),
        ("start_hour", [0, 5, 22], (0, 23)),
        ("hour", [0, 5, 500], (None, None)),
        ("humidity", [20.5, 100], (0, 100)),
        ("growth", ["1%", "120%"], (None, None)),
        ("rate", ["1%", "12.5%"], (0, 100)),
        ("latitude", [40.5, 41], (-90, 90)),
        ("smokes", [0, 1], (0, 1)),
        ("price", [3.5, 90], (0, None)),
        ("temperature", [3.5, 30], (None, None)),
    ],
)
def test_limits_are_what_the_values_can_be_and_not_what_was_seen(
    name: str, values: list[Any], limits: tuple[float | None, float | None]
) -> None:
    assert hard_limits(column_of(name, pd.Series(values))) == limits


@pytest.mark.parametrize(
    ("values", "numbers", "unit"),
    [
        (["12.5%", "3%"], [12.5, 3], "%"),
        (["$1,234.00", "$5"], [1234, 5], "$"),
        (["-$5.50", "($2.00)"], [-5.5, -2], "$"),
        (["1.234,56 \u20ac", "7,5 \u20ac"], [1234.56, 7.5], "\u20ac"),
        (["1.234,56", "17,20"], [1234.56, 17.2], ""),
        (["1,234", "56"], [1234, 56], ""),
        (["12 km", "3.5 km"], [12, 3.5], "km"),
        (["1 234,50 EUR", "2 EUR"], [1234.5, 2], "EUR"),
        (["1 234", "56"], [1234, 56], ""),
    ],
)
def test_text_of_numbers_with_separators_and_units_is_numbers(
    values: list[str], numbers: list[float], unit: str
) -> None:
    column = column_of("x", pd.Series(values))
    assert column.is_numeric and column.written is not None
    assert column.values.tolist() == numbers
    assert column.written.unit == unit


@pytest.mark.parametrize("values", [["A12", "B7"], ["12 Main St", "3 Oak St"], ["1-2", "3-4"]])
def test_other_text_with_digits_stays_text(values: list[str]) -> None:
    assert column_of("x", pd.Series(values)).kind == "category"


@pytest.mark.parametrize(
    ("mark", "usual"),
    [
        (-200, RNG.normal(20, 5, ROWS)),
        (-200, RNG.uniform(1, 1500, ROWS)),
        (999, RNG.integers(0, 30, ROWS)),
        (-1, RNG.integers(0, 60, ROWS)),
        (0, RNG.uniform(100, 180, ROWS)),
        (-77777, RNG.normal(20, 5, ROWS)),
    ],
)
@pytest.mark.parametrize("target", ["usual", "amount"])
def test_a_frequent_number_far_from_the_rest_is_missing(
    mark: int, usual: np.ndarray, target: str, tmp_path: Path
) -> None:
    values = np.where(np.arange(ROWS) % 8 == 0, mark, usual)
    profile = profiled(tmp_path, target=target, usual=values, more=SIZE[::-1])
    assert any(f"{mark:,}" in found and "missing" in found for found in profile.findings)
    if target == "usual":
        assert profile.rows == ROWS - ROWS / 8
    else:
        (column,) = [column for column in profile.features if column.name == "usual"]
        assert column.values.isna().sum() == ROWS / 8


@pytest.mark.parametrize(
    "values",
    [
        np.where(np.arange(ROWS) % 4 == 0, 0, RNG.exponential(10, ROWS)),
        RNG.integers(-1, 2, ROWS),
        RNG.integers(0, 12, ROWS),
        np.where(np.arange(ROWS) == 3, 999, RNG.integers(0, 30, ROWS)),
    ],
)
def test_a_usual_number_is_not_missing(values: np.ndarray, tmp_path: Path) -> None:
    profile = profiled(tmp_path, usual=values, more=SIZE[::-1])
    assert not any("mark a missing value" in finding for finding in profile.findings)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (AMOUNT, None),
        (np.arange(ROWS), None),
        (np.arange(ROWS) % 11, None),
        (np.arange(ROWS) % 10, list(range(10))),
        (np.clip(np.round(SIZE / 2), 3, 9), None),
        (RNG.poisson(2, ROWS), None),
        (np.arange(ROWS) % 2 + 0.5, [0.5, 1.5]),
        (np.arange(ROWS) % 2 == 0, [False, True]),
        (CLASSES, ["high", "low"]),
    ],
)
def test_numbers_that_take_many_values_are_amounts_and_all_else_is_classes(
    values: np.ndarray, classes: list[Any] | None, tmp_path: Path
) -> None:
    profile = profiled(tmp_path, target="wanted", wanted=values, more=SIZE[::-1])
    assert profile.target.classes == classes
    assert any("wanted is predicted as" in finding for finding in profile.findings)


@pytest.mark.parametrize(
    ("classes", "advice"),
    [
        (
            ["common"] * 9 + ["rare"],
            "; THRESHOLD is 0.1, the share of 'rare', as if errors of both",
        ),
        (["common"] * 8 + ["rare", "other"], ""),
    ],
)
def test_metrics_that_suit_an_imbalanced_target_are_recommended(
    classes: list[str], advice: str, tmp_path: Path
) -> None:
    profile = profiled(tmp_path, target="wanted", wanted=every(classes))
    assert profile.target.metric == "log_loss"
    share = 10 * classes.count("common")
    assert profile.target.threshold == (0.1 if len(set(classes)) == 2 else None)
    found = (
        f"wanted is 'common' in {share}.0% of the rows: evaluate the model by log loss, ROC AUC "
        f"and average precision, not by the share of correct labels{advice}"
    )
    assert any(finding.startswith(found) for finding in profile.findings)


def test_a_balanced_target_has_the_same_metric_and_no_finding(tmp_path: Path) -> None:
    profile = profiled(tmp_path, target="wanted", wanted=CLASSES)
    assert (profile.target.metric, profile.target.threshold) == ("log_loss", 0.5)
    assert not [finding for finding in profile.findings if "% of the rows" in finding]


def test_a_class_of_few_rows_is_told(tmp_path: Path) -> None:
    rare = np.where(np.arange(ROWS) % 10 == 0, "rare", "common")
    findings = profiled(tmp_path, target="wanted", wanted=rare).findings
    assert [finding for finding in findings if "only 20 rows" in finding]
    assert not [finding for finding in findings if "'common' in only" in finding]


def test_errors_are_squared_where_the_median_says_nothing(tmp_path: Path) -> None:
    many_zeros = np.where(np.arange(ROWS) % 2 == 0, 0, AMOUNT)
    assert profiled(tmp_path, target="tip", tip=many_zeros).target.metric == "MSE"
    assert profiled(tmp_path).target.metric == "MAE"


SUSPICIOUS: dict[str, tuple[Any, str]] = {
    "constant": (every([7]), "same in every row"),
    "empty": (np.full(ROWS, np.nan), "empty"),
    "mostly missing": (every([None, None, 1.0, 2.0, None]), "missing in 60%"),
    "numbered": (np.arange(ROWS), "identifier"),
    "customer_id": (RNG.permutation(10**6)[:ROWS], "identifier"),
    "token": ([f"{n:032x}" for n in RNG.integers(0, 2**60, ROWS)], "identifier"),
    "code": ([f"X{n}" for n in RNG.permutation(10**6)[:ROWS]], "identifier"),
    "remark": ([f"a long remark with many words, number {n}" for n in range(ROWS)], "free text"),
    "town": (every([f"town {n}" for n in range(80)]), "too many to learn"),
    "ended": (DAYS, "times"),
    "copied": (SIZE, "the same as size"),
    "churn_reason": (every(["price", "service"]), "after the fact"),
    "in cents": (100 * AMOUNT, "one to one"),
    "logarithm": (np.log(AMOUNT), "one to one"),
    "pieces": (every([[1], [2]]), "neither numbers nor text"),
}
HARMLESS: dict[str, Any] = {
    "few whole numbers": every([1, 2, 3]),
    "some missing": every([None, 1.0, 3.0, 2.0, None]),
    "shuffled": RNG.integers(0, 500, ROWS),
    "customer_id": every(list(RNG.permutation(10**6)[:40])),
    "colour": every(["red", "green", "blue", "red"]),
    "garage": every(["attached", None, None, "attached", "attached"]),
    "short text": every(["a word", "two words", "three words more"]),
    "town": every([f"town {n}" for n in range(25)]),
    "near": AMOUNT + RNG.normal(0, 3, ROWS),
}


@pytest.mark.parametrize("name", SUSPICIOUS)
def test_a_suspicious_column_is_named_and_left_out(name: str, tmp_path: Path) -> None:
    values, reason = SUSPICIOUS[name]
    profile = profiled(tmp_path, **{name: values})
    clean = clean_names([name])[0]
    assert [column.name for column in profile.features] == ["size"]
    assert reason in profile.left_out[clean]
    assert any(f"{clean} was left out" in finding for finding in profile.findings)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_column_is_a_feature(name: str, tmp_path: Path) -> None:
    profile = profiled(tmp_path, **{name: HARMLESS[name]})
    assert profile.left_out == {}
    assert len(profile.features) == 2


@pytest.mark.parametrize(
    ("leak", "reason"),
    [
        (np.where(CLASSES == "high", "h", "l"), "almost every value occurs with one class"),
        (np.where(CLASSES == "high", 1.5, 0.5), "almost every value occurs with one class"),
        (np.where(CLASSES == "high", 100, 0) + AMOUNT, "its own range"),
        (np.where(CLASSES == "high", AMOUNT, np.nan), "whether it is missing"),
    ],
)
def test_a_column_that_gives_the_class_away_is_left_out(
    leak: np.ndarray, reason: str, tmp_path: Path
) -> None:
    profile = profiled(tmp_path, target="wanted", wanted=CLASSES, leak=leak)
    assert reason in profile.left_out["leak"]
    assert profile.left_out.keys() == {"leak"}


def test_a_word_that_gives_the_number_away_is_left_out(tmp_path: Path) -> None:
    town = np.arange(ROWS) % 20
    names = [f"town {n}" for n in town]
    profile = profiled(tmp_path, target="price", price=(town * 7 % 20) * 1.7, town=names)
    assert "it reveals price: every value occurs with one number" in profile.left_out["town"]


TAX, FEE = AMOUNT[::-1] / 7, RNG.normal(9, 3, ROWS)


@pytest.mark.parametrize(
    "parts",
    [
        {"tax": TAX, "fee": FEE, "total": AMOUNT + TAX + FEE},
        {"a": AMOUNT - FEE, "b": FEE},
        {"a": AMOUNT + FEE, "b": FEE},
        {"a": AMOUNT / (1 + FEE**2), "b": 1 + FEE**2},
        {"a": AMOUNT * (1 + FEE**2), "b": 1 + FEE**2},
        {"a": np.round(AMOUNT - TAX), "b": np.round(TAX, 1)},
        {"net": AMOUNT - FEE, "vat": np.round(0.19 * (AMOUNT - FEE), 2), "fee": FEE},
        {"a": np.round(AMOUNT * (1 + FEE**2) ** 2, 3), "b": 1 + FEE**2},
    ],
    ids=["total", "sum", "difference", "product", "ratio", "rounded", "multiple", "square"],
)
def test_the_columns_from_which_the_target_can_be_computed_are_left_out_together(
    parts: dict[str, Any], tmp_path: Path
) -> None:
    profile = profiled(tmp_path, **parts)
    assert profile.left_out.keys() == parts.keys()
    assert all("computed from it and" in reason for reason in profile.left_out.values())


@pytest.mark.parametrize("sign", [-1, 1], ids=["difference", "sum"])
@pytest.mark.parametrize("names", [["no", "yes"], ["lost", "draw", "won"]])
def test_two_columns_whose_difference_or_sum_is_the_class_are_left_out(
    sign: int, names: list[str], tmp_path: Path
) -> None:
    home, guest = RNG.integers(0, 6, (2, ROWS))
    limits = np.quantile(combined := home + sign * guest, np.linspace(0, 1, len(names) + 1)[1:-1])
    result = np.array(names)[np.searchsorted(limits, combined)]
    profile = profiled(tmp_path, target="result", result=result, home=home, guest=guest)
    assert profile.left_out.keys() == {"home", "guest"}


def test_a_range_of_the_target_is_left_out(tmp_path: Path) -> None:
    band = np.array(["low", "middle", "high", "top"])[np.digitize(AMOUNT, [40, 50, 60])]
    assert "one range of numbers" in profiled(tmp_path, band=band).left_out["band"]


def test_a_name_of_what_is_known_afterwards_is_left_out_unless_it_is_known(tmp_path: Path) -> None:
    arrival = RNG.normal(0, 1, ROWS)
    profile = profiled(tmp_path, arrival_delay=arrival)
    assert "known only after the fact" in profile.left_out["arrival_delay"]
    assert profile.afterwards == ("arrival_delay",)
    again = profile_of(profile.table, "amount", None, known_before=("arrival_delay",))
    assert again.left_out == {}


def test_rare_classes_are_merged_or_dropped_and_named(tmp_path: Path) -> None:
    words = np.where(np.arange(ROWS) < 6, "b", CLASSES)
    profile = profiled(tmp_path, target="wanted", wanted=words)
    assert profile.target.classes == ["high", "low"]
    assert profile.rows == ROWS - 6
    assert any("'b' in fewer than 10 rows" in finding for finding in profile.findings)
    merged = np.where(np.arange(ROWS) < 14, np.where(np.arange(ROWS) % 2, "b", "c"), CLASSES)
    profile = profiled(tmp_path, target="wanted", wanted=merged)
    assert profile.target.classes == ["high", "low", "other"]
    assert profile.rows == ROWS
    assert any("merged into 'other'" in finding for finding in profile.findings)


def test_the_task_can_be_chosen(tmp_path: Path) -> None:
    table = pd.DataFrame({"amount": AMOUNT, "kind": np.arange(ROWS) % 5})
    table.to_csv(tmp_path / "rows.csv", index=False)
    read_again = read_table(tmp_path / "rows.csv")
    assert profile_of(read_again, "kind", None, "regression").target.classes is None
    assert profile_of(read_again, "kind", None, "classification").target.classes == [0, 1, 2, 3, 4]
    words = read(tmp_path, "a,b\n" + "".join(f"{n * n % 97},w{n % 3}\n" for n in range(99)))
    with pytest.raises(UsageError, match="--task regression: b contains text"):
        profile_of(words, "b", None, "regression")


def test_rows_without_a_target_are_left_out_and_counted(tmp_path: Path) -> None:
    gaps = np.where(np.arange(ROWS) % 4 == 0, np.nan, AMOUNT)
    profile = profiled(tmp_path, target="gaps", gaps=gaps, amount=SIZE[::-1])
    assert profile.rows == ROWS * 3 / 4
    assert "50 rows without a target (gaps) are left out" in profile.findings


def test_the_most_telling_feature_comes_first(tmp_path: Path) -> None:
    profile = profiled(tmp_path, noise=RNG.normal(0, 1, ROWS), colour=every(["a", "b", "c"]))
    assert profile.features[0].name == "size"


def test_the_time_gives_the_parts_that_differ_between_rows(tmp_path: Path) -> None:
    def parts(times: Any) -> set[str]:
        time = profiled(tmp_path, time="day", day=times).time
        assert time is not None
        return set(time.parts)

    assert parts([2000 + n // 8 for n in range(ROWS)]) == set()
    assert parts(pd.date_range("2001-01-01", periods=ROWS, freq="MS")) == {"month"}
    assert parts(DAYS) == {"hour", "weekday"}
    assert parts(pd.date_range("2026-01-01", periods=ROWS)) == {"weekday"}
    assert parts(pd.date_range("2020-01-01", periods=ROWS, freq="7D 5h")) == {
        *("hour", "weekday", "month")
    }


def test_columns_of_year_month_day_and_hour_are_proposed_and_read_as_the_time(
    tmp_path: Path,
) -> None:
    days = pd.Series(DAYS)
    columns = {one: getattr(days.dt, one) for one in ("year", "month", "day", "hour")}
    profile = profiled(tmp_path, **columns)
    assert profile.proposed_time == "year, month, day, hour"
    assert any("--time year,month,day,hour" in finding for finding in profile.findings)
    profile = profiled(tmp_path, time="year,month,day,hour", **columns)
    assert profile.time is not None
    assert profile.time.reading.values.tolist() == list(DAYS.floor("h"))
    assert profile.left_out["month"] == "it is the month of the time"
    assert {column.name for column in profile.features} == {"size"}


def test_months_may_be_names_and_the_date_of_an_arrival_is_planned(tmp_path: Path) -> None:
    days = pd.Series(DAYS.normalize())
    columns = {
        "arrival_date_year": days.dt.year,
        "arrival_date_month": days.dt.strftime("%B"),
        "arrival_date_day_of_month": days.dt.day,
        "arrival_time": RNG.normal(0, 1, ROWS),
        "year_built": every([1999, 2005, 2011]),
    }
    profile = profiled(tmp_path, **columns)
    assert profile.proposed_time == ", ".join(list(columns)[:3])
    assert profile.afterwards == ("arrival_time",)
    time = profiled(tmp_path, time=",".join(list(columns)[:3]), **columns).time
    assert time is not None
    assert time.reading.values.tolist() == list(days)
    rows = pd.DataFrame(columns)
    read = eval(time.reading.expression, {"pd": pd, "rows": rows})
    assert read.tolist() == list(days)


@pytest.mark.parametrize(
    ("parts", "proposed"),
    [
        ({"YrSold": "year", "MoSold": "month"}, "yr_sold, mo_sold"),
        ({"sale_year": "year", "sale_month": "month", "year": "year"}, "sale_year, sale_month"),
        ({"year_built": "year", "month_sold": "month"}, None),
        ({"birth_year": "year"}, None),
        ({"day_of_week": "day_of_week", "hour": "hour"}, None),
    ],
)
def test_parts_are_of_one_time(parts: dict[str, str], proposed: str | None, tmp_path: Path) -> None:
    months = pd.Series(pd.date_range("2001-01-01", periods=ROWS, freq="MS"))
    columns = {name: getattr(months.dt, part) for name, part in parts.items()}
    assert profiled(tmp_path, **columns).proposed_time == proposed


def test_the_terminal_asks_for_the_order_and_for_what_is_known_afterwards(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {"day": DAYS, "arrival_delay": RNG.normal(0, 1, ROWS), "size": RNG.normal(0, 1, ROWS)}
    )
    rows["amount"] = rows["size"] + RNG.normal(0, 1, ROWS)
    rows.to_csv(tmp_path / "own.csv", index=False)
    own = OwnData(tmp_path / "own.csv", "amount", None, None, None, False)
    with CliRunner().isolation(input="n\ny\n") as (_, asked, _):
        problem = own.read(ask=True)
        said = asked.getvalue().decode()
    assert problem is not None
    assert "Is arrival_delay known only after the fact? [Y/n]" in said
    assert "Order the rows by day, and test on the newest fifth? [Y/n]" in said
    assert 'TIME: str | None = "day"' in problem.problem
    assert not any("arrival_delay was left out" in finding for finding in problem.findings)


def test_a_column_of_times_is_proposed(tmp_path: Path) -> None:
    assert profiled(tmp_path, day=DAYS).proposed_time == "day"
    assert profiled(tmp_path, day=every(list(DAYS[:2]))).proposed_time is None


def test_a_part_of_the_time_takes_no_name_of_a_column(tmp_path: Path) -> None:
    time = profiled(tmp_path, time="day", day=DAYS, hour=every([1.5, 2, 7])).time
    assert time is not None
    assert time.parts["hour"] == "hour_2"


REFUSED: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"wanted": np.full(ROWS, np.nan)}, "wanted", None, "empty in every row"),
    ({"wanted": every(["only"])}, "wanted", None, "'only' in every row"),
    ({"wanted": [True] * ROWS}, "wanted", None, "True in every row"),
    ({"wanted": ["a"] * (ROWS - 9) + ["b"] * 9}, "wanted", None, "1 of its values has at least"),
    ({"wanted": every([f"w{n}" for n in range(99)])}, "wanted", None, "99 different categories"),
    ({"wanted": DAYS}, "wanted", None, "wanted: contains times"),
    ({"wanted": every([[1], [2]])}, "wanted", None, "neither numbers nor text"),
    ({"day": every(["soon", "later"])}, "amount", "day", "cannot all be read as times"),
    ({"day": every(list(DAYS[:2]))}, "amount", "day", "share the newest times"),
    ({"day": np.full(ROWS, None)}, "amount", "day", "empty in every row"),
    (
        {"wanted": ["a"] * 100 + ["b"] * 60 + ["c"] * 40, "day": DAYS},
        *("wanted", "day", "'c' only in the newest fifth"),
    ),
    ({"size": every([1])}, "amount", None, "no column is left"),
]


@pytest.mark.parametrize(
    ("columns", "target", "time", "reason"), REFUSED, ids=lambda it: str(it)[:30]
)
def test_what_cannot_be_learned_is_refused(
    columns: dict[str, Any], target: str, time: str | None, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match=re.escape(reason)):
        profiled(tmp_path, target, time, **columns)


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    lines = "\n".join(f"{n * 1.5},{n * n % 7}" for n in range(49))
    with pytest.raises(RefusedError, match=r"49 rows .* too few"):
        profile_of(read(tmp_path, f"a,b\n{lines}\n"), "a", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("a,b\n", "no rows below its header"),
        ("a,b\n1,2,3\n4,5,6\n", "more values than its header"),
        (b"\x89PNG\0\0", "neither text nor Parquet"),
        (b"PAR1 but no more", "could not be read"),
    ],
)
def test_a_file_that_holds_no_table_is_refused(
    text: str | bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match=reason):
        read(tmp_path, text)


def test_a_file_that_is_not_there_or_is_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="does not exist"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(RefusedError, match="is a folder"):
        read_table(tmp_path)
    with zipfile.ZipFile(tmp_path / "rows.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    with pytest.raises(RefusedError, match="save its sheet as CSV"):
        read_table(tmp_path / "rows.xlsx")
    with zipfile.ZipFile(tmp_path / "rows.zip", "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
        archive.writestr("b.csv", "a,b\n1,2\n")
    with pytest.raises(RefusedError, match="holds 2 files"):
        read_table(tmp_path / "rows.zip")
    for body, reason in [(b"SQLite format 3\0", "database"), (b"\x80\x04\x95", "pickle")]:
        with pytest.raises(RefusedError, match=reason):
            read_table(written(tmp_path, body))


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("rows.csv.gz", "read_csv"),
        ("rows.csv.zip", "read_csv"),
        ("rows.csv.bz2", "read_csv"),
        ("rows.csv.xz", "read_csv"),
        ("rows.arrow", "read_feather"),
        ("rows.feather", "read_feather"),
        ("rows.jsonl", "read_json"),
        ("rows.jsonl.gz", "read_json"),
    ],
)
def test_other_formats_are_read_as_pandas_does(name: str, reader: str, tmp_path: Path) -> None:
    rows, file = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}), tmp_path / name
    match reader:
        case "read_csv":
            rows.to_csv(file, index=False)
        case "read_feather":
            rows.to_feather(file)
        case _:
            rows.to_json(file, orient="records", lines=True)
    table = read_table(file)
    assert table.reader == reader
    assert table.rows.to_dict("list") == rows.to_dict("list")
    (tmp_path / "data").mkdir()
    copied = tmp_path / "data" / table.data_name
    copied.write_bytes(file.read_bytes())
    assert getattr(pd, reader)(copied, **table.options).shape == (3, 2)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n4.7,3.2,Iris-other\n", 3),
        ("1,14.2,1.7\n1,13.2,1.8\n2,13.1,2.4\n", 3),
        ("p,x,s\np,x,t\ne,y,s\n", 3),
    ],
)
def test_a_missing_header_is_noticed(text: str, width: int, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=f"--no-header: .* column_1 to column_{width}"):
        read(tmp_path, text)
    table = read_table(tmp_path / "rows.csv", header=False)
    assert table.rows.shape == (3, width)
    assert table.find_column("1") == "column_1"


@pytest.mark.parametrize(
    "text",
    [
        "country,1990,1991,1992\nA,1,2,3\nB,2,3,4\n",
        "0,1,2,3\n5,2,3,4\n5,3,4,1\n",
        "a,b\n1,a\n2,c\n",
    ],
)
def test_a_header_of_numbers_is_a_header(text: str, tmp_path: Path) -> None:
    assert len(read(tmp_path, text).rows) == 2


def test_words_that_look_like_missing_values_are_kept_where_they_are_words(
    tmp_path: Path,
) -> None:
    table = read(tmp_path, "a,b,c\n1,None,x\n2,NA,y\n,roof,\n")
    assert table.rows["b"].tolist() == ["None", "NA", "roof"]
    assert table.rows["c"].isna().tolist() == [False, False, True]
    assert table.rows["a"].isna().tolist() == [False, False, True]
    table = read(tmp_path, "a,b\n1,NA\nNA,x\n3,y\n")
    assert table.rows["b"].isna().tolist() == [True, False, False]


def test_many_columns_get_few_findings(tmp_path: Path) -> None:
    constant: dict[str, Any] = {f"c{n}": every([n]) for n in range(60)}
    profile = profiled(tmp_path, **constant)
    assert len(profile.findings) < 8
    assert any("60 columns were left out" in finding for finding in profile.findings)


def test_a_column_is_found_by_either_name_and_a_wrong_one_is_answered(tmp_path: Path) -> None:
    lines = "\n".join(f"{n % 17 * 1.5},{n * n % 7}" for n in range(ROWS))
    table = read(tmp_path, f"Total Amount,b\n{lines}\n")
    for name in ("Total Amount", "total_amount", " total amount"):
        assert profile_of(table, name, None).target.name == "total_amount"
    with pytest.raises(RefusedError, match="Did you mean Total Amount"):
        profile_of(table, "TotalAmout", None)
    with pytest.raises(UsageError, match="cannot be both"):
        profile_of(table, "Total Amount", "total_amount")
