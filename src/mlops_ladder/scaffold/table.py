"""Read a CSV or Parquet file, and find the options to read it again."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import RefusedError
from .names import clean_names, file_name

SEPARATORS = [",", ";", "\t", "|"]
ROWS_FOR_SEPARATOR = 200
MOST_MARKERS = 3  # different texts among numbers, such as "?", that may mark missing values
MOST_MARKED = 0.5  # of the values
DECIMAL_COMMA = r"[+-]?\d+(?:,\d+)?"
THOUSANDS = r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[+-]?\d+(?:\.\d+)?"
SPREADSHEETS = {".xls", ".xlsx", ".ods"}


@dataclass(frozen=True)
class Table:
    """The rows of a file, and how to read them.

    Parameters
    ----------
    rows
        The rows, with clean column names.
    reader
        The function of pandas that reads the file.
    indexed
        True if some columns of a Parquet file are an index in pandas.
    options
        The arguments of the reader; empty for Parquet.
    renamed
        The clean name of each column that is named differently in the file.
    data_name
        The name of the file in the project's `data/`.
    findings
        What was found, in sentences for the user.
    """

    rows: pd.DataFrame
    reader: str
    indexed: bool
    options: dict[str, Any]
    renamed: dict[str, str]
    data_name: str
    findings: list[str]

    def find_column(self, name: str) -> str | None:
        """Return the clean name of a column, given that or the file's name, in any case."""
        known = {column: column for column in self.rows} | self.renamed
        folded = {given.strip().casefold(): clean for given, clean in known.items()}
        return known.get(name, folded.get(name.strip().casefold()))


def read_table(file: Path) -> Table:
    """Read a file.

    Raises
    ------
    RefusedError
        The file is missing, empty, or neither CSV nor Parquet.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise RefusedError(f"{file}: {what}. --from takes a CSV or Parquet file")
    if file.suffix.lower() in SPREADSHEETS:
        raise RefusedError(f"{file}: is a spreadsheet. First save it as CSV")
    try:
        with file.open("rb") as stream:
            start = stream.read(4096)
        if not start.strip(codecs.BOM_UTF8 + b" \t\r\n"):
            raise RefusedError(f"{file}: is empty. --from takes a CSV or Parquet file with rows")
        reader = "read_parquet" if start.startswith(b"PAR1") else "read_csv"
        options = {} if reader == "read_parquet" else find_csv_options(file, start)
        rows = getattr(pd, reader)(file, **options)
    except RefusedError:
        raise
    except MemoryError as error:
        raise RefusedError(f"{file}: does not fit into memory. Use a part of its rows") from error
    except OSError as error:
        raise RefusedError(
            f"{file}: could not be read: {error.strerror or error}. Check its permissions"
        ) from error
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        first_line = str(error).strip().partition("\n")[0].rstrip(".")
        raise RefusedError(
            f"{file}: could not be read: {first_line}. --from takes a CSV or Parquet file"
        ) from error
    if reader == "read_csv" and not rows.index.equals(pd.RangeIndex(len(rows))):
        raise RefusedError(
            f"{file}: rows have more values than its header has names. Complete the header"
        )
    indexed = any(name is not None for name in rows.index.names)
    return clean_table(rows.reset_index() if indexed else rows, file, reader, options, indexed)


def clean_table(
    rows: pd.DataFrame, file: Path, reader: str, options: dict[str, Any], indexed: bool
) -> Table:
    """Give the columns clean names.

    Raises
    ------
    RefusedError
        Two columns have the same name, or there are no rows.
    """
    if rows.columns.has_duplicates:
        twice = rows.columns[rows.columns.duplicated()][0]
        raise RefusedError(f"{file}: more than one column is named {twice}. Rename one of them")
    if rows.empty:
        raise RefusedError(f"{file}: has no rows below its header. --from takes a file with rows")
    given = [str(name) for name in rows.columns]
    clean = clean_names(given)
    renamed = {old: new for old, new in zip(given, clean, strict=True) if old != new}
    findings = [describe_option(name, value) for name, value in options.items()]
    if renamed:
        some = ", ".join(f"{old!r} is {new}" for old, new in list(renamed.items())[:5])
        more = f", and {len(renamed) - 5} more" if len(renamed) > 5 else ""
        findings.append(
            f"columns have clean names in the code: {some}{more}; the file is unchanged"
        )
    suffix = ".parquet" if reader == "read_parquet" else ".csv"
    return Table(
        rows=rows.set_axis(clean, axis="columns").reset_index(drop=True),
        reader=reader,
        indexed=indexed,
        options=options,
        renamed=renamed,
        data_name=file_name(file, suffix),
        findings=findings,
    )


def describe_option(name: str, value: Any) -> str:
    """Describe an option that the file needs to be read."""
    match name:
        case "sep":
            return f"the separator of values is {value!r}"
        case "encoding":
            return f"the file is not UTF-8; it is read as {value}"
        case "decimal":
            return "numbers have decimal commas"
        case "thousands":
            return "numbers have commas between thousands"
        case _:
            markers = "; ".join(
                f"{column}: {', '.join(map(repr, texts))}" for column, texts in value.items()
            )
            return f"some texts among numbers are read as missing values ({markers})"


def find_csv_options(file: Path, start: bytes) -> dict[str, Any]:
    """Find the arguments of `pd.read_csv` that the file needs.

    Raises
    ------
    RefusedError
        The file is not text.
    """
    encoding = detect_encoding(file, start)
    options: dict[str, Any] = {} if encoding == "utf-8" else {"encoding": encoding}
    separator = detect_separator(file, encoding)
    if separator != ",":
        options["sep"] = separator
    rows = pd.read_csv(file, **options, low_memory=False)
    text = rows.select_dtypes(exclude=["number", "bool"])
    if separator == "," and any(has_format(text[name], THOUSANDS, ",") for name in text):
        options["thousands"] = ","
    elif separator != "," and any(has_format(text[name], DECIMAL_COMMA, ",") for name in text):
        options["decimal"] = ","
    if len(options.keys() & {"thousands", "decimal"}):
        rows = pd.read_csv(file, **options, low_memory=False)
        text = rows.select_dtypes(exclude=["number", "bool"])
    markers = {str(name): found for name in text if (found := find_markers(text[name], options))}
    if markers:
        options["na_values"] = markers
    return options


def detect_encoding(file: Path, start: bytes) -> str:
    """Return UTF-16 by its byte-order mark, else the first of UTF-8, cp1252 and Latin-1 that fits.

    Raises
    ------
    RefusedError
        The file is not text.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        raise RefusedError(
            f"{file}: is neither text nor Parquet. --from takes a CSV or Parquet file"
        )
    for encoding in ("utf-8", "cp1252"):
        try:
            with file.open(encoding=encoding) as lines:
                for _ in lines:
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def detect_separator(file: Path, encoding: str) -> str:
    """Return the separator that gives the most columns in the first rows."""
    widths = {}
    for separator in SEPARATORS:
        try:
            rows = pd.read_csv(file, sep=separator, encoding=encoding, nrows=ROWS_FOR_SEPARATOR)
        except ValueError:
            continue
        # an index of several columns means that rows have more values than the header has names
        widths[separator] = rows.shape[1] - 0.5 * isinstance(rows.index, pd.MultiIndex)
    return max(widths, key=widths.__getitem__, default=",")


def has_format(column: pd.Series, pattern: str, character: str) -> bool:
    """Tell whether all values match the pattern, and some contain the character."""
    known = column.dropna().astype(str).str.strip()
    return (
        len(known) > 0
        and bool(known.str.fullmatch(pattern).all())
        and bool(known.str.contains(re.escape(character)).any())
    )


def find_markers(column: pd.Series, options: dict[str, Any]) -> list[str]:
    """Return the missing-value markers of a column: a few different texts among numbers."""
    known = column.dropna().astype(str)
    numbers = known.str.strip()
    if "decimal" in options:
        numbers = numbers.str.replace(",", ".", regex=False)
    texts = known[pd.to_numeric(numbers, errors="coerce").isna()]
    are_markers = texts.nunique() <= MOST_MARKERS and len(texts) <= MOST_MARKED * len(known)
    return sorted(texts.unique()) if are_markers else []
