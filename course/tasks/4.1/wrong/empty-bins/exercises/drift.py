"""Task 4.1: the drift of a feature."""

import numpy as np


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    """Return the population stability index of a numeric feature.

    Ten bins have their inner edges at the deciles of `reference`. With the shares p and q of the
    two samples in each bin, it is the sum of (q - p) * log(q / p). A share of 0 counts as 0.0001.
    """
    edges = np.quantile(reference, np.linspace(0.1, 0.9, 9))
    shares = [
        np.bincount(np.searchsorted(edges, sample, side="right"), minlength=10) / len(sample)
        for sample in (reference, current)
    ]
    p, q = shares
    return float(((q - p) * np.log(q / p)).sum())
