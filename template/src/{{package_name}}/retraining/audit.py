"""Show what the loop decided, when and why, and why a model serves: `make audit`.

The journal is verified first: what follows a line that was changed or deleted is not shown.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..errors import UserError, run
from ..serving.bundle import LIVE
from ..serving.store import StoreError, store_url
from .journal import Line, open_journal

# How lines look, by kind; the others are plain.
STYLES = {
    "quiet": "dim",
    "evidence": "dim",
    "left out": "yellow",
    "clock": "yellow",
    "guard": "yellow",
    "alarm refused": "yellow",
    "held": "yellow",
    "refused": "yellow",
    "not promoted": "yellow",
    "failed": "bold red",
    "alarm": "bold red",
    "rollback": "bold magenta",
    "rolled back": "bold magenta",
    "promotion": "green",
    "promoted": "bold green",
    "trusted": "green",
}
FOLDED = {"quiet", "evidence"}  # several in a row are one line of the timeline
CROWNED = {"begun", "promoted", "rolled back"}  # in which a version becomes the champion
STARTS = {*CROWNED, "alarm", "training"}  # where the story of a promotion begins
REFUSALS = {
    "alarm refused",
    "held",
    "refused",
    "not promoted",
    "no training",
    "expired",
    "guard",
    "failed",
}
VERSION = re.compile(r"\bversion (\w+)")
LINEAGE = {
    "data_version": "data",
    "trained_until": "rows up to",
    "git_commit": "code",
    "role": "trained as",
}


class Row(NamedTuple):
    """A line of the timeline, which may stand for several of the journal."""

    time: str
    kind: str
    words: str


def timeline(lines: Sequence[Line]) -> list[Row]:
    """Return lines as rows: quiet days in a row are one, and a policy is named where it begins."""
    rows: list[Row] = []
    policy = ""
    for (now, kind), group in groupby(lines, key=lambda line: (line.policy, line.kind)):
        several = list(group)
        if now and now != policy:
            rows.append(Row(time_of(several[0]), "policy", f"{printable(now)} holds from here on"))
            policy = now
        if kind in FOLDED and len(several) > 1:
            rows.append(Row(time_of(several[-1]), kind, folded(kind, several)))
        else:
            rows += [row_of(line) for line in several]
    return rows


def row_of(line: Line) -> Row:
    """Return a line as a row."""
    return Row(time_of(line), line.kind, printable(words_of(line)))


def words_of(line: Line) -> str:
    """Return the words of a line after the day that they are about, if there is one."""
    day = line.evidence.get("day")
    return f"{day}: {line.words}" if day else line.words


def time_of(line: Line) -> str:
    """Return the time at which a line was written, in UTC."""
    return datetime.fromtimestamp(line.time, UTC).strftime("%Y-%m-%d %H:%M")


def folded(kind: str, lines: Sequence[Line]) -> str:
    """Summarize several lines of a kind."""
    first = lines[0].evidence.get("day") or time_of(lines[0])[:10]
    days = f"{len(lines)} days since {first}"
    if kind == "evidence":
        return f"{days}, at last {printable(lines[-1].words)}"
    residuals = [line.evidence["residual"] for line in lines if line.evidence.get("residual")]
    if not residuals:
        return days
    return f"{days}, residuals from {min(residuals):+.1%} to {max(residuals):+.1%}"


def printable(text: str) -> str:
    """Return the text without control characters: some of it came from outside."""
    return "".join(char if char.isprintable() else " " for char in text)


def champions(lines: Sequence[Line]) -> Iterator[tuple[int, str]]:
    """Yield the lines' indices at which a version became the champion, and the version."""
    for index, line in enumerate(lines):
        found = VERSION.search(line.words)
        if line.kind in CROWNED and found:
            yield index, found[1]


def story(lines: Sequence[Line], version: str) -> dict[str, list[Row]]:
    """Return the reasons why a version became the champion, in rows by heading.

    Raises
    ------
    UserError
        It never was.
    """
    crowned = list(champions(lines))
    own = [index for index, champion in crowned if champion == version]
    if not own:
        known = ", ".join(dict.fromkeys(champion for _, champion in crowned)) or "none"
        raise UserError(f"version {version} has never been the champion here; these were: {known}")
    first = own[0]
    start = start_of(lines, first)
    before = max((index for index, _ in crowned if index < first), default=-1)
    refused = [line for line in lines[before + 1 : start] if line.kind in REFUSALS]
    since = [line for line in lines[first + 1 :] if version in VERSION.findall(line.words)]
    chain = lines[start : first + 1]
    policies = " and ".join(dict.fromkeys(printable(line.policy) for line in chain))
    return {
        f"how it came, by policy {policies}": [
            row for line in chain for row in with_evidence(line)
        ],
        "refused since the champion before": [row_of(line) for line in refused],
        "since then": [row_of(line) for line in since if line.kind not in FOLDED],
    }


def start_of(lines: Sequence[Line], promoted: int) -> int:
    """Return the index of the first line that led to a promotion; its own if none did."""
    if lines[promoted].kind != "promoted":
        return promoted
    earlier = (index for index in range(promoted - 1, -1, -1) if lines[index].kind in STARTS)
    start = next(earlier, promoted)
    return start - 1 if start and lines[start - 1].kind == "asked" else start


def with_evidence(line: Line) -> list[Row]:
    """Return a line, followed by its evidence."""
    evidence = [] if line.kind in FOLDED else evidence_in_words(line.evidence)
    return [row_of(line), *(Row("", "", words) for words in evidence)]


def evidence_in_words(evidence: dict[str, Any]) -> list[str]:
    """Return evidence as text: plain values in one line, and a line for each nested value."""
    told = {key: value for key, value in evidence.items() if key != "day"}
    plain = {key: value for key, value in told.items() if not isinstance(value, dict)}
    deep = {key: value for key, value in told.items() if isinstance(value, dict)}
    first = [in_words(plain)] if plain else []
    return [*first, *(f"{printable(key)}: {in_words(value)}" for key, value in deep.items())]


def in_words(values: dict[str, Any]) -> str:
    """Return values with their names."""
    named = (f"{key or 'all'} {shown(value)}" for key, value in values.items())
    return printable(", ".join(named))


def shown(value: Any) -> str:
    """Return a value with few digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return "; ".join(map(shown, value)) or "nothing"
    return f"({in_words(value)})" if isinstance(value, dict) else str(value)


def origin_of(lines: Sequence[Line], version: str) -> list[Row]:
    """Return the data and the code of a version, as far as the journal has them."""
    for line in reversed(lines):
        for origin in line.evidence.values():
            if isinstance(origin, dict) and origin.get("version") == version:
                told = {words: origin[tag] for tag, words in LINEAGE.items() if origin.get(tag)}
                return [Row("", words, printable(str(value))) for words, value in told.items()]
    return []


def show(console: Console, rows: Sequence[Row]) -> None:
    """Print rows: as a table in a terminal, otherwise as lines that programs can read."""
    if not console.is_terminal:
        for row in rows:
            line = f"  {row.time:16}  {row.kind:12}  {row.words}".rstrip()
            console.print(Text(line), soft_wrap=True)
        return
    table = Table.grid(padding=(0, 2))
    for width in (16, 12, None):
        table.add_column(min_width=width, overflow="fold")
    day = "no day yet"
    for row in rows:
        style = STYLES.get(row.kind, "" if row.time else "dim")
        time = Text(row.time.removeprefix(day).rjust(len(row.time)), "dim")
        table.add_row(time, Text(row.kind, style), Text(row.words, style))
        day = row.time[:10] or day
    console.print(Padding(table, (0, 2)))


def head(console: Console, words: str, style: str = "bold") -> None:
    """Print a heading."""
    console.print(Text(words, style), soft_wrap=True)


def tell(console: Console, lines: Sequence[Line], version: str | None) -> None:
    """Print the timeline, unless a version is given, and why it, or the champion, serves."""
    champion = [champion for _, champion in champions(lines)][-1:]
    if version is None:
        head(console, f"Decisions of the loop, {len(lines)} lines (times are UTC)")
        show(console, timeline(lines))
        console.print()
    for asked in [version] if version else champion:
        chapters = story(lines, asked)
        serves = "is the champion" if [asked] == champion else "was the champion"
        head(console, f"Version {asked} {serves}")
        show(console, origin_of(lines, asked))
        for heading, rows in chapters.items():
            if rows:
                head(console, heading, "italic")
                show(console, rows)


def read_lines() -> tuple[list[Line], int | None]:
    """Return all lines of the journal, and the number of the first that was changed.

    Raises
    ------
    UserError
        It cannot be read.
    """
    try:
        with closing(open_journal(store_url())) as journal:
            journal.check_tail(LIVE)
            return journal.lines(), journal.broken()
    except StoreError as error:
        raise UserError(f"the journal cannot be read: {error}") from error


def main() -> None:
    """Print the audit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="tell why this version serves, or served")
    version = parser.parse_args().version
    lines, broken = read_lines()
    console = Console(highlight=False, emoji=False)
    if broken is not None:
        show(console, timeline([line for line in lines if line.number < broken]))
        raise UserError(
            f"line {broken} of the journal was changed, or lines before it are missing: lines from "
            "there on prove nothing. Compare the journal with a backup of the database"
        )
    if not lines:
        raise UserError("the loop has not decided anything yet: run make tick")
    tell(console, lines, version)


if __name__ == "__main__":
    run(main)
