"""Read a file of rows, and find the options to read it again."""

import bz2
import codecs
import gzip
import io
import itertools
import lzma
import re
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd

from ..errors import RefusedError
from .names import clean_names, file_name

TAKES = "--from takes CSV, Parquet, Arrow or JSON lines, also compressed"
SEPARATORS = [",", ";", "\t", "|"]
ROWS_FOR_SEPARATOR = 200
MOST_MARKERS = 3  # different texts among numbers, such as "?", that may mark missing values
MOST_MARKED = 0.5  # of the values
DECIMAL_COMMA = r"[+-]?\d+(?:,\d+)?"
THOUSANDS = r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[+-]?\d+(?:\.\d+)?"
NUMBER = r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?"
WORDS = ["NA", "None", "N/A", "n/a"]  # which pandas takes for missing, and people for words
MISSING = ["", "#N/A", "<NA>", "NULL", "NaN", "nan", "null", "-nan", "-NaN", "#NA"]
# The first bytes of files, and how they are compressed or what to do about them.
COMPRESSIONS = {b"\x1f\x8b": ".gz", b"PK\x03\x04": ".zip", b"BZh": ".bz2", b"\xfd7zXZ": ".xz"}
READERS = {b"PAR1": "read_parquet", b"ARROW1": "read_feather"}
SUFFIXES = {"read_parquet": ".parquet", "read_feather": ".arrow", "read_json": ".jsonl"}
PICKLE = "is a pickle, which can run code when it is read. Write its table as Parquet"
OTHERS = {
    b"\xd0\xcf\x11\xe0": "is a spreadsheet. First save its sheet as CSV",
    b"SQLite format 3": "is a database. First export the table as CSV",
    b"\x89HDF": "is an HDF5 file. First write its table as Parquet",
    b"\x28\xb5\x2f\xfd": "is compressed with Zstandard. First decompress it",
    b"\xff\xff\xff\xff": "is an Arrow stream. Write it as an Arrow file, with pyarrow.feather",
    b"ORC": "is an ORC file. First write its table as Parquet",
    b"\x80\x02": PICKLE,
    b"\x80\x03": PICKLE,
    b"\x80\x04": PICKLE,
    b"\x80\x05": PICKLE,
}


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
        The arguments of the reader.
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
    findings: list[str] = field(default_factory=list)

    def find_column(self, name: str) -> str | None:
        """Return the clean name of a column, given that or the file's name, in any case."""
        known = {column: column for column in self.rows} | self.renamed
        folded = {given.strip().casefold(): clean for given, clean in known.items()}
        wanted = f"column_{name}" if "names" in self.options and name.isdigit() else name
        return known.get(wanted, folded.get(wanted.strip().casefold()))


def read_table(file: Path, header: bool = True) -> Table:
    """Read a file.

    Parameters
    ----------
    file
        The file.
    header
        Whether the first line of a CSV file has the names of the columns.

    Raises
    ------
    RefusedError
        The file is missing, empty, or of a format that is not read.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise RefusedError(f"{file}: {what}. {TAKES}")
    try:
        start, compression = read_start(file)
        reader = find_reader(file, start)
        options: dict[str, Any] = {}
        if reader == "read_csv":
            options = find_csv_options(file, start, header)
        elif reader == "read_json":
            options = {"lines": True}
        rows = getattr(pd, reader)(file, **options)
    except RefusedError:
        raise
    except MemoryError as error:
        raise RefusedError(f"{file}: does not fit into memory. Use a part of its rows") from error
    except (ValueError, KeyError, TypeError, NotImplementedError, EOFError) as error:
        first_line = str(error).strip().partition("\n")[0].rstrip(".")
        raise RefusedError(f"{file}: could not be read: {first_line}. {TAKES}") from error
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RefusedError(f"{file}: could not be read: {reason}. Check the file") from error
    if reader == "read_csv" and not rows.index.equals(pd.RangeIndex(len(rows))):
        raise RefusedError(
            f"{file}: rows have more values than its header has names. Complete the header"
        )
    if reader == "read_csv" and header:
        refuse_missing_header(file, rows)
    indexed = any(name is not None for name in rows.index.names)
    rows = rows.reset_index() if indexed else rows
    name = file_name(plain_name(file), SUFFIXES.get(reader, ".csv") + (compression or ""))
    return clean_table(rows, file, Table(rows, reader, indexed, options, {}, name))


def read_start(file: Path) -> tuple[bytes, str | None]:
    """Return the first bytes, decompressed, and the suffix of the compression.

    Raises
    ------
    RefusedError
        It is an archive of several files, a spreadsheet, or empty.
    """
    with file.open("rb") as stream:
        start = stream.read(4096)
    compression = next(
        (one for first, one in COMPRESSIONS.items() if start.startswith(first)), None
    )
    if compression == ".zip":
        names = [one for one in zipfile.ZipFile(file).namelist() if not one.startswith("__MACOSX")]
        if "[Content_Types].xml" in names or "mimetype" in names:
            raise RefusedError(f"{file}: is a spreadsheet. First save its sheet as CSV")
        if len(names) != 1:
            raise RefusedError(f"{file}: holds {len(names)} files. Unpack it, and name one of them")
    if compression:
        if file.suffix.lower() != compression:
            raise RefusedError(f"{file}: is compressed. Name it with the suffix {compression}")
        with open_bytes(file) as stream:
            start = stream.read(4096)
    if not start.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        raise RefusedError(f"{file}: is empty. {TAKES} with rows")
    return start, compression


def open_bytes(file: Path) -> IO[bytes]:
    """Open a file to read its bytes, decompressed by the suffix of its name."""
    match file.suffix.lower():
        case ".gz":
            return cast(IO[bytes], gzip.open(file))
        case ".bz2":
            return bz2.open(file)
        case ".xz":
            return lzma.open(file)
        case ".zip":
            archive = zipfile.ZipFile(file)
            return archive.open(next(one for one in archive.namelist() if "__MACOSX" not in one))
    return file.open("rb")


def find_reader(file: Path, start: bytes) -> str:
    """Return the function of pandas that reads the file, by its first bytes.

    Raises
    ------
    RefusedError
        None does.
    """
    for first, what in OTHERS.items():
        if start.startswith(first):
            raise RefusedError(f"{file}: {what}")
    found = next((reader for first, reader in READERS.items() if start.startswith(first)), None)
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if found is None and text.startswith((b"{", b"[")):
        if text.startswith(b"["):
            raise RefusedError(f"{file}: is one JSON value. Write one object a line, as JSON lines")
        return "read_json"
    return found or "read_csv"


def plain_name(file: Path) -> Path:
    """Return the name of the file without the suffixes of its format and compression."""
    known = {".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather", ".jsonl", ".ndjson", ".json"}
    for suffixes in (set(COMPRESSIONS.values()), known):
        file = file.with_suffix("") if file.suffix.lower() in suffixes else file
    return Path(f"{file.name}.x")


def refuse_missing_header(file: Path, rows: pd.DataFrame) -> None:
    """Refuse a file whose first line has values.

    Raises
    ------
    RefusedError
        It seems to have.
    """
    names = [re.sub(r"\.\d+$", "", n) if n.count(".") != 1 else n for n in map(str, rows)]
    numbers = [re.fullmatch(NUMBER, name) is not None for name in names]
    numeric = [pd.api.types.is_numeric_dtype(rows[column]) for column in rows]
    text = [at for at in range(len(names)) if not numeric[at]]
    known = [at for at in text if names[at].strip() in set(rows.iloc[:, at].astype("str"))]
    over_numbers = [at for at in range(len(names)) if numeric[at]]
    are_values = [at for at in over_numbers if numbers[at] or names[at].startswith("Unnamed: ")]
    counted = [float(names[at].replace(",", ".")) for at in over_numbers if numbers[at]]
    steps = {round(b - a, 9) for a, b in itertools.pairwise(counted)}
    is_whole = all(number == round(number) for number in counted)
    is_series = is_whole and len(steps) == 1 and steps != {0.0}  # such as years
    numeric_header = bool(counted) and len(are_values) == len(over_numbers) and not is_series
    text_header = len(known) >= max(1, len(text) / 2)
    if (numeric_header and (not text or text_header or len(counted) > 2)) or (
        text_header and not over_numbers and len(text) > 1
    ):
        shown = ", ".join(names[:4])
        raise RefusedError(
            f"{file}: its first line seems to hold values ({shown}, ...), not names. Add a line of "
            f"names, or use --no-header: the columns are then column_1 to column_{len(names)}"
        )


def clean_table(rows: pd.DataFrame, file: Path, read: Table) -> Table:
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
    findings = [found for item in read.options.items() if (found := describe_option(*item))]
    if renamed:
        some = ", ".join(f"{old!r} is {new}" for old, new in list(renamed.items())[:5])
        more = f", and {len(renamed) - 5} more" if len(renamed) > 5 else ""
        findings.append(
            f"columns have clean names in the code: {some}{more}; the file is unchanged"
        )
    return replace(
        read,
        rows=rows.set_axis(clean, axis="columns").reset_index(drop=True),
        renamed=renamed,
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
        case "names":
            return f"the file has no header: its columns are column_1 to column_{len(value)}"
        case "keep_default_na":
            return f"{', '.join(WORDS[:2])} and the like are words in this file, not missing values"
        case "na_values" if isinstance(value, dict):
            markers = "; ".join(
                f"{column}: {', '.join(map(repr, texts))}" for column, texts in value.items()
            )
            return f"some texts among numbers are read as missing values ({markers})"
    return ""


def find_csv_options(file: Path, start: bytes, header: bool) -> dict[str, Any]:
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
    if not header:
        width = pd.read_csv(file, **options, header=None, nrows=ROWS_FOR_SEPARATOR).shape[1]
        options |= {"header": None, "names": [f"column_{at + 1}" for at in range(width)]}
    rows = pd.read_csv(file, **options, low_memory=False)
    text = rows.select_dtypes(exclude=["number", "bool"])
    if separator == "," and any(has_format(text[name], THOUSANDS, ",") for name in text):
        options["thousands"] = ","
    elif separator != "," and any(has_format(text[name], DECIMAL_COMMA, ",") for name in text):
        options["decimal"] = ","
    if options.keys() & {"thousands", "decimal"}:
        rows = pd.read_csv(file, **options, low_memory=False)
        text = rows.select_dtypes(exclude=["number", "bool"])
    markers = {str(name): found for name in text if (found := find_markers(text[name], options))}
    if missing := find_missing_texts(file, options, rows):
        options |= {"keep_default_na": False}
        options["na_values"] = [
            *missing,
            *sorted({one for found in markers.values() for one in found}),
        ]
    elif markers:
        options["na_values"] = markers
    return options


def find_missing_texts(file: Path, options: dict[str, Any], rows: pd.DataFrame) -> list[str]:
    """Return the texts that mark missing values, if some that pandas takes for them are words.

    They are words if they stand in columns of text only, and other values mark what is missing.
    """
    gaps = [at for at, name in enumerate(rows) if rows[name].isna().any()]
    texts = [at for at in gaps if rows.iloc[:, at].map(type).eq(str).any()]
    if not texts:
        return []
    kept = {name: value for name, value in options.items() if name not in ("thousands", "decimal")}
    raw = pd.read_csv(file, **kept, dtype="str", keep_default_na=False, usecols=gaps)
    raw = raw.fillna("")
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for at, name in zip(gaps, raw, strict=True):
        found[at in texts] |= {one for one in raw[name].unique() if one in {*WORDS, *MISSING}}
    words = found[True] & set(WORDS) - found[False]
    if not words:
        return []
    return sorted((found[True] | found[False]) - words) or [""]


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
        raise RefusedError(f"{file}: is neither text nor Parquet. {TAKES}")
    for encoding in ("utf-8", "cp1252"):
        try:
            with io.TextIOWrapper(open_bytes(file), encoding=encoding) as lines:
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
