"""Task 0.1: the duration of rides."""

import pandas as pd


def duration_minutes(pickup: pd.Series, dropoff: pd.Series) -> pd.Series:
    """Return the minutes from pickup to dropoff, with fractions, for each ride."""
    return (dropoff - pickup).dt.total_seconds() // 60
