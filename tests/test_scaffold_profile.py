"""Tests of profiling the user's file: what is found in it, and which files are refused."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlops_ladder.errors import RefusedError, UsageError
from mlops_ladder.scaffold.columns import allowed_range, column_of
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


def test_a_day_and_a_month_that_could_change_places_are_told(tmp_path: Path) -> None:
    times = [f"0{1 + i % 9}/0{1 + i % 8}/2026" for i in range(ROWS)]
    profile = profiled(tmp_path, time="day", day=times)
    assert any("day or the month first" in finding for finding in profile.findings)


def test_words_are_no_times() -> None:
    assert read_times(pd.Series(["monday", "tuesday"])) is None


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([4.3, 7.9], (2, 10)),
        ([0, 1], (0, 1)),
        ([-3, 7], (-10, 20)),
        ([0.001, 0.009], (0, 0.013)),
        ([1000, 90_000], (0, 140_000)),
    ],
)
def test_limits_are_wider_than_what_was_seen_and_never_below_zero_without_need(
    values: list[float], limits: tuple[float, float]
) -> None:
    assert allowed_range(column_of("x", pd.Series(values))) == limits


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (AMOUNT, None),
        (np.arange(ROWS), None),
        (np.arange(ROWS) % 11, None),
        (np.arange(ROWS) % 10, list(range(10))),
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
        (["common"] * 9 + ["rare"], ", and choose THRESHOLD by the costs of errors"),
        (["common"] * 8 + ["rare", "other"], ""),
    ],
)
def test_metrics_that_suit_an_imbalanced_target_are_recommended(
    classes: list[str], advice: str, tmp_path: Path
) -> None:
    profile = profiled(tmp_path, target="wanted", wanted=every(classes))
    assert profile.target.metric == "log_loss"
    share = 10 * classes.count("common")
    assert (
        f"wanted is 'common' in {share}.0% of the rows: evaluate the model by log loss, ROC AUC "
        f"and average precision, not by the share of correct labels{advice}"
    ) in profile.findings


def test_a_balanced_target_has_the_same_metric_and_no_finding(tmp_path: Path) -> None:
    profile = profiled(tmp_path, target="wanted", wanted=CLASSES)
    assert profile.target.metric == "log_loss"
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


def test_the_total_of_which_the_target_is_a_part_is_left_out(tmp_path: Path) -> None:
    tax, fee = AMOUNT[::-1] / 7, RNG.normal(9, 3, ROWS)
    profile = profiled(tmp_path, tax=tax, fee=fee, total=AMOUNT + tax + fee)
    assert profile.left_out.keys() == {"total"}
    assert "computed from it and" in profile.left_out["total"]
    assert "fee" in profile.left_out["total"]


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

    assert parts(DAYS) == {"hour", "weekday"}
    assert parts(pd.date_range("2026-01-01", periods=ROWS)) == {"weekday"}
    assert parts(pd.date_range("2020-01-01", periods=ROWS, freq="7D 5h")) == {
        *("hour", "weekday", "month")
    }


def test_a_part_of_the_time_takes_no_name_of_a_column(tmp_path: Path) -> None:
    time = profiled(tmp_path, time="day", day=DAYS, hour=every([1.5, 2, 7])).time
    assert time is not None
    assert time.parts["hour"] == "hour_2"


REFUSED: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"wanted": np.full(ROWS, np.nan)}, "wanted", None, "empty in every row"),
    ({"wanted": every(["only"])}, "wanted", None, "'only' in every row"),
    ({"wanted": [True] * ROWS}, "wanted", None, "True in every row"),
    ({"wanted": ["a"] * (ROWS - 9) + ["b"] * 9}, "wanted", None, "'b' in fewer than 10 rows"),
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
    with pytest.raises(RefusedError, match="save it as CSV"):
        read_table(written(tmp_path, "x", "rows.xlsx"))


def test_a_column_is_found_by_either_name_and_a_wrong_one_is_answered(tmp_path: Path) -> None:
    lines = "\n".join(f"{n % 17 * 1.5},{n * n % 7}" for n in range(ROWS))
    table = read(tmp_path, f"Total Amount,b\n{lines}\n")
    for name in ("Total Amount", "total_amount", " total amount"):
        assert profile_of(table, name, None).target.name == "total_amount"
    with pytest.raises(RefusedError, match="Did you mean Total Amount"):
        profile_of(table, "TotalAmout", None)
    with pytest.raises(UsageError, match="cannot be both"):
        profile_of(table, "Total Amount", "total_amount")
