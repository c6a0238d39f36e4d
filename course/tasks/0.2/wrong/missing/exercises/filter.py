"""Task 0.2: the rides to learn from."""

import pandas as pd


def valid_rides(rides: pd.DataFrame, shortest: float, longest: float) -> pd.DataFrame:
    """Return the rides of at least `shortest` and at most `longest` minutes, in their order.

    The column `duration_minutes` has the durations. A ride without one is not valid.
    """
    minutes = rides["duration_minutes"]
    return rides[~((minutes < shortest) | (minutes > longest))]
