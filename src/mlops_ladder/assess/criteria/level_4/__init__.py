"""Level 4: production itself says when to retrain, and policy decides what serves."""

from . import promotion, retraining, signals, upkeep

__all__ = ["promotion", "retraining", "signals", "upkeep"]
