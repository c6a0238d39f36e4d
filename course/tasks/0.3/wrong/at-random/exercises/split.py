"""Task 0.3: rows to train with, and later rows to test with."""

import pandas as pd


def split(rides: pd.DataFrame, cut: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the training set, picked up before `cut`, and the test set, from `cut` on.

    The column `pickup_time` has the times; the rides are in no order.
    """
    train = rides.sample(frac=0.8, random_state=0)
    return train, rides.drop(train.index)
