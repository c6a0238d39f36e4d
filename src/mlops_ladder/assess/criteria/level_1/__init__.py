"""Level 1: software as others write it; the model is still trained and released by hand."""

from . import data, delivery, habits, packages, testing

__all__ = ["data", "delivery", "habits", "packages", "testing"]
