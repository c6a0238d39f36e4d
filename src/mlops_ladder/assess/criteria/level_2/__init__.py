"""Level 2: training is automatic, tracked and versioned; a person releases."""

from . import judging, repeating, tracking, training, versions

__all__ = ["judging", "repeating", "tracking", "training", "versions"]
