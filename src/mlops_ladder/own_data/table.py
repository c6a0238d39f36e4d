"""Read a CSV or Parquet file, however it was written, and say how it is to be read again."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import Refused
from .names import clean_names, file_name

SEPARATORS = [",", ";", "\t", "|"]
FEW_ROWS = 200  # tell the separator
MOST_MARKS = 3  # different words among numbers, such as "?", count as marks of a missing value
MOST_MARKED = 0.5
DECIMAL_COMMA = r"[+-]?\d+(?:,\d+)?"
THOUSANDS = r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[+-]?\d+(?:\.\d+)?"
SPREADSHEETS = {".xls", ".xlsx", ".ods"}


@dataclass(frozen=True)
class Table:
    """The rows, their columns under clean names, and the reading that gives them.

    `options` are the arguments of `pd.read_csv`; a Parquet file has none. `renamed` has the file's
    own names of the columns whose names are not clean. `indexed`
    tells that some columns of a Parquet file are an index to pandas.
    """

    rows: pd.DataFrame
    reader: str
    indexed: bool
    options: dict[str, Any]
    renamed: dict[str, str]
    data_name: str
    findings: list[str]

    def column_called(self, name: str) -> str | None:
        """The clean name of the column that the person means, by the file's name or by ours."""
        known = {column: column for column in self.rows} | self.renamed
        alike = {given.strip().casefold(): clean for given, clean in known.items()}
        return known.get(name, alike.get(name.strip().casefold()))


def read_table(file: Path) -> Table:
    """The file's rows.

    Raises:
        Refused: it is missing, empty, or neither CSV nor Parquet.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise Refused(f"{file} {what}: --from takes a CSV or Parquet file")
    if file.suffix.lower() in SPREADSHEETS:
        raise Refused(f"{file} is a spreadsheet: save it as CSV first")
    try:
        with file.open("rb") as stream:
            start = stream.read(4096)
        if not start.strip(codecs.BOM_UTF8 + b" \t\r\n"):
            raise Refused(f"{file} is empty")
        reader = "read_parquet" if start.startswith(b"PAR1") else "read_csv"
        options = {} if reader == "read_parquet" else csv_options(file, start)
        rows = getattr(pd, reader)(file, **options)
    except Refused:
        raise
    except MemoryError as error:
        raise Refused(f"{file} does not fit into memory: take a part of it") from error
    except OSError as error:
        raise Refused(f"{file} could not be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise Refused(f"{file} could not be read: {first_line}") from error
    if reader == "read_csv" and not rows.index.equals(pd.RangeIndex(len(rows))):
        raise Refused(f"{file} has rows with more values than its header has names")
    indexed = any(name is not None for name in rows.index.names)
    return named(rows.reset_index() if indexed else rows, file, reader, options, indexed)


def named(
    rows: pd.DataFrame, file: Path, reader: str, options: dict[str, Any], indexed: bool
) -> Table:
    """The table, with clean names for its columns."""
    if rows.columns.has_duplicates:
        twice = rows.columns[rows.columns.duplicated()][0]
        raise Refused(f"{file} has more than one column called {twice}: rename one of them")
    if rows.empty:
        raise Refused(f"{file} has no rows below its header")
    given = [str(name) for name in rows.columns]
    clean = clean_names(given)
    renamed = {old: new for old, new in zip(given, clean, strict=True) if old != new}
    findings = [option_finding(name, value) for name, value in options.items()]
    if renamed:
        some = ", ".join(f"{old!r} is {new}" for old, new in list(renamed.items())[:5])
        more = f", and {len(renamed) - 5} more" if len(renamed) > 5 else ""
        findings.append(f"columns got names that suit code: {some}{more}; the file stays as it is")
    ending = ".parquet" if reader == "read_parquet" else ".csv"
    return Table(
        rows=rows.set_axis(clean, axis="columns").reset_index(drop=True),
        reader=reader,
        indexed=indexed,
        options=options,
        renamed=renamed,
        data_name=file_name(file, ending),
        findings=findings,
    )


def option_finding(name: str, value: Any) -> str:
    """What is special about the file, in words."""
    match name:
        case "sep":
            return f"the file separates its values by {value!r}"
        case "encoding":
            return f"the file is no UTF-8, and was read as {value}"
        case "decimal":
            return "the file writes decimal commas"
        case "thousands":
            return "the file groups thousands by commas"
        case _:
            marks = "; ".join(
                f"{column}: {', '.join(map(repr, words))}" for column, words in value.items()
            )
            return f"words among numbers were read as missing values ({marks})"


def csv_options(file: Path, start: bytes) -> dict[str, Any]:
    """How `pd.read_csv` must be called so that the file gives the columns that it means."""
    encoding = encoding_of(file, start)
    options: dict[str, Any] = {} if encoding == "utf-8" else {"encoding": encoding}
    separator = separator_of(file, encoding)
    if separator != ",":
        options["sep"] = separator
    rows = pd.read_csv(file, **options, low_memory=False)
    text = rows.select_dtypes(exclude=["number", "bool"])
    if separator == "," and any(reads_as(text[name], THOUSANDS, ",") for name in text):
        options["thousands"] = ","
    elif separator != "," and any(reads_as(text[name], DECIMAL_COMMA, ",") for name in text):
        options["decimal"] = ","
    if len(options.keys() & {"thousands", "decimal"}):
        rows = pd.read_csv(file, **options, low_memory=False)
        text = rows.select_dtypes(exclude=["number", "bool"])
    marks = {str(name): found for name in text if (found := marks_of(text[name], options))}
    if marks:
        options["na_values"] = marks
    return options


def encoding_of(file: Path, start: bytes) -> str:
    """UTF-8 if the whole file is; else what Windows writes in the west; else Latin-1."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        raise Refused(f"{file} is neither text nor Parquet")
    for encoding in ("utf-8", "cp1252"):
        try:
            with file.open(encoding=encoding) as lines:
                for _ in lines:
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def separator_of(file: Path, encoding: str) -> str:
    """The separator that gives the most columns."""
    widths = {}
    for separator in SEPARATORS:
        try:
            few = pd.read_csv(file, sep=separator, encoding=encoding, nrows=FEW_ROWS)
        except ValueError:
            continue
        widths[separator] = few.shape[1] - 0.5 * isinstance(few.index, pd.MultiIndex)
    return max(widths, key=widths.__getitem__, default=",")


def reads_as(column: pd.Series, pattern: str, sign: str) -> bool:
    """Whether every value of the column is such a number, and some hold the sign."""
    known = column.dropna().astype(str).str.strip()
    return (
        len(known) > 0
        and bool(known.str.fullmatch(pattern).all())
        and bool(known.str.contains(re.escape(sign)).any())
    )


def marks_of(column: pd.Series, options: dict[str, Any]) -> list[str]:
    """The few words that stand among numbers, as "?" does where a value is missing."""
    known = column.dropna().astype(str)
    plain = known.str.strip()
    if "decimal" in options:
        plain = plain.str.replace(",", ".", regex=False)
    words = known[pd.to_numeric(plain, errors="coerce").isna()]
    few = words.nunique() <= MOST_MARKS and len(words) <= MOST_MARKED * len(known)
    return sorted(words.unique()) if few else []
