"""Level 3: a model that passes its gates is deployed by itself; people hear when it does badly."""

from . import deployment, gates, records, serving, watching

__all__ = ["deployment", "gates", "records", "serving", "watching"]
