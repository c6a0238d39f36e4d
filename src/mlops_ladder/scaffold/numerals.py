"""Read text such as `12.5%`, `"$1,234.00"` and `1.234,56` as numbers."""

import re
from dataclasses import dataclass

import pandas as pd

MOST_UNREADABLE = 3  # different texts, such as "n/a" or "free"
MOST_SHARE_UNREADABLE = 0.1  # of the values
CURRENCIES = "[$€£¥₹₩₽₺₫]|(?:US|A|C|NZ|HK|S)\\$|R\\$|USD|EUR|GBP|CHF|JPY|INR|CNY|Rs\\.?"
UNITS = (
    "%|‰|°[CF]?|[kmcµ]?m[²³23]?|km/h|mph|kmpl|km/kg|mpg|k?g|mg|lbs?|oz|[mk]?[lL]|cc|CC|ft|in|mi"
    "|h|hrs?|min|mins|s|secs?|ms|k?W|kWh|hp|bhp|[KMGT]B|px|years?|yrs?|months?|days?|hours?|minutes?"
)
PREFIX = rf"(?P<prefix>{CURRENCIES})?\s*"
SUFFIX = rf"\s*(?P<suffix>{CURRENCIES}|{UNITS})?"
ENGLISH = r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?"
CONTINENTAL = r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d+)?"
SPACED = r"(?<=\d)[\s'\u2019\u00a0\u202f](?=\d{3})"


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written in text.

    Parameters
    ----------
    decimal
        The decimal character, a point or a comma.
    unit
        What stands beside every number; empty if nothing does.
    """

    decimal: str
    unit: str

    def read(self, text: pd.Series) -> pd.Series:
        """Return the numbers, NaN where the text is none."""
        bare = text.astype("str").str.replace(r"^\s*\((.*)\)\s*$", r"-\1", regex=True)
        bare = bare.str.replace(rf"[^\d+{self.decimal}-]", "", regex=True)
        return pd.to_numeric(bare.str.replace(self.decimal, ".", regex=False), errors="coerce")


def find_number_format(known: pd.Series) -> NumberFormat | None:
    """Return how numbers are written in text values; None if they are no numbers with a unit."""
    text = known.astype("str").str.strip().str.replace(r"^\((.*)\)$", r"-\1", regex=True)
    text = text.str.replace(r"^([+-])\s*([^\d\s.,+-]+)\s*", r"\2\1", regex=True)  # -$5 is $-5
    is_spaced = bool(text.str.contains(SPACED, regex=True).any())
    text = text.str.replace(SPACED, "", regex=True)
    for decimal, pattern in ((".", ENGLISH), (",", CONTINENTAL)):
        parts = text.str.extract(rf"^{PREFIX}(?P<number>{pattern}){SUFFIX}$")
        is_number = parts["number"].notna() & parts["number"].fillna("").str.contains(r"\d")
        rest = text[~is_number]
        if rest.nunique() > MOST_UNREADABLE or len(rest) > MOST_SHARE_UNREADABLE * len(text):
            continue
        units = {*parts["prefix"].dropna(), *parts["suffix"].dropna()}
        is_grouped = parts["number"].str.contains(r"[.,]\d{3}|,", regex=True).any()
        if len(units) <= 1 and (units or is_grouped or is_spaced):
            return NumberFormat(decimal, next(iter(units), ""))
    return None


def is_percentage(name: str, unit: str) -> bool:
    """Tell whether a column holds percentages, by its unit or its name."""
    return unit == "%" or bool(re.search(r"(^|_)(percent|percentage|pct|humidity)($|_)", name))
